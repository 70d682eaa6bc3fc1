"""One connection of a partner: who is at its other end, and which of its requests can be answered at once."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from cryptography import x509

from fake_hubject import answers, direct
from fake_hubject.broker import Broker
from fake_hubject.certificates import facts_of
from fake_hubject.usual import Head, usual
from fake_hubject.way import Way
from oicp.evidence import Certificate, Tls

SILENT = logging.getLogger("fake_hubject.http")
SILENT.propagate = False
SILENT.addHandler(logging.NullHandler())
KEEP_ALIVE_S = 75.0


class Peer:
    """Who is at the other end of a connection."""

    __slots__ = ("_tls", "certificate", "name", "signed", "version", "x509")

    def __init__(self, name: str, version: str | None, certificate: x509.Certificate | None) -> None:
        self.name = name
        self.version = version
        self.x509 = certificate
        self.certificate: Certificate | None = facts_of(certificate) if certificate else None
        self.signed: bool | None = None
        self._tls: Tls | None = None

    def tls(self, broker: Broker) -> Tls:
        """The TLS side of an exchange, with the partner the certificate is on file for at this moment."""
        if self.certificate is None or self.x509 is None:
            return Tls(self.version)
        if self.signed is None:
            self.signed = broker.authority.signed(self.x509)
        partner = broker.partner_of_certificate(self.certificate)
        trusted = self.signed or broker.is_pinned(self.certificate)
        partner_id = partner.id if partner else None
        known = self._tls
        if known is None or known.partner_id != partner_id or known.trusted is not trusted:
            known = self._tls = Tls(self.version, self.certificate, trusted, partner_id)
        return known


AtOnce: TypeAlias = Callable[[Peer, asyncio.Transport, Head, bytes], bool | None]
"""Answers a request if it can; then True to keep the connection, False to close it. None: it cannot."""


class Connection(RequestHandler):
    """One connection: aiohttp's protocol that knows its peer and answers garbage like the proxy does.

    A usual request that comes while nothing else is going on is answered in the moment it arrives, without a task, if
    `at_once` can. All others take aiohttp's way; `_due` counts what its parser is still waiting for.
    """

    peer: Peer
    way: Way | None
    garbage: Callable[[Peer, str], None]
    at_once: AtOnce
    gone: asyncio.Event
    name: str
    _due: int | None = 0
    """Bytes missing in the message aiohttp's parser reads; None: unknown, so it reads all that comes from now on."""

    def data_received(self, data: bytes) -> None:
        """Bytes of one or more requests, or of a part of one."""
        due = self._due
        if not data:
            pass  # aiohttp itself, about to go on with what it has
        elif due == 0:
            due = None
            if (found := usual(data)) is not None:
                head, begin = found
                left = begin + head.size - len(data)
                if left == 0 and self._is_idle() and self._answered(head, data[begin:]):
                    return
                due = left if left >= 0 else None
        elif due is not None:
            due = due - len(data) if due >= len(data) else None
        self._due = due
        super().data_received(data)

    def finish(self) -> None:
        """Close now, or after the answer to the request that is going on."""
        if self._is_idle() or not self._request_count:
            self.force_close()
        else:
            self.close()

    def _is_idle(self) -> bool:
        """True while no request is going on or waiting."""
        waiter = self._waiter
        return (
            waiter is not None and not waiter.done() and not self._messages and not (self._close or self._force_close)
        )

    def _answered(self, head: Head, body: bytes) -> bool:
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        stays = self.at_once(self.peer, transport, head, body)
        if stays is None:
            return False
        if not stays:
            self.force_close()
            return True
        self._next_keepalive_close_time = until = self._loop.time() + KEEP_ALIVE_S
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(until, self._process_keepalive)
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is over: look who it is."""
        behind = self.way.behind(transport.get_extra_info("peername")) if self.way else None
        if behind is not None:
            self.peer = Peer(behind.name, behind.version, behind.certificate)
        else:
            tls = transport.get_extra_info("ssl_object")
            der = tls.getpeercert(True)
            self.peer = Peer(self.name, tls.version(), x509.load_der_x509_certificate(der) if der else None)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """The peer is gone; wakes those who wait for that."""
        self.gone.set()
        super().connection_lost(exc)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer what cannot be read as HTTP."""
        self.garbage(self.peer, message or str(exc))
        reply = answers.BAD_REQUEST if status < 500 else answers.SYSTEM_ERROR
        response = web.Response(
            status=reply.http_status,
            body=reply.encoded(),
            headers=direct.headers_of(reply, "text/html" if status < 500 else "application/json", direct.process_id()),
        )
        response.force_close()
        return response
