"""Certificates as in real onboarding: requests that are refused say why, and what is issued is read by Java."""

import shutil
import stat
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bench.command_pki import init, issue, sign
from fake_hubject.certificates import Authority, BadCertificate

CURVE = ec.generate_private_key(ec.SECP256R1())


def _csr(
    key: Any = CURVE, *, names: Iterable[str] = ("cpo.example",), digest: Any = None, hosts: Iterable[str] = ()
) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False
        )
    return builder.sign(key, digest or hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _tampered() -> bytes:
    """The name of another in a request that was signed already."""
    request = x509.load_pem_x509_csr(_csr(names=("cpo.example",)))
    der = request.public_bytes(serialization.Encoding.DER).replace(b"cpo.example", b"cpo.exampel")
    return x509.load_der_x509_csr(der).public_bytes(serialization.Encoding.PEM)


def _certificate() -> bytes:
    import trustme

    return trustme.CA().cert_pem.bytes()


WRONG = [
    (_tampered(), "signature of the certificate request is wrong"), (_certificate(), "certificate, not a request"),
    (_csr(names=("DE*XYZ",)), r"the common name is DE\*XYZ, another partner"), (_csr(names=(" ",)), "no common name"),
    (_csr(ec.generate_private_key(ec.SECP192R1())), "192 bits is too short"), (b"", "not a certificate request"),
    (b"\x30\x82\x01\x00", "DER: openssl req"),
]  # fmt: skip


@pytest.mark.parametrize(("pem", "words"), WRONG, ids=[words[:25] for _, words in WRONG])
def test_a_request_that_cannot_be_signed(tmp_path: Path, pem: bytes, words: str) -> None:
    """The file and the reason; nothing is issued."""
    Authority.create(tmp_path / "pki")
    (tmp_path / "my.csr").write_bytes(pem)
    with pytest.raises(BadCertificate, match=words) as caught:
        sign(tmp_path / "pki", tmp_path / "my.csr", "DE*ABC", hosts=[])
    assert "my.csr" in str(caught.value)
    assert not list((tmp_path / "pki").glob("signed-*"))


@pytest.mark.parametrize("key", [CURVE, rsa.generate_private_key(65537, 2048)], ids=["EC", "RSA"])
@pytest.mark.parametrize("name", ["cpo.example", "DE*ABC", "de*abc"])
def test_a_request_that_can(tmp_path: Path, key: Any, name: str) -> None:
    """Subject and key of the request, usable by client and server, its host names kept."""
    Authority.create(tmp_path / "pki")
    (tmp_path / "my.csr").write_bytes(_csr(key, names=(name,), hosts=("cpo.example",)))
    assert sign(tmp_path / "pki", tmp_path / "my.csr", "DE*ABC", hosts=[]) == 0
    (path,) = (tmp_path / "pki").glob("signed-*.pem")
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    assert certificate.public_key() == key.public_key()
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["cpo.example"]


@pytest.mark.parametrize("partner", ["ABC", "DE.ABC", "", "client.pem"])
def test_a_partner_is_named_by_its_id(tmp_path: Path, partner: str) -> None:
    """A certificate on file for nobody would be refused by the hub much later."""
    Authority.create(tmp_path / "pki")
    (tmp_path / "my.csr").write_bytes(_csr())
    with pytest.raises(BadCertificate, match="neither an OperatorID"):
        issue(tmp_path / "pki", partner, hosts=[], key="ec", days=1, p12=False, password="")
    with pytest.raises(BadCertificate, match="neither an OperatorID"):
        sign(tmp_path / "pki", tmp_path / "my.csr", partner, hosts=[])


@pytest.mark.parametrize("key", ["ec", "rsa"])
def test_java_reads_it(tmp_path: Path, key: str) -> None:
    """keytool finds the private key with its chain of two in the PKCS#12 file."""
    keytool = shutil.which("keytool")
    if keytool is None:
        pytest.skip("no keytool (Java) on this machine")
    init(tmp_path / "pki")
    issue(tmp_path / "pki", "DE*ABC", hosts=[], key=key, days=30, p12=True, password="changeit")
    (packed,) = (tmp_path / "pki").glob("*.p12")
    assert stat.S_IMODE(packed.stat().st_mode) == 0o600
    done = subprocess.run(
        [keytool, "-list", "-v", "-keystore", str(packed), "-storetype", "PKCS12", "-storepass", "changeit"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PrivateKeyEntry" in done.stdout
    assert "chain length: 2" in done.stdout.lower()
