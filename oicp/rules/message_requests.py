"""How the CPO takes odd but lawful requests of the hub: nulls, unknown members, spellings, missing options.

A refusal is blamed on the oddity only where nothing else explains it: the charge point was ready, the CPO did not even
ask it, and no other request with the same oddity was accepted.
"""

from collections.abc import Iterator
from functools import lru_cache

from oicp.chargers import chargers, pushed_records
from oicp.evidence import Evidence, Exchange
from oicp.messages import MESSAGES, validate
from oicp.messages.identification import KINDS
from oicp.messages.shapes import shape
from oicp.rulebook import ERROR, Checked, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import demanded, end_of, evse_of
from oicp.services import HUB_TO_CPO
from oicp.sessions import folded, same_id, session, sessions
from oicp.status_codes import EVSE_CAUSES
from oicp.variants import VARIANTS, variant_of

START, STOP, RESERVE = "AuthorizeRemoteStart", "AuthorizeRemoteStop", "AuthorizeRemoteReservationStart"
RELEASE = "AuthorizeRemoteReservationStop"
REMOTE = (START, STOP, RESERVE, RELEASE)
whole = rules_about_evidence()

_IDENTIFICATION_CODES = frozenset({"101", "102", "103", "105", "106", "110", "120", "121", "122"})


def _asked(evidence: Evidence) -> Iterator[Exchange]:
    """Answered requests of the hub that no fault touched."""
    for e in evidence.about(*REMOTE, direction=HUB_TO_CPO):
        if e.answer is not None and not e.faults:
            yield e


# --- what is odd about a request -------------------------------------------------------------------------------------


def oddities(evidence: Evidence, e: Exchange) -> tuple[str, ...]:
    """What of this request a narrow CPO might stumble over, as requirement ids, the most telling first."""
    body, found = e.body, []
    known = shape(MESSAGES[e.operation or ""]).members
    if any(name not in known for name in body):
        found.append("HTTP-016")
    if e.operation == START:
        found += _odd_start(evidence, e)
    identification = body.get("Identification")
    inner = identification if isinstance(identification, dict) else {}
    if e.operation == STOP and body.get("CPOPartnerSessionID") is None:
        found.append("SESS-009")
    optional = [n for n in body if n in known and known[n].needs is None]
    if any(body[n] is None for n in optional) or any(n in inner and inner[n] is None for n in KINDS):
        found.append("HTTP-015")
    return tuple(found)


def _odd_start(evidence: Evidence, e: Exchange) -> Iterator[str]:
    evse_id, pushed = evse_of(e) or "", _pushed_spelling(evidence, evse_of(e), e.t)
    if pushed is not None and evse_id != pushed:
        if evse_id == evse_id.upper() == pushed.upper():
            yield "RSTART-017"
        elif evse_id.upper() != pushed.upper():
            yield "RSTART-018"
    product = e.body.get("PartnerProductID")
    variant = e.recorder.get("variant")
    if variant in ("product-custom", "product-missing", "product-null") or product is not None:
        yield "RSTART-019"


def _pushed_spelling(evidence: Evidence, evse_id: str | None, t: float) -> str | None:
    """The EvseID as the CPO pushed it, else as the fleet file has it."""
    table = pushed_records(evidence).get(folded(evse_id or ""))
    record = (table.at(t) if table else None) or {}
    spelled = record.get("EvseID") or chargers(evidence).records.get(folded(evse_id or ""), {}).get("EvseID")
    return spelled if isinstance(spelled, str) else None


# --- is there another reason to refuse? ------------------------------------------------------------------------------


def excused(evidence: Evidence, e: Exchange) -> bool:
    """Something beside the form of the request may explain a refusal; also where nobody watched the charge point."""
    evse_id = evse_of(e)
    if not evidence.run.truth or not chargers(evidence).known(evse_id) or _faulty(e):
        return True
    fleet, begin, end = chargers(evidence), e.t, end_of(e)
    if not fleet.online(evse_id, begin, end) or _was_away(evidence, evse_id, begin, end):
        return True
    if e.operation in (STOP, RELEASE):
        return _stop_excused(evidence, e)
    if any(fleet.of(kind, evse_id).between(begin, end) for kind in ("remote_start_received", "reserve_received")):
        return True  # the charge point was asked, and its answer may be the reason
    if demanded(evidence, e) is not None or fleet.of("reserve_received", evse_id).at(begin) is not None:
        return True
    if _open_session(evidence, e):
        return True
    state = fleet.status(evse_id, begin, end)
    return state not in ("Available", "Preparing") or (e.operation == START and not fleet.plugged(evse_id, begin, end))


def _was_away(evidence: Evidence, evse_id: str | None, begin: float, end: float) -> bool:
    """The charge point lost its connection, and has it back for less than a second; the first one of a run counts at once."""
    away = chargers(evidence).offline_periods(evse_id)
    return any(lost < end and back > begin - 1 for lost, back in away)


def _faulty(e: Exchange) -> bool:
    """The request itself is wrong, or was made to be refused."""
    variant = variant_of(e)
    if variant is not None and variant.expected != "served" and variant is not VARIANTS["with-identification"]:
        return True
    return any(f.effective_grade is ERROR for f in validate(e.operation or "", e.body, direction=HUB_TO_CPO))


def _open_session(evidence: Evidence, e: Exchange) -> bool:
    """An earlier session on the EVSE is not closed yet, or was closed only just now."""
    for own in sessions(evidence):
        if own.start is None or own.start.number == e.number or own.start.t > e.t or not own.accepted:
            continue
        if not same_id(own.evse_id, evse_of(e)):
            continue
        closed = [c.t_end for c in own.cdrs if c.accepted and c.t_end is not None]
        if not closed or min(closed) > e.t:
            return True
    return False


def _stop_excused(evidence: Evidence, e: Exchange) -> bool:
    own = session(evidence, e.session_id)
    if own is None or not own.accepted or any(s.t < e.t for s in own.stops if s.number != e.number):
        return True
    if not same_id(own.provider_id, e.body.get("ProviderID")) or not same_id(own.evse_id, evse_of(e)):
        return True
    fleet = chargers(evidence)
    if fleet.of("remote_stop_received", own.evse_id).between(e.t, end_of(e)):
        return True
    if own.kind == "reservation":
        return bool(fleet.of("reserve_cancelled", own.evse_id).between(e.t, end_of(e)))
    running = fleet.running(own.evse_id, e.t, end_of(e))
    return running is None or running.session_id != own.session_id


# --- the rules -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _tolerated(evidence: Evidence) -> frozenset[tuple[str, str]]:
    """(operation, oddity) of accepted requests; the empty oddity stands for any accepted request."""
    found: set[tuple[str, str]] = set()
    for e in _asked(evidence):
        if e.accepted:
            found |= {(e.operation or "", ""), *((e.operation or "", odd) for odd in oddities(evidence, e))}
    return frozenset(found)


_PLAIN = {START: "RSTART-001", STOP: "RSTOP-001", RESERVE: "RESV-002"}
_SENTENCES = {
    "HTTP-015": "optional members with the value null",
    "HTTP-016": "unknown members",
    "RSTART-001": "only what is mandatory",
    "RSTART-002": "an EvcoID in RemoteIdentification",
    "RSTART-017": "the EvseID in upper case",
    "RSTART-018": "the EvseID with other separators than it was pushed with",
    "RSTART-019": "a product the CPO does not know, or none",
    "RSTOP-001": "only what is mandatory",
    "SESS-009": "no CPOPartnerSessionID",
    "RESV-002": "the members of a reservation",
}


@whole.rule(*_SENTENCES)
def takes_lawful_requests(evidence: Evidence) -> Iterator[Yield]:
    """A request of the hub that is within the law is not refused for its form."""
    for e in _asked(evidence):
        if e.accepted:
            yield from _served(evidence, e)
        elif e.result is not True and not _names_a_cause(evidence, e) and not excused(evidence, e):
            blamed = _blamed(evidence, e)
            if blamed is not None:
                yield finding(_refusal(e, blamed), on=e, requirement=blamed, in_answer=True)


def _refusal(e: Exchange, blamed: str) -> str:
    code = f"code {e.status_code}" if e.status_code else f"HTTP {e.http_status}"
    return f"a request with {_SENTENCES[blamed]} was refused ({code}) although the charge point was ready"


def _names_a_cause(evidence: Evidence, e: Exchange) -> bool:
    """The code names a cause at the EVSE; 603 for an EVSE under another spelling is the very fault looked for."""
    if e.status_code == "603" and {"RSTART-017", "RSTART-018"} & set(oddities(evidence, e)):
        return False
    return e.status_code in EVSE_CAUSES or e.http_status in (404, 405, 429, 503)


def _served(evidence: Evidence, e: Exchange) -> Iterator[Checked]:
    operation = e.operation or ""
    for odd in oddities(evidence, e):
        yield Checked(odd, operation)
    if operation in _PLAIN:
        yield Checked(_PLAIN[operation], operation)
    if operation == START:
        yield Checked("RSTART-002", operation)
        if e.body.get("PartnerProductID") is None:
            yield Checked("RSTART-019", operation)
        if evse_of(e) == (evse_of(e) or "").upper():
            yield Checked("RSTART-017", operation)


def _blamed(evidence: Evidence, e: Exchange) -> str | None:
    """The requirement a refusal without another reason breaks; None where the same form was accepted elsewhere."""
    operation, tolerated = e.operation or "", _tolerated(evidence)
    if operation == START and e.status_code in _IDENTIFICATION_CODES and (operation, "") not in tolerated:
        return "RSTART-002"
    for odd in oddities(evidence, e):
        if (operation, odd) not in tolerated and ((operation, "") in tolerated or odd == "SESS-009"):
            return odd
    return _PLAIN.get(operation) if (operation, "") not in tolerated else None


@whole.rule("RSTART-003")
def refuses_other_identifications(evidence: Evidence) -> Iterator[Yield]:
    """A remote start without RemoteIdentification is refused."""
    for e in _asked(evidence):
        given = e.body.get("Identification")
        if e.operation != START or not isinstance(given, dict) or given.get("RemoteIdentification") is not None:
            continue
        kinds = [name for name in KINDS if given.get(name) is not None]
        if not kinds:
            continue
        if e.result is True:
            yield finding(f"a start with {', '.join(kinds)} alone was accepted", on=e, requirement="RSTART-003")
        else:
            yield Checked("RSTART-003", e.operation)


_MANDATORY = {
    START: ("EvseID", "Identification", "ProviderID"), STOP: ("SessionID",), RELEASE: ("SessionID",),
    RESERVE: ("EvseID", "Identification", "ProviderID"),
}  # fmt: skip


@whole.rule("HTTP-021")
def malformed_requests_are_refused(evidence: Evidence) -> Iterator[Yield]:
    """Broken JSON and missing mandatory members are refused, without effect on any EVSE."""
    for e in evidence.about(*REMOTE, direction=HUB_TO_CPO):
        broken = _broken(e)
        if broken is None or (e.answer is None and e.t_end is None):
            continue
        operation = e.operation or ""
        commands = _commands(evidence, e)
        if e.result is True:
            yield finding(f"a request with {broken} was accepted", on=e, requirement="HTTP-021", in_answer=True)
        elif e.answer is None and not e.faults:
            yield finding(f"a request with {broken} was not answered: {e.error}", on=e, requirement="HTTP-021")
        elif commands:
            sentence = f"a request with {broken} led to a command at EVSE {commands}"
            yield finding(sentence, on=e, requirement="HTTP-021", evse_id=commands)
        elif e.answer is not None:
            yield Checked("HTTP-021", operation)


def _broken(e: Exchange) -> str | None:
    if not e.sent.is_object:
        return "no JSON object" if e.sent.error is None else "broken JSON"
    missing = [name for name in _MANDATORY[e.operation or ""] if e.body.get(name) is None]
    return f"no {' and no '.join(missing)}" if missing else None


def _commands(evidence: Evidence, e: Exchange) -> str | None:
    """An EVSE that got a command while a malformed request, and no other, was being answered."""
    kinds = ("remote_start_received", "remote_stop_received", "reserve_received", "reserve_cancelled")
    for o in evidence.seen(*kinds):
        if e.t <= o.t <= end_of(e) and not any(
            other.number != e.number and other.t <= o.t and end_of(other) + 1 >= e.t
            for other in evidence.about(*REMOTE, direction=HUB_TO_CPO)
        ):
            return o.evse_id
    return None


@whole.rule("ACK-011")
def trouble_is_told_as_021(evidence: Evidence) -> Iterator[Yield]:
    """Trouble of the CPO's system is answered with Result false and 021, not with an HTTP error."""
    for e in _asked(evidence):
        if (e.http_status or 0) >= 500:
            yield finding(f"HTTP {e.http_status} instead of an acknowledgement with 021", on=e, requirement="ACK-011")
        elif e.result is False and e.status_code == "021":
            yield Checked("ACK-011", e.operation or "")
