"""How long remote requests take, one by one and side by side (RSTART-013, -014, -016, RSTOP-008, -009)."""

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import end_of, evse_of, remote_starts
from oicp.services import HUB_TO_CPO, START, STOP
from oicp.sessions import folded

whole = rules_about_evidence()
_BURST = 5
"""So many starts at once are needed to tell serial from concurrent."""


@whole.rule("RSTART-013", "RSTART-014", "RSTOP-008", "RSTOP-009")
def answers_in_time(evidence: Evidence) -> Iterator[Yield]:
    """A remote start or stop is answered within 60 s, better within 10 s."""
    for exchange in evidence.about(START, STOP, direction=HUB_TO_CPO):
        soon, late = ("RSTART-013", "RSTART-014") if exchange.operation == START else ("RSTOP-008", "RSTOP-009")
        if not exchange.faults:
            yield from _timed(evidence, exchange, soon, late)


def _timed(evidence: Evidence, exchange: Exchange, soon: str, late: str) -> Iterator[Yield]:
    longest = limit(evidence, "answer_s")
    unanswered = exchange.answer is None
    took = (evidence.t_end if exchange.t_end is None else exchange.t_end) - exchange.t
    if unanswered and took < longest - 0.5:
        given_up = "timeout" in (exchange.error or "")
        yield NotExercised(late, "the recorder gave up before 60 s" if given_up else "no answer for other reasons")
        return
    operation = exchange.operation or ""
    yield Checked(late, operation)
    if unanswered or took > longest:
        what = f"no answer within {took:.0f} s" if unanswered else f"answered after {took:.1f} s"
        yield finding(f"{what}; the hub gives up after {longest:g} s", on=exchange, requirement=late)
        return
    yield Checked(soon, operation)
    if took > limit(evidence, "answer_soon_s"):
        yield finding(f"answered after {took:.1f} s, recommended are 10 s", on=exchange, requirement=soon)


@whole.rule("RSTART-016")
def serves_starts_side_by_side(evidence: Evidence) -> Iterator[Yield]:
    """Remote starts for different EVSEs are processed concurrently."""
    for burst in _bursts(evidence):
        yield Checked("RSTART-016", START)
        times = sorted((e.duration_s or 0.0) for e in burst)
        rising = times[-1] >= 0.5 * len(burst) * times[0] and median(times) >= 0.25 * times[-1]
        if times[-1] >= 1.0 and rising and _one_by_one(evidence, burst):
            yield finding(
                f"{len(burst)} starts at once were served one after another: the first answer took {times[0]:.2f} s, "
                f"the last {times[-1]:.2f} s", on=max(burst, key=end_of),
            )  # fmt: skip


def _bursts(evidence: Evidence) -> Iterator[list[Exchange]]:
    burst: list[Exchange] = []
    for start in sorted(remote_starts(evidence), key=lambda e: e.t):
        if burst and start.t - burst[0].t > 1.0:
            yield from _usable(burst)
            burst = []
        burst.append(start)
    yield from _usable(burst)


def _usable(burst: list[Exchange]) -> Iterator[list[Exchange]]:
    answered = {folded(evse_of(e) or str(e.number)): e for e in burst if e.answer is not None}
    steps = sorted([(e.t, 1) for e in answered.values()] + [(end_of(e), -1) for e in answered.values()])
    open_now = most = 0
    for _, step in steps:
        open_now += step
        most = max(most, open_now)
    if most >= _BURST:
        yield list(answered.values())


def _one_by_one(evidence: Evidence, burst: list[Exchange]) -> bool:
    """The command for an EVSE left only after the answer to a request that came before; without truth: evenly spaced answers."""
    ordered = sorted(burst, key=end_of)
    commands = [
        next(iter(chargers(evidence).of("remote_start_received", evse_of(e)).between(e.t, end_of(e))), None)
        for e in ordered
    ]
    steps = zip(ordered, ordered[1:], commands[1:], strict=False)
    pairs = [(a, c.t) for a, b, c in steps if c is not None and b.t < end_of(a) - 0.05]
    if sum(c is not None for c in commands) >= len(ordered) // 2:
        return len(pairs) >= len(ordered) // 2 and bool(
            sum(t >= end_of(before) - 0.02 for before, t in pairs) >= 0.8 * len(pairs)
        )
    gaps = [end_of(b) - end_of(a) for a, b in pairwise(ordered)]
    shortest = min(end_of(e) - e.t for e in ordered)
    spaced = shortest >= 0.2 and sum(gap >= 0.5 * shortest for gap in gaps) >= 0.8 * len(gaps)
    return spaced and _in_turn(ordered)


def _in_turn(ordered: list[Exchange]) -> bool:
    """Answered in the order of arrival; charge points that take their time answer in any order."""
    pairs = [(a.t, b.t) for at, a in enumerate(ordered) for b in ordered[at + 1 : at + 20]]
    return sum(first <= second for first, second in pairs) >= 0.8 * len(pairs)
