"""What a station of OCPP 2.0.1 tells of itself: its device model, and the messages a CSMS asks for."""

from typing import Any

import pytest
from ocpp.routing import after, on
from ocpp.v201 import call, call_result

from tests.simulator.central import NOW
from tests.simulator.stage import until
from tests.simulator.test_ocpp201 import Scene, Station, scene


async def _report(s: Scene) -> dict[tuple[str, int | None, int | None, str], dict[str, Any]]:
    """A full inventory: component, EVSE, connector and variable, and what is said of them."""
    assert (await s.ask(call.GetBaseReport(5, "FullInventory"))).status == "Accepted"
    await until(lambda: any(action == "NotifyReport" for action, _ in s.station.heard))
    (report,) = [p for action, p in s.station.heard if action == "NotifyReport"]
    found = {}
    for item in report["report_data"]:
        evse = item["component"].get("evse") or {}
        place = (item["component"]["name"], evse.get("id"), evse.get("connector_id"), item["variable"]["name"])
        found[place] = item
    return found


async def test_a_base_report_names_evses_and_connectors() -> None:
    """A CSMS that learns its EVSEs from the device model finds them, with state, phases, power and plug."""
    async with scene(Plugs=["CCS Combo 2 Plug (Cable Attached)"]) as s:
        await s.evse.plug_in()
        report = await _report(s)
        values = {place: item["variable_attribute"][0].get("value") for place, item in report.items()}
        assert values["ChargingStation", None, None, "AvailabilityState"] == "Available"
        assert values["EVSE", 1, None, "AvailabilityState"] == "Occupied"
        assert values["Connector", 1, 1, "AvailabilityState"] == "Occupied"
        assert values["Connector", 1, 1, "ConnectorType"] == "cCCS2"
        assert report["EVSE", 1, None, "Power"]["variable_characteristics"]["max_limit"] > 0
        assert values["OCPPCommCtrlr", None, None, "HeartbeatInterval"] == "300"
        assert values["SecurityCtrlr", None, None, "BasicAuthPassword"] is None


def _asked(component: dict[str, Any], variable: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"component": component, "variable": variable, **more}


VARIABLES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"name": "EVSE", "evse": {"id": 1}}, {"name": "AvailabilityState"}, "Accepted", "Rejected"),
    ({"name": "evse", "evse": {"id": 1}}, {"name": "availabilitystate"}, "Accepted", "Rejected"),
    ({"name": "EVSE"}, {"name": "AvailabilityState"}, "UnknownComponent", "UnknownComponent"),
    ({"name": "EVSE", "evse": {"id": 9}}, {"name": "AvailabilityState"}, "UnknownComponent", "UnknownComponent"),
    ({"name": "EVSE", "evse": {"id": 1}}, {"name": "X"}, "UnknownVariable", "UnknownVariable"),
    ({"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage", "instance": "GetReport"}, "Accepted", "Rejected"),
    ({"name": "DeviceDataCtrlr"}, {"name": "ItemsPerMessage"}, "UnknownVariable", "UnknownVariable"),
    ({"name": "TxCtrlr"}, {"name": "EVConnectionTimeOut"}, "Accepted", "Accepted"),
]  # fmt: skip


@pytest.mark.parametrize(("component", "variable", "readable", "writable"), VARIABLES)
async def test_variables_of_evses_and_instances(
    component: dict[str, Any], variable: dict[str, Any], readable: str, writable: str
) -> None:
    """A variable is known by component, EVSE and instance; what the station measures cannot be set."""
    async with scene() as s:
        got = await s.ask(call.GetVariables([_asked(component, variable)]))
        assert got.get_variable_result[0]["attribute_status"] == readable
        done = await s.ask(call.SetVariables([_asked(component, variable, attribute_value="60")]))
        assert done.set_variable_result[0]["attribute_status"] == writable


async def test_only_actual_values_can_be_set() -> None:
    """A target or a limit of a variable is no attribute the station has."""
    async with scene() as s:
        asked = _asked({"name": "TxCtrlr"}, {"name": "EVConnectionTimeOut"}, attribute_type="Target")
        done = await s.ask(call.SetVariables([{**asked, "attribute_value": "7"}]))
        assert done.set_variable_result[0]["attribute_status"] == "NotSupportedAttributeType"
        assert s.evse.charge_point.connection_timeout == 60


async def test_triggered_readings() -> None:
    """MeterValues come whether a transaction runs or not; an event of a transaction only where one runs."""
    async with scene() as s:
        assert (await s.ask(call.TriggerMessage("MeterValues", {"id": 1}))).status == "Accepted"
        await until(lambda: any(action == "MeterValues" for action, _ in s.station.heard))
        assert (await s.ask(call.TriggerMessage("TransactionEvent", {"id": 1}))).status == "Rejected"
        await s.evse.plug_in()
        await s.start()
        await s.evse.reaches("Charging", within=5)
        assert (await s.ask(call.TriggerMessage("TransactionEvent", {"id": 1}))).status == "Accepted"
        await until(lambda: any(e["trigger_reason"] == "Trigger" for e in s.station.events()))


class Curious(Station):
    """A CSMS that wants to know the device model before it lets a station in."""

    @on("BootNotification")
    def boot(self, **p: Any) -> Any:
        known = any(action == "NotifyReport" for action, _ in self.heard)
        self.heard.append(("BootNotification", p))
        return call_result.BootNotification(NOW, 600, "Accepted" if known else "Pending")

    @after("BootNotification")
    async def look(self, **_: Any) -> None:
        if any(action == "NotifyReport" for action, _ in self.heard):
            return
        await self.call(call.GetBaseReport(1, "FullInventory"))
        await until(lambda: any(action == "NotifyReport" for action, _ in self.heard))
        await self.call(call.TriggerMessage("BootNotification"))


async def test_a_report_while_the_boot_is_pending() -> None:
    """A station whose boot is Pending sends the report it is asked for, and nothing else."""
    async with scene(csms=Curious) as s:
        assert [action for action, _ in s.station.heard[:3]] == ["BootNotification", "NotifyReport", "BootNotification"]


class Hasty(Station):
    """A CSMS that asks before it has answered the boot."""

    async def route_message(self, raw_msg: str) -> None:
        if '"BootNotification"' in raw_msg:
            await self._connection.send('[2,"hasty","GetBaseReport",{"requestId":1,"reportBase":"FullInventory"}]')
        await super().route_message(raw_msg)


async def test_a_report_asked_for_before_the_boot_was_answered() -> None:
    """What is asked for before the boot is answered comes once it is accepted."""
    async with scene(csms=Hasty) as s:
        await until(lambda: any(action == "NotifyReport" for action, _ in s.station.heard))
