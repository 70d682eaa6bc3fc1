"""Readiness and coverage: numbers that a reader can check."""

import pytest

from oicp.rulebook import Outcome, judge
from reports.coverage import by_level, by_operation, matrix
from reports.readiness import percentile, published, readiness
from reports.report import Report
from tests.reports import sample


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 5.0), (0.9, 9.0), (0.95, 10.0), (0.99, 10.0), (0.0, 1.0), (1.0, 10.0), (0.1, 1.0)]
)
def test_percentile_is_a_value_that_occurred(share: float, value: float) -> None:
    """The nearest rank, never an invented value in between."""
    assert percentile([float(n) for n in range(1, 11)], share) == value


def test_answer_times_and_delays() -> None:
    """Remote starts from request to answer, records from the end of the session, with what exceeds the limit."""
    found = readiness(sample.report())
    start = found["remote_start_s"]
    assert (start["count"], start["p50"], start["max"], start["over"]) == (4, 0.21, 13.7, [1, 0])
    assert found["cdr_delay_s"]["count"] == 4 and found["cdr_delay_s"]["max"] == pytest.approx(0.57)


def test_evse_data_is_what_the_hub_holds_in_the_end() -> None:
    """A delete takes a record out, a refused push changes nothing."""
    tape = sample.tape_of(1)
    one = {"OperatorID": sample.OPERATOR, "EvseDataRecord": [sample.record(1)]}
    tape.call("PushEvseData", {"ActionType": "delete", "OperatorEvseData": one}, 90)
    refused = {"Result": False, "StatusCode": {"Code": "018"}}
    tape.call("PushEvseData", {"ActionType": "fullLoad", "OperatorEvseData": one}, 91, answer=refused)
    assert len(published(tape.evidence())) == 3


def test_evse_data_counts_filled_and_wrong_attributes() -> None:
    """Completeness and correctness name attribute and number of EVSEs."""
    data = readiness(sample.report())["evse_data"]
    by_name = {a["name"]: a for a in data["attributes"]}
    assert (data["evses"], data["complete"], data["correct"]) == (4, 1.0, 0.75)
    assert by_name["HotlinePhoneNumber"] == {"name": "HotlinePhoneNumber", "mandatory": True, "filled": 4, "wrong": 1}
    assert by_name["EnergySource"]["filled"] == 0


def test_nothing_recorded_is_nothing_scored() -> None:
    """Parts without a recording are None, not zero."""
    evidence = sample.Tape().evidence()
    assert set(readiness(Report(judge(evidence), evidence)).values()) == {None}


def test_coverage_adds_up() -> None:
    """Every applicable requirement is counted once by operation and once by level."""
    report = sample.report()
    applicable = sum(v.outcome is not Outcome.NOT_APPLICABLE for v in report.verdict.requirements)
    assert sum(sum(counts.values()) for _, counts in by_operation(report)) == applicable
    assert sum(sum(counts.values()) for _, counts in by_level(report)) == 318


def test_matrix_shows_each_outcome_at_its_operation() -> None:
    """A cell says what came of it and how often it was looked at; silence has a cell of its own."""
    cells = matrix(sample.report())["cells"]
    assert cells["CDR-003"] == {"ChargeDetailRecord": ["violated", 5, 1]}
    assert cells["TLS-001"] == {"general": ["not-exercised", 0, 0]}
    assert cells["TLS-004"] == {"PushEvseData": ["conforms", 1, 0], "ChargeDetailRecord": ["conforms", 4, 0]}
    assert cells["NOTIF-001"]["ChargingNotifications"][0] == "not-applicable"
