"""Odd but lawful requests of the hub, malformed ones, other identifications: how the CPO takes them."""

from typing import Any

from tests.rules.build import EVSE, OTHER, Build, ack, record
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

BARE = {"CPOPartnerSessionID": ..., "EMPPartnerSessionID": ..., "PartnerProductID": ...}
NO = ack("022")


WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "har"}


def _place(t: int, number: int) -> str:
    return f"DE*ABC*E{t}*{number}"


def all_free(b: Build) -> None:
    """The EVSEs at which vehicles will arrive are Available."""
    ids = [_place(t, number) for t in range(60, 300) for number in range(6)]
    b.push_status(dict.fromkeys(ids, "Available"), t=1, action="fullLoad")


def arrivals(number: int, t: int, took: float = 0.05) -> Any:
    """So many EVSEs become Occupied in one request."""
    return lambda b: b.push_status({_place(t, n): "Occupied" for n in range(number)}, t=t, took=took)


def ready(b: Build, *, evse_id: str = EVSE, t: float = 2) -> None:
    """A vehicle is plugged in and nothing runs."""
    b.observe("plugged", t=t, evse_id=evse_id)
    b.connector("Preparing", t=t + 0.1, evse_id=evse_id)


def accepted(b: Build, **body: Any) -> None:
    """A start on the other EVSE is accepted."""
    ready(b, evse_id=OTHER)
    b.start(t=5, session=9, evse_id=OTHER, body=body)


def refused(
    answer: Any = NO, *, evse_id: str = EVSE, variant: str | None = None, t: float = 10, session: int = 1,
    http_status: int = 200, **body: Any,
) -> Any:  # fmt: skip
    """A start on a ready EVSE is refused."""

    def story(b: Build) -> None:
        ready(b)
        b.start(
            t=t, session=session, evse_id=evse_id, answer=answer, body=body, variant=variant, http_status=http_status,
        )  # fmt: skip

    return story


def bare(b: Build) -> None:
    accepted(b, **BARE)


def charging(b: Build, *, t: float = 9) -> None:
    """Session 1 charges from second 10 on."""
    ready(b)
    b.start(t=t, took=0.1)
    b.observe("remote_start_received", t=t + 0.05, evse_id=EVSE, id_tag="TAG1", connector_id=1, answer="Accepted")
    b.transaction(t=t + 1)


def connects(t: float, *, lost: float | None = None) -> Any:
    """The charge point of the EVSE connects; `lost`: it had been there before."""

    def story(b: Build) -> None:
        if lost is not None:
            b.observe("charge_point_connected", t=lost - 1, evse_id=None, charge_point="CP-1")
            b.observe("charge_point_disconnected", t=lost, evse_id=None, charge_point="CP-1")
        b.observe("charge_point_connected", t=t, evse_id=None, charge_point="CP-1")

    return story


LOWER = "DE*ABC*Eab1"
DIN = {"RemoteIdentification": {"EvcoID": "DE*DCB*123456*7"}}

NULL_KINDS = {
    "RFIDMifareFamilyIdentification": None, "QRCodeIdentification": None,
    "RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"},
}  # fmt: skip

CASES = [
    Case("HTTP-015", CONFORMS, "nulls accepted", lambda b: b.start(t=10)),
    Case("HTTP-015", VIOLATED, "nulls refused, the bare request accepted", several(bare, refused())),
    Case("HTTP-015", VIOLATED, "nulls answered with HTTP 400", several(bare, refused(b"{}", http_status=400))),
    Case("HTTP-015", VIOLATED, "nulls accepted, those for other identifications refused", several(
        accepted, refused(Identification=NULL_KINDS))),
    Case("HTTP-015", CONFORMS, "nulls for other identifications accepted", several(
        lambda b: accepted(b, Identification=NULL_KINDS), refused(Identification=NULL_KINDS))),
    Case("HTTP-015", VIOLATED, "an accepted session that nobody closed, and a later one that was billed", several(
        lambda b: b.start(t=1, session=7, body=BARE), lambda b: b.start(t=2, session=8, body=BARE), lambda b: b.cdr(t=5, session=8, begin=3, end=4),
        bare, refused(ack("022"), t=30, session=3))),
    Case("HTTP-015", SILENT, "refused for the EVSE", several(bare, refused(ack("601")))),
    Case("HTTP-015", CONFORMS, "refused though nulls were accepted before", several(accepted, refused())),
    Case("HTTP-015", SILENT, "nothing is plugged in", several(bare, lambda b: b.start(t=10, answer=NO))),
    Case("HTTP-015", SILENT, "the charge point was asked and said no", several(bare, refused(), lambda b: b.observe(
        "remote_start_received", t=10.02, evse_id=EVSE, id_tag="TAG1", connector_id=1, answer="Rejected"))),
    Case("HTTP-015", VIOLATED, "the charge point connected a moment before", several(bare, connects(9.5), refused())),
    Case("HTTP-015", SILENT, "the charge point came back a moment before", several(bare, connects(9.5, lost=8), refused())),
    Case("HTTP-015", SILENT, "nobody watched the charge points", several(bare, refused()), run={"truth": False}),
    Case("HTTP-016", WARNED, "unknown members refused", several(accepted, refused(FutureText="x"))),
    Case("HTTP-016", CONFORMS, "unknown members accepted", lambda b: b.start(t=10, body={"FutureText": "x"})),
    Case("HTTP-016", SILENT, "plain requests with nulls are refused with the same code", several(
        bare, refused(), refused(t=20, session=3, variant="unknown-members", FutureText="x"))),
    Case("HTTP-015", VIOLATED, "the same", several(bare, refused(), refused(t=20, session=3, variant="unknown-members", FutureText="x"))),
    Case("HTTP-016", WARNED, "plain requests with nulls are refused with another code", several(
        bare, refused(), refused(ack("105"), t=20, session=3, variant="unknown-members", FutureText="x"))),
    Case("HTTP-016", WARNED, "plain requests have nothing in common", several(
        bare, refused(), refused(t=20, session=3, PartnerProductID="A", EMPPartnerSessionID="e", CPOPartnerSessionID=..., variant="unknown-members", FutureText="x"))),
    Case("RSTART-001", CONFORMS, "accepted", lambda b: b.start(t=10)),
    Case("RSTART-001", VIOLATED, "never accepted", refused(**BARE)),
    Case("RSTART-001", VIOLATED, "answered with HTTP 500", refused(b"{}", http_status=500, **BARE)),
    Case("RSTART-001", VIOLATED, "taken with a product alone", several(
        lambda b: accepted(b, PartnerProductID="AC1"), refused(t=20, session=3), refused(t=40, session=4))),
    Case("RSTART-001", SILENT, "redirected: HTTP-012", refused(b"", http_status=307, **BARE)),
    Case("RSTART-001", SILENT, "answered with HTTP 200 and nothing: HTTP-012", refused(b"", **BARE)),
    Case("RSTART-001", SILENT, "null SessionID refused", refused(SessionID=None, variant="null-session-id")),
    Case("RSTART-001", SILENT, "it has an open session", several(ready, lambda b: b.observe("note", t=1),
        lambda b: b.start(t=3, session=5, answer=ack("501")))),
    Case("RSTART-002", VIOLATED, "looks for a card", refused(ack("102"))),
    Case("RSTART-002", CONFORMS, "accepted", lambda b: b.start(t=10)),
    Case("RSTART-003", WARNED, "a card starts remotely", lambda b: b.start(t=10, body={
        "Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}}, variant="rfid-identification")),
    Case("RSTART-003", CONFORMS, "a card is refused", lambda b: b.start(t=10, answer=NO, body={
        "Identification": {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}})),
    Case("RSTART-003", SILENT, "among others", lambda b: b.start(t=10, body={"Identification": {
        "RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}, "RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-4"}}})),
    Case("RSTART-017", VIOLATED, "pushed in lower case, started in upper case", several(
        lambda b: b.push_data([record(LOWER), record(OTHER)], t=1), accepted, lambda b: ready(b, evse_id=LOWER),
        lambda b: b.start(t=10, evse_id=LOWER.upper(), answer=ack("603"))), run={"evses": (LOWER, OTHER)}),
    Case("RSTART-017", CONFORMS, "upper case throughout", lambda b: b.start(t=10)),
    Case("RSTART-018", WARNED, "not known without separators", several(accepted, refused(ack("603"), evse_id="DEABCE11"))),
    Case("RSTART-018", CONFORMS, "known without separators", lambda b: b.start(t=10, evse_id="DEABCE11")),
    Case("SESS-002", VIOLATED, "a SessionID with letters beyond F is refused", several(
        accepted, refused(ack("400"), SessionID="fc3ecd8c-8e92-qfbb-Z267-qq83580ce3fZ"))),
    Case("SESS-002", CONFORMS, "it is taken", lambda b: accepted(b, SessionID="fc3ecd8c-8e92-qfbb-Z267-qq83580ce3fZ")),
    Case("RSTART-019", WARNED, "an unknown product is refused", several(
        accepted, refused(PartnerProductID="NIGHT", variant="product-custom"))),
    Case("RSTART-019", CONFORMS, "no product", lambda b: b.start(t=10)),
    Case("RSTOP-001", CONFORMS, "accepted", several(charging, lambda b: b.stop(t=20))),
    Case("RSTOP-001", VIOLATED, "Identification is missed", several(charging, lambda b: b.stop(
        t=20, answer=NO, body={"CPOPartnerSessionID": "c", "EMPPartnerSessionID": "e"}))),
    Case("SESS-009", VIOLATED, "refused without CPOPartnerSessionID", several(charging, lambda b: b.stop(t=20, answer=ack("400")))),
    Case("SESS-009", SILENT, "EvcoIDs in DIN form are refused: ID-006", several(
        lambda b: accepted(b, EMPPartnerSessionID="e"), refused(variant="din-evco-id", Identification=DIN))),
    Case("ID-006", VIOLATED, "the same", several(lambda b: accepted(b, EMPPartnerSessionID="e"), refused(variant="din-evco-id", Identification=DIN))),
    Case("ID-006", VIOLATED, "a provider whose contracts are all in DIN form", several(
        lambda b: accepted(b, EMPPartnerSessionID="e"), refused(Identification=DIN), refused(t=20, session=3, Identification=DIN))),
    Case("SESS-009", VIOLATED, "a start without EMPPartnerSessionID is refused", several(lambda b: accepted(b, EMPPartnerSessionID="e"), refused())),
    Case("SESS-009", SILENT, "the charge point would not stop", several(charging, lambda b: b.stop(t=20, answer=ack("501")))),
    Case("SESS-009", CONFORMS, "stopped without CPOPartnerSessionID", several(charging, lambda b: b.stop(t=20))),
    Case("SESS-009", SILENT, "the session had ended", several(
        lambda b: b.charge(t=1, stop=False), lambda b: b.stop(t=60, answer=ack("400")))),
    Case("RESV-002", CONFORMS, "accepted", lambda b: b.start(t=10, operation="AuthorizeRemoteReservationStart")),
    Case("RESV-002", VIOLATED, "never accepted", several(ready, lambda b: b.start(
        t=10, operation="AuthorizeRemoteReservationStart", answer=NO, body=BARE))),
    Case("HTTP-021", CONFORMS, "refused", lambda b: b.start(t=10, body={"EvseID": ...}, answer=NO)),
    Case("HTTP-021", CONFORMS, "HTTP 500", lambda b: b.start(t=10, body={"EvseID": ...}, answer=b"oops", http_status=500)),
    Case("HTTP-021", WARNED, "accepted", lambda b: b.start(t=10, body={"EvseID": ...})),
    Case("HTTP-021", WARNED, "the first EVSE is started", several(
        lambda b: b.start(t=10, body={"EvseID": ...}, answer=NO),
        lambda b: b.observe("remote_start_received", t=10.01, evse_id=EVSE, id_tag="T", connector_id=1, answer="Accepted"))),
    Case("HTTP-021", WARNED, "no answer", lambda b: b.exchange("AuthorizeRemoteStart", b"{", t=10, partner_id="DE-DCB",
        direction=b.start(t=1).direction, http_status=None, error="connection reset")),
    Case("HTTP-021", SILENT, "well formed", lambda b: b.start(t=10)),
    Case("ACK-011", WARNED, "HTTP 500", lambda b: b.start(t=10, answer=b"oops", http_status=500)),
    Case("ACK-011", CONFORMS, "021", lambda b: b.start(t=10, answer=ack("021"))),
    Case("ACK-011", SILENT, "no trouble", lambda b: b.start(t=10)),
    Case("STAT-006", WARNED, "a job that collects", several(all_free, arrivals(3, 60), arrivals(3, 120), arrivals(4, 180)), run=WIRE),
    Case("STAT-006", CONFORMS, "what came while a slow hub answered the push before", several(
        all_free, lambda b: b.push_status({EVSE: "Available"}, t=56, took=4.0), arrivals(3, 60, 4.0), arrivals(3, 64, 4.0), arrivals(4, 68, 4.0)), run=WIRE),
    Case("STAT-006", WARNED, "a job that collects, whose hub is slow", several(
        all_free, arrivals(3, 60, 4.0), arrivals(3, 120, 4.0), arrivals(4, 180, 4.0)), run=WIRE),
    Case("STAT-006", SILENT, "once after a pause of the backend", several(all_free, arrivals(6, 60)), run=WIRE),
    Case("STAT-006", SILENT, "pairs that share one station", several(
        all_free, arrivals(2, 60), arrivals(2, 120), arrivals(2, 180), arrivals(2, 240)), run=WIRE),
    Case("STAT-006", CONFORMS, "a big network, now and then", several(
        all_free, *(arrivals(1, 60 + t) for t in range(6)), *(arrivals(3, 120 + 60 * t) for t in range(3))), run=WIRE),
    Case("STAT-006", CONFORMS, "one change", lambda b: b.push_status({EVSE: "Occupied"}, t=50)),
    Case("STAT-006", SILENT, "a full load", lambda b: b.push_status({EVSE: "Occupied", OTHER: "Available"}, t=50, action="fullLoad")),
    Case("STAT-006", WARNED, "changes collected over half a minute", several(
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=40, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-006", SILENT, "changes within a second", several(
        lambda b: b.connector("Charging", t=40), lambda b: b.connector("Charging", t=40.4, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-006", SILENT, "catching up after an outage", several(
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=40, evse_id=OTHER),
        lambda b: b.observe("hub_down", t=5), lambda b: b.observe("hub_up", t=45),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-006", WARNED, "an outage is over, and all had been told since", several(
        lambda b: b.observe("hub_down", t=1), lambda b: b.observe("hub_up", t=2),
        lambda b: b.push_status({EVSE: "Available"}, t=3), lambda b: b.push_status({OTHER: "Available"}, t=4),
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=40, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-006", CONFORMS, "catching up after a push that failed", several(
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=40, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied"}, t=11, http_status=503, answer=b""),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-006", CONFORMS, "changes while the push before was on its way", several(
        lambda b: b.push_status({EVSE: "Available"}, t=5, took=30),
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=30, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=35.2))),
    Case("STAT-006", WARNED, "the push before had long been answered", several(
        lambda b: b.push_status({EVSE: "Available"}, t=5, took=30),
        lambda b: b.connector("Charging", t=10), lambda b: b.connector("Charging", t=30, evse_id=OTHER),
        lambda b: b.push_status({EVSE: "Occupied", OTHER: "Occupied"}, t=50))),
    Case("STAT-016", CONFORMS, "update", lambda b: b.push_status({EVSE: "Occupied"}, t=5)),
    Case("STAT-016", CONFORMS, "insert for the first status", lambda b: b.push_status({EVSE: "Occupied"}, t=5, action="insert")),
]  # fmt: skip


@table(CASES)
def test_requests_of_the_hub(case: Case) -> None:
    """A refusal is blamed on the form of a request only where nothing else explains it."""
    case.check()


def test_a_second_insert_of_a_status_is_noted() -> None:
    """An insert for an EVSE that has a status is information, no more."""
    build = Build()
    build.push_status({EVSE: "Available"}, t=1, action="fullLoad")
    build.push_status({EVSE: "Occupied"}, t=5, action="insert")
    from tests.rules.build import findings

    assert [str(f.grade) for f in findings(build.evidence(), "STAT-016")] == ["info"]
