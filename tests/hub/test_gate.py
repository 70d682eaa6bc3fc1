"""In front of the services: shapes of answers, paths, limits, maintenance, and everything that tries to break the hub."""

import asyncio
import gzip
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import uuid
import zlib
from pathlib import Path
from typing import Any

import pytest

from fake_hubject.certificates import Authority
from oicp.services import OPERATIONS
from tests.hub.coverage import covers
from tests.hub.stage import EMP, EVSE, OPERATOR, Stage, cdr, data_push, data_record, staged, status_push


@covers("HUB-006")
async def test_validation_list(stage: Stage) -> None:
    """HTTP 400 with field references in lower camel case; no StatusCode."""
    bad = data_record(HotlinePhoneNumber="030 123", ChargingStationNames=[])
    reply = await stage.call("PushEvseData", data_push(data_record(EVSE.replace("1001", "9")), bad))
    assert reply.status == 400
    assert reply.json["message"] == "Error parsing/validating JSON."
    rows = {r["fieldReference"]: r["errorMessage"] for r in reply.json["validationErrors"]}
    assert "operatorEvseData.evseDataRecord[1].hotlinePhoneNumber" in rows
    assert rows["operatorEvseData.evseDataRecord[1].chargingStationNames"] == "may not be empty"
    assert "StatusCode" not in reply.json


@covers("HUB-006")
@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"nul", b"\xff\xfe", b'{"a":' * 50_000])
async def test_unreadable_bodies(stage: Stage, raw: bytes) -> None:
    """Bytes that are no JSON object: HTTP 400 with the reason in the message."""
    reply = await stage.call("PushEvseData", None, raw=raw)
    assert reply.status == 400
    assert reply.json["message"].startswith("Error parsing/validating JSON.")
    assert stage.recorder.exchanges[-1].request.body == raw


@covers("HUB-007")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/evsepush/v23/operators/DE*ABC/status-records"), ("POST", "/"), ("POST", "/x?y=1"),
        ("GET", "/evsepush/v23/operators/DE*ABC/data-records"), ("PUT", "/evsepush/v23/operators/DE*ABC/data-records"),
    ],
)  # fmt: skip
async def test_unknown_paths(stage: Stage, method: str, path: str) -> None:
    """001 with the path, no Result, and recorded as no operation."""
    reply = await stage.send(path, {}, method=method)
    assert reply.short == (404, "001")
    assert (
        reply.json["StatusCode"]["Description"] == f"OICP service not found for URI: /api/oicp{path.partition('?')[0]}"
    )
    assert "Result" not in reply.json
    seen = stage.recorder.exchanges[-1]
    assert (seen.operation, seen.request.method, seen.request.target) == (None, method, f"/api/oicp{path}")


@covers("HUB-010", "HUB-011", "HUB-065")
async def test_headers(stage: Stage) -> None:
    """A fresh Process-ID on every answer, content types that vary, and a name that is not Hubject's."""
    replies = [await stage.call("PushEvseData", data_push(data_record())) for _ in range(4)]
    replies += [await stage.send("/nowhere", {}) for _ in range(4)]
    assert len({uuid.UUID(r.headers["Process-ID"]) for r in replies}) == 8
    assert len({r.headers["Content-Type"] for r in replies}) > 2
    assert any("ISO-8859-1" in r.headers["Content-Type"] for r in replies[4:])
    assert all("not Hubject" in r.headers["Server"] for r in replies)
    await stage.started()
    assert "not Hubject" in stage.cpo.requests[-1][1]["X-OICP-Bench"]


@covers("HUB-012")
async def test_rate_limits(stage: Stage) -> None:
    """429 above the scaled limit per operation, partner and clock minute; the next minute counts anew."""
    stage.hub.change(rate_limit_scale=3 / 375)
    moment = [6000.0]
    stage.hub.broker.clock = lambda: moment[0]
    assert [(await stage.call("PushEvseData", data_push())).status for _ in range(4)] == [200, 200, 200, 429]
    assert (await stage.call("PushEvseStatus", status_push())).status == 200
    moment[0] += 60
    assert (await stage.call("PushEvseData", data_push())).status == 200


@covers("HUB-063")
async def test_lenient_and_strict(stage: Stage) -> None:
    """What the real hub is known to take is taken; strict mode refuses it."""
    session = await stage.started()
    lenient = cdr(session, ChargingStart="2020-09-23T14:17:53.038Z")
    strict = cdr(session, ChargingStart="2020-09-23T14:17:53.038Z")
    stage.hub.change(strict=True)
    assert (await stage.call("ChargeDetailRecord", strict)).status == 400
    stage.hub.change(strict=False)
    assert (await stage.call("ChargeDetailRecord", lenient | {"CPOPartnerSessionID": None})).code == "000"
    record = data_record()
    record["ChargingStationID"] = record.pop("ChargingStationId")
    assert (await stage.call("PushEvseData", data_push(record))).code == "000"


async def test_maintenance_and_firewall(stage: Stage) -> None:
    """503 and 403 are pages of the proxy, not messages."""
    stage.hub.change(maintenance=True)
    assert (await stage.call("PushEvseData", data_push())).status == 503
    stage.hub.change(maintenance=False)
    stage.hub.partners.change(OPERATOR, address_allowed=False)
    reply = await stage.call("PushEvseData", data_push())
    assert reply.status == 403
    assert "<html>" in reply.text
    with pytest.raises(ValueError, match="cannot be changed while the hub runs"):
        stage.hub.change(port=1)
    with pytest.raises(ValueError, match="is none of"):
        stage.hub.change(client_certificate="sometimes")


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_bodies(stage: Stage, coding: str) -> None:
    """A compressed body is read; the header stays in the evidence."""
    plain = json.dumps(data_push(data_record())).encode()
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    reply = await stage.call("PushEvseData", None, raw=packed, headers={"Content-Encoding": coding})
    assert reply.code == "000"
    seen = stage.recorder.exchanges[-1]
    assert (seen.request.body, seen.header("content-encoding")) == (plain, coding)
    broken = await stage.call("PushEvseData", None, raw=b"no such thing", headers={"Content-Encoding": coding})
    assert broken.status == 400


async def test_bodies_are_bounded(stage: Stage) -> None:
    """413 above the limit, bombs included; the exchange says why there is no body."""
    stage.hub.change(max_body_bytes=20_000)
    for raw, headers in ((b"x" * 30_000, {}), (gzip.compress(bytes(5_000_000)), {"Content-Encoding": "gzip"})):
        reply = await stage.call("PushEvseData", None, raw=raw, headers=headers)
        assert reply.status == 413
        assert "larger than" in stage.recorder.exchanges[-1].recorder["trouble"]
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


async def _raw(stage: Stage, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes over TLS and read until the hub hangs up."""
    port = int(stage.hub.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=stage.context(stage.client))
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)
    try:
        return await asyncio.wait_for(reader.read(), 8)
    finally:
        writer.close()


def _request(
    body: bytes, *, path: str = "/api/oicp/evsepush/v23/operators/DE*ABC/data-records", extra: str = ""
) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n{extra}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_chunked_pipelined_and_expecting_clients(stage: Stage) -> None:
    """All legal ways to send a body work."""
    body = json.dumps(data_push(data_record())).encode()
    chunk = f"{len(body):x}".encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    head = (
        b"POST https://hub/api/oicp/evsepush/v23/operators/DE%2AABC/data-records HTTP/1.1\r\nHost: hub\r\n"
        b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    last = _request(body, extra="Connection: close\r\nExpect: 100-continue\r\n")
    answer = await _raw(stage, head + chunk + _request(body) + last)
    assert len(re.findall(rb"HTTP/1.1 200 OK", answer)) == 3, answer
    assert answer.count(b"100 Continue") == 1
    assert [e.operation for e in stage.recorder.exchanges] == ["PushEvseData"] * 3


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00\x01\x02\x03" * 100 + b"\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"POST /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"POST / HTTP/1.1\r\n: x\r\n\r\n",
    ],
)  # fmt: skip
async def test_garbage_is_answered_like_the_proxy_does(stage: Stage, noise: bytes) -> None:
    """HTTP that is none: a 400 page, never a 5xx, and others go on."""
    answer = await _raw(stage, noise)
    assert b" 4" in answer[:15], answer[:80]
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


async def test_slow_and_half_open_clients_do_not_stop_others(stage: Stage) -> None:
    """Connections that stall in the handshake, in the head or in the body: everybody else is served at once."""
    port = int(stage.hub.url.rpartition(":")[2])
    stalled = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    context = stage.context(stage.client)
    stalled += [await asyncio.open_connection("127.0.0.1", port, ssl=context) for _ in range(10)]
    for _, writer in stalled[20:25]:
        writer.write(b"POST /api/oicp/evsepush/v23/oper")
    for _, writer in stalled[25:]:
        writer.write(_request(b"x" * 100)[:-50])
    async with asyncio.timeout(5):
        assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"
    stage.hub.change(body_limit_s=0.1)
    for _, writer in stalled:
        writer.close()


async def test_a_body_that_never_ends_is_given_up(stage: Stage) -> None:
    """HTTP 408 when the body does not arrive in time."""
    stage.hub.change(body_limit_s=0.2)
    answer = await _raw(stage, _request(b"x" * 100)[:-50])
    assert answer.startswith(b"HTTP/1.1 408")
    assert "in time" in stage.recorder.exchanges[-1].recorder["trouble"]


async def test_a_client_that_leaves_early_is_noted(stage: Stage) -> None:
    """Its push is processed, the answer was not delivered, and it no longer counts as in flight."""
    stage.hub.change(processing_s=0.2)
    port = int(stage.hub.url.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=stage.context(stage.client))
    writer.write(_request(json.dumps(data_push(data_record())).encode()))
    await writer.drain()
    await stage.recorder.exchange(lambda e: e.operation == "PushEvseData", within=5, finished=False)
    writer.transport.abort()
    done = await stage.recorder.exchange(lambda e: e.operation == "PushEvseData", within=5)
    assert done.error is not None
    assert "closed the connection" in done.error
    await stage.publish()
    assert stage.recorder.exchanges[-1].overlaps == ()


async def test_down_and_up_again(stage: Stage) -> None:
    """A hub that is down refuses connections and comes back on the same port, state and all."""
    await stage.publish()
    url = stage.hub.url
    await stage.hub.go_down()
    with pytest.raises(Exception, match=r"."):
        await stage.publish()
    await stage.hub.come_up()
    assert stage.hub.url == url
    assert (await stage.call("PushEvseStatus", status_push((EVSE, "Available")))).code == "000"
    kinds = [o.kind for o in stage.recorder.observations if o.kind in ("hub_down", "hub_up")]
    assert kinds == ["hub_down", "hub_up"]


async def test_state_survives_a_restart(tmp_path: Path, authority: Authority) -> None:
    """With a state file sessions, records and versions are there again after the hub is gone."""
    state = tmp_path / "state.jsonl"
    async with staged(tmp_path, authority, state_file=state) as stage:
        await stage.publish()
        await stage.call("PushEvseStatus", status_push((EVSE, "Occupied")))
        open_session, closed = await stage.started(), await stage.started()
        await stage.call("ChargeDetailRecord", cdr(closed))
    with state.open("a") as file:
        file.write('{"kind": "push", "torn')
    async with staged(tmp_path, authority, state_file=state) as stage:
        assert stage.hub.evse_status(OPERATOR) == {EVSE: "Occupied"}
        assert len(stage.hub.broker.registry.of("data", OPERATOR).versions) == 1
        assert (await stage.call("ChargeDetailRecord", cdr(closed))).short == (404, "400")
        assert (await stage.call("ChargeDetailRecord", cdr(open_session))).code == "000"
    async with staged(tmp_path, authority, state_file=state) as stage:
        assert (await stage.call("ChargeDetailRecord", cdr(open_session))).short == (404, "400")


_KILLED = """
import asyncio, sys
from pathlib import Path
from fake_hubject.certificates import Authority
from tests.hub.stage import *
async def main():
    folder = Path(sys.argv[1])
    async with staged(folder, Authority.load(folder / "ca"), folder / "evidence.jsonl", state_file=folder / "state.jsonl") as stage:
        await stage.publish()
        print(await stage.started(), flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_state_and_evidence_survive_a_kill(tmp_path: Path) -> None:
    """After kill -9 the next hub knows the session, and the recording can be read."""
    from oicp.evidence import read_lines

    authority = Authority.create(tmp_path / "ca")
    process = subprocess.Popen(  # noqa: ASYNC220  it is killed before anything else runs
        [sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    session = process.stdout.readline().strip()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with (tmp_path / "evidence.jsonl").open(encoding="utf-8") as file:
        assert len(read_lines(file).exchanges) == 2
    async with staged(tmp_path, authority, state_file=tmp_path / "state.jsonl") as stage:
        assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"


def _shared() -> Path:
    return Path(os.environ.get("OICP_BENCH_SHARED") or Path(__file__).resolve().parents[2] / "../shared")


async def test_what_the_hub_sends_fits_the_published_schema(stage: Stage) -> None:
    """Requests and acknowledgements of the hub validate against Hubject's OpenAPI file."""
    path = _shared() / "spec" / "openapi-cpo.json"
    if not path.exists():
        pytest.skip("the published OpenAPI file is not here")
    import jsonschema

    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    await stage.publish()
    session = await stage.started()
    await stage.hub.remote_stop(EMP, session)
    await stage.call("ChargeDetailRecord", cdr(session))

    def check(schema: dict[str, Any], body: Any) -> None:
        given = {k: v for k, v in body.items() if v is not None}  # the schema knows no null; the live hub sends it
        jsonschema.Draft7Validator({**schema, "components": document["components"]}).validate(given)

    for exchange in stage.recorder.exchanges:
        assert exchange.operation is not None
        post = document["paths"][OPERATIONS[exchange.operation].path]["post"]
        if exchange.by_cpo:
            answer = json.loads(exchange.answer.body) if exchange.answer else {}
            answer["StatusCode"] = {k: v for k, v in answer["StatusCode"].items() if v is not None}
            check(post["responses"]["200"]["content"]["application/json"]["schema"], answer)
        else:
            check(post["requestBody"]["content"]["application/json"]["schema"], json.loads(exchange.request.body))


def test_tls_module_is_there() -> None:
    """The private hook of `ssl` that shows handshakes exists in this Python."""
    assert hasattr(ssl.SSLContext, "_msg_callback")
