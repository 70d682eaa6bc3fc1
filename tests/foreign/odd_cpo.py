"""A small CPO backend that works, and is odd in one way: `python odd_cpo.py MODE`.

Sockets by hand, so that it can do what no decent library would. It knows the bench only by the environment of `[cpo] command`.
"""

import asyncio
import base64
import contextlib
import gzip
import json
import os
import ssl
import sys
import uuid
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

import websockets

Reader, Writer, Json = asyncio.StreamReader, asyncio.StreamWriter, dict[str, Any]
MODE = sys.argv[1] if len(sys.argv) > 1 else ""
ENV = {name: os.environ.get(f"OICP_BENCH_{name}", "") for name in (
    "HUB_URL", "OPERATOR_ID", "CA_FILE", "CLIENT_CERT_FILE", "CLIENT_KEY_FILE", "SERVER_CERT_FILE", "SERVER_KEY_FILE", "CPO_URL",
    "OCPP_URL", "FLEET_FILE",
)}  # fmt: skip
GZIPPED = "gzipped requests"
REAL = "real chargers"
PROFILES = ("OCPP: security profile 1", "OCPP: security profile 2", "OCPP: security profile 3")


def now() -> datetime:
    """This second in Germany."""
    return datetime.now(ZoneInfo("Europe/Berlin")).replace(microsecond=0)


# --- to the hub -------------------------------------------------------------------------------------------------------


class Hub:
    """Sends requests to the hub in the way of the mode."""

    def __init__(self) -> None:
        parts = urlsplit(ENV["HUB_URL"])
        self.host, self.port = parts.hostname or "", parts.port or 443
        self._kept: tuple[Reader, Writer] | None = None
        self._turn = asyncio.Lock()

    def context(self) -> ssl.SSLContext:
        """TLS towards the hub."""
        context = ssl.create_default_context(cafile=ENV["CA_FILE"])
        if not MODE.startswith("no client certificate"):
            context.load_cert_chain(ENV["CLIENT_CERT_FILE"], ENV["CLIENT_KEY_FILE"])
        return context

    async def post(self, *messages: tuple[str, Json]) -> list[Json]:
        """Post messages one after the other (pipelined: all before the first answer); again and again until the hub answers."""
        if MODE == "never calls the hub":
            return []
        for pause in (0.2, 0.3, 0.5, 1, 1, 2, 2, 4):
            try:
                async with self._turn:
                    return await self._sent(messages)
            except (OSError, EOFError, ValueError) as fault:
                print(f"hub: {type(fault).__name__}: {fault}", flush=True)
                self._kept = None
            await asyncio.sleep(pause)
        return []

    async def _sent(self, messages: tuple[tuple[str, Json], ...]) -> list[Json]:
        kept = MODE in ("one connection", "pipelined requests")
        batches = [list(messages)] if MODE == "pipelined requests" else [[message] for message in messages]
        answers = []
        for batch in batches:
            reader, writer = self._kept or await asyncio.open_connection(self.host, self.port, ssl=self.context())
            self._kept = (reader, writer) if kept else None
            try:
                for path, body in batch:
                    await self._write(writer, path, body)
                for _ in batch:
                    answers.append(await self._answer(reader))
            finally:
                if not kept:
                    writer.close()
        return answers

    async def _write(self, writer: Writer, path: str, body: Json) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        head = [f"POST {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        head.append("Content-Type: " + ("text/plain" if MODE == "wrong content type" else "application/json"))
        if MODE == GZIPPED:
            data = gzip.compress(data)
            head.append("Content-Encoding: gzip")
        if MODE == "chunked requests":
            head.append("Transfer-Encoding: chunked")
            pieces = [data[i : i + 700] for i in range(0, len(data), 700)]
            data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        else:
            head.append(f"Content-Length: {len(data)}")
        start = ("\r\n".join(head) + "\r\n\r\n").encode()
        if MODE == "slow headers":
            for i in range(0, len(start), 40):
                writer.write(start[i : i + 40])
                await asyncio.sleep(0.05)
            start = b""
        writer.write(start + data)
        await writer.drain()

    async def _answer(self, reader: Reader) -> Json:
        status, _, body = await read_message(reader)
        print(f"hub: {status}", flush=True)
        if " 200 " not in f"{status} ":
            return {}
        answer: Json = json.loads(body)
        return answer


async def read_message(reader: Reader) -> tuple[str, dict[str, str], bytes]:
    """Start line, headers, body of one HTTP message."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.lower().strip(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return head[0], headers, body


# --- what it does ------------------------------------------------------------------------------------------------------


class Backend:
    """EVSEs, sessions, charge points; the decent part."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.fleet: Json = json.loads(Path(ENV["FLEET_FILE"]).read_text("utf-8"))
        self.evses: dict[tuple[str, int], Json] = {
            (cp["id"], e["connector_id"]): e for cp in self.fleet["charge_points"] for e in cp["evses"]
        }
        self.status: dict[str, str] = {}
        self.sessions: dict[str, Json] = {}
        self.links: dict[str, Link] = {}
        self.loaded = asyncio.Event()
        self.work: set[asyncio.Task[Any]] = set()

    def begin(self, work: Awaitable[Any]) -> None:
        """Do something beside."""
        task = asyncio.ensure_future(work)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    async def load(self) -> None:
        """Publish all EVSEs and their statuses."""
        records = [e["data_record"] for e in self.evses.values()]
        name = self.fleet["operator_name"]
        data = {"OperatorID": ENV["OPERATOR_ID"], "OperatorName": name, "EvseDataRecord": records}
        unknown = "Available" if MODE == REAL else "Unknown"
        first = {e["evse_id"]: self.status.get(e["evse_id"], unknown) for e in self.evses.values()}
        await self.hub.post(
            (self._path("evsepush/v23", "data-records"), {"ActionType": "fullLoad", "OperatorEvseData": data}),
            self._status("fullLoad", first),
        )
        self.loaded.set()
        for evse_id, told in first.items():
            if self.status.get(evse_id, told) != told:
                await self.hub.post(self._status("update", {evse_id: self.status[evse_id]}))

    def _path(self, service: str, what: str) -> str:
        operator = quote(ENV["OPERATOR_ID"], safe="")
        prefix = "/wrong/prefix" if MODE == "calls a wrong prefix" else "/api/oicp"
        return f"{prefix}/{service}/operators/{operator}/{what}"

    def _status(self, action: str, statuses: dict[str, str]) -> tuple[str, Json]:
        records = [{"EvseID": ident, "EvseStatus": value} for ident, value in statuses.items()]
        body = {
            "OperatorID": ENV["OPERATOR_ID"],
            "OperatorName": self.fleet["operator_name"],
            "EvseStatusRecord": records,
        }
        return self._path("evsepush/v21", "status-records"), {"ActionType": action, "OperatorEvseStatus": body}

    async def connector(self, evse: Json, state: str) -> None:
        """A charge point told a new state of a connector."""
        value = {"Available": "Available", "Faulted": "OutOfService", "Unavailable": "OutOfService"}.get(
            state, "Occupied"
        )
        evse["state"] = state
        if self.status.get(evse["evse_id"]) == value:
            return
        self.status[evse["evse_id"]] = value
        if self.loaded.is_set():
            await self.hub.post(self._status("update", {evse["evse_id"]: value}))

    async def start(self, body: Json) -> tuple[str, str]:
        """A remote start: status code and text."""
        found = [(key, e) for key, e in self.evses.items() if e["evse_id"] == body.get("EvseID")]
        if not found:
            return "603", "Unknown EVSE ID."
        (charge_point, connector), evse = found[0]
        if MODE == REAL:
            begun = {"opened": now(), "begun": now(), "own": str(uuid.uuid4()), "tag": "", "evse": evse, "meter": 0}
            self.sessions[body["SessionID"]] = {**body, **begun}
            self.begin(self.hub.post(self._status("update", {evse["evse_id"]: "Occupied"})))
            return "000", "Success."
        if charge_point not in self.links:
            return "501", "Communication to EVSE failed."
        if evse.get("state") not in ("Preparing", "Finishing"):
            return "510", "No EV connected to EVSE."
        session = {
            **body,
            "opened": now(),
            "own": str(uuid.uuid4()),
            "tag": uuid.uuid4().hex[:20],
            "cp": charge_point,
            "evse": evse,
        }
        self.sessions[body["SessionID"]] = session
        answer = await self.links[charge_point].call(
            "RemoteStartTransaction", {"connectorId": connector, "idTag": session["tag"]}
        )
        return ("000", "Success.") if answer.get("status") == "Accepted" else ("501", "Communication to EVSE failed.")

    async def stop(self, body: Json) -> tuple[str, str]:
        """A remote stop: status code and text."""
        session = self.sessions.get(body.get("SessionID", ""))
        if MODE == REAL and session is not None:
            self.begin(self.hub.post(self._status("update", {session["evse"]["evse_id"]: "Available"})))
            self.begin(self.ended(session, {"meterStop": 1}))
            return "000", "Success."
        if session is None or "transaction" not in session:
            return "400", "Session is invalid."
        await self.links[session["cp"]].call("RemoteStopTransaction", {"transactionId": session["transaction"]})
        return "000", "Success."

    async def ended(self, session: Json, stop: Json) -> None:
        """Bill a session whose transaction has ended."""
        first, last = session["meter"], stop["meterStop"]
        begun, end = session["begun"], now()
        await self.hub.post((self._path("cdrmgmt/v22", "charge-detail-record"), {
            "SessionID": session["SessionID"], "CPOPartnerSessionID": session["own"],
            "EMPPartnerSessionID": session.get("EMPPartnerSessionID"), "EvseID": session["evse"]["evse_id"],
            "Identification": session["Identification"], "SessionStart": session["opened"].isoformat(), "SessionEnd": end.isoformat(),
            "ChargingStart": begun.isoformat(), "ChargingEnd": end.isoformat(), "MeterValueStart": first / 1000,
            "MeterValueEnd": last / 1000, "ConsumedEnergy": round(last - first) / 1000,
        }))  # fmt: skip


class Link:
    """One charge point, OCPP 1.6."""

    def __init__(self, backend: Backend, socket: Any, ident: str) -> None:
        self.backend, self.socket, self.ident = backend, socket, ident
        self.open: dict[str, asyncio.Future[Json]] = {}

    async def call(self, action: str, payload: Json) -> Json:
        """Ask the charge point."""
        ident = uuid.uuid4().hex
        self.open[ident] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, ident, action, payload]))
        return await asyncio.wait_for(self.open[ident], 10)

    async def serve(self) -> None:
        """Answer until it is gone."""
        self.backend.links[self.ident] = self
        async for raw in self.socket:
            kind, ident, *rest = json.loads(raw)
            if kind == 2:
                await self._called(ident, *rest)
            elif ident in self.open:
                self.open.pop(ident).set_result(rest[0] if kind == 3 else {})

    async def _called(self, ident: str, action: str, payload: Json) -> None:
        if MODE == "OCPP: closes at every call":
            await self.socket.close()
            return
        if MODE == "OCPP: never answers" or (MODE == "OCPP: never answers Boot" and action == "BootNotification"):
            return
        if MODE == "OCPP: answers errors":
            await self.socket.send(json.dumps([4, ident, "InternalError", "out of order", {}]))
            return
        if MODE == "OCPP: answers nonsense":
            await self.socket.send("<html>{[")
            return
        await self.socket.send(json.dumps([3, ident, self._answer(action, payload)]))

    def _answer(self, action: str, payload: Json) -> Json:
        backend, tag = self.backend, payload.get("idTag")
        evse = backend.evses.get((self.ident, payload.get("connectorId", 0)))
        if action == "BootNotification":
            return {"status": "Accepted", "currentTime": datetime.now(UTC).isoformat(), "interval": 60}
        if action == "StatusNotification" and evse:
            backend.begin(backend.connector(evse, payload["status"]))
        if action == "Heartbeat":
            return {"currentTime": datetime.now(UTC).isoformat()}
        if action == "StartTransaction":
            session = next((s for s in backend.sessions.values() if s["tag"] == tag), None)
            if session is None:
                return {"transactionId": 0, "idTagInfo": {"status": "Invalid"}}
            session |= {"transaction": len(backend.sessions), "meter": payload["meterStart"], "begun": now()}
            return {"transactionId": session["transaction"], "idTagInfo": {"status": "Accepted"}}
        if action == "StopTransaction":
            ended = [s for s in backend.sessions.values() if s.get("transaction") == payload["transactionId"]]
            for session in ended:
                backend.begin(backend.ended(session, payload))
        if action == "Authorize":
            return {"idTagInfo": {"status": "Invalid"}}
        return {}


# --- from the hub -----------------------------------------------------------------------------------------------------


class Server:
    """Takes the hub's calls in the way of the mode."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """One connection."""
        try:
            while True:
                if MODE == "hangs":
                    await asyncio.sleep(3600)
                start, _, body = await read_message(reader)
                if not await self._one(start.split()[1], body, writer):
                    break
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _one(self, target: str, body: bytes, writer: Writer) -> bool:
        prefix = urlsplit(ENV["CPO_URL"]).path
        if MODE == "resets":
            writer.transport.abort()
            return False
        if MODE == "exits at the first remote start" and "authorize-remote/start" in target:
            print("cannot allocate memory", flush=True)
            os._exit(7)
        if raw := ODD_ANSWERS.get(MODE):
            writer.write(raw)
            return False
        if MODE == "redirects" and not target.startswith("/elsewhere"):
            writer.write(plain("307 Temporary Redirect", b"", f"Location: /elsewhere{target}\r\n"))
            return True
        if MODE == "answers 404 everywhere" or "/api/oicp/charging/v21/" not in target.removeprefix(prefix):
            writer.write(plain("404 Not Found", b""))
            return True
        code, text = await self._decided(target, json.loads(body or b"{}"))
        await self._answered(writer, code, text, json.loads(body or b"{}"))
        return True

    async def _decided(self, target: str, body: Json) -> tuple[str, str]:
        if "authorize-remote/start" in target:
            return await self.backend.start(body)
        if "authorize-remote/stop" in target:
            return await self.backend.stop(body)
        return "021", "System error."

    async def _answered(self, writer: Writer, code: str, text: str, body: Json) -> None:
        session = self.backend.sessions.get(body.get("SessionID", ""), {})
        answer = {
            "Result": code == "000", "StatusCode": {"Code": code, "Description": text}, "SessionID": body.get("SessionID"),
            "CPOPartnerSessionID": session.get("own"), "EMPPartnerSessionID": body.get("EMPPartnerSessionID"),
        }  # fmt: skip
        data = json.dumps(answer).encode()
        kind = "text/plain" if MODE == "wrong content type of answers" else "application/json;charset=UTF-8"
        if MODE == "chunked answers":
            data = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (data[:20], data[20:])) + b"0\r\n\r\n"
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" + data
            )
        elif MODE == "slow answers":
            for byte in plain("200 OK", data, f"Content-Type: {kind}\r\n"):
                writer.write(bytes([byte]))
                await asyncio.sleep(0.0005)
        elif MODE == "gzipped answers":
            data = gzip.compress(data)
            writer.write(plain("200 OK", data, f"Content-Type: {kind}\r\nContent-Encoding: gzip\r\n"))
        else:
            writer.write(plain("200 OK", data, f"Content-Type: {kind}\r\n"))
        with contextlib.suppress(OSError):
            await writer.drain()


def plain(status: str, body: bytes, headers: str = "") -> bytes:
    """An HTTP answer with a length."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


PAGE = b"<!doctype html><html><body><h1>Service Unavailable</h1></body></html>"
ODD_ANSWERS = {
    "answers HTML": plain("200 OK", PAGE, "Content-Type: text/html\r\n"),
    "answers HTML 503": plain("503 Service Unavailable", PAGE, "Content-Type: text/html\r\n"),
    "answers nothing": plain("200 OK", b"", "Content-Type: application/json\r\n"),
    "answers 30 MB": plain("200 OK", b'{"Result":"' + b"x" * 30_000_000 + b'"}', "Content-Type: application/json\r\n"),
    "answers binary garbage": bytes(range(256)) * 40,
    "answers null": plain("200 OK", b"null", "Content-Type: application/json\r\n"),
    "answers deep JSON": plain("200 OK", b"[" * 100_000, "Content-Type: application/json\r\n"),
    "answers half of it": b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"Result": tr',
    "answers other text encoding": plain(
        "200 OK", json.dumps({"Result": True, "StatusCode": {"Code": "000", "Description": "schön"}}, ensure_ascii=False).encode("latin-1"),
        "Content-Type: application/json\r\n",
    ),
}  # fmt: skip


def server_context() -> ssl.SSLContext | None:
    """TLS as the mode serves it."""
    if ENV["CPO_URL"].startswith("http:") or MODE == "serves plain http":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = ENV["SERVER_CERT_FILE"], ENV["SERVER_KEY_FILE"]
    if MODE in ("expired certificate", "certificate of another host", "self-signed certificate"):
        certificate, key = _wrong_certificate()
    context.load_cert_chain(certificate, key)
    if MODE == "TLS 1.1 only":
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _wrong_certificate() -> tuple[str, str]:
    from datetime import timedelta

    from fake_hubject.certificates import Authority

    authority = Authority.load(Path(ENV["CA_FILE"]).parent)
    hosts = ["other.example"] if MODE == "certificate of another host" else ["127.0.0.1", "localhost"]
    end = datetime.now(UTC) - timedelta(days=1) if MODE == "expired certificate" else None
    issued = authority.issue_server(hosts, not_after=end, self_signed=MODE == "self-signed certificate")
    return str(issued.cert_file), str(issued.key_file)


def _refused(connection: Any, request: Any) -> Any:
    print(f"charge point: {request.path} {request.headers.get('Authorization', '')}", flush=True)
    if MODE == "OCPP: refuses":
        return connection.respond(403, "no charge points today\n")
    wanted = "Basic " + base64.b64encode(b"acme-CP-1001:key-CP-1001").decode()
    if MODE in PROFILES[:2] and request.headers.get("Authorization") != wanted:
        return connection.respond(401, "who are you?\n")
    return connection.respond(404, "no such tenant\n") if MODE in PROFILES and "/acme/" not in request.path else None


def ocpp_context() -> ssl.SSLContext | None:
    """TLS towards the charge points: security profiles 2 and 3."""
    if not ENV["OCPP_URL"].startswith("wss:"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ENV["SERVER_CERT_FILE"], ENV["SERVER_KEY_FILE"])
    if PROFILES[2] == MODE:
        context.load_verify_locations(ENV["CA_FILE"])
        context.verify_mode = ssl.CERT_REQUIRED
    return context


async def main() -> None:
    """Serve until somebody ends it."""
    backend = Backend()
    oicp, ocpp = urlsplit(ENV["CPO_URL"]), urlsplit(ENV["OCPP_URL"])

    async def charge_point(socket: Any) -> None:
        with contextlib.suppress(websockets.ConnectionClosed):
            await Link(backend, socket, next(p for p in socket.request.path.split("/") if "CP-" in p)).serve()

    server = await asyncio.start_server(Server(backend).serve, oicp.hostname, oicp.port, ssl=server_context())
    async with (
        server,
        websockets.serve(
            charge_point,
            ocpp.hostname,
            ocpp.port,
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            process_request=_refused,
            ssl=ocpp_context(),
        ),
    ):
        print("ready", flush=True)
        backend.begin(backend.load())
        if MODE == "exits a moment after the start":
            await asyncio.sleep(1.5)
            print("licence expired", flush=True)
            os._exit(9)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
