"""The certificates of a run: a CA in a folder, what the CPO presents and serves, made once and used again while valid."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from fake_hubject.certificates import Authority, BadCertificate, Issued, facts_of, read_certificate


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (PEM, chain included) and its key."""

    cert_file: Path
    key_file: Path


def cpo_client(authority: Authority, operator_id: str) -> Pair:
    """What the CPO presents to the hub; the newest valid one on file, else a new one."""
    found = _on_file(authority, lambda certificate: authority.partner_of(_fingerprint(certificate)) == operator_id)
    return found or _pair(authority.issue_client(operator_id))


def cpo_server(authority: Authority, hosts: Iterable[str]) -> Pair:
    """What the CPO serves the hub's calls with, valid for all of `hosts`."""
    wanted = set(hosts)
    found = _on_file(authority, lambda certificate: wanted <= _names(certificate))
    return found or _pair(authority.issue_server(sorted(wanted)))


def _pair(issued: Issued) -> Pair:
    if issued.key_file is None:
        raise BadCertificate(f"{issued.cert_file}: its key is not here")
    return Pair(issued.cert_file, issued.key_file)


def _on_file(authority: Authority, fits: Callable[[x509.Certificate], bool]) -> Pair | None:
    newest = sorted(authority.folder.glob("*.pem"), key=lambda path: path.stat().st_mtime, reverse=True)
    soon = datetime.now(UTC) + timedelta(hours=1)
    for path in newest:
        key = path.with_suffix(".key")
        if path == authority.ca_file or not key.exists():
            continue
        certificate = read_certificate(path)
        if certificate.not_valid_after_utc > soon and authority.signed(certificate) and fits(certificate):
            return Pair(path, key)
    return None


def _fingerprint(certificate: x509.Certificate) -> str:
    return facts_of(certificate).fingerprint


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in names}
