"""Authorization by token, and pricing."""

from typing import Any

from oicp.outages import UNHEARD
from tests.rules.build import EVSE, Build, ack, session_id, status_only
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, table

UID, OTHER_UID = "1234ABCD", "FFFF0000"
MIFARE = "RFIDMifareFamilyIdentification"


def rfid(uid: str = UID, kind: str = MIFARE) -> dict[str, Any]:
    return {kind: {"UID": uid}}


def yes(session: int = 1, **more: Any) -> dict[str, Any]:
    """The hub authorizes."""
    return {
        "AuthorizationStatus": "Authorized",
        "SessionID": session_id(session),
        "ProviderID": "DE-DCB",
        "StatusCode": {"Code": "000"},
        **more,
    }


NO = {"AuthorizationStatus": "NotAuthorized", "SessionID": None, "ProviderID": None, "AuthorizationStopIdentifications": None, "StatusCode": {"Code": "210"}}  # fmt: skip


def swipe(
    b: Build, *, t: float = 10, uid: str = UID, answer: Any = None, body: dict[str, Any] | None = None, **more: Any
) -> None:
    """A card at the charge point."""
    sent = {"OperatorID": "DE*ABC", "EvseID": EVSE, "Identification": rfid(uid), **(body or {})}
    b.exchange("AuthorizeStart", sent, t=t, answer=yes() if answer is None else answer, **more)


def charge(b: Build, *, t: float = 11, until: float = 40, uid: str = UID, **more: Any) -> None:
    b.transaction(t=t, until=until, cause="local", id_tag=uid, **more)


def cdr(b: Build, *, session: int = 1, identification: Any = None, t: float = 41, **more: Any) -> None:
    b.cdr(t=t, session=session, body={"Identification": identification or rfid()}, **more)


def stop(b: Build, *, t: float, uid: str, authorized: bool) -> None:
    answer = {
        "AuthorizationStatus": "Authorized" if authorized else "NotAuthorized",
        "StatusCode": {"Code": "000" if authorized else "102"},
    }
    b.exchange(
        "AuthorizeStop",
        {"OperatorID": "DE*ABC", "SessionID": session_id(1), "Identification": rfid(uid)},
        t=t,
        answer=answer,
    )


def asked(b: Build, answer: Any, *, t: float = 10.2, uid: str = UID) -> None:
    b.observe("authorize", t=t, evse_id=EVSE, id_tag=uid, answer=answer)


LISTED = yes(AuthorizationStopIdentifications=[rfid(OTHER_UID)])

CASES = [
    Case("AUTH-007", CONFORMS, "no charging", lambda b: swipe(b, answer=NO)),
    Case("AUTH-007", CONFORMS, "charging as an own customer, no CDR: information", lambda b: (swipe(b, answer=NO), charge(b))),
    Case("AUTH-007", VIOLATED, "charging and a CDR", lambda b: (swipe(b, answer=NO), charge(b), cdr(b, session=88))),
    Case("AUTH-007", CONFORMS, "authorized on the second try", lambda b: (swipe(b, answer=NO), swipe(b, t=12), charge(b, t=13), cdr(b))),
    Case("AUTH-007", CONFORMS, "the CDR is of a session before, with the same card", lambda b: (
        swipe(b, t=300, answer=NO), cdr(b, session=88, t=400, begin=20, end=399)), 500, run={"source": "tap", "truth": False}),
    Case("AUTH-007", VIOLATED, "the CDR is of a session after", lambda b: (
        swipe(b, t=300, answer=NO), cdr(b, session=88, t=400, begin=302, end=399)), 500, run={"source": "tap", "truth": False}),
    Case("AUTH-008", CONFORMS, "503 and no charging", lambda b: swipe(b, http_status=503, answer={})),
    Case("AUTH-008", SILENT, "the answer was not recorded", lambda b: (
        swipe(b, http_status=None, error=UNHEARD), cdr(b)), run={"source": "har", "truth": False}),
    Case("AUTH-008", VIOLATED, "503, charging, a CDR", lambda b: (swipe(b, http_status=503, answer={}, faults=("503",)), charge(b), cdr(b, session=88))),
    Case("AUTH-007", VIOLATED, "a CDR under the SessionID of the refusal", lambda b: (swipe(b, answer={**NO, "SessionID": session_id(1)}), cdr(b))),
    Case("AUTH-007", CONFORMS, "the refusal has a SessionID, nobody uses it", lambda b: swipe(b, answer={**NO, "SessionID": session_id(1)})),
    Case("AUTH-008", VIOLATED, "a SessionID without AuthorizationStatus, and a CDR", lambda b: (
        swipe(b, answer={"SessionID": session_id(1), "StatusCode": {"Code": "000"}}), cdr(b))),
    Case("AUTH-009", CONFORMS, "a stop without SessionID is a matter of its field", lambda b: (
        swipe(b), charge(b), b.exchange("AuthorizeStop", {"OperatorID": "DE*ABC", "Identification": rfid()}, t=40), cdr(b))),
    Case("AUTH-009", CONFORMS, "the id of the answer", lambda b: (swipe(b), charge(b), cdr(b))),
    Case("AUTH-009", VIOLATED, "the id of its own request", lambda b: (
        swipe(b, body={"SessionID": session_id(9)}), charge(b), cdr(b, session=9, answer=status_only("400"), http_status=404))),
    Case("AUTH-009", SILENT, "nothing used it yet", swipe),
    Case("AUTH-010", CONFORMS, "a plain no", lambda b: (swipe(b, answer=NO), asked(b, "Invalid"))),
    Case("AUTH-010", VIOLATED, "no answer at the charge point", lambda b: (swipe(b, answer=NO), asked(b, None))),
    Case("AUTH-012", CONFORMS, "the other card is refused", lambda b: (swipe(b), charge(b), stop(b, t=20, uid=OTHER_UID, authorized=False))),
    Case("AUTH-012", VIOLATED, "the other card stops all the same", lambda b: (swipe(b), charge(b, until=21, reason="Local"), stop(b, t=20, uid=OTHER_UID, authorized=False))),
    Case("AUTH-012", CONFORMS, "refused at the charge point, then the card that started stops", lambda b: (
        swipe(b), charge(b, until=21, reason="Local"), stop(b, t=20, uid=OTHER_UID, authorized=False), asked(b, "Invalid", t=20.1, uid=OTHER_UID))),
    Case("AUTH-012", VIOLATED, "let through at the charge point", lambda b: (
        swipe(b), charge(b, until=21, reason="Local"), stop(b, t=20, uid=OTHER_UID, authorized=False), asked(b, "Accepted", t=20.1, uid=OTHER_UID))),
    Case("AUTH-012", VIOLATED, "refused at the charge point, but the CPO ends it", lambda b: (
        swipe(b), charge(b, until=21), stop(b, t=20, uid=OTHER_UID, authorized=False), asked(b, "Invalid", t=20.1, uid=OTHER_UID),
        b.observe("remote_stop_received", t=20.5, evse_id=EVSE, transaction_id=7, answer="Accepted"))),
    Case("AUTH-012", CONFORMS, "unplugged just then", lambda b: (swipe(b), charge(b, until=21, reason="EVDisconnected"), stop(b, t=20, uid=OTHER_UID, authorized=False))),
    Case("AUTH-013", CONFORMS, "a listed card stops", lambda b: (swipe(b, answer=LISTED), charge(b), asked(b, "Accepted", t=20, uid=OTHER_UID))),
    Case("AUTH-013", WARNED, "a listed card is refused", lambda b: (swipe(b, answer=LISTED), charge(b), asked(b, "Invalid", t=20, uid=OTHER_UID))),
    Case("AUTH-015", CONFORMS, "the same", lambda b: (swipe(b), charge(b), cdr(b))),
    Case("AUTH-015", CONFORMS, "the same UID as RFIDIdentification", lambda b: (swipe(b), charge(b), cdr(b, identification=rfid(kind="RFIDIdentification")))),
    Case("AUTH-015", WARNED, "lower case", lambda b: (swipe(b), charge(b), cdr(b, identification=rfid(UID.lower())))),
    Case("AUTH-015", VIOLATED, "RemoteIdentification", lambda b: (swipe(b), charge(b), cdr(b, identification={"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}}))),
    Case("NOTIF-022", CONFORMS, "a Start notification", lambda b: (swipe(b, body={"EvseID": None}), charge(b), b.notification("Start", t=12), cdr(b))),
    Case("NOTIF-022", WARNED, "none", lambda b: (swipe(b, body={"EvseID": None}), charge(b), cdr(b))),
    Case("NOTIF-022", SILENT, "no energy flowed", lambda b: (swipe(b, body={"EvseID": None}), charge(b), cdr(b, meter_end_wh=0))),
    Case("NOTIF-022", SILENT, "the EVSE was known", lambda b: (swipe(b), charge(b), cdr(b))),
    Case("CDR-002", VIOLATED, "an RFID session without a CDR", lambda b: (swipe(b), charge(b))),
    Case("CDR-001", CONFORMS, "an RFID session with its CDR", lambda b: (swipe(b), charge(b), cdr(b))),
]  # fmt: skip


@table(CASES)
def test_authorization(case: Case) -> None:
    """Only Authorized opens a session; charging on other grounds is no business of the hub."""
    case.check()


def products(
    b: Build, *ids: str, provider: str = "DE-DCB", action: str = "fullLoad", t: float = 5, **more: Any
) -> None:
    data = {
        "OperatorID": "DE*ABC",
        "ProviderID": provider,
        "PricingProductDataRecords": [{"ProductID": i} for i in ids],
    }
    b.exchange("PushPricingProductData", {"ActionType": action, "PricingProductData": data}, t=t, **more)


def prices(b: Build, *ids: Any, provider: str = "DE-DCB", t: float = 10, **more: Any) -> None:
    rows = [{"EvseID": EVSE, "ProviderID": provider, "EvseIDProductList": list(ids)}]
    b.exchange("PushEVSEPricing", {"ActionType": "fullLoad", "EVSEPricing": rows}, t=t, **more)


WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "har"}
PRICES = [
    Case("PRICE-014", CONFORMS, "accepted", lambda b: products(b, "N1")),
    Case("PRICE-014", VIOLATED, "210", lambda b: products(b, "N1", answer=status_only("210"), http_status=403)),
    Case("PRICE-014", SILENT, "refused for its form", lambda b: products(b, "N1", answer={}, http_status=400)),
    Case("PRICE-016", CONFORMS, "pushed before", lambda b: (products(b, "N1"), prices(b, "N1"))),
    Case("PRICE-016", CONFORMS, "pushed for all, as an object", lambda b: (products(b, "N1", provider="*"), prices(b, {"ProductID": "N1"}))),
    Case("PRICE-016", CONFORMS, "a standard product: information", lambda b: (products(b, "N1"), prices(b, "AC3"))),
    Case("PRICE-016", CONFORMS, "all kept in the portal: information", lambda b: prices(b, "N1")),
    Case("PRICE-016", WARNED, "never pushed", lambda b: (products(b, "N1"), prices(b, "N2"))),
    Case("PRICE-016", WARNED, "pushed for another provider", lambda b: (products(b, "N1", provider="DE-XYZ"), prices(b, "N1"))),
    Case("PRICE-016", WARNED, "replaced by a full load", lambda b: (products(b, "N1"), products(b, "N2", t=6), prices(b, "N1"))),
    Case("PRICE-016", CONFORMS, "it may have been pushed before the recording", lambda b: (products(b, "N1", action="update"), prices(b, "N2")), run=WIRE),
    Case("PRICE-016", CONFORMS, "or for this provider before the recording", lambda b: (products(b, "N1", provider="DE-XYZ"), prices(b, "N2")), run=WIRE),
    Case("PRICE-016", WARNED, "all products were told", lambda b: (products(b, "N1"), prices(b, "N2")), run=WIRE),
    Case("PRICE-016", WARNED, "all products for all were told", lambda b: (products(b, "N1", provider="*"), prices(b, "N2")), run=WIRE),
    Case("PRICE-016", WARNED, "the push was refused", lambda b: (products(b, "N1"), products(b, "N2", t=6, action="insert", answer=ack("009")), prices(b, "N2"))),
]  # fmt: skip


@table(PRICES)
def test_pricing(case: Case) -> None:
    """Products are pushed before they are assigned; what the portal may hold is information only."""
    case.check()
