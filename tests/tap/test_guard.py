"""The tap stays away from production and is careful with QA."""

import asyncio

import pytest

from bench.command_tap import Pace
from tap.guard import Refused, check_upstream


@pytest.mark.parametrize(
    "url",
    ["https://service.hubject.com", "https://SERVICE.hubject.com.:443/x", "https://api.hubject.com", "ftp://x", "x"],
)
def test_refused(url: str) -> None:
    """Production hosts and what is no URL are refused by name."""
    with pytest.raises(Refused, match="--upstream"):
        check_upstream(url)


def test_qa_comes_with_a_notice() -> None:
    """QA is allowed, with a word on the rules of use; other hosts need none."""
    assert "Acceptable Use" in (check_upstream("https://service-qa.hubject.com") or "")
    assert check_upstream("https://127.0.0.1:8443") is None


async def test_pace_keeps_to_the_published_limit() -> None:
    """The seventh pricing push of a minute waits, the sixth does not."""
    pace = Pace(now=lambda: 0.0)
    for _ in range(6):
        await pace("PushEVSEPricing")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pace("PushEVSEPricing"), 0.05)
    await pace("PushEvseStatus")
