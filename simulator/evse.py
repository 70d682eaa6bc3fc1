"""A virtual EVSE in the hands of a scenario: the verbs of a driver and of a technician."""

from datetime import timedelta
from typing import Literal

from simulator.connector import ConnectorStatus, Event
from simulator.evse_core import EvseCore, Reservation
from simulator.meter import EnergyUnit
from simulator.transaction import Driver, now
from simulator.vehicle import Vehicle
from simulator.waiting import StationError, StationTimeout

_S, _E = ConnectorStatus, Event


class VirtualEvse(EvseCore):
    """One EVSE of the fleet. Verbs raise `StationError` where they are impossible, waits `StationTimeout`."""

    # --- what a driver does ------------------------------------------------------------------------------------------

    async def plug_in(self, vehicle: Vehicle | None = None) -> None:
        """Plug the cable in (of the given car, or of one with the fleet's usual appetite)."""
        if self.plugged:
            raise StationError(f"plug in: there is a car already; {self.describe()}")
        self.vehicle = vehicle or self.charge_point.settings.vehicle()
        self._finished_here = False
        self._seen("plugged")
        self._change(_E.PLUG_IN)
        self._begin_if_ready()

    async def unplug(self) -> None:
        """Pull the cable; ends a running transaction."""
        if not self.plugged:
            raise StationError(f"unplug: there is no cable; {self.describe()}")
        self._settle()
        if self.transaction is not None:
            self._stop_flow()
        self.vehicle = None
        self._seen("unplugged")
        if self.transaction is not None:
            self.stop_transaction("EVDisconnected", "EVCommunicationLost")
        elif self.waiting is not None:
            self._drop_waiting()
        else:
            self._change(_E.UNPLUG)
        self._finished_here = False

    async def stop_at_car(self) -> None:
        """The driver stops by unlocking the car; the cable stays in."""
        if self.transaction is None:
            raise StationError(f"stop at the car: nothing runs; {self.describe()}")
        self.stop_transaction("Local", "StopAuthorized")

    async def walk_away(self) -> None:
        """The driver who was accepted does not come after all (nothing if nobody is waited for); unused injected refusals are void."""
        self._refusals = self._stop_refusals = 0
        self._drop_waiting()

    async def deliver(self, kwh: float = 3.0, *, within: float | None = None) -> None:
        """Let so much energy flow from now on; at most `within` seconds (default: twice what the car needs, and 20)."""
        self._settle()
        goal = self.delivered_wh + kwh * 1000
        power = self.vehicle.max_power_kw if self.vehicle else self.charge_point.settings.vehicle_power_kw
        patience = within if within is not None else 20 + 2 * 3600 * kwh / max(power, 0.001)
        running = self.transaction

        def over() -> bool:
            return self.delivered_wh >= goal or (running is not None and self.transaction is not running)

        await self._bell.until(over, patience, f"delivering {kwh:g} kWh at {self.evse_id}", self.describe)
        if self.delivered_wh < goal:
            got = kwh - (goal - self.delivered_wh) / 1000
            raise StationTimeout(
                f"delivering {kwh:g} kWh at {self.evse_id}: the transaction ended after {got:.3f} kWh; {self.describe()}"
            )
        self._seen("meter", meter_wh=self.meter_wh)

    async def reaches(self, connector_status: str, *, within: float = 30.0) -> None:
        """Wait for a state of the connector, at most `within` seconds."""
        wanted = ConnectorStatus(connector_status)
        await self._bell.until(
            lambda: self._status is wanted, within, f"{self.evse_id} becoming {wanted.value}", self.describe
        )

    async def transaction_ends(self, *, within: float = 30.0) -> None:
        """Wait until no transaction runs, at most `within` seconds."""
        await self._bell.until(
            lambda: self.transaction is None, within, f"the end of the transaction at {self.evse_id}", self.describe
        )

    async def start_locally(self, id_tag: str) -> None:
        """Start as by a card at the reader (for fleets with readers): asks the CPO when it is there, then starts."""
        if not self.accepts(id_tag):
            raise StationError(f"start with a card: not possible now; {self.describe()}")
        self.admit(Driver(id_tag, "local", token_type="ISO14443"), ask=self.charge_point.online)  # noqa: S106

    async def present_card(self, id_tag: str) -> None:
        """A card at the reader: starts where nothing runs; ends what it began; another one ends it if the CPO allows it."""
        running = self.transaction
        if running is None:
            await self.start_locally(id_tag)
        elif running.driver.id_tag.casefold() == id_tag.casefold():
            self.stop_transaction("Local", "StopAuthorized")
        elif self.charge_point.online:
            self.stopper = Driver(id_tag, "local", token_type="ISO14443")  # noqa: S106
            self.charge_point.ask_about(self, self.stopper)

    # --- what a technician does --------------------------------------------------------------------------------------

    async def fault(self, error_code: str = "GroundFailure") -> None:
        """A fault; ends a running transaction. `error_code` is one of OCPP 1.6's."""
        self.error_code = error_code
        self._settle()
        self._change(_E.FAULT)
        self._drop_waiting()
        if self.transaction is not None:
            self._finished_here = True
            self.stop_transaction("Other", "AbnormalCondition")

    async def clear_fault(self) -> None:
        """The fault is gone; the connector returns to where it belongs."""
        if self._status is not _S.FAULTED:
            raise StationError(f"clear a fault: there is none; {self.describe()}")
        self.error_code = "NoError"
        if not self.operative:
            self._change(_E.RECOVER_DISABLED)
        elif self.reservation is not None:
            self._change(_E.RECOVER_RESERVED)
        elif self.plugged:
            self._change(_E.RECOVER_FINISHING if self._finished_here else _E.RECOVER_PLUGGED)
        else:
            self._change(_E.RECOVER)

    async def set_unavailable(self) -> None:
        """Out of service (after the transaction, if one runs)."""
        self.change_availability(False)

    async def set_available(self) -> None:
        """Into service again."""
        self.change_availability(True)

    async def has_current(self, there: bool) -> None:
        """Load management leaves current for this EVSE, or none: then a transaction goes on without energy."""
        self.limit(not there)

    async def reserve(self, id_tag: str = "RESERVED", *, minutes: float = 15.0, reservation_id: int = 1) -> None:
        """Reserve at the charge point itself, without the CPO having asked."""
        if self._status is not _S.AVAILABLE:
            raise StationError(f"reserve: only a free EVSE can be reserved; {self.describe()}")
        self.set_reservation(Reservation(reservation_id, id_tag, now() + timedelta(minutes=minutes)))

    async def release(self) -> None:
        """End the reservation."""
        self.end_reservation()

    def begins_after(self, seconds: float) -> None:
        """From now on a transaction begins only so long after its start was accepted, as with a slow lock; 0 for at once."""
        self.start_delay = seconds

    def refuse_next_remote_stop(self, times: int = 1) -> None:
        """Reject the next remote stops; charging goes on."""
        self._stop_refusals = times

    def refuse_next_remote_start(self, times: int = 1) -> None:
        """Reject the next remote starts, as a charge point with a problem of its own does."""
        self._refusals = times

    def meters_in(self, unit: Literal["Wh", "kWh"], multiplier: int = 0) -> None:
        """From now on OCPP is told the register in this unit, in 2.0.1 as multiples of a power of ten; starts and stops of 1.6 stay Wh."""
        self.meter.unit = EnergyUnit(unit, multiplier)

    def reset_meter(self) -> None:
        """The energy register falls to zero."""
        self._settle()
        self.meter.reset()
        self._seen("meter", meter_wh=0)
