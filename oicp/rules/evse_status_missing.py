"""Phases of an EVSE whose status was not pushed, or late: who is to be told of it (STAT-005, 010 to 013)."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from statistics import median

from oicp.evidence import Evidence
from oicp.evse_states import AVAILABLE, RESERVED, History, Phase, Told, due_until, histories, unreachable_since
from oicp.limits import limit
from oicp.outages import status_troubled
from oicp.rulebook import ERROR, WARNING, Checked, Finding, Grade, Yield
from oicp.services import HUB_TO_CPO

_EARLY_S = 2.0
_MANY = 5
_SURE_S = 10.0
_MANY_CHANGES, _SEVERAL_EVSES = 10, 3
"""So many changes in one silence, of so many EVSEs: no chance that they were all over when a quick job came round."""
"""A state that lasted this long, and four times longer than the backend takes for others, was left out and not just late."""


@dataclass(frozen=True, slots=True)
class _Need:
    """A phase whose status had to be pushed. `by`: the push that told it; `waited`: seconds until then or to its end."""

    history: History
    phase: Phase
    by: Told | None
    waited: float
    closed: bool
    before: Told | None


@lru_cache(maxsize=8)
def needs(evidence: Evidence) -> tuple[_Need, ...]:
    """All changes of status that had to be pushed."""
    found = []
    for history in histories(evidence):
        for phase in history.phases:
            need = _need(evidence, history, phase)
            if need is not None:
                found.append(need)
    return tuple(found)


def _need(evidence: Evidence, history: History, phase: Phase) -> _Need | None:
    before = history.said_before(phase.t - _EARLY_S)
    if before is not None and before.status in phase.fitting:
        return None
    expected = due_until(evidence, history.evse_id, phase.t)
    if expected is None:
        return None
    end = min(phase.end, evidence.t_end, expected)
    late = limit(evidence, "status_missing_s")
    by = next(
        (p for p in history.said_between(phase.t - _EARLY_S, max(end, phase.t) + 0.001) if p.status in phase.fitting),
        None,
    )
    waited = (by.t if by else end) - phase.t
    touched = status_troubled(evidence).touch(phase.t - _EARLY_S, min(end, phase.t + late))
    lost = unreachable_since(evidence, history.evse_id, phase.t, min(end, phase.t + waited))
    if touched or (lost and by is None):
        return None
    return _Need(history, phase, by, max(0.0, waited), phase.end <= end, before)


@lru_cache(maxsize=8)
def _pace(evidence: Evidence) -> float | None:
    """The longest this backend took to push a change; None while fewer than two are known."""
    taken = [need.waited for need in needs(evidence) if need.by is not None]
    return max(taken) if len(taken) > 1 else None


@lru_cache(maxsize=8)
def usual_delay(evidence: Evidence) -> float | None:
    """How long this backend takes as a rule for a change to a state that lasts (median); None while fewer than three are known."""
    lasting = limit(evidence, "status_soon_s")
    told = [need for need in needs(evidence) if need.by is not None and not need.by.full_load]
    taken = [n.waited for n in told if min(n.phase.end, evidence.t_end) - n.phase.t >= lasting]
    return median(taken) if len(taken) > 2 else None


def _known_pace(evidence: Evidence, kind: str, lasting: float) -> bool:
    """The pace this backend shows is its pace: changes were told at several moments, or most that last so long, of other kinds at least.

    One that collects changes for a while tells only some: then nothing follows from the few that came quickly.
    """
    if _moments_told(evidence) >= _MANY:
        return True
    long = [n for n in needs(evidence) if _lasted(evidence, n) >= lasting]
    return any(_most_told(chosen) for chosen in (long, [n for n in long if n.phase.kind != kind]))


@lru_cache(maxsize=8)
def _moments_told(evidence: Evidence) -> int:
    """How often changes were told, those close together counted once."""
    found, last = 0, float("-inf")
    for t in sorted(need.by.t for need in needs(evidence) if need.by is not None):
        if t - last > _EARLY_S:
            found, last = found + 1, t
    return found


def _most_told(chosen: list[_Need]) -> bool:
    told = sum(n.by is not None for n in chosen)
    return told > 1 and 2 * told >= len(chosen)


def _lasted(evidence: Evidence, need: _Need) -> float:
    return min(need.phase.end, evidence.t_end) - need.phase.t


def never_told(evidence: Evidence) -> Iterator[Finding]:
    """A kind of state that came several times, each time far longer than this backend takes for others, and was never pushed."""
    usual = usual_delay(evidence)
    for kind, requirement, status in (("charging", "STAT-010", "Occupied"), ("down", "STAT-012", "OutOfService")):
        found = [need for need in needs(evidence) if need.phase.kind == kind]
        left_out = [need for need in found if need.by is None and need.waited >= max(0.5, 10 * (usual or 0.0))]
        told_at_all = any(need.by and need.by.status == status and not need.by.full_load for need in found)
        if usual is None or len(left_out) < 3 or told_at_all or not _known_pace(evidence, kind, 10 * usual):
            continue
        told = f"{len(left_out)} times {status} was not pushed, other changes are pushed within {usual:.2f} s as a rule"
        yield Finding(requirement, told, ERROR, evse_id=left_out[0].history.evse_id)


@lru_cache(maxsize=8)
def missing(evidence: Evidence) -> dict[str, tuple[Yield, ...]]:
    """What is to be said about each EVSE: changes that were pushed (checked), late, or not at all."""
    found: dict[str, list[Yield]] = {}
    for need in needs(evidence):
        item = _pushed(evidence, need) if need.by else _not_pushed(evidence, need)
        if item is not None:
            found.setdefault(need.history.evse_id, []).append(item)
    for history in histories(evidence):
        found.setdefault(history.evse_id, []).extend(_waiting_cars(evidence, history))
    return {evse_id: tuple(items) for evse_id, items in found.items()}


def shown(phase: Phase) -> str:
    """The state in words; OCPP may go on saying Preparing when the transaction has begun."""
    return f"Occupied (a transaction, OCPP state {phase.state})" if phase.kind == "charging" else phase.state


def _pushed(evidence: Evidence, need: _Need) -> Yield:
    if need.waited <= _late_s(evidence):
        return Checked("STAT-005", "PushEvseStatus")
    told = f"{shown(need.phase)} was pushed only after {need.waited:.0f} s"
    return _said(need, "STAT-005", told, _by_time(evidence, need.waited))


def _late_s(evidence: Evidence) -> float:
    """From here on a change is late; who calls it missing sooner calls it late sooner."""
    return min(limit(evidence, "status_late_s"), limit(evidence, "status_missing_s"))


def _by_time(evidence: Evidence, waited: float) -> Grade:
    return ERROR if waited > limit(evidence, "status_missing_s") else WARNING


def _not_pushed(evidence: Evidence, need: _Need) -> Yield | None:
    instead = need.history.said_between(need.phase.t, need.phase.t + need.waited)
    again = need.before.status if need.before else None
    if any(not told.full_load and told.status != again for told in instead):
        return None  # something else was pushed instead: that push is looked at
    last = need.history.said_before(need.phase.t + need.waited)
    told = f"{shown(need.phase)} lasted {need.waited:.0f} s and was not pushed"
    seen = f"; the hub shows {last.status}" if last else ""
    pace = _pace(evidence)
    lasting = limit(evidence, "status_soon_s") if need.phase.kind == "charging" else _SURE_S
    enough = max(lasting, 4 * pace) if pace is not None else float("inf")
    if pace is not None and need.waited >= enough and _known_pace(evidence, need.phase.kind, enough):
        text = f"{told}, other changes are pushed within {pace:.1f} s{seen}"
        return _said(need, _responsible(need, last), text, ERROR)
    if need.waited > _late_s(evidence):
        also = tuple({_responsible(need, last)} & {"STAT-010", "STAT-012"})
        return _said(need, "STAT-005", told + seen, _by_time(evidence, need.waited), also)
    if need.closed and need.waited >= _SURE_S:
        return _said(need, "STAT-005", told + seen, WARNING)
    return None


def _responsible(need: _Need, last: Told | None) -> str:
    if need.phase.kind in ("charging", "plugged"):
        return "STAT-010"
    if need.phase.kind == "down":
        return "STAT-012"
    if need.phase.kind == "reserved" and last is not None and last.status == AVAILABLE and last.t >= _begun(need):
        return "STAT-011"  # said once more when it was not so any more
    return "STAT-013" if last is not None and last.status == RESERVED else "STAT-005"


def _begun(need: _Need) -> float:
    """Second at which the state really began; the CPO heard of it a moment later."""
    at = need.history.phase_at(need.phase.t)
    return need.history.phases[at - 1].end if at > 0 else need.phase.t


def _said(need: _Need, requirement: str, told: str, grade: Grade, also: tuple[str, ...] = ()) -> Finding:
    evse_id = need.history.evse_id
    exchange = need.by.exchange.number if need.by else None
    return Finding(requirement, f"{evse_id}: {told}", grade, exchange=exchange, evse_id=evse_id, also=also)


def lost_on_the_way(evidence: Evidence, history: History) -> Iterator[Finding]:
    """A status that changed while the push of the one before was on its way, and was never told, though other changes are told soon."""
    pace = _pace(evidence)
    for told in history.told if pace is not None else ():
        answered, phase = told.exchange.t_end, _changed_meanwhile(history, told)
        if answered is None or phase is None or told.status in phase.fitting or not told.accepted:
            continue
        end = min(phase.end, evidence.t_end, due_until(evidence, history.evse_id, phase.t) or phase.t)
        silent = not any(p.t > told.t for p in history.said_between(told.t, end))
        enough = max(_SURE_S, 4 * (pace or 0.0))
        lost = unreachable_since(evidence, history.evse_id, phase.t, end)
        troubled = status_troubled(evidence).touch(answered + _EARLY_S, end)
        if silent and end - answered >= enough and not (lost or troubled) and _known_pace(evidence, phase.kind, enough):
            text = f"{phase.state} came while the push of {told.status} was on its way, and was not pushed in {end - answered:.0f} s"
            yield Finding(
                "STAT-007", f"{history.evse_id}: {text}", exchange=told.exchange.number, evse_id=history.evse_id
            )


def _changed_meanwhile(history: History, told: Told) -> Phase | None:
    """The phase that began between this push and its answer."""
    answered = told.t if told.exchange.t_end is None else told.exchange.t_end
    at = history.phase_at(answered)
    return history.phases[at] if at > 0 and told.t < history.phases[at].t else None


def _waiting_cars(evidence: Evidence, history: History) -> list[Yield]:
    """A car that is plugged in and not charging, while the hub shows Available: the contested variant of STAT-010."""
    for phase in history.phases:
        before = history.said_before(phase.t)
        end = min(phase.end, evidence.t_end)
        lasted = end - phase.t
        silent = not history.said_between(phase.t, end) and not status_troubled(evidence).touch(phase.t - _EARLY_S, end)
        shows = before is not None and before.accepted and before.status == AVAILABLE
        if phase.kind == "plugged" and shows and silent and lasted >= 2 * limit(evidence, "status_soon_s"):
            told = f"{history.evse_id}: {phase.state} for {lasted:.0f} s, and the hub shows Available"
            return [Finding("STAT-010", told, WARNING, evse_id=history.evse_id, contested=True)]
    return []


def nothing_pushed(evidence: Evidence) -> Finding | None:
    """Statuses changed and the backend never pushed one of the changes."""
    found = needs(evidence)
    left_out = [need for need in found if need.by is None and need.waited >= limit(evidence, "status_soon_s")]
    if len(left_out) < 2 or any(need.by for need in found):
        return None
    first = min(need.phase.t for need in left_out)
    silent = not any(p.t > first for need in left_out for p in need.history.told)
    awake = any(e.direction is HUB_TO_CPO or e.by_cpo for e in evidence.exchanges)
    if not silent or not awake or evidence.t_end - first < limit(evidence, "status_late_s"):
        return None
    told = f"{len(left_out)} changes of status lasted {limit(evidence, 'status_soon_s'):g} s and longer, and none was pushed"
    return Finding("STAT-005", told, ERROR)


def long_silence(evidence: Evidence) -> Finding | None:
    """No status at all was pushed for minutes, while many changes came that lasted: a job that comes round now and then."""
    lasting = limit(evidence, "status_soon_s")
    untold = [n for n in needs(evidence) if n.by is None and n.phase.kind != "plugged" and n.waited >= lasting]
    begun = sorted((n.phase.t, n.history.evse_id) for n in untold)
    times = [e.t for e in evidence.about("PushEvseStatus")]
    for begin, end in pairwise((*times, evidence.t_end) if times else ()):
        if end - begin <= 2 * limit(evidence, "status_late_s"):
            continue
        meanwhile = begun[bisect_left(begun, (begin, "")) : bisect_left(begun, (end - lasting, ""))]
        if len(meanwhile) >= _MANY_CHANGES and len({evse_id for _, evse_id in meanwhile}) >= _SEVERAL_EVSES:
            told = f"no status was pushed for {end - begin:.0f} s, in which {len(meanwhile)} changes lasted {lasting:g} s and longer"
            return Finding("STAT-005", told, ERROR)
    return None
