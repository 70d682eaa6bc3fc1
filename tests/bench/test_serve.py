"""`oicp-bench serve`: what it prints works as it stands."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.stand import BENCH


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The lines for the shell, while everything is up."""
    folder = tmp_path_factory.mktemp("serve")
    process = subprocess.Popen(
        [*BENCH, "serve", "--out", "out"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        found.append(line.rstrip("\n"))
        if line.startswith("An EVSE is its EvseID"):
            break
    try:
        assert process.poll() is None, process.communicate()
        yield found
    finally:
        rest, trouble = process.communicate("quit\n", timeout=60)
    assert process.returncode in (0, 1, 2), (rest, trouble)
    evidence = (folder / "out" / "evidence.jsonl").read_text()
    assert "Bearer" not in evidence


def _line(printed: list[str], *words: str) -> str:
    return next(row.strip() for row in printed if all(word in row for word in words))


def _run(line: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_openssl_line_shakes_hands(printed: list[str]) -> None:
    """The chain verifies, TLS 1.2 or 1.3."""
    done = _run(_line(printed, "openssl s_client"))
    assert done.returncode == 0, done.stderr
    assert "Verification: OK" in done.stderr + done.stdout
    assert "TLSv1.3" in done.stderr + done.stdout


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_work(printed: list[str]) -> None:
    """A push by hand is taken; the control API describes the hub and tells what came instead of what was waited for."""
    for _ in range(100):
        pushed = _run(_line(printed, "status-records"))
        code = json.loads(pushed.stdout)["StatusCode"]["Code"]
        if code != "009":  # the CPO was just pushing, too: one at a time
            break
    assert code in ("000", "603"), pushed
    described = json.loads(_run(_line(printed, "openapi.json")).stdout)
    assert described["servers"][0]["url"] in printed[0]
    waiting = _line(printed, "/wait").replace(
        '"within": 30', '"operation": "ChargeDetailRecord", "within": 0.1, "since": 0'
    )
    assert "seen instead: " in json.loads(_run(waiting).stdout)["error"]
    assert Path(_line(printed, "CA of the hub").split()[-1]).is_file()


def _until_help(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert any(line.startswith("An EVSE is its EvseID") for line in process.stdout), process.communicate()


def test_without_input_it_stays_up_until_a_signal(tmp_path: Path) -> None:
    """In the background, under a service manager or in CI there is nobody to type."""
    process = subprocess.Popen(
        [*BENCH, "serve", "--out", "out"], cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    _until_help(process)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("no input: up until a signal")
    process.terminate()
    _, trouble = process.communicate(timeout=60)
    assert process.returncode in (0, 1, 2), trouble
    assert "Traceback" not in trouble
    assert (tmp_path / "out" / "report.json").is_file()


def test_commands_may_come_from_a_file(tmp_path: Path) -> None:
    """Lines of a file are done one after the other; its end is the end."""
    commands = tmp_path / "commands"
    commands.write_text("list\nnonsense\n")
    with commands.open() as stdin:
        done = subprocess.run(
            [*BENCH, "serve", "--out", "out"], cwd=tmp_path, stdin=stdin, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
    assert done.returncode in (0, 1, 2), done.stderr
    assert "Traceback" not in done.stderr
    assert "! no command 'nonsense'" in done.stdout
