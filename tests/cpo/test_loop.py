"""The main job: full load, remote start, charge, remote stop, charge detail record."""

from pathlib import Path
from uuid import uuid4

from tests.cpo.doubles import EVCO_ID, charge_point, kwh, running_cpo, stage
from tests.cpo.lawful import faults_of

EVSE = "DE*ABC*E1001*1"


async def test_remote_start_charge_stop_and_charge_detail_record(tmp_path: Path) -> None:
    """One session over real wires leads to one record with the ids, the times of Berlin and the energy of the meter."""
    session_id = str(uuid4())
    async with stage(tmp_path) as where, running_cpo(where), charge_point(where) as box:
        await where.hub.receives("PushEvseStatus")
        assert [got.operation for got in where.hub.got[:2]] == ["PushEvseData", "PushEvseStatus"]
        assert (await where.start(EVSE, session_id))["Result"] is True
        await box.started.wait()
        for _ in range(3):
            box.meter_wh += 1001
            await box.reading()
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Occupied")
        assert (await where.stop(EVSE, session_id))["Result"] is True
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        await box.stopped.wait()
        await box.status("Available")
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")
    assert (record["SessionID"], record["EvseID"]) == (session_id, EVSE)
    assert record["Identification"] == {"RemoteIdentification": {"EvcoID": EVCO_ID}}
    assert record["EMPPartnerSessionID"] == "emp-1"
    assert kwh(record["ConsumedEnergy"]) == kwh("3.003")
    assert (kwh(record["MeterValueStart"]), kwh(record["MeterValueEnd"])) == (1, kwh("4.003"))
    assert record["SessionStart"] <= record["ChargingStart"] <= record["ChargingEnd"] == record["SessionEnd"]
    assert record["ChargingEnd"][19:] in ("+01:00", "+02:00")
    assert not any(got.overlap for got in where.hub.got)
    assert faults_of(where.hub) == []
