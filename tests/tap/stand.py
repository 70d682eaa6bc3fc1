"""A small upstream over mutual TLS and a client with a certificate, for the tap between them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from fake_hubject.certificates import Authority, Issued

ACK = b'{"Result":true,"StatusCode":{"Code":"000","Description":null,"AdditionalInfo":null}}'
START = "/api/oicp/charging/v21/providers/DE-DCB/authorize-remote/start"
PUSH = "/api/oicp/evsepush/v21/operators/DE*ABC/status-records"


@dataclass
class Upstream:
    """What stands behind the tap; remembers bodies and the client certificates it was shown."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    callers: set[tuple[str, int]] = field(default_factory=set)
    answer: bytes = ACK
    _came: asyncio.Event = field(default_factory=asyncio.Event)

    def took(self, body: bytes) -> None:
        """A request is complete."""
        self.bodies.append(body)
        self._came.set()

    async def receives(self, enough: Callable[[list[bytes]], bool]) -> None:
        """Wait until what came is enough, at most 20 seconds."""
        async with asyncio.timeout(20):
            while not enough(self.bodies):
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def upstream(authority: Authority) -> AsyncIterator[Upstream]:
    """Serve on a free port; a client certificate of the authority is demanded."""
    seen = Upstream()

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.took(await request.read())
        seen.targets.append(request.raw_path)
        seen.hosts.append(request.headers["Host"])
        seen.callers.add(request.get_extra_info("peername"))
        certificate = request.get_extra_info("peercert") or {}
        seen.subjects.append(str(certificate.get("subject")))
        return web.Response(body=seen.answer, content_type="application/json")

    issued = authority.issue_server(["127.0.0.1", "localhost"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_file, issued.key_file)
    context.load_verify_locations(authority.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    seen.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield seen
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client(authority: Authority, issued: Issued | None) -> AsyncIterator[aiohttp.ClientSession]:
    """A CPO that trusts the authority and presents its certificate."""
    context = ssl.create_default_context(cafile=authority.ca_file)
    if issued is not None:
        context.load_cert_chain(issued.cert_file, issued.key_file)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=15)) as session:
        yield session


def joined(issued: Issued, folder: Path, name: str) -> Path:
    """Certificate and key in one PEM file, as mitmproxy wants them."""
    path = folder / f"{name}.pem"
    path.write_bytes(issued.cert_file.read_bytes() + issued.key_file.read_bytes())
    path.chmod(0o600)
    return path
