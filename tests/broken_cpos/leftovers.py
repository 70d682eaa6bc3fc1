"""What one session, push or connection leaves behind for the next: mixed up, kept too long, or forgotten at the wrong moment."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from cpo.answers import Refused
from cpo.authorization import RemoteAuthorization
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.events import ChargePointEvents
from cpo.evse_status import EvseStatuses
from cpo.fleet_data import ChargePoint, Evse
from cpo.oicp_client import Reply
from cpo.outbox import CdrSender
from cpo.pushes import EvseDataPush, EvseStatusPush
from cpo.records import Session, State, Transaction, Waiting
from cpo.register import Register
from cpo.storage import Storage
from oicp.wire_json import Json
from tests.broken_cpos.variant import Variant

A, B, C, D, F = (
    "authorization.", "authorization_by_charge_point.", "charge_detail_record.", "evse_data.", "faults.",
)  # fmt: skip
SOON = {"tolerances": {"cdr_missing_s": 5, "repeat_s": 6, "lapsed_session_s": 8}}
Message = dict[str, Json]


# --- sessions ---------------------------------------------------------------------------------------------------------


class StopsTheOldest(RemoteAuthorization):
    """A stop ends the transaction that has run longest at the charge point."""

    async def _stop(self, session: Session, evse: Evse) -> None:
        running = [t for t in self._register.running() if t.charge_point_id == evse.charge_point_id]
        if not running:
            return await super()._stop(session, evse)
        oldest = min(running, key=lambda t: t.transaction_id)
        await self._links.of(evse.charge_point_id).remote_stop(oldest)
        return None


class NeverFrees(Register):
    """A session that is over stays on its EVSE."""

    async def end(self, transaction: Transaction, meter_wh: Decimal | None, at: datetime, reason: str | None) -> None:
        session = self.live_session(transaction.session_id)
        await super().end(transaction, meter_wh, at, reason)
        if session is not None:
            self._sessions_on.setdefault(session.evse_id, {})[session.session_id] = session


class KeepsTheRefused(Register):
    """A start that was refused holds its EVSE."""

    async def refuse(self, session: Session, code: str) -> None:
        await super().refuse(session, code)
        self._sessions_on.setdefault(session.evse_id, {})[session.session_id] = session


class BeginsAnew(Register):
    """A begin that is told twice is taken for another transaction, which nobody authorized."""

    async def _known(self, evse: Evse, fingerprint: str) -> Transaction | None:
        return None


class BelievesInItsStop(RemoteAuthorization):
    """A stop that the charge point refused counts as given all the same: the next one is answered true."""

    async def stop(self, body: Message) -> Message:
        try:
            return await super().stop(body)
        except Refused:
            session = self._register.live_session(str(body.get("SessionID")))
            if session is not None:
                session.stop_accepted = True
            raise


class ForgetsTheExpected(Storage):
    """After a restart only sessions that charge are known; those that wait for their vehicle are gone."""

    async def live_sessions(self) -> list[Session]:
        return [session for session in await super().live_sessions() if session.state is State.CHARGING]


# --- records ----------------------------------------------------------------------------------------------------------


class DeafAfterTheBreak(ChargePointEvents):
    """What is metered after the connection broke is not counted, not even the reading of the end."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._kept: dict[int, Decimal | None] = {}

    def disconnected(self, charge_point: ChargePoint) -> None:
        running = [t for t in self._register.running() if t.charge_point_id == charge_point.charge_point_id]
        self._kept |= {t.transaction_id: t.meter.last_wh for t in running}
        super().disconnected(charge_point)

    async def ended(self, transaction: Transaction, meter_wh: Decimal | None, at: datetime, reason: str | None) -> None:
        kept = self._kept.pop(transaction.transaction_id, None)
        if kept is not None:
            transaction.meter.highest_wh = transaction.meter.last_wh = meter_wh = kept
        await super().ended(transaction, meter_wh, at, reason)


class CorrectsOnce(CdrSender):
    """A refused record is cut down once, and then sent again and again."""

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        message.refusals = 0
        await super().not_accepted(message, reply, repeat)


class NoTime(ChargeDetailRecords):
    """One column holds both times of the charging."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        return record | {"ChargingEnd": record["ChargingStart"]}


class BareWithoutEnergy(ChargeDetailRecords):
    """A record without energy is written elsewhere, by somebody who forgot the EMP's id."""

    def without_energy(self, session: Session, evse: Evse, end: datetime) -> Message:
        record = super().without_energy(session, evse, end)
        record.pop("EMPPartnerSessionID", None)
        return record


# --- pushes -----------------------------------------------------------------------------------------------------------


class LosesWhatChangesMeanwhile(EvseStatusPush):
    """Whether the status is another one by now is not looked at when a push is answered."""

    async def _push_change(self) -> bool:
        self.changed = lambda evse: None  # type: ignore[method-assign]
        try:
            return await super()._push_change()
        finally:
            del self.changed


class PausedIsOutOfService(EvseStatuses):
    """Load management leaves nothing for the EVSE: OutOfService."""

    def of(self, evse: Evse) -> str:
        return "OutOfService" if evse.connector_status == "SuspendedEVSE" else super().of(evse)


class TellsOfTheGone(EvseStatusPush):
    """The status of an EVSE is pushed whether its data are at the hub or not."""

    def _relevant(self, evse: Evse) -> bool:
        return evse.dynamic


class ForgetsTheChange(EvseDataPush):
    """A change that could not be delivered is gone."""

    async def _push_change(self) -> bool:
        key = next(iter(self._changed))
        done = await super()._push_change()
        self._changed.pop(key, None)
        return done


class OldRecords(EvseDataPush):
    """Some pushes have the records of the day the backend began. Subclasses say which."""

    actions: tuple[str, ...] = ()

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._old = {evse.key: dict(evse.record) for evse in self._fleet.evses()}

    def message(self, action: str, evses: Iterable[Evse]) -> Message:
        chosen = list(evses)
        message = super().message(action, chosen)
        if action in self.actions:
            message["OperatorEvseData"]["EvseDataRecord"] = [
                self.record(evse) | {"HotlinePhoneNumber": self._old[evse.key].get("HotlinePhoneNumber")}
                for evse in chosen
            ]
        return message


class LoadsTheOld(OldRecords):
    """A full load takes changes back."""

    actions = ("fullLoad",)


class UpdatesTheOld(OldRecords):
    """The update of a changed record lacks the change."""

    actions = ("update",)


_TWO = {"charge_points": 3, "evses_per_charge_point": 2}
_CHANGES = f"{D}data_record_changes, {D}data_push_meets_a_busy_hub"

VARIANTS = (
    Variant("left-stops-the-oldest", "A stop ends whatever has charged longest at the charge point", ("RSTOP-005",), only=A + "one_driver_at_two_evses", fleet=_TWO, parts={"remote": StopsTheOldest}, collateral=dict.fromkeys(("SESS-008", "RSTOP-002", "RSTOP-010"), "the same stop")),
    Variant("left-never-frees", "A session that is over stays on its EVSE: whoever comes next is refused", ("RSTART-001",), only=f"{A}two_sessions_in_a_row, {C}meter_resets", parts={"register": NeverFrees}),
    Variant("left-keeps-the-refused", "A start the charge point rejected holds the EVSE: the next try is refused with 602", ("ACK-010",), grade="warning", only=A + "charge_point_rejects", parts={"register": KeepsTheRefused}),
    Variant("left-begins-anew", "A begin that is told twice is another transaction, and is turned away", ("RSTART-004",), only=C + "begin_told_twice", parts={"register": BeginsAnew}),
    Variant("left-believes-in-its-stop", "The second of two stops that the charge point refuses is answered true", ("RSTOP-007",), only=B + "charge_point_rejects_the_stop", parts={"remote": BelievesInItsStop}),
    Variant("left-forgets-the-expected", "A restart loses the sessions whose vehicle is still to come", ("SESS-004",), only=F + "restart_of_the_backend", bench=SOON, parts={"storage": ForgetsTheExpected}, collateral=dict.fromkeys(("CDR-027", "RSTART-011"), "the same session")),
    Variant("left-deaf-after-the-break", "What is metered after the connection broke is not billed", ("CDR-024",), only=C + "connection_breaks_in_between", parts={"events": DeafAfterTheBreak}),
    Variant("left-corrects-once", "A refused record is corrected once, and the same then repeated without end", ("CDR-034",), grade="warning", only=F + "cdr_refused_022", parts={"cdr_sender": CorrectsOnce}),
    Variant("left-no-time", "ChargingEnd is ChargingStart", ("CDR-039",), grade="warning", only=C + "longer_charge", parts={"records": NoTime}),
    Variant("left-no-partner-without-energy", "A record of 0 kWh lacks the EMPPartnerSessionID of its start", ("SESS-005",), grade="warning", only=A + "nobody_plugs_in", parts={"records": BareWithoutEnergy}),
    Variant("left-loses-what-changes-meanwhile", "A status that changes while a push is on its way is not told", ("STAT-007",), only="all", parts={"status_push": LosesWhatChangesMeanwhile}),
    Variant("left-paused-is-out-of-service", "OutOfService while load management pauses a session", ("STAT-010",), only=C + "evse_pauses", parts={"statuses": PausedIsOutOfService}),
    Variant("left-tells-of-the-gone", "The status of an EVSE is pushed after its data were removed", ("STAT-004",), only=D + "evse_leaves_the_fleet", parts={"status_push": TellsOfTheGone}),
    Variant("left-forgets-the-change", "A changed record that met 503 never comes again; only a full load on request has it", ("HTTP-019",), only=f"{D}data_change_meets_503, {D}data_push_meets_a_busy_hub", bench=SOON, parts={"data_push": ForgetsTheChange}),
    Variant("left-loads-the-old", "A full load takes changes of records back", ("PUSH-016",), grade="warning", only=_CHANGES, parts={"data_push": LoadsTheOld}),
    Variant("left-updates-the-old", "The update of a changed record lacks the change", ("PUSH-016",), grade="warning", only=_CHANGES, parts={"data_push": UpdatesTheOld}),
)  # fmt: skip
