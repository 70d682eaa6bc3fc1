"""A charge point that speaks OCPP 2.0.1. The connector number of the fleet file is the number of the EVSE here."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ocpp.v201 import ChargePoint as Ocpp201
from ocpp.v201 import call, call_result

from cpo.events import ChargePointEvents
from cpo.fleet_data import ChargePoint, Evse
from cpo.local_time import read as read_time
from cpo.metering import sampled
from cpo.ocpp16 import asked, now
from cpo.ocpp_routing import after, on
from cpo.records import Transaction
from cpo.register import Register
from cpo.settings import Settings
from cpo.signed_data import from_wrapped, status_of

_REGISTER = "Energy.Active.Import.Register"
_HEARTBEAT_S = 300


class ChargePoint201(Ocpp201):  # type: ignore[misc]
    """One connection; the reports go to `ChargePointEvents`, the wishes of the CPO come as a `Link`."""

    def __init__(
        self,
        charge_point: ChargePoint,
        connection: Any,
        settings: Settings,
        events: ChargePointEvents,
        register: Register,
    ) -> None:
        super().__init__(charge_point.charge_point_id, connection, response_timeout=settings.command_timeout_s)
        self.charge_point, self.events, self.register = charge_point, events, register
        self._timeout_s = settings.command_timeout_s
        self._remote_start_id = int(datetime.now(UTC).timestamp()) % 1_000_000_000

    # --- Link ---------------------------------------------------------------------------------------------------------

    async def remote_start(self, evse: Evse, id_tag: str) -> str:
        """RequestStartTransaction."""
        self._remote_start_id += 1
        return await self._ask(
            call.RequestStartTransaction(
                _token(id_tag), remote_start_id=self._remote_start_id, evse_id=evse.connector_id
            )
        )

    async def remote_stop(self, transaction: Transaction) -> str:
        """RequestStopTransaction."""
        return await self._ask(call.RequestStopTransaction(transaction_id=transaction.reference))

    async def reserve(self, evse: Evse, reservation_id: int, id_tag: str, expires_at: datetime) -> str:
        """ReserveNow."""
        expiry = expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return await self._ask(call.ReserveNow(reservation_id, expiry, _token(id_tag), evse_id=evse.connector_id))

    async def cancel_reservation(self, reservation_id: int) -> str:
        """CancelReservation."""
        return await self._ask(call.CancelReservation(reservation_id=reservation_id))

    async def ask_status(self, evse: Evse) -> str:
        """TriggerMessage for a StatusNotification."""
        place = {"id": evse.connector_id, "connector_id": 1}
        return await self._ask(call.TriggerMessage("StatusNotification", evse=place))

    async def public_key(self, evse: Evse) -> str | None:
        """It comes with the signed values here."""
        return None

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    async def _ask(self, request: Any) -> str:
        answer = await asked(self.call(request, suppress=False), self._timeout_s, self.id)
        return str(getattr(answer, "status", ""))

    # --- reports ------------------------------------------------------------------------------------------------------

    @on("BootNotification")
    async def on_boot(self, **_: Any) -> call_result.BootNotification:
        """It started."""
        self.events.booted(self.charge_point)
        return call_result.BootNotification(current_time=now(), interval=_HEARTBEAT_S, status="Accepted")

    @on("Heartbeat")
    async def on_heartbeat(self, **_: Any) -> call_result.Heartbeat:
        """It lives."""
        return call_result.Heartbeat(current_time=now())

    @on("Authorize")
    async def on_authorize(self, id_token: dict[str, Any], **_: Any) -> call_result.Authorize:
        """Somebody showed a token."""
        known = await self.events.authorize(self.charge_point, str(id_token.get("id_token", "")))
        return call_result.Authorize(id_token_info={"status": "Accepted" if known else "Invalid"})

    @on("StatusNotification")
    async def on_status(self, connector_status: str, evse_id: int, **_: Any) -> call_result.StatusNotification:
        """A connector changed its state."""
        await self.events.connector_status(self.charge_point, evse_id, connector_status)
        return call_result.StatusNotification()

    @on("TransactionEvent")
    async def on_transaction_event(
        self, event_type: str, timestamp: str, transaction_info: dict[str, Any], **rest: Any
    ) -> call_result.TransactionEvent:
        """A transaction began, goes on or ended; each may be the first that arrives."""
        at = read_time(timestamp) or datetime.now(UTC)
        token = str((rest.get("id_token") or {}).get("id_token", ""))
        transaction = await self._transaction(transaction_info, rest, token, at, ended=event_type == "Ended")
        if transaction is None:
            return call_result.TransactionEvent(id_token_info={"status": "Invalid"} if token else None)
        if token and transaction.session_id is None:
            await self.register.authorize(transaction, token)
        stop_wh = await self._take(transaction, rest.get("meter_value") or [])
        if event_type == "Ended" and transaction.open:
            await self.events.ended(transaction, stop_wh, at, transaction_info.get("stopped_reason"))
        known = self.register.authorized(transaction)
        return call_result.TransactionEvent(
            id_token_info={"status": "Accepted" if known else "Invalid"} if token else None
        )

    @after("TransactionEvent")
    async def after_transaction_event(self, event_type: str, transaction_info: dict[str, Any], **rest: Any) -> None:
        """A transaction with a token nobody authorized, or with current but no token, is stopped."""
        transaction = self.register.by_reference(self.id, str(transaction_info.get("transaction_id")))
        if transaction is not None and event_type != "Ended":
            charging = transaction_info.get("charging_state") in ("Charging", "SuspendedEV", "SuspendedEVSE")
            if rest.get("id_token") or charging:
                self.events.stop_if_unauthorized(transaction)

    @on("MeterValues")
    async def on_meter_values(self, **_: Any) -> call_result.MeterValues:
        """Readings outside of transactions are not needed."""
        return call_result.MeterValues()

    @on("ReservationStatusUpdate")
    async def on_reservation_status(self, **_: Any) -> call_result.ReservationStatusUpdate:
        """Taken note of; the end of a reservation is known here."""
        return call_result.ReservationStatusUpdate()

    @on("NotifyEvent")
    async def on_notify_event(self, **_: Any) -> call_result.NotifyEvent:
        """Taken note of."""
        return call_result.NotifyEvent()

    @on("NotifyReport")
    async def on_notify_report(self, **_: Any) -> call_result.NotifyReport:
        """Taken note of."""
        return call_result.NotifyReport()

    @on("SecurityEventNotification")
    async def on_security_event(self, **_: Any) -> call_result.SecurityEventNotification:
        """Taken note of."""
        return call_result.SecurityEventNotification()

    @on("FirmwareStatusNotification")
    async def on_firmware(self, **_: Any) -> call_result.FirmwareStatusNotification:
        """Taken note of."""
        return call_result.FirmwareStatusNotification()

    @on("LogStatusNotification")
    async def on_log_status(self, **_: Any) -> call_result.LogStatusNotification:
        """Taken note of."""
        return call_result.LogStatusNotification()

    @on("DataTransfer")
    async def on_data_transfer(self, **_: Any) -> call_result.DataTransfer:
        """Nothing of the vendor is known here."""
        return call_result.DataTransfer(status="UnknownVendorId")

    # --- helpers ------------------------------------------------------------------------------------------------------

    async def _transaction(
        self, information: dict[str, Any], rest: dict[str, Any], token: str, at: datetime, *, ended: bool
    ) -> Transaction | None:
        """The running transaction of that id; an unknown one begins now, unless it is over already."""
        reference = str(information.get("transaction_id"))
        running = self.register.by_reference(self.id, reference)
        if running is not None:
            return running
        place = rest.get("evse") or {}
        first = next(iter(_readings(rest.get("meter_value") or [])), None)
        if not place and len(self.charge_point.evses) > 1:
            return await self.register.known(self.id, reference)
        connector_id = int(place.get("id") or self.charge_point.evses[0].connector_id)
        if ended and not token:
            return await self.register.known(self.id, reference)
        return await self.events.began(
            self.charge_point, connector_id, token, first[0] if first else None, at, reference
        )

    async def _take(self, transaction: Transaction, meter_values: list[dict[str, Any]]) -> Decimal | None:
        """Hand on all readings; returns the last one."""
        last = None
        for wh, at in _readings(meter_values):
            await self.events.reading(transaction, wh, at)
            last = wh
        for meter_value in meter_values:
            for sample in meter_value.get("sampled_value", []):
                if isinstance(sample.get("signed_meter_value"), dict):
                    reading = from_wrapped(sample["signed_meter_value"], status_of(sample.get("context")))
                    if reading is not None:
                        await self.events.signed(transaction, reading)
        return last


def _token(id_tag: str) -> dict[str, str]:
    return {"id_token": id_tag, "type": "Central"}


def _readings(meter_values: list[dict[str, Any]]) -> list[tuple[Decimal, datetime]]:
    """Register readings in Wh with their times, in order."""
    found: list[tuple[Decimal, datetime]] = []
    for meter_value in meter_values:
        at = read_time(meter_value.get("timestamp")) or datetime.now(UTC)
        for sample in meter_value.get("sampled_value", []):
            if sample.get("measurand", _REGISTER) != _REGISTER or sample.get("phase"):
                continue
            unit = sample.get("unit_of_measure") or {}
            wh = sampled(sample.get("value"), unit.get("unit"), int(unit.get("multiplier") or 0))
            if wh is not None:
                found.append((wh.quantize(Decimal("0.001")), at))
    return sorted(found, key=lambda reading: reading[1])
