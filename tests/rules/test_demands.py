"""Texts of refusals: which ask for a member nobody has to send, and which only mention it."""

from typing import Any

from oicp.messages.identification import KINDS
from tests.rules.build import EVCO, ack
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, Case, several, table

WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "tap"}
RESERVE = "AuthorizeRemoteReservationStart"
IDS = ("CPOPartnerSessionID", "EMPPartnerSessionID", "PartnerProductID")


def said(text: str, code: str = "021", *, absent: bool = True, **more: Any) -> Any:
    """A start is refused with this text; its optional members are absent, or null."""
    body = dict.fromkeys(IDS, ...) if absent else {}
    answer = ack(code, StatusCode={"Code": code, "Description": text})
    return lambda b: b.start(t=10, body=body, answer=answer, **more)


def to_a_stop(text: str, code: str = "021") -> Any:
    """A stop is refused with this text."""
    answer = ack(code, StatusCode={"Code": code, "Description": text})
    return several(lambda b: b.start(t=10), lambda b: b.stop(t=60, answer=answer))


DEMANDS = [
    *(Case("RSTART-001", VIOLATED, text, said(text)) for text in (
        "Required: SessionID, EMPPartnerSessionID, PartnerProductID", "missing mandatory field cpoPartnerSessionId",
        "CPOPartnerSessionID, EMPPartnerSessionID and PartnerProductID are mandatory", "KeyError: 'EMPPartnerSessionID'",
        "Undefined array key \"PartnerProductID\"", "Missing required request parameter: PartnerProductID",
        "The property 'PartnerProductID' of the request must not be null. See the manual.",
        "PartnerProductID ist erforderlich", "Le champ PartnerProductID est obligatoire", "PartnerProductID ontbreekt",
        "falta PartnerProductID", "Brak pola PartnerProductID", "'PartnerProductID' is a required property",
        "Missing required creator property 'PartnerProductID' (index 6)", "instance requires property \"PartnerProductID\"",
        "required key [PartnerProductID] not found", "param is missing or the value is empty: PartnerProductID",
        "PartnerProductID can't be blank", "PartnerProductID: non-null value expected", "Value of PartnerProductID is not set",
        "Validation failed for PartnerProductID: must not be null",
    )),
    *(Case("HTTP-015", VIOLATED, text, said(text, absent=False)) for text in (
        "partner_product_id: Input should be a valid string", "$.PartnerProductID: null found, string expected",
        "instance.EMPPartnerSessionID is not of a type(s) string", "Non-null value 'PartnerProductID' was null at $.PartnerProductID",
        "Expected string literal but 'null' literal was found at path: $.EMPPartnerSessionID",
        "expected string, received null at PartnerProductID",
        "The JSON value could not be converted to System.String. Path: $.CPOPartnerSessionID",
        "codes [x.partnerProductId]; arguments []; default message [partnerProductId]]; default message [must not be null]]",
    )),
    *(Case(requirement, VIOLATED, f"null kinds of identification: {text}", lambda b, text=text: b.start(
        t=10, body={"Identification": {**dict.fromkeys(KINDS), "RemoteIdentification": {"EvcoID": EVCO}}},
        answer=ack("022", StatusCode={"Code": "022", "Description": text})))
      for requirement, text in (("HTTP-015", "RFIDMifareFamilyIdentification must be an object"), ("RSTART-002", "RFIDIdentification is required"))),
    *(Case("RSTART-002", VIOLATED, text, said(text)) for text in ("RFID UID not provided", "token uid is null")),
    *(Case("RSTOP-001", VIOLATED, text, to_a_stop(text)) for text in ("Identification fehlt", "Missing field: Identification")),
    Case("RESV-002", VIOLATED, "missing parameter: duration", said("missing parameter: duration", operation=RESERVE)),
]  # fmt: skip
MENTIONS = [
    *(Case("RSTART-001", SILENT, text, said(text)) for text in (
        "CPOPartnerSessionID could not be created: charge box id not set", "EMPPartnerSessionID saved. EVSE connector is null",
        "PartnerProductID not given, using default tariff; EVSE blocked", "EMPPartnerSessionID is not required. Internal failure",
        "PartnerProductID is optional, but EVSE configuration is missing", "transactionId obligatoire, PartnerProductID=null",
        "EVSE DE*ABC*E1*1 is required to be rebooted; EMPPartnerSessionID null", "PartnerProductID ok, missing connector",
        "(CPOPartnerSessionID: 4711) error: connector is null", "EMPPartnerSessionID not provided, continuing without; EVSE faulted",
        "EMPPartnerSessionID is null (ok), charger timeout", "PartnerProductID is not set up at this EVSE",
        "PartnerProductID not given access to this EVSE", "EVSE missing for CPOPartnerSessionID",
    )),
    Case("HTTP-015", SILENT, "the request repeated in the answer", said(
        "request {CPOPartnerSessionID=null, EMPPartnerSessionID=null, PartnerProductID=null} failed: chargeBoxId is null", absent=False)),
    *(Case("HTTP-015", SILENT, text, said(text, absent=False)) for text in (
        "no product, as PartnerProductID was null; the default was taken, EVSE faulted", "PartnerProductID was null, ignored: plug missing",
    )),
    *(Case("RSTART-002", SILENT, text, said(text)) for text in (
        "evse_uid not set for location LOC1", "EVSE UID is missing in backend", "tag uid blocked; contract required",
        "correlation uid 55ab: transaction not set", "uid of EVSE not set", "Authorization required for UID pool, station offline",
    )),
    *(Case("RSTOP-001", CONFORMS, text, several(to_a_stop(text), lambda b: b.stop(t=90))) for text in (
        "identification of transaction failed, transactionId is null", "The identification of the charge point is undefined",
        "EvcoID DE-DCB-C12345678-9 known, but transaction is not present", "Station-Identification ok; Verbindung fehlt",
        "session for EvcoID not present", "identification of the vehicle missing", "EV identification missing (ISO 15118)",
    )),
    *(Case("RESV-002", SILENT, text, said(text, operation=RESERVE)) for text in (
        "EVSE is not free for the required duration", "maximum duration exceeded, connector is required elsewhere",
        "requested duration: station response is empty", "Charging duration limit not set", "no slot of the duration required is left",
    )),
    Case("RSTART-019", SILENT, "a connector called like the product", lambda b: b.start(
        t=10, body={"PartnerProductID": "DC"},
        answer=ack("021", StatusCode={"Code": "021", "Description": "DC connector not available, price group 3"}))),
]  # fmt: skip


@table([Case(c.requirement, c.expected, c.what, c.story, c.until, WIRE) for c in (*DEMANDS, *MENTIONS)])
def test_texts_of_refusals(case: Case) -> None:
    """A member is asked for where the demand stands beside it, not where both are somewhere in the text."""
    case.check()
