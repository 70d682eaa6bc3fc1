"""A folder of raw JSON files read into evidence: `NAME.request.json` with its `NAME.response.json`.

The operation comes from the name (`ChargeDetailRecord`, with or without `eRoaming`, anything behind it) or from a first line of
the folder's `index.json`: `{"NAME": {"operation": "..", "http_status": 200, "at": "2026-01-01T10:00:00+00:00"}}`.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oicp.evidence import Answer, BrokenRecording, Evidence, Request
from oicp.services import OPERATIONS, Direction
from tap.mapping import Heard, evidence_of

_JSON = (("Content-Type", "application/json;charset=utf-8"),)


def read_pairs(folder: Path) -> Evidence:
    """Read a folder of pairs, in the order of their names unless `index.json` gives times. Raises `BrokenRecording`."""
    index = _index(folder)
    requests = sorted(folder.glob("*.request.json"))
    if not requests:
        raise BrokenRecording(f"{folder}: no file NAME.request.json")
    zero = datetime(2000, 1, 1, tzinfo=UTC)
    return evidence_of((_heard(p, index, zero + timedelta(seconds=i)) for i, p in enumerate(requests)), "pairs")


def _index(folder: Path) -> dict[str, Any]:
    path = folder / "index.json"
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as fault:
        raise BrokenRecording(f"{path}: not JSON: {fault}") from None
    if not isinstance(found, dict):
        raise BrokenRecording(f"{path}: not an object of name and facts")
    return found


def _heard(path: Path, index: dict[str, Any], at: datetime) -> Heard:
    name = path.name.removesuffix(".request.json")
    facts = index.get(name)
    facts = facts if isinstance(facts, dict) else {}
    operation = OPERATIONS[_operation(path, str(facts.get("operation") or name))]
    body = path.read_bytes()
    answer = path.with_name(f"{name}.response.json")
    try:
        status = int(facts.get("http_status", 200))
        at = datetime.fromisoformat(facts["at"]) if "at" in facts else at
    except (TypeError, ValueError) as fault:
        raise BrokenRecording(f"{path.parent / 'index.json'}: {name}: {fault}") from None
    partner = _partner(body, upwards=Direction.CPO_TO_HUB in operation.directions)
    target = operation.url_path(partner)
    return Heard(
        url=target, request=Request("POST", target, _JSON, body),
        answer=Answer(status, _JSON, answer.read_bytes()) if answer.exists() else None, started_at=at, seconds=0.0,
    )  # fmt: skip


def _operation(path: Path, text: str) -> str:
    text = text.removeprefix("eRoaming")
    match = re.match(r"ChargingNotifications?", text)
    if match:
        return "ChargingNotifications"
    fitting = [name for name in OPERATIONS if text.startswith(name)]
    if not fitting:
        raise BrokenRecording(f"{path}: the name begins with no operation; there are {', '.join(OPERATIONS)}")
    return max(fitting, key=len)


def _partner(body: bytes, *, upwards: bool) -> str:
    from oicp.ids import operator_of_evse
    from oicp.wire_json import at, parse

    value = parse(body).value
    if not upwards:
        return str(at(value, "ProviderID") or "")
    for place in (("OperatorEvseData", "OperatorID"), ("OperatorEvseStatus", "OperatorID"), ("OperatorID",)):
        found = at(value, *place)
        if isinstance(found, str):
            return found
    evse_id = at(value, "EvseID")
    return (operator_of_evse(evse_id) or "") if isinstance(evse_id, str) else ""
