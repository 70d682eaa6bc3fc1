"""Which remote session charged on an EVSE at a moment: by its transaction, else by its own charge detail record."""

from functools import lru_cache

from oicp.evidence import Evidence, Exchange
from oicp.moments import second_of
from oicp.services import HUB_TO_CPO
from oicp.sessions import Session, folded, sessions
from oicp.unknowns import TIMES

_CLOSE_S = 2.0


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
    first = s.transaction
    if first is not None:
        stops = [e.t for e in s.stops if e.accepted]
        return first.t_start, min([first.t_stop or 1e18, *stops])
    for cdr in s.cdrs:
        begin, end = (second_of(cdr, cdr.body.get(name)) for name in ("ChargingStart", "ChargingEnd"))
        if begin is not None and end is not None:
            # nothing charged before the start, whatever a record with the times of another zone says
            return max(begin, s.start.t if s.start else begin) + _CLOSE_S, end - _CLOSE_S
    return None


def charging_by_its_record(evidence: Evidence, start: Exchange) -> Session | None:
    """The other session that, by its own CDR, charged on the EVSE of this start all the time the start was answered."""
    evse_id = start.body.get("EvseID")
    if evidence.run.truth or TIMES in evidence.run.unknown or not isinstance(evse_id, str) or start.t_end is None:
        return None
    for s in on_evse(evidence).get(folded(evse_id), ()):
        span = charged(s) if s.accepted and s.session_id != start.session_id else None
        if span is not None and span[0] < start.t and start.t_end < span[1]:
            return s
    return None
