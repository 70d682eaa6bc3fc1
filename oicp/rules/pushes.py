"""Pushes as a sequence: one after the other, complete, insert and update at their place (PUSH-002 to PUSH-016)."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.outages import abandoned
from oicp.pushes import (
    DATA,
    STATUS,
    Push,
    believes_in_the_past,
    data_pushes,
    decommissioned,
    fleet_records,
    full_loads,
    pushes,
    replay,
)
from oicp.repeats import PUSHES, fate
from oicp.rulebook import WARNING, Checked, Grade, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.rate import is_empty_push
from oicp.unknowns import FRACTIONS

whole = rules_about_evidence()
_CLOSE_S = 0.01
"""Requests this close to the end of an answer may have begun after it: clocks of recordings are no better."""
_JUST_S = 0.0005
_TWICE = 2
"""So often an EVSE may leave and come back by maintenance, though not within a day; more often it is a matter of the fullLoad."""
_DAY = 86_400.0


def _end(e: Exchange, unknown: float | None = None) -> float:
    return (e.t if unknown is None else unknown) if e.t_end is None else e.t_end


@whole.rule("PUSH-002")
def one_push_at_a_time(evidence: Evidence) -> Iterator[Yield]:
    """A push is sent only after the previous one of its operation was answered."""
    last: dict[tuple[str | None, str], Exchange] = {}
    for e in sorted(evidence.about(*PUSHES), key=lambda e: (e.t, e.number)):
        if not e.by_cpo:
            continue
        before = _open_before(evidence, e, last.get((e.operation, e.partner_id)))
        if before is not None:
            told = f"sent while exchange {before.number} was still being answered"
            yield finding(told, on=e, requirement="PUSH-002")
        else:
            yield Checked("PUSH-002", e.operation or "")
        previous = last.get((e.operation, e.partner_id))
        if previous is None or _end(e) >= _end(previous):
            last[e.operation, e.partner_id] = e


def _open_before(evidence: Evidence, e: Exchange, last: Exchange | None) -> Exchange | None:
    """An earlier push that was not answered yet when this one was sent, and that the CPO had not given up."""
    for number in e.overlaps:  # the recorder counts only those whose connection was still open
        other = evidence.exchange(number)
        if other is not None and other.operation == e.operation and e.t < _end(other, float("inf")) - _JUST_S:
            return other
    answered = last is not None and last.answer is not None and last.error is None
    return last if last is not None and answered and e.t < _end(last) - _CLOSE_S else None


@whole.rule("PUSH-003")
def waits_after_a_timeout(evidence: Evidence) -> Iterator[Yield]:
    """After its own timeout the backend waits before it pushes again, and takes 009 as a sign to wait."""
    waiting: dict[str, Exchange] = {}
    for e in sorted(evidence.about(*PUSHES), key=lambda e: e.t):
        name = e.operation or ""
        before = waiting.pop(name, None) if e.by_cpo else None
        if before is not None:
            gap = e.t - _end(before)
            pressed = e.status_code == "009" and gap < 0.5 and FRACTIONS not in evidence.run.unknown
            if pressed:
                told = f"sent {gap:.2f} s after exchange {before.number} was given up or answered 009, and refused with 009"
                yield finding(told, on=e, requirement="PUSH-003")
            elif e.accepted:
                yield Checked("PUSH-003", name)
        if e.by_cpo and (abandoned(e) or (before is not None and e.status_code == "009")):
            waiting[name] = e
    for e in waiting.values():
        if evidence.t_end - _end(e) >= limit(evidence, "repeat_s"):
            yield finding("given up and never sent again", on=e, requirement="PUSH-003")
        else:
            early = evidence.t_end - _end(e) < limit(evidence, "doubt_s")
            doubt = finding("given up and not sent again so far", on=e)
            yield NotExercised(
                "PUSH-003",
                "the recording ended before a push that was given up was repeated",
                incomplete=True,
                doubt=None if early else doubt,
            )


@whole.rule("PUSH-003")
def repeats_data_it_gave_up(evidence: Evidence) -> Iterator[Yield]:
    """EVSE data of a push that was given up come again, and not just other data."""
    last = max((e.t for e in evidence.about(DATA) if e.by_cpo), default=0.0)
    for e in evidence.about(DATA):
        became = fate(evidence, e) if e.by_cpo and abandoned(e) and e.t < last else None
        if became is None or became.settled or became.attempts:
            continue  # told of above, or refused later on: PUSH-013
        if evidence.t_end - _end(e) >= limit(evidence, "repeat_s"):
            told = f"given up, and its data of {len(became.open_parts)} EVSEs were not sent again"
            yield finding(told, on=e, requirement="PUSH-003")


@whole.rule("PUSH-004")
def full_load_is_complete(evidence: Evidence) -> Iterator[Yield]:
    """A fullLoad holds all current records in one request."""
    fleet, loads = fleet_records(evidence), full_loads(evidence)
    for push, view in replay(evidence):
        if push.exchange.operation != DATA or not push.is_full_load or not push.records:
            continue
        if not push.stored:
            yield from _refused_part(evidence, fleet, push)
            continue
        lost = {
            k
            for k in view.records
            if k not in push.records and not view.doubtful(k) and not decommissioned(evidence, k, push.t)
        }
        repaired = view.repairs(push, limit(evidence, "split_load_s"))
        lost = set() if repaired else {k for k in lost if _still_there(evidence, fleet, k, push)}
        added = set(push.records) - set(view.records)
        split = _disjoint_part(loads, push, limit(evidence, "split_load_s"))
        if lost and _completed_by_inserts(evidence, push, lost):
            yield _incomplete(push, lost, view.records, contested=True)
        elif lost and (view.loaded or not added):
            seldom = not any(k in fleet or _left_out(evidence, k, push) for k in lost)
            yield _incomplete(push, lost, view.records, contested=False, grade=WARNING if seldom else None)
        elif split is not None:
            told = f"a second fullLoad with other EVSEs {push.t - split.t:.0f} s after exchange {split.exchange.number}: it replaces the first"
            yield finding(told, on=push.exchange, requirement="PUSH-004")
        elif _first_part(evidence, push, fleet):
            yield _incomplete(push, set(fleet) - set(push.records), fleet, contested=True)
        else:
            yield Checked("PUSH-004", DATA)


def _refused_part(evidence: Evidence, fleet: Mapping[str, Any], push: Push) -> Iterator[Yield]:
    """Refused or not: two fullLoads of different EVSEs of the fleet, one soon after the other, are parts of one."""
    if not push.refused or not push.records.keys() <= fleet.keys():
        return
    split = _disjoint_part(_loads_of_the_fleet(evidence), push, limit(evidence, "split_load_s"))
    if split is not None:
        told = f"a second fullLoad with other EVSEs {push.t - split.t:.0f} s after exchange {split.exchange.number}: taken, it would replace the first"
        yield finding(told, on=push.exchange, requirement="PUSH-004")


@lru_cache(maxsize=8)
def _loads_of_the_fleet(evidence: Evidence) -> list[Push]:
    """Data fullLoads, taken or not, of nothing but EVSEs of the fleet file."""
    fleet = fleet_records(evidence)
    return [p for p in data_pushes(evidence) if p.is_full_load and p.records.keys() <= fleet.keys()]


def _incomplete(
    push: Push, lost: set[str], records: Mapping[str, Any], *, contested: bool, grade: Grade | None = None
) -> Yield:
    names = sorted(str(records.get(k, {}).get("EvseID", k)) for k in lost)
    how = "; inserts of the rest follow" if contested else ""
    told = f"the fullLoad holds {len(push.records)} EVSEs and lacks {', '.join(names[:5])}{how}"
    return finding(told, on=push.exchange, requirement="PUSH-004", contested=contested, grade=grade)


@lru_cache(maxsize=8)
def _mentions(evidence: Evidence) -> dict[str, list[tuple[float, bool]]]:
    """When pushes name an EVSE, deletes aside, and whether they bring its data as those of a new one."""
    found: dict[str, list[tuple[float, bool]]] = {}
    for p in pushes(evidence):
        brings = p.exchange.operation == DATA and p.action != "update"
        for key in p.records if p.action != "delete" else ():
            found.setdefault(key, []).append((p.t, brings))
    return found


def _still_there(evidence: Evidence, fleet: Mapping[str, Any], key: str, push: Push) -> bool:
    """The EVSE was not dismantled: it is in the fleet, or the CPO itself speaks of it later on.

    One whose data are brought anew after a while was taken out of service and came back; one that comes and goes was left out.
    """
    return key in fleet or _left_out(evidence, key, push) or len(_returns(evidence).get(key, ())) >= _TWICE


def _left_out(evidence: Evidence, key: str, push: Push) -> bool:
    """The CPO speaks of it as of an EVSE that is there, brings it again at once, or again and again."""
    said = _mentions(evidence).get(key, [])
    at = bisect_right(said, push.t, key=lambda mention: mention[0])
    if at == len(said):
        return False
    (t, brought), returns = said[at], _returns(evidence).get(key, [])
    again = len(returns) > _TWICE or (len(returns) == _TWICE and returns[1] - returns[0] <= _DAY)
    return not brought or t - push.t <= limit(evidence, "split_load_s") or again


@lru_cache(maxsize=8)
def _returns(evidence: Evidence) -> dict[str, list[float]]:
    """When the data of an EVSE came again after a fullLoad without it."""
    there, gone, found = set[str](), set[str](), dict[str, list[float]]()
    for p in data_pushes(evidence):
        if not p.stored:
            continue
        for key in p.records if p.action != "delete" else ():
            if key in gone:
                found.setdefault(key, []).append(p.t)
        if p.is_full_load:
            gone |= there
            there = set()
        gone -= p.records.keys()
        (there.difference_update if p.action == "delete" else there.update)(p.records.keys())
    return found


def _disjoint_part(loads: list[Push], push: Push, within: float) -> Push | None:
    at = bisect_left(loads, push.t, key=lambda p: p.t)
    before = loads[at - 1] if at else None
    if before is None or push.t - before.t > within or not before.records:
        return None
    return before if set(before.records).isdisjoint(push.records) else None


def _completed_by_inserts(evidence: Evidence, push: Push, missing: set[str]) -> bool:
    """Inserts that follow directly bring what the fullLoad lacks."""
    brought: set[str] = set()
    history, before = data_pushes(evidence), push
    for at in range(bisect_left(history, push.t, key=lambda p: p.t) + 1, len(history)):
        following = history[at]
        late = following.t - before.t > limit(evidence, "split_load_s")
        if following.action != "insert" or late or not missing - brought:
            break
        brought |= set() if following.refused else set(following.records)
        before = following
    return missing <= brought


def _first_part(evidence: Evidence, push: Push, fleet: Mapping[str, Any]) -> bool:
    missing = set(fleet) - set(push.records)
    return bool(missing) and _completed_by_inserts(evidence, push, missing)


@whole.rule("PUSH-006")
def empty_full_load_on_purpose(evidence: Evidence) -> Iterator[Yield]:
    """An empty fullLoad is sent only to remove everything."""
    fleet, pushed = fleet_records(evidence), set[str | None]()
    for e in sorted(evidence.about(*PUSHES), key=lambda e: e.t):
        if not e.by_cpo or e.body.get("ActionType") != "fullLoad":
            continue
        prices = e.operation not in (DATA, STATUS)  # of which the fleet tells nothing
        left = [key for key in fleet if not (prices or decommissioned(evidence, key, e.t))]
        if not is_empty_push(e):
            pushed.add(e.operation)
            yield Checked("PUSH-006", e.operation or "")
        elif left or (e.operation in pushed and (prices or not fleet)):
            known = f"{len(left)} EVSEs are in the fleet" if left else "records were pushed before"
            yield finding(f"an empty fullLoad removes everything, {known}", on=e, requirement="PUSH-006")


@whole.rule("PUSH-007", "PUSH-008")
def insert_is_new_and_update_is_known(evidence: Evidence) -> Iterator[Yield]:
    """An insert holds no EVSE that is at the hub, an update no other."""
    unknown_past = believes_in_the_past(evidence)
    for push, view in replay(evidence):
        if push.exchange.operation != DATA or push.action == "delete" or not push.records:
            continue
        known = [k for k in push.records if view.surely_holds(k)]
        new = [k for k in push.records if view.surely_lacks(k) and not view.coming(k)]
        yield from _in_its_place("PUSH-007", push, "insert", known, "are at the hub already")
        if unknown_past and not view.loaded:
            yield NotExercised("PUSH-008", "before the first fullLoad of a backend the bench did not start")
        else:
            yield from _in_its_place("PUSH-008", push, "update", new, "are not at the hub")


def _in_its_place(requirement: str, push: Push, action: str, wrong: list[str], state: str) -> Iterator[Yield]:
    """`wrong`: EVSEs that this action must not hold. Pushing just those by another action is right, and checked too."""
    if push.action == action and wrong:
        told = f"{action}: {', '.join(push.ids[k] for k in wrong[:5])} {state}"
        pointer = f"/OperatorEvseData/EvseDataRecord/{push.index[wrong[0]]}"
        yield finding(told, on=push.exchange, pointer=pointer, requirement=requirement)
    elif push.action == action or wrong:
        yield Checked(requirement, DATA)
