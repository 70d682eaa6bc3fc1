"""Charge detail records: whatever ended the session, one record, complete, with the energy that flowed."""

from bench import Vehicle
from bench.actors import Evse
from bench.facade import Bench
from bench.scenario import scenario


@scenario("product and partner session id come back in the record")
async def product_and_partner_session_id(bench: Bench) -> None:
    """What the EMP gave with the start belongs into the record."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    ident = bench.new_partner_session_id()
    session = await driver.remote_start(evse, product="Standard Price", emp_partner_session_id=ident)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await session.receives("ChargeDetailRecord")


@scenario("no energy flows: the battery is full already")
async def no_energy_flows(bench: Bench) -> None:
    """A session of 0 kWh is closed as well."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in(Vehicle(level_wh=100_000.0, when_full="suspend"))
    session = await driver.remote_start(evse)
    await bench.passes(2)
    await driver.tries_remote_stop(session)
    await evse.unplug()
    await session.is_closed(within=15)


@scenario("the vehicle has enough and stays, its session goes on", slow=True)
async def vehicle_pauses(bench: Bench) -> None:
    """Suspended for a while: still occupied, not billed yet."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in(Vehicle.needing(0.3, when_full="suspend"))
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await bench.passes(12)
    await driver.tries_remote_stop(session)
    await evse.unplug()
    await session.is_billed(within=15)


@scenario("load management pauses the charging, its session goes on", slow=True)
async def evse_pauses(bench: Bench) -> None:
    """No current for a while: still occupied, not billed yet; one record of all that flowed before and after."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.has_current(False)
    await bench.passes(11)
    await evse.has_current(True)
    await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await session.is_billed(within=15)


@scenario("a fault ends the session")
async def fault_ends_the_session(bench: Bench) -> None:
    """Ground fault while energy flows."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.fault("GroundFailure")
    await session.receives("ChargeDetailRecord")
    await evse.clear_fault()


@scenario("the charge point reboots in mid-session", whole_charge_point=True)
async def reboot_in_mid_session(bench: Bench) -> None:
    """The transaction ends with the reboot; its end is delivered afterwards."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await charge_point.reboot()
    await session.is_billed(within=20)


@scenario("the power fails in mid-session", whole_charge_point=True)
async def power_fails(bench: Bench) -> None:
    """It boots first and tells the end of the transaction then; the record bears the time and the reading of that end."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await charge_point.loses_power(seconds=2)
    await session.is_billed(within=20)


@scenario("the driver leaves while the charge point is offline", whole_charge_point=True)
async def end_delivered_late(bench: Bench) -> None:
    """The end of the transaction is delivered late; the record bears the real times and energy."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await charge_point.go_offline()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await bench.passes(2)
    await charge_point.go_online()
    await session.is_billed(within=20)


@scenario("the begin of a session is told twice: the answer got lost", whole_charge_point=True)
async def begin_told_twice(bench: Bench) -> None:
    """A charge point repeats what was not answered; that is no second session."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    charge_point.loses_the_answer_to("begin")
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await session.is_billed(within=20)
    await bench.passes(3)


@scenario("the end of a session is told twice: the answer got lost", whole_charge_point=True)
async def end_told_twice(bench: Bench) -> None:
    """A charge point repeats what was not answered; one session, one record."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    charge_point.loses_the_answer_to("end")
    await evse.unplug()
    await session.is_billed(within=20)
    await bench.passes(6)


@scenario("the connection breaks and returns while energy flows", whole_charge_point=True)
async def connection_breaks_in_between(bench: Bench) -> None:
    """A break in the middle changes nothing."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    evse = charge_point.evse
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await charge_point.go_offline()
    await bench.passes(1)
    await charge_point.go_online()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await session.is_billed(within=20)


@scenario("the meter starts again at zero between two sessions")
async def meter_resets(bench: Bench) -> None:
    """Readings fall; the energy of the session is right all the same."""
    evse, first, second = await bench.free_evse(), bench.driver(), bench.driver()
    await evse.plug_in()
    session = await first.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await evse.is_free_again()
    evse.reset_meter()
    await evse.plug_in()
    session = await second.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await bench.all_sessions_are_closed(within=15)


@scenario("meters that tell kWh, or thousands of Wh", evses=2, truth=True)
async def other_units(bench: Bench) -> None:
    """OCPP names the unit of a reading, 2.0.1 a power of ten as well; readings in between come, and the record is in kWh all the same."""
    one, two = await bench.free_evses(2)
    one.meters_in("kWh")
    two.meters_in("Wh", multiplier=3)
    await bench.together(_charges(bench, one), _charges(bench, two))


async def _charges(bench: Bench, evse: Evse) -> None:
    """A session long enough for a reading in between."""
    driver = bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.4)
    await driver.remote_stop(session)
    await session.is_billed(within=15)


@scenario("a longer charge with readings in between", slow=True)
async def longer_charge(bench: Bench) -> None:
    """Long enough for several readings."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.8)
    await driver.remote_stop(session)
    await session.receives("ChargeDetailRecord")
