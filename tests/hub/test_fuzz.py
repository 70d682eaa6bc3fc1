"""Requests by dice: whatever comes, the hub answers something documented, soon, and forgets nothing of itself.

`OICP_BENCH_FUZZ` sets how many requests are thrown (300 by default); the long form is `python -m tests.hub.fuzzing`.
"""

import asyncio
import os
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fake_hubject.gate import INCOMING, route
from fake_hubject.openapi import description
from fake_hubject.tls import HandshakeFacts, _leaf, _read_hello
from oicp.messages import model_of, refusals
from oicp.services import OPERATIONS
from tests.hub.fuzzing import ByDescription, Thrower, by_emp, seeds
from tests.hub.stage import Stage, data_push, data_record

COUNT = int(os.environ.get("OICP_BENCH_FUZZ", "300"))
SEED = int(os.environ.get("OICP_BENCH_FUZZ_SEED", "7"))


async def test_bad_requests(stage: Stage) -> None:
    """Every operation with damaged bodies, ids, methods and paths: answers as described, no crash, no hang."""
    await stage.publish()
    thrower = Thrower(description(stage.hub.url), [await stage.started()], random.Random(SEED))
    assert set(seeds("")) == set(OPERATIONS)

    async def one() -> None:
        operation, method, target, raw = thrower.request()
        async with asyncio.timeout(20):
            reply = await stage.send(
                target.removeprefix("/api/oicp"), raw=raw, method=method,
                by=stage.emp_client if by_emp(operation) else stage.client,
            )  # fmt: skip
        wrong = thrower.judge(operation, reply.status, reply.text.encode())
        assert wrong is None, (operation, method, target, wrong, raw, reply.text, stage.hub.broker.crashes)

    for begin in range(0, COUNT, 16):
        await asyncio.gather(*(one() for _ in range(begin, min(begin + 16, COUNT))))
    assert sum(thrower.statuses.values()) == COUNT
    assert stage.hub.broker.pushing == set()
    assert stage.hub._server._open == {}
    stage.assert_no_crash()


def test_the_description_is_sound() -> None:
    """It is a JSON Schema all through, it names every operation the hub takes, and what it makes is taken for right."""
    document = description("https://hub.example")
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert schema.get("properties"), name
    taken = {o.name for o in OPERATIONS.values() if INCOMING[o.name] is not None}
    assert {way["post"]["operationId"] for way in document["paths"].values()} == taken == set(OPERATIONS)
    made = ByDescription(document, random.Random(SEED))
    for operation in taken:
        check = Draft202012Validator({"components": document["components"], **made.bodies[operation]})
        for _ in range(20):
            body = made.body(operation)
            assert not list(check.iter_errors(body)), body
            across = {
                "HTTP-009",
                "PUSH-009",
                "PUSH-010",
                "ID-009",
                "TIME-001",
            }  # several members, countries, 31 February
            if model_of(operation, body) is not None:
                found = [
                    f
                    for f in refusals(operation, body)
                    if not f.requirement.startswith(("CDR", "NOTIF", "EVSE", "PRICE"))
                ]
                assert not {f.requirement for f in found} - across, (body, found)


@pytest.mark.parametrize("seed", range(3))
async def test_random_bytes_behind_the_handshake(stage: Stage, seed: int) -> None:
    """Bytes that resemble HTTP more or less: the connection ends, the hub goes on."""
    dice = random.Random(seed)
    good = (
        b"POST /api/oicp/evsepush/v23/operators/DE*ABC/data-records HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
    )
    for _ in range(max(5, COUNT // 60)):
        raw = bytearray(good)
        for _ in range(dice.randint(1, 8)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        port = int(stage.hub.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=stage.context(stage.client))
        writer.write(bytes(raw))
        await writer.drain()
        try:
            async with asyncio.timeout(0.3):
                answer = await reader.read(65_536)
            assert b" 5" not in answer[:14], (bytes(raw), answer)
        except TimeoutError:
            pass  # it waits for the rest, as it should
        writer.transport.abort()
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


@settings(max_examples=COUNT, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400))
def test_handshake_bytes_never_raise(data: bytes) -> None:
    """What is read out of a handshake is read with care."""
    _read_hello(HandshakeFacts(), data)
    _leaf(data, tls13=True)
    _leaf(data, tls13=False)


@settings(max_examples=COUNT, deadline=None)
@given(st.text(max_size=80))
def test_routes_never_raise(target: str) -> None:
    """Any request target leads somewhere or nowhere."""
    where = route("POST", "/api/oicp/" + target, None)
    assert where.operation is None or where.operation.name in OPERATIONS
