"""What a recording says the hub did, as a script that can be played again: its answers, its calls, what drivers did at the chargers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from oicp.evidence import Answer, Evidence, Exchange, Observation
from oicp.services import Direction
from oicp.sessions import folded
from oicp.wire_json import at

ACTS = ("plugged", "unplugged")


@dataclass(frozen=True)
class Script:
    """The hub's side of a recording. `events`: calls of the hub and acts of drivers, in order of their second. `first`: second at
    which the CPO sent an operation for the first time. `last`: the status the CPO pushed last of each EVSE the events touch, by its
    EvseID without separators.
    """

    answers: Mapping[tuple[str, str | None], tuple[Answer, ...]]
    events: tuple[Exchange | Observation, ...]
    first: Mapping[str, float]
    t_end: float
    last: Mapping[str, str] = field(default_factory=dict)


def script_of(evidence: Evidence, ids: Mapping[str, str] | None = None) -> Script:
    """Read the script; ids of the recording become those of `ids` (old: new) everywhere, whatever their separators."""
    answers: dict[tuple[str, str | None], list[Answer]] = {}
    for exchange in evidence.exchanges:
        if exchange.by_cpo and exchange.operation and exchange.answer:
            mapped = replace(exchange.answer, body=renamed(exchange.answer.body, ids or {}))
            answers.setdefault((exchange.operation, exchange.body.get("SessionID")), []).append(mapped)
            answers.setdefault((exchange.operation, None), [])
            if exchange.body.get("SessionID"):
                answers[exchange.operation, None].append(mapped)
    calls = [_mapped(e, ids or {}) for e in evidence.exchanges if e.direction is Direction.HUB_TO_CPO]
    acts = [_moved(o, ids or {}) for o in evidence.seen(*ACTS) or inferred_acts(evidence)]
    both: list[Exchange | Observation] = [*calls, *acts]
    events = tuple(sorted(both, key=lambda event: event.t))
    first: dict[str, float] = {}
    for exchange in evidence.exchanges:
        if exchange.by_cpo and exchange.operation:
            first.setdefault(exchange.operation, exchange.t)
    by_folded = {folded(old): folded(new) for old, new in (ids or {}).items()}
    touched = {folded(i) for i in evse_ids_of(events)}
    said = {by_folded.get(own, own): status for own, status, _ in said_statuses(evidence)}
    last = {own: status for own, status in said.items() if own in touched}
    return Script({k: tuple(v) for k, v in answers.items()}, events, first, evidence.t_end, last)


_EARLIER_S = 0.5
"""A driver plugs in this long before the message that shows it, where a recording knows no drivers."""


def inferred_acts(evidence: Evidence) -> tuple[Observation, ...]:
    """When drivers must have plugged in and unplugged, where nobody watched the chargers: read from starts, stops, records, statuses."""
    found: list[tuple[str, str, float]] = []
    for start in evidence.about("AuthorizeRemoteStart", direction=Direction.HUB_TO_CPO):
        evse_id = start.body.get("EvseID")
        if not start.accepted or not isinstance(evse_id, str):
            continue
        occupied = [t for t in _said(evidence, evse_id, "Occupied") if t < start.t]
        free = [t for t in _said(evidence, evse_id, "Available") if t < start.t]
        stood = occupied[-1:] if occupied and occupied[-1] > max(free, default=-1.0) else []
        shown = min([*stood, start.t])
        while_free = (max(free) + shown) / 2 if free and max(free) < shown else shown - _EARLIER_S
        found.append(("plugged", evse_id, max(shown - _EARLIER_S, while_free)))
        found.extend(_unplugged(evidence, start, evse_id))
    return tuple(
        Observation(i, kind, evidence.run.started_at, t, evse_id) for i, (kind, evse_id, t) in enumerate(found, 1)
    )


def _unplugged(evidence: Evidence, start: Exchange, evse_id: str) -> Iterator[tuple[str, str, float]]:
    cdrs = [e for e in evidence.about("ChargeDetailRecord") if e.by_cpo and e.session_id == start.session_id]
    stops = [e for e in evidence.about("AuthorizeRemoteStop") if e.session_id == start.session_id and e.accepted]
    if not cdrs:
        return
    if not stops or stops[0].t > cdrs[0].t:  # pulling the cable is what ended it
        yield "unplugged", evse_id, cdrs[0].t - _EARLIER_S
        return
    later = [t for t in _said(evidence, evse_id, "Available") if t > stops[0].t]
    seen = later[0] - _EARLIER_S if later and later[0] > cdrs[0].t else cdrs[0].t + _EARLIER_S
    yield "unplugged", evse_id, max(seen, cdrs[0].t)  # never before the stop that ended it


def _said(evidence: Evidence, evse_id: str, status: str) -> list[float]:
    """Seconds at which the CPO pushed this status of an EVSE."""
    return [t for own, said, t in said_statuses(evidence) if own == folded(evse_id) and said == status]


def said_statuses(evidence: Evidence) -> Iterator[tuple[str, str, float]]:
    """Every status the CPO pushed: EvseID without separators, status, second."""
    for exchange in evidence.about("PushEvseStatus", direction=Direction.CPO_TO_HUB):
        for evse_id, status in statuses_of(exchange):
            yield evse_id, status, exchange.t


def statuses_of(push: Exchange) -> Iterator[tuple[str, str]]:
    """EvseIDs without separators and statuses of a PushEvseStatus."""
    records = at(push.body, "OperatorEvseStatus", "EvseStatusRecord")
    for record in records if isinstance(records, list) else [records]:
        evse_id, status = at(record, "EvseID"), at(record, "EvseStatus")
        if isinstance(evse_id, str) and isinstance(status, str):
            yield folded(evse_id), status


def renamed(body: bytes, ids: Mapping[str, str]) -> bytes:
    """A body with ids replaced, longest first."""
    for old in sorted(ids, key=len, reverse=True):
        body = body.replace(old.encode(), ids[old].encode())
    return body


def _mapped(exchange: Exchange, ids: Mapping[str, str]) -> Exchange:
    target = renamed(exchange.request.target.encode(), ids).decode()
    return replace(exchange, request=replace(exchange.request, target=target, body=renamed(exchange.request.body, ids)))


def _moved(observation: Observation, ids: Mapping[str, str]) -> Observation:
    by_folded = {folded(old): new for old, new in ids.items()}
    return replace(observation, evse_id=by_folded.get(folded(observation.evse_id or ""), observation.evse_id))


def evse_ids_of(events: Iterable[Exchange | Observation]) -> tuple[str, ...]:
    """EvseIDs the script touches, in order of appearance."""
    found: dict[str, None] = {}
    for event in events:
        evse_id = event.evse_id if isinstance(event, Observation) else event.body.get("EvseID")
        if isinstance(evse_id, str):
            found.setdefault(evse_id)
    return tuple(found)


def ids_for(evidence: Evidence, fleet: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Map EvseIDs of the recording that the fleet does not have to EVSEs it has, in order; `given` pairs come first.

    An EvseID that was nobody's in the recording stays nobody's.
    """
    own = list(fleet)
    known = {folded(i) for i in own} | _unknown_then(evidence)
    ids = dict(given)
    free = [i for i in own if folded(i) not in {folded(v) for v in ids.values()}]
    for evse_id in evse_ids_of(script_of(evidence).events):
        if evse_id not in ids and folded(evse_id) not in known and free:
            ids[evse_id] = free.pop(0)
    return ids


def _unknown_then(evidence: Evidence) -> set[str]:
    """EvseIDs, folded, that the CPO did not know: calls about them were answered so, and it never told of them."""
    calls = [e for e in evidence.exchanges if e.direction is Direction.HUB_TO_CPO]
    unknown = {folded(str(e.body.get("EvseID"))) for e in calls if e.status_code == "603"}
    return unknown - {evse_id for evse_id, _, _ in said_statuses(evidence)}
