"""Push history: which EVSE data records the hub must hold at the moment of each push, replayed message by message."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.outages import TRANSIENT, undelivered, unheard
from oicp.repeats import number_of_records, records_of
from oicp.sessions import folded

DATA, STATUS = "PushEvseData", "PushEvseStatus"


@dataclass(frozen=True)
class Push:
    """One data or status push read. `records` by folded EvseID, the last one of several; `ids`: spelling of each as sent.

    `legible`: all of its records could be read.
    """

    exchange: Exchange
    action: str
    records: Mapping[str, Mapping[str, Any]]
    ids: Mapping[str, str]
    index: Mapping[str, int]
    legible: bool = True

    @property
    def t(self) -> float:
        """Second at which it was sent."""
        return self.exchange.t

    @property
    def is_full_load(self) -> bool:
        """It replaces everything."""
        return self.action == "fullLoad"

    @property
    def unsure(self) -> bool:
        """Nobody knows whether the hub stored it: no answer, or a fault after it was processed."""
        e = self.exchange
        stored = e.recorder.get("stored")
        return not e.accepted and not isinstance(stored, bool) and (undelivered(e) or unheard(e) or bool(e.faults))

    @property
    def refused(self) -> bool:
        """The hub surely did not take it."""
        return not self.stored and not self.unsure

    @property
    def stored(self) -> bool:
        """The hub took it, whatever it answered."""
        return self.exchange.accepted or self.exchange.recorder.get("stored") is True


@lru_cache(maxsize=8)
def pushes(evidence: Evidence) -> tuple[Push, ...]:
    """All data and status pushes of the CPO in the order they were sent."""
    return tuple(_read(e) for e in sorted(evidence.about(DATA, STATUS), key=lambda e: e.t) if e.by_cpo)


@lru_cache(maxsize=8)
def data_pushes(evidence: Evidence) -> list[Push]:
    """EVSE data pushes of the CPO in order."""
    return [p for p in pushes(evidence) if p.exchange.operation == DATA]


@lru_cache(maxsize=8)
def full_loads(evidence: Evidence) -> list[Push]:
    """EVSE data fullLoads the hub took, in order."""
    return [p for p in data_pushes(evidence) if p.is_full_load and p.stored]


def _read(e: Exchange) -> Push:
    rows = records_of(e)
    action = e.body.get("ActionType")
    return Push(
        e, action if isinstance(action, str) else "", {folded(i): r for _, i, r in rows},
        {folded(i): i for _, i, _ in rows}, {folded(i): at for at, i, _ in rows}, number_of_records(e) == len(rows),
    )  # fmt: skip


@dataclass
class View:
    """EVSE data at the hub while a history is replayed. Changes under the hands of who reads it: copy what is to stay.

    `records`: what the hub holds for sure. `unsure`: EVSEs of pushes whose fate is unknown. `loaded`: a data fullLoad was
    accepted before. `on_the_way`: EVSEs in data pushes that were sent and not yet answered. `refusal`: last data push refused for what it held.
    `added`: when single records were added.
    """

    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    everything_unsure: bool = False
    loaded: bool = False
    on_the_way: dict[int, Push] = field(default_factory=dict)
    refusal: Push | None = None
    added: dict[str, float] = field(default_factory=dict)

    def surely_holds(self, key: str) -> bool:
        """The record is at the hub beyond doubt."""
        return key in self.records and not self.doubtful(key)

    def surely_lacks(self, key: str) -> bool:
        """The record is not at the hub beyond doubt."""
        return key not in self.records and not self.doubtful(key)

    def doubtful(self, key: str) -> bool:
        """Nobody knows."""
        return self.everything_unsure or key in self.unsure

    def coming(self, key: str) -> bool:
        """A data push with this EVSE is being answered just now."""
        return any(key in push.records and push.action != "delete" for push in self.on_the_way.values())

    def apply(self, push: Push) -> None:
        """A data push was answered (or given up)."""
        if push.unsure:
            self.unsure |= set(push.records)
            self.everything_unsure |= push.is_full_load
        elif push.stored:
            self._store(push)
        elif push.exchange.status_code not in TRANSIENT:
            self.refusal = push

    def repairs(self, push: Push, within: float) -> bool:
        """The push holds some of the records of one that was refused for them not long before."""
        refusal = self.refusal
        return refusal is not None and push.t - refusal.t < within and push.records.keys() <= refusal.records.keys()

    def _store(self, push: Push) -> None:
        self._add(push)
        self.everything_unsure |= not push.legible  # whatever a lenient hub made of it

    def _add(self, push: Push) -> None:
        if push.is_full_load:
            self.records, self.unsure, self.added = dict(push.records), set(), {}
            self.everything_unsure, self.loaded = False, True
            return
        self.unsure -= set(push.records)
        for key, record in push.records.items():
            if push.action == "delete":
                self.records.pop(key, None)
            else:
                if key not in self.records:
                    self.added[key] = push.t if push.exchange.t_end is None else push.exchange.t_end
                self.records[key] = record


def replay(evidence: Evidence) -> Iterator[tuple[Push, View]]:
    """Every push with what the hub held when it was sent. After the last one the view goes on to the end: see `final_view`."""
    yield from ((push, view) for push, view in _steps(evidence) if push is not None)


def final_view(evidence: Evidence) -> View:
    """What the hub holds at the end of the recording."""
    view = View()
    for _, last in _steps(evidence):
        view = last
    return view


def _steps(evidence: Evidence) -> Iterator[tuple[Push | None, View]]:
    view = View()
    events: list[tuple[float, int, Push]] = []
    for push in pushes(evidence):
        e = push.exchange
        events.append((e.t, 1, push))
        if e.operation == DATA:
            events.append((e.t if e.t_end is None else e.t_end, 0 if e.t_end not in (None, e.t) else 2, push))
    for _, kind, push in sorted(events, key=lambda event: event[:2]):
        if kind == 1:
            yield push, view
            if push.exchange.operation == DATA:
                view.on_the_way[push.exchange.number] = push
        else:
            view.on_the_way.pop(push.exchange.number, None)
            view.apply(push)
    yield None, view


# --- the fleet ------------------------------------------------------------------------------------------------------


def believes_in_the_past(evidence: Evidence) -> bool:
    """The bench did not start this backend, so it may think that its data are at the hub already."""
    return not evidence.seen("cpo_started")


@lru_cache(maxsize=8)
def fleet_records(evidence: Evidence) -> dict[str, Mapping[str, Any]]:
    """EVSEs of the fleet file with their data record, by folded EvseID."""
    found: dict[str, Mapping[str, Any]] = {}
    points = wire_json.at(evidence.run.fleet, "charge_points")
    for point in points if isinstance(points, list) else ():
        evses = wire_json.at(point, "evses")
        for evse in evses if isinstance(evses, list) else ():
            ident, record = wire_json.at(evse, "evse_id"), wire_json.at(evse, "data_record")
            if isinstance(ident, str):
                found[folded(ident)] = record if isinstance(record, Mapping) else {}
    return found


def open_for_roaming(record: Mapping[str, Any]) -> bool:
    """The configuration calls this EVSE open for roaming."""
    return record.get("IsHubjectCompatible") is not False


@lru_cache(maxsize=8)
def hooks_done(evidence: Evidence, hook: str) -> dict[str, list[tuple[float, Mapping[str, Any]]]]:
    """When a hook was done, by folded EvseID of its body, with the body."""
    found: dict[str, list[tuple[float, Mapping[str, Any]]]] = {}
    for o in evidence.seen("hook"):
        body = o.data.get("body")
        evse_id = o.evse_id or (body.get("evse_id") if isinstance(body, Mapping) else None)
        if o.data.get("hook") == hook and o.data.get("outcome") == "done" and isinstance(evse_id, str):
            found.setdefault(folded(evse_id), []).append((o.t, body if isinstance(body, Mapping) else {}))
    return found


def decommissioned(evidence: Evidence, key: str, t: float) -> bool:
    """This EVSE was taken out of the fleet before second `t`."""
    return any(at - 5.0 <= t for at, _ in hooks_done(evidence, "decommission_evse").get(key, ()))
