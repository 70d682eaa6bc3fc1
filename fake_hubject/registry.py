"""Published records: what an operator pushed, what is valid now, what was valid at any time before."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from oicp.wire_json import Json

Record = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Version:
    """One accepted push. `size`: records in it; `t`: seconds of the recording."""

    number: int
    action: str
    size: int
    t: float
    at: datetime
    exchange: int | None


class Entry(NamedTuple):
    """A record as it is, or was, since `at`; `t`: the same in seconds of the recording."""

    t: float
    at: datetime
    record: Record


class Gone(NamedTuple):
    """A record that was deleted."""

    t: float
    at: datetime
    record: None = None


@dataclass(slots=True)
class RecordSet:
    """All records of one operator and one kind, keyed by id, with their history."""

    operator_id: str
    operator_name: str = ""
    current: dict[str, Entry] = field(default_factory=dict)
    history: dict[str, list[Entry | Gone]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Keys no valid record has."""
        return [key for key in keys if key not in self.current]

    def existing(self, keys: Iterable[str]) -> list[str]:
        """Keys a valid record has."""
        return [key for key in keys if key in self.current]

    def apply(
        self, action: str, records: Mapping[str, Record], t: float, at: datetime, exchange: int | None = None
    ) -> Version:
        """Make a new version out of a push that was checked before."""
        if action == "fullLoad":
            for key in [key for key in self.current if key not in records]:
                self._delete(key, t, at)
        change = self._delete_all if action == "delete" else self._put_all
        change(records, t, at)
        version = Version(len(self.versions) + 1, action, len(records), t, at, exchange)
        self.versions.append(version)
        return version

    def drop_missing_in(self, keys: Iterable[str] | Mapping[str, object], t: float, at: datetime) -> None:
        """Delete what is not among `keys`."""
        kept = keys if isinstance(keys, Mapping) else frozenset(keys)
        for key in [key for key in self.current if key not in kept]:
            self._delete(key, t, at)

    def _put_all(self, records: Mapping[str, Record], t: float, at: datetime) -> None:
        current, history, make = self.current, self.history, tuple.__new__  # hot: a named tuple without its detour
        for key, record in records.items():
            entry = current.get(key)
            if entry is None or entry.record != record:  # else untouched: keeps its lastUpdate
                current[key] = entry = make(Entry, (t, at, record))
                changes = history.get(key)
                if changes is None:
                    history[key] = [entry]
                else:
                    changes.append(entry)

    def _delete_all(self, keys: Iterable[str], t: float, at: datetime) -> None:
        for key in keys:
            self._delete(key, t, at)

    def _delete(self, key: str, t: float, at: datetime) -> None:
        if self.current.pop(key, None) is not None:
            self.history[key].append(Gone(t, at))

    def valid_at(self, t: float) -> dict[str, Record]:
        """Records that were valid at second `t` of the recording."""
        found: dict[str, Record] = {}
        for key, changes in self.history.items():
            place = bisect_right(changes, t, key=lambda change: change.t)
            if place and (record := changes[place - 1].record) is not None:
                found[key] = record
        return found

    def changed_since(self, since: datetime) -> Iterator[tuple[str, Record, datetime]]:
        """Delta type (insert, update, delete), record and time of everything that changed after `since`."""
        for changes in self.history.values():
            place = bisect_right(changes, since, key=lambda change: change.at)
            if place == len(changes):
                continue
            before = changes[place - 1].record if place else None
            last = changes[-1]
            if last.record is not None:
                yield "update" if before is not None else "insert", last.record, last.at
            elif before is not None:
                record = next(c.record for c in reversed(changes) if c.record is not None)
                yield "delete", record, last.at


class Registry:
    """Record sets per kind (data, status, products, prices, authentication) and partner."""

    def __init__(self) -> None:
        self._sets: dict[str, dict[str, RecordSet]] = {}

    def of(self, kind: str, operator_id: str) -> RecordSet:
        """The set of an operator, made if it has none yet."""
        sets = self._sets.setdefault(kind, {})
        if operator_id not in sets:
            sets[operator_id] = RecordSet(operator_id)
        return sets[operator_id]

    def all_of(self, kind: str) -> tuple[RecordSet, ...]:
        """All sets of a kind."""
        return tuple(self._sets.get(kind, {}).values())
