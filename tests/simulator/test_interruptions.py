"""What goes wrong in the field: lost networks, reboots, power cuts, faults, servers that err."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from ocpp.exceptions import InternalError
from ocpp.v16 import call, call_result

from tests.simulator.stage import until
from tests.simulator.test_remote_start import charging, scene


async def test_a_whole_session_end_while_offline_arrives_late() -> None:
    """What happens offline is delivered in order after the reconnect, with the times it really happened."""
    async with scene() as s:
        await charging(s)
        await s.evse.charge_point.go_offline()
        assert not s.evse.charge_point.online
        await s.evse.deliver(kwh=1.2, within=10)
        await s.evse.unplug()
        stopped = s.seen.of("transaction_stopped")[0]
        assert not s.central.of("StopTransaction")
        await s.evse.charge_point.go_online(within=5)
        await s.fleet.delivered(within=5)
        actions = [a for _, a, _ in s.central.heard if a in ("StartTransaction", "MeterValues", "StopTransaction")]
        assert actions == ["StartTransaction", *["MeterValues"] * (len(actions) - 2), "StopTransaction"]
        stop = s.central.of("StopTransaction")[0]
        assert (stop["meter_stop"], stop["transaction_id"]) == (stopped["meter_wh"], 101)
        assert s.seen.kinds("transaction_stopped", "transaction_stop_delivered") == [
            "transaction_stopped", "transaction_stop_delivered",
        ]  # fmt: skip


async def test_a_start_that_was_not_answered_is_sent_again() -> None:
    """If the connection breaks before the answer to the start, it is sent again and the transaction gets its id then."""
    async with scene() as s:
        answers = iter([True])

        async def breaks(_: dict[str, Any]) -> None:
            if next(answers, False):
                s.central.peers["CP-1"].connection.transport.abort()

        s.central.scripts["StartTransaction"] = breaks
        await s.evse.plug_in()
        await s.central.remote_start("CP-1")
        await s.evse.reaches("Charging", within=5)
        await until(lambda: len(s.central.of("StartTransaction")) == 2)
        first, second = s.central.of("StartTransaction")
        assert first == second
        await s.evse.unplug()
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["transaction_id"] == s.central.transactions


async def test_an_answer_that_got_lost() -> None:
    """The CPO heard of the end and answered; the network broke, and the end is told once more, word by word."""
    async with scene() as s:
        await charging(s)
        s.evse.charge_point.lose_answer("end")
        await s.evse.unplug()
        await until(lambda: len(s.central.of("StopTransaction")) == 2)
        first, second = s.central.of("StopTransaction")
        assert first == second
        await s.fleet.delivered(within=5)
        assert len(s.seen.of("transaction_stop_delivered")) == 1


async def test_a_remote_stop_that_is_refused_once() -> None:
    """Charging goes on; the next stop is taken."""
    async with scene() as s:
        await charging(s)
        s.evse.refuse_next_remote_stop()
        assert await s.central.remote_stop("CP-1", 101) == "Rejected"
        assert s.evse.connector_status == "Charging"
        assert await s.central.remote_stop("CP-1", 101) == "Accepted"


@pytest.mark.parametrize(("hard", "reason"), [(False, "SoftReset"), (True, "HardReset")])
async def test_reboot_in_mid_session(hard: bool, reason: str) -> None:
    """A reboot ends the transaction, boots anew and leaves the EVSE Finishing until the cable is pulled."""
    async with scene() as s:
        await charging(s)
        await s.evse.charge_point.reboot(hard=hard, within=5)
        await s.fleet.delivered(within=5)
        assert [stop["reason"] for stop in s.central.of("StopTransaction")] == [reason]
        assert len(s.central.of("BootNotification")) == 2
        assert s.evse.connector_status == "Finishing"
        await s.evse.unplug()
        assert s.evse.connector_status == "Available"


@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_reset_by_the_cpo(kind: str) -> None:
    """Reset is accepted, then the charge point restarts."""
    async with scene() as s:
        answer = await s.central.ask("CP-1", call.Reset(kind))
        assert answer.status == "Accepted"
        await until(lambda: len(s.central.of("BootNotification")) == 2)


async def test_power_cut() -> None:
    """A power cut ends charging at once; the stop is told with reason PowerLoss when the power is back."""
    async with scene() as s:
        await charging(s)
        await s.evse.charge_point.lose_power()
        meter = s.evse.meter_wh
        assert not s.evse.charging and not s.evse.charge_point.online
        await s.evse.charge_point.restore_power(within=5)
        await s.fleet.delivered(within=5)
        stop = s.central.of("StopTransaction")[0]
        assert (stop["reason"], stop["meter_stop"]) == ("PowerLoss", meter)
        assert len(s.central.of("BootNotification")) == 2


async def test_fault_while_charging() -> None:
    """A fault stops the current and the transaction; when it is gone the cable is still in, then the EVSE is free."""
    async with scene() as s:
        await charging(s)
        await s.evse.fault("GroundFailure")
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["reason"] == "Other"
        await until(lambda: s.central.of("StatusNotification")[-1]["status"] == "Faulted")
        assert s.central.of("StatusNotification")[-1]["error_code"] == "GroundFailure"
        await s.evse.clear_fault()
        assert s.evse.connector_status == "Finishing"
        await s.evse.unplug()
        await until(lambda: s.central.of("StatusNotification")[-1]["status"] == "Available")
        assert s.central.of("StatusNotification")[-1]["error_code"] == "NoError"


async def test_meter_reset_in_mid_session() -> None:
    """After a reset of the meter the stop is lower than the start, as in the field; `deliver` still counts what flows."""
    async with scene() as s:
        await charging(s)
        s.evse.reset_meter()
        await s.evse.deliver(kwh=0.2, within=5)
        await s.evse.stop_at_car()
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["meter_stop"] < s.central.of("StartTransaction")[0]["meter_start"]


async def test_readings_in_kwh() -> None:
    """Told in kWh every reading is; meterStart and meterStop stay Wh, and so does what is observed."""
    async with scene() as s:
        s.evse.meters_in("kWh")
        await charging(s)
        await s.evse.deliver(kwh=1.2, within=10)
        await s.evse.stop_at_car()
        await s.fleet.delivered(within=5)
        start, stop = s.central.of("StartTransaction")[0]["meter_start"], s.central.of("StopTransaction")[0]
        samples = [value["sampled_value"][0] for call in s.central.of("MeterValues") for value in call["meter_value"]]
        samples += [value["sampled_value"][0] for value in stop["transaction_data"]]
        assert len(samples) > 2 and {sample["unit"] for sample in samples} == {"kWh"}
        read = [Decimal(sample["value"]) * 1000 for sample in samples]
        assert read[-2:] == [start, stop["meter_stop"]] and start <= min(read) and max(read) <= stop["meter_stop"]
        assert s.seen.of("transaction_stopped")[0]["meter_wh"] == stop["meter_stop"] >= start + 1200


async def test_charge_point_out_of_service_as_a_whole() -> None:
    """Each connector says so, and connector 0; put back the same. Observed are both, and that the CPO heard them."""
    async with scene() as s:
        await until(lambda: len(s.central.of("StatusNotification")) == 2)
        await s.evse.charge_point.set_unavailable()
        await until(lambda: len(s.central.of("StatusNotification")) == 4)
        assert [(p["connector_id"], p["status"]) for p in s.central.of("StatusNotification")[2:]] == [
            (1, "Unavailable"), (0, "Unavailable"),
        ]  # fmt: skip
        await s.evse.charge_point.set_available()
        await until(lambda: len(s.central.of("StatusNotification")) == 6)
        await s.evse.charge_point.set_available()
        assert s.evse.connector_status == "Available"
        assert [o["connector_status"] for o in s.seen.of("charge_point_status")] == ["Unavailable", "Available"]
        await until(lambda: len(s.seen.of("charge_point_status_delivered")) == 3)


async def test_fault_of_the_controller() -> None:
    """Connector 0 alone says Faulted; the connector is as free as before."""
    async with scene() as s:
        await until(lambda: len(s.central.of("StatusNotification")) == 2)
        await s.evse.charge_point.controller_fault()
        await s.evse.charge_point.clear_controller_fault()
        await until(lambda: len(s.central.of("StatusNotification")) == 4)
        assert [(p["connector_id"], p["status"], p["error_code"]) for p in s.central.of("StatusNotification")[2:]] == [
            (0, "Faulted", "InternalError"), (0, "Available", "NoError"),
        ]  # fmt: skip
        assert s.evse.connector_status == "Available"


async def test_a_server_that_errs_is_asked_again() -> None:
    """A transaction message answered by an error is repeated, then given up; charging is not stranded by it."""

    def error(_: dict[str, Any]) -> Any:
        raise InternalError(description="database is down")

    async with scene() as s:
        s.central.scripts["StartTransaction"] = error
        await s.evse.plug_in()
        await s.central.remote_start("CP-1")
        await s.evse.reaches("Charging", within=5)
        assert len(s.central.of("StartTransaction")) == 3
        await s.evse.unplug()
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["transaction_id"] == -1
        assert "database is down" in s.seen.calls("StartTransaction")[0]["error"]


async def test_late_answer_to_the_start() -> None:
    """Current does not wait for ever: if the answer to the start is late, charging begins and the id comes when it comes."""
    answer_now = asyncio.Event()

    async def late(_: dict[str, Any]) -> Any:
        await answer_now.wait()
        return call_result.StartTransaction(55, {"status": "Accepted"})

    async with scene(energy_grace=0.1, transaction_timeout=30.0) as s:
        s.central.scripts["StartTransaction"] = late
        await s.evse.plug_in()
        await s.central.remote_start("CP-1")
        await s.evse.reaches("Charging", within=5)
        assert s.evse.transaction is not None and s.evse.transaction.transaction_id is None
        await s.evse.unplug()
        answer_now.set()
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["transaction_id"] == 55


async def test_unlocking_in_mid_session() -> None:
    """UnlockConnector ends a running transaction."""
    async with scene() as s:
        await charging(s)
        answer = await s.central.ask("CP-1", call.UnlockConnector(1))
        assert answer.status == "Unlocked"
        await s.evse.reaches("Finishing", within=5)
        await s.fleet.delivered(within=5)
        assert s.central.of("StopTransaction")[0]["reason"] == "UnlockCommand"


async def test_latency_delays_every_frame() -> None:
    """Injected latency holds back what the charge point sends, its answers too."""
    async with scene() as s:
        s.evse.charge_point.latency = 0.3
        began = asyncio.get_running_loop().time()
        assert await s.central.remote_start("CP-1") == "Accepted"
        assert asyncio.get_running_loop().time() - began >= 0.29
