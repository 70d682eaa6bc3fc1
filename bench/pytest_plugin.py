"""A pytest plugin: a team's own tests put hub, fleet and CPO on stage and drive them as scenarios do.

    async def test_remote_start(bench):
        evse = await bench.free_evse()
        await evse.plug_in()
        session = await bench.driver().remote_start(evse)
        await session.charging()
        await evse.unplug()
        await session.receives("ChargeDetailRecord", within=10)

A test that asks for `bench` is such a scenario: it fails if a milestone is not reached, or if anything the CPO did meanwhile breaks a
requirement. `--oicp-config bench.toml` (or `oicp_config` in the pytest configuration) names the CPO, else it is the reference CPO.
"""

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reports.report import Report

_OPTION = "oicp_config"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--oicp-config FILE`, and the same as an ini value."""
    text = "bench.toml of the CPO under test; the reference CPO unless given"
    parser.getgroup("oicp-bench").addoption("--oicp-config", dest=_OPTION, default=None, help=text)
    parser.addini(_OPTION, text, default="")


class OicpBench:
    """Plays coroutines of a test on a stage of their own. `out`: folder of the last report."""

    def __init__(self, config: Path | None, out: Path, seed: int = 7) -> None:
        self.config, self.out, self.seed = config, out, seed

    def play(self, *scripts: Callable[..., Awaitable[None]], **options: Any) -> "Report":
        """Play them side by side and judge; `options` are those of `@scenario`. Fails the test on violations and unreached milestones."""
        from bench.config import load_config
        from bench.embedded import with_reference_cpo
        from bench.run import Order, execute
        from bench.scenario import Scenario
        from bench.stage import read_fleet

        config = with_reference_cpo(load_config(self.config, []), self.out)
        assert config.cpo is not None
        scenarios = tuple(
            Scenario(f"test.{s.__name__}", (s.__doc__ or s.__name__).splitlines()[0], s, **options) for s in scripts
        )
        order = Order(
            config, read_fleet(config, config.cpo, self.seed), self.out, scenarios, self.seed, command="pytest"
        )
        result = execute(order)
        _fail_on(result.report, result.troubles, self.out)
        return result.report


def _fail_on(report: "Report", troubles: list[str], out: Path) -> None:
    said = [f"{s.name}: {s.reason}" for s in report.scenarios if s.outcome == "blocked"]
    said += troubles
    for verdict in report.verdict.requirements:
        if verdict.outcome in ("violated", "crashed"):
            said.append(f"{verdict.requirement.id} {verdict.requirement.title}")
            said += [f"    {f.observed}{f' [{f.pointer}]' if f.pointer else ''}" for f in verdict.findings[:3]]
            said.append(f"    fix: {verdict.requirement.fix}")
    if said:
        pytest.fail("\n".join([*said, f"report: {out / 'report.html'}"]), pytrace=False)


@pytest.fixture
def oicp_bench(request: pytest.FixtureRequest, tmp_path: Path) -> OicpBench:
    """The bench for tests that are no coroutines: `report = oicp_bench.play(script, ...)`."""
    named = request.config.getoption(_OPTION) or request.config.getini(_OPTION)
    config = request.config.rootpath / named if named else None
    return OicpBench(config, tmp_path / "report")


class _Ticket:
    """What a test's parameter `bench` holds until the test is played."""

    def __init__(self, bench: OicpBench) -> None:
        self.oicp_bench = bench

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(
            f"bench.{name}: only an `async def` test that no other plugin runs may drive `bench`; with pytest-asyncio use "
            "asyncio_mode = strict, or write the script as a function of its own and call oicp_bench.play(script)"
        )


@pytest.fixture
def bench(oicp_bench: OicpBench) -> _Ticket:
    """The work bench, in the hands of an `async def` test."""
    return _Ticket(oicp_bench)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Plays a coroutine test that asks for `bench` as a scenario."""
    ticket = pyfuncitem.funcargs.get("bench")
    test = pyfuncitem.obj
    if not isinstance(ticket, _Ticket) or not inspect.iscoroutinefunction(test):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    others = {name: pyfuncitem.funcargs[name] for name in names if name != "bench"}

    async def script(bench: Any) -> None:
        await test(bench=bench, **others)

    script.__name__, script.__doc__ = test.__name__, test.__doc__
    marker = pyfuncitem.get_closest_marker("oicp")
    ticket.oicp_bench.play(script, **(marker.kwargs if marker else {}))
    return True


def pytest_configure(config: pytest.Config) -> None:
    """`@pytest.mark.oicp(evses=2, needs=("restart",))`: what the test needs, as in `@scenario`."""
    config.addinivalue_line("markers", "oicp(**options): what a test with `bench` needs, as in @scenario")
