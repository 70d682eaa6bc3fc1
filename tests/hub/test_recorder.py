"""The recorder writes everything down as it happens, but no secret, and tells those who wait what came instead."""

import asyncio
import json
from pathlib import Path

import pytest

from fake_hubject.recorder import NotSeen, Recorder
from oicp.evidence import Answer, Request, Run, read_lines
from oicp.services import Direction


def test_credentials_stay_out(tmp_path: Path) -> None:
    """The value of a header that lets somebody in is hidden; that it was there is kept."""
    path = tmp_path / "evidence.jsonl"
    recorder = Recorder(Run(), path)
    headers = (("Authorization", "Bearer top-secret"), ("cookie", "id=top-secret"), ("Accept", "*/*"))
    recorder.closed(recorder.opened(Direction.CPO_TO_HUB, Request("POST", "/x", headers)), Answer(200))
    recorder.close()
    assert "top-secret" not in path.read_text()
    (exchange,) = read_lines(path.read_text().splitlines()).exchanges
    assert exchange.header("authorization") == "(hidden)"
    assert exchange.header("accept") == "*/*"


def test_every_line_is_on_disk_before_the_next(tmp_path: Path) -> None:
    """A request without its answer reads back as one; odd text is no obstacle."""
    path = tmp_path / "evidence.jsonl"
    recorder = Recorder(Run(), path)
    recorder.observe("note", text="half a pair: \ud800")
    recorder.opened(Direction.CPO_TO_HUB, Request("POST", "/x", (), b"\xff\x00"))
    recorder.close()
    evidence = read_lines(path.read_text().splitlines())
    assert evidence.exchanges[0].answer is None
    assert evidence.exchanges[0].request.body == b"\xff\x00"
    assert evidence.observations[0].data["text"] == "half a pair: \ud800"


async def test_waiting_in_vain_names_what_came(tmp_path: Path) -> None:
    """The message says what was waited for, how long, and what came instead."""
    recorder = Recorder(Run())
    recorder.closed(recorder.opened(Direction.CPO_TO_HUB, Request("POST", "/wrong")), Answer(404))
    with pytest.raises(NotSeen, match=r"a CDR did not come within 0.01 s.*#1 /wrong"):
        await recorder.exchange(lambda e: e.operation == "ChargeDetailRecord", within=0.01, what="a CDR")


async def test_lines_are_on_disk_when_an_exchange_is_over_or_the_loop_turns(tmp_path: Path) -> None:
    """Inside an event loop, the lines of one step go out together: with the answer, or before anything else happens."""
    path = tmp_path / "evidence.jsonl"
    recorder = Recorder(Run(), path)
    exchange = recorder.opened(Direction.CPO_TO_HUB, Request("POST", "/x"))
    recorder.observe("note", text="on the way")
    recorder.closed(exchange, Answer(200))
    assert [json.loads(line)["kind"] for line in path.read_text().splitlines()] == [
        "run", "request", "observation", "answer",
    ]  # fmt: skip
    recorder.opened(Direction.CPO_TO_HUB, Request("POST", "/y"))
    await asyncio.sleep(0)
    assert len(path.read_text().splitlines()) == 5
    recorder.close()
