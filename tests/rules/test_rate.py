"""Rate limits, back-off and probes."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.rules.build import BEGIN, EVSE, Build, findings, outcome, record, verdict


def limited(build: Build, times: list[float], *, session: int = 1, **more: Any) -> None:
    """A CDR that meets 429 at all these seconds but the last, where it is accepted."""
    for t in times[:-1]:
        build.cdr(t=t, session=session, took=0, http_status=429, answer=b"", faults=("limit",), **more)
    build.cdr(t=times[-1], session=session, took=0)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([1 + i * 0.5 for i in range(35)], "conforms"),
        ([1 + i * 0.5 for i in range(36)], "violated"),
        ([45 + i * 0.5 for i in range(36)], "warned"),
        ([i * 1.0 for i in range(20)] + [60 + i for i in range(20)], "conforms"),
        ([i * 2.0 for i in range(100)], "conforms"),
    ],
)
def test_basic_limits(times: list[float], expected: str) -> None:
    """35 CDRs a minute are allowed here (scale 0.1); an excess that only a sliding window shows warns."""
    build = Build(settings={"rate_scale": 0.1})
    for at, t in enumerate(times):
        build.cdr(t=t, session=at)
    evidence = build.evidence()
    assert outcome(evidence, "RATE-001") == expected
    assert len(findings(evidence, "RATE-001")) == (expected != "conforms")


@pytest.mark.parametrize(
    ("requirement", "operation", "scale", "allowed"),
    [
        ("RATE-002", "AuthorizeStop", 0.04, 2),
        ("RATE-003", "ChargingNotifications", 0.02, 2),
        ("RATE-004", "PushEVSEPricing", "no number", 6),
    ],
)
def test_other_limits(requirement: str, operation: str, scale: object, allowed: int) -> None:
    """Each operation has its own limit; a scale that is no number is left out of account."""
    build = Build(settings={"rate_scale": scale})
    for t in range(allowed):
        build.exchange(operation, {"EVSEPricing": [{}]}, t=t)
    assert outcome(build.evidence(), requirement) == "conforms"
    build.exchange(operation, {}, t=7)
    assert outcome(build.evidence(), requirement) == "violated"


@pytest.mark.parametrize(("spacing", "expected"), [(0.1, "not-exercised"), (3.0, "conforms")])
def test_backlog(spacing: float, expected: str) -> None:
    """A backlog sent too fast is folded under the limit it breaks; one that is spread conforms."""
    build = Build(settings={"rate_scale": 0.1})
    build.observe("hub_down", t=1)
    build.observe("hub_up", t=60)
    for at in range(40):
        build.cdr(t=61 + at * spacing, session=at)
    evidence = build.evidence()
    both = verdict(evidence, "RATE-001", "RATE-009")
    assert str(both.of("RATE-009").outcome) == expected
    if expected == "not-exercised":
        assert both.of("RATE-001").findings[0].also == ("RATE-009",)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([1, 2, 4, 8, 16], "conforms"),
        ([1, 1.7, 4.1, 6.9, 15], "conforms"),
        ([1, 2, 3, 4, 5], "warned"),
        ([1, 2, 3.1, 4, 5.1], "warned"),
        ([1, 1.71, 2.4, 3.45], "conforms"),  # 0.25, 0.5, 1 s and the delay of a busy machine
        ([1, 1.7, 2.4, 3.2], "warned"),
        ([1, 1.7, 2.4, 3.4, 4.3], "warned"),
        ([1, 1.001], "warned"),
        ([1, 1.05, 1.1, 1.15], "warned"),
        ([1, 3], "not-exercised"),
        ([1, 31, 91, 151, 211, 271], "conforms"),
        ([1, 61, 121, 181, 241], "warned"),
        ([1, 901, 1801, 2701, 3601], "conforms"),
        ([1, 3.4, 10.5, 14.8, 16.4, 21.1, 29.1], "conforms"),  # each wait drawn from up to thrice the one before
        ([1, 3.4, 6.5, 8.8, 11.4, 13.1, 16.1], "warned"),
    ],
)
def test_backoff(times: list[float], expected: str) -> None:
    """Waits grow; once at the cap they need not, nor those of a job that comes seldom; jitter may disturb them, two attempts prove nothing."""
    build = Build()
    limited(build, times)
    assert outcome(build.evidence(), "RATE-005") == expected


@pytest.mark.parametrize(
    ("others", "expected"), [([1, 2, 4, 8, 16, 32, 64], "conforms"), ([1, 3, 6, 8, 11, 13, 16], "warned")]
)
def test_waits_drawn_at_random_grow_on_the_whole(others: list[float], expected: str) -> None:
    """What chance hides in one message shows in several."""
    build = Build()
    for session, times in enumerate([[1, 3.25, 4.84, 7.88, 9.47, 10.8, 13.8], others], 1):
        limited(build, times, session=session)
    assert outcome(build.evidence(), "RATE-005") == expected


def test_another_status_is_no_repeat() -> None:
    """The EVSE changed again just after a push that met 429; the new status goes out as a change of its own."""
    build = Build()
    build.push_status({EVSE: "OutOfService"}, t=1, http_status=429, answer=b"<html></html>", took=0.001)
    build.push_status({EVSE: "Available"}, t=1.002)
    assert outcome(build.evidence(), "RATE-005") == "not-exercised"


def test_retry_after_is_followed() -> None:
    """Who waits as long as the hub asks for, in seconds or to a moment, needs no growth of his own."""
    build = Build()
    limited(build, [1, 6, 11, 16, 21], answer_headers=(("Retry-After", "5"),))
    assert outcome(build.evidence(), "RATE-005") == "conforms"


@pytest.mark.parametrize(("wait", "expected"), [(5, "conforms"), (2, "warned")])
def test_retry_after_names_a_moment(wait: int, expected: str) -> None:
    """HTTP allows a date as well; it is read by the clock of the hub, which is an hour ahead here."""
    build = Build()
    for at in range(5):
        now = BEGIN + timedelta(hours=1, seconds=1 + at * wait)
        until = now + timedelta(seconds=5)
        headers = (("Date", format_datetime(now, True)), ("Retry-After", format_datetime(until, True)))
        build.cdr(t=1 + at * wait, begin=-9, end=0, took=0, http_status=429, answer=b"", answer_headers=headers)
    assert outcome(build.evidence(), "RATE-005") == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1, 3, 7, 15], [2, 4, 8, 16], [3, 5, 9, 17]], "warned"),
        ([[1, 3.3, 7, 15], [2, 4, 8.9, 16], [3, 5.8, 9, 19]], "conforms"),
        ([[1, 3, 7]], "not-exercised"),
    ],
)
def test_jitter(rows: list[list[float]], expected: str) -> None:
    """Several messages repeated in step have no random part; a single one decides nothing."""
    build = Build()
    for session, times in enumerate(rows):
        limited(build, times, session=session)
    assert outcome(build.evidence(), "RATE-006") == expected


@pytest.mark.parametrize(("after", "grades"), [(1, []), (40, ["info"])])
def test_global_throttle(after: int, grades: list[str]) -> None:
    """A full rate of the others is information only."""
    build = Build()
    for t in range(20):
        build.push_status({EVSE: "Occupied"}, t=t)
    for at in range(10):
        build.cdr(t=60 + at, session=at, http_status=429, answer=b"")
    for at in range(after):
        build.push_status({EVSE: "Available"}, t=70 + at)
    evidence = build.evidence(until=200)
    assert [str(f.grade) for f in findings(evidence, "RATE-008")] == grades


@pytest.mark.parametrize(
    ("action", "records", "expected"),
    [
        ("insert", [], "violated"),
        ("delete", [], "violated"),
        ("fullLoad", [], "conforms"),
        ("insert", [record()], "conforms"),
    ],
)
def test_probes(action: str, records: list[Any], expected: str) -> None:
    """An empty push is a probe, an empty full load is not (it purges)."""
    build = Build()
    build.push_data(records, t=1, action=action)
    assert outcome(build.evidence(), "RATE-010") == expected


@pytest.mark.parametrize("target", ["/", "/api/oicp", "/health"])
def test_health_check(target: str) -> None:
    """A GET of the root, or of what is no operation, only probes; it has no path that could be wrong."""
    build = Build()
    build.exchange(None, b"", t=1, method="HEAD", target=target)
    assert outcome(build.evidence(), "RATE-010") == "violated"
    assert outcome(build.evidence(), "HTTP-002") == "not-exercised"
