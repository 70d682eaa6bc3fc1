"""Whatever a foreign CPO does, the run ends in time with a finding or a clear message; never a traceback, never status 4."""

from pathlib import Path

import pytest

from tests.foreign.modes import MODES
from tests.foreign.play import HANGS, Outcome, play_all

GROUPS = ("requests", "answers", "tls", "ocpp", "fleet")


@pytest.mark.parametrize("group", GROUPS)
def test_odd_cpos(group: str, tmp_path: Path) -> None:
    """Each mode leads to its exit status, its violations and its words; the innocent ones to no violation."""
    outcomes = play_all([mode for mode in MODES if mode.group == group], tmp_path)
    wrong = {outcome.mode.name: fault for outcome in outcomes if (fault := _wrong(outcome))}
    assert not wrong


def _wrong(outcome: Outcome) -> str:
    mode = outcome.mode
    shown = f"status {outcome.status}, violated {sorted(outcome.violated)}, {outcome.words}\n{outcome.told[-2000:]}"
    if outcome.status is None:
        return f"hangs for {HANGS:g} s: {shown}"
    if "Traceback" in outcome.told:
        return f"a traceback: {shown}"
    if outcome.status not in mode.statuses:
        return f"not the status that is right: {shown}"
    if not mode.violated <= outcome.violated or (mode.innocent and outcome.violated):
        return f"not the violations that are right: {shown}"
    if mode.says not in outcome.words or mode.also not in outcome.words:
        return f"does not say {mode.says!r} and {mode.also!r}: {shown}"
    return ""


def test_every_mode_has_its_group() -> None:
    """No mode is left out, none is there twice."""
    assert {mode.group for mode in MODES} == set(GROUPS)
    assert len({(mode.group, mode.name) for mode in MODES}) == len(MODES)


def test_names_for_plans() -> None:
    """`from bench import scenario` is the decorator, whatever was loaded before."""
    import importlib

    from bench import scenario

    importlib.import_module("bench.scenario")
    assert importlib.import_module("bench").scenario is scenario
    assert callable(scenario)
