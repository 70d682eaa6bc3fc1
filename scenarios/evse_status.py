"""EVSE status: every change at once, in order, one push after the other, repaired after an outage."""

from bench import Fault
from bench.actors import Evse
from bench.facade import Bench
from bench.scenario import scenario


@scenario("full load of the status on request", needs="push_evse_status", evses=0)
async def full_load_of_status_on_request(bench: Bench) -> None:
    """The operator asks for a full load of the status."""
    await bench.hook("push_evse_status")
    await bench.hub_receives("PushEvseStatus", within=20)


@scenario("a faulted EVSE is out of service until the fault is cleared")
async def faulted_evse(bench: Bench) -> None:
    """Ground fault, later cleared. Where it is not told, it lasts long enough to say that it was left out."""
    evse = await bench.free_evse()
    await evse.fault("GroundFailure")
    await evse.shows("OutOfService", within=15)
    await evse.clear_fault()
    await evse.shows("Available", within=10)


@scenario("an EVSE is disabled at the charge point and enabled again")
async def disabled_evse(bench: Bench) -> None:
    """A technician switches it off and on; not told, it lasts as long as a fault."""
    evse = await bench.free_evse()
    await evse.set_unavailable()
    await evse.shows("OutOfService", within=15)
    await evse.set_available()
    await evse.shows("Available", within=10)


@scenario("a whole charge point is taken out of service and put back", whole_charge_point=True)
async def charge_point_out_of_service(bench: Bench) -> None:
    """Each of its EVSEs says so, in OCPP 1.6 connector 0 as well."""
    charge_point = await bench.free_charge_point()
    await charge_point.set_unavailable()
    await charge_point.shows("OutOfService", within=15)
    await charge_point.set_available()
    await charge_point.shows("Available", within=15)


@scenario(
    "an EVSE and the controller of its charge point fault, one recovers first", whole_charge_point=True, truth=True
)
async def controller_faults(bench: Bench) -> None:
    """Connector 0 of OCPP 1.6: what its fault says of the other EVSEs is left to the CPO; that it recovers clears no fault of an EVSE."""
    charge_point = await bench.free_charge_point()
    await charge_point.evse.fault("GroundFailure")
    await charge_point.evse.shows("OutOfService", within=15)
    await charge_point.controller_faults()
    await bench.passes(2)
    await charge_point.controller_recovers()
    await bench.passes(2)
    await charge_point.evse.clear_fault()
    await charge_point.shows("Available", within=15)


@scenario("an EVSE is reserved at the charge point, then free again", slow=True)
async def reserved_evse(bench: Bench) -> None:
    """Reserved by means outside of OICP, long enough to be told."""
    evse = await bench.free_evse()
    await evse.reserve()
    await evse.shows("Reserved", within=10)
    await bench.passes(bench.tolerance("reserved_push_s") + 1)
    await evse.release()
    await evse.shows("Available", within=15)


@scenario("a session that others can see: occupied, then available")
async def status_follows_a_session(bench: Bench) -> None:
    """Occupied while energy flows, Available once the cable is out."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    session = await driver.remote_start(evse)
    await session.charging()
    await evse.shows("Occupied", within=10)
    await evse.unplug()
    await evse.shows("Available", within=10)
    await session.is_billed(within=15)


@scenario("the cable goes in and out quickly")
async def quick_changes(bench: Bench) -> None:
    """Many changes in a short time; the last one counts, and none overtakes another."""
    evse = await bench.free_evse()
    await evse.plug_in()
    await evse.unplug()
    await evse.fault("OtherError")
    await evse.clear_fault()
    await evse.plug_in()
    await evse.unplug()
    await evse.shows("Available", within=10)


@scenario("the status changes while a full load is on the way", needs="push_evse_status", exclusive=True)
async def status_changes_during_a_full_load(bench: Bench) -> None:
    """What the full load says of one EVSE is obsolete when it is answered."""
    evse = await bench.free_evse()
    slow = Fault("slow answer to a full load of the status", "PushEvseStatus", delay_s=0.8, evse_id=evse.evse_id)
    async with bench.hub_fault(slow):
        await bench.together(bench.asks_for("push_evse_status"), _faults_soon(bench, evse))
    await evse.shows("OutOfService", within=15)
    await evse.clear_fault()
    await evse.shows("Available", within=15)


async def _faults_soon(bench: Bench, evse: Evse) -> None:
    """A fault a moment from now."""
    await bench.passes(0.4)
    await evse.fault("OtherError")


@scenario("many EVSEs change at once while the hub is slow", exclusive=True)
async def many_changes_at_a_slow_hub(bench: Bench) -> None:
    """The hub takes its time for every status push; the next one waits for the answer, and for one EVSE it is obsolete by then."""
    slow = Fault("slow answers to status pushes", "PushEvseStatus", delay_s=0.3, times=None)
    some = await bench.free_evses(6)
    async with bench.hub_fault(slow):
        await bench.together(*(evse.fault("OtherError") for evse in some))
        await bench.together(*(evse.shows("OutOfService", within=20) for evse in some))
        await some[0].clear_fault()
        await bench.passes(0.15)
        await some[0].fault("OtherError")
        await bench.passes(0.5)
    await some[0].shows("OutOfService", within=15)
    await bench.together(*(evse.clear_fault() for evse in some))
    await bench.together(*(evse.shows("Available", within=20) for evse in some))


@scenario("status pushes are limited (429) for a while", disturbs=True)
async def limited_status_pushes(bench: Bench) -> None:
    """A storm of 429; the newest status gets through in the end."""
    evse = await bench.free_evse()
    limited = Fault("429 for status pushes", "PushEvseStatus", http_status=429, times=3, evse_id=evse.evse_id)
    async with bench.hub_fault(limited):
        await evse.fault("OtherError")
        await evse.shows("OutOfService", within=30)
    await evse.clear_fault()
    await evse.shows("Available", within=30)


@scenario("the status changes while its push is limited (429)", disturbs=True)
async def status_changes_while_limited(bench: Bench) -> None:
    """What waits for its repeat is obsolete by then: the last word is the present status."""
    evse = await bench.free_evse()
    limited = Fault("429 for a status that passes", "PushEvseStatus", http_status=429, evse_id=evse.evse_id)
    async with bench.hub_fault(limited):
        await evse.fault("OtherError")
        await bench.hub_receives("PushEvseStatus", within=15, insist=False, where=lambda e: limited.name in e.faults)
        await evse.clear_fault()
        await bench.passes(12)
    await evse.shows("Available", within=20)


@scenario("a status push is answered with an HTML page", disturbs=True)
async def html_instead_of_an_answer(bench: Bench) -> None:
    """A proxy on the way answers 502 with HTML in another charset; the backend survives and repeats."""
    evse = await bench.free_evse()
    page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    headers = {"Content-Type": "text/html;charset=ISO-8859-1"}
    broken = Fault("HTML answer", "PushEvseStatus", http_status=502, body=page, headers=headers, evse_id=evse.evse_id)
    async with bench.hub_fault(broken):
        await evse.fault("OtherError")
        await evse.shows("OutOfService", within=20)
    await evse.clear_fault()
    await evse.shows("Available", within=20)


@scenario("a charge point loses its connection and comes back", whole_charge_point=True, long=True)
async def charge_point_out_of_reach(bench: Bench) -> None:
    """Nobody knows what happens there, so nobody may be sent there."""
    charge_point = await bench.free_charge_point()
    await charge_point.go_offline()
    await charge_point.evse.shows("Unknown", "OutOfService", within=150)
    await charge_point.go_online()
    await charge_point.evse.shows("Available", within=30)
