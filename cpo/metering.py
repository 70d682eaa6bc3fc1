"""The meter of one transaction: register readings in Wh, signed readings, and the energy they amount to."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from cpo.local_time import read as read_time
from oicp.wire_json import Json

_KEPT = 64
"""Readings kept in between; beyond that every second one is given up."""
_JITTER_WH = Decimal(2)
"""A fall this small is rounding of the meter, not a reset."""
SIGNED_LIMIT = 10
"""So many signed values a charge detail record may hold."""


@dataclass(frozen=True)
class SignedReading:
    """A signed reading as the charge point sent it. `status`: Start, Progress or End."""

    status: str
    value: str
    public_key: str | None = None
    encoding: str | None = None


@dataclass
class Meter:
    """Readings of a transaction in order. `start_wh` and `stop_wh` are the register at its ends.

    `counted_wh` adds up the steps between readings, so that a register that fell to zero on the way costs no energy.
    """

    start_wh: Decimal | None = None
    stop_wh: Decimal | None = None
    last_wh: Decimal | None = None
    last_at: datetime | None = None
    highest_wh: Decimal | None = None
    counted_wh: Decimal = Decimal(0)
    in_between_wh: list[Decimal] = field(default_factory=list)
    signed: list[SignedReading] = field(default_factory=list)

    def starts(self, wh: Decimal, at: datetime) -> None:
        """The first reading."""
        self.start_wh = self.last_wh = self.highest_wh = wh
        self.last_at = at

    def reads(self, wh: Decimal, at: datetime) -> None:
        """A reading on the way; one older than the last is left out."""
        if self.start_wh is None or self.last_wh is None or self.last_at is None or self.highest_wh is None:
            self.starts(wh, at)
            return
        if at < self.last_at:
            return
        self._counts(wh, at)
        self.in_between_wh.append(wh)
        if len(self.in_between_wh) > _KEPT:
            del self.in_between_wh[::2]

    def stops(self, wh: Decimal | None, at: datetime) -> None:
        """The last reading; without one the last that came on the way counts."""
        if wh is not None:
            if self.start_wh is None:
                self.starts(wh, at)
            self._counts(wh, at)
        self.stop_wh = self.last_wh if wh is None else wh

    def _counts(self, wh: Decimal, at: datetime) -> None:
        last, highest = self.last_wh or Decimal(0), self.highest_wh or Decimal(0)
        self.counted_wh += wh if wh < last - _JITTER_WH else wh - last
        self.last_wh, self.last_at, self.highest_wh = wh, at, max(highest, wh)

    def adds_signed(self, reading: SignedReading) -> None:
        """A signed reading; at most ten are kept: the first, the last and those between."""
        if any(known.value == reading.value for known in self.signed):
            return
        if len(self.signed) >= SIGNED_LIMIT:
            progress = [r for r in self.signed if r.status == "Progress"]
            if reading.status == "Progress" or not progress:
                return
            self.signed.remove(progress[-1])
        self.signed.append(reading)

    @property
    def was_reset(self) -> bool:
        """The register fell on the way, so its ends say nothing about the energy."""
        ends = (self.start_wh, self.stop_wh, self.highest_wh)
        if any(end is None for end in ends):
            return False
        start, stop, highest = (end or Decimal(0) for end in ends)
        return stop < start or stop < highest - _JITTER_WH

    @property
    def energy_wh(self) -> Decimal:
        """Energy of the transaction: the difference of the register, or the steps where it was reset. Never negative."""
        if self.start_wh is None:
            return Decimal(0)
        stop = self.stop_wh if self.stop_wh is not None else self.last_wh
        energy = self.counted_wh if self.was_reset else (stop or self.start_wh) - self.start_wh
        return max(Decimal(0), energy)

    def to_json(self) -> dict[str, Json]:
        """For the database."""
        return {
            "start_wh": self.start_wh, "stop_wh": self.stop_wh, "last_wh": self.last_wh,
            "last_at": self.last_at.isoformat() if self.last_at else None, "highest_wh": self.highest_wh,
            "counted_wh": self.counted_wh, "in_between_wh": self.in_between_wh,
            "signed": [[r.status, r.value, r.public_key, r.encoding] for r in self.signed],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: dict[str, Json]) -> "Meter":
        """From the database."""
        return cls(
            start_wh=_decimal(data["start_wh"]), stop_wh=_decimal(data["stop_wh"]), last_wh=_decimal(data["last_wh"]),
            last_at=read_time(data["last_at"]), highest_wh=_decimal(data["highest_wh"]),
            counted_wh=_decimal(data["counted_wh"]) or Decimal(0),
            in_between_wh=[Decimal(value) for value in data["in_between_wh"]],
            signed=[SignedReading(*row) for row in data["signed"]],
        )  # fmt: skip


def _decimal(value: Json) -> Decimal | None:
    return None if value is None else Decimal(value)


def kwh(wh: Decimal) -> Decimal:
    """Wh as kWh with three decimals."""
    return (wh / 1000).quantize(Decimal("0.001"), ROUND_HALF_UP)


def sampled(value: object, unit: str | None, multiplier: int = 0) -> Decimal | None:
    """A sampled value of OCPP in Wh; None where it is no number."""
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    if not number.is_finite():
        return None
    return number * (1000 if unit == "kWh" else 1) * Decimal(10) ** multiplier
