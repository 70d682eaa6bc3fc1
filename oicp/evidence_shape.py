"""Which members a line of a recording has, and of which type: told by name before anything is judged on a wrong one."""

from decimal import Decimal

from oicp.services import OPERATIONS
from oicp.wire_json import Json, shown

_WORDS: dict[tuple[type, ...], str] = {}


def _kind(word: str, *types: type) -> tuple[type, ...]:
    _WORDS[types] = word
    return types


_NONE = type(None)
TEXT, NUMBER = _kind("a text", str), _kind("a number", int, Decimal, float)
WHOLE, FLAG = _kind("a whole number", int), _kind("true or false", bool)
LIST, OBJECT = _kind("a list", list), _kind("an object", dict)
TEXT_OR_NULL, NUMBER_OR_NULL = (
    _kind("a text or null", str, _NONE),
    _kind("a number or null", int, Decimal, float, _NONE),
)
OBJECT_OR_NULL = _kind("an object or null", dict, _NONE)

NEEDED: dict[str, dict[str, tuple[type, ...]]] = {
    "run": {
        "source": TEXT, "started_at": TEXT, "operator_ids": LIST, "profiles": LIST, "hooks": LIST, "seed": WHOLE,
        "truth": FLAG,
    },
    "request": {
        "number": WHOLE, "direction": TEXT, "operation": TEXT_OR_NULL, "partner_id": TEXT_OR_NULL, "at": TEXT, "t": NUMBER,
        "method": TEXT, "target": TEXT, "headers": LIST,
    },
    "answer": {"number": WHOLE, "t": NUMBER_OR_NULL},
    "observation": {"number": WHOLE, "observed": TEXT, "at": TEXT, "t": NUMBER},
}  # fmt: skip
FURTHER: dict[str, tuple[type, ...]] = {
    "long": FLAG, "fleet": OBJECT_OR_NULL, "settings": OBJECT_OR_NULL, "tls": OBJECT_OR_NULL, "url": TEXT,
    "connection": TEXT_OR_NULL, "overlaps": LIST, "http_status": WHOLE, "error": TEXT_OR_NULL, "faults": LIST,
    "recorder": OBJECT_OR_NULL, "body": TEXT, "body_base64": TEXT, "evse_id": TEXT_OR_NULL,
    "charge_point": TEXT_OR_NULL, "data": OBJECT_OR_NULL,
}  # fmt: skip
_OF_TEXTS = ("operator_ids", "profiles", "hooks", "faults")


def check(row: dict[str, Json]) -> None:
    """Raises `ValueError` naming the member that is missing or of a wrong type."""
    kind = row["kind"]
    needed = NEEDED.get(kind) if isinstance(kind, str) else None
    if needed is None:
        raise ValueError(f"unknown kind {kind!r}")
    for name, types in needed.items():
        if not isinstance(row[name], types):
            raise ValueError(_told(name, row[name], types))
    for name, value in row.items():
        types = FURTHER.get(name, ())
        if types and not isinstance(value, types):
            raise ValueError(_told(name, value, types))
    for name in _OF_TEXTS:
        for value in row.get(name) or ():
            if not isinstance(value, str):
                raise ValueError(_told(f"{name}[..]", value, TEXT))
    if not all(
        isinstance(pair, list) and [type(text) for text in pair] == [str, str] for pair in row.get("headers", ())
    ):
        raise ValueError("`headers` is no list of pairs of name and value")
    expected = (row.get("settings") or {}).get("expected_violations")
    if not isinstance(expected, (list, _NONE)):
        raise ValueError(_told("settings.expected_violations", expected, LIST))
    _bodies(kind, row)
    if kind == "request" and row["operation"] is not None and row["operation"] not in OPERATIONS:
        raise ValueError(f"`operation` is {shown(row['operation'])}, which does not exist")


def _bodies(kind: str, row: dict[str, Json]) -> None:
    """A message without its text would be taken for an empty one."""
    carries = kind == "request" or "http_status" in row
    if carries and "body" not in row and "body_base64" not in row:
        raise ValueError("`body` is missing")


def _told(name: str, value: Json, types: tuple[type, ...]) -> str:
    return f"`{name}` is {shown(value)}, not {_WORDS[types]}"
