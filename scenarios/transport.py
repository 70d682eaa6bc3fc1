"""Transport: odd but valid forms of remote requests, broken ones, and the certificate of the hub."""

from bench.facade import Bench
from bench.scenario import scenario
from oicp.services import START, STOP
from oicp.variants import VARIANTS, Expected, Variant

_ELSEWHERE = {"duplicate", "unknown-evse", "foreign-evse", "private-evse"}


def _start_variant(variant: Variant) -> None:
    """A scenario for one odd form of the remote start: it starts, charges and is billed like any other."""

    async def play(bench: Bench) -> None:
        evse, driver = await bench.free_evse(), bench.driver()
        await evse.plug_in()
        session = await driver.tries_remote_start(evse, variant=variant.name)
        await session.may_charge(within=3)
        await evse.unplug()
        await session.is_closed(within=15)

    play.__name__ = "start_" + variant.name.replace("-", "_")
    scenario(f"remote start: {variant.changes}")(play)


def _stop_variant(variant: Variant) -> None:
    """A scenario for one odd form of the remote stop of a running session."""

    async def play(bench: Bench) -> None:
        evse, driver = await bench.free_evse(), bench.driver()
        await evse.plug_in()
        session = await driver.remote_start(evse, emp_partner_session_id=bench.new_partner_session_id())
        await session.charging()
        await driver.tries_remote_stop(session, variant=variant.name)
        await session.may_end(within=3)
        await evse.unplug()
        await session.is_closed(within=15)

    play.__name__ = "stop_" + variant.name.replace("-", "_")
    scenario(f"remote stop: {variant.changes}")(play)


_OWN_STOPS = {"unknown-session", "foreign-provider", "wrong-evse", "finished-session", "duplicate-stop"}
for _variant in VARIANTS.values():
    if START in _variant.operations and _variant.name not in _ELSEWHERE and _variant.expected is not Expected.REFUSED:
        _start_variant(_variant)
    if STOP in _variant.operations and _variant.name not in _OWN_STOPS and _variant.expected is not Expected.REFUSED:
        _stop_variant(_variant)

_REFUSED_STARTS = [
    v.name for v in VARIANTS.values()
    if START in v.operations and v.name not in _ELSEWHERE and v.expected is Expected.REFUSED
]  # fmt: skip


@scenario("remote starts that must be refused, one after the other")
async def starts_to_be_refused(bench: Bench) -> None:
    """Broken JSON, no body, missing members, other kinds of identification: refused, nothing starts."""
    evse = await bench.free_evse()
    await evse.plug_in()
    for variant in _REFUSED_STARTS:
        await bench.driver().tries_remote_start(evse, variant=variant)
    await bench.passes(1)
    await evse.unplug()


@scenario("remote stops that cannot be understood")
async def stops_to_be_refused(bench: Bench) -> None:
    """Broken JSON, no body, no SessionID: the running session goes on."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    for variant in ("malformed", "empty-body", "no-session-id"):
        await driver.tries_remote_stop(session, variant=variant)
    await bench.passes(1)
    await evse.unplug()
    await session.is_billed(within=15)


@scenario("the same remote start comes twice")
async def duplicate_start(bench: Bench) -> None:
    """A repeat with the same SessionID makes no second session."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await driver.repeats_start(session)
    await session.charging()
    await evse.unplug()
    await session.is_billed(within=15)


@scenario("the hub shows a certificate of an unknown CA", exclusive=True, needs="push_evse_status", evses=0)
async def hub_certificate_of_a_stranger(bench: Bench) -> None:
    """A backend that verifies the hub refuses to talk to it; afterwards all is well again."""
    await _turns_away(bench)


@scenario("the hub shows a certificate for another host", exclusive=True, needs="push_evse_status", evses=0)
async def hub_certificate_for_another_host(bench: Bench) -> None:
    """Of the right CA, but not for this hub: a backend that looks at names as well refuses to talk to it."""
    await _turns_away(bench, host="elsewhere.example")


async def _turns_away(bench: Bench, *, host: str | None = None) -> None:
    """It is asked to push while the hub shows a strange certificate, and again when the hub shows its own."""
    async with bench.hub_shows_a_strange_certificate(host=host):
        await bench.asks_for("push_evse_status")
        await bench.handshake_fails(within=3)
        await bench.passes(0.5)
    await bench.hook("push_evse_status")
    await bench.hub_receives("PushEvseStatus", within=30)


@scenario("the hub renews its certificate", exclusive=True, needs="push_evse_status", evses=0)
async def hub_certificate_renewed(bench: Bench) -> None:
    """A new certificate of the same CA; nobody should notice."""
    await bench.hub_renews_its_certificate()
    await bench.hook("push_evse_status")
    await bench.hub_receives("PushEvseStatus", within=30)
