"""Shows how the suite goes on: on a terminal what every scenario waits for, elsewhere one line when one ends."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.scenario import Scenario, StepLog
from reports.report import ScenarioResult

_SIGNS = {"reached": "[green]reached[/]", "blocked": "[yellow]blocked[/]", "skipped": "[dim]skipped[/]"}


class TerminalProgress:
    """A table of running scenarios below the lines of those that ended. Use as a context manager."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        self._running: dict[str, tuple[Scenario, StepLog, float]] = {}
        self._ended = 0
        self._live = Live(self, console=console, refresh_per_second=4, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def begins(self, scenario: Scenario, log: StepLog) -> None:
        """A scenario begins."""
        self._running[scenario.name] = (scenario, log, time.monotonic())

    def ends(self, result: ScenarioResult) -> None:
        """It ended."""
        self._ended += 1
        self._running.pop(result.name, None)
        line = Text.from_markup(f"{_SIGNS[result.outcome]}  ")
        line.append(f"{result.duration_s:5.1f} s  {result.title or result.name}")
        if result.reason:
            line.append(f"\n                    {result.reason}", style="dim")
        self._console.print(line)

    def __rich__(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for scenario, log, since in tuple(self._running.values()):
            table.add_row(
                Text(f"{time.monotonic() - since:5.1f} s"),
                Text(scenario.title),
                Text(log.current or "..", style="cyan"),
            )
        table.add_row("", Text(f"{self._ended} of {self._total} scenarios ended", style="bold"), "")
        return table
