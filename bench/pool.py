"""Who has which EVSE: every scenario gets its own before it begins, all at once, so none waits for another in a circle."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bench.scenario import Scenario, Skipped

if TYPE_CHECKING:
    from simulator.evse import VirtualEvse


class Pool:
    """The EVSEs of the fleet. Exclusive scenarios have them all."""

    def __init__(self, evses: "Sequence[VirtualEvse]") -> None:
        self._free = list(evses)
        self._all = tuple(evses)
        self._changed = asyncio.Condition()

    def check(self, scenario: Scenario) -> None:
        """Raises `Skipped` if the fleet is too small for it."""
        if scenario.evses > len(self._all):
            raise Skipped(f"needs {scenario.evses} EVSEs, the fleet has {len(self._all)} ([fleet] in bench.toml)")

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
        if scenario.exclusive:
            found = list(self._free) if len(self._free) == len(self._all) else None
        elif scenario.whole_charge_point:
            found = self._whole()
        else:
            found = self._spread(scenario.evses) if len(self._free) >= scenario.evses else None
        for evse in found or ():
            self._free.remove(evse)
        return found

    def _whole(self) -> "list[VirtualEvse] | None":
        """A charge point nobody uses, the one with the fewest EVSEs first."""
        size = {cp: sum(e.charge_point is cp for e in self._all) for cp in {e.charge_point for e in self._all}}
        for charge_point in sorted(size, key=lambda cp: (size[cp], cp.id)):
            own = [e for e in self._free if e.charge_point is charge_point]
            if len(own) == size[charge_point]:
                return own
        return None

    def _spread(self, count: int) -> "list[VirtualEvse]":
        """EVSEs of charge points that are in use already first, so that whole ones stay free."""
        used = {e.charge_point for e in self._all} - {e.charge_point for e in self._free}
        partly = [e for e in self._all if e not in self._free]
        busy = {e.charge_point for e in partly} | used
        return sorted(self._free, key=lambda e: e.charge_point not in busy)[:count]
