"""The operations API on the loopback interface: what the operator of the CPO can ask for."""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiohttp import web

from cpo.fleet_data import Evse, FleetData
from cpo.pushes import EvseDataPush, EvseStatusPush
from cpo.settings import BadSettings
from cpo.storage import Storage
from oicp import wire_json
from oicp.sessions import folded
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.operations")
_LARGEST_REQUEST = 64 * 1024
_PATIENCE_S = 10.0
_MANDATORY_OF_WHOLE_RECORD = ("EvseID", "Plugs", "Address", "GeoCoordinates", "ChargingFacilities")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class BadRequest(Exception):
    """The request cannot be carried out; HTTP status and a sentence that says why."""

    def __init__(self, http_status: int, message: str) -> None:
        super().__init__(message)
        self.http_status = http_status


class Operations:
    """Serves POST /push-evse-data, /push-evse-status, /decommission, /retire, /update and GET /health."""

    def __init__(
        self, port: int, fleet: FleetData, storage: Storage, data: EvseDataPush, statuses: EvseStatusPush
    ) -> None:
        self._port, self._fleet, self._storage, self._data, self._statuses = port, fleet, storage, data, statuses
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen. Raises `BadSettings` where the port cannot be had."""
        app = web.Application(client_max_size=_LARGEST_REQUEST, middlewares=[_errors])
        app.router.add_get("/health", self.health)
        for path, handler in (
            ("/push-evse-data", self.push_evse_data), ("/push-evse-status", self.push_evse_status),
            ("/decommission", self.decommission), ("/retire", self.retire), ("/update", self.update),
        ):  # fmt: skip
            app.router.add_post(path, handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        except OSError as fault:
            raise BadSettings(
                f"--operations-port {self._port}: cannot listen on 127.0.0.1 ({fault.strerror}); choose a free port"
            ) from None

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def health(self, request: web.Request) -> web.Response:
        """It works."""
        evses = list(self._fleet.evses())
        connected = sum(evse.connector_status is not None for evse in evses)
        return _json({"healthy": True, "evses": len(evses), "reported": connected, "at_hub": self._at_hub()})

    def _at_hub(self) -> int:
        return sum(self._data.knows(evse) for evse in self._fleet.evses())

    async def push_evse_data(self, request: web.Request) -> web.Response:
        """A full load of the data, now."""
        self._data.full_load()
        return await self._settled(self._data.settled)

    async def push_evse_status(self, request: web.Request) -> web.Response:
        """A full load of the statuses, now."""
        self._statuses.full_load()
        return await self._settled(self._statuses.settled)

    async def decommission(self, request: web.Request) -> web.Response:
        """The EVSE is gone: deleted at the hub at once."""
        evse = self._evse(await _body(request))
        evse.decommissioned = True
        return await self._changed(evse)

    async def retire(self, request: web.Request) -> web.Response:
        """The EVSE is out of order for good: it leaves the hub with the next full load."""
        body = await _body(request)
        evse = self._evse(body)
        evse.valid_to = datetime.now(UTC)
        await self._keep(evse)
        return _json({"evse_id": evse.evse_id, "leaves": "with the next full load"}, 202)

    async def update(self, request: web.Request) -> web.Response:
        """The record of an EVSE changed: a whole record takes its place, single members are taken over."""
        body = await _body(request)
        evse, record = self._evse(body), body.get("data_record")
        if not isinstance(record, dict):
            raise BadRequest(422, f"data_record is {wire_json.shown(record)}; an EvseDataRecord is needed")
        if "EvseID" in record and folded(str(record["EvseID"])) != evse.key:
            raise BadRequest(422, f"data_record.EvseID is {wire_json.shown(record['EvseID'])}, not {evse.evse_id}")
        whole = all(name in record for name in _MANDATORY_OF_WHOLE_RECORD)
        evse.record = record if whole else evse.record | record
        return await self._changed(evse)

    def _evse(self, body: dict[str, Json]) -> Evse:
        evse = self._fleet.evse(body.get("evse_id"))
        if evse is None:
            raise BadRequest(404, f"evse_id is {wire_json.shown(body.get('evse_id'))}; no such EVSE is operated here")
        return evse

    async def _changed(self, evse: Evse) -> web.Response:
        await self._keep(evse)
        self._data.changed(evse)
        answer = await self._settled(self._data.settled)
        if self._data.refused(evse):
            raise BadRequest(409, f"the hub refused the record of {evse.evse_id}; see the log of the CPO")
        return answer

    async def _keep(self, evse: Evse) -> None:
        await self._storage.save_evse(evse.key, changes_of(evse))

    async def _settled(self, settled: Callable[[float], Awaitable[bool]]) -> web.Response:
        """200 once the hub has it, 202 if it takes longer; then it goes on by itself."""
        done = await settled(_PATIENCE_S)
        return _json({"pushed": done}, 200 if done else 202)


def changes_of(evse: Evse) -> dict[str, Json]:
    """What is different from the fleet file, for the database."""
    valid_to = evse.valid_to.isoformat() if evse.valid_to else None
    return {"record": evse.record, "decommissioned": evse.decommissioned, "valid_to": valid_to}


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequest as fault:
        return _json({"error": str(fault)}, fault.http_status)
    except web.HTTPException as fault:
        return _json({"error": fault.reason}, fault.status)
    except Exception:
        LOG.exception("%s failed", request.path)
        return _json({"error": "internal error, see the log of the CPO"}, 500)


async def _body(request: web.Request) -> dict[str, Json]:
    parsed = wire_json.parse(await request.read())
    if not isinstance(parsed.value, dict):
        raise BadRequest(400, parsed.error or "the body is no JSON object")
    return parsed.value


def _json(body: dict[str, Json], http_status: int = 200) -> web.Response:
    return web.Response(text=wire_json.dump(body) + "\n", status=http_status, content_type="application/json")
