"""A quick yes for messages in which the hub has nothing to refuse, as nearly all are.

The markers that `shapes` reads in full become one schema of pydantic's core, which reads and checks the bytes in one go. No
place is tracked and nothing is collected; a no only means: read it in full. So a quick yes must never be given where the
full reading would find a fault that the hub refuses.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias, get_args, get_origin, get_type_hints

from pydantic_core import CoreSchema, SchemaValidator, ValidationError
from pydantic_core import core_schema as core

from oicp.catalogue import catalogue
from oicp.messages.base import Message
from oicp.messages.faults import Walk
from oicp.messages.law import Law, Many, Needs, Relabelled, has_quick_reading
from oicp.messages.shapes import unwrapped
from oicp.wire_json import Json

Quick: TypeAlias = Callable[[Walk, bytes], dict[str, Json] | None]
"""The object a body holds if nothing in it is refused, else None. Numbers with decimals are `float`."""

Visit: TypeAlias = Callable[[Walk, Json], None]
"""Runs the laws over several members of an object and of those inside it."""


@cache
def quick(model: type[Message]) -> Quick:
    """The quick reader of a model. What its laws over several members find stays in the walk."""
    read, visit = SchemaValidator(_object(model)).validate_json, _visit(model)

    def found(walk: Walk, body: bytes) -> dict[str, Json] | None:
        try:
            value: dict[str, Json] = read(body)
        except ValidationError:
            return None
        if visit is not None:
            visit(walk, value)
            if any(fault.refused for fault in walk.faults):
                return None
        return value

    return found


# --- what the core can decide ------------------------------------------------------------------------------------------


def _object(model: type[Message]) -> CoreSchema:
    hints = get_type_hints(model, include_extras=True)
    members: dict[str, core.TypedDictField] = {}
    for name, info in model.model_fields.items():
        hint, laws = unwrapped(hints[name])
        needed = any(isinstance(law, Needs) for law in laws)
        schema = _member(hint, [law for law in laws if not isinstance(law, (Needs, Relabelled))])
        members[info.alias or name] = core.typed_dict_field(
            schema if needed else core.nullable_schema(schema), required=needed
        )
    return core.typed_dict_schema(members, extra_behavior="forbid", strict=True)


def _member(hint: Any, laws: Sequence[Law]) -> CoreSchema:
    if get_origin(hint) is list:
        many = next((law for law in laws if isinstance(law, Many)), Many("HTTP-006"))
        element = _member(*unwrapped(get_args(hint)[0]))
        inner: CoreSchema = core.list_schema(
            element, min_length=many.least, max_length=many.most, strict=True, fail_fast=True
        )
        return _guarded(inner, [law for law in laws if not isinstance(law, Many)])
    if isinstance(hint, type) and issubclass(hint, Message) and not any(law.alone for law in laws):
        return _guarded(_object(hint), laws)
    return _guarded(None, laws)


def _guarded(schema: CoreSchema | None, laws: Sequence[Law]) -> CoreSchema:
    """A schema with the laws beside it; those the hub refuses nothing for are left out."""
    steps = [] if schema is None else [schema]
    for law in laws:
        if has_quick_reading(law):
            steps.append(law.core())
        elif any(map(may_be_refused, law.governs())):
            steps.append(core.no_info_plain_validator_function(_in_full(law)))
    if not steps:
        return core.any_schema()
    return steps[0] if len(steps) == 1 else core.chain_schema(steps)


def _in_full(law: Law) -> Callable[[Json], Json]:
    def look(value: Json) -> Json:
        walk = Walk()
        law.check(walk, value, None)
        if walk.faults:
            raise ValueError
        return value

    return look


@cache
def may_be_refused(requirement: str) -> bool:
    """True if the hub, or the hub towards an EMP, refuses what breaks a requirement."""
    entry = catalogue()[requirement]
    return entry.level == "MUST" and (entry.subject == "hub" or entry.code.startswith("HTTP 400"))


# --- laws over several members -----------------------------------------------------------------------------------------


@cache
def _visit(model: type[Message]) -> Visit | None:
    """What runs those laws of a model, and of all inside it, that something may be refused for."""
    across = model.across if model.refusing is None else model.refusing
    across = across if any(map(may_be_refused, model.across_ids)) else ()
    hints = get_type_hints(model, include_extras=True)
    inside: list[tuple[str, Visit, bool]] = []
    for name, info in model.model_fields.items():
        hint, laws = unwrapped(hints[name])
        many = get_origin(hint) is list
        if many:
            hint, laws = unwrapped(get_args(hint)[0])
        if isinstance(hint, type) and issubclass(hint, Message) and not any(law.alone for law in laws):
            visit = _visit(hint)
            if visit is not None:
                inside.append((info.alias or name, visit, many))
    if not across and not inside:
        return None

    def run(walk: Walk, value: Json) -> None:
        for name, visit, many in inside:
            item = value.get(name)
            if item is not None:
                for one in item if many else (item,):
                    visit(walk, one)
        for law in across:
            law(walk, value, None)

    return run
