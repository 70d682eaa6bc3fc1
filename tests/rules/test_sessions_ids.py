"""Session ids, sessions side by side, codes of refusals, spelling of ids, clocks."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from oicp.outages import UNHEARD
from oicp.services import Direction
from oicp.zones import offsets_at
from tests.rules.build import EVCO, EVSE, OTHER, Build, ack, clock, findings, outcome, record, session_id, verdict

LONG = 1000.0


@pytest.mark.parametrize(
    ("ident", "evse_id", "expected"),
    [
        (session_id(1), EVSE, ("conforms", "conforms")),
        ("AB" + session_id(1)[2:], EVSE, ("not-exercised", "violated")),
        ("AB" + session_id(1)[2:], OTHER, ("violated", "not-exercised")),
    ],
)
def test_origin_of_a_session_id(ident: str, evse_id: str, expected: tuple[str, str]) -> None:
    """An id nobody gave out is altered where a session waits for its CDR, else invented."""
    build = Build()
    build.charge(t=10, cdr=False)
    build.cdr(t=40, begin=12, evse_id=evse_id, body={"SessionID": ident})
    both = verdict(build.evidence(), "SESS-001", "SESS-003")
    assert (str(both.of("SESS-001").outcome), str(both.of("SESS-003").outcome)) == expected


@pytest.mark.parametrize(("begin", "expected"), [(3500, "not-exercised"), (3620, "violated")])
def test_a_session_from_before_by_a_clock_that_is_ahead(begin: float, expected: str) -> None:
    """A clock that is an hour ahead moves the begin of the session into the recording; its end, ahead of the message, tells so."""
    build = Build(source="tap", truth=False)
    build.start(t=1, session=7, evse_id=OTHER)
    build.cdr(t=40, begin=begin, end=3639, session=9)
    assert outcome(build.evidence(), "SESS-001") == expected


def test_an_id_of_its_own_where_the_hub_gave_out_none() -> None:
    """A record of a local session is named even if no session of the hub is in the recording of the hub itself."""
    build = Build()
    build.push_data([record()], t=1)
    build.cdr(t=40, begin=12, body={"SessionID": session_id(77)}, http_status=404, answer=b"")
    assert outcome(build.evidence(), "SESS-001") == "violated"


@pytest.mark.parametrize(
    ("run", "begin", "expected"),
    [
        ({}, 12, "violated"),
        ({}, -1, "violated"),  # a start in the first second, its time cut to whole seconds
        ({}, -100, "not-exercised"),
        ({"source": "message"}, 12, "not-exercised"),
        ({"source": "har"}, 12, "violated"),
    ],
)
def test_sessions_from_before(run: dict[str, Any], begin: float, expected: str) -> None:
    """A CDR of a session that began before the recording is not called invented."""
    build = Build(**run)
    build.start(t=1, session=7, evse_id=OTHER)
    build.cdr(t=40, begin=begin, body={"SessionID": "ABCDEFAB-0000-4000-8000-000000000001"})
    assert outcome(build.evidence(), "SESS-001") == expected


@pytest.mark.parametrize(
    ("host", "http_status", "answer", "expected"),
    [
        ("service.hubject.com", 200, ack(), "not-exercised"),
        ("service-qa.hubject.com", 404, ack("400"), "violated"),
        ("hub.example", 200, ack(), "violated"),
        ("hubject-mock.example", 200, ack(), "violated"),
    ],
)
def test_what_hubject_took_was_opened_there(host: str, http_status: int, answer: Any, expected: str) -> None:
    """A session whose start is not in the recording was opened all the same if Hubject accepts its CDR; any other hub may be a mock."""
    build = Build(source="har", truth=False, fleet=None)
    build.start(t=1, session=7, evse_id=OTHER)
    build.cdr(t=40, begin=12, session=9, url=f"https://{host}", http_status=http_status, answer=answer)
    assert outcome(build.evidence(), "SESS-001") == expected


CARD = {"Identification": {"RFIDMifareFamilyIdentification": {"UID": "04A1B2C3"}}}
REMOTE = {"Identification": {"RemoteIdentification": {"EvcoID": EVCO}}}


def swipe(b: Build, **more: Any) -> None:
    """A card that the hub knows."""
    given = {"SessionID": session_id(5), "AuthorizationStatus": "Authorized", "StatusCode": {"Code": "000"}}
    b.exchange("AuthorizeStart", {"OperatorID": "DE*ABC", **CARD}, t=2, answer=given, **more)


@pytest.mark.parametrize(
    ("recorded", "identification", "more", "expected"),
    [
        ("remote start", REMOTE, {}, "violated"),
        ("stop", REMOTE, {}, "not-exercised"),
        ("card", REMOTE, {}, "not-exercised"),
        ("card", CARD, {}, "violated"),
        ("card without answer", CARD, {}, "not-exercised"),
        ("remote start", CARD, {}, "not-exercised"),
        ("remote start", CARD, {"http_status": 404, "answer": ack("400")}, "violated"),
        ("remote start", CARD, {"http_status": 503, "answer": b""}, "not-exercised"),
    ],
)
def test_starts_have_to_be_recorded(recorded: str, identification: Any, more: dict[str, Any], expected: str) -> None:
    """A file with one direction, or without the answers, does not tell which SessionIDs were given out."""
    build = Build(source="har", truth=False, fleet=None)
    {
        "remote start": lambda: build.start(t=1, session=7, evse_id=OTHER),
        "stop": lambda: build.stop(t=1, session=7, evse_id=OTHER),
        "card": lambda: swipe(build),
        "card without answer": lambda: (swipe(build, http_status=None, error=UNHEARD), build.start(t=1, session=7)),
    }[recorded]()
    build.cdr(t=40, begin=12, session=9, body=identification, **more)
    assert outcome(build.evidence(), "SESS-001") == expected


def test_partner_ids_of_another_session_are_told_once() -> None:
    """The partner's id of another session in a CDR is CDR-037; SESS-005 and SESS-006 are folded under it."""
    for name in ("EMPPartnerSessionID", "CPOPartnerSessionID"):
        build = Build()
        for number, evse_id in ((1, EVSE), (2, OTHER)):
            given = {name: f"P{number}"}
            build.start(t=number, session=number, evse_id=evse_id, body=given, answer=ack(**given))
            build.cdr(t=30 + number, session=number, evse_id=evse_id, body={name: "P1"})
        both = verdict(build.evidence(), "CDR-037", "SESS-005", "SESS-006")
        assert [f.requirement for f in both.findings] == ["CDR-037"]


def test_case_of_a_session_id() -> None:
    """A change of case only warns, in the CDR and in the acknowledgement."""
    upper = "ABCDEFAB-0000-4000-8000-000000000001"
    build = Build()
    build.start(t=1, body={"SessionID": upper}, answer=ack(SessionID=upper.lower()))
    build.cdr(t=30, begin=5, body={"SessionID": upper.lower()})
    assert outcome(build.evidence(), "SESS-003") == outcome(build.evidence(), "ACK-007") == "warned"


@pytest.mark.parametrize(
    ("request_id", "answer_id", "expected"),
    [
        (session_id(1), session_id(1), "conforms"),
        (session_id(1), session_id(2), "violated"),
        (session_id(1), None, "not-exercised"),
        (None, session_id(2), "conforms"),
    ],
)
def test_acknowledged_session(request_id: str | None, answer_id: str | None, expected: str) -> None:
    """A SessionID in an acknowledgement is that of the request; leaving it out is fine."""
    build = Build()
    build.start(t=1, body={"SessionID": request_id}, answer=ack(SessionID=answer_id))
    assert outcome(build.evidence(), "ACK-007") == expected


@pytest.mark.parametrize(
    ("given", "acknowledged", "billed", "expected"),
    [("emp-1", "emp-1", "emp-1", "conforms"), ("emp-1", "emp-1", None, "warned"), ("emp-1", None, "emp-1", "warned"),
     ("Zürich", "Zürich", "ZÃ¼rich", "warned"), (None, None, None, "not-exercised")],
)  # fmt: skip
def test_partner_id_of_the_emp(given: Any, acknowledged: Any, billed: Any, expected: str) -> None:
    """The EMPPartnerSessionID comes back everywhere."""
    build = Build()
    build.start(t=1, body={"EMPPartnerSessionID": given}, answer=ack(EMPPartnerSessionID=acknowledged))
    build.cdr(t=30, begin=5, body={"EMPPartnerSessionID": billed})
    assert outcome(build.evidence(), "SESS-005") == expected


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["a", "a", "b", "b"], "conforms"),
        (["a", "b", "c", "c"], "warned"),
        (["a", "a", "a", "a"], "warned"),
        ([None, "a", None, "b"], "not-exercised"),
    ],
)
def test_partner_id_of_the_cpo(ids: list[Any], expected: str) -> None:
    """The CPOPartnerSessionID is constant in a session and differs between sessions."""
    build = Build()
    for session, (first, second) in enumerate(((ids[0], ids[1]), (ids[2], ids[3])), 1):
        build.start(t=session * 100, session=session, answer=ack(CPOPartnerSessionID=first))
        build.cdr(t=session * 100 + 50, session=session, body={"CPOPartnerSessionID": second})
    assert outcome(build.evidence(), "SESS-006") == expected


@pytest.mark.parametrize(
    ("status", "cdr", "expected"),
    [("Accepted", 60.5, "conforms"), ("Invalid", None, "violated"), ("Invalid", 45.0, "conforms")],
)
def test_a_vehicle_that_comes_after_a_restart(status: str, cdr: float | None, expected: str) -> None:
    """The session waits for it, or is closed because it waited too long; it is not forgotten."""
    build = Build()
    build.observe("cpo_started", t=0, pid=1)
    build.start(t=10)
    build.observe("cpo_exited", t=20, exit_status=0, expected=True)
    build.observe("cpo_started", t=25, pid=2)
    build.transaction(t=40, until=60, id_tag_status=status)
    if cdr is not None:
        build.cdr(t=cdr, begin=40, end=60)
    evidence = build.evidence(until=200)
    assert outcome(evidence, "SESS-004") == expected
    assert outcome(evidence, "RSTART-004") != "violated"


def restarted(cdr: dict[str, Any] | None, *, stop: float | None = 60) -> Build:
    """A session over a restart, its CDR (or none)."""
    build = Build()
    build.start(t=10)
    build.transaction(t=11, until=stop)
    build.observe("cpo_exited", t=20, exit_status=0, expected=True)
    build.observe("cpo_started", t=22, pid=2)
    build.observe("hook", t=22.1, hook="restart", body={}, outcome="done", detail="")
    if cdr is not None:
        build.cdr(t=61, begin=11, end=60, body=cdr)
    return build


@pytest.mark.parametrize(
    ("cdr", "stop", "until", "expected"),
    [
        ({}, 60, 70, "conforms"),
        ({"Identification": ...}, 60, 70, "violated"),
        ({"EvseID": OTHER}, 60, 70, "violated"),
        (None, 60, 70, "not-exercised"),
        (None, 60, 120, "violated"),
        (None, None, 120, "not-exercised"),
    ],
)
def test_restart(cdr: dict[str, Any] | None, stop: float | None, until: float, expected: str) -> None:
    """After a restart the CDR comes and knows the driver."""
    assert outcome(restarted(cdr, stop=stop).evidence(until=until), "SESS-004") == expected


def taken_over(build: Build) -> None:
    build.charge(t=10, seconds=30)
    build.start(t=20, session=2)


def refused_while_busy(build: Build) -> None:
    build.charge(t=10, seconds=30)
    build.start(t=20, session=2, answer=ack("602"))


def pressed_twice(build: Build) -> None:
    build.start(t=1, session=2)
    build.charge(t=10)


def one_after_the_other(build: Build) -> None:
    build.charge(t=10)
    build.charge(t=50, session=2)


def alone(build: Build) -> None:
    build.charge(t=10)


def by_cdr_only(build: Build) -> None:
    build.start(t=10)
    build.start(t=20, session=2)
    build.cdr(t=41, begin=12, end=40)


@pytest.mark.parametrize(
    ("story", "expected"),
    [(taken_over, "violated"), (refused_while_busy, "conforms"), (pressed_twice, "conforms"),
     (one_after_the_other, "conforms"), (alone, "not-exercised"), (by_cdr_only, "violated")],
)  # fmt: skip
def test_one_session_on_an_evse(story: Callable[[Build], None], expected: str) -> None:
    """No start is accepted while another session charges; a second press before that is innocent."""
    build = Build()
    story(build)
    assert outcome(build.evidence(), "SESS-007") == expected


def side_by_side(build: Build) -> None:
    build.charge(t=10)
    build.charge(OTHER, t=12, session=2)


def overwritten(build: Build) -> None:
    build.charge(t=10, cdr=False)
    build.charge(OTHER, t=12, session=2)


def swapped(build: Build) -> None:
    build.charge(t=10, cdr=False)
    build.charge(OTHER, t=12, session=2)
    build.cdr(t=40, evse_id=OTHER)


def wrong_one_stopped(build: Build) -> None:
    build.charge(t=10, stop=False)
    build.observe("remote_stop_received", t=29.9, evse_id=EVSE, transaction_id=1, answer="Accepted")
    build.charge(OTHER, t=5, session=2, seconds=24.8)


@pytest.mark.parametrize(
    ("story", "until", "expected"),
    [(side_by_side, LONG, "conforms"), (overwritten, LONG, "violated"), (overwritten, 36, "not-exercised"),
     (swapped, LONG, "violated"), (wrong_one_stopped, LONG, "violated"), (one_after_the_other, LONG, "not-exercised")],
)  # fmt: skip
def test_two_sessions_of_one_driver(story: Callable[[Build], None], until: float, expected: str) -> None:
    """Parallel sessions of one EvcoID have their own stop and CDR."""
    build = Build()
    story(build)
    assert outcome(build.evidence(until=until), "SESS-008") == expected


TEXT = {"Description": "text"}


def refusal(code: str, **more: Any) -> dict[str, Any]:
    return ack(StatusCode={"Code": code, "Description": "text", **more}, Result=False)


@pytest.mark.parametrize(
    ("connector", "plugged", "variant", "answer", "expected"),
    [
        ("Faulted", True, None, refusal("700"), "conforms"),
        ("Faulted", True, None, refusal("501"), "conforms"),
        ("Faulted", True, None, refusal("022"), "warned"),
        ("Available", False, None, refusal("510"), "conforms"),
        ("Available", False, None, refusal("021"), "warned"),
        ("Available", True, "unknown-evse", refusal("603"), "conforms"),
        ("Available", True, "unknown-evse", refusal("400"), "warned"),
        ("Available", True, "malformed", refusal("021"), "not-exercised"),
        ("Available", True, None, refusal("320"), "conforms"),
        ("Available", True, None, refusal("700", Description=""), "warned"),
        ("Available", True, None, ack(), "not-exercised"),
        ("Preparing", True, None, refusal("602"), "warned"),
        ("Preparing", True, None, refusal("601"), "warned"),
        ("Preparing", True, None, refusal("510"), "warned"),
        ("Preparing", True, None, refusal("021"), "conforms"),
    ],
)
def test_code_of_a_refusal(connector: str, plugged: bool, variant: str | None, answer: Any, expected: str) -> None:
    """The code names the cause where the cause is known, and there is a text."""
    build = Build()
    build.connector(connector, t=1)
    if plugged:
        build.observe("plugged", t=1.5, evse_id=EVSE)
    build.start(t=5, variant=variant, answer=answer, evse_id="DE*ABC*E99" if variant == "unknown-evse" else EVSE)
    assert outcome(build.evidence(), "ACK-010") == expected


@pytest.mark.parametrize(
    ("connector", "point", "code", "expected"),
    [
        ("Reserved", "Unavailable", "700", "conforms"),
        ("Reserved", "Faulted", "501", "conforms"),
        ("Reserved", "Faulted", "601", "conforms"),
        ("Reserved", "Available", "700", "warned"),
        ("Reserved", "Faulted", "022", "warned"),
        ("Preparing", "Faulted", "700", "conforms"),
        ("Preparing", "Faulted", "021", "conforms"),
    ],
)
def test_code_while_the_charge_point_as_a_whole_is_out_of_service(
    connector: str, point: str, code: str, expected: str
) -> None:
    """Connector 0 may be the cause, and need not: it explains 700 and 501, and asks for neither."""
    build = Build()
    build.connector(connector, t=1)
    build.observe("plugged", t=1.5, evse_id=EVSE, charge_point="CP-1")
    build.observe("charge_point_status_delivered", t=2, charge_point="CP-1", connector_status=point)
    build.start(t=5, answer=refusal(code))
    assert outcome(build.evidence(), "ACK-010") == expected


@pytest.mark.parametrize("before", [{}, {"answer": refusal("501")}])
def test_an_evse_somebody_else_wanted(before: dict[str, Any]) -> None:
    """602 is a fair answer where another driver tried to start there not long ago."""
    build = Build()
    build.connector("Preparing", t=1)
    build.observe("plugged", t=1.5, evse_id=EVSE)
    build.start(t=4, session=2, **before)
    build.start(t=5, answer=refusal("602"))
    assert outcome(build.evidence(), "ACK-010") == "conforms"


@pytest.mark.parametrize(("ended", "expected"), [(4.0, "conforms"), (2.0, "warned")])
def test_an_evse_whose_last_session_is_over(ended: float, expected: str) -> None:
    """602 is no answer once the hub has the record of whoever was there, and the next vehicle waits."""
    build = Build()
    build.charge(t=-20, seconds=21, session=2, evco_id="DE-DCB-C99999999-9", status=False, cdr=False)
    build.cdr(t=ended, session=2, evco_id="DE-DCB-C99999999-9", begin=-18, end=1)
    build.connector("Preparing", t=3.5)
    build.observe("plugged", t=3.5, evse_id=EVSE)
    build.start(t=5, answer=refusal("602"))
    assert outcome(build.evidence(), "ACK-010") == expected


@pytest.mark.parametrize(("told", "expected"), [("Rejected", "warned"), ("Accepted", "conforms")])
def test_an_evse_whose_charge_point_rejected_the_last_start(told: str, expected: str) -> None:
    """602 is no answer where the start before came to nothing at the charge point."""
    build = Build()
    build.connector("Preparing", t=1)
    build.observe("plugged", t=1.5, evse_id=EVSE)
    build.start(t=4, session=2, answer=refusal("501"))
    build.observe("remote_start_received", t=4.02, evse_id=EVSE, id_tag="T", connector_id=1, answer=told)
    build.start(t=5, answer=refusal("602"))
    assert outcome(build.evidence(), "ACK-010") == expected


def test_a_code_that_is_no_text() -> None:
    """A refusal whose code cannot be read is said to have none."""
    build = Build()
    build.observe("plugged", t=1, evse_id=EVSE)
    build.start(t=5, answer={"Result": False, "StatusCode": {"Code": 602}})
    assert [f.observed for f in findings(build.evidence(), "ACK-010")] == [
        "refused with no code that can be read and no Description"
    ]


def test_code_for_a_broken_request() -> None:
    """What is no JSON names no EVSE, so whether a vehicle waits there explains nothing."""
    build = Build()
    build.exchange(
        "AuthorizeRemoteStart",
        b'{"SessionID":',
        t=5,
        direction=Direction.HUB_TO_CPO,
        partner_id="DE-DCB",
        answer=refusal("022"),
    )
    assert outcome(build.evidence(), "ACK-010") == "not-exercised"


@pytest.mark.parametrize(("code", "expected"), [("400", "conforms"), ("022", "warned")])
def test_code_of_a_refused_stop(code: str, expected: str) -> None:
    """An unknown session is refused with 400."""
    build = Build()
    build.stop(t=5, session=99, variant="unknown-session", answer=refusal(code))
    assert outcome(build.evidence(), "ACK-010") == expected


@pytest.mark.parametrize(
    ("second", "expected"),
    [(EVSE, "conforms"), ("DEABCE11", "warned"), ("de*abc*e1*1", "warned"), ("DE*ABC*E11", "warned")],
)
def test_spelling_of_ids(second: str, expected: str) -> None:
    """Data and status name an EVSE in the same spelling."""
    build = Build()
    build.push_data([record()], t=1)
    build.push_status({second: "Available"}, t=2)
    assert outcome(build.evidence(), "ID-005") == expected


def test_spelling_that_is_innocent() -> None:
    """Two EVSEs that differ by their separators are two EVSEs, and a CDR may echo the spelling of the start."""
    build = Build()
    build.push_data([record("DE*ABC*E1*11"), record("DE*ABC*E11*1")], t=1)
    build.start(t=3, evse_id="DEABCE111", variant="evse-id-without-separators")
    build.cdr(t=20, evse_id="DEABCE111")
    assert outcome(build.evidence(), "ID-005") == "conforms"


@pytest.mark.parametrize(
    ("evco", "answer", "state", "expected"),
    [
        ("DE*DCB*123456*7", ack(), "Available", "conforms"),
        ("DE*DCB*123456*7", ack("022"), "Available", "violated"),
        ("DE*DCB*123456*7", ack("602"), "Available", "not-exercised"),
        ("DE*DCB*123456*7", ack("022"), "Charging", "not-exercised"),
        ("DE*DCB*12345", ack("022"), "Available", "not-exercised"),
        (EVCO, ack("022"), "Available", "not-exercised"),
    ],
)
def test_forms_of_evco_ids(evco: str, answer: Any, state: str, expected: str) -> None:
    """A well-formed EvcoID is no reason to refuse; a busy EVSE is."""
    build = Build()
    build.connector("Available", t=0)
    build.start(t=1)
    build.connector(state, t=5)
    build.start(t=10, session=2, evco_id=evco, answer=answer)
    assert outcome(build.evidence(), "ID-006") == expected


@pytest.mark.parametrize(("code", "expected"), [("022", "not-exercised"), ("105", "violated")])
def test_forms_that_are_not_to_blame(code: str, expected: str) -> None:
    """Plain requests with nulls are refused with 022: one with an EvcoID in DIN form, too, for its nulls."""
    build = Build()
    build.refuses_nulls()
    build.start(t=20, session=3, evco_id="DE*DCB*123456*7", answer=ack(code), variant="din-evco-id")
    assert outcome(build.evidence(), "ID-006") == expected


def test_evse_id_given_to_another_place() -> None:
    """The same EvseID at another place and address is another EVSE; a corrected address is not."""
    far = {"GeoCoordinates": {"DecimalDegree": {"Latitude": "48.1", "Longitude": "11.5"}}}
    build = Build()
    build.push_data([record()], t=1)
    build.push_data([record(**far)], t=2, action="update")
    assert outcome(build.evidence(), "ID-010") == "conforms"
    build.push_data(
        [record(Address={"Country": "DEU", "City": "Munich"}, GeoCoordinates={"Google": {"Coordinates": "52.5,13.3"}})],
        t=3,
    )
    assert outcome(build.evidence(), "ID-010") == "violated"


@pytest.mark.parametrize(
    ("before", "address", "expected"),
    [
        ("0.0 0.0", {"City": "Nowhere"}, "conforms"),
        ("13.356465 52.480495", {"City": "Nowhere"}, "conforms"),
        ("48.1 11.5", {"TimeZone": ...}, "conforms"),
        ("48.1 11.5", {"Street": "EUREF Campus"}, "conforms"),
        ("48.1 11.5", {"Street": "Marienplatz", "PostalCode": "80331"}, "violated"),
        ("48.1 11.5", {"City": "Munich"}, "violated"),
    ],
)
def test_master_data_that_were_corrected(before: str, address: dict[str, Any], expected: str) -> None:
    """A position put right, and an address completed, make no other EVSE."""
    first = {n: v for n, v in {**record()["Address"], **address}.items() if v is not ...}
    build = Build()
    build.push_data([record(GeoCoordinates={"Google": {"Coordinates": before}}, Address=first)], t=1)
    build.push_data([record()], t=2, action="update")
    assert outcome(build.evidence(), "ID-010") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-02T10:00:05+01:00", "conforms"),
        ("2026-03-02T11:00:05+02:00", "violated"),
        ("2026-03-02T09:00:05Z", "warned"),
        ("2026-03-02T10:00:05+0100", "conforms"),
        ("2026-03-02T10:00:05+01:00:00", "conforms"),
        ("20260302T100005+01:00", "conforms"),
        ("2026-03-02T10:00:05+01:60", "conforms"),
        ("2026-03-02T09:00:05+00:00", "warned"),
        ("2026-03-02T10:00:05", "conforms"),
        ("yesterday", "conforms"),
    ],
)
def test_local_offset(text: str, expected: str) -> None:
    """March in Berlin is +01:00; UTC only warns; what is no date-time is not judged here."""
    build = Build()
    build.push_data([record()], t=1)
    build.cdr(t=30, begin=5, body={"ChargingStart": text})
    assert outcome(build.evidence(), "TIME-003") == expected


@pytest.mark.parametrize(
    ("operator", "expected"), [("DEABC", "warned"), ("DE-ABC", "conforms"), ("DE ABC", "conforms")]
)
def test_an_operator_id_that_is_none_is_no_other_spelling(operator: str, expected: str) -> None:
    """Malformed ids are told by ID-002 alone."""
    build = Build()
    build.notification("Start", t=5, body={"OperatorID": "DE*ABC"})
    build.notification("End", t=6, body={"OperatorID": operator})
    assert outcome(build.evidence(), "ID-005") == expected


def test_offsets_of_places() -> None:
    """Summer time counts, several zones of a country are all right, an unknown place decides nothing."""
    july = datetime(2025, 7, 1, 12, tzinfo=UTC)

    def hours(address: Any, place: str | None = None) -> list[float]:
        where = {"Address": address, "GeoCoordinates": {"Google": {"Coordinates": place}}}
        return sorted(o.total_seconds() / 3600 for o in offsets_at(where, july))

    assert hours({"Country": "DEU"}) == hours({"Country": "DEU"}, "52.5 13.4") == [2]
    assert hours({"Country": "DEU"}, "13.4 52.5") == hours({"Country": "DEU"}, "0.0 0.0") == [2], "wrong, not elsewhere"
    assert hours({"Country": "FRA"}, "-20.88 55.45") == [], "an overseas department"
    assert hours({"Country": "FRA"}, "4.93 -52.33") == [], "another, whose latitude is a longitude of the mainland"
    assert hours({"Country": "FRA"}, "2.35 48.85") == [2], "exchanged"
    assert hours({"Country": "FRA", "TimeZone": "UTC+04:00"}, "-20.88 55.45") == [3, 4, 5]
    assert hours({"Country": "ESP"}) == [1, 2]
    assert hours({"Country": "XXX", "TimeZone": "UTC-03:00"}) == [-4, -3, -2]
    assert hours({"Country": 5}) == hours(None) == []


@pytest.mark.parametrize(("ahead", "expected"), [(0.0, "conforms"), (2.0, "conforms"), (125.0, "warned")])
def test_clock_ahead(ahead: float, expected: str) -> None:
    """An end in the future means that the clock is ahead; two seconds are rounding."""
    build = Build()
    build.cdr(t=30, begin=5, end=30 + ahead)
    assert outcome(build.evidence(), "TIME-005") == expected


def test_garbage_is_survived() -> None:
    """Members of the wrong kind break no rule."""
    build = Build()
    for value in (None, 5, [], {}, "", "x" * 300, True):
        build.cdr(t=30, body={"SessionID": value, "EvseID": value, "ChargingStart": value, "Identification": value})
        build.start(
            t=40, evse_id=value, body={"SessionID": value, "Identification": value, "EMPPartnerSessionID": value}
        )
    build.exchanges = [replace(e, t_end=None) if at % 3 == 0 else e for at, e in enumerate(build.exchanges)]
    ids = [
        "SESS-001",
        "SESS-004",
        "SESS-005",
        "SESS-006",
        "SESS-007",
        "SESS-008",
        "ACK-010",
        "ID-005",
        "ID-006",
        "TIME-003",
    ]
    for ident in ids:
        outcome(build.evidence(), ident)
    assert not findings(build.evidence(), "SESS-008") and clock(0)
