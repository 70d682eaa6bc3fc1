"""The control API: partners, settings, faults, drivers, waiting."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from fake_hubject.control import ControlApi
from tests.hub.stage import EMP, EVCO, EVSE, OPERATOR, Stage, data_push, data_record, status_push


class _Client:
    def __init__(self, control: ControlApi, session: aiohttp.ClientSession) -> None:
        self.control, self.session = control, session

    async def __call__(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token or self.control.token}"}
        async with self.session.request(method, self.control.url + path, json=body, headers=headers) as reply:
            return reply.status, await reply.json()


@pytest.fixture
async def control(stage: Stage) -> AsyncIterator[_Client]:
    """A control API of the staged hub and a client for it."""
    async with ControlApi(stage.hub) as api, aiohttp.ClientSession() as session:
        yield _Client(api, session)


async def test_token_and_loopback(stage: Stage, control: _Client) -> None:
    """Without the token nothing is done; other addresses than loopback are refused."""
    assert (await control("GET", "/partners", token="guess"))[0] == 401
    with pytest.raises(ValueError, match="loopback"):
        ControlApi(stage.hub, host="0.0.0.0")


async def test_partners_change_while_running(stage: Stage, control: _Client) -> None:
    """Partners can be added, changed and removed; tempers and contracts included."""
    put = await control("PUT", "/partners/DE-NEW", {"kind": "emp", "temper": {"code": "102", "delay_s": 0}})
    assert put[0] == 200
    assert stage.hub.partners["DE-NEW"].temper.code == "102"
    await control("PATCH", f"/partners/{OPERATOR}", {"contracts": ["EvseStatus"]})
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "210"
    assert (await control("DELETE", "/partners/DE-NEW"))[0] == 200
    assert stage.hub.partners.get("DE-NEW") is None


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("PATCH", "/settings", {"prot": 1}, "prot"), ("PATCH", "/partners/DE-NIL", {}, "no partner DE-NIL"),
        ("PUT", "/partners/DE-X", {"contracts": ["Tea"]}, "no service Tea"), ("POST", "/faults", {"nam": "x"}, "nam"),
        ("POST", "/faults", {}, "name: is missing"), ("POST", "/faults", {"name": "x", "direction": "up"}, "direction"),
        ("DELETE", "/faults/none", None, "no fault"), ("POST", "/wait", {"operation": "Tea"}, "Tea"),
        ("POST", "/remote-start", {"provider_id": EMP}, "evse_id"), ("POST", "/wait", [1], "not a JSON object"),
        ("POST", "/remote-start", {"provider_id": EMP, "evse_id": EVSE, "evco_id": EVCO, "variant": "tea"}, "no variant"),
    ],
)  # fmt: skip
async def test_mistakes_are_explained(control: _Client, method: str, path: str, body: Any, words: str) -> None:
    """One sentence that names the field."""
    status, answer = await control(method, path, body)
    assert status == 400
    assert words in answer["error"]


async def test_faults_drivers_and_waiting(stage: Stage, control: _Client) -> None:
    """A test in another language can arm a fault, drive a session and wait for a message."""
    await control("POST", "/faults", {"name": "f", "operation": "PushEvseData", "http_status": 503})
    assert (await stage.call("PushEvseData", data_push(data_record()))).status == 503
    assert (await control("DELETE", "/faults/f"))[1]["fired"] == 1
    await stage.publish()
    started = (await control("POST", "/remote-start", {"provider_id": EMP, "evse_id": EVSE, "evco_id": EVCO}))[1]
    assert started["accepted"]
    stop = {"provider_id": EMP, "session_id": started["session_id"]}
    assert (await control("POST", "/remote-stop", stop))[1]["accepted"]
    found = await control("POST", "/wait", {"operation": "AuthorizeRemoteStart", "since": 0, "evse_id": EVSE})
    assert (found[0], found[1]["body"]["EvseID"]) == (200, EVSE)
    missed = await control("POST", "/wait", {"operation": "ChargeDetailRecord", "within": 0.05, "since": 0})
    assert missed[0] == 408
    assert "seen instead: " in missed[1]["error"]
    assert "AuthorizeRemoteStop" in missed[1]["error"]
    assert (await control("GET", f"/evse-data/{OPERATOR}"))[1][0]["EvseID"] == EVSE
    assert len((await control("GET", "/sessions"))[1]) == 1
    assert len((await control("GET", "/exchanges?after=2"))[1]) == 2


async def test_what_was_valid_at_a_time(stage: Stage, control: _Client) -> None:
    """Data and status as they were at a second of the recording; without `at`, as they are."""
    before = stage.recorder.now()
    await stage.publish()
    await stage.call("PushEvseStatus", status_push((EVSE, "Available")))
    between = stage.recorder.now()
    await stage.call("PushEvseStatus", status_push((EVSE, "Occupied")))
    await stage.call("PushEvseData", data_push(data_record()))
    data, status = f"/evse-data/{OPERATOR}", f"/evse-status/{OPERATOR}"
    assert [len((await control("GET", data + at))[1]) for at in (f"?at={before}", f"?at={between}", "")] == [0, 2, 1]
    assert (await control("GET", f"{status}?at={between}"))[1] == {EVSE: "Available"}
    assert (await control("GET", status))[1] == {EVSE: "Occupied"}
    told = await control("GET", f"{status}?at=noon")
    assert (told[0], told[1]["error"].split()[0]) == (400, "at:")


async def test_the_hub_describes_itself(stage: Stage, control: _Client) -> None:
    """OpenAPI, made from the models, with the address of this hub."""
    status, document = await control("GET", "/openapi.json")
    assert (status, document["servers"]) == (200, [{"url": stage.hub.url}])
    assert "/api/oicp/cdrmgmt/v22/operators/{operatorID}/charge-detail-record" in document["paths"]


async def test_settings_down_and_up(stage: Stage, control: _Client) -> None:
    """Settings are changed and observed; the hub goes down and comes up."""
    assert (await control("PATCH", "/settings", {"processing_s": 0.01}))[1]["processing_s"] == 0.01
    assert stage.recorder.observations[-1].data == {"setting": "processing_s", "value": 0.01}
    await control("POST", "/down")
    with pytest.raises(aiohttp.ClientConnectorError):
        await stage.publish()
    assert (await control("POST", "/up"))[1]["url"] == stage.hub.url
    await stage.publish()
