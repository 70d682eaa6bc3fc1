"""Plays every variant against the suite and compares: `python -m tests.broken_cpos.kill_matrix [--write FILE] [--only NAME..]`.

Each variant runs in a process of its own, several at a time. Exit status 1 if one is not named, or somebody innocent is accused.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.sources import read_evidence
from oicp.rulebook import Outcome, judge
from tests.broken_cpos import catalogue
from tests.broken_cpos.offline import Comparison, Told, compared, told_in
from tests.broken_cpos.play import ROOT
from tests.broken_cpos.variant import Variant

_PATIENCE_S = 300
"""No run of a variant takes longer: the longest take about 60 s, twice as long on a machine kept busy; those with
scenarios that take minutes by nature have twice as much."""
_JOBS = 4 * (os.cpu_count() or 1)
"""Runs mostly wait."""
_DONE = "seconds"
"""Holds how long a run took; written when it is over, so that a folder without it was left in the middle."""


@dataclass(frozen=True)
class Row:
    """What one run came to. `trouble`: why there is no comparison, or what is wrong beside it."""

    variant: Variant
    comparison: Comparison | None
    verdict: str
    duration_s: float
    trouble: str = ""

    @property
    def good(self) -> bool:
        """As the variant says of itself."""
        return self.comparison is not None and self.comparison.good and not self.trouble


def read_row(variant: Variant, out: Path, duration_s: float) -> Row:
    """Compare the report of a run with the variant."""
    report = json.loads((out / "report.json").read_text())
    rows = [r for r in report["requirements"] if r["outcome"] != "not-applicable"]
    told = [Told(r["id"], f["grade"], f["observed"], tuple(f["also"])) for r in rows for f in r["findings"]]
    crashed = tuple(r["id"] for r in rows if r["outcome"] == "crashed")
    missing = [r["id"] for r in rows if r["outcome"] == "not-exercised" and r["level"] == "MUST"]
    return _row(variant, compared(variant, told, crashed), report["verdict"], missing, duration_s)


def judged_again(variant: Variant, out: Path) -> Row:
    """Compare what an earlier run recorded with the variant, by the rules of today."""
    verdict = judge(read_evidence(out / "evidence.jsonl"))
    rows = [r for r in verdict.requirements if r.outcome is Outcome.NOT_EXERCISED and r.requirement.level == "MUST"]
    missing = [r.requirement.id for r in rows]
    return _row(
        variant, compared(variant, *told_in(verdict)), verdict.overall, missing, float((out / _DONE).read_text())
    )


def _row(variant: Variant, comparison: Comparison, verdict: str, missing: Sequence[str], duration_s: float) -> Row:
    trouble, unexplained = "", [ident for ident in missing if ident not in variant.silent]
    judged = verdict == "conformant" or (bool(missing) and not unexplained)
    if variant.only == "all" and variant.innocent and not judged and not comparison.collateral:
        trouble = f"verdict {verdict}; not exercised: {', '.join(unexplained)}"
    return Row(variant, comparison, verdict, duration_s, trouble)


async def played(variant: Variant, folder: Path, resume: bool = False) -> Row:
    """Play one variant in a process of its own; once more if it could not begin (a port was taken meanwhile).

    `resume`: not at all if its recording is in the folder; it is judged again.
    """
    out = folder / variant.name
    done = out / _DONE
    if resume and done.is_file():
        return judged_again(variant, out)
    done.unlink(missing_ok=True)
    patience = _PATIENCE_S * (2 if variant.long else 1)
    begun = time.monotonic()
    for last in (False, True):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.broken_cpos.play", variant.name, "--out", str(out), cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            words, _ = await asyncio.wait_for(process.communicate(), patience)
        except TimeoutError:
            process.terminate()  # the bench takes its CPO down with it
            await process.wait()
            return Row(variant, None, "", time.monotonic() - begun, f"not over within {patience} s")
        if process.returncode == 0 or last:
            break
    duration = time.monotonic() - begun
    if process.returncode != 0:
        return Row(variant, None, "", duration, words.decode(errors="replace").strip()[-300:] or "the bench failed")
    done.write_text(f"{duration:.1f}")
    return read_row(variant, out, duration)


async def all_played(variants: Sequence[Variant], jobs: int, folder: Path, resume: bool = False) -> list[Row]:
    """Play them, so many at a time; the longest begin first."""
    places = asyncio.Semaphore(jobs)
    rows: dict[str, Row] = {}

    async def one(variant: Variant) -> None:
        async with places:
            row = rows[variant.name] = await played(variant, folder, resume)
            print(f"{len(rows):4}/{len(variants)} {_line(row)}", flush=True)

    async with asyncio.TaskGroup() as group:
        for variant in sorted(variants, key=lambda v: (not v.long, v.only != "all")):
            group.create_task(one(variant))
    return [rows[v.name] for v in variants]


def _line(row: Row) -> str:
    word = "ok " if row.good else "BAD"
    return f"{word} {row.duration_s:5.1f} s  {row.variant.name}: {_result(row)}"


def _result(row: Row) -> str:
    if row.comparison is None:
        return row.trouble
    found = row.comparison
    parts = [
        f"not named: {', '.join(found.unnamed)}" if found.unnamed else "",
        "collateral: " + "; ".join(f"{i} ({s[:120]})" for i, s in found.collateral.items()) if found.collateral else "",
        f"crashed: {', '.join(found.crashed)}" if found.crashed else "", row.trouble,
    ]  # fmt: skip
    return "; ".join(part for part in parts if part) or _found(row)


def _found(row: Row) -> str:
    if row.comparison is None:
        return row.trouble
    named = row.comparison.named
    return ", ".join(i if i == under else f"{i} (told by {under})" for i, under in named.items()) or row.verdict


def as_markdown(rows: Sequence[Row]) -> str:
    """The whole matrix as a page."""
    broken, innocent = [r for r in rows if not r.variant.innocent], [r for r in rows if r.variant.innocent]
    named = sum(r.comparison is not None and not r.comparison.unnamed for r in broken)
    clean = sum(r.comparison is not None and not r.comparison.collateral for r in broken)
    accused = [r for r in innocent if not r.good]
    lines = [
        "# Kill matrix",
        "",
        "Deliberately wrong CPOs (`tests/broken_cpos/`), each played against the suite, and innocent ones beside them.",
        "Written by `make kill-matrix`. *Found* names the requirement of the finding; where one act breaks two requirements there is",
        "one finding, and it tells of the other. *Follows* are further errors that the defect brings with it by necessity.",
        "",
        f"- {len(broken)} broken CPOs, {named} named by the requirement they violate, {clean} without an unexplained further error",
        f"- {len(innocent)} innocent CPOs, {len(accused)} accused",
        f"- {len(rows)} runs of {sum(r.duration_s for r in rows) / 60:.0f} minutes together, several at a time",
        "",
        "## Broken",
        "",
        "| CPO | what is wrong | expected | found | follows | warned as well |",
        "|---|---|---|---|---|---|",
        *(_broken_row(row) for row in broken),
        "",
        "## Innocent",
        "",
        "| CPO | what is different | scenarios | result | warned |",
        "|---|---|---|---|---|",
        *(_innocent_row(row) for row in innocent),
    ]
    return "\n".join(lines) + "\n"


def _broken_row(row: Row) -> str:
    found, own = row.comparison, row.variant
    expected = ", ".join(own.violates)
    if found is None:
        return f"| {own.name} | {own.sentence} | {expected} | **{row.trouble}** | | |"
    what = _found(row) + (f" **not named: {', '.join(found.unnamed)}**" if found.unnamed else "")
    follows = "; ".join(f"{i}: {why}" for i, why in found.explained.items())
    if found.collateral:
        follows += f" **unexplained: {', '.join(found.collateral)}**"
    return f"| {own.name} | {own.sentence} | {expected} | {what} | {follows} | {', '.join(found.warned)} |"


def _innocent_row(row: Row) -> str:
    found, own = row.comparison, row.variant
    scenarios = "all" if own.only == "all" else "some"
    result = "innocent" if row.good else f"**{_result(row)}**"
    warned = ", ".join(found.warned) if found else ""
    return f"| {own.name} | {own.sentence} | {scenarios} | {result} | {warned} |"


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.broken_cpos.kill_matrix", description=__doc__)
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the matrix as Markdown")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these variants, or all whose name begins so")
    parser.add_argument(
        "--jobs", type=int, default=_JOBS, metavar="N", help="so many runs at a time (default 4 per core)"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the reports of the runs there")
    parser.add_argument("--resume", action="store_true", help="with --keep: what was played there is only judged again")
    given = parser.parse_args(argv)
    if given.resume and not given.keep:
        parser.error("--resume needs the folder of an earlier run: --keep DIR")
    wanted = tuple(v for v in catalogue.ALL if not given.only or any(v.name.startswith(n) for n in given.only))
    with tempfile.TemporaryDirectory(prefix="kill-matrix-") as scratch:
        begun = time.monotonic()
        rows = asyncio.run(all_played(wanted, given.jobs, given.keep or Path(scratch), given.resume))
    bad = [row for row in rows if not row.good]
    print(f"{len(rows)} variants in {time.monotonic() - begun:.0f} s, {len(bad)} not as expected")
    for row in bad:
        print(_line(row))
    if given.write:
        given.write.write_text(as_markdown(rows), encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
