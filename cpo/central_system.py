"""The OCPP central system: accepts the charge points of the fleet over WebSocket, in OCPP 1.6J and 2.0.1."""

import asyncio
import http
import logging
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cpo.background import Background
from cpo.charge_point_link import Links
from cpo.events import ChargePointEvents
from cpo.fleet_data import ChargePoint, FleetData
from cpo.ocpp16 import ChargePoint16
from cpo.ocpp201 import ChargePoint201
from cpo.register import Register
from cpo.settings import Address, BadSettings, Settings

LOG = logging.getLogger("cpo.central_system")
_LARGEST_MESSAGE = 1024 * 1024
_PING_S = 20.0


class CentralSystem:
    """One WebSocket endpoint for all charge points; `links` holds those that are connected."""

    versions: dict[str, Any] = {"ocpp2.0.1": ChargePoint201, "ocpp1.6": ChargePoint16}  # noqa: RUF012

    def __init__(
        self, settings: Settings, fleet: FleetData, register: Register, events: ChargePointEvents, links: Links,
        background: Background, context: ssl.SSLContext | None,
    ) -> None:  # fmt: skip
        self._settings, self._fleet, self._register, self._events = settings, fleet, register, events
        self._links, self._background, self._context = links, background, context
        self._server: Server | None = None

    @property
    def address(self) -> Address:
        """Where it listens."""
        return self._settings.ocpp

    async def start(self) -> None:
        """Listen. Raises `BadSettings` where the port cannot be had."""
        try:
            self._server = await serve(
                self.serve_one, self.address.host, self.address.port, ssl=self._context,
                process_request=self._admit, subprotocols=list(self.versions), select_subprotocol=self._version,  # type: ignore[arg-type]
                max_size=_LARGEST_MESSAGE, ping_interval=_PING_S, ping_timeout=_PING_S, close_timeout=1.0,
            )  # fmt: skip
        except OSError as fault:
            where = f"{self.address.host}:{self.address.port}"
            raise BadSettings(
                f"OICP_BENCH_OCPP_URL: cannot listen on {where} ({fault.strerror}); choose a free port"
            ) from None

    async def close(self) -> None:
        """Stop listening and end all connections."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _charge_point(self, target: str) -> ChargePoint | None:
        prefix = self.address.path + "/"
        path = urlsplit(target).path
        return self._fleet.charge_points.get(unquote(path.removeprefix(prefix))) if path.startswith(prefix) else None

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Only charge points of the fleet are let in."""
        if self._charge_point(request.path) is None:
            LOG.warning("refused a charge point at %s", request.path[:200])
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no such charge point\n")
        return None

    def _version(self, connection: ServerConnection, offered: Any) -> Any:
        """The newest version both speak; a charge point that names none is taken as the fleet file says."""
        return next((version for version in self.versions if version in offered), None)

    async def serve_one(self, connection: ServerConnection) -> None:
        """Serve one connection until it ends; it takes the place of an earlier one of the same charge point."""
        charge_point = self._charge_point(connection.request.path if connection.request else "")
        if charge_point is None:
            return
        version = connection.subprotocol or f"ocpp{charge_point.ocpp_version}"
        kind = self.versions.get(version, ChargePoint16)
        link = kind(charge_point, connection, self._settings, self._events, self._register)
        earlier = self._links.joined(charge_point.charge_point_id, link)
        if earlier is not None:
            self._background.spawn(earlier.close(), f"earlier connection of {charge_point.charge_point_id}")
        self._events.connected(charge_point)
        try:
            await link.start()
        except (ConnectionClosed, asyncio.IncompleteReadError) as fault:
            LOG.info("%s left: %s", charge_point.charge_point_id, fault)
        finally:
            if self._links.left(charge_point.charge_point_id, link):
                self._events.disconnected(charge_point)
