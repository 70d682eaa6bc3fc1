"""The law: every requirement with level, source, the hub's answer and the fix, read from `requirements.yaml`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_ID = r"\b[A-Z]+-[0-9]{3}\b"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One entry of the catalogue. `code`: what the hub answers to a violation, empty where nobody knows."""

    id: str
    title: str
    statement: str
    level: str
    basis: str
    subject: str
    operation: str
    profile: str
    check: str
    source: tuple[str, ...]
    example_violation: str
    code: str = ""
    note: str = ""
    fix: str = ""

    @property
    def unobservable(self) -> bool:
        """Cannot be decided (fully) by hub and charge points; its absence never makes a run incomplete."""
        return self.note.startswith("UNOBSERVABLE")

    @property
    def contested(self) -> bool:
        """Sources disagree; the variant named in the note only warns."""
        return bool(re.search(r"\bCONTESTED\b", self.note))

    @property
    def derived(self) -> bool:
        """Not a sentence of the source but follows from it."""
        return bool(re.search(r"\bDERIVED\b", self.note))

    @property
    def primary(self) -> tuple[str, ...]:
        """Ids reported instead of this one when one act breaks both."""
        return tuple(i for part in re.findall(r"PRIMARY is ([^.;]*)", self.note) for i in re.findall(_ID, part))

    @property
    def hook(self) -> str | None:
        """Hook without which the requirement cannot be exercised."""
        match = re.search(r"Needs the (\S+) hook", self.note)
        return match.group(1) if match else None


@cache
def catalogue() -> dict[str, Requirement]:
    """All requirements by id, in the order of the file."""
    text = (Path(__file__).parent / "requirements.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries = yaml.load(text, Loader=loader)  # noqa: S506  CSafeLoader is a safe loader
    return {
        e["id"]: Requirement(**{**e, "source": tuple(e["source"]), "code": str(e.get("code", ""))}) for e in entries
    }


PROFILES = ("remote-only", "full", "reservation", "pricing", "notifications", "eichrecht")


def profiles_in(chosen: tuple[str, ...]) -> frozenset[str]:
    """Profiles add up: remote-only is part of every other one."""
    return frozenset(("remote-only", *chosen))
