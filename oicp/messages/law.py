"""What binds a field to the law: markers for `Annotated`, the faults they find, and the walk that collects them.

A law names the requirement that governs the field. One declaration serves three readers: pydantic (what may be built),
`validate` (what was really sent, with grades and contested variants) and the list of requirements a message exercises.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from oicp.catalogue import catalogue
from oicp.rulebook import Grade
from oicp.wire_json import Json, pointer, shown

Path: TypeAlias = tuple[Any, str | int] | None
"""Place in a message as a linked list, so that a place costs nothing until a fault is found there."""

ERROR, WARNING, INFO = Grade.ERROR, Grade.WARNING, Grade.INFO
NULL, EMPTY = "may not be null", "may not be empty"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field that breaks the law. `pointer`: JSON pointer into what was sent; `value`: as JSON, shortened.

    `grade` None: by the level of the requirement. `contested`: the variant the catalogue only warns of. `refused`: the
    hub answers HTTP 400 by default, with `error_message`. `spec_defect`: what is wrong with the published limit itself.
    `also`: requirements the same act breaks, reported under this one.
    """

    requirement: str
    pointer: str
    observed: str
    value: str
    contested: bool = False
    grade: Grade | None = None
    refused: bool = False
    error_message: str = ""
    spec_defect: str | None = None
    also: tuple[str, ...] = ()

    @property
    def effective_grade(self) -> Grade:
        """The grade in default mode."""
        if self.grade is not None:
            return self.grade
        if self.contested:
            return WARNING
        return {"MUST": ERROR, "SHOULD": WARNING}.get(catalogue()[self.requirement].level, INFO)

    @property
    def field_reference(self) -> str:
        """The pointer as the hub writes it: `operatorEvseData.evseDataRecord[0].hotlinePhoneNumber`."""
        text = ""
        for part in self.pointer.split("/")[1:]:
            if part.isdecimal():
                text += f"[{part}]"
            else:
                text += ("." if text else "") + _camel(part.replace("~1", "/").replace("~0", "~"))
        return text


def _camel(name: str) -> str:
    head = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+\Z|[A-Z]?", name)
    end = head.end() if head else 0
    return name[:end].lower() + name[end:]


def place(path: Path) -> str:
    """The JSON pointer of a path."""
    parts: list[str | int] = []
    while path is not None:
        path, part = path
        parts.append(part)
    return pointer(*reversed(parts))


class Walk:
    """One message being read: the faults and exercised requirements so far, and what is known about its sender.

    `operators`: keys of the partner and its sub-operators, None where unknown. `path_id`: partner id in the URL path.
    """

    __slots__ = ("answer", "by_cpo", "checked", "faults", "operation", "operators", "path_id", "visited")

    def __init__(
        self, operation: str = "", answer: bool = False, by_cpo: bool = True,
        operators: frozenset[str] | None = None, path_id: str | None = None,
    ) -> None:  # fmt: skip
        self.operation, self.answer, self.by_cpo = operation, answer, by_cpo
        self.operators, self.path_id = operators, path_id
        self.faults: list[FieldFault] = []
        self.checked: set[str] = set()
        self.visited: set[int] = set()

    def fault(
        self, requirement: str, path: Path, observed: str, value: Json, message: str = "", *,
        contested: bool = False, grade: Grade | None = None, spec_defect: str | None = None, also: tuple[str, ...] = (),
        refused: bool | None = None,
    ) -> None:  # fmt: skip
        """Note a fault. Refused by the hub where the catalogue says HTTP 400 and the fault is an error."""
        if refused is None:
            entry = catalogue()[requirement]
            refused = entry.code.startswith("HTTP 400") and entry.level == "MUST"
        refused = refused and not contested and grade in (None, ERROR)
        self.faults.append(
            FieldFault(
                requirement, place(path), observed, shown(value), contested, grade, refused,
                (message or "is not valid") if refused else message, spec_defect, also,
            )
        )  # fmt: skip


def kind(value: Json) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else "a number"


class Law:
    """Base of all markers. Subclasses name in `ids` what they decide."""

    ids: ClassVar[tuple[str, ...]] = ()

    def governs(self) -> tuple[str, ...]:
        """Ids of the requirements this marker decides."""
        return self.ids

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Note what is wrong with a value that is not null."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In a model the same check refuses what is an error; what only warns may be built."""
        return core_schema.no_info_before_validator_function(self._built, handler(source))

    def _built(self, value: Any) -> Any:
        if value is None:
            return value
        walk = Walk()
        self.check(walk, value, None)
        for fault in walk.faults:
            if fault.effective_grade is ERROR:
                raise ValueError(f"{fault.requirement}: {fault.observed}")
        return value


@dataclass(frozen=True)
class Needs(Law):
    """Marks a mandatory member: `by` reports its absence. `contested`: absence only warns."""

    by: str = "HTTP-007"
    contested: bool = False

    def governs(self) -> tuple[str, ...]:
        """The requirement of the presence, and the general one."""
        return (self.by, "HTTP-007")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Presence is looked at by the object."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Nothing to add."""
        return handler(source)


def _not_text(walk: Walk, by: str, typed: str, path: Path, value: Json) -> bool:
    if isinstance(value, str):
        return False
    ident = by if isinstance(value, (dict, list)) else typed
    walk.fault(ident, path, f"is {kind(value)}, not a string", value, "must be a string")
    return True


@dataclass(frozen=True)
class Text(Law):
    """A string of `least` to `most` characters. `typed`: reports a number or boolean in its place.

    `not_empty`: an empty string breaks it too, but is contested (the tables give only a maximum).
    """

    by: str
    most: int
    least: int = 0
    not_empty: bool = False
    typed: str = "HTTP-006"
    contested: str | None = None
    also: tuple[str, ...] = ()

    def governs(self) -> tuple[str, ...]:
        """Its own id and that of the type."""
        return (self.by, self.typed)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then length."""
        if not isinstance(value, str):
            _not_text(walk, self.by, self.typed, path, value)
            return
        size = len(value)
        if size > self.most:
            walk.fault(
                self.by, path, f"has {size} characters, at most {self.most} are allowed", value, self._limits(),
                contested=self.contested is not None, spec_defect=self.contested, also=self.also,
            )  # fmt: skip
        elif size < self.least:
            message = EMPTY if size == 0 else self._limits()
            walk.fault(self.by, path, f"has {size} characters, at least {self.least} are needed", value, message)
        elif size == 0 and self.not_empty:
            walk.fault(self.by, path, "is an empty string", value, EMPTY, contested=True)

    def _limits(self) -> str:
        return f"size must be between {self.least} and {self.most}"


@dataclass(frozen=True)
class Matches(Law):
    """A string of a pattern. `pattern` must match as a whole; `shown` is the pattern as the hub quotes it.

    `warns`: further patterns that only warn, each with the reason. `notes`: the same as information.
    """

    by: str
    pattern: re.Pattern[str]
    shown: str = ""
    warns: tuple[tuple[re.Pattern[str], str], ...] = ()
    notes: tuple[tuple[re.Pattern[str], str], ...] = ()
    typed: str = ""
    also: tuple[str, ...] = ()

    def governs(self) -> tuple[str, ...]:
        """Its own id."""
        return (self.by,)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then pattern."""
        if isinstance(value, str) and self.pattern.fullmatch(value):
            return
        if _not_text(walk, self.by, self.typed or self.by, path, value):
            return
        for variant, reason in self.warns:
            if variant.fullmatch(value):
                walk.fault(self.by, path, reason, value, contested=True)
                return
        for variant, reason in self.notes:
            if variant.fullmatch(value):
                walk.fault(self.by, path, reason, value, grade=INFO)
                return
        quoted = self.shown or f"^{self.pattern.pattern}$"
        walk.fault(self.by, path, "does not match the pattern", value, f'must match "{quoted}"', also=self.also)


@dataclass(frozen=True)
class OneOf(Law):
    """One of some strings. `warns`: values that only warn, with the reason; `notes`: as information.

    `also`: per value, what else it breaks.
    """

    by: str
    values: tuple[str, ...]
    warns: tuple[tuple[Json, str], ...] = ()
    notes: tuple[tuple[Json, str], ...] = ()
    also: tuple[tuple[str, tuple[str, ...]], ...] = ()
    typed: str = ""

    def governs(self) -> tuple[str, ...]:
        """Its own id."""
        return (self.by,)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then value; letter case counts."""
        if isinstance(value, str) and value in self.values:
            return
        for variants, more in ((self.warns, {"contested": True}), (self.notes, {"grade": INFO})):
            for variant, reason in variants:
                if type(variant) is type(value) and variant == value:
                    walk.fault(self.by, path, reason, value, **more)
                    return
        if _not_text(walk, self.by, self.typed or self.by, path, value):
            return
        walk.fault(
            self.by, path, f"is none of {', '.join(self.values)}", value, f'must match "{"|".join(self.values)}"',
            also=dict(self.also).get(value, ()),
        )  # fmt: skip


@dataclass(frozen=True)
class Flag(Law):
    """A JSON boolean. A string in its place breaks `typed`, anything else `by`."""

    by: str
    typed: str = "HTTP-006"

    def governs(self) -> tuple[str, ...]:
        """Its own id and that of the type."""
        return (self.by, self.typed)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type only."""
        if not isinstance(value, bool):
            ident = self.typed if isinstance(value, str) else self.by
            walk.fault(ident, path, f"is {kind(value)}, not a boolean", value, "must be a boolean")


_NUMERIC = re.compile(r"\s*[+-]?[0-9]+([.,][0-9]+)?\s*")


def number(value: Json) -> Decimal | None:
    """A JSON number as an exact decimal; None for anything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value))
    return value if isinstance(value, Decimal) and value.is_finite() else None


def _numeric(walk: Walk, by: str, typed: str, path: Path, value: Json, meter: bool) -> Decimal | None:
    """The number, or a fault noted and None. `meter`: numeric strings only warn."""
    found = number(value)
    if found is None:
        text = isinstance(value, str)
        loose = meter and text and _NUMERIC.fullmatch(value) is not None
        ident = by if isinstance(value, (dict, list)) else typed
        walk.fault(ident, path, f"is {kind(value)}, not a number", value, "must be a number", contested=loose)
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
    """An energy or meter value in kWh: a JSON number with at most three decimals; numeric strings and noise only warn."""

    by: str
    typed: str = "HTTP-006"

    def governs(self) -> tuple[str, ...]:
        """Its own id and that of the type."""
        return (self.by, self.typed)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type, then decimals."""
        if isinstance(value, int) and not isinstance(value, bool):
            return
        found = _numeric(walk, self.by, self.typed, path, value, True)
        if found is None:
            return
        exponent = found.normalize().as_tuple().exponent
        if not isinstance(exponent, int) or exponent >= -MOST_DECIMALS:
            return
        if is_noise(found):
            walk.fault(self.by, path, f"has {-exponent} decimals of binary noise", value, contested=True)
        else:
            walk.fault(self.by, path, f"has {-exponent} decimals", value, spec_defect=_TABLES_ONLY, refused=False)


_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|z|[+-][0-9]{2}:[0-9]{2}|[+-][0-9]{2}(?:[0-9]{2})?)"
)
_OFFSET = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]")


def moment(value: Json) -> datetime | None:
    """A date-time as sent, None where it cannot be read or has no zone."""
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    zone = match.group(3)
    zone = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(match.group(1) + (match.group(2) or "")[:7] + zone)
    except ValueError:
        return None


def wire_time(at: datetime) -> str:
    """A date-time as OICP wants it: whole seconds, numeric offset. Raises ValueError where the offset is unknown."""
    if at.tzinfo is None:
        raise ValueError("a date-time of OICP needs the offset of the charging location")
    return at.isoformat(timespec="seconds")


@dataclass(frozen=True)
class Moment(Law):
    """A date-time: complete (TIME-001), numeric offset (TIME-002), no fractions (TIME-004). A model takes `datetime` too."""

    ids: ClassVar[tuple[str, ...]] = ("TIME-001", "TIME-002", "TIME-004")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Shape, calendar, zone, fractions."""
        if _not_text(walk, "TIME-001", "TIME-001", path, value):
            return
        match = _MOMENT.fullmatch(value)
        if match is None or not _exists(match.group(1)):
            wanted = "is no existing date-time YYYY-MM-DDThh:mm:ss with zone designator"
            walk.fault("TIME-001", path, wanted, value, "is not a valid date-time")
            return
        zone = match.group(3)
        if zone == "Z":
            walk.fault("TIME-002", path, "has the zone designator Z instead of a numeric offset", value, contested=True)
        elif not _OFFSET.fullmatch(zone):
            walk.fault("TIME-002", path, f"has the zone designator {zone}, not +hh:mm or -hh:mm", value)
        if match.group(2):
            walk.fault("TIME-004", path, "has fractions of seconds", value, grade=INFO)

    def _built(self, value: Any) -> Any:
        return super()._built(wire_time(value) if isinstance(value, datetime) else value)


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Many(Law):
    """A list of `least` to `most` elements. `single`: why one bare element in its place only warns."""

    by: str
    least: int = 0
    most: int | None = None
    single: str | None = None
    contested_empty: bool = False
    empty_also: tuple[str, ...] = ("HTTP-008",)

    def governs(self) -> tuple[str, ...]:
        """Its own id."""
        return (self.by,)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Type and number of elements."""
        if not isinstance(value, list):
            walk.fault(
                self.by, path, f"is {kind(value)}, not a list", value, "must be a list",
                contested=self.single is not None and isinstance(value, dict), spec_defect=self.single,
            )  # fmt: skip
        elif len(value) < self.least:
            walk.fault(
                self.by, path, "is an empty list", value, EMPTY, contested=self.contested_empty, also=self.empty_also
            )
        elif self.most is not None and len(value) > self.most:
            sentence = f"has {len(value)} entries, at most {self.most} are allowed"
            walk.fault(self.by, path, sentence, value, f"size must be between {self.least} and {self.most}")


@dataclass(frozen=True)
class Relabelled(Law):
    """Faults of some requirements inside this member are reported as `to`."""

    to: str
    of: frozenset[str]

    def governs(self) -> tuple[str, ...]:
        """The id it reports."""
        return (self.to,)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Done by the object around it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Nothing to add."""
        return handler(source)


Across: TypeAlias = Callable[[Walk, dict[str, Json], Path], None]


Spellings: TypeAlias = Mapping[str, tuple[str, str, Grade | None, str]]
Strangers: TypeAlias = Mapping[str, tuple[str, Grade | None, str]]


class Message(BaseModel):
    """Base of all messages and their parts: snake_case attributes, wire names as aliases, unknown members kept.

    `named_by` reports what is no object; `misspelt` reports wrong spelling; `across` are the laws over several members;
    `spellings`: other spellings: name on the wire -> (true name, requirement, grade or None for an error, why);
    `strangers`: members that do not belong here, by requirement.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)

    named_by: ClassVar[str] = "HTTP-006"
    misspelt: ClassVar[str] = "HTTP-005"
    across: ClassVar[tuple[Across, ...]] = ()
    across_ids: ClassVar[tuple[str, ...]] = ()
    spellings: ClassVar[Spellings] = {}
    strangers: ClassVar[Strangers] = {}

    def to_wire(self) -> dict[str, Json]:
        """The JSON object; members without a value are left out, numbers keep their digits."""
        return self.model_dump(by_alias=True, exclude_none=True)


def ids_of(laws: Iterable[Law]) -> tuple[str, ...]:
    """All requirements some markers decide."""
    return tuple(dict.fromkeys(i for law in laws for i in law.governs()))
