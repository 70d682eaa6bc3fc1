"""How the CPO takes odd but lawful requests of the hub: nulls, unknown members, spellings, missing options.

A refusal is blamed on the oddity only where nothing else explains it: the charge point was ready, the CPO did not even
ask it, and no other request with the same oddity was accepted.
What is not lawful is to be refused: other identifications (RSTART-003), malformed requests (HTTP-021), and trouble of its own is told as
021 (ACK-011).
"""

from collections.abc import Iterator

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.messages.identification import KINDS
from oicp.outages import unheard
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence
from oicp.rules.refused_forms import ID_006, NO_EMP_ID, REMOTE, asked, oddities, shared_cause, taken_forms, unexplained
from oicp.rules.remote_refusals import end_of, evse_of
from oicp.rules.told_refusals import told
from oicp.rules.told_to_all import of_a_taken_form, told_to_all
from oicp.services import HUB_TO_CPO, RELEASE, RESERVE, START, STOP

whole = rules_about_evidence()

_IDENTIFICATION_CODES = frozenset({"101", "102", "103", "105", "106", "110", "120", "121", "122"})


# --- the rules -------------------------------------------------------------------------------------------------------


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
    "SESS-002": "a SessionID that fits the pattern and is no hexadecimal GUID",
    "SESS-009": "no partner session id",
    "RESV-002": "the members of a reservation",
}


@whole.rule(*_SENTENCES)
def takes_lawful_requests(evidence: Evidence) -> Iterator[Yield]:
    """A request of the hub that is within the law is not refused for its form."""
    for e in asked(evidence):
        if e.accepted:
            yield from _served(evidence, e)
        elif (reason := told(evidence, e)) is not None:
            requirement, sentence, pointer = reason
            yield finding(sentence, on=e, requirement=requirement, in_answer=True, pointer=pointer)
        elif unexplained(evidence, e):
            blamed = _blamed(evidence, e)
            if blamed is not None and blamed != ID_006:
                yield finding(_refusal(e, blamed), on=e, requirement=blamed, in_answer=True)
            elif blamed is None and e.operation == START and of_a_taken_form(evidence, e):
                yield finding(_for_nothing(e), on=e, requirement="RSTART-001", in_answer=True, contested=True)


def _refusal(e: Exchange, blamed: str) -> str:
    return f"a request with {_SENTENCES[blamed]} was {_refused(e)} although the charge point was ready"


def _refused(e: Exchange) -> str:
    return f"refused ({f'code {e.status_code}' if e.status_code else f'HTTP {e.http_status}'})"


def _for_nothing(e: Exchange) -> str:
    text = wire_json.at(e.answer_body, "StatusCode", "Description")
    said = f', saying "{text[:80]}",' if isinstance(text, str) and text.strip() else ""
    return f"{_refused(e)}{said} although the charge point was ready and a vehicle waited; others of this form were accepted"


def _served(evidence: Evidence, e: Exchange) -> Iterator[Checked]:
    operation = e.operation or ""
    for key, odd in oddities(evidence, e):
        if key != NO_EMP_ID and odd != ID_006:
            yield Checked(odd, operation)
    if operation in _PLAIN:
        yield Checked(_PLAIN[operation], operation)
    if operation == START:
        yield Checked("RSTART-002", operation)
        yield Checked("RSTART-019", operation)
        if evse_of(e) == (evse_of(e) or "").upper():
            yield Checked("RSTART-017", operation)


def _blamed(evidence: Evidence, e: Exchange) -> str | None:
    """The requirement a refusal without another reason breaks; None where the same form was accepted elsewhere."""
    operation, tolerated = e.operation or "", taken_forms(evidence)
    if operation == START and e.status_code in _IDENTIFICATION_CODES and (operation, "") not in tolerated:
        return "RSTART-002"
    shared = shared_cause(evidence, e)
    if shared is not None or told_to_all(evidence, e):
        return shared
    for key, odd in oddities(evidence, e):
        if (operation, key) not in tolerated and (
            (operation, "") in tolerated or (odd == "SESS-009" and operation == STOP)
        ):
            return odd
    return _PLAIN.get(operation) if (operation, "") not in tolerated else None


@whole.rule("RSTART-003")
def refuses_other_identifications(evidence: Evidence) -> Iterator[Yield]:
    """A remote start without RemoteIdentification is refused."""
    for e in asked(evidence):
        given = e.body.get("Identification")
        if e.operation != START or not isinstance(given, dict) or given.get("RemoteIdentification") is not None:
            continue
        kinds = [name for name in KINDS if given.get(name) is not None]
        if e.result is True:
            who = f"with {', '.join(kinds)} alone" if kinds else "that identifies nobody"
            yield finding(f"a start {who} was accepted", on=e, requirement="RSTART-003")
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
        if broken is None or unheard(e) or (e.answer is None and e.t_end is None):
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
    for e in asked(evidence):
        if (e.http_status or 0) >= 500:
            told = f"HTTP {e.http_status} instead of an acknowledgement with 021"
            if e.result is not None:
                told = f"an acknowledgement came with HTTP {e.http_status} instead of 200"
            yield finding(told, on=e, requirement="ACK-011")
        elif e.result is False and e.status_code == "021":
            yield Checked("ACK-011", e.operation or "")
