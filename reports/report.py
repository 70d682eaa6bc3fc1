"""What a run came to, and everything that is written about it. Judges nothing: the verdict is there already."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from oicp.catalogue import Requirement, catalogue
from oicp.evidence import Evidence
from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict, Verdict


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """How one scenario went. `outcome`: reached, blocked or skipped; times in seconds since the recording began."""

    name: str
    outcome: str
    reason: str | None = None
    duration_s: float = 0.0
    t_start: float | None = None
    t_end: float | None = None
    evse_ids: tuple[str, ...] = ()
    profile: str = "remote-only"
    needs: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True)
class Report:
    """Verdict, the evidence it rests on, and how it was obtained. `command`: the command line that made it.

    `expected_violations`: ids the configuration tolerates; they are shown but fail nothing.
    """

    verdict: Verdict
    evidence: Evidence
    scenarios: tuple[ScenarioResult, ...] = ()
    seed: int = 0
    duration_s: float = 0.0
    command: str = ""
    expected_violations: tuple[str, ...] = ()

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, worst first; their position (from 1) is their number in every output."""
        return self.verdict.findings

    @cached_property
    def by_scenario(self) -> dict[str, list[tuple[int, Finding]]]:
        """Numbered findings by the scenario in which they happened."""
        found: dict[str, list[tuple[int, Finding]]] = {}
        for number, finding in enumerate(self.findings, 1):
            if finding.scenario:
                found.setdefault(finding.scenario, []).append((number, finding))
        return found

    @property
    def failing(self) -> tuple[RequirementVerdict, ...]:
        """Violated or crashed requirements, the heaviest first: most findings of grade error."""
        bad = [v for v in self.verdict.requirements if v.outcome in (Outcome.CRASHED, Outcome.VIOLATED)]
        return tuple(sorted(bad, key=lambda v: (v.requirement.id in self.expected_violations, -_weight(v))))

    @property
    def warned(self) -> tuple[RequirementVerdict, ...]:
        """Requirements with warnings only."""
        return tuple(v for v in self.verdict.requirements if v.outcome is Outcome.WARNED)

    @property
    def missing(self) -> tuple[RequirementVerdict, ...]:
        """Each MUST of the chosen profiles that nothing exercised although it can be observed."""
        folded = {i for f in self.findings for i in f.also}
        return tuple(
            v for v in self.verdict.requirements
            if v.outcome is Outcome.NOT_EXERCISED and v.requirement.level == "MUST"
            and not v.requirement.unobservable and v.requirement.id not in folded
        )  # fmt: skip

    @property
    def operator_id(self) -> str:
        """The direct partner under test; empty where the recording does not say."""
        return next(iter(self.evidence.run.operator_ids), "")

    @cached_property
    def further_options(self) -> tuple[str, ...]:
        """Options of the command line besides those that a repetition sets itself, quoted for a shell."""
        return tuple(_further(self.command))

    def count(self, outcome: Outcome) -> int:
        """Number of requirements with that outcome."""
        return sum(v.outcome is outcome for v in self.verdict.requirements)


def _weight(verdict: RequirementVerdict) -> int:
    return sum(f.grade is Grade.ERROR for f in verdict.findings)


def requirement_of(finding: Finding) -> Requirement:
    """Catalogue entry of a finding."""
    return catalogue()[finding.requirement]


def reproduction(report: Report, finding: Finding) -> str:
    """The command line that shows it again: the run that was used, narrowed to the scenario, with the seed.

    Of a recording that is judged later nobody knows which backend it was.
    """
    if report.evidence.run.source != "run" or report.command.startswith("oicp-bench judge"):
        return report.command or "oicp-bench judge evidence.jsonl"
    only = [f"--only {shlex.quote(finding.scenario)}"] if finding.scenario else []
    return " ".join(["oicp-bench run", *only, f"--seed {report.seed}", *report.further_options])


_REPLACED = ("--only", "--seed", "--out", "-o", "--jobs", "--quiet", "-q", "--redact")
_FLAGS = ("--quiet", "-q", "--redact")


def _further(command: str) -> Iterator[str]:
    try:
        words = shlex.split(command)
    except ValueError:
        return
    skipping = False
    for word in words[words.index("run") + 1 :] if "run" in words else []:
        name, equals, _ = word.partition("=")
        if not skipping and name in _REPLACED:
            skipping = not equals and name not in _FLAGS
        elif skipping:
            skipping = False
        else:
            yield shlex.quote(word)


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    crashed, violated, warned = (report.count(o) for o in (Outcome.CRASHED, Outcome.VIOLATED, Outcome.WARNED))
    if crashed:
        return (
            f"The bench itself failed while judging {_many(crashed, 'requirement')}; this counts for and against nobody"
        )
    parts = [f"{_many(violated, 'requirement')} violated"] if violated else []
    if report.verdict.stale_expectations:
        parts.append(f"{_many(len(report.verdict.stale_expectations), 'expected violation')} no longer there")
    if report.missing:
        parts.append(f"{len(report.missing)} MUST not exercised")
    if warned:
        parts.append(f"{_many(warned, 'requirement')} warned")
    return ", ".join(parts) or f"All {report.count(Outcome.CONFORMS)} requirements that were exercised hold"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def write_all(report: Report, out_dir: Path) -> tuple[Path, ...]:
    """Write report.json, report.html, junit.xml and summary.md into a folder (made if missing); returns their paths."""
    from reports.html_report import html
    from reports.json_report import json_text
    from reports.junit import junit_xml
    from reports.markdown import summary
    from reports.secrets import without_keys

    out_dir.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in (
        ("report.json", json_text(report)), ("report.html", html(report)),
        ("junit.xml", junit_xml(report)), ("summary.md", summary(report)),
    ):  # fmt: skip
        path = out_dir / name
        path.write_text(without_keys(text), encoding="utf-8", errors="backslashreplace")
        written.append(path)
    return tuple(written)
