"""EVSE data: the full load at the start, on request, changed and removed EVSEs, refused pushes."""

from bench import Fault
from bench.facade import Bench
from bench.scenario import scenario


@scenario("full load of data and status at the start", evses=0)
async def full_load_at_the_start(bench: Bench) -> None:
    """A backend that begins to work publishes its whole fleet."""
    await bench.hub_receives("PushEvseData", since=0, within=20)
    await bench.hub_receives("PushEvseStatus", since=0, within=20)
    await bench.whole_fleet_is_known(within=20)


@scenario("full load of the data on request", needs="push_evse_data", evses=0)
async def full_load_of_data_on_request(bench: Bench) -> None:
    """The operator asks for a full load of the data."""
    await bench.hook("push_evse_data")
    await bench.hub_receives("PushEvseData", within=20)


@scenario("a data record changes", needs="update_evse")
async def data_record_changes(bench: Bench) -> None:
    """The hotline of one EVSE changes; the hub learns it without waiting for the next full load."""
    evse = await bench.free_evse()
    record = evse.data_record | {"HotlinePhoneNumber": "+4930123456"}
    await bench.hook("update_evse", evse_id=evse.evse_id, data_record=record)
    await bench.hub_receives("PushEvseData", within=20)


@scenario("the hub has an outage of a moment when a changed data record arrives", needs="update_evse", disturbs=True)
async def data_change_meets_503(bench: Bench) -> None:
    """A change that could not be delivered has to come again."""
    evse = await bench.free_evse()
    record = evse.data_record | {"HotlinePhoneNumber": "+4930654321"}
    async with bench.hub_fault(Fault("503 for changed data", "PushEvseData", http_status=503, evse_id=evse.evse_id)):
        await bench.hook("update_evse", evse_id=evse.evse_id, data_record=record)
        await bench.hub_accepts("PushEvseData", within=30)


@scenario("an EVSE leaves the fleet", needs="decommission_evse", uses_up=True)
async def evse_leaves_the_fleet(bench: Bench) -> None:
    """An EVSE is taken out of service for good and vanishes at the hub; what it does from then on is nobody's business."""
    evse = await bench.free_evse()
    await bench.hook("decommission_evse", evse_id=evse.evse_id)
    await evse.vanishes_at_the_hub(within=20)
    await evse.fault("OtherError")
    await bench.passes(1)
    await evse.clear_fault()


@scenario("the hub is busy when a full load of the data arrives", needs="push_evse_data", exclusive=True)
async def data_push_meets_a_busy_hub(bench: Bench) -> None:
    """HTTP 200 with Result false and 009: a push that was not taken. Its content has to come again."""
    busy = Fault("data push refused with 009", "PushEvseData", hub_code="009")
    async with bench.hub_fault(busy):
        await bench.hook("push_evse_data")
        await bench.hub_accepts("PushEvseData", within=30)


@scenario(
    "a full load of the data is answered with the validation errors of another message",
    needs="push_evse_data",
    uses_up=True,
    evses=0,
)
async def data_push_refused_by_validation(bench: Bench) -> None:
    """An error body without Result; the records that are right must reach the hub all the same.

    The backend may well leave out the first record from then on, so this one is played last.
    """
    body = {"message": "Error parsing/validating JSON.", "validationErrors": [
        {"fieldReference": "operatorEvseData.evseDataRecord[0].hotlinePhoneNumber", "errorMessage": "may not be null"}
    ]}  # fmt: skip
    refusing = Fault("data push refused by validation", "PushEvseData", http_status=400, body=body)
    async with bench.hub_fault(refusing):
        await bench.hook("push_evse_data")
        await bench.hub_accepts("PushEvseData", within=25)
