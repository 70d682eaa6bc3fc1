"""Small changes of messages by JSON pointer; `*` in a pointer stands for every element of a list."""

from collections.abc import Callable, Iterator
from typing import Any

from oicp.wire_json import Json
from tests.broken_cpos.variant import AnswerChange, Change

MARKED = "1001*1"
"""The EvseID of the record that is wrong, where a single one is, contains this."""


def put(pointer: str, value: Any) -> Change:
    """Set a member, whether it was there or not."""

    def change(message: dict[str, Json]) -> None:
        for place, key in _places(message, pointer):
            place[key] = value

    return change


def drop(pointer: str) -> Change:
    """Leave a member out."""

    def change(message: dict[str, Json]) -> None:
        for place, key in _places(message, pointer):
            if isinstance(place, dict):
                place.pop(key, None)

    return change


def turn(pointer: str, into: Callable[[Any], Any]) -> Change:
    """Make something else of a member that is there."""

    def change(message: dict[str, Json]) -> None:
        for place, key in _places(message, pointer):
            if not isinstance(place, dict) or key in place:
                place[key] = into(place[key])

    return change


def rename(pointer: str, name: str) -> Change:
    """Call a member otherwise."""

    def change(message: dict[str, Json]) -> None:
        for place, key in _places(message, pointer):
            if isinstance(place, dict) and key in place:
                place[name] = place.pop(key)

    return change


def both(*changes: Change) -> Change:
    """One change after the other."""

    def change(message: dict[str, Json]) -> None:
        for each in changes:
            each(message)

    return change


def in_record(*changes: Change) -> Change:
    """Change the data record of one EVSE; the others stay right."""

    def change(message: dict[str, Json]) -> None:
        for record in (message.get("OperatorEvseData") or {}).get("EvseDataRecord") or []:
            if MARKED in str(record.get("EvseID")):
                for each in changes:
                    each(record)

    return change


def answer(*changes: Change) -> AnswerChange:
    """Change an answer whatever the request was."""

    def change(_: dict[str, Json], message: dict[str, Json]) -> None:
        for each in changes:
            each(message)

    return change


def refusal(*changes: Change) -> AnswerChange:
    """Change negative answers only."""

    def change(_: dict[str, Json], message: dict[str, Json]) -> None:
        if message.get("Result") is False:
            for each in changes:
                each(message)

    return change


def _places(message: Json, pointer: str) -> Iterator[tuple[Any, Any]]:
    """The containers and keys a pointer leads to; nothing where the way does not exist."""
    *way, last = pointer.strip("/").split("/")
    places = [message]
    for part in way:
        places = [inner for place in places for inner in _inner(place, part)]
    for place in places:
        if isinstance(place, dict):
            yield place, last
        elif isinstance(place, list):
            yield from ((place, i) for i in range(len(place)) if last in ("*", str(i)))


def _inner(place: Json, part: str) -> Iterator[Json]:
    if isinstance(place, dict) and part in place:
        yield place[part]
    elif isinstance(place, list):
        yield from (item for i, item in enumerate(place) if part in ("*", str(i)))
