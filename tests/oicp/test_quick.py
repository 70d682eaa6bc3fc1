"""The quick yes is never wrong: what it lets pass has no fault the full reading would find."""

import copy
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from oicp.messages import model_of, refusals, validate
from oicp.messages.faults import Walk
from oicp.messages.quick import quick
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
    """Spoilt or not, a message is refused for the same faults whichever way it is read; valid ones get the quick yes."""
    operation, rng = KINDS[kind].operation, Random(11)
    model = model_of(operation, valid(kind, rng))
    assert model is not None
    for turn in range(count(300)):
        sound = valid(kind, rng)
        if turn % 10 == 0:
            assert refusals(operation, sound, strict=True) == []
        message = _spoilt(sound, rng)
        full = validate(operation, message)
        assert refusals(operation, message, strict=True) == full, message
        assert refusals(operation, message) == [f for f in full if f.refused], message


@pytest.mark.parametrize("kind", _REQUESTS)
def test_most_valid_messages_take_the_quick_way(kind: str) -> None:
    """The quick reading says yes to nearly all valid messages, else it would be of no use."""
    operation, rng = KINDS[kind].operation, Random(5)
    said_yes = 0
    for _ in range(100):
        message = valid(kind, rng)
        model = model_of(operation, message)
        assert model is not None
        walk = Walk(operation)
        said_yes += quick(model)(walk, message) and not walk.faults
    assert said_yes >= 80, said_yes


@pytest.mark.parametrize("value", [None, 1, "x", [], [{}], True])
def test_what_is_no_object_is_read_in_full(value: Any) -> None:
    """A message that is no object gets its fault."""
    assert refusals("PushEvseStatus", value)
