"""The device model of a station that speaks OCPP 2.0.1: what a CPO learns of it and its EVSEs from a base report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.link import Payload
from simulator.ocpp201_values import availability
from simulator.transaction import now, wire_time

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint
    from simulator.evse import VirtualEvse

KEYS: dict[tuple[str, str], str] = {
    ("OCPPCommCtrlr", "HeartbeatInterval"): "HeartbeatInterval",
    ("OCPPCommCtrlr", "WebSocketPingInterval"): "WebSocketPingInterval",
    ("OCPPCommCtrlr", "NetworkConfigurationPriority"): "NetworkConfigurationPriority",
    ("OCPPCommCtrlr", "ResetRetries"): "ResetRetries",
    ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect"): "UnlockConnectorOnEVSideDisconnect",
    ("AuthCtrlr", "AuthorizeRemoteStart"): "AuthorizeRemoteTxRequests",
    ("AuthCtrlr", "LocalPreAuthorize"): "LocalPreAuthorize",
    ("AuthCtrlr", "LocalAuthorizeOffline"): "LocalAuthorizeOffline",
    ("SampledDataCtrlr", "TxUpdatedInterval"): "MeterValueSampleInterval",
    ("SampledDataCtrlr", "TxUpdatedMeasurands"): "MeterValuesSampledData",
    ("SampledDataCtrlr", "TxEndedMeasurands"): "StopTxnSampledData",
    ("SmartChargingCtrlr", "ProfileStackLevel"): "ChargeProfileMaxStackLevel",
    ("SmartChargingCtrlr", "PeriodsPerSchedule"): "ChargingScheduleMaxPeriods",
    ("AlignedDataCtrlr", "Interval"): "ClockAlignedDataInterval",
    ("AlignedDataCtrlr", "Measurands"): "MeterValuesAlignedData",
    ("TxCtrlr", "EVConnectionTimeOut"): "ConnectionTimeOut",
    ("TxCtrlr", "StopTxOnInvalidId"): "StopTransactionOnInvalidId",
    ("TxCtrlr", "StopTxOnEVSideDisconnect"): "StopTransactionOnEVSideDisconnect",
    ("TxCtrlr", "TxStartPoint"): "TxStartPoint",
    ("TxCtrlr", "TxStopPoint"): "TxStopPoint",
    ("SecurityCtrlr", "BasicAuthPassword"): "AuthorizationKey",
    ("SecurityCtrlr", "SecurityProfile"): "SecurityProfile",
}
"""Component and variable of OCPP 2.0.1, and the configuration key of 1.6 behind it."""

_DATA_TYPES = {"int": "integer", "bool": "boolean", "list": "MemberList", "text": "string"}
_PLUGS = {
    "CCS Combo 2 Plug (Cable Attached)": "cCCS2",
    "CHAdeMO": "cG105",
    "Type 2 Connector (Cable Attached)": "cType2",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a component. `key`: the configuration key that holds it, None for what the CPO cannot change."""

    component: Payload
    name: str
    data_type: str
    value: str
    key: str | None = None
    readonly: bool = True
    hidden: bool = False
    instance: str | None = None
    most: float | None = None

    def is_asked_for(self, component: Payload, variable: Payload) -> bool:
        """Whether a CPO means this one; names are told apart without letter case, an EVSE that is not named is none."""
        return (
            self.name.casefold() == str(variable["name"]).casefold()
            and _same(self.instance, variable.get("instance"))
            and self.is_part_of(component)
        )

    def is_part_of(self, component: Payload) -> bool:
        """Whether it belongs to the component a CPO means."""
        return _same(str(self.component["name"]), component["name"]) and self.component.get("evse") == component.get(
            "evse"
        )

    def reported(self) -> Payload:
        """As NotifyReport carries it."""
        attribute: Payload = {"mutability": "ReadOnly" if self.readonly else "ReadWrite", "value": self.value}
        if self.hidden:
            attribute = {"mutability": "WriteOnly"}
        limits = {} if self.most is None else {"unit": "W", "maxLimit": self.most}
        return {
            "component": self.component,
            "variable": {"name": self.name, **({"instance": self.instance} if self.instance else {})},
            "variableAttribute": [attribute],
            "variableCharacteristics": {"dataType": self.data_type, "supportsMonitoring": False, **limits},
        }


def _same(one: str | None, other: object) -> bool:
    return (one or "").casefold() == str(other or "").casefold()


def variables(charge_point: "ChargePoint") -> Iterator[Variable]:
    """All variables of a station as they are now."""
    for (component, name), key_name in KEYS.items():
        key = charge_point.configuration.keys[key_name]
        yield Variable(
            {"name": component}, name, _DATA_TYPES[key.kind], key.value, key_name, key.readonly, key.hidden
        )  # fmt: skip
    yield from _of_station(charge_point)
    for evse in charge_point.evses:
        yield from _of_evse(evse)


def _of_station(charge_point: "ChargePoint") -> Iterator[Variable]:
    timing = charge_point.settings.timing
    station: Payload = {"name": "ChargingStation"}
    state = "Available" if charge_point.operative else "Unavailable"
    yield Variable(station, "AvailabilityState", "OptionList", state)
    yield Variable(station, "Available", "boolean", "true")
    yield Variable(station, "SupplyPhases", "integer", "3")
    yield Variable(station, "Model", "string", "Virtual")
    yield Variable(station, "VendorName", "string", "OICP-BENCH")
    yield Variable({"name": "ClockCtrlr"}, "DateTime", "dateTime", wire_time(now()))
    yield Variable({"name": "ClockCtrlr"}, "TimeSource", "SequenceList", "Heartbeat")
    yield Variable({"name": "ReservationCtrlr"}, "Available", "boolean", "true")
    yield Variable({"name": "ReservationCtrlr"}, "Enabled", "boolean", "true")
    yield Variable({"name": "SmartChargingCtrlr"}, "RateUnit", "MemberList", "A,W")
    link: Payload = {"name": "OCPPCommCtrlr"}
    yield Variable(link, "MessageTimeout", "integer", f"{timing.call_timeout:.0f}", instance="Default")
    yield Variable(link, "MessageAttempts", "integer", str(timing.attempts), instance="TransactionEvent")
    yield Variable(
        link, "MessageAttemptInterval", "integer", f"{timing.attempt_pause:.0f}", instance="TransactionEvent"
    )
    for instance in ("GetReport", "GetVariables", "SetVariables"):
        yield Variable({"name": "DeviceDataCtrlr"}, "ItemsPerMessage", "integer", "50", instance=instance)
        yield Variable({"name": "DeviceDataCtrlr"}, "BytesPerMessage", "integer", "65536", instance=instance)


def _of_evse(evse: "VirtualEvse") -> Iterator[Variable]:
    place: Payload = {"name": "EVSE", "evse": {"id": evse.connector_id}}
    plug: Payload = {"name": "Connector", "evse": {"id": evse.connector_id, "connectorId": 1}}
    watts = evse.charge_point.settings.vehicle_power_kw * 1000
    plugs = evse.data_record.get("Plugs") or []
    kind = next((_PLUGS[name] for name in plugs if name in _PLUGS), "cType2")
    for component in (place, plug):
        yield Variable(component, "AvailabilityState", "OptionList", availability(evse))
        yield Variable(component, "Available", "boolean", "true")
        yield Variable(component, "SupplyPhases", "integer", "3")
    yield Variable(place, "Power", "decimal", f"{watts if evse.charging else 0:.0f}", most=watts)
    yield Variable(plug, "ConnectorType", "string", kind)
