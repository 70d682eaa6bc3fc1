"""report.json: the shape that others build on."""

import json

import jsonschema
import pytest

from oicp.evidence import Evidence, Run
from oicp.rulebook import judge
from reports.json_report import as_json, json_text, schema
from reports.report import Report, reproduction, write_all
from tests.reports import sample


@pytest.mark.parametrize(
    "report",
    [
        pytest.param(sample.report(), id="violations"),
        pytest.param(sample.report(sessions=1, station="<b>&\u2028\x07"), id="hostile text"),
        pytest.param(Report(judge(Evidence(Run())), Evidence(Run())), id="empty recording"),
        pytest.param(
            Report(judge(sample.tape_of().evidence()), sample.tape_of().evidence(), seed=3), id="judged by the rules"
        ),
    ],
)
def test_follows_the_published_schema(report: Report) -> None:
    """Every report.json is valid under the schema that is shipped with it."""
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    errors = [f"{e.json_path}: {e.message}" for e in validator.iter_errors(json.loads(json_text(report)))]
    assert errors == []


def test_has_the_members_of_the_contract() -> None:
    """Requirements, findings and scenarios carry the members that the contract promises, in its words."""
    value = as_json(sample.report())
    assert value["schema"] == "oicp-bench/report/1"
    assert (value["verdict"], value["seed"], value["duration_s"]) == ("violations", 7, 31.2)
    by_id = {r["id"]: r for r in value["requirements"]}
    assert len(by_id) == len(value["requirements"]) == 318
    twice = by_id["CDR-003"]
    assert (twice["level"], twice["profile"], twice["outcome"]) == ("MUST", "remote-only", "violated")
    finding = twice["findings"][0]
    assert {"grade", "scenario", "observed", "exchange", "pointer", "hub_answer", "fix"} <= finding.keys()
    assert finding["grade"] == "error" and finding["hub_answer"].startswith("400")
    assert [s["outcome"] for s in value["scenarios"]] == ["reached"] * 4 + ["blocked", "skipped"]
    assert value["scenarios"][-1]["reason"] == "needs the hook `decommission_evse`"


def test_findings_are_numbered_alike_everywhere() -> None:
    """The number of a finding is its place among all findings, worst first."""
    report = sample.report()
    numbers = {f["number"]: f["observed"] for r in as_json(report)["requirements"] for f in r["findings"]}
    assert numbers == {n: f.observed for n, f in enumerate(report.findings, 1)}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("oicp-bench run --seed 7", "oicp-bench run --only remote_start_and_stop_1 --seed 7"),
        ("", "oicp-bench run --only remote_start_and_stop_1 --seed 7"),
        (
            "oicp-bench run --config 'my cpo.toml' --only cdr --out /tmp/x --strict -q --profile=full --jobs 3",
            "oicp-bench run --only remote_start_and_stop_1 --seed 7 --config 'my cpo.toml' --strict --profile=full",
        ),
        ("broken ' quote", "oicp-bench run --only remote_start_and_stop_1 --seed 7"),
    ],
)
def test_names_the_line_that_runs_it_again(command: str, line: str) -> None:
    """The reproduction keeps the user's configuration and narrows to scenario and seed."""
    report = sample.report(command=command)
    finding = next(f for f in report.findings if f.requirement == "CDR-003")
    assert reproduction(report, finding) == line


def test_writes_four_files_into_a_new_folder(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """All outputs of the contract that a report consists of are there, and hold no private key."""
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIsecret\n-----END EC PRIVATE KEY-----"
    written = write_all(sample.report(station=key), tmp_path / "deep" / "out")
    assert [p.name for p in written] == ["report.json", "report.html", "junit.xml", "summary.md"]
    assert all("MHcCAQEEIsecret" not in p.read_text() for p in written)
