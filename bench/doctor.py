"""`oicp-bench doctor`: looks at certificates, ids, URLs and ports before anything is sent; every finding with its mend."""

import asyncio
import contextlib
import shutil
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from rich.console import Console
from rich.text import Text

from bench.config import BenchConfig, ConfigError, CpoTable, load_config
from bench.ports import endpoint
from bench.probe import Probe, probe
from bench.process import accepts
from bench.stage import read_fleet
from fake_hubject.certificates import Authority, BadCertificate, read_certificate
from oicp.ids import is_evse_id, operator_of_evse
from oicp.sessions import folded, same_id

OK, WARNING, ERROR = "ok", "warning", "error"
_SIGNS = {OK: ("✓", "green"), WARNING: ("!", "yellow"), ERROR: ("✗", "red")}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend`: what to do, empty where all is well."""

    level: str
    text: str
    mend: str = ""


def examine(config_file: Path | None, overrides: list[str]) -> int:
    """Print every check; 3 if one is an error, else 0."""
    console = Console(highlight=False)
    worst = 0
    for check in checks(load_config(config_file, overrides)):
        sign, style = _SIGNS[check.level]
        console.print(Text.assemble((f"{sign} ", style), check.text), soft_wrap=True)
        if check.mend:
            console.print(Text(f"    mend: {check.mend}"), soft_wrap=True)
        worst = max(worst, 3 if check.level == ERROR else 0)
    return worst


def checks(config: BenchConfig) -> Iterator[Check]:
    """All checks of a configuration."""
    yield Check(OK, f"{config.source}: every key is known and well formed")
    yield from _hub_port(config)
    if config.cpo is None:
        yield Check(OK, "no [cpo]: the reference CPO is started with ports and certificates of its own")
        return
    yield from _urls(config.cpo)
    yield from _command(config, config.cpo)
    yield from _fleet(config, config.cpo)
    yield from _certificates(config, config.cpo)
    yield from _reachable(config, config.cpo)


def _hub_port(config: BenchConfig) -> Iterator[Check]:
    table = config.hub
    if table.port == 0:
        yield Check(WARNING if config.cpo and not config.cpo.command else OK, "[hub] port: a free one is taken", (
            "give a fixed port: a CPO that is running already has to know it" if config.cpo and not config.cpo.command else ""
        ))  # fmt: skip
        return
    family = socket.AF_INET6 if ":" in table.host else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((table.host, table.port))
        except OSError as fault:
            yield Check(
                ERROR,
                f"[hub] {table.host}:{table.port} cannot be used: {fault.strerror}",
                "stop what listens there, or choose another port",
            )
            return
    yield Check(OK, f"[hub] {table.host}:{table.port} is free")


def _urls(cpo: CpoTable) -> Iterator[Check]:
    path = urlsplit(cpo.oicp_url).path
    if "/api/oicp" in path:
        yield Check(
            ERROR,
            f"[cpo] oicp_url holds /api/oicp; calls would go to {path}/api/oicp/charging/..",
            "leave /api/oicp and all that follows out of oicp_url",
        )
    if cpo.oicp_url.startswith("http:"):
        yield Check(
            WARNING, "[cpo] oicp_url is plain http; TLS-007 will be violated", "serve https, as Hubject demands it"
        )
    if urlsplit(cpo.oicp_url).query:
        yield Check(ERROR, "[cpo] oicp_url has a query; paths cannot be appended behind it", "take ?.. out")
    for host in {endpoint(cpo.oicp_url)[0], endpoint(cpo.ocpp_url)[0] if cpo.ocpp_url else "localhost"}:
        try:
            socket.getaddrinfo(host, None)
        except OSError as fault:
            yield Check(
                ERROR,
                f"host {host!r} has no address: {fault.strerror}",
                "correct the name, or add it to the hosts file",
            )
        else:
            yield Check(OK, f"host {host} has an address")


def _command(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    if not cpo.command:
        yield Check(OK, "[cpo] command: none; the CPO is expected to run already")
        return
    folder = config.path(cpo.working_directory or ".")
    if not folder.is_dir():
        yield Check(ERROR, f"[cpo] working_directory {folder} is no folder", "correct it")
    program = cpo.command[0]
    if shutil.which(program) or (folder / program).is_file():
        yield Check(OK, f"[cpo] command: {program} is there")
    else:
        yield Check(ERROR, f"[cpo] command: {program!r} is not found", "give its path, or install it")


def _fleet(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    try:
        fleet = read_fleet(config, cpo, 0)
    except ConfigError as fault:
        yield Check(ERROR, str(fault), "correct the file")
        return
    ids = [e["evse_id"] for charge_point in fleet["charge_points"] for e in charge_point["evses"]]
    wrong = [i for i in ids if not is_evse_id(i)]
    own = [folded(o) for o in (cpo.operator_id, *cpo.sub_operators)]
    foreign = [i for i in ids if i not in wrong and folded(operator_of_evse(i) or "") not in own]
    if wrong:
        yield Check(
            ERROR,
            f"fleet: {wrong[0]!r} is no EvseID ({len(wrong)} of {len(ids)})",
            "ISO: DE*ABC*E1001*1; DIN: +49*123*1001*1",
        )
    if foreign:
        yield Check(
            ERROR,
            f"fleet: {foreign[0]} does not belong to {cpo.operator_id} ({len(foreign)} of {len(ids)})",
            "correct operator_id or the EvseIDs; sub-operators go into sub_operators",
        )
    if fleet.get("operator_id") is not None and not same_id(fleet["operator_id"], cpo.operator_id):
        yield Check(
            WARNING,
            f"fleet: operator_id is {fleet['operator_id']!r}, [cpo] says {cpo.operator_id!r}",
            "make them agree",
        )
    if not wrong and not foreign:
        yield Check(OK, f"fleet: {len(ids)} EVSEs, all of {cpo.operator_id}")


def _certificates(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    if config.pki.folder is None:
        note = "a CPO that runs already cannot know it" if not cpo.command else ""
        yield Check(
            ERROR if note else OK,
            "[pki] folder: none; every run makes a CA of its own",
            note and 'oicp-bench pki init, then [pki] folder = "pki"',
        )
        return
    folder = config.path(config.pki.folder)
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
    yield from _validity(folder / "ca.pem", authority.certificate)
    for path in sorted(folder.glob("*.pem")):
        if path.name != "ca.pem":
            yield from _pair(path, authority)


def _pair(path: Path, authority: Authority) -> Iterator[Check]:
    try:
        certificate = read_certificate(path)
    except BadCertificate as fault:
        yield Check(ERROR, str(fault), "remove it and issue it anew")
        return
    yield from _validity(path, certificate)
    if not authority.signed(certificate):
        yield Check(WARNING, f"{path.name}: not signed by the CA of this folder", "issue it anew: oicp-bench pki issue")
    key = path.with_suffix(".key")
    if key.exists() and not _belongs(key, certificate):
        yield Check(
            ERROR, f"{key.name} is not the key of {path.name}", "put the two that belong together beside each other"
        )
    if key.exists() and key.stat().st_mode & 0o077:
        yield Check(WARNING, f"{key.name} can be read by others", f"chmod 600 {key}")


def _validity(path: Path, certificate: x509.Certificate) -> Iterator[Check]:
    now = datetime.now(UTC)
    if certificate.not_valid_after_utc < now:
        yield Check(
            ERROR,
            f"{path.name}: expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            "issue it anew: oicp-bench pki issue",
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


def _belongs(key_file: Path, certificate: x509.Certificate) -> bool:
    try:
        key: Any = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        return False
    return bool(key.public_key() == certificate.public_key())


def _reachable(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
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
    if cpo.oicp_url.startswith("https:") and config.pki.folder and (config.path(config.pki.folder) / "ca.pem").exists():
        yield from _tls(config, cpo)


def _tls(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    from bench.pki import cpo_client

    authority = Authority.load(config.path(config.pki.folder or "pki"))
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
    if found.trusted:
        yield Check(OK, "[cpo] oicp_url: chain and host name of its certificate hold")
    else:
        yield Check(
            WARNING,
            f"[cpo] oicp_url: its certificate is not trusted: {found.trust_error}",
            "serve with one of the CA: oicp-bench pki issue DE*ABC --host NAME",
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
