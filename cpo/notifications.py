"""Charging notifications: Start when energy flows, Progress every five minutes and more, End before the record, Error."""

import time
from datetime import UTC, datetime
from decimal import Decimal

from cpo.fleet_data import Evse, FleetData
from cpo.local_time import written
from cpo.metering import kwh
from cpo.oicp_client import Reply
from cpo.outbox import Outbox, Sender
from cpo.records import Session, State, Transaction, Waiting
from cpo.settings import Settings
from cpo.storage import Storage
from oicp.wire_json import Json, dump

OPERATION = "ChargingNotifications"
INSTEAD = "/EndInstead"
"""End of the key of an End notification that takes the place of a charge detail record."""
_ATTEMPTS = 3
_BY_CARD = "/ByCard"


class Notices:
    """Writes notifications into the outbox, if the CPO offers them."""

    def __init__(self, settings: Settings, fleet: FleetData, storage: Storage, outbox: Outbox) -> None:
        self._settings, self._fleet, self._storage, self._outbox = settings, fleet, storage, outbox
        self._started: set[str] = set()
        self._progress_at: dict[str, float] = {}
        self._errors: dict[str, int] = {}

    async def energy(self, session: Session, transaction: Transaction) -> None:
        """The meter was read: the first rise is the start of charging."""
        if not self._settings.notifications or session.session_id in self._started:
            return
        if session.state is State.CHARGING and transaction.meter.energy_wh > 0:
            self._started.add(session.session_id)
            self._progress_at[session.session_id] = time.monotonic() + self._settings.progress_interval_s
            await self._start(session, transaction)

    async def late_start(self, session: Session, transaction: Transaction, stop_wh: Decimal | None) -> None:
        """A short session by card: the hub may not know yet where it was, and learns it before the End."""
        if not self._settings.notifications or session.kind != "rfid" or session.session_id in self._started:
            return
        start_wh = transaction.meter.start_wh
        if stop_wh is not None and start_wh is not None and stop_wh > start_wh:
            await self._start(session, transaction)

    async def _start(self, session: Session, transaction: Transaction) -> None:
        key = f"Start{_BY_CARD if session.kind == 'rfid' else ''}"
        await self._put(session, transaction, "Start", {"MeterValueStart": _start_kwh(transaction)}, key)

    async def progress(self, session: Session, transaction: Transaction) -> None:
        """Time passes: every interval one Progress."""
        if not self._settings.notifications or session.state is not State.CHARGING:
            return
        due = self._progress_at.setdefault(
            session.session_id, time.monotonic() + self._settings.progress_interval_s
        )  # fmt: skip
        if time.monotonic() < due or session.session_id not in self._started:
            return
        self._progress_at[session.session_id] = time.monotonic() + self._settings.progress_interval_s
        now = datetime.now(UTC).replace(microsecond=0)
        members = {
            "EventOccurred": self._written(session, now),
            "ChargingDuration": int((now - transaction.started_at.replace(microsecond=0)).total_seconds()) * 1000,
            "ConsumedEnergyProgress": kwh(transaction.meter.energy_wh),
        }
        await self._put(session, transaction, "Progress", members, f"Progress/{now.isoformat()}")

    async def error(self, session: Session, evse: Evse) -> None:
        """The connector of a session is faulted."""
        if not self._settings.notifications or session.kind == "reservation":
            return
        count = self._errors[session.session_id] = self._errors.get(session.session_id, 0) + 1
        members = {"ErrorType": "ConnectorError", "ErrorAdditionalInfo": f"{evse.evse_id} reported Faulted"}
        message = self._head(session, "Error") | members
        message.pop("PartnerProductID", None)  # the other three types have it, this one does not
        await self._store(Waiting(OPERATION, f"{session.session_id}/Error/{count}", session.session_id, dump(message)))

    def end(self, session: Session, transaction: Transaction, evse: Evse) -> Waiting | None:
        """The End notification that goes before the charge detail record; None if the CPO offers none."""
        if not self._settings.notifications:
            return None
        self._started.discard(session.session_id)
        self._errors.pop(session.session_id, None)
        self._progress_at.pop(session.session_id, None)
        ended = max(transaction.stopped_at or transaction.started_at, transaction.started_at)
        members: dict[str, Json] = {
            "ChargingEnd": self._written(session, ended),
            "SessionStart": self._written(session, min(session.created_at, transaction.started_at)),
            "ConsumedEnergy": kwh(transaction.meter.energy_wh),
        }
        if not transaction.meter.was_reset and transaction.meter.start_wh is not None:
            start = transaction.meter.start_wh
            readings = {"MeterValueStart": kwh(start), "MeterValueEnd": kwh(start + transaction.meter.energy_wh)}
            members |= readings | {"ConsumedEnergy": readings["MeterValueEnd"] - readings["MeterValueStart"]}
        message = self._head(session, "End", transaction) | members
        return Waiting(OPERATION, f"{session.session_id}/End", session.session_id, dump(message))

    def end_instead(self, session: Session, evse: Evse) -> Waiting | None:
        """An End notification in place of a record without energy, for an EVSE whose records need signed values; else None."""
        if not evse.external_calibration_data or session.kind == "reservation":
            return None
        ended = max(datetime.now(UTC), session.created_at)
        members = {
            "ChargingStart": self._written(session, ended),
            "ChargingEnd": self._written(session, ended),
            "SessionStart": self._written(session, session.created_at),
            "ConsumedEnergy": Decimal("0.000"),
        }
        message = self._head(session, "End") | members
        return Waiting(OPERATION, session.session_id + INSTEAD, session.session_id, dump(message))

    async def _put(
        self, session: Session, transaction: Transaction, kind: str, members: dict[str, Json], key: str
    ) -> None:
        message = self._head(session, kind, transaction) | members
        await self._store(Waiting(OPERATION, f"{session.session_id}/{key}", session.session_id, dump(message)))

    async def _store(self, message: Waiting) -> None:
        self._outbox.add(await self._storage.save(messages=[message]))

    def _head(self, session: Session, kind: str, transaction: Transaction | None = None) -> dict[str, Json]:
        head = {
            "Type": kind,
            "SessionID": session.session_id,
            "CPOPartnerSessionID": session.cpo_partner_session_id,
            "EMPPartnerSessionID": session.emp_partner_session_id,
            "Identification": session.identification,
            "OperatorID": self._fleet.operator_id,
            "EvseID": session.evse_id,
            "PartnerProductID": session.partner_product_id,
            "ChargingStart": self._written(session, transaction.started_at) if transaction else None,
        }
        return {name: value for name, value in head.items() if value is not None}

    def _written(self, session: Session, moment: datetime) -> str:
        evse = self._fleet.evse(session.evse_id)
        return written(moment, evse.zone if evse else UTC)


def _start_kwh(transaction: Transaction) -> Decimal:
    return kwh(transaction.meter.start_wh or Decimal(0))


class NotificationSender(Sender):
    """Sends notifications; one that the EMP does not want, or that cannot be delivered, is given up."""

    operation = OPERATION

    def rank(self, message: Waiting) -> int:
        """Where there are more than may be sent: first drivers in trouble, and what tells the hub the EVSE of a card."""
        return 0 if "/Error/" in message.key or message.key.endswith(_BY_CARD) else 1

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        """Charging and record go on without it."""
        await self._finish(message, "dropped", str(reply))

    async def _finish(self, message: Waiting, state: str, note: str | None = None) -> None:
        """With an End notification that was delivered the record it replaces is superfluous; otherwise that one goes."""
        if message.key.endswith(INSTEAD) and state == "delivered":
            for record in self._outbox.of("ChargeDetailRecord"):
                if record.after == message.number:
                    await self._outbox.done(record, "dropped", "an End notification took its place")
        await super()._finish(message, state, note)

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        if message.key.endswith(INSTEAD):
            return await super()._failed(message, reply)
        late_is_wrong = "/Progress/" in message.key
        if message.attempts >= _ATTEMPTS or late_is_wrong:
            await self._finish(message, "dropped", str(reply) if reply else "no answer")
            self._wait_s = self._lane.next_wait(reply.retry_after_s if reply else None)
            return False
        return await super()._failed(message, reply)
