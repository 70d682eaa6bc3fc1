"""A table of little stories: what happened, and what becomes of a requirement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from oicp.evidence import Evidence
from tests.rules.build import Build, outcome

CONFORMS, WARNED, VIOLATED, SILENT = "conforms", "warned", "violated", "not-exercised"


@dataclass(frozen=True)
class Case:
    """`story` fills a `Build`; the recording goes on silently to `until` seconds; `run`: keywords of the run."""

    requirement: str
    expected: str
    what: str
    story: Callable[[Build], object]
    until: float = 200.0
    run: dict[str, Any] | None = None

    def evidence(self) -> Evidence:
        build = Build(**(self.run or {}))
        self.story(build)
        return build.evidence(until=self.until)

    def check(self) -> None:
        assert outcome(self.evidence(), self.requirement) == self.expected


def table(cases: list[Case]) -> pytest.MarkDecorator:
    """Parametrize a test with cases."""
    return pytest.mark.parametrize("case", cases, ids=[f"{c.requirement} {c.expected}: {c.what}" for c in cases])


def several(*steps: Callable[[Build], object]) -> Callable[[Build], None]:
    """One story of several steps."""

    def story(build: Build) -> None:
        for step in steps:
            step(build)

    return story
