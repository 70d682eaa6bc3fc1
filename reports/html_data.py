"""The data inside report.html: one index, and packed chunks that the page unpacks when they are looked at.

Everything is gzip in base64, so nothing from the wire can end a script element, and 10,000 exchanges stay small.
"""

import base64
import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from oicp import wire_json
from oicp.catalogue import Requirement
from oicp.evidence import Evidence, Exchange, Observation, Tls
from oicp.rulebook import Finding, RequirementVerdict
from oicp.wire_json import Json
from reports import coverage
from reports.readiness import readiness
from reports.report import Report, headline, reproduction
from reports.secrets import shown_headers, without_keys
from reports.trace import Traces, worst
from reports.trace_rows import LANES

_CHUNK = 200_000
_BIG_BODY = 4_000
_LONGEST_BODY = 4_000_000
_MOST_FINDINGS = 200


@dataclass
class Pack:
    """Collects the chunks of a page. `blobs`: base64 texts; a chunk is known by its position."""

    blobs: list[str] = field(default_factory=list)
    _bodies: dict[bytes, int] = field(default_factory=dict)

    def add(self, value: Json) -> int:
        """Pack a value; returns the position of its blob."""
        raw = without_keys(wire_json.dump(value)).encode("utf-8", "backslashreplace")
        self.blobs.append(base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode())
        return len(self.blobs) - 1

    def chunks(self, rows: Iterable[tuple[int, Json]]) -> list[list[int]]:
        """Pack numbered rows into blobs of bearable size: [first number, last number, position] of each."""
        found: list[list[int]] = []
        held: list[Json] = []
        numbers: list[int] = []
        size = 0
        for number, row in rows:
            held.append(row)
            numbers.append(number)
            size += _size(row)
            if size > _CHUNK:
                found.append([numbers[0], numbers[-1], self.add(held)])
                held, numbers, size = [], [], 0
        if held:
            found.append([numbers[0], numbers[-1], self.add(held)])
        return found

    def body(self, raw: bytes) -> Json:
        """A body: its text, or where it is big the blob that holds it (equal bodies share one)."""
        if len(raw) < _BIG_BODY:
            return _text(raw)
        if raw not in self._bodies:
            self._bodies[raw] = self.add({"text": _text(raw[:_LONGEST_BODY]), "bytes": len(raw)})
        return {"blob": self._bodies[raw], "bytes": len(raw), "cut": len(raw) > _LONGEST_BODY}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _size(row: Json) -> int:
    if isinstance(row, dict):
        return 20 + sum(_size(v) + len(k) for k, v in row.items())
    if isinstance(row, list):
        return 5 + sum(_size(v) for v in row)
    return len(row) if isinstance(row, str) else 8


def pack(report: Report) -> Pack:
    """All data of the page; the index is the last blob."""
    packed = Pack()
    traces = Traces(report)
    kept = _kept(report)
    exchanges = report.evidence.exchanges
    index = {
        "run": _run(report), "lanes": list(LANES),
        "requirements": [_requirement(report, v) for v in report.verdict.requirements],
        "findings": [_finding(report, n, f) for n, f in kept.items()],
        "scenarios": [_scenario(report, s) for s in report.scenarios],
        "coverage": coverage.matrix(report), "readiness": readiness(report),
        "exchanges": _columns(report, exchanges),
        "sessions": [traces.summary(s) for s in traces.sessions],
        "exchange_chunks": packed.chunks((e.number, _exchange(packed, e)) for e in exchanges),
        "trace_chunks": packed.chunks((i, traces.trace(s)) for i, s in enumerate(traces.sessions)),
    }  # fmt: skip
    packed.add(index)
    return packed


def _run(report: Report) -> dict[str, Any]:
    run, verdict = report.evidence.run, report.verdict
    return {
        "source": run.source, "operator_ids": list(run.operator_ids), "profiles": list(verdict.profiles),
        "overall": verdict.overall, "headline": headline(report), "strict": verdict.strict, "seed": report.seed,
        "started_at": run.started_at.isoformat(), "duration_s": round(report.duration_s, 2), "command": report.command,
    }  # fmt: skip


def _requirement(report: Report, verdict: RequirementVerdict) -> dict[str, Any]:
    r = verdict.requirement
    return {
        "id": r.id, "title": r.title, "statement": r.statement, "level": r.level, "basis": r.basis,
        "operation": coverage.operation_of(verdict), "profile": r.profile, "source": list(r.source), "note": note_in_words(r.note),
        "code": r.code, "code_text": code_text(r), "fix": r.fix, "example": r.example_violation,
        "contested": r.contested, "derived": r.derived, "outcome": str(verdict.outcome),
        "reason": verdict.reason, "checked": dict(verdict.checked), "total": len(verdict.findings),
        "expected": r.id in report.expected_violations,
    }  # fmt: skip


def note_in_words(note: str) -> str:
    """The note of a requirement without the key words that only the catalogue's reader knows."""
    kept = [
        s for s in re.split(r"(?<=[.!?])\s+(?=[A-Z])", note) if not re.search(r"\bPRIMARY is\b", s) and s != "DERIVED."
    ]
    text = " ".join(kept).replace("UNOBSERVABLE:", "Not observable:").replace("UNOBSERVABLE", "Not observable")
    return text.replace("CONTESTED", "Contested").replace("DERIVED", "Derived")


def code_text(requirement: Requirement) -> str:
    """Standard text of the code Hubject would answer; empty where it is a bare HTTP status."""
    from oicp.status_codes import TEXTS

    return TEXTS.get(requirement.code.split(" ")[0], "")


def _kept(report: Report) -> dict[int, Finding]:
    """The findings that get a page: of each requirement the first few hundred."""
    seen: dict[str, int] = {}
    kept: dict[int, Finding] = {}
    for number, finding in enumerate(report.findings, 1):
        seen[finding.requirement] = seen.get(finding.requirement, 0) + 1
        if seen[finding.requirement] <= _MOST_FINDINGS:
            kept[number] = finding
    return kept


def _finding(report: Report, number: int, finding: Finding) -> dict[str, Any]:
    found = {
        "n": number, "id": finding.requirement, "grade": str(finding.grade), "observed": finding.observed,
        "exchange": finding.exchange, "pointer": finding.pointer, "in_answer": finding.in_answer,
        "session": finding.session_id, "evse": finding.evse_id, "scenario": finding.scenario,
        "contested": finding.contested, "also": list(finding.also), "spec_defect": finding.spec_defect,
        "again": reproduction(report, finding),
    }  # fmt: skip
    if finding.observation is not None:
        found["seen"] = _observation(report, finding.observation)
    excerpt = _excerpt(report, finding)
    return found | ({"excerpt": excerpt} if excerpt else {})


def _observation(report: Report, number: int) -> Json:
    o = observation_of(report.evidence, number)
    if o is None:
        return None
    return {
        "observed": o.kind,
        "t": round(o.t, 3),
        "evse_id": o.evse_id,
        "charge_point": o.charge_point,
        "data": dict(o.data),
    }


@lru_cache(maxsize=4)
def _numbers(evidence: Evidence) -> dict[int, Observation]:
    return {o.number: o for o in evidence.observations}


def observation_of(evidence: Evidence, number: int) -> Observation | None:
    """The observation of that number."""
    return _numbers(evidence).get(number)


def _excerpt(report: Report, finding: Finding) -> str | None:
    """The part a pointer names where the whole message is too long to be embedded."""
    exchange = report.evidence.exchange(finding.exchange) if finding.exchange is not None else None
    if exchange is None or not finding.pointer:
        return None
    raw = exchange.answer.body if finding.in_answer and exchange.answer else exchange.request.body
    if len(raw) <= _LONGEST_BODY:
        return None
    value = (exchange.answered if finding.in_answer else exchange.sent).value
    parts = [int(p) if p.isdigit() else p for p in finding.pointer.split("/")[1:]]
    return wire_json.dump(wire_json.at(value, *parts[:-1]), indent=2)[:20_000]


def _scenario(report: Report, result: Any) -> dict[str, Any]:
    numbers = [n for n, _ in report.by_scenario.get(result.name, ())]
    return {
        "name": result.name, "title": result.title, "outcome": result.outcome, "reason": result.reason,
        "s": round(result.duration_s, 2), "t0": result.t_start, "t1": result.t_end, "evse": list(result.evse_ids),
        "profile": result.profile, "needs": list(result.needs), "findings": numbers[:_MOST_FINDINGS],
    }  # fmt: skip


# --- exchanges -------------------------------------------------------------------------------------------------------

_COLUMNS: dict[str, Callable[[Exchange], Json]] = {
    "n": lambda e: e.number,
    "direction": lambda e: str(e.direction),
    "operation": lambda e: e.operation or "",
    "partner": lambda e: e.partner_id,
    "target": lambda e: "" if e.operation else e.request.target[:200],
    "t": lambda e: round(e.t, 3),
    "ms": lambda e: None if e.duration_s is None else round(e.duration_s * 1000),
    "http": lambda e: e.http_status,
    "code": lambda e: e.status_code,
    "ok": lambda e: e.accepted or e.answer_body.get("AuthorizationStatus") == "Authorized",
    "session": lambda e: e.session_id,
    "faults": lambda e: len(e.faults),
    "bytes": lambda e: len(e.request.body),
}


def _columns(report: Report, exchanges: tuple[Exchange, ...]) -> dict[str, list[Json]]:
    columns = {name: [read(e) for e in exchanges] for name, read in _COLUMNS.items()}
    by_exchange: dict[int, list[Finding]] = {}
    for finding in report.findings:
        if finding.exchange is not None:
            by_exchange.setdefault(finding.exchange, []).append(finding)
    columns["grade"] = [worst(by_exchange.get(e.number, ())) for e in exchanges]
    return columns


def _exchange(packed: Pack, exchange: Exchange) -> dict[str, Any]:
    request, answer = exchange.request, exchange.answer
    found: dict[str, Any] = {
        "n": exchange.number, "at": exchange.started_at.isoformat(), "method": request.method, "target": request.target,
        "url": exchange.url, "headers": shown_headers(request.headers), "body": packed.body(request.body),
        "error": exchange.error, "connection": exchange.connection, "overlaps": list(exchange.overlaps),
        "faults": list(exchange.faults), "recorder": dict(exchange.recorder), "tls": _tls(exchange.tls),
    }  # fmt: skip
    if answer is not None:
        found["answer"] = {
            "http": answer.http_status, "headers": shown_headers(answer.headers), "body": packed.body(answer.body),
        }  # fmt: skip
    return {name: value for name, value in found.items() if value not in (None, [], {}, "")}


def _tls(tls: Tls | None) -> Json:
    if tls is None:
        return None
    c = tls.certificate
    facts: dict[str, Any] = {"version": tls.version, "trusted": tls.trusted, "partner": tls.partner_id}
    if c is not None:
        facts["certificate"] = {
            "subject": c.subject, "issuer": c.issuer, "serial": c.serial, "fingerprint": c.fingerprint,
            "valid": f"{c.not_before} to {c.not_after}", "key": c.key,
        }  # fmt: skip
    return facts


def numbered(report: Report) -> Iterator[tuple[int, Finding]]:
    """Findings with their number."""
    yield from enumerate(report.findings, 1)
