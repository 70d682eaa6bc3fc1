"""Charging over OCPP 2.0.1, checked by the `ocpp` library's schemas on the other side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v201 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from simulator.evse import VirtualEvse
from simulator.fleet import Fleet
from tests.simulator.central import NOW, Observations
from tests.simulator.stage import EVSE, fleet_json, quick, until

TOKEN = {"id_token": "DE-DCB-C12345678-X", "type": "eMAID"}


class Station(ChargePoint):  # type: ignore[misc]
    """The CSMS's side of one station."""

    def __init__(self, ident: str, connection: ServerConnection) -> None:
        super().__init__(ident, connection, response_timeout=5)
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.token_status: str | None = "Accepted"

    @on("BootNotification")
    def boot(self, **p: Any) -> Any:
        self.heard.append(("BootNotification", p))
        return call_result.BootNotification(NOW, 300, "Accepted")

    @on("StatusNotification")
    def status(self, **p: Any) -> Any:
        self.heard.append(("StatusNotification", p))
        return call_result.StatusNotification()

    @on("NotifyReport")
    def report(self, **p: Any) -> Any:
        self.heard.append(("NotifyReport", p))
        return call_result.NotifyReport()

    @on("MeterValues")
    def meter_values(self, **p: Any) -> Any:
        self.heard.append(("MeterValues", p))
        return call_result.MeterValues()

    @on("Authorize")
    def authorize(self, **p: Any) -> Any:
        self.heard.append(("Authorize", p))
        return call_result.Authorize({"status": "Accepted"})

    @on("TransactionEvent")
    def transaction(self, **p: Any) -> Any:
        self.heard.append(("TransactionEvent", p))
        started = p["event_type"] == "Started"
        return call_result.TransactionEvent(id_token_info={"status": self.token_status} if started else None)

    def events(self) -> list[dict[str, Any]]:
        """All transaction events."""
        return [p for action, p in self.heard if action == "TransactionEvent"]


@dataclass
class Scene:
    """A connected station and its CSMS."""

    station: Station
    fleet: Fleet
    evse: VirtualEvse
    seen: Observations

    async def ask(self, payload: Any) -> Any:
        """A call of the CSMS."""
        return await self.station.call(payload, suppress=False)

    async def start(self) -> str:
        """RequestStartTransaction on EVSE 1."""
        answer = await self.ask(call.RequestStartTransaction(TOKEN, 77, evse_id=1))
        return str(answer.status)


@asynccontextmanager
async def scene(
    version: str = "2.0.1", offers: tuple[str, ...] = ("ocpp2.0.1",), csms: type[Station] = Station, **record: Any
) -> AsyncIterator[Scene]:
    """A station connected to a CSMS that chooses among `offers`."""
    stations: list[Station] = []
    seen = Observations()

    async def handle(connection: ServerConnection) -> None:
        stations.append(csms("CP-1", connection))
        try:
            await stations[-1].start()
        except ConnectionClosed:
            return

    async with serve(handle, "127.0.0.1", 0, subprotocols=list(offers)) as server:  # type: ignore[arg-type]
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Fleet(fleet_json(version=version, **record), url, seen, settings=quick()) as fleet:
            await fleet.connected(within=5)
            yield Scene(stations[0], fleet, fleet.evse(EVSE), seen)


async def test_remote_start_charge_remote_stop() -> None:
    """Started, updated, ended: numbered without a gap, with meter values, reasons and the number of the request."""
    async with scene() as s:
        await s.evse.plug_in()
        assert await s.start() == "Accepted"
        await s.evse.reaches("Charging", within=5)
        await s.evse.deliver(kwh=1.2, within=10)
        transaction = s.evse.transaction
        assert transaction is not None
        answer = await s.ask(call.RequestStopTransaction(transaction.reference))
        assert answer.status == "Accepted"
        await s.fleet.delivered(within=5)
        events = s.station.events()
        assert [e["seq_no"] for e in events] == list(range(len(events)))
        assert {e["transaction_info"]["transaction_id"] for e in events} == {transaction.reference}
        first, last = events[0], events[-1]
        assert (first["event_type"], first["trigger_reason"]) == ("Started", "RemoteStart")
        assert first["transaction_info"]["remote_start_id"] == 77 and first["id_token"] == TOKEN
        assert {e["event_type"] for e in events[1:-1]} == {"Updated"}
        assert {"ChargingStateChanged", "MeterValuePeriodic"} <= {e["trigger_reason"] for e in events[1:-1]}
        assert (last["event_type"], last["trigger_reason"]) == ("Ended", "RemoteStop")
        assert last["transaction_info"]["stopped_reason"] == "Remote"
        readings = [entry["sampled_value"][0] for entry in last["meter_value"]]
        assert [r["context"] for r in readings] == ["Transaction.Begin", "Transaction.End"]
        assert readings[1]["value"] == s.seen.of("transaction_stopped")[0]["meter_wh"]
        assert readings[1]["value"] - readings[0]["value"] >= 1200
    assert s.seen.of("transaction_start_delivered")[0]["transaction_id"] == transaction.reference


@pytest.mark.parametrize(
    ("unit", "multiplier", "told"),
    [("kWh", 0, {"unit": "kWh"}), ("Wh", 3, {"unit": "Wh", "multiplier": 3})],
)
async def test_readings_in_thousands(unit: Literal["Wh", "kWh"], multiplier: int, told: dict[str, Any]) -> None:
    """The unit and its power of ten stand with every reading of the register, and the value is that much smaller."""
    async with scene() as s:
        s.evse.meters_in(unit, multiplier)
        await s.evse.plug_in()
        assert await s.start() == "Accepted"
        await s.evse.reaches("Charging", within=5)
        await s.evse.deliver(kwh=1.2, within=10)
        await s.evse.stop_at_car()
        await s.fleet.delivered(within=5)
        values = [value["sampled_value"][0] for e in s.station.events() for value in e.get("meter_value") or ()]
        assert len(values) > 3 and all(value["unit_of_measure"] == told for value in values)
        real = [s.seen.of(kind)[0]["meter_wh"] for kind in ("transaction_started", "transaction_stopped")]
        assert [round(value["value"] * 1000) for value in values[-2:]] == real


async def test_station_out_of_service_as_a_whole() -> None:
    """2.0.1 has no word of the station as a whole: its EVSEs say so one by one, and a fault of its controller nobody hears."""
    async with scene() as s:
        await s.evse.charge_point.set_unavailable()
        await s.evse.charge_point.controller_fault()
        await s.evse.charge_point.set_available()
        await until(lambda: len([a for a, _ in s.station.heard if a == "StatusNotification"]) == 3)
        states = [p["connector_status"] for action, p in s.station.heard if action == "StatusNotification"]
        assert states == ["Available", "Unavailable", "Available"]
        assert not s.seen.of("charge_point_status_delivered")


async def test_connector_states_are_folded() -> None:
    """The nine states of 1.6 become the five of 2.0.1."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.evse.unplug()
        await s.evse.fault()
        await s.evse.clear_fault()
        await s.evse.set_unavailable()
        await until(lambda: sum(a == "StatusNotification" for a, _ in s.station.heard) == 6)
        assert [p["connector_status"] for a, p in s.station.heard if a == "StatusNotification"] == [
            "Available", "Occupied", "Available", "Faulted", "Available", "Unavailable",
        ]  # fmt: skip


@pytest.mark.parametrize("status", ["Invalid", "Blocked", "NoCredit"])
async def test_a_driver_who_is_not_accepted(status: str) -> None:
    """The transaction ends as DeAuthorized before energy flows."""
    async with scene() as s:
        s.station.token_status = status
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Finishing", within=5)
        await s.fleet.delivered(within=5)
        assert s.station.events()[-1]["transaction_info"]["stopped_reason"] == "DeAuthorized"
        assert not s.seen.of("energy_started")


ENDS: dict[str, tuple[str, str]] = {
    "unplug": ("EVDisconnected", "EVCommunicationLost"),
    "stop_at_car": ("Local", "StopAuthorized"),
    "fault": ("GroundFault", "AbnormalCondition"),
}


@pytest.mark.parametrize("verb", ENDS)
async def test_reasons(verb: str) -> None:
    """However a session ends, reason and trigger say so."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Charging", within=5)
        await getattr(s.evse, verb)()
        await s.fleet.delivered(within=5)
        last = s.station.events()[-1]
        assert (last["transaction_info"]["stopped_reason"], last["trigger_reason"]) == ENDS[verb]


async def test_busy_is_rejected() -> None:
    """A second start on an EVSE that charges is rejected, and so is the stop of a transaction that does not run."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Charging", within=5)
        assert await s.start() == "Rejected"
        assert (await s.ask(call.RequestStopTransaction("nothing"))).status == "Rejected"


async def test_signed_values() -> None:
    """Under calibration law begin and end carry a signed value with the public key."""
    async with scene(CalibrationLawDataAvailability="External") as s:
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Charging", within=5)
        await s.evse.unplug()
        await s.fleet.delivered(within=5)
        values = [entry["sampled_value"][0] for entry in s.station.events()[-1]["meter_value"]]
        signed = [v["signed_meter_value"] for v in values]
        assert {(v["encoding_method"], v["signing_method"]) for v in signed} == {("OCMF", "ECDSA-secp256r1-SHA256")}


async def test_variables_and_reports() -> None:
    """Variables can be read and set, unknown ones are named, and a base report comes as NotifyReport."""

    def data(component: str, variable: str, **more: Any) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": variable}, **more}

    async with scene() as s:
        got = await s.ask(
            call.GetVariables([
                data("OCPPCommCtrlr", "HeartbeatInterval"), data("OCPPCommCtrlr", "X"), data("X", "X"),
                data("SecurityCtrlr", "BasicAuthPassword"),
            ])
        )  # fmt: skip
        assert [r["attribute_status"] for r in got.get_variable_result] == [
            "Accepted", "UnknownVariable", "UnknownComponent", "Rejected",
        ]  # fmt: skip
        done = await s.ask(
            call.SetVariables([
                data("SampledDataCtrlr", "TxUpdatedInterval", attribute_value="7"),
                data("SampledDataCtrlr", "TxUpdatedInterval", attribute_value="x"),
            ])
        )  # fmt: skip
        assert [r["attribute_status"] for r in done.set_variable_result] == ["Accepted", "Rejected"]
        assert s.evse.charge_point.meter_interval == 7
        assert (await s.ask(call.GetBaseReport(5, "FullInventory"))).status == "Accepted"
        await until(lambda: any(a == "NotifyReport" for a, _ in s.station.heard))


SOON = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
ANSWERS: list[tuple[Any, str]] = [
    (call.ChangeAvailability("Inoperative", {"id": 1}), "Accepted"),
    (call.ChangeAvailability("Operative"), "Accepted"),
    (call.ChangeAvailability("Operative", {"id": 9}), "Rejected"),
    (call.TriggerMessage("StatusNotification", {"id": 1}), "Accepted"),
    (call.TriggerMessage("Heartbeat", {"id": 9}), "Rejected"),
    (call.TriggerMessage("LogStatusNotification"), "NotImplemented"),
    (call.UnlockConnector(1, 1), "Unlocked"),
    (call.UnlockConnector(9, 1), "UnknownConnector"),
    (call.ReserveNow(4, SOON, TOKEN, evse_id=1), "Accepted"),
    (call.CancelReservation(4), "Rejected"),
    (call.ClearCache(), "Accepted"),
    (call.DataTransfer("vendor"), "UnknownVendorId"),
    (call.Reset("Immediate", 1), "Rejected"),
    (call.GetBaseReport(1, "SummaryInventory"), "NotSupported"),
]


@pytest.mark.parametrize(("command", "status"), ANSWERS, ids=lambda v: type(v).__name__)
async def test_answers(command: Any, status: str) -> None:
    """A free station answers so."""
    async with scene() as s:
        assert (await s.ask(command)).status == status


async def test_reset_and_what_it_cannot() -> None:
    """A reset restarts the station with the right reason; an unsupported action is a CALLERROR."""
    async with scene() as s:
        with pytest.raises(OCPPError, match="NotSupported"):
            await s.ask(call.SetMonitoringBase("All"))
        assert (await s.ask(call.Reset("OnIdle"))).status == "Accepted"
        await until(lambda: len(s.seen.of("charge_point_connected")) == 2)
    assert [c["payload"]["reason"] for c in s.seen.calls("BootNotification")] == ["PowerUp", "RemoteReset"]


async def test_reset_on_idle_waits_for_the_transaction() -> None:
    """OnIdle during a transaction is scheduled and done at its end."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Charging", within=5)
        assert (await s.ask(call.Reset("OnIdle"))).status == "Scheduled"
        await s.evse.unplug()
        await until(lambda: len(s.seen.of("charge_point_connected")) == 2)


@pytest.mark.parametrize(
    ("version", "offers", "reason"),
    [("auto", ("ocpp2.0.1",), "PowerUp"), ("auto", ("ocpp2.0.1", "ocpp1.6"), "PowerUp")],
)
async def test_subprotocol_negotiation(version: str, offers: tuple[str, ...], reason: str) -> None:
    """A charge point that speaks both takes what the CPO chooses."""
    async with scene(version, offers) as s:
        assert s.station.heard[0][1]["reason"] == reason
