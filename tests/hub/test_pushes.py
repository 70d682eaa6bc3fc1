"""Pushes of data and status: order of checks, action types, versions."""

import asyncio

import pytest

from fake_hubject.faults import Fault
from tests.hub.coverage import covers
from tests.hub.stage import EVSE, EVSE_2, OPERATOR, OTHER, SUB, Stage, data_push, data_record, status_push


@covers("HUB-008")
async def test_a_success_has_every_member(stage: Stage) -> None:
    """A successful push is answered with explicit nulls."""
    reply = await stage.call("PushEvseData", data_push(data_record()))
    assert reply.status == 200
    assert reply.json == {
        "Result": True, "StatusCode": {"Code": "000", "Description": None, "AdditionalInfo": None},
        "SessionID": None, "CPOPartnerSessionID": None, "EMPPartnerSessionID": None,
    }  # fmt: skip


@covers("HUB-014", "HUB-017")
async def test_full_load_replaces_and_delete_removes(stage: Stage) -> None:
    """A fullLoad makes exactly its records valid, an empty one purges, a delete removes."""
    await stage.publish()
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE, EVSE_2}
    await stage.call("PushEvseData", data_push(data_record(EVSE_2), action="delete"))
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE}
    await stage.call("PushEvseData", data_push(data_record(EVSE_2)))
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE_2}
    assert (await stage.call("PushEvseData", data_push())).code == "000"
    assert stage.hub.evse_data(OPERATOR) == {}


async def test_a_data_full_load_drops_the_status_of_what_is_gone(stage: Stage) -> None:
    """Status of an EVSE that vanished is dropped, that of others stays."""
    await stage.publish()
    await stage.call("PushEvseStatus", status_push((EVSE, "Available"), (EVSE_2, "Occupied"), action="fullLoad"))
    await stage.publish(data_record(EVSE_2))
    assert stage.hub.evse_status(OPERATOR) == {EVSE_2: "Occupied"}


@covers("HUB-015", "HUB-016", "HUB-009")
@pytest.mark.parametrize(("action", "evse_id"), [("insert", EVSE), ("update", "DE*ABC*E7")])
async def test_an_operation_that_is_not_possible_changes_nothing(stage: Stage, action: str, evse_id: str) -> None:
    """Insert of an existing and update of a missing record abort the whole push with 009 and HTTP 200."""
    await stage.publish(data_record())
    reply = await stage.call("PushEvseData", data_push(data_record("DE*ABC*E99"), data_record(evse_id), action=action))
    assert reply.short == (200, "009")
    assert reply.json["Result"] is False
    assert reply.json["StatusCode"]["AdditionalInfo"]
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE}


@covers("HUB-018", "HUB-062")
async def test_foreign_evse_ids_are_refused_and_sub_operators_are_known(stage: Stage) -> None:
    """018 for an EvseID of somebody else; those of a registered sub-operator are taken."""
    foreign = await stage.call("PushEvseData", data_push(data_record(), data_record("DE*XYZ*E1")))
    assert foreign.short == (200, "018")
    assert stage.hub.evse_data(OPERATOR) == {}
    sub = f"{SUB}*E5"
    assert (await stage.call("PushEvseData", data_push(data_record(sub)))).code == "000"
    result = await stage.hub.remote_start("DE-DCB", sub, "DE-DCB-C12345678-9")
    assert result.accepted
    assert stage.cpo.requests[-1][2]["EvseID"] == sub


@covers("HUB-019")
@pytest.mark.parametrize("operation", ["PushEvseData", "PushEvseStatus"])
async def test_an_evse_id_twice_is_refused(stage: Stage, operation: str) -> None:
    """018 `Duplicate EVSE IDs`, whatever the spelling."""
    await stage.publish()
    body = (
        data_push(data_record(), data_record())
        if operation == "PushEvseData"
        else status_push((EVSE, "Available"), (EVSE, "Occupied"))
    )
    reply = await stage.call(operation, body)
    assert reply.short == (200, "018")
    assert reply.json["StatusCode"]["Description"] == "Duplicate EVSE IDs"


@covers("HUB-020")
async def test_a_parallel_push_is_refused(stage: Stage) -> None:
    """One push at a time per operation and partner; data and status may overlap."""
    await stage.publish()
    stage.hub.change(processing_s=0.3)
    first, second, other = await asyncio.gather(
        stage.call("PushEvseStatus", status_push((EVSE, "Available"))),
        stage.call("PushEvseStatus", status_push((EVSE, "Occupied"))),
        stage.call("PushEvseData", data_push(data_record(), action="update")),
    )
    refused = next(r for r in (first, second) if r.code != "000")
    assert {first.code, second.code} == {"000", "009"}
    assert refused.json["StatusCode"]["AdditionalInfo"] == "The push of data is already in progress"
    assert other.code == "000"
    overlapping = [e for e in stage.recorder.exchanges if e.operation == "PushEvseStatus" and e.overlaps]
    assert len(overlapping) == 1
    assert (await stage.call("PushEvseStatus", status_push((EVSE, "Available")))).code == "000"


@covers("HUB-021")
async def test_status_of_an_unknown_evse_is_refused(stage: Stage) -> None:
    """603 with the missing EvseIDs, nothing stored."""
    await stage.publish(data_record())
    reply = await stage.call("PushEvseStatus", status_push((EVSE, "Available"), (EVSE_2, "Available")))
    assert reply.short == (200, "603")
    assert reply.json["StatusCode"]["Description"] == "One or more EVSE data record not found!"
    assert reply.json["StatusCode"]["AdditionalInfo"] == f"EVSE data records missing for EvseIDs: {EVSE_2}"
    assert stage.hub.evse_status(OPERATOR) == {}


@covers("HUB-022")
async def test_opening_times_are_needed(stage: Stage) -> None:
    """A record that is not open around the clock needs opening times."""
    reply = await stage.call("PushEvseData", data_push(data_record(IsOpen24Hours=False)))
    assert reply.status == 400
    assert "StatusCode" not in reply.json


@covers("HUB-023")
async def test_ids_are_kept_in_upper_case(stage: Stage) -> None:
    """Lower case is taken, stored and forwarded in upper case."""
    await stage.publish(data_record(EVSE.lower()))
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE}
    assert (await stage.call("PushEvseStatus", status_push((EVSE.lower(), "Available")))).code == "000"
    await stage.hub.remote_start("DE-DCB", EVSE.lower(), "de-dcb-c12345678-9")
    sent = stage.cpo.requests[-1][2]
    assert sent["EvseID"] == EVSE
    assert sent["Identification"]["RemoteIdentification"]["EvcoID"] == "DE-DCB-C12345678-9"


@covers("HUB-024")
async def test_every_push_is_a_version(stage: Stage) -> None:
    """What was valid earlier can be asked; untouched records keep their time."""
    await stage.publish(data_record())
    records = stage.hub.broker.registry.of("data", OPERATOR)
    before, first = stage.recorder.now(), next(iter(records.current.values())).at
    await stage.publish(data_record(), data_record(EVSE_2))
    assert set(stage.hub.at(before, OPERATOR)) == {EVSE}
    assert set(stage.hub.at(stage.recorder.now(), OPERATOR)) == {EVSE, EVSE_2}
    by_id = {e.record["EvseID"]: e.at for e in records.current.values()}
    assert by_id[EVSE] == first < by_id[EVSE_2]
    assert [v.number for v in records.versions] == [1, 2]


@covers("HUB-005")
async def test_order_of_checks(stage: Stage) -> None:
    """300, then locked 017, then 210, then 018, then 009: each hides those behind it."""
    await stage.publish(data_record())
    wrong = data_push(data_record(), data_record("DE*XYZ*E1"), action="insert")
    stage.hub.partners.change(OPERATOR, locked=True, contracts=frozenset())
    assert (await stage.call("PushEvseData", wrong)).short == (401, "017")
    stage.hub.partners.change(OPERATOR, locked=False)
    assert (await stage.call("PushEvseData", wrong)).short == (403, "210")
    stage.hub.partners.change(OPERATOR, contracts=None)
    assert (await stage.call("PushEvseData", wrong)).short == (200, "018")
    assert (await stage.call("PushEvseData", data_push(data_record(), action="insert"))).short == (200, "009")
    stage.hub.partners.remove(OPERATOR)
    assert (await stage.call("PushEvseData", wrong)).short == (404, "300")


@covers("HUB-002", "HUB-003")
@pytest.mark.parametrize(
    ("path_id", "body_id", "expected"),
    [
        (OTHER, OTHER, (401, "017")), ("DE*NOB", "DE*NOB", (404, "300")), (SUB, SUB, (401, "017")),
        (OPERATOR, OTHER, (401, "017")), (OPERATOR, "DE*NOB", (404, "300")), ("DE%2AABC", OPERATOR, (200, "000")),
        ("DEABC", OPERATOR, (200, "000")),
    ],
)  # fmt: skip
async def test_ids_are_compared_with_the_certificate(
    stage: Stage, path_id: str, body_id: str, expected: tuple[int, str]
) -> None:
    """Nobody's id is 300, somebody else's 017, in the path and in the body; nothing is stored."""
    reply = await stage.call("PushEvseData", data_push(data_record(), operator=body_id), partner=path_id)
    assert reply.short == expected
    assert bool(stage.hub.evse_data(OPERATOR)) is (expected[0] == 200)
    assert ("Result" in reply.json) is (expected[0] == 200)


async def test_textual_ids(stage: Stage) -> None:
    """With textual ids another separator is another id."""
    stage.hub.change(textual_ids=True)
    assert (await stage.call("PushEvseData", data_push(data_record()), partner="DEABC")).short != (200, "000")
    assert (await stage.call("PushEvseData", data_push(data_record()))).short == (200, "000")


@covers("HUB-004")
async def test_without_a_contract(stage: Stage) -> None:
    """210 with HTTP 403 and no Result where the service was not booked."""
    stage.hub.partners.change(OPERATOR, contracts=frozenset({"EvseData"}))
    body = {
        "ActionType": "fullLoad",
        "EVSEPricing": [{"EvseID": EVSE, "ProviderID": "*", "EvseIDProductList": ["AC1"]}],
    }
    reply = await stage.call("PushEVSEPricing", body)
    assert reply.short == (403, "210")
    assert reply.json["StatusCode"]["Description"] == "No active subscription found"
    assert "Result" not in reply.json


async def test_options_nobody_knows_the_answer_to(stage: Stage) -> None:
    """Delete of an unknown record and insert of an existing status: accepted by default, 009 as an option."""
    await stage.publish(data_record())
    stranger = data_push(data_record("DE*ABC*E77"), action="delete")
    again = status_push((EVSE, "Available"), action="insert")
    assert (await stage.call("PushEvseData", stranger)).code == "000"
    assert (await stage.call("PushEvseStatus", again)).code == "000"
    assert (await stage.call("PushEvseStatus", again)).code == "000"
    stage.hub.change(delete_of_unknown="refused", status_insert_of_existing="refused")
    assert (await stage.call("PushEvseData", stranger)).code == "009"
    assert (await stage.call("PushEvseStatus", again)).code == "009"


@covers("HUB-013")
@pytest.mark.parametrize("status", [403, 408, 429, 500, 502, 503])
async def test_answers_by_fault(stage: Stage, status: int) -> None:
    """Any operation can be answered with any HTTP status; nothing is stored and the exchange is marked."""
    async with stage.hub.fault(Fault("trouble", "PushEvseData", http_status=status)) as armed:
        reply = await stage.call("PushEvseData", data_push(data_record()))
    assert (reply.status, armed.fired) == (status, 1)
    assert stage.hub.evse_data(OPERATOR) == {}
    assert stage.recorder.exchanges[-1].faults == ("trouble",)
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


@covers("HUB-013")
@pytest.mark.parametrize("drop", ["close", "reset"])
async def test_stored_but_the_answer_is_lost(stage: Stage, drop: str) -> None:
    """The message takes effect, the connection breaks before the answer."""
    async with stage.hub.fault(Fault("lost", "PushEvseData", moment="after_processing", drop=drop)):  # type: ignore[arg-type]
        with pytest.raises(Exception, match=r"."):
            await stage.call("PushEvseData", data_push(data_record()))
    assert set(stage.hub.evse_data(OPERATOR)) == {EVSE}
    assert stage.recorder.exchanges[-1].answer is None


@covers("HUB-013")
async def test_a_late_answer_and_a_changed_one(stage: Stage) -> None:
    """Answers can come late, with other members, or with a code of the hub."""
    async with stage.hub.fault(Fault("late", "PushEvseData", moment="after_processing", delay_s=0.2)):
        await stage.call("PushEvseData", data_push(data_record()))
    assert (stage.recorder.exchanges[-1].duration_s or 0) >= 0.2
    async with stage.hub.fault(Fault("odd", moment="after_processing", change={"Surprise": 1})):
        assert (await stage.call("PushEvseData", data_push(data_record()))).json["Surprise"] == 1
    async with stage.hub.fault(Fault("busy", hub_code="001")):
        assert (await stage.call("PushEvseData", data_push(data_record()))).short == (200, "001")


async def test_a_fault_that_never_fires_says_so(stage: Stage) -> None:
    """An armed fault counts, so that its scenario can be blocked."""
    async with stage.hub.fault(Fault("idle", "ChargeDetailRecord")) as armed:
        await stage.publish()
    assert armed.fired == 0
    assert [o.kind for o in stage.recorder.observations if "fault" in o.kind] == ["fault_armed", "fault_lifted"]
