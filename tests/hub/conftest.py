"""Fixtures of the hub's tests: one CA for all, one hub per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fake_hubject.certificates import Authority
from tests.hub.stage import Stage, staged


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The private CA."""
    return Authority.create(tmp_path_factory.mktemp("ca") / "ca")


@pytest.fixture
async def stage(tmp_path: Path, authority: Authority) -> AsyncIterator[Stage]:
    """A hub with default settings, rate limits off."""
    async with staged(tmp_path, authority) as made:
        yield made
        made.assert_no_crash()
