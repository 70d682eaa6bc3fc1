"""Statuses, charge detail records and acknowledgements that are wrong in one member."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from oicp.wire_json import Json
from tests.broken_cpos.changes import answer, both, drop, put, refusal, rename, turn
from tests.broken_cpos.variant import AnswerChange, Change, Variant

STATUS, CDR = "PushEvseStatus", "ChargeDetailRecord"
START, STOP = "AuthorizeRemoteStart", "AuthorizeRemoteStop"
_SESSION = "authorization.remote_start_and_stop"
_REFUSED_START = "authorization.start_on_an_unknown_evse"
_REFUSED_RECORD = {
    "CDR-001": "the hub refuses the record, so none arrives", "CDR-002": "the hub refuses the record, so none arrives",
    "CDR-027": "the hub refuses the record, so the session stays open",
    "CDR-030": "the hub refuses the record again and again", "CDR-034": "what is wrong is wrong in every attempt",
}  # fmt: skip
_NO_STATUS = {
    "STAT-005": "the hub refuses the status", "STAT-010": "the hub refuses the status",
    "STAT-009": "the hub refuses the status", "STAT-004": "its data are not at the hub either", "STAT-002": "the same member",
}  # fmt: skip


def _status(name: str, sentence: str, requirement: str, change: Change, *, grade: str = "error") -> Variant:
    return Variant(
        f"status-{name}", sentence, (requirement,), grade, _NO_STATUS, "evse_status.full_load_of_status_on_request",
        requests={STATUS: change},
    )  # fmt: skip


def _cdr(
    name: str, sentence: str, requirement: str, change: Change, *, grade: str = "error", only: str = _SESSION,
    **more: str,
) -> Variant:  # fmt: skip
    reasons = _REFUSED_RECORD | {ident.replace("_", "-"): why for ident, why in more.items()}
    return Variant(f"cdr-{name}", sentence, (requirement,), grade, reasons, only, requests={CDR: change})


def _answer(
    name: str, sentence: str, requirement: str, change: AnswerChange, *, only: str = _SESSION, grade: str = "error",
    **more: str,
) -> Variant:  # fmt: skip
    reasons = {ident.replace("_", "-"): why for ident, why in more.items()}
    return Variant(
        f"answer-{name}", sentence, (requirement,), grade, reasons, only, answers={START: change, STOP: change}
    )


def _as_object(message: dict[str, Json]) -> None:
    envelope = message["OperatorEvseStatus"]
    envelope["EvseStatusRecord"] = envelope["EvseStatusRecord"][0]


def _first_status_twice(message: dict[str, Json]) -> None:
    records = message["OperatorEvseStatus"]["EvseStatusRecord"]
    records.append(dict(records[0]))


def _times(text: str) -> Change:
    """Every date-time of a record through a function of text."""
    into = _INTO[text]
    return both(*(turn("/" + name, into) for name in ("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd")))


_INTO = {
    "blank": lambda v: v.replace("T", " ")[:19],
    "naive": lambda v: v[:19],
    "zulu": lambda v: datetime.fromisoformat(v).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "fraction": lambda v: v[:19] + ".123" + v[19:],
    "one-offset": lambda v: v[:19] + "+05:30",
    "american": lambda v: f"{v[5:7]}/{v[8:10]}/{v[:4]} {v[11:19]}",
}


def _scaled(factor: str) -> Change:
    def change(message: dict[str, Json]) -> None:
        for name in ("ConsumedEnergy", "MeterValueStart", "MeterValueEnd"):
            if name in message:
                message[name] = Decimal(message[name]) * Decimal(factor)
        between = message.get("MeterValueInBetween")
        if isinstance(between, dict):
            between["meterValues"] = [Decimal(v) * Decimal(factor) for v in between["meterValues"]]

    return change


def _plus(name: str, amount: str) -> Change:
    return turn("/" + name, lambda v: Decimal(v) + Decimal(amount))


def _only_energy(amount: str) -> Change:
    return both(
        drop("/MeterValueStart"), drop("/MeterValueEnd"), drop("/MeterValueInBetween"),
        turn("/ConsumedEnergy", lambda v: Decimal(v) + Decimal(amount)),
    )  # fmt: skip


def _swap(one: str, other: str) -> Change:
    def change(message: dict[str, Json]) -> None:
        if one in message and other in message:
            message[one], message[other] = message[other], message[one]

    return change


def _moved(names: tuple[str, ...], **span: int) -> Change:
    def moved(value: str) -> str:
        return (datetime.fromisoformat(value) + timedelta(**span)).isoformat()

    return both(*(turn("/" + name, moved) for name in names))


def _later(*names: str, hours: int = 1) -> Change:
    return _moved(names, hours=hours)


def _year_later(name: str) -> Change:
    return _moved((name,), days=365)


def _year_earlier(*names: str) -> Change:
    return _moved(names, days=-365)


def _intervals(message: dict[str, Json]) -> None:
    """Consumption per interval instead of readings."""
    if "MeterValueStart" in message:
        message["MeterValueInBetween"] = {"meterValues": [Decimal("0.4"), Decimal("0.5"), Decimal("0.3")]}


def _meter_from_zero(message: dict[str, Json]) -> None:
    if "MeterValueStart" in message:
        message["MeterValueEnd"] = Decimal(message["ConsumedEnergy"])
        message["MeterValueStart"] = Decimal("0")
        message.pop("MeterValueInBetween", None)


def _of_the_session_before() -> Change:
    last: list[str] = []

    def change(message: dict[str, Json]) -> None:
        own = message.get("EMPPartnerSessionID")
        if own is not None:
            message["EMPPartnerSessionID"] = next((ident for ident in last if ident != own), own)
            last.append(own)

    return change


_EVCO = "/Identification/RemoteIdentification/EvcoID"
_FOREIGN = "DE-DCB-C12345678-9"

STATUSES = (
    _status("record-as-object", "EvseStatusRecord is an object where there is one", "STAT-001", _as_object),
    _status("without-operator", "OperatorID is left out", "STAT-001", drop("/OperatorEvseStatus/OperatorID")),
    _status("long-operator-name", "OperatorName of 140 characters", "STAT-001", put("/OperatorEvseStatus/OperatorName", "Municipal utilities " * 7)),
    _status("without-status", "EvseStatus is left out for EVSEs that never reported", "STAT-002", drop("/OperatorEvseStatus/EvseStatusRecord/0/EvseStatus")),
    _status("in-ocpp-words", "EvseStatus Charging, as OCPP calls it", "STAT-002", put("/OperatorEvseStatus/EvseStatusRecord/0/EvseStatus", "Charging")),
    _status("in-upper-case", "EvseStatus AVAILABLE", "STAT-002", turn("/OperatorEvseStatus/EvseStatusRecord/*/EvseStatus", str.upper)),
    _status("not-found", "EvseNotFound is pushed for an EVSE that is switched off", "STAT-003", put("/OperatorEvseStatus/EvseStatusRecord/0/EvseStatus", "EvseNotFound"), grade="warning"),
    _status("twice-in-a-push", "One EVSE has two records in a status push", "PUSH-009", _first_status_twice),
    _status("action-capital", "ActionType Update", "PUSH-001", put("/ActionType", "Update")),
    _status("foreign-evse", "The status of a neighbour's EVSE", "PUSH-010", turn("/OperatorEvseStatus/EvseStatusRecord/0/EvseID", lambda v: v.replace("ABC", "XYZ"))),
    _status("without-separators", "The status push spells EvseIDs without separators", "ID-005", turn("/OperatorEvseStatus/EvseStatusRecord/*/EvseID", lambda v: v.replace("*", "")), grade="warning"),
)  # fmt: skip

RECORDS = (
    _cdr("without-charging-start", "ChargingStart is left out, as OICP 2.2 allowed", "CDR-007", drop("/ChargingStart")),
    _cdr("without-session-end", "SessionEnd is left out", "CDR-007", drop("/SessionEnd")),
    _cdr("energy-null", "ConsumedEnergy is null where the meter gave nothing", "HTTP-007", put("/ConsumedEnergy", None)),
    _cdr("session-id-invalid", "Its own transaction number as SessionID", "SESS-002", put("/SessionID", "12345"), CDR_004="no such session at the hub", SESS_001="the number is its own", CDR_003="every record has the same number", SESS_003="it is not the number of the start"),
    _cdr("session-id-invented", "A new GUID as SessionID", "SESS-003", put("/SessionID", "f9b1c9f2-0000-4000-8000-00000000beef"), CDR_004="no such session at the hub", SESS_001="the id is its own", CDR_003="every record has the same id"),
    _cdr("session-id-in-upper-case", "The SessionID is turned into upper case", "SESS-003", turn("/SessionID", str.upper), grade="warning"),
    _cdr("times-with-blank", "Times with a blank instead of the T", "TIME-001", _times("blank")),
    _cdr("times-without-zone", "Times without a zone designator", "TIME-001", _times("naive")),
    _cdr("times-american", "Times as the locale of the server writes them", "TIME-001", _times("american")),
    _cdr("times-zulu", "Times in UTC with a Z", "TIME-002", _times("zulu"), grade="warning"),
    _cdr("times-with-milliseconds", "Times with milliseconds", "TIME-004", _times("fraction"), grade="info"),
    _cdr("offset-of-the-head-office", "The offset of another country for every location", "TIME-003", _times("one-offset"), CDR_016="the moments are others"),
    _cdr("ends-before-it-starts", "ChargingStart and ChargingEnd exchanged", "CDR-013", _swap("ChargingStart", "ChargingEnd"), CDR_016="the same times"),
    _cdr("session-inside-charging", "SessionStart and SessionEnd of the energy, exchanged", "CDR-014", _swap("SessionStart", "SessionEnd"), grade="warning", CDR_016="the same times"),
    _cdr("ends-in-the-future", "The clock of the backend is a year ahead", "CDR-015", both(_year_later("SessionEnd"), _year_later("ChargingEnd")), CDR_016="the same times"),
    _cdr("times-of-another-session", "All times are those of a session a year ago", "CDR-016", _year_earlier("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd")),
    _cdr("charging-start-of-the-plug", "ChargingStart is an hour too early", "CDR-016", _later("ChargingStart", "SessionStart", hours=-1)),
    _cdr("energy-negative", "Energy with the wrong sign", "CDR-017", both(drop("/MeterValueStart"), drop("/MeterValueEnd"), drop("/MeterValueInBetween"), turn("/ConsumedEnergy", lambda v: -Decimal(v))), CDR_024="it is not the energy that flowed"),
    _cdr("energy-as-text", "ConsumedEnergy is a text", "HTTP-006", turn("/ConsumedEnergy", str)),
    _cdr("energy-with-six-decimals", "Six decimals", "CDR-018", turn("/ConsumedEnergy", lambda v: Decimal(v) + Decimal("0.000123"))),
    _cdr("energy-and-readings-disagree", "The difference of the readings is not the energy", "CDR-019", _plus("MeterValueEnd", "1"), CDR_025="the reading is not that of the meter"),
    _cdr("meter-falls", "MeterValueStart and MeterValueEnd exchanged", "CDR-020", _swap("MeterValueStart", "MeterValueEnd"), CDR_019="the difference is negative"),
    _cdr("energy-in-wh", "Energy and readings in Wh", "CDR-021", _scaled("1000"), CDR_024="it is not the energy that flowed", CDR_018="the same values"),
    _cdr("energy-in-w-alone", "ConsumedEnergy in Wh beside readings in kWh", "CDR-021", turn("/ConsumedEnergy", lambda v: Decimal(v) * 1000), CDR_024="it is not the energy that flowed", CDR_019="the readings are right"),
    _cdr("in-between-as-list", "MeterValueInBetween is a list", "CDR-022", put("/MeterValueInBetween", [Decimal("1.0"), Decimal("2.0")]), grade="warning"),
    _cdr("in-between-as-text", "MeterValueInBetween is a text", "CDR-022", put("/MeterValueInBetween", "1.0;2.0")),
    _cdr("in-between-intervals", "Consumption per interval instead of readings", "CDR-023", _intervals, grade="warning"),
    _cdr("energy-rounded", "Energy rounded up to the next kWh", "CDR-024", _only_energy("0.7")),
    _cdr("meter-from-zero", "The register of every session begins at zero", "CDR-025", _meter_from_zero, grade="warning"),
    _cdr("energy-beyond-the-rating", "A hundredfold energy", "CDR-024", _only_energy("500"), CDR_039="more than the EVSE can deliver"),
    _cdr("evse-of-the-first-connector", "Every record names the first connector of another station", "CDR-008", put("/EvseID", "DE*ABC*E1004*1"), SESS_003="the same", CDR_029="the same"),
    _cdr("foreign-evse", "The EvseID of the neighbour's station", "CDR-009", turn("/EvseID", lambda v: v.replace("ABC", "XYZ")), CDR_008="it is not the EVSE of the session either", PUSH_010="the same"),
    _cdr("all-identifications", "All five kinds of identification, as in the published example", "CDR-010", turn("/Identification", lambda v: v | {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}, "PlugAndChargeIdentification": v["RemoteIdentification"]})),
    _cdr("identification-empty", "An Identification without any member", "CDR-010", put("/Identification", {})),
    _cdr("uid-for-evco-id", "The EvcoID as UID of an RFID card", "CDR-011", put("/Identification", {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}), CDR_012="the EvcoID is missing"),
    _cdr("evco-id-of-somebody-else", "The EvcoID of the previous customer", "CDR-012", put(_EVCO, _FOREIGN)),
    _cdr("evco-id-cut", "The EvcoID is cut to fit a column of twelve characters", "ID-004", turn(_EVCO, lambda v: v[:12]), CDR_012="it is not that of the start either"),
    _cdr("product-with-blank", "PartnerProductID AC 1, as in the published example", "CDR-035", put("/PartnerProductID", "AC 1")),
    _cdr("long-product", "A tariff name of 64 characters as PartnerProductID", "ID-007", put("/PartnerProductID", "Municipal utilities, roaming, weekdays, tariff sheet of January 2026")),
    _cdr("long-partner-session-id", "A signed token of 400 characters as CPOPartnerSessionID", "ACK-008", put("/CPOPartnerSessionID", "eyJhbGciOi" * 40)),
    _cdr("partner-session-id-changes", "CPOPartnerSessionID is another one than in the acknowledgement", "SESS-006", put("/CPOPartnerSessionID", "cdr-4711"), grade="warning"),
    _cdr("without-partner-session-id", "EMPPartnerSessionID of the start is left out", "SESS-005", drop("/EMPPartnerSessionID"), grade="warning"),
    _cdr("emp-session-id-of-another", "EMPPartnerSessionID of the session before", "CDR-037", _of_the_session_before(), only=f"{_SESSION}, charge_detail_record.product_and_partner_session_id", SESS_005="it is not that of the start"),
    _cdr("hub-operator-name", "HubOperatorID Hubject", "CDR-038", put("/HubOperatorID", "Hubject")),
    _cdr("hub-provider-malformed", "HubProviderID DE*ABCD", "ID-003", put("/HubProviderID", "DE*ABCD"), CDR_038="the same member"),
    _cdr("misspelled-energy", "consumedEnergy in camel case, as the serializer is set up", "HTTP-005", rename("/ConsumedEnergy", "consumedEnergy")),
)  # fmt: skip

ANSWERS = (
    _answer("result-as-text", "Result is the text true", "ACK-001", answer(turn("/Result", lambda v: str(v).lower())), RSTART_001="no Result that can be read", RSTOP_001="the same", RSTOP_002="the same"),
    _answer("without-result", "Result is left out", "ACK-001", answer(drop("/Result")), RSTART_001="no Result that can be read", RSTOP_001="the same", RSTOP_002="the same"),
    _answer("code-as-number", "Code is a number", "ACK-002", answer(turn("/StatusCode/Code", int)), ACK_003="the code is not that of success"),
    _answer("code-of-http", "Code 404 for an unknown EVSE", "ACK-002", refusal(put("/StatusCode/Code", "404")), only=_REFUSED_START),
    _answer("without-status-code", "StatusCode is left out", "ACK-002", answer(drop("/StatusCode")), ACK_003="the same"),
    _answer("true-with-a-failure", "Result true with code 602", "ACK-003", answer(put("/StatusCode/Code", "602"))),
    _answer("false-with-success", "Result false with code 000", "ACK-003", refusal(put("/StatusCode/Code", "000")), only=_REFUSED_START),
    _answer("stack-trace", "A stack trace as Description", "ACK-004", refusal(put("/StatusCode/Description", "at com.example.Cpo.start(Cpo.java:42) " * 8)), only=_REFUSED_START),
    _answer("own-words", "Individual text as Description", "ACK-005", refusal(put("/StatusCode/Description", "EVSE 77 not found in database")), only=_REFUSED_START, grade="warning"),
    _answer("exception-dump", "An exception dump of 5 kB as AdditionalInfo", "ACK-006", refusal(put("/StatusCode/AdditionalInfo", "NullPointerException " * 250)), only=_REFUSED_START),
    _answer("own-session-id", "Its own transaction id as SessionID", "ACK-007", answer(put("/SessionID", "a2b8f0c4-0000-4000-8000-0000000000aa")), SESS_001="an id of its own"),
    _answer("constant-session-id", "The same SessionID in every answer, that of the published example", "ACK-007", answer(put("/SessionID", "f98efba4-02d8-4fa0-b810-9a9d50d2c527")), SESS_001="an id of its own"),
    _answer("long-partner-session-id", "A token of 400 characters as CPOPartnerSessionID", "ACK-008", answer(put("/CPOPartnerSessionID", "eyJhbGciOi" * 40)), SESS_009="the hub leaves out what it cannot store"),
    _answer("hub-code", "001 for an EVSE it does not know", "ACK-009", refusal(put("/StatusCode/Code", "001")), only=_REFUSED_START, grade="warning"),
    _answer("one-code-for-all", "022 for whatever is refused", "ACK-010", refusal(put("/StatusCode", {"Code": "022", "Description": "Data error."})), only=_REFUSED_START, grade="warning"),
    _answer("emp-session-id-of-another", "EMPPartnerSessionID is not given back in the answer", "SESS-005", answer(drop("/EMPPartnerSessionID"), drop("/SessionID")), grade="warning"),
)  # fmt: skip

VARIANTS = (*STATUSES, *RECORDS, *ANSWERS)
