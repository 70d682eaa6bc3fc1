"""`oicp-bench pki`: the private CA, what partners present and serve, partners' own requests."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fake_hubject.certificates import Authority, BadCertificate, Issued
from oicp.ids import is_operator_id, is_provider_id
from oicp.sessions import same_id


def init(folder: Path) -> int:
    """Make a CA. Raises `BadCertificate` if there is one already."""
    authority = Authority.create(folder)
    print(f"{authority.ca_file}: the CA; the CPO has to trust it, towards the hub and for the hub's client certificate")
    print(f'put this into bench.toml, so that every run uses it:\n\n[pki]\nfolder = "{folder}"')
    return 0


def issue(folder: Path, partner_id: str, *, hosts: list[str], key: str, days: int, p12: bool, password: str) -> int:
    """Issue a client certificate, or with hosts a server certificate. Raises `BadCertificate`."""
    if key not in ("ec", "rsa"):
        raise BadCertificate(f"--key {key}: choose ec or rsa")
    if p12 and not password:
        raise BadCertificate("--password: empty; a PKCS#12 file needs one")
    if not hosts:
        _check_partner(partner_id)
    authority = Authority.load(folder)
    kind = cast(Literal["ec", "rsa"], key)
    end = datetime.now(UTC) + timedelta(days=days)
    if hosts:
        issued = authority.issue_server(hosts, key_type=kind, not_after=end)
    else:
        issued = authority.issue_client(partner_id, key_type=kind, not_after=end)
    _tell(issued)
    if p12:
        print(f"{_pkcs12(issued, authority, partner_id, password)}: the same as PKCS#12, with the CA")
    return 0


def _check_partner(partner_id: str) -> None:
    if not (is_operator_id(partner_id) or is_provider_id(partner_id)):
        raise BadCertificate(
            f"{partner_id!r} is neither an OperatorID (DE*ABC, +49*123) nor a ProviderID (DE-DCB); in a shell put it in quotes"
        )


def sign(folder: Path, request: Path, partner_id: str, *, hosts: list[str]) -> int:
    """Sign a partner's own request. Raises `BadCertificate`: what is wrong with it, and how to make it right."""
    _check_partner(partner_id)
    try:
        pem = request.read_bytes()
    except OSError as fault:
        raise BadCertificate(f"{request}: cannot be read: {fault.strerror}") from None
    try:
        _check_request(pem, partner_id)
        issued = Authority.load(folder).sign_csr(pem, partner_id, hosts=hosts)
    except BadCertificate as fault:
        raise BadCertificate(f"{request}: {fault}") from None
    _tell(issued)
    return 0


def _check_request(pem: bytes, partner_id: str) -> None:
    """Subject and key of a request; the signature is checked when it is signed."""
    if b"PRIVATE KEY" in pem:
        raise BadCertificate("this is a private key; keep it, and send only the certificate request made from it")
    if b"BEGIN CERTIFICATE-----" in pem:
        raise BadCertificate("this is a certificate, not a request; make one: openssl req -new -key my.key -out my.csr")
    try:
        csr = x509.load_pem_x509_csr(pem)
    except ValueError:
        raise BadCertificate(
            "not a certificate request in PEM; from DER: openssl req -inform DER -in .. -out .."
        ) from None
    names = [str(name.value) for name in csr.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if not any(name.strip() for name in names):
        raise BadCertificate('the subject has no common name; add one: -subj "/CN=my-company/O=My Company"')
    others = [name for name in names if is_operator_id(name) and not same_id(name, partner_id)]
    if others:
        raise BadCertificate(f"the common name is {others[0]}, another partner than {partner_id}; correct one of them")
    _check_key(csr)
    _check_usages(csr)


def _check_key(csr: x509.CertificateSigningRequest) -> None:
    try:
        key = csr.public_key()
        digest = csr.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm) as fault:
        raise BadCertificate(
            f"its key or signature is of a kind that cannot be read ({fault}); make an RSA or EC key"
        ) from None
    if digest is not None and digest.name in ("md5", "sha1"):
        raise BadCertificate(f"it is signed with {digest.name}; sign with sha256: openssl req -new -sha256 ..")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        raise BadCertificate(f"an RSA key of {key.key_size} bits is too short; take 2048 or more")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise BadCertificate("the key is neither RSA nor EC; make one of these")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < 256:
        raise BadCertificate(f"an EC key of {key.key_size} bits is too short; take P-256 (prime256v1) or more")


def _check_usages(csr: x509.CertificateSigningRequest) -> None:
    for extension in csr.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise BadCertificate("it asks to become a CA; leave basicConstraints out")
        usage = ExtendedKeyUsageOID.CLIENT_AUTH
        if isinstance(value, x509.ExtendedKeyUsage) and usage not in value:
            raise BadCertificate("extendedKeyUsage lacks clientAuth; add it or leave the extension out")


def _tell(issued: Issued) -> None:
    facts = issued.certificate
    print(f"{issued.cert_file}: certificate with its CA, {facts.subject}, valid until {facts.not_after[:10]}")
    if issued.key_file is not None:
        print(f"{issued.key_file}: its key")


def _pkcs12(issued: Issued, authority: Authority, name: str, password: str) -> Path:
    """Key, certificate and CA in one file of mode 0600."""
    if issued.key_file is None:
        raise BadCertificate("without the key there is no PKCS#12")
    key = serialization.load_pem_private_key(issued.key_file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise BadCertificate(f"{issued.key_file}: neither RSA nor EC")
    certificate = x509.load_pem_x509_certificate(issued.pem.encode())
    data = pkcs12.serialize_key_and_certificates(
        name.encode(), key, certificate, [authority.certificate],
        serialization.BestAvailableEncryption(password.encode()),
    )  # fmt: skip
    path = issued.cert_file.with_suffix(".p12")
    path.touch(mode=0o600)
    path.write_bytes(data)
    return path
