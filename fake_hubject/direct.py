"""The usual answer, written to the connection in one go; everything unusual takes aiohttp's own way."""

import time
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, cast

from aiohttp import HttpVersion11, web

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


def write(
    request: web.BaseRequest, reply: Reply, body: bytes, content_type: str, process_id: str
) -> tuple[web.StreamResponse, Headers] | None:
    """Answer at once and return the headers sent; None where it is not that simple: aiohttp has to do it.

    Simple is: HTTP/1.1, a POST, a small body, no headers but the usual ones, a peer that reads what it is sent.
    """
    transport: Any = request.transport
    status = reply.http_status
    if (
        transport is None or transport.is_closing() or reply.headers or len(body) > _BIG or status not in _PHRASES
        or request.version != HttpVersion11 or request.method != "POST" or transport.get_write_buffer_size() > _BIG
    ):  # fmt: skip
        return None
    keep = request.keep_alive and not reply.close
    size, date = str(len(body)), _date()
    transport.write(
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\nServer: {HUB_NAME}\r\nProcess-ID: {process_id}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {size}\r\nDate: {date}\r\n"
        f"{'' if keep else _CLOSE}\r\n".encode("latin-1")
        + body
    )
    headers: Headers = (
        ("Server", HUB_NAME), ("Process-ID", process_id), ("Content-Type", content_type), ("Content-Length", size),
        ("Date", date),
    )  # fmt: skip
    response = cast(web.StreamResponse, _KEPT if keep else _CLOSED)
    return response, headers if keep else (*headers, ("Connection", "close"))


_CLOSE = "Connection: close\r\n"


@lru_cache(maxsize=2)
def _written_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _date() -> str:
    return _written_date(int(time.time()))
