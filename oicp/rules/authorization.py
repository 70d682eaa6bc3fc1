"""Authorization by token at the charge point: AuthorizeStart, AuthorizeStop and what follows (AUTH-007 to -010, -012, -013, -015)."""

from collections.abc import Iterator
from functools import lru_cache

from oicp.chargers import chargers
from oicp.deliveries import CDR
from oicp.evidence import Evidence, Exchange
from oicp.moments import second_of
from oicp.outages import unheard
from oicp.rulebook import INFO, Checked, Yield, finding, rules_about_evidence
from oicp.rules.cdr_sessions import cdrs_of_sessions, compare_driver, identifications
from oicp.rules.notifications import uid_of
from oicp.rules.remote_refusals import end_of, evse_of
from oicp.services import CPO_TO_HUB
from oicp.sessions import Session, folded, opened, same_id, session, session_id_of, sessions
from oicp.transactions import Transaction, token_of, transactions
from oicp.unknowns import TIMES

whole = rules_about_evidence()
START, STOP = "AuthorizeStart", "AuthorizeStop"
_SETTLE_S = 5.0
_AT_CHARGER_S = 30.0
_STOPS_S = 10.0
_CLOCKS_S = 120.0
_RFID = {"RFIDMifareFamilyIdentification", "RFIDIdentification"}


def _status(exchange: Exchange) -> str | None:
    value = exchange.answer_body.get("AuthorizationStatus")
    return value if isinstance(value, str) else None


def _denied(start: Exchange) -> str | None:
    """Requirement that forbids a charge detail record after this start; None where it authorized."""
    if opened(start):
        return None
    return "AUTH-008" if _status(start) is None else "AUTH-007"


@lru_cache(maxsize=8)
def _starts_by_token(evidence: Evidence) -> dict[str, list[Exchange]]:
    found: dict[str, list[Exchange]] = {}
    for start in evidence.about(START, direction=CPO_TO_HUB):
        token = token_of(start)
        if token:
            found.setdefault(folded(token), []).append(start)
    return found


@lru_cache(maxsize=8)
def _strays(evidence: Evidence) -> dict[int, list[Exchange]]:
    """Number of an AuthorizeStart -> later messages with its token under a SessionID that no start was given."""
    found: dict[int, list[Exchange]] = {}
    for exchange in evidence.about(CDR, STOP, "ChargingNotifications", direction=CPO_TO_HUB):
        token, own = token_of(exchange), session(evidence, session_id_of(exchange))
        if token is None or (own is not None and own.start is not None):
            continue
        begun = _begun(evidence, exchange)
        before = [s for s in _starts_by_token(evidence).get(folded(token), [])[-50:] if s.t < begun]
        near = [s for s in before if not evse_of(s) or not evse_of(exchange) or same_id(evse_of(s), evse_of(exchange))]
        if near:
            found.setdefault(near[-1].number, []).append(exchange)
    return found


def _begun(evidence: Evidence, exchange: Exchange) -> float:
    """When the session of a message began, as far as it says so; clocks differ."""
    told = [second_of(exchange, exchange.body.get(name)) for name in ("SessionStart", "ChargingStart")]
    known = [t + _CLOCKS_S for t in told if t is not None] if TIMES not in evidence.run.unknown else []
    return min([exchange.t, *known])


@whole.rule("AUTH-007", "AUTH-008", "AUTH-009")
def charges_only_when_authorized(evidence: Evidence) -> Iterator[Yield]:
    """Only an Authorized answer opens a session, and its SessionID is the one that is used."""
    strays, uninvited = _strays(evidence), _uninvited(evidence)
    for start in evidence.about(START, direction=CPO_TO_HUB):
        if unheard(start):
            continue
        denied, later = _denied(start), strays.get(start.number, [])
        requirement = denied or "AUTH-009"
        for stray in later[:1] if denied is None or any(e.operation == CDR for e in later) else ():
            said = session_id_of(stray)
            if said is None and denied is None:
                continue  # that it is missing is told by the field
            own = " (the one of its own request)" if said and said == start.body.get("SessionID") else ""
            why = (
                f"the hub answered {_status(start) or start.http_status or start.error}"
                if denied
                else "the answer gave another"
            )
            yield finding(
                f"{stray.operation} with SessionID {said}{own} after AuthorizeStart: {why}",
                on=stray, requirement=requirement, pointer="/SessionID" if said else None,
            )  # fmt: skip
        if denied:
            yield from _billed_all_the_same(evidence, start, denied)
            yield from _after_denial(evidence, start, denied, later, uninvited.get(start.number))
        elif _used(evidence, start):
            yield Checked("AUTH-009", START)


def _billed_all_the_same(evidence: Evidence, start: Exchange, requirement: str) -> Iterator[Yield]:
    """The answer had a SessionID, though not the word Authorized: a record under it bills what nobody authorized."""
    own = session(evidence, session_id_of(start))
    if own is None or own.accepted or own.start is not start:
        return
    for cdr in own.cdrs[:1]:
        told = f"a charge detail record for this session, though AuthorizeStart was answered {_status(start) or 'without AuthorizationStatus'}"
        yield finding(told, on=cdr, requirement=requirement, pointer="/SessionID")


def _used(evidence: Evidence, start: Exchange) -> bool:
    own = session(evidence, session_id_of(start))
    return own is not None and bool(own.cdrs or own.stops or own.notifications)


def _after_denial(
    evidence: Evidence, start: Exchange, requirement: str, later: list[Exchange], charge: Transaction | None
) -> Iterator[Yield]:
    if charge is not None and not later:
        yield finding(
            f"{charge.evse_id} charged with this token all the same; no charge detail record was sent",
            on=start, requirement=requirement, grade=INFO,
        )  # fmt: skip
    if evidence.t_end - end_of(start) >= _SETTLE_S:
        yield Checked(requirement, START)


@lru_cache(maxsize=8)
def _uninvited(evidence: Evidence) -> dict[int, Transaction]:
    """Number of a denied AuthorizeStart -> the transaction that its token began all the same."""
    found: dict[int, Transaction] = {}
    for transaction in transactions(evidence) if evidence.run.truth else ():
        accepted = not transaction.rejected
        if transaction.session_id or transaction.cause == "remote" or not accepted or not transaction.id_tag:
            continue
        before = [
            s
            for s in _starts_by_token(evidence).get(folded(transaction.id_tag), [])[-50:]
            if s.t < transaction.t_start + 1
        ]
        if before and _denied(before[-1]) and transaction.t_start - end_of(before[-1]) < 60:
            found[before[-1].number] = transaction
    return found


@whole.rule("AUTH-010")
def an_answer_without_session_id_is_understood(evidence: Evidence) -> Iterator[Yield]:
    """A NotAuthorized answer with nulls leads to a plain no at the charge point."""
    asked: dict[str, list[tuple[float, str]]] = {}
    for o in evidence.seen("authorize"):
        asked.setdefault(folded(str(o.data.get("id_tag"))), []).append((o.t, str(o.data.get("answer"))))
    for start in evidence.about(START, direction=CPO_TO_HUB):
        token = token_of(start)
        if start.faults or _status(start) != "NotAuthorized" or session_id_of(start) or not token:
            continue
        near = [a for t, a in asked.get(folded(token), []) if start.t - 1 <= t <= end_of(start) + _AT_CHARGER_S]
        if near:
            yield Checked("AUTH-010", START)
            if all(answer in ("None", "", "error") for answer in near):
                yield finding("the charge point got no answer for a token that the hub had not authorized", on=start)


@whole.rule("AUTH-012")
def only_the_medium_that_started_stops(evidence: Evidence) -> Iterator[Yield]:
    """A medium that the hub does not authorize for the stop does not end the session."""
    for stop in evidence.about(STOP, direction=CPO_TO_HUB):
        own = session(evidence, session_id_of(stop))
        if stop.faults or own is None or own.start is None or _status(stop) != "NotAuthorized":
            continue
        yield Checked("AUTH-012", STOP)
        ended = next((t for t in own.transactions if t.t_stop is not None and stop.t <= t.t_stop), None)
        if ended is not None and _by_token(own, ended, stop) and not _told_no(evidence, ended, stop):
            yield finding("the hub did not authorize this medium to stop, yet it ended the session", on=stop)


def _by_token(own: Session, ended: Transaction, stop: Exchange) -> bool:
    """The transaction ended at the charge point just after, and nothing else explains it."""
    t_stop = ended.t_stop or 0.0
    allowed = any(s.number != stop.number and opened(s) and s.t <= t_stop for s in own.stops)
    return (
        ended.reason in (None, "Local", "DeAuthorized", "Remote") and t_stop - end_of(stop) <= _STOPS_S and not allowed
    )


def _told_no(evidence: Evidence, ended: Transaction, stop: Exchange) -> bool:
    """The charge point was told that this medium may not stop, and the CPO did not end the charging either: another one did."""
    token, until = folded(token_of(stop) or ""), (ended.t_stop or 0.0) + 1
    asked = chargers(evidence).of("authorize", ended.evse_id).between(stop.t - 1, until)
    answers = [str(o.data.get("answer")) for o in asked if folded(str(o.data.get("id_tag"))) == token]
    commanded = chargers(evidence).of("remote_stop_received", ended.evse_id).between(stop.t, until)
    return bool(answers) and "Accepted" not in answers and not commanded


@whole.rule("AUTH-013")
def stop_identifications_are_honoured(evidence: Evidence) -> Iterator[Yield]:
    """Media listed in AuthorizationStopIdentifications may stop the session."""
    if not evidence.run.truth:
        return
    for own in sessions(evidence):
        listed = _listed(own)
        for transaction in own.transactions if listed else ():
            until = evidence.t_end if transaction.t_stop is None else transaction.t_stop
            for asked in chargers(evidence).of("authorize", transaction.evse_id).between(transaction.t_start, until):
                token = str(asked.data.get("id_tag"))
                if folded(token) not in listed or folded(token) == folded(transaction.id_tag or ""):
                    continue
                yield Checked("AUTH-013", START)
                if str(asked.data.get("answer")) != "Accepted":
                    yield finding(
                        f"{token} is listed for the stop, the charge point was told {asked.data.get('answer')}",
                        on=own.start, observation=asked.number,
                    )  # fmt: skip


def _listed(own: Session) -> set[str]:
    """Folded tokens of AuthorizationStopIdentifications."""
    values = own.start.answer_body.get("AuthorizationStopIdentifications") if own.start else None
    found = [uid_of(value) for value in values if isinstance(value, dict)] if isinstance(values, list) else []
    return {folded(text[0]) for text in found if text}


@whole.rule("AUTH-015")
def cdr_repeats_the_identification(evidence: Evidence) -> Iterator[Yield]:
    """The CDR of a session started by AuthorizeStart repeats its identification."""
    for cdr, own in cdrs_of_sessions(evidence, "rfid"):
        meant = identifications(own.start) if own.start else {}
        said = identifications(cdr)
        if not meant or not said or len(said) > 1:
            continue
        yield Checked("AUTH-015", CDR)
        kind = next(iter(said))
        if kind not in meant and not (kind in _RFID and _RFID & meant.keys()):
            yield finding(
                f"the session was started with {next(iter(meant))}, the CDR has {kind}",
                on=cdr,
                pointer=f"/Identification/{kind}",
            )
            continue
        wanted, found = uid_of({kind: meant[kind]} if kind in meant else meant), uid_of(said)
        if wanted and found:
            yield from compare_driver(cdr, wanted[0], found[0], "AUTH-015", found[1])
