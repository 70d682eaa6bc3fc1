"""Sessions and transactions: who charges where, in memory for decisions, in the database before anybody is answered.

Decisions are taken without an await in between, so two starts at the same instant cannot both win; what was decided is then
written down, and only then answered. Everything a session leads to (the end of its transaction, its charge detail record)
is one database transaction.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cpo.charge_detail_record import ChargeDetailRecords
from cpo.fleet_data import Evse, FleetData
from cpo.metering import SignedReading
from cpo.records import Session, State, Transaction, Waiting
from cpo.storage import Storage
from oicp.wire_json import dump

LOG = logging.getLogger("cpo.sessions")
_EPOCH_OFFSET = 1_600_000_000
_CLOCK_TOLERANCE = timedelta(minutes=5)


class Taken(Exception):
    """The EVSE has a session or a transaction already."""


def id_tag_of(session_id: str) -> str:
    """The OCPP token of a session: 20 characters, the same for the same session, never that of another one."""
    return "O" + base64.b32encode(hashlib.sha256(session_id.encode()).digest()).decode()[:19]


class Register:
    """All live sessions and running transactions.

    `on_change` is called with the EVSE whose status may have changed, `on_message` with messages that wait for the hub.
    """

    def __init__(self, storage: Storage, fleet: FleetData, records: ChargeDetailRecords) -> None:
        self._storage, self._fleet, self._records = storage, fleet, records
        self._sessions: dict[str, Session] = {}
        self._transactions: dict[int, Transaction] = {}
        self._sessions_on: dict[str, dict[str, Session]] = {}
        self._transaction_on: dict[str, Transaction] = {}
        self._next_transaction = 0
        self._unsaved: set[int] = set()
        self.on_change: Callable[[Evse], None] = lambda evse: None
        self.on_message: Callable[[list[Waiting]], None] = lambda messages: None
        self.end_notice: Callable[[Session, Transaction, Evse], Waiting | None] = lambda *_: None
        self.end_instead: Callable[[Session, Evse], Waiting | None] = lambda *_: None

    async def load(self) -> None:
        """Take up what was going on before a restart. A start nobody was answered is taken back."""
        for session in await self._storage.live_sessions():
            self._add(session)
        for transaction in await self._storage.running_transactions():
            self._transactions[transaction.transaction_id] = transaction
            self._transaction_on[transaction.evse_id] = transaction
        highest = await self._storage.highest_transaction_id()
        self._next_transaction = max(highest + 1, int(time.time()) - _EPOCH_OFFSET)
        for session in [s for s in self._sessions.values() if s.state is State.STARTING]:
            await self.refuse(session, "021")

    # --- questions ----------------------------------------------------------------------------------------------------

    def live(self) -> list[Session]:
        """Sessions that are not over."""
        return list(self._sessions.values())

    def running(self) -> list[Transaction]:
        """Transactions that run."""
        return list(self._transactions.values())

    async def session(self, session_id: str) -> Session | None:
        """The session of that id, over or not."""
        return self._sessions.get(session_id) or await self._storage.session(session_id)

    def live_session(self, session_id: str | None) -> Session | None:
        """The session of that id if it is not over."""
        return self._sessions.get(session_id or "")

    def charging_session_on(self, evse: Evse) -> Session | None:
        """The charging session of an EVSE; reservations do not count."""
        return next((s for s in self._on(evse) if s.kind != "reservation"), None)

    def reservation_on(self, evse: Evse) -> Session | None:
        """The reservation that holds on an EVSE."""
        return next((s for s in self._on(evse) if s.kind == "reservation"), None)

    def transaction_on(self, evse: Evse) -> Transaction | None:
        """The transaction that runs on an EVSE."""
        return self._transaction_on.get(evse.evse_id)

    def in_use(self, evse: Evse) -> bool:
        """A session, or a transaction with a token, has this EVSE. One that began with the plug (2.0.1) still waits for a driver."""
        transaction = self.transaction_on(evse)
        return self.charging_session_on(evse) is not None or (transaction is not None and transaction.id_tag != "")

    def transaction_of(self, session: Session) -> Transaction | None:
        """The running transaction of a session."""
        return self._transactions.get(session.transaction_id or -1)

    def authorized(self, transaction: Transaction) -> bool:
        """Somebody may charge in this transaction; not where the session was stopped before it began."""
        session = self._sessions.get(transaction.session_id or "")
        return transaction.session_id is not None and not (session is not None and session.stopped_early)

    def by_reference(self, charge_point_id: str, reference: str) -> Transaction | None:
        """The running transaction a charge point calls so."""
        for transaction in self._transactions.values():
            if (transaction.charge_point_id, transaction.reference) == (charge_point_id, reference):
                return transaction
        return None

    async def known(self, charge_point_id: str, reference: str) -> Transaction | None:
        """The transaction a charge point calls so, running or over."""
        running = self.by_reference(charge_point_id, reference)
        return running or await self._storage.transaction(charge_point_id, reference=reference)

    def expects(self, charge_point_id: str, id_tag: str) -> bool:
        """A live session of that charge point uses this token."""
        return any(
            s.id_tag.upper() == id_tag.upper()
            and not s.stopped_early
            and (evse := self._fleet.evse(s.evse_id)) is not None
            and evse.charge_point_id == charge_point_id
            for s in self._sessions.values()
        )

    def _on(self, evse: Evse) -> list[Session]:
        return list(self._sessions_on.get(evse.evse_id, {}).values())

    def _add(self, session: Session) -> None:
        self._sessions[session.session_id] = session
        self._sessions_on.setdefault(session.evse_id, {})[session.session_id] = session

    def _remove(self, session: Session) -> None:
        self._sessions.pop(session.session_id, None)
        self._sessions_on.get(session.evse_id, {}).pop(session.session_id, None)

    # --- sessions -----------------------------------------------------------------------------------------------------

    def claim(self, session: Session, evse: Evse) -> None:
        """Take the EVSE for a session, at once or not at all. Raises `Taken`."""
        if session.kind == "reservation":
            if self.reservation_on(evse) or self.in_use(evse):
                raise Taken
        elif self.in_use(evse):
            raise Taken
        self._add(session)

    async def keep(self, session: Session) -> None:
        """Write a session down as it stands."""
        await self._storage.save([session])
        self._changed(session.evse_id)

    async def accept(self, session: Session, answer_code: str = "000") -> bool:
        """The charge point accepted: the session waits for its transaction, or has it already. False if it is over."""
        if not session.live:
            return False
        if session.state is State.STARTING:
            session.state = State.RESERVED if session.kind == "reservation" else State.WAITING
        session.answer_code = answer_code
        await self.keep(session)
        return True

    async def refuse(self, session: Session, code: str) -> None:
        """The start is answered negatively: nothing of it may be billed, a transaction of it is to be stopped."""
        session.state, session.answer_code = State.REFUSED, code
        self._remove(session)
        transaction = self.transaction_of(session)
        if transaction is not None:
            transaction.session_id = None
        await self._storage.save([session], [transaction] if transaction else [])
        self._changed(session.evse_id)

    async def cancel(self, session: Session) -> None:
        """End a session in which no transaction ran; its charge detail record has no energy."""
        evse = self._fleet.evse(session.evse_id)
        session.state = State.ENDED
        self._remove(session)
        messages = self._words_without_energy(session, evse) if evse is not None else []
        await self._save([session], [], messages)
        self._changed(session.evse_id)

    def _words_without_energy(self, session: Session, evse: Evse) -> list[Waiting]:
        """The record, or, where the hub wants signed values in it that nobody has, an End notification in its place."""
        record = self._records.without_energy(session, evse, datetime.now(UTC))
        last = Waiting("ChargeDetailRecord", session.session_id, session.session_id, dump(record))
        notice = self.end_instead(session, evse)
        if notice is None:
            return [last]
        last.after = -1
        return [notice, last]

    # --- transactions -------------------------------------------------------------------------------------------------

    async def begin(
        self, evse: Evse, id_tag: str, meter_wh: Decimal | None, started_at: datetime, *, reference: str | None = None
    ) -> Transaction:
        """A charge point began a transaction; a repeat of the same message gives the same transaction.

        It belongs to the live session with that token; `session_id` None means that nobody authorized it: stop it.
        """
        fingerprint = reference or f"{evse.connector_id}/{id_tag}/{meter_wh}/{started_at.isoformat()}"
        known = await self._known(evse, fingerprint)
        if known is not None:
            return known
        number, self._next_transaction = self._next_transaction, self._next_transaction + 1
        transaction = Transaction(
            number, evse.charge_point_id, evse.connector_id, evse.evse_id, reference or str(number), fingerprint,
            id_tag, started_at,
        )  # fmt: skip
        if meter_wh is not None:
            transaction.meter.starts(meter_wh, started_at)
        await self._closes_forgotten(evse, meter_wh, started_at)
        self._transactions[number] = transaction
        self._transaction_on[evse.evse_id] = transaction
        session = self._attach(transaction)
        await self._storage.save([session] if session else [], [transaction])
        reservation = self.reservation_on(evse)
        if session is not None and reservation is not None and reservation.id_tag == session.id_tag:
            await self.cancel(reservation)  # used up by its holder
        self._changed(evse.evse_id)
        return transaction

    async def _known(self, evse: Evse, fingerprint: str) -> Transaction | None:
        for transaction in self._transactions.values():
            if (transaction.charge_point_id, transaction.fingerprint) == (evse.charge_point_id, fingerprint):
                return transaction
        return await self._storage.transaction(evse.charge_point_id, fingerprint=fingerprint)

    async def authorize(self, transaction: Transaction, id_tag: str) -> None:
        """A transaction that began without a token (2.0.1) now has one."""
        if transaction.session_id is None and transaction.open:
            transaction.id_tag = id_tag
            session = self._attach(transaction)
            if session is not None:
                await self._storage.save([session], [transaction])

    def _attach(self, transaction: Transaction) -> Session | None:
        for session in self._sessions_on.get(transaction.evse_id, {}).values():
            fits = session.id_tag.upper() == transaction.id_tag.upper()
            if fits and session.kind != "reservation" and session.transaction_id is None:
                session.transaction_id, transaction.session_id = transaction.transaction_id, session.session_id
                session.state = State.CHARGING
                early = session.created_at - _CLOCK_TOLERANCE
                if not early <= transaction.started_at <= datetime.now(UTC) + _CLOCK_TOLERANCE:
                    transaction.started_at = datetime.now(UTC)  # the clock of the charge point is wrong
                return session
        return None

    async def _closes_forgotten(self, evse: Evse, meter_wh: Decimal | None, at: datetime) -> None:
        """A new transaction on the same connector ends the one before, whose end never arrived."""
        forgotten = self.transaction_on(evse)
        if forgotten is not None:
            LOG.warning("%s: transaction %s never ended; closed by the next one", evse.evse_id, forgotten.reference)
            last = forgotten.meter.last_wh
            stop = meter_wh if meter_wh is not None and (last is None or meter_wh >= last) else last
            await self.end(forgotten, stop, min(at, datetime.now(UTC)), "Other")

    def reads(self, transaction: Transaction, wh: Decimal, at: datetime) -> None:
        """A meter reading on the way; written down by the next `flush`."""
        if transaction.open:
            transaction.meter.reads(wh, at)
            self._unsaved.add(transaction.transaction_id)

    async def signed(self, transaction: Transaction, reading: SignedReading) -> None:
        """A signed reading; written down at once."""
        transaction.meter.adds_signed(reading)
        if transaction.open:
            await self._storage.save([], [transaction])

    async def flush(self) -> None:
        """Write down the readings that came since the last call."""
        unsaved, self._unsaved = self._unsaved, set()
        running = [self._transactions[number] for number in unsaved if number in self._transactions]
        if running:
            await self._storage.save([], running)

    async def end(self, transaction: Transaction, meter_wh: Decimal | None, at: datetime, reason: str | None) -> None:
        """A transaction is over: session, transaction and charge detail record in one go. A repeat changes nothing."""
        now = datetime.now(UTC)
        if transaction.open:
            transaction.stopped_at = at if transaction.started_at <= at <= now else max(now, transaction.started_at)
            transaction.reason = reason
            transaction.meter.stops(meter_wh, max(at, transaction.meter.last_at or at))
        session = await self.session(transaction.session_id) if transaction.session_id else None
        messages = self._last_words(session, transaction, now)
        if session is not None and session.state is not State.REFUSED:
            session.state = State.ENDED
        await self._save([session] if session else [], [transaction], messages)
        self._transactions.pop(transaction.transaction_id, None)
        if self._transaction_on.get(transaction.evse_id) is transaction:
            del self._transaction_on[transaction.evse_id]
        if session is not None:
            self._remove(session)
        self._changed(transaction.evse_id)

    def _last_words(self, session: Session | None, transaction: Transaction, now: datetime) -> list[Waiting]:
        evse = self._fleet.evse(transaction.evse_id)
        if session is None or evse is None or session.state is State.REFUSED:
            return []
        record = self._records.of_charging(session, transaction, evse, now)
        notice = self.end_notice(session, transaction, evse)
        last = Waiting("ChargeDetailRecord", session.session_id, session.session_id, dump(record))
        if notice is None:
            return [last]
        last.after = -1
        return [notice, last]

    async def _save(self, sessions: list[Session], transactions: list[Transaction], messages: list[Waiting]) -> None:
        added = await self._storage.save(sessions, transactions, messages)
        if added:
            self.on_message(added)

    def _changed(self, evse_id: str) -> None:
        evse = self._fleet.evse(evse_id)
        if evse is not None:
            self.on_change(evse)
