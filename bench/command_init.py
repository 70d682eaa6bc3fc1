"""`oicp-bench init`: a commented bench.toml from a few answers."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from bench.config import ConfigError, parse_config

_TEMPLATE = """# What the bench has to know about your CPO. Every key: `oicp-bench config-schema`; how to: docs/attach.md.

[hub]
host = "127.0.0.1"
port = 8443                        # your CPO calls https://host:port/api/oicp/..; leave it out for a free one
client_certificate = "required"    # "recorded": calls without a client certificate are let in, and judged

[pki]
folder = "pki"                     # the private CA; kept, so that certificates stay the same from run to run

[cpo]
operator_id = {operator_id}
oicp_url = {oicp_url}  # the hub appends /api/oicp/charging/v21/providers/..
{ocpp}
{command}
ready_within = 30                  # seconds until it accepts connections

[cpo.hooks]                        # how the bench asks you for something; each is optional, "ask" asks a person
{hooks}

[fleet]
{fleet}

[suite]
profiles = ["remote-only"]         # also: full, reservation, notifications, pricing, eichrecht
expected_violations = []           # requirement ids you know of; one that holds again fails the run
"""
_HOOKS = """push_evse_data = "ask"             # or "POST http://127.0.0.1:9081/push-evse-data", or a command: ["..", ".."]
push_evse_status = "ask"
{restart}
# decommission_evse = "POST http://127.0.0.1:9081/decommission"   # body {{"evse_id": ".."}}
# update_evse = "POST http://127.0.0.1:9081/update"               # body {{"evse_id": "..", "data_record": {{..}}}}"""


def init(file: Path, *, ask: bool, force: bool) -> int:
    """Write the file. Raises `ConfigError` if it is there already or the answers make no config."""
    if file.exists() and not force:
        raise ConfigError(f"{file}: is there already; --force replaces it")
    question: Callable[[str, str], str] = _asked if ask and sys.stdin.isatty() else lambda _, suggestion: suggestion
    text = written(question)
    import tomllib

    parse_config(tomllib.loads(text), str(file))
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as fault:
        raise ConfigError(f"{file}: cannot be written: {fault.strerror}") from None
    print(f"{file} written; next: oicp-bench pki init, then oicp-bench doctor --config {file}")
    return 0


def written(question: Callable[[str, str], str]) -> str:
    """The text of the file; `question(text, suggestion)` gives the answers."""
    operator_id = question("Your OperatorID", "DE*ABC")
    oicp_url = question(
        "Where does your CPO take calls of the hub (https or http, any prefix)?", "https://127.0.0.1:9443"
    )
    ocpp_url = question("Where do charge points connect (ws or wss)? none: no OCPP access", "ws://127.0.0.1:9080/ocpp")
    ocpp_url = "" if ocpp_url.lower() == "none" else ocpp_url
    command = question("Command that starts your CPO. Empty: it is running already", "")
    version = question("OCPP version of the virtual charge points (1.6 or 2.0.1)", "1.6") if ocpp_url else "1.6"
    ocpp = (
        f"ocpp_url = {_quoted(ocpp_url)}    # a charge point appends /{{its id}}"
        if ocpp_url
        else "# no ocpp_url: see [fleet] external"
    )
    try:
        words = ", ".join(_quoted(word) for word in shlex.split(command))
    except ValueError:
        raise ConfigError(f"command {command!r}: a quotation mark is not closed; close it or leave it out") from None
    start = (
        f"command = [{words}]  # started and stopped by the bench"
        if words
        else '# command = ["node", "my-cpo.js"]   # let the bench start and stop it'
    )
    restart = 'restart = "command"               # the bench stops and starts `command`' if words else 'restart = "ask"'
    if ocpp_url:
        fleet = (
            f"ocpp_version = {_quoted(version)}\ncharge_points = 8\nevses_per_charge_point = 2\n"
            + '# file = "fleet.json"              # your own charge points instead of generated ones'
        )
    else:
        fleet = 'external = true                    # real charge points; a person operates them\nfile = "fleet.json"                # which EVSEs there are'
    return _TEMPLATE.format(
        operator_id=_quoted(operator_id), oicp_url=_quoted(oicp_url), ocpp=ocpp, command=start, fleet=fleet,
        hooks=_HOOKS.format(restart=restart),
    )  # fmt: skip


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False)


def _asked(text: str, suggestion: str) -> str:
    answer = input(f"{text} [{suggestion}]: ").strip()
    return answer or suggestion
