"""OCPP 2.0.1 as a charging station speaks it, over the same charge point as 1.6; EVSE n has one connector, 1."""

from collections.abc import Callable
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
from simulator.device_model import Variable, variables
from simulator.dialect import TransactionAnswer, Unknown, Unsupported
from simulator.evse_core import Reservation
from simulator.link import Handler, Payload, Reply, text
from simulator.meter import Reading
from simulator.ocpp201_values import availability, charging_state, meter_value, stopped_reason
from simulator.outbox import Words
from simulator.outlet import Outlet
from simulator.transaction import Driver, TransactionEvent, now, wire_time

if TYPE_CHECKING:
    pass

_UNSUPPORTED = frozenset({
    "CertificateSigned", "ClearDisplayMessage", "ClearVariableMonitoring", "CostUpdated", "CustomerInformation",
    "DeleteCertificate", "GetDisplayMessages", "GetInstalledCertificateIds",
    "GetMonitoringReport", "GetReport", "InstallCertificate", "PublishFirmware", "SetDisplayMessage",
    "SetMonitoringBase", "SetMonitoringLevel", "SetNetworkProfile", "SetVariableMonitoring", "UnpublishFirmware",
})  # fmt: skip


class Ocpp201(InBothVersions):
    """OCPP 2.0.1 of one charge point."""

    version = "2.0.1"

    # --- words -------------------------------------------------------------------------------------------------------

    def boot(self, reason: str) -> Words:
        """BootNotification."""
        return "BootNotification", {
            "reason": reason,
            "chargingStation": {
                "vendorName": "OICP-BENCH", "model": "Virtual", "serialNumber": self._cp.id[:25], "firmwareVersion": "1.0",
            },
        }  # fmt: skip

    def status(self, evse: Outlet) -> Words:
        """StatusNotification of an EVSE's connector."""
        return "StatusNotification", {
            "timestamp": wire_time(now()), "evseId": evse.connector_id, "connectorId": 1,
            "connectorStatus": availability(evse),
        }  # fmt: skip

    def own_status(self) -> Words | None:
        """2.0.1 has no status of the station as a whole."""
        return None

    def authorize(self, id_tag: str, token_type: str) -> Words:
        """Authorize."""
        return "Authorize", {"idToken": {"idToken": id_tag, "type": token_type}}

    def read_authorize(self, answer: Payload) -> str | None:
        """Status of the token; one that is not there is no acceptance."""
        return text(answer, "idTokenInfo", "status") or "Invalid"

    def reservation_over(self, reservation_id: int) -> Words | None:
        """ReservationStatusUpdate."""
        return "ReservationStatusUpdate", {"reservationId": reservation_id, "reservationUpdateStatus": "Expired"}

    def meter_values(self, evse: Outlet, reading: Reading) -> Words:
        """MeterValues, which in this version belongs to no transaction."""
        return "MeterValues", {"evseId": evse.connector_id, "meterValue": [meter_value(evse, reading)]}

    def transaction(self, event: TransactionEvent) -> Words | None:
        """TransactionEvent."""
        transaction, evse = event.transaction, event.transaction.evse
        info: Payload = {"transactionId": transaction.reference, "chargingState": charging_state(event)}
        payload: Payload = {
            "eventType": "Updated" if event.kind == "Metered" else event.kind, "timestamp": wire_time(event.at),
            "triggerReason": event.trigger, "seqNo": event.number, "offline": event.offline, "transactionInfo": info,
            "evse": {"id": evse.connector_id, "connectorId": 1},
        }  # fmt: skip
        if event.kind == "Started":
            payload["idToken"] = {"idToken": transaction.driver.id_tag, "type": transaction.driver.token_type}
            if transaction.driver.remote_start_id is not None:
                info["remoteStartId"] = transaction.driver.remote_start_id
            if transaction.driver.reservation_id is not None:
                payload["reservationId"] = transaction.driver.reservation_id
        if event.kind == "Ended":
            info["stoppedReason"] = stopped_reason(event)
        if event.readings:
            payload["meterValue"] = [meter_value(evse, reading) for reading in event.readings]
        return "TransactionEvent", payload

    def read_transaction(self, event: TransactionEvent, answer: Payload) -> TransactionAnswer:
        """The transaction id is ours; the CPO may have an opinion of the driver."""
        return TransactionAnswer(event.transaction.reference, text(answer, "idTokenInfo", "status"))

    # --- ears --------------------------------------------------------------------------------------------------------

    def find(self, action: str) -> Handler:
        """Who answers a call."""
        handler = _HANDLERS.get(action)
        if handler is None:
            raise Unsupported() if action in _UNSUPPORTED else Unknown()
        return lambda payload: handler(self, payload)

    def _request_start(self, payload: Payload) -> Reply:
        token, number = payload["idToken"], payload.get("evseId")
        id_tag = told(token["idToken"])
        evse = self._cp.pick(number)
        good = evse is not None and self._cp.accepting and evse.accepts(id_tag)
        seen = self._cp.seen(
            "remote_start_received", evse_id=evse.evse_id if evse else None, id_tag=id_tag, connector_id=number,
            answer="Accepted" if good else "Rejected",
        )  # fmt: skip
        if evse is None or not good:
            return Reply({"status": "Rejected"})
        ask = self._cp.configuration.flag("AuthorizeRemoteTxRequests")
        driver = Driver(id_tag, "remote", seen, int(payload["remoteStartId"]), str(token["type"]))
        return Reply({"status": "Accepted"}, lambda: evse.admit(driver, ask=ask))

    def _request_stop(self, payload: Payload) -> Reply:
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

    def _get_variables(self, payload: Payload) -> Reply:
        return Reply({"getVariableResult": [self._variable(item) for item in payload["getVariableData"]]})

    def _variable(self, item: Payload) -> Payload:
        asked: Payload = {"component": item["component"], "variable": item["variable"]}
        found = self._find_variable(item)
        if found is None:
            return {**asked, "attributeStatus": self._unknown(item)}
        if found.hidden or item.get("attributeType", "Actual") != "Actual":
            return {**asked, "attributeStatus": "Rejected" if found.hidden else "NotSupportedAttributeType"}
        return {**asked, "attributeStatus": "Accepted", "attributeValue": found.value}

    def _set_variables(self, payload: Payload) -> Reply:
        results = []
        for item in payload["setVariableData"]:
            found = self._find_variable(item)
            if found is None:
                status = self._unknown(item)
            elif item.get("attributeType", "Actual") != "Actual":
                status = "NotSupportedAttributeType"
            elif found.key is None:
                status = "Rejected"
            else:
                status = self._cp.configuration.change(found.key, str(item["attributeValue"]))
            results.append({"component": item["component"], "variable": item["variable"], "attributeStatus": status})
        return Reply({"setVariableResult": results})

    def _find_variable(self, item: Payload) -> Variable | None:
        component, variable = item["component"], item["variable"]
        return next((found for found in variables(self._cp) if found.is_asked_for(component, variable)), None)

    def _unknown(self, item: Payload) -> str:
        known = any(found.is_part_of(item["component"]) for found in variables(self._cp))
        return "UnknownVariable" if known else "UnknownComponent"

    def _base_report(self, payload: Payload) -> Reply:
        if payload["reportBase"] == "SummaryInventory":
            return Reply({"status": "NotSupported"})
        ident = payload["requestId"]
        report = {
            "requestId": ident, "generatedAt": wire_time(now()), "seqNo": 0, "tbc": False,
            "reportData": [variable.reported() for variable in variables(self._cp)],
        }  # fmt: skip
        return Reply({"status": "Accepted"}, lambda: self._cp.say(lambda _: ("NotifyReport", report), asked=True))

    def _reset(self, payload: Payload) -> Reply:
        if payload.get("evseId") is not None:
            return Reply({"status": "Rejected"})
        if payload["type"] == "OnIdle" and any(evse.transaction for evse in self._cp.evses):
            return Reply({"status": "Scheduled"}, self._cp.restart_when_idle)
        hard = {"Immediate": True, "OnIdle": False}[payload["type"]]
        return Reply({"status": "Accepted"}, lambda: self._cp.restart_soon(hard))

    def _change_availability(self, payload: Payload) -> Reply:
        number = int((payload.get("evse") or {}).get("id", 0))
        operative = {"Operative": True, "Inoperative": False}[payload["operationalStatus"]]
        return Reply({"status": self._cp.change_availability(number, operative)})

    def _trigger(self, payload: Payload) -> Reply:
        action = _TRIGGERS.get(payload["requestedMessage"])
        number = (payload.get("evse") or {}).get("id")
        if action is None:
            return Reply({"status": "NotImplemented"})
        if number and number not in self._cp.by_connector:
            return Reply({"status": "Rejected"})
        evses = (self._cp.by_connector[number],) if number else self._cp.evses
        if payload["requestedMessage"] == "TransactionEvent" and not any(evse.transaction for evse in evses):
            return Reply({"status": "Rejected"})
        return Reply({"status": "Accepted"}, lambda: action(self._cp, evses))

    def _reserve(self, payload: Payload) -> Reply:
        evse = self._cp.pick(payload.get("evseId"))
        expiry, id_tag = payload["expiryDateTime"], told(payload["idToken"]["idToken"])
        expires = time_of(expiry)
        answer = "Rejected" if evse is None else reservable(evse, payload["id"])
        if answer == "Accepted" and (expires is None or expires <= now()):
            answer = "Rejected"
        self._cp.seen(
            "reserve_received", evse_id=evse.evse_id if evse else None, reservation_id=payload["id"], id_tag=id_tag,
            expiry=expiry, answer=answer,
        )  # fmt: skip
        if answer != "Accepted" or evse is None or expires is None:
            return Reply({"status": answer})
        reservation = Reservation(payload["id"], id_tag, expires)
        return Reply({"status": answer}, lambda: evse.set_reservation(reservation))

    def _unlock(self, payload: Payload) -> Reply:
        evse = self._cp.by_connector.get(payload["evseId"])
        if evse is None:
            return Reply({"status": "UnknownConnector"})
        return Reply({"status": "OngoingAuthorizedTransaction" if evse.transaction else "Unlocked"})

    def _transaction_status(self, payload: Payload) -> Reply:
        found: Payload = {"messagesInQueue": self._cp.outbox.pending > 0}
        if "transactionId" in payload:
            found["ongoingIndicator"] = self._cp.transaction(payload["transactionId"]) is not None
        return Reply(found)

    def _set_charging_profile(self, payload: Payload) -> Reply:
        number = payload["evseId"]
        if number != 0 and number not in self._cp.by_connector:
            return Reply({"status": "Rejected"})
        evses = (self._cp.by_connector[number],) if number else self._cp.evses
        zero = profile_is_zero(payload["chargingProfile"].get("chargingSchedule"))
        return Reply({"status": "Accepted"}, lambda: limit(evses, zero))


_TRIGGERS: dict[str, Trigger] = {**TRIGGERS, "MeterValues": read_again, "TransactionEvent": sample_again}

_HANDLERS: dict[str, Callable[[Ocpp201, Payload], Reply]] = {
    "CancelReservation": Ocpp201._cancel_reservation,
    "ChangeAvailability": Ocpp201._change_availability,
    "ClearCache": lambda _, __: Reply({"status": "Accepted"}),
    "ClearChargingProfile": Ocpp201._clear_charging_profile,
    "DataTransfer": lambda _, __: Reply({"status": "UnknownVendorId"}),
    "GetBaseReport": Ocpp201._base_report,
    "GetCompositeSchedule": lambda _, __: Reply({"status": "Rejected"}),
    "GetChargingProfiles": lambda _, __: Reply({"status": "NoProfiles"}),
    "GetLocalListVersion": lambda _, __: Reply({"versionNumber": 0}),
    "GetLog": lambda _, __: Reply({"status": "Rejected"}),
    "GetTransactionStatus": Ocpp201._transaction_status,
    "GetVariables": Ocpp201._get_variables,
    "RequestStartTransaction": Ocpp201._request_start,
    "RequestStopTransaction": Ocpp201._request_stop,
    "ReserveNow": Ocpp201._reserve,
    "Reset": Ocpp201._reset,
    "SendLocalList": lambda _, __: Reply({"status": "Failed"}),
    "SetChargingProfile": Ocpp201._set_charging_profile,
    "SetVariables": Ocpp201._set_variables,
    "TriggerMessage": Ocpp201._trigger,
    "UnlockConnector": Ocpp201._unlock,
    "UpdateFirmware": lambda _, __: Reply({"status": "Rejected"}),
}
"""Every action of the CPO a station answers; all others are not implemented or not supported."""
