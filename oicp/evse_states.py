"""What the status of each EVSE had to be, from what its charge point told the CPO, and what the CPO pushed."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache

from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.moments import number
from oicp.outages import cpo_down
from oicp.pushes import STATUS, data_pushes, decommissioned, hooks_done, pushes
from oicp.services import HUB_TO_CPO
from oicp.sessions import folded, session_id_of, transactions

AVAILABLE, OCCUPIED, RESERVED = "Available", "Occupied", "Reserved"
OUT_OF_SERVICE, UNKNOWN = "OutOfService", "Unknown"
_CHARGING = ("Charging", "SuspendedEV", "SuspendedEVSE")
_PLUGGED = ("Preparing", "Finishing", "Occupied")
DOWN = ("Faulted", "Unavailable")


@dataclass(frozen=True)
class Phase:
    """A stretch in which one EVSE had one status. `kind`: available, plugged, charging, reserved, down.

    `t`: the CPO was told. `end`: the next change really happened, infinity if none did; `end_told`: the CPO was told of it.
    `right`: statuses that tell it, `contested`: those that only warn. `state`: OCPP state.
    """

    t: float
    kind: str
    state: str
    right: frozenset[str]
    contested: frozenset[str]
    end: float = float("inf")
    end_told: float = float("inf")

    @property
    def fitting(self) -> frozenset[str]:
        """Right or contested."""
        return self.right | self.contested


@dataclass(frozen=True, slots=True)
class Told:
    """One status the CPO pushed."""

    t: float
    status: str
    exchange: Exchange
    pointer: str
    accepted: bool
    full_load: bool


@dataclass(frozen=True)
class History:
    """One EVSE: its phases and the statuses pushed for it, both in order."""

    evse_id: str
    phases: tuple[Phase, ...]
    told: tuple[Told, ...]

    def phase_at(self, t: float) -> int:
        """Index of the phase at second `t`; -1 before the first."""
        return bisect_right(self.phases, t, key=lambda p: p.t) - 1

    def said_before(self, t: float) -> Told | None:
        """The last status pushed before second `t`."""
        at = bisect_left(self.told, t, key=lambda p: p.t)
        return self.told[at - 1] if at else None

    def said_between(self, begin: float, end: float) -> tuple[Told, ...]:
        """Statuses pushed from `begin` up to `end`."""
        return self.told[
            bisect_left(self.told, begin, key=lambda p: p.t) : bisect_left(self.told, end, key=lambda p: p.t)
        ]

    def first_said(self, status: str) -> float:
        """When a status was pushed for the first time; infinity if it never was."""
        return next((p.t for p in self.told if p.status == status), float("inf"))

    def last_accepted(self, t: float) -> Told | None:
        """The status at the hub at second `t`."""
        at = bisect_right(self.told, t, key=lambda p: p.t)
        return next((self.told[i] for i in range(at - 1, -1, -1) if self.told[i].accepted), None)


def _kind(state: str, charging: bool, point_down: bool) -> tuple[str, frozenset[str], frozenset[str]]:
    """What a phase is, by the EVSE; what may be told of it, by its charge point as well.

    Connector 0 "has no direct connection to the status of the individual Connectors" (OCPP 1.6, 4.9): where it alone says
    Faulted or Unavailable a backend may go by it or by the connector.
    """
    kind, right, contested = _kind_of_connector(state, charging)
    if point_down:
        right, contested = right | {OUT_OF_SERVICE}, (contested | {UNKNOWN}) - {OUT_OF_SERVICE}
    return kind, right, contested


def _kind_of_connector(state: str, charging: bool) -> tuple[str, frozenset[str], frozenset[str]]:
    none: frozenset[str] = frozenset()
    if charging or state in _CHARGING:
        right = {OCCUPIED} | ({OUT_OF_SERVICE} if state in DOWN else set())
        return "charging", frozenset(right), frozenset((UNKNOWN,)) if state in DOWN else none
    if state in DOWN:
        return "down", frozenset((OUT_OF_SERVICE,)), frozenset((UNKNOWN,))
    if state == "Reserved":
        return "reserved", frozenset((RESERVED,)), none
    if state in _PLUGGED:
        return "plugged", frozenset((OCCUPIED,)), frozenset((AVAILABLE,))
    return "available", frozenset((AVAILABLE,)), none


@lru_cache(maxsize=8)
def histories(evidence: Evidence) -> tuple[History, ...]:
    """All EVSEs whose charge point reported something and whose status the CPO may push."""
    told = _told(evidence)
    fleet = chargers(evidence)
    spans: dict[str, list[tuple[float, float, float, float]]] = {}
    for t in transactions(evidence):
        begin = t.t_start_delivered or t.t_start
        end = float("inf") if t.t_stop is None else t.t_stop
        after = float("inf") if t.t_stop is None else t.t_stop_delivered or t.t_stop
        spans.setdefault(folded(t.evse_id), []).append((t.t_start, begin, end, after))
    names = {folded(o.evse_id): o.evse_id for o in evidence.seen("connector_status") if o.evse_id}
    found = []
    for key, evse_id in names.items():
        real, delivered = fleet.of("connector_status", evse_id), fleet.of("connector_status_delivered", evse_id)
        changes = _changes(real.items(), delivered.items())
        phases = _phases(changes, spans.get(key, []), _changes_of_point(evidence, evse_id))
        found.append(History(evse_id, phases, tuple(told.get(key, ()))))
    return tuple(found)


def _changes(real: list[tuple[float, str]], delivered: list[tuple[float, str]]) -> list[tuple[float, float, str]]:
    """States as the CPO was told them: when it really changed, when the CPO knew, the state."""
    if not delivered:
        return [(t, t, state) for t, state in real]
    times = [t for t, _ in real]
    found = []
    for t, state in delivered:
        at = bisect_right(times, t) - 1
        while at > 0 and real[at][1] != state and t - real[at][0] < 5.0:
            at -= 1
        happened = real[at][0] if at >= 0 and real[at][1] == state else t
        found.append((happened, t, state))
    return found


def _changes_of_point(evidence: Evidence, evse_id: str) -> list[tuple[float, float, str]]:
    """The same of the charge point as a whole, where its version of OCPP has a word for it (connector 0)."""
    fleet = chargers(evidence)
    delivered = fleet.of_its_point("charge_point_status_delivered", evse_id).items()
    return _changes(fleet.of_its_point("charge_point_status", evse_id).items(), delivered) if delivered else []


def _phases(
    changes: list[tuple[float, float, str]], spans: list[tuple[float, float, float, float]],
    of_point: list[tuple[float, float, str]],
) -> tuple[Phase, ...]:  # fmt: skip
    events: list[tuple[float, float, str, str | bool]] = [(told, real, "state", state) for real, told, state in changes]
    events += [(told, real, "point", state in DOWN) for real, told, state in of_point]
    for t_start, begin, end, after in spans:
        events.append((begin, t_start, "charging", True))
        if end != float("inf"):
            events.append((after, end, "charging", False))
    state, holds, found = "", {"charging": False, "point": False}, list[Phase]()
    for told, real, what, value in sorted(events, key=lambda e: e[0]):
        if what == "state":
            state = str(value)
        else:
            holds[what] = bool(value)
        if not state:
            continue
        kind, right, contested = _kind(state, holds["charging"], holds["point"])
        if found and found[-1].kind == kind and found[-1].right == right:
            continue
        if found:
            found[-1] = replace(found[-1], end=max(found[-1].t, min(real, told)), end_told=told)
        found.append(Phase(told, kind, state, right, contested))
    return tuple(found)


def history_of(evidence: Evidence, evse_id: str) -> History:
    """The statuses pushed for one EVSE of which nobody knows what it did."""
    return replace(_unwatched(evidence).get(folded(evse_id), _NOTHING), evse_id=evse_id)


_NOTHING = History("", (), ())


@lru_cache(maxsize=8)
def _unwatched(evidence: Evidence) -> dict[str, History]:
    return {key: History(key, (), tuple(told)) for key, told in _told(evidence).items()}


@lru_cache(maxsize=8)
def _told(evidence: Evidence) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for push in pushes(evidence):
        if push.exchange.operation != STATUS or push.action == "delete":
            continue
        for key, record in push.records.items():
            status = record.get("EvseStatus")
            if isinstance(status, str):
                pointer = f"/OperatorEvseStatus/EvseStatusRecord/{push.index[key]}/EvseStatus"
                found.setdefault(key, []).append(
                    Told(push.t, status, push.exchange, pointer, push.stored, push.is_full_load)
                )
    return found


@lru_cache(maxsize=8)
def _dynamic(evidence: Evidence) -> dict[str, list[tuple[float, float]]]:
    """From when until when the status of an EVSE is due: its record with dynamic information is at the hub."""
    found: dict[str, list[tuple[float, float]]] = {}
    since: dict[str, float] = {}
    for push in (p for p in data_pushes(evidence) if p.stored):
        shown = {k for k, r in push.records.items() if str(r.get("DynamicInfoAvailable")).lower() != "false"}
        shown = set() if push.action == "delete" else shown
        gone = since.keys() - shown if push.is_full_load else since.keys() & (push.records.keys() - shown)
        for key in gone:
            found.setdefault(key, []).append((since.pop(key), push.t))
        for key in shown:
            since.setdefault(key, push.exchange.t_end or push.t)
    for key, begin in since.items():
        found.setdefault(key, []).append((begin, float("inf")))
    return found


def due_until(evidence: Evidence, evse_id: str, t: float) -> float | None:
    """Until when the hub expects the status of this EVSE at second `t`; None if it does not, as after a removal."""
    key = folded(evse_id)
    if decommissioned(evidence, key, t):
        return None
    left = min((at for at, _ in hooks_done(evidence, "decommission_evse").get(key, ())), default=float("inf"))
    if not data_pushes(evidence):
        return left
    return next((min(end, left) for begin, end in _dynamic(evidence).get(key, ()) if begin <= t < end), None)


def due(evidence: Evidence, evse_id: str, t: float) -> bool:
    """The hub expects the status of this EVSE at second `t`."""
    return due_until(evidence, evse_id, t) is not None


def unreachable_since(evidence: Evidence, evse_id: str, begin: float, end: float) -> bool:
    """The charge point had no connection at some moment from `begin` to `end`, or the CPO did not run."""
    return not chargers(evidence).online(evse_id, begin, end) or cpo_down(evidence).touch(begin, end)


@lru_cache(maxsize=8)
def _reservations(evidence: Evidence) -> dict[str, list[tuple[float, float]]]:
    """Seconds from which and until when an accepted reservation may hold, by EVSE."""
    stops = {session_id_of(e): e.t for e in evidence.about("AuthorizeRemoteReservationStop") if e.accepted}
    found: dict[str, list[tuple[float, float]]] = {}
    for e in evidence.about("AuthorizeRemoteReservationStart", direction=HUB_TO_CPO):
        if e.accepted and isinstance(e.body.get("EvseID"), str):
            minutes = number(e.body.get("Duration"))
            lasting = float(minutes) * 60 if minutes is not None and 0 < minutes < 1000 else 3600.0
            end = min(e.t + lasting, stops.get(session_id_of(e), float("inf")))
            found.setdefault(folded(e.body["EvseID"]), []).append((e.t, end))
    return found


def reserved_at(evidence: Evidence, evse_id: str, t: float, room: float) -> bool:
    """An accepted reservation holds at second `t`, give or take `room` seconds."""
    return any(begin <= t <= end + room for begin, end in _reservations(evidence).get(folded(evse_id), ()))
