"""`oicp-bench tap`: mitmproxy between a CPO and any hub; records, judges live, leaves a report."""

import asyncio
import contextlib
import signal
import ssl
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.output import output_folder
from bench.sources import read_evidence
from fake_hubject.certificates import Authority, BadCertificate, Issued
from fake_hubject.recorder import Recorder
from oicp.evidence import Evidence, Exchange, Observation, Run
from oicp.ids import is_operator_id
from oicp.messages import validate
from oicp.rulebook import judge
from oicp.services import OPERATIONS, Direction
from reports.console import make_console, print_summary
from reports.report import Report, write_all
from tap.faults import BadFault, parse_fault
from tap.guard import Refused as UpstreamRefused
from tap.guard import check_upstream, is_qa

if TYPE_CHECKING:
    from tap.faults import WireFault
    from tap.wire import Leg


class TapRefused(Exception):
    """The tap cannot be started as asked; the message says what to change."""


@dataclass(frozen=True)
class TapOrder:
    """What the command line asks for. `listen`: host:port for the CPO's calls, `listen_hub` for the hub's calls."""

    upstream: str
    cpo: str | None = None
    listen: str = "127.0.0.1:0"
    listen_hub: str = "127.0.0.1:0"
    cert: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    operator_id: str | None = None
    profiles: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    strict: bool = False
    flows: Path | None = None
    seconds: float | None = None


def tap(order: TapOrder, out: Path | None, command: str) -> int:
    """Run until Ctrl-C (or `seconds`); returns the exit status. Raises `TapRefused`."""
    try:
        notices = [n for url in (order.upstream, order.cpo) if url for n in [check_upstream(url)] if n]
        faults = tuple(parse_fault(text) for text in order.faults)
    except (UpstreamRefused, BadFault) as fault:
        raise TapRefused(str(fault)) from None
    if is_qa(order.upstream) and faults:
        raise TapRefused("--fault: the tap breaks nothing on the way to Hubject's QA stage; use a local hub")
    _check_ca(order.ca)
    if order.operator_id is not None and not is_operator_id(order.operator_id):
        raise TapRefused(
            f"--operator-id {order.operator_id}: no OperatorID; they look like DE*ABC (ISO) or +49*123 (DIN)"
        )
    if order.flows is not None and not order.flows.parent.is_dir():
        raise TapRefused(f"--flows {order.flows}: there is no folder {order.flows.parent}; make it first")
    for notice in notices:
        print(notice, file=sys.stderr)
    with output_folder(out) as folder:
        asyncio.run(_run(order, faults, folder))
        return _report(order, folder, command)


def _check_ca(file: Path | None) -> None:
    """A CA that cannot be read would show as a hub nobody trusts."""
    try:
        if file is not None:
            ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise TapRefused(
            f"--ca {file}: no certificate in PEM; give the CA that signed upstream's certificate"
        ) from None
    except OSError as fault:
        raise TapRefused(f"--ca {file}: {fault.strerror}") from None


async def _run(order: TapOrder, faults: "tuple[WireFault, ...]", folder: Path) -> None:
    try:
        from tap.wire import Tap, TapError
    except ImportError as fault:
        raise TapRefused(f"the tap needs mitmproxy: pip install 'oicp-bench[tap]' ({fault})") from None
    recorder = Recorder(_frame(order), folder / "evidence.jsonl")
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    pace = Pace() if is_qa(order.upstream) else None
    try:
        async with Tap(
            _legs(order, folder),
            recorder,
            _served(order, folder),
            order.ca,
            faults=faults,
            flow_file=order.flows,
            pace=pace,
        ) as running:
            _tell(order, running, folder)
            with recorder.listening(_Live()), contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), order.seconds)
    except TapError as fault:
        raise TapRefused(str(fault)) from None
    finally:
        recorder.close()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _frame(order: TapOrder) -> Run:
    operators = (order.operator_id,) if order.operator_id else ()
    return Run(source="tap", operator_ids=operators, profiles=order.profiles, settings={"strict": order.strict})


def _legs(order: TapOrder, folder: Path) -> "tuple[Leg, ...]":
    from tap.wire import Leg

    identity = None
    if order.cert is not None:
        identity = _joined(order.cert, order.key, folder)
    host, port = _address(order.listen, "--listen")
    legs = [Leg(Direction.CPO_TO_HUB, order.upstream, host, port, identity=identity, partner_id=order.operator_id)]
    if order.cpo:
        host, port = _address(order.listen_hub, "--listen-hub")
        legs.append(Leg(Direction.HUB_TO_CPO, order.cpo, host, port, identity=identity))
    return tuple(legs)


def _address(text: str, option: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or int(port) > 65535:
        raise TapRefused(f"{option} {text}: write host:port, as in 127.0.0.1:8444")
    return host or "127.0.0.1", int(port)


def _joined(cert: Path, key: Path | None, folder: Path) -> Path:
    """One PEM file with certificate and key, 0600, as mitmproxy wants it; checked to belong together."""
    named = f"--cert {cert}" + (f", --key {key}" if key else "")
    try:
        # a password is not asked for: whoever sits at the terminal, or nobody, would not know for what
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password="")
        text = cert.read_bytes() + (b"\n" + key.read_bytes() if key and key != cert else b"")
    except ssl.SSLError as fault:
        raise TapRefused(f"{named}: {_why(fault)}") from None
    except OSError as fault:
        raise TapRefused(f"{named}: {fault.strerror}") from None
    return private_file(folder / "pki" / "tap-upstream.pem", text)


def _why(fault: ssl.SSLError) -> str:
    if fault.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate; give the two that belong together"
    return "no certificate and key in PEM without a password; take it off: openssl pkey -in .. -out .."


def private_file(path: Path, text: bytes) -> Path:
    """Write a file that only its owner reads (0600), with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(text)
    return path


def _served(order: TapOrder, folder: Path) -> Path:
    """What the tap serves with: a certificate of the bench's own CA, which the CPO has to trust."""
    try:
        authority = Authority.ensure(folder / "pki")
        hosts = {"localhost", "127.0.0.1", _address(order.listen, "--listen")[0]}
        issued = authority.issue_server(sorted(hosts))
    except BadCertificate as fault:
        raise TapRefused(str(fault)) from None
    return private_file(folder / "pki" / "tap-server.pem", both(issued))


def both(issued: Issued) -> bytes:
    """Certificate and key of an issued certificate in one PEM text."""
    return issued.cert_file.read_bytes() + (issued.key_file.read_bytes() if issued.key_file else b"")


def _tell(order: TapOrder, running: Any, folder: Path) -> None:
    print(f"the CPO calls   {running.url(Direction.CPO_TO_HUB)}   instead of {order.upstream}")
    if order.cpo:
        print(f"the hub calls   {running.url(Direction.HUB_TO_CPO)}   instead of {order.cpo}")
    print(f"both trust      {folder / 'pki' / 'ca.pem'}")
    print(f"recording to    {folder / 'evidence.jsonl'}; Ctrl-C ends it and judges", flush=True)


class _Live:
    """Prints every exchange with what its message breaks, as it comes."""

    def __call__(self, item: Exchange | Observation) -> None:
        if isinstance(item, Observation):
            if item.kind == "tls_handshake":
                print(
                    f"         TLS handshake failed ({item.data.get('direction')}): {item.data.get('error')}",
                    flush=True,
                )
            return
        if item.t_end is None:
            return
        outcome = f"HTTP {item.http_status} {item.status_code or ''}".strip() if item.answer else item.error
        name = item.operation or item.request.target
        print(f"{item.t:8.2f} #{item.number} {item.direction.replace('_', ' ')} {name}: {outcome}", flush=True)
        if item.operation is None:
            return
        value, answer = (item.sent.value, False) if item.by_cpo else (item.answered.value, True)
        for fault in validate(item.operation, value, answer=answer, direction=item.direction)[:20]:
            print(f"         {fault.requirement} {fault.pointer}: {fault.observed}", flush=True)


class Pace:
    """Holds calls back that would exceed the published limit of their operation in any 60 seconds."""

    def __init__(self, now: Any = time.monotonic) -> None:
        self._now = now
        self._sent: dict[str, deque[float]] = {}

    async def __call__(self, operation: str | None) -> None:
        """Wait until one more call of this operation is within the limit."""
        limit = OPERATIONS[operation].per_minute if operation in OPERATIONS else None
        if operation is None or limit is None:
            return
        sent = self._sent.setdefault(operation, deque())
        while True:
            now = self._now()
            while sent and now - sent[0] >= 60:
                sent.popleft()
            if len(sent) < limit:
                sent.append(now)
                return
            await asyncio.sleep(60 - (now - sent[0]))


def _report(order: TapOrder, folder: Path, command: str) -> int:
    evidence = with_operator(read_evidence(folder / "evidence.jsonl"))
    verdict = judge(evidence, profiles=order.profiles or None, strict=order.strict)
    report = Report(verdict, evidence, (), 0, round(evidence.t_end, 3), command)
    write_all(report, folder)
    print_summary(report, folder, make_console())
    return verdict.exit_status


def with_operator(evidence: Evidence) -> Evidence:
    """The operator of a recording that does not name it: the id most paths of the CPO carry."""
    from collections import Counter
    from dataclasses import replace

    if evidence.run.operator_ids:
        return evidence
    named = Counter(e.partner_id for e in evidence.exchanges if e.by_cpo and e.partner_id)
    operators = tuple(ident for ident, _ in named.most_common(1))
    return Evidence(replace(evidence.run, operator_ids=operators), evidence.exchanges, evidence.observations)
