"""How a charge point gets to the CPO: URLs, Basic auth, TLS with and without client certificates, subprotocols."""

import base64
import ssl
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from simulator.fleet import Fleet
from simulator.security import BadSecurity, OcppSecurity
from tests.simulator.central import Central, Observations
from tests.simulator.stage import fleet_json, quick, until

URLS = [
    ("ws://h:1", {}, "CP-1", "ws://h:1/CP-1"),
    ("ws://h:1/ocpp", {}, "CP-1", "ws://h:1/ocpp/CP-1"),
    ("ws://h:1/ocpp/", {}, "CP-1", "ws://h:1/ocpp/CP-1"),
    ("wss://h/ocpp?key=1", {}, "CP-1", "wss://h/ocpp/CP-1?key=1"),
    ("ws://h/{id}/ocpp", {}, "CP-1", "ws://h/CP-1/ocpp"),
    ("ws://h/ocpp?cp={id}", {}, "CP-1", "ws://h/ocpp?cp=CP-1"),
    ("ws://h/{tenant}/{id}/{token}", {"tenant": "a b", "token": "x/y"}, "CP-1", "ws://h/a%20b/CP-1/x%2Fy"),
    ("ws://h/{tenant}", {"tenant": "t"}, "CP-1", "ws://h/t/CP-1"),
    ("ws://h/o", {}, "DE*ABC*1 #2", "ws://h/o/DE*ABC*1%20%232"),
]


@pytest.mark.parametrize(("template", "parts", "ident", "expected"), URLS)
def test_urls(template: str, parts: dict[str, str], ident: str, expected: str) -> None:
    """Placeholders are filled in and quoted; without `{id}` the id is the last part of the path."""
    assert OcppSecurity(parts=parts).url_of(template, ident) == expected


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("http://h/o", "not a WebSocket address"), ("ws:///o", "not a WebSocket address"), ("ws://h/o#x", "'#'"),
        ("ws://h/{tenant}/o", r"\{tenant\}"), ("ws://h/a b", "blank"), ("", "not a WebSocket address"),
    ],
)  # fmt: skip
def test_urls_that_cannot_be(template: str, message: str) -> None:
    """A URL that cannot work is refused with field, value and mend before anything connects."""
    with pytest.raises(BadSecurity, match=message):
        OcppSecurity().url_of(template, "CP-1")


def _wants(user: str, password: str) -> Any:
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def check(connection: Any, request: Any) -> Any:
        if request.headers.get("Authorization") != expected:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "who are you?\n")
        return None

    return check


@pytest.mark.parametrize(
    ("security", "good"),
    [
        (OcppSecurity(password="secret"), True), (OcppSecurity(password={"CP-1": "secret"}), True),
        (OcppSecurity(password="wrong"), False), (OcppSecurity(), False), (OcppSecurity(password={}), False),
    ],
)  # fmt: skip
async def test_basic_auth(security: OcppSecurity, good: bool) -> None:
    """Security profile 1: the id and the password are presented; a refusal is observed with its HTTP status."""
    seen = Observations()
    async with (
        Central(process_request=_wants("CP-1", "secret")) as central,
        Fleet(fleet_json(), central.url, seen, security=security, settings=quick()) as fleet,
    ):
        if good:
            await fleet.connected(within=5)
        else:
            await until(lambda: bool(seen.of("charge_point_refused")))
            assert seen.of("charge_point_refused")[0]["reason"] == "HTTP 401 Unauthorized"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A CA, a server certificate for 127.0.0.1, a client certificate, and a foreign CA."""
    folder = tmp_path_factory.mktemp("pki")
    ca, other = trustme.CA(), trustme.CA()
    server, client = ca.issue_cert("127.0.0.1"), ca.issue_cert("CP-1")
    files = {name: folder / f"{name}.pem" for name in ("ca", "other", "server", "client", "key")}
    ca.cert_pem.write_to_path(str(files["ca"]))
    other.cert_pem.write_to_path(str(files["other"]))
    server.private_key_and_cert_chain_pem.write_to_path(str(files["server"]))
    client.cert_chain_pems[0].write_to_path(str(files["client"]))
    client.private_key_pem.write_to_path(str(files["key"]))
    return files


def _server(pki: dict[str, Path], *, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki["server"])
    if mutual:
        context.load_verify_locations(pki["ca"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_tls_with_a_password(pki: dict[str, Path]) -> None:
    """Security profile 2: TLS and Basic auth together."""
    security = OcppSecurity(password="secret", ca_file=pki["ca"])
    async with (
        Central(process_request=_wants("CP-1", "secret"), ssl=_server(pki, mutual=False)) as central,
        Fleet(fleet_json(), central.url, Observations(), security=security, settings=quick()) as fleet,
    ):
        await fleet.connected(within=5)


async def test_tls_with_a_client_certificate(pki: dict[str, Path]) -> None:
    """Security profile 3: the charge point presents its certificate to a CPO that insists on one."""
    security = OcppSecurity(ca_file=pki["ca"], client_cert_file=pki["client"], client_key_file=pki["key"])
    async with (
        Central(ssl=_server(pki, mutual=True)) as central,
        Fleet(fleet_json(), central.url, Observations(), security=security, settings=quick()) as fleet,
    ):
        await fleet.connected(within=5)


async def test_no_client_certificate_no_connection(pki: dict[str, Path]) -> None:
    """Without the certificate the CPO wants, the charge point is refused and says so."""
    seen = Observations()
    async with (
        Central(ssl=_server(pki, mutual=True)) as central,
        Fleet(fleet_json(), central.url, seen, security=OcppSecurity(ca_file=pki["ca"]), settings=quick()) as fleet,
    ):
        await until(lambda: bool(seen.of("charge_point_refused")))
        assert not fleet.charge_points[0].online


async def test_a_server_nobody_trusts(pki: dict[str, Path]) -> None:
    """A server certificate of a foreign CA is refused by the charge point."""
    seen = Observations()
    async with (
        Central(ssl=_server(pki, mutual=False)) as central,
        Fleet(fleet_json(), central.url, seen, security=OcppSecurity(ca_file=pki["other"]), settings=quick()),
    ):
        await until(lambda: bool(seen.of("charge_point_refused")))
        assert "CERTIFICATE_VERIFY_FAILED" in seen.of("charge_point_refused")[0]["reason"]


def test_files_that_do_not_fit(pki: dict[str, Path], tmp_path: Path) -> None:
    """TLS files that are missing or do not belong together are one clear message; ws:// needs none."""
    secret = tmp_path / "secret.key"
    key = ec.generate_private_key(ec.SECP256R1())
    hidden = serialization.BestAvailableEncryption(b"abc")
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    for security, words in (
        (OcppSecurity(ca_file=tmp_path / "none.pem"), "ca_file: there is no file"),
        (OcppSecurity(ca_file=rubbish), "ca_file: no certificate in PEM"),
        (OcppSecurity(client_cert_file=pki["client"], client_key_file=tmp_path / "no.key"), "client_key: there is no"),
        (OcppSecurity(client_cert_file=pki["client"], client_key_file=pki["ca"]), "do not belong together"),
        (OcppSecurity(client_cert_file=pki["client"], client_key_file=secret), "secret.key is protected by a password"),
    ):
        with pytest.raises(BadSecurity, match=words):
            security.tls("wss://h/o")
        assert security.tls("ws://h/o") is None


async def test_tenant_in_the_path() -> None:
    """The path the CPO sees is the filled in template."""
    security = OcppSecurity(parts={"tenant": "north", "token": "t0"})
    async with Central() as central:
        url = f"ws://127.0.0.1:{central.port}/{{tenant}}/t/{{token}}/{{id}}"
        async with Fleet(fleet_json(), url, Observations(), security=security, settings=quick()) as fleet:
            await fleet.connected(within=5)
            assert central.paths == ["/north/t/t0/CP-1"]


async def test_a_new_password_by_the_cpo() -> None:
    """A password the CPO sets is presented at the next connection."""
    from ocpp.v16 import call

    passwords: list[str | None] = []

    def note(_: Any, request: Any) -> None:
        passwords.append(request.headers.get("Authorization"))

    seen = Observations()
    security = OcppSecurity(password="old")
    async with (
        Central(process_request=note) as central,
        Fleet(fleet_json(), central.url, seen, security=security, settings=quick()) as fleet,
    ):
        await fleet.connected(within=5)
        await central.ask("CP-1", call.ChangeConfiguration("AuthorizationKey", "new"))
        await fleet.charge_points[0].go_offline()
        await fleet.charge_points[0].go_online(within=5)
    expected = base64.b64encode(b"CP-1:new").decode()
    assert passwords[-1] == f"Basic {expected}"


@pytest.mark.parametrize("subprotocols", [("ocpp2.0.1",), ()], ids=["only another version", "none"])
async def test_no_common_subprotocol(subprotocols: tuple[str, ...]) -> None:
    """A CPO without a subprotocol is put up with and noted; one that has only another version cannot be spoken to."""
    seen = Observations()
    async with (
        Central(subprotocols=subprotocols) as central,
        Fleet(fleet_json(), central.url, seen, settings=quick()) as fleet,
    ):
        if subprotocols:
            await until(lambda: bool(seen.of("charge_point_refused")))
            assert not fleet.charge_points[0].online
        else:
            await fleet.connected(within=5)
            assert "no WebSocket subprotocol" in seen.of("note")[0]["text"]
