"""A hub of ours behind the tap: its calls to the CPO take the tap only while a fault on them is armed, and are recorded as the CPO knows them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fake_hubject.certificates import Authority
from fake_hubject.partners import Partner
from fake_hubject.recorder import Recorder
from fake_hubject.remote import Outgoing
from fake_hubject.settings import HubSettings
from oicp.evidence import Exchange, Run
from oicp.services import Direction
from tests.tap.stand import ACK, START, Upstream, upstream

pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")

from bench.tapped_hub import TappedHub
from tap.faults import WireFault

BODY = b'{"SessionID":"7d4f7c25-7e0a-4c24-9a52-7b1a4e1d0f0e","EvseID":"DE*ABC*E1*1"}'


@dataclass
class Place:
    """A hub with the tap, and the endpoint of a CPO."""

    hub: TappedHub
    cpo: Upstream

    async def start(self) -> Exchange:
        """The hub's call, as recorded."""
        outgoing = Outgoing("AuthorizeRemoteStart", Direction.HUB_TO_CPO, "DE-DCB", self.cpo.url, START, BODY)
        return await self.hub.broker.remote.send(outgoing, limit_s=10)

    async def start_with(self, fault: WireFault) -> Exchange:
        """The same while a fault is armed."""
        assert self.hub.tap is not None
        armed = self.hub.tap.arm(fault)
        try:
            return await self.start()
        finally:
            self.hub.tap.breaker.lift(armed)


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    authority = Authority.create(folder / "pki")
    recorder = Recorder(Run(operator_ids=("DE*ABC",)))
    async with upstream(authority) as cpo:
        hub = TappedHub(HubSettings(verify_cpo="recorded"), recorder, authority, folder)
        hub.partners.add(Partner("DE*ABC", url=cpo.url))
        async with hub:
            yield Place(hub, cpo)


def fault(what: str, **values: object) -> WireFault:
    return WireFault("f", what, "AuthorizeRemoteStart", **values)  # type: ignore[arg-type]


async def test_without_a_fault_the_hub_calls_the_cpo_itself(tmp_path: Path) -> None:
    """No fault, or one on the CPO's messages: the tap is not in this path."""
    async with place(tmp_path) as p:
        first = await p.start()
        second = await p.start_with(WireFault("other", "cut", "ChargeDetailRecord"))
        assert first.answer is not None
        assert first.answer.body == ACK
        assert first.tls == second.tls
        assert (first.faults, second.faults) == ((), ())
        assert len(p.cpo.callers) == 1  # one connection, kept alive


async def test_changed_answer_is_recorded_as_the_cpo_sent_it(tmp_path: Path) -> None:
    """The hub reads half an answer; the recording holds the whole one, the CPO's own certificate, and names the fault."""
    async with place(tmp_path) as p:
        before = await p.start()
        seen = await p.start_with(fault("truncate"))
        assert (before.accepted, seen.accepted) == (True, False)
        recorded = p.hub.broker.recorder.exchanges[-1]
        assert recorded.answer is not None
        assert (recorded.answer.body, recorded.faults, recorded.url) == (ACK, ("f",), before.url)
        assert recorded.tls == before.tls
        assert (recorded.tls is not None, recorded.tls and recorded.tls.trusted) == (True, True)
        assert "Hubject (fake)" in p.cpo.subjects[-1]  # the CPO is still called with the hub's certificate
        assert p.cpo.hosts == [p.cpo.url.removeprefix("https://")] * 2


@pytest.mark.parametrize("what", ["cut", "reset", "stall", "tls-alert"])
async def test_lost_answer_is_lost_for_the_hub(tmp_path: Path, what: str) -> None:
    """The CPO took the call, the hub knows no answer; the fault is named and the next call is answered."""
    async with place(tmp_path) as p:
        seen = await p.start_with(fault(what, seconds=0.2))
        assert (seen.answer, seen.faults) == (None, ("f",))
        assert p.cpo.bodies == [BODY]
        assert (await p.start()).accepted


async def test_changed_request_reaches_the_cpo(tmp_path: Path) -> None:
    """The recording says what arrived."""
    async with place(tmp_path) as p:
        seen = await p.start_with(fault("field", on="request", pointer="/EvseID", value="DE*ABC*E2*1"))
        assert p.cpo.bodies == [BODY.replace(b"E1*1", b"E2*1")]
        assert seen.recorder["arrived"] == p.cpo.bodies[0].decode()
        assert seen.faults == ("f",)


async def test_call_that_arrives_twice(tmp_path: Path) -> None:
    """The CPO is called twice, both times with the hub's certificate; the hub knows of one call."""
    async with place(tmp_path) as p:
        await p.start_with(fault("duplicate"))
        await p.cpo.receives(lambda bodies: len(bodies) == 2)
        assert p.cpo.bodies == [BODY, BODY]
        assert p.cpo.subjects[0] == p.cpo.subjects[1]
        assert len(p.hub.broker.recorder.exchanges) == 1
