"""What the CPO does after answers that are no success."""

from typing import Any

import pytest

from tests.rules.build import EVSE, OTHER, Build, ack, outcome, record, status_only

NO_ANSWER = {"http_status": None, "error": "the connection was closed", "faults": ("drop",)}
DOWN = {"http_status": 503, "answer": b"<html>", "faults": ("down",)}
RESULT_FALSE = {"answer": ack("009")}
NO_RESULT = {"http_status": 500, "answer": status_only("001")}
LIMITED = {"http_status": 429, "answer": b""}


def test_a_refusal_in_an_odd_charset_need_not_come_again() -> None:
    """HTTP 400 for the content, written in Latin-1 as the hub does: the same content is not demanded again."""
    build = Build()
    body = {"message": "Error parsing/validating JSON.", "validationErrors": []}
    odd = (("Content-Type", "application/json;charset=ISO-8859-1"),)
    build.push_status({EVSE: "Occupied"}, t=1, http_status=400, answer=body, answer_headers=odd)
    build.push_status({OTHER: "Occupied"}, t=5)
    assert outcome(build.evidence(until=2000), "HTTP-019") == "not-exercised"


@pytest.mark.parametrize(
    ("requirement", "first"),
    [("HTTP-017", NO_RESULT), ("HTTP-018", RESULT_FALSE), ("HTTP-019", DOWN), ("RATE-007", LIMITED)],
)
@pytest.mark.parametrize(
    ("later", "until", "expected"),
    [
        ([(5.0, {})], 10, "conforms"),
        ([(5.0, "refused"), (100.0, {})], 120, "conforms"),
        ([(800.0, "refused")], 1000, "warned"),
        ([], 100, "warned"),
        ([], 1000, "not conforms"),
    ],
)
def test_repeats(
    requirement: str, first: dict[str, Any], later: list[tuple[float, Any]], until: float, expected: str
) -> None:
    """A status that was not accepted comes again; who still tries is given time, who stays silent is not."""
    build = Build()
    build.push_status({EVSE: "Occupied"}, t=1, **first)
    for t, more in later:
        build.push_status({EVSE: "Available"}, t=t, **(first if more == "refused" else more))
    got = outcome(build.evidence(until=until), requirement)
    assert got in ("violated", "warned") if expected == "not conforms" else got == expected


def test_full_load_repairs() -> None:
    """A full load after the failure makes the single message obsolete."""
    build = Build()
    build.push_status({EVSE: "Occupied"}, t=1, **DOWN)
    build.push_status({OTHER: "Available"}, t=20, action="fullLoad")
    assert outcome(build.evidence(until=2000), "HTTP-019") == "conforms"


@pytest.mark.parametrize(
    ("hook", "later", "expected"),
    [
        (None, [40.0], "conforms"),
        (42.0, [], "warned"),
        (39.5, [], "warned"),
        (42.0, [30.0], "conforms"),
        (42.0, [41.0], "warned"),
        (42.0, [46.0], "conforms"),
    ],
)
def test_a_full_load_on_request_repairs_nothing(hook: float | None, later: list[float], expected: str) -> None:
    """What the operator was asked for does not show that a backend repeats a change it could not deliver."""
    build = Build()
    build.push_data([record()], t=1)
    build.push_data([record()], t=10, action="update", **DOWN)
    for t in later:
        build.push_data([record()], t=t, action="update" if t < 40 else "fullLoad")
    build.push_data([record()], t=40)
    if hook is not None:
        build.observe("hook", t=hook, hook="push_evse_data", body={}, outcome="done")
    build.observe("cpo_started", t=0, pid=1)
    build.observe("cpo_exited", t=50, exit_status=0, expected=True)
    build.observe("cpo_started", t=51, pid=2)
    build.push_data([record()], t=52)
    assert outcome(build.evidence(until=60), "HTTP-019") == expected


@pytest.mark.parametrize(("closed", "expected"), [(60.0, "conforms"), (1500.0, "violated"), (None, "violated")])
def test_a_closed_session_needs_no_notification(closed: float | None, expected: str) -> None:
    """What the hub did not take before the CDR it would refuse after it; a CDR that comes much later excuses nothing."""
    build = Build()
    build.start(t=1)
    build.notification("End", t=50, **NO_RESULT)
    if closed is not None:
        build.cdr(t=closed)
    assert outcome(build.evidence(until=2000), "HTTP-017") == expected


@pytest.mark.parametrize(
    ("calls", "reason", "until", "expected"),
    [
        ([25.0], 22, 30, "conforms"),
        ([], 22, 60, "not-exercised"),
        ([], 22, 200, "violated"),
        ([], None, 200, "not-exercised"),
        ([120.0], 22, 200, "conforms"),
    ],
)
def test_goes_on_after_an_outage(calls: list[float], reason: float | None, until: float, expected: str) -> None:
    """Silence after an outage is a violation only if there was something to say and enough time."""
    build = Build()
    build.push_data([record()], t=1)
    build.observe("hub_down", t=10)
    build.observe("hub_up", t=20)
    if reason:
        build.connector("Charging", t=reason)
    for t in calls:
        build.push_status({EVSE: "Occupied"}, t=t)
    assert outcome(build.evidence(until=until), "HTTP-020") == expected


@pytest.mark.parametrize(
    ("later", "until", "expected"),
    [
        ([([OTHER], {})], 20, "conforms"),
        ([([EVSE, OTHER], {})], 20, "conforms"),
        ([([EVSE], {})], 2000, "warned"),
        ([], 100, "warned"),
        ([], 2000, "warned"),
    ],
)
def test_bad_record_isolated(later: list[tuple[list[str], Any]], until: float, expected: str) -> None:
    """When the hub names the bad record the others must reach it."""
    build = Build()
    body = {
        "message": "Error parsing/validating JSON.",
        "validationErrors": [
            {"fieldReference": "operatorEvseData.evseDataRecord[0].hotlinePhoneNumber", "errorMessage": "x"}
        ],
    }
    build.push_data([record(EVSE), record(OTHER)], t=1, http_status=400, answer=body)
    for ids, more in later:
        build.push_data([record(i) for i in ids], t=5, action="insert", **more)
    assert outcome(build.evidence(until=until), "PUSH-013") == expected


@pytest.mark.parametrize(
    ("description", "pushes", "reported", "expected"),
    [
        (None, [(1, EVSE, "Occupied"), (20, EVSE, "Available")], [], "conforms"),
        (None, [(1, EVSE, "Occupied"), (6, EVSE, "Occupied")], [], "warned"),
        (None, [(1, EVSE, "Occupied"), (6, EVSE, "Occupied")], [5.9], "conforms"),
        (
            None,
            [(1, EVSE, "Occupied"), (6, EVSE, "Occupied"), (9, OTHER, "Occupied"), (99, EVSE, "Available")],
            [],
            "conforms",
        ),
        (None, [(1, EVSE, "Available"), (4, EVSE, "Occupied"), (6, EVSE, "Available")], [], "conforms"),
        ("Success.", [(1, EVSE, "Occupied"), (6, EVSE, "Occupied")], [], "not-exercised"),
    ],
)
def test_decides_by_code(description: str | None, pushes: list[Any], reported: list[float], expected: str) -> None:
    """An accepted push is not repeated because of its text; a charge point that reports the same again is a reason."""
    build = Build()
    build.connector("Available", t=0)
    for t in reported:
        build.connector("Charging", t=t)
    for t, evse, status in pushes:
        answer = ack(StatusCode={"Code": "000", "Description": description})
        build.push_status({evse: status}, t=t, answer=answer)
    build.push_data([record()], t=30, answer=ack(StatusCode={"Code": "000", "Description": "Success."}))
    assert outcome(build.evidence(), "ACK-012") == expected


@pytest.mark.parametrize(("later", "expected"), [(None, "violated"), (45, "conforms")])
def test_records_go_on_after_one_that_failed(later: float | None, expected: str) -> None:
    """The worker for records died of a failure, the one for statuses lives."""
    build = Build()
    build.charge(EVSE, t=5, seconds=10, cdr=False)
    build.cdr(t=16, http_status=None, error="connection reset")
    for session, at in ((2, 30), (3, 60)):
        build.charge(OTHER, t=at, seconds=10, session=session, cdr=False)
    if later is not None:
        build.cdr(t=later, session=2, evse_id=OTHER)
    build.push_status({EVSE: "Available"}, t=150)
    assert outcome(build.evidence(until=180), "HTTP-020") == expected
