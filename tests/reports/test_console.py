"""What stands in the terminal."""

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict
from reports.console import Board, make_console, print_summary
from reports.report import Report, ScenarioResult
from tests.reports import sample


def terminal(width: int = 80) -> tuple[Console, io.StringIO]:
    """A terminal of 24 lines that keeps what is written."""
    out = io.StringIO()
    return Console(file=out, force_terminal=True, width=width, height=24, highlight=False), out


def pipe() -> tuple[Console, io.StringIO]:
    """No terminal."""
    out = io.StringIO()
    return Console(file=out, width=80, highlight=False), out


def green() -> Report:
    """A report with nothing to complain about."""
    report = sample.report()
    holds = tuple(
        RequirementVerdict(v.requirement, Outcome.CONFORMS, (), (("x", 1),))
        if v.outcome is not Outcome.NOT_APPLICABLE
        else v
        for v in report.verdict.requirements
    )
    return replace(report, verdict=replace(report.verdict, overall="conformant", requirements=holds))


def test_success_fits_one_screen() -> None:
    """A conformant run takes less than 24 lines, the verdict among them."""
    console, out = terminal()
    print_summary(green(), Path("reports/out"), console)
    lines = out.getvalue().splitlines()
    assert len(lines) < 12 and "CONFORMANT" in out.getvalue() and "report.html" in out.getvalue()


def test_failure_names_fix_and_next_step() -> None:
    """Each violated requirement stands there with what was seen, the fix, and the line that runs it again."""
    console, out = pipe()
    print_summary(sample.report(), None, console)
    text = out.getvalue()
    assert "VIOLATIONS  3 requirements violated" in text
    assert "✗ CDR-003" in text and "run again: oicp-bench run --only remote_start_and_stop_1 --seed 7" in text
    assert "fix: " in text and "! warned: RSTART-013 CDR-018" in text and "\x1b" not in text


def test_hostile_text_cannot_move_the_cursor() -> None:
    """Escape sequences and right-to-left overrides of a CPO are blanked, rich markup is not read."""
    console, out = pipe()
    print_summary(sample.report(station="\x1b[2J\u202e[red]name[/red]\r"), None, console)
    assert "\x1b" not in out.getvalue() and "\u202e" not in out.getvalue() and "[red]name[/red]" in out.getvalue()


def test_plain_lines_without_terminal() -> None:
    """One line a scenario and one a finding, nothing else; information is not printed."""
    console, out = pipe()
    with Board(total=2, console=console) as board:
        board.started("one")
        board.waits("one", "ChargeDetailRecord", "CPO")
        board.found(Finding("CDR-003", "two records", Grade.ERROR))
        board.found(Finding("CDR-018", "binary noise", Grade.INFO))
        board.ended(ScenarioResult("one", "reached", None, 1.25))
        board.ended(ScenarioResult("two", "skipped", "needs the hook `restart`"))
    assert out.getvalue().splitlines() == [
        "error: CDR-003 two records",
        "[1/2] reached one (1.2 s)",
        "[2/2] skipped two (0.0 s): needs the hook `restart`",
    ]


def test_live_table_says_what_each_waits_for_and_from_whom() -> None:
    """The table names scenario, message and peer, and never grows over the screen."""
    console, _ = terminal(100)
    board = Board(total=40, console=console)
    for n in range(30):
        board.started(f"scenario_{n}")
        board.waits(f"scenario_{n}", "ChargeDetailRecord", "CPO")
        board.found(Finding("CDR-003", f"seen {n}", Grade.ERROR))
    shown, out = terminal(100)
    shown.print(board.render())
    lines = out.getvalue().splitlines()
    assert len(lines) <= 23 and any("scenario_0" in x and "ChargeDetailRecord" in x and "CPO" in x for x in lines)
    assert "and 18 more" in out.getvalue() and "seen 29" in out.getvalue()


def test_no_color_is_respected() -> None:
    """NO_COLOR switches colours off, whatever its value."""
    assert make_console({"NO_COLOR": "1"}).no_color and not make_console({"NO_COLOR": ""}).no_color
