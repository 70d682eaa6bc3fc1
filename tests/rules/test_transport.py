"""TLS rules: conforming, violating and innocent recordings."""

from dataclasses import replace
from typing import Any

import pytest

from oicp.evidence import Tls
from oicp.handshakes import Trouble, tls_version, trouble
from oicp.unknowns import CERTIFICATES
from tests.rules.build import CERTIFICATE, TLS, Build, findings, outcome, record

UNKNOWN = replace(TLS, trusted=False, partner_id=None)
NONE = Tls("TLSv1.3", None, None, None)
OLD = replace(TLS, version="TLSv1.1")


def pushed(tls: Tls | None, **more: Any) -> Build:
    """A recording with one push over this connection."""
    build = Build()
    build.push_data([record()], t=1, tls=tls, **more)
    return build


def expired(**dates: str) -> Tls:
    """The usual connection with a certificate of other dates."""
    return replace(TLS, certificate=replace(CERTIFICATE, **dates))


@pytest.mark.parametrize(
    ("requirement", "tls", "expected"),
    [
        ("TLS-001", TLS, "conforms"),
        ("TLS-001", NONE, "violated"),
        ("TLS-001", None, "not-exercised"),
        ("TLS-002", TLS, "conforms"),
        ("TLS-002", UNKNOWN, "violated"),
        ("TLS-002", NONE, "not-exercised"),
        ("TLS-002", replace(TLS, trusted=None), "not-exercised"),
        ("TLS-003", TLS, "conforms"),
        ("TLS-003", expired(not_after="2026-03-01T00:00:00+00:00"), "violated"),
        ("TLS-003", expired(not_after="Mar  1 00:00:00 2026 GMT"), "violated"),
        ("TLS-003", expired(not_before="2026-03-03T00:00:00+00:00"), "violated"),
        ("TLS-003", expired(not_after="soon"), "not-exercised"),
        ("TLS-004", TLS, "conforms"),
        ("TLS-004", replace(TLS, partner_id="DE-ABC"), "conforms"),
        ("TLS-004", replace(TLS, partner_id="DE*XYZ"), "violated"),
        ("TLS-004", replace(TLS, partner_id=None), "violated"),
        ("TLS-004", UNKNOWN, "not-exercised"),
        ("TLS-004", NONE, "not-exercised"),
        ("TLS-005", TLS, "conforms"),
        ("TLS-005", replace(TLS, version="TLSv1.2"), "conforms"),
        ("TLS-005", OLD, "violated"),
        ("TLS-005", replace(TLS, version="?"), "not-exercised"),
    ],
)
def test_connection_of_the_cpo(requirement: str, tls: Tls | None, expected: str) -> None:
    """The TLS side of one request is judged; what nobody looked at is not exercised."""
    assert outcome(pushed(tls).evidence(), requirement) == expected


@pytest.mark.parametrize(
    ("requirement", "direction", "error", "expected"),
    [
        ("TLS-001", "cpo_to_hub", "[SSL: PEER_DID_NOT_RETURN_A_CERTIFICATE] peer did not return a certificate", "violated"),
        ("TLS-002", "cpo_to_hub", "certificate verify failed: self-signed certificate", "violated"),
        ("TLS-003", "cpo_to_hub", "certificate verify failed: certificate has expired", "violated"),
        ("TLS-002", "cpo_to_hub", "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", "conforms"),
        ("TLS-005", "cpo_to_hub", "[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol", "violated"),
        ("TLS-005", "cpo_to_hub", "[SSL: HTTP_REQUEST] http request", "violated"),
        ("TLS-007", "hub_to_cpo", "[SSL: WRONG_VERSION_NUMBER] wrong version number", "violated"),
        ("TLS-007", "hub_to_cpo", "certificate verify failed: Hostname mismatch, certificate is not valid", "violated"),
        ("TLS-007", "hub_to_cpo", "Connection reset by peer", "not-exercised"),
        ("TLS-008", "hub_to_cpo", "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required", "not-exercised"),
    ],
)  # fmt: skip
def test_failed_handshake(requirement: str, direction: str, error: str, expected: str) -> None:
    """A handshake that fails is evidence; whose fault it was is read from its error."""
    build = pushed(TLS)
    build.observe("tls_handshake", t=2, direction=direction, error=error)
    assert outcome(build.evidence(), requirement) == expected


@pytest.mark.parametrize(
    ("url", "tls", "settings", "expected"),
    [
        ("https://cpo.example", TLS, {}, "conforms"),
        ("http://cpo.example", None, {}, "violated"),
        ("http://cpo.example", None, {"allow_plain_http": True}, "not-exercised"),
        ("https://cpo.example", replace(TLS, trusted=False), {}, "violated"),
        ("https://cpo.example", None, {}, "not-exercised"),
    ],
)
def test_endpoint_of_the_cpo(url: str, tls: Tls | None, settings: dict[str, Any], expected: str) -> None:
    """The endpoint of the CPO is HTTPS with a certificate the hub trusts, said once however many requests there were."""
    build = Build(settings=settings)
    for t in (1, 2, 3):
        build.start(t=t, session=t, url=url, tls=tls)
    assert outcome(build.evidence(), "TLS-007") == expected
    assert len(findings(build.evidence(), "TLS-007")) == (expected == "violated")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [(["TLSv1.2", "TLSv1.3"], "conforms"), (["TLSv1.1", "TLSv1.3"], "warned"), (["TLSv1", "TLSv1.1"], "violated"), ([], "not-exercised")],
)  # fmt: skip
def test_probed_versions(versions: list[str], expected: str) -> None:
    """An old version beside a good one only warns."""
    build = Build()
    build.observe("connection_probe", t=1, url="https://cpo.example", versions=versions, accepted=True, trusted=None)
    assert outcome(build.evidence(), "TLS-005") == expected


@pytest.mark.parametrize(
    ("calls", "handshakes", "connection", "expected"),
    [
        ([15], [], "new", "warned"),
        ([], [12], "new", "conforms"),
        ([15], [], "old", "not-exercised"),
        ([10.01], [], "new", "not-exercised"),
        ([21], [], "new", "not-exercised"),
    ],
)
def test_hub_certificate_verified(calls: list[float], handshakes: list[float], connection: str, expected: str) -> None:
    """A request to a hub with a foreign certificate warns; one on an old connection or in the moment of the change does not."""
    build = Build()
    build.push_data([record()], t=1)
    build.exchanges[-1] = replace(build.exchanges[-1], connection="old")
    build.observe("hub_setting", t=10, setting="server_certificate", value="foreign-ca")
    build.observe("hub_setting", t=20, setting="server_certificate", value="own")
    for t in handshakes:
        build.observe("tls_handshake", t=t, direction="cpo_to_hub", error="alert unknown ca")
    for t in calls:
        build.push_data([record()], t=t)
        build.exchanges[-1] = replace(build.exchanges[-1], connection=connection)
    assert outcome(build.evidence(), "TLS-006") == expected


@pytest.mark.parametrize(("t", "expected"), [(10.1, "not-exercised"), (10.25, "warned")])
def test_hub_certificate_behind_a_closed_door(t: float, expected: str) -> None:
    """The hub shows another certificate once it is back: what came before used a connection of before."""
    build = Build()
    build.observe("hub_setting", t=10, setting="server_certificate", value="foreign-ca")
    build.observe("hub_down", t=10.2)
    build.observe("hub_up", t=10.21)
    build.push_data([record()], t=t)
    assert outcome(build.evidence(until=20), "TLS-006") == expected


NO_CERTIFICATE = (
    b"<html><center>No required SSL certificate was sent</center><center>nginx/1.18.0 (Ubuntu)</center></html>"
)
BAD_CERTIFICATE = b"<html><center>The SSL certificate error</center><center>nginx/1.18.0 (Ubuntu)</center></html>"
UNAUTHORIZED = {"StatusCode": {"Code": "017", "Description": "Unauthorized Access", "AdditionalInfo": None}}


@pytest.mark.parametrize(
    ("answer", "http_status", "tls", "expected"),
    [
        (NO_CERTIFICATE, 400, None, ("violated", "not-exercised", "not-exercised")),
        (NO_CERTIFICATE, 400, Tls("TLSv1.3"), ("violated", "not-exercised", "not-exercised")),
        (NO_CERTIFICATE, 400, replace(TLS, trusted=None), ("conforms", "not-exercised", "not-exercised")),
        (BAD_CERTIFICATE, 400, None, ("not-exercised", "violated", "not-exercised")),
        (b"<html>Bad Request</html>", 400, None, ("not-exercised",) * 3),
        (UNAUTHORIZED, 401, None, ("not-exercised", "not-exercised", "warned")),
        (UNAUTHORIZED, 401, TLS, ("conforms", "conforms", "conforms")),  # the handshake was seen
    ],
)
def test_the_hub_tells_of_the_certificate(
    answer: Any, http_status: int, tls: Tls | None, expected: tuple[str, ...]
) -> None:
    """A recording without handshakes has the answers that the hub gives to wrong ones."""
    build = Build(source="pairs", truth=False, fleet=None)
    build.push_data([record()], t=1, answer=answer, http_status=http_status, tls=tls)
    assert tuple(outcome(build.evidence(), i) for i in ("TLS-001", "TLS-002", "TLS-004")) == expected


@pytest.mark.parametrize("source", ["har", "flows", "tap"])
@pytest.mark.parametrize("unknown", [(), (CERTIFICATES,)])
@pytest.mark.parametrize(("answer", "requirement"), [(NO_CERTIFICATE, "TLS-001"), (BAD_CERTIFICATE, "TLS-002")])
def test_the_hub_tells_of_the_certificate_of_a_proxy(
    answer: bytes, requirement: str, unknown: tuple[str, ...], source: str
) -> None:
    """Who records between CPO and hub opens the connections to the hub himself: a warning, and the CPO stays unjudged."""
    build = Build(source=source, truth=False, fleet=None, unknown=unknown)
    for t in (1, 60):
        build.push_data([record()], t=t, answer=answer, http_status=400, tls=None)
    assert outcome(build.evidence(), requirement) != "violated"
    assert [str(f.grade) for f in findings(build.evidence(), requirement)] == ["warning"]


@pytest.mark.parametrize(
    ("error", "t", "expected"),
    [
        ("tlsv1 alert unknown ca", 30, "warned"),
        ("tlsv1 alert unknown ca", 15, "conforms"),  # it was a foreign one
        ("tlsv1 alert unknown ca", 40.3, "conforms"),  # the hub was going down
        ("the peer closed the connection during the handshake", 30, "conforms"),  # nobody knows why
    ],
)
def test_the_right_certificate_refused(error: str, t: float, expected: str) -> None:
    """A backend, or one of its HTTP clients, that does not know the root of the hub."""
    build = Build()
    build.push_data([record()], t=1)
    build.observe("hub_setting", t=10, setting="server_certificate", value="foreign-ca")
    build.observe("tls_handshake", t=12, direction="cpo_to_hub", error="tlsv1 alert unknown ca")
    build.observe("hub_setting", t=20, setting="server_certificate", value="own")
    build.observe("hub_down", t=40)
    build.observe("hub_up", t=45)
    build.observe("tls_handshake", t=t, direction="cpo_to_hub", error=error)
    assert outcome(build.evidence(until=60), "TLS-006") == expected


def test_words_of_openssl() -> None:
    """Versions and errors are read as they are written."""
    assert [tls_version(t) for t in ("TLSv1.3", "TLSv1", "SSLv3", "1.2", "", None)] == [
        (1, 3),
        (1, 0),
        (0, 3),
        (1, 2),
        None,
        None,
    ]
    build = Build()
    assert trouble(build.observe("tls_handshake", t=1, error=None)) is Trouble.OTHER


@pytest.mark.parametrize(("source", "expected"), [("run", "violated"), ("tap", "warned"), ("har", "not-exercised")])
def test_plain_http_towards_the_cpo(source: str, expected: str) -> None:
    """The hub calls HTTPS; in a file that somebody recorded the proxy of the CPO may stand before the recorder, as it may before the tap."""
    build = Build(source=source)
    for t in (1, 2):
        build.start(t=t, session=t, url="http://cpo.example:8080")
    assert len(findings(build.evidence(), "TLS-007")) == (expected != "not-exercised")
    assert outcome(build.evidence(), "TLS-007") == expected
