"""Charge detail records that come too early, too late, twice, never, or not again; sessions mixed up or forgotten."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cpo.answers import acknowledgement
from cpo.authorization import RemoteAuthorization
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.events import ChargePointEvents
from cpo.fleet_data import ChargePoint, Evse
from cpo.oicp_client import Outcome, Reply
from cpo.outbox import CdrSender
from cpo.records import Session, State, Transaction, Waiting
from cpo.register import Register
from cpo.storage import Storage
from oicp import wire_json
from oicp.wire_json import Json, dump
from tests.broken_cpos.variant import Variant

A, C, F = "authorization.", "charge_detail_record.", "faults."
SESSION = A + "remote_start_and_stop"
SOON = {"tolerances": {"cdr_missing_s": 5, "cdr_repeat_s": 6, "repeat_s": 6, "lapsed_session_s": 8}}
Message = dict[str, Json]


class NoRecords(Register):
    """Records are written by hand, once a month."""

    def _last_words(self, session: Session | None, transaction: Transaction, now: datetime) -> list[Waiting]:
        return []

    def _words_without_energy(self, session: Session, evse: Evse | None) -> list[Waiting]:
        return []


class OnlyAfterRemoteStop(Register):
    """A record is written where a remote stop ended the session."""

    def _last_words(self, session: Session | None, transaction: Transaction, now: datetime) -> list[Waiting]:
        return super()._last_words(session, transaction, now) if session and session.stop_accepted else []


class Interim(ChargePointEvents):
    """The record is sent with the first reading, to be safe."""

    async def reading(self, transaction: Transaction, wh: Decimal, at: datetime) -> None:
        await super().reading(transaction, wh, at)
        session = self._register.live_session(transaction.session_id)
        evse = self._fleet.evse(transaction.evse_id)
        if session is not None and evse is not None and transaction.meter.energy_wh > 0:
            register = self._register
            record = register._records.of_charging(session, transaction, evse, datetime.now(UTC))
            message = Waiting("ChargeDetailRecord", session.session_id, session.session_id, dump(record))
            await register._save([], [], [message])


class Twice(CdrSender):
    """A record that was taken is corrected and sent once more."""

    async def _finish(self, message: Waiting, state: str, note: str | None = None) -> None:
        await super()._finish(message, state, note)
        if state == "delivered":
            await self._client.post(self.operation, message.body)


class Late(CdrSender):
    """A batch sends the records of the last quarter of a minute."""

    def held_back_s(self, message: Waiting) -> float:
        age = (datetime.now(UTC) - datetime.fromisoformat(message.created_at)).total_seconds()
        return max(0.0, 14.0 - age)


class LostOnFailure(CdrSender):
    """One attempt."""

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        await self._finish(message, "dropped")
        return True


class LostOn429(CdrSender):
    """A record that met 429 is gone."""

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        if reply is not None and reply.http_status == 429:
            await self._finish(message, "dropped")
            return True
        return await super()._failed(message, reply)


class LostOn009(CdrSender):
    """Only trouble in the transport is worth a repeat."""

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        if reply is not None and reply.code in ("009", "021"):
            await self._finish(message, "dropped")
            return True
        return await super()._failed(message, reply)


class Hammers(CdrSender):
    """No back-off: again at once."""

    pause_s = 0.1

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        await super()._failed(message, reply)
        self._wait_s = self.pause_s
        return False


class Exactly(Hammers):
    """Waits that grow by exactly two, without a random part."""

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        await CdrSender._failed(self, message, reply)
        self._wait_s = 0.5 * 2.0 ** (self._lane.failures - 1)
        return False


class OtherContent(CdrSender):
    """Every attempt is built anew, with the present moment as SessionEnd."""

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        body = wire_json.parse_text(message.body).value
        later = max(datetime.fromisoformat(body["SessionEnd"]) + timedelta(seconds=1), datetime.now(UTC))
        zone = datetime.fromisoformat(body["SessionEnd"]).tzinfo
        body["SessionEnd"] = later.astimezone(zone).replace(microsecond=0).isoformat()
        message.body = dump(body)
        return await super()._failed(message, reply)


class NeverBelieves(CdrSender):
    """400 CLOSED after a lost answer is a failure like any other."""

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        if reply.outcome is Outcome.SESSION_INVALID:
            await self._later(message)
        else:
            await super().not_accepted(message, reply, repeat)


class DropsRefused(CdrSender):
    """022 is logged."""

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        await self._finish(message, "refused")


class Unchanged(CdrSender):
    """022 is answered with the same record, again and again."""

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        await asyncio.sleep(0.3)
        await self._later(message)


class ForgetsRecords(Storage):
    """The outbox is in memory."""

    async def pending(self) -> list[Waiting]:
        return []


class ForgetsSessions(Storage):
    """Sessions are in memory: after a restart nobody knows whose transaction it was."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._known: set[str] = set()

    async def save(self, sessions: Any = (), transactions: Any = (), messages: Any = ()) -> list[Waiting]:
        sessions = list(sessions)
        self._known |= {session.session_id for session in sessions}
        return await super().save(sessions, transactions, messages)

    async def session(self, session_id: str) -> Session | None:
        return await super().session(session_id) if session_id in self._known else None

    async def live_sessions(self) -> list[Session]:
        return []


class ForgetsOnRestart(ForgetsSessions):
    """Everything is in memory."""

    async def running_transactions(self) -> list[Transaction]:
        return []

    async def pending(self) -> list[Waiting]:
        return []


class ForgetsDrivers(Storage):
    """After a restart the contract of the driver is unknown."""

    async def live_sessions(self) -> list[Session]:
        found = await super().live_sessions()
        for session in found:
            session.identification = {"RemoteIdentification": {"EvcoID": "DE-DCB-C00000000-0"}}
        return found


class SinceMorning(ChargeDetailRecords):
    """The energy of a record counts from the first session of the day."""

    def __init__(self) -> None:
        self._first: dict[str, Decimal] = {}

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        meter = transaction.meter
        start = meter.start_wh or Decimal(0)
        meter.start_wh = min(self._first.setdefault(evse.evse_id, start), start)
        return super().of_charging(session, transaction, evse, now)


class NeverReset(ChargeDetailRecords):
    """A meter that begins again at zero is answered with the absolute register."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        record["ConsumedEnergy"] = Decimal(transaction.meter.stop_wh or 0) / 1000
        for name in ("MeterValueStart", "MeterValueEnd", "MeterValueInBetween"):
            record.pop(name, None)
        return record


class NothingForNothing(ChargeDetailRecords):
    """Where nothing was charged ConsumedEnergy is left out."""

    def without_energy(self, session: Session, evse: Evse, end: datetime) -> Message:
        record = super().without_energy(session, evse, end)
        del record["ConsumedEnergy"]
        return record

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        if not record["ConsumedEnergy"]:
            del record["ConsumedEnergy"]
        return record


class EndsBeforeItBegan(ChargeDetailRecords):
    """The record of a session without energy has readings that differ."""

    def without_energy(self, session: Session, evse: Evse, end: datetime) -> Message:
        record = super().without_energy(session, evse, end)
        return record | {"MeterValueStart": Decimal("10.0"), "MeterValueEnd": Decimal("10.5")}


class OwnProduct(ChargeDetailRecords):
    """Every record has the product of the EVSE, whatever the start named."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        return super().of_charging(session, transaction, evse, now) | {"PartnerProductID": "AC3"}


class OfThePlug(ChargeDetailRecords):
    """Times in UTC of a server that believes to be at the location."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        for name in ("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd"):
            moment = datetime.fromisoformat(record[name])
            record[name] = moment.astimezone(UTC).replace(tzinfo=moment.tzinfo).isoformat()
        return record


class FastClock(ChargeDetailRecords):
    """The clock of the backend is ten minutes ahead."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        for name in ("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd"):
            record[name] = (datetime.fromisoformat(record[name]) + timedelta(minutes=10)).isoformat()
        return record


class BillsRefused(RemoteAuthorization):
    """A start that was refused gets a record of 0 kWh."""

    async def start(self, body: Message) -> Message:
        answer_or_fault: Any
        try:
            return await super().start(body)
        except Exception as fault:
            answer_or_fault = fault
        evse = self._fleet.evse(body.get("EvseID"))  # type: ignore[arg-type]
        if evse is not None and isinstance(body.get("SessionID"), str):
            now = datetime.now(UTC)
            session = Session(str(body["SessionID"]), "remote", evse.evse_id, "", body["Identification"], "", now)
            record = self._register._records.without_energy(session, evse, now)
            self._register.on_message(
                await self._register._storage.save(
                    [], [], [Waiting("ChargeDetailRecord", session.session_id, session.session_id, dump(record))]
                )
            )
        raise answer_or_fault


class LocalSessions(ChargePointEvents):
    """Any token may charge; the session gets a SessionID of its own and is billed through the hub."""

    async def authorize(self, charge_point: ChargePoint, id_tag: str) -> bool:
        return True

    async def began(self, charge_point: ChargePoint, connector_id: int, id_tag: str, *rest: Any) -> Transaction | None:
        evse = charge_point.evse_at(connector_id)
        if evse is not None and not self._register.expects(charge_point.charge_point_id, id_tag):
            identification = {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}}
            session = Session(
                str(uuid.uuid4()), "remote", evse.evse_id, "DE-DCB", identification, id_tag, datetime.now(UTC)
            )
            session.state = State.WAITING
            self._register._add(session)
            await self._register.keep(session)
        return await super().began(charge_point, connector_id, id_tag, *rest)


class FreeForAll(ChargePointEvents):
    """Any token may charge; nobody is billed."""

    async def authorize(self, charge_point: ChargePoint, id_tag: str) -> bool:
        return True

    async def began(self, charge_point: ChargePoint, connector_id: int, id_tag: str, *rest: Any) -> Transaction | None:
        transaction = await super().began(charge_point, connector_id, id_tag, *rest)
        if transaction is not None and transaction.session_id is None:
            transaction.session_id = "local"
        return transaction


class StopMakesRecords(RemoteAuthorization):
    """Every remote stop sends a record, repeats included."""

    async def stop(self, body: Message) -> Message:
        session = await self._register.session(str(body.get("SessionID")))
        known = session is not None and session.state is State.ENDED
        if session is not None and known:
            evse = self._fleet.evse(session.evse_id)
            if evse is not None:
                record = self._register._records.without_energy(session, evse, datetime.now(UTC))
                key = f"{session.session_id}/{uuid.uuid4()}"
                message = Waiting("ChargeDetailRecord", key, session.session_id, dump(record))
                self._register.on_message(await self._register._storage.save([], [], [message]))
            return acknowledgement(session=session)
        return await super().stop(body)


def _late(name: str, sentence: str, requirement: str, only: str, **more: Any) -> Variant:
    values = {"bench": SOON} | more
    return Variant(f"deliver-{name}", sentence, (requirement,), only=only, **values)


_FORGOTTEN = dict.fromkeys(("RSTOP-001", "RSTOP-002"), "it does not know the session any more")
_GONE = dict.fromkeys(("CDR-001", "CDR-002", "CDR-027", "CDR-030", "SESS-004", "CDR-031"), "the record is gone")
_RESTART = F + "restart_of_the_backend"

VARIANTS = (
    _late("nothing", "No record is ever sent", "CDR-001", f"{SESSION}, {A}driver_unplugs, {A}nobody_plugs_in", parts={"register": NoRecords}, bench={"limits": {"settle": 40}}, collateral=_GONE),
    _late("only-after-remote-stop", "A record comes only where a remote stop ended the session", "CDR-002", f"{SESSION}, {A}driver_unplugs, {A}driver_stops_at_the_vehicle", parts={"register": OnlyAfterRemoteStop}, bench={}, collateral=_GONE),
    _late("interim", "The record is sent with the first reading", "CDR-005", SESSION, parts={"events": Interim}, collateral={"CDR-024": "most of the energy comes later", "CDR-016": "the end comes later", "RSTOP-002": "the hub closed the session with the record"}),
    _late("twice", "A record that was taken is sent once more", "CDR-003", SESSION, parts={"cdr_sender": Twice}, collateral={"CDR-004": "the session is closed"}),
    _late("late", "Records wait for a batch", "CDR-006", f"{A}driver_unplugs, {SESSION}", parts={"cdr_sender": Late}),
    _late("lost-on-failure", "A record that met 503 is lost", "CDR-030", F + "cdr_meets_503", parts={"cdr_sender": LostOnFailure}, collateral=_GONE),
    _late("lost-on-reset", "A record whose connection broke is lost", "CDR-030", F + "cdr_connection_reset, evse_status.many_changes_at_a_slow_hub", parts={"cdr_sender": LostOnFailure}, collateral=_GONE),
    _late("lost-on-009", "A record that met 009 or 021 is lost", "CDR-030", F + "cdr_meets_passing_errors", parts={"cdr_sender": LostOn009}, collateral=_GONE),
    _late("lost-on-429", "A record that met 429 is lost", "RATE-007", F + "cdr_storm_of_429", parts={"cdr_sender": LostOn429}, collateral=_GONE),
    _late("hammers", "Repeats at once, without back-off", "RATE-005", F + "cdr_storm_of_429", parts={"cdr_sender": Hammers}),
    _late("exactly", "Waits of exactly 0.5, 1, 2, 4 s", "RATE-006", F + "cdr_storm_of_429", parts={"cdr_sender": Exactly}),
    _late("other-content", "A repeat has a later SessionEnd", "CDR-032", F + "cdr_answer_lost", parts={"cdr_sender": OtherContent}, collateral={"CDR-016": "the later end"}),
    _late("never-believes", "400 CLOSED after a lost answer is repeated without end", "CDR-033", F + "cdr_answer_lost", parts={"cdr_sender": NeverBelieves}, collateral={"CDR-003": "the same repeats"}),
    _late("drops-refused", "A record refused with 022 is marked as sent", "CDR-034", f"{F}cdr_refused_022, {A}driver_unplugs", parts={"cdr_sender": DropsRefused}),
    _late("unchanged", "A record refused with 022 is repeated unchanged", "CDR-034", F + "cdr_refused_022", parts={"cdr_sender": Unchanged}),
    _late("forgets-on-restart", "A restart loses sessions and records", "CDR-031", _RESTART, parts={"storage": ForgetsOnRestart}, collateral=_GONE | _FORGOTTEN),
    _late("forgets-records", "A restart loses the records that wait", "CDR-031", _RESTART, parts={"storage": ForgetsRecords}, collateral=_GONE),
    _late("forgets-sessions", "A restart loses the sessions that run", "SESS-004", _RESTART, parts={"storage": ForgetsSessions}, collateral=_GONE | _FORGOTTEN),
    _late("forgets-drivers", "After a restart the record has another EvcoID", "SESS-004", _RESTART, parts={"storage": ForgetsDrivers}, collateral={"CDR-012": "the same EvcoID"}),
    _late("since-morning", "The second record on an EVSE holds the energy of the first as well", "CDR-029", A + "two_sessions_in_a_row", parts={"records": SinceMorning}, collateral={"CDR-024": "the same energy"}),
    _late("absolute-register", "The register in place of the difference", "CDR-024", SESSION, parts={"records": NeverReset}, collateral={"CDR-021": "the register is beyond 1000 kWh"}),
    _late("nothing-for-nothing", "ConsumedEnergy is left out where nothing was charged", "CDR-007", f"{A}nobody_plugs_in, {A}stop_before_the_energy", parts={"records": NothingForNothing}, collateral={"CDR-007": "it is mandatory", "CDR-027": "the hub refuses the record", "HTTP-007": "the same", **_GONE}),
    _late("readings-for-nothing", "A record without energy has readings that differ", "CDR-028", f"{A}nobody_plugs_in, {A}stop_before_the_energy", parts={"records": EndsBeforeItBegan}, collateral={"CDR-025": "the same readings"}),
    _late("own-product", "Every record has the product of the EVSE", "CDR-036", C + "product_and_partner_session_id", parts={"records": OwnProduct}),
    _late("server-time", "UTC with the offset of the location", "CDR-016", SESSION, parts={"records": OfThePlug}),
    _late("fast-clock", "The clock of the backend is ten minutes ahead", "CDR-015", SESSION, parts={"records": FastClock}, collateral={"CDR-016": "the same times", "TIME-005": "the same clock"}),
    _late("bills-refused", "A refused start gets a record", "CDR-026", f"{A}start_on_a_faulted_evse, {A}start_on_an_occupied_evse", parts={"remote": BillsRefused}, collateral={"CDR-004": "the hub has deleted the session"}),
    _late("local-sessions", "A local session is billed under a SessionID of its own", "SESS-001", A + "unknown_token", parts={"events": LocalSessions}, collateral={"CDR-004": "the hub does not know it"}),
    _late("free-for-all", "Any token may charge", "RSTART-021", A + "unknown_token", parts={"events": FreeForAll}, bench={}),
    _late("stop-makes-records", "A repeated stop sends a second record", "RSTOP-010", A + "repeated_stop", parts={"remote": StopMakesRecords}, collateral={"CDR-003": "the second record", "CDR-024": "the second record has no energy"}),
)  # fmt: skip
