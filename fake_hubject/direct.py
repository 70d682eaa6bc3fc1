"""The usual answer, written to the connection in one go; everything unusual takes aiohttp's own way."""

import asyncio
import itertools
import random
import secrets
import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from fake_hubject.answers import HUB_NAME, Reply

_BIG = 64 * 1024
_PHRASES = {status.value: status.phrase for status in HTTPStatus if status >= 200 and status not in (204, 304)}

Headers = tuple[tuple[str, str], ...]


class _Written:
    """Stands for a response that is on its way already; the server only asks whether the connection stays."""

    def __init__(self, keep_alive: bool) -> None:
        self.keep_alive = keep_alive

    async def prepare(self, _request: web.BaseRequest) -> None:
        """Nothing is left to do."""

    async def write_eof(self, _data: bytes = b"") -> None:
        """Nothing is left to do."""


_KEPT, _CLOSED = _Written(True), _Written(False)


def prepared(
    request: web.BaseRequest, reply: Reply, body: bytes, content_type: str, process_id: str
) -> tuple[web.StreamResponse, Headers, bytes] | None:
    """What stands for the response, its headers, and the bytes to write; None where it is not that simple.

    Simple is: HTTP/1.1, a POST, a small body, no headers but the usual ones, a peer that reads what it is sent.
    """
    transport: Any = request.transport
    if transport is None or request.version != HttpVersion11 or request.method != "POST" or busy(transport):
        return None
    if not simple(reply, body):
        return None
    keep = request.keep_alive and not reply.close
    text, headers = written(reply.http_status, body, content_type, process_id, keep=keep)
    return cast(web.StreamResponse, _KEPT if keep else _CLOSED), headers, text


def busy(transport: asyncio.WriteTransport) -> bool:
    """True if the peer hangs up or does not read what it was sent before."""
    return transport.is_closing() or transport.get_write_buffer_size() > _BIG


def simple(reply: Reply, body: bytes) -> bool:
    """True for a small answer without headers of its own."""
    return not reply.headers and len(body) <= _BIG and reply.http_status in _PHRASES


def written(http_status: int, body: bytes, content_type: str, process_id: str, *, keep: bool) -> tuple[bytes, Headers]:
    """The whole answer as bytes, and its headers."""
    size, date = str(len(body)), _date()
    text = (
        f"HTTP/1.1 {http_status} {_PHRASES[http_status]}\r\nServer: {HUB_NAME}\r\nProcess-ID: {process_id}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {size}\r\nDate: {date}\r\n"
        f"{'' if keep else _CLOSE}\r\n".encode("latin-1")
    )
    headers: Headers = (
        ("Server", HUB_NAME), ("Process-ID", process_id), ("Content-Type", content_type), ("Content-Length", size),
        ("Date", date),
    )  # fmt: skip
    return text + body, headers if keep else (*headers, ("Connection", "close"))


_CLOSE = "Connection: close\r\n"
_first, _numbers = secrets.token_hex(10), itertools.count(random.getrandbits(40))


def process_id() -> str:
    """A GUID of its own for every answer; nothing secret hangs on it."""
    return f"{_PROCESS}{next(_numbers) & 0xFFFF_FFFF_FFFF:012x}"


_PROCESS = f"{_first[:8]}-{_first[8:12]}-4{_first[13:16]}-a{_first[17:20]}-"


def headers_of(reply: Reply, content_type: str, process_id: str) -> CIMultiDict[str]:
    """The headers of an answer that aiohttp writes."""
    headers = CIMultiDict({"Server": HUB_NAME, "Process-ID": process_id, "Content-Type": content_type})
    headers.update(reply.headers)
    return headers


@lru_cache(maxsize=2)
def _written_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _date() -> str:
    return _written_date(int(time.time()))
