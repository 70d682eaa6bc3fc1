"""Static data over time: the first upload, regular fullLoads, changes and removals (PUSH-005, PUSH-014 to PUSH-016)."""

from collections.abc import Iterator, Mapping
from typing import Any

from oicp.evidence import Evidence
from oicp.limits import limit
from oicp.pushes import DATA, Push, believes_in_the_past, data_pushes, fleet_records, full_loads, hooks_done
from oicp.repeats import asked_for
from oicp.rulebook import INFO, Checked, NotExercised, Yield, finding, observed_at, rules_about_evidence
from oicp.wire_json import dump

whole = rules_about_evidence()
_DAY = 86_400.0
_AT_ONCE_S = 5.0
GRACE_S = 5400.0
"""A job by the clock comes an hour late when summer time ends, and some minutes late on a busy day."""


@whole.rule("PUSH-005")
def removed_evses_vanish(evidence: Evidence) -> Iterator[Yield]:
    """An EVSE that left the fleet is removed from the hub."""
    grace = limit(evidence, "static_change_s")
    for key, calls in hooks_done(evidence, "decommission_evse").items():
        t = calls[-1][0]
        gone, hidden = _removal(evidence, key, t)
        if gone is not None:
            yield Checked("PUSH-005", DATA)
        elif evidence.t_end - t < grace:
            yield NotExercised("PUSH-005", f"the recording ended within {grace:g} s of the removal", incomplete=True)
        else:
            o = next(o for o in evidence.seen("hook") if o.t == t)
            told = (
                "the record stays at the hub with IsHubjectCompatible false"
                if hidden
                else "the record stays at the hub"
            )
            yield observed_at(
                o, f"{grace:g} s after the removal {told}", requirement="PUSH-005", grade=INFO if hidden else None
            )


def _removal(evidence: Evidence, key: str, t: float) -> tuple[Push | None, bool]:
    """The push that removed the record after second `t` (less a moment: the hook returns late), and whether it was hidden."""
    hidden = False
    for push in data_pushes(evidence):
        if push.t < t - 30.0 or not push.stored:
            continue
        if (push.action == "delete" and key in push.records) or (push.is_full_load and key not in push.records):
            return push, hidden
        if key in push.records:
            hidden = push.records[key].get("IsHubjectCompatible") is False
    return None, hidden


@whole.rule("PUSH-014")
def begins_with_a_full_load(evidence: Evidence) -> Iterator[Yield]:
    """The first upload of EVSE data is a fullLoad."""
    if believes_in_the_past(evidence):
        yield NotExercised(
            "PUSH-014", "the bench did not start this backend, so its first upload is not in the recording"
        )
        return
    for push in data_pushes(evidence)[:1]:
        if push.is_full_load:
            yield Checked("PUSH-014", DATA)
        else:
            yield finding(
                f"the first upload is {push.action or 'without ActionType'}", on=push.exchange, requirement="PUSH-014"
            )


def gaps(evidence: Evidence, loads: list[Push]) -> Iterator[tuple[Push, float]]:
    """Each fullLoad with the seconds to the next one, or to the end of the recording."""
    for at, push in enumerate(loads):
        following = loads[at + 1].t if at + 1 < len(loads) else evidence.t_end
        yield push, following - push.t


@whole.rule("PUSH-015")
def loads_static_data_weekly(evidence: Evidence) -> Iterator[Yield]:
    """A fullLoad of EVSE data is repeated at least weekly."""
    for push, gap in gaps(evidence, full_loads(evidence)):
        if gap > 7 * _DAY + GRACE_S:
            yield finding(f"no fullLoad for {gap / _DAY:.1f} days", on=push.exchange, requirement="PUSH-015")
        elif gap > _DAY:
            told = f"the next fullLoad came after {gap / 3600:.0f} h; daily is recommended elsewhere"
            yield finding(told, on=push.exchange, requirement="PUSH-015", grade=INFO)
            yield Checked("PUSH-015", DATA)
    if evidence.t_end > 7 * _DAY and len(full_loads(evidence)) > 1:
        yield Checked("PUSH-015", DATA)


@whole.rule("PUSH-016")
def pushes_static_changes(evidence: Evidence) -> Iterator[Yield]:
    """A change of EVSE data is pushed when it happens."""
    grace = limit(evidence, "static_change_s")
    for key, calls in hooks_done(evidence, "update_evse").items():
        for t, body in calls:
            changed = _changed(fleet_records(evidence).get(key, {}), body.get("data_record"))
            found = next((p for p in data_pushes(evidence) if p.t >= t - 30.0 and _tells(p, key, changed)), None)
            own = [p for p in data_pushes(evidence) if abs(p.t - t) < _AT_ONCE_S and key in p.records and _is_change(p)]
            if own and found is not None and found.is_full_load and _by_chance(evidence, found, own[-1]):
                told = f"the record was pushed ({own[-1].action}) without the change of {', '.join(changed)}"
                yield finding(told, on=own[-1].exchange, requirement="PUSH-016")
            elif found is not None and found.t <= t + grace:
                yield Checked("PUSH-016", DATA)
                yield from _taken_back(evidence, key, found, changed, len(calls) == 1)
            elif found is None and evidence.t_end - t < grace:
                yield NotExercised("PUSH-016", f"the recording ended within {grace:g} s of the change", incomplete=True)
            else:
                o = next(o for o in evidence.seen("hook") if o.t == t)
                how = f"only after {found.t - t:.0f} s" if found else f"not within {evidence.t_end - t:.0f} s"
                yield observed_at(o, f"a changed record was pushed {how}", requirement="PUSH-016")


def _by_chance(evidence: Evidence, load: Push, change: Push) -> bool:
    """The full load came well after the update of this record, or because the operator was asked for one."""
    return load.t > change.t + _AT_ONCE_S or load.exchange.t in asked_for(evidence)


def _taken_back(evidence: Evidence, key: str, told: Push, changed: Mapping[str, Any], only: bool) -> Iterator[Yield]:
    """The last word about the record is the old one again, though nobody changed it back."""
    last = next((p for p in reversed(list(data_pushes(evidence))) if p.stored and key in p.records), None)
    if only and last is not None and last.t > told.t and last.action != "delete" and not _tells(last, key, changed):
        text = f"the change of {', '.join(changed)} was pushed (exchange {told.exchange.number}), and is gone again"
        yield finding(text, on=last.exchange, requirement="PUSH-016")


def _is_change(push: Push) -> bool:
    return push.stored and push.action in ("update", "insert")


def _changed(before: Mapping[str, Any], wanted: object) -> dict[str, Any]:
    """Members the hook changed, as far as it said so."""
    return {n: v for n, v in wanted.items() if before.get(n) != v} if isinstance(wanted, Mapping) else {}


def _tells(push: Push, key: str, changed: Mapping[str, Any]) -> bool:
    """The push holds the record as it was changed."""
    if key not in push.records or push.action == "delete":
        return False
    record = push.records[key]
    return all(record.get(n) == v or dump(record.get(n)) == dump(v) for n, v in changed.items())
