"""Message models turned into readers of raw JSON: every fault is found with its place, nothing is lost or coerced."""

import re
import types
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Annotated, Any, Protocol, Union, get_args, get_origin, get_type_hints

from oicp.catalogue import catalogue
from oicp.messages.base import Message
from oicp.messages.faults import INFO, NULL, Path, Walk, kind
from oicp.messages.law import Law, Many, Needs, Relabelled, ids_of
from oicp.wire_json import Json


class Checker(Protocol):
    """Reads one value that is not null."""

    def __call__(self, walk: Walk, value: Json, path: Path) -> None:
        """Note the faults."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object. `needs`: who reports its absence. `ids`: what its presence exercises."""

    name: str
    check: Checker
    needs: Needs | None
    ids: frozenset[str]
    inner: "Shape | None"


@dataclass(slots=True)
class Shape:
    """An object: its members by wire name. `always`: MUST requirements decided wherever such an object is seen."""

    model: type[Message]
    members: dict[str, Member] = field(default_factory=dict)
    needed: tuple[Member, ...] = ()
    always: frozenset[str] = frozenset()
    every: frozenset[str] = frozenset()

    def decides(self) -> frozenset[str]:
        """All requirements that reading such an object may decide."""
        return self.every

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Every member, then what is missing, then what is strange, then the laws over several members."""
        model = self.model
        if type(value) is not dict:
            walk.fault(model.named_by, path, f"is {kind(value)}, not an object", value, "must be an object")
            return
        marks = walk.checked
        if id(self) not in walk.visited:
            walk.visited.add(id(self))
            marks |= self.always
        members = self.members
        strange: list[str] = []
        for name, item in value.items():
            member = members.get(name)
            if member is None:
                strange.append(name)
            elif item is not None:
                marks |= member.ids
                member.check(walk, item, (path, name))
        present = self._strange(walk, value, path, strange) if strange else ()
        for member in self.needed:
            if value.get(member.name) is None and member.name not in present:
                self._missing(walk, value, path, member)
        for law in model.across:
            law(walk, value, path)

    @staticmethod
    def _missing(walk: Walk, value: dict[str, Json], path: Path, member: Member) -> None:
        needs = member.needs
        assert needs is not None
        null = member.name in value
        walk.fault(
            needs.by, (path, member.name), "is null" if null else "is missing", None, NULL, contested=needs.contested,
            also=("HTTP-007",) if needs.by != "HTTP-007" and null else (),
        )  # fmt: skip

    def _strange(self, walk: Walk, value: dict[str, Json], path: Path, names: list[str]) -> set[str]:
        """Note unknown members; returns the true names of those that are there under another spelling."""
        present: set[str] = set()
        for name in names:
            true_name = self._stranger(walk, value, (path, name), name, value[name])
            if true_name is not None:
                present.add(true_name)
        return present

    def _stranger(self, walk: Walk, whole: dict[str, Json], path: Path, name: str, item: Json) -> str | None:
        model = self.model
        if name in model.spellings:
            true_name, by, grade, why = model.spellings[name]
            walk.fault(by, path, why, item, grade=grade, refused=self.members[true_name].needs is not None)
            if item is not None and whole.get(true_name) is None:
                self.members[true_name].check(walk, item, path)
                return true_name
            return None
        if name in model.strangers:
            by, grade, why = model.strangers[name]
            if item is not None:  # null says nothing: mappers write it for every member of a class
                walk.fault(by, path, why, item, grade=grade, refused=False)
            return None
        meant = self._meant(name) if item is not None else None
        if meant is None or whole.get(meant) is not None:
            walk.fault("HTTP-005", path, f"unknown member {name!r}", item, grade=INFO)
            return None
        member = self.members[meant]
        needed = member.needs is not None
        sentence = f"member {name!r} is spelled {meant!r}" + ("" if needed else ", so the value is lost")
        walk.fault(model.misspelt, path, sentence, item, NULL, refused=needed)
        if needed:
            walk.checked |= member.ids
            member.check(walk, item, path)
        return meant

    def _meant(self, name: str) -> str | None:
        return _closest(name, tuple(self.members))


@lru_cache(maxsize=4096)
def _closest(name: str, names: tuple[str, ...]) -> str | None:
    """The known name that is meant: equal but for case and signs, or but for one letter."""
    spelled = _plain(name)
    if not spelled:
        return None
    return next((known for known in names if _plain(known) == spelled), None) or next(
        (known for known in names if _one_slip(spelled, _plain(known))), None
    )


_LONG_ENOUGH = 6


def _one_slip(one: str, other: str) -> bool:
    """One letter more, less, other or exchanged with its neighbour; in short names only a plural that is missing."""
    if one in (other + "s", other.removesuffix("s")) and len(one) >= 4:
        return True
    if min(len(one), len(other)) < _LONG_ENOUGH or abs(len(one) - len(other)) > 1 or _digits(one) != _digits(other):
        return False
    head = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[head:], other[head:]
    exchanged = a[:2] == b[:2][::-1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or exchanged


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _digits(name: str) -> str:
    return re.sub(r"[^0-9]", "", name)


@cache
def shape(model: type[Message]) -> Shape:
    """The reader of a model."""
    found = Shape(model)
    hints = get_type_hints(model, include_extras=True)
    ids: set[str] = {"HTTP-005", "HTTP-006", *model.across_ids}
    for name, info in model.model_fields.items():
        member = _member(info.alias or name, hints[name])
        found.members[member.name] = member
        ids |= member.ids
        if member.inner is not None:
            ids |= member.inner.every
    found.every = frozenset(ids)
    found.needed = tuple(m for m in found.members.values() if m.needs is not None)
    found.always = frozenset(i for i in ids if _vacuous(i))
    return found


def _vacuous(ident: str) -> bool:
    """A MUST about an optional member holds for an object without it; the signed data of Eichrecht have to be seen."""
    entry = catalogue()[ident]
    return entry.level == "MUST" and entry.profile != "eichrecht"


def _member(name: str, hint: Any) -> Member:
    hint, laws = unwrapped(hint)
    needs = next((law for law in laws if isinstance(law, Needs)), None)
    relabel = next((law for law in laws if isinstance(law, Relabelled)), None)
    own = [law for law in laws if not isinstance(law, (Needs, Relabelled))]
    check, inner, inner_ids = _checker(hint, own)
    if relabel is not None:
        check = _relabelling(check, relabel)
    return Member(name, check, needs, frozenset((*ids_of(laws), *inner_ids)), inner)


def unwrapped(hint: Any) -> tuple[Any, list[Law]]:
    """The bare type of a hint and its markers; `None` alternatives are dropped."""
    laws: list[Law] = []
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            laws += [law for law in hint.__metadata__ if isinstance(law, Law)]
            hint = get_args(hint)[0]
        elif origin in (Union, types.UnionType):
            chosen = [a for a in get_args(hint) if a is not type(None)]
            if len(chosen) != 1:
                return hint, laws
            hint = chosen[0]
        else:
            return hint, laws


def _checker(hint: Any, laws: list[Law]) -> tuple[Checker, Shape | None, tuple[str, ...]]:
    if get_origin(hint) is list:
        many = next((law for law in laws if isinstance(law, Many)), Many("HTTP-006"))
        element, element_laws = unwrapped(get_args(hint)[0])
        check, inner, ids = _checker(element, element_laws)
        rest = [law for law in laws if not isinstance(law, Many)]
        return _listed(many, check, rest), inner, (*ids, *ids_of(element_laws))
    if any(law.alone for law in laws):
        return _all([law.check for law in laws]), None, ()
    if isinstance(hint, type) and issubclass(hint, Message):
        inner = shape(hint)
        return (_guarded(laws, inner) if laws else inner.check), inner, ()
    return _all([law.check for law in laws]), None, ()


def _all(checks: list[Checker]) -> Checker:
    if len(checks) == 1:
        return checks[0]

    def check(walk: Walk, value: Json, path: Path) -> None:
        for one in checks:
            one(walk, value, path)

    return check


def _guarded(laws: list[Law], inner: Shape) -> Checker:
    """The markers of an object member say what is no object; the object is read only if it is one."""

    def check(walk: Walk, value: Json, path: Path) -> None:
        for law in laws:
            law.check(walk, value, path)
        if type(value) is dict:
            inner.check(walk, value, path)

    return check


def _listed(many: Many, element: Checker, laws: list[Law]) -> Checker:
    least, most = many.least, many.most

    def check(walk: Walk, value: Json, path: Path) -> None:
        if type(value) is list:
            if len(value) < least or (most is not None and len(value) > most):
                many.check(walk, value, path)
            for index, item in enumerate(value):
                if item is None:
                    walk.fault(many.by, (path, index), "is null", None, NULL)
                else:
                    element(walk, item, (path, index))
        else:
            many.check(walk, value, path)
            if many.single is not None and type(value) is dict:
                element(walk, value, path)
        for law in laws:
            law.check(walk, value, path)

    return check


def _relabelling(inner: Checker, law: Relabelled) -> Checker:
    def check(walk: Walk, value: Json, path: Path) -> None:
        before = len(walk.faults)
        inner(walk, value, path)
        for index in range(before, len(walk.faults)):
            fault = walk.faults[index]
            if fault.requirement in law.of:
                walk.faults[index] = replace(fault, requirement=law.to)

    return check
