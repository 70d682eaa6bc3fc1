"""What charge points report, whatever version of OCPP they speak, and what follows from it."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from decimal import Decimal

from cpo.background import Background
from cpo.charge_point_link import Links, Unreachable
from cpo.evse_status import OUT_OF_SERVICE, EvseStatuses
from cpo.fleet_data import ChargePoint, FleetData
from cpo.metering import SignedReading
from cpo.notifications import Notices
from cpo.records import Session, State, Transaction
from cpo.register import Register
from cpo.rfid import RfidAuthorization
from cpo.settings import Settings

LOG = logging.getLogger("cpo.events")
_STOP_ATTEMPTS = 10
_STOP_PAUSE_S = 2.0
_RECONNECT_PATIENCE_S = 2.0
_STABLE_AFTER_S = 10.0
"""So long after a connection a charge point may still deliver what happened while it was offline."""


class ChargePointEvents:
    """Takes the reports of all charge points."""

    def __init__(
        self, settings: Settings, fleet: FleetData, register: Register, statuses: EvseStatuses, links: Links,
        background: Background, rfid: RfidAuthorization | None, notices: Notices,
    ) -> None:  # fmt: skip
        self._settings, self._fleet, self._register, self._statuses = settings, fleet, register, statuses
        self._links, self._background, self._rfid, self._notices = links, background, rfid, notices
        self._offline_since = {ident: time.monotonic() for ident in fleet.charge_points}
        self._connected_at: dict[str, float] = {}
        self.stable_after_s = min(_STABLE_AFTER_S, settings.plug_in_timeout_s)
        self._suspected: dict[int, float] = {}
        self._unreported: dict[str, set[int]] = {}

    # --- connection ---------------------------------------------------------------------------------------------------

    def connected(self, charge_point: ChargePoint) -> None:
        """A charge point is there (again); if it does not say how its connectors are, it is asked."""
        self._offline_since.pop(charge_point.charge_point_id, None)
        self._connected_at[charge_point.charge_point_id] = time.monotonic()
        charge_point.silent = False
        self._unreported[charge_point.charge_point_id] = {evse.connector_id for evse in charge_point.evses}
        self._background.spawn(self._ask_for_status(charge_point), f"status of {charge_point.charge_point_id}")
        if any(evse.external_calibration_data and evse.public_key is None for evse in charge_point.evses):
            self._background.spawn(self._ask_for_keys(charge_point), f"keys of {charge_point.charge_point_id}")

    async def _ask_for_keys(self, charge_point: ChargePoint) -> None:
        """The public keys that prove the signed values of these meters."""
        for evse in charge_point.evses:
            if evse.public_key is None:
                try:
                    evse.public_key = await self._links.of(charge_point.charge_point_id).public_key(evse)
                except Unreachable as fault:
                    LOG.warning("%s", fault)

    async def _ask_for_status(self, charge_point: ChargePoint) -> None:
        await asyncio.sleep(_RECONNECT_PATIENCE_S)
        for evse in charge_point.evses:
            if evse.connector_id in self._unreported.get(charge_point.charge_point_id, ()):
                try:
                    await self._links.of(charge_point.charge_point_id).ask_status(evse)
                except Unreachable:
                    return
                self._register.on_change(evse)

    def disconnected(self, charge_point: ChargePoint) -> None:
        """The connection is gone; its status counts on for a while."""
        self._offline_since[charge_point.charge_point_id] = time.monotonic()

    def booted(self, charge_point: ChargePoint) -> None:
        """It started anew: a transaction that ran is over, though its end may still be reported."""
        for transaction in self._register.running():
            if transaction.charge_point_id == charge_point.charge_point_id:
                self._suspected.setdefault(transaction.transaction_id, time.monotonic())

    # --- state --------------------------------------------------------------------------------------------------------

    async def connector_status(self, charge_point: ChargePoint, connector_id: int, connector_status: str) -> None:
        """A connector (0: the whole charge point) reported its state."""
        if connector_id == 0:
            charge_point.out_of_service = connector_status in OUT_OF_SERVICE
            for every in charge_point.evses:
                self._register.on_change(every)
            return
        evse = charge_point.evse_at(connector_id)
        if evse is None:
            LOG.warning(
                "%s reports connector %d, which the fleet does not have", charge_point.charge_point_id, connector_id
            )
            return
        self._unreported.get(charge_point.charge_point_id, set()).discard(connector_id)
        before, evse.connector_status = evse.connector_status, connector_status
        self._statuses.report()
        self._register.on_change(evse)
        transaction = self._register.transaction_on(evse)
        if transaction is not None and connector_status == "Available":
            self._suspected.setdefault(transaction.transaction_id, time.monotonic())
        session = self._register.charging_session_on(evse)
        if session is None:
            return
        if connector_status == "Faulted":
            await self._notices.error(session, evse)
        given_up = before == "Preparing" and connector_status == "Available" and session.state is State.WAITING
        if given_up and self._stable(charge_point.charge_point_id):
            await self._register.cancel(session)  # the charge point waited for the plug in vain

    # --- transactions -------------------------------------------------------------------------------------------------

    async def authorize(self, charge_point: ChargePoint, id_tag: str) -> bool:
        """A charge point asks for a token: only those of live sessions are known, unless there are readers."""
        if self._register.expects(charge_point.charge_point_id, id_tag):
            return True
        return self._rfid is not None and await self._rfid.authorize(charge_point, None, id_tag)

    async def began(
        self, charge_point: ChargePoint, connector_id: int, id_tag: str, meter_wh: Decimal | None, at: datetime,
        reference: str | None = None,
    ) -> Transaction | None:  # fmt: skip
        """A transaction began; `session_id` None in the result means: not authorized, to be stopped. None: no such EVSE."""
        evse = charge_point.evse_at(connector_id)
        if evse is None:
            return None
        if self._rfid is not None and id_tag and not self._register.expects(charge_point.charge_point_id, id_tag):
            await self._rfid.authorize(charge_point, evse, id_tag)
        return await self._register.begin(evse, id_tag, meter_wh, at, reference=reference)

    def stop_if_unauthorized(self, transaction: Transaction) -> None:
        """Nobody authorized it, or no longer: end it without delay."""
        if transaction.open and not self._register.authorized(transaction):
            self._background.spawn(self._stop(transaction), f"stop of {transaction.reference}")

    async def _stop(self, transaction: Transaction) -> None:
        LOG.warning("%s: transaction %s is not authorized", transaction.evse_id, transaction.reference)
        for _ in range(_STOP_ATTEMPTS):
            if not transaction.open:
                return
            try:
                await self._links.of(transaction.charge_point_id).remote_stop(transaction)
            except Unreachable as fault:
                LOG.warning("%s", fault)
            await asyncio.sleep(_STOP_PAUSE_S)

    async def reading(self, transaction: Transaction, wh: Decimal, at: datetime) -> None:
        """The meter of a transaction was read."""
        self._suspected.pop(transaction.transaction_id, None)
        self._register.reads(transaction, wh, at)
        session = self._register.live_session(transaction.session_id)
        if session is not None:
            await self._notices.energy(session, transaction)

    async def signed(self, transaction: Transaction, reading: SignedReading) -> None:
        """A signed reading came."""
        await self._register.signed(transaction, reading)

    async def ended(self, transaction: Transaction, meter_wh: Decimal | None, at: datetime, reason: str | None) -> None:
        """A transaction ended."""
        self._suspected.pop(transaction.transaction_id, None)
        session = self._register.live_session(transaction.session_id)
        if session is not None:
            await self._notices.late_start(session, transaction, meter_wh)
        await self._register.end(transaction, meter_wh, at, reason)

    # --- time passes --------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        """What happens because nothing happened: time limits, once a second."""
        while True:
            await asyncio.sleep(1.0)
            self._silent_ones()
            await self._register.flush()
            if self._rfid is not None:
                await self._rfid.expire()
            now = datetime.now(UTC)
            for session in self._register.live():
                await self._overdue(session, now)
            for transaction in self._register.running():
                await self._lost(transaction)

    def _silent_ones(self) -> None:
        for ident, since in self._offline_since.items():
            charge_point = self._fleet.charge_points[ident]
            if not charge_point.silent and time.monotonic() - since > self._settings.offline_grace_s:
                charge_point.silent = True
                for evse in charge_point.evses:
                    self._register.on_change(evse)

    async def _overdue(self, session: Session, now: datetime) -> None:
        if session.state is State.RESERVED and session.ends_at is not None and session.ends_at <= now:
            await self._register.cancel(session)
        if session.state is State.WAITING and self._given_up(session, now):
            await self._register.cancel(session)
        transaction = self._register.transaction_of(session)
        if transaction is not None:
            await self._notices.progress(session, transaction)

    def _given_up(self, session: Session, now: datetime) -> bool:
        """No transaction will come of it any more."""
        evse = self._fleet.evse(session.evse_id)
        stopped = session.ends_at is not None and session.ends_at <= now
        if stopped and (evse is None or self._stable(evse.charge_point_id)):
            return True
        return (now - session.created_at).total_seconds() > self._patience_s(session)

    def _patience_s(self, session: Session) -> float:
        """How long an accepted start waits for its transaction; longer while the charge point cannot report one."""
        evse = self._fleet.evse(session.evse_id)
        if evse is not None and self._stable(evse.charge_point_id):
            return self._settings.plug_in_timeout_s
        return max(self._settings.plug_in_timeout_s, self._settings.lost_transaction_timeout_s)

    def _stable(self, charge_point_id: str) -> bool:
        """Connected for a while, so nothing old is under way."""
        since = self._connected_at.get(charge_point_id, time.monotonic())
        return self._links.connected(charge_point_id) and time.monotonic() - since > self.stable_after_s

    async def _lost(self, transaction: Transaction) -> None:
        since = self._suspected.get(transaction.transaction_id)
        if since is not None and time.monotonic() - since > self._settings.lost_transaction_timeout_s:
            LOG.warning("%s: the end of transaction %s was never reported", transaction.evse_id, transaction.reference)
            await self.ended(transaction, None, transaction.meter.last_at or transaction.started_at, "Other")
