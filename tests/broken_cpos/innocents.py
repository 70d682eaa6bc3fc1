"""CPOs that do it differently from the reference CPO and are within the law; most play every scenario of the profile."""

import json
import os
import ssl
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from cpo.answers import Refused
from cpo.authorization import RemoteAuthorization
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.fleet_data import Evse
from cpo.local_time import written
from cpo.outbox import CdrSender
from cpo.pushes import EvseStatusPush
from cpo.records import Session, Transaction, Waiting
from cpo.requests import RemoteRequest
from oicp import wire_json
from oicp.wire_json import Json
from tests.broken_cpos import offline
from tests.broken_cpos.changes import answer, both, drop, put, turn
from tests.broken_cpos.patched import Server
from tests.broken_cpos.profiles import KeepsItToItself
from tests.broken_cpos.remote import slow
from tests.broken_cpos.transport import _OtherContext, _OtherServing
from tests.broken_cpos.variant import Http, Variant

DATA, STATUS, CDR = "PushEvseData", "PushEvseStatus", "ChargeDetailRecord"
START, STOP = "AuthorizeRemoteStart", "AuthorizeRemoteStop"
Message = dict[str, Json]
_RECORDS = "/OperatorEvseData/EvseDataRecord/*"


def _nulls(names: tuple[str, ...]) -> Any:
    def change(message: Message) -> None:
        for name in names:
            message.setdefault(name, None)

    return change


def _null_members(message: Message) -> None:
    for record in message["OperatorEvseData"]["EvseDataRecord"]:
        for name in ("ChargingStationImage", "SubOperatorName", "MaxCapacity", "GeoChargingPointEntrance", "EnvironmentalImpact", "HubOperatorID", "ClearinghouseID", "OpeningTimes", "ChargingStationLocationReference", "deltaType", "lastUpdate"):  # fmt: skip
            record.setdefault(name, None)


def _reversed(message: Message) -> None:
    items = list(message.items())[::-1]
    message.clear()
    message.update(items)


_MANDATORY = frozenset(
    ("EvseID", "ChargingStationNames", "Address", "GeoCoordinates", "Plugs", "ChargingFacilities", "RenewableEnergy",
     "CalibrationLawDataAvailability", "AuthenticationModes", "PaymentOptions", "ValueAddedServices", "Accessibility",
     "HotlinePhoneNumber", "IsOpen24Hours", "OpeningTimes", "IsHubjectCompatible", "DynamicInfoAvailable")
)  # fmt: skip


def _bare_records(message: Message) -> None:
    for record in message["OperatorEvseData"]["EvseDataRecord"]:
        for name in [n for n in record if n not in _MANDATORY]:
            del record[name]
        for name in [n for n in record["Address"] if n in ("Region", "ParkingFacility", "TimeZone")]:
            del record["Address"][name]


def _place(geo: Message) -> tuple[float, float]:
    if "Google" in geo:
        latitude, longitude = geo["Google"]["Coordinates"].split()
    else:
        latitude, longitude = geo["DecimalDegree"]["Latitude"], geo["DecimalDegree"]["Longitude"]
    return float(latitude), float(longitude)


def _decimal(geo: Message) -> Message:
    latitude, longitude = _place(geo)
    return {"DecimalDegree": {"Latitude": f"{latitude:.5f}", "Longitude": f"{longitude:.5f}"}}


def _google(geo: Message) -> Message:
    latitude, longitude = _place(geo)
    return {"Google": {"Coordinates": f"{latitude:.6f}, {longitude:.6f}"}}


def _in_degrees(degrees: float) -> str:
    whole = int(abs(degrees))
    minutes = (abs(degrees) - whole) * 60
    return f"{'-' if degrees < 0 else ''}{whole}°{int(minutes)}'{(minutes - int(minutes)) * 60:.3f}''"


def _degrees(geo: Message) -> Message:
    latitude, longitude = _place(geo)
    return {"DegreeMinuteSeconds": {"Latitude": _in_degrees(latitude), "Longitude": _in_degrees(longitude)}}


class LongerSession(ChargeDetailRecords):
    """The session ends when its record is written."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        return super().of_charging(session, transaction, evse, now) | {"SessionEnd": written(now, evse.zone)}


class EnergyTimes(ChargeDetailRecords):
    """ChargingEnd is the moment of the last reading, not the end of the transaction."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        last = transaction.meter.last_at
        if last is not None and transaction.started_at <= last <= (transaction.stopped_at or now):
            record["ChargingEnd"] = written(last, evse.zone)
        return record


class ShortSession(ChargeDetailRecords):
    """The session begins with the transaction."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> Message:
        record = super().of_charging(session, transaction, evse, now)
        return record | {"SessionStart": record["ChargingStart"]}


class Patient(CdrSender):
    """Waits four seconds before it sends a record."""

    def held_back_s(self, message: Waiting) -> float:
        age = (datetime.now(UTC) - datetime.fromisoformat(message.created_at)).total_seconds()
        return max(0.0, 4.0 - age)


class RefusesRepeats(RemoteAuthorization):
    """The same start again is refused: the EVSE is in use."""

    async def _first_or_repeat(self, request: RemoteRequest) -> Message:
        if await self._register.session(request.session_id) is not None:
            raise Refused("602")
        return await super()._first_or_repeat(request)


class RefusesEarlyStops(RemoteAuthorization):
    """A stop before the transaction has begun is refused; the session goes on."""

    async def _stop(self, session: Session, evse: Evse) -> None:
        if self._register.transaction_of(session) is None:
            raise Refused("501", "nothing charges yet")
        await super()._stop(session, evse)


class WholeStatus(EvseStatusPush):
    """Every change goes as a complete fullLoad."""

    async def _push_change(self) -> bool:
        return await self._push_all()


class Tls12(_OtherContext):
    """Speaks TLS 1.2 and nothing newer."""

    def context(self, usual: ssl.SSLContext) -> ssl.SSLContext:
        usual.maximum_version = ssl.TLSVersion.TLSv1_2
        return usual


class ServesTls12(_OtherServing):
    """Serves TLS 1.2 and nothing newer."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if usual is not None:
            usual.maximum_version = ssl.TLSVersion.TLSv1_2
        return usual


class ServesTls13(_OtherServing):
    """Serves TLS 1.3 and nothing older."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if usual is not None:
            usual.minimum_version = ssl.TLSVersion.TLSv1_3
        return usual


class DemandsTheHub(_OtherServing):
    """Demands the client certificate of the hub."""

    def context(self, usual: ssl.SSLContext | None) -> ssl.SSLContext | None:
        if usual is not None:
            usual.load_verify_locations(os.environ["OICP_BENCH_CA_FILE"])
            usual.verify_mode = ssl.CERT_REQUIRED
        return usual


class PlainBadRequest(Server):
    """What cannot be read is answered with HTTP 400 and a text."""

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        body = wire_json.parse(await request.read()).value
        if not isinstance(body, dict):
            return web.json_response({"message": "not JSON"}, status=400)
        return await super().handle(request)


def _plain_numbers(message: Message) -> None:
    """Numbers as a binary float prints them: 0.5 for 0.500."""
    for name in ("ConsumedEnergy", "MeterValueStart", "MeterValueEnd"):
        if name in message:
            message[name] = float(message[name])


def _free(name: str, sentence: str, **more: Any) -> Variant:
    return Variant(f"innocent-{name}", sentence, **({"only": "all"} | more))


def _pretty(text: str) -> bytes:
    return wire_json.dump(wire_json.parse_text(text).value, indent=4).encode()


def _escaped(text: str) -> bytes:
    return json.dumps(json.loads(text), ensure_ascii=True, separators=(", ", " : ")).encode()


_OPTIONAL_OF_CDR = ("HubOperatorID", "HubProviderID", "MeterValueInBetween", "SignedMeteringValues", "CalibrationLawVerificationInfo", "PartnerProductID", "EMPPartnerSessionID", "MeterValueStart", "MeterValueEnd")  # fmt: skip
_OWN_TRANSACTION = drop("/CPOPartnerSessionID")

VARIANTS = (
    Variant("reference", "The reference CPO as it is", only="all"),
    Variant("reference-for-the-recording", "The reference CPO in the scenarios of the recording", only=offline.RECORDED),
    # records
    _free("charging-ends-with-energy", "ChargingEnd is the moment of the last reading", parts={"records": EnergyTimes}),
    _free("session-ends-with-record", "SessionEnd is the moment at which the record is written", parts={"records": LongerSession}),
    _free("session-begins-with-transaction", "SessionStart is the beginning of the transaction", parts={"records": ShortSession}),
    _free("record-with-nulls", "Optional members of a record are explicit nulls", requests={CDR: _nulls(_OPTIONAL_OF_CDR)}),
    _free("record-without-readings", "A record without readings of the meter", requests={CDR: both(drop("/MeterValueStart"), drop("/MeterValueEnd"), drop("/MeterValueInBetween"))}),
    _free("record-without-in-between", "A record without readings in between", requests={CDR: drop("/MeterValueInBetween")}),
    _free("record-with-floats", "Numbers without trailing zeros", requests={CDR: _plain_numbers}),
    _free("record-other-order", "Members of all messages in another order", requests={CDR: _reversed, STATUS: _reversed, DATA: _reversed}, answers={START: answer(_reversed), STOP: answer(_reversed)}),
    _free("record-nulls-in-identification", "The four other kinds of identification are null in a record", requests={CDR: turn("/Identification", lambda v: {"RFIDMifareFamilyIdentification": None, "QRCodeIdentification": None, "PlugAndChargeIdentification": None, "RFIDIdentification": None} | v)}),
    _free("no-partner-session-id", "Has no CPOPartnerSessionID", requests={CDR: _OWN_TRANSACTION}, answers={START: answer(_OWN_TRANSACTION), STOP: answer(_OWN_TRANSACTION)}),
    _free("patient-records", "Sends a record four seconds after the end", parts={"cdr_sender": Patient}),
    # data and status
    _free("data-with-nulls", "Optional members of a data record are explicit nulls", requests={DATA: _null_members}),
    _free("data-bare", "Data records with mandatory members only", requests={DATA: _bare_records}),
    _free("decimal-degrees", "Coordinates as DecimalDegree", requests={DATA: turn(_RECORDS + "/GeoCoordinates", _decimal)}),
    _free("google-with-comma", "Coordinates in Google notation with a comma", requests={DATA: turn(_RECORDS + "/GeoCoordinates", _google)}),
    _free("degrees-minutes-seconds", "Coordinates as DegreeMinuteSeconds", requests={DATA: turn(_RECORDS + "/GeoCoordinates", _degrees)}),
    _free("dynamic-auto", "DynamicInfoAvailable auto", requests={DATA: put(_RECORDS + "/DynamicInfoAvailable", "auto")}),
    _free("german-only", "Names and notes in German only", requests={DATA: both(turn(_RECORDS + "/ChargingStationNames", lambda v: v[1:] or v), turn(_RECORDS + "/AdditionalInfo", lambda v: v[1:] or v))}),
    _free("station-id-in-capitals", "ChargingStationID, as in the published examples", requests={DATA: lambda m: [r.update(ChargingStationID=r.pop("ChargingStationId")) for r in m["OperatorEvseData"]["EvseDataRecord"]] and None}),
    _free("whole-status", "Every change of status goes as a complete fullLoad", parts={"status_push": WholeStatus}),
    _free("status-without-name", "Status pushes without OperatorName", requests={STATUS: drop("/OperatorEvseStatus/OperatorName")}),
    _free("frequent-full-loads", "A full load every ten seconds", settings={"full_load_interval_s": 10.0}),
    _free("status-at-once", "The first status does not wait for the charge points", settings={"first_status_wait_s": 0.01}),
    # answers
    _free("answers-with-nulls", "Acknowledgements with explicit nulls", answers={name: answer(_nulls(("SessionID", "CPOPartnerSessionID", "EMPPartnerSessionID")), turn("/StatusCode", lambda v: {"AdditionalInfo": None} | v)) for name in (START, STOP)}),
    _free("bare-yes", "Success is Result and Code, and nothing else", answers={STOP: lambda asked, m: m.get("Result") and [m.pop(n, None) for n in ("SessionID", "CPOPartnerSessionID", "EMPPartnerSessionID")] and None}),
    _free("no-vehicle-510", "A start without a vehicle is refused with 510", settings={"no_vehicle": "refuse"}),
    _free("longer-patience", "Waits eight seconds for the vehicle", settings={"plug_in_timeout_s": 8.0}),
    _free("refuses-repeats", "The same start again is refused with 602", parts={"remote": RefusesRepeats}),
    _free("refuses-early-stops", "A stop before the transaction is refused with 501", parts={"remote": RefusesEarlyStops}),
    _free("slow-answers", "Answers remote requests after two seconds", parts={"remote": slow(start_s=2, stop_s=2)}),
    _free("plain-bad-request", "Broken JSON is answered with HTTP 400", parts={"server": PlainBadRequest}),
    # transport
    _free("encoded-path", "Ids in the path with %2A", http=Http(path=lambda operation, path: path.replace("*", "%2A"))),
    _free("encoded-path-lower", "Ids in the path with %2a", http=Http(path=lambda operation, path: path.replace("*", "%2a"))),
    _free("tls-1.2", "Calls with TLS 1.2 only", parts={"client": Tls12}),
    _free("serves-tls-1.2", "Serves TLS 1.2 only", parts={"server": ServesTls12}),
    _free("serves-tls-1.3", "Serves TLS 1.3 only", parts={"server": ServesTls13}),
    _free("demands-the-hub", "Demands the client certificate of the hub", parts={"server": DemandsTheHub}),
    _free("connection-per-call", "A new connection for every call", http=Http(connection_per_call=True)),
    _free("chunked", "Bodies are chunked", http=Http(chunked=True)),
    _free("lower-case-headers", "Header names in lower case, no charset", http=Http(headers={"Content-Type": None, "content-type": "application/json", "accept": "*/*"})),
    _free("charset-upper-case", "application/json; charset=\"UTF-8\"", http=Http(headers={"Content-Type": 'application/json; charset="UTF-8"'}, answer_headers={"Content-Type": "application/json"})),
    _free("connection-close", "Connection: close with every message", http=Http(headers={"Connection": "close"}, answer_headers={"Connection": "close"})),
    _free("pretty", "Indented JSON", http=Http(encode=_pretty, answer_encode=_pretty)),
    _free("escaped", "Escaped characters and blanks in JSON", http=Http(encode=_escaped, answer_encode=_escaped)),
    # CPOs of another kind
    _free("notifications", "Sends charging notifications nobody asked for", options=("--notifications",)),
    _free("ocpp-2.0.1", "Its charge points speak OCPP 2.0.1", fleet={"ocpp_version": "2.0.1"}),
    _free("reservations-in-the-backend", "Reservations are held in the backend alone", parts={"reservations": KeepsItToItself}, profiles=("reservation",), long=True, silent={"RESV-003": "no charge point holds it", "RESV-013": "nothing can go wrong at a charge point"}),
    _free("reservations", "Offers reservations", profiles=("reservation",), long=True),
    _free("card-readers", "Has card readers", profiles=("full",), sites={"rfid_readers": True}),
    _free("prices", "Offers prices", profiles=("pricing",)),
    _free("one-evse-each", "Every charge point has one EVSE", fleet={"charge_points": 20, "evses_per_charge_point": 1}),
    _free("din-operator", "An operator with a DIN id", cpo={"operator_id": "+49*810"}),
    _free("without-separators", "An operator who writes ids without separators", cpo={"operator_id": "DEABC"}),
    _free("slow-retries", "Waits longer before it repeats", settings={"retry_first_s": 1.0, "retry_cap_s": 8.0}),
    _free("gives-up-early", "Gives up on the hub after five seconds", settings={"hub_timeout_s": 5.0}),
)  # fmt: skip
