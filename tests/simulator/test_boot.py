"""Getting connected: boot, back-off, heartbeats, and a CPO that is slow or silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ocpp.v16 import call, call_result

from simulator.fleet import Fleet
from simulator.waiting import StationError, StationTimeout
from tests.simulator.central import NOW, Central, Observations
from tests.simulator.stage import EVSE, fleet_json, quick, until


async def test_reports_itself_and_every_connector() -> None:
    """After the boot the CPO hears the state of connector 0 and of each connector."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(2, 2), central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        await until(lambda: len(central.of("StatusNotification")) == 6)
        for ident in ("CP-1", "CP-2"):
            actions = [(a, p.get("connector_id")) for i, a, p in central.heard if i == ident]
            assert actions == [("BootNotification", None), *(("StatusNotification", n) for n in (0, 1, 2))]
        await until(lambda: len(seen.of("connector_status_delivered")) == 4)
    assert len(seen.of("charge_point_connected")) == 2


@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_waits_as_long_as_the_cpo_says(status: str) -> None:
    """Pending or rejected, the boot is repeated after the interval and nothing else is sent before it is accepted."""
    answers = iter([call_result.BootNotification(NOW, 1, status)])
    seen = Observations()
    async with Central() as central:
        central.scripts["BootNotification"] = lambda _: next(answers, None)
        began = asyncio.get_running_loop().time()
        async with Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet:
            await until(lambda: len(seen.of("charge_point_refused")) == 1)
            assert await central.remote_start("CP-1") == "Rejected"
            assert [action for _, action, _ in central.heard] == ["BootNotification"]
            await fleet.connected(within=5)
            assert asyncio.get_running_loop().time() - began > 0.95
    assert status in seen.of("charge_point_refused")[0]["reason"]


@asynccontextmanager
async def _pending() -> AsyncIterator[tuple[Central, Fleet]]:
    """A charge point whose first boot was answered Pending for ten minutes."""
    answers = iter([call_result.BootNotification(NOW, 600, "Pending")])
    seen = Observations()
    async with Central() as central:
        central.scripts["BootNotification"] = lambda _: next(answers, None)
        async with Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet:
            await until(lambda: len(seen.of("charge_point_refused")) == 1)
            yield central, fleet


async def test_a_trigger_shortens_the_wait() -> None:
    """A pending charge point asked for its BootNotification sends it at once."""
    async with _pending() as (central, fleet):
        answer = await central.ask("CP-1", call.TriggerMessage("BootNotification"))
        assert answer.status == "Accepted"
        await fleet.connected(within=5)


async def test_pending_only_what_was_asked_for() -> None:
    """While Pending nothing goes out but what the CPO triggers; that does."""
    async with _pending() as (central, fleet):
        for message in ("StatusNotification", "MeterValues", "Heartbeat"):
            assert (await central.ask("CP-1", call.TriggerMessage(message))).status == "Accepted"
        await until(lambda: len(central.of("Heartbeat")) == 1)
        said = ["BootNotification", "StatusNotification", "StatusNotification", "MeterValues", "Heartbeat"]
        assert [action for _, action, _ in central.heard] == said
        await central.ask("CP-1", call.TriggerMessage("BootNotification"))
        await fleet.connected(within=5)


async def test_rejected_what_was_asked_for_waits() -> None:
    """While Rejected nothing at all goes out; what the CPO triggered all the same comes after the boot was accepted."""
    answers = iter([call_result.BootNotification(NOW, 1, "Rejected")])
    async with Central() as central:
        central.scripts["BootNotification"] = lambda _: next(answers, None)
        async with Fleet(fleet_json(), central.url, Observations(), settings=quick()) as fleet:
            await until(lambda: len(central.of("BootNotification")) == 1)
            await central.ask("CP-1", call.TriggerMessage("Heartbeat"))
            await fleet.connected(within=5)
            await until(lambda: len(central.of("Heartbeat")) == 1)
            assert [action for _, action, _ in central.heard[:2]] == ["BootNotification"] * 2


async def test_heartbeats_in_the_interval_of_the_cpo() -> None:
    """Heartbeats come when nothing else was said for the interval the CPO gave."""
    async with Central() as central:
        central.scripts["BootNotification"] = lambda _: call_result.BootNotification(NOW, 1, "Accepted")
        async with Fleet(fleet_json(), central.url, Observations(), settings=quick()) as fleet:
            await fleet.connected(within=5)
            await until(lambda: len(central.of("Heartbeat")) == 1, within=3)


async def test_comes_back_after_a_loss_without_a_new_boot() -> None:
    """When the CPO closes, the charge point reconnects and reports its states; it has not rebooted."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        await central.peers["CP-1"].connection.close(1001, "restart")
        await until(lambda: len(seen.of("charge_point_connected")) == 2)
        assert len(central.of("BootNotification")) == 1
        assert "1001" in seen.of("charge_point_disconnected")[0]["reason"]


async def test_a_cpo_that_is_not_there_yet() -> None:
    """Connecting is tried again until the CPO listens; the error names what was waited for and what happened instead."""
    seen = Observations()
    async with Central() as central:
        url = central.url
    async with Fleet(fleet_json(), url, seen, settings=quick()) as fleet:
        with pytest.raises(StationTimeout, match=r"CP-1 connecting to ws://.* within 0.3 s.*refused|Connect"):
            await fleet.connected(within=0.3)
    assert seen.of("charge_point_refused")


async def test_silence_to_status_notifications_does_not_hang() -> None:
    """A CPO that never answers StatusNotification still gets boots, starts and stops."""

    seen = Observations()
    async with (
        Central(silent_about={"StatusNotification"}) as central,
        Fleet(fleet_json(), central.url, seen, settings=quick(call_timeout=0.4)) as fleet,
    ):
        await fleet.connected(within=5)
        evse = fleet.evse(EVSE)
        await evse.plug_in()
        assert await central.remote_start("CP-1") == "Accepted"
        await evse.reaches("Charging", within=5)
        await evse.unplug()
        await fleet.delivered(within=10)
        assert central.of("StopTransaction")[0]["reason"] == "EVDisconnected"
    assert not seen.of("connector_status_delivered")


def test_unknown_names_are_named() -> None:
    """Asking for an EVSE the fleet lacks says which it has."""

    async def ask() -> None:
        fleet = Fleet(fleet_json(), "ws://127.0.0.1:1", Observations())
        with pytest.raises(StationError, match=r"no EVSE DE\*ABC\*E9.*DE\*ABC\*E1\*1"):
            fleet.evse("DE*ABC*E9")
        with pytest.raises(StationError, match="no charge point"):
            fleet.charge_point("CP-9")

    asyncio.run(ask())
