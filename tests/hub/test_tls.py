"""The certificate matrix over real handshakes, in both directions."""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from fake_hubject.certificates import Authority, Issued, facts_of_der
from oicp.services import OPERATIONS
from tests.hub.coverage import covers
from tests.hub.stage import (
    EMP,
    EVCO,
    EVSE,
    OPERATOR,
    OTHER,
    Stage,
    data_push,
    data_record,
    staged,
    status_push,
    tiny_cpo,
)

_DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A CA nobody knows."""
    return Authority.create(tmp_path_factory.mktemp("stranger") / "ca", "somebody else's CA")


@pytest.fixture
async def recorded(tmp_path: Path, authority: Authority) -> AsyncIterator[Stage]:
    """A hub that lets calls without a certificate in."""
    async with staged(tmp_path, authority, client_certificate="recorded") as made:
        yield made


def _client(kind: str, authority: Authority, stranger: Authority) -> Issued | None:
    now = datetime.now(UTC)
    match kind:
        case "none":
            return None
        case "unknown CA":
            return stranger.issue_client(OPERATOR)
        case "expired":
            return authority.issue_client(OPERATOR, not_before=now - 9 * _DAY, not_after=now - _DAY)
        case "not yet valid":
            return authority.issue_client(OPERATOR, not_before=now + _DAY, not_after=now + 9 * _DAY)
        case "of another partner":
            return authority.issue_client(OTHER)
        case "not on file":
            return authority.issue_client(OPERATOR, register=False)
        case "self-signed":
            return authority.issue_client(OPERATOR, self_signed=True, register=False)
        case "RSA":
            return authority.issue_client(OPERATOR, key_type="rsa")
        case _:
            return authority.issue_client(OPERATOR)


_MATRIX = [
    ("good", (200, "000"), (200, "000")), ("RSA", (200, "000"), (200, "000")), ("none", (400, None), (200, "000")),
    ("unknown CA", (400, None), (200, "000")), ("self-signed", (400, None), (200, "000")),
    ("expired", (401, "017"), (401, "017")), ("not yet valid", (401, "017"), (401, "017")),
    ("of another partner", (401, "017"), (401, "017")), ("not on file", (401, "017"), (401, "017")),
]  # fmt: skip


@covers("HUB-001", "HUB-002")
@pytest.mark.parametrize(("kind", "required", "recorded_"), _MATRIX, ids=[row[0] for row in _MATRIX])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_client_certificates(
    stage: Stage, recorded: Stage, stranger: Authority, version: ssl.TLSVersion, kind: str,
    required: tuple[int, str | None], recorded_: tuple[int, str | None],
) -> None:  # fmt: skip
    """Every kind of client certificate gets the documented answer, and its facts are in the evidence."""
    for at, expected in ((stage, required), (recorded, recorded_)):
        issued = _client(kind, at.authority, stranger)
        context = at.context(issued)
        context.minimum_version = context.maximum_version = version
        reply = await at.call("PushEvseData", data_push(data_record()), by=issued)
        assert reply.short == expected, (kind, reply.text)
        tls = at.recorder.exchanges[-1].tls
        assert tls is not None
        assert tls.version == ("TLSv1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
        if issued is None:
            assert tls.certificate is None
        else:
            assert tls.certificate == issued.certificate
            assert tls.trusted is (kind not in ("unknown CA", "self-signed"))
            assert tls.partner_id == {"of another partner": OTHER}.get(kind, OPERATOR if required[1] else None) or kind in (
                "not on file", "unknown CA", "self-signed",
            )  # fmt: skip
        if expected[0] == 400:
            assert "<html>" in reply.text
            assert ("No required SSL certificate" if issued is None else "SSL certificate error") in reply.text


async def test_a_registered_self_signed_certificate_is_known(stage: Stage) -> None:
    """A partner can put its own certificate on file; others of its id are then refused."""
    own = stage.authority.issue_client(OPERATOR, self_signed=True, register=False)
    stage.hub.partners.change(OPERATOR, certificate_pem=own.pem, certificates=frozenset({own.certificate.fingerprint}))
    assert (await stage.call("PushEvseData", data_push(data_record()), by=own)).code == "000"
    assert (await stage.call("PushEvseData", data_push(data_record()))).short == (401, "017")


async def test_an_expired_certificate_can_be_the_proxys_business(stage: Stage, stranger: Authority) -> None:
    """As an option: HTTP 400 and the page instead of 017."""
    stage.hub.change(expired_certificate="400")
    for kind in ("expired", "not yet valid"):
        by = _client(kind, stage.authority, stranger)
        reply = await stage.call("PushEvseData", data_push(data_record()), by=by)
        assert reply.short == (400, None)
        assert "SSL certificate error" in reply.text


async def test_a_strict_proxy_refuses_strangers_in_the_handshake(stage: Stage, stranger: Authority) -> None:
    """As an option; the failed handshake is evidence, certificate included."""
    stage.hub.change(untrusted_certificate="refused")
    issued = stranger.issue_client(OPERATOR)
    with pytest.raises(aiohttp.ClientError):
        await stage.call("PushEvseData", data_push(data_record()), by=issued)
    seen = await stage.recorder.observation(lambda o: o.kind == "tls_handshake", within=5)
    assert seen.data["direction"] == "cpo_to_hub"
    assert seen.data["certificate"]["subject"] == issued.certificate.subject
    assert "verify failed" in seen.data["error"]
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


async def test_old_tls_is_refused_and_noted(stage: Stage) -> None:
    """TLS 1.1 never gets through."""
    hello = (
        b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x02" + bytes(32) + b"\x00\x00\x04\xc0\x13\x00\x2f\x01\x00"
    )  # the ClientHello of a TLS 1.1 client
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.hub.url.rpartition(":")[2]))
    writer.write(hello)
    await writer.drain()
    assert (await reader.read())[:1] in (b"", b"\x15")
    writer.close()
    seen = await stage.recorder.observation(lambda o: o.kind == "tls_handshake", within=5)
    assert seen.data["version"] == "TLSv1.1"


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01garbage", bytes(range(256)) * 10])
async def test_what_is_no_tls_does_not_harm(stage: Stage, sent: bytes) -> None:
    """Plain HTTP and noise at the TLS port are noted as failed handshakes, others go on."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.hub.url.rpartition(":")[2]))
    writer.write(sent)
    writer.write_eof()
    await reader.read()
    writer.close()
    assert (await stage.recorder.observation(lambda o: o.kind == "tls_handshake", within=5)).data["error"]
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


async def test_a_client_that_does_not_trust_the_hub_is_noted(stage: Stage, stranger: Authority) -> None:
    """Rotation to a foreign CA or a wrong name: a CPO that verifies refuses, and the hub sees it."""
    await stage.publish()
    await stage.session.close()
    for issued in (stranger.issue_server(["127.0.0.1"]), stage.authority.issue_server(["wrong.example"])):
        stage.hub.rotate_certificate(issued)
        async with aiohttp.ClientSession() as session:
            stage.session = session
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await stage.publish()
    assert await stage.recorder.observation(
        # a client that sends no alert but hangs up is as clear
        lambda o: o.kind == "tls_handshake" and re.search("alert|closed", o.data["error"].lower()) is not None,
        within=5,
    )
    stage.hub.rotate_certificate()
    async with aiohttp.ClientSession() as session:
        stage.session = session
        await stage.publish()


async def test_rotation_reaches_connections_that_are_kept(stage: Stage) -> None:
    """An idle connection is closed, a busy one after its answer; the next handshake shows the new certificate."""
    await stage.publish()
    port, context = int(stage.hub.url.rpartition(":")[2]), stage.context(stage.client)

    async def connected() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        shown = facts_of_der(writer.get_extra_info("ssl_object").getpeercert(True))
        assert shown is not None
        return reader, writer, shown.fingerprint

    stage.hub.change(processing_s=0.2)
    idle, busy = await connected(), await connected()
    assert idle[2] == busy[2] == stage.hub.certificate.certificate.fingerprint
    body = json.dumps(status_push((EVSE, "Available"))).encode()
    path = OPERATIONS["PushEvseStatus"].url_path(OPERATOR)
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    before = stage.recorder.now()
    busy[1].write(head.encode() + body)
    await stage.recorder.exchange(
        lambda e: e.operation == "PushEvseStatus", within=5, since=before, finished=False
    )  # it is being processed
    renewed = stage.hub.rotate_certificate()
    assert await idle[0].read() == b""
    assert b'"Code":"000"' in await busy[0].read()
    later = await connected()
    assert later[2] == renewed.certificate.fingerprint != idle[2]
    for _, writer, _ in (idle, busy, later):
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_the_hub_presents_a_certificate_or_none(stage: Stage) -> None:
    """Towards the CPO the hub has a client certificate of the CA; leaving it out is an option."""
    await stage.started()
    assert stage.cpo.certificates[-1]
    stage.hub.change(present_client_certificate=False)
    await stage.started()
    assert not stage.cpo.certificates[-1]
    tls = stage.recorder.exchanges[-1].tls
    assert tls is not None
    assert tls.trusted is True


@pytest.mark.parametrize("kind", ["stranger", "wrong name", "self-signed"])
async def test_the_certificate_of_the_cpo_is_checked(stage: Stage, stranger: Authority, kind: str) -> None:
    """Required: the start fails and the handshake is noted. Recorded: it goes on and the evidence says untrusted."""
    issued = {
        "stranger": lambda: stranger.issue_server(["127.0.0.1"]),
        "wrong name": lambda: stage.authority.issue_server(["wrong.example"]),
        "self-signed": lambda: stage.authority.issue_server(["127.0.0.1"], self_signed=True),
    }[kind]()
    async with tiny_cpo(stage.authority, issued=issued) as cpo:
        stage.hub.partners.change(OPERATOR, url=cpo.url)
        refused = await stage.hub.remote_start(EMP, EVSE, EVCO)
        assert not refused.accepted
        assert ((refused.exchange and refused.exchange.error) or "").startswith("TLS handshake failed")
        seen = [
            o for o in stage.recorder.observations if o.kind == "tls_handshake" and o.data["direction"] == "hub_to_cpo"
        ]
        assert seen[-1].data["certificate"]["subject"] == issued.certificate.subject
        stage.hub.change(verify_cpo="recorded")
        taken = await stage.hub.remote_start(EMP, EVSE, EVCO)
        assert taken.accepted
        assert taken.exchange is not None
        assert taken.exchange.tls is not None
        assert taken.exchange.tls.trusted is (kind == "wrong name")
        if kind == "wrong name":
            stage.hub.change(verify_cpo="required", cpo_hostname_check=False)
            assert (await stage.hub.remote_start(EMP, EVSE, EVCO)).accepted


async def test_many_strangers_do_not_pile_up(stage: Stage, stranger: Authority) -> None:
    """The context is rebuilt before foreign certificates fill it."""
    tls = stage.hub._tls
    first = tls.context
    der = ssl.PEM_cert_to_DER_cert(stranger.issue_client("X").pem)
    for number in range(300):
        tls._learn(tls.context, der + bytes([number % 256, number // 256]))
    assert tls.context is not first
    assert (await stage.call("PushEvseData", data_push(data_record()))).code == "000"


def test_authority_survives_and_signs_requests(tmp_path: Path, authority: Authority) -> None:
    """A loaded CA knows whom it issued to; keys are private; a partner's own request can be signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    from fake_hubject.certificates import BadCertificate, new_key

    made = Authority.create(tmp_path / "ca")
    issued = made.issue_client("DE*ABC")
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o077 == 0
    assert issued.key_file is not None
    assert issued.key_file.stat().st_mode & 0o077 == 0
    again = Authority.load(tmp_path / "ca")
    assert again.partner_of(issued.certificate.fingerprint) == "DE*ABC"
    key = new_key()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    signed = again.sign_csr(csr.public_bytes(serialization.Encoding.PEM), "DE*ABC")
    assert again.partner_of(signed.certificate.fingerprint) == "DE*ABC"
    assert facts_of_der(ssl.PEM_cert_to_DER_cert(signed.pem)) == signed.certificate
    with pytest.raises(BadCertificate, match="not a certificate request"):
        again.sign_csr(b"nonsense")
    with pytest.raises(BadCertificate, match="there is a CA already"):
        Authority.create(tmp_path / "ca")
