"""One CDR for every session, in time, to the right place, and none too many (CDR-001 to -004, -006, -026, -027, -040)."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from oicp import deliveries
from oicp.chargers import chargers
from oicp.deliveries import CDR, cdr_grace, claimed, due
from oicp.evidence import Evidence, Exchange
from oicp.ids import operator_key
from oicp.limits import limit
from oicp.moments import second_of
from oicp.operators import operators
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import end_of
from oicp.rules.remote_start import closed_by_notification, lapse, stray_commands
from oicp.sessions import Session, folded, session, session_id_of, sessions
from oicp.unknowns import ADDRESSES

whole = rules_about_evidence()
_CHARGING = ("remote", "rfid")
_BOTH_SIDES = ("run", "serve", "tap")
_SAW_ANSWER_S = 5.0
_AT_ONCE_S = 1.0
"""No HTTP client gives up waiting that soon: two records within it come of two workers."""
_BUSY_PER_S = 0.5 * 350 / 60
"""Whoever sends that many CDRs all the while is busy below the rate limit of RATE-001, which is a MUST."""


def cdrs(evidence: Evidence) -> Iterator[Exchange]:
    """All CDRs the CPO sent, faults or not, oldest first."""
    yield from (e for e in evidence.about(CDR) if e.by_cpo)


def disturbed(evidence: Evidence, begin: float, end: float) -> bool:
    """Hub or CPO were down meanwhile, so that sending could not simply happen."""
    return deliveries.hub_was_down(evidence, begin, end) or bool(deliveries.interruptions(evidence).between(begin, end))


@whole.rule("CDR-001", "CDR-002")
def every_session_gets_its_cdr(evidence: Evidence) -> Iterator[Yield]:
    """For every session in which energy flowed a CDR is sent after its end, whatever ended it."""
    for own in sessions(evidence):
        if own.kind not in _CHARGING or not own.accepted:
            continue
        if evidence.run.truth and deliveries.charged(own):
            yield from _missing(evidence, own)
        elif not evidence.run.truth:
            yield from _missing_without_truth(evidence, own)


def _missing(evidence: Evidence, own: Session) -> Iterator[Yield]:
    remotely, told = deliveries.ended_by_remote_stop(own), due(own)
    if own.cdrs:
        if told is not None:
            yield Checked("CDR-001", own.operation)
            yield from () if remotely else (Checked("CDR-002", own.operation),)
        return
    began = own.start.t if own.start else 0.0
    if told is None:
        return
    grace, waited = cdr_grace(evidence), deliveries.watched_until(evidence) - told
    if own.session_id in claimed(evidence):
        yield NotExercised("CDR-001", "the CDR of a session came under another SessionID or path, see there")
    elif disturbed(evidence, told, told + grace) or deliveries.interruptions(evidence).between(began, told):
        return  # SESS-004, CDR-030 and CDR-031 judge it
    elif waited > grace:
        yield from _none_came(own, waited, remotely)
    else:
        yield NotExercised(
            "CDR-001", f"a session ended {waited:.0f} s before the recording did, too late to miss its CDR"
        )


def _none_came(own: Session, waited: float, remotely: bool) -> Iterator[Yield]:
    end = deliveries.last_end(own)
    how = "a remote stop" if remotely else f"{end.reason if end and end.reason else 'the charge point'}"
    for requirement in ("CDR-001",) if remotely else ("CDR-002", "CDR-001"):
        yield finding(
            f"no CDR within {waited:.0f} s after the end of the session (ended by {how})",
            requirement=requirement, session_id=own.session_id, evse_id=own.evse_id,
            exchange=own.start.number if own.start else None,
        )  # fmt: skip


def _missing_without_truth(evidence: Evidence, own: Session) -> Iterator[Yield]:
    if own.cdrs:
        yield Checked("CDR-001", own.operation)
        return
    stops = [s for s in own.stops if s.accepted and not s.faults]
    if not stops or not calls_were_recorded(evidence) or closed_by_notification(own):
        return
    waited = deliveries.watched_until(evidence) - end_of(stops[0])
    if own.session_id in claimed(evidence) or disturbed(evidence, stops[0].t, end_of(stops[0]) + waited - 1):
        return
    told = f"neither a CDR nor an End notification within {waited:.0f} s after an accepted stop"
    if evidence.run.source not in _BOTH_SIDES:
        yield NotExercised("CDR-001", f"{told}; whether all was recorded is not known", incomplete=True)
    elif waited > _patience(evidence):
        yield finding(told, on=stops[0], requirement="CDR-001")
    elif waited > limit(evidence, "cdr_missing_s"):
        reason = f"{told}; a backend may keep the session open until the cable is pulled"
        yield NotExercised("CDR-001", reason, incomplete=True, doubt=finding(told, on=stops[0]))


@lru_cache(maxsize=8)
def calls_were_recorded(evidence: Evidence) -> bool:
    """The recording holds what the CPO sends by itself, not only what it answers."""
    return any(e.by_cpo for e in evidence.about(CDR, "PushEvseStatus", "PushEvseData"))


def _patience(evidence: Evidence) -> float:
    """Scenarios of a run pull the cable at once; who pulls it elsewhere, and when, is not in the recording."""
    return limit(evidence, "cdr_missing_s" if evidence.run.source == "run" else "lapsed_session_s")


@whole.rule("CDR-003")
def one_cdr_per_session(evidence: Evidence) -> Iterator[Yield]:
    """After the positive answer to a CDR no second one is sent for that session."""
    for own in sessions(evidence):
        first = next((c for c in own.cdrs if c.accepted and not deliveries.lost(c)), None)
        if first is None:
            continue
        yield Checked("CDR-003", CDR)
        for second in own.cdrs:
            if second.number > first.number and _knew(evidence, first, second):
                waited = second.t - end_of(first)
                when = f"{waited:.1f} s after the one" if waited >= 0 else "while the hub answered the one"
                yield finding(f"another CDR {when} that was accepted (exchange {first.number})", on=second)
                break


def _knew(evidence: Evidence, first: Exchange, second: Exchange) -> bool:
    """The CPO had the positive answer to the first CDR when it sent the second: nothing came in between that it might have lost it by."""
    if first.faults or (first.duration_s or 0) > _SAW_ANSWER_S:
        return False
    if first.t + _AT_ONCE_S < second.t < end_of(first):
        return False  # it gave up waiting, as it seems
    return not deliveries.interruptions(evidence).between(first.t, min(second.t, end_of(first) + _SAW_ANSWER_S))


@whole.rule("CDR-004")
def cdr_is_for_an_open_session(evidence: Evidence) -> Iterator[Yield]:
    """The SessionID of a CDR is one the hub created for this operator and that is still open."""
    tried: set[str | None] = set()
    for cdr in cdrs(evidence):
        ident = session_id_of(cdr)
        own = session(evidence, ident)
        repeat = ident in tried
        tried.add(ident)
        unanswered = own is not None and own.start is not None and own.start.result is None  # or by no message
        if deliveries.says_closed(cdr) and not repeat and own is not None and _older(evidence, own, cdr):
            yield NotExercised("CDR-004", "a session was over before the recording began; its CDR may be a repeat")
        elif (
            deliveries.says_closed(cdr)
            and own is not None
            and any(c.accepted for c in own.cdrs if c.number > cdr.number)
        ):
            continue  # it was open all the time: the hub takes the same session later
        elif deliveries.says_closed(cdr) and not repeat and not unanswered:
            yield finding("the hub answered that the session is not valid", on=cdr, pointer="/SessionID")
        elif (
            deliveries.says_closed(cdr)
            and own is not None
            and own.cdrs[0].accepted
            and _knew(evidence, own.cdrs[0], cdr)
        ):
            yield finding("the session was closed by an earlier CDR", on=cdr, pointer="/SessionID")
        elif cdr.accepted:
            yield Checked("CDR-004", CDR)


def _older(evidence: Evidence, own: Session, cdr: Exchange) -> bool:
    """By its own times the session ended before the recording began: an attempt before may have been lost, then 400 is its receipt."""
    ends = [second_of(cdr, cdr.body.get(name)) for name in ("SessionEnd", "ChargingEnd")]
    said = [t for t in ends if t is not None]
    return own.start is None and bool(said) and max(said) < -limit(evidence, "clock_s")


@whole.rule("CDR-006")
def cdr_comes_at_once(evidence: Evidence) -> Iterator[Yield]:
    """A CDR is sent within 10 s after the session was closed in the backend."""
    disturbing = [e.t for e in evidence.exchanges if e.by_cpo and (e.faults or (e.http_status or 500) >= 429)]
    sent = [e.t for e in cdrs(evidence)]
    for own in sessions(evidence):
        if own.kind not in _CHARGING or not own.cdrs or not own.accepted:
            continue
        cdr = own.cdrs[0]
        closed = _closed_at(evidence, own, cdr)
        if (
            closed is None
            or disturbed(evidence, closed, cdr.t)
            or bisect_left(disturbing, cdr.t) > bisect_left(disturbing, closed)
        ):
            continue
        waited = cdr.t - closed
        if waited <= limit(evidence, "cdr_soon_s"):
            yield Checked("CDR-006", CDR)
        elif not _busy(sent, closed, cdr.t):
            yield finding(f"sent {waited:.1f} s after the session was over; 10 s are the limit", on=cdr)
        else:
            yield NotExercised("CDR-006", "so many sessions ended at once that the rate limit held some records back")


def _busy(sent: list[float], begin: float, end: float) -> bool:
    """CDRs were sent all the while, not in one go at the end."""
    middle = (begin + end) / 2
    before, between, after = (bisect_left(sent, t) for t in (begin, middle, end))
    return min(between - before, after - between) >= _BUSY_PER_S * (end - begin) / 2


def _closed_at(evidence: Evidence, own: Session, cdr: Exchange) -> float | None:
    said = second_of(cdr, cdr.body.get("SessionEnd"))
    stops = [end_of(s) for s in own.stops if s.accepted]
    told = due(own) if evidence.run.truth else max(stops, default=None)
    if told is None or said is None or said > cdr.t:
        return told
    return max(told, said)


@whole.rule("CDR-026")
def no_cdr_for_a_refused_start(evidence: Evidence) -> Iterator[Yield]:
    """For a session whose start was refused no CDR is sent."""
    for own in sessions(evidence):
        start = own.start
        if own.kind != "remote" or start is None or start.result is not False or any(s.accepted for s in own.starts):
            continue
        if own.cdrs:
            code = f" with {start.status_code}" if start.status_code else ""
            yield finding(f"a CDR although the start was refused{code}", on=own.cdrs[0])
        elif evidence.t_end - end_of(start) >= _SAW_ANSWER_S:
            yield Checked("CDR-026", start.operation or "")


@whole.rule("CDR-027")
def a_session_without_energy_is_closed(evidence: Evidence) -> Iterator[Yield]:
    """An accepted session that ends without energy gets a CDR with 0 kWh or an End notification."""
    if not evidence.run.truth:
        return
    strays, replaced = stray_commands(evidence), _replaced(evidence)
    for own in sessions(evidence):
        if own.kind not in _CHARGING or not own.accepted or deliveries.charged(own) or own.start is None:
            continue
        ended = _ended_empty(evidence, own, replaced.get(own.session_id))
        if ended is None or any(own.start.t <= o.t <= end_of(own.start) + _SAW_ANSWER_S for o in strays):
            continue
        if own.cdrs or closed_by_notification(own) or own.session_id in claimed(evidence):
            yield Checked("CDR-027", own.operation)
        else:
            yield from _not_closed(evidence, own, *ended)


def _replaced(evidence: Evidence) -> dict[str, float]:
    """SessionID -> when another session began to charge on its EVSE."""
    waiting: dict[str, list[str]] = {}
    found: dict[str, float] = {}
    for own in sessions(evidence):
        key = folded(own.evse_id or "")
        if own.kind not in _CHARGING or not own.accepted:
            continue
        if own.transactions:
            found |= {i: own.transactions[0].t_start for i in waiting.pop(key, []) if i not in found}
        else:
            waiting.setdefault(key, []).append(own.session_id)
    return found


def _ended_empty(evidence: Evidence, own: Session, replaced: float | None) -> tuple[float, float, str] | None:
    """When the session ended, how long closing may take, and how it ended; None if it is still open or a case of RSTART-004."""
    grace, slow = cdr_grace(evidence), limit(evidence, "lapsed_session_s")
    told = due(own)
    if own.transactions:
        return None if told is None else (told, grace, "its transaction ended without energy")
    assert own.start is not None
    commands = chargers(evidence).of("remote_start_received", own.evse_id).between(own.start.t, end_of(own.start) + 5)
    if commands and all(str(o.data.get("answer")) != "Accepted" for o in commands):
        return None
    stops = [end_of(s) for s in own.stops if s.accepted]
    if stops:
        return min(stops), grace, "it was stopped before anything flowed"
    dropped = lapse(evidence, own.start) if own.kind == "remote" else None
    if dropped is not None:
        return dropped, slow, "the charge point dropped the start because no EV came"
    return None if replaced is None else (replaced, slow, "another session took its place")


def _not_closed(evidence: Evidence, own: Session, ended: float, allowed: float, how: str) -> Iterator[Yield]:
    waited = deliveries.watched_until(evidence) - ended
    assert own.start is not None
    if disturbed(evidence, own.start.t, ended + allowed):
        return
    if waited > allowed:
        yield finding(
            f"neither a CDR nor an End notification within {waited:.0f} s: {how}",
            on=own.start, session_id=own.session_id,
        )  # fmt: skip
    else:
        yield NotExercised(
            "CDR-027", f"{how}; closing the session may take {allowed:.0f} s, recorded were {waited:.0f} s"
        )


@whole.rule("CDR-040")
def cdr_goes_to_its_path(evidence: Evidence) -> Iterator[Yield]:
    """CDRs go to the v22 path with the id of the certificate."""
    own = {operator_key(o) for o in operators(evidence)} if ADDRESSES not in evidence.run.unknown else set()
    for cdr in cdrs(evidence):
        yield Checked("CDR-040", CDR)
        presented = cdr.tls.partner_id if cdr.tls else None
        if presented and folded(presented) != folded(cdr.partner_id):
            yield finding(f"the path names {cdr.partner_id}, the certificate is that of {presented}", on=cdr)
        elif cdr.tls is None and own and cdr.partner_id and operator_key(cdr.partner_id) not in own:
            yield finding(f"the path names {cdr.partner_id}, the CPO is {evidence.run.operator_ids[0]}", on=cdr)
    for stray in deliveries.misplaced(evidence):
        if stray.request.method != "POST":
            continue  # HTTP-001
        yield finding(f"a CDR was sent to {stray.request.target}", on=stray)
