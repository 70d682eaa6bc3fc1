"""One session on one time axis: driver, hub, CPO, charge point and vehicle, with the energy curve and the findings.

The result is plain data that the page draws: lanes are numbered 0 to 4 in the order of `LANES`, times are seconds of the recording.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, Exchange, Observation
from oicp.rulebook import Finding, Grade
from oicp.services import Direction
from oicp.sessions import Session, folded, scenario_at, sessions
from oicp.wire_json import Json
from reports.readiness import second_of
from reports.report import Report

LANES = ("Driver / EMP", "Hub", "CPO", "Charge point", "Vehicle")
_EMP, _HUB, _CPO, _CHARGE_POINT, _VEHICLE = range(5)
_ENDS = {
    Direction.EMP_TO_HUB: (_EMP, _HUB), Direction.HUB_TO_EMP: (_HUB, _EMP),
    Direction.CPO_TO_HUB: (_CPO, _HUB), Direction.HUB_TO_CPO: (_HUB, _CPO),
}  # fmt: skip
_BEFORE, _AFTER, _TOLD = 30.0, 5.0, 1.0
_POINTS = 240
_ABSURD_KWH = 1e9
_DULL = ("Heartbeat",)
_ON_LANE = {
    "energy_started": (_VEHICLE, "energy flows"), "energy_stopped": (_VEHICLE, "energy stopped"),
    "transaction_started": (_CHARGE_POINT, "transaction started"),
    "transaction_stopped": (_CHARGE_POINT, "transaction stopped"),
    "reserve_cancelled": (_CHARGE_POINT, "reservation cancelled"),
    "charge_point_disconnected": (_CHARGE_POINT, "charge point offline"),
    "charge_point_connected": (_CHARGE_POINT, "charge point connected"),
    "charge_point_refused": (_CHARGE_POINT, "charge point refused"),
    "fault_fired": (_HUB, "fault"), "hub_down": (_HUB, "hub down"), "hub_up": (_HUB, "hub up"),
    "hub_session": (_HUB, "session"), "hook": (_CPO, "hook"), "cpo_exited": (_CPO, "CPO exited"),
    "cpo_started": (_CPO, "CPO started"), "cpo_restarted": (_CPO, "CPO restarted"),
    "tls_handshake": (_HUB, "TLS handshake failed"),
}  # fmt: skip
_EVERYBODYS = (
    "fault_fired",
    "hub_down",
    "hub_up",
    "cpo_exited",
    "cpo_started",
    "cpo_restarted",
    "tls_handshake",
    "hook",
)


@dataclass(frozen=True)
class Traces:
    """Builds the traces of a report; indexes the recording once."""

    report: Report

    @property
    def evidence(self) -> Evidence:
        """The recording."""
        return self.report.evidence

    @cached_property
    def sessions(self) -> tuple[Session, ...]:
        """All sessions that can be drawn, in the order of their first message."""
        return sessions(self.evidence)

    @cached_property
    def _findings(self) -> dict[int | str, list[tuple[int, Finding]]]:
        """Numbered findings by exchange number and by session id."""
        found: dict[int | str, list[tuple[int, Finding]]] = {}
        for number, finding in enumerate(self.report.findings, 1):
            for key in (finding.exchange, finding.session_id):
                if key is not None:
                    found.setdefault(key, []).append((number, finding))
        return found

    @cached_property
    def _exchanges(self) -> dict[str, list[Exchange]]:
        found: dict[str, list[Exchange]] = {}
        for exchange in self.evidence.exchanges:
            if exchange.session_id:
                found.setdefault(exchange.session_id, []).append(exchange)
        return found

    @cached_property
    def _pushes(self) -> dict[str, list[tuple[float, Exchange, str]]]:
        """Status pushes by folded EvseID: second, exchange, the status it reports."""
        found: dict[str, list[tuple[float, Exchange, str]]] = {}
        for push in self.evidence.about("PushEvseStatus", direction=Direction.CPO_TO_HUB):
            if push.body.get("ActionType") == "fullLoad":
                continue
            records = wire_json.at(push.body, "OperatorEvseStatus", "EvseStatusRecord")
            for record in records if isinstance(records, list) else []:
                evse_id, evse_status = wire_json.at(record, "EvseID"), wire_json.at(record, "EvseStatus")
                if isinstance(evse_id, str):
                    found.setdefault(folded(evse_id), []).append((push.t, push, str(evse_status)))
        return found

    @cached_property
    def _seen(self) -> dict[str, list[Observation]]:
        """Observations by folded EvseID, by `@charge point` where no EVSE is named, by "" for everybody's."""
        found: dict[str, list[Observation]] = {}
        for o in self.evidence.observations:
            if o.evse_id:
                key = folded(o.evse_id)
            elif o.charge_point:
                key = "@" + o.charge_point
            else:
                key = "" if o.kind in _EVERYBODYS else f"#{o.data.get('session_id')}"
            found.setdefault(key, []).append(o)
        for items in found.values():
            items.sort(key=lambda o: (o.t, o.number))
        return found

    @cached_property
    def _charge_points(self) -> dict[str, str]:
        """Charge point of an EVSE (folded id)."""
        return {folded(o.evse_id): o.charge_point for o in self.evidence.observations if o.evse_id and o.charge_point}

    def _between(self, key: str, begin: float, end: float) -> Iterator[Observation]:
        items = self._seen.get(key, [])
        for o in items[bisect_left(items, begin, key=lambda o: o.t) :]:
            if o.t > end:
                return
            yield o

    # --- one session -------------------------------------------------------------------------------------------------

    def summary(self, session: Session) -> dict[str, Any]:
        """The line of a session in the list."""
        begin, end = self._window(session)
        numbers = self._numbers(session)
        transaction = session.transaction
        return {
            "id": session.session_id, "kind": session.kind, "evse": session.evse_id, "provider": session.provider_id,
            "accepted": session.accepted, "t": round(begin, 3), "s": round(end - begin, 3),
            "cdrs": len(session.cdrs), "wh": transaction.energy_wh if transaction else None,
            "scenario": scenario_at(self.evidence, None, None, session.session_id), "findings": numbers,
            "faulted": session.faulted,
        }  # fmt: skip

    def _numbers(self, session: Session) -> list[int]:
        keys: list[int | str] = [session.session_id, *(e.number for e in self._exchanges.get(session.session_id, []))]
        return sorted({number for key in keys for number, _ in self._findings.get(key, [])})

    def _window(self, session: Session) -> tuple[float, float]:
        own = self._exchanges[session.session_id]
        ends = [e.t_end if e.t_end is not None else e.t for e in own]
        for t in session.transactions:
            ends += [x for x in (t.t_start, t.t_stop, t.t_stop_delivered) if x is not None]
        begin, end = min(e.t for e in own), max(ends)
        if session.evse_id:
            key = folded(session.evse_id)
            for o in self._between(key, begin - _BEFORE, begin):
                if o.kind in ("plugged", "evse_leased"):
                    begin = min(begin, o.t) if o.kind == "plugged" else o.t
            for o in self._between(key, end, end + _AFTER):
                if o.kind in ("evse_leased", "evse_released"):
                    break
                end = o.t
            told = [push.t_end or t for t, push, _ in self._pushes.get(key, []) if end < t <= end + _TOLD]
            end = max([end, *told])
        return begin, end

    def trace(self, session: Session) -> dict[str, Any]:
        """Everything the diagram of a session needs."""
        begin, end = self._window(session)
        seen = list(self._of(session, begin, end))
        rows = [*self._messages(session, begin, end), *_rows(seen)]
        rows.sort(key=lambda row: (row["t"], row.get("order", 0)))
        rows = list(_folded_runs(rows))
        self._mark(session, rows)
        return {
            **self.summary(session), "t0": round(begin, 4), "t1": round(end, 4), "evco": session.evco_id,
            "rows": rows, "bars": list(_bars(seen, begin, end)), "energy": _energy(session, seen, begin, end),
        }  # fmt: skip

    def _of(self, session: Session, begin: float, end: float) -> Iterator[Observation]:
        """Observations of its EVSE, its charge point and its driver in order."""
        found = list(self._between(f"#{session.session_id}", begin - _BEFORE, end + _AFTER))
        found += self._between("", begin, end)
        if session.evse_id:
            key = folded(session.evse_id)
            found += self._between(key, begin, end)
            box = self._charge_points.get(key)
            alone = list(self._charge_points.values()).count(box or "") == 1
            found += [o for o in self._between(f"@{box}", begin, end) if alone or _about_transaction(o, session)]
        others = {s.get("session_id") for s in (o.data for o in found)} - {None, session.session_id}
        wanted = (o for o in found if o.data.get("session_id") not in others)
        yield from sorted({o.number: o for o in wanted}.values(), key=lambda o: (o.t, o.number))

    def _messages(self, session: Session, begin: float, end: float) -> Iterator[dict[str, Any]]:
        for exchange in self._exchanges[session.session_id]:
            yield from _exchange_rows(exchange, (exchange.operation or exchange.request.target))
        for t, push, evse_status in self._pushes.get(folded(session.evse_id or ""), []):
            if begin <= t <= end:
                yield from _exchange_rows(push, f"PushEvseStatus {evse_status}")

    def _mark(self, session: Session, rows: list[dict[str, Any]]) -> None:
        """Put each finding where it happened: at its message, else at the end."""
        placed: set[int] = set()
        for row in rows:
            for number, finding in self._findings.get(row.get("exchange", 0), []):
                wanted = "answer" if finding.in_answer else "request"
                if row["part"] == wanted:
                    row.setdefault("bad", []).append(number)
                    placed.add(number)
            for number, finding in self._findings.get(session.session_id, []):
                if finding.exchange is None and finding.observation in row.get("observations", ()):
                    row.setdefault("bad", []).append(number)
                    placed.add(number)
        left = [n for n, f in self._findings.get(session.session_id, []) if n not in placed]
        if left:
            last = max((row["t"] for row in rows), default=0.0)
            rows.append(
                {"t": last, "kind": "event", "lane": _HUB, "cls": "finding", "label": "session over", "bad": left}
            )


def _about_transaction(o: Observation, session: Session) -> bool:
    payload = o.data.get("payload")
    known = {t.started.data.get("transaction") for t in session.transactions} | {
        t.reference for t in session.transactions
    }
    return isinstance(payload, dict) and payload.get("transactionId") in known


def _exchange_rows(exchange: Exchange, label: str) -> Iterator[dict[str, Any]]:
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


def _rows(seen: Iterable[Observation]) -> Iterator[dict[str, Any]]:
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
                "run": str(data.get("action")), "ok": not data.get("error")}  # fmt: skip
    if o.kind == "driver":
        answer = data.get("answer")
        return {"kind": "arrow", "cls": "driver", "from": _EMP, "to": _HUB, "label": _words(data.get("action")),
                "detail": "" if answer is None else wire_json.shown(answer, 40)}  # fmt: skip
    if o.kind in ("plugged", "unplugged"):
        return {"kind": "arrow", "cls": "plug", "from": _VEHICLE, "to": _CHARGE_POINT, "label": o.kind}
    if o.kind in _ON_LANE:
        lane, text = _ON_LANE[o.kind]
        cls = "fault" if o.kind.startswith(("fault", "hub_", "cpo_", "tls")) and o.kind != "hub_session" else "event"
        return {"kind": "event", "cls": cls, "lane": lane, "label": text + _more(o)}
    return None


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


def _folded_runs(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
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


def _bars(seen: list[Observation], begin: float, end: float) -> Iterator[dict[str, Any]]:
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


# --- energy ----------------------------------------------------------------------------------------------------------


def _energy(session: Session, seen: list[Observation], begin: float, end: float) -> dict[str, Any] | None:
    """Meter of the charge point against what the charge detail record says; Wh."""
    kinds = ("meter", "energy_started", "energy_stopped", "transaction_started", "transaction_stopped")
    meter = [[round(o.t, 4), int(o.data["meter_wh"])] for o in seen if o.kind in kinds and "meter_wh" in o.data]
    step = max(1, len(meter) // _POINTS)
    kept = meter[::step] + ([meter[-1]] if meter and (len(meter) - 1) % step else [])
    reported = [r for r in (_reported(cdr) for cdr in session.cdrs) if r]
    if not kept and not reported:
        return None
    transaction = session.transaction
    return {"meter": kept, "delivered_wh": transaction.energy_wh if transaction else None, "reported": reported}


def _reported(cdr: Exchange) -> dict[str, Any] | None:
    body = cdr.body
    start, stop = _wh(body.get("MeterValueStart")), _wh(body.get("MeterValueEnd"))
    consumed = _wh(body.get("ConsumedEnergy"))
    if consumed is None and (start is None or stop is None):
        return None
    return {
        "exchange": cdr.number, "start_wh": start, "end_wh": stop, "consumed_wh": consumed,
        "t0": second_of(cdr, body.get("ChargingStart")), "t1": second_of(cdr, body.get("ChargingEnd")),
        "accepted": cdr.accepted,
    }  # fmt: skip


def _wh(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return round(float(value) * 1000, 3) if abs(Decimal(value)) < _ABSURD_KWH else None


def worst(findings: Iterable[Finding]) -> str:
    """The heaviest grade among findings; empty if there is none."""
    order = (Grade.ERROR, Grade.WARNING, Grade.INFO)
    grades = {f.grade for f in findings}
    return next((str(g) for g in order if g in grades), "")
