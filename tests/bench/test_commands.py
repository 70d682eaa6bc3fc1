"""The small commands: certificates, doctor, init, rules, judge of one message."""

import asyncio
import json
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench.command_judge import judge_message
from bench.config import ConfigError, parse_config
from bench.doctor import checks
from bench.probe import probe
from fake_hubject.certificates import Authority
from simulator.site_data import generate_fleet
from tests.bench import stand


def _csr(key: object, subject: str | None = "ABC", **usage: object) -> bytes:
    names = [x509.NameAttribute(NameOID.COMMON_NAME, subject)] if subject else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    for extension in usage.values():
        builder = builder.add_extension(extension, critical=False)  # type: ignore[arg-type]
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)  # type: ignore[arg-type]


def _bench(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = stand.bench(*arguments, folder=folder)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_a_ca_and_what_it_issues(tmp_path: Path) -> None:
    """CA, client and server certificates, PKCS#12 with the chain; keys for their owner alone."""
    assert _bench(tmp_path, "pki", "init").returncode == 0
    assert _bench(tmp_path, "pki", "init").returncode == 3
    done = _bench(tmp_path, "pki", "issue", "DE*ABC", "--key", "rsa", "--days", "30", "--p12", "--password", "secret")
    assert done.returncode == 0, done.stderr
    assert _bench(tmp_path, "pki", "issue", "DE*ABC", "--host", "cpo.example", "--host", "127.0.0.1").returncode == 0
    assert _bench(tmp_path, "pki", "issue", "DE*ABC", "--key", "dsa").returncode == 3
    keys = list((tmp_path / "pki").glob("*.key")) + list((tmp_path / "pki").glob("*.p12"))
    assert len(keys) == 4
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys)
    packed = pkcs12.load_pkcs12(next((tmp_path / "pki").glob("*.p12")).read_bytes(), b"secret")
    assert isinstance(packed.key, rsa.RSAPrivateKey)
    assert len(packed.additional_certs) == 1


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)])
def test_a_partners_own_request_is_signed(tmp_path: Path, key: object) -> None:
    """RSA and EC; the certificate is on file for the partner."""
    authority = Authority.create(tmp_path / "pki")
    (tmp_path / "my.csr").write_bytes(_csr(key))
    done = _bench(tmp_path, "pki", "sign", "my.csr", "--partner", "DE*ABC", "--host", "cpo.example")
    assert done.returncode == 0, done.stderr
    signed = next((tmp_path / "pki").glob("signed-*.pem"))
    certificate = x509.load_pem_x509_certificate(signed.read_bytes())
    assert authority.signed(certificate)
    assert Authority.load(tmp_path / "pki").partner_of(certificate.fingerprint(hashes.SHA256()).hex()) == "DE*ABC"


_EC = ec.generate_private_key(ec.SECP256R1())
_WRONG = {
    "private key": (_EC.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), "private key; keep it"),
    "nonsense": (b"nonsense", "not a certificate request"),
    "no name": (_csr(_EC, None), "common name"),
    "short key": (_csr(rsa.generate_private_key(65537, 1024)), "1024 bits is too short"),
    "odd key": (_csr(ed25519.Ed25519PrivateKey.generate()), "neither RSA nor EC"),
    "wants to be a CA": (_csr(_EC, ca=x509.BasicConstraints(ca=True, path_length=None)), "become a CA"),
    "server only": (_csr(_EC, eku=x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])), "lacks clientAuth"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(_WRONG))
def test_a_wrong_request_is_explained(tmp_path: Path, name: str) -> None:
    """What is wrong and how to make it right."""
    from bench.command_pki import sign
    from fake_hubject.certificates import BadCertificate

    pem, words = _WRONG[name]
    Authority.create(tmp_path / "pki")
    (tmp_path / "my.csr").write_bytes(pem)
    with pytest.raises(BadCertificate, match=words) as caught:
        sign(tmp_path / "pki", tmp_path / "my.csr", "DE*ABC", hosts=[])
    assert "my.csr" in str(caught.value)


def test_init_writes_a_config_that_is_valid(tmp_path: Path) -> None:
    """Commented, never over an existing file, and taken by the bench as it is."""
    assert _bench(tmp_path, "init", "--yes").returncode == 0
    config = parse_config(tomllib.loads((tmp_path / "bench.toml").read_text()))
    assert config.cpo is not None
    assert config.pki.folder == "pki"
    again = _bench(tmp_path, "init", "--yes")
    assert again.returncode == 3
    assert "--force" in again.stderr


@pytest.mark.parametrize("answers", [
    {}, {"Command": "node my-cpo.js --port 9443"}, {"charge points": "none"},
], ids=["running", "command", "no OCPP"])  # fmt: skip
def test_whatever_is_answered_makes_a_config(answers: dict[str, str]) -> None:
    """All branches of the questions."""
    from bench.command_init import written

    text = written(lambda question, suggestion: next((v for k, v in answers.items() if k in question), suggestion))
    parse_config(tomllib.loads(text))


def test_a_command_with_an_open_quotation_mark() -> None:
    """An answer that cannot be split is told, not taken for a fault of the bench."""
    from bench.command_init import written

    with pytest.raises(ConfigError, match="quotation mark"):
        written(lambda question, suggestion: 'node "x' if "Command" in question else suggestion)


def test_doctor_names_every_mend(tmp_path: Path) -> None:
    """Prefix twice, plain http, foreign EVSEs, a taken port, an expired certificate, a key of another, nobody listening."""
    from datetime import UTC, datetime, timedelta

    authority = Authority.create(tmp_path / "pki")
    old = authority.issue_client("DE*ABC", not_after=datetime.now(UTC) - timedelta(days=1), name="old")
    other = authority.issue_client("DE*ABC", name="other")
    assert old.key_file is not None and other.key_file is not None
    other.key_file.write_bytes(old.key_file.read_bytes())
    fleet = generate_fleet("DE*XYZ", "somebody else", charge_points=1, evses_per_charge_point=1, seed=1)
    (tmp_path / "fleet.json").write_text(json.dumps(fleet))
    config = parse_config({
        "cpo": {"operator_id": "DE*ABC", "oicp_url": "http://127.0.0.1:9/api/oicp/charging", "ocpp_url": "ws://127.0.0.1:9/ocpp"},
        "fleet": {"file": str(tmp_path / "fleet.json")}, "pki": {"folder": str(tmp_path / "pki")},
    })  # fmt: skip
    told = list(checks(config))
    text = "\n".join(f"{c.level} {c.text} {c.mend}" for c in told)
    for words in (
        "holds /api/oicp", "plain http", "does not belong to DE*ABC", "expired on",
        "is not the key of", "nobody accepts connections", "give a fixed port",
    ):  # fmt: skip
        assert words in text, words
    assert all(c.mend for c in told if c.level == "error")
    (tmp_path / "bench.toml").write_text("")
    assert _bench(tmp_path, "doctor", "--config", "bench.toml").returncode == 0


def test_rules_are_explained(tmp_path: Path) -> None:
    """One by id with fix and source; many by words and filters."""
    one = _bench(tmp_path, "rules", "cdr-024")
    assert one.returncode == 0
    for words in ("the fix", "sources", "MUST"):
        assert words in one.stdout
    many = _bench(tmp_path, "rules", "--profile", "reservation", "--level", "must")
    assert "RESV-003" in many.stdout
    assert "CDR-024" not in many.stdout
    assert "did you mean" in _bench(tmp_path, "rules", "CDR-0244").stderr


@pytest.mark.parametrize(
    ("name", "body", "violated"),
    [
        ("ChargeDetailRecord", {"SessionID": "x"}, {"CDR-007"}),
        ("eRoamingAcknowledgement", {"Result": "true", "StatusCode": {"Code": "000"}}, {"ACK-001"}),
        ("Acknowledgement", {"Result": True, "StatusCode": {"Code": "000"}}, set()),
    ],
)
def test_one_message_is_judged(tmp_path: Path, name: str, body: dict[str, object], violated: set[str]) -> None:
    """Only what its text decides; silence about the rest is no fault."""
    path = tmp_path / "message.json"
    path.write_text(json.dumps(body))
    judged = judge_message(name, path, strict=False, command="")
    assert violated <= set(judged.report.verdict.violated)
    assert judged.status == (1 if violated else 0)


def test_a_probe_tells_versions_and_trust(tmp_path: Path) -> None:
    """A server of TLS 1.2 and newer that serves with a certificate of the CA and asks for none."""
    import ssl

    authority = Authority.create(tmp_path)
    server, client = authority.issue_server(["127.0.0.1"]), authority.issue_client("HUB")
    assert client.key_file is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server.cert_file, server.key_file)

    async def look() -> object:
        listener = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            return await probe(
                f"https://127.0.0.1:{port}",
                ca_file=authority.ca_file,
                certificate=client.cert_file,
                key=client.key_file,
            )  # type: ignore[arg-type]

    found = asyncio.run(look())
    assert found.versions == ("TLSv1.2", "TLSv1.3")  # type: ignore[attr-defined]
    assert found.trusted is True  # type: ignore[attr-defined]
    assert found.plain_http is False  # type: ignore[attr-defined]
