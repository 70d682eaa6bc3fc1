"""A folder of raw JSON files read into evidence: `NAME.request.json` with its `NAME.response.json`.

The operation comes from the name (`ChargeDetailRecord`, with or without `eRoaming`, anything behind it) or from a first line of
the folder's `index.json`: `{"NAME": {"operation": "..", "http_status": 200, "at": "2026-01-01T10:00:00+00:00"}}`. What is neither in
the texts nor in the index decides nothing.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from oicp.evidence import Answer, BrokenRecording, Evidence, Request
from oicp.services import OPERATIONS, Direction
from oicp.unknowns import ADDRESSES, ANSWER_HEADERS, DURATIONS, HEADERS, ORDER, STATUSES, TIMES
from tap.mapping import Heard, evidence_of

_JSON = (("Content-Type", "application/json;charset=utf-8"),)


def read_pairs(folder: Path) -> Evidence:
    """Read a folder of pairs, in the order of their names unless `index.json` gives times. Raises `BrokenRecording`."""
    index = _index(folder)
    requests = sorted(folder.glob("*.request.json"))
    if not requests:
        raise BrokenRecording(f"{folder}: no file NAME.request.json")
    facts = {p: _facts(index, p) for p in requests}
    untimed = [p for p in requests if "at" not in facts[p]]
    if 0 < len(untimed) < len(requests):
        raise BrokenRecording(
            f"{folder / 'index.json'}: {_name(untimed[0])} has no `at`; give it for all names or for none"
        )
    heard = [_heard(p, facts[p], _ZERO + timedelta(milliseconds=i)) for i, p in enumerate(requests)]
    sorted_by_operation = bool(untimed) and any("operation" not in facts[p] for p in requests)
    unknown = _unknown(facts.values(), timed=not untimed)
    return evidence_of(heard, "pairs", unknown=(*unknown, ORDER) if sorted_by_operation else unknown)


_ENVELOPES = ("OperatorEvseData", "OperatorEvseStatus", "PricingProductData")
_SOMEBODY = {True: "DE*XXX", False: "DE-XXX"}
"""Stands in the path where the text does not say who is meant, so that the operation can still be read from it."""
_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
"""Texts without times follow each other so quickly that no waiting time is ever over."""


def _unknown(facts: Iterable[dict[str, Any]], *, timed: bool) -> tuple[str, ...]:
    """Texts alone have no address and no headers; their times and states stand in the index, or nowhere."""
    statuses = () if all("http_status" in f for f in facts) else (STATUSES,)
    return (DURATIONS if timed else TIMES, ADDRESSES, HEADERS, ANSWER_HEADERS, *statuses)


def _name(path: Path) -> str:
    return path.name.removesuffix(".request.json")


def _facts(index: dict[str, Any], path: Path) -> dict[str, Any]:
    facts = index.get(_name(path))
    return facts if isinstance(facts, dict) else {}


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


def _heard(path: Path, facts: dict[str, Any], at: datetime) -> Heard:
    name = _name(path)
    operation = OPERATIONS[_operation(path, name, facts)]
    body = path.read_bytes()
    answer = path.with_name(f"{name}.response.json")
    try:
        status = _status(facts.get("http_status", 200))
        at = datetime.fromisoformat(facts["at"]) if "at" in facts else at
        if at.tzinfo is None:
            raise ValueError(f"`at` {facts['at']} has no zone; write it as 2026-01-01T10:00:00+01:00")
    except (TypeError, ValueError) as fault:
        raise BrokenRecording(f"{path.parent / 'index.json'}: {name}: {fault}") from None
    upwards = Direction.CPO_TO_HUB in operation.directions
    partner = _partner(body, upwards=upwards) or _SOMEBODY[upwards]
    target = operation.url_path(partner)
    return Heard(
        url=target, request=Request("POST", target, _JSON, body),
        answer=Answer(status, _JSON, answer.read_bytes()) if answer.exists() else None, started_at=at, seconds=0.0,
    )  # fmt: skip


def _status(value: Any) -> int:
    if not re.fullmatch(r"[1-5][0-9][0-9]", str(value)):
        raise ValueError(f"`http_status` is {value!r}; write a number such as 200")
    return int(value)


def _operation(path: Path, name: str, facts: dict[str, Any]) -> str:
    text = str(facts.get("operation") or name).removeprefix("eRoaming")
    match = re.match(r"ChargingNotifications?", text)
    if match:
        return "ChargingNotifications"
    fitting = [name for name in OPERATIONS if text.startswith(name)]
    if not fitting and facts.get("operation"):
        told = f"{path.parent / 'index.json'}: {name}: `operation` is {facts['operation']!r}, which does not exist"
        raise BrokenRecording(f"{told}; there are {', '.join(OPERATIONS)}")
    if not fitting:
        raise BrokenRecording(f"{path}: the name begins with no operation; there are {', '.join(OPERATIONS)}")
    return max(fitting, key=len)


def _partner(body: bytes, *, upwards: bool) -> str:
    from oicp.ids import operator_of_evse
    from oicp.wire_json import at, parse

    value = parse(body).value
    if not upwards:
        return str(at(value, "ProviderID") or "")
    for place in (*((name, "OperatorID") for name in _ENVELOPES), ("OperatorID",)):
        found = at(value, *place)
        if isinstance(found, str):
            return found
    prices = at(value, "EVSEPricing")
    evse_ids = [at(value, "EvseID"), *(at(row, "EvseID") for row in (prices if isinstance(prices, list) else ()))]
    owners = Counter(operator_of_evse(i) or "" for i in evse_ids if isinstance(i, str))
    return owners.most_common(1)[0][0] if owners else ""
