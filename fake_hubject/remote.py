"""The hub as a client: calls CPOs and EMPs over mutual TLS and records every exchange byte by byte."""

import asyncio
import ssl
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from fake_hubject.answers import HUB_NAME
from fake_hubject.broker import Broker
from fake_hubject.certificates import Issued, facts_of_der, valid_now
from fake_hubject.faults import Fault
from fake_hubject.tls import HandshakeFacts, facts_of_next_handshake, observe_handshakes
from fake_hubject.way import Passed
from oicp.evidence import Answer, Exchange, Request, Tls
from oicp.services import OPERATIONS, PREFIX, SHORT_NAMES, Direction
from oicp.wire_json import Json

_HEADERS = {
    "Accept": "application/json;charset=UTF-8",
    "Content-Type": "application/json;charset=UTF-8",
    "Connection": "Keep-Alive",
    "User-Agent": "Apache-HttpAsyncClient/4.1.4 (Java/1.8.0_265)",
    "X-OICP-Bench": HUB_NAME,
}
_IDLE_S = 1.5  # shorter than what servers keep an idle connection: a POST on a dying connection must not be repeated
_MAX_ANSWER = 16 * 1024 * 1024


@dataclass(slots=True)
class _Wire:
    """What one call learned about its connection."""

    tls: Tls | None = None
    connection: str | None = None
    transport: asyncio.Transport | None = None
    sockname: Any = None
    diverted: bool = False


_WIRE: ContextVar[_Wire | None] = ContextVar("wire", default=None)


class _Connector(aiohttp.TCPConnector):
    """A connector that tells the running call which connection it got."""

    def __init__(self, *, trusted: Any, **options: Any) -> None:
        super().__init__(**options)
        self._trusted = trusted
        self._numbers: dict[int, str] = {}
        self._opened = 0

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        wire, transport = _WIRE.get(), connection.transport
        if wire is not None and transport is not None:
            wire.transport = transport
            wire.sockname = transport.get_extra_info("sockname")
            wire.connection = self._name(transport)
            wire.tls = self._tls(transport)
        return connection

    def _name(self, transport: asyncio.Transport) -> str:
        name = transport.get_extra_info("sockname")
        return f"hub:{name[1]}" if isinstance(name, tuple) and len(name) > 1 else "hub"

    def _tls(self, transport: asyncio.Transport) -> Tls | None:
        tls = transport.get_extra_info("ssl_object")
        if tls is None:
            return None
        der = tls.getpeercert(True)
        return Tls(tls.version(), facts_of_der(der) if der else None, self._trusted(der) if der else None)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request the hub is going to send. `variant`: name of the deliberate deviation, if any."""

    operation: str
    direction: Direction
    partner_id: str
    base_url: str
    path: str
    body: bytes
    variant: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The whole URL, just as it goes on the wire."""
        return self.base_url.rstrip("/") + self.path


def path_for(operation: str, provider_id: str, overrides: Any) -> str:
    """Path of a call to a CPO; `overrides` by short name (`authorize-remote/start`)."""
    override = overrides.get(SHORT_NAMES.get(operation, ""))
    if override:
        return "/" + str(override).lstrip("/").replace("{providerID}", provider_id)
    return OPERATIONS[operation].url_path(provider_id)


class RemoteCaller:
    """Sends requests to partners. `issued`: the client certificate the hub presents."""

    def __init__(self, broker: Broker, issued: Issued) -> None:
        self._broker = broker
        self._issued = issued
        self._sessions: dict[tuple[Any, ...], aiohttp.ClientSession] = {}
        self._open: dict[tuple[str, str], set[int]] = {}

    async def __aenter__(self) -> "RemoteCaller":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.forget_connections()

    async def forget_connections(self) -> None:
        """Close all connections; the next call begins with a handshake."""
        sessions, self._sessions = tuple(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    async def send(self, outgoing: Outgoing, *, limit_s: float) -> Exchange:
        """Send one request and wait for its answer, at most `limit_s` seconds. Never raises for what the peer does."""
        request = Request("POST", _target(outgoing.url), self._headers(outgoing), outgoing.body)
        key = (outgoing.operation, outgoing.partner_id)
        overlapping = self._open.setdefault(key, set())
        exchange = self._broker.recorder.opened(
            outgoing.direction, request, operation=outgoing.operation, partner_id=outgoing.partner_id,
            url=outgoing.url, overlaps=tuple(sorted(overlapping)),
        )  # fmt: skip
        overlapping.add(exchange.number)
        try:
            return await self._exchange(outgoing, exchange, limit_s)
        finally:
            overlapping.discard(exchange.number)
            if not overlapping:
                self._open.pop(key, None)

    async def _exchange(self, outgoing: Outgoing, exchange: Exchange, limit_s: float) -> Exchange:
        fault = self._broker.faults.touching(exchange)
        facts: dict[str, Any] = {"variant": outgoing.variant} if outgoing.variant else {}
        wire, shaken = _Wire(), facts_of_next_handshake()
        _WIRE.set(wire)
        answer, error = None, None
        try:
            answer = await self._post(outgoing, exchange, fault, limit_s, facts)
        except TimeoutError:
            error = f"timeout after {limit_s if fault is None or not fault.close_after_s else fault.close_after_s} s"
        except (aiohttp.ClientError, OSError, ValueError) as trouble:
            error = self._explained(outgoing, trouble, shaken)
        except asyncio.CancelledError:
            self._closed(exchange, wire, None, "the hub was stopped before the answer", fault, facts)
            raise
        done = self._closed(exchange, wire, answer, error, fault, facts)
        for _ in range(fault.repeat if fault else 0):
            await self.send(outgoing, limit_s=limit_s)
        return done

    def _closed(
        self, exchange: Exchange, wire: _Wire, answer: Answer | None, error: str | None, fault: Fault | None,
        facts: dict[str, Any],
    ) -> Exchange:  # fmt: skip
        if wire.connection:
            facts["connection"] = wire.connection
        names = (fault.name,) if fault else ()
        if not wire.diverted or self._broker.way is None:
            return self._broker.recorder.closed(exchange, answer, error=error, faults=names, tls=wire.tls, **facts)
        passed = self._broker.way.called(wire.sockname)
        if passed.body is not None:
            facts["arrived"] = passed.body.decode("utf-8", "backslashreplace")
        sent = passed.answer if answer is not None and passed.answer is not None else answer
        tls = self._tls_of(passed) or wire.tls
        done = self._broker.recorder.closed(
            exchange, sent, error=error, faults=(*names, *passed.faults), tls=tls, **facts
        )
        return replace(done, answer=answer)  # recorded as it was sent, processed as it came

    def _tls_of(self, passed: Passed) -> Tls | None:
        der = passed.certificate
        return Tls(passed.version, facts_of_der(der), self._trusted(der)) if der else None

    async def _post(
        self, outgoing: Outgoing, exchange: Exchange, fault: Fault | None, limit_s: float, facts: dict[str, Any]
    ) -> Answer:
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault is not None and fault.drop is not None:
            raise aiohttp.ClientConnectionError(f"fault {fault.name}: the request was not sent")
        limit = fault.close_after_s if fault is not None and fault.close_after_s else limit_s
        async with asyncio.timeout(limit):
            async with self._session(outgoing).post(
                URL(self._way_to(outgoing), encoded=True), data=outgoing.body or None, headers=dict(exchange.request.headers),
                allow_redirects=False,
            ) as response:  # fmt: skip
                body = await _bounded(response)
                facts["http_version"] = (
                    f"{response.version.major}.{response.version.minor}" if response.version else None
                )
                if 300 <= response.status < 400:
                    facts["redirect"] = response.headers.get("Location", "")
                return Answer(response.status, _pairs(response.raw_headers), body)

    def _way_to(self, outgoing: Outgoing) -> str:
        way, wire = self._broker.way, _WIRE.get()
        if way is None or wire is None or outgoing.direction is not Direction.HUB_TO_CPO:
            return outgoing.url
        url = way.towards(outgoing.url)
        wire.diverted = url != outgoing.url
        return url

    def _explained(self, outgoing: Outgoing, trouble: BaseException, shaken: HandshakeFacts) -> str:
        tls = isinstance(
            trouble, aiohttp.ClientConnectorSSLError | aiohttp.ClientConnectorCertificateError | ssl.SSLError
        )
        text = _reason(trouble)
        if tls:
            certificate = shaken.certificate
            self._broker.recorder.observe(
                "tls_handshake", direction=str(outgoing.direction), error=text, version=shaken.version, url=outgoing.base_url,
                certificate=_plain(certificate),
            )  # fmt: skip
            return f"TLS handshake failed: {text}"
        return text

    def _headers(self, outgoing: Outgoing) -> tuple[tuple[str, str], ...]:
        parts = urlsplit(outgoing.url)
        host = parts.netloc.rpartition("@")[2]
        length = {"Content-Length": str(len(outgoing.body))}
        return tuple(({"Host": host} | _HEADERS | length | outgoing.headers).items())

    def _session(self, outgoing: Outgoing) -> aiohttp.ClientSession:
        settings = self._broker.settings
        key = (settings.verify_cpo, settings.cpo_hostname_check, settings.present_client_certificate)
        session = self._sessions.get(key)
        if session is None:
            session = self._sessions[key] = self._new_session(*key)
        return session

    def _new_session(self, verify: str, hostname: bool, present: bool) -> aiohttp.ClientSession:
        context = client_context(self._broker, verify=verify == "required", hostname=hostname)
        if present and self._issued.key_file is not None:
            context.load_cert_chain(self._issued.cert_file, self._issued.key_file)
        observe_handshakes(context)
        connector = _Connector(
            trusted=self._trusted, ssl=context, limit=0, keepalive_timeout=_IDLE_S, enable_cleanup_closed=False
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._broker.settings.connect_limit_s)
        return aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True,
            skip_auto_headers=("Accept-Encoding", "Accept"), trust_env=False,
        )  # fmt: skip

    def _trusted(self, der: bytes) -> bool:
        from cryptography import x509

        try:
            certificate = x509.load_der_x509_certificate(der)
        except ValueError:
            return False
        facts = facts_of_der(der)
        pinned = facts is not None and self._broker.is_pinned(facts)
        return (pinned or self._broker.authority.signed(certificate)) and facts is not None and valid_now(facts)


def client_context(broker: Broker, *, verify: bool, hostname: bool) -> ssl.SSLContext:
    """TLS towards a partner: its certificate has to be of the CA, or on file for the partner."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verify and hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    context.load_verify_locations(cafile=str(broker.authority.ca_file))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for partner in broker.partners:
        if partner.certificate_pem:
            context.load_verify_locations(cadata=partner.certificate_pem)
    return context


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_ANSWER:
            raise aiohttp.ClientPayloadError(f"the answer is larger than {_MAX_ANSWER} bytes")
    return bytes(body)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _pairs(rows: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in rows)


def _plain(certificate: Any) -> dict[str, Json] | None:
    return {name: getattr(certificate, name) for name in certificate.__slots__} if certificate else None


def _reason(trouble: BaseException) -> str:
    if isinstance(trouble, aiohttp.ClientConnectorCertificateError):
        return str(trouble.certificate_error)
    if isinstance(trouble, aiohttp.ClientConnectorError):
        inner = trouble.os_error
        refused = isinstance(inner, ConnectionRefusedError)
        return (
            "connection refused"
            if refused
            else f"cannot connect: {inner.strerror or str(inner) or type(inner).__name__}"
        )
    if isinstance(trouble, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer came"
    return f"{type(trouble).__name__}: {trouble}"


__all__ = ["PREFIX", "Outgoing", "RemoteCaller", "path_for"]
