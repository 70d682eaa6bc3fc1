"""Charging notifications: Start, Progress, End and Error of a session."""

from bench.facade import Bench
from bench.scenario import scenario


@scenario("a session with notifications of start and end", profile="notifications")
async def start_and_end(bench: Bench) -> None:
    """Start when energy flows, End when it no longer does, then the record."""
    session = await bench.charged(kwh=0.3)
    await session.receives("ChargingNotifications", within=15)
    await session.driver.remote_stop(session)
    await session.receives("ChargingNotifications", within=15, times=2)
    await session.is_billed(within=15)


@scenario("a fault in mid-session is told", profile="notifications")
async def error_in_mid_session(bench: Bench) -> None:
    """An Error notification names the kind of fault."""
    session = await bench.charged(kwh=0.2)
    await session.evse.fault("GroundFailure")
    await session.receives("ChargingNotifications", within=15, times=2)
    await session.is_billed(within=15)
    await session.evse.clear_fault()


@scenario("the EMP takes no notifications", profile="notifications")
async def emp_without_notifications(bench: Bench) -> None:
    """320: charging and record are not affected."""
    evse, driver = await bench.free_evse(), bench.driver_without_notifications()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await session.receives("ChargingNotifications", within=15)
    await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await session.is_billed(within=15)


@scenario("progress of a long session", profile="notifications", long=True)
async def progress(bench: Bench) -> None:
    """At least five minutes apart."""
    session = await bench.charged(kwh=0.2)
    await session.receives("ChargingNotifications", within=700, times=3)
    await session.driver.remote_stop(session)
    await session.is_billed(within=15)
