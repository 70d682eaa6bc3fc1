"""What became of messages that were refused or undelivered: was the same content accepted later, or did it become obsolete?"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.sessions import folded
from oicp.wire_json import Json

_RECORDS = {
    "PushEvseData": ("OperatorEvseData", "EvseDataRecord"),
    "PushEvseStatus": ("OperatorEvseStatus", "EvseStatusRecord"),
}
PUSHES = ("PushEvseData", "PushEvseStatus", "PushPricingProductData", "PushEVSEPricing")


def records_of(e: Exchange) -> list[tuple[int, str, dict[str, Json]]]:
    """Records of a data or status push: index, EvseID, record. What is no record is left out."""
    found = wire_json.at(e.body, *_RECORDS.get(e.operation or "", ("",)))
    if isinstance(found, dict):
        found = [found]
    rows = enumerate(found) if isinstance(found, list) else ()
    return [(i, r["EvseID"], r) for i, r in rows if isinstance(r, dict) and isinstance(r.get("EvseID"), str)]


def number_of_records(e: Exchange) -> int | None:
    """How many records a push holds, legible or not; None where there is no list of them."""
    found = wire_json.at(e.body, *_RECORDS.get(e.operation or "", ("",)))
    return 1 if isinstance(found, dict) else len(found) if isinstance(found, list) else None


def evse_keys(e: Exchange) -> frozenset[str]:
    """Folded EvseIDs of a push."""
    return frozenset(folded(ident) for _, ident, _ in records_of(e))


def contents(e: Exchange) -> tuple[Hashable, ...]:
    """What a message is about, one key for each part that could be delivered on its own; empty for what need not come again."""
    if e.operation in _RECORDS:
        return tuple((e.operation, key) for key in sorted(evse_keys(e)))
    if e.operation in PUSHES:
        return ((e.operation,),)
    if e.operation == "ChargeDetailRecord":
        return ((e.operation, e.session_id),)
    if e.operation == "ChargingNotifications":
        return ((e.operation, e.session_id, str(e.body.get("Type"))),)
    return ()  # an authorization is stale a moment later


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message. `open_parts`: contents never accepted later; `attempts`: least number of later attempts among them."""

    open_parts: tuple[Hashable, ...]
    attempts: int

    @property
    def settled(self) -> bool:
        """Everything was accepted later, or became obsolete."""
        return not self.open_parts


@lru_cache(maxsize=8)
def _by_content(evidence: Evidence) -> dict[Hashable, tuple[list[float], list[Exchange], list[float]]]:
    """Per content: seconds of all attempts, the attempts, seconds of those that were accepted."""
    found: dict[Hashable, tuple[list[float], list[Exchange], list[float]]] = {}
    for e in evidence.exchanges:
        for key in contents(e) if e.by_cpo else ():
            times, attempts, accepted = found.setdefault(key, ([], [], []))
            times.append(e.t)
            attempts.append(e)
            if e.accepted or _closed_already(e):
                accepted.append(e.t)
    return found


def _closed_already(e: Exchange) -> bool:
    """A CDR answered `session is closed` had been delivered before."""
    return e.operation == "ChargeDetailRecord" and e.status_code == "400"


def fate(evidence: Evidence, e: Exchange) -> Fate:
    """What became of this message, its own answer included (`closed already` settles a record)."""
    still_open: list[Hashable] = []
    attempts: list[int] = []
    for key in contents(e):
        times, accepted = _attempts(evidence, e, key)
        if bisect_left(accepted, e.t) == len(accepted) and not _obsolete(evidence, e) and not _gone(evidence, e, key):
            still_open.append(key)
            attempts.append(len(times) - bisect_right(times, e.t))
    return Fate(tuple(still_open), min(attempts, default=0))


def _attempts(evidence: Evidence, e: Exchange, key: Hashable) -> tuple[list[float], list[float]]:
    """Seconds at which the content was sent, and at which it was accepted."""
    times, _, accepted = _by_content(evidence).get(key, ([], [], []))
    asked = asked_for(evidence) if _is_change(e) else ()
    return (
        ([t for t in times if t not in asked], [t for t in accepted if t not in asked]) if asked else (times, accepted)
    )


def _is_change(e: Exchange) -> bool:
    return e.operation == "PushEvseData" and e.body.get("ActionType") != "fullLoad"


@lru_cache(maxsize=8)
def asked_for(evidence: Evidence) -> frozenset[float]:
    """Seconds of the data full loads that came of a request to the operator or of a restart: neither repeats what got lost."""
    loads = [e.t for e in evidence.about("PushEvseData") if e.by_cpo and e.body.get("ActionType") == "fullLoad"]
    found = set[float]()
    for o in evidence.seen("hook"):
        if o.data.get("hook") == "push_evse_data" and o.data.get("outcome") == "done":
            before = [t for t in loads if o.t - 10.0 < t <= o.t]  # the hook may return when the hub has it
            after = [t for t in loads if o.t < t <= o.t + 30.0]
            found |= set(before or after)
    for o in list(evidence.seen("cpo_started"))[1:]:
        found |= set([t for t in loads if t > o.t][:1])
    return frozenset(found)


def _obsolete(evidence: Evidence, e: Exchange) -> bool:
    """Nobody needs it any more: a full load without the EVSE came, or the session ended or was closed by its record."""
    if e.operation in _RECORDS:
        loads = _full_loads(evidence).get(e.operation or "", [])
        asked = asked_for(evidence) if _is_change(e) else ()
        return any(t not in asked for t in loads[bisect_right(loads, e.t) :])
    if e.operation == "ChargingNotifications":
        closed = _by_content(evidence).get(("ChargeDetailRecord", e.session_id), ([], [], []))[2]
        if any(e.t < t < e.t + limit(evidence, "repeat_s") for t in closed):
            return True  # the hub would refuse it now
    if e.operation == "ChargingNotifications" and str(e.body.get("Type")) in ("Progress", "Start"):
        ends = _by_content(evidence).get((e.operation, e.session_id, "End"), ([], [], []))[2]
        return bool(ends) and ends[-1] > e.t
    return False


def _gone(evidence: Evidence, e: Exchange, key: Hashable) -> bool:
    """A status of an EVSE whose data were removed later: by a delete, or by a full load without it."""
    if e.operation != "PushEvseStatus" or not isinstance(key, tuple):
        return False
    return _removed(evidence).get(key[1], e.t) > e.t


@lru_cache(maxsize=8)
def _removed(evidence: Evidence) -> dict[str, float]:
    """When the data of an EVSE were removed for the last time: by a delete, or by a full load without it."""
    found: dict[str, float] = {}
    told = {key for e in evidence.about("PushEvseStatus") for key in evse_keys(e)}
    for e in evidence.about("PushEvseData"):
        action = e.body.get("ActionType") if e.accepted else None
        if action in ("delete", "fullLoad"):
            keys = evse_keys(e)
            found.update(dict.fromkeys(told - keys if action == "fullLoad" else keys, e.t))
    return found


@lru_cache(maxsize=8)
def _full_loads(evidence: Evidence) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for e in evidence.about(*_RECORDS):
        if e.accepted and e.body.get("ActionType") == "fullLoad":
            found.setdefault(e.operation or "", []).append(e.t)
    return found


def chains(evidence: Evidence, http_status: int) -> Iterator[list[Exchange]]:
    """Attempts to deliver the same content that met this HTTP status, and the one that followed; only chains of two and more."""
    seen: set[int] = set()
    for _, attempts, _ in _by_content(evidence).values():
        chain: list[Exchange] = []
        for e in attempts:
            if chain and chain[-1].http_status != http_status:
                yield from _fresh(chain, seen)
                chain = []
            if chain or e.http_status == http_status:
                chain.append(e)
        yield from _fresh(chain, seen)


def _fresh(chain: list[Exchange], seen: set[int]) -> Iterator[list[Exchange]]:
    """A push of many EVSEs is in the chain of each: hand it out once."""
    if len(chain) > 1 and chain[0].number not in seen:
        seen.update(e.number for e in chain)
        yield chain
