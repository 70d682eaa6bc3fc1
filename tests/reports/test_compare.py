"""Two reports side by side."""

import json
from pathlib import Path
from typing import Any

import pytest

from reports.compare import NotAReport, as_markdown, as_text, compare, load
from reports.json_report import json_text
from tests.reports import sample


def value(**outcomes: str) -> dict[str, Any]:
    """A report.json with these outcomes; ids with an underscore for the hyphen."""
    rows = [
        {"id": i.replace("_", "-"), "title": i, "level": "MUST", "outcome": o, "findings": []}
        for i, o in outcomes.items()
    ]
    return {"schema": "oicp-bench/report/1", "requirements": rows}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("violated", "conforms", "fixed"),
        ("crashed", "conforms", "fixed"),
        ("warned", "conforms", "fixed"),
        ("conforms", "violated", "new"),
        ("not-exercised", "violated", "new"),
        ("conforms", "warned", "new"),
        ("warned", "violated", "new"),
        ("violated", "violated", "open"),
        ("violated", "warned", "open"),
        ("violated", "not-exercised", "unknown"),
        ("warned", "not-applicable", "unknown"),
        ("conforms", "not-exercised", None),
        ("conforms", "conforms", None),
    ],
)
def test_sorts_changes(old: str, new: str, where: str | None) -> None:
    """Every pair of outcomes lands where a reader looks for it, and only there."""
    found = compare(value(CDR_001=old), value(CDR_001=new))
    assert [n for n in ("fixed", "new", "open", "unknown") if getattr(found, n)] == ([where] if where else [])


def test_only_new_violations_fail() -> None:
    """A new warning does not fail a comparison, a new violation does."""
    assert compare(value(A_001="conforms"), value(A_001="violated")).exit_status == 1
    assert compare(value(A_001="conforms"), value(A_001="warned")).exit_status == 0
    assert compare(value(A_001="violated"), value(A_001="violated")).exit_status == 0


def test_requirement_that_one_side_does_not_know() -> None:
    """A catalogue that grew shows its new violations."""
    assert [c.id for c in compare(value(), value(CDR_001="violated")).new] == ["CDR-001"]
    assert [c.id for c in compare(value(CDR_001="violated"), value()).unknown] == ["CDR-001"]


def test_says_it_in_words() -> None:
    """Both texts name id, title and both outcomes."""
    found = compare(value(CDR_001="conforms"), value(CDR_001="violated"))
    assert "+ CDR-001 CDR_001 (MUST; conforms -> violated)" in as_text(found)
    assert "| 🆕 new | **CDR-001**" in as_markdown(found)


def test_reads_its_own_files_and_nothing_else(tmp_path: Path) -> None:
    """A real report.json is read; anything else is refused with the name of the file."""
    good, bad = tmp_path / "report.json", tmp_path / "x.json"
    good.write_text(json_text(sample.report()))
    bad.write_text(json.dumps({"schema": "other"}))
    assert not compare(load(good), load(good)).new
    for path in (bad, tmp_path / "missing.json"):
        with pytest.raises(NotAReport, match=path.name):
            load(path)
