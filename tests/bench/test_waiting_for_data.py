"""How long a scenario waits for what the CPO should have pushed, and when its operator is asked for it."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench.actors import Evse
from bench.facade import Bench
from bench.stage import Stage
from tests.rules.build import Build, record


def waits(*, hooks: tuple[str, ...], pushes: bool, comes: str) -> tuple[Bench, list[Any]]:
    """A bench with one EVSE over and over; `comes`: after which hook its data are at the hub."""
    build, happened = Build(), list[Any]()
    if pushes:
        build.push_data([record()], t=1)
    evse = SimpleNamespace(evse_id="DE*ABC*E1", is_known=False)
    bench = Bench.__new__(Bench)
    bench._unused = [evse, evse, evse]  # type: ignore[list-item]
    bench.recorder = SimpleNamespace(exchanges=build.exchanges)  # type: ignore[assignment]
    bench.stage = SimpleNamespace(  # type: ignore[assignment]
        waited_in_vain=set(), asked_to_push=False, hooks=SimpleNamespace(names=frozenset(hooks))
    )

    async def until(holds: Any, *, within: float, **_: Any) -> bool:
        happened.append(within)
        return bool(holds())

    async def asks_for(name: str, **_: Any) -> None:
        happened.append(name)
        evse.is_known = evse.is_known or name == comes

    bench.until, bench.asks_for = until, asks_for  # type: ignore[method-assign,assignment]
    return bench, happened


@pytest.mark.parametrize(
    ("hooks", "pushes", "comes", "first", "second"),
    [
        (("push_evse_data", "push_evse_status"), False, "push_evse_status", [20, "push_evse_data", "push_evse_status", 15], [20]),
        (("push_evse_data",), False, "never", [20, "push_evse_data", 15], [3]),  # asked once
        (("push_evse_data",), True, "never", [20, 15], [3]),  # it pushes by itself, whatever became of it
        ((), False, "never", [20, 15], [3]),
    ],
)  # fmt: skip
async def test_data_that_do_not_come(
    hooks: tuple[str, ...], pushes: bool, comes: str, first: list[Any], second: list[Any]
) -> None:
    """The operator is asked once; an EVSE that never came is not waited for as long again."""
    bench, happened = waits(hooks=hooks, pushes=pushes, comes=comes)
    await bench.free_evse()
    assert happened == first
    happened.clear()
    await bench.free_evse()
    assert happened == second


def test_a_fleet_file_without_records() -> None:
    """Where the backend has records of its own, those at the hub are its EVSEs' records, and all are open for roaming until one says no."""
    rows = [{"evse_id": "DE*ABC*E1"}, {"evse_id": "DE*ABC*E2", "data_record": {"IsHubjectCompatible": False}}]
    stage = Stage.__new__(Stage)
    stage.fleet_json = {"charge_points": [{"id": "CP-1", "evses": rows}]}
    assert stage.open_evse_ids == ("DE*ABC*E1",)
    virtual = SimpleNamespace(evse_id="DE*ABC*E1", data_record={}, charge_point=SimpleNamespace(latency=0))
    at_hub = {"EvseID": "DE*ABC*E1", "Plugs": ["CHAdeMO"]}
    bench = SimpleNamespace(record_at_hub=lambda evse_id: at_hub if evse_id == "DE*ABC*E1" else None)
    assert Evse(bench, virtual).data_record == at_hub  # type: ignore[arg-type]
