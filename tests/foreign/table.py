"""`python -m tests.foreign.table [WORD]`: plays every odd CPO and prints what came of it as a Markdown table."""

import sys
import tempfile
from pathlib import Path

from tests.foreign.modes import MODES
from tests.foreign.play import Outcome, play_all


def main() -> None:
    """Print the table of all modes whose name holds the word."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = play_all([mode for mode in MODES if word in mode.name], Path(folder))
    print("| the CPO .. | exit | violated (warned) | what the tester reads | s |\n|---|---|---|---|---|")
    for outcome in outcomes:
        print(row(outcome))


def row(outcome: Outcome) -> str:
    """One line of the table."""
    ids = ", ".join(sorted(outcome.violated)) or "none"
    if outcome.warned:
        ids += f" ({', '.join(sorted(outcome.warned))})"
    words = outcome.words.replace("|", "/")
    shown = words if len(words) <= 160 else words[:157] + "..."
    status = "hangs" if outcome.status is None else outcome.status
    return f"| {outcome.mode.name} | {status} | {ids} | {shown} | {outcome.duration_s:g} |"


if __name__ == "__main__":
    main()
