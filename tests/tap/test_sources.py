"""Old recordings of three kinds read into evidence; what they cannot know stays unknown."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from bench.sources import UnreadableSource, read_recording
from fake_hubject.certificates import Authority
from oicp.evidence import BrokenRecording
from oicp.rulebook import Outcome, judge
from oicp.services import Direction
from oicp.unknowns import ORDER
from tap import json_stream
from tap.mapping import located
from tap.pairs import read_pairs
from tests.rules.build import Build

PUSH = "https://hub.example/api/oicp/evsepush/v21/operators/DE*ABC/status-records"
START = "https://cpo.example/tenant/api/oicp/charging/v21/providers/DE*DCB/authorize-remote/start"


def entry(
    url: str, second: float, body: Any, *, took_ms: float = 20, status: int = 200, **content: Any
) -> dict[str, Any]:
    """One HAR entry."""
    return {
        "startedDateTime": f"2026-05-04T10:00:{second:06.3f}+02:00", "time": took_ms,
        "request": {"method": "POST", "url": url, "headers": [{"name": "Content-Type", "value": "application/json"}],
                    "postData": {"text": json.dumps(body)}},
        "response": {"status": status, "headers": [], "content": content or {"text": '{"Result":true,"StatusCode":{"Code":"000"}}'}},
    }  # fmt: skip


def har(tmp_path: Path, *entries: Any) -> Path:
    path = tmp_path / "recording.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}))
    return path


def test_har_becomes_exchanges_in_order_of_time(tmp_path: Path) -> None:
    """Both directions are told apart by the operation, a page of the same browser is left out, times are seconds from the first."""
    path = har(
        tmp_path, entry(START, 2, {"EvseID": "DE*ABC*E1"}), entry("https://hub.example/portal.css", 0, {}),
        entry(PUSH, 1, {"ActionType": "update"}),
    )  # fmt: skip
    evidence = read_recording(path)
    first, second = evidence.exchanges
    assert (first.operation, first.direction, first.partner_id) == ("PushEvseStatus", Direction.CPO_TO_HUB, "DE*ABC")
    assert (second.operation, second.direction) == ("AuthorizeRemoteStart", Direction.HUB_TO_CPO)
    assert (first.t, second.t) == (0.0, 1.0)
    assert first.t_end == pytest.approx(0.02)
    assert evidence.run.operator_ids == ("DE*ABC",)
    assert not evidence.run.truth


def test_har_shows_parallel_pushes(tmp_path: Path) -> None:
    """A push that begins before the answer to the last one overlaps it."""
    evidence = read_recording(har(tmp_path, entry(PUSH, 1, {}, took_ms=900), entry(PUSH, 1.5, {}), entry(PUSH, 3, {})))
    assert [e.overlaps for e in evidence.exchanges] == [(), (1,), ()]


def _as_toolkit(entry: dict[str, Any]) -> None:
    text = entry["request"].pop("postData")["text"]
    entry["request"]["_content"] = {"text": base64.b64encode(text.encode()).decode(), "encoding": "base64"}


def _headers_by_name(entry: dict[str, Any]) -> None:
    for message in (entry["request"], entry["response"]):
        message["headers"] = {h["name"]: h["value"] for h in message["headers"]}


@pytest.mark.parametrize(
    "change",
    [
        _as_toolkit,
        _headers_by_name,
        lambda e: e["response"].update(status="200"),
        lambda e: e.update(startedDateTime=e["startedDateTime"].replace("+02:00", "+0200"), comment="", _id="7"),
    ],
)
def test_har_of_many_hands(tmp_path: Path, change: Any) -> None:
    """Exporters differ in how they write the same exchange."""
    plain, other = entry(PUSH, 1, {"ActionType": "update"}), entry(PUSH, 1, {"ActionType": "update"})
    change(other)
    (one,), (two,) = (read_recording(har(tmp_path, item)).exchanges for item in (plain, other))
    assert (one.request, one.answer, one.started_at, one.t_end) == (two.request, two.answer, two.started_at, two.t_end)


@pytest.mark.parametrize(
    "response", [{"status": -1, "_failureText": "net::ERR_FAILED"}, {"status": 0, "_error": "net::ERR_FAILED"}]
)
def test_har_of_a_call_that_failed(tmp_path: Path, response: dict[str, Any]) -> None:
    """No status is no answer; why is told as the browser tells it."""
    (found,) = read_recording(har(tmp_path, entry(PUSH, 1, {}) | {"response": response, "time": -1})).exchanges
    assert (found.answer, found.error, found.t_end) == (None, "net::ERR_FAILED", 0.0)


def test_what_of_a_har_is_left_out(tmp_path: Path) -> None:
    """A browser's own questions, an entry that stands twice and a body that was not saved are told and not judged."""
    ask = entry(PUSH, 0.5, {})
    ask["request"].update(method="OPTIONS", headers=[{"name": "Access-Control-Request-Method", "value": "POST"}])
    bare = entry(PUSH, 2, {})
    bare["request"].update(postData={"mimeType": "application/json"}, bodySize=300)
    twice = entry(PUSH, 1, {"ActionType": "update"})
    again = entry(PUSH, 1, {"ActionType": "update"}, took_ms=21)
    evidence = read_recording(har(tmp_path, ask, twice, twice, bare, again))
    assert len(evidence.exchanges) == 2
    assert sorted(evidence.run.settings["left_out"].values()) == [1, 1, 1]
    ask["request"]["headers"] = []
    assert len(read_recording(har(tmp_path, ask, twice)).exchanges) == 2  # the CPO asked
    assert "left_out" not in read_recording(har(tmp_path, twice)).run.settings


ONE_CONNECTION = {"connect": 1, "ssl": 40, "send": 1, "wait": 57, "receive": 2}


@pytest.mark.parametrize(
    ("recorder", "pushes", "expected"),
    [
        ("mitmproxy", [(1, 101, ONE_CONNECTION), (1.07, 30, {})], Outcome.CONFORMS),  # it counts its connecting twice
        ("mitmproxy", [(1, 101, ONE_CONNECTION), (1.04, 30, {})], Outcome.VIOLATED),
        ("Firefox", [(1, 101, ONE_CONNECTION), (1.04, 30, {})], Outcome.VIOLATED),
        ("Playwright", [(1, 101, ONE_CONNECTION), (1.062, 30, {})], Outcome.CONFORMS),  # the handshake twice
        ("Playwright", [(1, 61, ONE_CONNECTION), (1.04, 30, {})], Outcome.VIOLATED),
        ("mitmproxy", [(1, 101, {"send": None}), (1.07, 30, {})], Outcome.VIOLATED),
        ("Charles Proxy", [(1, 84, {}), (1.08, 30, {}), (2.0014, 9, {})], Outcome.CONFORMS),  # milliseconds, two clocks
        ("Charles Proxy", [(1, 99, {}), (1.08, 30, {}), (2.0014, 9, {})], Outcome.VIOLATED),
        ("a log", [(1, 700, {}), (1, 200, {}), (3, 9, {})], Outcome.CONFORMS),  # seconds, cut: 1.1 and 1.8
        ("a log", [(1, 4000, {}), (2, 200, {}), (9, 9, {})], Outcome.VIOLATED),
    ],
)
def test_parallel_as_far_as_the_clock_of_the_recorder_tells(
    tmp_path: Path, recorder: str, pushes: list[tuple[float, float, dict[str, Any]]], expected: Outcome
) -> None:
    """Pushes that were sent one after the other are not parallel because a recorder rounds, cuts or adds up its times."""
    entries = [entry(PUSH, at, {}, took_ms=took) | {"timings": timings} for at, took, timings in pushes]
    path = har(tmp_path, *entries)
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({"log": {"creator": {"version": "1", "name": recorder}, **whole["log"]}}))
    assert judge(read_recording(path)).of("PUSH-002").outcome is expected


def test_har_body_in_base64(tmp_path: Path) -> None:
    """A body written in base64 comes out as it was."""
    text = base64.b64encode('{"Result":true,"ü":1}'.encode()).decode()
    (exchange,) = read_recording(har(tmp_path, entry(PUSH, 1, {}, text=text, encoding="base64"))).exchanges
    assert exchange.answer_body == {"Result": True, "ü": 1}


@pytest.mark.parametrize(
    ("packed", "expected"), [(gzip.compress(b'{"Result":true}', mtime=0), True), (b"\x1f\x8bno gzip", None)]
)
def test_har_body_as_it_was_compressed(tmp_path: Path, packed: bytes, expected: object) -> None:
    """A compressed body is unpacked where the recorder did not do it."""
    text = base64.b64encode(packed).decode()
    (exchange,) = read_recording(har(tmp_path, entry(PUSH, 1, {}, text=text, encoding="base64"))).exchanges
    assert exchange.answer_body.get("Result") is expected


def test_har_decides_nothing_about_certificates(tmp_path: Path) -> None:
    """No certificate is seen in a HAR file: rules about it are not exercised, never passed and never failed."""
    verdict = judge(read_recording(har(tmp_path, entry(PUSH, 1, {"ActionType": "update"}))))
    for ident in ("TLS-001", "TLS-002", "TLS-003", "TLS-004", "CDR-024"):
        assert verdict.of(ident).outcome is Outcome.NOT_EXERCISED, ident


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('{"log": {}}', "entries"),
        ('{"log": {"entries": [{"request": {}}]}}', "entries"),
        ('{"log": {"entries": 3}}', "list"),
        ('{"log": ', "JSON"),
    ],
)
def test_broken_har_is_one_clear_message(tmp_path: Path, text: str, word: str) -> None:
    """The message names the file and the place."""
    path = tmp_path / "broken.har"
    path.write_text(text)
    with pytest.raises(UnreadableSource, match=word) as fault:
        read_recording(path)
    assert "broken.har" in str(fault.value)


def test_flow_file_of_the_tap_reads_back(tmp_path: Path) -> None:
    """A mitmproxy flow file gives the exchanges that were in it; a cut-off end costs only the last flow."""
    pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    path = tmp_path / "flows"
    with path.open("wb") as file:
        writer = FlowWriter(file)
        for second in range(3):
            flow = tflow.tflow(resp=True)
            flow.request.path = "/api/oicp/evsepush/v21/operators/DE*ABC/status-records"
            flow.request.timestamp_start = 1000.0 + second
            writer.add(flow)
        other = tflow.tflow(resp=True)
        writer.add(other)
    assert [e.operation for e in read_recording(path).exchanges] == ["PushEvseStatus"] * 3
    path.write_bytes(path.read_bytes()[:-20])
    assert len(read_recording(path).exchanges) == 3


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([False, False], Outcome.NOT_EXERCISED),  # mitmproxy asks for none by default
        ([True, False], Outcome.VIOLATED),
        ([True, True], Outcome.CONFORMS),
    ],
)
def test_a_certificate_that_nobody_asked_for(tmp_path: Path, shown: list[bool], expected: Outcome) -> None:
    """A flow file holds no client certificate where mitmproxy asked for none: that is not the CPO's fault."""
    pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")
    from mitmproxy.certs import Cert
    from mitmproxy.io import FlowWriter
    from mitmproxy.test import tflow

    own = Cert.from_pem(Authority.create(tmp_path / "ca").issue_client("DE*ABC").pem.encode())
    path = tmp_path / "flows"
    with path.open("wb") as file:
        for number, certificate in enumerate(shown):
            flow = tflow.tflow(resp=True)
            flow.client_conn = tflow.tclient_conn()
            flow.client_conn.certificate_list = [own] if certificate else []
            flow.request.path = "/api/oicp/evsepush/v21/operators/DE*ABC/status-records"
            flow.request.timestamp_start = 1000.0 + number
            FlowWriter(file).add(flow)
    assert judge(read_recording(path)).of("TLS-001").outcome is expected


def test_pairs_of_files(tmp_path: Path) -> None:
    """Request and answer are joined by name, the operation comes from the name, the operator from the body."""
    (tmp_path / "eRoamingChargeDetailRecord-1.request.json").write_text('{"EvseID":"DE*ABC*E1*1","SessionID":"x"}')
    (tmp_path / "eRoamingChargeDetailRecord-1.response.json").write_text('{"StatusCode":{"Code":"400"}}')
    (tmp_path / "index.json").write_text('{"eRoamingChargeDetailRecord-1": {"http_status": 404}}')
    (exchange,) = read_pairs(tmp_path).exchanges
    assert (exchange.operation, exchange.partner_id, exchange.http_status) == ("ChargeDetailRecord", "DE*ABC", 404)


def test_pairs_named_after_their_operation(tmp_path: Path) -> None:
    """Sorted by operation they have no order among each other, and a request without a partner is still one of the hub."""
    (tmp_path / "AuthorizeRemoteStart-1.request.json").write_text('{"SessionID":')
    (tmp_path / "AuthorizeRemoteStart-1.response.json").write_text('{"message":"no JSON"}')
    evidence = read_pairs(tmp_path)
    assert (evidence.exchanges[0].operation, evidence.exchanges[0].by_cpo) == ("AuthorizeRemoteStart", False)
    assert ORDER in evidence.run.unknown
    (tmp_path / "index.json").write_text('{"AuthorizeRemoteStart-1": {"operation": "AuthorizeRemoteStart"}}')
    assert ORDER not in read_pairs(tmp_path).run.unknown


def test_pairs_with_an_unknown_name(tmp_path: Path) -> None:
    """A name that begins with no operation is refused and the operations are listed."""
    (tmp_path / "hello.request.json").write_text("{}")
    with pytest.raises(BrokenRecording, match="PushEvseData"):
        read_pairs(tmp_path)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/api/oicp/evsepush/v23/operators/DE%2AABC/data-records", ("PushEvseData", "DE*ABC")),
        ("/x/api/oicp/charging/v21/providers/DE-DCB/authorize-remote/stop", ("AuthorizeRemoteStop", "DE-DCB")),
        ("/api/oicp/evsepush/v22/operators/DE*ABC/data-records", (None, "")),
        ("/other", (None, "")),
    ],
)
def test_operation_of_a_target(target: str, expected: tuple[str | None, str]) -> None:
    """Prefix and percent signs do not matter, the version does."""
    assert located(target) == expected


def test_entries_of_any_size_are_read_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries longer and shorter than what is read at once, numbers and umlauts at the seams, members before and after them."""
    monkeypatch.setattr(json_stream, "_PIECE", 7)
    entries = [entry(PUSH, i, {"ActionType": "ü" * i, "n": 10**i}) for i in range(5)]
    path = tmp_path / "recording.har"
    log = {"version": "1.2", "pages": [{"entries": []}], "entries": entries, "comment": 12345}
    path.write_text("\ufeff" + json.dumps({"first": 1, "log": log, "last": None}, ensure_ascii=False, indent=1))
    assert [e.body for e in read_recording(path).exchanges] == [{"ActionType": "ü" * i, "n": 10**i} for i in range(5)]


@pytest.mark.parametrize(
    "text",
    ['{"log": {"entries": []}} x', '{"log": {"entries": [}}', '{"log": {"entries": [] "x": 1}}', '{"log": {"entries": [{]}}',
     '{"log" {"entries": []}}', '{"log": {"entries": [' + "[" * 100_000],
)  # fmt: skip
def test_broken_json_around_the_entries(tmp_path: Path, text: str) -> None:
    """Whatever is broken, the message says that it is not JSON and where."""
    path = tmp_path / "broken.har"
    path.write_text(text)
    with pytest.raises(UnreadableSource, match=r"broken\.har: not JSON: .* at character \d+"):
        read_recording(path)


def test_full_load_that_repeats_itself_is_held_and_read_once(tmp_path: Path) -> None:
    """The same large body, day after day, takes the room of one, as text and as what is read from it."""
    records = [{"EvseID": f"DE*ABC*E{i}"} for i in range(6000)]
    load = {"ActionType": "fullLoad", "OperatorEvseData": {"EvseDataRecord": records}}
    first, second, third = read_recording(
        har(tmp_path, entry(PUSH, 1, load), entry(PUSH, 2, load), entry(PUSH, 3, load | {"ActionType": "insert"}))
    ).exchanges
    assert first.request.body is second.request.body
    assert first.sent is second.sent
    assert third.sent.value != first.sent.value


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"info":{"schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}}', "Postman"),
        (bytes(range(128, 200)), "no text; a recording is"),
        (b'{"EvseID":"DE*ABC*E1*1"}', "add --message"),
        (
            b'{"url":"https://hub.example","status":200}\n{"url":"https://hub.example","status":200}\n',
            "JSON lines are no evidence",
        ),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive, as a .saz of Fiddler"),
        (b"\xd4\xc3\xb2\xa1" + bytes(40), "a capture of packets"),
        ('{"log":{}}'.encode("utf-16"), "UTF-16; save it as UTF-8"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes, word: str) -> None:
    """The message says what it takes instead."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource, match=word):
        read_recording(path)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("notificationmgmt/v11/charging-notifications", {"Type": "Start"}, ("remote-only", "notifications")),
        ("dynamicpricing/v10/operators/DE*ABC/evse-pricing", {}, ("remote-only", "pricing")),
        ("charging/v21/operators/DE*ABC/authorize/start", {}, ("remote-only", "full")),
        ("reservation/v11/providers/DE-DCB/reservation-start-request", {}, ("remote-only", "reservation")),
        ("cdrmgmt/v22/operators/DE*ABC/charge-detail-record", {}, ("remote-only",)),
        ("cdrmgmt/v22/operators/DE*ABC/charge-detail-record", {"SignedMeteringValues": [{}]}, ("remote-only", "eichrecht")),
        ("cdrmgmt/v22/operators/DE*ABC/charge-detail-record", {"SignedMeteringValues": []}, ("remote-only",)),
        ("cdrmgmt/v22/operators/DE*ABC/charge-detail-record", {"SignedMeteringValues": None}, ("remote-only",)),
        ("evsepush/v23/operators/DE*ABC/data-records", {"CalibrationLawDataAvailability": "External"}, ("remote-only", "eichrecht")),
        ("evsepull/v23/providers/DE-DCB/data-records", {}, ("remote-only",)),
    ],
)  # fmt: skip
def test_what_a_cpo_does_is_judged(tmp_path: Path, path: str, body: Any, expected: tuple[str, ...]) -> None:
    """Nobody who has a recording of notifications judged has to know that they are a profile of their own."""
    evidence = read_recording(har(tmp_path, entry(f"https://hub.example/api/oicp/{path}", 1, body)))
    assert evidence.run.profiles == expected
    assert judge(evidence).profiles == expected
    assert judge(evidence, profiles=("remote-only",)).profiles == ("remote-only",)


def test_texts_of_prices_name_their_operator(tmp_path: Path) -> None:
    """In the envelope of the products, and by the EVSEs that are priced: nobody's EVSE is foreign."""
    rows = [{"EvseID": "DE*ABC*E1*1", "ProviderID": "*", "EvseIDProductList": ["AC1"]}]
    for at in range(3):
        (tmp_path / f"PushEVSEPricing-{at}.request.json").write_text(
            json.dumps({"ActionType": "update", "EVSEPricing": rows})
        )
    products = {"ActionType": "fullLoad", "PricingProductData": {"OperatorID": "DE*ABC"}}
    (tmp_path / "PushPricingProductData.request.json").write_text(json.dumps(products))
    evidence = read_recording(tmp_path)
    assert {e.partner_id for e in evidence.exchanges} == {"DE*ABC"} == set(evidence.run.operator_ids)
    assert judge(evidence).of("PRICE-013").outcome is Outcome.CONFORMS


@pytest.mark.parametrize(
    ("http_status", "answer", "offered"),
    [
        (200, {"Result": True, "StatusCode": {"Code": "000"}}, True),
        (200, {"Result": False, "StatusCode": {"Code": "601"}}, True),
        (200, {"Result": False, "StatusCode": {"Code": "320"}}, False),
        (404, {"error": "Not Found"}, False),
    ],
)
def test_a_cpo_that_is_asked_in_vain_offers_nothing(http_status: int, answer: Any, offered: bool) -> None:
    """A reservation that somebody tried at a CPO without reservations is no reason to demand them."""
    build = Build(truth=False, source="tap", profiles=())
    build.start(t=1, operation="AuthorizeRemoteReservationStart", http_status=http_status, answer=answer)
    verdict = judge(build.evidence())
    assert ("reservation" in verdict.profiles) is offered
    assert "RESV-001" not in verdict.violated
