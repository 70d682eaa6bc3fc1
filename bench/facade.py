"""What a scenario speaks to: `bench`, its EVSEs, drivers and sessions. Every verb waits boundedly and is logged.

A verb whose outcome the rest of the scenario rests on raises `Blocked` when it does not come; `tries_...` never does.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bench.actors import Driver, Evse, Session
from bench.bounded import bounded
from bench.charge_points import ChargePoint
from bench.hub_setup import WITHOUT_NOTIFICATIONS
from bench.ports import endpoint
from bench.scenario import Blocked, Scenario, Skipped, StepLog
from fake_hubject.recorder import NotSeen
from oicp.evidence import Exchange, Observation
from oicp.services import Direction
from oicp.sessions import folded, same_id

if TYPE_CHECKING:
    from bench.stage import Stage
    from fake_hubject.faults import Fault
    from simulator.evse import VirtualEvse
    from tap.faults import WireFault

_FOR_DATA_S = (20, 15)
"""Seconds for what the CPO pushes by itself, and after it was asked."""
_ONCE_MORE_S = 3


class Bench:
    """The work bench as one scenario sees it: EVSEs of its own, drivers of its own, the hub for everybody."""

    def __init__(
        self, stage: "Stage", scenario: Scenario, evses: Sequence["VirtualEvse"], log: StepLog, seed: int
    ) -> None:
        self.stage, self.scenario, self.log = stage, scenario, log
        self.recorder, self.hub = stage.recorder, stage.hub
        self.operator_id = stage.cpo.operator_id
        self.since = self.recorder.now()
        self.random = random.Random(f"{seed}:{scenario.name}")
        self.evses = tuple(Evse(self, evse) for evse in evses)
        self._unused = list(self.evses)
        self.sessions: list[Session] = []
        self._drivers = 0

    # --- who is there -------------------------------------------------------------------------------------------------

    async def free_evse(self) -> Evse:
        """The next EVSE of this scenario: nobody else uses it, nothing is plugged in."""
        if not self._unused:
            raise Blocked(
                f'the scenario has no further EVSE; say how many it needs: @scenario("..", evses={len(self.evses) + 1})'
            )
        evse = self._unused.pop(0)
        await self._until_known(evse)
        return evse

    async def _until_known(self, evse: Evse) -> None:
        """Wait for its data and status at the hub; a CPO that pushes nothing by itself is asked once to do it.

        An EVSE that never came is not waited for as long again: what is missing is told, and the run has an end.
        """
        what, vain = f"status and data of {evse.evse_id} at the hub", self.stage.waited_in_vain
        for seconds in (_ONCE_MORE_S,) if evse.evse_id in vain else _FOR_DATA_S:
            if await self.until(lambda: evse.is_known, within=seconds, what=what, insist=False):
                return
            if not self.stage.asked_to_push and not self.has_sent("PushEvseData"):
                self.stage.asked_to_push = True
                for name in ("push_evse_data", "push_evse_status"):
                    if name in self.stage.hooks.names:
                        await self.asks_for(name, within=30)
        vain.add(evse.evse_id)

    def has_sent(self, operation: str) -> bool:
        """The CPO has sent such a message."""
        return any(e.operation == operation and e.by_cpo for e in self.recorder.exchanges)

    async def free_evses(self, count: int, *, spare: int = 0) -> list[Evse]:
        """The next EVSEs of this scenario; an exclusive one has the whole fleet and takes as many as there are but `spare`."""
        most = min(count, len(self._unused) - spare) if self.scenario.exclusive else count
        return [await self.free_evse() for _ in range(most)]

    async def all_evses(self) -> list[Evse]:
        """All EVSEs of the fleet, for exclusive scenarios."""
        return await self.free_evses(len(self._unused))

    @property
    def some_evse_id(self) -> str:
        """An EvseID of the operator, for requests that are about none of its EVSEs."""
        return self.stage.evse_ids[0]

    async def free_charge_point(self) -> ChargePoint:
        """The charge point of this scenario with all its EVSEs (`whole_charge_point=True`)."""
        evse = await self.free_evse()
        return ChargePoint(self, evse)

    def driver(self, provider_id: str | None = None, evco_id: str | None = None) -> Driver:
        """A driver with a contract of his own; `provider_id`: one of the EMPs of the bench."""
        providers = self.stage.provider_ids
        provider = provider_id or providers[0]
        self._drivers += 1
        return Driver(self, provider, evco_id or _evco_id(self.random, provider))

    def other_driver(self) -> Driver:
        """A driver of another EMP."""
        return self.driver(self.stage.provider_ids[1])

    def driver_without_notifications(self) -> Driver:
        """A driver of an EMP that takes no charging notifications."""
        return self.driver(WITHOUT_NOTIFICATIONS)

    def card(self, provider_id: str | None = None) -> str:
        """UID of a new card: one that an EMP knows, by default the first one."""
        uid = self.unknown_card()
        emp = self.hub.partners[provider_id or self.stage.provider_ids[0]]
        known = (emp.temper.knows or frozenset()) | {uid}
        self.hub.partners.change(emp.id, temper=replace(emp.temper, knows=known))
        return uid

    def unknown_card(self) -> str:
        """UID of a card no EMP knows."""
        return f"04{self.random.getrandbits(48):012X}"

    def new_partner_session_id(self) -> str:
        """An EMPPartnerSessionID."""
        return f"emp-{self.random.getrandbits(48):012x}"

    async def charged(self, *, kwh: float) -> Session:
        """A session at the next EVSE that has charged so much and goes on."""
        return (await self.all_charged(1, kwh=kwh))[0]

    async def all_charged(self, count: int, *, kwh: float, spare: int = 0) -> list[Session]:
        """Sessions at the next EVSEs (`free_evses`) that have charged so much and go on."""
        evses = await self.free_evses(count, spare=spare)
        return list(await self.together(*(self._charged(evse, kwh) for evse in evses)))

    async def _charged(self, evse: Evse, kwh: float) -> Session:
        await evse.plug_in()
        session = await self.driver().remote_start(evse, emp_partner_session_id=self.new_partner_session_id())
        await session.charging()
        await evse.deliver(kwh)
        return session

    # --- waiting ------------------------------------------------------------------------------------------------------

    def patience(self, within: float) -> float:
        """Seconds of a wait with the patience of the configuration."""
        return within * self.stage.config.suite.limits.patience

    async def together(self, *actions: Awaitable[Any]) -> list[Any]:
        """Do several things at the same time and wait for all; blocked if one of them is."""
        outcomes = await asyncio.gather(*actions, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return outcomes

    async def whole_fleet_is_known(self, *, within: float) -> None:
        """Wait until the hub has data and status of every EVSE; if not, the scenario goes on and the rules speak."""
        await self.until(
            lambda: all(self.status_at_hub(i) and self.record_at_hub(i) for i in self.stage.open_evse_ids),
            within=within, what="data and status of every EVSE", insist=False,
        )  # fmt: skip

    async def all_sessions_are_closed(self, *, within: float) -> None:
        """Wait until every session of this scenario is billed or closed; if not, the rules speak."""
        await self.until(
            lambda: all(session.closed for session in self.sessions), within=within, insist=False,
            what="the records of all sessions",
        )  # fmt: skip

    async def hub_accepts(self, operation: str, *, within: float) -> None:
        """Wait until the hub has taken such a message since the scenario began; if not, the rules speak."""
        await self.hub_receives(
            operation, within=within, insist=False, where=lambda e: e.accepted, what=f"{operation} that the hub takes"
        )

    async def is_quiet_at(self, evse: Evse) -> None:
        """Give the charge point time to tell the CPO its last state, and the CPO time to tell the hub; never insists."""
        if not self.stage.journal.was_connected(evse.virtual.charge_point.id):
            return  # it has never been let in: nothing of it will be told
        await self.cpo_is_told(evse)
        if evse.status_at_hub is not None:
            await self.until(
                lambda: evse.status_at_hub == "Available", within=3, what="Available at the hub", insist=False
            )

    async def cpo_is_told(self, evse: Evse) -> None:
        """Wait until the CPO answered the report of the connector's latest status; never insists."""
        told = self.stage.journal.told
        if not told(evse.evse_id):
            await self.seen(
                "connector_status_delivered", evse_id=evse.evse_id, within=5, insist=False,
                where=lambda _: told(evse.evse_id),
            )  # fmt: skip

    async def charge_points_are_connected(self, *, within: float) -> None:
        """Wait until all charge points are connected to the CPO."""
        fleet = self.stage.fleet
        if fleet is not None:
            await bounded(self, "all charge points connect", fleet.connected(within=self.patience(within)), within + 5)

    async def until(
        self, holds: Callable[[], bool], *, within: float, what: str, insist: bool = True, whom: str = "CPO"
    ) -> bool:
        """Wait until something holds; asked again after every message on the OICP wire. `insist`: else the scenario is blocked."""
        wake = asyncio.Event()
        limit = self.patience(within)

        def listener(item: Exchange | Observation) -> None:
            if isinstance(item, Exchange):
                wake.set()

        with self.log.step(what, whom), self.recorder.listening(listener):
            try:
                async with asyncio.timeout(limit):
                    while not holds():
                        wake.clear()
                        await wake.wait()
                return True
            except TimeoutError:
                if insist:
                    raise Blocked(f"{what}: not within {limit:g} s") from None
                return False

    async def hub_receives(
        self, operation: str, *, within: float, since: float | None = None, insist: bool = True,
        where: Callable[[Exchange], bool] = lambda _: True, what: str | None = None,
    ) -> Exchange | None:  # fmt: skip
        """Wait for a finished request of the CPO, from the beginning of the scenario on unless `since` says otherwise."""

        def fits(item: Exchange) -> bool:
            return item.operation == operation and item.direction is Direction.CPO_TO_HUB and where(item)

        text = what or f"{operation} from the CPO"
        found: Exchange | None = await self._waits(self.recorder.exchange, fits, text, "CPO", within, since, insist)
        return found

    async def seen(
        self, kind: str, *, within: float, evse_id: str | None = None, since: float | None = None,
        where: Callable[[Observation], bool] = lambda _: True, what: str | None = None, insist: bool = True,
    ) -> Observation | None:  # fmt: skip
        """Wait for an observation of a charge point or the stage."""

        def fits(item: Observation) -> bool:
            return item.kind == kind and (evse_id is None or same_id(item.evse_id, evse_id)) and where(item)

        text = what or f"{kind} at {evse_id or 'the charge points'}"
        found: Observation | None = await self._waits(
            self.recorder.observation, fits, text, "charge point", within, since, insist
        )
        return found

    async def handshake_fails(self, *, within: float) -> None:
        """Give the CPO the time to come and turn away; who does not care about certificates comes in, and nothing fails."""
        await self.seen("tls_handshake", within=within, insist=False, where=_failed, what="a handshake fails")

    async def _waits(
        self, ask: Callable[..., Any], fits: Any, what: str, whom: str, within: float, since: float | None, insist: bool
    ) -> Any:
        limit = self.patience(within)
        with self.log.step(what, whom):
            try:
                return await ask(fits, within=limit, since=self.since if since is None else since, what=what)
            except NotSeen as fault:
                if insist:
                    raise Blocked(str(fault)) from None
                return None

    # --- the hub, the CPO ---------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def hub_fault(self, fault: "Fault") -> AsyncIterator[Any]:
        """The fault is armed inside the block; one that never fired blocks the scenario."""
        async with self.hub.fault(fault, scenario=self.scenario.name) as armed:
            yield armed
        if not armed.fired:
            raise Blocked(f"the fault never fired: {fault.name}")

    @asynccontextmanager
    async def hub_faults(self, faults: Sequence["Fault"]) -> AsyncIterator[list[Any]]:
        """Several faults armed at the same time."""
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(self.hub_fault(fault)) for fault in faults]

    @asynccontextmanager
    async def wire_fault(self, fault: "WireFault") -> AsyncIterator[Any]:
        """The fault is armed in the tap inside the block (`needs="tap"`); one that never fired blocks the scenario."""
        tap = self.stage.tap
        if tap is None:
            raise Skipped("breaks messages on the wire: only played with --tap")
        armed = tap.arm(fault, self.scenario.name)
        try:
            yield armed
        finally:
            tap.breaker.lift(armed)
        if not armed.fired:
            raise Blocked(f"the fault never fired: {fault.name}")

    @asynccontextmanager
    async def hub_shows_a_strange_certificate(self, *, host: str | None = None) -> AsyncIterator[None]:
        """Inside the block the hub serves with a certificate of an unknown CA, or with one for another `host`."""
        own = self.hub.certificate
        hosts = (host,) if host else ("127.0.0.1", "localhost", endpoint(self.hub.url)[0])
        strange = self.stage.authority.issue_server(hosts, self_signed=not host, name=host or "stranger")
        self.hub.rotate_certificate(strange, note="for a wrong host" if host else "self-signed by a stranger")
        await self._drop_connections()
        try:
            yield
        finally:
            self.hub.rotate_certificate(own, note="own")
            await self._drop_connections()

    async def _drop_connections(self) -> None:
        """The next request of the CPO begins with a handshake."""
        await self.hub.go_down()
        await self.hub.come_up()

    async def hub_renews_its_certificate(self) -> None:
        """The hub serves with a new certificate of the same CA from now on."""
        self.hub.rotate_certificate()

    async def asks_for(self, name: str, *, within: float = 2, **body: Any) -> None:
        """Call a hook that may well fail; the scenario goes on."""
        with suppress(Blocked):
            await self.hook(name, within=within, **body)

    @asynccontextmanager
    async def hub_down(self) -> AsyncIterator[None]:
        """The hub accepts no connection inside the block."""
        with self.log.step("hub goes down", "hub"):
            await self.hub.go_down()
        try:
            yield
        finally:
            await self.hub.come_up()

    def tolerance(self, name: str) -> float:
        """Seconds the judgement uses, as `reserved_push_s`; `[suite.tolerances]` may change them."""
        return self.stage.tolerance(name)

    async def passes(self, seconds: float) -> None:
        """Let time pass, as the scenario needs it (not to wait for something: use the verbs)."""
        with self.log.step(f"{seconds:g} s pass"):
            await asyncio.sleep(seconds)

    async def hook(self, name: str, *, within: float = 60, **body: Any) -> None:
        """Ask the operator of the CPO for something; hooks are those of `[cpo.hooks]`."""
        with self.log.step(f"hook {name}", "operator of the CPO"):
            await self.stage.hooks.call(name, body, within=self.patience(within))

    def status_at_hub(self, evse_id: str) -> str | None:
        """EvseStatus the hub has of an EVSE."""
        found = {folded(k): v for k, v in self.hub.evse_status(self.operator_id).items()}.get(folded(evse_id))
        return None if found is None else str(getattr(found, "evse_status", found))

    def record_at_hub(self, evse_id: str) -> dict[str, Any] | None:
        """EvseDataRecord the hub has of an EVSE."""
        return self.stage.record_at_hub(evse_id)


def _evco_id(rng: random.Random, provider_id: str) -> str:
    from oicp.ids import evco_check_digit

    country, party = provider_id[:2], provider_id[-3:]
    instance = "".join(rng.choice("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(8))
    body = f"{country}{party}C{instance}"
    return f"{country}-{party}-C{instance}-{evco_check_digit(body)}"


def _failed(handshake: Observation) -> bool:
    return handshake.data.get("direction") == "cpo_to_hub" and bool(handshake.data.get("error"))
