"""Pseudonyms: nothing original is left, everything that was the same stays the same, the verdict stays."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from oicp.evidence import Evidence, read_lines
from oicp.ids import evco_check_digit, is_evco_id, is_evse_id, is_session_id, is_uid
from oicp.rulebook import judge
from reports.pseudonyms import Kind, Pseudonyms
from reports.redact import Redactor
from reports.share import same_verdict, write_shared
from tests.reports import sample

KEY = b"k" * 32


def changed(kind: Kind, text: str) -> str:
    """Pseudonym under a fixed key."""
    return Pseudonyms(KEY).of(kind, text)


@pytest.mark.parametrize(
    ("kind", "original", "shape"),
    [
        (Kind.EVSE, "DE*ABC*E1001*1", r"DE\*ABC\*E[0-9]{4}\*[0-9]"),
        (Kind.EVSE, "DEABCE10011", r"DEABCE[0-9]{5}"),
        (Kind.EVSE, "de*abc*e1001*1", r"de\*abc\*e[0-9]{4}\*[0-9]"),
        (Kind.EVSE, "+49*810*000*438", r"\+49\*810\*[0-9]{3}\*[0-9]{3}"),
        (Kind.EVSE, "DE*ABC*1001", r"DE\*ABC\*1[0-9]{3}"),
        (Kind.EVCO, "DE-8AA-CA2B3C4D5-N", r"DE-8AA-C[A-F][0-9][A-F][0-9][A-F][0-9][A-F][0-9]-."),
        (Kind.EVCO, "DE*8AA*123456*X", r"DE\*8AA\*[0-9]{6}\*X"),
        (Kind.EVCO, "de-8aa-ca2b3c4d5-n", r"de-8aa-c[a-f][0-9][a-f][0-9][a-f][0-9][a-f][0-9]-[a-z]"),
        (Kind.ID, "b2688855-7f00-0002-6d8e-48d883f60001", r"[a-f][0-9]{7}-[0-9][a-f][0-9]{2}-[0-9]{4}-[0-9][a-f][0-9][a-f]-[0-9a-f]{12}"),
        (Kind.ID, "AB12FF00", r"[A-F]{2}[0-9]{2}[A-F]{2}[0-9]{2}"),
        (Kind.TEXT, "Torstraße 49", r"[A-Z][a-z]{6}ß[a-z] [0-9]{2}"),
        (Kind.TEXT, "M_", r"[A-Z]_"),
        (Kind.TEXT, "Αθήνα", r"[^A-Za-z]{5}"),
        (Kind.PHONE, "+4930901820", r"\+49[0-9]{8}"),
        (Kind.POSITION, "52.480495 13.356465", r"52\.[0-9]{6} 13\.[0-9]{6}"),
        (Kind.POSITION, "9°21'39.32''", r"9°2[1-9]'39\.[0-9]{2}''"),
        (Kind.URL, "https://abc.example/1.png", r"https://[a-z]{3}\.[a-z]{7}/[0-9]\.[a-z]{3}"),
    ],
)  # fmt: skip
def test_keeps_the_notation(kind: Kind, original: str, shape: str) -> None:
    """A pseudonym has the shape of its original and is another one."""
    new = changed(kind, original)
    assert re.fullmatch(shape, new) and new != original


@pytest.mark.parametrize("number", range(20))
def test_keeps_validity_of_ids(number: int) -> None:
    """Valid ids stay valid, check digits right or wrong as they were."""
    body = f"DE8AAC{number:08X}"
    right = evco_check_digit(body)
    new = changed(Kind.EVCO, body + right)
    assert is_evco_id(new) and evco_check_digit(new[:-1]) == new[-1]
    wrong = changed(Kind.EVCO, body + ("1" if right != "1" else "2"))
    assert evco_check_digit(wrong[:-1]) != wrong[-1]
    assert is_evse_id(changed(Kind.EVSE, f"DE*ABC*E{number}"))
    assert is_uid(changed(Kind.ID, f"{number:014X}"))
    assert is_session_id(changed(Kind.ID, sample.session_id(number)))


def test_other_spelling_of_an_id_is_the_same_pseudonym() -> None:
    """Separators and case do not make another EVSE."""
    names = Pseudonyms(KEY)
    one, other = names.of(Kind.EVSE, "DE*ABC*E1001*1"), names.of(Kind.EVSE, "deabce10011")
    assert one.replace("*", "") == other.upper()


def test_different_ids_never_become_the_same() -> None:
    """A hundred numbers of two digits get a hundred pseudonyms."""
    names = Pseudonyms(KEY)
    assert len({names.of(Kind.ID, f"session-{n:02d}") for n in range(100)}) == 100


def test_key_makes_the_difference() -> None:
    """Without the key nobody can recompute a pseudonym."""
    ids = [Pseudonyms().of(Kind.EVCO, sample.EVCO) for _ in range(2)]
    assert ids[0] != ids[1]


def test_near_stays_near() -> None:
    """Coordinates with and without trailing digits remain the same place."""
    names = Pseudonyms(KEY)
    short, long = names.of(Kind.POSITION, "52.48"), names.of(Kind.POSITION, "52.480495")
    assert long.startswith(short)


def _recording() -> Evidence:
    """The sample with things that must not get out in unusual places."""
    tape = sample.tape_of()
    first = tape.exchanges[0]
    request = replace(
        first.request,
        headers=(
            *first.request.headers,
            ("Authorization", "Basic c2VjcmV0"),
            ("X-Trace", f"at-{sample.session_id(1)}"),
        ),
    )
    faults = (f"429 for the CDR of {sample.evse(1)}",)
    tape.exchanges[1] = replace(tape.exchanges[1], faults=faults)
    tape.exchanges[0] = replace(first, request=request, url="https://abc-backend.internal:9443/x")
    tape.see("note", 1.0, text=f"token {sample.EVCO} at {sample.evse(1)}, {sample.STREET}")
    evidence = tape.evidence()
    fleet = {
        "charge_points": [{"id": "CP-7001", "evses": [{"evse_id": sample.evse(1), "data_record": sample.record(1)}]}]
    }
    settings = {"hooks": {"restart": ["ssh", "root@10.1.2.3"]}, "cpo_url": "https://abc-backend.internal:9443"}
    return replace(evidence, run=replace(evidence.run, fleet=fleet, settings=settings))


def test_nothing_original_is_left_in_any_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids, names, addresses, numbers, hosts and credentials are in none of the files, however they were embedded.

    The key of the pseudonyms is fixed: digits made by chance now and then spell the five of a postal code.
    """
    monkeypatch.setattr("reports.pseudonyms.secrets.token_bytes", bytes)
    evidence = _recording()
    report = sample.report(evidence=evidence)
    written = write_shared(report, tmp_path)
    assert {p.name for p in written} == {"report.json", "report.html", "junit.xml", "summary.md", "evidence.jsonl"}
    originals = [sample.EVCO, *(sample.evse(n) for n in range(1, 5)), *(sample.session_id(n) for n in range(1, 5)),
                 sample.STREET, sample.STATION, sample.PHONE, sample.CITY, "abc-00001", "CP-7001", "abc-backend", "10.1.2.3",
                 "c2VjcmV0", "52.521311", "cpo.example", "030/901820", "10119", "ABC technologies"]  # fmt: skip
    for path in written:
        text = unpacked(path)
        assert [o for o in originals if o in text] == [], path.name


def unpacked(path: Path) -> str:
    """A file as a reader sees it: the packed parts of the page included."""
    import base64
    import gzip

    text = path.read_text()
    blobs = re.findall(r'id="blob-[0-9]+">([^<]*)</script>', text)
    return text + "".join(gzip.decompress(base64.b64decode(blob)).decode() for blob in blobs)


def test_packed_parts_are_really_searched(tmp_path: Path) -> None:
    """The search above would find an original in the packed parts of the page."""
    from reports.report import write_all

    write_all(sample.report(), tmp_path)
    assert sample.EVCO not in (tmp_path / "report.html").read_text()
    assert sample.EVCO in unpacked(tmp_path / "report.html")


def test_the_verdict_stays(tmp_path: Path) -> None:
    """The rules say the same about the redacted recording, also after it was written and read."""
    evidence = _recording()
    before = judge(evidence)
    redactor = Redactor(Pseudonyms(KEY))
    assert same_verdict(before, judge(redactor.evidence(evidence)))
    write_shared(sample.report(evidence=evidence), tmp_path)
    with (tmp_path / "evidence.jsonl").open(encoding="utf-8") as file:
        assert same_verdict(before, judge(read_lines(file)))


@pytest.mark.parametrize(
    "body",
    [
        b'{"EvseID": "DE*ABC*E1001*1" , "n": 7.3120000000000010, "n": 1e3, "PostalCode": 10119}',
        b'[{"ConsumedEnergy":1.50}]', b"not JSON at all", b"", b"\xff\xfe\x00", b'{"a": tru}',
        '{"City": "Köln", "x": "\\ud800"}'.encode(),
    ],
)  # fmt: skip
def test_bodies_keep_their_spelling(body: bytes) -> None:
    """Blanks, digits, doubled members and mistakes of a body survive; only values change."""
    tape = sample.Tape()
    tape.call("ChargeDetailRecord", body, 1.0)
    new = Redactor(Pseudonyms(KEY)).evidence(tape.evidence()).exchanges[0].request.body
    skeleton = re.compile(rb'"[^"]*"|[0-9]{5}')
    assert skeleton.sub(b"", new) == skeleton.sub(b"", body) and len(new) == len(body)


def test_a_body_that_was_cut_off_betrays_nothing() -> None:
    """Where the JSON ends in the middle of a value, the value is replaced all the same."""
    tape = sample.Tape()
    tape.call("ChargeDetailRecord", b'{"Street": "Torstrasse', 1.0)
    new = Redactor(Pseudonyms(KEY)).evidence(tape.evidence()).exchanges[0].request.body
    assert new.startswith(b'{"Street": "') and b"Torstrasse" not in new


def test_the_report_tells_the_same_story() -> None:
    """Findings, scenarios and outcomes are those of the original, in the same number."""
    report = sample.report(evidence=_recording())
    shared = Redactor(Pseudonyms(KEY)).report(report)
    assert same_verdict(report.verdict, shared.verdict)
    assert [f.requirement for f in shared.findings] == [f.requirement for f in report.findings]
    assert [s.name for s in shared.scenarios] == [s.name for s in report.scenarios]
