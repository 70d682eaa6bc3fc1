"""HTTP side of what the CPO answers (HTTP-011 to HTTP-014, HTTP-022)."""

from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import chargers
from oicp.content_types import content_type
from oicp.evidence import Evidence, Exchange
from oicp.outages import UNHEARD
from oicp.paths import Spelling, read_target
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.refused_forms import shared_cause
from oicp.rules.remote_refusals import end_of, evse_of
from oicp.rules.told_to_all import told_to_all
from oicp.services import HUB_TO_CPO, OPERATIONS, PREFIX, operation_of
from oicp.sessions import folded, same_id
from oicp.unknowns import STATUSES
from oicp.variants import Expected, variant_of

whole = rules_about_evidence()
_ABOUT_THE_EVSE = frozenset(("501", "510", "601", "602", "603", "604", "700", "400", "021"))
"""Codes that name a cause beyond the spelling of an id."""
_NOT_UNDERSTOOD = frozenset(("HTTP-021", "RSTART-003", "RSTART-001", "HTTP-015", "HTTP-016"))
"""A variant made for one of these may meet a CPO that does not understand it and says so with HTTP 400."""


def _remote(evidence: Evidence) -> tuple[Exchange, ...]:
    """Answered requests of the hub to the CPO that no fault touched."""
    return tuple(e for e in evidence.exchanges if e.direction is HUB_TO_CPO and e.answer is not None and not e.faults)


def is_acknowledgement(e: Exchange) -> bool:
    """The answer is an acknowledgement, as far as one can ask before looking into its fields."""
    return e.result is not None


def is_misspelled(e: Exchange) -> bool:
    """The answer is an acknowledgement but for the spelling of its members: HTTP-005 tells of them, and nobody of missing ones."""
    spelled = {name.lower().replace("_", "") for name in e.answer_body}
    return {"result", "statuscode"} <= spelled and not {"Result", "StatusCode"} & e.answer_body.keys()


def unrouted(e: Exchange) -> bool:
    """Answered by the router of the CPO and not by its OICP service."""
    return e.http_status in (404, 405) and not is_acknowledgement(e)


@lru_cache(maxsize=8)
def _spellings_served(evidence: Evidence) -> dict[str, set[Spelling | None]]:
    found: dict[str, set[Spelling | None]] = {}
    for e in _remote(evidence):
        if not unrouted(e) and e.operation:
            found.setdefault(e.operation, set()).add(read_target(e.request.target).spelling)
    return found


def _meant_to_fail(e: Exchange) -> bool:
    variant = variant_of(e)
    return variant is not None and variant.expected is Expected.REFUSED


def _not_understood(e: Exchange) -> bool:
    """The request was broken (or odd) on purpose, so that HTTP 400 is a fair answer."""
    variant = variant_of(e)
    if e.sent.error is not None or (variant is not None and not _NOT_UNDERSTOOD.isdisjoint(variant.requirements)):
        return True
    members = [wire_json.at(e.body, name) for name in ("SessionID", "ProviderID", "EvseID")]
    if (e.operation or "").endswith("Start"):
        members.append(wire_json.at(e.body, "Identification", "RemoteIdentification"))
    return any(not member for member in members)


@whole.rule("HTTP-011")
def serves_every_spelling(evidence: Evidence) -> Iterator[Yield]:
    """The remote endpoints match however the ProviderID in the path is spelled."""
    served, seen = _spellings_served(evidence), set()
    for e in _remote(evidence):
        spelling = read_target(e.request.target).spelling
        others = served.get(e.operation or "", set()) - {spelling}
        if spelling is None or _not_understood(e):
            continue
        seen.add(spelling)
        if _spelling_refused(e, others, served) and not _something_else(evidence, e):
            got = f"HTTP {e.http_status}" + (f", code {e.status_code}" if e.status_code else "")
            told = f"{got} for {e.request.target}: {spelling} in the id of the path is not matched"
            yield finding(told, on=e, requirement="HTTP-011", contested=spelling is Spelling.ENCODED)
        elif is_acknowledgement(e) and len(_spellings_of(evidence)) > 1:
            yield Checked("HTTP-011", e.operation or "")
    if len(seen) == 1:
        yield NotExercised("HTTP-011", f"ids in paths came in one spelling only ({next(iter(seen))})", incomplete=True)


@lru_cache(maxsize=8)
def _spellings_of(evidence: Evidence) -> frozenset[Spelling]:
    return frozenset(s for e in _remote(evidence) if (s := read_target(e.request.target).spelling))


def _spelling_refused(e: Exchange, others: set[Spelling | None], served: dict[str, set[Spelling | None]]) -> bool:
    if read_target(e.request.target).spelling in served.get(e.operation or "", set()) and unrouted(e):
        return False  # the same spelling was served elsewhere: something else is wrong
    if unrouted(e) or (e.http_status == 400 and not is_acknowledgement(e) and _for_spelling(e)):
        return bool(others)
    code = e.status_code
    return bool(others) and _for_spelling(e) and e.result is False and code not in _ABOUT_THE_EVSE


def _something_else(evidence: Evidence, e: Exchange) -> bool:
    """It was refused for another reason: as ordinary requests are, or only after the charge point was asked."""
    # a stop of a transaction that it does not know belongs to no EVSE
    commands = (o for o in evidence.seen(_COMMANDS.get(e.operation or "", "")) if e.t <= o.t <= end_of(e))
    point = chargers(evidence).points.get(folded(evse_of(e) or ""))
    reached = any(o.charge_point == point if o.evse_id is None else same_id(o.evse_id, evse_of(e)) for o in commands)
    return reached or told_to_all(evidence, e) or shared_cause(evidence, e) is not None


_COMMANDS = {"AuthorizeRemoteStart": "remote_start_received", "AuthorizeRemoteStop": "remote_stop_received"}


def _for_spelling(e: Exchange) -> bool:
    variant = variant_of(e)
    return variant is not None and variant.requirements[:1] == ("HTTP-011",)


@whole.rule("HTTP-012")
def answers_with_a_message(evidence: Evidence) -> Iterator[Yield]:
    """Every request the CPO receives is answered with an OICP message."""
    for e in evidence.exchanges:
        if e.direction is not HUB_TO_CPO or e.faults or e.operation is None:
            continue
        told = _no_message(e)
        if told and e.answer is not None and STATUSES in evidence.run.unknown and _not_understood(e):
            continue  # it may well have come with HTTP 400
        if told and _closed_when_idle(evidence, e):
            reason = "a connection broke at once; it may have been idle and closed just when the request came"
            doubt = finding(told, on=e, requirement="HTTP-012")
            yield NotExercised("HTTP-012", reason, incomplete=True, doubt=doubt)
        elif told:
            yield finding(told, on=e, requirement="HTTP-012", in_answer=e.answer is not None)
        elif is_acknowledgement(e) or e.status_code is not None:
            yield Checked("HTTP-012", e.operation)


def _no_message(e: Exchange) -> str | None:
    if e.answer is None:
        return _silence(e)
    if e.answer.http_status >= 400:
        return None  # HTTP-013, HTTP-022 and ACK-011 judge what an error status came with
    if "Result" in e.answer_body or "StatusCode" in e.answer_body or is_misspelled(e):
        return None
    shown = e.answered.error or "no acknowledgement in it"
    return f"HTTP {e.answer.http_status} without an OICP message: {shown}"


def _closed_when_idle(evidence: Evidence, e: Exchange) -> bool:
    """Who recorded keeps connections open longer than our hub does; on one that the CPO closes meanwhile it never gets the request."""
    if e.answer is not None or evidence.run.source not in _OF_OTHERS or (e.duration_s or 0.0) > _AT_ONCE_S:
        return False
    broke = any(word in (e.error or "").lower() for word in _BROKEN)
    return broke and _first_answered(evidence) < e.t


@lru_cache(maxsize=8)
def _first_answered(evidence: Evidence) -> float:
    return min((e.t for e in _remote(evidence)), default=float("inf"))


_OF_OTHERS = ("har", "flows", "tap")
_AT_ONCE_S = 0.5
_BROKEN = ("reset", "disconnected", "closed", "hang up", "eof", "empty response", "broken pipe")


def _silence(e: Exchange) -> str | None:
    """Why there is no answer, if that is the doing of a CPO that had received the request."""
    error = (e.error or "").lower()
    if e.t_end is None or not error:
        return None
    never_received = ("refused", "tls", "handshake", "certificate", "cannot connect", "name or service", "recording ended",
                      "not answered yet", "stopped before", "unreachable", "connect timeout", "resolve", UNHEARD)  # fmt: skip
    return None if any(word in error for word in never_received) else f"no answer: {e.error}"


@whole.rule("HTTP-013")
def acknowledges_with_200(evidence: Evidence) -> Iterator[Yield]:
    """Requests that were understood are answered with HTTP 200, refusals too."""
    for e in _remote(evidence):
        status = e.http_status or 0
        if status == 200:
            yield Checked("HTTP-013", e.operation or "")
        elif 200 <= status < 300 and is_acknowledgement(e):
            yield finding(f"HTTP {status} instead of 200", on=e, requirement="HTTP-013", contested=True, in_answer=True)
        elif 400 <= status < 500 and not _not_understood(e):
            yield from _refused_by_http(evidence, e)


def _refused_by_http(evidence: Evidence, e: Exchange) -> Iterator[Yield]:
    if is_acknowledgement(e):
        told = f"a refusal (code {e.status_code}) came with HTTP {e.http_status} instead of 200"
        yield finding(told, on=e, requirement="HTTP-013", contested=True, in_answer=True)
    elif not (unrouted(e) and _judged_elsewhere(evidence, e)):
        told = f"HTTP {e.http_status} without an acknowledgement"
        yield finding(told, on=e, requirement="HTTP-013", in_answer=True)


def _judged_elsewhere(evidence: Evidence, e: Exchange) -> bool:
    """The path was not matched: HTTP-011 if another spelling is, HTTP-022 if none is."""
    served = _spellings_served(evidence).get(e.operation or "", set())
    if served:
        return read_target(e.request.target).spelling not in served
    return e.operation in _never_served(evidence)


@lru_cache(maxsize=8)
def _never_served(evidence: Evidence) -> dict[str, Exchange]:
    """Operations of which no request ever reached a service, though it should have; with the first such request."""
    served = _spellings_served(evidence)
    found: dict[str, Exchange] = {}
    for e in _remote(evidence):
        if e.operation and unrouted(e) and e.operation not in served and not _meant_to_fail(e):
            found.setdefault(e.operation, e)
    return found


@whole.rule("HTTP-014")
def answers_application_json(evidence: Evidence) -> Iterator[Yield]:
    """Answers carry `Content-Type: application/json` in UTF-8."""
    served = _spellings_served(evidence)
    for e in _remote(evidence):
        if e.answer is None or not e.answer.body.strip() or (unrouted(e) and not served.get(e.operation or "")):
            continue
        if e.http_status == 400 and _not_understood(e) and e.answered.error is not None:
            continue
        yield from _content_type(e)


def _content_type(e: Exchange) -> Iterator[Yield]:
    header = e.answer_header("Content-Type")
    kind = content_type(header or "")
    if kind.is_json and kind.is_utf8:
        yield Checked("HTTP-014", e.operation or "")
        return
    json_body = e.answered.error is None
    contested = json_body and kind.is_utf8 and (not header or kind.is_other_json)
    told = f"Content-Type of the answer is {header}" if header else "the answer has no Content-Type"
    yield finding(told, on=e, requirement="HTTP-014", contested=contested, in_answer=True)


_BEHIND = ("har", "flows", "pairs")
"""Recordings that may have been made behind a proxy, which takes the front of a path away."""
_ENDPOINTS = ("AuthorizeRemoteStart", "AuthorizeRemoteStop")


@whole.rule("HTTP-022")
def serves_the_published_paths(evidence: Evidence) -> Iterator[Yield]:
    """Remote start and stop are served at their published paths below the registered URL."""
    served = _spellings_served(evidence)
    for name in _ENDPOINTS:
        calls = [e for e in _remote(evidence) if e.operation == name]
        odd = next((e for e in calls if not _published(e)), None)
        if odd is not None and evidence.run.source in _BEHIND and read_target(odd.request.target).front is None:
            yield NotExercised("HTTP-022", "a proxy may have taken /api/oicp away before the recorder", incomplete=True)
        elif odd is not None:
            told = f"served at {odd.request.target} instead of {PREFIX}{OPERATIONS[name].path}"
            yield finding(told, on=odd, requirement="HTTP-022")
        elif served.get(name):
            yield Checked("HTTP-022", name)
        elif name in _never_served(evidence):
            lost = _never_served(evidence)[name]
            told = f"every request to {lost.request.target} ended in HTTP {lost.http_status} without an acknowledgement"
            yield finding(told, on=lost, requirement="HTTP-022")


def _published(e: Exchange) -> bool:
    target = read_target(e.request.target)
    known = operation_of(target.path)
    return target.front is not None and known is not None and known[0].name == e.operation
