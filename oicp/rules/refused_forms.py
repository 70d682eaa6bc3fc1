"""Refusals of lawful requests of the hub: what may explain them, and what they have in common."""

import re
from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import chargers, pushed_records
from oicp.evidence import Evidence, Exchange
from oicp.ids import SESSION_ID
from oicp.messages import MESSAGES, validate
from oicp.messages.identification import KINDS
from oicp.messages.shapes import shape
from oicp.occupied import on_evse
from oicp.rulebook import ERROR
from oicp.rules.remote_refusals import demanded, end_of, evse_of
from oicp.services import HUB_TO_CPO, RELEASE, RESERVE, START, STOP
from oicp.sessions import folded, same_id, session
from oicp.status_codes import EVSE_CAUSES
from oicp.variants import VARIANTS, variant_of

REMOTE = (START, STOP, RESERVE, RELEASE)
NO_EMP_ID = "no EMPPartnerSessionID"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ID_006 = "ID-006"
"""What `spelling.py` tells of: a form of EvcoIDs that is not taken."""


def asked(evidence: Evidence) -> Iterator[Exchange]:
    """Answered requests of the hub that no fault touched."""
    for e in evidence.about(*REMOTE, direction=HUB_TO_CPO):
        if e.answer is not None and not e.faults:
            yield e


# --- what is odd about a request -------------------------------------------------------------------------------------


def oddities(evidence: Evidence, e: Exchange) -> tuple[tuple[str, str], ...]:
    """What of this request a narrow CPO might stumble over: what it is, and its requirement; the most telling first."""
    body, found = e.body, list[tuple[str, str]]()
    known = shape(MESSAGES[e.operation or ""]).members
    if any(name not in known for name in body):
        found.append(("unknown members", "HTTP-016"))
    if e.operation == START:
        found += _odd_start(evidence, e)
    identification = body.get("Identification")
    inner = identification if isinstance(identification, dict) else {}
    if e.operation == STOP and body.get("CPOPartnerSessionID") is None:
        found.append(("no CPOPartnerSessionID", "SESS-009"))
    optional = [n for n in body if n in known and known[n].needs is None]
    if any(n in inner and inner[n] is None for n in KINDS):
        found.append(("nulls for the other identifications", "HTTP-015"))
    if any(body[n] is None for n in optional):
        found.append(("nulls", "HTTP-015"))
    if e.operation == START and body.get("EMPPartnerSessionID") is None:
        found.append((NO_EMP_ID, "SESS-009"))
    return tuple(found)


def _odd_start(evidence: Evidence, e: Exchange) -> Iterator[tuple[str, str]]:
    ident = e.body.get("SessionID")
    if isinstance(ident, str) and SESSION_ID.fullmatch(ident) and _GUID.fullmatch(ident) is None:
        yield "SessionID that is no GUID", "SESS-002"
    given = e.body.get("Identification")
    if isinstance(given, dict) and [name for name in KINDS if given.get(name) is not None] == ["RemoteIdentification"]:
        yield "RemoteIdentification alone", "RSTART-002"
    evco = wire_json.at(e.body, "Identification", "RemoteIdentification", "EvcoID")
    if isinstance(evco, str):
        yield f"EvcoID: {evco_form(evco)}", ID_006
    evse_id, pushed = evse_of(e) or "", _pushed_spelling(evidence, evse_of(e), e.t)
    if pushed is not None and evse_id != pushed:
        if evse_id == evse_id.upper() == pushed.upper():
            yield "upper case", "RSTART-017"
        elif evse_id.upper() != pushed.upper():
            yield "separators", "RSTART-018"
    product = e.body.get("PartnerProductID")
    yield f"product {product}", "RSTART-001" if product is None else "RSTART-019"


def evco_form(evco: str) -> str:
    """How an EvcoID is written, in words: all of one form are taken or none."""
    separator = "*" if "*" in evco else "-" if "-" in evco else "none"
    kind = "ISO" if len(folded(evco)) == 15 else "DIN"
    return f"{kind}, separator {separator}, {'lower' if evco != evco.upper() else 'upper'} case"


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
    if not evidence.run.truth or not chargers(evidence).known(evse_id) or faulty(e):
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


def faulty(e: Exchange) -> bool:
    """The request itself is wrong, or was made to be refused."""
    variant = variant_of(e)
    if variant is not None and variant.expected != "served" and variant is not VARIANTS["with-identification"]:
        return True
    return any(f.effective_grade is ERROR for f in validate(e.operation or "", e.body, direction=HUB_TO_CPO))


def _open_session(evidence: Evidence, e: Exchange) -> bool:
    """The last session on the EVSE is not closed yet, or was closed only just now. Earlier ones did not keep the CPO from accepting it."""
    earlier = [s for s in on_evse(evidence).get(folded(evse_of(e) or ""), ()) if s.start and s.start.t <= e.t]
    own = next((s for s in reversed(earlier) if s.start and s.start.number != e.number and s.accepted), None)
    if own is None:
        return False
    closed = [c.t_end for c in own.cdrs if c.accepted and c.t_end is not None]
    return not closed or min(closed) > e.t


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


# --- what refusals have in common -----------------------------------------------------------------------------------------


def names_a_cause(evidence: Evidence, e: Exchange) -> bool:
    """The code names a cause at the EVSE; 603 for an EVSE under another spelling is the very fault looked for."""
    if e.status_code == "603" and {"RSTART-017", "RSTART-018"} & {odd for _, odd in oddities(evidence, e)}:
        return False
    return e.status_code in EVSE_CAUSES or e.http_status in (404, 405, 429, 503)


@lru_cache(maxsize=8)
def taken_forms(evidence: Evidence) -> frozenset[tuple[str, str]]:
    """(operation, oddity) of accepted requests; the empty oddity stands for any accepted request."""
    found: set[tuple[str, str]] = set()
    for e in asked(evidence):
        if e.accepted:
            found |= {(e.operation or "", ""), *((e.operation or "", key) for key, _ in oddities(evidence, e))}
    return frozenset(found)


@lru_cache(maxsize=8)
def _common(evidence: Evidence) -> dict[tuple[str, str | None], frozenset[str]]:
    """(operation, code) of refused plain requests that nothing else explains -> what all of them have and no accepted one."""
    found: dict[tuple[str, str | None], frozenset[str]] = {}
    for e in asked(evidence):
        if variant_of(e) is None and unexplained(evidence, e):
            own = frozenset(
                key for key, _ in oddities(evidence, e) if (e.operation or "", key) not in taken_forms(evidence)
            )
            place = (e.operation or "", e.status_code)
            found[place] = found.get(place, own) & own
    return found


def unexplained(evidence: Evidence, e: Exchange) -> bool:
    """Refused, and neither the answer nor the EVSE tells why. A redirect or something unreadable refuses nothing: HTTP-012."""
    if e.result is None and e.http_status is not None and e.http_status < 400:
        return False
    return e.result is not True and not names_a_cause(evidence, e) and not excused(evidence, e)


def shared_cause(evidence: Evidence, e: Exchange) -> str | None:
    """The requirement for which plain requests are refused with the same code, where this request has the same about it.

    Whatever else is odd about it is not to blame then.
    """
    if (e.operation or "", "") not in taken_forms(evidence):
        return None
    common = _common(evidence).get((e.operation or "", e.status_code), frozenset())
    return next((odd for key, odd in oddities(evidence, e) if key in common), None)
