"""The reference CPO with other fleets, and what stands in the report of a CPO without hooks."""

import html
import json
from pathlib import Path
from typing import Any

from simulator.site_data import generate_fleet
from tests.bench import stand
from tests.foreign.modes import MODES
from tests.foreign.play import PLAN, configured


def _report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text())
    return found


def _clean(folder: Path, *arguments: str) -> dict[str, Any]:
    """A run of the reference CPO that reaches everything and breaks nothing."""
    done = stand.bench("run", *arguments, "--out", "out", "--set", "suite.limits.settle=2", folder=folder)
    assert done.returncode == 2, done.stdout + done.stderr
    report = _report(folder)
    assert not [r for r in report["requirements"] if r["outcome"] in ("violated", "warned", "crashed")]
    assert {s["outcome"] for s in report["scenarios"]} == {"reached"}, report["scenarios"]
    return report


def test_ocpp_201(tmp_path: Path) -> None:
    """The same scenarios and the same verdict over OCPP 2.0.1."""
    some = "remote_start_and_stop or driver_unplugs or driver_stops_at or start_on_a_faulted or nobody_plugs or vehicle_is_full"
    _clean(tmp_path, "--set", 'fleet.ocpp_version="2.0.1"', "--set", "fleet.charge_points=6", "--only", some)
    assert '"2.0.1"' in (tmp_path / "out" / "evidence.jsonl").read_text()


def test_own_charge_points(tmp_path: Path) -> None:
    """The EVSEs of the file are those that are played with."""
    fleet = generate_fleet("DE*ABC", "ABC", charge_points=1, evses_per_charge_point=1, seed=3, ocpp_version="1.6")
    text = json.dumps(fleet).replace("E1001", "EMINE")
    (tmp_path / "fleet.json").write_text(text)
    _clean(tmp_path, str(PLAN), "--set", "fleet.file=fleet.json")
    assert "DE*ABC*EMINE*1" in (tmp_path / "out" / "evidence.jsonl").read_text()


def test_a_fleet_file_with_a_fault(tmp_path: Path) -> None:
    """File, place, value and mend; status 3 before anything starts."""
    fleet = generate_fleet("DE*ABC", "ABC", charge_points=1, evses_per_charge_point=1, seed=3, ocpp_version="1.6")
    fleet["charge_points"][0]["evses"][0]["connector_id"] = 0
    (tmp_path / "fleet.json").write_text(json.dumps(fleet))
    done = stand.bench("run", str(PLAN), "--set", "fleet.file=fleet.json", "--out", "out", folder=tmp_path)
    assert done.returncode == 3
    assert "/charge_points/0/evses/0/connector_id: 0; write a whole number from 1 on" in done.stderr


def test_a_cpo_without_hooks(tmp_path: Path) -> None:
    """What it does by itself is judged; report and terminal name the hooks that would add to it."""
    mode = next(mode for mode in MODES if mode.name == "nothing odd" and mode.group == "requests")
    config, _ = configured(mode, tmp_path)
    some = "restart_of_the_backend or evse_leaves_the_fleet or remote_start_and_stop"
    done = stand.bench("run", "--config", str(config), "--only", some, "--out", "out", folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    report = _report(tmp_path)
    outcomes = {s["name"].partition(".")[2]: (s["outcome"], s["reason"] or "") for s in report["scenarios"]}
    assert outcomes["remote_start_and_stop"][0] == "reached"
    for name, hook in (("restart_of_the_backend", "restart"), ("evse_leaves_the_fleet", "decommission_evse")):
        assert outcomes[name][0] == "skipped"
        assert f"needs the hook `{hook}`" in outcomes[name][1]
        assert hook in html.unescape((tmp_path / "out" / "summary.md").read_text())
        assert hook in done.stdout + done.stderr
    assert [r["id"] for r in report["requirements"] if r["outcome"] == "conforms"]
