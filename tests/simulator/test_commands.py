"""Every other command of a CPO gets a sensible answer (OCPP 1.6)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ocpp.exceptions import OCPPError
from ocpp.v16 import call

from tests.simulator.stage import until
from tests.simulator.test_remote_start import charging, scene

SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
PAST = "2020-01-01T00:00:00Z"


def profile(limit: float) -> dict[str, Any]:
    """A charging profile with one period of that limit."""
    return {
        "charging_profile_id": 1, "stack_level": 0, "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Relative", "charging_schedule": {
            "charging_rate_unit": "A", "charging_schedule_period": [{"start_period": 0, "limit": limit}],
        },
    }  # fmt: skip


ANSWERS: list[tuple[Any, dict[str, Any]]] = [
    (call.ClearCache(), {"status": "Accepted"}),
    (call.DataTransfer("vendor"), {"status": "UnknownVendorId"}),
    (call.ChangeConfiguration("MeterValueSampleInterval", "5"), {"status": "Accepted"}),
    (call.ChangeConfiguration("meterValueSampleInterval", "5"), {"status": "Accepted"}),
    (call.ChangeConfiguration("MeterValueSampleInterval", "-5"), {"status": "Rejected"}),
    (call.ChangeConfiguration("NumberOfConnectors", "5"), {"status": "Rejected"}),
    (call.ChangeConfiguration("Nonsense", "5"), {"status": "NotSupported"}),
    (call.UnlockConnector(9), {"status": "NotSupported"}),
    (call.UnlockConnector(1), {"status": "Unlocked"}),
    (call.GetLocalListVersion(), {"list_version": -1}),
    (call.SendLocalList(1, "Full"), {"status": "NotSupported"}),
    (call.GetCompositeSchedule(1, 60), {"status": "Rejected"}),
    (call.ClearChargingProfile(), {"status": "Accepted"}),
    (call.SetChargingProfile(1, profile(16.0)), {"status": "Accepted"}),
    (call.SetChargingProfile(9, profile(16.0)), {"status": "Rejected"}),
    (call.ChangeAvailability(9, "Operative"), {"status": "Rejected"}),
    (call.ReserveNow(1, SOON, "TAG", 5), {"status": "Accepted"}),
    (call.ReserveNow(1, PAST, "TAG", 5), {"status": "Rejected"}),
    (call.ReserveNow(9, SOON, "TAG", 5), {"status": "Rejected"}),
    (call.CancelReservation(5), {"status": "Rejected"}),
    (call.TriggerMessage("StatusNotification", 9), {"status": "Rejected"}),
    (call.ExtendedTriggerMessage("Heartbeat"), {"status": "Accepted"}),
    (call.ExtendedTriggerMessage("LogStatusNotification"), {"status": "NotImplemented"}),
    (call.ExtendedTriggerMessage("MeterValues", 9), {"status": "Rejected"}),
    (call.GetDiagnostics("ftp://127.0.0.1/x"), {}),
]


@pytest.mark.parametrize(("command", "expected"), ANSWERS, ids=lambda v: type(v).__name__)
async def test_answers(command: Any, expected: dict[str, Any]) -> None:
    """A free charge point answers so."""
    async with scene() as s:
        answer = await s.central.ask("CP-1", command)
        assert {name: getattr(answer, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (call.GetLog({"remoteLocation": "x"}, "DiagnosticsLog", 1), "NotSupported"),
        (call.ChangeConfiguration("X" * 60, "1"), "TypeConstraintViolation"),
        (call.Reset("Medium"), "PropertyConstraintViolation"),
        (call.RemoteStartTransaction("A" * 21), "TypeConstraintViolation"),
    ],
    ids=lambda v: type(v).__name__,
)
async def test_refusals(command: Any, code: str) -> None:
    """What it cannot do or read is a CALLERROR with the fitting code, and it goes on."""
    async with scene() as s:
        with pytest.raises(OCPPError) as raised:
            await s.central.peers["CP-1"].call(command, suppress=False, skip_schema_validation=True)
        assert raised.value.code == code
        assert await s.central.remote_start("CP-1") == "Accepted"


@pytest.mark.parametrize(
    ("message", "connector_id", "connectors"),
    [
        ("Heartbeat", None, [None]), ("BootNotification", None, [None]), ("MeterValues", 1, [1]),
        ("StatusNotification", 1, [1]), ("StatusNotification", 0, [0]), ("StatusNotification", None, [0, 1]),
    ],
)  # fmt: skip
async def test_triggers(message: str, connector_id: int | None, connectors: list[int | None]) -> None:
    """A triggered message is sent, for the connector that was named (0: the charge point), else for all."""
    async with scene() as s:
        await until(lambda: len(s.central.of("StatusNotification")) == 2)
        before = len(s.central.of(message))
        answer = await s.central.ask("CP-1", call.TriggerMessage(message, connector_id))
        assert answer.status == "Accepted"
        await until(lambda: len(s.central.of(message)) == before + len(connectors))
        assert [p.get("connector_id") for p in s.central.of(message)[before:]] == connectors


async def test_a_triggered_reading_names_the_transaction_that_runs() -> None:
    """MeterValues on request carry the transaction while one runs, and none after it."""
    async with scene() as s:
        await charging(s)
        transaction = s.evse.transaction
        assert transaction is not None
        await s.central.ask("CP-1", call.TriggerMessage("MeterValues", 1))
        await until(lambda: _triggered(s.central.of("MeterValues")) == [transaction.transaction_id])
        await s.evse.unplug()
        await s.central.ask("CP-1", call.TriggerMessage("MeterValues", 1))
        await until(lambda: _triggered(s.central.of("MeterValues")) == [transaction.transaction_id, None])


def _triggered(readings: list[dict[str, Any]]) -> list[int | None]:
    """The transactions of the readings that were asked for."""
    return [
        p.get("transaction_id") for p in readings if p["meter_value"][0]["sampled_value"][0]["context"] == "Trigger"
    ]


async def test_the_interval_of_the_boot_is_the_key() -> None:
    """What the CPO named for heartbeats in its answer to the boot is what HeartbeatInterval tells."""
    async with scene() as s:
        told = await s.central.ask("CP-1", call.GetConfiguration(["HeartbeatInterval"]))
        assert told.configuration_key == [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]


async def test_configuration_can_be_read() -> None:
    """All keys, or the ones asked for; unknown and secret ones are named as unknown."""
    async with scene() as s:
        everything = await s.central.ask("CP-1", call.GetConfiguration())
        names = {key["key"] for key in everything.configuration_key}
        assert {"HeartbeatInterval", "NumberOfConnectors", "SupportedFeatureProfiles"} <= names
        assert "AuthorizationKey" not in names
        some = await s.central.ask("CP-1", call.GetConfiguration(["NumberOfConnectors", "AuthorizationKey", "X"]))
        assert some.configuration_key == [{"key": "NumberOfConnectors", "readonly": True, "value": "1"}]
        assert some.unknown_key == ["AuthorizationKey", "X"]


async def test_availability_waits_for_the_transaction() -> None:
    """Inoperative during a transaction is scheduled and comes true at its end; Operative undoes it."""
    async with scene() as s:
        await charging(s)
        answer = await s.central.ask("CP-1", call.ChangeAvailability(1, "Inoperative"))
        assert answer.status == "Scheduled"
        assert s.evse.charging
        await s.evse.unplug()
        await s.evse.reaches("Unavailable", within=5)
        answer = await s.central.ask("CP-1", call.ChangeAvailability(1, "Operative"))
        assert answer.status == "Accepted"
        await s.evse.reaches("Available", within=5)


async def test_availability_of_the_whole_charge_point() -> None:
    """Connector 0 means all of them, and the charge point reports itself."""
    async with scene() as s:
        await s.central.ask("CP-1", call.ChangeAvailability(0, "Inoperative"))
        await s.evse.reaches("Unavailable", within=5)
        await until(
            lambda: {
                p["connector_id"] for p in s.central.of("StatusNotification") if p["status"] == "Unavailable"
            } == {0, 1}
        )  # fmt: skip
        assert await s.central.remote_start("CP-1") == "Rejected"


async def test_reservation_by_the_cpo() -> None:
    """ReserveNow reserves, refuses a second one, is cancelled or runs out."""
    async with scene() as s:
        assert (await s.central.ask("CP-1", call.ReserveNow(1, SOON, "TAG", 5))).status == "Accepted"
        await s.evse.reaches("Reserved", within=5)
        assert (await s.central.ask("CP-1", call.ReserveNow(1, SOON, "OTHER", 6))).status == "Occupied"
        assert (await s.central.ask("CP-1", call.CancelReservation(5))).status == "Accepted"
        await s.evse.reaches("Available", within=5)
        soon = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
        assert (await s.central.ask("CP-1", call.ReserveNow(1, soon, "TAG", 7))).status == "Accepted"
        await s.evse.reaches("Reserved", within=5)
        await s.evse.reaches("Available", within=5)
        assert [r["answer"] for r in s.seen.of("reserve_received")] == ["Accepted", "Occupied", "Accepted"]
        assert [r["answer"] for r in s.seen.of("reserve_cancelled")] == ["Accepted"]


async def test_a_profile_of_zero_pauses() -> None:
    """A charging profile that allows no current suspends charging, clearing it resumes."""
    async with scene() as s:
        await charging(s)
        await s.central.ask("CP-1", call.SetChargingProfile(1, profile(0.0)))
        await s.evse.reaches("SuspendedEVSE", within=5)
        assert not s.evse.charging
        await s.central.ask("CP-1", call.ClearChargingProfile())
        await s.evse.reaches("Charging", within=5)
        assert len(s.seen.of("energy_started")) == 2 and len(s.seen.of("energy_stopped")) == 1
