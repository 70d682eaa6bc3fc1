"""What the hub costs: full checking and recording against a raw aiohttp handler that returns constant bytes.

Both serve mutual TLS with keep-alive on loopback, each in a process of its own, visited in turn in one run; the order is
reversed every other round. Then: does the cost grow with history, sessions, EVSEs? Figures are CPU seconds of the server per request; trust the ratios. Run
`python -m benchmarks.hub [--rounds N] [--asyncio]`.
"""

import argparse
import asyncio
import json
import multiprocessing
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from aiohttp import web

from fake_hubject.certificates import Authority
from fake_hubject.hub import Hub, HubSettings
from fake_hubject.memory import expect_much
from fake_hubject.partners import Partner
from fake_hubject.recorder import Recorder
from oicp.evidence import Run
from oicp.messages import PushEvseData

OPERATOR, EMP = "DE*ABC", "DE-DCB"
_CONNECTIONS, _MANY = 8, 50_000


def record(number: int) -> dict[str, Any]:
    """A data record as operators send them."""
    return {
        "EvseID": f"DE*ABC*E{number}*1", "ChargingStationId": f"CS-{number}", "ChargingPoolID": "DE*ABC*P1",
        "ChargingStationNames": [{"lang": "en", "value": "ABC Charging Station"}, {"lang": "de", "value": "ABC Ladestation"}],
        "Address": {
            "Country": "DEU", "City": "Berlin", "Street": "Torgauer Strasse", "PostalCode": "10829", "HouseNum": "12",
            "TimeZone": "UTC+01:00",
        },
        "GeoCoordinates": {"Google": {"Coordinates": "52.480495 13.356465"}}, "Plugs": ["Type 2 Outlet"],
        "DynamicPowerLevel": False, "RenewableEnergy": True, "CalibrationLawDataAvailability": "Not Available",
        "ChargingFacilities": [{"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 32, "Power": 22}],
        "AuthenticationModes": ["REMOTE", "NFC RFID Classic"], "PaymentOptions": ["Contract"],
        "ValueAddedServices": ["None"], "Accessibility": "Free publicly accessible", "HotlinePhoneNumber": "+4930123456",
        "IsOpen24Hours": True, "IsHubjectCompatible": True, "DynamicInfoAvailable": "true",
        "OpeningTimes": [{"Period": [{"begin": "00:00", "end": "23:59"}], "on": "Everyday"}],
    }  # fmt: skip


def full_load(count: int) -> bytes:
    """A fullLoad of that many records."""
    inner = {"OperatorID": OPERATOR, "OperatorName": "ABC", "EvseDataRecord": [record(n) for n in range(count)]}
    return json.dumps({"ActionType": "fullLoad", "OperatorEvseData": inner}).encode()


def status_push(count: int, turn: int) -> bytes:
    """A status update of that many EVSEs."""
    value = ("Available", "Occupied")[turn % 2]
    rows = [{"EvseID": f"DE*ABC*E{n}*1", "EvseStatus": value} for n in range(count)]
    inner = {"OperatorID": OPERATOR, "OperatorName": "ABC", "EvseStatusRecord": rows}
    return json.dumps({"ActionType": "update", "OperatorEvseStatus": inner}).encode()


def cdr(session_id: str) -> bytes:
    """A charge detail record of a session."""
    zone = datetime.now(UTC).astimezone().tzinfo
    begun, ended = (datetime.now(zone) - timedelta(minutes=m) for m in (30, 1))
    times = {
        f"{a}{b}": t.isoformat(timespec="seconds")
        for a in ("Session", "Charging")
        for b, t in (("Start", begun), ("End", ended))
    }
    rest = {
        "SessionID": session_id, "EvseID": "DE*ABC*E1*1", "ConsumedEnergy": 3.2, "MeterValueStart": 100.1,
        "MeterValueEnd": 103.3, "Identification": {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}},
        "MeterValueInBetween": {"meterValues": [100.9, 101.7, 102.5]}, "PartnerProductID": "AC1",
    }  # fmt: skip
    return json.dumps(times | rest).encode()


# --- servers, each in its own process --------------------------------------------------------------------------------


async def _serve_hub(folder: Path, pipe: Connection, sessions: int) -> None:
    recorder = Recorder(Run(), folder / "evidence.jsonl")
    async with Hub(HubSettings(rate_limit_scale=0), recorder, Authority.load(folder / "ca")) as hub:
        hub.partners.add(Partner(OPERATOR, "cpo"))
        hub.partners.add(Partner(EMP, "emp"))

        def more(count: int) -> list[str]:
            return [hub.sessions.create("remote", OPERATOR, EMP, "DE*ABC*E1*1").session_id for _ in range(count)]

        await _answer_pipe(pipe, hub.url, more(sessions), more)
    recorder.close()


async def _serve_raw(folder: Path, pipe: Connection, _sessions: int) -> None:
    body = b'{"Result":true,"StatusCode":{"Code":"000","Description":null,"AdditionalInfo":null},"SessionID":null}'

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, content_type="application/json")

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    authority = Authority.load(folder / "ca")
    issued = authority.issue_server(["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.ca_file))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(issued.cert_file, issued.key_file)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    await _answer_pipe(pipe, f"https://127.0.0.1:{runner.addresses[0][1]}", [])
    await runner.cleanup()


async def _answer_pipe(
    pipe: Connection, url: str, sessions: list[str], more: Callable[[int], list[str]] | None = None
) -> None:
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def answer() -> None:
        pipe.send((url, sessions))
        while (asked := pipe.recv()) != "stop":
            if isinstance(asked, int) and more is not None:
                pipe.send(asyncio.run_coroutine_threadsafe(_called(more, asked), loop).result())
            else:
                pipe.send(time.process_time())
        loop.call_soon_threadsafe(over.set)

    thread = threading.Thread(target=answer)
    thread.start()
    await over.wait()
    thread.join()


async def _called(work: Callable[[int], list[str]], count: int) -> list[str]:
    return work(count)


def _process(kind: str, folder: Path, pipe: Connection, sessions: int, uv: bool) -> None:
    expect_much()  # for both, as `oicp-bench` does
    work = (_serve_hub if kind == "hub" else _serve_raw)(folder, pipe, sessions)
    if uv:
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)


class Server:
    """One server process."""

    def __init__(self, kind: str, folder: Path, sessions: int, uv: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_process, args=(kind, folder, other, sessions, uv))
        self._process.start()
        self.url, self.sessions = self._pipe.recv()

    def cpu(self) -> float:
        """CPU seconds so far."""
        self._pipe.send("cpu")
        return float(self._pipe.recv())

    def open_sessions(self, count: int) -> list[str]:
        """Ids of sessions that were opened now."""
        self._pipe.send(count)
        return list(self._pipe.recv())

    def stop(self) -> None:
        """End the process."""
        self._pipe.send("stop")
        self._process.join()


# --- client ----------------------------------------------------------------------------------------------------------


async def send(
    url: str, context: ssl.SSLContext | None, path: str, bodies: list[bytes], connections: int,
    wanted: bytes = b'"Result":true',
) -> None:  # fmt: skip
    """Send all bodies over a few keep-alive connections; raises RuntimeError for an answer without what is wanted."""
    port = int(url.rpartition(":")[2])
    waiting: Iterator[bytes] = iter(bodies)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        for body in waiting:
            head = f"POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answered = await reader.readuntil(b"\r\n\r\n")
            size = next(int(row[16:]) for row in answered.split(b"\r\n") if row.lower().startswith(b"content-length: "))
            answer = answered + await reader.readexactly(size)
            if wanted not in answer:
                raise RuntimeError(answer.decode())
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(one())


DATA = "/api/oicp/evsepush/v23/operators/DE*ABC/data-records"
STATUS = "/api/oicp/evsepush/v21/operators/DE*ABC/status-records"
CDR = "/api/oicp/cdrmgmt/v22/operators/DE*ABC/charge-detail-record"


def measured(server: Server, context: ssl.SSLContext, path: str, bodies: list[bytes], connections: int) -> float:
    """CPU seconds of the server per request."""
    before = server.cpu()
    asyncio.run(send(server.url, context, path, bodies, connections))
    return (server.cpu() - before) / len(bodies)


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=2000)
    options.add_argument("--asyncio", action="store_true", help="asyncio's own event loop instead of uvloop")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), chosen.rounds, chosen.requests, not chosen.asyncio)


def _measure(folder: Path, rounds: int, requests: int, uv: bool) -> None:
    authority = Authority.create(folder / "ca")
    client = authority.issue_client(OPERATOR)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(client.cert_file, str(client.key_file))
    hub, raw = Server("hub", folder, (rounds + 1) * requests, uv), Server("raw", folder, 0, uv)
    try:
        asyncio.run(send(hub.url, context, DATA, [full_load(100)], 1))
        # one push at a time is the law, so status pushes go one after the other
        _compared("PushEvseStatus x10", hub, raw, context, STATUS, rounds, requests, 1)
        _compared("ChargeDetailRecord", hub, raw, context, CDR, rounds, requests, _CONNECTIONS)
        _growth(hub, context, requests)
        _big(hub, context)
        _after_big(hub, context, requests)
    finally:
        hub.stop()
        raw.stop()


def _compared(
    name: str, hub: Server, raw: Server, context: ssl.SSLContext, path: str, rounds: int, requests: int, connections: int
) -> None:  # fmt: skip
    sessions, ratios, ours, theirs = iter(hub.sessions), [], [], []
    for turn in range(rounds + 1):
        bodies = [cdr(next(sessions)) if path == CDR else status_push(10, n) for n in range(requests)]
        order = (hub, raw) if turn % 2 else (raw, hub)
        costs = {server: measured(server, context, path, bodies, connections) for server in order}
        if turn:  # the first round warms up
            ours.append(costs[hub])
            theirs.append(costs[raw])
            ratios.append(costs[raw] / costs[hub])
    print(
        f"{name:24} hub {statistics.median(ours) * 1e6:7.0f} us, raw handler {statistics.median(theirs) * 1e6:6.0f} us, "
        f"hub at {statistics.median(ratios):.2f}x of the raw handler"
    )


def _growth(hub: Server, context: ssl.SSLContext, requests: int) -> None:
    bodies = [status_push(10, n) for n in range(requests)]
    first = _least(lambda: measured(hub, context, STATUS, bodies, 1))
    for _ in range(4):
        asyncio.run(send(hub.url, context, STATUS, bodies, 1))
    last = _least(lambda: measured(hub, context, STATUS, bodies, 1))
    print(f"{'history':24} a status push costs {last / first:.2f}x after {7 * requests} more pushes")

    def records() -> float:
        return measured(hub, context, CDR, [cdr(i) for i in hub.open_sessions(requests)], _CONNECTIONS)

    first = _least(records)
    hub.open_sessions(_MANY)
    print(
        f"{'sessions':24} a charge detail record costs {_least(records) / first:.2f}x with {_MANY} more sessions open"
    )


def _least(measure: Callable[[], float]) -> float:
    """The least disturbed of three measurements."""
    return min(measure() for _ in range(3))


def _after_big(hub: Server, context: ssl.SSLContext, requests: int) -> None:
    """The same status pushes with 100 and with 10,000 EVSEs published."""
    bodies = [status_push(10, n) for n in range(requests)]
    many = _least(lambda: measured(hub, context, STATUS, bodies, 1))
    asyncio.run(send(hub.url, context, DATA, [full_load(100)], 1))
    few = _least(lambda: measured(hub, context, STATUS, bodies, 1))
    print(f"{'EVSEs':24} a status push costs {many / few:.2f}x with 10,000 EVSEs published instead of 100")


def _big(hub: Server, context: ssl.SSLContext) -> None:
    body = full_load(10_000)
    ours = statistics.median(measured(hub, context, DATA, [body], 1) for _ in range(3))
    costs = []
    for _ in range(3):
        begun = time.process_time()
        PushEvseData.model_validate_json(body)
        costs.append(time.process_time() - begun)
    alone = statistics.median(costs)
    print(
        f"{'fullLoad of 10,000':24} hub {ours:7.2f} s, pydantic alone {alone:6.2f} s, hub at {alone / ours:.2f}x of pydantic "
        f"({len(body) / 1e6:.0f} MB)"
    )


if __name__ == "__main__":
    main()
