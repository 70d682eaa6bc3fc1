"""HTTP rules: requests and answers of the CPO."""

from typing import Any

import pytest

from oicp.mojibake import broken_text, same_but_mangled
from tests.rules.build import HUB_TO_CPO, Build, ack, findings, outcome, record, verdict

START = "/api/oicp/charging/v21/providers/{}/authorize-remote/start"
DATA = "/api/oicp/evsepush/v23/operators/{}/data-records"
HTML = (("Content-Type", "text/html"),)


@pytest.mark.parametrize(
    ("requirement", "more", "expected"),
    [
        ("HTTP-001", {}, "conforms"),
        ("HTTP-001", {"method": "PUT"}, "violated"),
        ("HTTP-002", {}, "conforms"),
        ("HTTP-002", {"target": DATA.format("DE%2AABC")}, "conforms"),
        ("HTTP-002", {"target": "https://127.0.0.1:8443" + DATA.format("DE*ABC")}, "conforms"),
        ("HTTP-002", {"target": "/api/oicp/evsepush/v21/operators/DE*ABC/data-records"}, "violated"),
        ("HTTP-002", {"target": "/evsepush/v23/operators/DE*ABC/data-records"}, "violated"),
        ("HTTP-002", {"target": "/x/api/oicp/evsepush/v23/operators/DE*ABC/data-records"}, "violated"),
        ("HTTP-002", {"target": DATA.format("DE*ABC") + "/"}, "violated"),
        ("HTTP-002", {"target": DATA.format("DE*ABC") + "/", "url": "https://service.hubject.com"}, "conforms"),
        ("HTTP-002", {"target": DATA.format("DE*ABC") + "/", "url": "https://hubject-mock.example"}, "violated"),
        ("HTTP-003", {}, "conforms"),
        ("HTTP-003", {"headers": (("content-type", "application/json"),)}, "conforms"),
        ("HTTP-003", {"headers": (("Content-Type", 'application/json; charset="utf-8"'),)}, "conforms"),
        ("HTTP-003", {"headers": (("Content-Type", "application/json; charset=ISO-8859-1"),)}, "violated"),
        ("HTTP-003", {"headers": (("Content-Type", "text/plain"),)}, "violated"),
        ("HTTP-003", {"headers": (("Content-Type", "application/vnd.api+json"),)}, "warned"),
        ("HTTP-003", {"headers": ()}, "warned"),
        ("HTTP-010", {"target": DATA.format("DE%2aABC")}, "conforms"),
        ("HTTP-010", {"target": DATA.format("DE%252AABC")}, "violated"),
        ("HTTP-010", {"target": DATA.format("%2049*810")}, "violated"),
        ("HTTP-010", {"target": DATA.format("DE*XYZ")}, "conforms"),
        ("HTTP-009", {"target": DATA.format("DE*XYZ"), "partner_id": "DE*XYZ"}, "violated"),
        ("HTTP-009", {"target": DATA.format("DE%252AABC"), "partner_id": "DE%2AABC"}, "conforms"),
        ("ID-005", {"target": DATA.format("DE%20ABC"), "partner_id": "DE ABC"}, "conforms"),
    ],
)
def test_requests(requirement: str, more: dict[str, Any], expected: str) -> None:
    """Method, path, content type and encoding of a push."""
    build = Build()
    build.push_data([record()], t=1, **more)
    assert outcome(build.evidence(), requirement) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Straße".encode(), "conforms"),
        ("Straße".encode("latin-1"), "violated"),
        ("StraÃŸe".encode(), "violated"),
        (b"Stra\\u00dfe", "conforms"),
        (b"Stra\\u00c3\\u0178e", "violated"),
        ("Stra\ufffde".encode(), "violated"),
        (b"Strasse", "not-exercised"),
        ("SÃO JOÃO, 20 Â".encode(), "conforms"),
    ],
)
def test_utf8(body: bytes, expected: str) -> None:
    """Only a body with something beyond ASCII puts the encoding to the test; Portuguese capitals are innocent."""
    build = Build()
    build.exchange("PushEvseData", b'{"OperatorEvseData": {"OperatorName": "' + body + b'"}}', t=1)
    assert outcome(build.evidence(), "HTTP-004") == expected


@pytest.mark.parametrize(
    ("source", "before", "error", "took", "expected"),
    [
        ("flows", True, "Server closed connection", 0.01, "warned"),
        ("har", True, "read ECONNRESET", 0.01, "warned"),
        ("har", True, "timed out", 0.01, "violated"),
        ("har", True, "read ECONNRESET", 9, "violated"),  # it had the request, and thought about it
        ("har", False, "read ECONNRESET", 0.01, "violated"),  # nothing was idle
        ("run", True, "Connection reset by peer", 0.01, "violated"),  # our hub closes first
    ],
)
def test_an_idle_connection_that_breaks(source: str, before: bool, error: str, took: float, expected: str) -> None:
    """A CPO may close a connection that is idle, also in the very moment in which a request comes."""
    build = Build(source=source, truth=False)
    if before:
        build.start(t=1)
    build.start(t=90, session=2, http_status=None, error=error, took=took)
    assert outcome(build.evidence(), "HTTP-012") == expected


def test_broken_bodies_and_probes() -> None:
    """A body that is no JSON is no POST with JSON; a GET of the root is not a matter of paths."""
    build = Build()
    build.exchange(None, b"", t=1, method="GET", target="/")
    assert outcome(build.evidence(), "HTTP-002") == "not-exercised"
    build.exchange("PushEvseData", b"<xml/>", t=2)
    assert outcome(build.evidence(), "HTTP-001") == "violated"


@pytest.mark.parametrize(
    ("requirement", "more", "expected"),
    [
        ("HTTP-012", {}, "conforms"),
        ("HTTP-012", {"http_status": 202, "answer": b""}, "violated"),
        ("HTTP-012", {"http_status": None, "error": "timeout after 60.0 s", "took": 60}, "violated"),
        ("HTTP-012", {"http_status": None, "error": "connection refused"}, "not-exercised"),
        ("HTTP-012", {"http_status": 302, "answer": b"", "answer_headers": ()}, "violated"),
        ("HTTP-012", {"http_status": 500, "answer": b"oops"}, "not-exercised"),
        ("HTTP-013", {}, "conforms"),
        ("HTTP-013", {"answer": ack("603")}, "conforms"),
        ("HTTP-013", {"http_status": 404, "answer": ack("603")}, "warned"),
        ("HTTP-013", {"http_status": 201}, "warned"),
        ("HTTP-013", {"http_status": 409, "answer": b"busy"}, "violated"),
        ("HTTP-013", {"http_status": 500, "answer": b"oops"}, "not-exercised"),
        ("HTTP-013", {"http_status": 404, "answer": b"no route"}, "not-exercised"),
        ("HTTP-013", {"http_status": 404, "answer": b"no route", "variant": "unknown-evse"}, "violated"),
        ("HTTP-013", {"http_status": 400, "answer": b"bad", "body": b"{", "variant": "malformed"}, "not-exercised"),
        ("HTTP-013", {"http_status": 400, "answer": b"bad", "body": {"EvseID": ...}}, "not-exercised"),
        ("HTTP-013", {"http_status": 400, "answer": b"bad", "body": {"SessionID": None}}, "not-exercised"),
        ("HTTP-013", {"http_status": 400, "answer": b"bad", "body": {"PartnerProductID": None}}, "violated"),
        ("HTTP-014", {}, "conforms"),
        ("HTTP-014", {"answer_headers": ()}, "warned"),
        ("HTTP-014", {"answer_headers": (("Content-Type", "text/json"),)}, "warned"),
        ("HTTP-014", {"answer_headers": HTML}, "violated"),
        ("HTTP-014", {"http_status": 500, "answer": b"<html>", "answer_headers": HTML}, "violated"),
        ("HTTP-022", {}, "conforms"),
        ("HTTP-022", {"url": "https://cpo/tenant", "target": "/tenant" + START.format("DE-DCB")}, "conforms"),
        ("HTTP-022", {"target": "/authorizeremotestartv21"}, "violated"),
        ("HTTP-022", {"http_status": 404, "answer": b"no route"}, "violated"),
        ("HTTP-022", {"http_status": 404, "answer": ack("603")}, "conforms"),
        ("HTTP-022", {"http_status": 404, "answer": b"", "variant": "unknown-evse"}, "not-exercised"),
    ],
)
def test_answers(requirement: str, more: dict[str, Any], expected: str) -> None:
    """What the CPO answers to a remote start."""
    build = Build()
    more = dict(more)
    if isinstance(more.get("body"), bytes):
        build.exchange("AuthorizeRemoteStart", more.pop("body"), t=1, direction=HUB_TO_CPO, **more)
    else:
        build.start(t=1, **more)
    assert outcome(build.evidence(), requirement) == expected


@pytest.mark.parametrize(
    "of_names",
    [str.lower, lambda n: n[0].lower() + n[1:], lambda n: n.replace("SC", "S_C").replace("sC", "s_c").lower()],
)
def test_misspelled_acknowledgements(of_names: Any) -> None:
    """An acknowledgement with misspelled members is told of by HTTP-005 and not as missing."""
    build = Build()
    build.start(t=1, answer={of_names("Result"): True, of_names("StatusCode"): {of_names("Code"): "000"}})
    told = verdict(build.evidence(), "HTTP-005", "HTTP-012", "ACK-001", "ACK-002").findings
    assert {(f.requirement, f.in_answer) for f in told} == {("HTTP-005", True)}
    build.start(t=2, session=2, answer={"status": "ok", "result": "done"})
    assert outcome(build.evidence(), "HTTP-012") == "violated"


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"target": START.format("DE%2DDCB"), "variant": "encoded-id"}, "conforms"),
        ({"target": START.format("DE%2DDCB"), "http_status": 404, "answer": b""}, "warned"),
        ({"target": START.format("DEDCB"), "http_status": 404, "answer": b""}, "violated"),
        ({"target": START.format("DE*DCB"), "answer": ack("602"), "variant": "asterisk-id"}, "conforms"),
        ({"target": START.format("DE*DCB"), "answer": ack("022"), "variant": "asterisk-id"}, "violated"),
        ({"target": START.format("DE-DCB")}, "not-exercised"),
    ],
)
def test_spelling_of_the_provider(second: dict[str, Any], expected: str) -> None:
    """Another spelling of the id in the path must be matched; one spelling alone decides nothing."""
    build = Build()
    build.start(t=1)
    build.start(t=5, session=2, **second)
    assert outcome(build.evidence(), "HTTP-011") == expected
    if expected != "conforms":
        assert outcome(build.evidence(), "HTTP-013") == "conforms"


@pytest.mark.parametrize(("code", "expected"), [("022", "conforms"), ("105", "violated")])
def test_spelling_that_is_not_to_blame(code: str, expected: str) -> None:
    """Plain requests with nulls are refused with 022: one in another spelling of the path, too, for its nulls."""
    build = Build()
    build.refuses_nulls()
    build.start(t=20, session=3, target=START.format("DE*DCB"), answer=ack(code), variant="asterisk-id")
    assert outcome(build.evidence(), "HTTP-011") == expected
    assert outcome(build.evidence(), "HTTP-015") == "violated"


def test_deviating_path_is_told_once() -> None:
    """A CPO that answers elsewhere is reported once an operation."""
    build = Build()
    for t in (1, 2, 3):
        build.start(t=t, session=t, target="/elsewhere")
    assert len(findings(build.evidence(), "HTTP-022")) == 1


def test_mangled_texts() -> None:
    """Broken characters are recognised, different texts are not called broken."""
    assert broken_text("Café Ünal, São João") is None
    assert (
        same_but_mangled("Stra?e", "Straße")
        and same_but_mangled("Strae", "Straße")
        and same_but_mangled("StraÃŸe", "Straße")
    )
    assert not same_but_mangled("Strasse", "Straße") and not same_but_mangled("Allee", "Straße")
