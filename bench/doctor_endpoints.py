"""What `doctor` looks at over the network: who listens, TLS, the clock."""

import asyncio
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bench.config import BenchConfig, CpoTable
from bench.doctor_check import ERROR, OK, WARNING, Check
from bench.ports import endpoint
from bench.probe import Probe, probe
from bench.process import accepts
from fake_hubject.certificates import Authority, BadCertificate


def endpoint_checks(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    """Who accepts connections, in which TLS versions, with which certificate and clock; hooks, too."""
    if cpo.command:
        yield Check(OK, "the CPO is started by the bench; whether it answers shows then")
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
    yield from _hooks(cpo)
    if cpo.oicp_url.startswith("https:") and config.pki.folder and (config.path(config.pki.folder) / "ca.pem").exists():
        yield from _tls(config, cpo)


def _hooks(cpo: CpoTable) -> Iterator[Check]:
    for name, hook in cpo.hooks.configured().items():
        _, _, url = hook.partition(" ") if isinstance(hook, str) else ("", "", "")
        if url:
            host, port = endpoint(url.strip())
            if not asyncio.run(accepts(host, port, 1)):
                yield Check(
                    WARNING, f"[cpo.hooks] {name}: nobody accepts connections at {host}:{port}",
                    "correct the address; scenarios that need the hook will be blocked",
                )  # fmt: skip
        elif not isinstance(hook, str) and not shutil.which(hook[0]):
            yield Check(WARNING, f"[cpo.hooks] {name}: {hook[0]!r} is not found", "give its path, or install it")


def _tls(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    from bench.pki import cpo_client

    try:
        authority = Authority.load(config.path(config.pki.folder or "pki"))
    except BadCertificate:
        return  # told already
    pair = cpo_client(authority, "doctor")
    found: Probe = asyncio.run(
        probe(cpo.oicp_url, ca_file=authority.ca_file, certificate=pair.cert_file, key=pair.key_file)
    )
    modern = [v for v in found.versions if v in ("TLSv1.2", "TLSv1.3")]
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
    yield from _clock(cpo)


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
            try:
                return parsedate_to_datetime(value.strip())
            except ValueError:
                return None
    return None
