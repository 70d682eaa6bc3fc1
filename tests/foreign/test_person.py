"""Real chargers: a person at the terminal is told what to do, the bench drives the hub and judges what needs no witness."""

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import actors
from bench.external import RealFleet
from bench.hooks import ask_at_terminal
from bench.ports import free_ports
from simulator.site_data import generate_fleet
from tests.foreign.play import CPO, PLAN

CONFIG = """
[cpo]
operator_id = "DE*ABC"
oicp_url = "https://127.0.0.1:{oicp}"
command = {command}
[fleet]
external = true
file = "fleet.json"
[suite.limits]
settle = 1
"""


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: where a person types, and what a program has as its input."""
    person, program = pty.openpty()
    try:
        yield person, program
    finally:
        os.close(person)
        os.close(program)


def test_a_person_at_the_charger(tmp_path: Path) -> None:
    """Every deed is asked for in the order of the scenario; nothing is violated, and energy is not judged without a witness."""
    (oicp,) = free_ports(1)
    # an external fleet needs no ocpp_url; this CPO wants to listen somewhere all the same
    command = [
        "env",
        f"OICP_BENCH_OCPP_URL=ws://127.0.0.1:{free_ports(1)[0]}",
        sys.executable,
        "-P",
        str(CPO),
        "real chargers",
    ]
    (tmp_path / "bench.toml").write_text(CONFIG.format(oicp=oicp, command=json.dumps(command)))
    fleet = generate_fleet("DE*ABC", "ABC", charge_points=1, evses_per_charge_point=1, seed=7, ocpp_version="1.6")
    (tmp_path / "fleet.json").write_text(json.dumps(fleet))
    told = []
    with _terminal() as (person, program):
        run = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench", "run", str(PLAN), "--config", "bench.toml", "--out", "out"],
            cwd=tmp_path, stdin=program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert run.stdout is not None
        for line in run.stdout:
            told.append(line.decode())
            if ">>> please" in told[-1]:
                os.write(person, b"\n")
        run.stdout.close()
        status = run.wait(30)
    text = "".join(told)
    asked = [line.partition("please: ")[2].strip() for line in told if ">>> please" in line]
    assert asked == [
        "at DE*ABC*E1001*1: plug a vehicle in", "at DE*ABC*E1001*1: wait until the vehicle charges",
        "at DE*ABC*E1001*1: let it charge about 0.1 kWh", "at DE*ABC*E1001*1: take the cable out (unlock it at the vehicle if need be)",
    ], text  # fmt: skip
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [s["outcome"] for s in report["scenarios"]] == ["reached"], text
    assert not [r for r in report["requirements"] if r["outcome"] in ("violated", "warned", "crashed")]
    assert status == 2, text
    by_id = {r["id"]: r["outcome"] for r in report["requirements"]}
    assert by_id["RSTART-001"] == "conforms"
    assert by_id["CDR-024"] == "not-exercised"


def test_a_real_charger_knows_all_that_scenarios_do() -> None:
    """What a scenario does with a virtual EVSE is there, if only to say that no person can do it."""
    asked = set(re.findall(r"\bvirtual\.(\w+)", Path(actors.__file__).read_text()))
    real = RealFleet(generate_fleet("DE*ABC", "ABC", charge_points=1, evses_per_charge_point=1, seed=7), _nobody)
    assert len(asked) > 15
    assert not {name for name in asked if not hasattr(real.evses[0], name)}


async def _nobody(what: str, whose: str) -> None:
    raise AssertionError(what)


@pytest.mark.parametrize(("typed", "done"), [(b"\n", True), (b"s\n", False), (b"skip\n", False), (b"\x04", False)])
async def test_the_answer_of_a_person(monkeypatch: pytest.MonkeyPatch, typed: bytes, done: bool) -> None:
    """Enter: done; s, skip or the end of input: skipped."""
    with _terminal() as (person, program), os.fdopen(os.dup(program)) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(person, typed)
        assert await ask_at_terminal("restart the backend") is done


def test_nobody_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal nobody is waited for."""
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        assert asyncio.run(ask_at_terminal("restart the backend")) is False
