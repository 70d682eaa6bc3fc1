"""Faults on the way between CPO and hub that no hub can make from its end; played with `run --tap`."""

from bench import WireFault
from bench.facade import Bench
from bench.scenario import scenario

CDR = "ChargeDetailRecord"
STATUS = "PushEvseStatus"


@scenario("the answer to the record breaks off in the middle", needs="tap", disturbs=True)
async def cdr_answer_cut(bench: Bench) -> None:
    """The hub took the record, half of its answer arrives: only a repeat tells whether it is delivered."""
    session = await bench.charged(kwh=0.2)
    async with bench.wire_fault(WireFault("answer to the CDR cut", "cut", CDR, session_id=session.session_id)):
        await session.evse.unplug()
        await session.receives(CDR, within=30, times=2)


@scenario("a TLS alert in the middle of the answer to the record", needs="tap", disturbs=True)
async def cdr_answer_meets_a_tls_alert(bench: Bench) -> None:
    """The connection ends with a fatal alert; the record is repeated on a new one."""
    session = await bench.charged(kwh=0.2)
    alert = WireFault("TLS alert in the answer to the CDR", "tls-alert", CDR, session_id=session.session_id)
    async with bench.wire_fault(alert):
        await session.evse.unplug()
        await session.receives(CDR, within=30, times=2)


@scenario("the answer to the record is complete HTTP and half a JSON object", needs="tap", disturbs=True)
async def cdr_answer_truncated(bench: Bench) -> None:
    """HTTP 200 with a body that cannot be read is no success."""
    session = await bench.charged(kwh=0.2)
    half = WireFault("answer to the CDR truncated", "truncate", CDR, session_id=session.session_id)
    async with bench.wire_fault(half):
        await session.evse.unplug()
        await session.receives(CDR, within=30, times=2)


@scenario("the answer to the record trickles in", needs="tap", disturbs=True)
async def cdr_answer_trickles(bench: Bench) -> None:
    """A slow answer is an answer: the record is delivered."""
    session = await bench.charged(kwh=0.2)
    slow = WireFault("answer to the CDR trickles", "trickle", CDR, session_id=session.session_id, seconds=3)
    async with bench.wire_fault(slow):
        await session.evse.unplug()
        await session.is_billed(within=30)
        await bench.passes(4)


@scenario("the connection is reset when a status is answered", needs="tap", disturbs=True)
async def status_answer_reset(bench: Bench) -> None:
    """The hub took the status, the CPO cannot know: it comes again, and the hub ends up with the right one."""
    evse = await bench.free_evse()
    async with bench.wire_fault(WireFault("answer to the status reset", "reset", STATUS, evse_id=evse.evse_id)):
        since = bench.recorder.now()
        await evse.fault("OtherError")
        await bench.hub_receives(STATUS, since=since, within=30, insist=False, where=lambda e: e.accepted)
        await evse.shows("OutOfService", within=30)
    await evse.clear_fault()
    await evse.shows("Available", within=30)


@scenario("the answer to a status stalls after its header", needs="tap", disturbs=True)
async def status_answer_stalls(bench: Bench) -> None:
    """Nothing follows the header for some seconds, then the connection closes; pushes go on one by one."""
    evse = await bench.free_evse()
    stalled = WireFault("answer to the status stalls", "stall", STATUS, evse_id=evse.evse_id, seconds=4)
    async with bench.wire_fault(stalled):
        await evse.fault("OtherError")
        await evse.shows("OutOfService", within=30)
    await evse.clear_fault()
    await evse.shows("Available", within=60)


@scenario("the hub's start arrives twice", needs="tap", disturbs=True)
async def start_arrives_twice(bench: Bench) -> None:
    """The network delivered it again: one session, one transaction, one record."""
    evse, driver = await bench.free_evse(), bench.driver()
    await evse.plug_in()
    async with bench.wire_fault(WireFault("start doubled", "duplicate", "AuthorizeRemoteStart", evse_id=evse.evse_id)):
        session = await driver.remote_start(evse)
        await session.charging()
        await evse.deliver(kwh=0.2)
    await driver.remote_stop(session)
    await session.is_billed(within=30)


@scenario("the hub's stop arrives twice", needs="tap", disturbs=True)
async def stop_arrives_twice(bench: Bench) -> None:
    """The second one finds the session stopped: no harm, and no second record."""
    session = await bench.charged(kwh=0.2)
    double = WireFault("stop doubled", "duplicate", "AuthorizeRemoteStop", session_id=session.session_id)
    async with bench.wire_fault(double):
        await bench.driver().tries_remote_stop(session)
        await session.is_billed(within=30)
    await bench.passes(2)
