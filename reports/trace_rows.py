"""The rows of a trace: one for each message, OCPP call, driver's deed and event; and the bars along the lanes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oicp import wire_json
from oicp.evidence import Exchange, Observation
from oicp.services import Direction
from oicp.wire_json import Json

LANES = ("Driver / EMP", "Hub", "CPO", "Charge point", "Vehicle")
"""Names of the lanes; a lane is known by its place in here."""
_EMP, HUB, _CPO, _CHARGE_POINT, _VEHICLE = range(5)
_ENDS = {
    Direction.EMP_TO_HUB: (_EMP, HUB), Direction.HUB_TO_EMP: (HUB, _EMP),
    Direction.CPO_TO_HUB: (_CPO, HUB), Direction.HUB_TO_CPO: (HUB, _CPO),
}  # fmt: skip
_DULL = ("Heartbeat",)
_ON_LANE = {
    "energy_started": (_VEHICLE, "energy flows"), "energy_stopped": (_VEHICLE, "energy stopped"),
    "transaction_started": (_CHARGE_POINT, "transaction started"),
    "transaction_stopped": (_CHARGE_POINT, "transaction stopped"),
    "reserve_cancelled": (_CHARGE_POINT, "reservation cancelled"),
    "charge_point_disconnected": (_CHARGE_POINT, "charge point offline"),
    "charge_point_connected": (_CHARGE_POINT, "charge point connected"),
    "charge_point_refused": (_CHARGE_POINT, "charge point refused"),
    "fault_fired": (HUB, "fault"), "hub_down": (HUB, "hub down"), "hub_up": (HUB, "hub up"),
    "hub_session": (HUB, "session"), "hook": (_CPO, "hook"), "cpo_exited": (_CPO, "CPO exited"),
    "cpo_started": (_CPO, "CPO started"), "cpo_restarted": (_CPO, "CPO restarted"),
    "tls_handshake": (HUB, "TLS handshake failed"),
}  # fmt: skip


def exchange_rows(exchange: Exchange, label: str) -> Iterator[dict[str, Any]]:
    """Request and answer of an exchange, an arrow each."""
    source, target = _ENDS[exchange.direction]
    shared = {"kind": "arrow", "cls": "oicp", "exchange": exchange.number}
    faults = list(exchange.faults)
    yield {**shared, "t": round(exchange.t, 4), "from": source, "to": target, "label": label, "part": "request",
           "faults": faults}  # fmt: skip
    t = exchange.t_end if exchange.t_end is not None else exchange.t
    yield {**shared, "t": round(t, 4), "from": target, "to": source, "label": _answer_label(exchange), "part": "answer",
           "order": 1, "ok": _went_well(exchange), "ms": round((t - exchange.t) * 1000)}  # fmt: skip


def _answer_label(exchange: Exchange) -> str:
    if exchange.answer is None:
        return exchange.error or "no answer"
    code = exchange.status_code
    status = exchange.answer_body.get("AuthorizationStatus")
    return " · ".join(str(part) for part in (exchange.http_status, code, status) if part)


def _went_well(exchange: Exchange) -> bool:
    return exchange.accepted or exchange.answer_body.get("AuthorizationStatus") == "Authorized"


def observation_rows(seen: Iterable[Observation]) -> Iterator[dict[str, Any]]:
    """What charge points, drivers and the stage did, as arrows and events."""
    for o in seen:
        row = _row(o)
        if row:
            yield {"t": round(o.t, 4), "observations": [o.number], "data": {**o.data, "observed": o.kind}, **row}


def _row(o: Observation) -> dict[str, Any] | None:
    data = o.data
    if o.kind == "ocpp" and data.get("action") not in _DULL:
        outward = data.get("sender") == "cpo"
        lanes = (_CPO, _CHARGE_POINT) if outward else (_CHARGE_POINT, _CPO)
        began = round(o.t - float(data.get("duration_s") or 0), 4)
        return {"kind": "arrow", "cls": "ocpp", "from": lanes[0], "to": lanes[1], "label": _ocpp_label(data), "t": began,
                "run": _ocpp_run(data), "ok": not data.get("error")}  # fmt: skip
    if o.kind == "driver":
        answer = data.get("answer")
        told = {"detail": "" if answer is None else answer if isinstance(answer, str) else wire_json.shown(answer, 40)}
        return {"kind": "arrow", "cls": "driver", "from": _EMP, "to": HUB, "label": _words(data.get("action")), **told}
    if o.kind in ("plugged", "unplugged"):
        return {"kind": "arrow", "cls": "plug", "from": _VEHICLE, "to": _CHARGE_POINT, "label": o.kind}
    if o.kind in _ON_LANE:
        lane, text = _ON_LANE[o.kind]
        cls = "fault" if o.kind.startswith(("fault", "hub_", "cpo_", "tls")) and o.kind != "hub_session" else "event"
        return {"kind": "event", "cls": cls, "lane": lane, "label": text + _more(o)}
    return None


def _ocpp_run(data: Mapping[str, Any]) -> str:
    """Name under which equal calls in a row are folded."""
    event = wire_json.at(data.get("payload"), "eventType")
    return f"{data.get('action')} {event}" if event else str(data.get("action"))


def _words(value: Json) -> str:
    return str(value or "").replace("_", " ")


def _ocpp_label(data: Any) -> str:
    payload, answer = data.get("payload") or {}, data.get("answer")
    told = payload.get("status") or payload.get("connectorStatus") or payload.get("eventType")
    result = wire_json.at(answer, "status") or wire_json.at(answer, "idTagInfo", "status")
    label = str(data.get("action")) + (f" {told}" if told else "")
    return label + (f" → {data.get('error') or result}" if data.get("error") or result else "")


def _more(o: Observation) -> str:
    keys = {"transaction_started": ("id_tag",), "transaction_stopped": ("reason",), "fault_fired": ("fault",),
            "hub_session": ("event",), "hook": ("hook",), "charge_point_disconnected": ("reason",),
            "tls_handshake": ("error",), "charge_point_refused": ("reason",)}.get(o.kind, ())  # fmt: skip
    told = [str(o.data[k]) for k in keys if o.data.get(k)]
    return f": {', '.join(told)}"[:80] if told else ""


_ASKED = {
    "remote start": "AuthorizeRemoteStart", "remote stop": "AuthorizeRemoteStop",
    "reservation start": "AuthorizeRemoteReservationStart", "reservation stop": "AuthorizeRemoteReservationStop",
}  # fmt: skip


def asked_first(rows: list[dict[str, Any]]) -> None:
    """A driver's deed is written down when its answer is there; it is drawn where the driver asked: before the hub does."""
    for row in rows:
        wanted = _ASKED.get(row["label"]) if row["cls"] == "driver" else None
        sent = [r["t"] for r in rows if wanted and r["label"] == wanted and r["t"] <= row["t"]]
        if sent:
            row["t"], row["order"] = max(sent), -1


def folded_runs(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Equal OCPP calls in a row (meter values) become one arrow with a number."""
    held: dict[str, Any] | None = None
    for row in rows:
        if held and row.get("run") in ("MeterValues", "TransactionEvent Updated") and row.get("run") == held.get("run"):
            held["times"] = held.get("times", 1) + 1
            held["observations"] += row["observations"]
            held["t_last"] = row["t"]
            continue
        if held:
            yield held
        held = row
    if held:
        yield held


def bars(seen: list[Observation], begin: float, end: float) -> Iterator[dict[str, Any]]:
    """Connector state and cable as bars along the lanes of charge point and vehicle."""
    state: tuple[float, str] | None = None
    plugged: float | None = None
    for o in seen:
        if o.kind == "connector_status":
            if state:
                yield _bar(_CHARGE_POINT, state[0], o.t, state[1])
            state = (o.t, str(o.data.get("connector_status")))
        elif o.kind == "plugged":
            plugged = o.t
        elif o.kind == "unplugged":
            yield _bar(_VEHICLE, plugged if plugged is not None else begin, o.t, "plugged")
            plugged = None
    if state:
        yield _bar(_CHARGE_POINT, state[0], end, state[1])
    if plugged is not None:
        yield _bar(_VEHICLE, plugged, end, "plugged")


def _bar(lane: int, begin: float, end: float, label: str) -> dict[str, Any]:
    return {"lane": lane, "t0": round(begin, 4), "t1": round(end, 4), "label": label}
