"""The hub's HTTPS server: reads requests byte by byte, records them, answers, records the answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from fake_hubject import answers, direct
from fake_hubject.answers import Reply
from fake_hubject.broker import Broker
from fake_hubject.connection import KEEP_ALIVE_S, SILENT, Connection, Peer
from fake_hubject.faults import Fault
from fake_hubject.gate import Route, answer, route
from fake_hubject.recorder import Recorder
from fake_hubject.services import done_at_once, never_waits
from fake_hubject.tls import Acceptor, HandshakeFacts, ServerTls
from fake_hubject.usual import Head
from fake_hubject.way import Passing
from oicp.evidence import Answer, Certificate, Exchange, Request, Tls
from oicp.sessions import folded
from oicp.wire_json import Json, dump, parse

_HONEST = Passing()


class HubServer:
    """Listens, answers, and can go down and come up again on the same port."""

    def __init__(self, broker: Broker, tls: ServerTls) -> None:
        self._broker = broker
        self._tls = tls
        self._acceptor: Acceptor | None = None
        self._manager: web.Server | None = None
        self._connections = 0
        self._open: dict[tuple[str, str], dict[int, web.BaseRequest]] = {}
        self.port = broker.settings.port

    @property
    def url(self) -> str:
        """Base URL without `/api/oicp`."""
        host = self._broker.settings.host
        shown = f"[{host}]" if ":" in host else {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
        return f"https://{shown}:{self.port}"

    @property
    def listening(self) -> bool:
        """True while connections are accepted."""
        return self._acceptor is not None

    async def start(self) -> None:
        """Accept connections. Raises `OSError` if the port is taken."""
        settings = self._broker.settings
        self._manager = web.Server(self._handle, request_factory=self._request)
        self._acceptor = Acceptor(
            self._tls, self._broker.tasks, handshake_limit_s=settings.handshake_limit_s,
            protocol=self._connection, failed=self._failed,
        )  # fmt: skip
        self.port = self._acceptor.listen(settings.host, self.port)

    async def stop(self, grace_s: float = 0.0) -> None:
        """Stop listening and drop all connections; requests in progress get `grace_s` seconds."""
        if self._acceptor is None or self._manager is None:
            return
        acceptor, self._acceptor = self._acceptor, None
        await acceptor.close()
        await self._manager.shutdown(grace_s or 0.01)  # aiohttp takes 0 for "without limit"
        self._manager = None

    def finish_connections(self) -> None:
        """Close idle connections now and busy ones after their answer, as a proxy does that takes up a new certificate."""
        if self._manager is not None:
            for connection in self._manager.connections:
                cast(Connection, connection).finish()

    # --- connections ---

    def _connection(self) -> asyncio.Protocol:
        if self._manager is None:
            raise ConnectionAbortedError("the hub is going down")
        self._connections += 1
        connection = Connection(
            self._manager, loop=asyncio.get_running_loop(), keepalive_timeout=KEEP_ALIVE_S, logger=SILENT,
            access_log=None, max_line_size=16_384, max_field_size=16_384, lingering_time=2.0,  # type: ignore[arg-type]
        )  # fmt: skip
        connection.name, connection.garbage = f"cpo:{self._connections}", self._garbage
        connection.gone, connection.way = asyncio.Event(), self._broker.way
        connection.at_once = self._at_once
        return connection

    def _failed(self, facts: HandshakeFacts, fault: BaseException) -> None:
        certificate = facts.certificate
        self._broker.recorder.observe(
            "tls_handshake", direction="cpo_to_hub", error=_tls_error(fault), version=facts.version,
            offered=list(facts.offered), server_name=facts.server_name,
            certificate={n: getattr(certificate, n) for n in Certificate.__slots__} if certificate else None,
        )  # fmt: skip

    def _garbage(self, peer: Peer, message: str) -> None:
        self._broker.recorder.observe(
            "note", text=f"bytes that are no HTTP request: {message[:200]}", connection=peer.name, garbage=True
        )

    def _request(
        self, message: RawRequestMessage, payload: Any, protocol: RequestHandler, writer: Any, task: Any
    ) -> web.BaseRequest:
        limit = self._broker.settings.max_body_bytes
        return web.BaseRequest(
            message, payload, protocol, writer, task, asyncio.get_running_loop(), client_max_size=limit
        )

    # --- requests ---

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        broker = self._broker
        peer = cast(Connection, request.protocol).peer
        tls = peer.tls(broker)
        body, early, trouble = await self._read(request)
        where = route(request.method, request.raw_path, broker.partners.get(tls.partner_id))
        passing = broker.way.passing(request.get_extra_info("peername")) if broker.way else _HONEST
        recorder = broker.recorder if passing.genuine else Recorder(broker.recorder.run)
        exchange = self._opened(recorder, request, peer, tls, where, body if passing.body is None else passing.body)
        # recorded as it was sent, processed as it came
        came = exchange if passing.body is None else replace(exchange, request=replace(exchange.request, body=body))
        key = (exchange.operation or "", folded(exchange.partner_id))
        try:
            fault = broker.faults.touching(exchange) if passing.genuine else None
            reply = early or await self._reply(where, came, fault)
            return await self._send(recorder, request, exchange, reply, fault, trouble, passing)
        except asyncio.CancelledError:
            recorder.closed(exchange, None, error="the hub went down before the answer")
            raise
        finally:
            still = self._open.get(key, {})
            if still.get(exchange.number) is request:
                still.pop(exchange.number)
            if not still:
                self._open.pop(key, None)

    def _at_once(self, peer: Peer, transport: asyncio.Transport, head: Head, body: bytes) -> bool | None:
        """Answer a request that nothing can hold up, in one go; None if it is not of that kind."""
        broker = self._broker
        if broker.way is not None or broker.faults.armed or len(body) > broker.settings.max_body_bytes:
            return None
        tls = peer.tls(broker)
        where = route("POST", head.target, broker.partners.get(tls.partner_id))
        operation = where.operation
        if (
            operation is None
            or not where.partner_id
            or not never_waits(broker, operation.name)
            or direct.busy(transport)
        ):
            return None
        exchange = broker.recorder.opened(
            where.direction, Request("POST", head.target, head.headers, body), operation=operation.name,
            partner_id=where.partner_id, url=self.url + head.target, tls=tls, connection=peer.name,
            overlaps=self._overlaps(operation.name, where.partner_id), at_once=True,
        )  # fmt: skip
        try:
            reply = done_at_once(answer(broker, where, exchange))
        except Exception as crash:  # as in `_reply`
            broker.crashed(crash)
            reply = answers.SYSTEM_ERROR
        kind = answers.content_type_of(reply, exchange.number, vary=broker.settings.vary_answers)
        content = reply.encoded()
        text, headers = direct.written(reply.http_status, content, kind, direct.process_id(), keep=not reply.close)
        broker.recorder.closed_at_once(exchange, Answer(reply.http_status, headers, content), _HTTP_1_1)
        transport.write(text)
        return not reply.close

    def _overlaps(self, operation: str, partner_id: str) -> tuple[int, ...]:
        """Exchanges of the same operation and partner that are going on."""
        if not self._open:
            return ()
        still = self._open.get((operation, folded(partner_id)), {})
        return tuple(number for number, other in still.items() if _alive(other))

    async def _read(self, request: web.BaseRequest) -> tuple[bytes, Reply | None, str | None]:
        """The body; what to answer at once where it cannot be had, and why."""
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        try:
            if request.content.is_eof():  # it is all here
                return await request.read(), None, None
            async with asyncio.timeout(self._broker.settings.body_limit_s):
                return await request.read(), None, None
        except web.HTTPRequestEntityTooLarge:
            return b"", answers.TOO_LARGE, f"the body is larger than {self._broker.settings.max_body_bytes} bytes"
        except TimeoutError:
            return b"", answers.TIMED_OUT, "the body did not arrive in time"
        except Exception as fault:  # aiohttp raises many kinds for a body that is cut off or badly coded
            return b"", answers.BAD_REQUEST, f"the body cannot be read: {type(fault).__name__}: {fault}"

    def _opened(
        self, recorder: Recorder, request: web.BaseRequest, peer: Peer, tls: Tls, where: Route, body: bytes
    ) -> Exchange:
        operation = where.operation.name if where.operation else None
        partner_id = where.partner_id
        if operation is not None and not partner_id:
            named = parse(body).value
            named = named.get("OperatorID") if isinstance(named, dict) else None
            partner_id = named if isinstance(named, str) else ""
        key = (operation or "", folded(partner_id))
        still = self._open.setdefault(key, {})
        overlaps = tuple(n for n, other in still.items() if _alive(other)) if operation else ()
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers)
        exchange = recorder.opened(
            where.direction, Request(request.method, request.raw_path, headers, body), operation=operation,
            partner_id=partner_id, url=self.url + request.raw_path, tls=tls, connection=peer.name, overlaps=overlaps,
        )  # fmt: skip
        if recorder is self._broker.recorder:
            still[exchange.number] = request
        return exchange

    async def _reply(self, where: Route, exchange: Exchange, fault: Fault | None) -> Reply:
        if fault is not None and fault.moment == "before_processing":
            if fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            instead = _instead(fault)
            if instead is not None or fault.drop is not None:
                return instead or answers.SYSTEM_ERROR
        try:
            reply = await answer(self._broker, where, exchange)
        except Exception as crash:  # the bench's own failure: documented answer, and never the CPO's fault
            self._broker.crashed(crash)
            return answers.SYSTEM_ERROR
        if fault is not None and fault.moment == "after_processing":
            if fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            reply = _instead(fault) or reply
        return _changed(reply, fault.change) if fault is not None and fault.change else reply

    async def _send(
        self, recorder: Recorder, request: web.BaseRequest, exchange: Exchange, reply: Reply, fault: Fault | None,
        trouble: str | None, passing: Passing,
    ) -> web.StreamResponse:  # fmt: skip
        names = (*((fault.name,) if fault else ()), *passing.faults)
        facts: dict[str, Any] = {"http_version": f"{request.version.major}.{request.version.minor}"}
        if trouble:
            facts["trouble"] = trouble
        if fault is not None and fault.drop is not None:
            recorder.closed(
                exchange, None, error=f"no answer: {fault.drop} (fault {fault.name})", faults=names, **facts
            )
            return await _dropped(request, fault)
        kind = answers.content_type_of(reply, exchange.number, vary=self._broker.settings.vary_answers)
        body, process_id = reply.encoded(), direct.process_id()
        text, error = b"", None
        simple = direct.prepared(request, reply, body, kind, process_id)
        if simple is not None:
            response, headers, text = simple
        else:
            recorder.flush()  # what came is written down before it is acknowledged
            response, headers, error = await _respond(request, reply, body, kind, process_id)
        seen, lost = passing.fate(Answer(reply.http_status, headers, body))
        recorder.closed(exchange, seen, error=error or lost, faults=names, **facts)
        if text and request.transport is not None:
            request.transport.write(text)
        return response


async def _respond(
    request: web.BaseRequest, reply: Reply, body: bytes, kind: str, process_id: str
) -> tuple[web.StreamResponse, tuple[tuple[str, str], ...], str | None]:
    """Answer by aiohttp's own way; returns the headers sent and what went wrong."""
    response = web.Response(status=reply.http_status, body=body, headers=direct.headers_of(reply, kind, process_id))
    if reply.close:
        response.force_close()
    error = None
    try:
        await response.prepare(request)
        await response.write_eof()
    except (ConnectionError, RuntimeError) as gone:
        error = f"the peer closed the connection before the answer: {gone}"
    return response, tuple(response.headers.items()), error


_HTTP_1_1 = {"http_version": "1.1"}


def _alive(request: web.BaseRequest) -> bool:
    transport = request.transport
    return transport is not None and not transport.is_closing()


def _instead(fault: Fault) -> Reply | None:
    """The answer a fault puts in the place of the hub's own."""
    if fault.hub_code is not None:
        body = answers.acknowledgement(fault.hub_code == "000", fault.hub_code, fault.hub_description)
        return Reply(fault.http_status or 200, body, headers=fault.headers)
    if fault.http_status is None and fault.body is None:
        return None
    status = fault.http_status or 200
    if fault.body is None:
        return (
            answers.proxy_page(status, _REASONS.get(status, "Error"))
            if status >= 400
            else Reply(status, b"", headers=fault.headers)
        )
    if isinstance(fault.body, str):
        kind = "text/html" if fault.body.lstrip().startswith("<") else None
        return Reply(status, fault.body.encode(), kind, headers=fault.headers)
    return Reply(status, fault.body, headers=fault.headers)


_REASONS = {
    403: "Forbidden", 408: "Request Time-out", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out",
}  # fmt: skip


def _changed(reply: Reply, change: Mapping[str, Json]) -> Reply:
    whole = parse(reply.body).value if isinstance(reply.body, bytes) else reply.body
    if not isinstance(whole, dict):
        return reply
    return Reply(reply.http_status, dump(whole | dict(change)).encode(), reply.content_type, reply.close, reply.headers)


async def _dropped(request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
    """Leave a request without an answer: hang up, reset, or say nothing until the peer gives up."""
    transport = request.transport
    if fault.drop == "silence":
        await cast(Connection, request.protocol).gone.wait()
    elif transport is not None and fault.drop == "reset":
        transport.abort()
    elif transport is not None:
        transport.close()
    raise ConnectionResetError(f"fault {fault.name}: {fault.drop}")


def _tls_error(fault: BaseException) -> str:
    reason = getattr(fault, "reason", None)
    if isinstance(fault, TimeoutError) or "taking longer" in str(fault):
        return "the handshake took too long"
    if isinstance(fault, ConnectionError) and reason is None:
        return "the peer closed the connection during the handshake"
    return f"{reason}: {fault}" if reason else str(fault)
