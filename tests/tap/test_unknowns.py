"""Recordings as they come from the field: what they cannot tell is not exercised, whatever a reader had to make up for it."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from bench.sources import UnreadableSource, read_recording
from oicp.evidence import Answer, Evidence, Exchange, Request, read_lines, run_line
from oicp.rulebook import Outcome, Verdict, judge
from reports.readiness import readiness
from reports.report import Report
from tap.clocks import on_the_clock_of_the_hub
from tap.mapping import Heard, is_oicp
from tests.rules.build import ALL_PROFILES, EVSE, Build, record
from tests.tap.as_har import write_har

Entry = dict[str, Any]
OF_TIME = ("CDR-006", "CDR-015", "TIME-005", "PUSH-002", "RATE-001", "RSTART-013", "RSTOP-008")
OF_ADDRESS = ("HTTP-001", "HTTP-002", "HTTP-009", "HTTP-010", "HTTP-022", "CDR-040")


def charged() -> Evidence:
    """One conforming session and the pushes around it, as the wire knows it: no charge points."""
    build = Build(source="har", truth=False, fleet=None)
    build.push_data([record()], t=0)
    build.push_status({EVSE: "Available"}, t=1)
    build.charge(t=100, seconds=600)
    build.observations.clear()
    build.exchanges = [replace(e, url="https://any.example" + e.request.target) for e in build.exchanges]
    return build.evidence()


def har(tmp_path: Path, change: Callable[[Entry], object] = lambda entry: None, evidence: Evidence | None = None) -> Path:  # fmt: skip
    """The session as a HAR file, every entry changed."""
    path = tmp_path / "recording.har"
    write_har(evidence or charged(), path)
    whole = json.loads(path.read_text())
    for entry in whole["log"]["entries"]:
        change(entry)
    path.write_text(json.dumps(whole))
    return path


def pairs(tmp_path: Path, *, answers: bool = True, facts: Callable[[Exchange], Entry] = lambda e: {}) -> Path:
    """The session as a folder of JSON texts."""
    index = {}
    for e in charged().exchanges:
        name = f"{e.number:02d}"
        (tmp_path / f"{name}.request.json").write_bytes(e.request.body)
        if answers and e.answer:
            (tmp_path / f"{name}.response.json").write_bytes(e.answer.body)
        index[name] = {"operation": e.operation, **facts(e)}
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def judged(path: Path) -> Verdict:
    """The verdict in all profiles; nothing may be violated in this session."""
    verdict = judge(read_recording(path), profiles=ALL_PROFILES)
    assert not verdict.violated
    assert not [r.requirement.id for r in verdict.requirements if r.outcome is Outcome.CRASHED]
    return verdict


def silent(verdict: Verdict, *idents: str) -> list[str]:
    """Those of these requirements that were decided although they could not be."""
    return [i for i in idents if verdict.of(i).outcome is not Outcome.NOT_EXERCISED]


def test_the_whole_recording_decides_them(tmp_path: Path) -> None:
    """The session these tests take apart shows all of it as long as nothing is missing."""
    verdict = judged(har(tmp_path))
    for ident in (*OF_TIME, *OF_ADDRESS, "HTTP-003", "HTTP-014", "HTTP-012", "CDR-001"):
        assert verdict.of(ident).outcome is Outcome.CONFORMS, ident


def test_texts_alone_know_no_time_and_no_address(tmp_path: Path) -> None:
    """Texts in files: a SessionEnd is not in the future, an answer not in time, a path not right, only because nobody knows."""
    verdict = judged(pairs(tmp_path))
    assert not silent(verdict, *OF_TIME, *OF_ADDRESS, "HTTP-003", "HTTP-013", "HTTP-014")
    assert verdict.of("CDR-015").reason == "the recording does not say when messages were sent"
    assert verdict.of("CDR-001").outcome is Outcome.CONFORMS  # their order is known
    assert verdict.of("CDR-019").outcome is Outcome.CONFORMS


def test_texts_with_times(tmp_path: Path) -> None:
    """An index that gives times and states has them judged; how long an answer took is still not known."""
    verdict = judged(pairs(tmp_path, facts=lambda e: {"at": e.started_at.isoformat(), "http_status": 200}))
    assert verdict.of("CDR-006").outcome is verdict.of("HTTP-013").outcome is Outcome.CONFORMS
    assert not silent(verdict, "PUSH-002", "RSTART-013", *OF_ADDRESS)


def test_a_path_that_was_made_up_contradicts_nobody(tmp_path: Path) -> None:
    """The reader takes the operator for the path from the text; where the text has two, none of them is wrong."""
    product = {"ActionType": "fullLoad", "OperatorID": "DE*XXX", "PricingProductData": {"OperatorID": "DE*ABC"}}
    (tmp_path / "PushPricingProductData-1.request.json").write_text(json.dumps(product))
    verdict = judge(read_recording(tmp_path), profiles=ALL_PROFILES)
    assert verdict.of("HTTP-009").outcome is Outcome.NOT_EXERCISED


def test_a_body_that_is_no_json_stays_wrong(tmp_path: Path) -> None:
    """The address is unknown, the text is not; a broken request of the hub is not the CPO's."""
    folder = pairs(tmp_path)
    numbers = {str(e.operation): e.number for e in charged().exchanges}
    (folder / f"{numbers['AuthorizeRemoteStop']:02d}.request.json").write_text("SessionID=1")
    assert judge(read_recording(folder)).of("HTTP-001").outcome is not Outcome.VIOLATED
    (folder / f"{numbers['ChargeDetailRecord']:02d}.request.json").write_text("SessionID=1")
    assert judge(read_recording(folder)).of("HTTP-001").outcome is Outcome.VIOLATED


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (lambda e: {"at": "2026-03-02T09:00:00"}, "zone"),
        (lambda e: {"at": e.started_at.isoformat()} if e.number % 2 else {}, "02 has no `at`"),
    ],
)
def test_times_that_do_not_tell_are_refused(tmp_path: Path, facts: Callable[[Exchange], Entry], word: str) -> None:
    """One sentence names the file, the name and the mend."""
    with pytest.raises(UnreadableSource, match=word) as fault:
        read_recording(pairs(tmp_path, facts=facts))
    assert "index.json" in str(fault.value)


def _no_response(entry: Entry) -> None:
    del entry["response"]


def _status_0(entry: Entry) -> None:
    entry.update(time=-1, response={"status": 0, "headers": [], "content": {}})


def _no_texts(entry: Entry) -> None:
    entry["response"]["content"] = {"size": 312, "mimeType": "application/json"}


@pytest.mark.parametrize("change", [_no_response, _status_0, _no_texts])
def test_requests_without_answers(tmp_path: Path, change: Callable[[Entry], None]) -> None:
    """Answers that were not recorded are neither silence of the CPO nor failures of the hub."""
    verdict = judged(har(tmp_path, change))
    assert not silent(verdict, "HTTP-012", "STAT-015", "STAT-004", "PUSH-004", "CDR-001", "CDR-030", "ACK-001")
    assert verdict.of("CDR-019").outcome is Outcome.CONFORMS


def test_answers_of_one_side_only(tmp_path: Path) -> None:
    """A recorder in front of the CPO heard no answer of the hub: nothing was lost for that."""
    path = har(tmp_path, lambda entry: _no_response(entry) if "/operators/" in entry["request"]["url"] else None)
    verdict = judged(path)
    assert not silent(verdict, "CDR-030", "STAT-015", "STAT-004", "PUSH-004")
    assert verdict.of("HTTP-012").outcome is verdict.of("RSTART-001").outcome is Outcome.CONFORMS


def test_texts_without_answers(tmp_path: Path) -> None:
    """The same in files."""
    assert not silent(judged(pairs(tmp_path, answers=False)), "HTTP-012", "STAT-015", "CDR-001", "CDR-030")


def test_one_request_without_answer_got_none(tmp_path: Path) -> None:
    """Among answered ones silence is silence."""
    path = har(tmp_path, lambda entry: _status_0(entry) if entry["request"]["url"].endswith("/stop") else None)
    found = judge(read_recording(path)).of("HTTP-012").findings
    assert [f.observed for f in found] == ["no answer: no answer in the HAR file"]


def test_bodies_that_were_left_out(tmp_path: Path) -> None:
    """Entries whose request text was not saved are no messages without a body."""
    assert not read_recording(har(tmp_path, lambda entry: entry["request"].pop("postData"))).exchanges


def test_har_without_timings_and_headers(tmp_path: Path) -> None:
    """Missing timings are no quick answers, missing headers no missing Content-Type."""

    def bare(entry: Entry) -> None:
        entry.update(time=None)
        for message in (entry["request"], entry["response"]):
            message["headers"] = []

    verdict = judged(har(tmp_path, bare))
    assert not silent(verdict, "PUSH-002", "RSTART-013", "RSTART-014", "RSTOP-008", "HTTP-003", "HTTP-014")
    assert verdict.of("CDR-006").outcome is Outcome.CONFORMS


@pytest.mark.parametrize(
    ("sizes", "expected"), [({"size": 312}, Outcome.NOT_EXERCISED), ({"size": 0, "text": ""}, Outcome.CONFORMS)]
)
def test_broken_requests_whose_answers_were_not_saved(tmp_path: Path, sizes: Entry, expected: Outcome) -> None:
    """What a CPO answered to broken JSON is unknown then; an empty one is known."""
    build = Build(source="har", truth=False, fleet=None)
    sent = build.start(t=1)
    build.exchanges = [
        replace(
            sent, request=replace(sent.request, body=b'{"SessionID":'), url="https://a.example" + sent.request.target
        )
    ]

    def change(entry: Entry) -> None:
        entry["response"]["content"] = sizes

    assert judge(read_recording(har(tmp_path, change, build.evidence()))).of("HTTP-021").outcome is expected


@pytest.mark.parametrize(("cut", "expected"), [(False, Outcome.WARNED), (True, Outcome.NOT_EXERCISED)])
def test_whole_seconds_tell_of_no_wait(tmp_path: Path, cut: bool, expected: Outcome) -> None:
    """Repeats in the same second may have waited for most of it."""
    build = Build(source="har", truth=False, fleet=None)
    for number in range(4):
        build.push_status({EVSE: "Available"}, t=1.1 + number * 0.05, took=0.04, http_status=429, answer=b"")
    build.exchanges = [replace(e, url="https://any.example" + e.request.target) for e in build.exchanges]
    evidence = build.evidence()

    def change(entry: Entry) -> None:
        at = datetime.fromisoformat(entry["startedDateTime"])
        entry["startedDateTime"] = at.replace(microsecond=0 if cut else at.microsecond).isoformat()

    assert judge(read_recording(har(tmp_path, change, evidence))).of("RATE-005").outcome is expected


def test_har_of_http_2(tmp_path: Path) -> None:
    """Pseudo headers and small letters change nothing."""

    def second(entry: Entry) -> None:
        for message, first in ((entry["request"], ":path"), (entry["response"], ":status")):
            rows = [{"name": h["name"].lower(), "value": h["value"]} for h in message["headers"]]
            message["headers"] = [{"name": first, "value": "x"}, *rows]

    assert judged(har(tmp_path, second)).of("HTTP-003").outcome is Outcome.CONFORMS


def test_calls_without_the_prefix(tmp_path: Path) -> None:
    """The CPO forgot `/api/oicp`: that is wrong. A call to the CPO without it may have been recorded behind a proxy."""
    path = har(tmp_path, lambda entry: entry["request"].update(url=entry["request"]["url"].replace("/api/oicp", "")))
    verdict = judge(read_recording(path))
    assert {f.observed for f in verdict.of("HTTP-002").findings} >= {
        "/evsepush/v23/operators/DE*ABC/data-records lacks /api/oicp in front"
    }
    assert verdict.of("HTTP-022").outcome is Outcome.NOT_EXERCISED
    assert verdict.of("RSTART-001").outcome is Outcome.CONFORMS


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("https://service-qa.hubject.com/oicp/cdrs/v21/DE*ABC", True),
        ("https://mock.example/cdrmgmt/v22/operators/DE*ABC/charge-detail-record", True),
        ("https://cpo.example/charging/v2/sessions", False),
        ("https://www.hubject.com/en/charging", False),
    ],
)
def test_what_was_meant_for_oicp(url: str, meant: bool) -> None:
    """A wrong path is judged, the pages and interfaces of others in the same recording are not."""
    assert is_oicp(url) is meant


def _dated(entry: Entry, ahead_s: float, fixed: str | None = None) -> None:
    """The hub's answers carry the time of a clock that is ahead of the recorder's."""
    at = datetime.fromisoformat(entry["startedDateTime"]) + timedelta(seconds=ahead_s)
    row = {"name": "Date", "value": fixed or format_datetime(at.astimezone(UTC), usegmt=True)}
    entry["response"]["headers"].append(row)


@pytest.mark.parametrize(
    ("what", "recorder_s", "date", "expected"),
    [
        ("all clocks right", 0, 0, Outcome.CONFORMS),
        ("the recorder is late, and the hub says so", -40, 40, Outcome.CONFORMS),
        ("the recorder is late, nobody says so", -40, None, Outcome.VIOLATED),
        ("recorder and CPO are ahead, on one machine", 0, -40, Outcome.VIOLATED),
        ("a stub answers with the same Date for ever", 0, "Mon, 02 Mar 2026 08:58:00 GMT", Outcome.CONFORMS),
    ],
)
def test_whose_clock_counts(tmp_path: Path, what: str, recorder_s: int, date: Any, expected: Outcome) -> None:
    """The clock of the hub, where it can be read."""

    def change(entry: Entry) -> None:
        at = datetime.fromisoformat(entry["startedDateTime"]) + timedelta(seconds=recorder_s)
        entry["startedDateTime"] = at.isoformat()
        if date is not None:
            _dated(entry, date if isinstance(date, int) else 0, date if isinstance(date, str) else None)

    verdict = judge(read_recording(har(tmp_path, change)))
    assert verdict.of("CDR-015").outcome is expected, what


@pytest.mark.parametrize(("odd", "moved"), [(0, 40), (1, 40), (6, 0)])
def test_a_few_old_dates_among_right_ones(odd: int, moved: int) -> None:
    """One answer out of the cache of a proxy does not hide that the recorder is late; many say nothing at all."""
    begin = datetime(2026, 3, 2, 9, tzinfo=UTC)
    request = Request("POST", "/api/oicp/evsepush/v23/operators/DE*ABC/data-records")
    heard = []
    for at in range(12):
        ahead = 40 if at >= odd else -500 - 100 * at
        date = format_datetime(begin + timedelta(seconds=at * 60 + ahead), usegmt=True)
        answer = Answer(200, (("Date", date),))
        heard.append(Heard("https://hub.example" + request.target, request, answer, begin + timedelta(minutes=at), 0.1))
    off = on_the_clock_of_the_hub(heard)[0].started_at - begin
    assert round(off.total_seconds()) == moved


def test_what_is_unknown_stays_so_in_the_evidence(tmp_path: Path) -> None:
    """A report's `evidence.jsonl` comes to the same verdict, and the readiness page shows no made-up times."""
    evidence = read_recording(pairs(tmp_path))
    run = read_lines([json.dumps(run_line(evidence.run))]).run
    assert run.unknown == evidence.run.unknown
    page = readiness(Report(judge(evidence), evidence, (), 0, 0.0, ""))
    assert page["remote_start_s"] is page["cdr_delay_s"] is None


def test_a_compressed_answer_is_unpacked(tmp_path: Path) -> None:
    """A flow file holds bodies as they were sent; rules read texts."""
    pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    flow = tflow.tflow(resp=True)
    flow.request.path = "/api/oicp/evsepush/v21/operators/DE*ABC/status-records"
    assert flow.response is not None
    flow.response.headers["Content-Encoding"] = "gzip"
    flow.response.raw_content = gzip.compress(b'{"Result":true,"StatusCode":{"Code":"000"}}')
    path = tmp_path / "flows"
    with path.open("wb") as file:
        FlowWriter(file).add(flow)
    (exchange,) = read_recording(path).exchanges
    assert exchange.accepted
