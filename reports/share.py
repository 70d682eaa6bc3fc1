"""A report to give away: every file of it, the recording included, with pseudonyms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, answer_line, observation_line, request_line, run_line
from oicp.rulebook import Verdict
from reports.redact import Redactor
from reports.report import Report, write_all


def redacted(report: Report) -> Report:
    """A report to share; its pseudonyms are made with a key that nobody keeps."""
    return Redactor().report(report)


def write_shared(report: Report, out_dir: Path) -> tuple[Path, ...]:
    """Write a report and its recording (evidence.jsonl) with pseudonyms into a folder; returns the paths."""
    shared = redacted(report)
    written = write_all(shared, out_dir)
    path = out_dir / "evidence.jsonl"
    write_evidence(shared.evidence, path)
    return (*written, path)


def write_evidence(evidence: Evidence, path: Path) -> None:
    """Write a recording as evidence.jsonl, in the order in which it happened."""
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(wire_json.dump(line) + "\n" for line in _lines(evidence))


def _lines(evidence: Evidence) -> Iterator[dict[str, Any]]:
    yield run_line(evidence.run)
    events: list[tuple[float, int, dict[str, Any]]] = []
    for e in evidence.exchanges:
        events.append((e.t, 0, request_line(e)))
        if e.t_end is not None:
            events.append((e.t_end, 1, answer_line(e)))
    events += [(o.t, 2, observation_line(o)) for o in evidence.observations]
    for _, _, line in sorted(events, key=lambda event: event[:2]):
        yield line


def same_verdict(one: Verdict, other: Verdict) -> bool:
    """True if two verdicts agree on every requirement."""
    outcomes = [{r.requirement.id: r.outcome for r in v.requirements} for v in (one, other)]
    return one.overall == other.overall and outcomes[0] == outcomes[1]
