"""`oicp-bench judge`: recordings or one message, judged without any network."""

import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.sources import UnreadableSource, read_recording
from oicp.catalogue import catalogue
from oicp.evidence import Answer, Evidence, Exchange, Request, Run
from oicp.messages import examine
from oicp.rulebook import Checked, Finding, Outcome, Rule, Verdict, Yield, judge
from oicp.services import OPERATIONS, Direction
from oicp.wire_json import Json, parse
from reports.report import Report

_ANSWERS = {"Acknowledgement": "AuthorizeRemoteStart", "Acknowledgment": "AuthorizeRemoteStart"}


_OF_ONE_MESSAGE = ("fields", "message_status")
"""Modules of rules that one message decides."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One file and what was found in it."""

    path: Path
    report: Report
    status: int


def judge_file(path: Path, *, profiles: tuple[str, ...] | None, strict: bool, command: str) -> Judged:
    """Judge one recording; what the recording says about strictness and expected violations counts. Raises `UnreadableSource`."""
    evidence = read_recording(path)
    settings = evidence.run.settings
    expected = tuple(str(i) for i in settings.get("expected_violations") or ())
    verdict = judge(
        evidence, profiles=profiles, strict=strict or settings.get("strict") is True, expected_violations=expected
    )
    report = Report(verdict, evidence, (), evidence.run.seed, round(evidence.t_end, 3), command, expected)
    return Judged(path, report, verdict.exit_status)


def judge_message(name: str, path: Path, *, strict: bool, command: str) -> Judged:
    """Judge one message by itself: only what its text alone decides. Silence about the rest is no fault here."""
    try:
        body = path.read_bytes()
    except OSError as fault:
        raise UnreadableSource(f"{path}: cannot be read: {fault.strerror}") from None
    parsed = parse(body)
    if parsed.error is not None:
        raise UnreadableSource(f"{path}: {parsed.error}")
    evidence = evidence_of(name, body)
    operation = evidence.exchanges[0].operation or ""
    rules = message_rules() if _readable(evidence.exchanges[0]) else [_field_law(operation, parsed.value)]
    verdict = _of_message(judge(evidence, profiles=_all_profiles(), strict=strict, rules=rules))
    report = Report(verdict, evidence, (), 0, 0.0, command)
    return Judged(path, report, verdict.exit_status)


def _of_message(verdict: Verdict) -> Verdict:
    """Only what one message can decide: the requirements that were looked at; nothing else is missing."""
    looked_at = tuple(r for r in verdict.requirements if r.outcome is not Outcome.NOT_EXERCISED)
    overall = "conformant" if verdict.overall == "incomplete" else verdict.overall
    return replace(verdict, overall=overall, requirements=looked_at)


def _sent_by_cpo(operation: str) -> bool:
    return Direction.CPO_TO_HUB in OPERATIONS[operation].directions


def _readable(exchange: Exchange) -> bool:
    """The rules about a CPO read it: something the CPO sends, an object, and as an answer an acknowledgement."""
    if exchange.answer is not None:
        return bool({"Result", "StatusCode"} & exchange.answer_body.keys())
    return _sent_by_cpo(exchange.operation or "") and exchange.sent.is_object


def _field_law(operation: str, value: Json) -> Rule:
    """The law of its fields for a message that somebody else than the CPO sends, or that is no such message at all."""

    def check(evidence: Evidence) -> Iterator[Yield]:
        read = examine(
            operation, value, answer=evidence.exchanges[0].answer is not None,
            direction=OPERATIONS[operation].directions[-1],
        )  # fmt: skip
        for fault in read.faults:
            name = fault.pointer.rpartition("/")[2] or "the message"
            observed = f"{name} {fault.observed}" if fault.observed.startswith(("is ", "may ")) else fault.observed
            yield Finding(
                fault.requirement, observed, fault.grade, 1, fault.pointer, fault.contested,
                spec_defect=fault.spec_defect,
            )  # fmt: skip
        yield from (Checked(ident, operation) for ident in read.checked)

    return Rule(tuple(catalogue()), "", "bench.command_judge.field_law", lambda evidence: (evidence,), check, many=True)


def _all_profiles() -> tuple[str, ...]:
    from oicp.catalogue import PROFILES

    return PROFILES


def message_rules() -> Iterable[Rule]:
    """Rules that a single message decides."""
    from oicp.rules import all_rules

    return [rule for rule in all_rules() if any(f".{module}." in rule.name for module in _OF_ONE_MESSAGE)]


def evidence_of(name: str, body: bytes) -> Evidence:
    """A recording that holds one message and nothing else. Raises `UnreadableSource` for a name nobody knows."""
    short = name.removeprefix("eRoaming")
    operation = OPERATIONS.get(_ANSWERS.get(short, short))
    if operation is None:
        raise UnreadableSource(
            f"--message {name}: no such message; there are {', '.join([*OPERATIONS, 'Acknowledgement'])}"
        )
    operator = _operator(parse(body).value)
    headers = (("Content-Type", "application/json;charset=utf-8"),)
    answers = short in _ANSWERS
    # whoever sends it, it is held to the law of its fields: as if the CPO had sent it
    exchange = Exchange(
        number=1, direction=Direction.HUB_TO_CPO if answers else Direction.CPO_TO_HUB, operation=operation.name,
        partner_id=operator, request=Request("POST", operation.url_path(operator), headers, b"{}" if answers else body),
        answer=Answer(200, headers, body) if answers else None, started_at=datetime.now(UTC), t=0.0, t_end=0.0,
        error=None if answers else "a message alone has no answer",
    )  # fmt: skip
    run = Run(source="message", operator_ids=(operator,) if operator else (), profiles=("remote-only",))
    return Evidence(run, (exchange,))


def _operator(value: object) -> str:
    """OperatorID of a push, or the one that an EvseID begins with."""
    from oicp.ids import operator_of_evse

    if not isinstance(value, dict):
        return ""
    for member in ("OperatorEvseData", "OperatorEvseStatus"):
        inner = value.get(member)
        if isinstance(inner, dict) and isinstance(inner.get("OperatorID"), str):
            return str(inner["OperatorID"])
    if isinstance(value.get("OperatorID"), str):
        return str(value["OperatorID"])
    evse_id = value.get("EvseID")
    return operator_of_evse(evse_id) or "" if isinstance(evse_id, str) else ""


def judge_all(
    files: list[Path], *, message: str | None, profiles: str | None, strict: bool, out: Path | None,
    redact: bool = False,
) -> int:  # fmt: skip
    """Judge every file, print each summary; returns the worst exit status. Raises `UnreadableSource`."""
    from bench.command_run import profile_names
    from reports.console import make_console, print_summary

    if redact and out is None:
        raise UnreadableSource("--redact: name the folder of the report to give away with --out")
    command = shlex.join(["oicp-bench", *sys.argv[1:]])
    chosen = profile_names(profiles)
    console = make_console()
    statuses = []
    for i, path in enumerate(files):
        if message:
            judged = judge_message(message, path, strict=strict, command=command)
        else:
            judged = judge_file(path, profiles=chosen, strict=strict, command=command)
        folder = None if out is None else out if len(files) == 1 else out / f"{i + 1}-{path.stem}"
        if folder is not None:
            _write(judged.report, folder, redact=redact)
        if len(files) > 1:
            console.print(f"\n{path}", style="bold", markup=False)
        _tell_what_is_missing(path, judged.report.evidence)
        print_summary(judged.report, folder, console)
        statuses.append(judged.status)
    return max(statuses, key=(0, 2, 1, 3, 4).index, default=0)


def _write(report: Report, folder: Path, *, redact: bool) -> None:
    from reports.report import write_all
    from reports.share import write_shared

    try:
        (write_shared if redact else write_all)(report, folder)
    except OSError as fault:
        raise UnreadableSource(f"--out {folder}: cannot be written: {fault.strerror or fault}") from None


def _tell_what_is_missing(path: Path, evidence: Evidence) -> None:
    """A recording that was not judged as a whole must not look as if it had been."""
    for what, count in (evidence.run.settings.get("left_out") or {}).items():
        print(f"oicp-bench: {path}: left out: {count} {what}", file=sys.stderr)
    if not evidence.exchanges:
        print(f"oicp-bench: {path}: holds no OICP message, so nothing can be judged", file=sys.stderr)
