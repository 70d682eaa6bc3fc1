"""Configuration keys of a charge point (OCPP 1.6); the variables of 2.0.1 over them are in `simulator.device_model`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

Type = Literal["int", "bool", "list", "text"]


@dataclass(slots=True)
class Key:
    """One key: its value as OCPP carries it (text), its kind, whether the CPO may change it, whether it may read it."""

    value: str
    kind: Type = "text"
    readonly: bool = False
    hidden: bool = False


PROFILES_16 = "Core,Reservation,RemoteTrigger,SmartCharging"


class Configuration:
    """The keys of one charge point."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._cp = charge_point
        timing = charge_point.settings.timing
        self.keys: dict[str, Key] = {
            "AuthorizeRemoteTxRequests": Key("false", "bool"),
            "ClockAlignedDataInterval": Key("0", "int"),
            "ConnectionTimeOut": Key(f"{timing.connection_timeout:g}", "int"),
            "ConnectorPhaseRotation": Key("NotApplicable", "list"),
            "GetConfigurationMaxKeys": Key("50", "int", readonly=True),
            "HeartbeatInterval": Key("0", "int"),
            "LocalAuthorizeOffline": Key("false", "bool"),
            "LocalPreAuthorize": Key("false", "bool"),
            "MeterValuesAlignedData": Key("Energy.Active.Import.Register", "list"),
            "MeterValuesSampledData": Key("Energy.Active.Import.Register,Power.Active.Import,SoC", "list"),
            "MeterValueSampleInterval": Key(f"{timing.meter_interval:g}", "int"),
            "NumberOfConnectors": Key(str(len(charge_point.evses)), "int", readonly=True),
            "ResetRetries": Key("1", "int"),
            "StopTransactionOnEVSideDisconnect": Key("true", "bool", readonly=True),
            "StopTransactionOnInvalidId": Key("true", "bool"),
            "StopTxnAlignedData": Key("", "list"),
            "StopTxnSampledData": Key("Energy.Active.Import.Register", "list"),
            "SupportedFeatureProfiles": Key(PROFILES_16, "list", readonly=True),
            "TransactionMessageAttempts": Key(str(timing.attempts), "int", readonly=True),
            "TransactionMessageRetryInterval": Key(f"{timing.attempt_pause:g}", "text", readonly=True),
            "UnlockConnectorOnEVSideDisconnect": Key("true", "bool", readonly=True),
            "WebSocketPingInterval": Key("30", "int", readonly=True),
            "ChargeProfileMaxStackLevel": Key("10", "int", readonly=True),
            "ChargingScheduleAllowedChargingRateUnit": Key("Current,Power", "list", readonly=True),
            "ChargingScheduleMaxPeriods": Key("24", "int", readonly=True),
            "MaxChargingProfilesInstalled": Key("10", "int", readonly=True),
            "ReserveConnectorZeroSupported": Key("false", "bool", readonly=True),
            "AuthorizationKey": Key("", "text", hidden=True),
            "SecurityProfile": Key(str(_profile(charge_point)), "int", readonly=True),
            "NetworkConfigurationPriority": Key("1", "list", readonly=True),
            "TxStartPoint": Key("PowerPathClosed", "list", readonly=True),
            "TxStopPoint": Key("EVConnected,PowerPathClosed", "list", readonly=True),
        }
        for evse in charge_point.evses:
            if evse.meter.signs:
                name = f"MeterPublicKey{evse.connector_id}"
                self.keys[name] = Key(evse.meter.public_key_base64, "text", readonly=True)

    def seconds(self, name: str) -> float:
        """A key in seconds."""
        return float(self.keys[name].value)

    def flag(self, name: str) -> bool:
        """A key that is true or false."""
        return self.keys[name].value.casefold() == "true"

    def find(self, name: str) -> tuple[str, Key] | None:
        """A key by its name in any letter case."""
        return next(((own, key) for own, key in self.keys.items() if own.casefold() == name.casefold()), None)

    def beat_every(self, seconds: int) -> None:
        """The CPO named the interval of heartbeats in its answer to the boot: the key tells of it from then on."""
        self.keys["HeartbeatInterval"].value = str(max(0, seconds))
        self._cp.modem.set_heartbeat(seconds)

    def change(self, name: str, value: str) -> str:
        """Accepted, Rejected or NotSupported, as ChangeConfiguration answers."""
        found = self.find(name)
        if found is None:
            return "NotSupported"
        own, key = found
        if key.readonly or not _fits(key.kind, value):
            return "Rejected"
        key.value = value
        if own == "HeartbeatInterval":
            self.beat_every(int(value))
        elif own == "AuthorizationKey":
            self._cp.password = value
        return "Accepted"


def _fits(kind: Type, value: str) -> bool:
    if kind == "int":
        return value.isascii() and value.isdigit() and len(value) < 10
    if kind == "bool":
        return value.casefold() in ("true", "false")
    return len(value) <= 500


def _profile(charge_point: "ChargePoint") -> int:
    if charge_point.tls is None:
        return 0 if charge_point.password is None else 1
    return 3 if charge_point.security.client_cert_file else 2
