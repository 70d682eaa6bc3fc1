"""Remote start and remote stop: what works, what has to be refused, what must do no harm."""

from bench import Vehicle
from bench.facade import Bench
from bench.scenario import scenario


@scenario("remote start, charge, remote stop, charge detail record", slow=True)
async def remote_start_and_stop(bench: Bench) -> None:
    """The main job of a CPO without RFID."""
    evse = await bench.free_evse()
    driver = bench.driver()

    await evse.plug_in()
    session = await driver.remote_start(evse, emp_partner_session_id=bench.new_partner_session_id())
    await session.charging(within=30)
    await evse.deliver(kwh=0.5)
    await driver.remote_stop(session)
    await session.ended(within=30)
    await session.receives("ChargeDetailRecord", within=10)
    await evse.unplug()
    await evse.shows("Available", within=10)


@scenario("the cable is plugged in after the remote start")
async def plugged_in_after_the_start(bench: Bench) -> None:
    """A start without a vehicle is refused (510), or kept: then charging begins with the cable."""
    evse, driver = await bench.free_evse(), bench.driver()
    session = await driver.remote_start(evse)
    await evse.plug_in()
    await session.charging(within=30)
    await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await session.is_billed(within=15)


@scenario("nobody plugs in after the remote start", slow=True)
async def nobody_plugs_in(bench: Bench) -> None:
    """The session is refused, or closed after a while: a charge detail record of 0 kWh, or an End notification."""
    evse, driver = await bench.free_evse(), bench.driver()
    session = await driver.tries_remote_start(evse, emp_partner_session_id=bench.new_partner_session_id())
    await session.is_closed(within=25)


@scenario("the driver pulls the cable")
async def driver_unplugs(bench: Bench) -> None:
    """The session ends without a remote stop; the record comes all the same."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.3)
    await evse.unplug()
    await session.receives("ChargeDetailRecord")


@scenario("the driver stops at the vehicle")
async def driver_stops_at_the_vehicle(bench: Bench) -> None:
    """The transaction ends at the charge point, the cable stays in for a while."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.stop_at_car()
    await session.receives("ChargeDetailRecord", within=15)
    await evse.unplug()


@scenario("the vehicle is full and the session ends by itself", slow=True)
async def vehicle_is_full(bench: Bench) -> None:
    """A battery that takes 0.4 kWh and no more."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in(Vehicle.needing(0.4))
    session = await driver.remote_start(evse)
    await session.charging()
    await session.ended(within=60)
    await session.receives("ChargeDetailRecord")


@scenario("remote start on an EVSE somebody charges at")
async def start_on_an_occupied_evse(bench: Bench) -> None:
    """Refused; the running session is not touched."""
    evse, first, second = await bench.free_evse(), bench.driver(), bench.other_driver()
    await evse.plug_in()
    session = await first.remote_start(evse)
    await session.charging()
    await second.tries_remote_start(evse)
    await evse.deliver(kwh=0.2)
    await first.remote_stop(session)
    await session.receives("ChargeDetailRecord")


@scenario("remote start on an EVSE the CPO does not operate", evses=0)
async def start_on_an_unknown_evse(bench: Bench) -> None:
    """The hub lets it through as it does for a CPO without records."""
    await bench.driver().tries_remote_start(bench.some_evse_id, variant="unknown-evse")


@scenario("remote start on an EVSE of another operator", evses=0)
async def start_on_a_foreign_evse(bench: Bench) -> None:
    """Misrouted: refused, whatever it is."""
    await bench.driver().tries_remote_start(bench.some_evse_id, variant="foreign-evse")


@scenario("remote start on an EVSE that is not open for roaming", kind="private")
async def start_on_a_private_evse(bench: Bench) -> None:
    """The hub lets it through as it does while the record is on its way."""
    await bench.driver().tries_remote_start(bench.evses[0].evse_id, variant="private-evse")


@scenario("remote start on a faulted EVSE")
async def start_on_a_faulted_evse(bench: Bench) -> None:
    """Out of service: 700."""
    evse = await bench.free_evse()
    await evse.fault("GroundFailure")
    await evse.shows("OutOfService")
    await bench.passes(2)
    await bench.driver().tries_remote_start(evse)
    await evse.clear_fault()


@scenario("remote start on an EVSE that was switched off")
async def start_on_a_disabled_evse(bench: Bench) -> None:
    """Out of service: 700."""
    evse = await bench.free_evse()
    await evse.set_unavailable()
    await evse.shows("OutOfService")
    await bench.passes(2)
    await bench.driver().tries_remote_start(evse)
    await evse.set_available()


@scenario("remote start on an EVSE reserved for somebody else")
async def start_on_a_reserved_evse(bench: Bench) -> None:
    """Reserved: 601."""
    evse = await bench.free_evse()
    await evse.reserve()
    await evse.shows("Reserved")
    await bench.passes(2)
    await bench.driver().tries_remote_start(evse)
    await evse.release()


@scenario("the charge point rejects the remote start")
async def charge_point_rejects(bench: Bench) -> None:
    """A charge point with a problem of its own; the driver must hear of it, and no energy flows. Another try succeeds."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    evse.refuse_next_remote_start()
    await driver.tries_remote_start(evse)
    await bench.passes(2)
    session = await driver.tries_remote_start(evse)
    await session.may_charge(within=3)
    await evse.unplug()
    await session.is_closed(within=15)


@scenario("remote start at a charge point out of reach", whole_charge_point=True)
async def start_at_an_offline_charge_point(bench: Bench) -> None:
    """Communication failed: 501. It comes back and must not charge on that session."""
    charge_point = await bench.free_charge_point()
    await charge_point.evse.plug_in()
    await charge_point.go_offline()
    await bench.passes(1.5)
    await bench.driver().tries_remote_start(charge_point.evse)
    await charge_point.go_online()
    await bench.passes(3)


@scenario("remote stop at a charge point out of reach, which comes back", whole_charge_point=True)
async def stop_at_an_offline_charge_point(bench: Bench) -> None:
    """Refused with 501; the session stays open until the charging has really ended."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    await charge_point.evse.plug_in()
    session = await driver.remote_start(charge_point.evse)
    await session.charging()
    await charge_point.go_offline()
    await bench.passes(1.5)
    await driver.tries_remote_stop(session)
    await charge_point.go_online()
    await driver.tries_remote_stop(session)
    await charge_point.evse.unplug()
    await session.is_billed(within=20)


@scenario("remote stop of a session nobody knows, at an EVSE somebody charges at")
async def stop_of_an_unknown_session(bench: Bench) -> None:
    """Refused with 400; the running session goes on."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await driver.tries_remote_stop(session, variant="unknown-session")
    await bench.passes(1)
    await evse.unplug()
    await session.receives("ChargeDetailRecord")


@scenario("remote stop by another provider")
async def stop_by_another_provider(bench: Bench) -> None:
    """Not its session: refused, nothing stops."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await driver.tries_remote_stop(session, variant="foreign-provider")
    await bench.passes(1)
    await evse.unplug()
    await session.receives("ChargeDetailRecord")


@scenario("remote stop that names the EVSE of another session", evses=2)
async def stop_with_a_wrong_evse(bench: Bench) -> None:
    """Whatever it does to its own session, it must not touch the other one."""
    mine, other = await bench.free_evses(2)
    driver = bench.driver()
    await bench.together(mine.plug_in(), other.plug_in())
    session, neighbour = await driver.remote_start(mine), await bench.other_driver().remote_start(other)
    await session.charging()
    await neighbour.charging()
    await driver.tries_remote_stop(session, other.evse_id, variant="wrong-evse")
    await bench.passes(1)
    await driver.tries_remote_stop(session)
    await session.may_end(within=5)
    await bench.together(mine.unplug(), other.unplug())
    await session.is_billed(within=15)
    await neighbour.is_billed(within=15)


@scenario("remote stop before the cable is in", slow=True)
async def stop_before_the_energy(bench: Bench) -> None:
    """Accepted: then nothing charges. Refused: then the session goes on as before."""
    evse, driver = await bench.free_evse(), bench.driver()
    session = await driver.remote_start(evse)
    await driver.tries_remote_stop(session)
    await evse.plug_in()
    await bench.passes(12)
    await evse.unplug()
    await session.is_closed(within=25)


@scenario("remote stop before the transaction has begun")
async def stop_before_the_transaction(bench: Bench) -> None:
    """The cable is in, the start accepted, the charge point takes its time: the stop comes before its transaction."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    evse.begins_after(2)
    session = await driver.remote_start(evse)
    await driver.tries_remote_stop(session)
    await session.may_charge(within=4)
    evse.begins_after(0)
    await session.may_end(within=12)
    await evse.unplug()
    await session.is_closed(within=25)


@scenario("the driver changes his mind and drives off before the transaction has begun", slow=True)
async def driver_leaves_before_the_transaction(bench: Bench) -> None:
    """Stopped, nothing charged, yet open at the hub: a record of 0 kWh or an End notification closes the session."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    evse.begins_after(6)
    session = await driver.remote_start(evse)
    await driver.tries_remote_stop(session)
    await bench.passes(1)
    await evse.unplug()
    evse.begins_after(0)
    await session.is_closed(within=25)


@scenario("the remote stop comes twice")
async def repeated_stop(bench: Bench) -> None:
    """No second record, nothing else stopped."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await bench.together(driver.tries_remote_stop(session), driver.tries_remote_stop(session))
    await session.is_billed(within=15)
    await driver.tries_remote_stop(session, variant="finished-session")


@scenario("remote stop of a session that has ended some time ago", slow=True)
async def stop_of_a_finished_session(bench: Bench) -> None:
    """Nothing to stop any more, nothing else may stop."""
    session = await bench.charged(kwh=0.2)
    await session.evse.stop_at_car()
    await session.is_billed(within=15)
    await bench.passes(11)
    await session.driver.tries_remote_stop(session, variant="finished-session")


@scenario("two remote starts on one EVSE at the same instant")
async def two_starts_at_once(bench: Bench) -> None:
    """One of them gets it."""
    evse, first, second = await bench.free_evse(), bench.driver(), bench.other_driver()
    await evse.plug_in()
    await bench.together(first.tries_remote_start(evse), second.tries_remote_start(evse))
    await bench.passes(2)
    await evse.unplug()
    await bench.all_sessions_are_closed(within=15)


@scenario("one driver at two EVSEs", evses=2)
async def one_driver_at_two_evses(bench: Bench) -> None:
    """Two sessions of one contract are kept apart; the second one ends first."""
    one, two = await bench.free_evses(2)
    driver = bench.driver()
    await bench.together(one.plug_in(), two.plug_in())
    first, second = await bench.together(driver.remote_start(one), driver.remote_start(two))
    await bench.together(first.charging(), second.charging())
    await two.deliver(kwh=0.2)
    await driver.remote_stop(second)
    await one.deliver(kwh=0.2)
    await driver.remote_stop(first)
    await bench.all_sessions_are_closed(within=15)


@scenario("two sessions on one EVSE, one after the other")
async def two_sessions_in_a_row(bench: Bench) -> None:
    """Two records, each with its own energy."""
    evse, first, second = await bench.free_evse(), bench.driver(), bench.other_driver()
    await evse.plug_in()
    session = await first.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await evse.is_free_again()
    await evse.plug_in()
    session = await second.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await bench.all_sessions_are_closed(within=15)


@scenario("the remote stop races with the driver's hand")
async def stop_races_with_the_unplug(bench: Bench) -> None:
    """Whoever wins: one session, one record."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await bench.together(driver.tries_remote_stop(session), evse.unplug())
    await session.is_billed(within=15)


@scenario("somebody presents a token nobody knows", slow=True)
async def unknown_token(bench: Bench) -> None:
    """A reader that should not be there, or a button: without a remote start no energy flows."""
    evse = await bench.free_evse()
    await evse.plug_in()
    await evse.presents_card("04A1B2C3D4E5F6")
    await bench.passes(6)
    await evse.unplug()


@scenario("a remote start for each EVSE at the same instant", exclusive=True)
async def starts_everywhere_at_once(bench: Bench) -> None:
    """Different EVSEs are served side by side."""
    everywhere = await bench.all_evses()
    await bench.together(*(evse.plug_in() for evse in everywhere))
    await bench.together(*(bench.driver().tries_remote_start(evse) for evse in everywhere))
    await bench.passes(1)
    await bench.together(*(evse.unplug() for evse in everywhere))
    await bench.all_sessions_are_closed(within=30)


@scenario("two hundred remote starts at once", exclusive=True)
async def two_hundred_starts_at_once(bench: Bench) -> None:
    """More drivers than EVSEs: each is answered, one per EVSE charges."""
    everywhere = await bench.all_evses()
    await bench.together(*(evse.plug_in() for evse in everywhere))
    wishes = [everywhere[i % len(everywhere)] for i in range(200)]
    await bench.together(*(bench.driver().tries_remote_start(evse) for evse in wishes))
    await bench.passes(1)
    await bench.together(*(evse.unplug() for evse in everywhere))
    await bench.all_sessions_are_closed(within=60)


@scenario("a charge point answers after 65 s", long=True, whole_charge_point=True)
async def very_slow_charge_point(bench: Bench) -> None:
    """The driver is answered within a minute even though the charge point is not."""
    charge_point = await bench.free_charge_point()
    charge_point.answers_after(65)
    session = await bench.driver().tries_remote_start(charge_point.evse)
    await bench.passes(40)
    charge_point.answers_after(0)
    await session.is_closed(within=200)
