"""summary.md for a GitHub job summary, and annotations on the workflow run."""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import TextIO

from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict
from reports.report import Report, headline, reproduction, requirement_of

_SIGNS = {"conformant": "✅", "violations": "❌", "incomplete": "⚠️"}
_MOST = 25


def summary(report: Report) -> str:
    """summary.md as text."""
    run, verdict = report.evidence.run, report.verdict
    who = f" · {cell(report.operator_id)}" if report.operator_id else ""
    lines = [
        f"# {_SIGNS[verdict.overall]} OICP 2.3: {verdict.overall}{who}",
        "",
        f"{headline(report)}.",
        "",
        f"Profile {', '.join(verdict.profiles)} · {len(report.evidence.exchanges)} messages · {report.duration_s:.1f} s · "
        f"seed {report.seed} · {run.started_at:%Y-%m-%d %H:%M} UTC",
        "",
        *_counts(report),
        *_table(report, "Fix first", report.failing),
        *_stale(report),
        *_missing(report),
        *_table(report, "Warnings", report.warned),
        *_scenarios(report),
        "The whole story, message by message: `report.html`.",
    ]
    return "\n".join(lines) + "\n"


def _counts(report: Report) -> Iterator[str]:
    yield "| level | " + " | ".join(str(o).replace("-", " ") for o in Outcome) + " |"
    yield "|---" * (len(Outcome) + 1) + "|"
    for level in ("MUST", "SHOULD", "MAY"):
        of_level = [v for v in report.verdict.requirements if v.requirement.level == level]
        yield f"| {level} | " + " | ".join(str(sum(v.outcome is o for v in of_level)) for o in Outcome) + " |"
    yield ""


def _table(report: Report, title: str, verdicts: tuple[RequirementVerdict, ...]) -> Iterator[str]:
    if not verdicts:
        return
    yield f"## {title}"
    yield ""
    yield "| requirement | observed | fix | run again |"
    yield "|---|---|---|---|"
    for v in verdicts[:_MOST]:
        r = v.requirement
        first = v.findings[0] if v.findings else None
        more = f" (and {len(v.findings) - 1} more)" if len(v.findings) > 1 else ""
        seen = cell(first.observed if first else v.reason or "") + more
        again = f"<code>{cell(reproduction(report, first))}</code>" if first else ""
        expected = "<br>expected" if r.id in report.expected_violations else ""
        yield f"| **{r.id}** {r.level}{expected}<br>{cell(r.title)} | {seen} | {cell(r.fix)} | {again} |"
    if len(verdicts) > _MOST:
        yield ""
        yield f"and {len(verdicts) - _MOST} more"
    yield ""


def _stale(report: Report) -> Iterator[str]:
    if report.verdict.stale_expectations:
        yield "## Expected violations that no longer happen"
        yield ""
        yield "Take them off `expected_violations`: " + ", ".join(report.verdict.stale_expectations)
        yield ""


def _missing(report: Report) -> Iterator[str]:
    if report.missing:
        yield "## MUST, but not exercised"
        yield ""
        for v in report.missing[:_MOST]:
            yield f"- **{v.requirement.id}** {cell(v.requirement.title)}: {cell(v.reason or '')}"
        if len(report.missing) > _MOST:
            yield f"- and {len(report.missing) - _MOST} more"
        yield ""


def _scenarios(report: Report) -> Iterator[str]:
    stuck = [s for s in report.scenarios if s.outcome != "reached"]
    if report.scenarios:
        reached = len(report.scenarios) - len(stuck)
        yield f"## Scenarios: {reached} of {len(report.scenarios)} reached their end"
        yield ""
        for s in stuck[:_MOST]:
            yield f"- `{_code(s.name)}` {s.outcome}: {cell(s.reason or '')}"
        yield ""


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")


def cell(text: str) -> str:
    """Text from the wire made harmless inside a table cell."""
    flat = " ".join(text.split())
    flat = flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for sign in "\\`*_[]|":
        flat = flat.replace(sign, f"&#{ord(sign)};")
    return flat.replace("@", "@\u200b") if "@" in flat else flat


def annotations(report: Report) -> Iterator[str]:
    """Workflow commands: one a requirement that is violated, warned or crashed (GitHub shows ten of each kind a step)."""
    for v in (*report.failing, *report.warned):
        r = v.requirement
        expected = r.id in report.expected_violations
        command = "warning" if v.outcome is Outcome.WARNED else "notice" if expected else "error"
        first = v.findings[0] if v.findings else None
        yield f"::{command} title={_property(f'{r.id} {r.title}')}::{_message(_told(report, v, first))}"
    for ident in report.verdict.stale_expectations:
        yield f"::error title={_property(f'{ident} expected')}::{_message('It holds now: take it off expected_violations')}"


def _told(report: Report, verdict: RequirementVerdict, first: Finding | None) -> str:
    if first is None:
        return verdict.reason or ""
    lines = [first.observed]
    if len(verdict.findings) > 1:
        lines[0] += f" (and {len(verdict.findings) - 1} more)"
    fix = requirement_of(first).fix
    if fix:
        lines.append(f"Fix: {fix}")
    lines.append(f"Run again: {reproduction(report, first)}")
    return "\n".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def on_github(environment: Mapping[str, str] = os.environ) -> bool:
    """True inside a GitHub workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def announce(report: Report, out: TextIO | None = None, environment: Mapping[str, str] = os.environ) -> None:
    """On GitHub: print the annotations and add summary.md to the job summary. Elsewhere: nothing."""
    if not on_github(environment):
        return
    for line in annotations(report):
        print(line, file=out or sys.stdout)
    path = environment.get("GITHUB_STEP_SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123  a path from outside
            file.write(summary(report))


def grade_sign(grade: Grade | None) -> str:
    """One character for a grade."""
    return {Grade.ERROR: "✗", Grade.WARNING: "!", Grade.INFO: "i"}[grade or Grade.ERROR]
