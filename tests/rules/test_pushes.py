"""Pushes as a sequence, and EVSE data against the fleet."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from oicp.unknowns import FRACTIONS
from tests.rules.build import EVSE, OTHER, Build, ack, findings, fleet, outcome, record

DAY = 86_400.0
THIRD = "DE*ABC*E3*1"
LOST = {"http_status": None, "error": "the connection was closed", "faults": ("lost answer",)}


def started() -> Build:
    """A backend the bench started."""
    build = Build()
    build.observe("cpo_started", t=0.5, pid=1)
    return build


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"took": 1.0}, 2.5, "conforms"),
        ({"took": 1.0}, 1.5, "violated"),
        ({"took": 1.0}, 1.998, "conforms"),
        ({"took": 9.0, "http_status": None, "error": "the CPO gave up"}, 2.0, "conforms"),
    ],
)
def test_never_two_in_flight(first: dict[str, Any], second: float, expected: str) -> None:
    """Pushes of one operation do not overlap; one that was given up is no longer in flight; data and status may."""
    build = Build()
    build.push_status({EVSE: "Occupied"}, t=1, **first)
    build.push_data([record()], t=1.2, took=2)
    build.push_status({EVSE: "Available"}, t=second)
    assert outcome(build.evidence(), "PUSH-002") == expected


def test_overlaps_of_the_recorder_count() -> None:
    """What the recorder saw overlap, overlapped, however short."""
    build = Build()
    build.push_status({EVSE: "Occupied"}, t=1, took=0.002)
    build.push_status({OTHER: "Occupied"}, t=1.001, took=0.002, overlaps=(1,))
    assert outcome(build.evidence(), "PUSH-002") == "violated"


@pytest.mark.parametrize(
    ("later", "until", "expected"),
    [
        ([(6.1, "009")], 20, "warned"),
        ([(10.0, "009"), (20.0, "000")], 30, "conforms"),
        ([(10.0, "009"), (10.2, "009"), (20.0, "000")], 30, "warned"),
        ([(8.0, "000")], 20, "conforms"),
        ([], 100, "warned"),
        ([], 2000, "warned"),
    ],
)
def test_own_timeout(later: list[tuple[float, str]], until: float, expected: str) -> None:
    """After its own timeout a backend waits and repeats."""
    build = Build()
    build.push_status({EVSE: "Occupied"}, t=1, took=5, http_status=None, error="the CPO gave up")
    for t, code in later:
        build.push_status({EVSE: "Occupied"}, t=t, answer=ack(code))
    assert outcome(build.evidence(until=until), "PUSH-003") == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("java.net.SocketTimeoutException: Read timed out", "warned"),
        ("net::ERR_TIMED_OUT", "warned"),
        ("ESOCKETTIMEDOUT", "warned"),
        ("connect ETIMEDOUT 10.0.0.1:443", "not-exercised"),
        ("socket hang up", "not-exercised"),
    ],
)
def test_own_timeout_in_the_words_of_the_client(error: str, expected: str) -> None:
    """What an HTTP client wrote about waiting too long for an answer; a connection that never came is no push given up."""
    build = Build(truth=False, source="har")
    build.push_status({EVSE: "Occupied"}, t=1, took=5, http_status=None, error=error)
    build.push_status({EVSE: "Occupied"}, t=6.1, answer=ack("009"))
    assert outcome(build.evidence(until=20), "PUSH-003") == expected


@pytest.mark.parametrize(
    ("again", "until", "expected"),
    [
        ([record(OTHER)], 2000, "warned"),
        ([record(OTHER)], 500, "conforms"),
        ([record(OTHER), record()], 2000, "conforms"),
    ],
)
def test_data_that_were_given_up(again: list[Any], until: float, expected: str) -> None:
    """Other data that follow are no repeat."""
    build = Build()
    build.push_data([record()], t=1, action="insert", took=5, http_status=None, error="the CPO gave up")
    build.push_data(again, t=60, action="insert")
    assert outcome(build.evidence(until=until), "PUSH-003") == expected


@pytest.mark.parametrize(
    ("code", "unknown", "expected"),
    [("009", (), "warned"), ("009", (FRACTIONS,), "conforms"), ("000", (FRACTIONS,), "conforms")],
)
def test_pressed_in_whole_seconds(code: str, unknown: tuple[str, ...], expected: str) -> None:
    """Whole seconds do not tell how soon a push came after one that was given up."""
    build = Build(truth=False, fleet=None, source="har", unknown=unknown)
    build.push_data([record()], t=1, took=5, http_status=None, error="the CPO gave up")
    build.push_data([record()], t=6.2, answer=ack(code))
    build.push_data([record()], t=100)
    assert outcome(build.evidence(), "PUSH-003") == expected


def test_given_up_for_good_in_whole_seconds() -> None:
    """That nothing came again needs no fractions."""
    build = Build(truth=False, fleet=None, source="har", unknown=(FRACTIONS,))
    build.push_data([record()], t=1, took=5, http_status=None, error="the CPO gave up")
    assert outcome(build.evidence(until=2000), "PUSH-003") == "warned"


def test_a_full_load_brings_what_was_given_up() -> None:
    """A full load makes up for every push before it."""
    build = Build()
    build.push_data([record()], t=1, action="insert", took=5, http_status=None, error="the CPO gave up")
    build.push_data([record(OTHER), record()], t=60)
    assert outcome(build.evidence(until=2000), "PUSH-003") == "conforms"


HOUR = 3600.0
BOTH, ONE = [record(EVSE), record(OTHER)], [record(EVSE)]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([("insert", [record(OTHER)], 3 * HOUR)], "conforms"),
        ([("fullLoad", BOTH, 3 * HOUR)], "conforms"),
        ([("update", [record(OTHER)], 3 * HOUR)], "violated"),
        ([("fullLoad", BOTH, HOUR + 300)], "violated"),
        ([("insert", [record(OTHER)], HOUR + 300)], "warned"),
        ([("fullLoad", BOTH, 3 * HOUR), ("fullLoad", ONE, 5 * HOUR), ("fullLoad", BOTH, 7 * HOUR)], "violated"),
        ([("fullLoad", BOTH, 3 * HOUR), ("fullLoad", ONE, 99 * HOUR), ("fullLoad", BOTH, 101 * HOUR)], "warned"),
        ([("fullLoad", BOTH if at % 2 else ONE, 30 * at * HOUR) for at in range(1, 7)], "violated"),
        ([("delete", [record(OTHER)], 3 * HOUR)], "conforms"),
    ],
)
def test_an_evse_that_was_left_out_and_came_back(later: list[tuple[str, Any, float]], expected: str) -> None:
    """Out of service for some hours is no incomplete fullLoad; what comes and goes, or is spoken of at once, was left out."""
    build = Build(fleet=None, truth=False, source="har")
    for action, records, t in [("fullLoad", BOTH, 1), ("fullLoad", ONE, HOUR), *later]:
        build.push_data(records, t=t, action=action)
    assert outcome(build.evidence(), "PUSH-004") == expected


def test_a_status_for_an_evse_that_was_left_out() -> None:
    """Who goes on pushing the status of an EVSE has not taken it out of service."""
    build = Build(fleet=None, truth=False, source="har")
    build.push_data(BOTH, t=1)
    build.push_data(ONE, t=HOUR)
    build.push_status({OTHER: "Occupied"}, t=2 * HOUR)
    build.push_data([record(OTHER)], t=3 * HOUR, action="insert")
    assert outcome(build.evidence(), "PUSH-004") == "violated"


def complete(build: Build) -> None:
    build.push_data([record(EVSE), record(OTHER)], t=1)
    build.push_data([record(OTHER), record(EVSE)], t=50)


def sites(build: Build) -> None:
    build.push_data([record(EVSE)], t=1)
    build.push_data([record(OTHER)], t=2)


def loads_and_inserts(build: Build) -> None:
    build.push_data([record(EVSE)], t=1)
    build.push_data([record(OTHER)], t=2, action="insert")


def sites_and_a_late_insert(build: Build) -> None:
    sites(build)
    build.push_data([record(EVSE)], t=1800, action="insert")


def sites_in_a_busy_hub(build: Build) -> None:
    build.push_data([record(EVSE)], t=1)
    build.push_data([record(EVSE)], t=1.5, answer=ack("009"))
    build.push_data([record(OTHER)], t=2)


def halves_after_a_refusal(build: Build) -> None:
    build.push_data([record(EVSE), record(OTHER)], t=1, http_status=400, answer={"message": "bad"})
    build.push_data([record(EVSE)], t=2)
    build.push_data([record(OTHER)], t=3)


def halves_inserted(build: Build) -> None:
    build.push_data([record(EVSE), record(OTHER)], t=1, http_status=400, answer={"message": "bad"})
    build.push_data([record(EVSE)], t=2)
    build.push_data([record(OTHER)], t=3, action="insert")


def inserts_refused(build: Build) -> None:
    complete(build)
    build.push_data([record(EVSE)], t=60)
    build.push_data([record(OTHER)], t=61, action="insert", answer=ack("009"))


def refused_sites(build: Build) -> None:
    build.push_data([record(EVSE)], t=1, http_status=400, answer={"message": "bad"})
    build.push_data([record(OTHER)], t=2, http_status=400, answer={"message": "bad"})


def refused_and_taken_apart(build: Build) -> None:
    build.push_data([record(EVSE), record(OTHER)], t=1, http_status=400, answer={"message": "bad"})
    build.push_data([record(EVSE)], t=2, http_status=400, answer={"message": "bad"})


def refused_and_renamed(build: Build) -> None:
    build.push_data([record("DE*XYZ*E1")], t=1, answer=ack("018"))
    build.push_data([record(EVSE)], t=2, http_status=400, answer={"message": "bad"})


@pytest.mark.parametrize(
    ("story", "expected"),
    [(refused_sites, "violated"), (refused_and_taken_apart, "not-exercised"), (refused_and_renamed, "not-exercised")],
)
def test_parts_that_are_refused(story: Callable[[Build], None], expected: str) -> None:
    """Another mistake in the records hides no split; looking for the bad record is none."""
    build = Build()
    story(build)
    assert outcome(build.evidence(), "PUSH-004") == expected


def only_the_changed_one(build: Build) -> None:
    complete(build)
    build.push_data([record(EVSE)], t=60)


def after_a_refusal(build: Build) -> None:
    complete(build)
    build.push_data([record(EVSE), record(OTHER)], t=60, http_status=400, answer={"message": "bad"})
    build.push_data([record(EVSE)], t=61)


def after_removal(build: Build) -> None:
    complete(build)
    build.observe(
        "hook", t=60, evse_id=OTHER, hook="decommission_evse", body={"evse_id": OTHER}, outcome="done", detail=""
    )
    build.push_data([record(EVSE)], t=60.5)


def never_knew_it(build: Build) -> None:
    build.push_data([record(EVSE)], t=1)


@pytest.mark.parametrize(
    ("story", "expected"),
    [(complete, "conforms"), (sites, "violated"), (loads_and_inserts, "warned"), (only_the_changed_one, "violated"),
     (after_a_refusal, "conforms"), (after_removal, "conforms"),
     (sites_in_a_busy_hub, "violated"), (halves_after_a_refusal, "violated"), (halves_inserted, "warned"),
     (sites_and_a_late_insert, "violated"), (inserts_refused, "violated"), (never_knew_it, "conforms")],
)  # fmt: skip
@pytest.mark.parametrize("truth", [True, False])
def test_full_load_complete(story: Callable[[Build], None], expected: str, truth: bool) -> None:
    """A fullLoad is whole; with no fleet file at hand only what the pushes themselves contradict counts."""
    build = Build() if truth else Build(fleet=None, truth=False)
    story(build)
    silent = not truth and story in (only_the_changed_one, loads_and_inserts, halves_inserted)
    assert outcome(build.evidence(), "PUSH-004") == ("conforms" if silent else expected)


def hook(build: Build, name: str, *, t: float, evse_id: str = EVSE, **body: Any) -> None:
    build.observe("hook", t=t, evse_id=evse_id, hook=name, body={"evse_id": evse_id, **body}, outcome="done", detail="")


@pytest.mark.parametrize(
    ("action", "records", "until", "expected"),
    [
        ("fullLoad", [record(OTHER)], 20, "conforms"),
        ("delete", [{"EvseID": EVSE}], 20, "conforms"),
        ("update", [record(EVSE, IsHubjectCompatible=False)], 200, "conforms"),
        (None, [], 20, "not-exercised"),
        (None, [], 200, "warned"),
        ("fullLoad", [record(EVSE), record(OTHER)], 200, "warned"),
    ],
)
def test_removed_evse(action: str | None, records: list[Any], until: float, expected: str) -> None:
    """A dismantled EVSE vanishes from the hub; hiding it for a while is information."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER)], t=1)
    hook(build, "decommission_evse", t=10)
    if action:
        build.push_data(records, t=11, action=action)
    got = outcome(build.evidence(until=until), "PUSH-005")
    infos = [str(f.grade) for f in findings(build.evidence(), "PUSH-005")]
    assert got == (expected if action != "update" else "not-exercised") and (action != "update" or infos == ["info"])


@pytest.mark.parametrize(("pushed", "expected"), [([record()], "conforms"), ([], "warned")])
def test_empty_full_load(pushed: list[Any], expected: str) -> None:
    """An empty fullLoad while the fleet is not empty is told."""
    build = Build()
    build.push_data(pushed, t=1)
    assert outcome(build.evidence(), "PUSH-006") == expected


@pytest.mark.parametrize(("before", "expected"), [([], "not-exercised"), ([{"EvseID": EVSE}], "warned")])
def test_empty_full_load_of_prices(before: list[Any], expected: str) -> None:
    """No prices remove prices that were there; where none were, nothing is removed."""
    build = Build()
    for t, prices in enumerate([before, []] if before else [[]], 2):
        build.exchange("PushEVSEPricing", {"ActionType": "fullLoad", "EVSEPricing": prices}, t=t)
    assert outcome(build.evidence(), "PUSH-006") == expected


@pytest.mark.parametrize(
    ("steps", "requirement", "expected"),
    [
        ([("insert", EVSE, {})], "PUSH-007", "conforms"),
        ([("insert", EVSE, {}), ("insert", EVSE, {"answer": ack("009")})], "PUSH-007", "violated"),
        ([("insert", EVSE, {"answer": ack("009")}), ("insert", EVSE, {})], "PUSH-007", "conforms"),
        ([("insert", EVSE, LOST), ("insert", EVSE, {})], "PUSH-007", "conforms"),
        ([("insert", EVSE, {}), ("delete", EVSE, {}), ("insert", EVSE, {})], "PUSH-007", "conforms"),
        ([("fullLoad", EVSE, {}), ("update", EVSE, {})], "PUSH-008", "conforms"),
        ([("fullLoad", EVSE, {}), ("update", OTHER, {"answer": ack("009")})], "PUSH-008", "violated"),
        ([("fullLoad", EVSE, LOST), ("update", OTHER, {})], "PUSH-008", "conforms"),
        ([("update", OTHER, {})], "PUSH-008", "violated"),
    ],
)
def test_insert_and_update(steps: list[tuple[str, str, dict[str, Any]]], requirement: str, expected: str) -> None:
    """Inserts are new, updates are known; where an answer was lost nobody knows."""
    build = started()
    for at, (action, evse, more) in enumerate(steps):
        build.push_data([record(evse)], t=1 + at, action=action, **more)
    assert outcome(build.evidence(), requirement) == expected


def test_backend_that_ran_before() -> None:
    """A backend the bench did not start may believe that its data are at the hub, until its first fullLoad."""
    build = Build()
    build.push_data([record()], t=1, action="update")
    build.push_status({EVSE: "Available"}, t=1.5)
    for requirement in ("PUSH-008", "PUSH-014", "STAT-004"):
        assert outcome(build.evidence(), requirement) == "not-exercised"
    build.push_data([record()], t=2)
    build.push_data([record(OTHER)], t=3, action="update", answer=ack("009"))
    assert outcome(build.evidence(), "PUSH-008") == "violated"


@pytest.mark.parametrize(("action", "expected"), [("fullLoad", "conforms"), ("insert", "warned")])
def test_first_upload(action: str, expected: str) -> None:
    """A new backend begins with a fullLoad."""
    build = started()
    build.push_data([record()], t=1, action=action)
    build.push_data([record()], t=2)
    assert outcome(build.evidence(), "PUSH-014") == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([0, 6, 12], "conforms"),
        ([0, 7 + 1 / 24, 14.03], "conforms"),
        ([0, 7.1], "warned"),
        ([0, 8], "warned"),
        ([0], "not-exercised"),
    ],
)
def test_weekly_load(days: list[float], expected: str) -> None:
    """More than a week between fullLoads warns, the hour of summer time aside; a short recording decides nothing."""
    build = Build()
    for day in days:
        build.push_data([record()], t=day * DAY)
    assert outcome(build.evidence(), "PUSH-015") == expected


@pytest.mark.parametrize(
    ("t", "hotline", "until", "expected"),
    [(11, "+4911111", 20, "conforms"), (11, "+4930123456", 20, "not-exercised"), (100, "+4911111", 110, "warned"), (None, "", 200, "warned")],
)  # fmt: skip
def test_static_change(t: float | None, hotline: str, until: float, expected: str) -> None:
    """A changed record is pushed at once, with the change in it."""
    build = Build()
    build.push_data([record()], t=1)
    hook(build, "update_evse", t=10, data_record={"HotlinePhoneNumber": "+4911111"})
    if t:
        build.push_data([record(HotlinePhoneNumber=hotline)], t=t, action="update")
    assert outcome(build.evidence(until=until), "PUSH-016") == expected


@pytest.mark.parametrize(
    ("later", "expected"),
    [(["+4911111"], "conforms"), (["+4930123456"], "warned"), (["+4930123456", "+4911111"], "conforms")],
)
def test_a_change_that_is_taken_back(later: list[str], expected: str) -> None:
    """After a restart, say, the records are the old ones again."""
    build = Build()
    build.push_data([record()], t=1)
    hook(build, "update_evse", t=10, data_record={"HotlinePhoneNumber": "+4911111"})
    for t, hotline in enumerate(["+4911111", *later]):
        build.push_data([record(HotlinePhoneNumber=hotline)], t=11 + 20 * t, action="fullLoad" if t else "update")
    assert outcome(build.evidence(until=100), "PUSH-016") == expected


@pytest.mark.parametrize(("t", "expected"), [(12, "conforms"), (30, "warned")])
def test_an_update_without_the_change(t: float, expected: str) -> None:
    """A full load some time later does not show that the update of the record held what was changed."""
    build = Build()
    build.push_data([record()], t=1)
    hook(build, "update_evse", t=10, data_record={"HotlinePhoneNumber": "+4911111"})
    build.push_data([record(HotlinePhoneNumber="+4922222")], t=9.9, action="update")
    build.push_data([record(HotlinePhoneNumber="+4911111")], t=t)
    assert outcome(build.evidence(until=40), "PUSH-016") == expected


# --- EVSE data ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirement", "change", "expected"),
    [
        ("EVSE-037", {}, "conforms"),
        ("EVSE-037", {"AuthenticationModes": ["NFC RFID Classic"]}, "warned"),
        ("EVSE-037", {"AuthenticationModes": ["REMOTE", "NFC RFID Classic"]}, "warned"),
        ("EVSE-037", {"AuthenticationModes": "REMOTE"}, "not-exercised"),
        ("EVSE-050", {}, "conforms"),
        ("EVSE-050", {"IsHubjectCompatible": False}, "violated"),
        ("EVSE-050", {"IsHubjectCompatible": "true"}, "not-exercised"),
        ("EVSE-056", {}, "conforms"),
        ("EVSE-056", {"Plugs": ["CCS Combo 2 Plug (Cable Attached)"]}, "warned"),
        ("EVSE-056", {"ChargingFacilities": [{"PowerType": "DC", "Power": 50}]}, "warned"),
        ("EVSE-056", {"ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Power": 22.0}]}, "conforms"),
        (
            "EVSE-056",
            {"GeoCoordinates": {"DecimalDegree": {"Latitude": "52.480495", "Longitude": "13.356465"}}},
            "conforms",
        ),
        (
            "EVSE-056",
            {"GeoCoordinates": {"DecimalDegree": {"Latitude": "13.356465", "Longitude": "52.480495"}}},
            "warned",
        ),
        ("EVSE-056", {"Address": {"Country": "DEU", "City": "berlin ", "Street": "EUREF-Campus"}}, "conforms"),
        ("EVSE-056", {"Address": {"Country": "DEU", "City": "Hamburg"}}, "warned"),
        ("EVSE-056", {"IsOpen24Hours": False}, "warned"),
        ("EVSE-056", {"Plugs": 7, "ChargingFacilities": "x", "GeoCoordinates": [], "Address": None}, "conforms"),
        ("EVSE-057", {}, "violated"),
    ],
)
def test_record_against_the_fleet(requirement: str, change: dict[str, Any], expected: str) -> None:
    """The record is that of the station; another notation, case or rounding is innocent."""
    build = Build()
    build.push_data([record(EVSE, **change)], t=1)
    assert outcome(build.evidence(until=10), requirement) == expected
    assert (
        outcome(replace(build.evidence(until=10), run=replace(build.run, fleet=None)), requirement) == "not-exercised"
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, "conforms"), ({"http_status": 400, "answer": b"{}"}, "not-exercised"), (LOST, "not-exercised")],
)
def test_whole_fleet(more: dict[str, Any], expected: str) -> None:
    """All EVSEs open for roaming are at the hub; a refused push is told elsewhere."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER), record(THIRD)], t=1, **more)
    assert outcome(build.evidence(until=10), "EVSE-057") == expected


def test_a_fleet_without_records_is_told_by_its_ids() -> None:
    """Where the backend has records of its own, the fleet file has ids alone; they are told as they are written there."""
    build = Build()
    for point in build.run.fleet["charge_points"] if build.run.fleet else ():
        point["evses"] = [{name: e[name] for name in ("evse_id", "connector_id")} for e in point["evses"]]
    build.push_data([record(EVSE)], t=1)
    told = {f.observed for f in findings(build.evidence(until=10), "EVSE-057")}
    assert told == {f"{OTHER} is not at the hub"}


def test_the_only_evse_left() -> None:
    """It had been published; that the fleet is empty at the end takes nothing away from that."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER), record(THIRD)], t=1)
    build.push_data([record(EVSE), record(OTHER), record(THIRD)], t=3, http_status=400, answer=b"{}")
    assert outcome(build.evidence(until=10), "EVSE-057") == "conforms"


def test_private_evse_need_not_be_published() -> None:
    """An EVSE the configuration does not open for roaming may stay away."""
    build = Build()
    whole = fleet(EVSE, OTHER)
    whole["charge_points"][1]["evses"][0]["data_record"]["IsHubjectCompatible"] = False
    build.run = replace(build.run, fleet=whole)
    build.push_data([record(EVSE)], t=1)
    assert outcome(build.evidence(until=10), "EVSE-057") == "conforms"


@pytest.mark.parametrize(
    ("said", "statuses", "until", "expected"),
    [
        ("true", [EVSE], 10, "conforms"),
        ("false", [EVSE], 10, "warned"),
        ("false", [OTHER], 10, "conforms"),
        ("true", [OTHER], 100, "warned"),
        ("true", [], 100, "not-exercised"),
        ("auto", [OTHER], 100, "not-exercised"),
        (True, [EVSE], 10, "conforms"),
    ],
)
def test_dynamic_info(said: Any, statuses: list[str], until: float, expected: str) -> None:
    """DynamicInfoAvailable agrees with the statuses that are pushed."""
    build = Build()
    build.push_data([record(EVSE, DynamicInfoAvailable=said)], t=1)
    for evse in statuses:
        build.push_status({evse: "Available"}, t=2)
    assert outcome(build.evidence(until=until), "EVSE-052") == expected


@pytest.mark.parametrize(("t", "expected"), [(3.0, "conforms"), (7.0, "warned")], ids=["before", "after"])
def test_a_status_before_dynamic_information_was_given_up(t: float, expected: str) -> None:
    """Only a status that is pushed beside `false` contradicts it."""
    build = Build()
    build.push_data([record(EVSE), record(OTHER)], t=1)
    build.push_status({OTHER: "Available"}, t=2)
    build.push_status({EVSE: "Occupied"}, t=t)
    build.push_data([record(EVSE, DynamicInfoAvailable="false")], t=5, action="update")
    assert outcome(build.evidence(), "EVSE-052") == expected


@pytest.mark.parametrize(
    ("services", "answer", "expected"),
    [
        (["Reservation"], {}, "conforms"),
        (["Reservation"], {"http_status": 404, "answer": b""}, "warned"),
        (["Reservation"], {"answer": ack("320")}, "warned"),
        (["Reservation"], {"answer": ack("602")}, "conforms"),
        (["None"], {"http_status": 404, "answer": b""}, "not-exercised"),
    ],
)
def test_announced_reservation(services: list[str], answer: dict[str, Any], expected: str) -> None:
    """Reservation is announced only where it is served."""
    build = Build()
    build.push_data([record(EVSE, ValueAddedServices=services)], t=1)
    build.start(t=5, operation="AuthorizeRemoteReservationStart", **answer)
    assert outcome(build.evidence(), "EVSE-041") == expected


@pytest.mark.parametrize(
    ("t", "expected"), [(20.0, "not-exercised"), (4.0, "warned")], ids=["announced later", "announced before"]
)
def test_a_reservation_before_it_was_announced(t: float, expected: str) -> None:
    """What counts is what the record at the hub said when the reservation came."""
    build = Build()
    build.push_data([record(EVSE)], t=1)
    build.push_data([record(EVSE, ValueAddedServices=["Reservation"])], t=t, action="update")
    build.start(t=10, operation="AuthorizeRemoteReservationStart", answer=ack("320"))
    assert outcome(build.evidence(), "EVSE-041") == expected


@pytest.mark.parametrize(
    ("priced", "until", "expected"), [(EVSE, 10, "conforms"), (OTHER, 100, "warned"), (OTHER, 10, "not-exercised")]
)
def test_announced_pricing(priced: str, until: float, expected: str) -> None:
    """DynamicPricing is announced only for EVSEs with prices."""
    build = Build(profiles=("remote-only", "pricing"))
    build.push_data([record(EVSE, ValueAddedServices=["DynamicPricing"])], t=1)
    build.exchange("PushEVSEPricing", {"ActionType": "fullLoad", "EVSEPricing": [{"EvseID": priced}]}, t=2)
    assert outcome(build.evidence(until=until), "EVSE-041") == expected


@pytest.mark.parametrize(
    ("action", "priced", "expected"),
    [("fullLoad", OTHER, "warned"), ("update", OTHER, "not-exercised"), ("update", EVSE, "conforms")],
)
def test_announced_pricing_on_the_wire_alone(action: str, priced: str, expected: str) -> None:
    """Prices may have been pushed before a recording that holds no fullLoad of them; the finding names the EVSE as it was sent."""
    build = Build(truth=False, fleet=None, source="har")
    build.push_data([record(EVSE, ValueAddedServices=["DynamicPricing"])], t=1)
    build.exchange("PushEVSEPricing", {"ActionType": action, "EVSEPricing": [{"EvseID": priced}]}, t=2)
    assert outcome(build.evidence(until=100), "EVSE-041") == expected
    assert all(EVSE in f.observed and f.evse_id == EVSE for f in findings(build.evidence(until=100), "EVSE-041"))


PRICED, PLAIN = ["DynamicPricing"], ["None"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([("update", PRICED, 20), ("delete", PRICED, 50)], "conforms"),
        ([("update", PRICED, 20), ("update", PLAIN, 50)], "conforms"),
        ([("update", PRICED, 170)], "not-exercised"),
        ([("update", PRICED, 50)], "warned"),
    ],
)
def test_pricing_is_asked_for_where_it_is_announced_last(
    said: list[tuple[str, list[str], float]], expected: str
) -> None:
    """An EVSE that was removed or does not announce it any more needs no prices, one that just began to has time."""
    build = Build(truth=False, fleet=None, source="har")
    build.push_data([record(EVSE, ValueAddedServices=PRICED), record(OTHER, ValueAddedServices=PLAIN)], t=1)
    for action, services, t in said:
        build.push_data([record(OTHER, ValueAddedServices=services)], t=t, action=action)
    build.exchange("PushEVSEPricing", {"ActionType": "fullLoad", "EVSEPricing": [{"EvseID": EVSE}]}, t=40)
    assert outcome(build.evidence(until=200), "EVSE-041") == expected


@pytest.mark.parametrize(
    ("first", "source", "until", "expected"),
    [
        ("update", "har", 200, "conforms"),
        ("update", "run", 200, "warned"),
        ("fullLoad", "har", 200, "warned"),
        ("update", "har", 90_000, "warned"),
    ],
)
def test_statuses_before_the_recording(first: str, source: str, until: float, expected: str) -> None:
    """A recording that begins in the middle does not tell whether the status of an EVSE was ever pushed."""
    build = Build(truth=False, fleet=None, source=source)
    build.push_data([record(EVSE), record(OTHER, DynamicInfoAvailable="auto")], t=1, action="update")
    build.push_status({OTHER: "Occupied"}, t=5, action=first)
    assert outcome(build.evidence(until=until), "EVSE-052") == expected


def test_broken_street_is_a_matter_of_encoding() -> None:
    """A street whose umlauts were lost is told as such and not as another street."""
    build = Build()
    whole = fleet(EVSE)
    whole["charge_points"][0]["evses"][0]["data_record"]["Address"]["Street"] = "Köpenicker Straße"
    build.run = replace(build.run, fleet=whole)
    address = {**record()["Address"], "Street": "K?penicker Stra?e"}
    build.push_data([record(EVSE, Address=address)], t=1)
    assert outcome(build.evidence(), "HTTP-004") == "violated"
    assert outcome(build.evidence(), "EVSE-056") == "conforms"
