"""junit.xml: what CI servers make of it."""

from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest

from oicp.rulebook import Outcome, RequirementVerdict
from reports.junit import junit_xml
from reports.report import Report
from tests.reports import sample


def cases(report: Report) -> dict[str, Element]:
    """Test cases by the first word of their name."""
    root = fromstring(junit_xml(report))
    return {case.get("name", "").split(" ")[0]: case for case in root.iter("testcase")}


def test_has_a_case_per_requirement_and_per_scenario() -> None:
    """Nothing is left out, and the sums at the root are those of the cases."""
    root = fromstring(junit_xml(sample.report()))
    requirements, scenarios = root
    assert (len(list(requirements.iter("testcase"))), len(list(scenarios.iter("testcase")))) == (318, 6)
    for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(root.get(name, "")) == len(list(root.iter(kind)))
    assert root.get("tests") == "324"


@pytest.mark.parametrize(
    ("ident", "kind", "words"),
    [
        ("CDR-003", "failure", "a second charge detail record"),
        ("TLS-001", "skipped", "not exercised: nothing in this recording"),
        ("NOTIF-001", "skipped", "not applicable: profile notifications not chosen"),
        ("CDR-018", "system-out", "3.0120000000000005"),
        ("status_after_restart", "failure", "blocked: PushEvseStatus did not come"),
        ("decommission", "skipped", "needs the hook"),
    ],
)
def test_says_what_became_of_it(ident: str, kind: str, words: str) -> None:
    """Each outcome shows as the element a CI server gives weight to."""
    child = cases(sample.report())[ident].find(kind)
    assert child is not None
    assert words in f"{child.get('message')} {child.text}"


def test_conforming_case_is_bare() -> None:
    """A requirement that holds has properties and nothing else."""
    assert [child.tag for child in cases(sample.report())["CDR-001"]] == ["properties"]


def test_carries_ids_as_properties() -> None:
    """Requirement, level, operation and source can be read by a machine."""
    case = cases(sample.report())["CDR-003"]
    values = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert values["requirement"] == "CDR-003" and values["level"] == "MUST"
    assert values["operation"] == "ChargeDetailRecord" and "OICP 2.3" in str(values["source"])


def test_crash_of_the_bench_is_an_error() -> None:
    """A rule that broke counts as error, not as failure of the CPO."""
    report = sample.report()
    first = report.verdict.requirements[0]
    broken = RequirementVerdict(first.requirement, Outcome.CRASHED, (), (), "a rule: ValueError: x")
    verdict = replace(report.verdict, requirements=(broken, *report.verdict.requirements[1:]))
    case = cases(replace(report, verdict=verdict))["TLS-001"]
    assert case.find("error") is not None and case.find("failure") is None


def test_expected_violations_do_not_fail_and_stale_ones_do() -> None:
    """What the configuration tolerates is skipped; what it still lists though it holds fails."""
    report = sample.report(expected_violations=("CDR-003", "CDR-001"))
    found = cases(replace(report, verdict=replace(report.verdict, stale_expectations=("CDR-001",))))
    assert found["CDR-003"].find("failure") is None and found["CDR-003"].find("skipped") is not None
    assert found["CDR-001"].find("failure") is not None


def test_blocked_scenario_does_not_fail_a_conformant_run() -> None:
    """Exit status 0 and a red case would contradict each other."""
    report = sample.report()
    green = replace(report, verdict=replace(report.verdict, overall="conformant"))
    assert cases(green)["status_after_restart"].find("failure") is None


def test_survives_text_that_xml_cannot_say() -> None:
    """Control characters and lone surrogates of a hostile CPO leave the document readable."""
    report = sample.report(station="\x00\x1b[31m\ud800]]><x>")
    failure = cases(report)["EVSE-006"].find("failure")
    assert failure is not None and "]]><x>" in str(failure.get("message"))
