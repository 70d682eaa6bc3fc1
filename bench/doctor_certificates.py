"""What `doctor` looks at in the folder of certificates: chain, keys, validity, usages, who is on file."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from bench.config import BenchConfig, CpoTable
from bench.doctor_check import ERROR, OK, WARNING, Check
from fake_hubject.certificates import Authority, BadCertificate, facts_of, read_certificate


def certificate_checks(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    """The folder of `[pki]`: the CA, and all that lies beside it."""
    if config.pki.folder is None:
        note = "a CPO that runs already cannot know it" if not cpo.command else ""
        yield Check(
            ERROR if note else OK,
            "[pki] folder: none; every run makes a CA of its own",
            note and 'oicp-bench pki init, then [pki] folder = "pki"',
        )
        return
    folder = config.path(config.pki.folder)
    if folder.exists() and not folder.is_dir():
        yield Check(ERROR, f"[pki] folder: {folder} is a file", "give a folder, as oicp-bench pki init makes it")
        return
    if not (folder / "ca.pem").exists():
        yield Check(
            WARNING,
            f"[pki] {folder}: no CA yet; the first run makes one",
            f"oicp-bench pki init --folder {config.pki.folder}",
        )
        return
    try:
        authority = Authority.load(folder)
    except BadCertificate as fault:
        yield Check(ERROR, str(fault), "restore the file, or remove the folder and issue all certificates anew")
        return
    yield from _ca(folder, authority)
    for path in sorted(folder.glob("*.pem")):
        if path.name != "ca.pem":
            yield from _pair(path, authority)
    yield from _on_file(config, cpo, folder, authority)


def _ca(folder: Path, authority: Authority) -> Iterator[Check]:
    yield from _validity(folder / "ca.pem", authority.certificate)
    constraints = _extension(authority.certificate, x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        yield Check(ERROR, "ca.pem is no CA (basicConstraints)", "make one: oicp-bench pki init, in a new folder")
    if (folder / "ca.key").stat().st_mode & 0o077:
        yield Check(WARNING, "ca.key can be read by others", f"chmod 600 {folder / 'ca.key'}")


def _on_file(config: BenchConfig, cpo: CpoTable, folder: Path, authority: Authority) -> Iterator[Check]:
    """A CPO that runs already needs a client certificate the hub knows as its own."""
    now, found = datetime.now(UTC), []
    for path in folder.glob("*.pem"):
        with contextlib.suppress(BadCertificate):
            certificate = read_certificate(path)
            ident = authority.partner_of(facts_of(certificate).fingerprint)
            if ident == cpo.operator_id and certificate.not_valid_after_utc > now:
                found.append(path.name)
    if found:
        yield Check(OK, f"on file for {cpo.operator_id}: {', '.join(sorted(found)[:3])}")
    elif not cpo.command:
        yield Check(
            ERROR if config.hub.client_certificate == "required" else WARNING,
            f"no valid client certificate is on file for {cpo.operator_id}",
            f'oicp-bench pki issue "{cpo.operator_id}" --folder {config.pki.folder}, or pki sign your.csr --partner',
        )


def _pair(path: Path, authority: Authority) -> Iterator[Check]:
    try:
        certificate = read_certificate(path)
    except BadCertificate as fault:
        yield Check(ERROR, str(fault), "remove it and issue it anew")
        return
    yield from _validity(path, certificate)
    yield from _usages(path, certificate, authority)
    if not authority.signed(certificate):
        yield Check(WARNING, f"{path.name}: not signed by the CA of this folder", "issue it anew: oicp-bench pki issue")
    key = path.with_suffix(".key")
    if key.exists() and (unreadable := _unreadable(key)):
        yield Check(ERROR, f"{key.name}: {unreadable}", "put a key in PEM there, or issue both anew")
    elif key.exists() and not _belongs(key, certificate):
        yield Check(
            ERROR, f"{key.name} is not the key of {path.name}", "put the two that belong together beside each other"
        )
    if key.exists() and key.stat().st_mode & 0o077:
        yield Check(WARNING, f"{key.name} can be read by others", f"chmod 600 {key}")


def _usages(path: Path, certificate: x509.Certificate, authority: Authority) -> Iterator[Check]:
    """A certificate without extendedKeyUsage may be used for all; one on file for a partner is presented as a client."""
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if usages is None:
        return
    on_file = authority.partner_of(facts_of(certificate).fingerprint)
    if on_file is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        yield Check(
            ERROR, f"{path.name}: on file for {on_file}, but not usable by a client (extendedKeyUsage lacks clientAuth)",
            "issue it anew: oicp-bench pki issue, without --host",
        )  # fmt: skip
    elif on_file is None and ExtendedKeyUsageOID.SERVER_AUTH in usages:
        names = _extension(certificate, x509.SubjectAlternativeName)
        if not names:
            yield Check(
                WARNING, f"{path.name}: a server certificate without host names (subjectAltName)",
                "issue it anew: oicp-bench pki issue .. --host NAME",
            )  # fmt: skip


E = TypeVar("E", bound=x509.ExtensionType)


def _extension(certificate: x509.Certificate, kind: type[E]) -> E | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _validity(path: Path, certificate: x509.Certificate) -> Iterator[Check]:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        yield Check(
            ERROR,
            f"{path.name}: expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            "remove it and issue it anew: oicp-bench pki issue",
        )
    elif certificate.not_valid_before_utc > now:
        yield Check(
            ERROR,
            f"{path.name}: valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC only",
            "set the clock of this machine",
        )
    elif certificate.not_valid_after_utc < now + timedelta(days=30):
        yield Check(
            WARNING, f"{path.name}: expires on {certificate.not_valid_after_utc:%Y-%m-%d}", "issue it anew soon"
        )
    else:
        yield Check(OK, f"{path.name}: valid until {certificate.not_valid_after_utc:%Y-%m-%d}")


def _unreadable(key_file: Path) -> str:
    """Why the key cannot be read; empty if it can."""
    try:
        serialization.load_pem_private_key(key_file.read_bytes(), None)
    except TypeError:
        return "is protected by a password; the bench reads keys without one: openssl pkey -in .. -out .."
    except OSError as fault:
        return f"cannot be read: {fault.strerror}"
    except ValueError:
        return "is no private key in PEM"
    return ""


def _belongs(key_file: Path, certificate: x509.Certificate) -> bool:
    try:
        key: Any = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    return bool(key.public_key() == certificate.public_key())
