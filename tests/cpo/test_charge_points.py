"""What charge points do in real life: offline ends, repeats, reboots, resets, silence; and the status that follows."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from ocpp.v16 import call
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.cpo.doubles import Stage, TinyChargePoint, charge_point, fleet, kwh, now, running_cpo, stage

EVSE = "DE*ABC*E1001*1"


async def charging(where: Stage, box: TinyChargePoint) -> str:
    """A session that charges."""
    session_id = str(uuid4())
    assert (await where.start(EVSE, session_id))["Result"]
    await box.started.wait()
    return session_id


async def test_end_reported_late_and_twice_gives_one_record_with_the_true_time(tmp_path: Path) -> None:
    """The charge point was offline when the vehicle left; its report comes later, and once more."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where):
        async with charge_point(where) as box:
            await charging(where, box)
            transaction_id = box.transaction_id
        left = datetime.now(UTC)
        await asyncio.sleep(1.2)
        async with charge_point(where) as again:
            again.transaction_id, again.meter_wh = transaction_id, 2000
            await again.end("EVDisconnected", at=left.isoformat())
            record = (await where.hub.receives("ChargeDetailRecord"))[0].body
            await again.end("EVDisconnected", at=left.isoformat())
            await again.status("Available")
            await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")
    ended = datetime.fromisoformat(record["ChargingEnd"])
    assert timedelta(0) <= left - ended < timedelta(seconds=1)
    assert kwh(record["ConsumedEnergy"]) == 1
    assert len(where.hub.of("ChargeDetailRecord")) == 1


async def test_repeated_start_message_is_the_same_transaction(tmp_path: Path) -> None:
    """The answer to a StartTransaction got lost; the repeat gets the same number."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        box.begin_by_itself = False
        assert (await where.start(EVSE))["Result"]
        at = now()
        first, second = await box.begin(box.id_tag, at), await box.begin(box.id_tag, at)
        assert first.transaction_id == second.transaction_id
        assert second.id_tag_info["status"] == "Accepted"


async def test_meter_reset_while_charging_bills_what_flowed(tmp_path: Path) -> None:
    """1.5 kWh before the reset and 0.4 after it; no meter values that would contradict."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        await charging(where, box)
        await box.reading(2500)
        await box.reading(0)
        box.meter_wh = 400
        await box.end()
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert kwh(record["ConsumedEnergy"]) == kwh("1.9")
    assert "MeterValueStart" not in record


async def test_end_that_is_never_reported_is_assumed(tmp_path: Path) -> None:
    """After a reboot the connector is free again: the session is closed with the last reading."""
    options = ("--lost-transaction-timeout", "0.5")
    async with stage(tmp_path, fleet(1), *options) as where, running_cpo(where):
        async with charge_point(where) as box:
            await charging(where, box)
            await box.reading(1700)
        async with charge_point(where):
            record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert kwh(record["ConsumedEnergy"]) == kwh("0.7")


async def test_next_transaction_ends_the_one_before(tmp_path: Path) -> None:
    """Its end got lost: the register at the next start tells what it took."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        session_id = await charging(where, box)
        box.meter_wh += 800
        assert (await box.begin("OSOMEBODYELSE")).id_tag_info["status"] == "Invalid"
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert (record["SessionID"], kwh(record["ConsumedEnergy"])) == (session_id, kwh("0.8"))


async def test_wrong_clock_of_a_charge_point_does_not_reach_the_record(tmp_path: Path) -> None:
    """Times of 1970 give way to the times of arrival."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        box.begin_by_itself = False
        assert (await where.start(EVSE))["Result"]
        await box.begin(box.id_tag, "1970-01-01T00:00:07Z")
        await box.end(at="1970-01-01T00:05:00Z")
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert all(record[name] > "2020" for name in ("SessionStart", "ChargingStart", "ChargingEnd", "SessionEnd"))


async def test_statuses_follow_the_mapping(tmp_path: Path) -> None:
    """Available, Occupied, Reserved, OutOfService as the guide maps them, each pushed alone, repeats left out."""
    steps = [
        "Preparing",
        "Charging",
        "SuspendedEV",
        "Finishing",
        "Available",
        "Reserved",
        "Faulted",
        "Unavailable",
        "Available",
    ]
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Available"])
        for status in steps:
            count = len(where.hub.pushed(EVSE))
            await box.status(status)
            if status in ("Preparing", "Available", "Reserved", "Faulted"):
                await where.hub.until(lambda count=count: len(where.hub.pushed(EVSE)) > count)  # type: ignore[misc]
        await box.status("Unavailable", connector_id=0)
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "OutOfService")
        pushed = where.hub.pushed(EVSE)
        updates = where.hub.of("PushEvseStatus")[1:]
    wanted = ["Available", "Occupied", "Available", "Reserved", "OutOfService", "Available", "OutOfService"]
    assert pushed[-len(wanted) :] == wanted
    assert all(len(got.body["OperatorEvseStatus"]["EvseStatusRecord"]) == 1 for got in updates[1:])


async def test_silent_charge_point_becomes_unknown(tmp_path: Path) -> None:
    """Contact lost for longer than the grace time: no longer Available; back again: Available."""
    async with stage(tmp_path, fleet(1), "--offline-grace", "0.3") as where, running_cpo(where):
        async with charge_point(where):
            await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Available"])
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Unknown")
        async with charge_point(where):
            await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")


async def test_strangers_are_kept_out_and_unknown_tokens_invalid(tmp_path: Path) -> None:
    """A charge point that is not in the fleet is refused; no token but that of a session is good."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        with pytest.raises(InvalidStatus):
            await connect(f"{where.ocpp_url}/STRANGER", subprotocols=["ocpp1.6"])  # type: ignore[list-item]
        assert (await box.call(call.Authorize(id_tag="DEADBEEF"))).id_tag_info["status"] == "Invalid"
        box.begin_by_itself = False
        assert (await where.start(EVSE))["Result"]
        assert (await box.call(call.Authorize(id_tag=box.id_tag))).id_tag_info["status"] == "Accepted"


async def test_nonsense_of_a_charge_point_is_survived(tmp_path: Path) -> None:
    """Broken frames, unknown actions and unknown connectors do not end the connection."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        for frame in ("[", "{}", '[2,"1","Nonsense",{}]', '[2,"2","StatusNotification",{}]', '[3,"x",{}]'):
            await box._connection.send(frame)
        await box.status("Available", connector_id=7)
        await charging(where, box)


async def test_whole_transaction_while_offline_is_billed(tmp_path: Path) -> None:
    """Accepted, then no connection; plugged in, charged and left meanwhile; all of it is reported after the time limit."""
    async with stage(tmp_path, fleet(1), "--plug-in-timeout", "0.5") as where, running_cpo(where) as cpo:
        cpo.events.stable_after_s = 10.0
        async with charge_point(where) as box:
            box.begin_by_itself = False
            assert (await where.start(EVSE))["Result"]
            id_tag, began = box.id_tag, now()
        await asyncio.sleep(1.7)
        async with charge_point(where) as again:
            assert (await again.begin(id_tag, began)).id_tag_info["status"] == "Accepted"
            again.meter_wh += 640
            await again.end("EVDisconnected")
            record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert kwh(record["ConsumedEnergy"]) == kwh("0.64")
