"""`oicp-bench doctor`: looks at certificates, ids, URLs and ports before anything is sent; every finding with its mend."""

import errno
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.text import Text

from bench.config import BenchConfig, ConfigError, CpoTable, load_config
from bench.doctor_certificates import certificate_checks
from bench.doctor_check import ERROR, OK, WARNING, Check
from bench.doctor_endpoints import endpoint_checks
from bench.embedded import OPERATOR_ID
from bench.ports import endpoint
from bench.stage import read_fleet
from fake_hubject.tls import listeners
from oicp.ids import is_evse_id, operator_of_evse
from oicp.sessions import folded, same_id

_SIGNS = {OK: ("✓", "green"), WARNING: ("!", "yellow"), ERROR: ("✗", "red")}


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
        reference = CpoTable(operator_id=OPERATOR_ID, oicp_url="https://127.0.0.1", command=("reference CPO",))
        yield from _fleet(config, reference) if config.fleet.file else ()
        yield from certificate_checks(config, reference) if config.pki.folder else ()
        return
    yield from _urls(config.cpo)
    yield from _ports(config, config.cpo)
    yield from _security(config)
    yield from _command(config, config.cpo)
    yield from _fleet(config, config.cpo)
    yield from certificate_checks(config, config.cpo)
    yield from endpoint_checks(config, config.cpo)


def _hub_port(config: BenchConfig) -> Iterator[Check]:
    table = config.hub
    if table.port == 0:
        yield Check(WARNING if config.cpo and not config.cpo.command else OK, "[hub] port: a free one is taken", (
            "give a fixed port: a CPO that is running already has to know it" if config.cpo and not config.cpo.command else ""
        ))  # fmt: skip
        return
    try:
        for trial in listeners(table.host, table.port):
            trial.close()
    except OSError as fault:
        why = str(fault.strerror).partition(" (while")[0]
        yield Check(ERROR, f"[hub] {table.host}:{table.port} cannot be used: {why}", _hub_mend(fault))
        return
    yield Check(OK, f"[hub] {table.host}:{table.port} is free")


def _hub_mend(fault: OSError) -> str:
    if fault.errno == errno.EADDRNOTAVAIL or isinstance(fault, socket.gaierror):
        return "[hub] host is an address of this machine; a name for others goes into [hub] public_url"
    if fault.errno == errno.EACCES:
        return "ports below 1024 need rights of their own: choose a higher one"
    return "stop what listens there, or choose another port"


def _ports(config: BenchConfig, cpo: CpoTable) -> Iterator[Check]:
    table = config.hub
    if table.host in ("0.0.0.0", "::") and not (table.public_url or table.certificate_hosts):  # noqa: S104
        yield Check(
            WARNING, f"[hub] host {table.host}: the name by which the CPO calls is not in the hub's certificate",
            'give [hub] public_url = "https://name:port"',
        )  # fmt: skip
    for name, url in (("[cpo] oicp_url", cpo.oicp_url), ("[cpo] ocpp_url", cpo.ocpp_url)):
        if url is None:
            continue
        host, port = endpoint(url)
        if port == table.port and host in (table.host, "localhost"):
            yield Check(ERROR, f"{name} and [hub] have the same port {port}", "give each its own")
        if urlsplit(url).port is None:
            yield Check(WARNING, f"{name} names no port; {port} is meant", "add the port if it is another one")


def _security(config: BenchConfig) -> Iterator[Check]:
    table = config.fleet.security
    if config.cpo is None or not config.cpo.ocpp_url or not config.cpo.ocpp_url.startswith("wss:"):
        if table.client_certificate or table.ca_file:
            yield Check(
                WARNING,
                "[fleet.security] certificates are given, but ocpp_url is not wss://",
                "use wss://, or take them out",
            )
        return
    from bench.fleet_setup import security
    from simulator.security import BadSecurity

    try:
        security(config, None).tls(config.cpo.ocpp_url)
    except BadSecurity as fault:
        yield Check(ERROR, str(fault), "paths start at the folder of bench.toml")
    else:
        yield Check(OK, "[fleet.security] the certificates of the charge points can be used")


def _urls(cpo: CpoTable) -> Iterator[Check]:
    path = urlsplit(cpo.oicp_url).path
    if "/api/oicp" in path:
        yield Check(
            ERROR,
            f"[cpo] oicp_url holds /api/oicp; calls would go to {path}/api/oicp/charging/..",
            "leave /api/oicp and all that follows out of oicp_url",
        )
    elif "/charging/v21" in path:
        yield Check(
            ERROR, f"[cpo] oicp_url holds {path[path.index('/charging'):]}; the hub appends that itself",
            "leave it out: the prefix of your CPO alone",
        )  # fmt: skip
    if cpo.oicp_url.startswith("http:"):
        yield Check(
            WARNING, "[cpo] oicp_url is plain http; TLS-007 will be violated", "serve https, as Hubject demands it"
        )
    for short, override in cpo.paths.items():
        if path.strip("/") and override.startswith(path):
            yield Check(
                WARNING, f"[cpo.paths] {short}: the prefix {path} would be there twice", "paths begin behind oicp_url"
            )
    yield from _twice(path)
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


def _twice(path: str) -> Iterator[Check]:
    names = path.strip("/").split("/")
    half = len(names) // 2
    if half and names[:half] == names[half:]:
        yield Check(
            WARNING, f"[cpo] oicp_url: the prefix /{'/'.join(names[:half])} is there twice",
            "write it once, unless your CPO really answers there",
        )  # fmt: skip
    elif "//" in path:
        yield Check(WARNING, f"[cpo] oicp_url: {path} has // in it", "take one out, unless your CPO answers there")


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
    last = urlsplit(cpo.ocpp_url or "").path.rpartition("/")[2]
    if "{id}" not in (cpo.ocpp_url or "") and last in [point["id"] for point in fleet["charge_points"]]:
        yield Check(
            WARNING, f"[cpo] ocpp_url ends with {last}, a charge point; its id would be there twice",
            "leave the id out: every charge point appends its own",
        )  # fmt: skip
    if fleet.get("operator_id") is not None and not same_id(fleet["operator_id"], cpo.operator_id):
        yield Check(
            WARNING,
            f"fleet: operator_id is {fleet['operator_id']!r}, [cpo] says {cpo.operator_id!r}",
            "make them agree",
        )
    if not wrong and not foreign:
        yield Check(OK, f"fleet: {len(ids)} EVSEs, all of {cpo.operator_id}")
