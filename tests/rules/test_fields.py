"""The field law over a recording: who is judged, by which messages a requirement counts as exercised, what is summed up."""

from typing import Any

import pytest

from oicp.catalogue import catalogue
from oicp.rules.fields import DECIDED, MOST_ALIKE, harness_faults
from tests.rules.build import CPO_TO_HUB, EVSE, Build, ack, findings, outcome, record, session_id, verdict
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, table


def _record(**more: Any) -> Any:
    return lambda b: b.push_data([record(EVSE, **more)], t=1)


def _place(country: str, coordinates: str, evse_id: str = EVSE) -> Any:
    address = {"Country": country, "City": "Town", "Street": "Way", "PostalCode": "1", "HouseNum": "1"}
    geo = {"Google": {"Coordinates": coordinates}}
    return lambda b: b.push_data([record(evse_id, Address=address, GeoCoordinates=geo)], t=1)


def _priced(*providers: str) -> Any:
    rows = [{"EvseID": EVSE, "ProviderID": provider, "EvseIDProductList": ["AC1"]} for provider in providers]
    return lambda b: b.exchange("PushEVSEPricing", {"ActionType": "update", "EVSEPricing": rows}, t=1)


def _cdr(**more: Any) -> Any:
    return lambda b: b.cdr(t=20, body=more)


def _refuse(text: str) -> Any:
    return lambda b: b.start(t=1, answer=ack("501", StatusCode={"Code": "501", "Description": text}))


CASES = [
    Case("EVSE-044", CONFORMS, "a good number", _record()),
    Case("EVSE-044", VIOLATED, "a number with blanks", _record(HotlinePhoneNumber="+49 30 123456")),
    Case("EVSE-044", VIOLATED, "also when a fault hit the answer", lambda b: b.push_data(
        [record(EVSE, HotlinePhoneNumber="x")], t=1, faults=("slow",), http_status=503, answer=b"")),
    Case("EVSE-044", SILENT, "no push", lambda b: b.start(t=1)),
    Case("EVSE-020", CONFORMS, "another notation is used", _record()),
    Case("EVSE-048", SILENT, "no opening times", _record()),
    Case("EVSE-048", WARNED, "25:70", _record(IsOpen24Hours=False, OpeningTimes=[
        {"on": "Everyday", "Period": [{"begin": "25:70", "end": "26:00"}]}])),
    Case("EVSE-013", WARNED, "contested: empty", _record(Address={
        "Country": "DEU", "City": "Berlin", "Street": "Weg", "PostalCode": "", "HouseNum": "1"})),
    Case("EVSE-053", CONFORMS, "a mapper writes null for every member", _record(deltaType=None, lastUpdate=None)),
    Case("EVSE-055", CONFORMS, "null in a member of OICP 2.2", _record(ChargingStationName=None, ChargingModes=None)),
    Case("EVSE-055", WARNED, "a name in it", _record(ChargingStationName="Town hall")),
    Case("EVSE-030", CONFORMS, "below 0 kW is no power at all: EVSE-026", _record(ChargingFacilities=[
        {"PowerType": "AC_3_PHASE", "Power": -1, "Voltage": 230, "Amperage": 32}])),
    Case("EVSE-021", WARNED, "0, 0 stands for no coordinates", _record(GeoCoordinates={"Google": {"Coordinates": "0.0 0.0"}})),
    Case("EVSE-021", WARNED, "the minus sign of the west is lost", _place("PRT", "38.722252 9.139337")),
    Case("EVSE-021", CONFORMS, "with its sign", _place("PRT", "38.722252 -9.139337")),
    Case("EVSE-021", CONFORMS, "an overseas department", _place("FRA", "-20.882057 55.450675")),
    Case("EVSE-021", CONFORMS, "an island across the date line", _place("USA", "52.83 173.17")),
    Case("PUSH-009", VIOLATED, "prices of an EVSE twice for a provider", _priced("*", "*")),
    Case("PUSH-009", CONFORMS, "for two providers", _priced("DE-DCB", "DE-XYZ")),
    Case("PUSH-012", CONFORMS, "the country is that of the overseas department", _place("REU", "-20.882057 55.450675", "FR*ABC*E1")),
    Case("PUSH-012", CONFORMS, "an overseas territory", _place("BMU", "32.294 -64.781", "GB*ABC*E1")),
    Case("PUSH-012", WARNED, "an overseas territory of another country", _place("BMU", "32.294 -64.781", "FR*ABC*E1")),
    Case("PUSH-012", WARNED, "an overseas department of another country", _place("REU", "-20.882057 55.450675")),
    Case("EVSE-003", SILENT, "a boolean as text is told by HTTP-006", _record(RenewableEnergy="true")),
    Case("EVSE-026", SILENT, "a number as text, too", _record(ChargingFacilities=[{"PowerType": "DC", "Power": "50"}])),
    Case("PUSH-010", VIOLATED, "EVSE of a stranger", lambda b: b.push_data([record("DE*XYZ*E1")], t=1)),
    Case("PUSH-010", CONFORMS, "EVSE of a registered sub-operator", lambda b: b.push_data([record("DE*XYZ*E1")], t=1),
         run={"operator_ids": ("DE*ABC", "DE*XYZ")}),
    Case("PUSH-010", CONFORMS, "nothing is known of sub-operators", lambda b: b.push_data([record("DE*XYZ*E1")], t=1),
         run={"operator_ids": ()}),
    Case("PUSH-011", CONFORMS, "the partner itself", _record()),
    Case("PUSH-011", VIOLATED, "a sub-operator in path and body", lambda b: b.exchange("PushEvseStatus", {
        "ActionType": "update", "OperatorEvseStatus": {"OperatorID": "DE*XYZ", "EvseStatusRecord": []}}, t=1, partner_id="DE*XYZ"),
         run={"operator_ids": ("DE*ABC", "DE*XYZ")}),
    Case("HTTP-009", VIOLATED, "another operator in the path", lambda b: b.push_status({EVSE: "Available"}, t=1, partner_id="DE*XYZ")),
    Case("HTTP-009", CONFORMS, "the same in another spelling", lambda b: b.push_status({EVSE: "Available"}, t=1, partner_id="DEABC")),
    Case("CDR-007", VIOLATED, "ChargingStart missing", _cdr(ChargingStart=...)),
    Case("CDR-019", CONFORMS, "the difference", _cdr()),
    Case("CDR-028", SILENT, "energy flowed", _cdr()),
    Case("CDR-028", CONFORMS, "nothing flowed", lambda b: b.cdr(t=20, meter_end_wh=0)),
    Case("CDR-028", CONFORMS, "an End notification instead", lambda b: b.notification(
        "End", t=9, body={"ChargingEnd": "2026-03-02T10:00:09+01:00", "ConsumedEnergy": 0})),
    Case("CDR-035", WARNED, "AC 1", _cdr(PartnerProductID="AC 1")),
    Case("CDR-035", CONFORMS, "AC 1, as the start said", lambda b: (
        b.start(t=1, body={"PartnerProductID": "AC 1"}), b.cdr(t=20, body={"PartnerProductID": "AC 1"}))),
    Case("CDR-042", SILENT, "no signed values", _cdr()),
    Case("AUTH-004", SILENT, "a CDR is no authorization", _cdr()),
    Case("AUTH-005", WARNED, "every charge point has one EVSE", lambda b: b.exchange("AuthorizeStart", {
        "OperatorID": "DE*ABC", "Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}}, t=1)),
    Case("AUTH-005", CONFORMS, "the EVSE is named", lambda b: b.exchange("AuthorizeStart", {
        "OperatorID": "DE*ABC", "EvseID": "DE*ABC*E1*1",
        "Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}}, t=1), run={"fleet": None}),
    Case("AUTH-005", SILENT, "which EVSE it is may be unknown", lambda b: b.exchange("AuthorizeStart", {
        "OperatorID": "DE*ABC", "Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}}, t=1), run={"fleet": None}),
    Case("ACK-003", VIOLATED, "true with 602", lambda b: b.start(t=1, answer=ack("602", Result=True))),
    Case("ACK-005", WARNED, "a text of its own", _refuse("transaction 77 not found")),
    Case("ACK-005", CONFORMS, "the text is too long: ACK-004", _refuse("x" * 201)),
    Case("ACK-004", VIOLATED, "a stack trace", _refuse("x" * 201)),
    Case("ACK-001", VIOLATED, "no Result", lambda b: b.start(t=1, answer={"StatusCode": {"Code": "000"}})),
    Case("ACK-001", SILENT, "an error page is not an acknowledgement", lambda b: b.start(t=1, answer={"error": 1}, http_status=500)),
    Case("ACK-001", SILENT, "the hub's own answers do not count", _record()),
    Case("ACK-009", WARNED, "001 from the CPO", lambda b: b.start(t=1, answer=ack("001"))),
    Case("SESS-002", VIOLATED, "an answer with an id of its own", lambda b: b.start(t=1, answer=ack(SessionID="77"))),
    Case("SESS-002", VIOLATED, "an answer with an empty id", lambda b: b.start(t=1, answer=ack(SessionID=""))),
    Case("SESS-002", CONFORMS, "an empty id where there was none", lambda b: b.start(
        t=1, body={"SessionID": None}, answer=ack(SessionID=""))),
    Case("SESS-002", VIOLATED, "an invented id where there was none", lambda b: b.start(
        t=1, body={"SessionID": None}, answer=ack(SessionID="77"))),
    Case("ID-003", CONFORMS, "no hub provider in the record", _cdr()),
    Case("ID-003", VIOLATED, "a malformed hub provider", _cdr(HubProviderID="DE*ABCD")),
]  # fmt: skip


@table(CASES)
def test_field_law(case: Case) -> None:
    """Messages of the CPO are judged, those of the hub are not."""
    case.check()


def test_findings_say_where_and_whose() -> None:
    """A finding names exchange, place and EVSE, and what was sent."""
    build = Build()
    build.push_data([record(EVSE), record("DE*ABC*E2*1", Plugs=["MCS"])], t=1)
    found = findings(build.evidence(), "EVSE-023")
    assert [(f.exchange, f.pointer, f.evse_id, f.in_answer) for f in found] == [
        (1, "/OperatorEvseData/EvseDataRecord/1/Plugs/0", "DE*ABC*E2*1", False)
    ]
    assert '"MCS"' in found[0].observed


def test_many_alike_are_summed_up() -> None:
    """A fault in every record of a big push is listed so many times, and the rest is counted."""
    build = Build()
    build.push_data([record(f"DE*ABC*E{n}", deltaType="insert") for n in range(100)], t=1)
    found = findings(build.evidence(), "EVSE-053")
    assert len(found) == MOST_ALIKE
    assert found[-1].observed.endswith(f"(and {100 - MOST_ALIKE} more like this in the message)")


def test_a_wrong_type_names_the_law_of_the_member_beside() -> None:
    """A boolean, a number or a text of the wrong type is one finding; the entry about the member stands beside it."""
    build = Build()
    build.push_data([record(EVSE, RenewableEnergy="true", MaxCapacity="50", ChargingStationId=7)], t=1)
    found = verdict(build.evidence(), "HTTP-006").of("HTTP-006").findings
    assert {f.pointer.rsplit("/", 1)[1]: f.also for f in found if f.pointer} == {
        "RenewableEnergy": ("EVSE-003",), "MaxCapacity": ("EVSE-009",), "ChargingStationId": ("EVSE-005",),
    }  # fmt: skip


def test_nulls_of_a_record_name_the_general_entry_beside() -> None:
    """A null mandatory member is one finding; the entry about nulls stands beside it."""
    build = Build()
    build.push_data([record(EVSE, GeoCoordinates=None, Plugs=[])], t=1)
    own = verdict(build.evidence(), "EVSE-017", "EVSE-023")
    assert own.of("EVSE-017").findings[0].also == ("HTTP-007",)
    assert own.of("EVSE-023").findings[0].also == ("HTTP-008",)


def test_every_message_requirement_is_decided() -> None:
    """Whatever one message alone decides is decided here; unknown ids are nobody's."""
    assert set(DECIDED) <= set(catalogue())
    assert {"HTTP-005", "ID-009", "PUSH-012", "CDR-050", "PRICE-013", "NOTIF-019", "ACK-009"} <= set(DECIDED)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_bodies_that_are_no_objects_are_for_others(body: bytes) -> None:
    """What is not a JSON object at all is judged by the rules about HTTP."""
    build = Build()
    build.exchange("ChargeDetailRecord", body, t=1)
    assert outcome(build.evidence(), "CDR-007") == SILENT


def test_our_own_hub_is_held_to_the_same_law() -> None:
    """A request of the hub against the law is a fault of the bench; variants, faults and live error forms are not."""
    build = Build()
    build.start(t=1, body={"SessionID": "77"})
    build.start(t=2, session=2, body={"SessionID": None}, variant="null-session-id")
    build.start(t=3, session=3, body={"EvseID": "x"}, faults=("broken",))
    build.push_data([record(EVSE)], t=4, answer=ack("000", SessionID="88"))
    build.push_data([record(EVSE)], t=5, answer={"StatusCode": {"Code": "300"}}, http_status=404)
    build.push_data([record(EVSE)], t=6, answer=ack("000", StatusCode={"Code": "000", "Description": "SUCCESS"}))
    found = harness_faults(build.evidence())
    assert [(f.requirement, f.exchange, f.in_answer) for f in found] == [("SESS-002", 1, False), ("SESS-002", 4, True)]


def test_a_conforming_run_has_no_fault_of_ours() -> None:
    """Plain requests of the builder, and so of the hub, are within the law."""
    build = Build()
    build.charge(t=1)
    build.exchange("PushEvseData", {}, t=90, direction=CPO_TO_HUB)
    assert harness_faults(build.evidence()) == []
    assert session_id(1) in str(build.exchanges[0].body)


@pytest.mark.parametrize(("start", "expected"), [(True, ["CDR-011"]), (False, ["AUTH-014"])])
def test_a_contract_id_as_uid_is_told_once(start: bool, expected: list[str]) -> None:
    """In the CDR of a remote session it is the wrong kind of identification; else Plug & Charge sent the wrong way."""
    build = Build()
    if start:
        build.start(t=1)
    build.cdr(t=20, body={"Identification": {"RFIDMifareFamilyIdentification": {"UID": "DE-DCB-C12345678-9"}}})
    told = verdict(build.evidence(), "CDR-011", "AUTH-014", "ID-008").findings
    assert [f.requirement for f in told] == expected


def test_findings_name_the_member_once() -> None:
    """A sentence about the member begins with its name, one that names it already or is of its own does not run on from it."""
    build = Build()
    build.cdr(t=20, body={"SessionEnd": ..., "sessionEnd": "x", "MeterValueInBetween": {"meterValues": [2, 1]}})
    told = [f.observed for f in findings(build.evidence(), "HTTP-005") + findings(build.evidence(), "CDR-023")]
    assert told == [
        "member 'sessionEnd' is spelled 'SessionEnd': \"x\"",
        'MeterValueInBetween: the readings fall from one to the next: {"meterValues":[2,1]}',
    ]


def test_members_that_stand_twice_are_mentioned() -> None:
    """Nothing forbids them, but parsers differ in what they make of them."""
    build = Build()
    build.exchange("ChargeDetailRecord", b'{"ConsumedEnergy": 1, "ConsumedEnergy": 2}', t=1)
    told = [f for f in findings(build.evidence(), "HTTP-005") if "twice" in f.observed]
    assert [(str(f.grade), f.exchange) for f in told] == [("info", 1)]


def test_a_repeated_record_of_a_foreign_evse_is_told_once() -> None:
    """The record and its repeats are one fault."""
    build = Build()
    build.start(t=1)
    for t in (20, 40, 60):
        build.cdr(t=t, begin=2, end=19, evse_id="DE*XYZ*E1", answer=ack("018"))
    assert [f.requirement for f in verdict(build.evidence(), "CDR-008", "CDR-009").findings] == ["CDR-008"]


def test_the_worst_finding_stands_first() -> None:
    """Summaries show the first finding of a requirement: what made it a violation, not a remark on an earlier message."""
    build = Build()
    build.push_data([record(EVSE, Colour="red")], t=1)
    build.push_data([record(EVSE, HotlinePhoneNumber=..., hotlinephonenumber="+4930123456")], t=2)
    assert [(f.exchange, f.grade) for f in verdict(build.evidence(), "HTTP-005").findings] == [
        (2, "error"),
        (1, "info"),
    ]
