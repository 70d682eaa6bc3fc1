"""When messages of the CPO could not be delivered: the hub down, answers missing, server errors; and when the CPO itself was down."""

from bisect import bisect_right
from functools import lru_cache

from oicp.evidence import Evidence, Exchange

TRANSIENT = frozenset(("001", "002", "009", "021"))
"""Codes after which the same message may succeed later."""


UNHEARD = "the recording has no answer"
"""Error of an exchange whose answer was not recorded: whether one came, nobody knows."""


def unheard(e: Exchange) -> bool:
    """The answer was not recorded."""
    return e.answer is None and e.error == UNHEARD


def undelivered(e: Exchange) -> bool:
    """The CPO got no usable answer: none at all, none in time, 408, 429 or a server error."""
    if unheard(e):
        return False
    return e.answer is None or e.error is not None or e.answer.http_status in (408, 429) or e.answer.http_status >= 500


_GAVE_UP = ("gave up", "peer closed", "hung up", "disconnected", "closed by the cpo", "client closed")
_WAITED = ("timed out", "timed_out", "timeout", "timedout")
"""What HTTP clients say when they waited long enough for an answer; not for a connection."""


def abandoned(e: Exchange) -> bool:
    """The CPO itself gave up waiting for the answer."""
    error = (e.error or "").lower()
    waited = any(words in error for words in _WAITED) and "connect" not in error
    return e.by_cpo and (bool(e.recorder.get("abandoned")) or waited or any(words in error for words in _GAVE_UP))


class Periods:
    """Stretches of time that do not overlap, in order."""

    def __init__(self, spans: list[tuple[float, float]]) -> None:
        self.spans = spans
        self._begins = [begin for begin, _ in spans]

    def touch(self, begin: float, end: float) -> bool:
        """Some of them lies within `begin` to `end`."""
        at = bisect_right(self._begins, end)
        return at > 0 and self.spans[at - 1][1] >= begin

    def end_of(self, t: float) -> float:
        """End of the period that second `t` lies in; `t` itself where it lies in none."""
        at = bisect_right(self._begins, t)
        return max(t, self.spans[at - 1][1]) if at else t


_ENDING_S = 15.0


@lru_cache(maxsize=8)
def hub_down(evidence: Evidence) -> Periods:
    """Periods in which the hub accepted no connection."""
    return Periods(_spans(evidence, "hub_down", "hub_up"))


@lru_cache(maxsize=8)
def cpo_down(evidence: Evidence) -> Periods:
    """Periods in which the process of the CPO did not run."""
    spans = _spans(evidence, "cpo_exited", "cpo_started")
    if spans and spans[-1][1] >= evidence.t_end and spans[-1][0] >= evidence.t_end - _ENDING_S:
        spans.pop()  # the bench stops the CPO when everything is over
    return Periods(spans)


def _spans(evidence: Evidence, begins: str, ends: str) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    begun: float | None = None
    for o in evidence.seen(begins, ends):
        if o.kind == begins and begun is None:
            begun = o.t
        elif o.kind == ends and begun is not None:
            found.append((begun, o.t))
            begun = None
    return [*found, (begun, evidence.t_end)] if begun is not None else found


def down_at_the_end(evidence: Evidence) -> bool:
    """The hub or the CPO was not up when the recording ended."""
    return any(p.spans and p.spans[-1][1] >= evidence.t_end for p in (hub_down(evidence), cpo_down(evidence)))


@lru_cache(maxsize=8)
def status_troubled(evidence: Evidence) -> Periods:
    """Periods in which statuses could not be pushed as usual: the hub or the CPO down, status pushes undelivered, and a moment after."""
    spans = [*hub_down(evidence).spans, *((begin, end + 5.0) for begin, end in cpo_down(evidence).spans)]
    for e in evidence.about("PushEvseStatus"):
        if e.by_cpo and (undelivered(e) or e.faults or e.status_code in TRANSIENT):
            spans.append((e.t, (e.t if e.t_end is None else e.t_end) + 1.0))
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return Periods(merged)
