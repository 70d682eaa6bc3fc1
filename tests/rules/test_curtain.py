"""What a CPO says while the bench takes everything down around it is no word about how it behaves."""

import pytest

from tests.rules.build import EVSE, OTHER, Build, outcome, record


def _day(*, curtain: float) -> Build:
    build = Build()
    build.observe("cpo_started", t=0, pid=1)
    for evse, point in ((EVSE, "CP-1"), (OTHER, "CP-2")):
        build.observe("charge_point_connected", t=0.05, charge_point=point)
        build.connector("Available", t=0.1, evse_id=evse)
    build.push_data([record(EVSE), record(OTHER)], t=0.5)
    build.push_status({EVSE: "Available", OTHER: "Available"}, t=0.7, action="fullLoad")
    build.observe("stage_down", t=curtain)
    return build


@pytest.mark.parametrize(("curtain", "found"), [(30, "not-exercised"), (50, "violated")])
def test_unknown_when_all_charge_points_vanish(curtain: float, found: str) -> None:
    """After the curtain it is right, before it it is not."""
    build = _day(curtain=curtain)
    build.push_status({EVSE: "Unknown"}, t=40)
    assert outcome(build.evidence(until=100), "STAT-007") == found


@pytest.mark.parametrize(("curtain", "found"), [(30, "conforms"), (50, "violated")])
def test_a_backend_that_signs_off(curtain: float, found: str) -> None:
    """A second full load with nothing in it, as a backend sends that ends."""
    build = _day(curtain=curtain)
    build.push_data([], t=40)
    assert outcome(build.evidence(until=100), "EVSE-057") == found


@pytest.mark.parametrize(("curtain", "found"), [(40.5, "not-exercised"), (50, "violated")])
def test_a_call_that_was_still_open(curtain: float, found: str) -> None:
    """Who is taken down before the answer owes none."""
    build = _day(curtain=curtain)
    build.start(t=40, took=2, http_status=None, answer=None)
    assert outcome(build.evidence(until=100), "HTTP-012") == found
