"""The verdict is the same with and without the tap: on the reference CPO and on CPOs that are wrong in ways a proxy could hide.

`python -m tests.tap.equality` compares as many as one likes.
"""

from pathlib import Path

import pytest

pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")

from tests.tap.equality import compare, compared, gained


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "name",
    [
        "reference-for-the-recording",
        "tls-no-certificate-let-in",  # who presents nothing is passed on without a certificate
        "tls-of-another-partner",  # the CPO's own certificate is judged, not the tap's
        "http-latin-1",  # bytes stay what they were
        "deliver-lost-on-reset",  # connections end as they end without it
    ],
)
async def test_same_verdict(name: str, tmp_path: Path) -> None:
    """Played without and with the tap in processes of their own."""
    result = await compare(name, tmp_path, again=1)
    assert not result.differences, "\n".join(result.differences)


def report(outcome: str, *grades: str, verdict: str = "conformant", scenario: str = "reached") -> dict[str, object]:
    """A report with one requirement and one scenario."""
    findings = [{"grade": grade, "observed": "x"} for grade in grades]
    return {
        "verdict": verdict, "requirements": [{"id": "CDR-003", "outcome": outcome, "findings": findings}],
        "scenarios": [{"name": "s", "outcome": scenario, "needs": []}],
    }  # fmt: skip


def test_what_a_difference_is() -> None:
    """An accusation more or less, a requirement that is no longer exercised, a scenario that is not reached; not one exercised more."""
    fine = report("conforms")
    assert compared(fine, fine) == ()
    assert compared(report("violated", "error", "error"), report("violated", "error")) == ()
    assert len(compared(fine, report("violated", "error", verdict="violations"))) == 2
    assert len(compared(report("violated", "error"), report("warned", "warning"))) == 1
    assert len(compared(fine, report("not-exercised"))) == 1
    assert len(compared(fine, report("conforms", scenario="blocked"))) == 1
    assert compared(report("not-exercised"), fine) == ()
    assert gained(report("not-exercised"), fine) == ("CDR-003",)
