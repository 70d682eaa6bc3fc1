"""Scenarios: chosen by expressions, loaded from files, written as the house wants them, given EVSEs of their own."""

import ast
import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import scenarios
from bench.pool import Pool
from bench.runner import phases
from bench.scenario import Scenario, ScenarioError, Skipped, built_in, chosen, from_file, matching


async def _nothing(_: object) -> None:
    return None


def _scenario(name: str, **more: object) -> Scenario:
    return Scenario(name, f"title of {name}", _nothing, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("cdr", {"a.cdr_lost", "b.cdr"}), ("cdr and not lost", {"b.cdr"}), ("b.cdr, start", {"b.cdr", "a.start"}),
        ("(start or cdr) and a.", {"a.start", "a.cdr_lost"}), ("not (cdr or start)", {"c.other"}), ("TITLE", {"a.start", "a.cdr_lost", "b.cdr", "c.other"}),
        ("a.*", {"a.start", "a.cdr_lost"}), ("*cdr", {"b.cdr"}), ("*.cdr* and not b.*", {"a.cdr_lost"}), ("title*", set()),
    ],
)  # fmt: skip
def test_expressions(expression: str, names: set[str]) -> None:
    """Words of name or title, and, or, not, brackets, comma."""
    everything = [_scenario(n) for n in ("a.start", "a.cdr_lost", "b.cdr", "c.other")]
    assert {s.name for s in everything if matching(expression)(s)} == names


@pytest.mark.parametrize("expression", ["", "and", "a and", "not", "(a", "a)", "a b", ")"])
def test_expressions_that_are_none(expression: str) -> None:
    """Each is explained, none is taken for something else."""
    with pytest.raises(ScenarioError, match="--only"):
        matching(expression)


def test_long_ones_and_other_profiles_only_on_demand() -> None:
    """The default is what a remote-only CPO needs and what takes no minutes."""
    everything = [_scenario("a"), _scenario("b", long=True), _scenario("c", profile="full")]
    assert [s.name for s in chosen(everything, profiles=frozenset({"remote-only"}))] == ["a"]
    assert len(chosen(everything, profiles=frozenset({"remote-only", "full"}), long=True)) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "holds no scenario"),
        ("def broken(:\n", "plan.py:1"),
        ("raise RuntimeError('no')\n", "RuntimeError: no"),
    ],
)
def test_files_that_are_no_plan(tmp_path: Path, text: str, words: str) -> None:
    """File, line and reason."""
    (tmp_path / "plan.py").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        from_file(tmp_path / "plan.py")
    assert words in str(caught.value)


def test_the_built_in_scenarios_read_like_a_plan() -> None:
    """At most 25 lines, no branch, no assertion; a sentence says what happens."""
    assert len(built_in()) > 90
    for path in Path(scenarios.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.AsyncFunctionDef) or node.name == "play":
                continue
            assert ast.get_docstring(node), f"{path.name}: {node.name} lacks its sentence"
            assert (node.end_lineno or 0) - node.lineno < 25, f"{path.name}: {node.name} is too long"
            wrong = [n for n in ast.walk(node) if isinstance(n, ast.If | ast.IfExp | ast.Assert | ast.Try | ast.While)]
            assert not wrong, f"{path.name}: {node.name} branches or asserts"


def test_phases() -> None:
    """Undisturbed ones together, then those that disturb, then exclusive ones one by one, then what uses up."""
    everything = [
        _scenario("last", uses_up=True), _scenario("alone", exclusive=True), _scenario("fault", disturbs=True),
        _scenario("short"), _scenario("slow", slow=True), _scenario("long", long=True),
    ]  # fmt: skip
    assert [[s.name for s in phase] for phase in phases(everything)] == [
        ["long", "slow", "short"],
        ["fault"],
        ["alone"],
        ["last"],
    ]


@dataclass(frozen=True)
class _ChargePoint:
    id: str


@dataclass(frozen=True)
class _Evse:
    evse_id: str
    charge_point: _ChargePoint
    data_record: dict[str, Any] = field(default_factory=dict, hash=False)


def _fleet(charge_points: int, each: int) -> list[_Evse]:
    return [
        _Evse(f"E{i}*{j}", cp) for i in range(charge_points) for cp in (_ChargePoint(f"CP{i}"),) for j in range(each)
    ]


async def test_every_scenario_has_evses_of_its_own() -> None:
    """Whatever the order: nobody shares one, exclusive ones have all, those that use up give none back."""
    pool = Pool(_fleet(3, 2))  # type: ignore[arg-type]
    held: set[str] = set()
    wanted = [
        _scenario(f"s{i}", evses=1 + i % 3, whole_charge_point=i % 4 == 0, exclusive=i % 5 == 4) for i in range(40)
    ]

    async def one(scenario: Scenario) -> None:
        async with pool.lease(scenario) as evses:
            ids = {e.evse_id for e in evses}
            assert not ids & held
            assert len(ids) >= (6 if scenario.exclusive else min(scenario.evses, 2))
            if scenario.whole_charge_point and not scenario.exclusive:
                assert len({e.charge_point for e in evses}) == 1
            held.update(ids)
            await asyncio.sleep(0)
            held.difference_update(ids)

    async with asyncio.timeout(10):
        await asyncio.gather(*(one(s) for s in wanted))
    async with pool.lease(_scenario("last", uses_up=True)):
        pass
    async with pool.lease(_scenario("rest", exclusive=True)) as evses:
        assert len(evses) == 5


def test_a_fleet_that_is_too_small() -> None:
    """Skipped with the number, not waited for."""
    with pytest.raises(Skipped, match="needs 3 EVSEs, the fleet has 1"):
        Pool(_fleet(1, 1)).check(_scenario("x", evses=3))  # type: ignore[arg-type]


async def test_two_evses_are_neighbours() -> None:
    """A backend that mixes up the EVSEs of a charge point is seen only where both are in use; single ones leave pairs alone."""
    pool = Pool(_fleet(3, 2))  # type: ignore[arg-type]
    one, pair = _scenario("x"), _scenario("y", evses=2)
    async with (
        pool.lease(one) as single,
        pool.lease(pair) as first,
        pool.lease(one) as beside,
        pool.lease(pair) as second,
    ):
        assert [e.evse_id for e in (*single, *beside)] == ["E0*0", "E0*1"]
        assert [e.evse_id for e in (*first, *second)] == ["E1*0", "E1*1", "E2*0", "E2*1"]
    pool = Pool(_fleet(2, 1))  # type: ignore[arg-type]
    async with pool.lease(pair) as apart:
        assert [e.evse_id for e in apart] == ["E0*0", "E1*0"]


async def test_kinds_of_evses() -> None:
    """EVSEs that are not open for roaming are for the scenarios that ask for them, also from the exclusive ones."""
    fleet = _fleet(2, 2)
    fleet[3].data_record["IsHubjectCompatible"] = False
    fleet[0].data_record["CalibrationLawDataAvailability"] = "External"
    pool = Pool(fleet)  # type: ignore[arg-type]
    wanted = {"private": ["E1*1"], "signed": ["E0*0"]}
    for kind, ids in wanted.items():
        async with pool.lease(_scenario("x", kind=kind)) as evses:
            assert [e.evse_id for e in evses] == ids
    async with pool.lease(_scenario("x", exclusive=True)) as evses:
        assert sorted(e.evse_id for e in evses) == ["E0*0", "E0*1", "E1*0"]
    with pytest.raises(Skipped, match="needs 2 EVSEs not open for roaming, the fleet has 1"):
        pool.check(_scenario("x", kind="private", evses=2))


async def test_a_whole_charge_point_is_held_with_all_it_has() -> None:
    """What is done to the charge point would be felt by a scenario at its private EVSE, and the other way round."""
    fleet = _fleet(1, 2)
    fleet[0].data_record["IsHubjectCompatible"] = False
    pool = Pool(fleet)  # type: ignore[arg-type]
    whole, private = _scenario("x", whole_charge_point=True), _scenario("y", kind="private")
    async with pool.lease(whole) as evses:
        assert [e.evse_id for e in evses] == ["E0*1", "E0*0"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), pool.lease(private):
                pass
    async with pool.lease(private) as evses:
        assert [e.evse_id for e in evses] == ["E0*0"]
