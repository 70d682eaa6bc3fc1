"""Requests as nearly all of them come: one piece of bytes, a plain head, a body of a known length. Read without a parser.

Whatever is written in another way, be it allowed or not, is left to the parser of aiohttp.
"""

import re
from functools import lru_cache
from typing import NamedTuple

_LONGEST_HEAD, _MOST_HEADERS = 4096, 60
_HEAD = re.compile(
    rb"POST (/api/oicp/[A-Za-z0-9*._~+%?=&/-]*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n)+)\r\n"
)
_SIZE = re.compile(r"[0-9]{1,9}")
_NOT_USUAL = {"transfer-encoding", "content-encoding", "expect", "upgrade", "http2-settings", "te", "trailer"}


class Head(NamedTuple):
    """Request target, headers as they were sent, and the length of the body."""

    target: str
    headers: tuple[tuple[str, str], ...]
    size: int


def usual(data: bytes) -> tuple[Head, int] | None:
    """The head at the beginning of `data` and where the body begins; None for anything that is not quite usual."""
    begin = data.find(b"\r\n\r\n", 0, _LONGEST_HEAD) + 4
    if begin < 4:
        return None
    head = _read(data[:begin])
    return None if head is None else (head, begin)


@lru_cache(512)  # the requests of one connection differ in the length of the body at most
def _read(head: bytes) -> Head | None:
    match = _HEAD.fullmatch(head)
    if match is None:
        return None
    headers = tuple(_pair(row) for row in match.group(2).decode("ascii").split("\r\n")[:-1])
    found = {name.lower(): value for name, value in headers}
    size = found.get("content-length", "")
    if len(found) < len(headers) or len(headers) > _MOST_HEADERS or not found.keys().isdisjoint(_NOT_USUAL):
        return None
    if "host" not in found or _SIZE.fullmatch(size) is None or found.get("connection", _KEPT).lower() != _KEPT:
        return None
    return Head(match.group(1).decode("ascii"), headers, int(size))


_KEPT = "keep-alive"


def _pair(row: str) -> tuple[str, str]:
    name, _, value = row.partition(": ")
    return name, value
