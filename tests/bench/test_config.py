"""bench.toml: every mistake is named by file, table, key and mend."""

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bench import toml_text
from bench.config import BenchConfig, ConfigError, config_schema, load_config, parse_config
from bench.output import write_effective_config

CPO = {
    "operator_id": "DE*ABC",
    "oicp_url": "https://127.0.0.1:9443/tenant-a/cpo",
    "ocpp_url": "ws://127.0.0.1:9080/ocpp",
}

CONTRACT = """
[hub]
host = "127.0.0.1"
port = 8443
client_certificate = "required"
[cpo]
operator_id = "DE*ABC"
oicp_url = "https://127.0.0.1:9443"
ocpp_url = "ws://127.0.0.1:9080/ocpp"
command = ["node", "my-cpo.js"]
ready_within = 30
[cpo.paths]
"authorize-remote/start" = "/authorizeremotestartv21"
[cpo.hooks]
push_evse_data    = "POST http://127.0.0.1:9081/push-evse-data"
push_evse_status  = "POST http://127.0.0.1:9081/push-evse-status"
decommission_evse = "POST http://127.0.0.1:9081/decommission"
update_evse       = "POST http://127.0.0.1:9081/update"
restart           = ["systemctl", "--user", "restart", "my-cpo"]
[fleet]
ocpp_version = "1.6"
charge_points = 4
evses_per_charge_point = 1
file = "fleet.json"
[suite]
profiles = ["remote-only"]
expected_violations = []
"""


def test_the_example_of_the_contract_is_valid() -> None:
    """The file of the contract is read whole."""
    config = parse_config(tomllib.loads(CONTRACT))
    assert config.hub.port == 8443
    assert config.cpo is not None
    assert config.cpo.hooks.restart == ("systemctl", "--user", "restart", "my-cpo")
    assert config.cpo.paths == {"authorize-remote/start": "/authorizeremotestartv21"}


def test_an_empty_file_is_the_embedded_default() -> None:
    """Without a [cpo] table the reference CPO is meant."""
    assert parse_config({}).cpo is None


WRONG: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"hubb": {}}, ("bench.toml", "[hubb]", "unknown table", "'hub'")),
    ({"hub": {"prot": 1}}, ("[hub] prot", "unknown key", "'port'")),
    ({"hub": {"port": "8443"}}, ("[hub] port", "'8443'", "integer")),
    ({"cpo": {"operator_id": "DE*ABC", "oicp_url": "http://x", "ocpp_url": "ws://x", "command": "node cpo.js"}}, ("[cpo] command", "write a list")),
    ({"hub": {"port": 70000}}, ("[hub] port", "70000", "65535")),
    ({"hub": {"client_certificate": "optional"}}, ("[hub] client_certificate", "optional", "required")),
    ({"hub": {"options": {"textual_id": True}}}, ("[hub.options]", "textual_id", "textual_ids")),
    ({"hub": {"options": {"textual_ids": "maybe"}}}, ("[hub.options]", "textual_ids", "'maybe'", "true or false")),
    ({"hub": {"options": {"rate_limit_scale": "no"}}}, ("[hub.options]", "rate_limit_scale", "'no'", "number")),
    ({"hub": {"host": date(2026, 1, 1)}}, ("[hub] host", "2026-01-01", "string")),
    ({"port": 8443}, ("[port]", "outside of its table", "[hub]")),
    ({"cpo": {"oicp_url": "https://h"}}, ("[cpo] operator_id", "missing")),
    ({"cpo": CPO | {"operator_id": "ABC"}}, ("[cpo] operator_id", "'ABC'", "DE*ABC")),
    ({"cpo": CPO | {"oicp_url": "https://a b:1"}}, ("[cpo] oicp_url", "blank")),
    ({"cpo": CPO | {"oicp_url": "127.0.0.1:9443"}}, ("[cpo] oicp_url", "https://")),
    ({"cpo": CPO | {"oicp_url": "https://127.0.0.1:99999"}}, ("[cpo] oicp_url", "port")),
    ({"cpo": CPO | {"ocpp_url": "http://127.0.0.1:1"}}, ("[cpo] ocpp_url", "ws://")),
    ({"cpo": {k: v for k, v in CPO.items() if k != "ocpp_url"}}, ("ocpp_url is missing", "external = true")),
    ({"cpo": CPO | {"paths": {"remote-start": "/x"}}}, ("[cpo.paths]", "remote-start")),
    ({"cpo": CPO | {"paths": {"authorize-remote/start": "x"}}}, ("begins with /",)),
    ({"cpo": CPO | {"hooks": {"restrat": "ask"}}}, ("[cpo.hooks] restrat", "'restart'")),
    ({"cpo": CPO | {"hooks": {"restart": "now"}}}, ("[cpo.hooks] restart", "'now'", "ask")),
    ({"cpo": CPO | {"hooks": {"restart": 3}}}, ("[cpo.hooks] restart", "3", "POST http://", "ask")),
    ({"cpo": CPO | {"hooks": {"restart": []}}}, ("[cpo.hooks] restart", "empty command")),
    ({"cpo": CPO | {"hooks": {"restart": "command"}}}, ("needs a `command`",)),
    ({"cpo": CPO | {"hooks": {"update_evse": "command"}}}, ("only restart",)),
    ({"fleet": {"ocpp_version": "1.5"}}, ("[fleet] ocpp_version", "1.5", "2.0.1")),
    ({"fleet": {"charge_points": 0}}, ("[fleet] charge_points", "0")),
    ({"fleet": {"external": True}}, ("external = true needs `file`",)),
    ({"fleet": {"security": {"client_certificate": "a.pem"}}}, ("[fleet.security]", "belong together")),
    ({"suite": {"profiles": ["remote"]}}, ("[suite] profiles", "'remote'", "'remote-only'")),
    ({"suite": {"profiles": []}}, ("[suite] profiles", "empty")),
    ({"suite": {"expected_violations": ["CDR-999"]}}, ("[suite] expected_violations", "CDR-999", "oicp-bench rules")),
    ({"suite": {"tolerances": {"cdr_repeat": 1}}}, ("[suite.tolerances]", "cdr_repeat_s")),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "words"), WRONG, ids=[str(raw)[:60] for raw, _ in WRONG])
def test_a_mistake_is_named(raw: dict[str, Any], words: tuple[str, ...]) -> None:
    """Table, key, value and mend stand in the message."""
    with pytest.raises(ConfigError) as caught:
        parse_config(raw)
    for word in words:
        assert word in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, not TOML, not UTF-8: each names the file."""
    for name, content, word in (
        ("missing.toml", None, "no such file"), ("broken.toml", b"[hub", "not TOML"), ("latin.toml", b"# \xe4", "save it as UTF-8"),
    ):  # fmt: skip
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConfigError, match=word) as caught:
            load_config(path)
        assert name in str(caught.value)


def test_set_overrides_one_value(tmp_path: Path) -> None:
    """TOML values are read as such, everything else is text."""
    path = tmp_path / "bench.toml"
    path.write_text(CONTRACT)
    config = load_config(
        path, ["hub.port=0", "cpo.operator_id=DE*XYZ", 'suite.profiles=["full"]', "cpo.hooks.restart=ask"]
    )
    assert config.cpo is not None
    assert (config.hub.port, config.cpo.operator_id, config.cpo.hooks.restart) == (0, "DE*XYZ", "ask")
    assert config.suite.profiles == ("full",)
    for wrong in ("hub", "hub=1", "hub.port.x=1"):
        with pytest.raises(ConfigError, match="--set"):
            load_config(path, [wrong])


def test_a_version_without_quotes_is_read_as_one(tmp_path: Path) -> None:
    """1.6 is a number to TOML; nobody means one. Another number stays a mistake."""
    path = tmp_path / "bench.toml"
    path.write_text("[fleet]\nocpp_version = 1.6\n")
    assert load_config(path).fleet.ocpp_version == "1.6"
    assert load_config(None, ["fleet.ocpp_version=1.6"]).fleet.ocpp_version == "1.6"
    with pytest.raises(ConfigError, match="ocpp_version"):
        load_config(None, ["fleet.ocpp_version=1.5"])


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    """Not at the working directory."""
    path = tmp_path / "bench.toml"
    path.write_text(CONTRACT)
    assert load_config(path).path("fleet.json") == tmp_path.resolve() / "fleet.json"


def test_the_effective_config_can_be_read_again() -> None:
    """What a run writes down is a config that says the same."""
    config = parse_config(tomllib.loads(CONTRACT))
    again = parse_config(tomllib.loads(toml_text.dump(config.model_dump(exclude_none=True))))
    assert again.model_dump() == config.model_dump()


def test_the_effective_config_is_of_use_where_it_lies(tmp_path: Path) -> None:
    """Paths that started at the folder of the file still lead to the same places."""
    raw = tomllib.loads(CONTRACT) | {"pki": {"folder": "my pki"}}
    raw["fleet"] |= {"file": "fleet.json", "security": {"client_certificate": "a.pem", "client_key": "/b.key"}}
    (tmp_path / "bench.toml").write_text(toml_text.dump(raw))
    (tmp_path / "out").mkdir()
    write_effective_config(load_config(tmp_path / "bench.toml"), tmp_path / "out")
    again = load_config(tmp_path / "out" / "bench.toml")
    security = again.fleet.security
    assert again.cpo is not None
    assert [again.cpo.working_directory, again.pki.folder, again.fleet.file] == [
        str(tmp_path), str(tmp_path / "my pki"), str(tmp_path / "fleet.json"),
    ]  # fmt: skip
    assert (security.client_certificate, security.client_key) == (str(tmp_path / "a.pem"), "/b.key")


def test_the_json_schema_is_true() -> None:
    """The schema for editors takes what the bench takes, refuses what it refuses, and is the one in docs/."""
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert not list(validator.iter_errors(tomllib.loads(CONTRACT)))
    for raw in ({"hubb": {}}, {"hub": {"prot": 1}}, {"hub": {"port": "x"}}, {"fleet": {"ocpp_version": "1.5"}}):
        assert list(validator.iter_errors(raw)), raw
    shown = Path(__file__).resolve().parents[2] / "docs" / "bench.schema.json"
    assert json.loads(shown.read_text()) == schema, "oicp-bench config-schema > docs/bench.schema.json"


def test_frozen() -> None:
    """Nobody changes a config in passing."""
    with pytest.raises(ValueError, match="frozen"):
        BenchConfig().hub.port = 1  # type: ignore[misc]
