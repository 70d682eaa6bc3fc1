"""Statuses: for known EVSEs, at once, in order, and as the EVSE is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oicp.evidence import Tls
from oicp.outages import UNHEARD
from oicp.rulebook import ERROR
from tests.rules.build import EVSE, OTHER, Build, ack, findings, outcome, record, verdict

THIRD = "DE*ABC*E3*1"
DOWN = {"http_status": 503, "answer": b"", "faults": ("down",)}


def base(**run: Any) -> Build:
    """A started backend whose EVSEs are published and Available."""
    build = Build(**run)
    build.observe("cpo_started", t=0, pid=1)
    for evse in (EVSE, OTHER):
        build.observe("charge_point_connected", t=0.05, charge_point="CP-1" if evse == EVSE else "CP-2")
        build.connector("Available", t=0.1, evse_id=evse)
    build.push_data([record(EVSE), record(OTHER)], t=0.5)
    build.push_status({EVSE: "Available", OTHER: "Available"}, t=0.7, action="fullLoad")
    return build


def pushed(build: Build, *told: tuple[float, str]) -> None:
    for t, status in told:
        build.push_status({EVSE: status}, t=t)


def session(build: Build, begin: float = 10, end: float = 40) -> None:
    """Plugged in, charging, unplugged; no status is pushed."""
    build.charge(t=begin, seconds=end - begin, status=False)


def conforming(build: Build) -> None:
    session(build)
    pushed(build, (10.5, "Occupied"), (42.5, "Available"))


def each_change(build: Build) -> None:
    session(build)
    pushed(build, (10.3, "Occupied"), (11.5, "Occupied"), (40.4, "Occupied"), (42.3, "Available"))


def waiting_car_available(build: Build) -> None:
    build.connector("Preparing", t=10)
    pushed(build, (12.5, "Available"))


def silent_waiting_car(build: Build) -> None:
    build.connector("Preparing", t=10)
    build.connector("Available", t=40)


def silent_waiting_car_at_a_silent_hub(build: Build) -> None:
    build.push_status({OTHER: "Available"}, t=9, http_status=None, took=60, faults=("silence",))
    build.connector("Preparing", t=10)
    build.connector("Available", t=40)
    build.push_status({OTHER: "Available"}, t=70)


def charging_as_available(build: Build) -> None:
    session(build)
    pushed(build, (10.5, "Occupied"), (11.5, "Available"), (40.5, "Occupied"), (42.5, "Available"))


def suspended_soon_after_the_full_load(build: Build) -> None:
    """The full load told Available and Occupied was pushed since: Available tells nothing old again."""
    session(build, begin=1, end=40)
    build.connector("SuspendedEV", t=4)
    pushed(build, (2.3, "Occupied"), (4.2, "Available"), (42.5, "Available"))


def suspended_as_available(build: Build) -> None:
    session(build)
    build.connector("SuspendedEV", t=20)
    pushed(build, (10.5, "Occupied"), (20.2, "Available"), (42.5, "Available"))


def available_a_moment_early(build: Build) -> None:
    session(build)
    pushed(build, (10.5, "Occupied"), (39.0, "Available"))


def late_but_in_order(build: Build) -> None:
    session(build)
    pushed(build, (15, "Occupied"), (47, "Available"))


def faulted_in_session(build: Build) -> None:
    session(build)
    build.connector("Faulted", t=20)
    pushed(build, (10.5, "Occupied"), (20.2, "OutOfService"), (42.5, "Available"))


def overtaken(build: Build) -> None:
    session(build, end=41)
    pushed(build, (42, "Occupied"), (43.5, "Available"), (43.6, "Occupied"))


def overtaken_and_late(build: Build) -> None:
    session(build)
    pushed(build, (42.5, "Available"), (43, "Occupied"))


def snapshot_a_moment_old(build: Build) -> None:
    session(build)
    build.push_status({EVSE: "Available", OTHER: "Available"}, t=10.2, action="fullLoad")
    pushed(build, (10.5, "Occupied"), (42.5, "Available"))


def snapshot_of_a_moment_that_is_over(build: Build) -> None:
    """Available is said once more just after a car came, and it left at once."""
    build.connector("Preparing", t=10)
    build.connector("Available", t=10.8)
    pushed(build, (10.3, "Available"))


def fault_told(build: Build, status: str = "OutOfService") -> None:
    build.connector("Faulted", t=10)
    pushed(build, (10.2, status))
    build.connector("Available", t=40)
    pushed(build, (40.2, "Available"))


def fault_as_unknown(build: Build) -> None:
    fault_told(build, "Unknown")


def fault_as_available(build: Build) -> None:
    fault_told(build, "Available")


def fault_never_told(build: Build) -> None:
    conforming(build)
    build.connector("Faulted", t=60)
    build.connector("Available", t=90)


def fault_too_short_to_tell(build: Build) -> None:
    conforming(build)
    build.connector("Faulted", t=60)
    build.connector("Available", t=64)


def reserved(build: Build) -> None:
    build.connector("Reserved", t=10)
    pushed(build, (10.3, "Reserved"))
    build.connector("Available", t=30)
    pushed(build, (30.3, "Available"))


def reserved_told_first(build: Build) -> None:
    pushed(build, (9.99, "Reserved"))  # the backend pushes before it answers its charge point
    build.connector("Reserved", t=10)
    build.connector("Available", t=30)
    pushed(build, (30.3, "Available"))


def reserved_for_ever(build: Build) -> None:
    conforming(build)
    build.connector("Reserved", t=60)
    pushed(build, (60.3, "Reserved"))
    build.connector("Available", t=80)


def reserved_without_reason(build: Build) -> None:
    pushed(build, (20, "Reserved"))


def reserved_by_oicp(build: Build) -> None:
    build.start(t=19, operation="AuthorizeRemoteReservationStart", body={"Duration": 15})
    pushed(build, (20, "Reserved"))


def available_while_reserved(build: Build) -> None:
    build.connector("Reserved", t=10)
    pushed(build, (10.5, "Reserved"), (20, "Available"))


def lost(build: Build) -> None:
    build.observe("charge_point_disconnected", t=10, charge_point="CP-1", reason="gone")
    build.observe("note", t=10, evse_id=EVSE, charge_point="CP-1", text="belongs here")
    pushed(build, (20, "Unknown"))


def collected_for_twenty_seconds(build: Build) -> None:
    """What came just before the end of an interval is told at once, by chance; what is over by then is not told."""
    for at in (8, 28, 48):
        build.connector("Faulted", t=at)
        build.connector("Available", t=at + 12)
    for evse in (EVSE, OTHER):
        build.connector("Faulted", t=69.8, evse_id=evse)
        build.connector("Available", t=91.8, evse_id=evse)
    build.push_status({EVSE: "OutOfService", OTHER: "OutOfService"}, t=70)
    build.push_status({EVSE: "Available", OTHER: "Available"}, t=92)


def short_sessions_never_told(build: Build) -> None:
    for at in range(4):
        build.connector("Charging", t=10 + at * 10)
        build.connector("Faulted", t=11 + at * 10)
        pushed(build, (11.1 + at * 10, "OutOfService"), (17.1 + at * 10, "Available"))
        build.connector("Available", t=17 + at * 10)


def slow_in_a_storm(build: Build) -> None:
    for at in range(4):
        build.connector("Charging", t=20 + at * 2)
        build.connector("Available", t=21 + at * 2)
        pushed(build, (23 + at * 2, "Occupied"), (24 + at * 2, "Available"))
        build.connector("Faulted", t=50 + at * 10)
        build.connector("Available", t=56 + at * 10)
        pushed(build, (53 + at * 10, "OutOfService"), (59 + at * 10, "Available"))


def away_said_again(build: Build, state: str = "Unavailable") -> None:
    build.connector(state, t=3)
    pushed(build, (3.1, "Available"))
    build.connector("Available", t=40)
    session(build, 50, 80)
    pushed(build, (50.5, "Occupied"), (82.5, "Available"))


def reserved_said_again(build: Build) -> None:
    away_said_again(build, "Reserved")


def reserved_said_again_at_once(build: Build) -> None:
    build.connector("Reserved", t=3, delivered=0.05)
    pushed(build, (3.03, "Available"))  # before the charge point is answered
    build.connector("Available", t=40)
    session(build, 50, 80)
    pushed(build, (50.5, "Occupied"), (82.5, "Available"))


def away_said_again_and_put_right(build: Build) -> None:
    away_said_again(build)
    pushed(build, (3.3, "OutOfService"), (40.2, "Available"))


def reserved_by_the_first_load(build: Build) -> None:
    session(build, 50, 80)
    pushed(build, (50.5, "Occupied"), (82.5, "Available"))
    build.connector("Available", t=0.1, evse_id=THIRD)
    build.push_data([record(EVSE), record(OTHER), record(THIRD)], t=0.8)
    build.push_status({EVSE: "Available", OTHER: "Available", THIRD: "Reserved"}, t=0.9, action="fullLoad")


def controller(build: Build, status: str, *, t: float, heard: bool = True) -> None:
    """Connector 0 of the charge point of the first EVSE tells its state."""
    build.observe("note", t=0, evse_id=EVSE, charge_point="CP-1", text="belongs here")
    build.observe("charge_point_status", t=t, charge_point="CP-1", connector_status=status, error_code="NoError")
    if heard:
        build.observe("charge_point_status_delivered", t=t + 0.05, charge_point="CP-1", connector_status=status)


def controller_down(build: Build, *told: tuple[float, str], state: str = "Faulted", heard: bool = True) -> None:
    controller(build, state, t=10, heard=heard)
    pushed(build, *told)
    controller(build, "Available", t=40, heard=heard)


def controller_of_no_interest(build: Build) -> None:
    controller_down(build)


def controller_counts(build: Build) -> None:
    controller_down(build, (10.2, "OutOfService"), (40.2, "Available"), state="Unavailable")


def controller_told_before_its_answer(build: Build) -> None:
    controller_down(build, (10.02, "OutOfService"), (40.02, "Available"))


def controller_told_late(build: Build) -> None:
    controller_down(build, (43, "OutOfService"), (45, "Available"))


def controller_as_unknown(build: Build) -> None:
    controller_down(build, (10.2, "Unknown"), (40.2, "Available"))


def controller_as_occupied(build: Build) -> None:
    controller_down(build, (20, "Occupied"), (40.2, "Available"))


def controller_that_nobody_heard(build: Build) -> None:
    controller_down(build, (20, "OutOfService"), (40.2, "Available"), heard=False)


def controller_of_another(build: Build) -> None:
    build.observe("note", t=0, evse_id=OTHER, charge_point="CP-2", text="belongs there")
    controller_down(build)
    build.push_status({OTHER: "OutOfService"}, t=20)


def controller_that_recovered_twice(build: Build) -> None:
    controller_down(build, (10.2, "OutOfService"), (40.2, "Available"))
    pushed(build, (50, "OutOfService"), (60, "Available"))


def controller_for_good(build: Build) -> None:
    conforming(build)
    controller(build, "Faulted", t=60)
    pushed(build, (60.2, "OutOfService"))
    controller(build, "Available", t=70)


def session_under_a_controller_down(build: Build, *told: tuple[float, str]) -> None:
    controller(build, "Unavailable", t=20)
    session(build)
    pushed(build, (10.5, "Occupied"), *told, (42.5, "Available"))
    controller(build, "Available", t=41)


def session_goes_on(build: Build) -> None:
    session_under_a_controller_down(build)


def session_out_of_service(build: Build) -> None:
    session_under_a_controller_down(build, (20.2, "OutOfService"))


def session_available(build: Build) -> None:
    session_under_a_controller_down(build, (25, "Available"))


def fault_cleared_by_the_controller(build: Build) -> None:
    build.connector("Faulted", t=5)
    pushed(build, (5.2, "OutOfService"))
    controller_down(build, (40.2, "Available"))


def fault_outlives_the_controller(build: Build) -> None:
    build.connector("Faulted", t=5)
    pushed(build, (5.2, "OutOfService"))
    controller_down(build)
    build.connector("Available", t=50)
    pushed(build, (50.2, "Available"))


def both_out_of_service(build: Build) -> None:
    build.connector("Unavailable", t=10)
    controller_down(build, (10.2, "OutOfService"), (40.2, "Available"), state="Unavailable")
    build.connector("Available", t=40.01)


def both_out_of_service_as_available(build: Build) -> None:
    build.connector("Unavailable", t=10)
    controller_down(build, (10.2, "OutOfService"), (20, "Available"), state="Unavailable")


STATES = ("STAT-007", "STAT-010", "STAT-011", "STAT-012", "STAT-013")
SILENT = ("conforms", "not-exercised")


@pytest.mark.parametrize(
    ("story", "broken"),
    [
        (conforming, {}),
        (each_change, {}),
        (waiting_car_available, {"STAT-010": "warned"}),
        (silent_waiting_car, {"STAT-010": "warned"}),
        (silent_waiting_car_at_a_silent_hub, {}),
        (charging_as_available, {"STAT-010": "violated"}),
        (suspended_as_available, {"STAT-010": "violated"}),
        (suspended_soon_after_the_full_load, {"STAT-010": "violated"}),
        (available_a_moment_early, {}),
        (late_but_in_order, {}),
        (faulted_in_session, {}),
        (overtaken, {"STAT-007": "violated"}),
        (overtaken_and_late, {"STAT-007": "violated"}),
        (snapshot_a_moment_old, {}),
        (snapshot_of_a_moment_that_is_over, {}),
        (fault_told, {}),
        (fault_as_unknown, {"STAT-012": "warned"}),
        (fault_as_available, {"STAT-012": "violated"}),
        (fault_never_told, {"STAT-012": "violated"}),
        (fault_too_short_to_tell, {}),
        (collected_for_twenty_seconds, {}),
        (reserved, {}),
        (reserved_for_ever, {"STAT-013": "violated"}),
        (reserved_without_reason, {"STAT-013": "violated"}),
        (reserved_by_oicp, {}),
        (available_while_reserved, {"STAT-011": "violated"}),
        (lost, {}),
        (short_sessions_never_told, {"STAT-010": "violated"}),
        (slow_in_a_storm, {}),
        (away_said_again, {"STAT-012": "violated"}),
        (away_said_again_and_put_right, {}),
        (reserved_said_again, {"STAT-011": "violated"}),
        (reserved_said_again_at_once, {"STAT-011": "violated"}),
        (reserved_by_the_first_load, {"STAT-013": "violated"}),
        (controller_of_no_interest, {}),
        (controller_counts, {}),
        (controller_told_before_its_answer, {}),
        (controller_told_late, {}),
        (controller_as_unknown, {"STAT-007": "warned"}),
        (controller_as_occupied, {"STAT-007": "violated"}),
        (controller_that_nobody_heard, {"STAT-007": "violated"}),
        (controller_of_another, {"STAT-007": "violated"}),
        (controller_that_recovered_twice, {"STAT-007": "violated"}),
        (session_goes_on, {}),
        (session_out_of_service, {}),
        (session_available, {"STAT-010": "violated"}),
        (fault_cleared_by_the_controller, {"STAT-012": "violated"}),
        (fault_outlives_the_controller, {}),
        (both_out_of_service, {}),
        (both_out_of_service_as_available, {"STAT-012": "violated"}),
    ],
)
def test_status_as_it_is(story: Callable[[Build], None], broken: dict[str, str]) -> None:
    """Each story breaks just what it should; delays, snapshots and states that were too short break nothing."""
    build = base()
    story(build)
    found = verdict(build.evidence(until=100), *STATES)
    got = {i: str(found.of(i).outcome) for i in STATES}
    assert {i: o for i, o in got.items() if o not in SILENT} == broken
    without = verdict(replace(build.evidence(until=100), run=replace(build.run, truth=False)), *STATES)
    assert all(str(without.of(i).outcome) == "not-exercised" for i in STATES)


def test_positive_outcomes() -> None:
    """What was looked at and is right conforms."""
    for story, requirement in ((conforming, "STAT-010"), (conforming, "STAT-011"), (conforming, "STAT-007"),
                               (fault_told, "STAT-012"), (reserved, "STAT-013"), (reserved_told_first, "STAT-013")):  # fmt: skip
        build = base()
        story(build)
        assert outcome(build.evidence(until=100), requirement) == "conforms", requirement


@pytest.mark.parametrize(
    ("told", "until", "expected"),
    [
        ([(10.5, "Occupied"), (42.5, "Available")], 100, "conforms"),
        ([(38.0, "Occupied"), (42.5, "Available")], 100, "conforms"),
        ([(10.5, "Occupied"), (110, "Available")], 120, "warned"),
        ([(10.5, "Occupied"), (400, "Available")], 410, "violated"),
        ([(10.5, "Occupied")], 45, "conforms"),
        ([], 50, "warned"),
        ([], 150, "warned"),
    ],
)
def test_changes_at_once(told: list[tuple[float, str]], until: float, expected: str) -> None:
    """Changes are pushed within a minute; after five, or if none ever comes, it is an error."""
    build = base()
    session(build)
    pushed(build, *told)
    assert outcome(build.evidence(until=until), "STAT-005") == expected


def test_out_of_service_for_good_after_the_controller_recovered() -> None:
    """Whoever goes by connector 0 goes by it when it recovers."""
    build = base()
    controller_for_good(build)
    assert outcome(build.evidence(until=100), "STAT-005") == "violated"


def test_a_wrong_first_load_is_told_once() -> None:
    """A status that was wrong from the first load on is STAT-013, and not a change that was never pushed."""
    build = base(evses=(EVSE, OTHER, THIRD))
    reserved_by_the_first_load(build)
    assert outcome(build.evidence(until=100), "STAT-005") == "conforms"


@pytest.mark.parametrize(
    ("freed", "told", "expected"),
    [
        (80.3, [], "violated"),
        (80.3, [(80.7, "Available")], "conforms"),
        (81.0, [], "conforms"),
        (80.3, [(85.0, "Available")], "conforms"),
    ],
)
def test_a_change_while_the_push_before_is_on_its_way(
    freed: float, told: list[tuple[float, str]], expected: str
) -> None:
    """What changed between a push and its answer has to be told as well, by a backend that tells changes soon."""
    build = base()
    for t in (10, 20, 30, 40, 50, 60):
        build.connector("Faulted" if t % 20 else "Available", t=t)
        pushed(build, (t + 0.1, "OutOfService" if t % 20 else "Available"))
    build.connector("Faulted", t=80)
    build.push_status({EVSE: "OutOfService"}, t=80.1, took=0.5, faults=("slow",))
    build.connector("Available", t=freed)
    pushed(build, *told)
    assert outcome(build.evidence(until=100), "STAT-007") == expected


def test_no_change_is_ever_pushed() -> None:
    """Two sessions and not one status: the backend does not push changes at all."""
    build = base()
    session(build)
    session(build, 60, 80)
    assert outcome(build.evidence(until=150), "STAT-005") == "violated"


@pytest.mark.parametrize(
    ("state", "beside"), [("Faulted", ("STAT-012",)), ("Charging", ("STAT-010",)), ("Reserved", ())]
)
def test_a_state_that_was_never_pushed_names_the_law_of_the_state(state: str, beside: tuple[str, ...]) -> None:
    """One finding for a change that was left out; what the hub shows wrongly from then on stands beside it."""
    build = base()
    build.connector(state, t=20)
    found = findings(build.evidence(until=600), "STAT-005")
    assert [(str(f.grade), f.also) for f in found] == [("error", beside)]


def test_changes_in_an_outage_are_not_late() -> None:
    """A change that could not be pushed is a matter of the repair."""
    build = base()
    build.observe("hub_down", t=9)
    session(build)
    build.observe("hub_up", t=200)
    pushed(build, (205, "Available"))
    assert outcome(build.evidence(until=220), "STAT-005") == "not-exercised"


@pytest.mark.parametrize(
    ("first", "repair", "until", "expected"),
    [(DOWN, 20.0, 30, "conforms"), (DOWN, None, 100, "warned"), (DOWN, None, 2000, "warned"), ({}, None, 100, "not-exercised")],
)  # fmt: skip
def test_repair(first: dict[str, Any], repair: float | None, until: float, expected: str) -> None:
    """A failed push is repaired by a repeat or a newer status; a recording that ends before decides nothing."""
    build = base()
    build.connector("Charging", t=9.9)
    build.push_status({EVSE: "Occupied"}, t=10, **first)
    if repair:
        pushed(build, (repair, "Occupied"))
    assert outcome(build.evidence(until=until), "STAT-015") == expected


@pytest.mark.parametrize(
    ("freed", "told", "expected"),
    [
        (60, [(20, "Occupied", "update"), (62, "Available", "update")], "conforms"),
        (60, [(62, "Available", "update")], "warned"),
        (25, [(26, "Available", "update")], "conforms"),
        (60, [(40, "Occupied", "fullLoad"), (62, "Available", "update")], "conforms"),
        (60, [(15, "OutOfService", "update"), (62, "Available", "update")], "conforms"),
    ],
)
def test_a_status_that_was_lost_and_dropped(freed: float, told: list[tuple[float, str, str]], expected: str) -> None:
    """A lost status that held for long is said again before the next one; one that was over at once need not be."""
    build = base()
    build.connector("Charging", t=9.9)
    build.push_status({EVSE: "Occupied"}, t=10, **DOWN)
    build.connector("Available", t=freed)
    for t, status, action in told:
        build.push_status({EVSE: status}, t=t, action=action)
    assert outcome(build.evidence(until=100), "STAT-015") == expected


def test_a_lost_status_nobody_watched() -> None:
    """Without ground truth nobody knows how long a lost status held: a newer one settles it."""
    build = base(truth=False)
    build.push_status({EVSE: "Occupied"}, t=10, **DOWN)
    pushed(build, (62, "Available"))
    assert outcome(build.evidence(until=100), "STAT-015") == "conforms"


@pytest.mark.parametrize(
    ("repair", "until", "expected"), [(25.0, 30, "conforms"), (None, 2000, "warned"), (None, 30, "not-exercised")]
)
def test_repair_after_an_outage(repair: float | None, until: float, expected: str) -> None:
    """What changed while the hub was down reaches it afterwards."""
    build = base()
    build.observe("hub_down", t=5)
    build.connector("Faulted", t=10)
    build.observe("hub_up", t=20)
    if repair:
        pushed(build, (repair, "OutOfService"))
    assert outcome(build.evidence(until=until), "STAT-015") == expected


@pytest.mark.parametrize(
    ("data", "status", "code", "expected"),
    [(1.0, 2.0, "000", "conforms"), (2.0, 1.0, "603", "violated"), (1.0, 1.02, "000", "conforms"), (1.0, 1.02, "603", "violated")],
)  # fmt: skip
def test_known_evses(data: float, status: float, code: str, expected: str) -> None:
    """Data go before status; a status that overtakes the answer to the data is right if the hub takes it."""
    build = Build()
    build.observe("cpo_started", t=0, pid=1)
    build.push_data([record(EVSE)], t=data)
    build.push_status({EVSE: "Available"}, t=status, answer=ack(code))
    assert outcome(build.evidence(), "STAT-004") == expected


def test_turned_away_for_want_of_a_certificate() -> None:
    """What never got past the door of the hub says nothing about the order of pushes: TLS-001. Let in, it does."""
    for let_in, expected in ((False, "not-exercised"), (True, "violated")):
        build = Build()
        build.observe("cpo_started", t=0, pid=1)
        away: dict[str, Any] = {} if let_in else {"answer": b"<html>", "http_status": 400}
        build.push_data([record(EVSE)], t=1, tls=Tls("TLSv1.3"), answer=b"<html>", http_status=400)
        build.push_status({EVSE: "Available"}, t=2, tls=Tls("TLSv1.3"), **away)
        assert outcome(build.evidence(), "STAT-004") == expected


@pytest.mark.parametrize(
    "body",
    [
        {"ActionType": "fullLoad", "OperatorEvseData": [{"OperatorID": "DE*ABC", "EvseDataRecord": [record(EVSE)]}]},
        {"ActionType": "fullLoad", "OperatorEvseData": {"OperatorID": "DE*ABC", "EvseDataRecords": [record(EVSE)]}},
        {"ActionType": "fullLoad", "OperatorEvseData": {"EvseDataRecord": [record(OTHER), record(EVSE, EvseID=...)]}},
    ],
)
def test_data_that_cannot_be_read(body: dict[str, Any]) -> None:
    """What a lenient hub took from a malformed push nobody knows: the statuses after it are no further defect."""
    build = Build()
    build.exchange("PushEvseData", body, t=1)
    build.push_status({EVSE: "Available"}, t=2)
    assert outcome(build.evidence(), "STAT-004") != "violated"
    assert outcome(build.evidence(), "STAT-009") != "violated"


def test_status_after_removal() -> None:
    """No status is pushed for a record that was deleted."""
    build = base()
    build.push_data([{"EvseID": EVSE}], t=10, action="delete")
    build.push_status({EVSE: "OutOfService"}, t=11)
    assert outcome(build.evidence(), "STAT-004") == "violated"


@pytest.mark.parametrize(
    ("records", "action", "stays", "expected"),
    [
        ([{"EvseID": EVSE}], "delete", 0.0, "conforms"),
        ([record(OTHER)], "fullLoad", 0.0, "conforms"),
        ([record(EVSE, DynamicInfoAvailable="false")], "update", 0.0, "conforms"),
        ([{"EvseID": OTHER}], "delete", 0.0, "violated"),
        ([{"EvseID": EVSE}], "delete", 400.0, "violated"),
    ],
)
@pytest.mark.parametrize("took", [0.05, 3.0])
def test_nobody_waits_for_the_status_of_an_evse_that_was_removed(
    records: list[Any], action: str, stays: float, expected: str, took: float
) -> None:
    """What the charge point reports when its data are not at the hub any more is not pushed, nor what changed just before."""
    build = base()
    for at in range(8):
        build.charge(OTHER, t=20 + 40 * at, session=at + 1)
    back = 401.0 if took > 1 else 410.0
    build.connector("Faulted", t=400)
    build.push_status({EVSE: "OutOfService"}, t=400.2, took=took)
    build.connector("Available", t=back)
    build.push_data(records, t=back + 3 + stays, action=action)
    build.connector("Unavailable", t=back + 600)
    found = {outcome(build.evidence(until=1200), i) for i in ("STAT-007", "STAT-005", "STAT-011", "STAT-012")}
    assert ("violated" if "violated" in found else "conforms") == expected


@pytest.mark.parametrize(
    ("dynamic", "statuses", "expected"),
    [
        ("true", [EVSE, OTHER], "conforms"),
        ("true", [EVSE], "violated"),
        ("false", [EVSE], "conforms"),
        ("auto", [EVSE, OTHER], "conforms"),
        ("auto", [EVSE], "conforms"),
    ],
)
def test_full_load_covers_all(dynamic: str, statuses: list[str], expected: str) -> None:
    """A status fullLoad may leave out only EVSEs without dynamic information."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER, DynamicInfoAvailable=dynamic)], t=1)
    build.push_status(dict.fromkeys(statuses, "Available"), t=2, action="fullLoad")
    assert outcome(build.evidence(), "STAT-009") == expected


def test_auto_with_a_status_is_dynamic() -> None:
    """`auto` becomes true when the operator sends a status: from then on it belongs into the full load."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER, DynamicInfoAvailable="auto")], t=1)
    build.push_status({OTHER: "Occupied"}, t=2)
    build.push_status({EVSE: "Available"}, t=3, action="fullLoad")
    assert outcome(build.evidence(), "STAT-009") == "violated"


AUTO = record(OTHER, DynamicInfoAvailable="auto")


def _told(b: Build) -> None:
    b.push_status({OTHER: "Available"}, t=2)


def _inserted(b: Build) -> None:
    b.push_data([AUTO], t=9, action="insert")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([lambda b: b.push_status({OTHER: "Occupied"}, t=2, answer=ack("009"))], "conforms"),
        ([_told, lambda b: b.push_status({OTHER: "Occupied"}, t=4, action="delete")], "conforms"),
        ([_told, lambda b: b.push_data([AUTO], t=4, action="delete"), _inserted], "conforms"),
        ([_told, lambda b: b.push_data([record()], t=4), _inserted], "conforms"),
        ([_told, lambda b: b.push_data([AUTO], t=4, action="update")], "violated"),
        ([_told, lambda b: b.push_data([record(), AUTO], t=4)], "violated"),
    ],
    ids=["refused", "taken back", "removed", "left out", "changed", "loaded"],
)
def test_auto_whose_status_the_hub_has_not(steps: list[Callable[[Build], object]], expected: str) -> None:
    """A status that was refused or that went with the data makes nothing dynamic."""
    build = Build()
    build.push_data([record(), AUTO], t=1)
    for step in steps:
        step(build)
    build.push_status({EVSE: "Available"}, t=30, action="fullLoad")
    assert outcome(build.evidence(), "STAT-009") == expected


@pytest.mark.parametrize(
    ("t", "action", "expected"),
    [(10.5, "insert", "conforms"), (14.0, "insert", "violated"), (10.5, "fullLoad", "violated")],
)
def test_a_full_load_put_together_before_an_insert(t: float, action: str, expected: str) -> None:
    """A status fullLoad may lack an EVSE that was added while it was put together."""
    build = Build()
    build.push_data([record(EVSE)], t=1)
    build.push_data([record(EVSE), record(OTHER)] if action == "fullLoad" else [record(OTHER)], t=10, action=action)
    build.push_status({EVSE: "Available"}, t=t, action="fullLoad")
    assert outcome(build.evidence(), "STAT-009") == expected


@pytest.mark.parametrize(
    ("records", "action", "expected"),
    [
        ([{"EvseID": EVSE}], "delete", "conforms"),
        ([record(OTHER)], "fullLoad", "conforms"),
        ([record(EVSE)], "fullLoad", "warned"),
        ([{"EvseID": OTHER}], "delete", "warned"),
    ],
)
def test_a_lost_status_of_an_evse_that_was_removed(records: list[Any], action: str, expected: str) -> None:
    """Nobody needs the status of an EVSE whose data are gone."""
    build = Build(truth=False, fleet=None, source="har")
    build.push_data([record(EVSE), record(OTHER)], t=1)
    build.push_status({EVSE: "OutOfService"}, t=10, http_status=None)
    build.push_data(records, t=30, action=action)
    assert outcome(build.evidence(until=2000), "STAT-015") == expected


@pytest.mark.parametrize(("error", "expected"), [(UNHEARD, "conforms"), ("timed out", "warned")])
def test_a_daily_load_whose_answer_was_not_recorded(error: str, expected: str) -> None:
    """It was sent; whether it was taken, nobody knows."""
    build = Build(truth=False, fleet=None, source="har")
    for day in range(2):
        build.push_status({EVSE: "Available"}, t=1 + 86400 * day, action="fullLoad", http_status=None, error=error)
    assert outcome(build.evidence(), "STAT-008") == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ([0, 24, 48], "conforms"),
        ([0, 25.2, 49], "conforms"),
        ([0, 26], "warned"),
        ([0, 30], "warned"),
        ([0], "not-exercised"),
        ([], "not-exercised"),
    ],
)
def test_daily_load(hours: list[float], expected: str) -> None:
    """A status fullLoad comes daily; none at all in a short recording is information."""
    build = Build()
    build.push_status({EVSE: "Available"}, t=1)
    for hour in hours:
        build.push_status({EVSE: "Available"}, t=2 + hour * 3600, action="fullLoad")
    assert outcome(build.evidence(), "STAT-008") == expected


@pytest.mark.parametrize(
    ("status", "until", "expected"),
    [("Unknown", 60, "conforms"), (None, 60, "not-exercised"), (None, 2000, "warned")],
)
def test_lost_evse(status: str | None, until: float, expected: str) -> None:
    """Out of reach for long and still Available warns."""
    build = base()
    build.observe("meter", t=5, evse_id=EVSE, charge_point="CP-1", meter_wh=0)
    build.observe("charge_point_disconnected", t=10, charge_point="CP-1", reason="gone")
    if status:
        pushed(build, (30, status))
    assert outcome(build.evidence(until=until), "STAT-014") == expected


def test_garbage_is_survived() -> None:
    """Records of the wrong kind break no rule."""
    build = base()
    for records in (None, 5, "x", [None, 5], [{"EvseID": 5}], [{"EvseID": EVSE, "EvseStatus": []}], {"EvseID": EVSE}):
        build.exchange("PushEvseStatus", {"ActionType": [], "OperatorEvseStatus": {"EvseStatusRecord": records}}, t=20)
        build.exchange("PushEvseData", {"ActionType": "insert", "OperatorEvseData": {"EvseDataRecord": records}}, t=21)
    for requirement in (
        *STATES,
        "STAT-004",
        "STAT-005",
        "STAT-008",
        "STAT-009",
        "STAT-014",
        "STAT-015",
        "PUSH-004",
        "PUSH-007",
        "EVSE-056",
        "ID-005",
    ):
        outcome(build.evidence(), requirement)


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        (((1.1, "Unknown"), (1.4, "Available")), "conforms"), (((1.1, "Unknown"), (1.4, "Occupied")), "violated"),
        (((1.1, "Available"), (1.4, "Unknown"), (1.9, "Available")), "violated"),
    ],
)  # fmt: skip
def test_a_first_word_that_took_a_while(statuses: tuple[tuple[float, str], ...], found: str) -> None:
    """Unknown as the very first status may be overtaken by the charge point if the known one follows at once."""
    build = Build()
    build.observe("cpo_started", t=0, pid=1)
    build.observe("charge_point_connected", t=0.05, charge_point="CP-1")
    build.connector("Available", t=0.1)
    build.push_data([record(EVSE)], t=0.5)
    for i, (t, status) in enumerate(statuses):
        build.push_status({EVSE: status}, t=t, action="update" if i else "fullLoad")
    assert outcome(build.evidence(), "STAT-007") == found


def test_a_car_that_came_and_went() -> None:
    """A backend a few hundredths of a second behind tells Available, Occupied, Available in order: no fault."""
    build = Build()
    build.observe("cpo_started", t=0, pid=1)
    build.observe("charge_point_connected", t=0.05, charge_point="CP-1")
    build.connector("Available", t=0.1)
    build.push_data([record(EVSE)], t=0.15)
    build.push_status({EVSE: "Unknown"}, t=0.2, action="fullLoad")
    build.connector("Preparing", t=0.24)
    build.connector("Available", t=0.26)
    for t, status in ((0.25, "Available"), (0.31, "Occupied"), (0.37, "Available")):
        build.push_status({EVSE: status}, t=t)
    assert outcome(build.evidence(), "STAT-007") == "conforms"


def _breakdowns(every: float, until: float, *, job: float | None = None) -> Build:
    """Three EVSEs break down and recover in turn, each state for 15 s; `job`: seconds between pushes of what is so just then."""
    build = base()
    build.observe("charge_point_connected", t=0.05, charge_point="CP-3")
    build.connector("Available", t=0.1, evse_id=THIRD)
    build.push_data([record(THIRD)], t=0.8, action="insert")
    build.push_status({THIRD: "Available"}, t=0.9, action="insert")
    state = dict.fromkeys((EVSE, OTHER, THIRD), "Available")
    events = [(5 + n * every + at, evse) for at, evse in enumerate(state) for n in range(int(until / every))]
    jobs = [] if job is None else [job * n for n in range(1, int(until / job) + 1)]
    for t, evse in sorted([*events, *((t, "") for t in jobs)]):
        if evse:
            state[evse] = "Faulted" if state[evse] == "Available" else "Available"
            build.connector(state[evse], t=t, evse_id=evse)
        else:
            build.push_status({e: "OutOfService" if s == "Faulted" else s for e, s in state.items()}, t=t)
    build.push_status({EVSE: "Available"}, t=until + 10)
    return build


@pytest.mark.parametrize(
    ("every", "until", "job", "expected"),
    [
        (15, 180, None, True),  # a job every quarter of an hour
        (15, 105, None, False),  # too short to tell
        (15, 180, 50, False),  # a job that comes round in time
        (90, 180, None, False),  # hardly anything happened
    ],
)
def test_long_silence(every: float, until: float, job: float | None, expected: bool) -> None:
    """Minutes without any status, though many changes of several EVSEs lasted, break STAT-005."""
    told = [f.observed for f in findings(_breakdowns(every, until, job=job).evidence(), "STAT-005") if f.grade is ERROR]
    assert any("no status was pushed for" in text for text in told) is expected, told
