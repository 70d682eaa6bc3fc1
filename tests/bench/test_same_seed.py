"""The same seed gives the same verdict."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench import stand

CHOICE = "full_load_at or driver_unplugs or charge_point_rejects or start_on_an_unknown or faulted_evse"


def _outcomes(folder: Path) -> dict[str, str]:
    """Outcome of each requirement and scenario of a run with seed 23."""
    stand.bench("run", "--only", CHOICE, "--set", "fleet.charge_points=5", "--seed", "23", folder=folder)
    report = json.loads((folder / "reports" / "out" / "report.json").read_text())
    found = {r["id"]: r["outcome"] for r in report["requirements"]}
    return found | {s["name"]: s["outcome"] for s in report["scenarios"]} | {"verdict": report["verdict"]}


def test_two_runs_with_the_same_seed_come_to_the_same_verdict(tmp_path: Path) -> None:
    """Requirement by requirement, scenario by scenario, though both run at the same time on other ports."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(_outcomes, folders)
    assert one == two
    assert one["verdict"] == "incomplete"
    assert "conforms" in one.values()
