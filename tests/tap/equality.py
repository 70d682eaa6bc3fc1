"""Plays CPOs with and without the tap and compares the verdicts: `python -m tests.tap.equality [NAME..] [--jobs N] [--again N]`.

A verdict is the same if every requirement has the same outcome and the same grades of findings. Numbers of findings and their words
may differ: ports, times and repeats do. A requirement that is exercised only with the tap is told, not counted: some milliseconds
decide in which state of a charger a push arrives. Exit status 1 if one verdict differs in every attempt; a CPO that takes another way
each time differs from itself as well, so `--again` plays both once more before that is called a difference.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.broken_cpos.catalogue import ALL
from tests.broken_cpos.play import NEVER_BEGAN, ROOT

_PATIENCE_S = 300
Outcomes = dict[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Compared:
    """One CPO played both ways. `differences`: one line each; `attempts`: how often both were played.

    `gained`: requirements that only the run with the tap exercised.
    """

    name: str
    verdict: str
    differences: tuple[str, ...]
    attempts: int = 1
    gained: tuple[str, ...] = ()


def outcomes(report: dict[str, Any]) -> Outcomes:
    """Outcome and grades of every requirement in a report."""
    return {r["id"]: (r["outcome"], tuple(sorted({f["grade"] for f in r["findings"]}))) for r in report["requirements"]}


def compared(without: dict[str, Any], with_tap: dict[str, Any]) -> tuple[str, ...]:
    """What differs, requirement by requirement, the verdict first."""
    found = []
    if without["verdict"] != with_tap["verdict"]:
        found.append(f"verdict {without['verdict']}, with the tap {with_tap['verdict']}")
    before, after = outcomes(without), outcomes(with_tap)
    for ident in sorted(before.keys() | after.keys()):
        if before.get(ident) != after.get(ident) and ident not in gained(without, with_tap):
            words = [f["observed"] for r in (*without["requirements"], *with_tap["requirements"])
                     if r["id"] == ident for f in r["findings"]]  # fmt: skip
            found.append(f"{ident} {before.get(ident)}, with the tap {after.get(ident)} {words[:1]}")
    blocked, blocked_after = _not_reached(without), _not_reached(with_tap)
    found.extend(f"scenario {s}" for s in sorted(blocked ^ blocked_after))
    return tuple(found)


def gained(without: dict[str, Any], with_tap: dict[str, Any]) -> tuple[str, ...]:
    """Requirements that conform with the tap and were not exercised without it."""
    before, after = outcomes(without), outcomes(with_tap)
    return tuple(
        i for i, (outcome, grades) in after.items()
        if outcome == "conforms" and not grades and before.get(i) == ("not-exercised", ())
    )  # fmt: skip


def _not_reached(report: dict[str, Any]) -> set[str]:
    """Scenarios that were not reached; those of the tap alone are left out."""
    return {f"{s['name']} {s['outcome']}" for s in report["scenarios"] if s["outcome"] != "reached" and "tap" not in s["needs"]}  # fmt: skip


async def played(name: str, out: Path, *, tap: bool) -> dict[str, Any]:
    """The report of one run in a process of its own; once more if it could not begin. Raises `RuntimeError`."""
    command = [sys.executable, "-P", "-m", "tests.tap.played", name, str(out), *(["--tap"] if tap else [])]
    words = b""
    for _ in range(2):
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env={**_environment()}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            words, _ = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
        except TimeoutError:
            process.terminate()
            await process.wait()
            raise RuntimeError(f"{name}: not over within {_PATIENCE_S} s") from None
        if process.returncode != NEVER_BEGAN:
            break
    if process.returncode != 0:
        raise RuntimeError(f"{name}: exit status {process.returncode}: {words.decode(errors='replace')[-600:]}")
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


async def compare(name: str, folder: Path, again: int = 0) -> Compared:
    """Play one CPO without and with the tap; differences are those of the last attempt."""
    for attempt in range(1, again + 2):
        without = await played(name, folder / f"{name}-{attempt}", tap=False)
        with_tap = await played(name, folder / f"{name}-{attempt}-tap", tap=True)
        found = compared(without, with_tap)
        if not found:
            break
        print(f"{name}: attempt {attempt}: {len(found)} differences: " + "; ".join(found[:4]), flush=True)
    return Compared(name, without["verdict"], found, attempt, gained(without, with_tap))


async def compare_all(names: Sequence[str], jobs: int, folder: Path, again: int) -> list[Compared]:
    """Several at a time."""
    places = asyncio.Semaphore(jobs)
    done: list[Compared] = []

    async def one(name: str) -> None:
        async with places:
            try:
                result = await compare(name, folder, again)
            except RuntimeError as fault:
                print(fault, flush=True)
                result = Compared(name, "", (str(fault),), 0)
            done.append(result)
            word = "DIFFERENT" if result.differences else "same"
            print(
                f"{len(done):4}/{len(names)} {word} {name}: {result.verdict} ({result.attempts}) {' '.join(result.gained)}",
                flush=True,
            )

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(one(name))
    return done


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.tap.equality", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these, or all whose name begins so; default: all")
    parser.add_argument("--jobs", type=int, default=3, metavar="N", help="so many at a time (default 3)")
    parser.add_argument("--again", type=int, default=1, metavar="N", help="attempts beyond the first (default 1)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every n-th of them")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the reports there")
    given = parser.parse_args()
    known = [v.name for v in ALL]
    names = [n for n in known if not given.names or any(n.startswith(word) for word in given.names)][:: given.every]
    with tempfile.TemporaryDirectory(prefix="tap-equality-") as scratch:
        done = asyncio.run(compare_all(names, given.jobs, given.keep or Path(scratch), given.again))
    bad = [c for c in done if c.differences]
    repeated = sum(c.attempts > 1 and not c.differences for c in done)
    print(
        f"{len(done)} CPOs played without and with the tap: {len(done) - len(bad)} verdicts the same ({repeated} in a further attempt)"
    )
    for c in bad:
        print(f"{c.name}:\n  " + "\n  ".join(c.differences))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
