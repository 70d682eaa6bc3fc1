"""The field law applied to every message of the CPO: what it sends, and what it answers to the hub.

One reading of a message decides all its field requirements; which these are is generated from the message models.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from oicp import wire_json
from oicp.catalogue import Requirement, catalogue
from oicp.evidence import Evidence, Exchange
from oicp.ids import operator_key
from oicp.messages import ANSWERS, MESSAGES, NOTIFICATIONS, Examination, FieldFault, examine
from oicp.messages.shapes import shape
from oicp.operators import operators
from oicp.paths import garbled_id
from oicp.repeats import PUSHES
from oicp.rulebook import ERROR, INFO, Checked, Finding, Yield, rules_about_evidence
from oicp.rules.http_answers import is_misspelled
from oicp.services import OPERATIONS, Direction
from oicp.sessions import session
from oicp.variants import variant_of

MOST_ALIKE = 20
"""So many findings of one requirement are listed per message; the last one says how many more there are."""

_SENT_BY_CPO = tuple(
    name for name, row in OPERATIONS.items() if Direction.CPO_TO_HUB in row.directions and name in MESSAGES
)
_ANSWERED_BY_CPO = tuple(name for name, row in OPERATIONS.items() if Direction.HUB_TO_CPO in row.directions)


def _decided() -> tuple[str, ...]:
    """Every requirement on the CPO that some model decides."""
    models = [*(MESSAGES[name] for name in _SENT_BY_CPO), *NOTIFICATIONS.values(), ANSWERS["Acknowledgement"]]
    found = {"PUSH-011", "CDR-028"}.union(*(shape(model).decides() for model in models))
    return tuple(i for i, entry in catalogue().items() if i in found and entry.subject == "cpo")


DECIDED = _decided()
_DECIDED = frozenset(DECIDED)
whole = rules_about_evidence()


@whole.rule(*DECIDED)
def messages_keep_the_field_law(evidence: Evidence) -> Iterator[Yield]:
    """Every member of every message of the CPO is as the specification says."""
    known = operators(evidence) or None
    for exchange in evidence.exchanges:
        if exchange.by_cpo and exchange.operation in _SENT_BY_CPO and exchange.sent.is_object:
            yield from _request(evidence, exchange, known)
        elif exchange.direction is Direction.HUB_TO_CPO and not exchange.faults and _acknowledges(exchange):
            read = examine(exchange.operation or "", exchange.answer_body, answer=True, direction=exchange.direction)
            yield from _told(exchange, [_as_asked(exchange, fault) for fault in read.faults], in_answer=True)
            yield from _exercised(exchange, read.checked, answer=True)


def _as_asked(exchange: Exchange, fault: FieldFault) -> FieldFault:
    """An answer that has an empty SessionID where the request had none says no more than null would."""
    none = exchange.body.get("SessionID") is None and exchange.answer_body.get("SessionID") == ""
    return replace(fault, grade=INFO) if none and fault.requirement == "SESS-002" else fault


def _acknowledges(exchange: Exchange) -> bool:
    """Judge the answer as an acknowledgement: it came with 2xx, or it is one all the same."""
    if exchange.operation not in _ANSWERED_BY_CPO or not exchange.answered.is_object:
        return False
    if not {"Result", "StatusCode"} & exchange.answer_body.keys() and not is_misspelled(exchange):
        return False  # HTTP-012: it is no acknowledgement at all
    return 200 <= (exchange.http_status or 0) < 300 or "Result" in exchange.answer_body


def _request(evidence: Evidence, exchange: Exchange, known: tuple[str, ...] | None) -> Iterator[Yield]:
    read = examine(
        exchange.operation or "", exchange.body, direction=exchange.direction, operators=known,
        path_id=exchange.partner_id or None,
    )  # fmt: skip
    yield from _told(exchange, [_in_context(evidence, exchange, fault) for fault in read.faults])
    yield from _direct_partner(exchange, known)
    for name in exchange.sent.duplicates:
        told = (
            f"member {name!r} stands twice in one object; the last one counts here, another parser may take the first"
        )
        yield Finding("HTTP-005", told, grade=INFO, exchange=exchange.number)
    yield from _exercised(exchange, (read.checked | {"PUSH-011"}) - _not_known(evidence, exchange))
    if _closes_without_energy(exchange):
        yield Checked("CDR-028", exchange.operation or "")


def _in_context(evidence: Evidence, exchange: Exchange, fault: FieldFault) -> FieldFault | None:
    """What the rest of the recording says about a fault; None if it excuses it."""
    if fault.requirement == "CDR-035":
        own = session(evidence, exchange.session_id)
        of_start = own.start.body.get("PartnerProductID") if own and own.start else None
        if of_start is not None and of_start == exchange.body.get("PartnerProductID"):
            return None
    if fault.requirement == "AUTH-014" and exchange.operation == "ChargeDetailRecord":
        own = session(evidence, exchange.session_id)
        return None if own is not None and own.kind == "remote" else fault  # CDR-011
    if fault.requirement == "CDR-009" and _told_before(evidence, exchange):
        return None
    if fault.requirement == "HTTP-009" and garbled_id(exchange, evidence.run.operator_ids) is not None:
        return None  # the same id, but its path was wrongly encoded: HTTP-010
    if fault.requirement == "AUTH-005" and _one_evse_each(evidence):
        sentence = "EvseID is left out although every charge point has one EVSE only"
        return replace(fault, observed=sentence, grade=None)
    return fault


def _told_before(evidence: Evidence, cdr: Exchange) -> bool:
    """It repeats a CDR with the same EvseID: that one is told of, by CDR-008 where the start is known."""
    own = session(evidence, cdr.session_id)
    earlier = [c for c in own.cdrs if c.number < cdr.number] if own is not None else []
    return any(c.body.get("EvseID") == cdr.body.get("EvseID") for c in earlier)


def _not_known(evidence: Evidence, exchange: Exchange) -> frozenset[str]:
    """Whether the EVSE was known to a CPO that leaves it out: only where a charge point has one EVSE."""
    left_out = exchange.operation == "AuthorizeStart" and exchange.body.get("EvseID") is None
    return frozenset({"AUTH-005"}) if left_out and not _one_evse_each(evidence) else frozenset()


def _one_evse_each(evidence: Evidence) -> bool:
    points = wire_json.at(evidence.run.fleet, "charge_points") if evidence.run.fleet else None
    if not isinstance(points, (list, tuple)) or not points:
        return False
    return all(isinstance(p, dict) and len(p.get("evses") or ()) == 1 for p in points)


def _direct_partner(exchange: Exchange, known: tuple[str, ...] | None) -> Iterator[Finding]:
    """OperatorID and path name the direct partner, not one of its sub-operators (PUSH-011)."""
    if exchange.operation not in PUSHES or not known:
        return
    envelope = next((value for value in exchange.body.values() if isinstance(value, dict)), {})
    own, subordinate = operator_key(known[0]), {operator_key(o) for o in known[1:]}
    for named, pointer in ((envelope.get("OperatorID"), True), (exchange.partner_id, False)):
        if isinstance(named, str) and operator_key(named) != own and operator_key(named) in subordinate:
            name = next(k for k, v in exchange.body.items() if v is envelope) if pointer else ""
            at = wire_json.pointer(name, "OperatorID") if pointer else None
            sentence = f"{named} is a sub-operator; {known[0]} is the partner"
            yield Finding("PUSH-011", sentence, exchange=exchange.number, pointer=at)
            return


def _closes_without_energy(exchange: Exchange) -> bool:
    """An End notification for a session without energy stands for the CDR of 0 kWh."""
    body = exchange.body
    ended = exchange.operation == "ChargingNotifications" and body.get("Type") == "End"
    nothing = body.get("ConsumedEnergy") == 0 or (body.get("ConsumedEnergy"), body.get("ChargingStart")) == (None, None)
    return ended and nothing


def _told(exchange: Exchange, faults: Iterable[FieldFault | None], *, in_answer: bool = False) -> Iterator[Finding]:
    """Findings of one message; many alike are summed up."""
    alike: dict[tuple[str, bool], list[FieldFault]] = {}
    for fault in faults:
        if fault is not None and catalogue()[fault.requirement].subject == "cpo":
            alike.setdefault((fault.requirement, fault.effective_grade is ERROR), []).append(fault)
    for group in alike.values():
        for index, fault in enumerate(group[:MOST_ALIKE]):
            more = len(group) - MOST_ALIKE if index == MOST_ALIKE - 1 else 0
            yield _finding(
                exchange, fault, in_answer, f" (and {more} more like this in the message)" if more > 0 else ""
            )


def _finding(exchange: Exchange, fault: FieldFault, in_answer: bool, suffix: str) -> Finding:
    name = _member(fault.pointer)
    named = fault.observed.split(" ", 1)[0] in (exchange.answer_body if in_answer else exchange.body)
    named = named or repr(name) in fault.observed or fault.observed.startswith(name)
    sentence = fault.observed.startswith(("the ", "only ", *"0123456789"))  # of its own, not about the member
    label = "" if not name or named else f"{name}: " if sentence else f"{name} "
    value = "" if fault.value == "null" else f": {fault.value}"
    return Finding(
        fault.requirement, f"{label}{fault.observed}{value}{suffix}", grade=fault.grade, exchange=exchange.number,
        pointer=fault.pointer, contested=fault.contested, in_answer=in_answer, session_id=exchange.session_id,
        evse_id=_evse_at(exchange.answer_body if in_answer else exchange.body, fault.pointer)
        or _text(exchange.body.get("EvseID")),
        spec_defect=fault.spec_defect, also=fault.also,
    )  # fmt: skip


def _member(pointer: str) -> str:
    """The member a pointer ends at; an element of a list with the name of the list."""
    *_, parent, name = ["", "", *pointer.split("/")]
    return f"{parent}/{name}" if name.isdecimal() and parent else name


def _evse_at(body: wire_json.Json, pointer: str) -> str | None:
    """EvseID of the innermost object around a pointer that has one."""
    found: str | None = None
    for part in pointer.split("/")[1:]:
        if isinstance(body, dict):
            found = _text(body.get("EvseID")) or found
            body = body.get(part.replace("~1", "/").replace("~0", "~"))
        elif isinstance(body, list) and part.isdecimal() and int(part) < len(body):
            body = body[int(part)]
        else:
            break
    return found


def _text(value: wire_json.Json) -> str | None:
    return value if isinstance(value, str) else None


def _exercised(exchange: Exchange, ids: Iterable[str], *, answer: bool = False) -> Iterator[Checked]:
    """Requirements that are about this message; what its parts merely share with others does not count."""
    operation = exchange.operation or ""
    for ident in sorted(ids):
        if ident in _DECIDED and _about(catalogue()[ident], operation, answer):
            yield Checked(ident, operation)


def _about(entry: Requirement, operation: str, answer: bool) -> bool:
    if entry.operation == "any":
        return True
    if entry.operation == "any-push":
        return not answer and operation in PUSHES
    if answer:
        return entry.operation == "eRoamingAcknowledgement"
    return entry.operation == OPERATIONS[operation].wire_name


# --- our own hub -----------------------------------------------------------------------------------------------------

_HUB_IMITATES = frozenset({"ACK-005", "ACK-009", "HTTP-005"})
"""Here the hub of the bench follows the live platform and not the text."""


def harness_faults(evidence: Evidence) -> list[Finding]:
    """What our own hub sent against the field law: each one is a bug of the bench, never of the CPO.

    Deliberate deviations (faults, variants) and the error forms of the live platform are left out.
    """
    found: list[Finding] = []
    for exchange in evidence.exchanges:
        if exchange.faults or exchange.operation is None:
            continue
        if exchange.direction is Direction.HUB_TO_CPO and variant_of(exchange) is None:
            found += _own(exchange, _read(exchange, exchange.body, False), False)
        elif exchange.by_cpo and exchange.answered.is_object and 200 <= (exchange.http_status or 0) < 300:
            found += _own(exchange, _read(exchange, exchange.answer_body, True), True)
    return found


def _read(exchange: Exchange, body: dict[str, wire_json.Json], answer: bool) -> Examination:
    operation = exchange.operation or ""
    known = OPERATIONS[operation].answer in ANSWERS if answer else operation in MESSAGES
    if not known:
        return Examination([], set())
    return examine(operation, body, answer=answer, direction=exchange.direction)


def _own(exchange: Exchange, read: Examination, in_answer: bool) -> list[Finding]:
    return [
        _finding(exchange, fault, in_answer, "")
        for fault in read.faults
        if fault.effective_grade is ERROR and fault.requirement not in _HUB_IMITATES
    ]
