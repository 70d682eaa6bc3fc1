"""From bare HTTP to exchanges: which operation, which direction, what was open at the same time."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import unquote, urlsplit

from oicp.evidence import Answer, Evidence, Exchange, Request, Run, Tls
from oicp.operators import operators
from oicp.outages import UNHEARD
from oicp.profiles import profiles_of
from oicp.services import HUB_TO_CPO, PREFIX, Direction, operation_of
from oicp.unknowns import ANSWER_HEADERS, DURATIONS, FRACTIONS, HEADERS


@dataclass(frozen=True, slots=True)
class Heard:
    """One request and its answer as any recorder heard it. `seconds`: from request to the end of the answer."""

    url: str
    request: Request
    answer: Answer | None
    started_at: datetime
    seconds: float | None
    error: str | None = None
    tls: Tls | None = None
    connection: str | None = None


def located(target: str) -> tuple[str | None, str]:
    """Operation (None if it is none of OICP's) and partner id of a raw request target, whatever prefix stands before `/api/oicp`."""
    path = unquote(urlsplit(target).path)
    found = operation_of(path.partition(PREFIX)[2]) if PREFIX in path else None
    return (found[0].name, found[1]) if found else (None, "")


def is_oicp(url: str) -> bool:
    """True for a URL or path that was meant for OICP, even a wrong one: below `/api/oicp`, of an OICP service, or at a hub of Hubject."""
    parts = urlsplit(url)
    path, host = unquote(parts.path), parts.hostname or ""
    return PREFIX in path or _SERVICE.search(path) is not None or (host.startswith("service") and "hubject" in host)


_SERVICE = re.compile(
    r"/(?:(?:evsepush|evsepull|cdrmgmt|notificationmgmt|dynamicpricing|authdata)/v[0-9]+(?:/|\Z)"
    r"|charging/v[0-9]+/(?:operators|providers)/|reservation/v[0-9]+/providers/)"
)


def _bare(target: str) -> tuple[str | None, str]:
    """Operation and partner id of a call to the CPO that lacks `/api/oicp`, as one recorded behind a proxy that takes it away."""
    path = unquote(urlsplit(target).path)
    match = _SERVICE.search(path)
    found = operation_of(path[match.start() :]) if match and PREFIX not in path else None
    return (found[0].name, found[1]) if found and HUB_TO_CPO in found[0].directions else (None, "")


def direction_of(operation: str | None) -> Direction:
    """Direction seen from a CPO's recording; an unknown path counts as sent by the CPO."""
    from oicp.services import OPERATIONS

    directions = OPERATIONS[operation].directions if operation in OPERATIONS else ()
    for wanted in (Direction.CPO_TO_HUB, HUB_TO_CPO):
        if wanted in directions:
            return wanted
    return directions[0] if directions else Direction.CPO_TO_HUB


def evidence_of(
    heard: Iterable[Heard], source: str, unknown: tuple[str, ...] = (),
    left_out: Mapping[str, int] | None = None,
) -> Evidence:  # fmt: skip
    """Exchanges in the order in which they began. What only the stage could know (certificates, chargers) stays unknown.

    `left_out`: what stands in the recording and is not in the evidence, and how often.
    """
    bodies: dict[bytes, bytes] = {}
    left = Counter(left_out or {})
    items = list[Heard]()
    for h in heard:
        if is_oicp(h.url) and is_preflight(h.request):
            left[_PREFLIGHTS] += 1
        elif is_oicp(h.url):
            items.append(_with_one_copy(h, bodies))
    items.sort(key=lambda h: h.started_at)
    doubt, unknown = (1.0, (*unknown, FRACTIONS)) if _whole_seconds(items) else (0.0, unknown)
    exchanges = tuple(_with_overlaps(_exchange(i, h, items[0].started_at, doubt) for i, h in enumerate(items, 1)))
    settings = {"left_out": dict(left)} if left else {}
    run = Run(
        source=source, operator_ids=_operators(exchanges), profiles=profiles_of(exchanges), unknown=unknown,
        settings=settings,
    )  # fmt: skip
    run = replace(run, started_at=items[0].started_at) if items else run
    # told now, because a recording that is given away no longer names the hub
    return Evidence(replace(run, operator_ids=operators(Evidence(run, exchanges))), exchanges)


_PREFLIGHTS = "questions a browser asks before a call (CORS)"


def is_preflight(request: Request) -> bool:
    """What a browser asks by itself before a page may call another host."""
    names = {name.lower() for name, _ in request.headers}
    return request.method == "OPTIONS" and "access-control-request-method" in names


def _with_one_copy(heard: Heard, bodies: dict[bytes, bytes]) -> Heard:
    """The same with the body that is already held: full loads repeat themselves."""
    known = bodies.setdefault(heard.request.body, heard.request.body)
    return heard if known is heard.request.body else replace(heard, request=replace(heard.request, body=known))


_ROUGH_S = 0.01
"""Recorders round to milliseconds, and browsers take begin and duration from two clocks."""


def _whole_seconds(items: list[Heard]) -> bool:
    """The recorder cut its times to seconds: a request may have begun a second later than it says."""
    return len(items) > 2 and len({h.started_at.microsecond for h in items}) == 1


def _exchange(number: int, heard: Heard, zero: datetime, doubt: float) -> Exchange:
    """`doubt`: seconds by which the next request may have begun later than its time says, so that this one was over."""
    operation, partner_id = located(heard.request.target)
    if operation is None:
        operation, partner_id = _bare(heard.request.target)
    t, direction = (heard.started_at - zero).total_seconds(), direction_of(operation)
    spare = doubt if direction is Direction.CPO_TO_HUB else 0.0
    return Exchange(
        number=number, direction=direction, operation=operation, partner_id=partner_id,
        request=heard.request, answer=heard.answer, started_at=heard.started_at, t=t,
        t_end=None if heard.seconds is None else t + max(heard.seconds - spare, 0.0),
        error=heard.error or (None if heard.answer else UNHEARD), url=heard.url, tls=heard.tls,
        connection=heard.connection,
    )  # fmt: skip


def silences(heard: list[Heard], sentence: str) -> list[Heard]:
    """Requests without an answer among answered ones got none: `sentence` says so. Where no request has one, they were not recorded."""
    answered = {to_the_hub(h) for h in heard if h.answer is not None}
    return [
        replace(h, error=sentence) if h.answer is None and h.error is None and to_the_hub(h) in answered else h
        for h in heard
    ]


def to_the_hub(heard: Heard) -> bool:
    """The CPO sent it, as far as its path tells."""
    operation = located(heard.request.target)[0] or _bare(heard.request.target)[0]
    return direction_of(operation) is Direction.CPO_TO_HUB


def lacking(heard: Iterable[Heard]) -> tuple[str, ...]:
    """What no message of a recording has although every message on a wire has it."""
    oicp = [h for h in heard if is_oicp(h.url)]
    answers = [h.answer for h in oicp if h.answer is not None]
    return tuple(
        name
        for name, there in (
            (DURATIONS, any(h.seconds for h in oicp)),
            (HEADERS, any(h.request.headers for h in oicp)),
            (ANSWER_HEADERS, any(a.headers for a in answers)),
        )
        if not there
    )


def _with_overlaps(exchanges: Iterable[Exchange]) -> Iterator[Exchange]:
    """Mark what was still open, of the same operation and partner, when an exchange began."""
    open_: dict[tuple[str | None, str], list[Exchange]] = {}
    for exchange in exchanges:
        key = (exchange.operation, exchange.partner_id)
        still = [e for e in open_.get(key, []) if e.t_end is not None and e.t_end - _ROUGH_S > exchange.t]
        open_[key] = [*still, exchange]
        yield replace(exchange, overlaps=tuple(e.number for e in still)) if still and exchange.by_cpo else exchange


def _operators(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """The operator whose recording this is: the id most paths name."""
    named = Counter(e.partner_id for e in exchanges if e.by_cpo and e.partner_id)
    return tuple(ident for ident, _ in named.most_common(1))
