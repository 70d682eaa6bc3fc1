"""When statuses are pushed, and for which EVSEs (STAT-004, STAT-005, STAT-008, STAT-009, STAT-014, STAT-015)."""

from collections.abc import Iterator

from oicp.chargers import chargers
from oicp.evidence import Evidence
from oicp.evse_states import AVAILABLE, OUT_OF_SERVICE, UNKNOWN, History, due, due_until, histories
from oicp.limits import limit
from oicp.outages import TRANSIENT, hub_down, undelivered, unheard
from oicp.pushes import STATUS, Push, View, believes_in_the_past, pushes, replay
from oicp.repeats import fate
from oicp.rulebook import INFO, Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.evse_status_missing import long_silence, missing, nothing_pushed
from oicp.rules.push_static import GRACE_S, gaps
from oicp.sessions import folded

whole = rules_about_evidence()
_DAY = 86_400.0
_RECORDS = "/OperatorEvseStatus/EvseStatusRecord"


@whole.rule("STAT-004")
def only_for_known_evses(evidence: Evidence) -> Iterator[Yield]:
    """Status is pushed only for EVSEs whose data record is at the hub."""
    past = believes_in_the_past(evidence)
    for push, view in replay(evidence):
        if push.exchange.operation != STATUS or push.action == "delete" or not push.records:
            continue
        if past and not view.loaded:
            yield NotExercised("STAT-004", "before the first fullLoad of a backend the bench did not start")
            continue
        if push.exchange.http_status == 400 and push.exchange.tls and push.exchange.tls.certificate is None:
            continue  # turned away at the door, as the data were: TLS-001
        unknown = [k for k in push.records if view.surely_lacks(k) and not (view.coming(k) and push.exchange.accepted)]
        if unknown:
            names = ", ".join(push.ids[k] for k in unknown[:5])
            pointer = f"{_RECORDS}/{push.index[unknown[0]]}"
            yield finding(
                f"status for {names}, whose data are not at the hub",
                on=push.exchange,
                pointer=pointer,
                requirement="STAT-004",
            )
        else:
            yield Checked("STAT-004", STATUS)


@whole.rule("STAT-005")
def pushes_every_change(evidence: Evidence) -> Iterator[Yield]:
    """Every lasting change of status is pushed at once."""
    if not evidence.run.truth:
        return
    for items in missing(evidence).values():
        yield from (item for item in items if item.requirement == "STAT-005")
    none = nothing_pushed(evidence) or long_silence(evidence)
    if none is not None:
        yield none


@whole.rule("STAT-008")
def loads_daily(evidence: Evidence) -> Iterator[Yield]:
    """The complete status is pushed as fullLoad at least once a day."""
    loads = [p for p in pushes(evidence) if p.exchange.operation == STATUS and p.is_full_load and _may_be_stored(p)]
    for push, gap in gaps(evidence, loads):
        if gap > _DAY + GRACE_S:
            yield finding(f"no fullLoad for {gap / 3600:.0f} h", on=push.exchange, requirement="STAT-008")
        elif gap > _DAY / 2:
            yield Checked("STAT-008", STATUS)
    anything = next((p for p in pushes(evidence) if p.exchange.operation == STATUS), None)
    if not loads and anything is not None:
        long = evidence.t_end > _DAY
        yield finding(
            "no status fullLoad at all", on=anything.exchange, requirement="STAT-008", grade=None if long else INFO
        )


def _may_be_stored(push: Push) -> bool:
    """The hub took it, or its answer was not recorded."""
    return push.stored or unheard(push.exchange)


@whole.rule("STAT-009")
def full_load_covers_the_fleet(evidence: Evidence) -> Iterator[Yield]:
    """A status fullLoad has a record for every published EVSE with dynamic information."""
    dynamic: set[str] = set()
    for push, view in replay(evidence):
        if not push.refused:
            _learn(dynamic, push)
        if push.exchange.operation != STATUS or not push.is_full_load or not push.records:
            continue
        wanted = _with_dynamic_information(view, push, limit(evidence, "status_settles_s"), dynamic)
        left_out = sorted(k for k in wanted if k not in push.records)
        if left_out:
            names = ", ".join(str(view.records[k].get("EvseID")) for k in left_out[:5])
            told = f"the fullLoad lacks {len(left_out)} of the {len(wanted)} EVSEs whose data are at the hub: {names}"
            yield finding(told, on=push.exchange, requirement="STAT-009")
        elif wanted:
            yield Checked("STAT-009", STATUS)


def _learn(dynamic: set[str], push: Push) -> None:
    """EVSEs of which the hub has a status: until it is deleted, or the data are."""
    if push.exchange.operation == STATUS and push.action != "delete":
        dynamic.update(push.records)
    elif push.action == "delete":
        dynamic.difference_update(push.records)
    elif push.is_full_load:
        dynamic.intersection_update(push.records)


def _with_dynamic_information(view: View, push: Push, settles: float, told: set[str]) -> set[str]:
    """Records that were at the hub before this push was put together and say `true`, or `auto` with a status `told` before."""
    return {
        key for key, record in view.records.items()
        if (key in told or record.get("DynamicInfoAvailable") != "auto")
        and str(record.get("DynamicInfoAvailable")).lower() != "false" and not view.doubtful(key)
        and not any(key in p.records for p in view.on_the_way.values())
        and view.added.get(key, float("-inf")) <= push.t - settles
    }  # fmt: skip


# --- lost and repaired ------------------------------------------------------------------------------------------------


@whole.rule("STAT-014")
def lost_evse_is_not_available(evidence: Evidence) -> Iterator[Yield]:
    """An EVSE that nobody can reach does not stay Available."""
    if not evidence.run.truth:
        return
    patience = limit(evidence, "lost_evse_s")
    for history in histories(evidence):
        for begin, end in chargers(evidence).offline_periods(history.evse_id):
            until = min(end, evidence.t_end, due_until(evidence, history.evse_id, begin) or begin)
            told = [p for p in history.said_between(begin, until) if p.status in (UNKNOWN, OUT_OF_SERVICE)]
            shown = history.last_accepted(until)
            if told:
                yield Checked("STAT-014", STATUS)
            elif until - begin >= patience and shown is not None and shown.status == AVAILABLE:
                text = f"{history.evse_id} was out of reach for {until - begin:.0f} s and stayed Available"
                yield finding(text, requirement="STAT-014", evse_id=history.evse_id, exchange=shown.exchange.number)
            elif until - begin < patience:
                yield NotExercised("STAT-014", f"no charge point was out of reach for {patience:g} s")


@whole.rule("STAT-015")
def repairs_statuses(evidence: Evidence) -> Iterator[Yield]:
    """After a failed push or an outage the present status of all EVSEs reaches the hub."""
    grace = limit(evidence, "repeat_s")
    for push in pushes(evidence):
        e = push.exchange
        if e.operation != STATUS or not (undelivered(e) or e.status_code in TRANSIENT) or not push.records:
            continue
        found, end = fate(evidence, e), e.t if e.t_end is None else e.t_end
        back = hub_down(evidence).end_of(end)
        dropped = _dropped(evidence, push, back)
        if dropped is not None:
            doubt = finding(f"the status of {dropped} was not pushed again before it changed", on=e)
            yield NotExercised("STAT-015", f"the hub never got the status of {dropped}", incomplete=True, doubt=doubt)
        elif found.settled:
            yield Checked("STAT-015", STATUS)
        elif found.attempts:
            continue
        elif evidence.t_end - back < grace:
            doubt = finding(f"the status of {len(found.open_parts)} EVSEs did not reach the hub so far", on=e)
            early = evidence.t_end - back < limit(evidence, "doubt_s")
            yield NotExercised(
                "STAT-015",
                f"the recording ended before the {grace:g} s for a repair were over",
                incomplete=True,
                doubt=None if early else doubt,
            )
        else:
            told = f"the status of {len(found.open_parts)} EVSEs did not reach the hub within {grace:g} s"
            yield finding(told, on=e, requirement="STAT-015")
    for _, back in hub_down(evidence).spans:
        for history in histories(evidence) if evidence.run.truth and back < evidence.t_end else ():
            yield from _after_outage(evidence, history, back, grace)


def _dropped(evidence: Evidence, push: Push, back: float) -> str | None:
    """An EVSE whose lasting status in an undelivered update was never said again, though others were."""
    patience = limit(evidence, "doubt_s")
    watched = histories(evidence) if evidence.run.truth and not push.is_full_load else ()
    for history in (h for h in watched if folded(h.evse_id) in push.records):
        status, at = push.records[folded(history.evse_id)].get("EvseStatus"), history.phase_at(push.t)
        if at < 0 or status not in history.phases[at].fitting:
            continue
        lasted = min(history.phases[at].end, evidence.t_end) - back
        following = next((p for p in history.told if p.t > push.t), None)
        if following is None or lasted < patience:
            continue
        again = following.status == status or following.full_load or following.t < back + patience
        if not again:
            return history.evse_id
    return None


def _after_outage(evidence: Evidence, history: History, back: float, grace: float) -> Iterator[Yield]:
    at, shown = history.phase_at(back), history.last_accepted(back)
    if at < 0 or shown is None or not due(evidence, history.evse_id, back):
        return
    phase = history.phases[at]
    if shown.status in phase.fitting:
        return
    if any(p.accepted for p in history.said_between(back, evidence.t_end + 1)):
        yield Checked("STAT-015", STATUS)
    elif evidence.t_end - back < grace:
        yield NotExercised(
            "STAT-015", f"the recording ended before the {grace:g} s for a repair were over", incomplete=True
        )
    else:
        told = f"{history.evse_id}: after an outage the hub still shows {shown.status}, the EVSE is {phase.state}"
        yield finding(told, requirement="STAT-015", evse_id=history.evse_id)
