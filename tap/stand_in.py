"""Stands in for the hub of a recording: answers a CPO's messages as they were answered then, and records what comes now."""

import asyncio
import ssl
from collections import Counter
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import yarl
from aiohttp import web

from fake_hubject.certificates import facts_of_der
from fake_hubject.recorder import Recorder
from oicp.evidence import Answer, Exchange, Request, Tls
from oicp.services import Direction
from oicp.wire_json import dump
from tap.mapping import located
from tap.script import Script

_PLAIN = Answer(
    200, (("Content-Type", "application/json;charset=utf-8"),),
    dump({"Result": True, "StatusCode": {"Code": "000", "Description": None, "AdditionalInfo": None}}).encode(),
)  # fmt: skip
_HOP = {"content-length", "transfer-encoding", "connection", "content-encoding", "host", "keep-alive", "date", "server"}
BODY_LIMIT = 64 * 1024 * 1024


class StandIn:
    """The hub's side of a script; use as `async with`. `url` is its base, without `/api/oicp`."""

    def __init__(
        self, script: Script, recorder: Recorder, *, cert_file: Path, key_file: Path, ca_file: Path,
        client: tuple[Path, Path], host: str = "127.0.0.1", port: int = 0,
    ) -> None:  # fmt: skip
        self.script, self.recorder = script, recorder
        self._address = (host, port)
        self._served: Counter[tuple[str, str | None]] = Counter()
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server_tls.load_cert_chain(cert_file, key_file)
        self._server_tls.load_verify_locations(ca_file)
        self._server_tls.verify_mode = ssl.CERT_OPTIONAL
        self._client_tls = ssl.create_default_context(cafile=ca_file)
        self._client_tls.load_cert_chain(*client)
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer))
        await self._runner.setup()
        site = web.TCPSite(self._runner, *self._address, ssl_context=self._server_tls)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"https://{host}:{port}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._client_tls), timeout=aiohttp.ClientTimeout(total=60)
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    # --- from the CPO -----------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await _bounded(request)
        operation, partner_id = located(request.raw_path)
        tls = request.transport.get_extra_info("ssl_object") if request.transport else None
        der = tls.getpeercert(True) if tls else None
        headers = tuple((k, v) for k, v in request.headers.items())
        exchange = self.recorder.opened(
            Direction.CPO_TO_HUB, Request(request.method, request.raw_path, headers, body), operation=operation,
            partner_id=partner_id, url=self.url + request.raw_path,
            tls=Tls(tls.version(), facts_of_der(der) if der else None, bool(der)) if tls else None,
        )  # fmt: skip
        answer = self._as_recorded(exchange)
        self.recorder.closed(exchange, answer)
        passed = [(k, v) for k, v in answer.headers if k.lower() not in _HOP]
        return web.Response(status=answer.http_status, body=answer.body, headers=passed)

    def _as_recorded(self, exchange: Exchange) -> Answer:
        """The answer of the same turn: n-th message of this operation in this session; beyond the last one a positive one."""
        session_id = exchange.body.get("SessionID")
        key = (exchange.operation or "", session_id if isinstance(session_id, str) else None)
        turn = self._served[key]
        self._served[key] += 1
        recorded = self.script.answers.get(key, ())
        if turn < len(recorded):
            return recorded[turn]
        positive = [a for a in self.script.answers.get((key[0], None), ()) if 200 <= a.http_status < 300]
        return positive[-1] if positive and key[1] is None else _PLAIN

    # --- to the CPO -------------------------------------------------------------------------------------------------------

    async def call(self, exchange: Exchange, cpo_url: str) -> Exchange:
        """Send a recorded call of the hub to the CPO of today; the path below `/api/oicp` stays."""
        target = exchange.request.target
        path = "/api/oicp" + urlsplit(target).path.partition("/api/oicp")[2]
        url = cpo_url.rstrip("/") + path
        opened = self.recorder.opened(
            Direction.HUB_TO_CPO, Request(exchange.request.method, path, exchange.request.headers, exchange.request.body),
            operation=exchange.operation, partner_id=exchange.partner_id, url=url,
        )  # fmt: skip
        headers = [(k, v) for k, v in exchange.request.headers if k.lower() not in _HOP]
        try:
            async with self._session.request(
                exchange.request.method, yarl.URL(url, encoded=True), data=exchange.request.body, headers=headers
            ) as answer:
                body = await answer.content.read(BODY_LIMIT)
                got = Answer(answer.status, tuple((k, v) for k, v in answer.headers.items()), body)
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            return self.recorder.closed(opened, None, error=f"{type(fault).__name__}: {fault}")
        return self.recorder.closed(opened, got)


async def _bounded(request: web.BaseRequest) -> bytes:
    parts, size = [], 0
    async for part in request.content.iter_any():
        size += len(part)
        if size > BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, size)
        parts.append(part)
    return b"".join(parts)


async def until(recorder: Recorder, t: float) -> None:
    """Wait for a second of the recording that is being made."""
    await asyncio.sleep(max(0.0, t - recorder.now()))
