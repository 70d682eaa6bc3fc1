"""The outlet of an EVSE: connector, cable, vehicle, meter, and the current that flows between them."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.connector import ConnectorStatus, Event, after
from simulator.meter import Meter, Reading
from simulator.transaction import Transaction, now
from simulator.vehicle import Vehicle
from simulator.waiting import Bell

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

_S, _E = ConnectorStatus, Event


class Outlet:
    """The physical side of one EVSE. State changes only through the transition table of `simulator.connector`."""

    def __init__(
        self, charge_point: "ChargePoint", evse_id: str, connector_id: int, data_record: Mapping[str, Any], meter: Meter
    ) -> None:
        self.charge_point = charge_point
        self.evse_id = evse_id
        self.connector_id = connector_id
        self.data_record = data_record
        self.meter = meter
        self.vehicle: Vehicle | None = None
        self.transaction: Transaction | None = None
        self.error_code = "NoError"
        self.delivered_wh = 0.0
        self._status = _S.AVAILABLE
        self._bell = Bell()
        self._limited = False
        self._flowing_since: float | None = None

    # --- what can be seen --------------------------------------------------------------------------------------------

    @property
    def connector_status(self) -> str:
        """OCPP 1.6 state of the connector."""
        return self._status.value

    @property
    def meter_wh(self) -> int:
        """What the meter shows now, in whole Wh."""
        self._settle()
        return self.meter.register_wh

    @property
    def charging(self) -> bool:
        """Current flows."""
        return self._flowing_since is not None

    @property
    def plugged(self) -> bool:
        """A cable is in."""
        return self.vehicle is not None

    def __repr__(self) -> str:
        return f"<EVSE {self.evse_id}: {self.connector_status}>"

    def describe(self) -> str:
        """The present state in words, for errors."""
        cable = "cable in" if self.plugged else "no cable"
        link = "connected" if self.charge_point.online else "not connected to the CPO"
        running = "a transaction runs" if self.transaction else "no transaction"
        return f"{self.evse_id} is {self.connector_status}, {cable}, {running}, {self.charge_point.id} is {link}"

    def take_reading(self, context: str, id_tag: str = "") -> Reading:
        """What the meter shows now, with OCPP's word for the occasion."""
        self._settle()
        power = self.vehicle.power_w if self.vehicle and self.charging else 0.0
        soc = self.vehicle.soc_percent if self.vehicle else None
        return self.meter.reading(now(), power, soc, context, id_tag)

    # --- current -----------------------------------------------------------------------------------------------------

    def _start_flow(self) -> None:
        if self._limited:
            return self._change(_E.EVSE_PAUSES)
        if self.vehicle is None or self.vehicle.full:
            return self._change(_E.EV_PAUSES)
        self._flowing_since = self._clock()
        self._seen("energy_started", meter_wh=self.meter.register_wh)
        return self._change(_E.START)

    def _stop_flow(self) -> None:
        if self._flowing_since is not None:
            self._flowing_since = None
            self._seen("energy_stopped", meter_wh=self.meter.register_wh)

    def _settle(self) -> None:
        """Bring the register up to this moment."""
        if self._flowing_since is None or self.vehicle is None:
            return
        clock = self._clock()
        wh = self.vehicle.take(clock - self._flowing_since)
        self._flowing_since = clock
        self.meter.count(wh)
        self.delivered_wh += wh

    # --- inside ------------------------------------------------------------------------------------------------------

    def _change(self, event: Event) -> None:
        self._becomes(after(self._status, event))

    def _becomes(self, status: ConnectorStatus) -> None:
        if status is not self._status:
            self._status = status
            self._seen("connector_status", connector_status=status.value, error_code=self.error_code)
            self.charge_point.report(self)
            if self.transaction is not None:
                self.charge_point.tell(self.transaction, "Updated", "ChargingStateChanged")
        self._bell.ring()

    def _seen(self, kind: str, **data: Any) -> None:
        self.charge_point.seen(kind, evse_id=self.evse_id, **data)

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()
