"""summary.md and annotations on GitHub."""

import io

import pytest

from reports.markdown import annotations, announce, summary
from tests.reports import sample


def test_summary_leads_with_verdict_and_what_to_fix() -> None:
    """Verdict first, then violated requirements with fix and the line that runs them again."""
    text = summary(sample.report())
    assert text.startswith("# ❌ OICP 2.3: violations · DE")
    assert text.index("## Fix first") < text.index("## Warnings") < text.index("## Scenarios")
    assert "<code>oicp-bench run --only remote&#95;start&#95;and&#95;stop&#95;1 --seed 7</code>" in text
    assert "4 of 6 reached" in text and "`status_after_restart` blocked" in text


def test_summary_shows_hostile_text_as_text() -> None:
    """Markup, table bars, links and mentions from the wire stay inside their cell."""
    text = summary(sample.report(station="<img src=x> | [a](http://x) `b` @team\n# big"))
    assert "<img" not in text and "\n# big" not in text
    row = next(line for line in text.splitlines() if "EVSE-006" in line)
    assert row.count("|") == 5 and "@team" not in row


def test_annotations_escape_what_github_reads() -> None:
    """One command a requirement; percent signs and line ends are escaped, so that nothing is smuggled in."""
    lines = list(annotations(sample.report(station="50 %\n::error::owned")))
    assert len(lines) == 6 and all("\n" not in line for line in lines)
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 4 + ["::warning"] * 2
    assert any("50 %25%0A::error::owned" in line for line in lines)


def test_expected_violation_is_a_notice() -> None:
    """What the configuration tolerates does not shout."""
    lines = list(annotations(sample.report(expected_violations=("CDR-003",))))
    assert any(line.startswith("::notice title=CDR-003") for line in lines)


@pytest.mark.parametrize("on", [True, False])
def test_announces_only_on_github(on: bool, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Inside a workflow the annotations are printed and the job summary is written; elsewhere nothing happens."""
    out, path = io.StringIO(), tmp_path / "summary"
    announce(sample.report(), out, {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(path)} if on else {})
    assert bool(out.getvalue()) is on and path.exists() is on
