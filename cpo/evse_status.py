"""The status of an EVSE at the hub, from what OCPP reported and what runs on it.

The mapping follows the older, consistent table of the integration guide: Available, Reserved and faults are what they are, and
whatever has a vehicle (Preparing to Finishing) is Occupied. A running transaction is Occupied whatever the connector says.
"""

import asyncio

from cpo.fleet_data import Evse, FleetData
from cpo.register import Register

OICP_STATUS = {
    # OCPP 1.6
    "Available": "Available",
    "Preparing": "Occupied",
    "Charging": "Occupied",
    "SuspendedEV": "Occupied",
    "SuspendedEVSE": "Occupied",
    "Finishing": "Occupied",
    "Reserved": "Reserved",
    "Unavailable": "OutOfService",
    "Faulted": "OutOfService",
    # OCPP 2.0.1
    "Occupied": "Occupied",
}
OUT_OF_SERVICE = frozenset({"Unavailable", "Faulted"})
IN_USE = frozenset({"Charging", "SuspendedEV", "SuspendedEVSE"})


class EvseStatuses:
    """Answers what status an EVSE has now."""

    def __init__(self, fleet: FleetData, register: Register) -> None:
        self._fleet, self._register = fleet, register
        self._all_reported = asyncio.Event()

    def of(self, evse: Evse) -> str:
        """The EvseStatus of OICP."""
        charge_point = self._fleet.charge_point_of(evse)
        running = self._register.transaction_on(evse) is not None
        if charge_point.silent:  # what was reported last is no longer worth much
            return "Occupied" if running else "Unknown"
        if charge_point.out_of_service or evse.connector_status in OUT_OF_SERVICE:
            return "OutOfService"
        if running:
            return "Occupied"
        mapped = OICP_STATUS.get(evse.connector_status or "", "Unknown")
        reserved = self._register.reservation_on(evse)
        if mapped == "Available" and reserved is not None and reserved.reservation_id is not None:
            return "Reserved"
        return mapped

    def report(self) -> None:
        """A connector reported; wakes who waits for the whole fleet."""
        if all(evse.connector_status is not None for evse in self._fleet.published()):
            self._all_reported.set()

    async def reported(self, within_s: float) -> None:
        """Wait until every EVSE reported once, but not longer than so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                await self._all_reported.wait()
        except TimeoutError:
            return
