"""Building messages, texts and references of the hub, big loads."""

import time
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import pytest

from oicp.messages import (
    Acknowledgement,
    AuthorizeRemoteStart,
    ChargeDetailRecord,
    checked,
    examine,
    refusals,
    validate,
    wire_time,
)
from oicp.messages.numbers import is_noise
from oicp.status_codes import TEXTS, status
from oicp.wire_json import dump, parse_text
from tests.oicp.generators import push_evse_data, valid
from tests.oicp.samples import RECORD, SAMPLES, changed


def test_an_acknowledgement_by_its_code() -> None:
    """Result and standard text follow from the code."""
    ack = Acknowledgement.of("510", session_id="b2688855-7f00-0002-6d8e-48d883f6abb6")
    assert ack.to_wire() == {
        "Result": False, "StatusCode": {"Code": "510", "Description": "No EV connected to EVSE."},
        "SessionID": "b2688855-7f00-0002-6d8e-48d883f6abb6",
    }  # fmt: skip
    assert Acknowledgement.of().result is True


def test_what_is_an_error_cannot_be_built() -> None:
    """A model refuses what is an error and names the requirement; what only warns may be built."""
    with pytest.raises(ValueError, match="SESS-002"):
        Acknowledgement.of("000", session_id="12345")
    record = changed("ChargeDetailRecord", ("/ChargingStart", "2025-01-15T09:00:12Z"))
    assert ChargeDetailRecord.model_validate(record).charging_start == "2025-01-15T09:00:12Z"


def test_nulls_and_unknown_members_are_read() -> None:
    """A request of the hub with nulls and unknown members is read, and nothing is lost."""
    body = SAMPLES["AuthorizeRemoteStart"] | {"PartnerProductID": None, "Future": {"a": 1}}
    start = AuthorizeRemoteStart.model_validate(body)
    assert start.identification.remote_identification is not None
    assert start.identification.remote_identification.evco_id == "DE-DCB-C12345678-4"
    assert start.to_wire()["Future"] == {"a": 1}


def test_digits_survive() -> None:
    """Decimals keep the digits they came with."""
    text = dump(SAMPLES["ChargeDetailRecord"]).replace("21.25", "21.250")
    record = ChargeDetailRecord.model_validate(parse_text(text).value)
    assert str(record.consumed_energy) == "21.250"
    assert '"ConsumedEnergy":21.250' in dump(record.to_wire())


def test_times_are_written_with_their_offset() -> None:
    """Whole seconds, numeric offset; a time without zone is refused."""
    at = datetime(2025, 1, 15, 10, 0, 12, 345678, tzinfo=timezone(timedelta(hours=1)))
    assert wire_time(at) == "2025-01-15T10:00:12+01:00"
    assert wire_time(at.astimezone(UTC)) == "2025-01-15T09:00:12+00:00"
    with pytest.raises(ValueError, match="offset"):
        wire_time(at.replace(tzinfo=None))


def test_the_hub_answers_with_reference_and_text() -> None:
    """Refusals carry the field reference and the text of the live platform."""
    body = changed(
        "PushEvseData", (f"{RECORD}/HotlinePhoneNumber", "+49 30"), (f"{RECORD}/GeoCoordinates", None), (f"{RECORD}/Plugs", []),
        (f"{RECORD}/ChargingFacilities/0/Power", Decimal("22.0")),
    )  # fmt: skip
    assert {(f.field_reference, f.error_message) for f in refusals("PushEvseData", body)} == {
        ("operatorEvseData.evseDataRecord[0].hotlinePhoneNumber", 'must match "^\\+[0-9]{5,15}$"'),
        ("operatorEvseData.evseDataRecord[0].geoCoordinates", "may not be null"),
        ("operatorEvseData.evseDataRecord[0].plugs", "may not be empty"),
    }


def test_references_begin_in_lower_case() -> None:
    """Names that begin with an abbreviation are lower-cased up to the next word."""
    found = refusals("PushEVSEPricing", changed("PushEVSEPricing", ("/EVSEPricing/0/EvseID", "x")))
    assert [f.field_reference for f in found] == ["evsePricing[0].evseID"]
    long = refusals("ChargeDetailRecord", changed("ChargeDetailRecord", ("/CPOPartnerSessionID", "x" * 251)))
    assert [f.field_reference for f in long] == ["cpoPartnerSessionID"]


def test_status_codes() -> None:
    """Standard text unless another is given; unknown codes are refused."""
    assert status("603", additional_info="EVSE") == {
        "Code": "603",
        "Description": "Unknown EVSE ID.",
        "AdditionalInfo": "EVSE",
    }
    assert status("000", "SUCCESS")["Description"] == "SUCCESS"
    assert len(TEXTS) == 31
    with pytest.raises(KeyError):
        status("404")


@pytest.mark.parametrize(
    ("value", "noise"),
    [
        ("7.312000000000001", True),
        ("0.30000000000000004", True),
        ("1520.10400390625", True),
        ("12.345678", False),
        ("12.3456", False),
        ("12.5", False),
    ],
)
def test_binary_noise(value: str, noise: bool) -> None:
    """Digits from binary arithmetic are told from real ones."""
    assert is_noise(Decimal(value)) is noise


def test_what_a_message_exercises() -> None:
    """A record without an optional member satisfies its MUST; recommendations have to be seen; signed data too."""
    bare = {
        k: v
        for k, v in SAMPLES["ChargeDetailRecord"].items()
        if k not in ("SignedMeteringValues", "PartnerProductID", "MeterValueInBetween")
    }
    seen = checked("ChargeDetailRecord", bare)
    assert {"CDR-007", "CDR-013", "CDR-019", "ID-003", "ACK-008", "TIME-001"} <= seen
    assert seen.isdisjoint({"CDR-023", "CDR-035", "CDR-042", "CDR-028"})
    assert {"CDR-042", "CDR-045", "CDR-023"} <= checked("ChargeDetailRecord", SAMPLES["ChargeDetailRecord"])
    assert "CDR-028" in checked("ChargeDetailRecord", SAMPLES["ChargeDetailRecord"] | {"ConsumedEnergy": 0})
    assert "EVSE-048" not in checked("PushEvseData", changed("PushEvseData", (f"{RECORD}/OpeningTimes", None)))


def test_unknown_operations_are_refused() -> None:
    """A name that is no operation is an error of the caller."""
    with pytest.raises(KeyError):
        validate("PushWeather", {})


def test_one_broken_record_in_thousands() -> None:
    """Only the broken record has findings, and reading is linear: ten times as many records take about ten times as long."""
    body = push_evse_data(Random(1), records=2000)
    records = body["OperatorEvseData"]["EvseDataRecord"]
    records[1234]["HotlinePhoneNumber"] = "0800 CALL"
    started = time.process_time()
    found = examine("PushEvseData", body).faults
    assert time.process_time() - started < 10
    assert [(f.requirement, f.pointer) for f in found] == [
        ("EVSE-044", "/OperatorEvseData/EvseDataRecord/1234/HotlinePhoneNumber")
    ]


def test_generators_repeat_themselves() -> None:
    """The same seed makes the same message."""
    assert valid("ChargeDetailRecord", Random(7)) == valid("ChargeDetailRecord", Random(7))


def test_a_record_without_energy_that_is_not_well_formed() -> None:
    """Readings that differ in a record of 0 kWh are one finding, which tells of the zero-energy law, too."""
    record = SAMPLES["ChargeDetailRecord"] | {"ConsumedEnergy": 0}
    faults = [f for f in validate("ChargeDetailRecord", record) if f.requirement == "CDR-019"]
    assert [f.also for f in faults] == [("CDR-028",)]
