"""The endpoint the hub calls: HTTPS, the published paths, every request answered with an acknowledgement."""

import logging
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web

from cpo.answers import Refused, acknowledgement
from cpo.requests import session_id_in
from cpo.settings import Address, BadSettings
from oicp import wire_json
from oicp.services import PREFIX, Direction, operation_of
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.oicp_server")
_LARGEST_REQUEST = 256 * 1024

Service = Callable[[dict[str, Json]], Awaitable[dict[str, Json]]]


class OicpServer:
    """Serves the operations it was given; others are answered 320, other paths 404."""

    def __init__(self, address: Address, context: ssl.SSLContext | None, services: dict[str, Service]) -> None:
        self._address, self._context, self._services = address, context, services
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `BadSettings` where the port cannot be had."""
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_route("*", "/{tail:.*}", self.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address.host, self._address.port, ssl_context=self._context)
        try:
            await site.start()
        except OSError as fault:
            where = f"{self._address.host}:{self._address.port}"
            raise BadSettings(
                f"OICP_BENCH_CPO_URL: cannot listen on {where} ({fault.strerror}); choose a free port"
            ) from None

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one request."""
        path = unquote(request.rel_url.raw_path)
        prefix = self._address.path + PREFIX
        found = operation_of(path.removeprefix(prefix)) if path.startswith(prefix) else None
        if found is None or Direction.HUB_TO_CPO not in found[0].directions:
            return _answer({"message": f"nothing is served at {path[:200]}"}, 404)
        if request.method != "POST":
            return _answer({"message": "OICP is spoken by POST"}, 405)
        return _answer(await self.answer(found[0].name, request))

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        """The acknowledgement to one request; also for what cannot be read, and for trouble of our own."""
        session_id: str | None = None
        try:
            body = await _read(request)
            session_id = session_id_in(body)
            service = self._services.get(operation)
            if service is None:
                raise Refused("320")
            return await service(body)
        except Refused as refused:
            LOG.info("%s refused: %s", operation, refused)
            return acknowledgement(refused.code, refused.information, session_id=session_id)
        except Exception:
            LOG.exception("%s failed", operation)
            return acknowledgement("021", session_id=session_id)


async def _read(request: web.Request) -> dict[str, Json]:
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused("022", f"the body is larger than {_LARGEST_REQUEST} bytes") from None
    parsed = wire_json.parse(raw)
    if not isinstance(parsed.value, dict):
        raise Refused("022", parsed.error or "the body is no JSON object")
    return parsed.value


def _answer(body: dict[str, Json], http_status: int = 200) -> web.Response:
    return web.Response(
        body=wire_json.dump(body).encode(), status=http_status, content_type="application/json", charset="utf-8"
    )
