"""The main job of a CPO in two seconds: enough to see whether it works at all."""

from bench import Bench, scenario


@scenario("remote start, a little energy, remote stop, charge detail record")
async def short_charge(bench: Bench) -> None:
    """Everything a foreign backend is asked for once."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging(within=30)
    await evse.deliver(kwh=0.1)
    await driver.remote_stop(session)
    await session.receives("ChargeDetailRecord", within=10)
    await evse.unplug()
    await evse.shows("Available", within=10)
