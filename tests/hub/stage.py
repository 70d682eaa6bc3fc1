"""A hub, a CPO made of a few lines, and clients with real certificates, for the tests of the hub."""

import copy
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from fake_hubject.certificates import Authority, Issued
from fake_hubject.hub import Hub, HubSettings
from fake_hubject.partners import Partner
from fake_hubject.recorder import Recorder
from oicp.evidence import Run
from oicp.services import OPERATIONS

OPERATOR, OTHER, SUB = "DE*ABC", "DE*XYZ", "DE*SUB"
EMP, EMP_2 = "DE-DCB", "NL-TNM"
EVSE, EVSE_2 = "DE*ABC*E1001*1", "DE*ABC*E1002*1"
EVCO = "DE-DCB-C12345678-9"


def data_record(evse_id: str = EVSE, **changes: Any) -> dict[str, Any]:
    """A data record without a fault."""
    record = {
        "EvseID": evse_id, "ChargingStationId": "CS-1", "ChargingStationNames": [{"lang": "en", "value": "Station one"}],
        "Address": {
            "Country": "DEU", "City": "Berlin", "Street": "Torgauer Strasse", "PostalCode": "10829", "HouseNum": "12",
            "TimeZone": "UTC+01:00",
        },
        "GeoCoordinates": {"Google": {"Coordinates": "52.480495 13.356465"}},
        "Plugs": ["Type 2 Outlet"], "DynamicPowerLevel": False,
        "ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 32, "Power": 22}],
        "RenewableEnergy": True, "CalibrationLawDataAvailability": "Not Available",
        "AuthenticationModes": ["REMOTE"], "PaymentOptions": ["Contract"], "ValueAddedServices": ["None"],
        "Accessibility": "Free publicly accessible", "HotlinePhoneNumber": "+4930123456", "IsOpen24Hours": True,
        "IsHubjectCompatible": True, "DynamicInfoAvailable": "true",
    }  # fmt: skip
    return copy.deepcopy(record) | changes


def data_push(*records: dict[str, Any], action: str = "fullLoad", operator: str = OPERATOR) -> dict[str, Any]:
    """A data push."""
    inner = {"OperatorID": operator, "OperatorName": "ABC technologies", "EvseDataRecord": list(records)}
    return {"ActionType": action, "OperatorEvseData": inner}


def status_push(*pairs: tuple[str, str], action: str = "update", operator: str = OPERATOR) -> dict[str, Any]:
    """A status push of (EvseID, status) pairs."""
    rows = [{"EvseID": evse_id, "EvseStatus": value} for evse_id, value in pairs]
    inner = {"OperatorID": operator, "OperatorName": "ABC technologies", "EvseStatusRecord": rows}
    return {"ActionType": action, "OperatorEvseStatus": inner}


def wire_time(seconds: float = 0) -> str:
    """A time relative to now, as the law wants it."""
    zone = datetime.now(UTC).astimezone().tzinfo
    return (datetime.now(zone) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def cdr(session_id: str, evse_id: str = EVSE, **changes: Any) -> dict[str, Any]:
    """A charge detail record without a fault."""
    record = {
        "SessionID": session_id, "EvseID": evse_id,
        "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, "SessionStart": wire_time(-60),
        "SessionEnd": wire_time(-1), "ChargingStart": wire_time(-50), "ChargingEnd": wire_time(-10),
        "ConsumedEnergy": 3.2, "MeterValueStart": 100.1, "MeterValueEnd": 103.3,
    }  # fmt: skip
    return {k: v for k, v in (record | changes).items() if v is not None}


@dataclass
class Reply:
    """What a client got."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str | None:
        """StatusCode.Code, None where there is none."""
        try:
            return self.json["StatusCode"]["Code"]
        except (ValueError, KeyError, TypeError):
            return None

    @property
    def short(self) -> tuple[int, str | None]:
        return self.status, self.code


@dataclass
class TinyCpo:
    """Answers every remote request with what `answer` says, and keeps what came."""

    answer: Callable[[web.Request, Any], Awaitable[web.Response] | web.Response] | None = None
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    certificates: list[Any] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            body = json.loads(raw)
        except ValueError:
            body = raw
        self.requests.append((request.raw_path, dict(request.headers), body))
        self.certificates.append(request.transport.get_extra_info("peercert") if request.transport else None)
        if self.answer is None:
            return accepted()
        made = self.answer(request, body)
        return made if isinstance(made, web.Response) else await made


def accepted(**more: Any) -> web.Response:
    return web.json_response({"Result": True, "StatusCode": {"Code": "000", "Description": "Success"}} | more)


def declined(code: str, text: str = "no") -> web.Response:
    return web.json_response({"Result": False, "StatusCode": {"Code": code, "Description": text}})


@dataclass
class Stage:
    """Everything a test needs."""

    hub: Hub
    recorder: Recorder
    authority: Authority
    cpo: TinyCpo
    client: Issued
    session: aiohttp.ClientSession
    emp_client: Issued
    contexts: dict[str, ssl.SSLContext] = field(default_factory=dict)

    def context(self, issued: Issued | None) -> ssl.SSLContext:
        name = str(issued.cert_file) if issued else ""
        if name not in self.contexts:
            made = ssl.create_default_context(cafile=str(self.authority.ca_file))
            if issued is not None and issued.key_file is not None:
                made.load_cert_chain(issued.cert_file, issued.key_file)
            self.contexts[name] = made
        return self.contexts[name]

    async def send(
        self, path: str, body: Any = None, *, raw: bytes | None = None, method: str = "POST", by: Issued | str | None = "",
        headers: dict[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        """Send below /api/oicp; by default with the certificate of the CPO."""
        issued = self.client if by == "" else by
        data = raw if raw is not None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | (headers or {})
        url = URL(self.hub.url + "/api/oicp" + path, encoded=True)
        async with self.session.request(
            method, url, data=data, headers=sent, ssl=self.context(issued), allow_redirects=False
        ) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.text())

    async def call(
        self, operation: str, body: Any, *, partner: str | None = None, query: str = "", **more: Any
    ) -> Reply:
        """Call an operation by name on its own path, with the certificate of the usual sender."""
        service = OPERATIONS[operation]
        by_emp = "{providerID}" in service.path
        path = service.url_path(partner or (EMP if by_emp else OPERATOR)).removeprefix("/api/oicp")
        if by_emp:
            more.setdefault("by", self.emp_client)
        return await self.send(path + query, body, **more)

    async def publish(self, *records: dict[str, Any]) -> None:
        """Publish data records as a fullLoad."""
        reply = await self.call("PushEvseData", data_push(*(records or (data_record(), data_record(EVSE_2)))))
        assert reply.short == (200, "000"), reply.text

    async def started(self, evse_id: str = EVSE) -> str:
        """SessionID of a remote start the CPO accepted."""
        result = await self.hub.remote_start(EMP, evse_id, EVCO)
        assert result.accepted, result.acknowledgement
        return result.session_id or ""

    def assert_no_crash(self) -> None:
        assert self.hub.broker.crashes == [], self.hub.broker.crashes


@asynccontextmanager
async def tiny_cpo(authority: Authority, **server: Any) -> AsyncIterator[TinyCpo]:
    """A CPO endpoint over TLS that asks for a client certificate."""
    cpo = TinyCpo()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", cpo.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    issued = server.pop("issued", None) or authority.issue_server(["127.0.0.1"], **server)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(issued.cert_file, issued.key_file)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    cpo.url = f"https://127.0.0.1:{runner.addresses[0][1]}/tenant"
    try:
        yield cpo
    finally:
        await runner.cleanup()


@asynccontextmanager
async def staged(folder: Path, authority: Authority, path: Path | None = None, **settings: Any) -> AsyncIterator[Stage]:
    """A hub with a CPO, another operator and two EMPs; nothing published yet."""
    settings.setdefault("rate_limit_scale", 0)
    recorder = Recorder(Run(operator_ids=(OPERATOR,)), path)
    client, emp_client = authority.issue_client(OPERATOR), authority.issue_client(EMP)
    async with tiny_cpo(authority) as cpo, Hub(HubSettings(**settings), recorder, authority) as hub:
        hub.partners.add(Partner(OPERATOR, "hub_operator", "ABC", url=cpo.url, sub_partners=(SUB,)))
        hub.partners.add(Partner(OTHER, "cpo", "XYZ"))
        hub.partners.add(Partner(EMP, "emp", "DCB"))
        hub.partners.add(Partner(EMP_2, "emp", "TNM"))
        async with aiohttp.ClientSession() as session:
            yield Stage(hub, recorder, authority, cpo, client, session, emp_client)
    recorder.close()
