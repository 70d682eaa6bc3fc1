"""One open WebSocket of a charge point: OCPP-J calls out, answers back, calls in. Nothing a peer sends breaks it."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ocpp.exceptions import InternalError, OCPPError, ProtocolError
from ocpp.messages import Call, CallError, CallResult
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from simulator.schemas import CALL, RESULT, fault_of

Payload = dict[str, Any]


class LinkClosed(Exception):
    """The connection went away; the message says how."""


class CallFailed(Exception):
    """A call got no usable answer: a CALLERROR, none in time, or nonsense. `unanswered`: nothing came at all."""

    def __init__(self, reason: str, *, unanswered: bool = False) -> None:
        super().__init__(reason)
        self.unanswered = unanswered


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a call of the CPO, and what the charge point does once it was sent."""

    payload: Payload
    then: Callable[[], None] | None = None


Handler = Callable[[Payload], Reply]


class Seen(Protocol):
    """Told of every call that ended, both ways."""

    def __call__(
        self, sender: str, action: str, payload: Any, answer: Any, error: str | None, duration_s: float
    ) -> None: ...


class Link:
    """OCPP-J on one WebSocket. One call of ours is open at a time, as the protocol wants it.

    `find`: the handler of an action, raising an OCPP error for none. `before_send`: awaited before each frame (injected latency).
    """

    def __init__(
        self,
        socket: ClientConnection,
        version: str,
        find: Callable[[str], Handler],
        seen: Seen,
        before_send: Callable[[], Awaitable[None]],
        check_schemas: bool = True,
    ) -> None:
        self._socket = socket
        self.version = version
        self._find = find
        self._seen = seen
        self._before_send = before_send
        self._check = check_schemas
        self._open: dict[str, asyncio.Future[tuple[int, list[Any]]]] = {}
        self._sending = asyncio.Lock()

    async def read(self) -> str:
        """Serve until the connection is gone; returns the reason."""
        try:
            async for raw in self._socket:
                await self._route(raw)
        except ConnectionClosed:
            pass
        except LinkClosed as fault:
            return str(fault)
        finally:
            for future in self._open.values():
                if not future.done():
                    future.set_exception(LinkClosed("the connection closed before the answer came"))
                    future.exception()  # a caller that was cancelled meanwhile does not fetch it
        return self.close_reason

    @property
    def close_reason(self) -> str:
        """How the connection ended."""
        code, text = self._socket.close_code, self._socket.close_reason
        return f"closed with code {code}" + (f" ({text})" if text else "")

    async def call(self, action: str, payload: Payload, timeout: float) -> Payload:
        """Send a call, return the answer's payload. Raises `CallFailed` or `LinkClosed`."""
        began = time.monotonic()
        answer: Payload | None = None
        error: str | None = None
        try:
            answer = await self._ask(action, payload, timeout)
            error = self._fault(RESULT, action, answer)
            return answer
        except (CallFailed, LinkClosed) as fault:
            error = str(fault)
            raise
        finally:
            self._seen("charge_point", action, payload, answer, error, time.monotonic() - began)

    async def _ask(self, action: str, payload: Payload, timeout: float) -> Payload:
        own = self._fault(CALL, action, payload)
        if own is not None:
            raise CallFailed(f"not sent, it breaks the schema of OCPP {self.version}: {own}")
        ident = str(uuid.uuid4())
        future: asyncio.Future[tuple[int, list[Any]]] = asyncio.get_running_loop().create_future()
        self._open[ident] = future
        try:
            await self._send(Call(ident, action, payload).to_json())
            async with asyncio.timeout(timeout):
                kind, rest = await future
        except TimeoutError:
            raise CallFailed(f"no answer within {timeout:g} s", unanswered=True) from None
        finally:
            del self._open[ident]
        if kind == 4:
            raise CallFailed("CALLERROR " + " ".join(str(part) for part in rest[:2])[:300])
        if not rest or not isinstance(rest[0], dict):
            raise CallFailed("the answer's payload is no JSON object")
        return rest[0]

    def _fault(self, kind: int, action: str, payload: Payload) -> str | None:
        fault = fault_of(self.version, kind, action, payload) if self._check else None
        return None if fault is None else f"{fault.code}: {fault.description}"

    async def _send(self, text: str) -> None:
        try:
            async with self._sending:
                await self._before_send()
                await self._socket.send(text)
        except ConnectionClosed:
            raise LinkClosed(self.close_reason) from None

    # --- what comes in -----------------------------------------------------------------------------------------------

    async def _route(self, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
        except (ValueError, RecursionError):
            return self._odd(raw, "no JSON")
        if not isinstance(message, list) or len(message) < 2 or not isinstance(message[1], str):
            return self._odd(raw, "no OCPP message")
        kind, ident, *rest = message
        if kind == CALL and rest:
            await self._serve(ident, rest)
        elif kind in (3, 4):
            future = self._open.get(ident)
            if future is None or future.done():
                return self._odd(raw, "an answer to no open call (late, or its id is wrong)")
            future.set_result((kind, rest))
        else:
            self._odd(raw, f"message type {kind!r}")
        return None

    def _odd(self, raw: str | bytes, why: str) -> None:
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        self._seen("cpo", "", text[:500], None, f"ignored: {why}", 0.0)

    async def _serve(self, ident: str, rest: list[Any]) -> None:
        began = time.monotonic()
        action = rest[0] if isinstance(rest[0], str) else ""
        payload = rest[1] if len(rest) > 1 else None
        reply: Reply | None = None
        error: OCPPError | None = None
        try:
            reply = self._handled(action, payload)
            text = CallResult(ident, reply.payload).to_json()
        except OCPPError as fault:
            error = fault
            text = CallError(ident, fault.code, fault.description, fault.details).to_json()
        await self._send(text)
        self._seen(
            "cpo", action or str(rest[0])[:100], payload, reply.payload if reply else None,
            f"{error.code}: {error.description}" if error else None, time.monotonic() - began,
        )  # fmt: skip
        if reply is not None and reply.then is not None:
            reply.then()

    def _handled(self, action: str, payload: Any) -> Reply:
        handler = self._find(action)
        if not isinstance(payload, dict):
            raise ProtocolError(description="the payload is no JSON object")
        fault = fault_of(self.version, CALL, action, payload) if self._check else None
        if fault is not None:
            raise fault
        try:
            return handler(payload)
        except (KeyError, TypeError, ValueError, AttributeError) as broken:
            # Only reachable with the schema check off: then the payload itself may be anything.
            raise InternalError(description=f"cannot read the payload: {broken}"[:255]) from broken


def text(payload: Mapping[str, Any], *path: str) -> str | None:
    """A string somewhere in an answer; None if it is not there or no string."""
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


def whole(payload: Mapping[str, Any], name: str) -> int | None:
    """A whole number in an answer; None if it is not there or none."""
    value = payload.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
