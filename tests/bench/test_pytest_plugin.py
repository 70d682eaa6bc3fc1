"""The pytest plugin plays a team's own tests as scenarios and fails them for what the CPO broke."""

import pytest

pytest_plugins = ["pytester"]

PLAN = '''
async def test_driver_unplugs(bench):
    """A record comes although nobody stopped."""
    evse = await bench.free_evse()
    await evse.plug_in()
    session = await bench.driver().remote_start(evse)
    await session.charging()
    await evse.unplug()
    await session.receives("ChargeDetailRecord", within=15)


async def test_never_reached(bench):
    """Nobody started anything: the milestone does not come."""
    evse = await bench.free_evse()
    await evse.reaches("Charging", within=0.2)
'''


def test_coroutine_is_a_scenario(pytester: pytest.Pytester) -> None:
    """A test that asks for `bench` passes against the reference CPO; one whose milestone does not come fails by name."""
    pytester.makepyfile(PLAN)
    pytester.makefile(".toml", bench="[fleet]\ncharge_points = 1\nevses_per_charge_point = 1\n")
    ended = pytester.runpytest_subprocess("-p", "no:asyncio", "--oicp-config", "bench.toml", timeout=100)
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(["*Charging at DE*"])
