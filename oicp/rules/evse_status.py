"""Statuses against what the EVSE did (STAT-007, STAT-010 to STAT-013)."""

from collections.abc import Iterator

from oicp.chargers import chargers
from oicp.evidence import Evidence
from oicp.evse_states import (
    AVAILABLE,
    OCCUPIED,
    OUT_OF_SERVICE,
    RESERVED,
    UNKNOWN,
    History,
    Phase,
    Told,
    due,
    histories,
    reserved_at,
    unreachable_since,
)
from oicp.limits import limit
from oicp.rulebook import Checked, Finding, Yield, finding, rules_about_evidence
from oicp.rules.evse_status_missing import lost_on_the_way, missing, never_told, usual_delay

whole = rules_about_evidence()
_KNOWN = (AVAILABLE, OCCUPIED, RESERVED, OUT_OF_SERVICE, UNKNOWN)
_CORRECTED_S = 5.0
_LOOK_BACK = 64
_PROMPT_S = 0.5
"""A backend that takes longer than this for most changes may tell of a state that is over, in quick successions."""


@whole.rule("STAT-007", "STAT-010", "STAT-011", "STAT-012", "STAT-013")
def tells_the_status_as_it_is(evidence: Evidence) -> Iterator[Yield]:
    """Pushed statuses are those of the EVSE: Occupied in a session, OutOfService when down, Reserved and Available only then."""
    if not evidence.run.truth:
        return
    for history in histories(evidence):
        wrong = told_already = False
        for told in history.told:
            for item in _judged(evidence, history, told):
                wrong |= not isinstance(item, Checked)
                yield item
        for item in missing(evidence).get(history.evse_id, ()):
            if item.requirement != "STAT-005":
                told_already |= isinstance(item, Finding)
                yield item
        for lost in lost_on_the_way(evidence, history) if not (wrong or told_already) else ():
            wrong = True
            yield lost
        if not wrong and len({p.status for p in history.told}) > 1:
            yield Checked("STAT-007", "PushEvseStatus")
    yield from never_told(evidence)


def _judged(evidence: Evidence, history: History, told: Told) -> Iterator[Yield]:
    at = history.phase_at(told.t)
    if at < 0 or told.status not in _KNOWN:
        return
    phase = history.phases[at]
    if told.status in phase.right:
        yield from _right(phase, told)
    elif told.status == RESERVED and reserved_at(evidence, history.evse_id, told.t, limit(evidence, "status_soon_s")):
        yield Checked("STAT-013", "PushEvseStatus")
    elif (coming := _about_to_begin(evidence, history, at, told)) is not None:
        yield from _right(coming, told) if told.status in coming.right else ()
    elif not _excused(evidence, history, at, told):
        stale = _late_for(evidence, history, at, told)
        if stale is None and _behind(evidence, history, at, told):
            return
        if stale is None:
            yield from _wrong(evidence, history, phase, told)
        elif _overtaken(history, phase, told):
            yield _finding(
                "STAT-007",
                history,
                told,
                f"{told.status} (of {stale.state}) came after the status of {phase.state} had been pushed",
            )


def _right(phase: Phase, told: Told) -> Iterator[Yield]:
    by_kind = {
        "charging": "STAT-010",
        "plugged": "STAT-010",
        "down": "STAT-012",
        "reserved": "STAT-013",
        "available": "STAT-011",
    }
    yield Checked(by_kind[phase.kind], "PushEvseStatus")
    if phase.kind in ("charging", "down", "reserved"):
        yield Checked("STAT-011", "PushEvseStatus")


def _about_to_begin(evidence: Evidence, history: History, at: int, told: Told) -> Phase | None:
    """The phase the status tells of, where it begins the next moment: a backend may push before it answers its charge point."""
    following = history.phases[at + 1] if at + 1 < len(history.phases) else None
    soon = told.t >= history.phases[at].end - limit(evidence, "status_settles_s")
    return following if following is not None and soon and told.status in following.fitting else None


def _excused(evidence: Evidence, history: History, at: int, told: Told) -> bool:
    """The status was a snapshot a moment old, or the charge point was not in reach."""
    phase, settles = history.phases[at], limit(evidence, "status_settles_s")
    before = history.said_before(told.t)
    snapshot = (
        at > 0 and before is not None and before.status == told.status and told.status in history.phases[at - 1].fitting
    )
    over = phase.end <= told.t + _CORRECTED_S  # there is nothing to put right any more
    corrected = (
        told.full_load
        or over
        or any(p.status in phase.right for p in history.said_between(told.t, told.t + _CORRECTED_S))
    )
    if snapshot and corrected and told.t <= phase.t + settles:
        return True
    if told.status == UNKNOWN and before is None and _known_soon(history, told):
        return True
    lost = unreachable_since(evidence, history.evse_id, phase.t, told.t)
    return lost and told.status in (UNKNOWN, OUT_OF_SERVICE, AVAILABLE)


def _known_soon(history: History, told: Told) -> bool:
    """The first word of a backend that heard of the EVSE while its slow message was on the way: it knows more at once after it."""
    return any(p.status != UNKNOWN for p in history.said_between(told.t, told.t + _CORRECTED_S))


def _late_for(evidence: Evidence, history: History, at: int, told: Told) -> Phase | None:
    """The earlier phase this push tells of, if that had not been told before and is not too long ago."""
    oldest = told.t - limit(evidence, "status_late_s")
    for earlier in reversed(history.phases[max(0, at - _LOOK_BACK) : at]):
        if earlier.end_told < oldest:
            return None
        if told.status in earlier.fitting and not _told_already(
            history, earlier, told, limit(evidence, "status_soon_s")
        ):
            return earlier
    return None


def _behind(evidence: Evidence, history: History, at: int, told: Told) -> bool:
    """A slow backend works off a quick succession of states: this one was there just before, and is put right soon."""
    if (usual_delay(evidence) or 0.0) <= _PROMPT_S:
        return False
    oldest = told.t - limit(evidence, "status_soon_s")
    recent = (p for p in reversed(history.phases[max(0, at - _LOOK_BACK) : at]) if p.end_told >= oldest)
    right = any(p.status in history.phases[at].right for p in history.said_between(told.t, told.t + _CORRECTED_S))
    return right and any(told.status in p.fitting for p in recent)


def _told_already(history: History, phase: Phase, told: Told, room: float) -> bool:
    """The status of that phase had been told, and nothing else since while it lasted (a backend that is behind says it once more).

    A full load may come before the update that tells the same, up to `room` seconds; not where another status was told between.
    """
    # where one status is right and another only contested, as for a car that waits, the contested one may tell of the state before
    same = phase.right if told.status in phase.right else phase.fitting
    if len(phase.right) > 1 and told.status in phase.right:
        same = frozenset((told.status,))  # another of them, said before, told nothing of this one
    before = history.said_before(phase.t)
    since = phase.t if before is None or before.status not in same else before.t
    said = history.said_between(since, told.t)
    for at, p in enumerate(said):
        others = [q for q in said[at:] if q.status not in same]
        early = p.full_load and p.t > told.t - room and not others
        if p.status in same and not early and not any(q.t < phase.end for q in others):
            return True
    return False


def _overtaken(history: History, phase: Phase, told: Told) -> bool:
    """The present status had been pushed before, and was not put right at once."""
    newer = any(p.status in phase.right for p in history.said_between(phase.t, told.t))
    corrected = any(p.status in phase.right for p in history.said_between(told.t, told.t + _CORRECTED_S))
    return newer and not corrected


def _finding(requirement: str, history: History, told: Told, text: str, *, contested: bool = False) -> Yield:
    return finding(
        f"{history.evse_id}: {text}", on=told.exchange, pointer=told.pointer, requirement=requirement,
        evse_id=history.evse_id, contested=contested,
    )  # fmt: skip


def _wrong(evidence: Evidence, history: History, phase: Phase, told: Told) -> Iterator[Yield]:
    if not due(evidence, history.evse_id, told.t):
        return
    text = f"{told.status} was pushed while the EVSE was {_shown(phase)}"
    if told.status == RESERVED:
        yield _finding("STAT-013", history, told, text)
    elif phase.kind in ("charging", "plugged"):
        yield _finding("STAT-010", history, told, text, contested=told.status in phase.contested)
        if phase.kind == "charging" and told.status == AVAILABLE:
            yield _finding("STAT-011", history, told, text)
    elif phase.kind == "down":
        yield _finding("STAT-012", history, told, text, contested=told.status in phase.contested)
        if told.status == AVAILABLE:
            yield _finding("STAT-011", history, told, text)
    elif phase.kind == "reserved":
        if told.status == AVAILABLE:
            yield _finding("STAT-011", history, told, text)
    elif told.status == OCCUPIED and _start_pending(evidence, history, told):
        yield _finding(
            "STAT-010", history, told, text + ": an accepted start without an EV leaves it Available", contested=True
        )
    else:
        yield _finding("STAT-007", history, told, text, contested=told.status in phase.contested)


def _shown(phase: Phase) -> str:
    return f"in a transaction (OCPP state {phase.state})" if phase.kind == "charging" else phase.state


def _start_pending(evidence: Evidence, history: History, told: Told) -> bool:
    """A start was accepted not long ago and no transaction has begun since."""
    fleet, since = chargers(evidence), told.t - limit(evidence, "status_late_s")
    asked = fleet.of("remote_start_received", history.evse_id).between(since, told.t)
    return bool(asked) and not fleet.of("transaction", history.evse_id).between(asked[-1].t, told.t)
