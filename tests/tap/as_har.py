"""A recording of ours written as a HAR file, as a proxy in front of the CPO would have written it."""

import base64
import json
from pathlib import Path
from typing import Any

from oicp.evidence import Evidence, Exchange


def write_har(evidence: Evidence, path: Path) -> None:
    """Exchanges only: a HAR knows neither certificates nor chargers."""
    entries = [_entry(e) for e in evidence.exchanges]
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {"name": "test"}, "entries": entries}}))


def _entry(e: Exchange) -> dict[str, Any]:
    answer = e.answer
    return {
        "startedDateTime": e.started_at.isoformat(), "time": (e.duration_s or 0) * 1000, "connection": e.connection,
        "request": {
            "method": e.request.method, "url": e.url, "headers": _pairs(e.request.headers),
            "postData": {"mimeType": "application/json", "text": e.request.body.decode()},
        },
        "response": {
            "status": answer.http_status if answer else 0, "headers": _pairs(answer.headers) if answer else [],
            "content": {"encoding": "base64", "text": base64.b64encode(answer.body if answer else b"").decode()},
        },
    }  # fmt: skip


def _pairs(headers: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]
