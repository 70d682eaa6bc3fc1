"""Several operators in one recording, and sub-operators that stand nowhere but in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.sources import read_recording
from oicp.evidence import Evidence
from oicp.operators import by_partner, operators
from oicp.outages import UNHEARD
from oicp.rulebook import Outcome, judge
from tests.rules.build import EVSE, HUB_TO_CPO, Build, record
from tests.tap.as_har import write_har

OTHER_EVSE = "DE*XYZ*E7*1"


def day(build: Build, evse_id: str, operator: str, t: float, session: int) -> None:
    """Data, status, one session."""
    envelope = {"OperatorID": operator, "OperatorName": operator}
    data = {"ActionType": "fullLoad", "OperatorEvseData": {**envelope, "EvseDataRecord": [record(evse_id)]}}
    status = {"EvseID": evse_id, "EvseStatus": "Available"}
    told = {"ActionType": "fullLoad", "OperatorEvseStatus": {**envelope, "EvseStatusRecord": [status]}}
    build.exchange("PushEvseData", data, t=t, partner_id=operator, tls=None)
    build.exchange("PushEvseStatus", told, t=t + 1, partner_id=operator, tls=None)
    build.start(t=t + 10, session=session, evse_id=evse_id, tls=None)
    build.stop(t=t + 600, session=session, evse_id=evse_id, tls=None)
    build.cdr(t=t + 602, begin=t + 11, end=t + 600, session=session, evse_id=evse_id, partner_id=operator, tls=None)


def two_partners() -> Evidence:
    """Two operators of one backend, recorded at the same time."""
    build = Build(source="har", truth=False, fleet=None)
    day(build, EVSE, "DE*ABC", 0, 1)
    day(build, OTHER_EVSE, "DE*XYZ", 0.5, 2)
    return build.evidence()


def test_each_partner_is_judged_by_itself() -> None:
    """The data of one do not replace those of the other, and no EVSE is foreign."""
    verdict = judge(two_partners())
    assert not verdict.violated
    for ident in ("PUSH-010", "STAT-004", "STAT-009", "CDR-009", "CDR-001"):
        assert verdict.of(ident).outcome is Outcome.CONFORMS, ident
    assert dict(verdict.of("CDR-001").checked) == {"AuthorizeRemoteStart": 2}


def test_messages_of_the_hub_go_to_the_owner_of_the_evse() -> None:
    """Requests to the CPO name no operator."""
    first, second = by_partner(two_partners())
    assert [e.body["EvseID"] for e in first.exchanges if e.direction is HUB_TO_CPO] == [EVSE, EVSE]
    assert [e.body["EvseID"] for e in second.exchanges if e.direction is HUB_TO_CPO] == [OTHER_EVSE, OTHER_EVSE]
    assert (first.run.operator_ids, second.run.operator_ids) == (("DE*ABC",), ("DE*XYZ",))


def test_a_fault_of_the_second_partner_is_found() -> None:
    """Whoever it belongs to: one verdict, the worst of both."""
    evidence = two_partners()
    exchanges = tuple(
        replace(e, request=replace(e.request, body=e.request.body.replace(b'"ConsumedEnergy":3.0', b'"ConsumedEnergy":9.0')))
        if e.partner_id == "DE*XYZ" else e
        for e in evidence.exchanges
    )  # fmt: skip
    verdict = judge(Evidence(evidence.run, exchanges))
    assert verdict.violated == ("CDR-019",)
    (found,) = verdict.of("CDR-019").findings
    assert found.evse_id == OTHER_EVSE


@pytest.mark.parametrize(
    ("what", "change", "expected"),
    [
        ("a wrong id that the hub refuses", {"partner_id": "DE*XYZ", "answer": {"StatusCode": {"Code": "300"}}}, "CDR-040"),
        ("a wrong id that the hub takes", {"partner_id": "DE*XYZ"}, "CDR-040"),
        ("all of another operator", {"partner_id": "DE*XYZ", "evse_id": OTHER_EVSE}, "CDR-008"),
    ],
)  # fmt: skip
def test_a_wrong_id_makes_no_partner(what: str, change: dict[str, Any], expected: str) -> None:
    """A CDR that goes astray stays with the CPO whose session it is."""
    build = Build(source="har", truth=False, fleet=None)
    build.push_data([record()], t=0, tls=None)
    build.push_status({EVSE: "Available"}, t=1, tls=None)
    build.start(t=10, tls=None)
    build.cdr(t=50, tls=None, **change)
    assert expected in judge(build.evidence()).violated, what


@pytest.mark.parametrize(
    ("what", "records", "url", "known"),
    [
        ("Hubject took it", lambda: [record(), record(OTHER_EVSE)], "https://service-qa.hubject.com/api/oicp/x", True),
        ("a mock took it", lambda: [record(), record(OTHER_EVSE)], "https://mock.example/api/oicp/x", False),
        ("a mock took it, it has the name of a sub-operator",
         lambda: [record(), record(OTHER_EVSE, SubOperatorName="XYZ")], "https://mock.example/api/oicp/x", True),
    ],
)  # fmt: skip
def test_sub_operators_of_a_recording(what: str, records: Callable[[], Any], url: str, known: bool) -> None:
    """Their EvseIDs are no foreign ones where something speaks for them."""
    build = Build(source="har", truth=False, fleet=None)
    build.push_data(records(), t=0, url=url)
    evidence = build.evidence()
    assert (operators(evidence) == ("DE*ABC", "DE*XYZ")) is known, what
    assert (judge(evidence).of("PUSH-010").outcome is Outcome.CONFORMS) is known


@pytest.mark.parametrize(
    ("message", "known"),
    [
        (lambda b, **more: b.push_status({EVSE: "Available", OTHER_EVSE: "Available"}, t=1, **more), True),
        (lambda b, **more: b.cdr(t=50, evse_id=OTHER_EVSE, **more), True),
        (lambda b, **more: b.cdr(t=50, evse_id=OTHER_EVSE, **more, answer={"Result": False, "StatusCode": {"Code": "018"}}), False),
        (lambda b, **more: b.push_data([record(OTHER_EVSE, SubOperatorName="XYZ")], t=1, **more, http_status=None, error=UNHEARD), True),
        (lambda b, **more: b.push_data([record(OTHER_EVSE)], t=1, **more, http_status=None, error=UNHEARD), False),
    ],
)  # fmt: skip
def test_sub_operators_beside_the_data(message: Callable[..., Any], known: bool) -> None:
    """Data may have been pushed before the recording began, and answers may be missing in it."""
    build = Build(source="har", truth=False, fleet=None)
    message(build, url="https://service-qa.hubject.com/api/oicp/x")
    assert (operators(build.evidence()) == ("DE*ABC", "DE*XYZ")) is known


def test_sub_operators_outlive_the_name_of_the_hub(tmp_path: Path) -> None:
    """A recording that is given away comes to the same verdict."""
    build = Build(source="har", truth=False, fleet=None)
    build.push_data([record(), record(OTHER_EVSE)], t=0, url="https://service-qa.hubject.com")
    exchange = build.exchanges[0]
    build.exchanges[0] = replace(exchange, url=exchange.url + exchange.request.target)
    path = tmp_path / "x.har"
    write_har(build.evidence(), path)
    evidence = read_recording(path)
    nameless = tuple(replace(e, url="https://host-1.example" + e.request.target) for e in evidence.exchanges)
    assert judge(Evidence(evidence.run, nameless)).of("PUSH-010").outcome is Outcome.CONFORMS


def test_the_stage_knows_its_sub_operators() -> None:
    """In a run the configuration decides, whatever a record says."""
    build = Build()
    build.push_data([record(OTHER_EVSE, SubOperatorName="XYZ")], t=0)
    assert operators(build.evidence()) == ("DE*ABC",)
