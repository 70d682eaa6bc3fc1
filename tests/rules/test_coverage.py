"""Every requirement for a CPO is judged by a rule, or it says why nobody judges it."""

from oicp.catalogue import catalogue
from oicp.rules import all_rules
from oicp.unjudged import UNJUDGED
from oicp.variants import VARIANTS


def test_every_requirement_is_judged_or_explained() -> None:
    """No requirement is forgotten, and none is both judged and called unjudged."""
    judged = {ident for rule in all_rules() for ident in rule.requirements}
    wanted = {r.id for r in catalogue().values() if r.subject == "cpo"}
    assert not wanted - judged - set(UNJUDGED), "neither judged nor explained"
    assert not judged & set(UNJUDGED), "judged and called unjudged"
    assert set(UNJUDGED) <= wanted
    assert all(reason.strip() for reason in UNJUDGED.values())


def test_every_rule_says_what_must_hold() -> None:
    """A rule has one sentence that says what holds."""
    assert [rule.name for rule in all_rules() if not rule.statement] == []


def test_variants_name_requirements_of_the_catalogue() -> None:
    """A variant names what it puts to the test."""
    assert {i for v in VARIANTS.values() for i in v.requirements} <= set(catalogue())
    assert all(name == variant.name and variant.operations for name, variant in VARIANTS.items())
