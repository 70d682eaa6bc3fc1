"""One session on one time axis: driver, hub, CPO, charge point and vehicle, with the energy curve and the findings.

The result is plain data that the page draws: lanes are numbered 0 to 4 in the order of `LANES`, times are seconds of the recording.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, Exchange, Observation
from oicp.rulebook import Finding, Grade
from oicp.services import Direction
from oicp.sessions import Session, folded, scenario_at, sessions
from reports.energy import energy
from reports.report import Report
from reports.trace_rows import HUB, asked_first, bars, exchange_rows, folded_runs, observation_rows

_BEFORE, _AFTER, _TOLD = 30.0, 5.0, 1.0
_MOMENT = 0.000_001
_TRANSACTION = (("transactionId",), ("transactionInfo", "transactionId"))
_CONNECTOR = (("connectorId",), ("evseId",), ("evse", "id"))
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
            if o.kind in ("hub_session", "driver") and o.data.get("session_id"):
                key = f"#{o.data['session_id']}"
            elif o.evse_id:
                key = folded(o.evse_id)
            elif o.charge_point:
                key = "@" + o.charge_point
            else:
                shared = o.kind in _EVERYBODYS and not str(o.data.get("hook")).startswith("push_")
                key = "" if shared else f"#{o.data.get('session_id')}"
            found.setdefault(key, []).append(o)
        for items in found.values():
            items.sort(key=lambda o: (o.t, o.number))
        return found

    @cached_property
    def _charge_points(self) -> dict[str, str]:
        """Charge point of an EVSE (folded id)."""
        return {folded(o.evse_id): o.charge_point for o in self.evidence.observations if o.evse_id and o.charge_point}

    @cached_property
    def _connectors(self) -> dict[str, int]:
        """OCPP number of the connector of an EVSE (folded id), from the fleet."""
        fleet = self.evidence.run.fleet or {}
        rows = [row for box in fleet.get("charge_points", ()) for row in box.get("evses", ())]
        return {folded(str(row.get("evse_id"))): int(row["connector_id"]) for row in rows if "connector_id" in row}

    def _transaction_ids(self, session: Session) -> set[str]:
        """Ids under which OCPP speaks of the transactions of a session: the charge point's and the CPO's."""
        ours = {t.reference for t in session.transactions}
        return ours | {str(self._told[ident]) for ident in ours if ident in self._told}

    @cached_property
    def _told(self) -> dict[str, Any]:
        """Transaction ids that the CPO gave, by ours."""
        seen = self.evidence.seen("transaction_start_delivered")
        return {
            str(o.data.get("transaction")): o.data["transaction_id"]
            for o in seen
            if o.data.get("transaction_id") is not None
        }

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
        if not session.evse_id:
            return begin, end
        key = folded(session.evse_id)
        return self._plugged_before(key, begin), self._last_of(key, end)

    def _plugged_before(self, key: str, begin: float) -> float:
        """Second at which the cable was plugged in that is in the vehicle when the session begins."""
        plugged = begin
        for o in self._between(key, begin - _BEFORE, begin):
            if o.kind == "plugged":
                plugged = o.t
            elif o.kind == "unplugged":
                plugged = begin
        return plugged

    def _last_of(self, key: str, end: float) -> float:
        """Second of the last thing that belongs to a session: what follows it before the EVSE is used again."""
        limit = end + _AFTER
        for o in self._between(key, end, limit):
            if o.kind in ("evse_leased", "plugged"):
                limit = o.t
                break
            if o.kind != "evse_released":
                end = o.t
        told = [push.t_end or t for t, push, _ in self._pushes.get(key, []) if end < t <= min(end + _TOLD, limit)]
        return max([end, *told])

    def _used_until(self, session: Session, end: float) -> float:
        """Second at which somebody else uses the EVSE: what its record is late for belongs to the next session."""
        if session.start is None or session.evse_id is None:
            return end
        free = False
        for o in self._between(folded(session.evse_id), session.start.t, end):
            if o.kind == "evse_leased" or (free and o.kind == "plugged"):
                return o.t - _MOMENT
            free |= o.kind == "unplugged"
        later = (t for t in self._starts.get(folded(session.evse_id), ()) if session.start.t < t <= end)
        return min(later, default=end + _MOMENT) - _MOMENT

    @cached_property
    def _starts(self) -> dict[str, list[float]]:
        """Seconds of the accepted starts on an EVSE (folded id)."""
        found: dict[str, list[float]] = {}
        for session in self.sessions:
            if session.accepted and session.start and session.evse_id:
                found.setdefault(folded(session.evse_id), []).append(session.start.t)
        return found

    def trace(self, session: Session) -> dict[str, Any]:
        """Everything the diagram of a session needs."""
        begin, end = self._window(session)
        seen = list(self._of(session, begin, end))
        rows = [*self._messages(session, begin, end), *observation_rows(seen)]
        asked_first(rows)
        rows.sort(key=lambda row: (row["t"], row.get("order", 0)))
        rows = list(folded_runs(rows))
        self._mark(session, rows)
        return {
            **self.summary(session), "t0": round(begin, 4), "t1": round(end, 4), "evco": session.evco_id,
            "rows": rows, "bars": list(bars(seen, begin, end)), "energy": energy(session, seen),
        }  # fmt: skip

    def _of(self, session: Session, begin: float, end: float) -> Iterator[Observation]:
        """Observations of its EVSE, its charge point and its driver in order."""
        found = list(self._between(f"#{session.session_id}", begin - _BEFORE, end + _AFTER))
        found += self._between("", begin, end)
        if session.evse_id:
            key = folded(session.evse_id)
            end = self._used_until(session, end)
            found += self._between(key, begin, end)
            box = self._charge_points.get(key)
            about = _about(session, self._connectors.get(key), self._transaction_ids(session))
            found += [o for o in self._between(f"@{box}", begin, end) if about(o)]
        others = {s.get("session_id") for s in (o.data for o in found)} - {None, session.session_id}
        wanted = (o for o in found if o.data.get("session_id") not in others)
        yield from sorted({o.number: o for o in wanted}.values(), key=lambda o: (o.t, o.number))

    def _messages(self, session: Session, begin: float, end: float) -> Iterator[dict[str, Any]]:
        for exchange in self._exchanges[session.session_id]:
            yield from exchange_rows(exchange, (exchange.operation or exchange.request.target))
        until = self._used_until(session, end)
        for t, push, evse_status in self._pushes.get(folded(session.evse_id or ""), []):
            if begin <= t <= until:
                yield from exchange_rows(push, f"PushEvseStatus {evse_status}")

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
                {"t": last, "kind": "event", "lane": HUB, "cls": "finding", "label": "session over", "bad": left}
            )


def _about(session: Session, connector: int | None, transactions: set[str]) -> Callable[[Observation], bool]:
    """Tells the OCPP calls of a charge point that concern this session from those of its other connectors."""
    tokens = {t.id_tag for t in session.transactions}

    def concerns(o: Observation) -> bool:
        payload, answer = o.data.get("payload") or {}, o.data.get("answer") or {}
        named = [wire_json.at(payload, *path) for path in _TRANSACTION] + [wire_json.at(answer, "transactionId")]
        if any(name is not None for name in named):
            return any(str(name) in transactions for name in named)
        numbers = [wire_json.at(payload, *path) for path in _CONNECTOR]
        if connector is not None and any(isinstance(number, int) for number in numbers):
            return any(number in (0, connector) for number in numbers)
        token = wire_json.at(payload, "idTag") or wire_json.at(payload, "idToken", "idToken")
        return token is None or token in tokens

    return concerns


def worst(findings: Iterable[Finding]) -> str:
    """The heaviest grade among findings; empty if there is none."""
    order = (Grade.ERROR, Grade.WARNING, Grade.INFO)
    grades = {f.grade for f in findings}
    return next((str(g) for g in order if g in grades), "")
