"""Faults at named moments of a session: what the hub or the way to it does wrong, and the record has to come anyway."""

from bench import Fault
from bench.facade import Bench
from bench.scenario import scenario

CDR = "ChargeDetailRecord"


@scenario("the record was stored but its answer got lost", disturbs=True)
async def cdr_answer_lost(bench: Bench) -> None:
    """The repeat is answered with 400 CLOSED: delivered."""
    session = await bench.charged(kwh=0.2)
    lost = Fault("CDR stored, answer lost", CDR, moment="after_processing", drop="close", session_id=session.session_id)
    async with bench.hub_fault(lost):
        await session.evse.unplug()
        await session.receives(CDR, within=30, times=2)
    await bench.passes(3)


@scenario("the record is answered with 503, then taken", disturbs=True)
async def cdr_meets_503(bench: Bench) -> None:
    """A rotating instance of the hub."""
    session = await bench.charged(kwh=0.2)
    async with bench.hub_fault(Fault("503 for the CDR", CDR, http_status=503, session_id=session.session_id)):
        await session.evse.unplug()
        await session.is_billed(within=30)


@scenario("the connection breaks before the record is taken", disturbs=True)
async def cdr_connection_reset(bench: Bench) -> None:
    """A reset on the way; nothing was stored."""
    session = await bench.charged(kwh=0.2)
    async with bench.hub_fault(
        Fault("reset before the CDR is stored", CDR, drop="reset", session_id=session.session_id)
    ):
        await session.evse.unplug()
        await session.is_billed(within=30)


@scenario("the hub has an error of its own (001) when the record comes", disturbs=True)
async def cdr_meets_001(bench: Bench) -> None:
    """HTTP 200 with Result false is no success."""
    session = await bench.charged(kwh=0.2)
    async with bench.hub_fault(Fault("001 for the CDR", CDR, hub_code="001", session_id=session.session_id)):
        await session.evse.unplug()
        await session.is_billed(within=30)


@scenario("records meet what passes: 009, 021 and HTTP 408", evses=3, disturbs=True)
async def cdr_meets_passing_errors(bench: Bench) -> None:
    """A transaction error, trouble of a partner and a slow connection: the same record is taken a little later."""
    one, two, three = await bench.all_charged(3, kwh=0.05)
    passing = [
        Fault("009 for the CDR", CDR, hub_code="009", session_id=one.session_id),
        Fault("021 for the CDR", CDR, hub_code="021", session_id=two.session_id),
        Fault("408 for the CDR", CDR, http_status=408, session_id=three.session_id),
    ]
    async with bench.hub_faults(passing):
        await bench.together(*(session.evse.unplug() for session in (one, two, three)))
        await bench.together(*(session.is_billed(within=30) for session in (one, two, three)))


@scenario("an error body without Result when the record comes", disturbs=True)
async def cdr_meets_error_without_result(bench: Bench) -> None:
    """HTTP 500, nothing but a StatusCode."""
    session = await bench.charged(kwh=0.2)
    body = {"StatusCode": {"Code": "001", "Description": "Unexpected error", "AdditionalInfo": None}}
    failing = Fault("500 without Result", CDR, http_status=500, body=body, session_id=session.session_id)
    async with bench.hub_fault(failing):
        await session.evse.unplug()
        await session.is_billed(within=30)


@scenario("an empty answer when the record comes", disturbs=True)
async def cdr_meets_an_empty_answer(bench: Bench) -> None:
    """HTTP 502 without a body."""
    session = await bench.charged(kwh=0.2)
    async with bench.hub_fault(Fault("empty 502", CDR, http_status=502, body="", session_id=session.session_id)):
        await session.evse.unplug()
        await session.is_billed(within=30)


@scenario("the record is refused as implausible (022)", disturbs=True)
async def cdr_refused_022(bench: Bench) -> None:
    """Only a corrected record helps; an endless repeat of the same one does not."""
    session = await bench.charged(kwh=0.05)
    refusing = Fault("022 for the CDR", CDR, hub_code="022", session_id=session.session_id, times=None)
    async with bench.hub_fault(refusing):
        await session.evse.unplug()
        await session.receives(CDR, within=15)
        await bench.passes(10)


@scenario("records of several EVSEs are limited (429) at the same time", evses=3, disturbs=True)
async def cdr_storm_of_429(bench: Bench) -> None:
    """The waits grow, differ, and every record comes in the end."""
    sessions = await bench.all_charged(3, kwh=0.3)
    storm = [
        Fault(f"429 for the CDR of {s.evse_id}", CDR, http_status=429, times=3, session_id=s.session_id)
        for s in sessions
    ]
    async with bench.hub_faults(storm):
        await bench.together(*(session.evse.unplug() for session in sessions))
        await bench.together(*(session.is_billed(within=40) for session in sessions))


@scenario("the hub is down when records and status changes are due", evses=2, exclusive=True)
async def hub_down_when_records_are_due(bench: Bench) -> None:
    """What piled up comes once the hub is back, below the rate limits; a new session works as before."""
    sessions = await bench.all_charged(6, kwh=0.2, spare=1)
    async with bench.hub_down():
        await bench.together(*(session.evse.unplug() for session in sessions))
        await bench.passes(1.5)
    another = await bench.charged(kwh=0.05)
    await another.evse.unplug()
    await bench.together(*(session.is_billed(within=60) for session in (*sessions, another)))
    await bench.together(*(session.evse.shows("Available", within=20) for session in sessions))


@scenario("the backend restarts while a session runs and a record waits", evses=2, needs="restart", exclusive=True)
async def restart_of_the_backend(bench: Bench) -> None:
    """After the restart both records come, with all that their starts said; so does the driver who was still on the way."""
    running, waiting = await bench.all_charged(2, kwh=0.2)
    expected = [await bench.driver().tries_remote_start(evse) for evse in await bench.free_evses(1)]
    failing = Fault("503 until the restart", CDR, http_status=503, session_id=waiting.session_id, times=None)
    async with bench.hub_fault(failing):
        await waiting.evse.unplug()
        await waiting.receives(CDR, within=15)
        await bench.hook("restart", within=90)
    await bench.charge_points_are_connected(within=60)
    await bench.together(*(session.evse.plug_in() for session in expected))
    await running.driver.tries_remote_stop(running)
    await bench.together(*(session.may_charge(within=3) for session in expected))
    await bench.together(running.evse.unplug(), *(session.evse.unplug() for session in expected))
    await bench.all_sessions_are_closed(within=60)


@scenario("the hub answers the record after 59 s", long=True, disturbs=True)
async def cdr_answered_very_late(bench: Bench) -> None:
    """Whoever gives up earlier repeats the same content."""
    session = await bench.charged(kwh=0.2)
    slow = Fault("answer after 59 s", CDR, moment="after_processing", delay_s=59, session_id=session.session_id)
    async with bench.hub_fault(slow):
        await session.evse.unplug()
        await session.receives(CDR, within=90)
    await session.is_billed(within=60)


@scenario("the hub keeps silent about a status push", long=True, disturbs=True)
async def silence_about_a_status_push(bench: Bench) -> None:
    """The backend gives up at some time and repeats the content, one push at a time."""
    evse = await bench.free_evse()
    silent = Fault("no answer to a status push", "PushEvseStatus", drop="silence", evse_id=evse.evse_id)
    async with bench.hub_fault(silent):
        await evse.fault("OtherError")
        await evse.shows("OutOfService", within=300)
    await evse.clear_fault()
    await evse.shows("Available", within=60)
