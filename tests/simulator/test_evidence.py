"""What the fleet observes is the ground truth the rules read."""

from fake_hubject.recorder import Recorder
from oicp.evidence import Run
from oicp.sessions import transactions
from simulator.fleet import Fleet
from tests.simulator.central import Central
from tests.simulator.stage import EVSE, fleet_json, quick


async def test_transactions_can_be_read_back() -> None:
    """Transactions read from a recording have the readings, times, reasons and energy phases of what really happened."""
    recorder = Recorder(Run(truth=True))
    async with Central() as central, Fleet(fleet_json(), central.url, recorder.observe, settings=quick()) as fleet:
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        for energy in (0.3, 0.2):
            await evse.plug_in()
            assert await central.remote_start("CP-1") == "Accepted"
            await evse.reaches("Charging", within=5)
            await evse.deliver(kwh=energy, within=5)
            await evse.unplug()
            await evse.reaches("Available", within=5)
        await fleet.delivered(within=5)
        end = evse.meter_wh
    first, second = transactions(recorder.evidence())
    assert first.energy_wh is not None and first.energy_wh >= 300
    assert second.energy_wh is not None and second.energy_wh >= 200
    assert (first.meter_stop_wh, second.meter_stop_wh) == (second.meter_start_wh, end)
    for found in (first, second):
        assert (found.reason, found.cause, found.id_tag) == ("EVDisconnected", "remote", "DE-DCB-C12345678-X")
        assert found.t_stop is not None and found.t_start_delivered is not None and found.t_stop_delivered is not None
        assert found.t_start <= found.t_start_delivered <= found.t_stop <= found.t_stop_delivered
        ((begun, over),) = found.t_energy
        assert found.t_start <= begun and over is not None and over <= found.t_stop + 0.01
    assert first.reference != second.reference
