"""The quick yes is never wrong: what it lets pass has no fault the full reading would find."""

import copy
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from oicp.messages import refusals, unrefused
from oicp.services import Direction
from oicp.wire_json import dump, parse
from tests.oicp.generators import KINDS, valid
from tests.oicp.shared import count

_REQUESTS = tuple(name for name, kind in KINDS.items() if not kind.answer)
_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 10**9, 10**80, 1.5, Decimal("1.2345"), Decimal("1E+70"), Decimal("-0.001"), Decimal("21.500"),
    "", " ", "x", "x" * 300, "DE*ABC*E1*1", "de*abc*e1", "XX*ABC*E1", "QQ*ABC", "+49*810*000*438", "ıT*ABC*E1", "\ud800",
    "2025-01-15T10:00:12Z", "2025-02-30T10:00:12+01:00", "2025-01-15T10:00:12+01:00", "2025-01-15 10:00:12+01:00",
    "2025-01-15T10:00:12+15:00", "2025-01-15T10:00:12.5+01:00", "EvseNotFound", "Available", "available", "AC 1", "custom",
    [], [None], [[]], {}, {"a": 1}, [{"a": 1}], {"meterValues": [1, None]}, {"meterValues": []},
)  # fmt: skip


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


def _spoilt(message: Any, rng: Random) -> Any:
    message = copy.deepcopy(message)
    for _ in range(rng.randint(0, 2)):
        inner, key = rng.choice(list(_places(message)))
        turn = rng.random()
        if turn < 0.2:
            del inner[key]
        elif turn < 0.3 and isinstance(inner, dict):
            inner[rng.choice((str(key).lower(), str(key) + "s", "Unheard", str(key)[:-1]))] = inner.pop(key)
        elif turn < 0.4 and isinstance(inner, list):
            inner.append(copy.deepcopy(inner[key]))
        else:
            inner[key] = copy.deepcopy(rng.choice(_ODD))
        if not list(_places(message)):
            break
    return message


@pytest.mark.parametrize("kind", _REQUESTS)
def test_quick_and_full_reading_agree(kind: str) -> None:
    """Spoilt or not: where the quick reading says yes, the full one finds nothing the hub refuses, and the same values."""
    operation, rng = KINDS[kind].operation, Random(11)
    for turn in range(count(600)):
        sound = valid(kind, rng)
        message = sound if turn % 10 == 0 else _spoilt(sound, rng)
        body = dump(message).encode("utf-8", "surrogatepass")
        for direction in Direction:
            found = unrefused(operation, body, direction=direction)
            if found is not None:
                assert refusals(operation, message, direction=direction) == [], message
                assert _rounded(found) == _rounded(message)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(value) if isinstance(value, (float, Decimal, int)) and not isinstance(value, bool) else value


@pytest.mark.parametrize("kind", [kind for kind in _REQUESTS if KINDS[kind].operation != "ChargingNotifications"])
def test_most_valid_messages_take_the_quick_way(kind: str) -> None:
    """The quick reading says yes to nearly all valid messages, else it would be of no use."""
    rng = Random(5)
    bodies = [dump(valid(kind, rng)).encode() for _ in range(100)]
    assert sum(unrefused(KINDS[kind].operation, body) is not None for body in bodies) >= 80


@pytest.mark.parametrize(
    "body",
    [
        b"null", b"1", b'"x"', b"[]", b"[{}]", b"", b"{", b"{}", b'\xef\xbb\xbf{"ActionType": "insert"}', b"\xff",
        b'{"ActionType": NaN}', b'{"ActionType": "insert", "ActionType": 1}', b'{"ActionType": "\\ud800"}',
        b"[" * 5000, b'{"a":' * 5000,
    ],
)  # fmt: skip
def test_what_is_no_message_is_read_in_full(body: bytes) -> None:
    """Whatever is no object, no JSON or no message at all never gets the quick yes."""
    assert unrefused("PushEvseStatus", body) is None


def test_of_members_that_come_twice_the_last_counts() -> None:
    """Both readings take the last of two members."""
    text = '{"ActionType":"upsert","ActionType":"update","OperatorEvseStatus":{"OperatorID":"DE*ABC","EvseStatusRecord":[]}}'
    found = unrefused("PushEvseStatus", text.encode())
    assert found is not None
    assert found == parse(text.encode()).value
