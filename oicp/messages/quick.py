"""A quick yes for messages in which nothing is wrong, as nearly all are.

The same markers and laws decide as in `shapes`, but no place is tracked and nothing is collected. A no only means: read it
in full. So a quick yes must never be given where the full reading would find a fault of a member.
"""

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from oicp.messages.base import Message
from oicp.messages.faults import Walk
from oicp.messages.law import Law, Many, Matches, Needs, OneOf, Relabelled
from oicp.messages.shapes import unwrapped
from oicp.wire_json import Json

Fits: TypeAlias = Callable[[Walk, Json], bool]
"""True for a value that is not null and in which the full reading would find nothing."""


_REMEMBERED, _LONGEST = 50_000, 100


@cache
def quick(model: type[Message]) -> Fits:
    """The quick reader of a model. Laws over several members are run; what they find stays in the walk."""
    hints = get_type_hints(model, include_extras=True)
    members: dict[str, Fits] = {}
    needed: list[str] = []
    for name, info in model.model_fields.items():
        wire = info.alias or name
        hint, laws = unwrapped(hints[name])
        if any(isinstance(law, Needs) for law in laws):
            needed.append(wire)
        members[wire] = _member(hint, [law for law in laws if not isinstance(law, (Needs, Relabelled))])
    return _object(members, tuple(needed), model)


def _object(members: dict[str, Fits], needed: tuple[str, ...], model: type[Message]) -> Fits:
    across, known = model.across, members.get
    if len(needed) == len(members) == 2 and not across:
        pair = _pair(needed, members)
        if pair is not None:
            return pair

    def fits(walk: Walk, value: Json) -> bool:
        if type(value) is not dict:
            return False
        for name, item in value.items():
            check = known(name)
            if check is None or (item is not None and not check(walk, item)):
                return False
        for name in needed:
            if value.get(name) is None:
                return False
        for law in across:
            law(walk, value, None)
        return True

    return fits


class _Texts:
    """Looks at texts alone; `known` remembers."""

    def __init__(self, looks: Sequence[Callable[[Json], bool]]) -> None:
        self.known = lru_cache(_REMEMBERED)(lambda text: all(look(text) for look in looks))

    def __call__(self, _walk: Walk, value: Json) -> bool:
        """The same ids come again and again."""
        return type(value) is str and len(value) <= _LONGEST and self.known(value)


def _pair(names: tuple[str, ...], members: dict[str, Fits]) -> Fits | None:
    """An object of two texts, as status records are: the same few pairs come again and again."""
    one_name, other_name = names
    one, other = members[one_name], members[other_name]
    if not isinstance(one, _Texts) or not isinstance(other, _Texts):
        return None

    @lru_cache(_REMEMBERED)
    def known(first: str, second: str) -> bool:
        return one.known(first) and other.known(second)

    def fits(_walk: Walk, value: Json) -> bool:
        if type(value) is not dict or len(value) != 2:
            return False
        first, second = value.get(one_name), value.get(other_name)
        return type(first) is str is type(second) and len(first) + len(second) <= _LONGEST and known(first, second)

    return fits


def _member(hint: Any, laws: list[Law]) -> Fits:
    if get_origin(hint) is list:
        return _list(hint, laws)
    check = _markers(laws)
    if not (isinstance(hint, type) and issubclass(hint, Message)) or any(law.alone for law in laws):
        return check
    inner = quick(hint)
    return (lambda walk, value: check(walk, value) and inner(walk, value)) if laws else inner


def _list(hint: Any, laws: list[Law]) -> Fits:
    many = next((law for law in laws if isinstance(law, Many)), Many("HTTP-006"))
    element = _member(*unwrapped(get_args(hint)[0]))
    rest = [law for law in laws if not isinstance(law, Many)]
    check, least, most = _markers(rest) if rest else None, many.least, many.most

    def fits(walk: Walk, value: Json) -> bool:
        if type(value) is not list or len(value) < least or (most is not None and len(value) > most):
            return False
        for item in value:
            if item is None or not element(walk, item):
                return False
        return check is None or check(walk, value)

    return fits


def _markers(laws: list[Law]) -> Fits:
    quickly = [law.fits for law in laws if _has_quick_reading(law)]
    in_full = [law.check for law in laws if not _has_quick_reading(law)]
    if any(isinstance(law, (Matches, OneOf)) for law in laws) and not in_full:
        return _Texts(quickly)
    if len(quickly) == 1 and not in_full:
        only = quickly[0]
        return lambda _walk, value: only(value)

    def fits(walk: Walk, value: Json) -> bool:
        for quick_look in quickly:
            if not quick_look(value):
                return False
        before = len(walk.faults)
        for check in in_full:
            check(walk, value, None)
        return len(walk.faults) == before

    return fits


def _has_quick_reading(law: Law) -> bool:
    """False, too, for a subclass with another full reading than the class that brought the quick one."""
    owner = next(cls for cls in type(law).__mro__ if "fits" in vars(cls) or "check" in vars(cls))
    return owner is not Law and "fits" in vars(owner)
