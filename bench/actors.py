"""Those who do something in a scenario: EVSEs, drivers, and the sessions that come of it."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from bench.bounded import bounded, described
from bench.external import PERSON_S, RealEvse
from bench.scenario import Blocked, Skipped
from oicp.evidence import Exchange
from oicp.sessions import same_id

if TYPE_CHECKING:
    from bench.facade import Bench
    from fake_hubject.hub import RemoteResult
    from simulator.evse import VirtualEvse

T = TypeVar("T")


class Evse:
    """A virtual EVSE in the hands of one scenario."""

    def __init__(self, bench: "Bench", virtual: "VirtualEvse") -> None:
        self._bench, self.virtual, self.evse_id = bench, virtual, virtual.evse_id
        self._usual_latency = virtual.charge_point.latency

    async def _does(self, what: str, action: Awaitable[T], within: float = 15) -> T:
        limit = within if self._bench.stage.fleet else PERSON_S
        return await bounded(self._bench, f"{what} at {self.evse_id}", action, limit)

    async def plug_in(self, vehicle: Any = None) -> None:
        """The driver plugs in; the CPO is given time to hear of it, as a driver with a phone gives it."""
        await self._does("plug in", self.virtual.plug_in(vehicle) if vehicle else self.virtual.plug_in())
        if self.virtual.charge_point.online:
            await self._bench.cpo_is_told(self)

    async def asked(self, wanted: str) -> None:
        """Only at real chargers: the person there confirms it."""
        await self._does(wanted, cast("RealEvse", self.virtual).asks(wanted))

    async def unplug(self) -> None:
        """The driver pulls the cable; a running transaction ends with it."""
        await self._does("unplug", self.virtual.unplug())

    async def deliver(self, kwh: float, *, within: float = 30) -> None:
        """Wait until that much energy has flowed from now on."""
        await self._does(
            f"{kwh:g} kWh flow", self.virtual.deliver(kwh=kwh, within=self._bench.patience(within)), within + 2
        )

    async def reaches(self, connector_status: str, *, within: float = 15) -> None:
        """Wait for a connector status of OCPP."""
        await self._does(
            connector_status, self.virtual.reaches(connector_status, within=self._bench.patience(within)), within + 2
        )

    async def fault(self, error_code: str = "GroundFailure") -> None:
        """The connector faults; charging ends."""
        await self._does(f"fault {error_code}", self.virtual.fault(error_code))

    async def clear_fault(self) -> None:
        """The fault is gone."""
        await self._does("fault cleared", self.virtual.clear_fault())

    async def set_unavailable(self) -> None:
        """Taken out of service at the charge point."""
        await self._does("out of service", self.virtual.set_unavailable())

    async def set_available(self) -> None:
        """Back in service."""
        await self._does("back in service", self.virtual.set_available())

    async def has_current(self, there: bool) -> None:
        """Load management leaves current for this EVSE, or none: then its session goes on without energy."""
        await self._does("current" if there else "no current", self.virtual.has_current(there))

    async def stop_at_car(self) -> None:
        """The driver ends charging at the vehicle; the cable stays in."""
        await self._does("stopped at the vehicle", self.virtual.stop_at_car())

    async def presents_card(self, uid: str) -> None:
        """A driver holds a card to the reader: it starts, or stops what runs."""
        await self._does("a card is presented", self.virtual.present_card(uid))

    async def charges(self, *, within: float = 15) -> None:
        """Wait until energy flows; blocked if it does not."""
        await self._bench.seen(
            "energy_started", evse_id=self.evse_id, within=within, what=f"energy flows at {self.evse_id}"
        )

    async def charging_ends(self, *, within: float = 15) -> None:
        """Wait until the transaction has ended; if it does not the scenario goes on and the rules speak."""
        await self._bench.seen(
            "transaction_stopped", evse_id=self.evse_id, within=within, insist=False,
            what=f"end of the transaction at {self.evse_id}",
        )  # fmt: skip

    async def is_billed(self, *, within: float = 15) -> None:
        """Wait until the hub has taken a CDR about it; if none comes the scenario goes on and the rules speak."""
        await self._bench.hub_receives(
            "ChargeDetailRecord", within=within, insist=False, what=f"accepted ChargeDetailRecord of {self.evse_id}",
            where=lambda e: e.accepted and same_id(str(e.body.get("EvseID")), self.evse_id),
        )  # fmt: skip

    async def is_free_again(self) -> None:
        """Give the CPO time to learn that nobody is there any more."""
        await self._bench.is_quiet_at(self)

    async def reserve(self) -> None:
        """Reserved for somebody else at the charge point."""
        await self._does("reserved for somebody else", self.virtual.reserve())

    async def release(self) -> None:
        """The reservation at the charge point is over."""
        await self._does("reservation over", self.virtual.release())

    def refuse_next_remote_stop(self) -> None:
        """The charge point rejects the next remote stop."""
        self.virtual.refuse_next_remote_stop()

    def refuse_next_remote_start(self) -> None:
        """The charge point will reject the next remote start."""
        self.virtual.refuse_next_remote_start()

    def begins_after(self, seconds: float) -> None:
        """A transaction begins only so long after its start was accepted; 0 for at once."""
        self.virtual.begins_after(seconds)

    def meters_in(self, unit: Literal["Wh", "kWh"], *, multiplier: int = 0) -> None:
        """Its charge point tells energy in this unit; OCPP 2.0.1 also as multiples of a power of ten (1.6 has no word for that)."""
        self.virtual.meters_in(unit, multiplier)

    def reset_meter(self) -> None:
        """The meter starts again at 0."""
        self.virtual.reset_meter()

    @property
    def status_at_hub(self) -> str | None:
        """EvseStatus the hub has."""
        return self._bench.status_at_hub(self.evse_id)

    @property
    def is_known(self) -> bool:
        """The hub has data and status of it, so it lets remote starts through."""
        return self.status_at_hub is not None and self._bench.record_at_hub(self.evse_id) is not None

    async def shows(self, *evse_status: str, within: float = 10) -> None:
        """Wait until the hub has one of these statuses; if it does not come the scenario goes on and the rules speak."""
        what = f"{' or '.join(evse_status)} of {self.evse_id} at the hub"
        await self._bench.until(lambda: self.status_at_hub in evse_status, within=within, what=what, insist=False)

    async def vanishes_at_the_hub(self, *, within: float) -> None:
        """Wait until the hub has no data of it, or no longer lets remote starts through; if not, the rules speak."""
        await self._bench.until(
            lambda: self._bench.record_at_hub(self.evse_id) is None, within=within, insist=False,
            what=f"{self.evse_id} is removed at the hub",
        )  # fmt: skip

    @property
    def data_record(self) -> dict[str, Any]:
        """Its EvseDataRecord as the fleet file has it, else as the CPO pushed it."""
        return dict(self.virtual.data_record or self._bench.record_at_hub(self.evse_id) or {})

    async def restore(self) -> None:
        """As it was before the scenario: online, no fault, nothing plugged in, in service."""
        virtual, charge_point = self.virtual, self.virtual.charge_point
        charge_point.latency = self._usual_latency
        virtual.begins_after(0)
        virtual.meters_in("Wh")
        await virtual.has_current(True)
        async with asyncio.timeout(20 if self._bench.stage.fleet else PERSON_S):
            if self._bench.stage.journal.was_connected(charge_point.id):
                await charge_point.go_online()
            await charge_point.clear_controller_fault()
            await charge_point.set_available()
            if virtual.connector_status == "Faulted":
                await virtual.clear_fault()
            if virtual.plugged:
                await virtual.unplug()
            await virtual.walk_away()
            await virtual.release()
            await virtual.set_available()


class Driver:
    """A driver of an EMP: starts and stops by remote requests through the hub."""

    def __init__(self, bench: "Bench", provider_id: str, evco_id: str) -> None:
        self._bench, self.provider_id, self.evco_id = bench, provider_id, evco_id

    async def remote_start(self, evse: "Evse | str", **how: Any) -> "Session":
        """Start; blocked if the CPO refuses. `how`: product, emp_partner_session_id, variant."""
        session = await self.tries_remote_start(evse, **how)
        if session.answer.startswith("510") and isinstance(evse, Evse) and not evse.virtual.plugged:
            raise Skipped("this CPO starts nothing at an EVSE without a vehicle (510), as it may")
        if not session.accepted:
            raise Blocked(f"remote start on {session.evse_id} was not accepted: {session.answer}")
        return session

    async def tries_remote_start(self, evse: "Evse | str", **how: Any) -> "Session":
        """Start, whatever the answer."""
        evse_id = evse if isinstance(evse, str) else evse.evse_id
        since = self._bench.recorder.now()
        result = await bounded(
            self._bench, f"answer to the remote start on {evse_id}",
            self._bench.hub.remote_start(self.provider_id, evse_id, self.evco_id, **how), self._answer_limit, "CPO",
        )  # fmt: skip
        session = Session(self._bench, self, evse, result, since)
        self._bench.sessions.append(session)
        self._observe("remote_start", evse_id, session)
        return session

    async def repeats_start(self, session: "Session") -> "RemoteResult":
        """The start of this session once more, byte by byte."""
        return await bounded(
            self._bench, f"answer to the repeated start of {session.session_id}",
            self._bench.hub.remote_start(self.provider_id, session.evse_id, self.evco_id, variant="duplicate"),
            self._answer_limit, "CPO",
        )  # fmt: skip

    async def remote_stop(self, session: "Session", **how: Any) -> None:
        """Stop; blocked if the CPO refuses."""
        answer = await self.tries_remote_stop(session, **how)
        if not answer.accepted:
            raise Blocked(f"remote stop on {session.evse_id} was not accepted: {described(answer)}")

    async def tries_remote_stop(
        self, session: "Session | str", evse_id: str | None = None, **how: Any
    ) -> "RemoteResult":
        """Stop, whatever the answer. A text is taken as a SessionID."""
        session_id = session if isinstance(session, str) else session.session_id
        where = evse_id or (None if isinstance(session, str) else session.evse_id)
        answer = await bounded(
            self._bench, f"answer to the remote stop of {session_id}",
            self._bench.hub.remote_stop(self.provider_id, session_id, where, **how), self._answer_limit, "CPO",
        )  # fmt: skip
        self._bench.recorder.observe(
            "driver", evse_id=where, action="remote_stop", provider_id=self.provider_id, evco_id=self.evco_id,
            session_id=session_id, answer=described(answer),
        )  # fmt: skip
        return answer

    async def reserve(self, evse: "Evse", **how: Any) -> "Session":
        """Reserve; blocked if the CPO refuses."""
        session = await self.tries_to_reserve(evse, **how)
        if not session.accepted:
            raise Blocked(f"reservation of {session.evse_id} was not accepted: {session.answer}")
        return session

    async def tries_to_reserve(self, evse: "Evse | str", **how: Any) -> "Session":
        """Reserve, whatever the answer."""
        evse_id = evse if isinstance(evse, str) else evse.evse_id
        since = self._bench.recorder.now()
        result = await bounded(
            self._bench, f"answer to the reservation of {evse_id}",
            self._bench.hub.reservation_start(self.provider_id, evse_id, self.evco_id, **how), self._answer_limit, "CPO",
        )  # fmt: skip
        session = Session(self._bench, self, evse, result, since, reservation=True)
        self._bench.sessions.append(session)
        self._observe("reserve", evse_id, session)
        return session

    async def release(self, session: "Session", **how: Any) -> "RemoteResult":
        """End a reservation, whatever the answer."""
        return await bounded(
            self._bench, f"answer to the end of reservation {session.session_id}",
            self._bench.hub.reservation_stop(self.provider_id, session.session_id, session.evse_id, **how),
            self._answer_limit, "CPO",
        )  # fmt: skip

    @property
    def _answer_limit(self) -> float:
        return self._bench.stage.config.hub.answer_limit + 15

    def _observe(self, action: str, evse_id: str, session: "Session") -> None:
        self._bench.recorder.observe(
            "driver", evse_id=evse_id, action=action, provider_id=self.provider_id, evco_id=self.evco_id,
            session_id=session.session_id, answer=session.answer,
        )  # fmt: skip


class Session:
    """An OICP session a driver started; what is to be seen of it."""

    def __init__(
        self, bench: "Bench", driver: Driver, evse: "Evse | str", result: "RemoteResult", since: float, *,
        reservation: bool = False,
    ) -> None:  # fmt: skip
        self._bench, self.driver, self.result, self.since = bench, driver, result, since
        self._evse = None if isinstance(evse, str) else evse
        self.evse_id = evse if isinstance(evse, str) else evse.evse_id
        self.session_id, self.accepted, self.reservation = result.session_id or "", result.accepted, reservation

    @property
    def answer(self) -> str:
        """The answer in one line."""
        return described(self.result)

    async def charging(self, *, within: float = 30) -> None:
        """Wait until energy flows."""
        if self._bench.stage.fleet is None:
            await self.evse.asked("wait until the vehicle charges")
            return
        await self._bench.seen(
            "energy_started", evse_id=self.evse_id, since=self.since, within=within,
            what=f"energy flows at {self.evse_id}",
        )  # fmt: skip

    async def ended(self, *, within: float = 30) -> None:
        """Wait until the transaction at the charge point has ended."""
        if self._bench.stage.fleet is None:
            await self.evse.asked("wait until charging has ended")
            return
        await self._bench.seen(
            "transaction_stopped", evse_id=self.evse_id, since=self.since, within=within,
            what=f"end of the transaction at {self.evse_id}",
        )  # fmt: skip

    @property
    def evse(self) -> Evse:
        """Where it was started."""
        if self._evse is None:
            raise Blocked(f"the session is about no EVSE of the fleet: {self.evse_id}")
        return self._evse

    async def may_charge(self, *, within: float) -> None:
        """Give energy the time to flow, if it does."""
        await self._bench.seen(
            "energy_started", evse_id=self.evse_id, since=self.since, within=within, insist=False,
            what=f"energy flows at {self.evse_id}",
        )  # fmt: skip

    async def may_end(self, *, within: float) -> None:
        """Give the transaction the time to end, if it does."""
        await self._bench.seen(
            "transaction_stopped", evse_id=self.evse_id, since=self.since, within=within, insist=False,
            what=f"end of the transaction at {self.evse_id}",
        )  # fmt: skip

    async def may_be_broken_off(self, *, within: float) -> None:
        """A start that was refused may charge all the same: give the backend the time to end that."""
        if not self.accepted:
            await self.may_end(within=within)

    @property
    def closed(self) -> bool:
        """Never opened, billed, or closed by an End notification."""
        if not self.accepted or any(e.accepted for e in self.messages("ChargeDetailRecord")):
            return True
        return any(e.body.get("Type") == "End" for e in self.messages("ChargingNotifications"))

    async def is_closed(self, *, within: float) -> None:
        """Wait until it is closed; if it is not, the rules speak."""
        await self._bench.until(
            lambda: self.closed, within=within, insist=False, what=f"end of session {self.session_id} told by the CPO"
        )

    async def receives(self, operation: str, *, within: float = 10, times: int = 1) -> None:
        """Wait for messages of the CPO with this SessionID; if they do not come the scenario goes on and the rules speak."""
        await self._bench.until(
            lambda: len(self.messages(operation)) >= times, within=within, insist=False,
            what=f"{operation} of session {self.session_id} from the CPO",
        )  # fmt: skip

    async def is_billed(self, *, within: float = 10) -> None:
        """Wait until the hub has taken a CDR; if none comes the scenario goes on and the rules speak."""
        await self._bench.until(
            lambda: any(e.accepted for e in self.messages("ChargeDetailRecord")), within=within, insist=False,
            what=f"accepted ChargeDetailRecord of session {self.session_id}",
        )  # fmt: skip

    def messages(self, operation: str) -> list[Exchange]:
        """Finished messages of the CPO with this SessionID."""
        return self._bench.stage.journal.messages(self.session_id, operation)
