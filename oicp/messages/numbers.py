"""Numbers of the wire: exact decimals, kilowatt-hours, whole numbers."""

import re
from dataclasses import dataclass
from decimal import Decimal

from pydantic_core import CoreSchema, core_schema

from oicp.messages.faults import INFO, Path, Walk, kind
from oicp.messages.law import Law, beside
from oicp.rulebook import Grade
from oicp.wire_json import Json

_NUMERIC = re.compile(r"\s*[+-]?[0-9]+([.,][0-9]+)?\s*")


def number(value: Json) -> Decimal | None:
    """A JSON number as an exact decimal; None for anything else, booleans included."""
    if type(value) is Decimal:
        found = value
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    else:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    if not found.is_finite():
        return None
    if found and abs(found.adjusted()) > _ABSURD:
        return Decimal((found.as_tuple().sign, (1,), _ABSURD if found.adjusted() > 0 else -_ABSURD))
    return found


_ABSURD = 60
"""Exponents beyond are cut, so that no computation overflows and no text fills the memory."""


def plain(value: Decimal) -> str:
    """A number for a sentence: without exponent and trailing zeros."""
    return format(value.normalize(), "f")


def _numeric(walk: Walk, by: str, typed: str, path: Path, value: Json, meter: bool) -> Decimal | None:
    """The number, or a fault noted and None. `meter`: numeric strings only warn."""
    found = number(value)
    if found is None:
        text = isinstance(value, str)
        loose = meter and text and _NUMERIC.fullmatch(value) is not None
        ident = by if isinstance(value, (dict, list)) else typed
        walk.fault(
            ident, path, f"is {kind(value)}, not a number", value, "must be a number", contested=loose,
            also=beside(by, ident),
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Number(Law):
    """A JSON number, `low` to `high`."""

    by: str
    low: int | None = None
    high: int | None = None
    typed: str = "HTTP-006"

    def governs(self) -> tuple[str, ...]:
        """Its own id and that of the type."""
        return (self.by, self.typed)

    def core(self) -> CoreSchema:
        """A number within both limits; whole ones stay whole."""
        return _within(self.low, self.high)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then range."""
        found = _numeric(walk, self.by, self.typed, path, value, False)
        if found is not None:
            _in_range(walk, self.by, path, value, found, self.low, self.high)


def _in_range(
    walk: Walk, by: str, path: Path, value: Json, found: Decimal, low: int | None, high: int | None
) -> bool:  # fmt: skip
    if low is not None and found < low:
        walk.fault(by, path, f"is below {low}", value, f"must be greater than or equal to {low}")
        return False
    if high is not None and found > high:
        walk.fault(by, path, f"is above {high}", value, f"must be less than or equal to {high}")
        return False
    return True


def _within(low: int | None, high: int | None) -> CoreSchema:
    whole = core_schema.int_schema(ge=low, le=high, strict=True)
    broken = core_schema.float_schema(ge=low, le=high, strict=True, allow_inf_nan=False)
    return core_schema.union_schema([whole, broken], mode="left_to_right")


@dataclass(frozen=True)
class Whole(Law):
    """A whole JSON number, `low` to `high`. `fractions`: grade of decimals, None for an error; 22.0 counts as decimals."""

    by: str
    low: int | None = 0
    high: int | None = None
    fractions: Grade | None = None
    typed: str = "HTTP-006"
    notes: tuple[tuple[int, str], ...] = ()

    def governs(self) -> tuple[str, ...]:
        """Its own id and that of the type."""
        return (self.by, self.typed)

    def core(self) -> CoreSchema:
        """A number within both limits, without decimals where those are an error."""
        if self.fractions is None or self.fractions is Grade.ERROR:
            return core_schema.int_schema(ge=self.low, le=self.high, strict=True)
        return _within(self.low, self.high)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then range, then wholeness."""
        found = _numeric(walk, self.by, self.typed, path, value, False)
        if found is None:
            return
        for noted, reason in self.notes:
            if found == noted:
                walk.fault(self.by, path, f"is {noted}", value, grade=INFO, spec_defect=reason)
                return
        if not _in_range(walk, self.by, path, value, found, self.low, self.high):
            return
        if found != found.to_integral_value():
            walk.fault(self.by, path, "is not a whole number", value, "must be a whole number", grade=self.fractions)
        elif self.fractions is INFO and not isinstance(value, int):
            walk.fault(self.by, path, "is written with decimals", value, grade=INFO)


MOST_DECIMALS = 3
_TABLES_ONLY = "the limit of three decimals stands only in the tables, OpenAPI has none and no refusal is known"


def is_noise(value: Decimal) -> bool:
    """True if the digits beyond the third decimal come from binary arithmetic (7.312000000000001)."""
    exponent = value.normalize().as_tuple().exponent
    rounded = round(value, MOST_DECIMALS)
    return isinstance(exponent, int) and exponent <= -7 and abs(value - rounded) <= max(
        Decimal("1e-9"), abs(value) * Decimal("1.2e-7")
    )  # fmt: skip


@dataclass(frozen=True)
class Energy(Law):
    """An energy or meter value in kWh: a JSON number with at most three decimals; noise only warns.

    `meter`: a reading; a numeric string in its place only warns too. `shape`: reports an object or a list in its place.
    """

    by: str
    typed: str = "HTTP-006"
    meter: bool = True
    shape: str = "HTTP-006"

    def governs(self) -> tuple[str, ...]:
        """Its own id, that of the type and that of the shape."""
        return tuple(dict.fromkeys((self.by, self.typed, self.shape)))

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then decimals."""
        if isinstance(value, int) and not isinstance(value, bool):
            return
        found = _numeric(walk, self.shape, self.typed, path, value, self.meter)
        if found is None:
            return
        exponent = found.normalize().as_tuple().exponent
        if not isinstance(exponent, int) or exponent >= -MOST_DECIMALS:
            return
        if is_noise(found):
            walk.fault(self.by, path, f"has {-exponent} decimals of binary noise", value, contested=True)
        else:
            walk.fault(self.by, path, f"has {-exponent} decimals", value, spec_defect=_TABLES_ONLY, refused=False)

    def core(self) -> CoreSchema:
        """A number; for its decimals nothing is refused."""
        return core_schema.float_schema(strict=True, allow_inf_nan=False)
