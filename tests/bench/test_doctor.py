"""`oicp-bench doctor`: every fault of a set-up is named with its mend, and a good one is all well."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from bench.config import ConfigError, parse_config
from bench.doctor import checks, examine
from bench.ports import free_ports
from fake_hubject.certificates import Authority, Issued
from simulator.site_data import generate_fleet

Raw = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def listening() -> Iterator[int]:
    """A port at which plain HTTP is answered."""
    with _http(NEW) as port:
        yield port


def _now() -> str:
    return datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.fixture
def good(tmp_path: Path, listening: int) -> Raw:
    """A set-up with nothing wrong: a CPO that is running already, its certificate on file."""
    Authority.create(tmp_path / "pki").issue_client("DE*ABC")
    (hub,) = free_ports(1)
    return {
        "hub": {"port": hub}, "pki": {"folder": str(tmp_path / "pki")},
        "cpo": {"operator_id": "DE*ABC", "oicp_url": f"http://127.0.0.1:{listening}", "ocpp_url": f"ws://localhost:{listening + 0}/ocpp"},
        "fleet": {}, "suite": {},
    }  # fmt: skip


def _told(raw: Raw) -> dict[str, str]:
    """Level of each thing that was told, with its mend."""
    return {f"{c.text} | {c.mend}": c.level for c in checks(parse_config(raw, "bench.toml"))}


def _fleet(folder: Path, operator: str, evse_id: str | None = None) -> str:
    fleet = generate_fleet(operator, "somebody", charge_points=1, evses_per_charge_point=1, seed=1)
    if evse_id is not None:
        fleet["charge_points"][0]["evses"][0] = {"evse_id": evse_id, "connector_id": 1}
    (folder / "fleet.json").write_text(json.dumps(fleet))
    return str(folder / "fleet.json")


def _ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def _expired(folder: Path, raw: Raw) -> None:
    Authority.load(folder / "pki").issue_client("DE*ABC", not_after=_ago(days=1), name="old")


def _not_yet(folder: Path, raw: Raw) -> None:
    Authority.load(folder / "pki").issue_client("DE*ABC", not_before=_ago(days=-2), name="early")


def _soon(folder: Path, raw: Raw) -> None:
    Authority.load(folder / "pki").issue_client("DE*ABC", not_after=_ago(days=-5), name="soon")


def _stranger(folder: Path, raw: Raw) -> None:
    Authority.load(folder / "pki").issue_client("DE*ABC", self_signed=True, name="stranger", register=False)


def _wrong_key(folder: Path, raw: Raw) -> None:
    authority = Authority.load(folder / "pki")
    one, other = authority.issue_client("DE*ABC", name="one"), authority.issue_client("DE*ABC", name="other")
    _key(other).write_bytes(_key(one).read_bytes())


def _open_key(folder: Path, raw: Raw) -> None:
    _key(Authority.load(folder / "pki").issue_client("DE*ABC", name="open")).chmod(0o644)


def _wrong_ca_key(folder: Path, raw: Raw) -> None:
    other = Authority.create(folder / "other")
    (folder / "pki" / "ca.key").write_bytes((other.folder / "ca.key").read_bytes())


def _broken(folder: Path, raw: Raw) -> None:
    (folder / "pki" / "mine.pem").write_text("-----BEGIN NOTHING-----")


def _server_only(folder: Path, raw: Raw) -> None:
    authority = Authority.load(folder / "pki")
    authority.register(authority.issue_server(["127.0.0.1"]).certificate.fingerprint, "DE*ABC")


def _nobody_on_file(folder: Path, raw: Raw) -> None:
    raw["cpo"]["operator_id"] = "DE*XYZ"


def _protected_key(folder: Path, raw: Raw) -> None:
    path = _key(Authority.load(folder / "pki").issue_client("DE*ABC", name="mine"))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    secret = serialization.BestAvailableEncryption(b"abc")
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret))


def _no_key(folder: Path, raw: Raw) -> None:
    _key(Authority.load(folder / "pki").issue_client("DE*ABC", name="mine")).write_text("rubbish")


def _ca_without_key(folder: Path, raw: Raw) -> None:
    (folder / "pki" / "ca.key").unlink()


def _pki_is_a_file(folder: Path, raw: Raw) -> None:
    (folder / "afile").touch()
    raw["pki"] = {"folder": str(folder / "afile")}


def _no_ca(folder: Path, raw: Raw) -> None:
    raw["pki"] = {"folder": str(folder / "none")}


def _no_pki(folder: Path, raw: Raw) -> None:
    raw["pki"] = {}


def _foreign_evse(folder: Path, raw: Raw) -> None:
    raw["fleet"]["file"] = _fleet(folder, "DE*XYZ")


def _no_fleet(folder: Path, raw: Raw) -> None:
    raw["fleet"]["file"] = str(folder / "missing.json")


def _bad_evse(folder: Path, raw: Raw) -> None:
    raw["fleet"]["file"] = _fleet(folder, "DE*ABC", "ABC-1")


def _set(table: str, key: str, value: Any) -> Callable[[Path, Raw], None]:
    def change(folder: Path, raw: Raw) -> None:
        raw[table][key] = value(raw) if callable(value) else value

    return change


def _url(tail: str) -> Callable[[Path, Raw], None]:
    return _set("cpo", "oicp_url", lambda raw: raw["cpo"]["oicp_url"] + tail)


def _twice(folder: Path, raw: Raw) -> None:
    """`[cpo.paths]` repeats the prefix."""
    raw["cpo"]["oicp_url"] += "/tenant"
    raw["cpo"]["paths"] = {"authorize-remote/start": "/tenant/start"}


def _key(issued: Issued) -> Path:
    assert issued.key_file is not None
    return issued.key_file


FAULTS: list[tuple[Callable[[Path, Raw], None], str, str]] = [
    (_expired, "error", "expired on"), (_not_yet, "error", "only | set the clock"), (_soon, "warning", "issue it anew soon"),
    (_stranger, "warning", "not signed by the CA"), (_wrong_key, "error", "is not the key of other"),
    (_open_key, "warning", "chmod 600"), (_wrong_ca_key, "error", "ca.key is not the key of ca.pem"),
    (_broken, "error", "mine.pem: cannot read"), (_server_only, "error", "lacks clientAuth"),
    (_nobody_on_file, "error", 'pki issue "DE*XYZ"'), (_no_ca, "warning", "no CA yet"), (_no_pki, "error", "every run makes a CA"),
    (_foreign_evse, "error", "does not belong to DE*ABC"), (_foreign_evse, "warning", "operator_id is 'DE*XYZ'"),
    (_no_fleet, "error", "missing.json"), (_bad_evse, "error", '/evse_id: "ABC-1"'),
    (_url("/api/oicp"), "error", "holds /api/oicp"), (_url("/x/charging/v21"), "error", "appends that itself"),
    (_url("/a/cpo/a/cpo"), "warning", "the prefix /a/cpo is there twice"), (_url("//x"), "warning", "//x has // in it"),
    (_set("cpo", "ocpp_url", lambda raw: raw["cpo"]["ocpp_url"] + "/CP-1001"), "warning", "ocpp_url ends with CP-1001"),
    (_set("cpo", "oicp_url", lambda raw: raw["cpo"]["oicp_url"].replace("http", "https")), "error", "plain http is answered"),
    (_set("cpo", "ocpp_url", lambda raw: raw["cpo"]["ocpp_url"].replace("ws:", "wss:")), "error", "write ws://"),
    (_set("cpo", "command", ["true"]), "warning", "[cpo] oicp_url: something listens"),
    (_set("cpo", "hooks", {"restart": "ask"}), "warning", "nobody is at a terminal"),
    (_set("hub", "host", "192.0.2.1"), "error", "an address of this machine"),
    (_protected_key, "error", ".key: is protected by a password"), (_no_key, "error", ".key: is no private key"),
    (_ca_without_key, "error", "cannot read the key of the CA"), (_pki_is_a_file, "error", "afile is a file"),
    (_url("/x?tenant=1"), "error", "has a query"), (_twice, "warning", "would be there twice"),
    (_set("cpo", "oicp_url", "https://no-such-host.invalid:1"), "error", "has no address"),
    (_set("cpo", "oicp_url", "http://127.0.0.1:9"), "error", "nobody accepts connections"),
    (_set("cpo", "oicp_url", "http://127.0.0.1"), "warning", "names no port; 80 is meant"),
    (_set("cpo", "oicp_url", lambda raw: f"http://127.0.0.1:{raw['hub']['port']}"), "error", "have the same port"),
    (_set("cpo", "hooks", {"restart": ["no-such-program"]}), "warning", "'no-such-program' is not found"),
    (_set("cpo", "hooks", {"restart": "POST http://127.0.0.1:9/x"}), "warning", "[cpo.hooks] restart: nobody accepts"),
    (_set("cpo", "command", ["no-such-program"]), "error", "'no-such-program' is not found"),
    (_set("cpo", "working_directory", "no/such"), "ok", "none; the CPO is expected to run already"),
    (_set("hub", "port", 0), "warning", "give a fixed port"), (_set("hub", "host", "0.0.0.0"), "warning", "public_url"),
    (_set("fleet", "security", {"ca_file": "none.pem"}), "warning", "ocpp_url is not wss://"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "level", "words"), FAULTS, ids=[words[:30] for _, _, words in FAULTS])
def test_a_fault_is_named(
    tmp_path: Path, good: Raw, change: Callable[[Path, Raw], None], level: str, words: str
) -> None:
    """Its level, what is wrong, and the mend."""
    change(tmp_path, good)
    told = _told(good)
    assert [lv for text, lv in told.items() if words in text] == [level], told
    assert all(not text.endswith("| ") for text, lv in told.items() if lv == "error")


def test_a_port_that_is_taken(good: Raw, listening: int) -> None:
    """The hub cannot listen there."""
    good["hub"]["port"] = listening
    assert any("cannot be used" in text and level == "error" for text, level in _told(good).items())


def test_files_of_charge_points(good: Raw) -> None:
    """wss:// with files that are not there."""
    good["cpo"]["ocpp_url"] = good["cpo"]["ocpp_url"].replace("ws://", "wss://")
    good["fleet"]["security"] = {"ca_file": "none.pem"}
    assert any("[fleet.security]" in text and level == "error" for text, level in _told(good).items())


@pytest.mark.parametrize(
    ("key", "url", "words"),
    [
        ("oicp_url", "https://127.0.0.1:9 443", "blank"), ("oicp_url", "https://127.0.0.1:0", "from 1 to 65535"),
        ("oicp_url", "https://127.0.0.1:70000", "from 1 to 65535"), ("oicp_url", "https://https://x", "begins twice"),
        ("oicp_url", "https://x/#y", "has a #"), ("oicp_url", "https://user:secret@x", "a user before @"),
        ("ocpp_url", "ws://user:secret@x/ocpp", "fleet.security"), ("ocpp_url", "http://x/ocpp", "ws:// or wss://"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be_is_told_by_the_file(good: Raw, key: str, url: str, words: str) -> None:
    """It never gets as far as the checks; a password in it is not shown."""
    good["cpo"][key] = url
    with pytest.raises(ConfigError, match=rf"\[cpo\] {key}: .*{words}") as told:
        parse_config(good)
    assert "secret" not in str(told.value)


def test_exit_status(tmp_path: Path, good: Raw, capsys: pytest.CaptureFixture[str]) -> None:
    """0 without an error, 3 with one; warnings do not fail."""
    from bench import toml_text

    path = tmp_path / "bench.toml"
    good["fleet"] = {"charge_points": 1}
    path.write_text(toml_text.dump(good))
    assert examine(path, []) == 0
    assert "plain http" in capsys.readouterr().out
    assert examine(path, ["cpo.operator_id=DE*XYZ"]) == 3
    assert "mend:" in capsys.readouterr().out


def _server_context(issued: Issued, oldest: ssl.TLSVersion, newest: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_file, issued.key_file)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    return context


@contextlib.contextmanager
def _http(date: str, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """An HTTP or HTTPS server in a thread of its own; `date` NEW: the clock of this machine."""
    ready, port, stop = threading.Event(), [0], threading.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(4096)
            head = f"Date: {_now() if date == NEW else date}\r\nContent-Length: 0"
            writer.write(f"HTTP/1.1 404 Not Found\r\n{head}\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
        port[0] = server.sockets[0].getsockname()[1]
        ready.set()
        await asyncio.get_running_loop().run_in_executor(None, stop.wait)
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield port[0]
    finally:
        stop.set()
        thread.join(10)


NEW, V12, V13 = "now", ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
V10, V11 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
SERVERS: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({}, [("ok", "TLSv1.2, TLSv1.3"), ("ok", "chain and host name"), ("ok", "clock of the CPO agrees")]),
    ({"hosts": ["other.example"]}, [("warning", "--host 127.0.0.1"), ("ok", "TLSv1.2, TLSv1.3")]),
    ({"self_signed": True}, [("warning", "its certificate is not trusted")]),
    ({"oldest": V10}, [("warning", "older than TLS 1.2")]),
    ({"oldest": V10, "newest": V11}, [("error", "no handshake with TLS 1.2 or 1.3")]),
    ({"date": "Mon, 01 Jan 2024 00:00:00 GMT"}, [("warning", "behind")]),
    ({"date": "Sat, 01 Jan 2050 00:00:00 GMT"}, [("warning", "ahead")]),
]


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize(("how", "expected"), SERVERS, ids=[str(list(how) or "good") for how, _ in SERVERS])
def test_the_endpoint_of_the_cpo(
    tmp_path: Path, good: Raw, how: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """TLS versions, trust, host name and clock, as a real handshake shows them."""
    authority = Authority.load(tmp_path / "pki")
    issued = authority.issue_server(how.get("hosts", ["127.0.0.1"]), self_signed=how.get("self_signed", False))
    context = _server_context(issued, how.get("oldest", V12), how.get("newest", V13))
    with _http(how.get("date", NEW), context) as port:
        good["cpo"]["oicp_url"] = f"https://127.0.0.1:{port}"
        told = _told(good)
    for level, words in expected:
        assert [lv for text, lv in told.items() if words in text] == [level], told


@pytest.mark.parametrize(
    ("oicp", "ocpp", "level", "words"),
    [
        ("http://127.0.0.1", "ws://127.0.0.1", "error", "oicp_url is http://, but a TLS server"),
        ("https://127.0.0.1", "ws://127.0.0.1", "error", "ocpp_url is ws://, but a TLS server"),
        ("https://127.0.0.1", "wss://127.0.0.1", "ok", "a charge point trusts"),
        ("https://127.0.0.1", "wss://localhost", "error", "no charge point would connect"),
    ],
)
def test_tls_where_none_is_expected_and_towards_charge_points(
    tmp_path: Path, good: Raw, oicp: str, ocpp: str, level: str, words: str
) -> None:
    """One TLS server for both; its certificate holds the address alone."""
    issued = Authority.load(tmp_path / "pki").issue_server(["127.0.0.1"])
    with _http(NEW, _server_context(issued, V12, V13)) as port:
        good["cpo"] |= {"oicp_url": f"{oicp}:{port}", "ocpp_url": f"{ocpp}:{port}/ocpp"}
        told = _told(good)
    assert [lv for text, lv in told.items() if words in text] == [level], told


def test_the_clock_without_tls(good: Raw) -> None:
    """Plain HTTP tells the time as well."""
    with _http("Mon, 01 Jan 2024 00:00:00 GMT") as port:
        good["cpo"]["oicp_url"] = f"http://127.0.0.1:{port}"
        assert [lv for text, lv in _told(good).items() if "behind" in text] == ["warning"]


@pytest.mark.parametrize("date", ["Mon, 01 Jan 2024 00:00:00", "Mon, 01 Jan 2024 00:00:00 -0000", "yesterday"])
def test_a_date_of_no_zone_tells_no_time(good: Raw, date: str) -> None:
    """A web server with a broken Date is no reason to end: nothing is said of its clock."""
    with _http(date) as port:
        good["cpo"]["oicp_url"] = f"http://127.0.0.1:{port}"
        assert not [text for text in _told(good) if "clock of the CPO" in text]
