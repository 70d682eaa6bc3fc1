"""State of the virtual charge points over time: who was online, plugged, charging, faulted at second t."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Generic, TypeVar

from oicp import wire_json
from oicp.evidence import Evidence, Observation
from oicp.transactions import Transaction, folded, transactions

T = TypeVar("T")
_GONE = ("charge_point_disconnected", "charge_point_refused")


class Timeline(Generic[T]):
    """Values that hold from a second on, in order."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.values: list[T] = []

    def add(self, t: float, value: T) -> None:
        """`value` holds from second `t` on."""
        self.times.append(t)
        self.values.append(value)

    def at(self, t: float) -> T | None:
        """The value at second `t`, None before the first."""
        at = bisect_right(self.times, t)
        return self.values[at - 1] if at else None

    def items(self) -> list[tuple[float, T]]:
        """Seconds and values in order."""
        return list(zip(self.times, self.values, strict=True))

    def steady(self, begin: float, end: float) -> T | None:
        """The value that held all the time from `begin` to `end`, None if it changed."""
        changed = bisect_right(self.times, end) > bisect_right(self.times, begin)
        return None if changed else self.at(begin)

    def when_last(self, value: T, t: float) -> float | None:
        """The second not after `t` at which `value` came last."""
        at = bisect_right(self.times, t)
        return next((self.times[i] for i in range(at - 1, -1, -1) if self.values[i] == value), None)

    def when_next(self, value: T, t: float) -> float | None:
        """The second not before `t` at which `value` comes next."""
        at = bisect_left(self.times, t)
        return next((self.times[i] for i in range(at, len(self.times)) if self.values[i] == value), None)

    def when_after(self, t: float) -> float | None:
        """The second of the first value after `t`."""
        at = bisect_right(self.times, t)
        return self.times[at] if at < len(self.times) else None

    def between(self, begin: float, end: float) -> list[T]:
        """Values that came from `begin` to `end`."""
        return self.values[bisect_left(self.times, begin) : bisect_right(self.times, end)]

    def first_after(self, t: float, end: float = float("inf")) -> T | None:
        """The first value that came after `t` and not after `end`."""
        at = bisect_right(self.times, t)
        return self.values[at] if at < len(self.times) and self.times[at] <= end else None


class Chargers:
    """The fleet of one recording. EVSEs may be asked for in any spelling."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.points: dict[str, str] = {}
        self.records: dict[str, Mapping[str, Any]] = {}
        self.evses_of: dict[str, list[str]] = {}
        self._read_fleet()
        self._tables: dict[tuple[str, str], Timeline[Any]] = {}
        for o in evidence.observations:
            self._note(o)
        for transaction in transactions(evidence):
            self._table("transaction", transaction.evse_id).add(transaction.t_start, transaction)

    def _read_fleet(self) -> None:
        points = wire_json.at(self.evidence.run.fleet, "charge_points")
        for point in points if isinstance(points, list) else ():
            ident, evses = wire_json.at(point, "id"), wire_json.at(point, "evses")
            for evse in evses if isinstance(evses, list) else ():
                evse_id, record = wire_json.at(evse, "evse_id"), wire_json.at(evse, "data_record")
                if isinstance(evse_id, str):
                    self._belongs(evse_id, str(ident))
                    self.records[folded(evse_id)] = record if isinstance(record, dict) else {}

    def _belongs(self, evse_id: str, point: str) -> None:
        if folded(evse_id) not in self.points:
            self.points[folded(evse_id)] = point
            self.evses_of.setdefault(point, []).append(evse_id)

    def _note(self, o: Observation) -> None:
        if o.evse_id and o.charge_point:
            self._belongs(o.evse_id, o.charge_point)
        if o.kind == "charge_point_connected" or o.kind in _GONE:
            self._table("online", o.charge_point or "").add(o.t, o.kind not in _GONE)
        elif o.kind in ("charge_point_status", "charge_point_status_delivered"):
            self._table(o.kind, o.charge_point or "").add(o.t, str(o.data.get("connector_status")))
        elif o.evse_id is None:
            return
        elif o.kind in ("connector_status", "connector_status_delivered"):
            self._table(o.kind, o.evse_id).add(o.t, str(o.data.get("connector_status")))
        elif o.kind in ("plugged", "unplugged"):
            self._table("plug", o.evse_id).add(o.t, o.kind == "plugged")
        elif o.kind in ("meter", "energy_started", "energy_stopped"):
            self._table("meter", o.evse_id).add(o.t, o.data.get("meter_wh"))
        else:
            self._table(o.kind, o.evse_id).add(o.t, o)

    def _table(self, kind: str, ident: str) -> Timeline[Any]:
        return self._tables.setdefault((kind, ident if kind == "online" else folded(ident)), Timeline())

    def of(self, kind: str, evse_id: str | None) -> Timeline[Any]:
        """Observations of a kind at an EVSE; kind `transaction`: its transactions by their start."""
        return self._tables.get((kind, folded(evse_id or "")), Timeline())

    def of_its_point(self, kind: str, evse_id: str | None) -> Timeline[Any]:
        """Observations of a kind about the charge point of an EVSE as a whole."""
        return self.of(kind, self.points.get(folded(evse_id or "")))

    def known(self, evse_id: str | None) -> bool:
        """The EVSE belongs to the fleet."""
        return folded(evse_id or "") in self.points

    def status(self, evse_id: str | None, begin: float, end: float) -> str | None:
        """The OCPP state that held from `begin` to `end` and that the CPO had been told before; None if it changed."""
        told = self.of("connector_status_delivered", evse_id)
        state: str | None = self.of("connector_status", evse_id).steady(begin, end)
        return state if not told.times or told.at(begin) == state else None

    def _online(self, evse_id: str | None) -> Timeline[Any]:
        return self._tables.get(("online", self.points.get(folded(evse_id or ""), "")), Timeline())

    def offline(self, evse_id: str | None, begin: float, end: float) -> bool:
        """The charge point had no connection all the time from `begin` to `end`."""
        return self._online(evse_id).steady(begin, end) is False

    def online(self, evse_id: str | None, begin: float, end: float) -> bool:
        """The charge point was connected all the time; also true where nothing was observed about it."""
        table = self._online(evse_id)
        return not table.times or table.steady(begin, end) is True

    def offline_periods(self, evse_id: str | None) -> list[tuple[float, float]]:
        """Periods in which the charge point had no connection after it had been connected once; the last may never end."""
        found: list[tuple[float, float]] = []
        begun: float | None = None
        table = self._online(evse_id)
        for t, online in zip(table.times, table.values, strict=True):
            if not online and begun is None and t > table.times[0]:
                begun = t
            elif online and begun is not None:
                found.append((begun, t))
                begun = None
        return [*found, (begun, float("inf"))] if begun is not None else found

    def plugged(self, evse_id: str | None, begin: float, end: float) -> bool | None:
        """A cable was in, or was not, all the time; None if that changed. Never plugged counts as not plugged."""
        table = self.of("plug", evse_id)
        changed = bisect_right(table.times, end) > bisect_right(table.times, begin)
        return None if changed else bool(table.at(begin))

    def running(self, evse_id: str | None, begin: float, end: float) -> Transaction | None:
        """The transaction that ran all the time from `begin` to `end`, and whose start the CPO knew."""
        found: Transaction | None = self.of("transaction", evse_id).at(begin)
        if found is None or not found.runs_at(begin) or (found.t_stop is not None and found.t_stop <= end):
            return None
        told = found.t_start_delivered
        return None if told is not None and told > begin else found

    def meter_at(self, evse_id: str | None, t: float) -> int | None:
        """The last reading in Wh before second `t`."""
        value = self.of("meter", evse_id).at(t)
        return int(value) if isinstance(value, (int, float)) else None


@lru_cache(maxsize=8)
def chargers(evidence: Evidence) -> Chargers:
    """The fleet of a recording."""
    return Chargers(evidence)


@lru_cache(maxsize=8)
def pushed_records(evidence: Evidence) -> dict[str, Timeline[Mapping[str, Any]]]:
    """EVSE data as the CPO pushed it and the hub took it, by folded EvseID."""
    found: dict[str, Timeline[Mapping[str, Any]]] = {}
    for exchange in evidence.about("PushEvseData"):
        records = wire_json.at(exchange.body, "OperatorEvseData", "EvseDataRecord")
        if not exchange.accepted or not isinstance(records, list):
            continue
        for record in records:
            evse_id = wire_json.at(record, "EvseID")
            if isinstance(evse_id, str):
                found.setdefault(folded(evse_id), Timeline()).add(exchange.t, record)
    return found


def record_of(evidence: Evidence, evse_id: str | None, t: float) -> Mapping[str, Any]:
    """What is known of an EVSE at second `t`: the last record pushed, else that of the fleet file."""
    pushed = pushed_records(evidence).get(folded(evse_id or ""))
    return (pushed.at(t) if pushed else None) or chargers(evidence).records.get(folded(evse_id or ""), {})
