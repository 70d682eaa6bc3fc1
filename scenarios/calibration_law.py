"""Calibration law: signed meter values on their way from the meter into the charge detail record."""

from bench.facade import Bench
from bench.scenario import scenario


@scenario("signed meter values come into the record", profile="eichrecht", kind="signed")
async def signed_values_in_the_record(bench: Bench) -> None:
    """An EVSE with CalibrationLawDataAvailability External, stopped by the driver's app."""
    session = await bench.charged(kwh=0.3)
    await session.driver.remote_stop(session)
    await session.is_billed(within=15)


@scenario(
    "signed meter values of a session that ended out of reach",
    profile="eichrecht",
    kind="signed",
    whole_charge_point=True,
)
async def signed_values_delivered_late(bench: Bench) -> None:
    """The signed reading of the end is delivered once the charge point is back."""
    charge_point, driver = await bench.free_charge_point(), bench.driver()
    await charge_point.evse.plug_in()
    session = await driver.remote_start(charge_point.evse)
    await session.charging()
    await charge_point.go_offline()
    await charge_point.evse.deliver(kwh=0.2)
    await charge_point.evse.unplug()
    await charge_point.go_online()
    await session.is_billed(within=20)


@scenario("no energy at an EVSE whose records need signed values", profile="eichrecht", kind="signed", slow=True)
async def no_energy_and_signed_values(bench: Bench) -> None:
    """A driver who never plugs in: the session is closed somehow, and the hub takes it."""
    session = await bench.driver().tries_remote_start(await bench.free_evse())
    await session.is_closed(within=25)
