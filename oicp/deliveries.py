"""Charge detail records on their way to the hub: attempts, lost answers, strays, and how long this CPO takes."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import Timeline
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.moments import number
from oicp.outages import unheard
from oicp.sessions import Session, folded, session, session_id_of, sessions
from oicp.transactions import Transaction

CDR = "ChargeDetailRecord"
_AGAIN_CODES = ("001", "002", "009", "021")
_AGAIN_HTTP = (408, 429)


def lost(attempt: Exchange) -> bool:
    """No answer reached the CPO as far as the recorder can tell."""
    return (attempt.answer is None or attempt.error is not None) and not unheard(attempt)


def failed(attempt: Exchange) -> bool:
    """The attempt has to be repeated: no answer, 408, 429, 5xx, or a failure of the hub."""
    if lost(attempt):
        return True
    if attempt.accepted or attempt.answer is None:
        return False
    http_status = attempt.answer.http_status
    return http_status in _AGAIN_HTTP or http_status >= 500 or attempt.status_code in _AGAIN_CODES


def says_closed(attempt: Exchange) -> bool:
    """The hub answered that the session is not open (any more)."""
    return attempt.status_code == "400" and not attempt.accepted and not lost(attempt)


def charged(own: Session) -> bool:
    """Energy flowed in the session."""
    return any((t.energy_wh or 0) > 0 or (t.energy_wh is None and t.t_energy) for t in own.transactions)


def due(own: Session) -> float | None:
    """When the last charge point told the CPO that the charging had ended; None if that is still to come."""
    ends = [t.t_stop_delivered for t in own.transactions]
    return None if not ends or None in ends else max(e for e in ends if e is not None)


def last_end(own: Session) -> Transaction | None:
    """The transaction that ended last."""
    ended = [t for t in own.transactions if t.t_stop is not None]
    return max(ended, key=lambda t: t.t_stop or 0.0, default=None)


def ended_by_remote_stop(own: Session) -> bool:
    """A stop of the hub that was accepted came before the end."""
    end = last_end(own)
    return end is not None and any(s.accepted and s.t <= (end.t_stop or 0) for s in own.stops)


@lru_cache(maxsize=8)
def cdr_grace(evidence: Evidence) -> float:
    """After so many seconds without a CDR it counts as missing: by the pace the CPO showed, else by the limit."""
    delays = []
    for own in sessions(evidence):
        told = due(own)
        if told is None or not own.cdrs or own.faulted or hub_was_down(evidence, told, own.cdrs[0].t):
            continue
        if not interruptions(evidence).between(told, own.cdrs[0].t):
            delays.append(max(0.0, own.cdrs[0].t - told))
    if not delays:
        return limit(evidence, "cdr_missing_s")
    return min(max(limit(evidence, "cdr_soon_s"), 3 * max(delays)), 4 * limit(evidence, "cdr_missing_s"))


@lru_cache(maxsize=8)
def hub_up(evidence: Evidence) -> Timeline[bool]:
    """Whether the hub accepted connections."""
    found: Timeline[bool] = Timeline()
    for o in evidence.seen("hub_down", "hub_up"):
        found.add(o.t, o.kind == "hub_up")
    return found


def hub_was_down(evidence: Evidence, begin: float, end: float) -> bool:
    """The hub was down at some time from `begin` to `end`."""
    table = hub_up(evidence)
    return table.at(begin) is False or False in table.between(begin, end)


@lru_cache(maxsize=8)
def interruptions(evidence: Evidence) -> Timeline[str]:
    """When the CPO went down or was restarted, the first start left out."""
    found: Timeline[str] = Timeline()
    starts = 0
    for o in evidence.seen("cpo_started", "cpo_exited", "cpo_restarted"):
        starts += o.kind == "cpo_started"
        if o.kind != "cpo_started" or starts > 1:
            found.add(o.t, o.kind)
    return found


@lru_cache(maxsize=8)
def watched_until(evidence: Evidence) -> float:
    """Until when something could be expected of the CPO: its last exit, or the end of the recording."""
    exits = evidence.seen("cpo_exited")
    back = exits and any(o.t >= exits[-1].t for o in evidence.seen("cpo_started", "cpo_restarted"))
    return exits[-1].t if exits and not back else evidence.t_end


def misplaced(evidence: Evidence) -> Iterator[Exchange]:
    """Requests that look like a CDR on a path that is none of OICP's."""
    for exchange in evidence.about(None):
        path = exchange.request.target.lower()
        body = exchange.body
        if exchange.by_cpo and (
            "charge-detail-record" in path or "cdrmgmt" in path or {"ConsumedEnergy", "ChargingEnd"} <= body.keys()
        ):
            yield exchange


@lru_cache(maxsize=8)
def claimed(evidence: Evidence) -> dict[str, Exchange]:
    """SessionID -> a CDR that must be meant for that session although it came under another SessionID, or on another path."""
    by_place: dict[str, list[Session]] = {}
    by_id: dict[str, Session] = {}
    for own in sessions(evidence):
        if own.kind in ("remote", "rfid") and own.accepted and not own.cdrs:
            by_id[own.session_id.upper()] = own
            for place in {own.evse_id, *(t.evse_id for t in own.transactions)}:
                by_place.setdefault(folded(place or ""), []).append(own)
    for near in by_place.values():
        near.sort(key=_begun)
    found: dict[str, Exchange] = {}
    for stray in _strays(evidence):
        near = by_place.get(folded(str(stray.body.get("EvseID") or "")), [])
        same = by_id.get((session_id_of(stray) or "").upper())
        free = (s for s in begun_before(near, stray.t) if s.session_id not in found)
        chosen = same or next(free, None)
        if chosen is not None:
            found.setdefault(chosen.session_id, stray)
    return found


def _begun(own: Session) -> float:
    return own.start.t if own.start else float("inf")


def begun_before(in_order: list[Session], t: float) -> Iterator[Session]:
    """Sessions that began before second `t`, the latest first."""
    for at in reversed(range(bisect_left(in_order, t, key=_begun))):
        yield in_order[at]


@lru_cache(maxsize=8)
def of_another(evidence: Evidence) -> dict[int, Session]:
    """Numbers of CDRs whose EVSE and driver are those of one other session, which has no such record itself, with that session."""
    remote = [s for s in sessions(evidence) if s.kind == "remote" and s.accepted]
    by_place: dict[tuple[str, str], list[Session]] = {}
    for own in remote:
        if own.evse_id and own.evco_id and not any(_tells_of(cdr, own) for cdr in own.cdrs):
            by_place.setdefault((folded(own.evse_id), folded(own.evco_id)), []).append(own)
    found: dict[int, Session] = {}
    for own in remote if by_place else ():
        for cdr in own.cdrs:
            place, driver = (folded(i) for i in _place_and_driver(cdr))
            strange = place != folded(own.evse_id or "") and driver != folded(own.evco_id or "")
            meant = [s for s in by_place.get((place, driver), []) if s.start and s.start.t < cdr.t] if strange else []
            if len(meant) == 1:
                found[cdr.number] = meant[0]
    return found


def _place_and_driver(cdr: Exchange) -> tuple[str, str]:
    driver = wire_json.at(cdr.body, "Identification", "RemoteIdentification", "EvcoID")
    return str(cdr.body.get("EvseID") or ""), str(driver or "")


def _tells_of(cdr: Exchange, own: Session) -> bool:
    return folded(_place_and_driver(cdr)[0]) == folded(own.evse_id or "")


def _strays(evidence: Evidence) -> Iterator[Exchange]:
    for cdr in evidence.about(CDR):
        if not cdr.by_cpo:
            continue
        own = session(evidence, session_id_of(cdr))
        energy = number(cdr.body.get("ConsumedEnergy"))
        reservation = own is not None and own.kind == "reservation" and bool(energy and energy > 0)
        second = own is not None and own.kind in ("remote", "rfid") and own.cdrs and own.cdrs[0].number != cdr.number
        of_other = cdr.number in of_another(evidence)
        if own is None or own.start is None or reservation or of_other or (second and _other_content(own.cdrs[0], cdr)):
            yield cdr
    yield from misplaced(evidence)


def _other_content(first: Exchange, second: Exchange) -> bool:
    names = ("EvseID", "ChargingStart", "ConsumedEnergy")
    return any(wire_json.at(first.body, n) != wire_json.at(second.body, n) for n in names)
