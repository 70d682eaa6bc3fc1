"""The operations API: full loads, decommission, update; and the regular full load."""

import json
from pathlib import Path
from typing import Any

import aiohttp

from tests.cpo.doubles import Stage, fleet, free_port, record, running_cpo, stage

EVSE, OTHER = "DE*ABC*E1001*1", "DE*ABC*E1002*1"


async def ask(
    port: int, path: str, body: Any = None, method: str = "POST", raw: bytes | None = None
) -> tuple[int, Any]:
    """HTTP status and answer."""
    data = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"http://127.0.0.1:{port}{path}", data=data) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


def last(where: Stage, operation: str) -> Any:
    """The last push."""
    return where.hub.of(operation)[-1].body


async def test_every_hook_does_what_it_says(tmp_path: Path) -> None:
    """Full loads on demand; update goes out at once as update; decommission as delete, and no status follows."""
    port = free_port()
    async with stage(tmp_path, fleet(3), "--operations-port", str(port)) as where, running_cpo(where):
        await where.hub.receives("PushEvseStatus")
        assert (await ask(port, "/push-evse-data"))[0] == 200
        assert last(where, "PushEvseData")["ActionType"] == "fullLoad"
        assert (await ask(port, "/push-evse-status"))[0] == 200
        assert last(where, "PushEvseStatus")["ActionType"] == "fullLoad"
        status, answer = await ask(port, "/update", {"evse_id": EVSE, "data_record": {"IsOpen24Hours": False}})
        assert (status, answer) == (200, {"pushed": True})
        pushed = last(where, "PushEvseData")
        assert pushed["ActionType"] == "update"
        assert pushed["OperatorEvseData"]["EvseDataRecord"][0] == record(EVSE, IsOpen24Hours=False)
        assert (await ask(port, "/decommission", {"evse_id": "deabce10021"}))[0] == 200
        assert last(where, "PushEvseData")["ActionType"] == "delete"
        assert (await ask(port, "/retire", {"evse_id": EVSE}))[0] == 202
        assert last(where, "PushEvseData")["ActionType"] == "delete"
        await ask(port, "/push-evse-data")
        await ask(port, "/push-evse-status")
        ids = [r["EvseID"] for r in last(where, "PushEvseData")["OperatorEvseData"]["EvseDataRecord"]]
        statuses = [r["EvseID"] for r in last(where, "PushEvseStatus")["OperatorEvseStatus"]["EvseStatusRecord"]]
        assert ids == statuses == ["DE*ABC*E1003*1"]
        assert (await where.start(OTHER))["StatusCode"]["Code"] == "603"
        assert (await ask(port, "/health", method="GET"))[1]["at_hub"] == 1
        assert not any(got.overlap for got in where.hub.got)


async def test_wrong_requests_get_a_sentence(tmp_path: Path) -> None:
    """No JSON, unknown EVSE, no record, another id, too large, unknown path, wrong method."""
    port = free_port()
    async with stage(tmp_path, fleet(1), "--operations-port", str(port)) as where, running_cpo(where):
        cases = [
            (await ask(port, "/update", raw=b"{"), 400),
            (await ask(port, "/update", {"evse_id": "DE*ABC*E9"}), 404),
            (await ask(port, "/update", {"evse_id": EVSE, "data_record": 1}), 422),
            (await ask(port, "/update", {"evse_id": EVSE, "data_record": {"EvseID": OTHER}}), 422),
            (await ask(port, "/update", raw=b"x" * 100_000), 413),
            (await ask(port, "/nowhere"), 404),
            (await ask(port, "/update", method="GET"), 405),
        ]
    for (status, answer), wanted in cases:
        assert status == wanted
        assert answer["error"]


async def test_full_loads_come_regularly(tmp_path: Path) -> None:
    """Data and status, each by itself, with the configured interval."""
    async with stage(tmp_path, fleet(1), "--full-load-interval", "0.5") as where, running_cpo(where):
        await where.hub.receives("PushEvseData", 3)
        await where.hub.receives("PushEvseStatus", 3)
    assert {got.body["ActionType"] for got in where.hub.got} == {"fullLoad"}
