"""What a message breaks, where, and the walk that collects it."""

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from oicp.catalogue import catalogue
from oicp.rulebook import Grade
from oicp.wire_json import Json, pointer, shown

Path: TypeAlias = tuple[Any, str | int] | None
"""Place in a message as a linked list, so that a place costs nothing until a fault is found there."""

ERROR, WARNING, INFO = Grade.ERROR, Grade.WARNING, Grade.INFO
NULL, EMPTY = "may not be null", "may not be empty"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field that breaks the law. `pointer`: JSON pointer into what was sent; `value`: as JSON, shortened.

    `grade` None: by the level of the requirement. `contested`: the variant the catalogue only warns of. `refused`: the
    hub answers HTTP 400 by default, with `error_message`. `spec_defect`: what is wrong with the published limit itself.
    `also`: requirements the same act breaks, reported under this one.
    """

    requirement: str
    pointer: str
    observed: str
    value: str
    contested: bool = False
    grade: Grade | None = None
    refused: bool = False
    error_message: str = ""
    spec_defect: str | None = None
    also: tuple[str, ...] = ()

    @property
    def effective_grade(self) -> Grade:
        """The grade in default mode."""
        if self.grade is not None:
            return self.grade
        if self.contested:
            return WARNING
        return {"MUST": ERROR, "SHOULD": WARNING}.get(catalogue()[self.requirement].level, INFO)

    @property
    def field_reference(self) -> str:
        """The pointer as the hub writes it: `operatorEvseData.evseDataRecord[0].hotlinePhoneNumber`."""
        text = ""
        for part in self.pointer.split("/")[1:]:
            if part.isdecimal():
                text += f"[{part}]"
            else:
                text += ("." if text else "") + _camel(part.replace("~1", "/").replace("~0", "~"))
        return text


def _camel(name: str) -> str:
    head = re.match(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+\Z|[A-Z]?", name)
    end = head.end() if head else 0
    return name[:end].lower() + name[end:]


def place(path: Path) -> str:
    """The JSON pointer of a path."""
    parts: list[str | int] = []
    while path is not None:
        path, part = path
        parts.append(part)
    return pointer(*reversed(parts))


class Walk:
    """One message being read: the faults and exercised requirements so far, and what is known about its sender.

    `operators`: keys of the partner and its sub-operators, None where unknown. `path_id`: partner id in the URL path.
    """

    __slots__ = ("answer", "by_cpo", "checked", "faults", "operation", "operators", "path_id", "visited")

    def __init__(
        self, operation: str = "", answer: bool = False, by_cpo: bool = True,
        operators: frozenset[str] | None = None, path_id: str | None = None,
    ) -> None:  # fmt: skip
        self.operation, self.answer, self.by_cpo = operation, answer, by_cpo
        self.operators, self.path_id = operators, path_id
        self.faults: list[FieldFault] = []
        self.checked: set[str] = set()
        self.visited: set[int] = set()

    def fault(
        self, requirement: str, path: Path, observed: str, value: Json, message: str = "", *,
        contested: bool = False, grade: Grade | None = None, spec_defect: str | None = None, also: tuple[str, ...] = (),
        refused: bool | None = None,
    ) -> None:  # fmt: skip
        """Note a fault. Refused by the hub where it is an error and the catalogue says HTTP 400, or where an EMP asks in no
        form the hub knows (a requirement of the hub's own).
        """
        if refused is None:
            entry = catalogue()[requirement]
            unknown_form = entry.subject == "hub" and not self.answer and not self.by_cpo
            refused = entry.level == "MUST" and (unknown_form or entry.code.startswith("HTTP 400"))
        refused = refused and not contested and grade in (None, ERROR)
        self.faults.append(
            FieldFault(
                requirement, place(path), observed, _short(value), contested, grade, refused,
                (message or "is not valid") if refused else message, spec_defect, also,
            )
        )  # fmt: skip


def _short(value: Json) -> str:
    try:
        return shown(value)
    except RecursionError:
        return "(nested too deeply to be shown)"


def kind(value: Json) -> str:
    """What a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else "a number"
