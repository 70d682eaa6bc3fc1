"""Small stand-ins for the tests of the CPO: a hub over TLS, a charge point over WebSocket, a fleet file, ports."""

import asyncio
import contextlib
import json
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import trustme
from aiohttp import web
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Ocpp16
from ocpp.v16 import call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from yarl import URL

from cpo.application import Application, build
from cpo.settings import Settings, read
from oicp import wire_json
from oicp.services import PREFIX, operation_of

OPERATOR = "DE*ABC"
OK = {"Result": True, "StatusCode": {"Code": "000", "Description": None, "AdditionalInfo": None}}
EVCO_ID = "DE-DCB-C12345678-X"


def free_port() -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def record(evse_id: str, **changes: Any) -> dict[str, Any]:
    """A data record in Berlin."""
    return {
        "EvseID": evse_id, "ChargingStationNames": [{"lang": "de", "value": "Straße"}],
        "Address": {"Country": "DEU", "City": "Berlin", "Street": "EUREF", "PostalCode": "10829", "HouseNum": "22"},
        "GeoCoordinates": {"Google": {"Coordinates": "52.480495 13.356465"}}, "Plugs": ["Type 2 Outlet"],
        "ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Power": 22}], "RenewableEnergy": True,
        "CalibrationLawDataAvailability": "Not Available", "AuthenticationModes": ["REMOTE"],
        "PaymentOptions": ["Contract"], "ValueAddedServices": ["None"], "Accessibility": "Free publicly accessible",
        "HotlinePhoneNumber": "+493012345678", "IsOpen24Hours": True, "IsHubjectCompatible": True,
        "DynamicInfoAvailable": "true",
    } | changes  # fmt: skip


def fleet(count: int = 2, version: str = "1.6", **changes: Any) -> dict[str, Any]:
    """A fleet file with so many charge points of one EVSE each."""
    boxes = []
    for n in range(1, count + 1):
        evse_id = f"DE*ABC*E{1000 + n}*1"
        evse = {"evse_id": evse_id, "connector_id": 1, "data_record": record(evse_id, **changes)}
        boxes.append({"id": f"CP-{1000 + n}", "ocpp_version": version, "evses": [evse]})
    return {"operator_id": OPERATOR, "operator_name": "ABC technologies", "charge_points": boxes}


@dataclass
class Got:
    """A request that came to the hub double. `at`: seconds of the event loop."""

    operation: str
    path: str
    raw: bytes
    body: Any
    at: float
    overlap: bool = False


Answer = Callable[[Got], Awaitable[web.StreamResponse | None]]


@dataclass
class HubDouble:
    """Answers every operation positively unless `answers` says otherwise; counts overlaps."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    _open: dict[str, int] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def of(self, operation: str) -> list[Got]:
        """Requests of an operation so far."""
        return [got for got in self.got if got.operation == operation]

    async def receives(self, operation: str, count: int = 1, within: float = 10.0) -> list[Got]:
        """Wait for so many requests of an operation."""
        async with asyncio.timeout(within):
            while len(self.of(operation)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(operation)

    async def until(self, holds: Callable[[], bool], within: float = 10.0) -> None:
        """Wait until something holds; looked at after every request."""
        async with asyncio.timeout(within):
            while not holds():
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await self._news.wait()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        raw = await request.read()
        found = operation_of(request.path.removeprefix(PREFIX))
        operation = found[0].name if found else request.path
        got = Got(
            operation, request.rel_url.raw_path, raw, wire_json.parse(raw).value, asyncio.get_running_loop().time()
        )
        got.overlap = self._open.get(operation, 0) > 0
        self._open[operation] = self._open.get(operation, 0) + 1
        try:
            return await self._answer(request, got)
        finally:
            self._open[operation] -= 1
            self.got.append(got)
            self._news.set()

    async def _answer(self, request: web.Request, got: Got) -> web.StreamResponse:
        planned = self.answers.get(got.operation)
        step = planned.pop(0) if planned else None
        if step == "drop":
            return _hung_up(request)
        if step == "lose":  # processed, but the answer never arrives
            if got.operation == "ChargeDetailRecord":
                self._close_session(got)
            return _hung_up(request)
        if isinstance(step, web.Response):
            return step
        if step is not None:
            return web.json_response(step[1], status=step[0])
        if got.operation == "ChargeDetailRecord" and not self._close_session(got):
            return web.json_response(
                {"StatusCode": {"Code": "400", "Description": "Session found but status is not valid CLOSED!"}},
                status=404,
            )
        return web.json_response(OK)

    def _close_session(self, got: Got) -> bool:
        if got.body["SessionID"] in self.closed:
            return False
        self.closed.add(got.body["SessionID"])
        return True

    def pushed(self, evse_id: str) -> list[str]:
        """The statuses of an EVSE in the order they were pushed."""
        records = [r for g in self.of("PushEvseStatus") for r in g.body["OperatorEvseStatus"]["EvseStatusRecord"]]
        return [r["EvseStatus"] for r in records if r["EvseID"] == evse_id]


def _hung_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@dataclass
class Stage:
    """Certificates, ports, files of one test."""

    folder: Path
    hub: HubDouble
    authority: trustme.CA
    environment: dict[str, str]
    options: list[str]

    @property
    def ocpp_url(self) -> str:
        """Where charge points connect."""
        return self.environment["OICP_BENCH_OCPP_URL"]

    def settings(self, *options: str) -> Settings:
        """Settings of the CPO."""
        return read([*self.options, *options], self.environment)

    def client_context(self) -> ssl.SSLContext:
        """TLS of a hub that calls the CPO."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        self.authority.issue_cert("hub.example").configure_cert(context)
        return context

    async def call(self, path: str, body: Any, **options: Any) -> Any:
        """Call the CPO as the hub does; returns the answer's JSON."""
        answer, parsed = await self.raw_call(path, json.dumps(body).encode(), **options)
        assert answer == 200, parsed
        return parsed

    async def raw_call(self, path: str, raw: bytes, method: str = "POST") -> tuple[int, Any]:
        """Call the CPO with any bytes."""
        url = URL(self.environment["OICP_BENCH_CPO_URL"] + path, encoded=True)
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.client_context())) as http,
            http.request(method, url, data=raw, headers={"Content-Type": "application/json"}) as answer,
        ):
            return answer.status, wire_json.parse(await answer.read()).value

    async def start(self, evse_id: str, session_id: str | None = None, evco_id: str = EVCO_ID, **changes: Any) -> Any:
        """Remote start as the hub sends it: explicit nulls, asterisk not encoded."""
        body = {
            "SessionID": session_id or str(uuid4()), "CPOPartnerSessionID": None, "EMPPartnerSessionID": "emp-1",
            "ProviderID": "DE-DCB", "EvseID": evse_id, "PartnerProductID": None,
            "Identification": {"RemoteIdentification": {"EvcoID": evco_id}, "QRCodeIdentification": None},
        } | changes  # fmt: skip
        return await self.call("/api/oicp/charging/v21/providers/DE-DCB/authorize-remote/start", body)

    async def stop(self, evse_id: str, session_id: str, **changes: Any) -> Any:
        """Remote stop as the hub sends it."""
        body = {
            "SessionID": session_id,
            "ProviderID": "DE-DCB",
            "EvseID": evse_id,
            "CPOPartnerSessionID": None,
        } | changes
        return await self.call("/api/oicp/charging/v21/providers/DE-DCB/authorize-remote/stop", body)


@contextmanager
def _written(
    stage_folder: Path, authority: trustme.CA, hub_port: int, fleet_json: dict[str, Any]
) -> Iterator[dict[str, str]]:
    client, server = authority.issue_cert("DE-ABC.example"), authority.issue_cert("127.0.0.1", "localhost")
    names = {}
    for role, cert in (("CLIENT", client), ("SERVER", server)):
        for kind, blob in (("CERT", cert.cert_chain_pems[0]), ("KEY", cert.private_key_pem)):
            path = stage_folder / f"{role}_{kind}.pem".lower()
            blob.write_to_path(path)
            names[f"OICP_BENCH_{role}_{kind}_FILE"] = str(path)
    authority.cert_pem.write_to_path(stage_folder / "ca.pem")
    (stage_folder / "fleet.json").write_text(json.dumps(fleet_json), "utf-8")
    yield names | {
        "OICP_BENCH_HUB_URL": f"https://127.0.0.1:{hub_port}", "OICP_BENCH_OPERATOR_ID": OPERATOR,
        "OICP_BENCH_CA_FILE": str(stage_folder / "ca.pem"), "OICP_BENCH_FLEET_FILE": str(stage_folder / "fleet.json"),
        "OICP_BENCH_CPO_URL": f"https://127.0.0.1:{free_port()}",
        "OICP_BENCH_OCPP_URL": f"ws://127.0.0.1:{free_port()}/ocpp",
    }  # fmt: skip


@asynccontextmanager
async def stage(folder: Path, fleet_json: dict[str, Any] | None = None, *options: str) -> AsyncIterator[Stage]:
    """A hub double that listens, and all a CPO needs to attach to it."""
    authority, hub = trustme.CA(), HubDouble()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{tail:.*}", hub.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    hub.port = runner.addresses[0][1]
    fast = ["--retry-first", "0.1", "--retry-cap", "1", "--first-status-wait", "0.2", "--log-level", "WARNING"]
    try:
        with _written(folder, authority, hub.port, fleet_json or fleet()) as environment:
            yield Stage(folder, hub, authority, environment, [*fast, *options])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_cpo(where: Stage, *options: str, **parts: Any) -> AsyncIterator[Application]:
    """The CPO inside this process."""
    application, until = build(where.settings(*options), **parts), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(application.run(until))
        await accepts(where, task)
        try:
            yield application
        finally:
            until.set()


async def accepts(where: Stage, task: "asyncio.Task[Any] | None" = None, within: float = 10.0) -> None:
    """Wait until both ports of the CPO accept."""
    async with asyncio.timeout(within):
        for name in ("OICP_BENCH_CPO_URL", "OICP_BENCH_OCPP_URL"):
            port = int(where.environment[name].split(":")[2].split("/")[0])
            while True:
                if task is not None and task.done():
                    task.result()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                break


async def process(where: Stage, *options: str) -> asyncio.subprocess.Process:
    """The CPO as a process of its own."""
    environment = {**os.environ, **where.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    log = (where.folder / "cpo.log").open("ab")
    with log:
        found = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cpo", *where.options, *options, env=environment, stderr=log, stdout=log
        )
    await accepts(where, within=20)
    return found


class TinyChargePoint(Ocpp16):  # type: ignore[misc]
    """A charge point of one connector that does what it is told. `accept`: its answer to the next remote commands."""

    def __init__(self, ident: str, connection: Any) -> None:
        super().__init__(ident, connection, response_timeout=10)
        self.accept, self.begin_by_itself, self.plugged = "Accepted", True, True
        self.meter_wh, self.transaction_id, self.id_tag = 1000, 0, ""
        self.started, self.stopped = asyncio.Event(), asyncio.Event()
        self.start_answer: Any = None
        self.commands: list[str] = []
        self.work: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Any) -> None:
        """Do something beside the reader."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    async def boot(self, status: str = "Available") -> None:
        """Boot and report the connector."""
        await self.call(call.BootNotification(charge_point_model="T", charge_point_vendor="V"))
        await self.status(status)

    async def status(self, status: str, error: str = "NoError", connector_id: int = 1) -> None:
        """Report a connector."""
        await self.call(call.StatusNotification(connector_id=connector_id, error_code=error, status=status))

    async def begin(self, id_tag: str, at: str | None = None) -> Any:
        """Begin a transaction."""
        await self.status("Preparing")
        self.id_tag = id_tag
        self.start_answer = await self.call(
            call.StartTransaction(connector_id=1, id_tag=id_tag, meter_start=self.meter_wh, timestamp=at or now())
        )
        self.transaction_id = self.start_answer.transaction_id
        if self.start_answer.id_tag_info["status"] == "Accepted":
            await self.status("Charging")
        self.started.set()
        return self.start_answer

    async def reading(self, wh: int | None = None) -> None:
        """Report the meter."""
        sample = {"value": str(self.meter_wh if wh is None else wh), "measurand": "Energy.Active.Import.Register"}
        values = [{"timestamp": now(), "sampledValue": [sample | {"unit": "Wh"}]}]
        await self.call(call.MeterValues(connector_id=1, transaction_id=self.transaction_id, meter_value=values))

    async def end(self, reason: str = "Remote", at: str | None = None) -> None:
        """End the transaction."""
        await self.call(
            call.StopTransaction(
                meter_stop=self.meter_wh, timestamp=at or now(), transaction_id=self.transaction_id, reason=reason
            )
        )
        await self.status("Finishing")
        self.stopped.set()

    @on("RemoteStartTransaction")
    async def on_remote_start(self, id_tag: str, **_: Any) -> Any:
        """Asked to start."""
        self.commands.append(f"start {id_tag}")
        if self.accept == "Silence":
            await asyncio.sleep(60)
        if self.accept == "Accepted" and self.begin_by_itself:
            self.spawn(self.begin(id_tag))
        self.id_tag = id_tag
        return call_result.RemoteStartTransaction(status=self.accept)

    @on("RemoteStopTransaction")
    async def on_remote_stop(self, transaction_id: int, **_: Any) -> Any:
        """Asked to stop."""
        self.commands.append(f"stop {transaction_id}")
        known = transaction_id == self.transaction_id and self.accept == "Accepted"
        if known:
            self.spawn(self.end())
        return call_result.RemoteStopTransaction(status="Accepted" if known else "Rejected")

    @on("TriggerMessage")
    async def on_trigger(self, **_: Any) -> Any:
        """Nothing to tell."""
        return call_result.TriggerMessage(status="NotImplemented")

    @on("ReserveNow")
    async def on_reserve(self, reservation_id: int, id_tag: str, **_: Any) -> Any:
        """Asked to reserve."""
        self.commands.append(f"reserve {reservation_id}")
        if self.accept == "Accepted":
            self.spawn(self.status("Reserved"))
        return call_result.ReserveNow(status=self.accept)

    @on("CancelReservation")
    async def on_cancel(self, reservation_id: int, **_: Any) -> Any:
        """Asked to take a reservation back."""
        self.commands.append(f"cancel {reservation_id}")
        if self.accept == "Accepted":
            self.spawn(self.status("Available"))
        return call_result.CancelReservation(status=self.accept)


@asynccontextmanager
async def charge_point(where: Stage, ident: str = "CP-1001", *, boot: bool = True) -> AsyncIterator[TinyChargePoint]:
    """A connected charge point."""
    async with connect(f"{where.ocpp_url}/{ident}", subprotocols=["ocpp1.6"]) as connection:  # type: ignore[list-item]
        box = TinyChargePoint(ident, connection)
        reader = asyncio.get_running_loop().create_task(_read(box))
        try:
            if boot:
                await box.boot()
            yield box
        finally:
            for task in (reader, *box.work):
                task.cancel()
            await asyncio.gather(reader, *box.work, return_exceptions=True)


async def _read(box: TinyChargePoint) -> None:
    with contextlib.suppress(ConnectionClosed):
        await box.start()


def now() -> str:
    """The present moment as OCPP writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def kwh(value: Any) -> Decimal:
    """A number of a body."""
    return Decimal(value)
