"""The reference CPO with what a variant changes: built from `cpo.application`, never by a switch inside it."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from cpo.application import Application, Parts
from cpo.oicp_client import HubClient, NoAnswer, Reply, _reply
from cpo.oicp_server import OicpServer
from cpo.settings import Settings
from oicp import wire_json
from oicp.services import OPERATIONS
from oicp.wire_json import Json
from tests.broken_cpos.variant import Http, Variant


class Client(HubClient):
    """The client with changed messages and a changed way of sending them. Subclasses change more."""

    variant = Variant("none", "")

    async def _exchange(self, operation: str, body: str) -> Reply:
        if self._http is None:
            raise NoAnswer("the client is closed")
        http, body = self.variant.http, changed(self.variant, operation, body)
        path = http.path(operation, OPERATIONS[operation].url_path(quote(self._operator_id, safe="*")))
        headers = {"Content-Type": "application/json;charset=UTF-8"} | dict(http.headers)
        try:
            async with self._http.request(
                http.method, URL(self._hub_url + path, encoded=True), data=_data(http, body),
                headers={name: value for name, value in headers.items() if value is not None},
                skip_auto_headers=[name for name, value in headers.items() if value is None], allow_redirects=False,
            ) as received:  # fmt: skip
                return _reply(received, await received.content.read(1_000_000))
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            raise NoAnswer(f"{operation}: {type(fault).__name__} {fault}".strip()) from None

    async def __aenter__(self) -> "Client":
        await super().__aenter__()
        if self.variant.http.connection_per_call and self._http is not None:
            await self._http.close()
            self._http = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._context or True, force_close=True),
                timeout=aiohttp.ClientTimeout(total=self._timeout),
            )
        return self


def changed(variant: Variant, operation: str, body: str) -> str:
    """The text of a message as the variant sends it."""
    change = variant.requests.get(operation)
    message = wire_json.parse_text(body).value
    if change is None or not isinstance(message, dict):
        return body
    change(message)
    return wire_json.dump(message)


def _data(http: Http, body: str) -> Any:
    raw = http.encode(body)
    if not http.chunked:
        return raw

    async def pieces() -> Any:
        for start in range(0, len(raw), 700):
            yield raw[start : start + 700]

    return pieces()


class Server(OicpServer):
    """The endpoint with changed answers. Subclasses change more."""

    variant = Variant("none", "")

    async def handle(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        """Answer, then change what is answered."""
        response = await super().handle(request)
        http = self.variant.http
        value = wire_json.parse(bytes(response.body or b"")).value  # type: ignore[arg-type]
        body = value if isinstance(value, dict) else {}
        status = http.answer_status(body) if response.status == 200 else response.status
        raw = http.answer_encode(wire_json.dump(body))
        headers = {"Content-Type": "application/json;charset=utf-8"} | dict(http.answer_headers)
        return web.Response(body=raw, status=status, headers=headers)

    async def answer(self, operation: str, request: web.Request) -> dict[str, Json]:
        """The acknowledgement as the variant gives it."""
        message = await super().answer(operation, request)
        change = self.variant.answers.get(operation)
        if change is not None:
            asked = wire_json.parse(await request.read()).value
            change(asked if isinstance(asked, dict) else {}, message)
        return message


def build(settings: Settings, variant: Variant) -> Application:
    """The CPO of a variant."""
    parts: dict[str, Any] = {"client": Client, "server": Server, **variant.parts}
    bound = {
        name: type(part.__name__, (part,), {"variant": variant}) if isinstance(part, type) else part
        for name, part in parts.items()
    }
    application = Application(replace(settings, **variant.settings), Parts(**bound))
    variant.tune(application)
    return application


async def pause(seconds: float) -> None:
    """The variant takes its time."""
    await asyncio.sleep(seconds)
