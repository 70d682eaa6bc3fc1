"""Lines made without detours say the same as the lines of `oicp.evidence`."""

import json
from datetime import UTC, datetime

import pytest

from oicp.evidence import (
    Answer,
    Certificate,
    Exchange,
    Observation,
    Request,
    Tls,
    answer_line,
    observation_line,
    request_line,
)
from oicp.evidence_text import answer_text, observation_text, request_text
from oicp.services import Direction

_TLS = Tls("TLSv1.3", Certificate('CN=a "b"', "CN=ca", "1", "ab", "2026-01-01", "2027-01-01", "EC"), True, "DE*ABC")
_ODD = ("", "plain", 'quote " backslash \\ slash /', "line\nend\t\x00\x7f", "äöü 充電 \u2028", "half a pair \ud800")


@pytest.mark.parametrize("text", _ODD)
@pytest.mark.parametrize("body", [b"", b'{"a": "\xc3\xa9"}', b"\xff\x00", b"<html>\r\n"])
@pytest.mark.parametrize("tls", [None, Tls("TLSv1.2"), _TLS])
def test_same_members(text: str, body: bytes, tls: Tls | None) -> None:
    """Whatever stands in it, a line reads back as the one of `oicp.evidence`."""
    request = Request("POST", f"/x?{text}", (("Host", "hub"), (text, text)), body)
    opened = Exchange(
        3, Direction.CPO_TO_HUB, text or None, text, request, None, datetime.now(UTC), 1.23456789, None, "open", text, tls,
        text or None, (1, 2),
    )  # fmt: skip
    assert json.loads(request_text(opened)) == request_line(opened)
    _ = opened.sent
    for answer in (None, Answer(200, ((text, text),), body)):
        done = opened.finished(answer, text or None, (text,), 2.0, None, {"http_version": "1.1", "early": 3})
        assert "sent" not in vars(done)
        assert json.loads(answer_text(done)) == answer_line(done)
        assert json.loads(answer_text(done, with_tls=False)) == answer_line(done) | {"tls": None}


@pytest.mark.parametrize("text", _ODD)
@pytest.mark.parametrize("data", [{}, {"reason": "x"}, {"a": 1}, {"deep": {"list": [1.5, None]}, "reason": "x"}])
def test_same_members_of_observations(text: str, data: dict[str, object]) -> None:
    """An observation, too, with whatever facts."""
    seen = Observation(7, "note", datetime.now(UTC), 1.23456789, text or None, text or None, data | {text: text})
    assert json.loads(observation_text(seen)) == observation_line(seen)
