"""Usual requests are answered at once, without the parser of aiohttp: nobody must be able to tell the two ways apart."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from fake_hubject.certificates import Authority
from fake_hubject.connection import KEEP_ALIVE_S, Connection
from fake_hubject.faults import Fault
from fake_hubject.server import HubServer
from fake_hubject.services import SERVICES, done_at_once, never_waits
from fake_hubject.usual import usual
from tests.hub.stage import EMP, EVSE, OPERATOR, Stage, cdr, data_push, data_record, staged, status_push

_PATH = f"/api/oicp/evsepush/v21/operators/{OPERATOR}/status-records"


def _request(body: bytes, *headers: str, path: str = _PATH, method: str = "POST") -> bytes:
    rows = ("Host: hub", "Content-Type: application/json", *headers, f"Content-Length: {len(body)}")
    return f"{method} {path} HTTP/1.1\r\n".encode() + "".join(f"{row}\r\n" for row in rows).encode() + b"\r\n" + body


def _push(value: str = "Available") -> bytes:
    return json.dumps(status_push((EVSE, value))).encode()


class _Wire:
    """A bare TLS connection of the CPO."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    _all: ClassVar[list["_Wire"]] = []

    @classmethod
    async def to(cls, stage: Stage) -> "_Wire":
        port = int(stage.hub.url.rpartition(":")[2])
        cls._all.append(cls(*await asyncio.open_connection("127.0.0.1", port, ssl=stage.context(stage.client))))
        return cls._all[-1]

    @classmethod
    async def hang_up(cls) -> None:
        """Close all."""
        while cls._all:
            writer = cls._all.pop().writer
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(row.split(": ", 1) for row in head[1:-2])
            body = await self.reader.readexactly(int(headers["Content-Length"]))
        return int(head[0].split()[1]), headers, json.loads(body) if body[:1] == b"{" else body

    async def says(self, data: bytes) -> tuple[int, dict[str, str], Any]:
        self.writer.write(data)
        return await self.answer()


async def _has_come(stage: Stage) -> None:
    """A part of a request has reached the hub."""
    manager: Any = stage.hub._server._manager
    async with asyncio.timeout(10):
        while all(connection._due == 0 for connection in manager.connections):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
async def _hung_up() -> AsyncIterator[None]:
    """No connection is left open."""
    yield
    await _Wire.hang_up()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Which requests were answered at once, in order of asking."""
    seen: list[bool] = []
    served = HubServer._at_once

    def counted(self: HubServer, *what: Any) -> bool | None:
        stays = served(self, *what)
        seen.append(stays is not None)
        return stays

    monkeypatch.setattr(HubServer, "_at_once", counted)
    return seen


async def test_both_ways_answer_and_record_the_same(stage: Stage, at_once: list[bool]) -> None:
    """One request at once, the same one by way of aiohttp: answers and evidence differ in numbers and times only."""
    await stage.publish()
    stage.hub.change(vary_answers=False)
    wire = await _Wire.to(stage)
    await wire.says(_request(_push(), "TE: trailers"))  # the parser reads this one, and all that follow
    other = await _Wire.to(stage)
    at_once.clear()
    for body in (_push(), b"{", b"[]", b'{"ActionType": 1}', _push("Tea"), b""):
        slow, quick = await wire.says(_request(body)), await other.says(_request(body))
        one, two = stage.recorder.exchanges[-2:]
        same = {"Date": "", "Process-ID": ""}
        assert (quick[0], quick[1] | same, quick[2]) == (slow[0], slow[1] | same, slow[2])
        assert one.request == replace(two.request)
        assert (one.operation, one.partner_id, one.url, one.tls, one.direction, one.error, one.recorder, one.faults) == (
            two.operation, two.partner_id, two.url, two.tls, two.direction, two.error, two.recorder, two.faults,
        )  # fmt: skip
        assert one.answer is not None
        assert two.answer is not None
        assert [n for n, _ in one.answer.headers] == [n for n, _ in two.answer.headers]
        if slow[1].get("Connection") == "close":
            assert await wire.reader.read() == await other.reader.read() == b""
            wire, other = await _Wire.to(stage), await _Wire.to(stage)
            await wire.says(_request(_push(), "TE: trailers"))
    assert any(at_once)


async def test_any_way_of_cutting_a_request_in_two(stage: Stage, at_once: list[bool]) -> None:
    """Pieces go to the parser; when it is through, requests in one piece are answered at once again."""
    await stage.publish()
    whole = _request(_push())
    begin = len(whole) - len(_push())
    at_once.clear()
    for cut in (1, 30, begin - 2, begin, len(whole) - 1):
        wire = await _Wire.to(stage)
        for _ in range(2):
            assert (await wire.says(whole))[0] == 200
        assert at_once[-1]
        at_once.clear()
        wire.writer.write(whole[:cut])
        await _has_come(stage)
        assert (await wire.says(whole[cut:]))[2]["Result"] is True
        assert not at_once
        assert (await wire.says(whole))[2]["Result"] is True
        assert at_once == ([True] if cut >= begin else [])
        at_once.clear()
        await _Wire.hang_up()


async def test_two_requests_in_one_piece(stage: Stage) -> None:
    """Both are answered, in order, and the next ones too."""
    await stage.publish()
    wire = await _Wire.to(stage)
    await wire.says(_request(_push()))
    assert (await wire.says(_request(_push("Occupied")) + _request(b"{}", path="/api/oicp/x")))[0] == 200
    assert (await wire.answer())[0] == 404
    wire = await _Wire.to(stage)
    await wire.says(_request(_push()))
    for _ in range(3):
        assert (await wire.says(_request(_push("Occupied")) + _request(_push())))[2]["Result"] is True
        assert (await wire.answer())[2]["Result"] is True
    assert len(stage.recorder.exchanges) == 11


async def test_what_holds_up_takes_the_long_way(tmp_path: Path, authority: Authority, at_once: list[bool]) -> None:
    """Faults, time for processing and bodies over the limit are none the less for the short cut."""
    async with staged(tmp_path, authority, max_body_bytes=3000) as stage:
        await stage.publish(data_record())
        wire = await _Wire.to(stage)
        await wire.says(_request(_push()))
        async with stage.hub.fault(Fault("f", operation="PushEvseStatus", http_status=503)) as armed:
            assert (await wire.says(_request(_push())))[0] == 503
        assert armed.fired == 1
        wire = await _Wire.to(stage)
        await wire.says(_request(_push()))
        assert (await wire.says(_request(b" " * 3001)))[0] == 413
        stage.hub.change(processing_s=0.01)
        assert not never_waits(stage.hub.broker, "PushEvseStatus")
        wire = await _Wire.to(stage)
        assert (await wire.says(_request(_push())))[0] == 200


async def test_an_idle_connection_ends(stage: Stage) -> None:
    """Requests answered at once keep a connection alive, and start its clock."""
    await stage.publish()
    wire = await _Wire.to(stage)
    await wire.says(_request(_push()))
    server: Any = stage.hub._server
    connections = [c for c in server._manager.connections if isinstance(c, Connection)]
    assert connections
    ends = [c._next_keepalive_close_time for c in connections if c._keepalive_handle is not None]
    assert max(ends) > asyncio.get_running_loop().time() + KEEP_ALIVE_S - 30


async def test_every_service_that_never_waits_does_not(stage: Stage) -> None:
    """The list in `services` is true: a wrong entry would be a crash."""
    await stage.publish()
    session = await stage.started()
    assert (await stage.call("ChargeDetailRecord", cdr(session))).code == "000"
    for name in SERVICES:
        if never_waits(stage.hub.broker, name):
            body = {"ProviderID": EMP} if "{providerID}" in name else data_push(data_record())
            await stage.call(name, body)
    stage.assert_no_crash()

    async def waits() -> Any:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits"):
        done_at_once(waits())


_TEXT = st.text(st.characters(max_codepoint=255), max_size=12)
_NAMES = (
    st.sampled_from(
        ("Host", "Content-Length", "content-length", "Connection", "Transfer-Encoding", "X-Y", "Accept", "a_b")
    )
    | _TEXT
)
_VALUES = st.sampled_from(("0", "2", "+2", "2, 2", "close", "keep-alive", "chunked", "", " ", "hub", "*/*")) | _TEXT


@given(
    st.lists(st.tuples(_NAMES, _VALUES), max_size=5), st.sampled_from((": ", ":", " : ", ":\t")),
    st.sampled_from((_PATH, "/api/oicp/", "/api/oicp/a b", "/api/oicp/ä", "/api/oicp/x?y=1#z", "//x")),
)  # fmt: skip
def test_a_head_read_quickly_is_what_the_parser_reads(pairs: list[tuple[str, str]], colon: str, path: str) -> None:
    """Whatever is taken for usual means the same to aiohttp: target, headers, length of the body, connection kept."""
    rows = [("Host", "h"), ("Content-Length", "2"), *pairs]
    text = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}{colon}{value}\r\n" for name, value in rows) + "\r\n"
    data = text.encode("latin-1") + b"{}"
    found = usual(data)
    if found is None:
        return
    head, begin = found
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(BaseProtocol(loop), loop, 65_536)
        (message, payload), *more = parser.feed_data(data[: begin + head.size])[0]
    except HttpProcessingError as refused:
        raise AssertionError(f"aiohttp refuses {data!r}: {refused}") from None
    finally:
        loop.close()
    assert not more
    assert payload.is_eof()
    assert (message.path, message.should_close, message.chunked, message.upgrade) == (head.target, False, False, False)
    assert tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in message.raw_headers) == head.headers
