"""States, reasons and meter values of a transaction in the words of OCPP 2.0.1."""

import base64

from simulator.link import Payload
from simulator.meter import SIGNING_METHOD, WH, Reading
from simulator.outlet import Outlet
from simulator.transaction import TransactionEvent, wire_time

_CHARGING_STATE = {
    "Charging": "Charging", "SuspendedEV": "SuspendedEV", "SuspendedEVSE": "SuspendedEVSE", "Available": "Idle",
}  # fmt: skip

_AVAILABILITY = frozenset({"Available", "Reserved", "Unavailable", "Faulted"})

_STOPPED_REASON = {
    "Remote": "Remote", "Local": "Local", "EVDisconnected": "EVDisconnected", "PowerLoss": "PowerLoss",
    "HardReset": "ImmediateReset", "SoftReset": "Reboot", "Reboot": "Reboot", "DeAuthorized": "DeAuthorized",
}  # fmt: skip

_FAULT_REASON = {"GroundFailure": "GroundFault", "OverCurrentFailure": "OvercurrentFault"}


def availability(evse: Outlet) -> str:
    """The connectorStatus: the nine states of 1.6 folded into five."""
    return evse.connector_status if evse.connector_status in _AVAILABILITY else "Occupied"


def charging_state(event: TransactionEvent) -> str:
    """The chargingState of an event."""
    if event.kind == "Ended":
        return "Idle" if event.transaction.reason == "EVDisconnected" else "EVConnected"
    return _CHARGING_STATE.get(event.state, "EVConnected")


def stopped_reason(event: TransactionEvent) -> str:
    """The stoppedReason of the last event."""
    reason = event.transaction.reason or "Local"
    if event.trigger == "ChargingStateChanged":
        return "StoppedByEV"
    if reason == "Other":
        return _FAULT_REASON.get(event.transaction.evse.error_code, "Other")
    return _STOPPED_REASON.get(reason, "Other")


def meter_value(evse: Outlet, reading: Reading) -> Payload:
    """A reading as MeterValueType."""
    sampled = [_register(reading)]
    if not reading.context.startswith("Transaction."):
        sampled.append(_sampled(reading, "Power.Active.Import", reading.power_w, "W"))
        if reading.soc_percent is not None:
            sampled.append({**_sampled(reading, "SoC", reading.soc_percent, "Percent"), "location": "EV"})
    if reading.signed is not None:
        sampled[0]["signedMeterValue"] = {
            "signedMeterData": base64.b64encode(reading.signed.encode()).decode(), "signingMethod": SIGNING_METHOD,
            "encodingMethod": "OCMF", "publicKey": evse.meter.public_key_base64,
        }  # fmt: skip
    return {"timestamp": wire_time(reading.at), "sampledValue": sampled}


def _register(reading: Reading) -> Payload:
    unit, value = reading.unit, reading.unit.told(reading.meter_wh, multiplied=True)
    number = int(value) if unit == WH else float(value)
    sampled = _sampled(reading, "Energy.Active.Import.Register", number, unit.name)
    if unit.multiplier:
        sampled["unitOfMeasure"]["multiplier"] = unit.multiplier
    return sampled


def _sampled(reading: Reading, measurand: str, value: float, unit: str) -> Payload:
    return {
        "value": value, "context": reading.context, "measurand": measurand, "unitOfMeasure": {"unit": unit},
        "location": "Outlet",
    }  # fmt: skip
