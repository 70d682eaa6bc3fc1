"""junit.xml: a case per requirement and one per scenario, in the dialect that GitLab, Jenkins and GitHub actions read.

violated = failure, crashed = error, not exercised or not applicable = skipped (with the reason), warned = passed with the
warnings as system-out. A blocked scenario fails unless the run as a whole is conformant: no red case on exit status 0.
"""

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from oicp.rulebook import Finding, Grade, Outcome, RequirementVerdict
from reports.report import Report, ScenarioResult, headline, reproduction, requirement_of

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHOWN = 20


def junit_xml(report: Report) -> str:
    """The document as text."""
    root = Element("testsuites", name="oicp-bench", time=f"{report.duration_s:.3f}")
    cases = [_requirement(report, v) for v in report.verdict.requirements]
    _suite(root, report, "requirements", cases, 0.0)
    scenarios = [_scenario(report, s) for s in report.scenarios]
    _suite(root, report, "scenarios", scenarios, sum(s.duration_s for s in report.scenarios))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, name: str, cases: list[Element], seconds: float) -> None:
    suite = SubElement(
        root, "testsuite", name=name, time=f"{seconds:.3f}", tests=str(len(cases)),
        failures=_number(cases, "failure"), errors=_number(cases, "error"), skipped=_number(cases, "skipped"),
        timestamp=report.evidence.run.started_at.strftime("%Y-%m-%dT%H:%M:%S"),
    )  # fmt: skip
    _properties(suite, {
        "verdict": report.verdict.overall, "headline": headline(report), "seed": str(report.seed),
        "profiles": ",".join(report.verdict.profiles), "strict": str(report.verdict.strict).lower(),
        "operator_ids": ",".join(report.evidence.run.operator_ids),
    })  # fmt: skip
    suite.extend(cases)


def _number(cases: list[Element], kind: str) -> str:
    return str(sum(case.find(kind) is not None for case in cases))


def _requirement(report: Report, verdict: RequirementVerdict) -> Element:
    r = verdict.requirement
    operation = r.operation.removeprefix("eRoaming")
    case = Element("testcase", classname=f"{r.profile}.{operation}", name=f"{r.id} {_clean(r.title)}", time="0.000")
    _properties(case, {
        "requirement": r.id, "level": r.level, "profile": r.profile, "operation": operation,
        "outcome": str(verdict.outcome), "source": "; ".join(r.source),
    })  # fmt: skip
    _outcome(case, report, verdict)
    return case


def _outcome(case: Element, report: Report, verdict: RequirementVerdict) -> None:
    ident = verdict.requirement.id
    text = "\n\n".join(_finding(report, f) for f in verdict.findings[:_SHOWN])
    if len(verdict.findings) > _SHOWN:
        text += f"\n\nand {len(verdict.findings) - _SHOWN} more: see report.html"
    first = verdict.findings[0].observed if verdict.findings else ""
    if verdict.outcome is Outcome.CRASHED:
        _child(case, "error", f"the bench failed: {verdict.reason}", text, "bench")
    elif ident in report.verdict.stale_expectations:
        _child(case, "failure", "listed in expected_violations but it holds now: take it off the list", text, "stale")
    elif verdict.outcome is Outcome.VIOLATED and ident in report.expected_violations:
        _child(case, "skipped", f"expected violation: {first}")
        _system_out(case, text)
    elif verdict.outcome is Outcome.VIOLATED:
        _child(case, "failure", first, text, verdict.requirement.level)
    elif verdict.outcome in (Outcome.NOT_EXERCISED, Outcome.NOT_APPLICABLE):
        _child(case, "skipped", f"{str(verdict.outcome).replace('-', ' ')}: {verdict.reason}")
    elif text:
        _system_out(case, text)


def _finding(report: Report, finding: Finding) -> str:
    requirement = requirement_of(finding)
    lines = [f"{finding.grade}: {finding.observed}"]
    if finding.exchange is not None:
        lines.append(f"message: #{finding.exchange}" + (f" at {finding.pointer}" if finding.pointer else ""))
    lines.append(f"requirement: {requirement.statement}")
    if requirement.code:
        lines.append(f"Hubject would answer: {requirement.code}")
    if requirement.fix:
        lines.append(f"fix: {requirement.fix}")
    lines.append(f"run again: {reproduction(report, finding)}")
    return "\n".join(lines)


def _scenario(report: Report, result: ScenarioResult) -> Element:
    case = Element(
        "testcase", classname=f"scenarios.{result.profile}", name=_clean(result.name), time=f"{result.duration_s:.3f}"
    )
    own = [f for _, f in report.by_scenario.get(result.name, ())]
    requirements = sorted({f.requirement for f in own})
    _properties(case, {
        "scenario": result.name, "title": result.title, "outcome": result.outcome,
        "evse_ids": ",".join(result.evse_ids), "requirements": ",".join(requirements),
    })  # fmt: skip
    if result.outcome == "skipped":
        _child(case, "skipped", result.reason or "skipped")
    elif result.outcome == "blocked":
        kind = "skipped" if report.verdict.exit_status == 0 else "failure"
        _child(case, kind, f"blocked: {result.reason or 'a milestone was not reached'}")
    _warnings(case, own)
    return case


def _warnings(case: Element, findings: Iterable[Finding]) -> None:
    lines = [f"{f.requirement} {f.grade}: {f.observed}" for f in findings if f.grade is not Grade.INFO]
    if lines:
        _system_out(case, "\n".join(lines[:_SHOWN]))


def _properties(parent: Element, values: dict[str, str]) -> None:
    properties = SubElement(parent, "properties")
    for name, value in values.items():
        if value:
            SubElement(properties, "property", name=name, value=_clean(value))


def _child(case: Element, kind: str, message: str, text: str = "", type_: str = "") -> None:
    child = SubElement(case, kind, message=_clean(message))
    if kind != "skipped":
        child.set("type", type_ or kind)
    child.text = _clean(text) or None


def _system_out(case: Element, text: str) -> None:
    SubElement(case, "system-out").text = _clean(text)


def _clean(text: str) -> str:
    """XML 1.0 has no control characters and no lone surrogates."""
    return _ILLEGAL.sub("\ufffd", text)
