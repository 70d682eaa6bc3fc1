"""What is offered only if it is switched on: reservation, notifications, prices, RFID readers, signed meter values."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from ocpp.v16 import call

from tests.cpo.doubles import (
    EVCO_ID,
    OPERATOR,
    Stage,
    TinyChargePoint,
    charge_point,
    fleet,
    kwh,
    now,
    running_cpo,
    stage,
)
from tests.cpo.lawful import faults_of

EVSE = "DE*ABC*E1001*1"
RESERVATION = "/api/oicp/reservation/v11/providers/DE-DCB/reservation-{}-request"
UID = "04AABBCCDDEEFF"


async def reserve(where: Stage, session_id: str, evco_id: str = EVCO_ID, duration: int | None = 15) -> Any:
    """Reservation start as the hub sends it."""
    body = {
        "SessionID": session_id, "ProviderID": "DE-DCB", "EvseID": EVSE, "Duration": duration,
        "Identification": {"RemoteIdentification": {"EvcoID": evco_id}}, "PartnerProductID": "RES15",
    }  # fmt: skip
    return await where.call(RESERVATION.format("start"), body)


async def unreserve(where: Stage, session_id: str) -> Any:
    """Reservation stop."""
    return await where.call(
        RESERVATION.format("stop"), {"SessionID": session_id, "ProviderID": "DE-DCB", "EvseID": EVSE}
    )


def code(answer: Any) -> str:
    """The code of an acknowledgement."""
    return str(answer["StatusCode"]["Code"])


async def test_reservation_holds_for_its_driver_and_ends_with_a_record(tmp_path: Path) -> None:
    """Others get 601, Reserved is pushed, the holder starts; the reservation has a record of its own with 0 kWh."""
    mine, charge = str(uuid4()), str(uuid4())
    async with stage(tmp_path, fleet(1), "--reservation") as where, running_cpo(where), charge_point(where) as box:
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Available"])
        assert code(await reserve(where, mine)) == "000"
        assert code(await reserve(where, mine)) == "000"
        assert code(await reserve(where, str(uuid4()))) == "601"
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Reserved")
        assert code(await where.start(EVSE, evco_id="DE-XYZ-C87654321-1")) == "601"
        assert not where.hub.of("ChargeDetailRecord")
        assert code(await where.start(EVSE, charge)) == "000"
        await box.started.wait()
        box.meter_wh += 500
        assert code(await unreserve(where, mine)) == "400"
        assert code(await where.stop(EVSE, charge)) == "000"
        records = {g.body["SessionID"]: g.body for g in await where.hub.receives("ChargeDetailRecord", 2)}
    assert (records[mine]["ConsumedEnergy"], records[mine]["PartnerProductID"]) == (0, "RES15")
    assert kwh(records[charge]["ConsumedEnergy"]) == kwh("0.5")
    assert [command.split()[0] for command in box.commands] == ["reserve", "start", "stop"]
    assert faults_of(where.hub) == []


async def test_reservation_stop_frees_the_evse_or_says_no(tmp_path: Path) -> None:
    """Unknown session 400, charge point that refuses 501 and it stays, then 000 and a record."""
    mine = str(uuid4())
    async with stage(tmp_path, fleet(1), "--reservation") as where, running_cpo(where), charge_point(where) as box:
        assert code(await unreserve(where, mine)) == "400"
        box.accept = "Occupied"
        assert code(await reserve(where, mine)) == "602"
        box.accept = "Accepted"
        other = str(uuid4())
        assert code(await reserve(where, other, duration=None)) == "000"
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Reserved"])
        box.accept = "Rejected"
        assert code(await unreserve(where, other)) == "501"
        assert not where.hub.of("ChargeDetailRecord")
        box.accept = "Accepted"
        assert code(await unreserve(where, other)) == "000"
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")
    assert record["SessionID"] == other
    assert record["ChargingStart"] <= record["ChargingEnd"]


async def test_reservation_is_not_served_unless_offered(tmp_path: Path) -> None:
    """A CPO without reservations says so in an acknowledgement."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where):
        assert code(await reserve(where, str(uuid4()))) == "320"


async def charged(where: Stage, box: TinyChargePoint) -> str:
    """A session with two readings."""
    session_id = str(uuid4())
    assert (await where.start(EVSE, session_id))["Result"]
    await box.started.wait()
    for _ in range(2):
        box.meter_wh += 700
        await box.reading()
    await box.end("EVDisconnected")
    return session_id


async def test_notifications_come_in_order_and_before_the_record(tmp_path: Path) -> None:
    """Start with the first energy, End before the record, consistent with it."""
    async with stage(tmp_path, fleet(1), "--notifications") as where, running_cpo(where), charge_point(where) as box:
        session_id = await charged(where, box)
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        start, end = (got.body for got in where.hub.of("ChargingNotifications"))
        order = [
            got.operation for got in where.hub.got if got.operation in ("ChargingNotifications", "ChargeDetailRecord")
        ]
    assert order == ["ChargingNotifications"] * 2 + ["ChargeDetailRecord"]
    assert (start["Type"], end["Type"]) == ("Start", "End")
    assert {start["SessionID"], end["SessionID"], record["SessionID"]} == {session_id}
    assert start["OperatorID"] == end["OperatorID"] == OPERATOR
    assert end["ConsumedEnergy"] == record["ConsumedEnergy"] == kwh("1.4")
    assert start["ChargingStart"] == end["ChargingStart"] == record["ChargingStart"]
    assert faults_of(where.hub) == []


async def test_unwanted_notifications_do_no_harm(tmp_path: Path) -> None:
    """320, 310 and outages: no endless repeats, and the record comes."""
    async with stage(tmp_path, fleet(1), "--notifications") as where:
        where.hub.answers["ChargingNotifications"] = [(200, {"Result": False, "StatusCode": {"Code": "320"}})] + [
            (503, {})
        ] * 9
        async with running_cpo(where) as cpo, charge_point(where) as box:
            await charged(where, box)
            await where.hub.receives("ChargeDetailRecord")
            await where.hub.until(lambda: not cpo.outbox.of("ChargingNotifications"))
            assert len(where.hub.of("ChargingNotifications")) <= 4


async def test_prices_are_pushed_after_the_data(tmp_path: Path) -> None:
    """Products first, then which EVSE sells them; numbers are numbers."""
    async with stage(tmp_path, fleet(1), "--pricing") as where, running_cpo(where):
        assignment = (await where.hub.receives("PushEVSEPricing"))[0].body
        products = where.hub.of("PushPricingProductData")[0].body["PricingProductData"]
        order = [got.operation for got in where.hub.got if got.operation.startswith("Push")]
    assert order.index("PushEvseData") < order.index("PushPricingProductData") < order.index("PushEVSEPricing")
    assert assignment["EVSEPricing"] == [{"EvseID": EVSE, "ProviderID": "*", "EvseIDProductList": ["AC3"]}]
    assert products["PricingProductDataRecords"][0]["PricePerReferenceUnit"] == kwh("0.36")
    assert faults_of(where.hub) == []


def authorized(session_id: str | None, **more: Any) -> tuple[int, Any]:
    """An answer to AuthorizeStart."""
    status = "Authorized" if session_id else "NotAuthorized"
    return 200, {
        "SessionID": session_id, "AuthorizationStatus": status, "StatusCode": {"Code": "000" if session_id else "102"},
        "ProviderID": "DE-DCB" if session_id else None, "AuthorizationStopIdentifications": None,
    } | more  # fmt: skip


async def test_rfid_card_charges_only_if_the_hub_says_so(tmp_path: Path) -> None:
    """NotAuthorized and no answer mean no; Authorized gives the SessionID that the record carries."""
    session_id = str(uuid4())
    async with stage(tmp_path, fleet(1), "--rfid") as where, running_cpo(where), charge_point(where) as box:
        where.hub.answers["AuthorizeStart"] = [authorized(None), (503, {}), authorized(session_id)]
        for _ in range(2):
            assert (await box.call(call.Authorize(id_tag=UID))).id_tag_info["status"] == "Invalid"
        assert (await box.call(call.Authorize(id_tag=UID.lower()))).id_tag_info["status"] == "Accepted"
        await box.begin(UID)
        box.meter_wh += 321
        where.hub.answers["AuthorizeStop"] = [authorized(None), authorized(session_id)]
        assert (await box.call(call.Authorize(id_tag="0011223344556677889A"))).id_tag_info["status"] == "Invalid"
        assert (await box.call(call.Authorize(id_tag="0011223344556677889A"))).id_tag_info["status"] == "Accepted"
        await box.end("Local")
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    asked = where.hub.of("AuthorizeStart")[0].body
    assert asked["Identification"] == {"RFIDMifareFamilyIdentification": {"UID": UID}}
    assert asked["EvseID"] == EVSE
    assert where.hub.of("AuthorizeStop")[0].body["SessionID"] == session_id
    assert record["Identification"] == asked["Identification"]
    assert (record["SessionID"], kwh(record["ConsumedEnergy"])) == (session_id, kwh("0.321"))
    assert faults_of(where.hub) == []


async def test_signed_values_are_forwarded(tmp_path: Path) -> None:
    """An EVSE with External data: the signed records of begin and end stand in the record as they were signed."""
    external = fleet(1, CalibrationLawDataAvailability="External")
    external["charge_points"][0]["evses"][0]["public_key"] = "3059301306072A8648CE3D02"
    async with stage(tmp_path, external) as where, running_cpo(where), charge_point(where) as box:
        assert (await where.start(EVSE))["Result"]
        await box.started.wait()
        for context in ("Transaction.Begin", "Transaction.End"):
            sample = {"value": f"OCMF|{{}}|{context}", "format": "SignedData", "context": context}
            values = [{"timestamp": now(), "sampledValue": [sample]}]
            await box.call(call.MeterValues(connector_id=1, transaction_id=box.transaction_id, meter_value=values))
        await box.end("EVDisconnected")
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
    assert record["SignedMeteringValues"] == [
        {"SignedMeteringValue": "OCMF|{}|Transaction.Begin", "MeteringStatus": "Start"},
        {"SignedMeteringValue": "OCMF|{}|Transaction.End", "MeteringStatus": "End"},
    ]
    assert record["CalibrationLawVerificationInfo"] == {
        "PublicKey": "3059301306072A8648CE3D02", "MeteringSignatureEncodingFormat": "OCMF",
    }  # fmt: skip


async def test_reservation_runs_out_by_itself(tmp_path: Path) -> None:
    """After its time the EVSE is free for everybody, and the record comes."""
    async with (
        stage(tmp_path, fleet(1), "--reservation") as where,
        running_cpo(where) as cpo,
        charge_point(where) as box,
    ):
        mine = str(uuid4())
        assert code(await reserve(where, mine)) == "000"
        session = cpo.register.live_session(mine)
        assert session is not None
        session.ends_at = session.created_at
        await where.hub.receives("ChargeDetailRecord")
        await box.status("Available")
        assert code(await where.start(EVSE, evco_id="DE-XYZ-C87654321-1")) == "000"
        await asyncio.wait_for(box.started.wait(), 5)


async def test_session_without_energy_where_records_need_signed_values(tmp_path: Path) -> None:
    """An End notification closes it; where the EMP takes none, the record does."""
    external = fleet(1, CalibrationLawDataAvailability="External")
    unwanted = (200, {"Result": False, "StatusCode": {"Code": "320"}})
    options = ("--plug-in-timeout", "0.3")
    async with stage(tmp_path, external, *options) as where, running_cpo(where) as cpo, charge_point(where) as box:
        box.begin_by_itself = False
        where.hub.answers["ChargingNotifications"] = [(503, {})]
        first, second = str(uuid4()), str(uuid4())
        assert (await where.start(EVSE, first))["Result"]
        await where.hub.receives("ChargingNotifications", 2)
        await where.hub.until(lambda: not cpo.outbox.of("ChargeDetailRecord"))
        where.hub.answers["ChargingNotifications"] = [unwanted]
        assert (await where.start(EVSE, second))["Result"]
        await where.hub.receives("ChargeDetailRecord")
        notices = [got.body for got in where.hub.of("ChargingNotifications")]
        records = [got.body["SessionID"] for got in where.hub.of("ChargeDetailRecord")]
    assert [notice["SessionID"] for notice in notices] == [first, first, second]
    assert records == [second]
    assert faults_of(where.hub) == []


async def test_no_notification_comes_after_the_record(tmp_path: Path) -> None:
    """More sessions than the limit of notifications lets through: records go in time, late notifications are dropped."""
    async with (
        stage(tmp_path, fleet(1), "--notifications") as where,
        running_cpo(where) as cpo,
        charge_point(where) as box,
    ):
        cpo.cdr_sender.notice_patience_s = 0.3
        sessions = []
        for _ in range(8):
            box.started.clear()
            sessions.append(await charged(where, box))
        await where.hub.receives("ChargeDetailRecord", len(sessions))
        await where.hub.until(lambda: not cpo.outbox.of("ChargingNotifications"), within=20)
    closed: set[str] = set()
    for got in where.hub.got:
        if got.operation == "ChargeDetailRecord":
            closed.add(got.body["SessionID"])
        elif got.operation == "ChargingNotifications":
            assert got.body["SessionID"] not in closed
    assert len(where.hub.of("ChargingNotifications")) < 2 * len(sessions)
