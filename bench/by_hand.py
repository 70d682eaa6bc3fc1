"""Lines a person can paste into a shell while hub and fleet are up: they work as they stand."""

import json
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from bench.stage import Stage
from fake_hubject.control import ControlApi
from oicp.services import OPERATIONS


def lines(stage: Stage, control: ControlApi) -> str:
    """URLs, certificate files, and what to do with them: a handshake, a push, the control API."""
    url, client = stage.hub.url, stage.client
    if client.key_file is None:
        raise ValueError("the client certificate of the CPO has no key here")
    ca, cert, key = (path.resolve() for path in (stage.authority.ca_file, client.cert_file, client.key_file))
    token = f"Authorization: Bearer {control.token}"
    return f"""hub {url}   CPO {stage.cpo.oicp_url}   control API {control.url}
CA of the hub       {ca}
client certificate  {cert}
and its key         {key}

the handshake:
  {_openssl(url, ca, cert, key)}
a status, pushed by hand as {stage.cpo.operator_id}:
  {_curl(stage, ca, cert, key)}
what the hub takes, as OpenAPI; the next message from the CPO, or what came instead:
  {shlex.join(["curl", "-sS", "-H", token, f"{control.url}/openapi.json"])}
  {shlex.join(["curl", "-sS", "-H", token, "-d", '{"direction": "cpo_to_hub", "within": 30}', f"{control.url}/wait"])}
"""


def _openssl(url: str, ca: Path, cert: Path, key: Path) -> str:
    words = ("-CAfile", str(ca), "-verify_return_error", "-cert", str(cert), "-key", str(key), "-brief")
    return shlex.join(["openssl", "s_client", "-connect", urlsplit(url).netloc, *words]) + " </dev/null"


def _curl(stage: Stage, ca: Path, cert: Path, key: Path) -> str:
    operator = stage.cpo.operator_id
    evse = stage.fleet_json["charge_points"][0]["evses"][0]["evse_id"]
    inner = {"OperatorID": operator, "EvseStatusRecord": [{"EvseID": evse, "EvseStatus": "Available"}]}
    body = json.dumps({"ActionType": "update", "OperatorEvseStatus": inner})
    target = stage.hub.url + OPERATIONS["PushEvseStatus"].url_path(operator)
    return shlex.join(
        ["curl", "-sS", "--cacert", str(ca), "--cert", str(cert), "--key", str(key),
         "-H", "Content-Type: application/json", "-d", body, target]
    )  # fmt: skip
