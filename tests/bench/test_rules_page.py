"""`docs/rules.md` says what the catalogue says."""

from pathlib import Path

from bench.rules_page import page

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_true() -> None:
    """The page is what `python -m bench.rules_page docs/rules.md` makes of the catalogue."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == page()
