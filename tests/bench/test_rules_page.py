"""Pages that are made from the code say what the code says."""

from pathlib import Path

from bench import reference_page, rules_page

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_true() -> None:
    """The page is what `python -m bench.rules_page docs/rules.md` makes of the catalogue."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rules_page.page()


def test_reference_is_true() -> None:
    """The page is what `python -m bench.reference_page docs/reference.md` makes of commands and configuration."""
    assert (ROOT / "docs" / "reference.md").read_text(encoding="utf-8") == reference_page.page()
