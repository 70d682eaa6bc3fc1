"""What an endpoint of the CPO accepts: TLS versions, plain HTTP, no client certificate. Looks only at handshakes."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VERSIONS: dict[str, ssl.TLSVersion] = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
PATIENCE = 3.0
"""Seconds a single handshake may take."""


@dataclass(frozen=True)
class Probe:
    """What was found. `versions`: accepted TLS versions, `tried`: those that were offered; the oldest may be missing here.

    `trusted`: chain and host name hold against the CA of the bench; `demands_client_certificate` None: could not be told.
    `accepted`: something answered in the protocol of the URL.
    """

    url: str
    accepted: bool
    versions: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    trusted: bool | None = None
    trust_error: str | None = None
    demands_client_certificate: bool | None = None
    plain_http: bool | None = None
    error: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """As the data of the observation `connection_probe`."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


async def probe(url: str, *, ca_file: Path, certificate: Path, key: Path) -> Probe:
    """Look at an http(s) or ws(s) endpoint with the client certificate of the hub."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    if not secure:
        error = await _plain(host, port)
        return Probe(url, error is None, plain_http=error is None, error=error)
    tried = await asyncio.gather(*(_version(host, port, name, certificate, key) for name in _offerable()))
    answers = dict(tried)
    versions = tuple(name for name, error in answers.items() if not error)
    # trust is asked in a version it speaks, so that an old version is not taken for a wrong certificate
    trusting = _trusting(ca_file, versions[-1], certificate, key) if versions else None
    trust_error = await handshake(host, port, trusting) if trusting else None
    return Probe(
        url, bool(versions), versions, tuple(answers), (trust_error is None) if versions else None, trust_error,
        await _demands(host, port, versions) if versions else None, await _plain(host, port) is None,
        None if versions else next(iter(answers.values()), "nothing to offer"), answers,
    )  # fmt: skip


def _offerable() -> tuple[str, ...]:
    has = {"TLSv1": ssl.HAS_TLSv1, "TLSv1.1": ssl.HAS_TLSv1_1, "TLSv1.2": ssl.HAS_TLSv1_2, "TLSv1.3": ssl.HAS_TLSv1_3}
    return tuple(name for name in VERSIONS if has[name])


async def _version(host: str, port: int, name: str, certificate: Path, key: Path) -> tuple[str, str]:
    context = _careless(name)
    context.load_cert_chain(certificate, key)
    return name, await handshake(host, port, context) or ""


def _careless(name: str) -> ssl.SSLContext:
    """A context of one version that trusts everybody: here only the version is looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are offered on purpose
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = VERSIONS[name]
        context.minimum_version = VERSIONS[name]
    if name in ("TLSv1", "TLSv1.1"):
        with contextlib.suppress(ssl.SSLError):
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def _trusting(ca_file: Path, version: str, certificate: Path, key: Path) -> ssl.SSLContext:
    context = _careless(version)
    context.load_verify_locations(cafile=str(ca_file))
    context.verify_mode, context.check_hostname = ssl.CERT_REQUIRED, True
    context.load_cert_chain(certificate, key)
    return context


async def handshake(host: str, port: int, context: ssl.SSLContext, linger: float = 0) -> str | None:
    """None if a TLS handshake holds, else why not. `linger`: seconds to wait for a late alert, as TLS 1.3 sends it."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except (OSError, ssl.SSLError, ssl.CertificateError) as fault:
        return (
            getattr(fault, "verify_message", None)
            or getattr(fault, "reason", None)
            or str(fault)
            or type(fault).__name__
        )
    try:
        if linger:
            async with asyncio.timeout(linger):
                if await reader.read(1) == b"":
                    return "closed after the handshake"
    except TimeoutError:
        return None
    except (OSError, ssl.SSLError) as fault:
        return str(fault) or type(fault).__name__
    finally:
        writer.transport.abort()
    return None


async def speaks_tls(host: str, port: int) -> bool:
    """True if a TLS server listens there, whatever it thinks of us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    error = await handshake(host, port, context)
    return error is None or "ALERT" in error.upper()


async def _demands(host: str, port: int, versions: tuple[str, ...]) -> bool | None:
    name = "TLSv1.2" if "TLSv1.2" in versions else versions[-1]
    return await handshake(host, port, _careless(name), linger=0.3 if name == "TLSv1.3" else 0) is not None


async def _plain(host: str, port: int) -> str | None:
    """None if plain HTTP is answered there with anything but a refusal of plain HTTP."""
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"OPTIONS * HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
                start = await reader.read(300)
            finally:
                writer.transport.abort()
    except TimeoutError:
        return "no answer to plain HTTP"
    except OSError as fault:
        return str(fault) or type(fault).__name__
    words = start.decode("latin-1").lower()
    if not words.startswith("http/"):
        return "does not speak plain HTTP"
    return "refuses plain HTTP" if "https" in words or " 400" in words.split("\r\n")[0] else None
