"""Lines of a recording as text, made without detours: the same members as `oicp.evidence.request_line` and `answer_line`."""

import base64
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from oicp.evidence import Exchange, Tls, tls_line
from oicp.wire_json import dump


def request_text(exchange: Exchange) -> str:
    """The line of a request, without line end."""
    request, operation, connection = exchange.request, exchange.operation, exchange.connection
    return (
        f'{{"kind":"request","number":{exchange.number},"direction":"{exchange.direction}",'
        f'"operation":{"null" if operation is None else quoted(operation)},"partner_id":{quoted(exchange.partner_id)},'
        f'"at":"{exchange.started_at.isoformat()}","t":{round(exchange.t, 6)},"method":{quoted(request.method)},'
        f'"target":{quoted(request.target)},"url":{quoted(exchange.url)},"headers":{_same_headers(request.headers)},'
        f'{_body(request.body)},"tls":{_tls(exchange.tls)},'
        f'"connection":{"null" if connection is None else quoted(connection)},"overlaps":{list(exchange.overlaps)}}}'
    )


def answer_text(exchange: Exchange, *, with_tls: bool = True) -> str:
    """The line of an answer, without line end. `with_tls` False: the TLS facts are those of the request's line."""
    answer = exchange.answer
    end = "null" if exchange.t_end is None else str(round(exchange.t_end, 6))
    error = "null" if exchange.error is None else quoted(exchange.error)
    faults = dump(list(exchange.faults)) if exchange.faults else "[]"
    line = (
        f'{{"kind":"answer","number":{exchange.number},"t":{end},"error":{error},"faults":{faults},'
        f'"recorder":{_facts(exchange)},"tls":{_tls(exchange.tls) if with_tls else "null"}'
    )
    if answer is None:
        return line + "}"
    return f'{line},"http_status":{answer.http_status},"headers":{_headers(answer.headers)},{_body(answer.body)}}}'


def _facts(exchange: Exchange) -> str:
    facts = exchange.recorder
    if len(facts) == 1 and type(version := facts.get("http_version")) is str:
        return f'{{"http_version":{quoted(version)}}}'
    return dump(dict(facts))


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    return f"[{','.join([f'[{quoted(name)},{quoted(value)}]' for name, value in headers])}]"


_same_headers = lru_cache(256)(_headers)  # requests of one connection nearly always have the same


def _body(body: bytes) -> str:
    try:
        return '"body":' + quoted(body.decode("utf-8"))
    except UnicodeDecodeError:
        return f'"body_base64":"{base64.b64encode(body).decode()}"'


def _tls(tls: Tls | None) -> str:
    if tls is None:
        return "null"
    known = _KNOWN.get(id(tls))
    if known is None or known[0] is not tls:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        known = _KNOWN[id(tls)] = (tls, dump(tls_line(tls)))
    return known[1]


_MOST = 1000
_KNOWN: dict[int, tuple[Tls, str]] = {}
"""Text by identity, which is quicker than by all the facts; the value keeps the key from being used again."""
