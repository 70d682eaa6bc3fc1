"""Which remote session charged on an EVSE at a moment: by its transaction, else by its own charge detail record."""

from bisect import bisect_left
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

from oicp.evidence import Evidence, Exchange
from oicp.moments import second_of
from oicp.services import HUB_TO_CPO
from oicp.sessions import Session, folded, sessions
from oicp.unknowns import TIMES

_CLOSE_S = 2.0
_MUCH_LATER_S = 60.0
"""A record sent so long after its end may come of a clock that is ahead, as far as its begin lies behind the start."""


@lru_cache(maxsize=8)
def on_evse(evidence: Evidence) -> dict[str, list[Session]]:
    """Remote sessions by EVSE in the order of their starts."""
    found: dict[str, list[Session]] = {}
    for s in sessions(evidence):
        if s.kind == "remote" and s.start and s.start.direction is HUB_TO_CPO and s.evse_id:
            found.setdefault(folded(s.evse_id), []).append(s)
    for group in found.values():
        group.sort(key=lambda s: s.start.t if s.start else 0.0)
    return found


def charged(s: Session) -> tuple[float, float] | None:
    """Seconds between which this session charged for sure: by its transaction, else by its CDR, less some room for clocks."""
    first, stops = s.transaction, [e.t for e in s.stops if e.accepted]
    if first is not None:
        return first.t_start, min([first.t_stop or 1e18, *stops])
    for cdr in s.cdrs:
        begin, end = (second_of(cdr, cdr.body.get(name)) for name in ("ChargingStart", "ChargingEnd"))
        if begin is not None and end is not None:
            # nothing charged before the start, whatever a record with the times of another zone says
            behind = max(0.0, begin - s.start.t) if s.start else 0.0
            late = cdr.t - end > _MUCH_LATER_S
            # nor after a stop, nor after the record itself, by whatever clock: the transaction may end with the cable
            over = min([end - (behind if late else 0.0), cdr.t, *stops])
            return (s.start.t + behind if s.start else begin) + _CLOSE_S, over - _CLOSE_S
    return None


def charging_by_its_record(evidence: Evidence, start: Exchange) -> Session | None:
    """The other session that, by its own CDR, charged on the EVSE of this start all the time the start was answered."""
    evse_id = start.body.get("EvseID")
    if evidence.run.truth or TIMES in evidence.run.unknown or not isinstance(evse_id, str) or start.t_end is None:
        return None
    rows, longest = _spans(evidence).get(folded(evse_id), ([], []))
    at = bisect_left(rows, start.t, key=lambda row: row[0]) - 1
    for _, end, s in (longest[at], rows[at]) if at >= 0 else ():
        if start.t_end < end and s.session_id != start.session_id:
            return s
    return None


_Span: TypeAlias = tuple[float, float, Session]


@lru_cache(maxsize=8)
def _spans(evidence: Evidence) -> dict[str, tuple[list[_Span], list[_Span]]]:
    """By EVSE, in order of their begin: when each accepted session charged for sure, and which up to there charged longest."""
    found: dict[str, tuple[list[_Span], list[_Span]]] = {}
    for key, group in on_evse(evidence).items():
        rows = [(*span, s) for s in group if s.accepted and (span := charged(s)) is not None]
        rows.sort(key=lambda row: row[0])
        found[key] = rows, list(accumulate(rows, _longer))
    return found


def _longer(one: _Span, other: _Span) -> _Span:
    return other if other[1] > one[1] else one
