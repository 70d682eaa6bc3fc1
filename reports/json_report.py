"""report.json: the verdict for machines, in the shape the contract promises, plus additive members."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from oicp import wire_json
from oicp.rulebook import Finding, Outcome, RequirementVerdict
from reports.readiness import readiness
from reports.report import Report, ScenarioResult, headline, reproduction, requirement_of

SCHEMA = "oicp-bench/report/1"
SCHEMA_FILE = Path(__file__).parent / "report.schema.json"


@cache
def schema() -> dict[str, Any]:
    """The published JSON Schema of report.json."""
    value = wire_json.parse_text(SCHEMA_FILE.read_text(encoding="utf-8")).value
    assert isinstance(value, dict)
    return value


def json_text(report: Report) -> str:
    """report.json as text."""
    return wire_json.dump(as_json(report), indent=2) + "\n"


def as_json(report: Report) -> dict[str, Any]:
    """report.json as a value."""
    verdict, run = report.verdict, report.evidence.run
    numbers = {id(f): number for number, f in enumerate(report.findings, 1)}
    return {
        "schema": SCHEMA, "verdict": verdict.overall, "seed": report.seed, "duration_s": round(report.duration_s, 3),
        "headline": headline(report), "exit_status": verdict.exit_status, "strict": verdict.strict,
        "profiles": list(verdict.profiles), "source": run.source, "started_at": run.started_at.isoformat(),
        "operator_ids": list(run.operator_ids), "command": report.command,
        "expected_violations": list(report.expected_violations),
        "stale_expectations": list(verdict.stale_expectations),
        "counts": {str(o): report.count(o) for o in Outcome},
        "requirements": [_requirement(report, v, numbers) for v in verdict.requirements],
        "scenarios": list(_scenarios(report.scenarios)),
        "readiness": readiness(report),
    }  # fmt: skip


def _requirement(report: Report, verdict: RequirementVerdict, numbers: dict[int, int]) -> dict[str, Any]:
    r = verdict.requirement
    return {
        "id": r.id, "title": r.title, "level": r.level, "profile": r.profile, "outcome": str(verdict.outcome),
        "findings": [_finding(report, f, numbers.get(id(f), 0)) for f in verdict.findings],
        "statement": r.statement, "operation": r.operation, "basis": r.basis, "source": list(r.source),
        "contested": r.contested, "derived": r.derived, "checked": dict(verdict.checked), "reason": verdict.reason,
    }  # fmt: skip


def _finding(report: Report, finding: Finding, number: int) -> dict[str, Any]:
    requirement = requirement_of(finding)
    return {
        "grade": str(finding.grade), "scenario": finding.scenario, "observed": finding.observed,
        "exchange": finding.exchange, "pointer": finding.pointer, "hub_answer": requirement.code or None,
        "fix": requirement.fix, "number": number, "in_answer": finding.in_answer, "contested": finding.contested,
        "session_id": finding.session_id, "evse_id": finding.evse_id, "observation": finding.observation,
        "also": list(finding.also), "spec_defect": finding.spec_defect, "reproduce": reproduction(report, finding),
    }  # fmt: skip


def _scenarios(results: Iterable[ScenarioResult]) -> Iterable[dict[str, Any]]:
    for result in results:
        yield {
            "name": result.name, "outcome": result.outcome, "reason": result.reason,
            "duration_s": round(result.duration_s, 3), "title": result.title, "profile": result.profile,
            "t_start": result.t_start, "t_end": result.t_end, "evse_ids": list(result.evse_ids),
            "needs": list(result.needs),
        }  # fmt: skip
