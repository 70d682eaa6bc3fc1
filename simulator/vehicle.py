"""A car with a battery that fills: it asks for power along a curve and stops when it has enough."""

from dataclasses import dataclass
from typing import Literal

_STEP_S = 0.25
"""Longest stretch in seconds for which the power is taken as constant."""


@dataclass
class Vehicle:
    """A car at the cable.

    `capacity_wh` of the battery, `level_wh` in it now, `target_wh` where it stops by itself (default: full), `max_power_kw` it draws
    below 80 %; from there the power falls in a straight line to a tenth when full. `when_full`: whether the charge point then ends the
    transaction ("stop") or keeps it open with the car suspended ("suspend").
    """

    capacity_wh: float = 100_000.0
    level_wh: float = 10_000.0
    max_power_kw: float = 500.0
    target_wh: float | None = None
    when_full: Literal["stop", "suspend"] = "stop"

    @classmethod
    def needing(
        cls, kwh: float, *, max_power_kw: float = 500.0, when_full: Literal["stop", "suspend"] = "stop"
    ) -> "Vehicle":
        """A car that has enough after so many kWh; far from the tapering end of its curve."""
        level = 10_000.0
        capacity = max(100_000.0, 2 * (level + kwh * 1000))
        return cls(capacity, level, max_power_kw, level + kwh * 1000, when_full)

    @property
    def full(self) -> bool:
        """It takes nothing more."""
        return self.level_wh >= self._end_wh - 1e-9

    @property
    def soc_percent(self) -> int:
        """State of charge, whole percent."""
        return min(100, int(100 * self.level_wh / self.capacity_wh))

    @property
    def power_w(self) -> float:
        """What it would draw now, in W."""
        if self.full:
            return 0.0
        share = self.level_wh / self.capacity_wh
        taper = 1.0 if share <= 0.8 else max(0.1, 1.0 - 4.5 * (share - 0.8))
        return self.max_power_kw * 1000 * taper

    @property
    def _end_wh(self) -> float:
        return self.capacity_wh if self.target_wh is None else min(self.target_wh, self.capacity_wh)

    def take(self, seconds: float) -> float:
        """Charge for so long; returns the energy in Wh."""
        before = self.level_wh
        while seconds > 0 and not self.full:
            step = min(seconds, _STEP_S)
            self.level_wh = min(self._end_wh, self.level_wh + self.power_w * step / 3600)
            seconds -= step
        return self.level_wh - before
