"""Real charge points: nobody observes them, a person operates them. The same verbs as virtual ones, each told to that person."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bench.scenario import Skipped

Asks = Callable[[str, str], Awaitable[None]]
"""Asks for something (what, on whose behalf) and waits; raises `Skipped` where nobody does it."""
PERSON_S = 600.0
"""Seconds a person has for one deed at a charger."""


class RealChargePoint:
    """A charge point somebody has to walk to."""

    def __init__(self, ident: str, asks: Asks) -> None:
        self.id, self._ask = ident, asks
        self.online = self._in_service = True
        self._latency = 0.0

    @property
    def latency(self) -> float:
        """Seconds by which its answers are held up; 0 is all a real one can do."""
        return self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        if seconds:
            raise Skipped(f"{self.id} is a real charge point; its answers cannot be held up")

    async def _asks(self, wanted: str) -> None:
        await self._ask(f"{wanted} {self.id}", f"charge point {self.id}")

    async def go_offline(self) -> None:
        """Cut it off."""
        await self._asks("cut the network (not the power) of charge point")
        self.online = False

    async def go_online(self) -> None:
        """Connect it again, if it was cut off."""
        if not self.online:
            await self._asks("give the network back, and wait until it is connected, to charge point")
            self.online = True

    async def power_cut(self, seconds: float) -> None:
        """Switch it off and on."""
        await self._asks(
            f"switch off, switch on again after {seconds:g} s, and wait until it is connected, charge point"
        )

    async def set_unavailable(self) -> None:
        """Out of service as a whole."""
        await self._asks("take out of service, with all that belongs to it, charge point")
        self._in_service = False

    async def set_available(self) -> None:
        """In service again, if it was taken out of it."""
        if not self._in_service:
            await self._asks("put back into service charge point")
            self._in_service = True

    async def controller_fault(self) -> None:
        """No person can do that."""
        raise Skipped(f"{self.id} is a real charge point; its controller cannot be told to report a fault")

    async def clear_controller_fault(self) -> None:
        """There is none."""

    def lose_answer(self, moment: str) -> None:
        """No person is that quick."""
        raise Skipped(f"{self.id} is a real charge point; an answer of the CPO cannot be lost on its way")

    async def reboot(self) -> None:
        """Restart it."""
        await self._asks("restart, and wait until it is connected again, charge point")


class RealEvse:
    """An EVSE of it. Raises `Skipped` for what no person can do."""

    def __init__(self, charge_point: RealChargePoint, entry: Mapping[str, Any], asks: Asks) -> None:
        self.charge_point, self._ask = charge_point, asks
        self.evse_id = str(entry["evse_id"])
        self.data_record = dict(entry.get("data_record") or {})
        self.plugged = False
        self._undo: dict[str, str] = {}

    @property
    def connector_status(self) -> str:
        """Nobody observes it; only a fault that was asked for is known."""
        return "Faulted" if "fault" in self._undo else "unknown"

    async def asks(self, wanted: str) -> None:
        """Tell the person at the charger, and wait."""
        await self._ask(f"at {self.evse_id}: {wanted}", f"charger {self.evse_id}")

    async def plug_in(self, vehicle: Any = None) -> None:
        """A car, or a test box."""
        if vehicle is not None:
            raise Skipped("the scenario needs a vehicle with a battery of a certain size; a real one has its own")
        await self.asks("plug a vehicle in")
        self.plugged = True

    async def unplug(self) -> None:
        """The cable comes out."""
        await self.asks("take the cable out (unlock it at the vehicle if need be)")
        self.plugged = False

    async def deliver(self, *, kwh: float, within: float) -> None:
        """Let it charge for a while."""
        await self.asks(f"let it charge about {max(kwh, 0.1):g} kWh")

    async def reaches(self, connector_status: str, *, within: float) -> None:
        """A state somebody has to look at."""
        await self.asks(f"wait until it is {connector_status}")

    async def stop_at_car(self) -> None:
        """The vehicle ends the charging."""
        await self.asks("stop charging at the vehicle; leave the cable in")

    async def fault(self, error_code: str = "GroundFailure") -> None:
        """A fault somebody can cause."""
        await self.asks("cause a fault, by the emergency stop or the test button of the RCD")
        self._undo["fault"] = "clear the fault"

    async def clear_fault(self) -> None:
        """The fault is gone."""
        await self._undone("fault")

    async def set_unavailable(self) -> None:
        """Out of service."""
        await self.asks("take it out of service")
        self._undo["out of service"] = "put it back into service"

    async def set_available(self) -> None:
        """In service."""
        await self._undone("out of service")

    async def has_current(self, there: bool) -> None:
        """A real one has what it has."""
        if not there:
            raise Skipped(f"{self.evse_id} is a real charger; it cannot be told to pause")

    async def reserve(self) -> None:
        """Reserved for somebody else."""
        await self.asks("reserve it for somebody who is not in this test")
        self._undo["reserved"] = "end the reservation"

    async def release(self) -> None:
        """Reserved no longer."""
        await self._undone("reserved")

    async def start_locally(self, id_tag: str) -> None:
        """A card."""
        await self.asks("present a card nobody knows, if there is a reader")

    async def present_card(self, uid: str) -> None:
        """A card of a driver."""
        await self.asks(f"hold a card with the UID {uid} to the reader; skip this without such a card")

    async def walk_away(self) -> None:
        """The driver leaves; nothing to do."""

    def refuse_next_remote_start(self) -> None:
        """No person can do that."""
        raise Skipped(f"{self.evse_id} is a real charger; it cannot be told to refuse a start")

    def refuse_next_remote_stop(self) -> None:
        """No person can do that."""
        raise Skipped(f"{self.evse_id} is a real charger; it cannot be told to refuse a stop")

    def begins_after(self, seconds: float) -> None:
        """A real one takes the time it takes; 0: as usual."""
        if seconds:
            raise Skipped(f"{self.evse_id} is a real charger; it cannot be told to begin later")

    def meters_in(self, unit: str, multiplier: int = 0) -> None:
        """A real one tells what it tells; Wh: as usual."""
        if (unit, multiplier) != ("Wh", 0):
            raise Skipped(f"{self.evse_id} is a real charger; the unit it meters in cannot be changed")

    def reset_meter(self) -> None:
        """No person should do that."""
        raise Skipped(f"{self.evse_id} is a real charger; its meter cannot be reset")

    async def _undone(self, what: str) -> None:
        if what in self._undo:
            await self.asks(self._undo.pop(what))


class RealFleet:
    """All of them, as the fleet file lists them."""

    def __init__(self, fleet: Mapping[str, Any], asks: Asks) -> None:
        self.evses = tuple(
            RealEvse(charge_point, entry, asks)
            for station in fleet["charge_points"]
            for charge_point in (RealChargePoint(str(station["id"]), asks),)
            for entry in station["evses"]
        )
