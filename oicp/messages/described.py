"""Messages as JSON Schema, made from the models: what an OpenAPI description says of them.

A schema says what conforms. What only warns (another letter case, a blank too many) is not in it, and laws over several
members cannot be. Members nobody knows are allowed, as they are on the wire.
"""

import types
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

from oicp.iso import ALPHA_3_CODES, CURRENCIES
from oicp.messages.base import Message
from oicp.messages.dynamic_pricing import CurrencyCode, OfferedProduct
from oicp.messages.evse_data import Country
from oicp.messages.identification import OneKind
from oicp.messages.law import Law, Many, Matches, Needs, OneOf, Text
from oicp.messages.numbers import Number, Whole
from oicp.messages.shapes import unwrapped
from oicp.messages.times import Moment
from oicp.wire_json import Json

Schema = dict[str, Json]

_TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}"
    r"(\.[0-9]{1,6})?[+-](0[0-9]|1[0-4]):[0-5][0-9]$"
)
_TYPES: dict[Any, Schema] = {
    str: {"type": "string"}, bool: {"type": "boolean"}, int: {"type": "integer"}, Decimal: {"type": "number"},
}  # fmt: skip


class Described:
    """Schemas of messages and of all objects in them, by name; `at` is where they stand in the document."""

    def __init__(self, at: str = "#/components/schemas/") -> None:
        self.schemas: dict[str, Schema] = {}
        self._at = at

    def of(self, model: type[Message]) -> Schema:
        """A reference to the schema of a message, described if it was not yet."""
        name = model.__name__.lstrip("_")
        if name not in self.schemas:
            self.schemas[name] = {}
            self.schemas[name] = self._object(model)
        return {"$ref": self._at + name}

    def _object(self, model: type[Message]) -> Schema:
        hints = get_type_hints(model, include_extras=True)
        found: Schema = {"type": "object", "description": " ".join((model.__doc__ or "").split())}
        members, needed = {}, []
        for name, info in model.model_fields.items():
            wire = info.alias or name
            _, laws = unwrapped(hints[name])
            members[wire] = self._member(hints[name])
            if any(isinstance(law, Needs) and not law.contested for law in laws):
                needed.append(wire)
            else:
                members[wire] = {"anyOf": [members[wire], {"type": "null"}]}
        return found | {"properties": members} | ({"required": needed} if needed else {})

    def _member(self, hint: Any) -> Schema:
        bare, laws = unwrapped(hint)
        if get_origin(bare) is list:
            found: Schema = {"type": "array", "items": self._member(get_args(bare)[0])}
        elif get_origin(bare) in (Union, types.UnionType):
            found = {"anyOf": [self._member(kind) for kind in get_args(bare) if kind is not type(None)]}
        elif isinstance(bare, type) and issubclass(bare, Message):
            found = self.of(bare)
        else:
            found = dict(_TYPES.get(bare, {}))
        return _with(found, laws)


def _with(found: Schema, laws: list[Law]) -> Schema:
    said = [words for law in laws if (words := described(law))]
    if len(said) > 1 or (said and "$ref" in found):
        return {"allOf": [found, *said]}
    return found | said[0] if said else found


def described(law: Law) -> Schema:
    """What a single law says in JSON Schema; empty where JSON Schema has no words for it."""
    for kind, words in _WORDS:
        if isinstance(law, kind):
            return words(law)
    return {}


def _sizes(least: int | None, most: int | None, of: str) -> Schema:
    return ({f"min{of}": least} if least else {}) | ({f"max{of}": most} if most is not None else {})


def _range(low: int | None, high: int | None) -> Schema:
    return ({"minimum": low} if low is not None else {}) | ({"maximum": high} if high is not None else {})


_WORDS: tuple[tuple[type[Law], Callable[[Any], Schema]], ...] = (
    (Text, lambda law: _sizes(law.least or int(law.not_empty), law.most, "Length")),
    (Matches, lambda law: {"pattern": f"^(?:{law.pattern.pattern})$"}),
    (OneOf, lambda law: {"enum": list(law.values)}),
    (Many, lambda law: _sizes(law.least, law.most, "Items")),
    (Number, lambda law: _range(law.low, law.high)),
    (Whole, lambda law: {"type": "integer"} | _range(law.low, law.high)),
    (Moment, lambda _law: {"pattern": _TIME}),
    (CurrencyCode, lambda _law: {"enum": sorted(CURRENCIES)}),
    (Country, lambda _law: {"enum": sorted(ALPHA_3_CODES)}),
    (OfferedProduct, lambda _law: {"maxLength": 50}),
    (OneKind, lambda _law: {"minProperties": 1}),
)

__all__ = ["Described", "Schema", "described"]
