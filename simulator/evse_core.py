"""What an EVSE does by itself and for the CPO: accepts drivers, runs transactions, holds reservations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from simulator.connector import ConnectorStatus, Event
from simulator.meter import Meter
from simulator.outlet import Outlet
from simulator.transaction import Driver, Transaction, now
from simulator.vehicle import Vehicle

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

_S, _E = ConnectorStatus, Event


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reservation: OCPP's number, for whom, until when."""

    reservation_id: int
    id_tag: str
    expires: datetime


class EvseCore(Outlet):
    """One EVSE without the hands of a driver or technician (those: `simulator.evse`)."""

    def __init__(
        self, charge_point: "ChargePoint", evse_id: str, connector_id: int, data_record: Mapping[str, Any], meter: Meter
    ) -> None:
        super().__init__(charge_point, evse_id, connector_id, data_record, meter)
        self.waiting: Driver | None = None
        self.stopper: Driver | None = None
        self.reservation: Reservation | None = None
        self.operative = True
        self._refusals = 0
        self._stop_refusals = 0
        self._asking = False
        self._energy_due: float | None = None
        self._give_up_at: float | None = None
        self.start_delay = 0.0
        """Seconds from a start that was accepted, the cable in, to the begin of the transaction."""
        self._begin_at: float | None = None
        self._sample_at = 0.0
        self._finished_here = False

    # --- what the CPO wants ------------------------------------------------------------------------------------------

    def accepts(self, id_tag: str) -> bool:
        """Whether a start may be accepted now; uses up an injected refusal."""
        if self._refusals > 0:
            self._refusals -= 1
            return False
        if self.transaction is not None or self.waiting is not None or not self.operative:
            return False
        if self._status is _S.RESERVED:
            return self.reservation is not None and self.reservation.id_tag.casefold() == id_tag.casefold()
        return self._status in (_S.AVAILABLE, _S.PREPARING)

    def refuses_stop(self) -> bool:
        """Whether a remote stop is rejected now; uses up an injected refusal."""
        self._stop_refusals, refuses = max(0, self._stop_refusals - 1), self._stop_refusals > 0
        return refuses

    def admit(self, driver: Driver, *, ask: bool) -> None:
        """A driver was accepted; `ask` the CPO about the token first. Void if the EVSE changed while the answer was on its way."""
        if self.transaction or self.waiting or self._status not in (_S.AVAILABLE, _S.PREPARING, _S.RESERVED):
            return
        if self.reservation is not None:
            driver = replace(driver, reservation_id=self.reservation.reservation_id)
            self.reservation = None
        self.waiting = driver
        self._change(_E.AUTHORIZE)
        self._give_up_at = self._clock() + self.charge_point.connection_timeout
        self.charge_point.watch(self)
        self._asking = ask
        if ask:
            self.charge_point.ask_about(self, driver)
        else:
            self._begin_if_ready()

    def authorized(self, driver: Driver, id_tag_status: str | None) -> None:
        """The CPO answered the question about the token."""
        if driver is self.stopper:
            self.stopper = None
            if id_tag_status == "Accepted" and self.transaction is not None:
                self.stop_transaction("Local", "StopAuthorized")
            return
        if self.waiting is not driver:
            return
        self._asking = False
        if id_tag_status in (None, "Accepted"):
            self._begin_if_ready()
        else:
            self._drop_waiting()

    def set_reservation(self, reservation: Reservation) -> None:
        """Hold the EVSE for somebody; void if it changed while the answer was on its way."""
        if self._status not in (_S.AVAILABLE, _S.RESERVED):
            return
        self.reservation = reservation
        self._change(_E.RESERVE)
        self.charge_point.watch(self)

    def end_reservation(self) -> None:
        """The reservation is over (cancelled, used up or run out)."""
        if self.reservation is not None:
            self.reservation = None
            if self._status is _S.RESERVED:
                self._change(_E.RELEASE_PLUGGED if self.plugged else _E.RELEASE)

    def change_availability(self, operative: bool) -> Literal["Accepted", "Scheduled"]:
        """Put in or out of service; "Scheduled" while a transaction runs."""
        self.operative = operative
        busy = self.transaction is not None or self.waiting is not None
        if busy:
            return "Accepted" if operative else "Scheduled"
        if operative:
            reserved = self.reservation is not None and self._status is _S.UNAVAILABLE
            self._change(_E.ENABLE_PLUGGED if self.plugged and not reserved else _E.ENABLE)
            if reserved:
                self._change(_E.RESERVE)
        else:
            self._change(_E.DISABLE)
        return "Accepted"

    def limit(self, zero: bool) -> None:
        """A charging profile allows no current at all, or some."""
        self._limited = zero
        if self.transaction is not None and self._energy_due is None:
            self._settle()
            self._stop_flow()
            self._let_flow()

    # --- transaction -------------------------------------------------------------------------------------------------

    def _begin_if_ready(self) -> None:
        driver = self.waiting
        if driver is None or not self.plugged or self._asking or self._status is not _S.PREPARING:
            self._begin_at = None
            return
        if self.start_delay and self._begin_at is None:
            self._begin_at = self._clock() + self.start_delay
            self.charge_point.watch(self)
        if self._begin_at is not None and self._clock() < self._begin_at:
            return
        self._begin_at = None
        self.waiting, self._give_up_at = None, None
        self.transaction = Transaction(self, driver, self.take_reading("Transaction.Begin", driver.id_tag))
        self._seen(
            "transaction_started", transaction=self.transaction.reference, id_tag=driver.id_tag,
            meter_wh=self.transaction.begin.meter_wh, cause=driver.cause, remote_start=driver.remote_start,
        )  # fmt: skip
        trigger = "RemoteStart" if driver.cause == "remote" else "Authorized"
        self.charge_point.tell(self.transaction, "Started", trigger, (self.transaction.begin,))
        online = self.charge_point.online
        self._energy_due = self._clock() + (self.charge_point.settings.timing.energy_grace if online else 0.0)
        self._sample_at = self._clock() + self.charge_point.meter_interval
        self.charge_point.watch(self)

    def start_answered(self, transaction: Transaction, id_tag_status: str | None) -> None:
        """The CPO knows of the transaction; current may flow, or the driver is not welcome."""
        if transaction is not self.transaction:
            return
        if id_tag_status in (None, "Accepted"):
            if self._energy_due is not None:
                self._let_flow()
        elif self.charge_point.stops_for_invalid_tag:
            self.stop_transaction("DeAuthorized", "Deauthorized")
        else:
            self._energy_due = None
            self._stop_flow()
            self._change(_E.EVSE_PAUSES)

    def stop_transaction(self, reason: str, trigger: str) -> None:
        """End the transaction. `reason` in OCPP 1.6's words, `trigger` in 2.0.1's."""
        transaction = self.transaction
        if transaction is None:
            return
        self._settle()
        self._stop_flow()
        self._energy_due = None
        transaction.reason = reason
        transaction.end = self.take_reading("Transaction.End", transaction.driver.id_tag)
        self.transaction = None
        self._finished_here = self.plugged
        self._seen(
            "transaction_stopped", transaction=transaction.reference, meter_wh=transaction.end.meter_wh, reason=reason
        )
        self.charge_point.tell(transaction, "Ended", trigger, (transaction.begin, transaction.end))
        self._change(_E.FINISH if self.plugged else _E.LEAVE)
        if not self.operative and self._status is not _S.FAULTED:
            self._change(_E.DISABLE)

    def _drop_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting, self._give_up_at = None, None
            if not self.plugged:
                self._change(_E.GIVE_UP)
            if not self.operative and self._status is not _S.FAULTED:
                self._change(_E.DISABLE)

    def _let_flow(self) -> None:
        self._energy_due = None
        self._start_flow()

    def step(self, clock: float) -> bool:
        """Called every tick while something may happen by itself; False when nothing can any more."""
        self._settle()
        if self._flowing_since is not None and self.vehicle is not None and self.vehicle.full:
            self._car_is_full(self.vehicle)
        if self._energy_due is not None and clock >= self._energy_due:
            self._let_flow()
        if self.transaction is not None and clock >= self._sample_at:
            self.sample()
        if self._begin_at is not None and clock >= self._begin_at:
            self._begin_if_ready()
        if self._give_up_at is not None and clock >= self._give_up_at:
            self._drop_waiting()
        if self.reservation is not None and now() >= self.reservation.expires:
            self.charge_point.reservation_ran_out(self.reservation)
            self.end_reservation()
        self._bell.ring()
        return self.transaction is not None or self.waiting is not None or self.reservation is not None

    def _car_is_full(self, vehicle: Vehicle) -> None:
        self._stop_flow()
        self._change(_E.EV_PAUSES)
        if vehicle.when_full == "stop":
            self.stop_transaction("Other", "ChargingStateChanged")

    def sample(self, context: str = "Sample.Periodic") -> None:
        """Send a reading of the running transaction."""
        self._sample_at = self._clock() + self.charge_point.meter_interval
        if self.transaction is not None:
            reading = self.take_reading(context)
            self._seen("meter", meter_wh=reading.meter_wh)
            trigger = "MeterValuePeriodic" if context == "Sample.Periodic" else "Trigger"
            self.charge_point.tell(self.transaction, "Metered", trigger, (reading,))

    # --- power -------------------------------------------------------------------------------------------------------

    def power_down(self, reason: str, trigger: str) -> None:
        """No more mains, or a reboot: whatever runs ends."""
        self._settle()
        self.stop_transaction(reason, trigger)
        self.waiting, self._give_up_at = None, None

    def power_up(self) -> None:
        """The state a charge point finds when it starts; nothing that began while it went down goes on."""
        self.power_down("Reboot", "ResetCommand")
        if self.error_code != "NoError":
            found = _S.FAULTED
        elif not self.operative:
            found = _S.UNAVAILABLE
        elif self.reservation is not None:
            found = _S.RESERVED
        elif self.plugged:
            found = _S.FINISHING if self._finished_here else _S.PREPARING
        else:
            found = _S.AVAILABLE
        self._becomes(found)
