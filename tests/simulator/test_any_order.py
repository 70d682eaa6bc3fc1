"""Whatever drivers, technicians and the CPO do in whatever order: the state machine holds."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.evse import VirtualEvse
from simulator.evse_core import Reservation
from simulator.fleet import Fleet
from simulator.transaction import Driver, now
from simulator.vehicle import Vehicle
from simulator.waiting import StationError
from tests.simulator.central import Observations
from tests.simulator.stage import EVSE, fleet_json, quick

DRIVER = Driver("DE-DCB-C12345678-X")


def _start(evse: VirtualEvse, *, ask: bool = False) -> None:
    if evse.accepts(DRIVER.id_tag):
        evse.admit(DRIVER, ask=ask)


def _late_start(evse: VirtualEvse) -> None:
    evse.admit(DRIVER, ask=False)


def _answered(evse: VirtualEvse, status: str) -> None:
    if evse.waiting is not None:
        evse.authorized(evse.waiting, status)
    if evse.transaction is not None:
        evse.start_answered(evse.transaction, status)


DEEDS: dict[str, Callable[[VirtualEvse], Any]] = {
    "plug in": lambda e: e.plug_in(),
    "plug in a full car": lambda e: e.plug_in(Vehicle(level_wh=100_000)),
    "unplug": lambda e: e.unplug(),
    "stop at the car": lambda e: e.stop_at_car(),
    "walk away": lambda e: e.walk_away(),
    "fault": lambda e: e.fault(),
    "clear the fault": lambda e: e.clear_fault(),
    "out of service": lambda e: e.set_unavailable(),
    "into service": lambda e: e.set_available(),
    "reserve": lambda e: e.reserve(),
    "reserve for the driver": lambda e: e.reserve(DRIVER.id_tag),
    "release": lambda e: e.release(),
    "start": _start,
    "start after asking": lambda e: _start(e, ask=True),
    "start that was accepted a while ago": _late_start,
    "yes": lambda e: _answered(e, "Accepted"),
    "no": lambda e: _answered(e, "Invalid"),
    "remote stop": lambda e: e.stop_transaction("Remote", "RemoteStop"),
    "reservation by the CPO": lambda e: e.set_reservation(Reservation(3, "X", now() + timedelta(minutes=1))),
    "reservation that ran out": lambda e: e.set_reservation(Reservation(4, "X", now())),
    "no current": lambda e: e.limit(True),
    "current": lambda e: e.limit(False),
    "power cut": lambda e: e.power_down("PowerLoss", "AbnormalCondition"),
    "power": lambda e: e.power_up(),
    "some time": lambda e: e.step(asyncio.get_running_loop().time() + 0.6),
    "a long time": lambda e: e.step(asyncio.get_running_loop().time() + 3600),
}


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(sorted(DEEDS)), max_size=30))
def test_any_order(deeds: list[str]) -> None:
    """Every deed is possible or refused with a reason; current flows only while charging, and what begins ends once."""

    async def live() -> None:
        seen = Observations()
        evse = Fleet(fleet_json(), "ws://127.0.0.1:1", seen, settings=quick(energy_grace=0.5)).evse(EVSE)
        for deed in deeds:
            try:
                result = DEEDS[deed](evse)
                if asyncio.iscoroutine(result):
                    await result
            except StationError:
                pass
            assert evse.charging is (evse.connector_status == "Charging")
            assert evse.transaction is None or evse.plugged
        started = [o["transaction"] for o in seen.of("transaction_started")]
        stopped = [o["transaction"] for o in seen.of("transaction_stopped")]
        assert stopped == started[: len(stopped)] and len(started) - len(stopped) == (evse.transaction is not None)
        flow = seen.kinds("energy_started", "energy_stopped")
        assert flow == ["energy_started", "energy_stopped"] * (len(flow) // 2) + ["energy_started"] * evse.charging
        readings = [o["meter_wh"] for o in seen.of("energy_started", "energy_stopped", "transaction_stopped")]
        assert readings == sorted(readings)

    asyncio.run(live())
