"""What was recorded: exchanges on the OICP wire, observations of everybody else. Immutable, JSON lines in and out.

One recording is a sequence of lines (`kind`): `run` first, then `request` / `answer` (joined by `number`) and
`observation` as they happened. Times: `at` is UTC wall clock, `t` seconds since the recording began (monotonic).
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from oicp import wire_json
from oicp.evidence_shape import check
from oicp.services import OPERATIONS, Direction, Operation
from oicp.wire_json import Json, Parsed

SCHEMA = "oicp-bench/evidence/1"


class BrokenRecording(ValueError):
    """A recording that cannot be read; the message names line and reason."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """Facts of an X.509 certificate a peer presented; never its key."""

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: str
    not_after: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Tls:
    """The TLS side of one exchange as the recorder saw its peer (the CPO, in both directions).

    `trusted`: the peer's chain leads to a CA the recorder knows, None where nothing was checked.
    `partner_id`: the partner the certificate is registered for, None if none.
    """

    version: str | None = None
    certificate: Certificate | None = None
    trusted: bool | None = None
    partner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stood on the wire. `target` is the raw request target, percent signs and all."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it stood on the wire."""

    http_status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer.

    `operation` is None for a path that is none of OICP's. `partner_id` is the id in the path. `answer` is None where
    none came; then `error` says why (`timeout after 60.0 s`, `connection refused`, ...). `overlaps`: numbers of exchanges of
    the same operation and partner that were open when this one began. `faults`: names of faults that touched it;
    `recorder` notes what the recorder alone can know (`early` bytes, redirect, http version).
    """

    number: int
    direction: Direction
    operation: str | None
    partner_id: str
    request: Request
    answer: Answer | None
    started_at: datetime
    t: float
    t_end: float | None
    error: str | None = None
    url: str = ""
    tls: Tls | None = None
    connection: str | None = None
    overlaps: tuple[int, ...] = ()
    faults: tuple[str, ...] = ()
    recorder: Mapping[str, Any] = field(default_factory=dict)

    def finished(
        self, answer: Answer | None, error: str | None, faults: tuple[str, ...], t_end: float, tls: Tls | None,
        recorder: Mapping[str, Any],
    ) -> "Exchange":  # fmt: skip
        """The same exchange with its end; `tls` None: as it was."""
        done: Exchange = object.__new__(Exchange)  # `replace` would cost more than all the rest of a recording
        facts = done.__dict__
        facts.update(self.__dict__)
        done.forget_reading()
        facts.update(answer=answer, error=error, faults=faults, t_end=t_end, tls=tls or self.tls, recorder=recorder)
        return done

    def forget_reading(self) -> None:
        """Drop what was read from the bodies, which takes room and may have become wrong."""
        for remembered in _REMEMBERED:
            self.__dict__.pop(remembered, None)

    @cached_property
    def sent(self) -> Parsed:
        """The request's body read as JSON."""
        return wire_json.parse_once(self.request.body)

    @cached_property
    def answered(self) -> Parsed:
        """The answer's body read as JSON; `error` set where there is no answer."""
        return wire_json.parse(self.answer.body) if self.answer else Parsed(error=self.error or "no answer")

    @cached_property
    def body(self) -> dict[str, Json]:
        """The request's JSON object; empty where it is none (the field rules say so)."""
        return self.sent.value if isinstance(self.sent.value, dict) else {}

    @cached_property
    def answer_body(self) -> dict[str, Json]:
        """The answer's JSON object; empty where it is none."""
        return self.answered.value if isinstance(self.answered.value, dict) else {}

    @property
    def by_cpo(self) -> bool:
        """True if the CPO sent the request."""
        return self.direction is Direction.CPO_TO_HUB

    @property
    def duration_s(self) -> float | None:
        """Seconds from the request to the end of the answer."""
        return None if self.t_end is None else self.t_end - self.t

    @property
    def service(self) -> Operation | None:
        """Row of the services table."""
        return OPERATIONS.get(self.operation or "")

    @property
    def http_status(self) -> int | None:
        """HTTP status of the answer."""
        return self.answer.http_status if self.answer else None

    @property
    def session_id(self) -> str | None:
        """SessionID of the request, else of the answer."""
        for body in (self.body, self.answer_body):
            if isinstance(body.get("SessionID"), str):
                return str(body["SessionID"])
        return None

    @property
    def result(self) -> bool | None:
        """`Result` of an acknowledgement, None where there is none."""
        value = self.answer_body.get("Result")
        return value if isinstance(value, bool) else None

    @property
    def status_code(self) -> str | None:
        """`StatusCode.Code` of the answer, None where there is none."""
        code = wire_json.at(self.answer_body, "StatusCode", "Code")
        return code if isinstance(code, str) else None

    @property
    def accepted(self) -> bool:
        """HTTP 2xx and `Result` true."""
        return self.answer is not None and 200 <= self.answer.http_status < 300 and self.result is True

    def header(self, name: str) -> str | None:
        """First request header of that name."""
        return _header(self.request.headers, name)

    def answer_header(self, name: str) -> str | None:
        """First answer header of that name."""
        return _header(self.answer.headers, name) if self.answer else None


_REMEMBERED = tuple(name for name, value in vars(Exchange).items() if isinstance(value, cached_property))


def _header(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name.lower()), None)


OBSERVATIONS: dict[str, str] = {
    # charge points: the ground truth a CDR and a status are compared with. All carry `evse_id` where one is meant.
    "charge_point_connected": "the WebSocket to the CPO is open and the boot was accepted",
    "charge_point_disconnected": "the WebSocket is gone; data: reason",
    "charge_point_refused": "the CPO refused the connection or the boot; data: reason",
    "connector_status": "OCPP state of the connector changed; data: connector_status, error_code",
    "connector_status_delivered": "the CPO answered the StatusNotification; data: connector_status",
    "charge_point_status": "OCPP state of the charge point as a whole changed; data: connector_status, error_code",
    "charge_point_status_delivered": "the CPO answered the StatusNotification of connector 0; data: connector_status",
    "plugged": "the cable was plugged in",
    "unplugged": "the cable was pulled",
    "energy_started": "current flows; data: meter_wh",
    "energy_stopped": "current no longer flows; data: meter_wh",
    "meter": "reading; data: meter_wh",
    "transaction_started": "data: transaction (ours), id_tag, meter_wh, cause (remote, local), remote_start (number of its observation)",
    "transaction_start_delivered": "the CPO answered; data: transaction, transaction_id (the CPO's), id_tag_status",
    "transaction_stopped": "data: transaction, meter_wh, reason",
    "transaction_stop_delivered": "the CPO answered; data: transaction",
    "remote_start_received": "data: id_tag, connector_id, answer",
    "remote_start_expired": "the charge point dropped an accepted remote start because no vehicle came; data: id_tag",
    "remote_stop_received": "data: transaction_id, answer",
    "reserve_received": "data: reservation_id, id_tag, expiry, answer",
    "reserve_cancelled": "data: reservation_id, answer",
    "authorize": "a charge point asked for a token; data: id_tag, answer",
    "ocpp": "one OCPP call; data: charge_point, sender (charge_point, cpo), action, payload, answer, error, duration_s",
    # the stage
    "fleet": "data: the fleet.json the CPO was given",
    "scenario_started": "data: scenario, exclusive, evse_ids",
    "scenario_ended": "data: scenario, outcome, reason",
    "evse_leased": "data: scenario",
    "evse_released": "data: scenario",
    "driver": "what a driver did; data: action, provider_id, evco_id, session_id, answer",
    "hook": "data: hook, body, outcome, detail",
    "cpo_started": "the CPO accepts on both ports; data: pid",
    "cpo_exited": "data: exit_status, expected",
    "cpo_restarted": "data: how",
    "stage_down": "the bench takes charge points, CPO and hub down; what comes later is recorded and not judged",
    "fault_armed": "data: fault, scenario",
    "fault_fired": "data: fault, exchange",
    "fault_lifted": "data: fault, fired",
    "hub_down": "the hub accepts no connection",
    "hub_up": "the hub accepts again",
    "hub_setting": "a setting of the hub was changed; data: setting, value (server_certificate: own, renewed, foreign-ca, wrong-name)",
    "tls_handshake": "a handshake that failed or was refused; data: direction, error, version, certificate",
    "connection_probe": "what the bench found out about an endpoint; data: url, versions (accepted), tried, trusted, trust_error, plain_http, error",
    "hub_session": "data: session_id, event (created, deleted, closed), reason",
    "note": "data: text",
}
"""Kinds of observations and the keys of their data."""


@dataclass(frozen=True)
class Observation:
    """Something that was seen beside the OICP wire; kinds and keys in `OBSERVATIONS`."""

    number: int
    kind: str
    at: datetime
    t: float
    evse_id: str | None = None
    charge_point: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """The frame of a recording.

    `source`: run, serve, tap, har, flows, pairs, message. `truth`: virtual charge points of the bench observed the chargers, so content rules
    have a ground truth. `hooks`: names of the configured hooks. `operator_ids`: direct partner first, then sub-operators.
    `unknown`: what this kind of recording cannot tell, by the names of `oicp.unknowns`.
    """

    source: str = "run"
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    operator_ids: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("remote-only",)
    hooks: tuple[str, ...] = ()
    seed: int = 0
    truth: bool = False
    long: bool = False
    fleet: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Everything that was recorded, in order."""

    run: Run
    exchanges: tuple[Exchange, ...] = ()
    observations: tuple[Observation, ...] = ()

    __hash__ = object.__hash__  # by identity: what rules work out once is remembered per recording

    @cached_property
    def _by_operation(self) -> dict[str | None, tuple[Exchange, ...]]:
        found: dict[str | None, list[Exchange]] = {}
        for exchange in self.exchanges:
            found.setdefault(exchange.operation, []).append(exchange)
        return {name: tuple(items) for name, items in found.items()}

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Observation, ...]]:
        found: dict[str, list[Observation]] = {}
        for observation in self.observations:
            found.setdefault(observation.kind, []).append(observation)
        return {name: tuple(items) for name, items in found.items()}

    @cached_property
    def _by_number(self) -> dict[int, Exchange]:
        return {exchange.number: exchange for exchange in self.exchanges}

    @cached_property
    def t_end(self) -> float:
        """Seconds of the last thing recorded."""
        ends = [e.t_end if e.t_end is not None else e.t for e in self.exchanges]
        return max([*ends, *(o.t for o in self.observations)], default=0.0)

    def about(self, *operations: str | None, direction: Direction | None = None) -> tuple[Exchange, ...]:
        """Exchanges of these operations in order."""
        found = [e for name in operations for e in self._by_operation.get(name, ())]
        if len(operations) > 1:
            found.sort(key=lambda exchange: exchange.number)
        return tuple(e for e in found if direction is None or e.direction is direction)

    def seen(self, *kinds: str) -> tuple[Observation, ...]:
        """Observations of these kinds in order."""
        found = [o for kind in kinds for o in self._by_kind.get(kind, ())]
        if len(kinds) > 1:
            found.sort(key=lambda observation: (observation.t, observation.number))
        return tuple(found)

    def exchange(self, number: int) -> Exchange | None:
        """The exchange of that number."""
        return self._by_number.get(number)


# --- JSON lines ------------------------------------------------------------------------------------------------------


def run_line(run: Run) -> dict[str, Json]:
    """First line of a recording."""
    return {
        "kind": "run", "schema": SCHEMA, "source": run.source, "started_at": run.started_at.isoformat(),
        "operator_ids": list(run.operator_ids), "profiles": list(run.profiles), "hooks": list(run.hooks),
        "seed": run.seed, "truth": run.truth, "long": run.long, "fleet": run.fleet, "settings": dict(run.settings),
        **({"unknown": list(run.unknown)} if run.unknown else {}),
    }  # fmt: skip


def request_line(exchange: Exchange) -> dict[str, Json]:
    """Line of a request, written when it arrives or leaves."""
    request = exchange.request
    return {
        "kind": "request", "number": exchange.number, "direction": str(exchange.direction),
        "operation": exchange.operation, "partner_id": exchange.partner_id, "at": exchange.started_at.isoformat(),
        "t": round(exchange.t, 6), "method": request.method, "target": request.target, "url": exchange.url,
        "headers": [list(pair) for pair in request.headers], **_body(request.body),
        "tls": tls_line(exchange.tls), "connection": exchange.connection, "overlaps": list(exchange.overlaps),
    }  # fmt: skip


def answer_line(exchange: Exchange) -> dict[str, Json]:
    """Line of the answer (or of its absence), written when the exchange is over."""
    answer = exchange.answer
    line: dict[str, Json] = {
        "kind": "answer", "number": exchange.number, "t": None if exchange.t_end is None else round(exchange.t_end, 6),
        "error": exchange.error, "faults": list(exchange.faults), "recorder": dict(exchange.recorder),
        "tls": tls_line(exchange.tls),
    }  # fmt: skip
    if answer:
        headers = [list(pair) for pair in answer.headers]
        line |= {"http_status": answer.http_status, "headers": headers, **_body(answer.body)}
    return line


def observation_line(observation: Observation) -> dict[str, Json]:
    """Line of an observation."""
    return {
        "kind": "observation", "number": observation.number, "observed": observation.kind,
        "at": observation.at.isoformat(), "t": round(observation.t, 6), "evse_id": observation.evse_id,
        "charge_point": observation.charge_point, "data": dict(observation.data),
    }  # fmt: skip


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def tls_line(tls: Tls | None) -> Json:
    """The TLS facts inside a line."""
    if tls is None:
        return None
    certificate = tls.certificate
    facts = {name: getattr(certificate, name) for name in Certificate.__slots__} if certificate else None
    return {"version": tls.version, "certificate": facts, "trusted": tls.trusted, "partner_id": tls.partner_id}


def read_lines(lines: Iterable[str]) -> Evidence:
    """Read a recording. A last line that was cut off is left out; every other fault raises `BrokenRecording`."""
    run: Run | None = None
    requests: dict[int, Exchange] = {}
    observations: list[Observation] = []
    for line, last in _with_last(enumerate(lines, 1)):
        number, text = line
        if not text.strip():
            continue
        parsed = wire_json.parse_text(text)
        if not parsed.is_object:
            if last:
                break
            raise BrokenRecording(f"line {number}: {parsed.error or 'not a JSON object'}")
        try:
            run = _read_line(parsed.value, run, requests, observations)
        except (KeyError, TypeError, ValueError, binascii.Error) as fault:
            raise BrokenRecording(f"line {number}: {wire_json.in_words(fault)}") from fault
    if run is None:
        raise BrokenRecording(f"no line of kind `run` with schema {SCHEMA}")
    return Evidence(run, tuple(sorted(requests.values(), key=lambda e: e.number)), tuple(observations))


def _with_last(items: Iterable[tuple[int, str]]) -> Iterator[tuple[tuple[int, str], bool]]:
    iterator = iter(items)
    current = next(iterator, None)
    while current is not None:
        following = next(iterator, None)
        yield current, following is None
        current = following


def _read_line(
    row: dict[str, Json], run: Run | None, requests: dict[int, Exchange], seen: list[Observation]
) -> Run | None:
    check(row)
    kind = row["kind"]
    if kind == "run":
        return _read_run(row)
    if kind == "request":
        requests[row["number"]] = _read_request(row)
    elif kind == "answer":
        if row["number"] not in requests:
            raise ValueError(f"answers number {row['number']}, of which there is no request before")
        requests[row["number"]] = _with_answer(requests[row["number"]], row)
    elif kind == "observation":
        seen.append(Observation(
            row["number"], row["observed"], datetime.fromisoformat(row["at"]), float(row["t"]),
            row.get("evse_id"), row.get("charge_point"), row.get("data") or {},
        ))  # fmt: skip
    return run


def _read_run(row: dict[str, Json]) -> Run:
    if row.get("schema") != SCHEMA:
        raise ValueError(f"schema is {row.get('schema')!r}, this version reads {SCHEMA}")
    return Run(
        row["source"], datetime.fromisoformat(row["started_at"]), tuple(row["operator_ids"]), tuple(row["profiles"]),
        tuple(row["hooks"]), row["seed"], row["truth"], row.get("long", False), row.get("fleet"), row.get("settings") or {},
        tuple(row.get("unknown") or ()),
    )  # fmt: skip


def _read_request(row: dict[str, Json]) -> Exchange:
    request = Request(row["method"], row["target"], _pairs(row["headers"]), _read_body(row))
    return Exchange(
        number=row["number"], direction=Direction(row["direction"]), operation=row["operation"],
        partner_id=row["partner_id"], request=request, answer=None, started_at=datetime.fromisoformat(row["at"]),
        t=float(row["t"]), t_end=None, error="the recording ended before the answer", url=row.get("url", ""),
        tls=_read_tls(row.get("tls")), connection=row.get("connection"), overlaps=tuple(row.get("overlaps", ())),
    )  # fmt: skip


def _with_answer(opened: Exchange, row: dict[str, Json]) -> Exchange:
    answer = Answer(row["http_status"], _pairs(row["headers"]), _read_body(row)) if "http_status" in row else None
    return Exchange(
        number=opened.number, direction=opened.direction, operation=opened.operation, partner_id=opened.partner_id,
        request=opened.request, answer=answer, started_at=opened.started_at, t=opened.t,
        t_end=None if row["t"] is None else float(row["t"]), error=row.get("error"), url=opened.url,
        tls=_read_tls(row.get("tls")) or opened.tls, connection=opened.connection, overlaps=opened.overlaps,
        faults=tuple(row.get("faults", ())), recorder=row.get("recorder") or {},
    )  # fmt: skip


def _pairs(rows: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)


def _read_body(row: dict[str, Json]) -> bytes:
    if "body_base64" in row:
        return base64.b64decode(row["body_base64"], validate=True)
    return str(row.get("body", "")).encode()


def _read_tls(row: Json) -> Tls | None:
    if not row:
        return None
    facts = row.get("certificate")
    return Tls(row.get("version"), Certificate(**facts) if facts else None, row.get("trusted"), row.get("partner_id"))
