"""Which test covers which HUB requirement; a test of its own asserts that none is left out."""

from collections.abc import Callable
from typing import Any, TypeVar

COVERED: dict[str, list[str]] = {}
_Test = TypeVar("_Test", bound=Callable[..., Any])


def covers(*requirements: str) -> Callable[[_Test], _Test]:
    """Mark a test as the one that puts these requirements to the test."""

    def mark(test: _Test) -> _Test:
        for requirement in requirements:
            COVERED.setdefault(requirement, []).append(test.__qualname__)
        return test

    return mark
