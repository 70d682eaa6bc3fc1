"""Which requirement was looked at in which operation, and what came of it."""

from typing import Any

from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict
from oicp.services import OPERATIONS
from reports.report import Report

GENERAL = "general"
"""Column of what belongs to no single operation: transport, acknowledgements, pushes as a whole."""

ORDER = (
    Outcome.VIOLATED,
    Outcome.CRASHED,
    Outcome.WARNED,
    Outcome.NOT_EXERCISED,
    Outcome.CONFORMS,
    Outcome.NOT_APPLICABLE,
)
"""Worst first."""


def operation_of(verdict: RequirementVerdict) -> str:
    """Operation a requirement belongs to, `general` if to none."""
    name = verdict.requirement.operation.removeprefix("eRoaming")
    return name if name in OPERATIONS else GENERAL


def by_operation(report: Report) -> list[tuple[str, dict[Outcome, int]]]:
    """Numbers of requirements by operation and outcome; operations without an applicable requirement are left out."""
    found: dict[str, dict[Outcome, int]] = {}
    for verdict in report.verdict.requirements:
        if verdict.outcome is not Outcome.NOT_APPLICABLE:
            counts = found.setdefault(operation_of(verdict), dict.fromkeys(Outcome, 0))
            counts[verdict.outcome] += 1
    return [(name, found[name]) for name in (*OPERATIONS, GENERAL) if name in found]


def by_level(report: Report) -> list[tuple[str, dict[Outcome, int]]]:
    """Numbers of requirements by level and outcome."""
    found = []
    for level in ("MUST", "SHOULD", "MAY"):
        own = [v.outcome for v in report.verdict.requirements if v.requirement.level == level]
        found.append((level, {outcome: own.count(outcome) for outcome in Outcome}))
    return found


def matrix(report: Report) -> dict[str, Any]:
    """Columns and, by requirement id, its cells: operation -> [outcome, how often looked at, findings]."""
    cells = {v.requirement.id: _row(report, v) for v in report.verdict.requirements}
    used = {name for row in cells.values() for name in row}
    return {"columns": [name for name in (GENERAL, *OPERATIONS) if name in used], "cells": cells}


def _row(report: Report, verdict: RequirementVerdict) -> dict[str, list[Any]]:
    row: dict[str, list[Any]] = {}
    for name, number in verdict.checked:
        cell = row.setdefault(name if name in OPERATIONS else operation_of(verdict), [str(Outcome.CONFORMS), 0, 0])
        cell[1] += number
    for finding in verdict.findings:
        cell = row.setdefault(_place(report, verdict, finding), [str(Outcome.CONFORMS), 0, 0])
        cell[2] += 1
        cell[0] = _worse(cell[0], finding, report.verdict.strict)
    if not row:
        row[operation_of(verdict)] = [str(verdict.outcome), 0, 0]
    elif verdict.outcome in (Outcome.NOT_EXERCISED, Outcome.CRASHED, Outcome.NOT_APPLICABLE):
        for cell in row.values():
            cell[0] = str(verdict.outcome)
    return row


def _place(report: Report, verdict: RequirementVerdict, finding: Finding) -> str:
    exchange = report.evidence.exchange(finding.exchange) if finding.exchange is not None else None
    return exchange.operation if exchange and exchange.operation in OPERATIONS else operation_of(verdict)


def _worse(outcome: str, finding: Finding, strict: bool) -> str:
    if finding.grade is Grade.ERROR or (strict and finding.grade is Grade.WARNING):
        return str(Outcome.VIOLATED)
    return str(Outcome.WARNED) if finding.grade is Grade.WARNING and outcome == Outcome.CONFORMS else outcome
