"""The control API: partners, settings, faults, drivers and waiting for messages, over HTTP on loopback, with a token.

Scenarios inside the bench use `Hub` itself; this is for tests in other languages, consoles and people with curl. Every call
carries `Authorization: Bearer <token>`. Answers are JSON; a mistake is HTTP 400 with one sentence in `error`.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import MISSING, asdict, fields
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from fake_hubject.faults import Armed, Fault
from fake_hubject.openapi import description
from fake_hubject.partners import SERVICES, Partner, Temper
from fake_hubject.recorder import NotSeen
from oicp.evidence import Exchange
from oicp.services import OPERATIONS, Direction
from oicp.sessions import folded
from oicp.wire_json import Json, dump, parse

if TYPE_CHECKING:
    from fake_hubject.hub import Hub

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Mistake(ValueError):
    """A call that makes no sense; the message names the field and what is allowed."""


class ControlApi:
    """Serves the control API of one hub. `async with ControlApi(hub) as control: control.url, control.token`."""

    def __init__(self, hub: "Hub", *, host: str = "127.0.0.1", port: int = 0, token: str | None = None) -> None:
        if host not in _LOOPBACK:
            raise ValueError(f"control API: host {host} is not loopback; use 127.0.0.1 (and a tunnel, if you must)")
        self._hub, self._host, self._port = hub, host, port
        self.token = token or secrets.token_urlsafe(24)
        self._runner: web.AppRunner | None = None
        self._armed: dict[str, Armed] = {}

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://{'[::1]' if self._host == '::1' else self._host}:{self._port}"

    async def __aenter__(self) -> "ControlApi":
        app = web.Application(middlewares=[self._guard], client_max_size=4 * 1024 * 1024)
        for method, path, handler in self._routes():
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> tuple[tuple[str, str, Callable[[web.Request], Awaitable[web.Response]]], ...]:
        return (
            ("GET", "/openapi.json", self._openapi), ("GET", "/partners", self._partners), ("PUT", "/partners/{id}", self._put_partner),
            ("PATCH", "/partners/{id}", self._patch_partner), ("DELETE", "/partners/{id}", self._delete_partner),
            ("GET", "/settings", self._settings), ("PATCH", "/settings", self._patch_settings),
            ("GET", "/faults", self._faults), ("POST", "/faults", self._arm), ("DELETE", "/faults/{name}", self._lift),
            ("GET", "/sessions", self._sessions), ("GET", "/evse-data/{operator}", self._data),
            ("GET", "/evse-status/{operator}", self._status), ("GET", "/exchanges", self._exchanges),
            ("POST", "/wait", self._wait), ("POST", "/remote-start", self._remote_start),
            ("POST", "/remote-stop", self._remote_stop), ("POST", "/reservation-start", self._reservation_start),
            ("POST", "/reservation-stop", self._reservation_stop), ("POST", "/down", self._down), ("POST", "/up", self._up),
        )  # fmt: skip

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return _json({"error": "the token is missing or wrong; send Authorization: Bearer <token>"}, 401)
        try:
            return await handler(request)
        except (Mistake, KeyError, ValueError) as mistake:
            return _json({"error": str(mistake.args[0] if mistake.args else mistake)}, 400)

    async def _openapi(self, _request: web.Request) -> web.Response:
        return _json(description(self._hub.url))

    # --- partners ---

    async def _partners(self, _request: web.Request) -> web.Response:
        return _json([_plain(p) for p in self._hub.partners])

    async def _put_partner(self, request: web.Request) -> web.Response:
        values = _partner_values(await _object(request))
        return _json(_plain(self._hub.partners.add(Partner(**{**values, "id": request.match_info["id"]}))))

    async def _patch_partner(self, request: web.Request) -> web.Response:
        values = _partner_values(await _object(request))
        return _json(_plain(self._hub.partners.change(request.match_info["id"], **values)))

    async def _delete_partner(self, request: web.Request) -> web.Response:
        self._hub.partners.remove(request.match_info["id"])
        return _json({})

    # --- settings and faults ---

    async def _settings(self, _request: web.Request) -> web.Response:
        return _json(_plain(self._hub.settings))

    async def _patch_settings(self, request: web.Request) -> web.Response:
        return _json(_plain(self._hub.change(**await _object(request))))

    async def _faults(self, _request: web.Request) -> web.Response:
        return _json([{"fault": a.fault.facts(), "fired": a.fired} for a in self._hub.faults.armed])

    async def _arm(self, request: web.Request) -> web.Response:
        values = _known(await _object(request), Fault)
        if values.get("name") in self._armed:
            raise Mistake(f"name: fault {values['name']!r} is armed already; lift it first")
        if "direction" in values:
            values["direction"] = _direction(values["direction"])
        fault = Fault(**values)
        self._armed[fault.name] = self._hub.faults.arm(fault)
        return _json({"fault": fault.facts()}, 201)

    async def _lift(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._armed:
            raise Mistake(f"no fault {name!r} is armed; armed are {', '.join(self._armed) or 'none'}")
        armed = self._armed.pop(name)
        self._hub.faults.lift(armed)
        return _json({"fired": armed.fired, "exchanges": armed.exchanges})

    async def _down(self, _request: web.Request) -> web.Response:
        await self._hub.go_down()
        return _json({})

    async def _up(self, _request: web.Request) -> web.Response:
        await self._hub.come_up()
        return _json({"url": self._hub.url})

    # --- state ---

    async def _sessions(self, _request: web.Request) -> web.Response:
        return _json([_plain(s) for s in self._hub.sessions])

    async def _data(self, request: web.Request) -> web.Response:
        operator, at = request.match_info["operator"], _moment(request)
        if at is None:
            return _json(list(self._hub.evse_data(operator).values()))
        return _json(list(self._hub.at(at, operator).values()))

    async def _status(self, request: web.Request) -> web.Response:
        operator, at = request.match_info["operator"], _moment(request)
        if at is None:
            return _json(self._hub.evse_status(operator))
        return _json({i: r.get("EvseStatus") for i, r in self._hub.at(at, operator, "status").items()})

    async def _exchanges(self, request: web.Request) -> web.Response:
        since = int(request.query.get("after", "0"))
        return _json([_exchange(e) for e in self._hub.broker.recorder.exchanges[since : since + 1000]])

    async def _wait(self, request: web.Request) -> web.Response:
        wanted = await _object(request)
        within, since = float(wanted.pop("within", 10)), float(wanted.pop("since", self._hub.broker.recorder.now()))
        finished = bool(wanted.pop("finished", True))
        matches = _matcher(wanted)
        what = " ".join(f"{k}={v}" for k, v in wanted.items()) or "any exchange"
        try:
            found = await self._hub.broker.recorder.exchange(
                matches, within=within, since=since, finished=finished, what=what
            )
        except NotSeen as missed:
            return _json({"error": str(missed)}, 408)
        return _json(_exchange(found))

    # --- drivers ---

    async def _remote_start(self, request: web.Request) -> web.Response:
        call = await _object(request)
        return await _driven(self._hub.remote_start, call, ("provider_id", "evse_id", "evco_id"))

    async def _remote_stop(self, request: web.Request) -> web.Response:
        return await _driven(self._hub.remote_stop, await _object(request), ("provider_id", "session_id"))

    async def _reservation_start(self, request: web.Request) -> web.Response:
        call = await _object(request)
        return await _driven(self._hub.reservation_start, call, ("provider_id", "evse_id", "evco_id"))

    async def _reservation_stop(self, request: web.Request) -> web.Response:
        return await _driven(self._hub.reservation_stop, await _object(request), ("provider_id", "session_id"))


async def _driven(action: Callable[..., Awaitable[Any]], call: dict[str, Any], needed: tuple[str, ...]) -> web.Response:
    missing = [name for name in needed if not isinstance(call.get(name), str)]
    if missing:
        raise Mistake(f"{missing[0]}: is missing; needed are {', '.join(needed)}")
    try:
        result = await action(**call)
    except TypeError as mistake:
        raise Mistake(str(mistake)) from None
    body = {
        "session_id": result.session_id, "accepted": result.accepted, "acknowledgement": result.acknowledgement,
        "exchange": result.exchange.number if result.exchange else None,
    }  # fmt: skip
    return _json(body)


def _moment(request: web.Request) -> float | None:
    """`?at=`: seconds of the recording; None for now."""
    at = request.query.get("at")
    if at is None:
        return None
    try:
        return float(at)
    except ValueError:
        raise Mistake(f"at: {at!r} is no number of seconds since the recording began") from None


async def _object(request: web.Request) -> dict[str, Any]:
    parsed = parse(await request.read() or b"{}")
    if not parsed.is_object:
        raise Mistake(f"the body is not a JSON object: {parsed.error or 'another kind of value'}")
    return {k: _float(v) for k, v in parsed.value.items()}


def _float(value: Json) -> Json:
    return float(value) if type(value).__name__ == "Decimal" else value


def _known(values: dict[str, Any], kind: type[Any]) -> dict[str, Any]:
    names = {f.name: f for f in fields(kind)}
    for name in values:
        if name not in names:
            raise Mistake(f"{name}: there is no such field; known are {', '.join(names)}")
    missing = [n for n, f in names.items() if f.default is MISSING and f.default_factory is MISSING and n not in values]
    if missing and kind is not Partner:
        raise Mistake(f"{missing[0]}: is missing")
    return values


def _partner_values(values: dict[str, Any]) -> dict[str, Any]:
    values = _known(values, Partner)
    for name in ("contracts", "no_contract_with", "certificates"):
        if values.get(name) is not None:
            values[name] = frozenset(values[name])
    if values.get("contracts"):
        wrong = sorted(values["contracts"] - set(SERVICES))
        if wrong:
            raise Mistake(f"contracts: no service {wrong[0]}; known are {', '.join(SERVICES)}")
    if "sub_partners" in values:
        values["sub_partners"] = tuple(values["sub_partners"])
    if isinstance(values.get("temper"), dict):
        temper = {k: _float(v) for k, v in _known(values["temper"], Temper).items()}
        knows = temper.get("knows")
        values["temper"] = Temper(**{**temper, "knows": None if knows is None else frozenset(knows)})
    return values


def _direction(value: object) -> Direction:
    try:
        return Direction(str(value))
    except ValueError:
        raise Mistake(f"direction: {value!r} is none of {', '.join(Direction)}") from None


_WAIT_FOR = ("operation", "direction", "partner_id", "session_id", "evse_id", "http_status", "status_code")


def _matcher(wanted: dict[str, Any]) -> Callable[[Exchange], bool]:
    for name in wanted:
        if name not in _WAIT_FOR:
            raise Mistake(f"{name}: cannot be waited for; known are {', '.join(_WAIT_FOR)}, within, since, finished")
    if wanted.get("operation") is not None and wanted["operation"] not in OPERATIONS:
        raise Mistake(f"operation: no {wanted['operation']!r}; known are {', '.join(OPERATIONS)}")
    if "direction" in wanted:
        _direction(wanted["direction"])

    def matches(exchange: Exchange) -> bool:
        return all(_equal(exchange, name, value) for name, value in wanted.items())

    return matches


def _equal(exchange: Exchange, name: str, value: Any) -> bool:
    if name == "evse_id":
        return folded(str(value)) in folded(exchange.request.body.decode("utf-8", "replace"))
    if name == "partner_id":
        return folded(exchange.partner_id) == folded(str(value))
    return bool(getattr(exchange, name) == value)


def _exchange(exchange: Exchange) -> dict[str, Json]:
    return {
        "number": exchange.number, "direction": str(exchange.direction), "operation": exchange.operation,
        "partner_id": exchange.partner_id, "t": round(exchange.t, 6), "target": exchange.request.target,
        "body": exchange.sent.value, "http_status": exchange.http_status, "answer": exchange.answered.value,
        "error": exchange.error, "faults": list(exchange.faults),
    }  # fmt: skip


def _plain(value: Any) -> dict[str, Json]:
    def simple(item: Any) -> Any:
        if isinstance(item, Mapping):
            return {str(k): simple(v) for k, v in item.items()}
        if isinstance(item, list | tuple | set | frozenset):
            return [simple(v) for v in (sorted(item) if isinstance(item, set | frozenset) else item)]
        return item if item is None or isinstance(item, str | int | float | bool) else str(item)

    return {k: simple(v) for k, v in asdict(value).items()}


def _json(value: Json, status: int = 200) -> web.Response:
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = dump(value)
    return web.Response(status=status, text=text, content_type="application/json")
