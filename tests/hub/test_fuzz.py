"""Requests by dice: whatever comes, the hub answers something documented, soon, and forgets nothing of itself.

`OICP_BENCH_FUZZ` sets how many requests are thrown (300 by default); tracemalloc is not needed to see the memory: the
recording is kept on purpose, everything else must not grow.
"""

import asyncio
import copy
import json
import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_hubject.gate import route
from fake_hubject.tls import HandshakeFacts, _leaf, _read_hello
from oicp.services import OPERATIONS
from tests.hub.stage import EMP, EVCO, EVSE, OPERATOR, Stage, cdr, data_push, data_record, status_push

COUNT = int(os.environ.get("OICP_BENCH_FUZZ", "300"))
_DOCUMENTED = {200, 400, 401, 403, 404, 408, 413, 415, 429}
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "x" * 3000, "DE*ABC", "\u0000", "\ud83d\ude00", [], {}, [[]], [None], {"a": None},
    "2020-13-45T99:99:99Z", "2026-01-01T00:00:00", "%2A", "../..", "NaN", -0.0, 12345678901234567890.5, "Infinity",
)  # fmt: skip


def _seeds(session: str) -> dict[str, Any]:
    identification = {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}
    return {
        "PushEvseData": data_push(data_record()), "PushEvseStatus": status_push((EVSE, "Available")),
        "ChargeDetailRecord": cdr(session), "PullEvseData": {"ProviderID": EMP, "GeoCoordinatesResponseFormat": "Google"},
        "AuthorizeStart": {"OperatorID": OPERATOR, "EvseID": EVSE, "Identification": identification},
        "AuthorizeStop": {"OperatorID": OPERATOR, "SessionID": session, "Identification": identification},
        "ChargingNotifications": {
            "Type": "Start", "SessionID": session, "EvseID": EVSE, "OperatorID": OPERATOR, "ChargingStart": "2026-01-01T00:00:00+01:00",
        },
        "AuthorizeRemoteStart": {
            "ProviderID": EMP, "EvseID": EVSE, "Identification": {"RemoteIdentification": {"EvcoID": EVCO}},
        },
        "AuthorizeRemoteStop": {"ProviderID": EMP, "EvseID": EVSE, "SessionID": session},
        "AuthorizeRemoteReservationStart": {
            "ProviderID": EMP, "EvseID": EVSE, "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, "Duration": 15,
        },
        "AuthorizeRemoteReservationStop": {"ProviderID": EMP, "EvseID": EVSE, "SessionID": session},
        "PushPricingProductData": {
            "ActionType": "fullLoad", "PricingProductData": {
                "OperatorID": OPERATOR, "ProviderID": "*", "PricingDefaultPrice": 0, "PricingDefaultPriceCurrency": "EUR",
                "PricingDefaultReferenceUnit": "HOUR", "PricingProductDataRecords": [{"ProductID": "AC1"}],
            },
        },
        "PushEVSEPricing": {
            "ActionType": "fullLoad", "EVSEPricing": [{"EvseID": EVSE, "ProviderID": "*", "EvseIDProductList": ["AC1"]}],
        },
        "PullEvseStatus": {"ProviderID": EMP, "EVSEStatus": "Available"},
        "PullEvseStatusByID": {"ProviderID": EMP, "EvseID": [EVSE]},
        "PullEvseStatusByOperatorID": {"ProviderID": EMP, "OperatorID": [OPERATOR]},
        "GetChargeDetailRecords": {
            "ProviderID": EMP, "From": "2026-01-01T00:00:00Z", "To": "2026-02-01T00:00:00Z", "SessionID": [session],
        },
        "PushAuthenticationData": {
            "ActionType": "fullLoad", "ProviderAuthenticationData": {
                "ProviderID": EMP, "AuthenticationDataRecord": [{"Identification": identification}],
            },
        },
        "PullAuthenticationData": {"OperatorID": OPERATOR},
        "PullPricingProductData": {"OperatorIDs": [OPERATOR]},
        "PullEVSEPricing": {"ProviderID": EMP, "OperatorIDs": [OPERATOR]},
    }  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*path, key))
    return found


def _mutated(dice: random.Random, body: Any) -> bytes:
    body = copy.deepcopy(body)
    for _ in range(dice.randint(1, 3)):
        places = _places(body)
        if not places:
            break
        *way, last = dice.choice(places)
        holder = body
        for step in way:
            holder = holder[step]
        action = dice.random()
        if action < 0.3:
            del holder[last]
        elif action < 0.4 and isinstance(holder, dict):
            holder[str(last).swapcase()] = holder.pop(last)
        else:
            holder[last] = dice.choice(_VALUES)
    raw = json.dumps(body).encode()
    if dice.random() < 0.1:
        at = dice.randrange(len(raw) + 1)
        raw = raw[:at] + dice.randbytes(dice.randint(0, 5)) + raw[dice.randint(at, len(raw)) :]
    return raw


async def test_bad_requests(stage: Stage) -> None:
    """Every operation with damaged bodies, ids, methods and paths: documented answers only, no crash, no hang."""
    dice = random.Random(int(os.environ.get("OICP_BENCH_FUZZ_SEED", "7")))
    await stage.publish()
    seeds = _seeds(await stage.started())
    assert set(seeds) == set(OPERATIONS)
    statuses: dict[int, int] = {}

    async def one(number: int) -> None:
        operation = dice.choice(tuple(seeds))
        service = OPERATIONS[operation]
        by_emp = "{providerID}" in service.path
        partner = dice.choice((EMP if by_emp else OPERATOR,) * 8 + ("DE*XYZ", "%00", "%2F..", "é", "+49*123"))
        path = service.url_path(partner).removeprefix("/api/oicp") + dice.choice(
            ("",) * 9 + ("?page=-1&size=x", "/", "//x")
        )
        method = dice.choice(("POST",) * 12 + ("GET", "DELETE"))
        raw = _mutated(dice, seeds[operation])
        async with asyncio.timeout(20):
            reply = await stage.send(path, raw=raw, method=method, by=stage.emp_client if by_emp else stage.client)
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
        undocumented = reply.status not in _DOCUMENTED and (reply.status, reply.code) != (500, "001")
        unexplained = reply.status == 500 and "partners: null" not in reply.text
        assert not undocumented, (operation, raw, reply.text)
        assert not unexplained, (operation, raw, stage.hub.broker.crashes)

    for begin in range(0, COUNT, 16):
        await asyncio.gather(*(one(n) for n in range(begin, min(begin + 16, COUNT))))
        if len(stage.recorder.exchanges) > 20_000:
            stage.recorder._exchanges.clear()  # a fuzz run is no recording anybody judges
            stage.recorder._observations.clear()
    assert sum(statuses.values()) == COUNT
    assert stage.hub.broker.pushing == set()
    assert stage.hub._server._open == {}
    stage.assert_no_crash()
    print(statuses)


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
