"""Reservations of a recording: who holds which EVSE from when to when, and what ended it."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from oicp import wire_json
from oicp.chargers import Timeline, chargers
from oicp.evidence import Evidence, Exchange
from oicp.services import CPO_TO_HUB, HUB_TO_CPO, RESERVE
from oicp.sessions import Session, folded, same_id, sessions
from oicp.wire_json import Json

NO_STATUS = ""
"""What an EVSE has whose status was deleted."""
_NEVER = float("inf")
_SHOWS_S = 30.0
"""A reservation shows at the charge point, or in the pushed status, within so many seconds."""


@dataclass(frozen=True)
class Reservation:
    """An accepted reservation. It holds from second `begin` to `end` (infinite: no end is known).

    `how`: stopped, expired, used (the holder began to charge), withdrawn (the CPO took it back), lapsed (it had no
    Duration and the CPO let it go), or open.
    """

    session: Session
    start: Exchange
    begin: float
    end: float
    how: str
    minutes: int | None

    @property
    def evse_id(self) -> str:
        """The reserved EVSE."""
        return self.session.evse_id or ""


@lru_cache(maxsize=8)
def reservations(evidence: Evidence) -> tuple[Reservation, ...]:
    """All reservations that were accepted, oldest first."""
    charging: dict[str, list[Session]] = {}
    for own in sessions(evidence):
        if own.kind == "remote" and own.accepted:
            charging.setdefault(folded(own.evse_id or ""), []).append(own)
    return tuple(
        _reservation(evidence, own, own.start, charging.get(folded(own.evse_id or ""), []))
        for own in sessions(evidence)
        if own.kind == "reservation" and own.accepted and own.start is not None
    )


@lru_cache(maxsize=8)
def reservations_of(evidence: Evidence) -> dict[str, list[Reservation]]:
    """Accepted reservations by folded EvseID, oldest first."""
    found: dict[str, list[Reservation]] = {}
    for own in reservations(evidence):
        found.setdefault(folded(own.evse_id), []).append(own)
    return found


def _reservation(evidence: Evidence, own: Session, start: Exchange, charging: list[Session]) -> Reservation:
    begin = start.t if start.t_end is None else start.t_end
    duration = start.body.get("Duration")
    minutes = duration if isinstance(duration, int) and not isinstance(duration, bool) and 0 < duration < 100 else None
    ends = {"expired": _NEVER if minutes is None else begin + 60 * minutes}
    ends["stopped"] = min((s.t for s in own.stops if s.accepted), default=_NEVER)
    later = islice(charging, bisect_left(charging, begin, key=lambda s: s.start.t if s.start else 0.0), None)
    used = (s.start.t for s in later if s.start and same_id(s.evco_id, own.evco_id))
    ends["used"] = next(used, _NEVER)
    cancels = chargers(evidence).of("reserve_cancelled", own.evse_id).between(begin, _NEVER)
    ends["withdrawn"] = next((o.t for o in cancels if str(o.data.get("answer")) == "Accepted"), _NEVER)
    ends["lapsed"] = _NEVER if minutes is not None else _left_reserved(evidence, own, begin)
    how = min(ends, key=lambda name: (ends[name], name != "stopped"))
    if how in ("withdrawn", "lapsed") and ends["stopped"] < _NEVER and _within_a_stop(own, ends[how]):
        how = "stopped"
    return Reservation(own, start, begin, ends[how], how if ends[how] < _NEVER else "open", minutes)


def _left_reserved(evidence: Evidence, own: Session, begin: float) -> float:
    """Without Duration the CPO chooses the end: when the charge point, or the pushed status, is no longer Reserved."""
    for table in (chargers(evidence).of("connector_status", own.evse_id), pushed_status(evidence, own.evse_id or "")):
        reserved = table.when_next("Reserved", begin - 1)
        left = None if reserved is None else table.when_after(reserved)
        if reserved is not None and reserved < begin + _SHOWS_S:
            return _NEVER if left is None else left
    return _NEVER


def _within_a_stop(own: Session, t: float) -> bool:
    return any(s.accepted and s.t <= t <= (s.t if s.t_end is None else s.t_end) + 5 for s in own.stops)


@lru_cache(maxsize=8)
def pushed_statuses(evidence: Evidence) -> dict[str, Timeline[str]]:
    """EvseStatus as the CPO pushed it and the hub took it, by folded EvseID."""
    found: dict[str, Timeline[str]] = {}
    for push, key, status in _statuses(evidence, accepted=True):
        deleted = push.body.get("ActionType") == "delete"
        found.setdefault(key, Timeline()).add(push.t, NO_STATUS if deleted else status)
    return found


@lru_cache(maxsize=8)
def _refused_statuses(evidence: Evidence) -> dict[str, list[tuple[float, str]]]:
    """Statuses that the hub did not take, by folded EvseID."""
    found: dict[str, list[tuple[float, str]]] = {}
    for push, key, status in _statuses(evidence, accepted=False):
        found.setdefault(key, []).append((push.t, status))
    return found


def _statuses(evidence: Evidence, *, accepted: bool) -> Iterator[tuple[Exchange, str, str]]:
    """Push, folded EvseID and status of every legible record in status pushes that the hub took, or did not."""
    for push in evidence.about("PushEvseStatus", direction=CPO_TO_HUB):
        records: Json = wire_json.at(push.body, "OperatorEvseStatus", "EvseStatusRecord")
        for record in records if push.accepted is accepted and isinstance(records, list) else ():
            evse_id, status = wire_json.at(record, "EvseID"), wire_json.at(record, "EvseStatus")
            if isinstance(evse_id, str) and isinstance(status, str):
                yield push, folded(evse_id), status


def status_refused(evidence: Evidence, evse_id: str, begin: float, end: float, status: str | None = None) -> bool:
    """The CPO told this status, or any, from `begin` to `end`, and the hub did not take it."""
    told = _refused_statuses(evidence).get(folded(evse_id), ())
    return any(begin <= t <= end and status in (None, said) for t, said in told)


def pushed_status(evidence: Evidence, evse_id: str) -> Timeline[str]:
    """Statuses pushed for one EVSE."""
    return pushed_statuses(evidence).get(folded(evse_id), Timeline())


@lru_cache(maxsize=8)
def accepted_on(evidence: Evidence) -> dict[str, list[Exchange]]:
    """Remote starts and reservations that were accepted, by folded EvseID."""
    found: dict[str, list[Exchange]] = {}
    for e in evidence.about("AuthorizeRemoteStart", RESERVE, direction=HUB_TO_CPO):
        if e.accepted:
            found.setdefault(folded(str(e.body.get("EvseID") or "")), []).append(e)
    return found


def refused_reservations(evidence: Evidence) -> Iterator[tuple[Session, Exchange]]:
    """Reservations that were answered Result false."""
    for own in sessions(evidence):
        if own.kind == "reservation" and own.start is not None and own.start.result is False and not own.accepted:
            yield own, own.start
