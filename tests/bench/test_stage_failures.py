"""What can go wrong on stage ends with one clear message, the right exit status, no process left, and a report."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.ports import free_ports
from tests.bench import stand

ONLY = ("--only", "authorization.remote_start_and_stop", "--out", "out")


def _clear(done: "subprocess.CompletedProcess[str]") -> None:
    assert "Traceback" not in done.stdout + done.stderr


def test_port_taken(tmp_path: Path) -> None:
    """The hub's port is taken: file, table, value and mend, status 3."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = stand.config(tmp_path, stand.STAYS, f"[hub]\nport = {port}\n")
        done = stand.bench("run", "--config", str(path), *ONLY, folder=tmp_path)
    _clear(done)
    assert done.returncode == 3
    assert f"port = {port}" in done.stderr
    assert "leave `port` out" in done.stderr


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (stand.DIES_AT_ONCE, ("ended with status 7 before it was ready", "cannot find my database")),
        (stand.NEVER_UP, ("does not accept connections at oicp_url", "ready_within = 1 s", "still thinking")),
    ],
    ids=["dies at once", "never up"],
)
def test_a_cpo_that_never_comes_up(tmp_path: Path, script: str, words: tuple[str, ...]) -> None:
    """The message shows its last words; the run is incomplete and there is a report."""
    path = stand.config(tmp_path, script, ready_within=1)
    done = stand.bench("run", "--config", str(path), *ONLY, folder=tmp_path)
    _clear(done)
    assert done.returncode == 2, done.stderr
    for word in words:
        assert word in done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["verdict"] == "incomplete"
    assert [s["outcome"] for s in report["scenarios"]] == ["blocked"]


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    """Status 3: it is the configuration that is wrong."""
    path = stand.config(tmp_path, "")
    done = stand.bench("run", "--config", str(path), "--set", 'cpo.command=["no-such-program"]', *ONLY, folder=tmp_path)
    _clear(done)
    assert done.returncode == 3
    assert "no-such-program" in done.stderr
    assert "cannot be started" in done.stderr


def test_somebody_else_at_the_address_of_the_cpo(tmp_path: Path) -> None:
    """A CPO left from before would be tested instead of the one that is started: it is told."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        path = stand.config(tmp_path, stand.STAYS)
        done = stand.bench("run", "--config", str(path), "--set", f"cpo.oicp_url={url}", *ONLY, folder=tmp_path)
    assert f"[cpo] oicp_url = '{url}': something listened there before" in done.stderr, done.stderr


def test_a_cpo_that_dies_in_mid_run(tmp_path: Path) -> None:
    """The run ends early with its last words, and is judged as far as it came."""
    path = stand.config(tmp_path, stand.DIES_LATER, argument="1.5")
    done = stand.bench("run", "--config", str(path), *ONLY, folder=tmp_path)
    _clear(done)
    assert done.returncode in (1, 2), done.stderr
    assert "ended with status 9 during the run" in done.stderr
    assert "out of memory" in done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["scenarios"][0]["outcome"] == "blocked"


def test_nobody_at_the_address(tmp_path: Path) -> None:
    """No command and nothing listening: say so, status 2."""
    oicp, ocpp = free_ports(2)
    done = stand.bench(
        "run", "--set", "cpo.operator_id=DE*ABC", "--set", f"cpo.oicp_url=http://127.0.0.1:{oicp}",
        "--set", f"cpo.ocpp_url=ws://127.0.0.1:{ocpp}", "--set", "cpo.ready_within=1", *ONLY, folder=tmp_path,
    )  # fmt: skip
    _clear(done)
    assert done.returncode == 2
    assert "start the CPO first" in done.stderr


def test_a_ca_that_cannot_be_used(tmp_path: Path) -> None:
    """A [pki] folder with a broken CA: the file is named, status 3."""
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.pem").write_text("nonsense")
    path = stand.config(tmp_path, stand.STAYS, '[pki]\nfolder = "pki"\n')
    done = stand.bench("run", "--config", str(path), *ONLY, folder=tmp_path)
    _clear(done)
    assert done.returncode == 3
    assert "ca.pem" in done.stderr


@pytest.fixture
def waiting_run(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", Path, int]]:
    """A run that waits for a CPO that never boots a charge point, and the process id of that CPO."""
    path = stand.config(tmp_path, stand.STAYS, ready_within=30)
    run = stand.start("run", "--config", str(path), *ONLY, folder=tmp_path)
    evidence = tmp_path / "out" / "evidence.jsonl"
    deadline = time.monotonic() + 60
    while not (evidence.exists() and "cpo_started" in evidence.read_text()):
        assert time.monotonic() < deadline and run.poll() is None, run.stderr and run.stderr.read()
        time.sleep(0.05)
    pid = next(
        row["data"]["pid"]
        for row in map(json.loads, evidence.read_text().splitlines())
        if row.get("observed") == "cpo_started"
    )
    yield run, tmp_path / "out", pid
    if run.poll() is None:
        run.kill()
    run.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_the_run_with_a_report(
    waiting_run: tuple["subprocess.Popen[str]", Path, int], number: signal.Signals
) -> None:
    """Everything is taken down, the report holds what there is, the run is not conformant."""
    run, out, pid = waiting_run
    run.send_signal(number)
    _, told = run.communicate(timeout=60)
    assert run.returncode in (1, 2)
    assert "interrupted" in told
    assert "Traceback" not in told
    assert not Path(f"/proc/{pid}").exists()
    report = json.loads((out / "report.json").read_text())
    assert "interrupted" in report["scenarios"][0]["reason"]
    for name in ("report.html", "junit.xml", "summary.md", "evidence.jsonl", "bench.toml"):
        assert (out / name).stat().st_size > 0


def test_wrong_usage_is_status_3(tmp_path: Path) -> None:
    """Unknown commands, options, files, expressions."""
    for arguments in (
        ("runn",), ("run", "--no-such-option"), ("run", "--config", "missing.toml"), ("run", "--only", "and"),
        ("run", "--only", "no such scenario"), ("run", "--profile", "everything"), ("run", "plan.py"),
        ("judge", "missing.jsonl"), ("judge", "--message", "Nonsense", "missing.json"), ("rules", "XYZ-001"),
    ):  # fmt: skip
        done = stand.bench(*arguments, folder=tmp_path)
        _clear(done)
        assert done.returncode == 3, arguments
        assert done.stderr.strip(), arguments
