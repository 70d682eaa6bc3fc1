"""What the CPO is told by environment and command line; every mistake ends in one sentence that names its mend."""

import argparse
import os
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from oicp.sessions import folded

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


class BadSettings(Exception):
    """The environment or a file it names cannot be used; the message names variable, value and mend."""


@dataclass(frozen=True)
class Address:
    """Where to listen: scheme, host, port and the path in front of what the protocol appends."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """TLS is spoken."""
        return self.scheme in ("https", "wss")


@dataclass(frozen=True)
class Settings:
    """Everything the CPO needs to know. Times in seconds (`_s`)."""

    hub_url: str
    operator_id: str
    cpo: Address
    ocpp: Address
    fleet_file: Path
    ca_file: Path | None = None
    client_cert_file: Path | None = None
    client_key_file: Path | None = None
    server_cert_file: Path | None = None
    server_key_file: Path | None = None
    operations_port: int | None = None
    database: str = ""
    full_load_interval_s: float = 86_400.0
    first_status_wait_s: float = 2.0
    no_vehicle: str = "wait"
    plug_in_timeout_s: float = 60.0
    command_timeout_s: float = 7.0
    hub_timeout_s: float = 60.0
    retry_first_s: float = 1.0
    retry_cap_s: float = 60.0
    offline_grace_s: float = 30.0
    lost_transaction_timeout_s: float = 600.0
    progress_interval_s: float = 305.0
    reservation_minutes: int = 15
    notifications: bool = False
    reservation: bool = False
    pricing: bool = False
    price_list: Path | None = None
    rfid: bool = False
    log_level: str = "INFO"


_VARIABLES = {
    "HUB_URL": "the base address of the hub, as https://127.0.0.1:8443",
    "OPERATOR_ID": "the OperatorID, as DE*ABC",
    "CPO_URL": "where the hub reaches this CPO, as https://127.0.0.1:9443",
    "OCPP_URL": "where charge points connect, as ws://127.0.0.1:9080/ocpp",
    "FLEET_FILE": "the JSON file of the charge points",
}
_FILES = ("CA_FILE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE", "SERVER_CERT_FILE", "SERVER_KEY_FILE")
_PREFIX = "OICP_BENCH_"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadSettings(f"{message}; see python -m cpo --help")


def arguments() -> argparse.ArgumentParser:
    """The command line of `python -m cpo`."""
    parser = _Parser(
        prog="python -m cpo", description="Reference CPO: OCPP central system and OICP 2.3 client and server."
    )
    add = parser.add_argument
    add("--operations-port", type=int, metavar="PORT", help="operations API on 127.0.0.1; left out: none")
    add("--database", default="", metavar="URL", help="SQLAlchemy URL; default: SQLite beside the fleet file")
    add("--full-load-interval", type=float, default=86_400.0, metavar="S", help="seconds between full loads")
    add("--no-vehicle", choices=("wait", "refuse"), default="wait", help="remote start without a vehicle: wait or 510")
    add(
        "--plug-in-timeout", type=float, default=60.0, metavar="S", help="how long an accepted start waits for the plug"
    )
    add("--command-timeout", type=float, default=7.0, metavar="S", help="how long a charge point may take to answer")
    add("--hub-timeout", type=float, default=60.0, metavar="S", help="how long the hub may take to answer")
    add("--retry-first", type=float, default=1.0, metavar="S", help="first wait of the back-off")
    add("--retry-cap", type=float, default=60.0, metavar="S", help="longest wait of the back-off")
    add(
        "--first-status-wait",
        type=float,
        default=2.0,
        metavar="S",
        help="how long the first status waits for the fleet",
    )
    add("--offline-grace", type=float, default=30.0, metavar="S", help="silence after which an EVSE is Unknown")
    add("--lost-transaction-timeout", type=float, default=600.0, metavar="S", help="when an unreported end is assumed")
    add(
        "--progress-interval",
        type=float,
        default=305.0,
        metavar="S",
        help="between Progress notifications, at least 300",
    )
    add("--notifications", action="store_true", help="send charging notifications")
    add("--reservation", action="store_true", help="offer reservations")
    add("--pricing", action="store_true", help="push prices")
    add("--price-list", type=Path, metavar="FILE", help="JSON list of products (implies --pricing)")
    add("--rfid", action="store_true", help="ask the hub about tokens of RFID readers (AuthorizeStart)")
    add("--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
    return parser


def read(argv: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from command line and environment. Raises `BadSettings`."""
    environment = os.environ if environment is None else environment
    given = arguments().parse_args(argv)
    values = {name: _wanted(environment, name, meaning) for name, meaning in _VARIABLES.items()}
    cpo, ocpp = _address(values, "CPO_URL", ("https", "http")), _address(values, "OCPP_URL", ("ws", "wss"))
    secure = {"CA_FILE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE"} if _hub_is_secure(values["HUB_URL"]) else set()
    if cpo.secure or ocpp.secure:
        secure |= {"SERVER_CERT_FILE", "SERVER_KEY_FILE"}
    files = {name: _file(environment, name) if name in secure else None for name in _FILES}
    fleet_file = _file(environment, "FLEET_FILE")
    _check_options(given)
    settings = Settings(
        hub_url=values["HUB_URL"].rstrip("/"), operator_id=values["OPERATOR_ID"], cpo=cpo, ocpp=ocpp,
        fleet_file=fleet_file, ca_file=files["CA_FILE"], client_cert_file=files["CLIENT_CERT_FILE"],
        client_key_file=files["CLIENT_KEY_FILE"], server_cert_file=files["SERVER_CERT_FILE"],
        server_key_file=files["SERVER_KEY_FILE"], operations_port=given.operations_port,
        database=given.database or f"sqlite:///{fleet_file.absolute()}.cpo.sqlite3",
        full_load_interval_s=given.full_load_interval, first_status_wait_s=given.first_status_wait, no_vehicle=given.no_vehicle,
        plug_in_timeout_s=given.plug_in_timeout, command_timeout_s=given.command_timeout,
        hub_timeout_s=given.hub_timeout, retry_first_s=given.retry_first, retry_cap_s=given.retry_cap,
        offline_grace_s=given.offline_grace, lost_transaction_timeout_s=given.lost_transaction_timeout,
        progress_interval_s=given.progress_interval, notifications=given.notifications,
        reservation=given.reservation, pricing=given.pricing or given.price_list is not None,
        price_list=given.price_list, rfid=given.rfid, log_level=given.log_level,
    )  # fmt: skip
    if not folded(settings.operator_id):
        raise BadSettings(f"{_PREFIX}OPERATOR_ID is {settings.operator_id!r}, which is no OperatorID; set it as DE*ABC")
    return settings


def _check_options(given: argparse.Namespace) -> None:
    for name in ("full_load_interval", "plug_in_timeout", "command_timeout", "hub_timeout", "retry_first", "retry_cap"):
        if getattr(given, name) <= 0:
            raise BadSettings(f"--{name.replace('_', '-')} is {getattr(given, name):g}; give seconds above 0")
    if given.progress_interval < 300:
        raise BadSettings(f"--progress-interval is {given.progress_interval:g}; the hub takes 300 seconds or more")
    if given.operations_port is not None and not 0 <= given.operations_port <= 65_535:
        raise BadSettings(f"--operations-port is {given.operations_port}; give a port from 0 to 65535")


def _wanted(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(_PREFIX + name, "").strip()
    if not value:
        raise BadSettings(f"{_PREFIX}{name} is not set; set it to {meaning}")
    return value


def _address(values: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> Address:
    text = values[name]
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as fault:
        raise BadSettings(
            f"{_PREFIX}{name} is {text!r}, which is no URL ({fault}); set it to {_VARIABLES[name]}"
        ) from None
    if parts.scheme not in schemes or not parts.hostname:
        raise BadSettings(f"{_PREFIX}{name} is {text!r}; set it to {_VARIABLES[name]}")
    port = _DEFAULT_PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def _hub_is_secure(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise BadSettings(f"{_PREFIX}HUB_URL is {url!r}; set it to {_VARIABLES['HUB_URL']}")
    return parts.scheme == "https"


def _file(environment: Mapping[str, str], name: str) -> Path:
    path = Path(_wanted(environment, name, _VARIABLES.get(name, "the path of a PEM file")))
    if not path.is_file():
        raise BadSettings(f"{_PREFIX}{name} names {path}, which is no file; correct the path")
    try:
        with path.open("rb"):
            return path
    except OSError as fault:
        raise BadSettings(f"{_PREFIX}{name} names {path}, which cannot be read ({fault.strerror})") from None


def client_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS towards the hub: TLS 1.2 or newer, chain and host name checked, own certificate shown. Raises `BadSettings`."""
    if settings.ca_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, settings.ca_file)
    _load(context, settings.client_cert_file, settings.client_key_file, "CLIENT")
    return context


def server_context(settings: Settings) -> ssl.SSLContext:
    """TLS for callers: TLS 1.2 or newer; a client certificate is welcome and not demanded. Raises `BadSettings`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings.server_cert_file, settings.server_key_file, "SERVER")
    return context


def _trust(context: ssl.SSLContext, ca_file: Path) -> None:
    try:
        context.load_verify_locations(ca_file)
    except (ssl.SSLError, OSError) as fault:
        raise BadSettings(f"{_PREFIX}CA_FILE names {ca_file}, which holds no PEM certificate ({fault})") from None


def _load(context: ssl.SSLContext, certificate: Path | None, key: Path | None, role: str) -> None:
    if certificate is None:
        return
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as fault:
        raise BadSettings(
            f"{_PREFIX}{role}_CERT_FILE {certificate} and {_PREFIX}{role}_KEY_FILE {key} do not make a certificate "
            f"with its key ({fault}); give PEM files that belong together"
        ) from None
