"""What a recording of the wire alone tells, without anybody at the charge points."""

from dataclasses import replace
from typing import Any

from oicp.status_codes import status
from oicp.unknowns import ADDRESSES, TIMES
from tests.rules.build import EVSE, OTHER, Build, ack, clock, record, session_id
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "har"}
TEXTS = {**WIRE, "source": "pairs", "unknown": (TIMES, ADDRESSES)}
NO400, NO022 = ack("400"), ack("022", StatusCode={"Code": "022", "Description": "No."})


def billed(b: Build, session: int = 1, begin: float = 10, end: float = 600, evse_id: str = EVSE) -> None:
    """A session that was started, stopped and billed."""
    b.start(t=begin, session=session, evse_id=evse_id)
    b.stop(t=end, session=session, evse_id=evse_id)
    b.cdr(t=end + 2, session=session, begin=begin + 1, end=end, evse_id=evse_id)


CARD = {"RFIDMifareFamilyIdentification": {"UID": "04A1B2C3"}}
BARE = {"CPOPartnerSessionID": ..., "EMPPartnerSessionID": ..., "PartnerProductID": ...}


def no(code: str, info: str | None = None) -> dict[str, Any]:
    """A refusal with the standard text and more."""
    return ack(code, StatusCode=status(code, None, info))


def data(b: Build) -> None:
    b.push_data([record(), record(OTHER)], t=1)


def down(b: Build) -> None:
    b.push_status({EVSE: "OutOfService"}, t=50)


def asks_for(text: str, **members: Any) -> Any:
    """A bare start is refused with this text."""
    return lambda b: b.start(t=10, body={**BARE, **members}, answer=no("022", text))


def burst(*took: float) -> Any:
    """Starts at once, each on an EVSE of its own, and how long their answers took."""

    def story(b: Build) -> None:
        for at, seconds in enumerate(took):
            b.start(t=10 + at / 100, session=at + 1, evse_id=f"DE*ABC*E{at}", took=seconds)

    return story


def energy(t: float, kwh: float) -> Any:
    """A Progress notification."""
    body = {"ChargingStart": clock(11), "EventOccurred": clock(t), "ConsumedEnergyProgress": kwh}
    return lambda b: b.notification("Progress", t=t, body=body)


FREE = {EVSE: "Available", OTHER: "Available"}


def shown(*statuses: tuple[float, str], dynamic: str = "true", at: float = 1805, **billing: Any) -> Any:
    """Published and Available, then these statuses of the EVSE beside a session from 10 to 1800 that is billed at second `at`."""

    def story(b: Build) -> None:
        b.push_data([record(EVSE, DynamicInfoAvailable=dynamic), record(OTHER)], t=1)
        b.push_status(FREE, t=2, action="fullLoad")
        b.start(t=10)
        for t, told in statuses:
            b.push_status({EVSE: told}, t=t)
        b.cdr(t=at, **{"begin": 11, "end": 1800, **billing})
        b.push_status({OTHER: "Occupied"}, t=1900)

    return story


def card(*statuses: tuple[float, str], evse_id: str | None = EVSE) -> Any:
    """The same with a session that a card began."""
    identification = {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}

    def story(b: Build) -> None:
        b.push_data([record(EVSE), record(OTHER)], t=1)
        b.push_status(FREE, t=2, action="fullLoad")
        asked = {"OperatorID": "DE*ABC", "Identification": identification, **({"EvseID": evse_id} if evse_id else {})}
        given = {"AuthorizationStatus": "Authorized", "SessionID": session_id(1), "StatusCode": {"Code": "000"}}
        b.exchange("AuthorizeStart", asked, t=10, answer=given)
        for t, told in statuses:
            b.push_status({EVSE: told}, t=t)
        b.cdr(t=1805, begin=11, end=1800, body={"Identification": identification})
        b.push_status({OTHER: "Occupied"}, t=1900)

    return story


CASES = [
    Case("RSTART-007", VIOLATED, "the CDR says that another session charged", several(
        billed, lambda b: b.start(t=300, session=2)), run=WIRE),
    Case("RSTART-007", CONFORMS, "and the start was refused", several(
        billed, lambda b: b.start(t=300, session=2, answer=ack("602"))), run=WIRE),
    Case("RSTART-007", SILENT, "it had ended", several(billed, lambda b: b.start(t=700, session=2)), run=WIRE),
    Case("RSTART-007", SILENT, "it was the other EVSE", several(
        billed, lambda b: b.start(t=300, session=2, evse_id=OTHER)), run=WIRE),
    Case("RSTART-007", SILENT, "no CDR tells", several(
        lambda b: b.start(t=10), lambda b: b.start(t=300, session=2)), run=WIRE),
    Case("RSTART-007", SILENT, "texts without times", several(billed, lambda b: b.start(t=300, session=2)), run=TEXTS),
    Case("SESS-008", SILENT, "texts without times", several(
        billed, lambda b: b.start(t=12, session=2, evse_id=OTHER), lambda b: b.cdr(t=650, session=2, evse_id=OTHER)), run=TEXTS),
    Case("SESS-007", SILENT, "texts without times", several(billed, lambda b: b.start(t=700, session=2)), run=TEXTS),
    Case("RSTART-007", SILENT, "the record of the next session has the times of another zone", several(
        billed, lambda b: b.start(t=3610, session=2), lambda b: b.cdr(t=4202, session=2, begin=11, end=600)), 5000, run=WIRE),
    Case("ACK-010", WARNED, "one code for all: the EVSE is in use", several(
        billed, lambda b: b.start(t=300, session=2, answer=NO022)), run=WIRE),
    Case("ACK-010", CONFORMS, "the cause is not known", several(
        billed, lambda b: b.start(t=700, session=2, answer=NO022)), run=WIRE),
    Case("ACK-010", WARNED, "one code for all: the session is billed", several(
        billed, lambda b: b.stop(t=700, answer=NO022)), run=WIRE),
    Case("STAT-010", CONFORMS, "Occupied all the time", shown((12, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-010", VIOLATED, "Available in the middle", shown((12, "Occupied"), (900, "Available"), (1802, "Available")), run=WIRE),
    Case("STAT-010", VIOLATED, "and in a full load", several(shown((12, "Occupied"), (1802, "Available")), lambda b: b.push_status(
        FREE, t=900, action="fullLoad")), run=WIRE),
    Case("STAT-010", CONFORMS, "put right at once", shown((12, "Occupied"), (900, "Available"), (902, "Occupied")), run=WIRE),
    Case("STAT-010", CONFORMS, "the clock of the CPO is ahead", shown((12, "Occupied"), (1750, "Available")), run=WIRE),
    Case("STAT-010", CONFORMS, "it is ten minutes ahead, and the record came the next day", shown(
        (12, "Occupied"), (1200, "Available"), begin=611, at=86400), run=WIRE),
    Case("STAT-010", VIOLATED, "too early, though the record came the next day", shown((12, "Occupied"), (1200, "Available"), at=86400), run=WIRE),
    Case("STAT-010", VIOLATED, "too early, though the vehicle came late", shown((612, "Occupied"), (1200, "Available"), begin=611), run=WIRE),
    Case("STAT-010", CONFORMS, "out of order in the middle", shown((12, "Occupied"), (900, "OutOfService")), run=WIRE),
    Case("STAT-010", CONFORMS, "it had ended, the record came later", shown((12, "Occupied"), (905, "Available"), end=900), run=WIRE),
    Case("STAT-010", SILENT, "texts without times", shown((12, "Occupied"), (900, "Available")), run=TEXTS),
    Case("STAT-010", SILENT, "nobody knows the state before", several(billed, lambda b: b.push_status({EVSE: "Available"}, t=300)), run=WIRE),
    Case("STAT-005", CONFORMS, "Occupied when the session begins", shown((12, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-005", CONFORMS, "Occupied when the cable was plugged", shown((5, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-005", VIOLATED, "never Occupied", shown((1802, "Available")), run=WIRE),
    Case("STAT-005", SILENT, "the vehicle may have come two minutes late", shown((140, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-005", WARNED, "ten minutes late", shown((640, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-005", VIOLATED, "a job every 20 minutes", shown((1200, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-005", WARNED, "four minutes and never Occupied", shown(end=250), run=WIRE),
    Case("STAT-005", VIOLATED, "a session by card", card((1802, "Available")), run=WIRE),
    Case("STAT-005", CONFORMS, "a session by card, told in time", card((12, "Occupied"), (1802, "Available")), run=WIRE),
    Case("STAT-010", VIOLATED, "a session by card, freed too early", card((12, "Occupied"), (900, "Available")), run=WIRE),
    Case("STAT-005", VIOLATED, "a card read without an EvseID", card((1802, "Available"), evse_id=None), run=WIRE),
    Case("STAT-005", SILENT, "nobody came", shown(meter_end_wh=0), run=WIRE),
    Case("STAT-005", SILENT, "no dynamic information", shown(dynamic="false"), run=WIRE),
    Case("STAT-005", CONFORMS, "its data were removed meanwhile", several(
        shown(), lambda b: b.push_data([{"EvseID": EVSE}], t=60, action="delete")), run=WIRE),
    Case("STAT-005", VIOLATED, "those of the other EVSE were", several(
        shown(), lambda b: b.push_data([{"EvseID": OTHER}], t=60, action="delete")), run=WIRE),
    Case("STAT-005", SILENT, "the push was lost", several(shown((900, "Occupied")), lambda b: b.push_status(
        {EVSE: "Occupied"}, t=12, http_status=503, answer=b"")), run=WIRE),
    Case("STAT-005", SILENT, "times of the record that were made up", shown(begin=-3000, end=-60), run=WIRE),
    Case("CDR-001", CONFORMS, "stopped and billed", several(billed, lambda b: b.stop(t=700)), 1300, run=WIRE),
    Case("CDR-001", SILENT, "another session was stopped and has no record here", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1300, run=WIRE),
    Case("CDR-001", VIOLATED, "stopped, and no record within a quarter of an hour", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1900, run={**WIRE, "source": "tap"}),
    Case("CDR-001", WARNED, "the cable may still be plugged in", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1300, run={**WIRE, "source": "tap"}),
    Case("CDR-001", CONFORMS, "billed when the cable was pulled", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=600), lambda b: b.cdr(t=1300, begin=11, end=600, body={"SessionEnd": clock(1299)})),
        1900, run={**WIRE, "source": "tap"}),
    Case("CDR-029", SILENT, "readings may be those of a simulator that begins at 100 kWh each time", several(
        lambda b: b.cdr(t=30, begin=10, end=29, meter_start_wh=100_000, meter_end_wh=108_000),
        lambda b: b.cdr(t=90, session=2, begin=60, end=89, meter_start_wh=100_000, meter_end_wh=116_000)), run=WIRE),
    Case("CDR-016", VIOLATED, "UTC with the offset of the place", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=602, begin=11 - 3600, end=600 - 3600)), run=WIRE),
    Case("CDR-016", SILENT, "times after the start", billed, run=WIRE),
    Case("CDR-016", SILENT, "the hub was asked for a card when the charge point was online again", several(
        lambda b: b.exchange("AuthorizeStart", {"OperatorID": "DE*ABC", "EvseID": EVSE, "Identification": CARD}, t=2000, answer={
            "SessionID": session_id(1), "AuthorizationStatus": "Authorized", "StatusCode": {"Code": "000"}}),
        lambda b: b.cdr(t=2602, begin=800, end=2600, body={"Identification": CARD})), run=WIRE),
    Case("CDR-016", SILENT, "the session began when the vehicle was plugged in", several(
        lambda b: b.start(t=1000), lambda b: b.cdr(t=1602, begin=1001, end=1600, body={"SessionStart": clock(0)})), run=WIRE),
    Case("CDR-016", SILENT, "the clock of the recorder is some seconds off", several(
        lambda b: b.start(t=100), lambda b: b.cdr(t=692, begin=40, end=630)), run=WIRE),
    Case("RSTOP-004", CONFORMS, "refused after the CDR", several(billed, lambda b: b.stop(t=700, answer=NO400)), run=WIRE),
    Case("RSTOP-004", WARNED, "Result true after the CDR", several(billed, lambda b: b.stop(t=700)), run=WIRE),
    Case("RSTOP-004", SILENT, "it was on its way when the CDR came", several(billed, lambda b: b.stop(t=602.3)), run=WIRE),
    Case("RSTOP-004", SILENT, "before the CDR nobody knows", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=600), lambda b: b.stop(t=601), lambda b: b.cdr(t=602)), run=WIRE),
    Case("RSTOP-003", VIOLATED, "the start of the session was refused", several(
        lambda b: b.start(t=10, answer=ack("510")), lambda b: b.stop(t=20)), run=WIRE),
    Case("RSTOP-003", CONFORMS, "and so is the stop", several(
        lambda b: b.start(t=10, answer=ack("510")), lambda b: b.stop(t=20, answer=NO400)), run=WIRE),
    Case("RSTOP-003", SILENT, "the session may be older than the recording", lambda b: b.stop(t=20), run=WIRE),
    Case("ACK-010", WARNED, "unknown, though its data were pushed", several(
        data, lambda b: b.start(t=10, answer=no("603")))),
    Case("ACK-010", CONFORMS, "unknown, and its data are taken away soon after", several(
        data, lambda b: b.start(t=10, answer=no("603")), lambda b: b.push_data([record()], t=60, action="delete"))),
    Case("ACK-010", CONFORMS, "unknown, for it is not open for roaming", several(
        lambda b: b.push_data([record(IsHubjectCompatible=False)], t=1), lambda b: b.start(t=10, answer=no("603")))),
    Case("ACK-010", CONFORMS, "unknown in lower case", several(data, lambda b: b.start(t=10, evse_id=EVSE.lower(), answer=no("603")))),
    Case("ACK-010", CONFORMS, "unknown, and nobody knows its data", lambda b: b.start(t=10, answer=no("603"))),
    Case("ACK-010", WARNED, "the code of a card, though other starts are taken", several(
        billed, lambda b: b.start(t=700, session=2, answer=no("102")))),
    Case("ACK-010", WARNED, "no such session, which by its CDR goes on charging", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300, answer=no("400")), lambda b: b.cdr(t=602, begin=11, end=600))),
    Case("ACK-010", CONFORMS, "no such session, by a record of the next day and a clock that is ahead", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=905, answer=no("400")), lambda b: b.cdr(t=86400, begin=310, end=1200))),
    Case("RSTART-007", SILENT, "the clock was ahead when the record was made, which came the next day", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=86400, begin=310, end=1200), lambda b: b.start(t=950, session=2))),
    Case("RSTART-007", VIOLATED, "a long session goes on, others have been since", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=6002, begin=11, end=6000), lambda b: billed(b, 2, 100, 600),
        lambda b: b.start(t=900, session=3))),
    Case("ACK-010", CONFORMS, "no such session of this provider", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300, provider="DE-XYZ", answer=no("400")), lambda b: b.cdr(t=602, begin=11, end=600))),
    Case("ACK-010", CONFORMS, "a stop without SessionID is a data error, too", lambda b: b.stop(t=10, body={"SessionID": ...}, answer=no("022"))),
    Case("ACK-010", CONFORMS, "an EVSE that does not answer, the session is older than the recording", lambda b: b.stop(t=10, answer=no("501"))),
    Case("ACK-010", WARNED, "the start was refused, so there is no session", several(
        lambda b: b.start(t=5, answer=no("510")), lambda b: b.stop(t=10, answer=no("501")))),
    Case("ACK-010", CONFORMS, "no such session any more", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=600, answer=no("400")), lambda b: b.cdr(t=602, begin=11, end=600))),
    Case("RSTART-009", VIOLATED, "OutOfService by its own status, and nothing came of it", several(
        down, lambda b: b.start(t=100)), 600),
    Case("RSTART-009", CONFORMS, "and refused", several(down, lambda b: b.start(t=100, answer=no("700"))), 600),
    Case("RSTART-009", SILENT, "in use afterwards", several(
        down, lambda b: b.start(t=100), lambda b: b.push_status({EVSE: "Occupied"}, t=103)), 600),
    Case("RSTART-009", SILENT, "billed afterwards", several(
        down, lambda b: b.start(t=100), lambda b: b.cdr(t=400, begin=102, end=398)), 800),
    Case("RSTART-009", SILENT, "the recording ends", several(down, lambda b: b.start(t=100)), 200),
    Case("RSTART-009", SILENT, "another status did not get through", several(
        down, lambda b: b.push_status({EVSE: "Available"}, t=80, http_status=503, answer={}), lambda b: b.start(t=100)), 600),
    Case("RSTART-001", VIOLATED, "asks for a product", asks_for("PartnerProductID is required")),
    Case("HTTP-015", VIOLATED, "asks for a product, which is null", asks_for("PartnerProductID must not be null", PartnerProductID=None)),
    Case("RSTART-001", SILENT, "the same", asks_for("PartnerProductID must not be null", PartnerProductID=None)),
    Case("RSTART-001", VIOLATED, "asks for a partner id", asks_for("cpoPartnerSessionID: must not be null")),
    Case("RSTART-001", VIOLATED, "asks for a member with HTTP 400", lambda b: b.start(
        t=10, body=BARE, http_status=400, answer={"title": "validation", "errors": {"EMPPartnerSessionID": ["The field is required."]}})),
    Case("RSTART-001", SILENT, "no vehicle; a remark about the product", lambda b: b.start(
        t=10, body=BARE, answer=no("510", "PartnerProductID not given, standard price"))),
    Case("RSTART-001", SILENT, "asks for the SessionID", asks_for("SessionID is missing", SessionID=None)),
    Case("RSTART-001", SILENT, "the member it names was there", asks_for("PartnerProductID is required", PartnerProductID="AC1")),
    Case("RSTART-001", VIOLATED, "an array without it", lambda b: b.start(
        t=10, body=BARE, http_status=500, answer={"message": 'Undefined array key "PartnerProductID"'})),
    Case("HTTP-015", VIOLATED, "a null that is followed", lambda b: b.start(
        t=10, http_status=500, answer={"message": 'the return value of "RemoteStart.getPartnerProductID()" is null'})),
    Case("RSTART-002", SILENT, "a page of a proxy", lambda b: b.start(
        t=10, http_status=401, answer=b"<html>Authorization required, X-Request-UID: 77</html>")),
    Case("RSTART-002", SILENT, "three letters somewhere", lambda b: b.start(
        t=10, http_status=400, answer={"message": "required header X-Request-UID"})),
    Case("RSTART-019", SILENT, "the letters of the product in the EvseID", lambda b: b.start(
        t=10, body={"PartnerProductID": "E1"}, answer=no("022", "invalid product of DE*ABC*E1*1"))),
    Case("RSTART-016", WARNED, "answered one after another", burst(1, 2, 3, 4, 5, 6)),
    Case("RSTART-016", CONFORMS, "answered in any order", burst(2, 7, 3, 5, 1)),
    Case("HTTP-015", VIOLATED, "a validator of Node finds no text", lambda b: b.start(
        t=10, http_status=400, answer=b'{"statusCode":400,"message":["CPOPartnerSessionID must be a string"],"error":"Bad Request"}')),
    Case("HTTP-015", VIOLATED, "a schema finds null", lambda b: b.start(
        t=10, http_status=400, answer=b'{"detail":[{"loc":["body","EMPPartnerSessionID"],"msg":"Input should be a valid string"}]}')),
    Case("HTTP-015", VIOLATED, "a product that is null", lambda b: b.start(
        t=10, http_status=400, answer=b"PartnerProductID: Expected string, received null")),
    Case("HTTP-015", SILENT, "what is no text was none", lambda b: b.start(
        t=10, http_status=400, body={"CPOPartnerSessionID": 7}, answer=b'["CPOPartnerSessionID must be a string"]')),
    Case("HTTP-015", SILENT, "the member was not there", lambda b: b.start(
        t=10, http_status=400, body={"CPOPartnerSessionID": ...}, answer=b'["CPOPartnerSessionID must be a string"]')),
    Case("RSTART-001", SILENT, "names it, asks for another", asks_for("ProviderID DE-DCB has no contract")),
    Case("RSTART-002", VIOLATED, "looks for a card", lambda b: b.start(t=10, answer=no("102"))),
    Case("RSTART-002", VIOLATED, "says so", asks_for("Identification.RFIDMifareFamilyIdentification.UID is missing")),
    Case("RSTART-002", SILENT, "it got a card", lambda b: b.start(
        t=10, body={"Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}}, answer=no("102"))),
    Case("RSTART-003", WARNED, "a start that identifies nobody", lambda b: b.start(t=10, body={"Identification": {}})),
    Case("RSTART-003", CONFORMS, "refused", lambda b: b.start(t=10, body={"Identification": {}}, answer=no("022"))),
    Case("RSTART-018", WARNED, "without separators unknown", several(
        data, lambda b: b.start(t=10, evse_id="DEABCE11", answer=no("603")))),
    Case("RSTART-018", SILENT, "unknown as it was pushed, too", several(
        data, lambda b: b.start(t=10, evse_id="DEABCE11", answer=no("603")), lambda b: b.start(t=20, session=2, answer=no("603")))),
    Case("RSTART-017", VIOLATED, "in upper case unknown", several(
        lambda b: b.push_data([record("DE*ABC*Eab1")], t=1), lambda b: b.start(t=10, evse_id="DE*ABC*EAB1", answer=no("603")))),
    Case("RSTART-019", WARNED, "a product it does not know", asks_for("unknown product DE-DCB-NIGHT", PartnerProductID="DE-DCB-NIGHT")),
    Case("RSTART-019", SILENT, "who pushes prices may have to know it", several(
        lambda b: b.exchange("PushPricingProductData", {"ActionType": "fullLoad"}, t=1),
        asks_for("unknown product DE-DCB-NIGHT", PartnerProductID="DE-DCB-NIGHT"))),
    Case("RSTART-019", SILENT, "refused for the EVSE", lambda b: b.start(
        t=10, body={"PartnerProductID": "DE-DCB-NIGHT"}, answer=no("501", "DE-DCB-NIGHT not available"))),
    Case("RSTOP-001", VIOLATED, "asks for an identification", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300, answer=no("022", "Identification is missing")))),
    Case("SESS-009", VIOLATED, "asks for its own id", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300, answer=no("022", "CPOPartnerSessionID may not be null")))),
    Case("SESS-009", SILENT, "no such session", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300, answer=no("400", "CPOPartnerSessionID missing, SessionID unknown")))),
    Case("RSTOP-002", VIOLATED, "the energy told afterwards grows", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300), energy(500, 2.0), energy(900, 3.0)), 1000),
    Case("RSTOP-002", VIOLATED, "more energy than could flow before", several(
        data, lambda b: b.start(t=10), lambda b: b.stop(t=300), lambda b: b.cdr(t=1802, begin=11, end=1800, meter_end_wh=7000)), 2000),
    Case("RSTOP-002", SILENT, "the cable was pulled much later", several(
        data, lambda b: b.start(t=10), lambda b: b.stop(t=300), lambda b: b.cdr(t=1802, begin=11, end=1800, meter_end_wh=1700)), 2000),
    Case("RSTOP-002", SILENT, "more than could flow at all: CDR-039", several(
        data, lambda b: b.start(t=10), lambda b: b.stop(t=300), lambda b: b.cdr(t=1802, begin=11, end=1800, meter_end_wh=70000)), 2000),
    Case("RSTOP-002", SILENT, "nobody knows the power", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300), lambda b: b.cdr(t=1802, begin=11, end=1800, meter_end_wh=7000)), 2000),
    Case("RSTOP-002", SILENT, "texts without times", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=300), energy(500, 2.0), energy(900, 3.0)), 1000, run=TEXTS),
    Case("RSTOP-002", SILENT, "the energy told afterwards is that of the end", several(
        lambda b: b.start(t=10), energy(200, 1.0), lambda b: b.stop(t=300), energy(500, 2.0), energy(900, 2.0)), 1000),
    Case("SESS-003", VIOLATED, "an id of its own for the one session there is", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=60, session=9)), run=TEXTS),
    Case("SESS-001", CONFORMS, "the id of the hub", several(lambda b: b.start(t=10), lambda b: b.cdr(t=60)), run=TEXTS),
    Case("SESS-001", CONFORMS, "records of earlier sessions beside it", several(
        billed, lambda b: b.cdr(t=700, session=9, evse_id=OTHER)), run=TEXTS),
]  # fmt: skip
ON_THE_WIRE = [c if c.run else replace(c, run=WIRE) for c in CASES]


@table(ON_THE_WIRE)
def test_wire_alone(case: Case) -> None:
    """A conforming story, a story that breaks the requirement, and those that nobody can decide."""
    case.check()
