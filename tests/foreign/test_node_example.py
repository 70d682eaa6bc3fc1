"""The example of the tutorial: a CPO in Node, as a newcomer runs it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.ports import free_ports
from tests.bench import stand

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "node-cpo"
DOZEN = (
    "remote_start_and_stop or driver_unplugs or driver_stops_at_the_vehicle or start_on_an_occupied or start_on_an_unknown or "
    "start_on_a_faulted or stop_of_an_unknown_session or charge_point_rejects or repeated_stop or two_sessions_in_a_row or "
    "plugged_in_after or full_load_at or unknown_token or stop_before_the_transaction"
)


def _installed(folder: Path) -> None:
    """A copy of the example with its one dependency; skipped where that cannot be had."""
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("no Node on this machine")
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", "state-*.json"))
    if (EXAMPLE / "node_modules" / "ws" / "package.json").exists():
        shutil.copytree(EXAMPLE / "node_modules", folder / "node_modules")
        return
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    if done.returncode:
        pytest.skip(f"npm ci does not work here: {done.stderr.strip()[-200:]}")


def test_the_example_breaks_no_rule(tmp_path: Path) -> None:
    """A dozen scenarios, none violated; with free ports instead of those of the file."""
    folder = tmp_path / "node-cpo"
    _installed(folder)
    text = (folder / "bench.toml").read_text()
    for port, free in zip(("9443", "9080", "9081"), free_ports(3), strict=True):
        assert port in text
        text = text.replace(port, str(free))
    (folder / "bench.toml").write_text(text)
    done = stand.bench("run", "--config", str(folder / "bench.toml"), "--only", DOZEN, "--out", "out", folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not [r for r in report["requirements"] if r["outcome"] in ("violated", "crashed")]
    assert len(report["scenarios"]) >= 12
    # an EVSE without a vehicle is refused at once, as it may be; then nothing can be plugged in afterwards
    blocked = [s["name"] for s in report["scenarios"] if s["outcome"] != "reached"]
    assert blocked in ([], ["authorization.plugged_in_after_the_start"])
