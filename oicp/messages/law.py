"""What binds a field to the law: markers for `Annotated`, each with the requirement it decides.

One declaration serves three readers: pydantic (what may be built), `validate` (what was really sent, with grades and
contested variants) and the list of requirements a message exercises. Numbers and times: `numbers.py`, `times.py`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from oicp.messages.faults import EMPTY, ERROR, INFO, Path, Walk, kind
from oicp.wire_json import Json


class Law:
    """Base of all markers. Subclasses name in `ids` what they decide."""

    ids: ClassVar[tuple[str, ...]] = ()
    alone: ClassVar[bool] = False
    """True for a marker that reads the whole value itself, whatever the type of the attribute."""

    def governs(self) -> tuple[str, ...]:
        """Ids of the requirements this marker decides."""
        return self.ids

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Note what is wrong with a value that is not null."""
        raise NotImplementedError

    def core(self) -> CoreSchema:
        """A quick reading: lets pass only what `check` would note nothing about that the hub refuses.

        Not used where a subclass has a `check` of its own.
        """
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


def not_text(walk: Walk, by: str, typed: str, path: Path, value: Json) -> bool:
    if isinstance(value, str):
        return False
    ident = by if isinstance(value, (dict, list)) else typed
    walk.fault(ident, path, f"is {kind(value)}, not a string", value, "must be a string", also=beside(by, ident))
    return True


def beside(by: str, told: str) -> tuple[str, ...]:
    """What a wrong type breaks besides the requirement it is told under: the law of the member asks for the type, too."""
    return () if by == told else (by,)


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
            not_text(walk, self.by, self.typed, path, value)
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

    def core(self) -> CoreSchema:
        """A string within both limits."""
        return core_schema.str_schema(min_length=self.least or int(self.not_empty), max_length=self.most, strict=True)

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
        if not_text(walk, self.by, self.typed or self.by, path, value):
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

    def core(self) -> CoreSchema:
        """The pattern; none here has anything that the two engines read differently."""
        return core_schema.str_schema(pattern=f"^(?:{self.pattern.pattern})$", strict=True)


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
        if not_text(walk, self.by, self.typed or self.by, path, value):
            return
        walk.fault(
            self.by, path, f"is none of {', '.join(self.values)}", value, f'must match "{"|".join(self.values)}"',
            also=dict(self.also).get(value, ()),
        )  # fmt: skip

    def core(self) -> CoreSchema:
        """One of the values."""
        return core_schema.literal_schema(list(self.values))


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
            told = f"is {kind(value)}, not a boolean"
            walk.fault(ident, path, told, value, "must be a boolean", also=beside(self.by, ident))

    def core(self) -> CoreSchema:
        """A boolean."""
        return core_schema.bool_schema(strict=True)


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


def has_quick_reading(law: Law) -> bool:
    """False, too, for a subclass with another full reading than the class that brought the quick one."""
    owner = next(cls for cls in type(law).__mro__ if "core" in vars(cls) or "check" in vars(cls))
    return owner is not Law and "core" in vars(owner)


def ids_of(laws: Iterable[Law]) -> tuple[str, ...]:
    """All requirements some markers decide."""
    return tuple(dict.fromkeys(i for law in laws for i in law.governs()))
