"""A recording played again: no difference with the CPO it was made of, every difference with another named."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oicp.evidence import Evidence, Exchange, read_lines
from oicp.wire_json import dump
from tap.replay import differences
from tap.script import ids_for, inferred_acts, script_of
from tests.rules.build import EVSE, OTHER, Build, ack
from tests.tap.as_har import write_har

ROOT = Path(__file__).resolve().parents[2]


def recorded(**session: Any) -> Evidence:
    """One session."""
    build = Build()
    build.charge(EVSE, t=10, **session)
    return build.evidence()


def with_cdr(evidence: Evidence, change: Callable[[dict[str, Any]], None]) -> Evidence:
    """The same with its charge detail records changed."""

    def changed(exchange: Exchange) -> Exchange:
        if exchange.operation != "ChargeDetailRecord":
            return exchange
        body = dict(exchange.body)
        change(body)
        return replace(exchange, request=replace(exchange.request, body=dump(body).encode()))

    return replace(evidence, exchanges=tuple(map(changed, evidence.exchanges)))


def told(old: Evidence, new: Evidence) -> list[str]:
    """Where they differ."""
    return [d.where for d in differences(old, new, {})]


def test_other_times_and_readings_are_no_difference() -> None:
    """The same session a while later, a second longer."""
    assert told(recorded(), recorded(seconds=21, wh=3150)) == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ConsumedEnergy", 3000),  # Wh
        ("ConsumedEnergy", "3.000"),
        ("ChargingStart", "2026-01-05T12:00:00"),  # without a zone
        ("SessionEnd", "05.01.2026 12:00"),
        ("MeterValueEnd", 3_000_000),
        ("CPOPartnerSessionID", 7),
        ("PartnerProductID", "AC 1"),
        ("EvseID", OTHER),
    ],
)
def test_what_is_written_otherwise_is_told(member: str, value: Any) -> None:
    """Another unit, type, notation or value."""
    old = with_cdr(recorded(), lambda body: body.setdefault("CPOPartnerSessionID", "1234"))
    new = with_cdr(old, lambda body: body.update({member: value}))
    assert [where for where in told(old, new) if where.startswith(f"/{member} ")]


def test_a_script_ends_with_the_last_statuses() -> None:
    """What a CPO told last of an EVSE is waited for when the recording is played again, under the id the EVSE has now."""
    assert script_of(recorded()).last == {EVSE.replace("*", ""): "Available"}
    assert script_of(recorded(), {EVSE: OTHER}).last == {OTHER.replace("*", ""): "Available"}
    assert script_of(recorded(status=False)).last == {}


def test_fraction_of_a_second_is_no_difference() -> None:
    """A time on the full second is often written without."""
    new = with_cdr(recorded(), lambda body: body.update(SessionStart="2026-01-05T12:00:01.250+01:00"))
    assert told(recorded(), new) == []


def test_records_and_refusals() -> None:
    """A record that is missing, or comes twice; an answer that is another one."""
    assert [w for w in told(recorded(), recorded(cdr=False)) if w.startswith("charge detail record of session")]
    build = Build()
    build.start(t=11, answer=ack("603"))
    refused = build.evidence()
    assert [w for w in told(recorded(), refused) if w.startswith("answer to AuthorizeRemoteStart")]


def test_unknown_evse_stays_unknown() -> None:
    """An EvseID of nobody is not mapped to an EVSE of the fleet; one that existed is."""
    build = Build()
    build.start(t=11, evse_id="DE*ABC*E9999", answer=ack("603"))
    build.charge(EVSE, t=20)
    assert ids_for(build.evidence(), ["DE*XYZ*E1", "DE*XYZ*E2"], {}) == {EVSE: "DE*XYZ*E1"}


def test_nobody_unplugs_before_the_stop() -> None:
    """Where nobody watched the chargers: plugged in before the start, unplugged after the record."""
    build = Build()
    build.charge(EVSE, t=10)
    build.push_status({EVSE: "Available"}, t=10.3)
    build.push_status({EVSE: "Available"}, t=30.7)
    plain = replace(build.evidence(), observations=())
    (plugged, unplugged) = inferred_acts(plain)
    assert plugged.t > 10.3  # the hub was told Available then
    (start,), (cdr,) = plain.about("AuthorizeRemoteStart"), plain.about("ChargeDetailRecord")
    assert plugged.t < start.t
    assert unplugged.t >= cdr.t


# --- with the reference CPO ------------------------------------------------------------------------------------------


def bench(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=200, check=False
    )


ONLY = "authorization.remote_start_and_stop, authorization.driver_unplugs, authorization.start_on_an_unknown_evse"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of the reference CPO."""
    out = tmp_path_factory.mktemp("recorded") / "out"
    done = bench(out, "run", "-q", "--only", ONLY, "--out", str(out))
    assert done.returncode in (0, 2), done.stdout + done.stderr
    return out


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["evidence", "redacted", "har"])
def test_the_same_cpo_does_the_same(run: Path, tmp_path: Path, kind: str) -> None:
    """As recorded, under pseudonyms, and from a HAR file, which knows no drivers."""
    file = tmp_path / f"recording.{kind}"
    if kind == "redacted":
        assert bench(tmp_path, "redact", str(run / "evidence.jsonl"), "--out", str(file)).returncode == 0
        assert "DE*ABC*E1001*1" in (run / "evidence.jsonl").read_text()
        assert "DE*ABC*E1001*1" not in file.read_text()
    elif kind == "har":
        write_har(read_lines((run / "evidence.jsonl").read_text().splitlines()), file)
    else:
        file = run / "evidence.jsonl"
    done = bench(tmp_path, "replay", str(file), "--out", str(tmp_path / "again"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no difference" in done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("variant", "word"),
    [("cdr-energy-in-wh", "/ConsumedEnergy in the charge detail record"), ("deliver-twice", "now 2 times")],
)
def test_another_cpo_is_told_apart(run: Path, tmp_path: Path, variant: str, word: str) -> None:
    """Broken variants in place of the CPO that was recorded."""
    config = (run / "bench.toml").read_text()
    config = config.replace('"-P", "-m", "cpo"', f'"-m", "tests.broken_cpos", "{variant}"')
    config = config.replace(f"{run}/cpo.sqlite", f"{tmp_path}/cpo.sqlite")
    config = config.replace(f'working_directory = "{run}"', f'working_directory = "{ROOT}"')
    (tmp_path / "bench.toml").write_text(config)
    done = bench(
        tmp_path, "replay", str(run / "evidence.jsonl"), "--config", str(tmp_path / "bench.toml"), "--out",
        str(tmp_path / "again"),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert word in done.stdout
