"""A charge point that speaks OCPP 1.6J."""

import asyncio
import inspect
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.v16 import ChargePoint as Ocpp16
from ocpp.v16 import call, call_result
from websockets.exceptions import WebSocketException

from cpo.charge_point_link import Unreachable
from cpo.events import ChargePointEvents
from cpo.fleet_data import ChargePoint, Evse
from cpo.local_time import read as read_time
from cpo.metering import SignedReading, sampled
from cpo.ocpp_routing import after, on
from cpo.records import Transaction
from cpo.register import Register
from cpo.settings import Settings
from cpo.signed_data import signed_reading

LOG = logging.getLogger("cpo.ocpp16")
_REGISTER = "Energy.Active.Import.Register"
_HEARTBEAT_S = 300


def now() -> str:
    """The present moment as OCPP writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


async def asked(work: Any, timeout_s: float, charge_point_id: str) -> Any:
    """The answer to a call, within so many seconds. Raises `Unreachable` where there is none."""
    try:
        async with asyncio.timeout(timeout_s):
            answer = await work
    except TimeoutError:
        raise Unreachable(f"charge point {charge_point_id} did not answer within {timeout_s:g} s") from None
    except (OCPPError, WebSocketException, OSError) as fault:
        raise Unreachable(f"charge point {charge_point_id}: {type(fault).__name__} {fault}"[:300]) from None
    finally:
        if inspect.iscoroutine(work):
            work.close()
    return answer


class ChargePoint16(Ocpp16):  # type: ignore[misc]
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

    # --- Link ---------------------------------------------------------------------------------------------------------

    async def remote_start(self, evse: Evse, id_tag: str) -> str:
        """RemoteStartTransaction."""
        return await self._ask(call.RemoteStartTransaction(id_tag=id_tag, connector_id=evse.connector_id))

    async def remote_stop(self, transaction: Transaction) -> str:
        """RemoteStopTransaction."""
        return await self._ask(call.RemoteStopTransaction(transaction_id=transaction.transaction_id))

    async def reserve(self, evse: Evse, reservation_id: int, id_tag: str, expires_at: datetime) -> str:
        """ReserveNow."""
        expiry = expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return await self._ask(call.ReserveNow(evse.connector_id, expiry, id_tag, reservation_id))

    async def cancel_reservation(self, reservation_id: int) -> str:
        """CancelReservation."""
        return await self._ask(call.CancelReservation(reservation_id=reservation_id))

    async def ask_status(self, evse: Evse) -> str:
        """TriggerMessage for a StatusNotification."""
        return await self._ask(call.TriggerMessage("StatusNotification", connector_id=evse.connector_id))

    async def public_key(self, evse: Evse) -> str | None:
        """GetConfiguration of the key's usual name."""
        name = f"MeterPublicKey{evse.connector_id}"
        answer = await asked(self.call(call.GetConfiguration(key=[name]), suppress=False), self._timeout_s, self.id)
        entries = answer.configuration_key or []
        return next((str(entry["value"]) for entry in entries if entry.get("key") == name and entry.get("value")), None)

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
    async def on_authorize(self, id_tag: str, **_: Any) -> call_result.Authorize:
        """Somebody showed a token."""
        known = await self.events.authorize(self.charge_point, id_tag)
        return call_result.Authorize(id_tag_info={"status": "Accepted" if known else "Invalid"})

    @on("StatusNotification")
    async def on_status(self, connector_id: int, status: str, **_: Any) -> call_result.StatusNotification:
        """A connector changed its state."""
        await self.events.connector_status(self.charge_point, connector_id, status)
        return call_result.StatusNotification()

    @on("StartTransaction")
    async def on_start(
        self, connector_id: int, id_tag: str, meter_start: int, timestamp: str, **_: Any
    ) -> call_result.StartTransaction:
        """A transaction began."""
        at = read_time(timestamp) or datetime.now(UTC)
        transaction = await self.events.began(self.charge_point, connector_id, id_tag, Decimal(meter_start), at)
        known = transaction is not None and self.register.authorized(transaction)
        return call_result.StartTransaction(
            transaction_id=transaction.transaction_id if transaction else 0,
            id_tag_info={"status": "Accepted" if known else "Invalid"},
        )

    @after("StartTransaction")
    async def after_start(self, connector_id: int, id_tag: str, **_: Any) -> None:
        """What nobody authorized is stopped, now that the charge point knows its number."""
        evse = self.charge_point.evse_at(connector_id)
        transaction = self.register.transaction_on(evse) if evse else None
        if transaction is not None and transaction.id_tag == id_tag:
            self.events.stop_if_unauthorized(transaction)

    @on("MeterValues")
    async def on_meter_values(
        self, connector_id: int, meter_value: list[dict[str, Any]], transaction_id: int | None = None, **_: Any
    ) -> call_result.MeterValues:
        """Readings of a meter."""
        transaction = self._running(transaction_id, connector_id)
        if transaction is not None:
            await self._take(transaction, meter_value)
        return call_result.MeterValues()

    @on("StopTransaction")
    async def on_stop(
        self, meter_stop: int, timestamp: str, transaction_id: int, reason: str | None = None,
        transaction_data: list[dict[str, Any]] | None = None, id_tag: str | None = None, **_: Any,
    ) -> call_result.StopTransaction:  # fmt: skip
        """A transaction ended, maybe long ago; a repeat changes nothing."""
        transaction = self._running(transaction_id, None) or self._only_running(id_tag)
        if transaction is not None:
            await self._take(transaction, transaction_data or [])
            at = read_time(timestamp) or datetime.now(UTC)
            await self.events.ended(transaction, Decimal(meter_stop), at, reason or "Local")
        return call_result.StopTransaction(id_tag_info={"status": "Accepted"} if id_tag else None)

    @on("DataTransfer")
    async def on_data_transfer(self, **_: Any) -> call_result.DataTransfer:
        """Nothing of the vendor is known here."""
        return call_result.DataTransfer(status="UnknownVendorId")

    @on("FirmwareStatusNotification")
    async def on_firmware(self, **_: Any) -> call_result.FirmwareStatusNotification:
        """Taken note of."""
        return call_result.FirmwareStatusNotification()

    @on("DiagnosticsStatusNotification")
    async def on_diagnostics(self, **_: Any) -> call_result.DiagnosticsStatusNotification:
        """Taken note of."""
        return call_result.DiagnosticsStatusNotification()

    @on("SecurityEventNotification")
    async def on_security_event(self, **_: Any) -> call_result.SecurityEventNotification:
        """Taken note of."""
        return call_result.SecurityEventNotification()

    @on("LogStatusNotification")
    async def on_log_status(self, **_: Any) -> call_result.LogStatusNotification:
        """Taken note of."""
        return call_result.LogStatusNotification()

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _running(self, transaction_id: int | None, connector_id: int | None) -> Transaction | None:
        if transaction_id is not None:
            return self.register.by_reference(self.id, str(transaction_id))
        evse = self.charge_point.evse_at(connector_id or 0)
        return self.register.transaction_on(evse) if evse else None

    def _only_running(self, id_tag: str | None) -> Transaction | None:
        """A charge point that never got its number reports another one; the token, or being the only one, tells."""
        running = [t for t in self.register.running() if t.charge_point_id == self.id]
        if id_tag:
            return next((t for t in running if t.id_tag.upper() == id_tag.upper()), None)
        return None

    async def _take(self, transaction: Transaction, meter_values: list[dict[str, Any]]) -> None:
        for meter_value in meter_values:
            at = read_time(meter_value.get("timestamp")) or datetime.now(UTC)
            for sample in meter_value.get("sampled_value", []):
                await self._take_sample(transaction, sample, at)

    async def _take_sample(self, transaction: Transaction, sample: dict[str, Any], at: datetime) -> None:
        if sample.get("format") == "SignedData":
            reading: SignedReading | None = signed_reading(str(sample.get("value")), sample.get("context"))
            if reading is not None:
                await self.events.signed(transaction, reading)
        elif sample.get("measurand", _REGISTER) == _REGISTER and not sample.get("phase"):
            wh = sampled(sample.get("value"), sample.get("unit"))
            if wh is not None:
                await self.events.reading(transaction, wh, at)
