"""JSON as it really came over the wire: exact decimals, duplicate members noticed, never an exception."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

Json: TypeAlias = Any
"""dict, list, str, int, Decimal, bool or None. Decimals keep the digits that were sent."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Parsed:
    """One body read: the value, or the reason why there is none, and members that came twice."""

    value: Json = None
    error: str | None = None
    duplicates: tuple[str, ...] = ()

    @property
    def is_object(self) -> bool:
        """True if the body is a JSON object, as every OICP message is."""
        return isinstance(self.value, dict)


def parse(body: bytes) -> Parsed:
    """Read a body as UTF-8 JSON; a fault comes back as `error` (one line, names the position)."""
    if not body.strip():
        return Parsed(error="the body is empty")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        return Parsed(error=f"not UTF-8: byte 0x{body[fault.start]:02x} at offset {fault.start}")
    return parse_text(text.removeprefix("\ufeff"))


def object_in(body: bytes) -> dict[str, Json]:
    """The object a body holds, with its digits as they came; empty where it holds none."""
    value = parse(body).value
    return value if isinstance(value, dict) else {}


_LARGE = 100_000
_LARGE_ONES: WeakValueDictionary[bytes, Parsed] = WeakValueDictionary()


def parse_once(body: bytes) -> Parsed:
    """The same as `parse`, for readers that change nothing: a large body that comes again is read once while anybody holds it.

    What is read takes several times the room of its text, and a full load often comes unchanged.
    """
    if len(body) < _LARGE:
        return parse(body)
    known = _LARGE_ONES.get(body)
    if known is None:
        known = _LARGE_ONES[body] = parse(body)
    return known


def parse_text(text: str) -> Parsed:
    """Read JSON text; see `parse`."""
    try:
        return Parsed(_QUICK.decode(text))
    except _Twice:
        pass
    except RecursionError:
        return Parsed(error="nested too deeply")
    except (ValueError, ArithmeticError) as fault:  # ArithmeticError: an exponent beyond all decimals
        return Parsed(error=f"not JSON: {fault}")
    return _with_duplicates(text)


def _with_duplicates(text: str) -> Parsed:
    duplicates: list[str] = []

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for name, _ in pairs:
                if name in seen and name not in duplicates:
                    duplicates.append(name)
                seen.add(name)
        return found

    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=members)
    except RecursionError:
        return Parsed(error="nested too deeply")
    except (ValueError, ArithmeticError) as fault:
        return Parsed(error=f"not JSON: {fault}")
    return Parsed(value, None, tuple(duplicates))


class _Twice(Exception):
    """A member that came twice: worth a second reading."""


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Twice
    return found


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


_QUICK = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_once)


def dump(value: Json, *, indent: int | None = None) -> str:
    """Write JSON; decimals keep the digits they came with. Compact unless `indent` (blanks a level) is given."""
    if indent is None:
        try:
            return _COMPACT.encode(value)
        except TypeError:
            pass  # exact decimals are in it
    return _written(value, indent, 0)


_COMPACT = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"))


def _written(value: Json, indent: int | None, depth: int) -> str:
    if isinstance(value, Decimal):
        # a written-out 1E+999999999 would fill the memory
        return format(value, "f") if abs(value.adjusted()) <= 60 else str(value)
    if isinstance(value, dict) and value:
        colon = ":" if indent is None else ": "
        rows = [
            json.dumps(str(k), ensure_ascii=False) + colon + _written(v, indent, depth + 1) for k, v in value.items()
        ]
        return _bracketed("{", rows, "}", indent, depth)
    if isinstance(value, (list, tuple)) and value:
        return _bracketed("[", [_written(item, indent, depth + 1) for item in value], "]", indent, depth)
    return json.dumps(value, ensure_ascii=False)


def _bracketed(start: str, rows: list[str], end: str, indent: int | None, depth: int) -> str:
    if indent is None:
        return start + ",".join(rows) + end
    margin = "\n" + " " * indent * (depth + 1)
    return start + margin + ("," + margin).join(rows) + "\n" + " " * indent * depth + end


def pointer(*parts: str | int) -> str:
    """JSON pointer (RFC 6901) of a path: `pointer("Plugs", 0)` is `/Plugs/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def at(value: Json, *path: str | int) -> Json:
    """The member at a path, or None where anything on the way is missing or of another kind."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def shown(value: Json, limit: int = 120) -> str:
    """A value for a finding: JSON, shortened."""
    text = dump(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def in_words(fault: Exception) -> str:
    """What a reader stumbled over, for whoever wrote the file."""
    if isinstance(fault, KeyError):
        return f"`{fault.args[0]}` is missing"
    return f"{fault}; not of the shape it should have" if isinstance(fault, TypeError) else str(fault)
