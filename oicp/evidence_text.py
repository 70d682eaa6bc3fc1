"""Lines of a recording as text, made without detours: the same members as the lines of `oicp.evidence`."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring as quoted

from oicp.evidence import Exchange, Observation, Tls, tls_line
from oicp.wire_json import Json, dump


def request_text(exchange: Exchange) -> str:
    """The line of a request, without line end."""
    request, overlaps = exchange.request, exchange.overlaps
    return (
        f'{{"kind":"request","number":{exchange.number},"direction":"{exchange.direction}",'
        f'"operation":{_text(exchange.operation)},"partner_id":{quoted(exchange.partner_id)},'
        f'"at":"{exchange.started_at.isoformat()}","t":{exchange.t:.6f},{_same_head(request.method, request.target, exchange.url, request.headers)},'
        f'{_body(request.body)},"tls":{_tls(exchange.tls)},'
        f'"connection":{_text(exchange.connection)},"overlaps":{list(overlaps) if overlaps else "[]"}}}'
    )


def answer_text(exchange: Exchange, *, with_tls: bool = True) -> str:
    """The line of an answer, without line end. `with_tls` False: the TLS facts are those of the request's line."""
    answer = exchange.answer
    end = "null" if exchange.t_end is None else f"{exchange.t_end:.6f}"
    faults = dump(list(exchange.faults)) if exchange.faults else "[]"
    line = (
        f'{{"kind":"answer","number":{exchange.number},"t":{end},"error":{_text(exchange.error)},"faults":{faults},'
        f'"recorder":{_facts(exchange.recorder)},"tls":{_tls(exchange.tls) if with_tls else "null"}'
    )
    if answer is None:
        return line + "}"
    return f'{line},"http_status":{answer.http_status},"headers":{_headers(answer.headers)},{_body(answer.body)}}}'


def observation_text(observation: Observation) -> str:
    """The line of an observation, without line end."""
    return (
        f'{{"kind":"observation","number":{observation.number},"observed":{quoted(observation.kind)},'
        f'"at":"{observation.at.isoformat()}","t":{observation.t:.6f},"evse_id":{_text(observation.evse_id)},'
        f'"charge_point":{_text(observation.charge_point)},"data":{_facts(observation.data)}}}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else quoted(value)


def _facts(facts: Mapping[str, Json]) -> str:
    """A few members, nearly always texts alone."""
    rows = [f"{quoted(name)}:{quoted(value)}" for name, value in facts.items() if type(value) is str]
    return f"{{{','.join(rows)}}}" if len(rows) == len(facts) else dump(dict(facts))


def _headers(headers: tuple[tuple[str, str], ...]) -> str:
    return f"[{','.join([f'[{quoted(name)},{quoted(value)}]' for name, value in headers])}]"


@lru_cache(256)  # requests of one connection nearly always have the same
def _same_head(method: str, target: str, url: str, headers: tuple[tuple[str, str], ...]) -> str:
    return f'"method":{quoted(method)},"target":{quoted(target)},"url":{quoted(url)},"headers":{_headers(headers)}'


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
