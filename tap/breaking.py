"""Breaks messages on the wire while they pass mitmproxy: connections cut, stalled, reset, bytes and members changed."""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from mitmproxy import connection, http

from fake_hubject.recorder import Recorder
from oicp.services import Direction
from tap.faults import Armed, WireFault, changed

_STREAMED = ("cut", "stall", "tls-alert", "trickle")
_ALERT = bytes((21, 3, 3, 0, 2, 2, 80))  # a fatal alert `internal_error`, unencrypted: no peer can mistake it for data


class _Leg(Protocol):
    @property
    def direction(self) -> Direction: ...
    @property
    def upstream(self) -> str: ...


class Breaker:
    """All wire faults of one tap."""

    def __init__(self, faults: tuple[WireFault, ...], recorder: Recorder | None) -> None:
        self.armed = [Armed(fault) for fault in faults]
        self._recorder = recorder
        self._server: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn: dict[str | None, asyncio.Event] = {}
        self.on_copy: Callable[[Any, connection.Client], None] = lambda sockname, client: None
        for item in self.armed:
            self._tell("fault_armed", fault=item.fault.name, what=item.fault.facts())

    def attach(self, proxyserver: Any) -> None:
        """Learn mitmproxy's table of connections."""
        self._server = proxyserver

    def arm(self, fault: WireFault, scenario: str | None = None) -> Armed:
        """Arm one more."""
        item = Armed(fault)
        self.armed.append(item)
        self._tell("fault_armed", fault=fault.name, scenario=scenario, what=fault.facts())
        return item

    def wants_calls(self) -> bool:
        """True while a fault on calls of the hub is armed."""
        return any(item.fault.side is Direction.HUB_TO_CPO for item in self.armed)

    def lift(self, item: Armed) -> None:
        """Take one away."""
        self.armed.remove(item)
        self._tell("fault_lifted", fault=item.fault.name, fired=item.fired)

    async def end(self) -> None:
        """Cancel what still stalls or trickles."""
        for event in self._turn.values():
            event.set()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- as the messages pass ------------------------------------------------------------------------------------------

    async def request(self, flow: http.HTTPFlow, leg: _Leg, operation: str | None) -> None:
        """A request passes: choose its fault and apply what concerns the request."""
        waiting = self._turn.pop(operation, None)
        if waiting is not None:
            flow.metadata["oicp_frees"] = waiting
        fault = self._chosen(flow, operation, leg.direction)
        if fault is None:
            return
        if fault.what == "swap":
            await self._wait_for_next(operation, fault.seconds)
        elif fault.on == "request":
            if fault.what == "delay":
                await asyncio.sleep(fault.seconds)
            flow.metadata["oicp_original"] = flow.request.raw_content or b""
            flow.request.raw_content = changed(flow.request.raw_content or b"", fault)
            if "content-length" in flow.request.headers:
                flow.request.headers["content-length"] = str(len(flow.request.raw_content or b""))

    async def head(self, flow: http.HTTPFlow) -> None:
        """The head of an answer passes: cut, stall, alert and trickle happen in the middle of what follows."""
        fault: WireFault | None = flow.metadata.get("oicp_fault")
        response = flow.response
        if fault is None or response is None or fault.what not in _STREAMED:
            return
        length = int(response.headers.get("content-length", "0") or 0)
        came = flow.metadata["oicp_streamed"] = bytearray()
        if fault.what == "trickle":
            flow.metadata["oicp_paced"] = self._slow(flow.client_conn, fault.seconds)
            response.stream = _heard(came, _portions(max(1, length // _PORTIONS)))
            return
        if not length:  # a chunked answer has no length to fall short of: promise one
            response.headers.pop("transfer-encoding", None)
            response.headers["content-length"] = length = "65536"  # type: ignore[assignment]
            length = 65536
        keep = 0 if fault.what == "stall" else max(1, length // 2)
        response.stream = _heard(came, _first(keep))
        self._start(self._hang_up(flow.client_conn, fault))

    def complete(self, flow: http.HTTPFlow) -> None:
        """An answer that was passed on in pieces is complete: keep it like any other."""
        if flow.response is not None and "oicp_streamed" in flow.metadata:
            flow.response.raw_content = bytes(flow.metadata["oicp_streamed"])

    async def answer(self, flow: http.HTTPFlow, identity: Path | None) -> None:
        """An answer passes. `identity`: what a copy of its request is sent with."""
        frees: asyncio.Event | None = flow.metadata.get("oicp_frees")
        if frees is not None:
            frees.set()
        fault: WireFault | None = flow.metadata.get("oicp_fault")
        if fault is None or flow.response is None:
            return
        if fault.what == "duplicate":
            self._start(self._again(flow, identity))
        elif fault.what == "reset":
            self._transport(flow.client_conn, lambda writer: writer.transport.abort())
            flow.kill()
        elif fault.what == "trickle":
            paced: PacedWriter | None = flow.metadata.get("oicp_paced")
            if paced is not None:
                paced.finish()
        elif fault.on == "answer" and fault.what not in (*_STREAMED, "duplicate", "swap"):
            if fault.what == "delay":
                await asyncio.sleep(fault.seconds)
            flow.response.raw_content = changed(flow.response.raw_content or b"", fault)
            if "content-length" in flow.response.headers:
                flow.response.headers["content-length"] = str(len(flow.response.raw_content or b""))

    def _chosen(self, flow: http.HTTPFlow, operation: str | None, direction: Direction) -> WireFault | None:
        for item in self.armed:
            if item.takes(operation, direction, flow.request.raw_content or b""):
                flow.metadata["oicp_fault"] = item.fault
                self._tell("fault_fired", fault=item.fault.name)
                return item.fault
        return None

    # --- single acts ----------------------------------------------------------------------------------------------------

    async def _again(self, flow: http.HTTPFlow, identity: Path | None) -> None:
        """Send the same bytes a second time over a connection of its own."""
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(60):
                await self._copied(flow, identity)

    async def _copied(self, flow: http.HTTPFlow, identity: Path | None) -> None:
        request = flow.request
        reader, writer = await asyncio.open_connection(request.host, request.port)
        try:
            self.on_copy(writer.get_extra_info("sockname"), flow.client_conn)  # before anything is said
            if request.scheme == "https":
                await writer.start_tls(_client_context(identity), server_hostname=request.host)
            head = [f"{request.method} {request.path} HTTP/1.1"]
            head += [f"{k}: {v}" for k, v in request.headers.items() if k.lower() not in _OF_THE_CONNECTION]
            body = request.raw_content or b""
            head += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
            writer.write("\r\n".join(head).encode("latin-1") + body)
            await writer.drain()
            await reader.read()
        finally:
            writer.close()

    async def _wait_for_next(self, operation: str | None, seconds: float) -> None:
        event = self._turn.setdefault(operation, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)

    async def _hang_up(self, client: connection.Client, fault: WireFault) -> None:
        # `stall` is silence for the agreed time; the others hang up once the first bytes are out
        await asyncio.sleep(fault.seconds if fault.what == "stall" else 0.05)
        if fault.what == "tls-alert":
            self._transport(client, lambda writer: writer.write(_ALERT))
            await asyncio.sleep(0.05)
        self._transport(client, lambda writer: writer.close())

    def hang_up(self, client: connection.Client) -> None:
        """Close the connection of a caller without a word."""
        self._transport(client, lambda writer: writer.close())

    def _slow(self, client: connection.Client, seconds: float) -> "PacedWriter | None":
        """Let what is written to this peer trickle: one portion at a time, all of them over `seconds`."""
        handler = self._handler(client)
        io = handler.transports.get(client) if handler is not None else None
        if io is None or io.writer is None:
            return None
        io.writer = paced = PacedWriter(io.writer, seconds / _PORTIONS, self._start)
        return paced

    def _transport(self, client: connection.Client, act: Callable[[Any], object]) -> None:
        handler = self._handler(client)
        io = handler.transports.get(client) if handler is not None else None
        if io is not None and io.writer is not None:
            act(io.writer)

    def _handler(self, client: connection.Client) -> Any:
        return next((h for h in self._server.connections.values() if getattr(h, "client", None) is client), None)

    def _start(self, act: Any) -> None:
        task = asyncio.get_running_loop().create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell(self, kind: str, **data: Any) -> None:
        if self._recorder is not None:
            self._recorder.observe(kind, **data)


_OF_THE_CONNECTION = ("content-length", "transfer-encoding", "connection", "expect")


def _client_context(identity: Path | None) -> ssl.SSLContext:
    from mitmproxy import ctx

    context = ssl.create_default_context(cafile=ctx.options.ssl_verify_upstream_trusted_ca)
    if ctx.options.ssl_insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if identity is not None:
        context.load_cert_chain(identity)
    return context


_PORTIONS = 20


class PacedWriter:
    """A stream writer that sends one write at a time, with a pause after each, until `finish`."""

    def __init__(self, inner: Any, pause: float, start: Callable[[Any], None]) -> None:
        self._inner, self._pause, self._start = inner, pause, start
        self._waiting: deque[bytes] = deque()
        self._busy = self._over = self._closes = False

    def write(self, data: bytes) -> None:
        """Queue bytes; they leave in their turn."""
        if self._over and not self._busy:
            self._inner.write(data)
            return
        self._waiting.append(data)
        if not self._busy:
            self._busy = True
            self._start(self._send())

    def finish(self) -> None:
        """What is queued leaves in its time, what comes after that at once."""
        self._over = True

    def close(self) -> None:
        """Close once all is sent."""
        if self._busy:
            self._closes = True
        else:
            self._inner.close()

    def is_closing(self) -> bool:
        """True if it is closed or going to be."""
        return self._closes or bool(self._inner.is_closing())

    async def _send(self) -> None:
        try:
            while self._waiting and not self._inner.is_closing():
                self._inner.write(self._waiting.popleft())
                await asyncio.sleep(self._pause)
        finally:  # cancelled when the tap ends
            self._waiting.clear()
            self._busy = False
            if self._closes:
                self._inner.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def _heard(came: bytearray, act: Callable[[bytes], list[bytes]]) -> Callable[[bytes], list[bytes]]:
    """The same, and `came` holds what came."""

    def both(chunk: bytes) -> list[bytes]:
        came.extend(chunk)
        return act(chunk)

    return both


def _portions(size: int) -> Callable[[bytes], list[bytes]]:
    """A stream that passes on a few bytes at a time: each a TLS record of its own, so that its reader sees them come."""
    return lambda chunk: [chunk[at : at + size] for at in range(0, len(chunk), size)]


def _first(keep: int) -> Callable[[bytes], list[bytes]]:
    """A stream that lets the first `keep` bytes through and swallows the rest."""
    left = keep

    def cut(chunk: bytes) -> list[bytes]:
        nonlocal left
        passed, left = chunk[:left], max(0, left - len(chunk))
        return [passed]

    return cut
