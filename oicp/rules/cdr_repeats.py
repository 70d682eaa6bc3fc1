"""CDRs that could not be delivered at once: repeated until accepted, over a restart, with the same content (CDR-030 to -034)."""

from collections.abc import Iterator

from oicp import deliveries
from oicp.deliveries import CDR, due, failed, lost, says_closed
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import end_of
from oicp.sessions import Session, sessions
from oicp.wire_json import Json, shown

whole = rules_about_evidence()
_DATA_ERROR = "022"
_UNCHANGED_REPEATS = 3
_LONG_RUN_S = 240.0
"""A run that was asked to wait long waits so long at least for a repeat."""
_AT_REST_S = 20.0


def _with_cdr_due(evidence: Evidence) -> Iterator[tuple[Session, float]]:
    """Accepted sessions whose CDR was attempted or due, and since when."""
    for own in sessions(evidence):
        told = due(own) if evidence.run.truth and deliveries.charged(own) else None
        first = own.cdrs[0].t if own.cdrs else None
        since = min((t for t in (told, first) if t is not None), default=None)
        if own.accepted and since is not None:
            yield own, since


def _settled(own: Session) -> Exchange | None:
    """The attempt after which nothing is left to do: accepted, or answered that the session is closed after a lost answer."""
    missed = False
    for attempt in own.cdrs:
        if not failed(attempt) and (attempt.accepted or (missed and says_closed(attempt))):
            return attempt
        missed = missed or failed(attempt)
    return None


def _restarts(evidence: Evidence) -> list[float]:
    """When the CPO was restarted on purpose."""
    hooks = [o for o in evidence.seen("hook") if o.data.get("hook") == "restart"]
    done = [o.t for o in hooks if str(o.data.get("outcome")) not in ("failed", "skipped", "error")]
    return sorted(done + [o.t for o in evidence.seen("cpo_restarted")])


@whole.rule("CDR-030", "CDR-031")
def repeats_until_accepted(evidence: Evidence) -> Iterator[Yield]:
    """A CDR that could not be delivered is sent again until the hub accepts it, also over a restart."""
    restarts = _restarts(evidence)
    for own, since in _with_cdr_due(evidence):
        settled = _settled(own)
        before = [c for c in own.cdrs if settled is None or c.number < settled.number]
        hampered = any(failed(c) for c in before)
        until = settled.t if settled else evidence.t_end
        restarted = [t for t in restarts if since <= t <= until]
        if not hampered and not restarted and not deliveries.hub_was_down(evidence, since, until):
            continue
        if own.cdrs and not hampered and settled is None:
            continue  # refused for its content: CDR-034
        if settled is not None:
            yield Checked("CDR-031" if restarted else "CDR-030", CDR)
            continue
        attempts = [end_of(c) for c in before]
        if not attempts and _rested(evidence, since, until) > max(deliveries.cdr_grace(evidence), _AT_REST_S):
            continue  # missing long before anything went wrong: CDR-001, CDR-002
        restarted = [t for t in restarted if _was_pending(evidence, t, since, attempts)]
        requirement = "CDR-031" if restarted else "CDR-030"
        yield from _still_missing(evidence, own, requirement, [since, *restarted, *attempts])


def _was_pending(evidence: Evidence, t: float, since: float, attempts: list[float]) -> bool:
    """The CDR was on its way still at second `t`, as it seems; a backend that had let it rest for long lost it before."""
    last = max((end for end in attempts if end <= t), default=since)
    return _rested(evidence, last, t) <= limit(evidence, "doubt_s")


def _rested(evidence: Evidence, begin: float, end: float) -> float:
    """Seconds from `begin` on in which the CDR could have been sent: to the next outage of the hub, the next restart, or `end`."""
    down = [t for t, up in zip(*_hub_steps(evidence), strict=True) if not up and t >= begin]
    if deliveries.hub_up(evidence).at(begin) is False:
        return 0.0
    return min([end, *down, *(t for t in _restarts(evidence) if t >= begin)]) - begin


def _still_missing(evidence: Evidence, own: Session, requirement: str, moments: list[float]) -> Iterator[Yield]:
    if deliveries.hub_up(evidence).at(evidence.t_end) is False:
        yield NotExercised(requirement, "the hub was down to the end of the recording", incomplete=True)
        return
    back = [t for t, up in zip(*_hub_steps(evidence), strict=True) if up]
    waited = deliveries.watched_until(evidence) - max(moments + [t for t in back if t >= moments[0]])
    allowed = limit(evidence, "cdr_repeat_s")
    last = own.cdrs[-1] if own.cdrs else None
    if waited >= (min(allowed, _LONG_RUN_S) if evidence.run.long else allowed):
        yield finding(
            f"the CDR was not delivered and no repeat came within {waited / 60:.0f} minutes",
            on=last or own.start, requirement=requirement, session_id=own.session_id,
        )  # fmt: skip
    else:
        told = f"a CDR was still undelivered when the recording ended {waited:.0f} s later; a repeat may take {allowed:.0f} s"
        doubt = finding(told, on=last or own.start, session_id=own.session_id)
        slow = waited < limit(evidence, "doubt_s")
        yield NotExercised(requirement, told, incomplete=True, doubt=None if slow else doubt)


def _hub_steps(evidence: Evidence) -> tuple[list[float], list[bool]]:
    table = deliveries.hub_up(evidence)
    return table.times, table.values


@whole.rule("CDR-032")
def repeats_carry_the_same_content(evidence: Evidence) -> Iterator[Yield]:
    """A repeat after a lost or failed answer is identical to the first attempt."""
    for own in sessions(evidence):
        for before, repeat in zip(own.cdrs, own.cdrs[1:], strict=False):
            if not failed(before) or _for_content(before):
                continue
            yield Checked("CDR-032", CDR)
            changed = _first_difference(before.body, repeat.body)
            if changed is not None:
                name, old, new = changed
                yield finding(
                    f"{name} was {shown(old)} and is {shown(new)} in the repeat", on=repeat, pointer=f"/{name}"
                )


def _first_difference(one: dict[str, Json], other: dict[str, Json]) -> tuple[str, Json, Json] | None:
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            return name, one.get(name), other.get(name)
    return None


@whole.rule("CDR-033")
def closed_after_a_lost_answer_means_delivered(evidence: Evidence) -> Iterator[Yield]:
    """After an attempt without an answer, 400 to the repeat means that the CDR arrived: no further repeat."""
    for own in sessions(evidence):
        missed = [c for c in own.cdrs if failed(c)]
        closed = next((c for c in own.cdrs if says_closed(c) and missed and c.number > missed[0].number), None)
        if closed is None or not any(lost(c) or c.faults for c in missed):
            continue
        further = [c for c in own.cdrs if c.number > closed.number and c.t > end_of(closed)]
        yield Checked("CDR-033", CDR)
        if further:
            yield finding(
                f"{len(further)} more repeats after the hub had said that the session is closed", on=further[0]
            )


@whole.rule("CDR-034")
def a_refused_cdr_is_corrected(evidence: Evidence) -> Iterator[Yield]:
    """A CDR refused for its content is corrected and sent again, not repeated unchanged for ever."""
    for own in sessions(evidence):
        refused = [c for c in own.cdrs if _for_content(c)]
        if not refused:
            continue
        later = [c for c in own.cdrs if c.number > refused[0].number]
        changed = any(_differ(refused[0], c) for c in later)
        at_last = any(_differ(refused[-1], c) for c in own.cdrs if c.number > refused[-1].number)
        if (in_vain := _unchanged_to_the_end(refused)) >= _UNCHANGED_REPEATS and not at_last:
            how = "corrected, then repeated" if changed else "repeated"
            yield finding(f"a CDR refused for its content was {how} unchanged {in_vain} times", on=refused[-1])
        elif changed or any(c.accepted for c in later):
            yield Checked("CDR-034", CDR)
        elif _dropped(evidence, refused[-1]):
            yield finding("a CDR refused for its content was never corrected", on=refused[-1])
        else:
            yield NotExercised(
                "CDR-034", "a refused CDR was not corrected within the recording; a person may do so later"
            )


def _dropped(evidence: Evidence, refused: Exchange) -> bool:
    """Nothing came for long after a refusal that the bench itself arranged. In everyday traffic a person may put it right days later."""
    waited = deliveries.watched_until(evidence) - end_of(refused)
    return evidence.run.source == "run" and waited >= limit(evidence, "cdr_repeat_s")


def _unchanged_to_the_end(refused: list[Exchange]) -> int:
    """How often the last content was refused after its first time."""
    return sum(not _differ(refused[-1], c) for c in refused) - 1


def _differ(one: Exchange, other: Exchange) -> bool:
    return _first_difference(one.body, other.body) is not None


def _for_content(cdr: Exchange) -> bool:
    """Refused with 022 or HTTP 400; not for a passing reason, for its session or its certificate, nor by a proxy in front of the hub."""
    if cdr.accepted or not cdr.answered.is_object:
        return False
    return cdr.status_code == _DATA_ERROR or (cdr.http_status == 400 and cdr.status_code is None)
