"""Whoever reads the output may leave, and a terminal may know few letters: report and exit status stay the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_BENCH = f"{sys.executable} -m bench"
_MESSAGE = "judge --message ChargeDetailRecord cdr.json --out report"

ENDS = [
    (f"{_MESSAGE} | head -1", 1), (f"{_MESSAGE} | true", 1), (f"{_MESSAGE} >&-", 1), (f"{_MESSAGE} <&- >&- 2>&-", 1),
    (f"{_MESSAGE} >/dev/full", 1), ("rules | head -1", 0), ("doctor | true", 0), ("judge nowhere.json 2>&-", 3),
]  # fmt: skip


def _shell(command: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", f"{_BENCH} {command}; exit ${{PIPESTATUS[0]}}"], cwd=folder, capture_output=True, text=True,
        timeout=60, check=False, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a record that lacks everything."""
    (tmp_path / "cdr.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(("command", "status"), ENDS, ids=[command for command, _ in ENDS])
def test_nobody_listens(folder: Path, command: str, status: int) -> None:
    """The exit status is that of the verdict, the report is written."""
    done = _shell(command, folder)
    assert done.returncode == status, done.stderr
    assert "the bench itself failed" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "report" not in command or (folder / "report" / "report.json").exists()


def test_signs_in_ascii(folder: Path) -> None:
    """Signs have a word each."""
    done = _shell("doctor", folder, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok embedded default")
    assert "x CDR-007" in _shell(_MESSAGE, folder, PYTHONIOENCODING="ascii").stdout


def test_interrupted_before_anything_was_played(folder: Path) -> None:
    """Ctrl-C is neither usage nor a verdict."""
    script = "import bench.__main__ as b, bench.command_rules as r, time; r.show = lambda *a, **k: time.sleep(60); print(flush=True); b.main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, "rules"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told.strip() == "oicp-bench: interrupted"
