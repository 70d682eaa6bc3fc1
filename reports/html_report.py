"""report.html: one file that opens offline and asks the network for nothing."""

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from oicp.rulebook import Outcome
from reports import coverage
from reports.html_data import code_text, numbered, pack
from reports.report import Report, headline

_FOLDER = Path(__file__).parent / "html"
_SCRIPTS = ("base.js", "message.js", "findings.js", "trace.js", "coverage.js", "readiness.js", "app.js")
_FIRST, _EXAMPLES = 8, 3

OUTCOME_WORDS = {
    Outcome.VIOLATED: "violated", Outcome.CRASHED: "bench failed", Outcome.WARNED: "warned",
    Outcome.CONFORMS: "conforms", Outcome.NOT_EXERCISED: "not exercised", Outcome.NOT_APPLICABLE: "not applicable",
}  # fmt: skip


def html(report: Report) -> str:
    """The page as text."""
    style, script = _style(), _script()
    blobs = pack(report).blobs
    numbers = {id(f): n for n, f in numbered(report)}
    return _template().render(
        report=report, run=report.evidence.run, verdict=report.verdict, headline=headline(report), style=style,
        script=script, style_hash=_hash(style), script_hash=_hash(script), blobs=blobs, number_of=lambda f: numbers[id(f)],
        levels=coverage.by_level(report), operations=coverage.by_operation(report), words=OUTCOME_WORDS,
        first=_FIRST, examples=_EXAMPLES, code_text=code_text, bar=_bar, outcomes=tuple(OUTCOME_WORDS),
        applicable=sum(v.outcome is not Outcome.NOT_APPLICABLE for v in report.verdict.requirements),
    )  # fmt: skip


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    return environment.get_template("template.html.j2")


def prose(text: str | None) -> Markup:
    """Words of the catalogue, escaped; what stands between backticks is code."""
    parts = (text or "").split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if i % 2 else escape(part) for i, part in enumerate(parts)
    )


@cache
def _style() -> str:
    return (_FOLDER / "style.css").read_text(encoding="utf-8")


@cache
def _script() -> str:
    parts = [(_FOLDER / name).read_text(encoding="utf-8") for name in _SCRIPTS]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "\n})();\n"


def _hash(text: str) -> str:
    """Value for the content security policy: only this very text may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _bar(counts: dict[Outcome, int]) -> list[tuple[str, float, float, int]]:
    """Segments of a stacked bar of width 100: outcome, x, width, number. Not applicable is no part of it."""
    shown = [(o, counts.get(o, 0)) for o in OUTCOME_WORDS if o is not Outcome.NOT_APPLICABLE and counts.get(o)]
    total = sum(number for _, number in shown) or 1
    segments, x = [], 0.0
    for outcome, number in shown:
        width = 100 * number / total
        segments.append((str(outcome), round(x, 3), round(width, 3), number))
        x += width
    return segments
