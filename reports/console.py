"""What a person sees while the bench runs, and the summary at the end; plain lines where there is no terminal."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from oicp.rulebook import Finding, Grade, RequirementVerdict
from reports.markdown import grade_sign
from reports.report import Report, ScenarioResult, headline, reproduction, requirement_of

_STYLES = {Grade.ERROR: "red", Grade.WARNING: "yellow", Grade.INFO: "dim"}
_MARKS = {"reached": ("✓", "green"), "blocked": ("✗", "red"), "skipped": ("–", "dim")}
_MOST_RUNNING, _MOST_FINDINGS = 12, 5


def make_console(environment: Mapping[str, str] = os.environ) -> Console:
    """A console on stdout; without colour where NO_COLOR is set to anything."""
    return Console(no_color=bool(environment.get("NO_COLOR")) or None, highlight=False, soft_wrap=False)


@dataclass(slots=True)
class _Running:
    name: str
    since: float
    evse_ids: tuple[str, ...] = ()
    waits_for: str = "starting"
    on_whom: str = ""


@dataclass(slots=True)
class Board:
    """Live table of the scenarios: what each waits for and from whom, findings as they are known.

    A context manager; outside a terminal it prints a plain line when a scenario ends or something is found.
    """

    total: int = 0
    console: Console = field(default_factory=make_console)
    _running: dict[str, _Running] = field(default_factory=dict)
    _done: dict[str, int] = field(default_factory=dict)
    _findings: list[Finding] = field(default_factory=list)
    _live: Live | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(
                console=self.console, get_renderable=self.render, refresh_per_second=4, transient=True,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def started(self, name: str, evse_ids: tuple[str, ...] = ()) -> None:
        """A scenario began."""
        self._running[name] = _Running(name, monotonic(), evse_ids)

    def waits(self, name: str, what: str, on_whom: str = "") -> None:
        """A scenario waits for something: `what` (a message, a state) from `on_whom` (CPO, hub, charge point, driver)."""
        if name in self._running:
            self._running[name].waits_for, self._running[name].on_whom = what, on_whom

    def ended(self, result: ScenarioResult) -> None:
        """A scenario is over."""
        self._running.pop(result.name, None)
        self._done[result.outcome] = self._done.get(result.outcome, 0) + 1
        if self._live is None:
            done = f"[{sum(self._done.values())}/{self.total}] " if self.total else ""
            self._line(Text(f"{done}{_scenario_line(result)}"))
        elif result.outcome == "blocked":
            self._line(_scenario_text(result))

    def found(self, finding: Finding) -> None:
        """Something does not hold; shown at once (information is not)."""
        self._findings.append(finding)
        if self._live is None and finding.grade is not Grade.INFO:
            self._line(Text(f"{finding.grade}: {finding.requirement} {_flat(finding.observed)}"))

    def note(self, text: str) -> None:
        """A line about the stage: what is being started or stopped."""
        self._line(Text(_flat(text), style="dim"))

    def _line(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)

    def render(self) -> RenderableType:
        """The table as it stands now."""
        parts: list[RenderableType] = [self._progress(), self._table()]
        told = [f for f in self._findings if f.grade is not Grade.INFO]
        for finding in told[-_MOST_FINDINGS:]:
            parts.append(_finding_text(finding, self.console.width))
        if len(told) > _MOST_FINDINGS:
            parts.append(Text(f"  and {len(told) - _MOST_FINDINGS} findings before", style="dim"))
        return Group(*parts)

    def _progress(self) -> Text:
        text = Text(f"{sum(self._done.values())} of {self.total} scenarios done" if self.total else "scenarios")
        for outcome, number in sorted(self._done.items()):
            text.append(f"  {_MARKS[outcome][0]} {number} {outcome}", style=_MARKS[outcome][1])
        return text

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, expand=True, show_header=bool(self._running))
        for title, ratio in (("scenario", 5), ("waits for", 5), ("from", 2)):
            table.add_column(title, ratio=ratio, no_wrap=True, overflow="ellipsis", header_style="dim")
        table.add_column("s", justify="right", width=6, header_style="dim")
        now = monotonic()
        for run in list(self._running.values())[:_MOST_RUNNING]:
            table.add_row(Text(run.name), Text(_flat(run.waits_for)), Text(run.on_whom), f"{now - run.since:.1f}")
        if len(self._running) > _MOST_RUNNING:
            table.add_row(Text(f"and {len(self._running) - _MOST_RUNNING} more", style="dim"), "", "", "")
        return table


def _finding_text(finding: Finding, width: int) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"  {grade_sign(finding.grade)} {finding.requirement} ", style=_STYLES[finding.grade or Grade.ERROR])
    text.append(_flat(finding.observed))
    text.truncate(width, overflow="ellipsis")
    return text


def _scenario_line(result: ScenarioResult) -> str:
    reason = f": {_flat(result.reason)}" if result.reason else ""
    return f"{result.outcome} {result.name} ({result.duration_s:.1f} s){reason}"


def _scenario_text(result: ScenarioResult) -> Text:
    sign, style = _MARKS[result.outcome]
    return Text.assemble((f"{sign} ", style), result.name, (f"  {_flat(result.reason or '')}", "dim"))


def _flat(text: str) -> str:
    """One line without control characters: what the wire said must not move the cursor."""
    return "".join(c if c.isprintable() else " " for c in text)


# --- the summary -----------------------------------------------------------------------------------------------------


def print_summary(report: Report, out_dir: Path | None = None, console: Console | None = None) -> None:
    """The result. On success less than a screen; each failure with its fix and the line that runs it again."""
    console = console or make_console()
    rows = shutil.get_terminal_size().lines if console.is_terminal else 10_000
    room = max(3, min(20, (rows - 8) // 5))
    overall = report.verdict.overall
    style = {"conformant": "bold green", "violations": "bold red", "incomplete": "bold yellow"}[overall]
    console.print()
    console.print(Text.assemble((overall.upper(), style), f"  {headline(report)}"), soft_wrap=True)
    for verdict in report.failing[:room]:
        _print_requirement(console, report, verdict)
    if len(report.failing) > room:
        console.print(Text(f"  and {len(report.failing) - room} more requirements: see report.html", style="dim"))
    _print_rest(console, report)
    reached = sum(s.outcome == "reached" for s in report.scenarios)
    played = f"{reached} of {len(report.scenarios)} scenarios reached, " if report.scenarios else ""
    facts = f"{played}{len(report.evidence.exchanges)} messages, {report.duration_s:.1f} s, seed {report.seed}"
    console.print(Text(facts, style="dim"), soft_wrap=True)
    if out_dir is not None:
        console.print(Text(f"report: {out_dir / 'report.html'}"), soft_wrap=True)


def _print_requirement(console: Console, report: Report, verdict: RequirementVerdict) -> None:
    r = verdict.requirement
    expected = " (expected)" if r.id in report.expected_violations else ""
    console.print(Text.assemble(("✗ ", "red"), (r.id, "bold red"), f" {r.title} ({r.level}){expected}"), soft_wrap=True)
    if not verdict.findings:
        console.print(Text(f"    {_flat(verdict.reason or '')}"), soft_wrap=True)
        return
    first = verdict.findings[0]
    more = f" (and {len(verdict.findings) - 1} more)" if len(verdict.findings) > 1 else ""
    where = f" [#{first.exchange}{' ' + first.pointer if first.pointer else ''}]" if first.exchange else ""
    console.print(Text(f"    {_flat(first.observed)}{more}{_flat(where)}"), soft_wrap=True)
    fix = requirement_of(first).fix
    if fix:
        console.print(Text(f"    fix: {fix}"), soft_wrap=True)
    console.print(Text(f"    run again: {reproduction(report, first)}", style="dim"), soft_wrap=True)


def _print_rest(console: Console, report: Report) -> None:
    for ident in report.verdict.stale_expectations:
        console.print(f"✗ {ident} is in expected_violations but holds now: take it off the list", style="red")
    for sign, style, title, verdicts in (
        ("!", "yellow", "warned", report.warned), ("?", "yellow", "MUST not exercised", report.missing),
    ):  # fmt: skip
        if verdicts:
            ids = " ".join(v.requirement.id for v in verdicts[:12])
            more = f" and {len(verdicts) - 12} more" if len(verdicts) > 12 else ""
            console.print(Text.assemble((f"{sign} {title}: ", style), f"{ids}{more}"), soft_wrap=True)
    blocked = [s for s in report.scenarios if s.outcome == "blocked"]
    for result in blocked[:6]:
        console.print(_scenario_text(result), soft_wrap=True)
    if len(blocked) > 6:
        console.print(Text(f"  and {len(blocked) - 6} more blocked scenarios", style="dim"))
    hooks = sorted({s.reason for s in report.scenarios if s.outcome == "skipped" and s.reason})
    for reason in hooks[:4]:
        number = sum(s.outcome == "skipped" and s.reason == reason for s in report.scenarios)
        console.print(Text(f"– {number} skipped: {_flat(reason)}", style="dim"), soft_wrap=True)
