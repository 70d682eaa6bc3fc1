"""Plays mistaken copies of the Node CPO: `python -m tests.foreign.node_defects [NAME..] [--jobs 3] [--whole] [--keep DIR]`.

Prints what was expected, what was found and what was said besides. Exit status 1 if a defect was missed or something else accused.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ports import free_ports
from tests.foreign.node_patches import DEFECTS, WHOLE, Defect

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "node-cpo"
PATIENCE_S = 300
_PORTS = ("9443", "9080", "9081")


@dataclass(frozen=True)
class Row:
    """What a run came to. `errors`, `warnings`: by requirement, what was observed. `named`: requirements findings tell of."""

    defect: Defect
    errors: dict[str, str]
    warnings: dict[str, str]
    named: frozenset[str]
    trouble: str
    duration_s: float

    @property
    def missed(self) -> list[str]:
        """Expected, and not said."""
        return [i for i in self.defect.expected if i not in self.named]

    @property
    def collateral(self) -> dict[str, str]:
        """Errors nobody expected."""
        known = {*self.defect.expected, *self.defect.follows}
        return {i: what for i, what in self.errors.items() if i not in known}

    @property
    def good(self) -> bool:
        """Found, and nothing else accused."""
        return not (self.missed or self.collateral or self.trouble)


def runnable() -> bool:
    """Node and the one package the example needs are there."""
    return shutil.which("node") is not None and (EXAMPLE / "node_modules" / "ws").exists()


def patched(defect: Defect, folder: Path) -> None:
    """A copy of the example with the mistake. Raises `ValueError` where a patch does not fit."""
    folder.mkdir(parents=True)
    for file in EXAMPLE.glob("*.js"):
        shutil.copy(file, folder)
    (folder / "node_modules").symlink_to(EXAMPLE / "node_modules")
    for name, old, new in defect.patches:
        text = (folder / name).read_text()
        if text.count(old) != 1:
            raise ValueError(f"{defect.name}: stands {text.count(old)} times in {name}: {old!r}")
        (folder / name).write_text(text.replace(old, new))


def play(defect: Defect, folder: Path, *, whole: bool = False) -> Row:
    """One run."""
    whole = whole or defect.only == WHOLE
    patched(defect, folder)
    text = (EXAMPLE / "bench.toml").read_text()
    for old, new in zip(_PORTS, free_ports(3), strict=True):
        text = text.replace(old, str(new))
    if not whole:
        text = text.replace("charge_points = 12", "charge_points = 6")
    (folder / "bench.toml").write_text(text)
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--config",
        str(folder / "bench.toml"),
        "--out",
        str(folder / "out"),
    ]
    command += ["--quiet", *([] if whole else ["--only", defect.only])]
    begun = time.monotonic()
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False, preexec_fn=_kind
    )  # fmt: skip
    (folder / "told.txt").write_text(run.stdout + run.stderr)
    return _row(defect, folder / "out" / "report.json", run, round(time.monotonic() - begun, 1))


def _kind() -> None:
    os.nice(5)


def _row(defect: Defect, path: Path, run: "subprocess.CompletedProcess[str]", duration_s: float) -> Row:
    if not path.exists():
        return Row(defect, {}, {}, frozenset(), f"no report: {(run.stdout + run.stderr)[-300:]}", duration_s)
    report = json.loads(path.read_text())
    findings = list(_findings(report))
    grades = {
        grade: {i: f["observed"] for i, f in reversed(findings) if f["grade"] == grade}
        for grade in ("error", "warning")
    }
    named = frozenset(i for r, f in findings if f["grade"] in grades for i in (r, *f["also"]))
    crashed = [r["id"] for r in report["requirements"] if r["outcome"] == "crashed"]
    trouble = f"crashed: {crashed}" if crashed else "" if run.returncode in (0, 1, 2) else f"exit {run.returncode}"
    return Row(defect, grades["error"], grades["warning"], named, trouble, duration_s)


def _findings(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for requirement in report["requirements"]:
        if requirement["outcome"] != "not-applicable":
            for finding in requirement["findings"]:
                yield requirement["id"], finding


def told(row: Row) -> str:
    """One row of the table."""
    word = "ok " if row.good else "BAD"
    found = ", ".join(i for i in row.defect.expected if i in row.named) or "-"
    parts = [
        f"{word} {row.duration_s:5.1f} s  {row.defect.name}: expected {', '.join(row.defect.expected) or 'nothing'}; found {found}"
    ]
    if row.missed:
        parts.append(f"MISSED {', '.join(row.missed)}")
    if row.collateral:
        parts.append("COLLATERAL " + "; ".join(f"{i} ({what[:110]})" for i, what in row.collateral.items()))
    others = sorted(set(row.warnings) - set(row.defect.expected))
    if others:
        parts.append("warned " + ", ".join(f"{i} ({row.warnings[i][:60]})" for i in others))
    return "; ".join([*parts, *([row.trouble] if row.trouble else [])])


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.foreign.node_defects", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="these defects, or all whose name begins so")
    parser.add_argument("--jobs", type=int, default=3, metavar="N")
    parser.add_argument("--whole", action="store_true", help="the whole suite against each")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep copies and reports there")
    given = parser.parse_args(argv)
    if not runnable():
        parser.error(f"Node or the example's packages are missing: run `npm ci` in {EXAMPLE.relative_to(ROOT)}")
    wanted = [d for d in DEFECTS if not given.names or any(d.name.startswith(n) for n in given.names)]
    with tempfile.TemporaryDirectory(prefix="node-defects-") as scratch, ThreadPoolExecutor(given.jobs) as pool:
        folder = given.keep or Path(scratch)
        runs = {pool.submit(play, d, folder / d.name, whole=given.whole): d for d in wanted}
        rows = []
        for run in as_completed(runs):
            rows.append(run.result())
            print(f"{len(rows):4}/{len(wanted)} {told(rows[-1])}", flush=True)
    bad = [row for row in rows if not row.good]
    print(
        f"{len(rows)} defects, {sum(bool(r.missed) for r in bad)} missed, {sum(bool(r.collateral) for r in bad)} with collateral"
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
