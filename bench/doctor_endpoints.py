"""What `doctor` looks at over the network: who listens, TLS, the clock."""

import asyncio
import contextlib
import shutil
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from bench.config import BenchConfig, CpoTable
from bench.doctor_check import ERROR, OK, WARNING, Check
from bench.fleet_setup import security
from bench.ports import endpoint
from bench.probe import Probe, handshake, probe, speaks_tls
from bench.process import accepts
from fake_hubject.certificates import Authority, BadCertificate
from oicp.moments import http_moment
from simulator.security import BadSecurity


def endpoint_checks(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    """Who accepts connections, in which TLS versions, with which certificate and clock; hooks, too."""
    if cpo.command:
        yield from _nobody_yet(cpo)
        yield from _hooks(cpo, running=False)
        return
    for key, url in (("oicp_url", cpo.oicp_url), ("ocpp_url", cpo.ocpp_url)):
        if url is None:
            continue
        host, port = endpoint(url)
        if asyncio.run(accepts(host, port, 3)):
            yield Check(OK, f"[cpo] {key}: {host}:{port} accepts connections")
        else:
            yield Check(
                ERROR,
                f"[cpo] {key}: nobody accepts connections at {host}:{port}",
                "start the CPO, or correct the address or the firewall",
            )
            if key == "oicp_url":
                return
    yield from _hooks(cpo, running=True)
    authority = _authority(config)
    yield from _plain("oicp_url", cpo.oicp_url)
    if cpo.ocpp_url is not None and not config.fleet.external:
        yield from _plain("ocpp_url", cpo.ocpp_url)
        yield from _charge_points_tls(config, cpo.ocpp_url, authority)
    if authority is not None and cpo.oicp_url.startswith("https:"):
        yield from _tls(cpo, authority)
    yield from _clock(cpo)


def _nobody_yet(cpo: CpoTable) -> Iterator[Check]:
    """Where the bench starts the CPO, one that is left from before would be tested instead of it."""
    taken = [
        (key, *endpoint(url))
        for key, url in (("oicp_url", cpo.oicp_url), ("ocpp_url", cpo.ocpp_url))
        if url is not None and asyncio.run(accepts(*endpoint(url), 0.2))
    ]
    for key, host, port in taken:
        yield Check(
            WARNING, f"[cpo] {key}: something listens at {host}:{port} already, before `command` is started",
            "stop it if it is a CPO left from before; a proxy in front of yours may stay",
        )  # fmt: skip
    if not taken:
        yield Check(OK, "the CPO is started by the bench; its ports are free, whether it answers shows then")


def _authority(config: BenchConfig) -> Authority | None:
    """The CA on disk; None where there is none yet, or none that can be read (told already)."""
    if config.pki.folder and (config.path(config.pki.folder) / "ca.pem").exists():
        with contextlib.suppress(BadCertificate):
            return Authority.load(config.path(config.pki.folder))
    return None


def _plain(key: str, url: str) -> Iterator[Check]:
    """A TLS server behind an address without TLS."""
    scheme = urlsplit(url).scheme
    if scheme in ("http", "ws") and asyncio.run(speaks_tls(*endpoint(url))):
        yield Check(ERROR, f"[cpo] {key} is {scheme}://, but a TLS server listens there", f"write {scheme}s://")


def _charge_points_tls(config: BenchConfig, url: str, authority: Authority | None) -> Iterator[Check]:
    """The handshake a charge point will make. Files that cannot be used are told elsewhere."""
    if not url.startswith("wss:") or (authority is None and config.fleet.security.ca_file is None):
        return
    try:
        context = security(config, authority).tls(url)
    except BadSecurity:
        return
    host, port = endpoint(url)
    error = asyncio.run(handshake(host, port, context)) if context else None
    if error is None:
        yield Check(OK, "[cpo] ocpp_url: a charge point trusts its certificate")
    elif "WRONG_VERSION" in error:
        yield Check(ERROR, f"[cpo] ocpp_url is wss://, but no TLS server listens at {host}:{port}", "write ws://")
    else:
        yield Check(
            ERROR, f"[cpo] ocpp_url: no charge point would connect, the TLS handshake fails: {error}",
            "[fleet.security] ca_file names the CA that signed the certificate, which has to hold the host name",
        )  # fmt: skip


def _hooks(cpo: CpoTable, *, running: bool) -> Iterator[Check]:
    asked = [name for name, hook in cpo.hooks.configured().items() if hook == "ask"]
    if asked and not sys.stdin.isatty():
        yield Check(
            WARNING, f'[cpo.hooks] {", ".join(asked)} = "ask", and nobody is at a terminal here',
            "run at a terminal, or give a hook by HTTP or command",
        )  # fmt: skip
    for name, hook in cpo.hooks.configured().items():
        _, _, url = hook.partition(" ") if isinstance(hook, str) else ("", "", "")
        if url:
            if not running:
                continue  # it comes up with the CPO
            host, port = endpoint(url.strip())
            if not asyncio.run(accepts(host, port, 1)):
                yield Check(
                    WARNING, f"[cpo.hooks] {name}: nobody accepts connections at {host}:{port}",
                    "correct the address; scenarios that need the hook will be blocked",
                )  # fmt: skip
        elif not isinstance(hook, str) and not shutil.which(hook[0]):
            yield Check(WARNING, f"[cpo.hooks] {name}: {hook[0]!r} is not found", "give its path, or install it")


def _tls(cpo: CpoTable, authority: Authority) -> Iterator[Check]:
    from bench.pki import cpo_client

    pair = cpo_client(authority, "doctor")
    found: Probe = asyncio.run(
        probe(cpo.oicp_url, ca_file=authority.ca_file, certificate=pair.cert_file, key=pair.key_file)
    )
    modern = [v for v in found.versions if v in ("TLSv1.2", "TLSv1.3")]
    if not found.versions and found.plain_http:
        yield Check(ERROR, "[cpo] oicp_url is https://, but plain http is answered there", "serve https at this port")
        return
    if not modern:
        yield Check(
            ERROR,
            f"[cpo] oicp_url: no handshake with TLS 1.2 or 1.3: {found.error or ', '.join(found.versions)}",
            "switch TLS 1.2 and 1.3 on",
        )
        return
    yield Check(OK, f"[cpo] oicp_url: {', '.join(found.versions)}")
    if len(modern) < len(found.versions):
        yield Check(WARNING, "[cpo] oicp_url: versions older than TLS 1.2 are accepted", "switch them off")
    if found.plain_http:
        yield Check(WARNING, "[cpo] oicp_url: plain http is answered at the same port", "answer https only")
    if found.trusted:
        yield Check(OK, "[cpo] oicp_url: chain and host name of its certificate hold")
    else:
        yield Check(
            WARNING,
            f"[cpo] oicp_url: its certificate is not trusted: {found.trust_error}",
            f'serve with one of the CA: oicp-bench pki issue "{cpo.operator_id}" --host {endpoint(cpo.oicp_url)[0]}',
        )


def _clock(cpo: CpoTable) -> Iterator[Check]:
    date = asyncio.run(_date_header(cpo.oicp_url))
    if date is None:
        return
    skew = (date - datetime.now(UTC)).total_seconds()
    if abs(skew) > 2.5:
        yield Check(
            WARNING,
            f"the clock of the CPO is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}",
            "synchronise both machines by NTP",
        )
    else:
        yield Check(OK, "the clock of the CPO agrees with this machine")


async def _date_header(url: str) -> datetime | None:
    host, port = endpoint(url)
    context = None
    if url.startswith("https:"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            try:
                writer.write(f"OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                head = (await reader.read(4096)).decode("latin-1")
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return None
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "date":
            return http_moment(value.strip())
    return None
