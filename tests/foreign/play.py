"""Plays the suite against an odd CPO, several of them at a time, each in a process and a folder of its own."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.ports import free_ports
from tests.foreign.modes import Mode

CPO = Path(__file__).with_name("odd_cpo.py")
PLAN = CPO.with_name("short_charge.py")
AT_ONCE = 8
HANGS = 60.0
"""Seconds after which a run counts as hanging."""

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    ["bench.__main__", "bench.command_run", "bench.stage", "bench.fleet_setup", "bench.hub_setup"]
)


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `status`: exit status, None if it hung; `told`: all that stood on the terminal."""

    mode: Mode
    status: int | None
    violated: frozenset[str]
    warned: frozenset[str]
    scenario: str
    reason: str
    told: str
    duration_s: float

    @property
    def words(self) -> str:
        """What a tester would read first: the trouble told at the terminal, else why the scenario was blocked."""
        _, begin, trouble = self.told.partition("oicp-bench: ")
        return " ".join(trouble.split()) if begin else self.reason or "the scenario was played to its end"


def play_all(modes: Iterable[Mode], folder: Path) -> list[Outcome]:
    """Play them side by side, bounded in time."""
    numbered = list(enumerate(modes))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda pair: play(pair[1], folder / f"{pair[0]:02}"), numbered))


def play(mode: Mode, folder: Path) -> Outcome:
    """One run against one odd CPO."""
    folder.mkdir(parents=True)
    config, running = configured(mode, folder)
    begun = time.monotonic()
    run = _processes.Process(target=_run, args=(str(folder), str(config)))
    run.start()
    run.join(HANGS)
    if run.exitcode is None:
        run.kill()
        run.join()
        status = None
    else:
        status = run.exitcode
    if running is not None:
        running.kill()
        running.wait()
    return _outcome(mode, folder, status, round(time.monotonic() - begun, 1))


def _run(folder: str, config: str) -> None:
    """In the child: the command line as a user calls it, its output in a file."""
    os.chdir(folder)
    with Path("told.txt").open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from bench.__main__ import main

    main(["run", str(PLAN), "--config", config, "--out", "out"])


def configured(mode: Mode, folder: Path) -> "tuple[Path, subprocess.Popen[bytes] | None]":
    """The bench.toml of a mode in its folder, and the process of a CPO that runs already."""
    oicp, ocpp, hub = free_ports(3)
    scheme = "http" if mode.http else "https"
    cpo_url, ocpp_url = f"{scheme}://127.0.0.1:{oicp}{mode.prefix}", mode.ocpp.format(place=f"127.0.0.1:{ocpp}")
    _prepared(mode, folder)
    command = [sys.executable, "-P", str(CPO), mode.name]
    start = "" if mode.runs_already else f"command = {json.dumps(command)}"
    path = folder / "bench.toml"
    path.write_text(f"""
[hub]
port = {hub}
answer_limit = {mode.answer_limit:g}
client_certificate = "{"recorded" if mode.recorded else "required"}"
[pki]
folder = "pki"
[cpo]
operator_id = "DE*ABC"
oicp_url = "{cpo_url}"
ocpp_url = "{ocpp_url}"
ready_within = {mode.ready_within:g}
{start}
[suite.limits]
settle = 1
scenario = {mode.limit}
[fleet]
{mode.fleet}
""")
    running = _started(folder, command, cpo_url, ocpp_url, hub) if mode.runs_already else None
    return path, running


def _prepared(mode: Mode, folder: Path) -> None:
    """Files the configuration names: a fleet, a certificate of the charge points."""
    from fake_hubject.certificates import Authority
    from simulator.site_data import generate_fleet

    fleet = generate_fleet("DE*ABC", "ABC", charge_points=1, evses_per_charge_point=1, seed=7, ocpp_version="1.6")
    (folder / "fleet.json").write_text(json.dumps(fleet))
    if "cp.pem" in mode.fleet:
        issued = Authority.create(folder / "pki").issue_client("CP-1001")
        assert issued.key_file is not None
        (folder / "cp.pem").write_bytes(issued.cert_file.read_bytes())
        (folder / "cp.key").write_bytes(issued.key_file.read_bytes())


def _started(folder: Path, command: list[str], cpo_url: str, ocpp_url: str, hub: int) -> "subprocess.Popen[bytes]":
    """A CPO that runs before the bench does, set up by its operator with certificates of the same CA."""
    from fake_hubject.certificates import Authority

    authority = Authority.create(folder / "pki")
    client, server = authority.issue_client("DE*ABC"), authority.issue_server(["127.0.0.1"])
    values = {
        "HUB_URL": f"https://127.0.0.1:{hub}", "OPERATOR_ID": "DE*ABC", "CA_FILE": authority.ca_file,
        "CLIENT_CERT_FILE": client.cert_file, "CLIENT_KEY_FILE": client.key_file, "SERVER_CERT_FILE": server.cert_file,
        "SERVER_KEY_FILE": server.key_file, "CPO_URL": cpo_url, "OCPP_URL": ocpp_url, "FLEET_FILE": folder / "fleet.json",
    }  # fmt: skip
    environment = {**os.environ, **{f"OICP_BENCH_{name}": str(value) for name, value in values.items()}}
    with (folder / "cpo.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def _outcome(mode: Mode, folder: Path, status: int | None, duration_s: float) -> Outcome:
    told = (folder / "told.txt").read_text(errors="replace") if (folder / "told.txt").exists() else ""
    report = folder / "out" / "report.json"
    found = json.loads(report.read_text()) if report.exists() else {"requirements": [], "scenarios": []}
    by_outcome = {
        outcome: frozenset(r["id"] for r in found["requirements"] if r["outcome"] == outcome)
        for outcome in ("violated", "warned")
    }
    scenario = found["scenarios"][0] if found["scenarios"] else {}
    return Outcome(
        mode, status, by_outcome["violated"], by_outcome["warned"], scenario.get("outcome", "no report"),
        scenario.get("reason") or "", told, duration_s,
    )  # fmt: skip
