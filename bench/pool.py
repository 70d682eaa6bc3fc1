"""Who has which EVSE: every scenario gets its own before it begins, all at once, so none waits for another in a circle."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bench.scenario import Scenario, Skipped

if TYPE_CHECKING:
    from simulator.evse import VirtualEvse


KINDS: dict[str, tuple[str, Callable[[Mapping[str, Any]], bool]]] = {
    "": ("open for roaming", lambda record: record.get("IsHubjectCompatible") is not False),
    "private": ("not open for roaming", lambda record: record.get("IsHubjectCompatible") is False),
    "signed": (
        "with CalibrationLawDataAvailability External",
        lambda record: record.get("CalibrationLawDataAvailability") == "External",
    ),
}
"""Kinds of EVSEs a scenario may ask for: in words, and what their data record says."""


class Pool:
    """The EVSEs of the fleet. Exclusive scenarios have all that are open for roaming."""

    def __init__(self, evses: "Sequence[VirtualEvse]") -> None:
        self._free = list(evses)
        self._all = tuple(evses)
        self._changed = asyncio.Condition()

    def check(self, scenario: Scenario) -> None:
        """Raises `Skipped` if the fleet is too small for it."""
        found = len(_of_kind(scenario.kind, self._all))
        if scenario.evses > found:
            how = f" {KINDS[scenario.kind][0]}" if scenario.kind or found < len(self._all) else ""
            raise Skipped(f"needs {scenario.evses} EVSEs{how}, the fleet has {found} ([fleet] in bench.toml)")

    @asynccontextmanager
    async def lease(self, scenario: Scenario) -> "AsyncIterator[tuple[VirtualEvse, ...]]":
        """The EVSEs of one scenario, in its hands inside the block."""
        async with self._changed:
            taken = self._take(scenario)
            while taken is None:
                await self._changed.wait()
                taken = self._take(scenario)
        try:
            yield tuple(taken)
        finally:
            async with self._changed:
                if scenario.uses_up:
                    self._all = tuple(evse for evse in self._all if evse not in taken)
                else:
                    self._free.extend(taken)
                self._changed.notify_all()

    def _take(self, scenario: Scenario) -> "list[VirtualEvse] | None":
        fitting, free = _of_kind(scenario.kind, self._all), _of_kind(scenario.kind, self._free)
        if scenario.exclusive:
            found = free if len(free) == len(fitting) else None
        elif scenario.whole_charge_point:
            found = _whole(fitting, self._all, self._free)
        else:
            found = self._spread(free, scenario.evses) if len(free) >= scenario.evses else None
        for evse in found or ():
            self._free.remove(evse)
        return found

    def _spread(self, free: "list[VirtualEvse]", count: int) -> "list[VirtualEvse]":
        """Several come from one charge point where that is possible: a backend may mix them up.

        Else EVSEs of charge points that are in use already first, so that whole ones stay free.
        """
        busy = {e.charge_point for e in self._all if e not in self._free}
        beside = {e.charge_point: sum(other.charge_point is e.charge_point for other in free) for e in free}
        return sorted(free, key=lambda e: (beside[e.charge_point] < count, e.charge_point not in busy))[:count]


def _of_kind(kind: str, evses: "Sequence[VirtualEvse]") -> "list[VirtualEvse]":
    fits = KINDS[kind][1]
    return [evse for evse in evses if fits(evse.data_record)]


def _whole(
    fitting: "Sequence[VirtualEvse]", everything: "Sequence[VirtualEvse]", free: "Sequence[VirtualEvse]"
) -> "list[VirtualEvse] | None":
    """A charge point nobody uses, the one with the fewest EVSEs first. EVSEs of another kind go with it, after those that fit."""
    size = {cp: sum(e.charge_point is cp for e in everything) for cp in {e.charge_point for e in fitting}}
    for charge_point in sorted(size, key=lambda cp: (size[cp], cp.id)):
        own = [e for e in free if e.charge_point is charge_point]
        if len(own) == size[charge_point]:
            return sorted(own, key=lambda e: e not in fitting)
    return None
