"""Bad requests by dice, made from bodies that are right and from the hub's own OpenAPI description.

The long form is a command: `python -m tests.hub.fuzzing --requests 200000`. It starts a hub in a process of its own, throws
that many requests, and prints what came back, the slowest answer, and what the hub's memory did. One in twenty goes over
mutual TLS; the others enter behind the handshake, since a refusal closes the connection and handshakes are dear. With
`--schemathesis PROGRAM` that program tries the same hub, too, with as many examples per operation as `--examples` says.
"""

import argparse
import asyncio
import copy
import json
import multiprocessing
import random
import ssl
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cryptography import x509
from hypothesis import strategies as st
from hypothesis.errors import NonInteractiveExampleWarning
from jsonschema import Draft202012Validator

from fake_hubject.certificates import Authority, Issued
from fake_hubject.hub import Hub, HubSettings
from fake_hubject.openapi import description
from fake_hubject.partners import Partner
from fake_hubject.recorder import Recorder
from fake_hubject.way import Behind, Passing
from oicp.evidence import Run
from oicp.services import OPERATIONS
from tests.hub.stage import EMP, EVCO, EVSE, OPERATOR, cdr, data_push, data_record, status_push

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, 10**30, "", " ", "x" * 3000, "DE*ABC", "\u0000", "\ud83d\ude00", [], {}, [[]], [None], {"a": None},
    "2020-13-45T99:99:99Z", "2026-01-01T00:00:00", "%2A", "../..", "NaN", -0.0, 12345678901234567890.5, "Infinity",
)  # fmt: skip
STRANGERS = ("DE*XYZ", "%00", "%2F..", "%C3%A9", "+49*123")
CONNECTIONS = 8


def seeds(session: str) -> dict[str, Any]:
    """A body without a fault for every operation."""
    identification = {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}
    return {
        "PushEvseData": data_push(data_record()), "PushEvseStatus": status_push((EVSE, "Available")),
        "ChargeDetailRecord": cdr(session), "PullEvseData": {"ProviderID": EMP, "GeoCoordinatesResponseFormat": "Google"},
        "AuthorizeStart": {"OperatorID": OPERATOR, "EvseID": EVSE, "Identification": identification},
        "AuthorizeStop": {"OperatorID": OPERATOR, "SessionID": session, "Identification": identification},
        "ChargingNotifications": {
            "Type": "Start", "SessionID": session, "EvseID": EVSE, "OperatorID": OPERATOR, "ChargingStart": "2026-01-01T00:00:00+01:00",
        },
        "AuthorizeRemoteStart": {
            "ProviderID": EMP, "EvseID": EVSE, "Identification": {"RemoteIdentification": {"EvcoID": EVCO}},
        },
        "AuthorizeRemoteStop": {"ProviderID": EMP, "EvseID": EVSE, "SessionID": session},
        "AuthorizeRemoteReservationStart": {
            "ProviderID": EMP, "EvseID": EVSE, "Identification": {"RemoteIdentification": {"EvcoID": EVCO}}, "Duration": 15,
        },
        "AuthorizeRemoteReservationStop": {"ProviderID": EMP, "EvseID": EVSE, "SessionID": session},
        "PushPricingProductData": {
            "ActionType": "fullLoad", "PricingProductData": {
                "OperatorID": OPERATOR, "ProviderID": "*", "PricingDefaultPrice": 0, "PricingDefaultPriceCurrency": "EUR",
                "PricingDefaultReferenceUnit": "HOUR", "PricingProductDataRecords": [{"ProductID": "AC1"}],
            },
        },
        "PushEVSEPricing": {
            "ActionType": "fullLoad", "EVSEPricing": [{"EvseID": EVSE, "ProviderID": "*", "EvseIDProductList": ["AC1"]}],
        },
        "PullEvseStatus": {"ProviderID": EMP, "EVSEStatus": "Available"},
        "PullEvseStatusByID": {"ProviderID": EMP, "EvseID": [EVSE]},
        "PullEvseStatusByOperatorID": {"ProviderID": EMP, "OperatorID": [OPERATOR]},
        "GetChargeDetailRecords": {
            "ProviderID": EMP, "From": "2026-01-01T00:00:00Z", "To": "2026-02-01T00:00:00Z", "SessionID": [session],
        },
        "PushAuthenticationData": {
            "ActionType": "fullLoad", "ProviderAuthenticationData": {
                "ProviderID": EMP, "AuthenticationDataRecord": [{"Identification": identification}],
            },
        },
        "PullAuthenticationData": {"OperatorID": OPERATOR},
        "PullPricingProductData": {"OperatorIDs": [OPERATOR]},
        "PullEVSEPricing": {"ProviderID": EMP, "OperatorIDs": [OPERATOR]},
    }  # fmt: skip


# --- bodies ----------------------------------------------------------------------------------------------------------


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += _places(item, (*path, key))
    return found


def mutated(dice: random.Random, body: Any) -> bytes:
    """A body with one to three members gone, renamed or replaced, and now and then with damaged bytes."""
    body = copy.deepcopy(body)
    for _ in range(dice.randint(1, 3)):
        places = _places(body)
        if not places:
            break
        *way, last = dice.choice(places)
        holder = body
        for step in way:
            holder = holder[step]
        action = dice.random()
        if action < 0.3:
            del holder[last]
        elif action < 0.4 and isinstance(holder, dict):
            holder[str(last).swapcase()] = holder.pop(last)
        else:
            holder[last] = copy.deepcopy(dice.choice(VALUES))
    raw = json.dumps(body).encode()
    if dice.random() < 0.1:
        at = dice.randrange(len(raw) + 1)
        raw = raw[:at] + dice.randbytes(dice.randint(0, 5)) + raw[dice.randint(at, len(raw)) :]
    return raw


class ByDescription:
    """Values that conform to the schemas of a description, by dice."""

    def __init__(self, document: dict[str, Any], dice: random.Random) -> None:
        self._schemas, self._dice = document["components"]["schemas"], dice
        self._pools: dict[str, list[str]] = {}
        self.bodies = {
            way["post"]["operationId"]: way["post"]["requestBody"]["content"]["application/json"]["schema"]
            for way in document["paths"].values()
        }

    def body(self, operation: str) -> Any:
        """A request of that operation."""
        return self.value(self.bodies[operation])

    def value(self, schema: dict[str, Any]) -> Any:
        """A value of a schema; optional members are there half of the time."""
        dice = self._dice
        schema = self._plain(schema)
        if "enum" in schema:
            return dice.choice(schema["enum"])
        kind = schema.get("type")
        kind = dice.choice(kind) if isinstance(kind, list) else kind
        match kind:
            case "object":
                needed = schema.get("required", ())
                members = schema.get("properties", {}).items()
                if "minProperties" in schema:  # one of some kinds, and not null
                    name, inner = dice.choice(tuple(members))
                    return {name: self.value(inner["anyOf"][0])}
                return {name: self.value(inner) for name, inner in members if name in needed or dice.random() < 0.5}
            case "array":
                return [
                    self.value(schema["items"]) for _ in range(max(schema.get("minItems", 0), dice.choice((0, 1, 2))))
                ]
            case "string":
                return self._text(schema)
            case "integer" | "number":
                low = schema.get("minimum", 0)
                whole = dice.randint(low, schema.get("maximum", low + 1000))
                return whole if kind == "integer" else whole + dice.choice((0, 0.5, 0.125))
            case "boolean":
                return dice.random() < 0.5
            case _:
                return None

    def _plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema with references, alternatives and sums resolved."""
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
            elif "anyOf" in schema or "oneOf" in schema:
                schema = self._dice.choice(schema.get("anyOf") or schema["oneOf"])
            elif "allOf" in schema:
                parts = [self._plain(part) for part in schema["allOf"]]
                schema = {name: value for part in parts for name, value in part.items()}
            else:
                return schema

    def _text(self, schema: dict[str, Any]) -> str:
        pattern = schema.get("pattern")
        if pattern is None:
            return "x" * self._dice.randint(schema.get("minLength", 0), min(schema.get("maxLength", 20), 200))
        if pattern not in self._pools:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NonInteractiveExampleWarning)
                made = st.from_regex(pattern, fullmatch=True, alphabet=st.characters(max_codepoint=255))
                self._pools[pattern] = [made.example() for _ in range(20)]
        return self._dice.choice(self._pools[pattern])


# --- requests and answers --------------------------------------------------------------------------------------------


class Thrower:
    """Makes bad requests and judges the answers by the description. `looked_at`: share of bodies whose shape is looked at."""

    def __init__(
        self, document: dict[str, Any], sessions: Sequence[str], dice: random.Random, looked_at: float = 1
    ) -> None:
        self._looked_at = looked_at
        self._dice, self._seeds = dice, [seeds(session) for session in sessions]
        self._described = ByDescription(document, dice)
        components = {"components": document["components"]}
        self._answers: dict[tuple[str, int], Draft202012Validator | None] = {}
        for way in document["paths"].values():
            for status, answer in way["post"]["responses"].items():
                if "$ref" in answer:
                    answer = document["components"]["responses"][status]
                schema = answer["content"].get("application/json", {}).get("schema")
                known = Draft202012Validator(components | schema) if schema else None
                self._answers[way["post"]["operationId"], int(status)] = known
        self.statuses: Counter[str] = Counter()

    def request(self) -> tuple[str, str, str, bytes]:
        """Operation, method, request target and body."""
        dice = self._dice
        operation = dice.choice(tuple(OPERATIONS))
        service = OPERATIONS[operation]
        own = EMP if by_emp(operation) else OPERATOR
        partner = dice.choice((own,) * 60 + STRANGERS)
        target = service.url_path(partner) + dice.choice(("",) * 12 + ("?page=-1&size=x", "?page=1&size=9", "/", "//x"))
        method = dice.choice(("POST",) * 16 + ("GET", "DELETE"))
        if dice.random() < 0.5:
            return operation, method, target, mutated(dice, dice.choice(self._seeds)[operation])
        body = self._described.body(operation)
        return operation, method, target, mutated(dice, body) if dice.random() < 0.7 else json.dumps(body).encode()

    def judge(self, operation: str, http_status: int, text: bytes) -> str | None:
        """What is wrong with an answer, None if nothing is."""
        self.statuses[str(http_status)] += 1
        if (operation, http_status) not in self._answers:
            return f"HTTP {http_status} is not in the description"
        if http_status >= 500 and b"partners: null" not in text:
            return f"HTTP {http_status} that is not the one known from the platform"
        if text.startswith(b"<html>"):
            return None
        shape = self._answers[operation, http_status] if self._dice.random() < self._looked_at else None
        fault = next(shape.iter_errors(json.loads(text)), None) if shape else None
        return f"not the shape described: {fault.message} at {fault.json_path}" if fault else None


def by_emp(operation: str) -> bool:
    """True if EMPs send it."""
    return "{providerID}" in OPERATIONS[operation].path


class Line:
    """One keep-alive connection that is opened again when it was closed."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        self._port, self._context = port, context
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._context)
        reader, writer = self._streams
        head = f"{method} {target} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode("latin-1") + body)
        rows = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows[1:])}
        text = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            await self.hang_up()
        return int(rows[0].split()[1]), text

    async def hang_up(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


# --- the long form ---------------------------------------------------------------------------------------------------

_SESSIONS, _OVER_TLS = 500, 20


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


async def _serve(folder: Path, pipe: Connection) -> None:
    recorder = Recorder(Run(), folder / "evidence.jsonl")
    async with Hub(HubSettings(rate_limit_scale=0, connect_limit_s=1), recorder, Authority.load(folder / "ca")) as hub:
        hub.partners.add(Partner(OPERATOR, "cpo", url="https://127.0.0.1:1"))
        hub.partners.add(Partner(EMP, "emp"))
        sessions = [hub.sessions.create("remote", OPERATOR, EMP, EVSE).session_id for _ in range(_SESSIONS)]
        loop = asyncio.get_running_loop()
        ports = [await _behind_the_handshake(hub, folder / name) for name in ("emp.pem", "cpo.pem")]
        pipe.send((hub.url, ports, sessions, description(hub.url)))
        while await loop.run_in_executor(None, pipe.recv) != "stop":
            recorder._exchanges.clear()  # a recording is kept on purpose, and nobody judges this one
            recorder._observations.clear()
            versions = sum(
                len(s.versions)
                for kind in ("data", "status", "products", "prices")
                for s in hub.broker.registry.all_of(kind)
            )
            pipe.send(
                (_rss_mb(), len(hub.broker.crashes), len(hub.broker.pushing) + len(hub.broker.forwarding), versions)
            )
    recorder.close()


class _Known:
    """A way on which everybody is the same partner."""

    def __init__(self, cert_file: Path) -> None:
        self._behind = Behind("plain", "TLSv1.3", x509.load_pem_x509_certificate(cert_file.read_bytes()))

    def behind(self, _peername: Any) -> Behind:
        return self._behind

    def passing(self, _peername: Any) -> Passing:
        return Passing()


async def _behind_the_handshake(hub: Hub, cert_file: Path) -> int:
    """A port at which the bytes after the handshake of a partner are taken."""

    def connection() -> asyncio.Protocol:
        made = hub._server._connection()
        made.way = _Known(cert_file)  # type: ignore[attr-defined]
        return made

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    return int(server.sockets[0].getsockname()[1])


def _process(folder: Path, pipe: Connection) -> None:
    asyncio.run(_serve(folder, pipe))


class Served:
    """A hub in a process of its own."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.create(folder / "ca")
        self.cpo, self.emp = authority.issue_client(OPERATOR), authority.issue_client(EMP)
        self.ca_file = authority.ca_file
        for name, issued in (("cpo.pem", self.cpo), ("emp.pem", self.emp)):
            (folder / name).write_text(issued.pem)
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_process, args=(folder, other))
        self._process.start()
        self.url, self.plain_ports, self.sessions, self.document = self._pipe.recv()
        self.port = int(self.url.rpartition(":")[2])

    def context(self, issued: Issued) -> ssl.SSLContext:
        """TLS of a partner."""
        made = ssl.create_default_context(cafile=str(self.ca_file))
        made.load_cert_chain(issued.cert_file, issued.key_file)
        return made

    def look(self) -> tuple[float, int, int, int]:
        """Memory of the process in MB, crashes, what is still going on, versions of records."""
        self._pipe.send("look")
        return self._pipe.recv()  # type: ignore[no-any-return]

    def stop(self) -> None:
        """End it."""
        self._pipe.send("stop")
        self._process.join()


async def throw(served: Served, thrower: Thrower, numbers: Iterator[int], patience_s: float) -> float:
    """Send requests over a few connections; the slowest answer in seconds. Raises `RuntimeError` for a wrong answer."""
    slowest = 0.0
    contexts = [served.context(served.cpo), served.context(served.emp)]

    async def work() -> None:
        nonlocal slowest
        over_tls = [Line(served.port, context) for context in contexts]
        behind = [Line(port, None) for port in reversed(served.plain_ports)]
        for number in numbers:
            lines = behind if number % _OVER_TLS else over_tls
            operation, method, target, body = thrower.request()
            begun = time.monotonic()
            async with asyncio.timeout(patience_s):
                http_status, text = await lines[by_emp(operation)].ask(method, target, body)
            slowest = max(slowest, time.monotonic() - begun)
            if wrong := thrower.judge(operation, http_status, text):
                raise RuntimeError(f"{operation} {method} {target}: {wrong}\nsent {body!r}\ngot {text!r}")
        for line in over_tls + behind:
            await line.hang_up()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())
    return slowest


def main() -> None:
    """Throw, look, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=200_000)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--schemathesis", metavar="PROGRAM")
    options.add_argument("--examples", type=int, default=100)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        served = Served(Path(name))
        try:
            _long_form(served, chosen.requests, chosen.seed)
            if chosen.schemathesis:
                _schemathesis(served, Path(name), chosen.schemathesis, chosen.examples, chosen.seed)
        finally:
            served.stop()


def _long_form(served: Served, requests: int, seed: int) -> None:
    thrower = Thrower(served.document, served.sessions, random.Random(seed), looked_at=0.1)
    asyncio.run(_publish(served))
    slowest, memory, parts = 0.0, [], 20
    for _ in range(parts):
        slowest = max(slowest, asyncio.run(throw(served, thrower, iter(range(requests // parts)), 30)))
        memory.append(served.look())
        print(f"{sum(thrower.statuses.values())} requests ...", end="\r", file=sys.stderr, flush=True)
    print(f"{sum(thrower.statuses.values())} requests: {dict(sorted(thrower.statuses.items()))}")
    print(f"slowest answer {slowest:.2f} s; crashes {memory[-1][1]}; still going on {memory[-1][2]}")
    print(f"memory of the hub in MB after each twentieth: {', '.join(f'{look[0]:.0f}' for look in memory)}")
    print(
        f"versions of records it keeps on purpose: {memory[0][3]} after the first twentieth, {memory[-1][3]} in the end"
    )


async def _publish(served: Served) -> None:
    line = Line(served.port, served.context(served.cpo))
    answer = await line.ask(
        "POST", OPERATIONS["PushEvseData"].url_path(OPERATOR), json.dumps(data_push(data_record())).encode()
    )
    assert answer[0] == 200, answer
    await line.hang_up()


def _schemathesis(served: Served, folder: Path, program: str, examples: int, seed: int) -> None:
    # a server error that is described (one is, for one operation) is none of ours, so `not_a_server_error` is left out
    checks = "status_code_conformance,content_type_conformance,response_schema_conformance"
    for tag, issued, own in (("CPO", served.cpo, OPERATOR), ("EMP", served.emp, EMP)):
        document = copy.deepcopy(served.document)
        for way in document["paths"].values():
            for parameter in way["post"]["parameters"]:
                if parameter["in"] == "path":
                    parameter["schema"]["enum"] = [own]
        path = folder / f"openapi-{tag}.json"
        path.write_text(json.dumps(document))
        done = subprocess.run(
            [
                program, "run", str(path), "--url", served.url, "--include-tag", tag, "-c", checks, "--mode", "all",
                "-n", str(examples), "--seed", str(seed), "--tls-verify", str(served.ca_file), "--request-timeout", "30",
                "--request-cert", str(issued.cert_file), "--request-cert-key", str(issued.key_file), "--no-color",
                "--phases", "examples,coverage,fuzzing", "--suppress-health-check", "all", "--continue-on-failure",
            ],
            check=False,
        )  # fmt: skip
        print(f"schemathesis, operations of {tag}s: exit status {done.returncode}; hub {served.look()}")


if __name__ == "__main__":
    main()
