"""TLS as the proxy in front of Hubject does it: every handshake is looked at, every failed one is noted.

Python's `ssl` refuses an untrusted client certificate inside the handshake. The proxy does not: it lets the handshake
pass and answers HTTP 400. So the certificate is read from the handshake itself (message callback) and, where the hub
wants to answer, made a trust anchor of this context before OpenSSL verifies it; possession of the key is still proven.
Whether the certificate really is trusted is decided afterwards, by the hub.
"""

import _ssl
import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from fake_hubject.certificates import facts_of_der
from fake_hubject.tasks import Tasks
from oicp.evidence import Certificate

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME of OpenSSL: time is judged by the hub (017), not by TLS
_HANDSHAKE, _ALERT = 22, 21
_CLIENT_HELLO, _CERTIFICATE = 1, 11
_TLS13 = 0x0304
_VERSIONS = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_MAX_ANCHORS = 256

Untrusted: TypeAlias = Literal["answered", "refused"]


class HandshakeFacts:
    """What one handshake showed, failed ones included."""

    __slots__ = ("certificate", "hello", "negotiated", "offered", "server_name")

    def __init__(self) -> None:
        self.hello = False
        self.offered: tuple[str, ...] = ()
        self.server_name: str | None = None
        self.certificate: Certificate | None = None
        self.negotiated: str | None = None

    @property
    def version(self) -> str | None:
        """The version both sides settled on, else the best one the client offered."""
        return self.negotiated or (self.offered[0] if self.offered else None)


_FACTS: ContextVar[HandshakeFacts | None] = ContextVar("handshake_facts", default=None)


class _ObservedTls(ssl.SSLObject):
    """An SSL object that knows the facts of its handshake."""

    facts: HandshakeFacts | None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> "_ObservedTls":
        self = super().__new__(cls)
        self.facts = _FACTS.get()
        return self


def observe_handshakes(context: ssl.SSLContext, learn: Callable[[bytes], None] | None = None) -> None:
    """Let handshakes of this context fill the `HandshakeFacts` of the running task; `learn` gets the peer's DER."""

    def seen(conn: Any, direction: str, version: int, content: int, _kind: int, data: bytes) -> None:
        if direction == "read" and content == _HANDSHAKE and data:
            facts: HandshakeFacts | None = getattr(conn, "facts", None)
            if data[0] == _CLIENT_HELLO and facts is not None:
                _read_hello(facts, data)
            elif data[0] == _CERTIFICATE:
                _take_certificate(facts, version, data, learn)

    context.sslobject_class = _ObservedTls
    # The setter of `ssl.SSLContext` wraps every call in enum conversions; its base takes the plain function.
    _ssl._SSLContext._msg_callback.__set__(context, seen)  # type: ignore[attr-defined]


def _take_certificate(
    facts: HandshakeFacts | None, version: int, data: bytes, learn: Callable[[bytes], None] | None
) -> None:
    der = _leaf(data, tls13=version == _TLS13)
    if facts is not None:
        facts.negotiated = _VERSIONS.get(version)
        facts.certificate = facts_of_der(der) if der else None
    if der and learn is not None:
        learn(der)


def _leaf(data: bytes, *, tls13: bool) -> bytes | None:
    """DER of the first certificate in a Certificate message; None for an empty list."""
    body = data[4:]
    if tls13 and body:
        body = body[1 + body[0] :]
    length = int.from_bytes(body[3:6], "big")
    return bytes(body[6 : 6 + length]) if length else None


def _read_hello(facts: HandshakeFacts, data: bytes) -> None:
    facts.hello = True
    try:
        versions, facts.server_name = _hello(data[4:])
    except (IndexError, UnicodeDecodeError):
        return
    facts.offered = tuple(_VERSIONS[v] for v in sorted(versions, reverse=True) if v in _VERSIONS)


def _hello(body: bytes) -> tuple[set[int], str | None]:
    versions, name = {int.from_bytes(body[:2], "big")}, None
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at] + 2
    while at + 4 <= len(body):
        kind, size = int.from_bytes(body[at : at + 2], "big"), int.from_bytes(body[at + 2 : at + 4], "big")
        value = body[at + 4 : at + 4 + size]
        if kind == 43:
            versions = {int.from_bytes(value[i : i + 2], "big") for i in range(1, len(value) - 1, 2)}
        elif kind == 0 and len(value) > 5:
            name = value[5:].decode("ascii")
        at += 4 + size
    return versions, name


class ServerTls:
    """The server side: one context, rebuilt when the certificate rotates or too many strangers were admitted."""

    def __init__(self, ca_file: Path, *, untrusted: Untrusted) -> None:
        self._ca_file = ca_file
        self._untrusted = untrusted
        self._files: tuple[Path, Path] | None = None
        self._anchors: set[bytes] = set()
        self._registered: tuple[str, ...] = ()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def use(self, cert_file: Path, key_file: Path, registered: tuple[str, ...] = ()) -> None:
        """Serve new connections with this certificate. `registered`: PEM certificates partners put on file."""
        self._files, self._registered = (cert_file, key_file), registered
        self._rebuild()

    def change_untrusted(self, untrusted: Untrusted) -> None:
        """Answer strangers with HTTP 400, or refuse them in the handshake."""
        self._untrusted = untrusted
        self._rebuild()

    def _rebuild(self) -> None:
        if self._files is None:
            raise RuntimeError("no server certificate chosen yet")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._files)
        context.load_verify_locations(cafile=str(self._ca_file))
        for pem in self._registered:
            context.load_verify_locations(cadata=pem)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_NO_CHECK_TIME)
        self._anchors = set()
        observe_handshakes(context, partial(self._learn, context) if self._untrusted == "answered" else None)
        self.context = context

    def _learn(self, context: ssl.SSLContext, der: bytes) -> None:
        if context is self.context:
            if der in self._anchors:
                return
            self._anchors.add(der)
            if len(self._anchors) > _MAX_ANCHORS:
                self._rebuild()
        try:
            context.load_verify_locations(cadata=der)
        except ssl.SSLError:
            return  # unreadable: the handshake fails by itself


class Acceptor:
    """Accepts TCP connections, does the TLS handshake, hands the good ones to a protocol and tells of the bad ones."""

    def __init__(
        self, tls: ServerTls, tasks: Tasks, *, handshake_limit_s: float, protocol: Callable[[], asyncio.Protocol],
        failed: Callable[[HandshakeFacts, BaseException], None],
    ) -> None:  # fmt: skip
        self._tls, self._tasks, self._limit_s = tls, tasks, handshake_limit_s
        self._protocol, self._failed = protocol, failed
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []

    def listen(self, host: str, port: int) -> int:
        """Begin to accept, on every address of a name; returns the port. Raises `OSError` if it cannot be had."""
        for listener in listeners(host, port):
            listener.setblocking(False)
            self._sockets.append(listener)
            self._accepting.append(self._tasks.spawn(self._accept(listener)))
        return int(self._sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Accept no more connections."""
        for task in self._accepting:
            task.cancel()
        if self._accepting:
            await asyncio.wait(self._accepting)
        for listener in self._sockets:
            listener.close()
        self._accepting, self._sockets = [], []

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _address = await loop.sock_accept(listener)
            except OSError:  # out of file descriptors, or the peer is gone already
                await asyncio.sleep(0.05)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._tasks.spawn(self._shake_hands(connection))

    async def _shake_hands(self, connection: socket.socket) -> None:
        facts = facts_of_next_handshake()  # a task has a context of its own
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, connection, ssl=self._tls.context, ssl_handshake_timeout=self._limit_s
            )
        except (OSError, TimeoutError) as fault:
            connection.close()
            if facts.hello or isinstance(fault, ssl.SSLError):  # a bare connect is somebody looking for the port
                self._failed(facts, fault)


def listeners(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on all addresses of a host, on one port: `localhost` is ::1 to one CPO and 127.0.0.1 to another.

    Raises `OSError` if the port is taken at one of them, or if none of them is an address of this machine.
    """
    found: list[socket.socket] = []
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, address in dict.fromkeys((row[0], str(row[4][0])) for row in rows):
        place = (address, found[0].getsockname()[1] if found else port)
        try:
            found.append(socket.create_server(place, family=family, backlog=1024))
        except OSError as fault:
            missing = fault.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
            if (missing and (found or len(rows) > 1)) or (found and not port):
                continue  # a machine without IPv6 has a name for it all the same
            for listener in found:
                listener.close()
            raise
    if not found:
        raise OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    return found


def facts_of_next_handshake() -> HandshakeFacts:
    """Facts that handshakes begun by the running task will fill."""
    facts = HandshakeFacts()
    _FACTS.set(facts)
    return facts
