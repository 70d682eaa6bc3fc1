"""OCPP 1.6J as a charge point speaks it: the words for what happened, and the answers to what the CPO wants."""

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from simulator.commands import (
    TRIGGERS,
    InBothVersions,
    Trigger,
    limit,
    profile_is_zero,
    read_again,
    reservable,
    sample_again,
    time_of,
    told,
)
from simulator.dialect import TransactionAnswer, Unknown, Unsupported
from simulator.evse_core import Reservation
from simulator.link import Handler, Payload, Reply, text, whole
from simulator.meter import Reading
from simulator.outbox import Unusable, Words
from simulator.outlet import Outlet
from simulator.transaction import Driver, TransactionEvent, now, wire_time

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint
    from simulator.evse import VirtualEvse

_UNSUPPORTED = frozenset({
    "CertificateSigned", "DeleteCertificate", "GetInstalledCertificateIds", "GetLog", "InstallCertificate",
    "SignedUpdateFirmware",
})  # fmt: skip


class Ocpp16(InBothVersions):
    """OCPP 1.6J of one charge point."""

    version = "1.6"

    # --- words -------------------------------------------------------------------------------------------------------

    def boot(self, reason: str) -> Words:
        """BootNotification; 1.6 has no word for the reason."""
        return "BootNotification", {
            "chargePointVendor": "OICP-BENCH", "chargePointModel": "Virtual", "chargePointSerialNumber": self._cp.id[:25],
            "firmwareVersion": "1.0", "meterType": "Virtual", "meterSerialNumber": self._cp.evses[0].meter.serial[:25],
        }  # fmt: skip

    def status(self, evse: Outlet) -> Words:
        """StatusNotification of a connector."""
        return "StatusNotification", {
            "connectorId": evse.connector_id, "errorCode": evse.error_code, "status": evse.connector_status,
            "timestamp": wire_time(now()),
        }  # fmt: skip

    def own_status(self) -> Words | None:
        """StatusNotification of connector 0."""
        return "StatusNotification", {
            "connectorId": 0, "errorCode": self._cp.error_code, "status": self._cp.own_status, "timestamp": wire_time(now())
        }  # fmt: skip

    def authorize(self, id_tag: str, token_type: str) -> Words:
        """Authorize."""
        return "Authorize", {"idTag": id_tag}

    def read_authorize(self, answer: Payload) -> str | None:
        """Status of the token; one that is not there is no acceptance."""
        return text(answer, "idTagInfo", "status") or "Invalid"

    def reservation_over(self, reservation_id: int) -> Words | None:
        """1.6 has no word for it; the connector's state tells."""
        return None

    def meter_values(self, evse: Outlet, reading: Reading) -> Words:
        """MeterValues without a transaction."""
        return "MeterValues", {"connectorId": evse.connector_id, "meterValue": [self._meter_value(reading)]}

    def transaction(self, event: TransactionEvent) -> Words | None:
        """StartTransaction, MeterValues or StopTransaction."""
        transaction = event.transaction
        if event.kind == "Started":
            payload: Payload = {
                "connectorId": transaction.evse.connector_id, "idTag": transaction.driver.id_tag,
                "meterStart": transaction.begin.meter_wh, "timestamp": wire_time(event.at),
            }  # fmt: skip
            if transaction.driver.reservation_id is not None:
                payload["reservationId"] = transaction.driver.reservation_id
            return "StartTransaction", payload
        # A start the CPO never answered leaves no id; -1 is what charge points in the field send then.
        ident = transaction.transaction_id if isinstance(transaction.transaction_id, int) else -1
        if event.kind == "Metered":
            return "MeterValues", {
                "connectorId": transaction.evse.connector_id, "transactionId": ident,
                "meterValue": [self._meter_value(reading) for reading in event.readings],
            }  # fmt: skip
        if event.kind == "Ended":
            return "StopTransaction", {
                "transactionId": ident, "meterStop": event.readings[-1].meter_wh,
                "timestamp": wire_time(event.at), "reason": transaction.reason or "Local",
                "transactionData": [self._meter_value(reading) for reading in event.readings],
            }  # fmt: skip
        return None

    def read_transaction(self, event: TransactionEvent, answer: Payload) -> TransactionAnswer:
        """The CPO's id of the transaction and its opinion of the driver."""
        if event.kind != "Started":
            return TransactionAnswer()
        ident = whole(answer, "transactionId")
        if ident is None:
            raise Unusable("the answer to StartTransaction has no whole number as transactionId")
        return TransactionAnswer(ident, text(answer, "idTagInfo", "status"))

    def _meter_value(self, reading: Reading) -> Payload:
        told = reading.unit.told(reading.meter_wh, multiplied=False)
        sampled: list[Payload] = [_sampled(reading, "Energy.Active.Import.Register", told, reading.unit.name)]
        if reading.context not in ("Transaction.Begin", "Transaction.End"):
            wanted = self._cp.configuration.keys["MeterValuesSampledData"].value
            if "Power.Active.Import" in wanted:
                sampled.append(_sampled(reading, "Power.Active.Import", reading.power_w, "W"))
            if "SoC" in wanted and reading.soc_percent is not None:
                sampled.append({**_sampled(reading, "SoC", reading.soc_percent, "Percent"), "location": "EV"})
        if reading.signed is not None:
            signed = _sampled(reading, "Energy.Active.Import.Register", 0, "Wh")
            sampled.append({**signed, "value": reading.signed, "format": "SignedData"})
        return {"timestamp": wire_time(reading.at), "sampledValue": sampled}

    # --- ears --------------------------------------------------------------------------------------------------------

    def find(self, action: str) -> Handler:
        """Who answers a call."""
        handler = _HANDLERS.get(action)
        if handler is None:
            raise Unsupported() if action in _UNSUPPORTED else Unknown()
        return lambda payload: handler(self, payload)

    def _remote_start(self, payload: Payload) -> Reply:
        id_tag, connector_id = told(payload["idTag"]), payload.get("connectorId")
        evse = self._cp.pick(connector_id)
        good = evse is not None and connector_id != 0 and self._cp.accepting and evse.accepts(id_tag)
        number = self._cp.seen(
            "remote_start_received", evse_id=evse.evse_id if evse else None, id_tag=id_tag, connector_id=connector_id,
            answer="Accepted" if good else "Rejected",
        )  # fmt: skip
        if evse is None or not good:
            return Reply({"status": "Rejected"})
        ask = self._cp.configuration.flag("AuthorizeRemoteTxRequests")
        driver = Driver(id_tag, "remote", number)
        return Reply({"status": "Accepted"}, lambda: evse.admit(driver, ask=ask))

    def _remote_stop(self, payload: Payload) -> Reply:
        transaction = self._cp.transaction(payload["transactionId"])
        refused = transaction is None or transaction.evse.refuses_stop()
        answer = "Rejected" if refused else "Accepted"
        self._cp.seen(
            "remote_stop_received", evse_id=transaction.evse.evse_id if transaction else None,
            transaction_id=payload["transactionId"], answer=answer,
        )  # fmt: skip
        if transaction is None or refused:
            return Reply({"status": answer})
        return Reply({"status": answer}, lambda: transaction.stop("Remote", "RemoteStop"))

    def _change_availability(self, payload: Payload) -> Reply:
        operative = {"Operative": True, "Inoperative": False}[payload["type"]]
        return Reply({"status": self._cp.change_availability(payload["connectorId"], operative)})

    def _reset(self, payload: Payload) -> Reply:
        hard = {"Hard": True, "Soft": False}[payload["type"]]
        return Reply({"status": "Accepted"}, lambda: self._cp.restart_soon(hard))

    def _unlock(self, payload: Payload) -> Reply:
        evse = self._cp.by_connector.get(payload["connectorId"])
        if evse is None:
            return Reply({"status": "NotSupported"})
        return Reply({"status": "Unlocked"}, lambda: evse.stop_transaction("UnlockCommand", "UnlockCommand"))

    def _get_configuration(self, payload: Payload) -> Reply:
        configuration = self._cp.configuration
        wanted = payload.get("key") or [name for name, key in configuration.keys.items() if not key.hidden]
        known, unknown = [], []
        for name in wanted:
            found = configuration.find(str(name))
            if found is None or found[1].hidden:
                unknown.append(str(name))
            else:
                known.append({"key": found[0], "readonly": found[1].readonly, "value": found[1].value[:500]})
        return Reply({"configurationKey": known, "unknownKey": unknown})

    def _change_configuration(self, payload: Payload) -> Reply:
        return Reply({"status": self._cp.configuration.change(told(payload["key"]), told(payload["value"]))})

    def _trigger(self, payload: Payload) -> Reply:
        wanted, connector_id = payload["requestedMessage"], payload.get("connectorId")
        action = _TRIGGERS.get(wanted)
        if action is None:
            return Reply({"status": "NotImplemented"})
        if connector_id not in (None, 0) and connector_id not in self._cp.by_connector:
            return Reply({"status": "Rejected"})
        if wanted == "StatusNotification" and not connector_id:
            tell = self._cp.report_self if connector_id == 0 else self._cp.report_all
            return Reply({"status": "Accepted"}, lambda: tell(asked=True))
        evses = (self._cp.by_connector[connector_id],) if connector_id else self._cp.evses
        return Reply({"status": "Accepted"}, lambda: action(self._cp, evses))

    def _reserve(self, payload: Payload) -> Reply:
        evse = self._cp.by_connector.get(payload["connectorId"])
        answer = "Rejected" if evse is None else reservable(evse, payload["reservationId"])
        id_tag, expiry = told(payload["idTag"]), payload["expiryDate"]
        expires = time_of(expiry)
        if answer == "Accepted" and (expires is None or expires <= now()):
            answer = "Rejected"
        self._cp.seen(
            "reserve_received", evse_id=evse.evse_id if evse else None, reservation_id=payload["reservationId"],
            id_tag=id_tag, expiry=expiry, answer=answer,
        )  # fmt: skip
        if answer != "Accepted" or evse is None or expires is None:
            return Reply({"status": answer})
        reservation = Reservation(payload["reservationId"], id_tag, expires)
        return Reply({"status": answer}, lambda: evse.set_reservation(reservation))

    def _set_charging_profile(self, payload: Payload) -> Reply:
        connector_id = payload["connectorId"]
        if connector_id != 0 and connector_id not in self._cp.by_connector:
            return Reply({"status": "Rejected"})
        evses = (self._cp.by_connector[connector_id],) if connector_id else self._cp.evses
        zero = profile_is_zero(payload["csChargingProfiles"].get("chargingSchedule"))
        return Reply({"status": "Accepted"}, lambda: limit(evses, zero))


def _sampled(reading: Reading, measurand: str, value: int | Decimal, unit: str) -> Payload:
    return {
        "value": str(value), "context": reading.context, "format": "Raw", "measurand": measurand, "unit": unit,
        "location": "Outlet",
    }  # fmt: skip


def _again_meter(charge_point: "ChargePoint", evses: "tuple[VirtualEvse, ...]") -> None:
    for evse in evses:
        (sample_again if evse.transaction else read_again)(charge_point, (evse,))


_TRIGGERS: dict[str, Trigger] = {
    **TRIGGERS,
    "MeterValues": _again_meter,
    "DiagnosticsStatusNotification": lambda cp, _: cp.say(
        lambda __: ("DiagnosticsStatusNotification", {"status": "Idle"}), asked=True
    ),
    "FirmwareStatusNotification": lambda cp, _: cp.say(
        lambda __: ("FirmwareStatusNotification", {"status": "Idle"}), asked=True
    ),
}

_HANDLERS: dict[str, Callable[[Ocpp16, Payload], Reply]] = {
    "CancelReservation": Ocpp16._cancel_reservation,
    "ChangeAvailability": Ocpp16._change_availability,
    "ChangeConfiguration": Ocpp16._change_configuration,
    "ClearCache": lambda _, __: Reply({"status": "Accepted"}),
    "ClearChargingProfile": Ocpp16._clear_charging_profile,
    "DataTransfer": lambda _, __: Reply({"status": "UnknownVendorId"}),
    "ExtendedTriggerMessage": Ocpp16._trigger,
    "GetCompositeSchedule": lambda _, __: Reply({"status": "Rejected"}),
    "GetConfiguration": Ocpp16._get_configuration,
    "GetDiagnostics": lambda _, __: Reply({}),
    "GetLocalListVersion": lambda _, __: Reply({"listVersion": -1}),
    "RemoteStartTransaction": Ocpp16._remote_start,
    "RemoteStopTransaction": Ocpp16._remote_stop,
    "ReserveNow": Ocpp16._reserve,
    "Reset": Ocpp16._reset,
    "SendLocalList": lambda _, __: Reply({"status": "NotSupported"}),
    "SetChargingProfile": Ocpp16._set_charging_profile,
    "TriggerMessage": Ocpp16._trigger,
    "UnlockConnector": Ocpp16._unlock,
    "UpdateFirmware": lambda _, __: Reply({}),
}
"""Every action of the CPO a charge point answers; all others are not implemented or not supported."""
