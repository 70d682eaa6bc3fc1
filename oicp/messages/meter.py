"""Meter readings between start and end: an object with `meterValues`, or the plain list of the tables."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from oicp.messages.base import Message
from oicp.messages.faults import INFO, NULL, Path, Walk, kind
from oicp.messages.law import Law
from oicp.messages.numbers import Energy, number
from oicp.wire_json import Json

_LIST = "the tables call it a list of decimals, OpenAPI and all examples have the object"


class MeterValueInBetween(Message):
    """Readings in kWh, oldest first."""

    meter_values: list[Decimal] = Field(alias="meterValues")


@dataclass(frozen=True)
class InBetween(Law):
    """`shape` reports anything but the object (a plain list is contested), `digits` the decimals."""

    alone: ClassVar[bool] = True
    shape: str
    digits: str

    def governs(self) -> tuple[str, ...]:
        """Both ids and that of the type."""
        return (self.shape, self.digits, "HTTP-006")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Shape, then every reading."""
        if isinstance(value, list):
            walk.fault(
                self.shape, path, "is a plain list", value, "must be an object", contested=True, spec_defect=_LIST
            )
            self._readings(walk, value, path)
            return
        if not isinstance(value, dict):
            walk.fault(self.shape, path, f"is {kind(value)}, not an object", value, "must be an object")
            return
        for name in value:
            if name != "meterValues":
                self._stranger(walk, value, path, name)
        readings = value.get("meterValues")
        if isinstance(readings, list):
            self._readings(walk, readings, (path, "meterValues"))
        elif not any(name.lower() == "metervalues" and name != "meterValues" for name in value):
            observed = "is missing" if readings is None else f"is {kind(readings)}, not a list"
            walk.fault(self.shape, (path, "meterValues"), observed, readings, NULL)

    def core(self) -> CoreSchema:
        """The object with nothing but readings."""
        readings = core_schema.list_schema(Energy(self.digits).core(), strict=True, fail_fast=True)
        return core_schema.typed_dict_schema(
            {"meterValues": core_schema.typed_dict_field(readings)}, extra_behavior="forbid", strict=True
        )

    @staticmethod
    def _stranger(walk: Walk, value: dict[str, Json], path: Path, name: str) -> None:
        if name.lower() == "metervalues":
            walk.fault("HTTP-005", (path, name), f"member {name!r} is spelled 'meterValues'", value[name])
        else:
            walk.fault("HTTP-005", (path, name), f"unknown member {name!r}", value[name], grade=INFO)

    def _readings(self, walk: Walk, readings: list[Json], path: Path) -> None:
        digits = Energy(self.digits, shape=self.shape)
        for index, reading in enumerate(readings):
            if reading is None:
                walk.fault(self.shape, (path, index), "is null", None, NULL)
            else:
                digits.check(walk, reading, (path, index))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A model instance passes as it is."""
        return super().__get_pydantic_core_schema__(source, handler)

    def _built(self, value: Any) -> Any:
        return value if isinstance(value, MeterValueInBetween) else super()._built(value)


def in_between(shape: str, digits: str) -> InBetween:
    """The law of a `MeterValueInBetween` member."""
    return InBetween(shape, digits)


def readings_of(value: Json) -> list[Decimal] | None:
    """The readings in whichever shape; None where any is no number."""
    listed = value.get("meterValues") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        return None
    found = [number(item) for item in listed]
    numbers = [item for item in found if item is not None]
    return numbers if len(numbers) == len(found) else None
