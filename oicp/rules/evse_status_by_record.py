"""Statuses against charge detail records, where nobody stood at the charge points (STAT-005, STAT-010)."""

from collections.abc import Iterator

from oicp.evidence import Evidence
from oicp.evse_states import AVAILABLE, OCCUPIED, History, Told, due_until, history_of
from oicp.limits import limit
from oicp.moments import has_energy
from oicp.occupied import charged
from oicp.outages import status_troubled
from oicp.pushes import STATUS, pushes
from oicp.rulebook import ERROR, WARNING, Checked, Yield, finding, rules_about_evidence
from oicp.sessions import Session, sessions
from oicp.unknowns import ORDER, TIMES

whole = rules_about_evidence()
_BEGINS_S = 10.0
_ENDS_S = 60.0
"""So long before the end by the record a status may tell of the end already: two clocks, and the time a CPO takes."""
_CORRECTED_S = 5.0
_PLUG_S = 900.0
"""A driver may come with the vehicle so long after a start by app; some transactions begin with the start."""


@whole.rule("STAT-005", "STAT-010")
def occupied_while_charging_by_the_record(evidence: Evidence) -> Iterator[Yield]:
    """While a session charges by its own CDR, the EVSE becomes Occupied in time and not Available before the end."""
    if evidence.run.truth or {TIMES, ORDER} & set(evidence.run.unknown):
        return
    for own in sessions(evidence):
        span, evse_id = _in_use(own), _evse_of(own)
        expected = due_until(evidence, evse_id, span[0]) if span is not None and evse_id is not None else None
        if span is not None and evse_id is not None and expected is not None:
            yield from _judged(evidence, own, evse_id, span[0], min(span[1], expected))


def _evse_of(own: Session) -> str | None:
    """The EVSE of a session for charging: that of its start, or of its CDR where the card was read without one."""
    said = [own.evse_id, *(c.body.get("EvseID") for c in own.cdrs)]
    return next((i for i in said if isinstance(i, str)), None) if own.kind in ("remote", "rfid") else None


def _in_use(own: Session) -> tuple[float, float] | None:
    """Seconds between which the EVSE was in use for sure: by start, stops and CDR, whichever is narrower."""
    by_record = charged(own) if own.accepted and any(has_energy(c) for c in own.cdrs) else None
    if by_record is None or own.start is None or own.start.t_end is None:
        return None
    begin = max(by_record[0], own.start.t_end)
    end = min([by_record[1], *(c.t for c in own.cdrs), *(s.t for s in own.stops)])
    return (begin, end) if end - begin > _BEGINS_S + _ENDS_S else None


def _judged(evidence: Evidence, own: Session, evse_id: str, begin: float, end: float) -> Iterator[Yield]:
    history = history_of(evidence, evse_id)
    if status_troubled(evidence).touch(begin - _BEGINS_S, end):
        return
    wrong = next((p for p in history.said_between(begin, end) if _free_too_early(history, p, begin, end)), None)
    if wrong is not None:
        text = f"{evse_id}: Available was pushed {wrong.t - begin:.0f} s after a session had begun that by its CDR charged for {end - wrong.t:.0f} s more"
        yield finding(
            text, on=wrong.exchange, pointer=wrong.pointer, requirement="STAT-010", evse_id=evse_id,
            session_id=own.session_id,
        )  # fmt: skip
    else:
        yield from _in_time(evidence, own, history, begin, end)


def _free_too_early(history: History, p: Told, begin: float, end: float) -> bool:
    """Said in the middle of the session although Occupied had been said before, and not put right at once."""
    if p.status != AVAILABLE or not p.accepted or not begin + _BEGINS_S < p.t < end - _ENDS_S:
        return False
    corrected = any(q.status == OCCUPIED for q in history.said_between(p.t, p.t + _CORRECTED_S))
    return not corrected and history.first_said(OCCUPIED) < p.t


def _in_time(evidence: Evidence, own: Session, history: History, begin: float, end: float) -> Iterator[Yield]:
    evse_id, before = history.evse_id, history.last_accepted(begin + _BEGINS_S)
    if before is None or before.status not in (AVAILABLE, OCCUPIED):
        return
    said = history.said_between(begin + _BEGINS_S, end)
    following = next((p for p in said if p.status != AVAILABLE), None)
    waited = 0.0 if before.status == OCCUPIED else (following.t if following else end) - begin
    if waited <= limit(evidence, "status_late_s"):
        yield Checked("STAT-005", STATUS)
        yield Checked("STAT-010", STATUS)
    elif (following is None or waited > limit(evidence, "status_missing_s")) and _recorded_still(evidence, begin):
        how = f"{following.status} was pushed only then" if following else "Occupied was not pushed"
        text = f"{evse_id}: by its CDR the session charged for {waited:.0f} s while the hub showed Available; {how}"
        sure = _PLUG_S if following else limit(evidence, "status_missing_s")
        yield finding(
            text, on=own.start, requirement="STAT-005", grade=ERROR if waited > sure else WARNING, evse_id=evse_id,
            also=("STAT-010",),
        )  # fmt: skip


def _recorded_still(evidence: Evidence, t: float) -> bool:
    """Statuses were pushed after second `t`, so that the recording has them."""
    last = next((p for p in reversed(pushes(evidence)) if p.exchange.operation == STATUS), None)
    return last is not None and last.t > t
