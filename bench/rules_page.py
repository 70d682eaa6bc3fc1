"""`docs/rules.md`, made from the catalogue: `python -m bench.rules_page docs/rules.md`."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from oicp.catalogue import PROFILES, Requirement, catalogue
from oicp.rules import all_rules
from oicp.unjudged import UNJUDGED

_HEAD = """# The requirements

Made from `oicp/requirements.yaml` by `python -m bench.rules_page docs/rules.md`; `oicp-bench rules ID` explains one with its sources.
"""


def page() -> str:
    """The whole page as Markdown."""
    own = [r for r in catalogue().values() if r.subject == "cpo"]
    return (
        "\n".join([_HEAD, *_counts(own), *_unjudged(), *(line for p in PROFILES for line in _profile(p, own))]) + "\n"
    )


def _counts(own: list[Requirement]) -> Iterator[str]:
    judged = {i for rule in all_rules() for i in rule.requirements}
    yield "| profile | MUST | SHOULD | MAY | judged |"
    yield "|---|---|---|---|---|"
    for profile in PROFILES:
        of = [r for r in own if r.profile == profile]
        levels = Counter(r.level for r in of)
        done = sum(r.id in judged for r in of)
        yield f"| {profile} | {levels['MUST']} | {levels['SHOULD']} | {levels['MAY']} | {done} of {len(of)} |"
    yield ""


def _unjudged() -> Iterator[str]:
    yield "Not judged, and why:\n"
    for ident, reason in UNJUDGED.items():
        yield f"- **{ident}** {catalogue()[ident].title}: {reason}"
    yield ""


def _profile(profile: str, own: list[Requirement]) -> Iterator[str]:
    yield f"## {profile}\n"
    yield "| id | level | what must hold | hub's answer | how to mend it |"
    yield "|---|---|---|---|---|"
    for r in own:
        if r.profile == profile:
            statement = " ".join(r.statement.split())
            yield f"| {r.id} | {r.level} | {_cell(statement)} | {r.code or '-'} | {_cell(r.fix)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
