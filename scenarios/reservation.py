"""Reservation: made, used, given back, refused."""

from bench.facade import Bench
from bench.scenario import scenario


@scenario("reserve, start, charge, stop", profile="reservation")
async def reserve_and_charge(bench: Bench) -> None:
    """The driver who reserved comes and charges."""
    evse, driver = await bench.free_evse(), bench.driver()
    reservation = await driver.reserve(evse, duration=15)
    await evse.shows("Reserved")
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await driver.release(reservation)
    await session.is_billed(within=15)


@scenario("reserve and give back", profile="reservation")
async def reserve_and_give_back(bench: Bench) -> None:
    """The EVSE is free again; a record closes the reservation."""
    evse, driver = await bench.free_evse(), bench.driver()
    reservation = await driver.reserve(evse, duration=15)
    await evse.shows("Reserved")
    await bench.passes(1)
    await driver.release(reservation)
    await evse.shows("Available")
    await reservation.is_closed(within=15)


@scenario("another driver starts on a reserved EVSE", profile="reservation")
async def start_on_an_evse_reserved_by_another(bench: Bench) -> None:
    """Refused with 601; the reservation holds."""
    evse, driver, other = await bench.free_evse(), bench.driver(), bench.other_driver()
    reservation = await driver.reserve(evse, duration=15)
    await evse.shows("Reserved")
    await other.tries_remote_start(evse)
    await driver.release(reservation)
    await evse.shows("Available")


@scenario("another driver reserves a reserved EVSE", profile="reservation")
async def second_reservation(bench: Bench) -> None:
    """Refused; the first reservation holds."""
    evse, driver, other = await bench.free_evse(), bench.driver(), bench.other_driver()
    reservation = await driver.reserve(evse, duration=15)
    await other.tries_to_reserve(evse)
    await driver.release(reservation)


@scenario("reservation of an EVSE somebody charges at", profile="reservation")
async def reservation_of_an_occupied_evse(bench: Bench) -> None:
    """Refused; the running session is not touched."""
    session = await bench.charged(kwh=0.05)
    await bench.other_driver().tries_to_reserve(session.evse)
    await session.evse.unplug()
    await session.is_billed(within=15)


@scenario("reservation of a faulted EVSE", profile="reservation")
async def reservation_of_a_faulted_evse(bench: Bench) -> None:
    """Refused with 700."""
    evse = await bench.free_evse()
    await evse.fault("GroundFailure")
    await evse.shows("OutOfService")
    await bench.driver().tries_to_reserve(evse)
    await evse.clear_fault()


@scenario("end of a reservation nobody made", profile="reservation")
async def end_of_an_unknown_reservation(bench: Bench) -> None:
    """Refused with 400."""
    evse, driver = await bench.free_evse(), bench.driver()
    reservation = await driver.reserve(evse, duration=15)
    await driver.release(reservation, variant="unknown-session")
    await driver.release(reservation)


@scenario("end of a reservation at a charge point out of reach", profile="reservation", whole_charge_point=True)
async def end_of_a_reservation_out_of_reach(bench: Bench) -> None:
    """Refused with 501; the reservation stays, and can be ended once the charge point is back."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    reservation = await driver.reserve(charge_point.evse, duration=15)
    await charge_point.evse.shows("Reserved")
    await charge_point.go_offline()
    await bench.passes(1.5)
    await driver.release(reservation)
    await charge_point.go_online()
    await driver.release(reservation)
    await reservation.is_closed(within=15)


@scenario("the product of a reservation comes back in its record", profile="reservation")
async def product_of_a_reservation(bench: Bench) -> None:
    """What the EMP ordered is what is billed."""
    evse, driver = await bench.free_evse(), bench.driver()
    reservation = await driver.reserve(evse, duration=15, product="Reservation Fee")
    await evse.shows("Reserved")
    await driver.release(reservation)
    await reservation.is_closed(within=15)


@scenario("a reservation runs out", profile="reservation", long=True)
async def reservation_runs_out(bench: Bench) -> None:
    """After Duration the EVSE is free again although nobody ended the reservation."""
    evse, driver = await bench.free_evse(), bench.driver()
    reservation = await driver.reserve(evse, duration=1)
    await evse.shows("Reserved")
    await reservation.is_closed(within=90)
    await evse.shows("Available", within=40)
