"""`bench.toml`: the tables of the contract as frozen models, every fault named by file, table and key."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from oicp.catalogue import PROFILES, catalogue
from oicp.limits import LIMITS
from oicp.services import SHORT_NAMES


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names file, table, key, value and mend."""


class Table(BaseModel):
    """A table of `bench.toml`: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


Seconds = Annotated[float, Field(gt=0, le=86400)]
Count = Annotated[int, Field(ge=1, le=10000)]
Version = Annotated[Literal["1.6", "2.0.1"], BeforeValidator(lambda v: "1.6" if v == 1.6 else v)]  # a number to TOML
Hook = str | tuple[str, ...]

HOOKS: dict[str, str] = {
    "push_evse_data": "send a fullLoad of the EVSE data now",
    "push_evse_status": "send a fullLoad of the EVSE status now",
    "decommission_evse": "take the EVSE out of service for good: it must vanish at the hub",
    "update_evse": "change the data record of the EVSE and publish it",
    "restart": "restart the backend",
}
"""Hooks of the contract: what the operator of the CPO is asked for."""


def _address(value: str, schemes: tuple[str, ...]) -> str:
    """An address with scheme and host, without blanks; a trailing slash is dropped."""
    if re.search(r"\s", value):
        raise ValueError(f"{value!r} holds a blank; take it out")
    parts = urlsplit(value)
    if parts.scheme not in schemes:
        raise ValueError(f"{value!r} does not begin with {' or '.join(s + '://' for s in schemes)}")
    if value.count("://") > 1:
        raise ValueError(f"{value!r} begins twice; take one {parts.scheme}:// out")
    if not parts.hostname:
        raise ValueError(f"{value!r} names no host")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"{value!r} has a port that is no number from 1 to 65535")
    if parts.fragment or value.endswith("#"):
        raise ValueError(f"{value!r} has a #; nothing behind it is ever sent, take it out")
    return value.rstrip("/")


class HubTable(Table):
    """`[hub]`: where the hub of the bench listens."""

    host: str = Field(
        "127.0.0.1", description="Address the hub listens on; partners call https://host:port/api/oicp/..."
    )
    port: int = Field(0, ge=0, le=65535, description="0 or left out: a free one")
    client_certificate: Literal["required", "recorded"] = Field(
        "required", description='"recorded": calls without a client certificate are let in and judged'
    )
    public_url: str | None = Field(
        None, description="What the CPO is told to call where the hub stands behind a port mapping or another name"
    )
    certificate_hosts: tuple[str, ...] = Field((), description="Further names and addresses in the hub's certificate")
    answer_limit: Seconds = Field(
        60, description="Seconds a CPO has to answer a remote request before the hub gives up"
    )

    options: dict[str, str | int | float | bool] = Field(
        {}, description="Further settings of the hub where no source tells what Hubject does, as textual_ids = true"
    )

    @field_validator("options")
    @classmethod
    def _known_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        from bench.hub_setup import option_names
        from fake_hubject.settings import HubSettings

        for name in value:
            if name not in option_names():
                raise ValueError(f"no option {name!r}{_close(name, option_names())}")
        HubSettings(**value)
        return value

    @field_validator("public_url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        return None if value is None else _address(value, ("https",))


class HooksTable(Table):
    """`[cpo.hooks]`: "METHOD url", a list (a command), "ask" (a person), or "command" (restart of `[cpo] command`)."""

    push_evse_data: Hook | None = Field(None, description=HOOKS["push_evse_data"])
    push_evse_status: Hook | None = Field(None, description=HOOKS["push_evse_status"])
    decommission_evse: Hook | None = Field(None, description=HOOKS["decommission_evse"] + '; body {"evse_id": ".."}')
    update_evse: Hook | None = Field(
        None, description=HOOKS["update_evse"] + '; body {"evse_id": .., "data_record": ..}'
    )
    restart: Hook | None = Field(None, description=HOOKS["restart"] + '; "command": the bench restarts [cpo] command')

    @field_validator("*")
    @classmethod
    def _is_hook(cls, value: Hook | None) -> Hook | None:
        if isinstance(value, tuple) and (not value or not value[0]):
            raise ValueError("an empty command; write the program and its arguments as a list")
        if isinstance(value, str) and value not in ("ask", "command"):
            method, _, url = value.partition(" ")
            if not re.fullmatch(r"[A-Z]+", method) or not url:
                raise ValueError(
                    f'{value!r} is no hook; write "POST http://..", a command as a list ["..", ".."], or "ask"'
                )
            _address(url.strip(), ("http", "https"))
        return value

    @model_validator(mode="after")
    def _only_restart_is_command(self) -> "HooksTable":
        wrong = [name for name in HOOKS if name != "restart" and getattr(self, name) == "command"]
        if wrong:
            raise ValueError(f'{wrong[0]} = "command" does not exist; only restart can be "command"')
        return self

    def configured(self) -> dict[str, Hook]:
        """The hooks that were given, by name."""
        return {name: getattr(self, name) for name in HOOKS if getattr(self, name) is not None}


class CpoTable(Table):
    """`[cpo]`: the system under test."""

    operator_id: str = Field(description="The OperatorID the CPO is registered with, as `DE*ABC`")
    oicp_url: str = Field(description="http or https with any prefix; the hub appends /api/oicp/charging/v21/...")
    ocpp_url: str | None = Field(
        None,
        description="ws or wss; a charge point appends /{its id}, or replaces {id}. Not needed with an external fleet",
    )
    command: tuple[str, ...] = Field(
        (), description="Started and stopped by the bench; left out: it is already running"
    )
    working_directory: str | None = Field(
        None, description="Folder that command and hooks run in; the folder of bench.toml unless given"
    )
    ready_within: Seconds = Field(30, description="Seconds until both ports accept")
    sub_operators: tuple[str, ...] = Field((), description="OperatorIDs of sub-partners the CPO publishes EVSEs for")
    paths: dict[str, str] = Field({}, description="Other places for single remote operations; the deviation is judged")
    hooks: HooksTable = HooksTable()

    @field_validator("oicp_url")
    @classmethod
    def _oicp(cls, value: str) -> str:
        if urlsplit(value).username is not None:
            raise ValueError("holds a user before @; the hub sends none, it shows a client certificate: take it out")
        return _address(value, ("https", "http"))

    @field_validator("ocpp_url")
    @classmethod
    def _ocpp(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).username is not None:
            raise ValueError("holds a user before @; write it into [fleet.security] user and password")
        return None if value is None else _address(value, ("ws", "wss"))

    @field_validator("operator_id", "sub_operators")
    @classmethod
    def _ids(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        from oicp.ids import is_operator_id

        for ident in (value,) if isinstance(value, str) else value:
            if not is_operator_id(ident):
                raise ValueError(f"{ident!r} is no OperatorID; they look like DE*ABC (ISO) or +49*123 (DIN)")
        return value

    @field_validator("paths")
    @classmethod
    def _paths(cls, value: dict[str, str]) -> dict[str, str]:
        for name, path in value.items():
            if name not in SHORT_NAMES.values():
                raise ValueError(f"no remote operation {name!r}{_close(name, SHORT_NAMES.values())}")
            if not path.startswith("/") or re.search(r"\s", path):
                raise ValueError(f"{name}: {path!r} is no path; it begins with / and holds no blank")
        return value

    @model_validator(mode="after")
    def _restartable(self) -> "CpoTable":
        if self.hooks.restart == "command" and not self.command:
            raise ValueError('hooks.restart = "command" needs a `command` the bench can stop and start')
        return self


class SecurityTable(Table):
    """`[fleet.security]`: how charge points identify themselves to the CPO (OCPP security profiles 1 to 3)."""

    user: str | None = Field(
        None, description="Basic auth user; {id} stands for the charge point's id, which is the default"
    )
    password: str | None = Field(None, description="Basic auth password; {id} stands for the charge point's id")
    ca_file: str | None = Field(None, description="PEM: CA of the CPO's OCPP endpoint; the bench's own CA unless given")
    client_certificate: str | None = Field(None, description="PEM: certificate every charge point presents")
    client_key: str | None = Field(None, description="PEM: key of that certificate")

    @model_validator(mode="after")
    def _pairs(self) -> "SecurityTable":
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together; give both or none")
        if self.user is not None and self.password is None:
            raise ValueError("user without password; give both, or the password alone")
        return self


class FleetTable(Table):
    """`[fleet]`: the charge points."""

    ocpp_version: Version = Field("1.6", description="1.6 or 2.0.1, for all of them")
    charge_points: Count = Field(4, description="How many are generated; 12 for the reference CPO")
    evses_per_charge_point: Annotated[int, Field(ge=1, le=50)] = Field(1, description="2 for the reference CPO")
    file: str | None = Field(None, description="Your own charge points instead of generated ones (fleet.json)")
    external: bool = Field(False, description="Real charge points, observed by nobody and operated by a person")
    latency: Annotated[float, Field(ge=0, le=60)] = Field(
        0, description="Seconds before each frame a charge point sends, as a slow mobile network has them"
    )
    jitter: Annotated[float, Field(ge=0, le=60)] = Field(0, description="Random part added to `latency`, in seconds")
    url_parts: dict[str, str] = Field(
        {}, description="Values of placeholders in ocpp_url beside {id}, as tenant for ws://host/{tenant}/{id}"
    )
    security: SecurityTable = SecurityTable()

    @model_validator(mode="after")
    def _external_has_a_file(self) -> "FleetTable":
        if self.external and self.file is None:
            raise ValueError("external = true needs `file`: the EVSEs the bench may ask for")
        return self


class LimitsTable(Table):
    """`[suite.limits]`: how long things may take."""

    patience: Annotated[float, Field(ge=1, le=100)] = Field(
        1, description="Every wait of a scenario is multiplied by this"
    )
    settle: Annotated[float, Field(ge=0, le=3600)] = Field(
        40, description="Seconds to wait at the end for outstanding messages, if there are any"
    )
    scenario: Seconds = Field(120, description="Seconds after which a scenario is given up (long ones: ten times that)")


class SuiteTable(Table):
    """`[suite]`: what is played and how it is judged."""

    profiles: tuple[str, ...] = Field(("remote-only",), description=", ".join(PROFILES))
    expected_violations: tuple[str, ...] = Field((), description="Requirement ids; one that now conforms fails the run")
    jobs: Annotated[int, Field(ge=1, le=200)] = Field(32, description="How many scenarios run at the same time")
    long: bool = Field(False, description="Also the scenarios whose nature is a longer wait (minutes)")
    limits: LimitsTable = LimitsTable()
    tolerances: dict[str, Annotated[float, Field(ge=0)]] = Field(
        {}, description="Seconds the judgement uses where no document gives a number, as cdr_repeat_s = 3600"
    )

    @field_validator("tolerances")
    @classmethod
    def _known_tolerances(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in LIMITS:
                raise ValueError(f"no tolerance {name!r}{_close(name, LIMITS)}")
        return value

    @field_validator("profiles")
    @classmethod
    def _known_profiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError(f"empty; choose from {', '.join(PROFILES)}")
        for name in value:
            if name not in PROFILES:
                raise ValueError(f"no profile {name!r}{_close(name, PROFILES)}")
        return value

    @field_validator("expected_violations")
    @classmethod
    def _known_requirements(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for ident in value:
            if ident not in catalogue():
                raise ValueError(f"no requirement {ident!r}{_close(ident, catalogue())}; `oicp-bench rules` lists them")
        return value


class PkiTable(Table):
    """`[pki]`: the private CA that signs hub and partners."""

    folder: str | None = Field(
        None, description="Kept and used again by every run; left out: a new CA in the output folder for each run"
    )


class BenchConfig(Table):
    """The whole `bench.toml`. `cpo` None: the reference CPO. `folder`: what relative paths are relative to."""

    hub: HubTable = HubTable()
    cpo: CpoTable | None = None
    fleet: FleetTable = FleetTable()
    suite: SuiteTable = SuiteTable()
    pki: PkiTable = PkiTable()

    _folder: Path = Path()
    _source: str = "bench.toml"

    @property
    def folder(self) -> Path:
        """Relative paths of the file start here."""
        return self._folder

    @property
    def source(self) -> str:
        """Name of the file for messages."""
        return self._source

    def path(self, name: str) -> Path:
        """A path of the file, absolute."""
        return (self._folder / name).resolve()

    def with_suite(self, changes: dict[str, Any]) -> "BenchConfig":
        """The same with other values in `[suite]`, checked like those of the file. Raises `ConfigError`."""
        raw = self.suite.model_dump(mode="json", exclude_unset=True) | changes
        suite = parse_config({"suite": raw}, "command line").suite
        return self.model_copy(update={"suite": suite})

    @model_validator(mode="after")
    def _ocpp_where_charge_points_are(self) -> "BenchConfig":
        if self.cpo and self.cpo.ocpp_url is None and not self.fleet.external:
            raise ValueError(
                "[cpo] ocpp_url is missing: where do charge points connect? Without OCPP access set [fleet] external = true"
            )
        known = {"id", *self.fleet.url_parts}
        for name in re.findall(r"\{(.*?)\}", self.cpo.ocpp_url or "" if self.cpo else ""):
            if name not in known:
                raise ValueError(
                    f'[cpo] ocpp_url holds {{{name}}}; say what it stands for: [fleet.url_parts] {name} = ".."'
                )
        return self


def load_config(path: Path | None = None, overrides: Iterable[str] = ()) -> BenchConfig:
    """Read a file (None: the embedded default) and apply `--set table.key=value` overrides. Raises `ConfigError`."""
    source = str(path) if path else "embedded default"
    raw = _read(path) if path else {}
    for override in overrides:
        _apply(raw, override)
    config = parse_config(raw, source)
    config._folder = path.resolve().parent if path else Path.cwd()
    return config


def parse_config(raw: dict[str, Any], source: str = "bench.toml") -> BenchConfig:
    """Check the tables of a file already read."""
    try:
        # a date of TOML is wanted nowhere: an object fits no key, so that it is told
        text = json.dumps(raw, default=lambda moment: {"date": str(moment)})
        config = BenchConfig.model_validate_json(text, strict=True)
    except ValidationError as fault:
        raise ConfigError("\n".join(dict.fromkeys(_explained(e, raw, source) for e in fault.errors()))) from None
    config._source = source
    return config


def config_schema() -> dict[str, Any]:
    """JSON Schema of `bench.toml` for editors."""
    schema = BenchConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "bench.toml of oicp-bench", **{
        k: v for k, v in schema.items() if k != "title"
    }}  # fmt: skip


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `oicp-bench init` writes one") from None
    except OSError as fault:
        raise ConfigError(f"{path}: cannot be read: {fault.strerror}") from None
    except UnicodeDecodeError as fault:
        raise ConfigError(f"{path}: not UTF-8 at byte {fault.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as fault:
        raise ConfigError(f"{path}: not TOML: {fault}") from None


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or len(parts) < 2 or not all(parts):
        raise ConfigError(
            f"--set {override}: write table.key=value, for example --set cpo.oicp_url=https://localhost:9443"
        )
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    table = raw
    for part in parts[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {override}: {part} is a value, not a table")
    table[parts[-1]] = value


def _explained(error: Any, raw: dict[str, Any], source: str) -> str:
    """One pydantic error as a sentence that names file, table, key and mend."""
    place = [part for part in error["loc"] if part not in ("str", "tuple[str, ...]")]
    names = [str(part) for part in place if isinstance(part, str)]
    table, key = names[:-1], names[-1] if names else ""
    value = _value_at(raw, place)
    value = str(value) if isinstance(value, date) else value
    where = source + _named(table, key, is_table=isinstance(value, dict) and error["type"] == "value_error")
    if error["type"] == "extra_forbidden":
        return f"{where}: {_unknown(table, key, value)}"
    if error["type"] == "missing":
        return f'{where}: missing; it has no default, write {key} = ".."'
    if table[-1:] == ["hooks"] and error["type"] != "value_error":
        return f'{where} = {value!r}: write "POST http://..", a command as a list ["..", ".."], or "ask"'
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}"
    if error["type"] in ("tuple_type", "list_type"):
        return f'{where} = {value!r}: write a list, as ["..", ".."]'
    return f"{where} = {value!r}: {error['msg'].lower()}"


def _named(table: list[str], key: str, *, is_table: bool) -> str:
    """Where it stands, as `: [table] key`; a table itself is named as it is written."""
    if is_table or not table:
        return f": [{'.'.join([*table, key])}]" if key else ""
    return f": [{'.'.join(table)}] {key}"


def _unknown(table: list[str], key: str, value: Any) -> str:
    if table:
        return f"unknown key{_close(key, _keys_at(table))}"
    homes = [] if isinstance(value, dict) else [name for name in _keys_at([]) if key in _keys_at([name])]
    if homes:
        return f"stands outside of its table; write it below [{homes[0]}]"
    return f"unknown table{_close(key, _keys_at([]))}"


def _value_at(raw: Any, place: list[Any]) -> Any:
    for part in place:
        try:
            raw = raw[part]
        except (KeyError, IndexError, TypeError):
            return raw
    return raw


def _keys_at(table: list[str]) -> list[str]:
    model: Any = BenchConfig
    for name in table:
        field = model.model_fields.get(name)
        options = getattr(field.annotation, "__args__", (field.annotation,)) if field else ()
        model = next((o for o in options if isinstance(o, type) and issubclass(o, BaseModel)), None)
        if model is None:
            return []
    return list(model.model_fields)


def _close(name: str, known: Iterable[str]) -> str:
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return (
        f"; did you mean {match[0]!r}?" if match else f"; known: {', '.join(list(known)[:12])}" if list(known) else ""
    )
