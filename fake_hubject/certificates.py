"""The private CA of the bench: certificates for the hub, for partners and for every way in which one can be wrong.

Keys are written with mode 0600. A certificate belongs to the partner it was issued for; `partner_of` tells.
"""

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from oicp.evidence import Certificate

KeyType: TypeAlias = Literal["ec", "rsa"]
Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_CA_YEARS, _USER_DAYS = 10, 730
_BACKDATED = timedelta(minutes=5)


class BadCertificate(ValueError):
    """A certificate, key or request that cannot be used; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key. `cert_file` holds the certificate followed by its CA, `pem` the certificate alone."""

    cert_file: Path
    key_file: Path | None
    pem: str
    certificate: Certificate


class Authority:
    """One private CA in a folder: `ca.pem`, `ca.key` and everything it issued."""

    def __init__(self, folder: Path, certificate: x509.Certificate, key: Key) -> None:
        self.folder = folder
        self.certificate = certificate
        self._key = key
        self._partners: dict[str, str] = {}
        self._known: dict[bytes, bool] = {}
        self._read_index()

    @classmethod
    def create(cls, folder: Path, name: str = "oicp-bench test CA") -> "Authority":
        """Make a new CA in `folder`; `BadCertificate` if there is one already."""
        if (folder / "ca.pem").exists():
            raise BadCertificate(f"{folder / 'ca.pem'}: there is a CA already; remove the folder to make a new one")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise BadCertificate(f"{folder}: cannot be made a folder for the CA: {fault.strerror}") from None
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(f"{name} {os.urandom(3).hex()}")
        now = datetime.now(UTC)
        certificate = (
            _builder(subject, subject, key, now - _BACKDATED, now + timedelta(days=365 * _CA_YEARS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_key_usage(sign_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_key(folder / "ca.key", key)
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(folder, certificate, key)

    @classmethod
    def load(cls, folder: Path) -> "Authority":
        """Read the CA of `folder`; `BadCertificate` names what is missing or unreadable."""
        if not (folder / "ca.pem").exists():
            raise BadCertificate(f"{folder}/ca.pem: no CA there; make one: oicp-bench pki init --folder {folder}")
        certificate = read_certificate(folder / "ca.pem")
        path = folder / "ca.key"
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as fault:
            why = getattr(fault, "strerror", None) or "it is no private key in PEM without a password"
            raise BadCertificate(f"{path}: cannot read the key of the CA: {why}") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise BadCertificate(f"{path}: an RSA or EC key is needed")
        if key.public_key() != certificate.public_key():
            raise BadCertificate(f"{path}: ca.key is not the key of ca.pem; restore the two that belong together")
        return cls(folder, certificate, key)

    @classmethod
    def ensure(cls, folder: Path) -> "Authority":
        """The CA of `folder`, made if there is none yet."""
        return cls.load(folder) if (folder / "ca.pem").exists() else cls.create(folder)

    @property
    def ca_file(self) -> Path:
        """PEM file partners have to trust."""
        return self.folder / "ca.pem"

    def issue_client(
        self, partner_id: str, *, key_type: KeyType = "ec", not_before: datetime | None = None,
        not_after: datetime | None = None, self_signed: bool = False, common_name: str | None = None,
        register: bool = True, name: str | None = None, usage: str = "client",
    ) -> Issued:  # fmt: skip
        """Issue what a partner presents to the hub (or the hub to the CPO).

        `register` False: of the right CA, but not on file for the partner. `self_signed`: signed by its own key.
        """
        issued = self._issue(
            common_name or partner_id, (), usage, key_type, not_before, not_after, self_signed,
            name or f"client-{_file_name(partner_id)}",
        )  # fmt: skip
        if register:
            self.register(issued.certificate.fingerprint, partner_id)
        return issued

    def issue_server(
        self, hosts: Iterable[str], *, key_type: KeyType = "ec", not_before: datetime | None = None,
        not_after: datetime | None = None, self_signed: bool = False, name: str | None = None,
    ) -> Issued:  # fmt: skip
        """Issue a server certificate for host names and addresses (subject alternative names)."""
        names = tuple(hosts)
        if not names:
            raise BadCertificate("a server certificate needs at least one host name or address")
        label = name or f"server-{_file_name(names[0])}"
        return self._issue(names[0], names, "server", key_type, not_before, not_after, self_signed, label)

    def sign_csr(self, pem: bytes | str, partner_id: str = "", *, hosts: Iterable[str] = ()) -> Issued:
        """Sign a partner's own request (PEM). With `partner_id` it becomes the client certificate on file.

        Host names of the request (or `hosts`) make it usable as a server certificate, too.
        """
        try:
            csr = x509.load_pem_x509_csr(pem.encode() if isinstance(pem, str) else pem)
            valid = csr.is_signature_valid
        except ValueError as fault:
            raise BadCertificate(f"not a certificate request in PEM: {fault}") from None
        if not valid:
            raise BadCertificate("the signature of the certificate request is wrong; make it anew with its own key")
        names = [_general_name(host) for host in hosts] or _requested_names(csr)
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder().subject_name(csr.subject).issuer_name(self.certificate.subject)
            .public_key(csr.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED).not_valid_after(now + timedelta(days=_USER_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        )  # fmt: skip
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        issued = self._written(certificate, None, f"signed-{_file_name(partner_id or 'request')}", False)
        if partner_id:
            self.register(issued.certificate.fingerprint, partner_id)
        return issued

    def register(self, fingerprint: str, partner_id: str) -> None:
        """Put a certificate on file for a partner."""
        self._partners[fingerprint] = partner_id
        with (self.folder / "issued.jsonl").open("a", encoding="utf-8") as index:
            index.write(json.dumps({"fingerprint": fingerprint, "partner_id": partner_id}) + "\n")

    def partner_of(self, fingerprint: str) -> str | None:
        """The partner a certificate was issued or registered for, None if it is not on file."""
        return self._partners.get(fingerprint)

    def signed(self, certificate: x509.Certificate) -> bool:
        """True if this CA signed the certificate (validity in time is another question)."""
        digest = certificate.fingerprint(hashes.SHA256())
        known = self._known.get(digest)
        if known is None:
            if len(self._known) > 1000:
                self._known.clear()
            known = self._known[digest] = _issued_by(certificate, self.certificate)
        return known

    def _read_index(self) -> None:
        path = self.folder / "issued.jsonl"
        if not path.exists():
            return
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                self._partners[str(row["fingerprint"])] = str(row["partner_id"])
            except (ValueError, KeyError, TypeError):
                continue  # a line cut off by a crash

    def _issue(
        self, common_name: str, hosts: tuple[str, ...], usage: str, key_type: KeyType,
        not_before: datetime | None, not_after: datetime | None, self_signed: bool, label: str,
    ) -> Issued:  # fmt: skip
        key = new_key(key_type)
        subject = _name(common_name)
        now = datetime.now(UTC)
        start = not_before or min(now, not_after or now) - _BACKDATED
        end = not_after or max(now, start) + timedelta(days=_USER_DAYS)
        issuer, signer = (subject, key) if self_signed else (self.certificate.subject, self._key)
        builder = (
            _builder(subject, issuer, key, start, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(_usages(usage)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    (key if self_signed else self._key).public_key()
                ), critical=False,
            )
        )  # fmt: skip
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return self._written(builder.sign(signer, hashes.SHA256()), key, label, self_signed)

    def _written(self, certificate: x509.Certificate, key: Key | None, label: str, self_signed: bool) -> Issued:
        facts = facts_of(certificate)
        stem = f"{label}-{facts.fingerprint[:8]}"
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        chain = pem if self_signed else pem + self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        cert_file, key_file = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        cert_file.write_text(chain, encoding="utf-8")
        if key is not None:
            _write_key(key_file, key)
        return Issued(cert_file, key_file if key is not None else None, pem, facts)


def new_key(key_type: KeyType = "ec") -> Key:
    """A fresh private key: P-256, or RSA with 2048 bit."""
    if key_type == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def read_certificate(path: Path) -> x509.Certificate:
    """First certificate of a PEM file; `BadCertificate` names the file."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or "there is none in PEM"
        raise BadCertificate(f"{path}: cannot read a certificate: {why}") from None


def facts_of(certificate: x509.Certificate) -> Certificate:
    """The facts evidence keeps of a certificate."""
    return Certificate(
        subject=certificate.subject.rfc4514_string(), issuer=certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}", fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_before=certificate.not_valid_before_utc.isoformat(), not_after=certificate.not_valid_after_utc.isoformat(),
        key=_key_name(certificate),
    )  # fmt: skip


def facts_of_der(der: bytes) -> Certificate | None:
    """Facts of a DER certificate, None where it cannot be read."""
    try:
        return facts_of(x509.load_der_x509_certificate(der))
    except ValueError:
        return None


def valid_now(certificate: Certificate, now: datetime | None = None) -> bool:
    """True inside the validity period."""
    moment = now or datetime.now(UTC)
    begin, end = _validity(certificate.not_before, certificate.not_after)
    return begin <= moment <= end


@lru_cache(1000)
def _validity(not_before: str, not_after: str) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(not_before), datetime.fromisoformat(not_after)


def _key_name(certificate: x509.Certificate) -> str:
    try:
        key = certificate.public_key()
    except (ValueError, TypeError):
        return "unreadable"
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return "Ed25519" if isinstance(key, ed25519.Ed25519PublicKey) else "Ed448"
    return type(key).__name__


def _issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "oicp-bench (test only)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64] or "unnamed"),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    )  # fmt: skip


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=not sign_certificates,
        data_encipherment=False, key_agreement=False, key_cert_sign=sign_certificates, crl_sign=sign_certificates,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _usages(usage: str) -> list[x509.ObjectIdentifier]:
    return [ExtendedKeyUsageOID.SERVER_AUTH if usage == "server" else ExtendedKeyUsageOID.CLIENT_AUTH]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(_host_name(host))


def _host_name(host: str) -> str:
    """A host name as certificates write it (umlauts as xn--..)."""
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not re.fullmatch(r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?", name):
        raise BadCertificate(f"{host!r} is no host name or address; write it bare, without https:// and port")
    return name


def _requested_names(csr: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("_") or "unnamed"


def _write_key(path: Path, key: Key) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
