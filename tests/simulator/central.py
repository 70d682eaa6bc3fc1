"""A tiny central system for the tests: the `ocpp` library on a free port, scripted answers, everything written down."""

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Self

from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from oicp.evidence import OBSERVATIONS

NOW = "2026-01-01T00:00:00Z"
Observed = tuple[str, dict[str, Any]]


@dataclass
class Observations:
    """Stands in for the recorder: keeps what it is told, with numbers."""

    seen: list[Observed] = field(default_factory=list)

    def __call__(self, kind: str, *, evse_id: str | None = None, charge_point: str | None = None, **data: Any) -> Any:
        assert kind in OBSERVATIONS, f"no such kind of observation: {kind}"
        self.seen.append((kind, {"evse_id": evse_id, "charge_point": charge_point, **data}))
        return type("Observation", (), {"number": len(self.seen)})()

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """Data of all observations of these kinds."""
        return [data for kind, data in self.seen if kind in kinds]

    def kinds(self, *kinds: str) -> list[str]:
        """The kinds in order, only these."""
        return [kind for kind, _ in self.seen if kind in kinds]

    def calls(self, action: str) -> list[dict[str, Any]]:
        """OCPP calls of that action."""
        return [data for data in self.of("ocpp") if data["action"] == action]


class Peer(ChargePoint):
    """One charge point as the central system sees it."""

    def __init__(self, ident: str, connection: ServerConnection, central: "Central") -> None:
        super().__init__(ident, connection, response_timeout=5)
        self.central = central
        self.connection = connection

    async def route_message(self, raw_msg: str) -> None:
        """Hear nothing of the actions this central system is silent about."""
        message = json.loads(raw_msg)
        if message[0] == 2 and message[2] in self.central.silent_about:
            return
        await super().route_message(raw_msg)

    async def _scripted(self, action: str, payload: dict[str, Any], usual: Callable[[], Any]) -> Any:
        self.central.heard.append((self.id, action, payload))
        script = self.central.scripts.get(action)
        if script is not None:
            answer = script(payload)
            answer = await answer if asyncio.iscoroutine(answer) else answer
            if answer is not None:
                return answer
        return usual()

    @on("BootNotification")
    async def boot(self, **p: Any) -> Any:
        return await self._scripted("BootNotification", p, lambda: call_result.BootNotification(NOW, 300, "Accepted"))

    @on("Heartbeat")
    async def heartbeat(self, **p: Any) -> Any:
        return await self._scripted("Heartbeat", p, lambda: call_result.Heartbeat(NOW))

    @on("StatusNotification")
    async def status(self, **p: Any) -> Any:
        return await self._scripted("StatusNotification", p, call_result.StatusNotification)

    @on("Authorize")
    async def authorize(self, **p: Any) -> Any:
        return await self._scripted("Authorize", p, lambda: call_result.Authorize({"status": "Accepted"}))

    @on("StartTransaction")
    async def start_transaction(self, **p: Any) -> Any:
        def usual() -> Any:
            self.central.transactions += 1
            return call_result.StartTransaction(self.central.transactions, {"status": "Accepted"})

        return await self._scripted("StartTransaction", p, usual)

    @on("MeterValues")
    async def meter_values(self, **p: Any) -> Any:
        return await self._scripted("MeterValues", p, call_result.MeterValues)

    @on("StopTransaction")
    async def stop_transaction(self, **p: Any) -> Any:
        return await self._scripted("StopTransaction", p, call_result.StopTransaction)

    @on("DataTransfer")
    async def data_transfer(self, **p: Any) -> Any:
        return await self._scripted("DataTransfer", p, lambda: call_result.DataTransfer("Accepted"))


class Central:
    """`async with Central() as central`: a central system at `central.url`.

    `heard`: (charge point, action, payload in snake_case) in order. `scripts`: action -> answer instead of the usual one.
    """

    def __init__(
        self,
        *,
        process_request: Any = None,
        ssl: Any = None,
        subprotocols: Any = ("ocpp1.6",),
        silent_about: Collection[str] = (),
    ) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.scripts: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.peers: dict[str, Peer] = {}
        self.silent_about = set(silent_about)
        self.paths: list[str] = []
        self.transactions = 100
        self._options = {"process_request": process_request, "ssl": ssl, "subprotocols": list(subprotocols)}
        self._scheme = "wss" if ssl else "ws"

    async def __aenter__(self) -> Self:
        self._server = await serve(self._serve, "127.0.0.1", 0, compression=None, **self._options)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{self._scheme}://127.0.0.1:{self.port}/ocpp"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        self.paths.append(path)
        peer = Peer(path.split("?")[0].rsplit("/", 1)[-1], connection, self)
        self.peers[peer.id] = peer
        try:
            await peer.start()
        except ConnectionClosed:
            return

    def of(self, action: str) -> list[dict[str, Any]]:
        """Payloads of all calls of that action."""
        return [payload for _, name, payload in self.heard if name == action]

    async def ask(self, ident: str, payload: Any) -> Any:
        """Call a charge point; a CALLERROR raises."""
        return await self.peers[ident].call(payload, suppress=False)

    async def remote_start(self, ident: str, id_tag: str = "DE-DCB-C12345678-X", connector_id: int | None = 1) -> str:
        """RemoteStartTransaction; returns the status."""
        answer = await self.ask(ident, call.RemoteStartTransaction(id_tag, connector_id))
        return str(answer.status)

    async def remote_stop(self, ident: str, transaction_id: int) -> str:
        """RemoteStopTransaction; returns the status."""
        answer = await self.ask(ident, call.RemoteStopTransaction(transaction_id))
        return str(answer.status)
