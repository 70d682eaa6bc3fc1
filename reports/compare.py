"""Two reports side by side: what was fixed, what is new, what is still open."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oicp import wire_json
from oicp.wire_json import Json
from reports.json_report import SCHEMA

_BAD = {"violated": 2, "crashed": 2, "warned": 1}
_GOOD = ("conforms", "warned")


class NotAReport(ValueError):
    """The file is no report.json; the message names file and reason."""


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement in both reports. `old`, `new`: its outcomes; None where that report does not know it."""

    id: str
    title: str
    level: str
    old: str | None
    new: str | None
    observed: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`fixed`: was bad and holds now. `new`: is bad or worse than before. `open`: bad in both.

    `unknown`: was bad and nothing exercised it in the new report, so nobody knows.
    """

    fixed: tuple[Change, ...]
    new: tuple[Change, ...]
    open: tuple[Change, ...]
    unknown: tuple[Change, ...]

    @property
    def exit_status(self) -> int:
        """1 where something is new, else 0."""
        return 1 if any(c.new != "warned" for c in self.new) else 0


def load(path: Path) -> dict[str, Any]:
    """Read a report.json; `NotAReport` names file and reason."""
    try:
        parsed = wire_json.parse(path.read_bytes())
    except OSError as fault:
        raise NotAReport(f"{path}: {fault.strerror}") from None
    value = parsed.value
    if not isinstance(value, dict) or not str(value.get("schema")).startswith("oicp-bench/report/"):
        raise NotAReport(f"{path}: {parsed.error or 'not a report.json of oicp-bench'}")
    if value["schema"] != SCHEMA:
        raise NotAReport(f"{path}: schema is {value['schema']}, this version reads {SCHEMA}")
    rows = value.get("requirements")
    if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
        raise NotAReport(f"{path}: `requirements` is no list of objects with id and outcome: not what a run wrote")
    return value


def _is_row(row: Json) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("outcome"), str):
        return False
    findings = row.get("findings") or []
    return isinstance(findings, list) and all(isinstance(finding, dict) for finding in findings)


def compare(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    """Compare two values of report.json."""
    before, after = ({r["id"]: r for r in report["requirements"]} for report in (old, new))
    fixed: list[Change] = []
    fresh: list[Change] = []
    still: list[Change] = []
    unknown: list[Change] = []
    for ident in dict.fromkeys((*before, *after)):
        change = _change(ident, before.get(ident), after.get(ident))
        was, now = _BAD.get(change.old or "", 0), _BAD.get(change.new or "", 0)
        if now > was:
            fresh.append(change)
        elif now:
            still.append(change)
        elif was:
            (fixed if change.new in _GOOD else unknown).append(change)
    return Comparison(tuple(fixed), tuple(fresh), tuple(still), tuple(unknown))


def _change(ident: str, old: dict[str, Json] | None, new: dict[str, Json] | None) -> Change:
    known = new or old or {}
    findings = (new or {}).get("findings") or (old or {}).get("findings") or [{}]
    return Change(
        ident, str(known.get("title", "")), str(known.get("level", "")), old["outcome"] if old else None,
        new["outcome"] if new else None, str(findings[0].get("observed", "")),
    )  # fmt: skip


def as_text(comparison: Comparison) -> str:
    """The comparison as plain lines."""
    lines: list[str] = []
    for title, sign, changes in (
        ("new", "+", comparison.new), ("fixed", "-", comparison.fixed), ("still open", "=", comparison.open),
        ("no longer exercised", "?", comparison.unknown),
    ):  # fmt: skip
        lines.append(f"{title}: {len(changes)}")
        for c in changes:
            lines.append(f"  {sign} {c.id} {c.title} ({c.level}; {c.old or 'unknown'} -> {c.new or 'unknown'})")
            if c.observed and sign in "+=":
                lines.append(f"      {' '.join(c.observed.split())}")
    return "\n".join(lines) + "\n"


def as_markdown(comparison: Comparison) -> str:
    """The comparison for a pull request comment."""
    from reports.markdown import cell

    lines = ["| | requirement | before | now |", "|---|---|---|---|"]
    for title, changes in (
        ("🆕 new", comparison.new), ("✅ fixed", comparison.fixed), ("⏳ still open", comparison.open),
        ("❔ no longer exercised", comparison.unknown),
    ):  # fmt: skip
        lines += [f"| {title} | **{c.id}** {cell(c.title)} | {c.old or '–'} | {c.new or '–'} |" for c in changes]
    return "\n".join(lines) + "\n"
