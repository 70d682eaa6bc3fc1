"""The main job end to end: hub, reference CPO in its own process, fleet, scenarios, verdict, report."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.sources import read_evidence
from oicp.rulebook import judge
from tests.bench import stand

CHOICE = (
    "full_load_at or remote_start_and_stop or driver_unplugs or start_on_an_unknown or start_on_an_occupied or "
    "stop_of_an_unknown_session or charge_point_rejects or no_such_thing"
)


@dataclass(frozen=True)
class Played:
    """A run that is over."""

    done: "subprocess.CompletedProcess[str]"
    out: Path
    report: dict[str, Any]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One run for all tests of this file, from another folder, with a small fleet."""
    folder = tmp_path_factory.mktemp("elsewhere")
    done = stand.bench("run", "--only", CHOICE, "--set", "fleet.charge_points=6", "--seed", "11", folder=folder)
    out = folder / "reports" / "out"
    return Played(done, out, json.loads((out / "report.json").read_text()))


def test_nothing_is_violated(played: Played) -> None:
    """The reference CPO breaks no rule; a part of the suite leaves MUSTs open, so the run is incomplete."""
    violated = [r for r in played.report["requirements"] if r["outcome"] in ("violated", "crashed", "warned")]
    assert not violated
    assert played.done.returncode == 2, played.done.stderr
    assert played.report["verdict"] == "incomplete"


def test_every_scenario_is_reached(played: Played) -> None:
    """All milestones, with their times."""
    scenarios = played.report["scenarios"]
    assert [(s["name"], s["outcome"], s["reason"]) for s in scenarios if s["outcome"] != "reached"] == []
    assert len(scenarios) >= 7


def test_the_report_is_whole(played: Played) -> None:
    """All files of the contract are there and belong together."""
    names = ("report.json", "report.html", "junit.xml", "summary.md", "evidence.jsonl", "bench.toml")
    assert all((played.out / name).stat().st_size for name in names)
    assert played.report["schema"] == "oicp-bench/report/1"
    assert played.report["seed"] == 11


def test_messages_really_went_over_the_wire(played: Played) -> None:
    """Mutual TLS with certificates of the private CA, charge detail records with energy the meters showed."""
    evidence = read_evidence(played.out / "evidence.jsonl")
    cdrs = evidence.about("ChargeDetailRecord")
    assert len(cdrs) >= 3
    assert all(e.tls and e.tls.certificate and e.tls.trusted and e.tls.partner_id == "DE*ABC" for e in cdrs)
    assert evidence.about("AuthorizeRemoteStart")[0].url.startswith("https://127.0.0.1:")
    assert evidence.seen("transaction_started")
    assert evidence.run.truth


def test_nothing_is_left_running(played: Played) -> None:
    """The process of the CPO was ended by the bench."""
    evidence = read_evidence(played.out / "evidence.jsonl")
    pid = evidence.seen("cpo_started")[0].data["pid"]
    assert not Path(f"/proc/{pid}").exists()
    exits = evidence.seen("cpo_exited")
    assert [(o.data["expected"], o.data["exit_status"]) for o in exits] == [(True, 0)]


def test_judge_comes_to_the_same_verdict(played: Played, tmp_path: Path) -> None:
    """The recording alone is enough."""
    done = stand.bench("judge", str(played.out / "evidence.jsonl"), "--out", "again", folder=tmp_path)
    again = json.loads((tmp_path / "again" / "report.json").read_text())
    assert done.returncode == played.done.returncode
    assert again["verdict"] == played.report["verdict"]
    assert [(r["id"], r["outcome"]) for r in again["requirements"]] == [
        (r["id"], r["outcome"]) for r in played.report["requirements"]
    ]


def test_judging_is_pure(played: Played) -> None:
    """Twice the same recording, twice the same verdict."""
    evidence = read_evidence(played.out / "evidence.jsonl")
    assert judge(evidence).requirements == judge(read_evidence(played.out / "evidence.jsonl")).requirements


def test_expected_violations_that_hold_are_stale(played: Played, tmp_path: Path) -> None:
    """An expectation that no longer comes true fails the judgement."""
    lines = (played.out / "evidence.jsonl").read_text().splitlines()
    frame = json.loads(lines[0])
    frame["settings"]["expected_violations"] = ["CDR-001"]
    (tmp_path / "evidence.jsonl").write_text("\n".join([json.dumps(frame), *lines[1:]]))
    done = stand.bench("judge", "evidence.jsonl", folder=tmp_path)
    assert done.returncode == 1
    assert "CDR-001 is in expected_violations but holds now" in done.stdout


def test_two_runs_side_by_side(tmp_path: Path) -> None:
    """Started in one folder at the same time, each has its own output and neither disturbs the other."""
    arguments = ("run", "--only", "driver_unplugs", "--set", "fleet.charge_points=2", "--set", "suite.limits.settle=2")
    runs = [stand.start(*arguments, folder=tmp_path) for _ in range(2)]
    told = [run.communicate(timeout=100) for run in runs]
    assert [run.returncode for run in runs] == [2, 2], told
    folders = sorted(p.name for p in (tmp_path / "reports").iterdir())
    assert folders == ["out", "out-2"]
    for name in folders:
        report = json.loads((tmp_path / "reports" / name / "report.json").read_text())
        assert [s["outcome"] for s in report["scenarios"]] == ["reached"]


def test_a_plan_of_ones_own(tmp_path: Path) -> None:
    """A file with a scenario is played instead of the suite; a scenario that breaks is the bench's failure, status 4."""
    (tmp_path / "my_plan.py").write_text(
        "from bench.scenario import scenario\n\n\n"
        '@scenario("nothing happens", evses=0)\nasync def quiet(bench):\n    await bench.passes(0.1)\n\n\n'
        '@scenario("a slip of the pen", evses=0)\nasync def slip(bench):\n    bench.no_such_verb()\n'
    )
    done = stand.bench(
        "run",
        "my_plan.py",
        "--set",
        "fleet.charge_points=1",
        "--set",
        "suite.limits.settle=0",
        "--out",
        "o",
        folder=tmp_path,
    )
    assert done.returncode == 4
    assert "no_such_verb" in done.stderr
    assert "my_plan.py" in done.stderr
    report = json.loads((tmp_path / "o" / "report.json").read_text())
    assert [s["outcome"] for s in report["scenarios"]] == ["reached", "blocked"]


@pytest.mark.skipif(sys.platform == "win32", reason="serve reads a pipe")
def test_serve_is_driven_by_hand(tmp_path: Path) -> None:
    """Commands line by line; `quit` judges."""
    commands = "list\nplug 1\nstart 1\nstop 1\nunplug 1\nstart nowhere\nfly 1\nquit\n"
    done = subprocess.run(
        [*stand.BENCH, "serve", "--set", "fleet.charge_points=1", "--out", "o"], cwd=tmp_path, input=commands,
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "accepted" in done.stdout
    assert "! no EVSE 'nowhere'" in done.stdout
    assert "! no command 'fly'" in done.stdout
    assert "Traceback" not in done.stderr
    assert read_evidence(tmp_path / "o" / "evidence.jsonl").about("AuthorizeRemoteStop")
