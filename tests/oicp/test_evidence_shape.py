"""A recording with a wrong line is refused by line and member, before anything is judged on it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from oicp.evidence import (
    Answer,
    BrokenRecording,
    Exchange,
    Observation,
    Request,
    Run,
    answer_line,
    observation_line,
    read_lines,
    request_line,
    run_line,
)
from oicp.services import Direction

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_HEADERS = (("Content-Type", "application/json"),)
_EXCHANGE = Exchange(
    number=1, direction=Direction.CPO_TO_HUB, operation="ChargeDetailRecord", partner_id="DE*ABC",
    request=Request("POST", "/api/oicp/cdrmgmt/v22/operators/DE*ABC/charge-detail-record", _HEADERS, b"{}"),
    answer=Answer(200, _HEADERS, b"{}"), started_at=_AT, t=1.0, t_end=1.1,
)  # fmt: skip
RUN, REQUEST, ANSWER, OBSERVATION = 0, 1, 2, 3


def _lines() -> list[dict[str, Any]]:
    seen = Observation(1, "note", _AT, 2.0, data={"text": "x"})
    return [run_line(Run()), request_line(_EXCHANGE), answer_line(_EXCHANGE), observation_line(seen)]


WRONG: list[tuple[int, str, Any, str]] = [
    (RUN, "operator_ids", 7, "`operator_ids` is 7, not a list"), (RUN, "profiles", [7], "`profiles[..]` is 7, not a text"),
    (RUN, "seed", "x", "`seed` is \"x\", not a whole number"), (RUN, "settings", [1], "`settings` is [1], not an object"),
    (RUN, "settings", {"expected_violations": 7}, "`settings.expected_violations` is 7"),
    (RUN, "started_at", ..., "`started_at` is missing"), (RUN, "kind", "walk", "unknown kind 'walk'"),
    (REQUEST, "operation", "Nope", "`operation` is \"Nope\", which does not exist"), (REQUEST, "method", 5, "`method` is 5"),
    (REQUEST, "number", [1], "`number` is [1], not a whole number"), (REQUEST, "body", ..., "`body` is missing"),
    (REQUEST, "headers", [["a"]], "`headers` is no list of pairs"), (REQUEST, "tls", "x", "`tls` is \"x\""),
    (ANSWER, "http_status", "200", "`http_status` is \"200\""), (ANSWER, "body", 5, "`body` is 5, not a text"),
    (ANSWER, "number", 9, "answers number 9, of which there is no request"), (OBSERVATION, "data", [1], "`data` is [1]"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "member", "value", "words"), WRONG, ids=[f"{r[1]} {r[2]}" for r in WRONG])
def test_a_wrong_member_is_named(line: int, member: str, value: Any, words: str) -> None:
    """With its line and its value."""
    rows = _lines()
    if value is ...:
        del rows[line][member]
    else:
        rows[line][member] = value
    with pytest.raises(BrokenRecording) as caught:
        read_lines(map(json.dumps, rows))
    assert str(caught.value).startswith(f"line {line + 1}: {words}")


def test_what_was_written_is_read() -> None:
    """Nothing that a recorder writes is refused."""
    evidence = read_lines(map(json.dumps, _lines()))
    assert len(evidence.exchanges) == len(evidence.observations) == 1
