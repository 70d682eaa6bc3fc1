"""Several sessions at a time, and sessions over a restart (SESS-004, SESS-007, SESS-008)."""

from collections.abc import Iterator

from oicp import wire_json
from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.occupied import charged, on_evse
from oicp.outages import cpo_down, hub_down
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import end_of
from oicp.rules.remote_start import closed_by_notification, turned_away
from oicp.sessions import Session, folded, same_id, session, sessions
from oicp.transactions import Transaction, transactions
from oicp.variants import variant_of

whole = rules_about_evidence()


# --- restart ----------------------------------------------------------------------------------------------------------


def _restarts(evidence: Evidence) -> list[tuple[float, float]]:
    """From the end of the old process to the beginning of the new one; where only a hook tells, the second it was done."""
    spans = [span for span in cpo_down(evidence).spans if span[1] < evidence.t_end]
    done = [o.t for o in evidence.seen("hook") if o.data.get("hook") == "restart" and o.data.get("outcome") == "done"]
    done += [o.t for o in evidence.seen("cpo_restarted")]
    return spans or [(t, t) for t in sorted(done)]


@whole.rule("SESS-004")
def survives_a_restart(evidence: Evidence) -> Iterator[Yield]:
    """A session that ran over a restart of the backend is billed with SessionID, EvseID and identification of its start."""
    restarts = _restarts(evidence)
    for transaction in transactions(evidence) if restarts else ():
        own = session(evidence, transaction.session_id)
        over = [end for begin, end in restarts if transaction.t_start < begin and (transaction.t_stop or 1e18) > begin]
        if over and own is not None and own.accepted and own.kind == "remote":
            yield _after_restart(evidence, own, transaction, over[-1])
    for own in sessions(evidence) if restarts else ():
        if own.kind == "remote" and own.accepted and own.start is not None:
            yield from _expected_before(own, own.start, restarts)


def _expected_before(own: Session, start: Exchange, restarts: list[tuple[float, float]]) -> Iterator[Yield]:
    """A session whose vehicle came after the restart only."""
    first = min(own.transactions, key=lambda t: t.t_start, default=None)
    if first is None or not any(end_of(start) < begin and end < first.t_start for begin, end in restarts):
        return
    if turned_away(own) is not None and not own.cdrs and not closed_by_notification(own):
        told = "after a restart the CPO did not know the session: it turned its token away, and closed nothing"
        yield finding(told, on=start, requirement="SESS-004", observation=first.started.number)
    elif own.cdrs:
        yield Checked("SESS-004", "ChargeDetailRecord")


def _after_restart(evidence: Evidence, own: Session, transaction: Transaction, restarted: float) -> Yield:
    cdrs = [e for e in own.cdrs if e.t >= restarted]
    if cdrs:
        wrong = _wrong_content(own, cdrs[0])
        if wrong:
            return finding(f"after a restart {wrong}", on=cdrs[0], requirement="SESS-004")
        return Checked("SESS-004", "ChargeDetailRecord")
    grace = limit(evidence, "cdr_missing_s")
    delivered = transaction.t_stop_delivered
    back = hub_down(evidence).end_of(max(restarted, delivered or 0.0))
    if delivered is None or evidence.t_end - back < grace:
        return NotExercised(
            "SESS-004", "the recording ended before a session that ran over a restart was over", incomplete=True
        )
    told = f"no CDR came within {evidence.t_end - back:.0f} s after the end of a session that ran over a restart"
    return finding(told, on=own.start, requirement="SESS-004")


def _wrong_content(own: Session, cdr: Exchange) -> str | None:
    if not same_id(cdr.body.get("EvseID"), own.evse_id):
        return f"the CDR has EvseID {cdr.body.get('EvseID')}, the start had {own.evse_id}"
    evco = wire_json.at(cdr.body, "Identification", "RemoteIdentification", "EvcoID")
    if own.evco_id is not None and not same_id(evco, own.evco_id):
        return f"the CDR has EvcoID {evco}, the start had {own.evco_id}"
    return None


# --- one EVSE ---------------------------------------------------------------------------------------------------------


@whole.rule("SESS-007")
def one_session_per_evse(evidence: Evidence) -> Iterator[Yield]:
    """At most one session charges on an EVSE at a time."""
    for group in on_evse(evidence).values():
        running: Session | None = None
        for s in group:
            if s.start is None or s.start.t_end is None:
                continue
            span = charged(running) if running else None
            busy = span is not None and span[0] < s.start.t and s.start.t_end < span[1]
            if busy and s.accepted and running:
                told = f"accepted while session {running.session_id} was charging on this EVSE"
                yield finding(told, on=s.start, requirement="SESS-007")
            elif running is not None and (busy or s.accepted):
                yield Checked("SESS-007", "AuthorizeRemoteStart")
            if s.accepted:
                running = s


# --- one driver -------------------------------------------------------------------------------------------------------


@whole.rule("SESS-008")
def sessions_of_one_driver_kept_apart(evidence: Evidence) -> Iterator[Yield]:
    """Two sessions of one EvcoID on different EVSEs have their own stop and their own CDR."""
    for one, other in _pairs(evidence):
        for s, twin in ((one, other), (other, one)):
            yield from _apart(evidence, s, twin)


def _pairs(evidence: Evidence) -> Iterator[tuple[Session, Session]]:
    """Neighbours in time with the same EvcoID on different EVSEs that charged side by side."""
    last: dict[str, Session] = {}
    for group in sorted(
        (s for g in on_evse(evidence).values() for s in g if s.accepted), key=lambda s: s.start.t if s.start else 0
    ):
        before = last.get(folded(group.evco_id or ""))
        last[folded(group.evco_id or "")] = group
        if before is None or not group.evco_id or same_id(before.evse_id, group.evse_id) or group.start is None:
            continue
        span = charged(before)
        if span is not None and charged(group) is not None and span[1] > group.start.t:
            yield before, group


def _apart(evidence: Evidence, s: Session, twin: Session) -> Iterator[Yield]:
    stopped_by = _stop_of_the_twin(evidence, s, twin)
    if stopped_by is not None:
        told = f"the stop of session {twin.session_id} ended session {s.session_id} of the same driver on {s.evse_id}"
        yield finding(told, on=stopped_by, requirement="SESS-008")
        return
    wrong = next((cdr for cdr in s.cdrs if same_id(cdr.body.get("EvseID"), twin.evse_id)), None)
    if wrong is not None:
        told = f"the CDR has the SessionID of {s.evse_id} and the EvseID of the other session of this driver"
        yield finding(told, on=wrong, requirement="SESS-008")
    elif s.cdrs:
        yield Checked("SESS-008", "AuthorizeRemoteStart")
    elif s.transaction and s.transaction.t_stop_delivered is not None and s.start is not None:
        waited = evidence.t_end - hub_down(evidence).end_of(s.transaction.t_stop_delivered)
        if waited >= limit(evidence, "cdr_missing_s") and twin.cdrs:
            told = "no CDR for this session; the other session of the same driver has one"
            yield finding(told, on=s.start, requirement="SESS-008")
        elif waited < limit(evidence, "cdr_missing_s"):
            yield NotExercised(
                "SESS-008", "the recording ended before both sessions of a driver were billed", incomplete=True
            )


def _stop_of_the_twin(evidence: Evidence, s: Session, twin: Session) -> Exchange | None:
    transaction = s.transaction
    if transaction is None or transaction.t_stop is None or any(e.t <= transaction.t_stop for e in s.stops):
        return None
    for stop in twin.stops:
        commands = chargers(evidence).of("remote_stop_received", s.evse_id).between(stop.t, stop.t + 5.0)
        near = stop.t <= transaction.t_stop <= (stop.t_end or stop.t) + 5.0
        if near and commands and variant_of(stop) is None:
            return stop
    return None
