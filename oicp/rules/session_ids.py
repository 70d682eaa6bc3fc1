"""Session ids: whose they are, and that they stay the same (SESS-001, SESS-003, SESS-005, SESS-006, ACK-007)."""

from collections.abc import Iterator
from functools import lru_cache

from oicp.deliveries import begun_before, claimed, of_another, says_closed
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.moments import second_of
from oicp.outages import unheard
from oicp.paths import at_hubject
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence, rules_about_exchange
from oicp.rules.cdr_sessions import owners_of_partner_ids
from oicp.services import HUB_TO_CPO
from oicp.sessions import Session, folded, opened, session, sessions
from oicp.unknowns import OWN_HUB, TIMES

whole = rules_about_evidence()
STARTS = ("AuthorizeRemoteStart", "AuthorizeRemoteReservationStart")
STOPS = ("AuthorizeRemoteStop", "AuthorizeRemoteReservationStop")
answered = rules_about_exchange(*STARTS, *STOPS, direction=HUB_TO_CPO)
_IN_WORDS = {"ChargeDetailRecord": "CDR", "ChargingNotifications": "notification"}
_CARRYING = ("ChargeDetailRecord", "ChargingNotifications", "AuthorizeStop", "AuthorizeStart")


def text_of(e: Exchange, name: str, *, answer: bool = False) -> str | None:
    """A non-empty text member of the request or the answer."""
    value = (e.answer_body if answer else e.body).get(name)
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=8)
def _given(evidence: Evidence) -> dict[str, str]:
    """SessionIDs the hub gave out, by their upper case form."""
    found: dict[str, str] = {}
    for e in evidence.exchanges:
        answer = e.by_cpo and e.operation == "AuthorizeStart"
        ident = text_of(e, "SessionID", answer=answer) if answer or e.direction is HUB_TO_CPO else None
        if ident and not _unknown_on_purpose(e):
            found.setdefault(ident.upper(), ident)
    for o in evidence.seen("hub_session"):
        if isinstance(o.data.get("session_id"), str):
            found.setdefault(o.data["session_id"].upper(), o.data["session_id"])
    return found


def _unknown_on_purpose(e: Exchange) -> bool:
    return e.recorder.get("variant") == "unknown-session"


@lru_cache(maxsize=8)
def _unbilled(evidence: Evidence) -> dict[str, list[Session]]:
    """Accepted sessions without a CDR of their own, by EVSE, in the order in which they began."""
    found: dict[str, list[Session]] = {}
    for s in sorted(sessions(evidence), key=lambda s: s.start.t if s.start else 0.0):
        if s.accepted and not s.cdrs and s.evse_id:
            found.setdefault(folded(s.evse_id), []).append(s)
    return found


@lru_cache(maxsize=8)
def _nameless_starts(evidence: Evidence) -> frozenset[str]:
    """EVSEs for which a start without SessionID was accepted: there the CPO had to make one up."""
    starts = (e for e in evidence.about(*STARTS) if e.direction is HUB_TO_CPO and e.accepted)
    return frozenset(folded(str(e.body.get("EvseID"))) for e in starts if not text_of(e, "SessionID"))


def _judgeable(evidence: Evidence, e: Exchange) -> bool:
    """The session of this message began in this recording, so its start would be in it."""
    ours = evidence.run.source in OWN_HUB
    if evidence.run.source == "message" or not (ours or _given(evidence)):
        return False
    if e.accepted and at_hubject(e):
        return False  # Hubject itself takes no message for a session it did not open (400)
    if not ours and not _starts_were_recorded(evidence, e):
        return False
    if TIMES in evidence.run.unknown:  # then only its place tells that it is meant for a session of this recording
        return any(c.number == e.number for c in claimed(evidence).values())
    known, ends = (
        [t for name in names if (t := second_of(e, e.body.get(name))) is not None]
        for names in (("SessionStart", "ChargingStart"), ("SessionEnd", "ChargingEnd"))
    )
    ahead = max([0.0, *(t - e.t for t in ends)])  # so much at least is the clock of the CPO, or its zone
    if e.operation in ("AuthorizeStart", "AuthorizeStop"):
        return ours
    # times of a record are whole seconds, and clocks differ
    return min(known) - ahead >= -limit(evidence, "clock_s") if known else ours


def _starts_were_recorded(evidence: Evidence, e: Exchange) -> bool:
    """Somebody else's recording may hold one direction only; starts by card or cable go out as CDRs do, with ids in their answers."""
    identification = e.body.get("Identification")
    kinds = {k for k, v in identification.items() if v is not None} if isinstance(identification, dict) else set()
    if kinds and "RemoteIdentification" not in kinds:
        asked, heard = _cards_asked_for(evidence)
        own = session(evidence, text_of(e, "SessionID"))
        unknown = says_closed(e) and own is not None and own.cdrs[:1] == (e,)
        return heard and (asked or unknown)
    return _starts_came(evidence)


@lru_cache(maxsize=8)
def _cards_asked_for(evidence: Evidence) -> tuple[bool, bool]:
    """Whether the hub was asked for a card, and whether its answers were all recorded."""
    starts = evidence.about("AuthorizeStart")
    return bool(starts), not any(unheard(start) for start in starts)


@lru_cache(maxsize=8)
def _starts_came(evidence: Evidence) -> bool:
    return any(start.direction is HUB_TO_CPO for start in evidence.about(*STARTS))


@whole.rule("SESS-001", "SESS-003")
def uses_the_ids_of_the_hub(evidence: Evidence) -> Iterator[Yield]:
    """SessionIDs come from the hub and are used character by character in every message of the session."""
    for e in evidence.about(*_CARRYING):
        ident = text_of(e, "SessionID") if e.by_cpo else None
        if ident is None:
            continue
        given, meant = _given(evidence).get(ident.upper()), of_another(evidence).get(e.number)
        if meant is not None:
            told = f"EVSE and driver are those of session {meant.session_id}, the SessionID is {ident}"
            also = ("CDR-008", "CDR-012")
            yield finding(told, on=e, pointer="/SessionID", requirement="SESS-003", also=also)
        elif given == ident:
            yield Checked("SESS-001", e.operation or "")
            yield Checked("SESS-003", e.operation or "")
        elif given is not None:
            yield Checked("SESS-001", e.operation or "")
            told = f"SessionID {ident} differs in case from {given}"
            yield finding(told, on=e, pointer="/SessionID", requirement="SESS-003", contested=True)
        elif _judgeable(evidence, e):
            yield _strange(evidence, e, ident)
        else:
            yield NotExercised("SESS-001", "the start of some sessions is not in this recording")


def _strange(evidence: Evidence, e: Exchange, ident: str) -> Yield:
    evse = folded(str(e.body.get("EvseID") or ""))
    if evse in _nameless_starts(evidence):
        return NotExercised("SESS-001", "a start without SessionID was accepted, its messages may carry any id")
    before = next(begun_before(_unbilled(evidence).get(evse, []), e.t), None)
    if before and e.operation != "AuthorizeStart":
        told = f"SessionID {ident} was never given out; the session on this EVSE is {before.session_id}"
        return finding(told, on=e, pointer="/SessionID", requirement="SESS-003")
    return finding(
        f"SessionID {ident} was never given out by the hub", on=e, pointer="/SessionID", requirement="SESS-001"
    )


@answered.rule("ACK-007", when=lambda e: e.result is not None and text_of(e, "SessionID", answer=True) is not None)
def acknowledges_the_same_session(e: Exchange) -> Iterator[Yield]:
    """A SessionID in an acknowledgement is that of the request."""
    wanted, got = text_of(e, "SessionID"), text_of(e, "SessionID", answer=True)
    if wanted and got and got != wanted:
        told = f"the acknowledgement has SessionID {got}, the request {wanted}"
        same = got.upper() == wanted.upper()
        yield finding(told, on=e, pointer="/SessionID", in_answer=True, contested=same)


@whole.rule("SESS-005")
def returns_the_id_of_the_emp(evidence: Evidence) -> Iterator[Yield]:
    """An EMPPartnerSessionID of the start comes back in acknowledgement, notifications and CDR."""
    for s in sessions(evidence):
        wanted = text_of(s.start, "EMPPartnerSessionID") if s.start and s.kind != "rfid" and s.accepted else None
        if wanted is None or s.start is None:
            continue
        for e, answer in ((s.start, True), *((e, False) for e in (*s.notifications, *s.cdrs))):
            got = text_of(e, "EMPPartnerSessionID", answer=answer)
            where = "acknowledgement" if answer else _IN_WORDS.get(e.operation or "", e.operation)
            if got == wanted:
                yield Checked("SESS-005", e.operation or "")
            elif not _of_another_session(evidence, e, s, "EMPPartnerSessionID", got):
                has = "no EMPPartnerSessionID" if got is None else f"EMPPartnerSessionID {got!r}"
                told = f"the {where} has {has}, the start had {wanted!r}"
                yield finding(told, on=e, pointer="/EMPPartnerSessionID", in_answer=answer, requirement="SESS-005")


def _of_another_session(evidence: Evidence, e: Exchange, own: Session, name: str, ident: str | None) -> bool:
    """A CDR with the partner's id of another session: CDR-037 says so."""
    owners = owners_of_partner_ids(evidence).get((name, ident or ""), set())
    return e.operation == "ChargeDetailRecord" and bool(owners) and own.session_id not in owners


@whole.rule("SESS-006")
def keeps_its_own_id(evidence: Evidence) -> Iterator[Yield]:
    """A CPOPartnerSessionID is the same in all messages of a session and differs between sessions."""
    used: dict[str, str] = {}
    for s in sessions(evidence):
        own = list(_own_ids(s))
        if not s.accepted or not own:
            continue
        first = own[0][1]
        other = next(((e, ident, answer) for e, ident, answer in own if ident != first), None)
        before = used.setdefault(first, s.session_id)
        if other is not None and _of_another_session(evidence, other[0], s, "CPOPartnerSessionID", other[1]):
            continue
        if other is not None:
            told = f"CPOPartnerSessionID {other[1]!r} follows {first!r} in one session"
            yield finding(told, on=other[0], pointer="/CPOPartnerSessionID", in_answer=other[2], requirement="SESS-006")
        elif before != s.session_id:
            told = f"CPOPartnerSessionID {first!r} was used in session {before} too"
            yield finding(
                told, on=own[0][0], pointer="/CPOPartnerSessionID", in_answer=own[0][2], requirement="SESS-006"
            )
        elif len(own) > 1:
            yield Checked("SESS-006", s.operation)


def _own_ids(s: Session) -> Iterator[tuple[Exchange, str, bool]]:
    """CPOPartnerSessionIDs in messages of the CPO, in order; True where it stands in an answer."""
    for e in sorted((*s.starts, *s.stops, *s.notifications, *s.cdrs), key=lambda e: e.t):
        answer = e.direction is HUB_TO_CPO
        refused = answer and not opened(e)
        ident = text_of(e, "CPOPartnerSessionID", answer=answer)
        if ident and not refused and (answer or e.by_cpo):
            yield e, ident, answer
