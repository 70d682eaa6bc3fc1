"""HAR 1.2 (browsers, proxies, Postman) read into evidence. What a HAR cannot know stays not exercised."""

import base64
import binascii
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oicp.evidence import Answer, BrokenRecording, Evidence, Request
from oicp.outages import UNHEARD
from oicp.wire_json import in_words
from tap.clocks import on_the_clock_of_the_hub
from tap.json_stream import Absent, elements
from tap.mapping import Heard, evidence_of, is_oicp, lacking, silences

_NO_BODY, _TWICE = "OICP requests without their bodies, which were not recorded", "entries that stand twice in the file"


def read_har(path: Path) -> Evidence:
    """Read a HAR file entry by entry; only OICP's stay in memory. Raises `BrokenRecording`, which names entry and member."""
    left_out: Counter[str] = Counter()
    try:
        found = _entries(path, left_out)
        heard = silences(list(found), "no answer in the HAR file")
    except Absent as fault:
        text = "is no list" if fault.wrong else "is missing: not a HAR file"
        raise BrokenRecording(f"`{fault.name}` {text}") from None
    return evidence_of(on_the_clock_of_the_hub(heard), "har", unknown=lacking(heard), left_out=left_out)


def _entries(path: Path, left_out: Counter[str]) -> Iterator[Heard]:
    recorder, seen = _recorder(path), set[int]()
    for index, entry in enumerate(elements(path, "log", "entries")):
        try:
            if not is_oicp(entry["request"]["url"]):
                continue
            # two proxies in a row, or two exports of one session put together
            copy = hash(json.dumps(entry, sort_keys=True))
            twice = copy in seen and "." in str(entry["startedDateTime"])  # in one second the same may be sent again
            heard = None if twice else _heard(entry, recorder)
        except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as fault:
            raise BrokenRecording(f"log.entries[{index}]: {in_words(fault)}") from None
        if heard is None:
            left_out[_TWICE if twice else _NO_BODY] += 1
        else:
            yield heard
        seen.add(copy)


def _recorder(path: Path) -> str:
    """What made the file, as its head says; empty where it does not."""
    with path.open("rb") as file:
        found = re.search(rb'"creator"\s*:\s*\{[^{}]*?"name"\s*:\s*"([^"\\]*)"', file.read(_HEAD))
    return found[1].decode(errors="replace").lower() if found else ""


_HEAD = 1 << 14
"""Bytes in which the head of a HAR file has to name its recorder."""


def _seconds(entry: dict[str, Any], recorder: str) -> float:
    """From the request to the end of the answer. mitmproxy adds connecting to a wait that holds it already."""
    timings, whole = entry.get("timings") or {}, max(float(entry.get("time") or 0), 0.0)
    parts = {n: max(timings[n], 0) for n in _PARTS if isinstance(timings.get(n), int | float)}
    if recorder == "mitmproxy" and parts.keys() >= _FROM_THE_REQUEST:
        return float(sum(parts[n] for n in _FROM_THE_REQUEST)) / 1000
    # the handshake is a part of connecting, and some add it once more
    twice = parts.get("ssl", 0) if abs(sum(parts.values()) - whole) < 1 and "connect" in parts else 0
    return max(whole - twice, 0.0) / 1000


_PARTS = ("blocked", "dns", "connect", "ssl", "send", "wait", "receive")
_FROM_THE_REQUEST = {"send", "wait", "receive"}


def _heard(entry: dict[str, Any], recorder: str = "") -> Heard | None:
    """One entry; None for one whose body was not recorded."""
    request, response = entry["request"], entry.get("response") or {}
    if request["method"].upper() not in ("GET", "OPTIONS") and _left_out(_sent(request), request.get("bodySize")):
        return None
    answer, error = _answer(response)
    return Heard(
        url=request["url"], request=_request(request), answer=answer, error=error,
        started_at=_moment(entry["startedDateTime"]), seconds=_seconds(entry, recorder),
        connection=str(entry["connection"]) if entry.get("connection") else None,
    )  # fmt: skip


def _sent(request: dict[str, Any]) -> dict[str, Any]:
    """The body of a request; `_content` is where HTTP Toolkit puts one in base64."""
    return request.get("postData") or request.get("_content") or {}


def _left_out(body: dict[str, Any], size: object) -> bool:
    """The file says that there was a body, or nothing about it, and does not have its text."""
    told = isinstance(size, int) and size >= 0
    return not body.get("text") and (size != 0 if told else "text" not in body)


def _answer(response: dict[str, Any]) -> tuple[Answer | None, str | None]:
    """The answer, or why there is none; neither where the file is silent about it."""
    status, content = int(response.get("status") or 0), response.get("content") or {}
    if status <= 0:
        why = response.get("_error") or response.get("_failureText")
        return None, str(why) if why else None
    if _left_out(content, content.get("size")) and response.get("bodySize") != 0:
        return None, UNHEARD
    return Answer(status, _pairs(response), _body(content)), None


def _request(request: dict[str, Any]) -> Request:
    parts = urlsplit(request["url"])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Request(str(request["method"]).upper(), target, _pairs(request), _body(_sent(request)))


def _body(content: dict[str, Any]) -> bytes:
    text = str(content.get("text") or "")
    return _unpacked(base64.b64decode(text, validate=True)) if content.get("encoding") == "base64" else text.encode()


def _unpacked(body: bytes) -> bytes:
    """A body that the recorder kept as it was compressed on the wire; no JSON begins like that."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(wbits=31).decompress(body, _MOST_UNPACKED)
    except zlib.error:
        return body


_MOST_UNPACKED = 64 << 20
"""Bytes."""


def _pairs(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    headers = message.get("headers") or ()
    if isinstance(headers, dict):
        return tuple((str(name), str(value)) for name, value in headers.items())
    return tuple((str(h["name"]), str(h["value"])) for h in headers)


def _moment(text: object) -> datetime:
    if not isinstance(text, str):
        raise ValueError(f"startedDateTime {text} is no text in the form of ISO 8601")
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"startedDateTime {text} has no zone")
    return moment
