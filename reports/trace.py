"""One session on one time axis: driver, hub, CPO, charge point and vehicle, with the energy curve and the findings.

The result is plain data that the page draws: lanes are numbered 0 to 4 in the order of `LANES`, times are seconds of the recording.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
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
from reports.trace_rows import HUB, bars, exchange_rows, folded_runs, observation_rows

_BEFORE, _AFTER, _TOLD = 30.0, 5.0, 1.0
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
        rows = [*self._messages(session, begin, end), *observation_rows(seen)]
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
            found += self._between(key, begin, end)
            box = self._charge_points.get(key)
            alone = list(self._charge_points.values()).count(box or "") == 1
            found += [o for o in self._between(f"@{box}", begin, end) if alone or _about_transaction(o, session)]
        others = {s.get("session_id") for s in (o.data for o in found)} - {None, session.session_id}
        wanted = (o for o in found if o.data.get("session_id") not in others)
        yield from sorted({o.number: o for o in wanted}.values(), key=lambda o: (o.t, o.number))

    def _messages(self, session: Session, begin: float, end: float) -> Iterator[dict[str, Any]]:
        for exchange in self._exchanges[session.session_id]:
            yield from exchange_rows(exchange, (exchange.operation or exchange.request.target))
        for t, push, evse_status in self._pushes.get(folded(session.evse_id or ""), []):
            if begin <= t <= end:
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


def _about_transaction(o: Observation, session: Session) -> bool:
    payload = o.data.get("payload")
    known = {t.started.data.get("transaction") for t in session.transactions} | {
        t.reference for t in session.transactions
    }
    return isinstance(payload, dict) and payload.get("transactionId") in known


def worst(findings: Iterable[Finding]) -> str:
    """The heaviest grade among findings; empty if there is none."""
    order = (Grade.ERROR, Grade.WARNING, Grade.INFO)
    grades = {f.grade for f in findings}
    return next((str(g) for g in order if g in grades), "")
