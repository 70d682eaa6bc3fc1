"""Remote start and stop where the charge point has the last word: it is late, or it refuses."""

from bench.facade import Bench
from bench.scenario import scenario


@scenario("the charge point begins long after it took the remote start", slow=True)
async def charge_point_begins_late(bench: Bench) -> None:
    """Who has given the start up by then (501) ends the charging at once; who accepted it bills it."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    evse.begins_after(12)
    session = await driver.tries_remote_start(evse)
    await session.may_charge(within=15)
    evse.begins_after(0)
    await session.may_be_broken_off(within=bench.tolerance("refused_charge_s") + 3)
    await evse.unplug()
    await session.is_closed(within=25)


@scenario("the charge point rejects the remote stop")
async def charge_point_rejects_the_stop(bench: Bench) -> None:
    """The driver must hear of it, the second time as well; the session stays open until it has really ended."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    for _ in range(2):
        evse.refuse_next_remote_stop()
        await driver.tries_remote_stop(session)
    await bench.passes(3)
    await evse.unplug()
    await session.is_billed(within=15)
