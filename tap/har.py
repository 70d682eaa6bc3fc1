"""HAR 1.2 (browsers, proxies, Postman) read into evidence. What a HAR cannot know stays not exercised."""

import base64
import binascii
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oicp.evidence import Answer, BrokenRecording, Evidence, Request
from tap.mapping import Heard, evidence_of


def read_har(path: Path) -> Evidence:
    """Read a HAR file. Raises `BrokenRecording`, which names entry and member."""
    try:
        log = json.loads(path.read_text(encoding="utf-8-sig"))["log"]
        entries = log["entries"]
    except UnicodeDecodeError as fault:
        raise BrokenRecording(f"not UTF-8: {fault.reason} at offset {fault.start}") from None
    except (ValueError, RecursionError) as fault:
        raise BrokenRecording(f"not JSON: {fault}") from None
    except (KeyError, TypeError):
        raise BrokenRecording("no member `log.entries`: not a HAR file") from None
    if not isinstance(entries, list):
        raise BrokenRecording("`log.entries` is no list")
    return evidence_of((_heard(i, entry) for i, entry in enumerate(entries)), "har")


def _heard(index: int, entry: Any) -> Heard:
    try:
        request, response = entry["request"], entry.get("response") or {}
        seconds = float(entry.get("time") or 0) / 1000
        status = int(response.get("status") or 0)
        return Heard(
            url=request["url"], request=_request(request),
            answer=Answer(status, _pairs(response), _content(response)) if status else None,
            started_at=_moment(entry["startedDateTime"]), seconds=max(seconds, 0.0),
            error=None if status else str(response.get("_error") or "no answer in the HAR file"),
            connection=str(entry["connection"]) if entry.get("connection") else None,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as fault:
        raise BrokenRecording(f"log.entries[{index}]: {type(fault).__name__}: {fault}") from None


def _request(request: dict[str, Any]) -> Request:
    parts = urlsplit(request["url"])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    posted = request.get("postData") or {}
    text = str(posted.get("text") or "")
    body = base64.b64decode(text, validate=True) if posted.get("encoding") == "base64" else text.encode()
    return Request(str(request["method"]).upper(), target, _pairs(request), body)


def _content(response: dict[str, Any]) -> bytes:
    content = response.get("content") or {}
    text = str(content.get("text") or "")
    return base64.b64decode(text, validate=True) if content.get("encoding") == "base64" else text.encode()


def _pairs(message: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(h["name"]), str(h["value"])) for h in message.get("headers") or ())


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"startedDateTime {text} has no zone")
    return moment
