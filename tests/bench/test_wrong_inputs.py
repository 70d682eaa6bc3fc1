"""Wrong flags, files and folders: one message that names what is wrong, exit status 3, never a traceback."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.__main__ import main
from fake_hubject.certificates import Authority

_PLAN = "from bench import scenario\n\n@scenario('x', {})\nasync def x(bench):\n    pass\n"
_HAR = '{"log": {"entries": [%s]}}'
_POST = '{"startedDateTime": "2026-01-01T00:00:00Z", "request": {"method": "POST", "url": "http://x/api/oicp/cdrmgmt/v22/x", "headers": []}, "response": {"status": "abc"}}'

FILES = {
    "kind.py": _PLAN.format("kind='blue'"), "needs.py": _PLAN.format("needs='reboot'"),
    "profile.py": _PLAN.format("profile='blue'"), "notes.txt": "nothing", "bom.toml": "\ufeff[hub]\nport = 0\n",
    "utf16.toml": base64.b64decode("//5bAGgA"), "number.json": '{"schema": "oicp-bench/report/1", "requirements": 7}',
    "row.json": '{"schema": "oicp-bench/report/1", "requirements": [{"id": "CDR-001"}]}',
    "later.json": '{"schema": "oicp-bench/report/9", "requirements": []}', "line.jsonl": '{"number": 1}\n',
    "entry.har": _HAR % "{}", "status.har": _HAR % _POST, "empty.har": _HAR % "",
    "operation/a.request.json": "{}", "operation/index.json": '{"a": {"operation": "Nope"}}',
    "status/ChargeDetailRecord.request.json": "{}",
    "status/index.json": '{"ChargeDetailRecord": {"http_status": "abc"}}',
}  # fmt: skip

WRONG = [
    ("run --only=", "--only: empty"), ("run --only and", "--only: a word is missing before 'and'"),
    ("run --only zzz", "no scenario fits --only 'zzz' and the profiles remote-only"),
    ("run kind.py", "kind.py:3: kind='blue' does not exist; there are '', 'private', 'signed'"),
    ("run needs.py", "needs.py:3: needs='reboot' does not exist; there are 'push_evse_data'"),
    ("run profile.py", "profile.py:3: profile='blue' does not exist; there are 'remote-only'"),
    ("doctor --config utf16.toml", "utf16.toml: not UTF-8 at byte 0; save it as UTF-8"),
    ("judge line.jsonl", "line.jsonl: line 1: `kind` is missing"),
    ("judge entry.har", "entry.har: log.entries[0]: `request` is missing"),
    ("judge operation", "index.json: a: `operation` is 'Nope', which does not exist"),
    ("judge status", "index.json: ChargeDetailRecord: `http_status` is 'abc'; write a number"),
    ("judge empty.har --out notes.txt", "--out notes.txt: cannot be written"),
    ("rules --level WILL", "--level WILL: there is none; choose from MUST, SHOULD, MAY"),
    ("rules --profile zz", "--profile zz: there is none; choose from remote-only"),
    ("rules --operation zz", "no requirement fits --operation zz"),
    ("pki init --folder notes.txt", "notes.txt: cannot be made a folder for the CA"),
    ("pki issue DE*ABC --folder ca --host https://cpo:1", "'https://cpo:1' is no host name or address; write it bare"),
    ("pki issue DE*ABC --folder ca --host=", "'' is no host name or address"),
    ("pki issue DE*ABC --folder mixed", "mixed/ca.key: ca.key is not the key of ca.pem"),
    ("init nowhere/bench.toml --yes", "nowhere/bench.toml: cannot be written: No such file or directory"),
    ("compare number.json number.json", "number.json: `requirements` is no list"),
    ("compare row.json row.json", "row.json: `requirements` is no list of objects with id and outcome"),
    ("compare later.json later.json", "later.json: schema is oicp-bench/report/9"),
    ("tap --upstream https://127.0.0.1:1 --ca notes.txt", "--ca notes.txt: no certificate in PEM"),
    ("tap --upstream https://127.0.0.1:1 --ca nowhere.pem", "--ca nowhere.pem: No such file"),
    ("tap --upstream https://127.0.0.1:1 --cert nowhere.pem", "--cert nowhere.pem: No such file"),
    ("tap --upstream https://127.0.0.1:1 --cert notes.txt", "--cert notes.txt: no certificate and key in PEM"),
    ("tap --upstream https://127.0.0.1:99999", "the port is no number from 1 to 65535"),
    ("tap --upstream https://127.0.0.1:1 --operator-id zz", "--operator-id zz: no OperatorID"),
    ("tap --upstream https://127.0.0.1:1 --flows nowhere/x", "--flows nowhere/x: there is no folder nowhere"),
    ("tap --upstream https://127.0.0.1:1 --cert ca/ca.pem --key locked.pem", "without a password; take it off"),
    ("tap --upstream https://127.0.0.1:1 --cert ca/ca.pem --key mixed/ca.key", "the key is not that of the certificate"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All the files, in the folder the commands run in."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for name in ("ca", "mixed", "other"):
        Authority.create(tmp_path / name)
    key = ec.generate_private_key(ec.SECP256R1())
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (tmp_path / "locked.pem").write_bytes(locked)
    (tmp_path / "other" / "ca.key").replace(tmp_path / "mixed" / "ca.key")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _status(line: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(line.split())
    return end.value.code


@pytest.mark.parametrize(("line", "words"), WRONG, ids=[line for line, _ in WRONG])
def test_one_message_and_status_3(folder: Path, capsys: pytest.CaptureFixture[str], line: str, words: str) -> None:
    """What is wrong, by name, and how it is mended."""
    assert _status(line) == 3
    told = capsys.readouterr().err
    assert words in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("key", "words"), [("fleet.file", "notes.txt: not JSON"), ("pki.folder", "notes.txt is a file")]
)
def test_doctor_looks_at_files_without_a_cpo(
    folder: Path, capsys: pytest.CaptureFixture[str], key: str, words: str
) -> None:
    """The reference CPO needs them, too."""
    assert _status(f"doctor --set {key}=notes.txt") == 3
    assert words in capsys.readouterr().out


def test_what_is_odd_and_right_all_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mark at the beginning of a file, umlauts in a host name."""
    assert _status("doctor --config bom.toml") == 0
    assert _status("pki issue DE*ABC --folder ca --host bücher.example") == 0
    assert "xn--bcher-kva.example" not in capsys.readouterr().err


def test_a_recording_without_oicp_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Incomplete, and why."""
    assert _status("judge empty.har") == 2
    assert "empty.har: holds no OICP message" in capsys.readouterr().err
