"""Charging by remote start, as one charge point without a card reader lives it."""

from simulator.fleet import Fleet
from simulator.vehicle import Vehicle
from tests.simulator.central import Central, Observations
from tests.simulator.stage import EVSE, fleet_json, quick


async def test_remote_start_charge_remote_stop() -> None:
    """A remote start charges, a remote stop ends it, and the meter readings the CPO gets are those of the EVSE."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        await evse.plug_in()
        assert await central.remote_start("CP-1") == "Accepted"
        await evse.reaches("Charging", within=5)
        await evse.deliver(kwh=0.5, within=5)
        assert evse.transaction is not None
        assert await central.remote_stop("CP-1", evse.transaction.transaction_id) == "Accepted"
        await evse.reaches("Finishing", within=5)
        await fleet.delivered(within=5)
        await evse.unplug()
        await evse.reaches("Available", within=5)
        start, stop = central.of("StartTransaction")[0], central.of("StopTransaction")[0]
        assert start["id_tag"] == "DE-DCB-C12345678-X"
        assert stop["reason"] == "Remote"
        assert stop["meter_stop"] - start["meter_start"] >= 500
        assert stop["meter_stop"] == seen.of("transaction_stopped")[0]["meter_wh"] == evse.meter_wh
        assert stop["transaction_id"] == seen.of("transaction_start_delivered")[0]["transaction_id"] == 101
    assert seen.kinds("plugged", "energy_started", "transaction_started", "energy_stopped", "transaction_stopped") == [
        "plugged", "transaction_started", "energy_started", "energy_stopped", "transaction_stopped",
    ]  # fmt: skip


async def test_a_full_car_ends_the_session() -> None:
    """When the battery is full the session ends by itself and the energy is what the car took."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        await evse.plug_in(Vehicle.needing(0.2, max_power_kw=2000))
        await central.remote_start("CP-1")
        await evse.reaches("Charging", within=5)
        await evse.reaches("Finishing", within=5)
        await fleet.delivered(within=5)
        start, stop = central.of("StartTransaction")[0], central.of("StopTransaction")[0]
        assert stop["meter_stop"] - start["meter_start"] in (199, 200, 201)
        assert stop["reason"] == "Other"
