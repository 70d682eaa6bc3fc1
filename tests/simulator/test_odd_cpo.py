"""Central systems that send nonsense: a charge point never dies of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator.fleet import Fleet
from tests.simulator.central import Observations
from tests.simulator.stage import EVSE, fleet_json, quick, until

GOOD: dict[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300},
    "StartTransaction": {"transactionId": 9, "idTagInfo": {"status": "Accepted"}},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
}

Answering = Callable[[str, str, dict[str, Any]], str | None]


class Raw:
    """A server that answers with whatever text `answer` gives (None: nothing)."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.replies: list[Any] = []
        self.socket: ServerConnection | None = None

    async def serve(self, socket: ServerConnection) -> None:
        """One connection."""
        self.socket = socket
        try:
            async for raw in socket:
                message = json.loads(raw)
                if message[0] != 2:
                    self.replies.append(message)
                    continue
                self.calls.append((message[2], message[3]))
                text = self.answer(message[2], message[1], message[3])
                if text is not None:
                    await socket.send(text)
        except ConnectionClosed:
            return

    async def say(self, text: str | bytes) -> None:
        """Send a frame."""
        assert self.socket is not None
        await self.socket.send(text)


def usual(action: str, ident: str, _: dict[str, Any]) -> str:
    """The answer of a well-behaved server."""
    return json.dumps([3, ident, GOOD.get(action, {})])


@asynccontextmanager
async def raw_stage(answer: Answering = usual, **changes: Any) -> AsyncIterator[tuple[Raw, Fleet, Observations]]:
    """A fleet of one against a raw server."""
    raw, seen = Raw(answer), Observations()
    async with serve(raw.serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"]) as server:  # type: ignore[list-item]
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
        async with Fleet(
            fleet_json(), url, seen, settings=quick(call_timeout=0.4, transaction_timeout=0.4, **changes)
        ) as fleet:
            yield raw, fleet, seen


NONSENSE: list[str | bytes] = [
    "", "{", "null", "[]", "7", '"x"', "[2]", "[2,3]", '[2,"a"]', '[2,"a",null,{}]', '[2,"a",["x"],{}]',
    '[2,"a",{"x":1},{}]', '[2,7,"Reset",{}]', '[2,"a","Reset"]', '[2,"a","Reset",null]', '[2,"a","Reset",[1]]',
    '[2,"a","Reset",{"type":7}]', '[2,"a","RemoteStartTransaction",{}]',
    '[2,"a","RemoteStartTransaction",{"idTag":null}]', '[2,"a","ReserveNow",{"connectorId":"1"}]',
    '[2,"a","SetChargingProfile",{"connectorId":1,"csChargingProfiles":{}}]', '[3,"nobody",{}]', '[3,"nobody"]',
    '[4,"nobody","X","Y",{}]', '[4,"nobody"]', '[9,"a","b",{}]', "[" * 5000, b"\x00\xff\xfe", b'[3,"b",{}]',
    '[2,"a","Nonsense",{}]', '[2,"a","BootNotification",{}]', '[2,"a","__init__",{}]', '[null,null,null]',
    '[2,"a","GetConfiguration",{"key":[1,2]}]', '[2,"a","TriggerMessage",{"requestedMessage":["x"]}]',
    '[2,"a","UnlockConnector",{"connectorId":[1]}]', '[2,"a","RemoteStopTransaction",{"transactionId":[1]}]',
    '[2,"a","ChangeAvailability",{"connectorId":{"x":1},"type":"Operative"}]',
]  # fmt: skip


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
async def test_nonsense_in(checked: bool) -> None:
    """Whatever frame comes, with or without schema checks, the charge point stays and works."""
    async with raw_stage(check_schemas=checked) as (raw, fleet, seen):
        await fleet.connected(within=5)
        for text in NONSENSE:
            await raw.say(text)
        evse = fleet.evse(EVSE)
        await evse.plug_in()
        await raw.say('[2,"z","RemoteStartTransaction",{"idTag":"T","connectorId":1}]')
        await evse.reaches("Charging", within=5)
        assert [3, "z", {"status": "Accepted"}] in raw.replies
        errors = {reply[2] for reply in raw.replies if reply[0] == 4}
        assert "NotImplemented" in errors
        assert any("ignored" in str(call["error"]) for call in seen.of("ocpp"))
    assert len(seen.of("charge_point_connected")) == 1


def _odd(answers: dict[str, Callable[[str], str | None]]) -> Answering:
    return lambda action, ident, payload: (
        answers[action](ident) if action in answers else usual(action, ident, payload)
    )  # fmt: skip


ODD_STARTS: dict[str, Callable[[str], str | None]] = {
    "an error without text": lambda i: json.dumps([4, i]),
    "an unknown error": lambda i: json.dumps([4, i, "Whatever", "", {}]),
    "no payload": lambda i: json.dumps([3, i]),
    "a list": lambda i: json.dumps([3, i, []]),
    "null": lambda i: json.dumps([3, i, None]),
    "nothing in it": lambda i: json.dumps([3, i, {}]),
    "the id as text": lambda i: json.dumps([3, i, {"transactionId": "9", "idTagInfo": {"status": "Accepted"}}]),
    "true as id": lambda i: json.dumps([3, i, {"transactionId": True, "idTagInfo": {"status": "Accepted"}}]),
    "a wrong message id": lambda i: json.dumps([3, "wrong", GOOD["StartTransaction"]]),
    "nothing at all": lambda i: None,
}


@pytest.mark.parametrize("name", ODD_STARTS)
async def test_odd_answers_to_a_start(name: str) -> None:
    """An answer to the start that cannot be used is asked for again; the driver is charged, the stop is sent."""
    async with raw_stage(_odd({"StartTransaction": ODD_STARTS[name]})) as (raw, fleet, _):
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        await evse.plug_in()
        await raw.say('[2,"z","RemoteStartTransaction",{"idTag":"T","connectorId":1}]')
        await evse.reaches("Charging", within=8)
        await evse.unplug()
        await fleet.delivered(within=8)
        actions = [action for action, _ in raw.calls]
        assert (actions.count("StartTransaction"), actions.count("StopTransaction")) == (3, 1)


@pytest.mark.parametrize(
    "extra", [{"transactionId": 9, "idTagInfo": {"status": "Accepted"}, "more": 1}, {"transactionId": 9}]
)
async def test_answers_that_break_the_schema_but_say_enough(extra: dict[str, Any]) -> None:
    """An answer with too much or too little in it is used as far as it goes, and the fault is recorded."""
    answering = _odd({"StartTransaction": lambda i: json.dumps([3, i, extra])})
    async with raw_stage(answering) as (raw, fleet, seen):
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        await evse.plug_in()
        await raw.say('[2,"z","RemoteStartTransaction",{"idTag":"T","connectorId":1}]')
        await evse.reaches("Charging", within=5)
        transaction = evse.transaction
        assert transaction is not None
        await until(lambda: transaction.transaction_id == 9)
        assert seen.calls("StartTransaction")[0]["error"]


async def test_every_answer_is_rubbish() -> None:
    """A server that answers everything with rubbish refuses the boot for ever; the fleet can be left at once."""
    async with raw_stage(lambda *_: "rubbish") as (raw, fleet, seen):
        await until(lambda: len(raw.calls) >= 2)
        assert not fleet.charge_points[0].online
    assert "no answer" in seen.of("charge_point_refused")[0]["reason"]


async def test_closes_at_every_call() -> None:
    """A server that closes whenever it is called does not get the charge point down."""
    closes = iter([True, True, True])

    def answer(action: str, ident: str, payload: dict[str, Any]) -> str | None:
        if action == "StatusNotification" and next(closes, False):
            assert raw.socket is not None
            raw.socket.transport.abort()
            return None
        return usual(action, ident, payload)

    async with raw_stage(answer) as (raw, fleet, seen):
        await until(lambda: len(seen.of("charge_point_connected")) == 4)
        await fleet.connected(within=5)


async def test_floods() -> None:
    """Hundreds of commands at once are all answered, in order."""
    async with raw_stage() as (raw, fleet, _):
        await fleet.connected(within=5)
        await asyncio.gather(*(raw.say(f'[2,"{n}","ClearCache",{{}}]') for n in range(300)))
        await until(lambda: len(raw.replies) == 300)
        assert [reply[1] for reply in raw.replies] == [str(n) for n in range(300)]
