"""Waiting after HTTP 429 (RATE-005, RATE-006, RATE-008)."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from statistics import mean

from oicp.evidence import Evidence, Exchange
from oicp.moments import http_moment
from oicp.repeats import chains
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence

whole = rules_about_evidence()
_AT_ONCE_S = 0.1
_CAP_S = 60.0
"""A wait that long need not grow any further."""
_JOB_S = 300.0
"""Who comes again that seldom, as an hourly job does, is no burden for the hub at a constant pace either."""
_FEW = 3
"""Attempts of which the waits tell little about growth."""
_WIDE = 4.0
"""Greatest wait over smallest one from which on chance may hide the growth, as it does where each wait is drawn from up to thrice the one before."""
_STEADY, _STEADY_OF_FEW = 1.6, 1.3
"""Greatest wait over smallest one below which a pace counts as constant; of three, to which a busy machine adds its own delay."""


def _waits(chain: list[Exchange]) -> list[float]:
    return [later.t - (before.t if before.t_end is None else before.t_end) for before, later in pairwise(chain)]


@lru_cache(maxsize=8)
def _limited(evidence: Evidence) -> tuple[list[Exchange], ...]:
    return tuple(chains(evidence, 429))


def _as_told(chain: list[Exchange]) -> bool:
    """The waits are those the hub asked for by Retry-After."""
    for before, wait in zip(chain, _waits(chain), strict=False):
        asked = _asked_s(before)
        if asked is None or wait < asked - 1:
            return False
    return True


def _asked_s(limited: Exchange) -> float | None:
    """Seconds to wait by Retry-After, which is a number of them or a moment by the clock of the hub."""
    text = (limited.answer_header("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = http_moment(text)
    now = http_moment(limited.answer_header("Date") or "") or limited.started_at
    return (until - now).total_seconds() if until else None


@whole.rule("RATE-005")
def backs_off(evidence: Evidence) -> Iterator[Yield]:
    """Waits after 429 grow exponentially while 429 goes on."""
    short = False
    for chain in _limited(evidence):
        grown = chain[0].operation in _growing_on_the_whole(evidence)
        told = None if _as_told(chain) else _at_once(chain) or _no_backoff(_waits(chain), grown)
        if told:
            yield finding(told, on=chain[1], requirement="RATE-005")
        elif len(chain) >= 4 or _as_told(chain):
            yield Checked("RATE-005", chain[0].operation or "")
        else:
            short = True
    if short:
        yield NotExercised("RATE-005", "some messages met 429 too few times in a row to see waits grow")


def _at_once(chain: list[Exchange]) -> str | None:
    """The same message came again without a wait; another status of the same EVSE is no repeat."""
    waits = _waits(chain)
    same = [before.request.body == later.request.body for before, later in pairwise(chain)]
    quick = sum(again and w < _AT_ONCE_S for again, w in zip(same, waits, strict=True))
    if (same[0] and waits[0] < 0.02) or quick >= 2:
        return f"repeated at once after 429: waits {', '.join(f'{w:.2f}' for w in waits[:8])} s"
    return None


def _no_backoff(waits: list[float], grown: bool) -> str | None:
    """`grown`: those of this operation grow on the whole."""
    shown = ", ".join(f"{w:.2f}" for w in waits[:8])
    growing = [w for w in waits if w < _CAP_S]
    if not growing and waits[0] < _JOB_S:
        growing = waits  # the cap from the first wait on: nothing has grown up to it
    if len(growing) < 3:
        return None
    if max(growing) < (_STEADY if len(growing) > 3 else _STEADY_OF_FEW) * min(growing):
        return f"repeated at a constant pace: waits {shown} s"
    if max(growing) < _WIDE * min(growing) and len(growing) >= 6 and not grown and not _grow([growing]):
        return f"waits do not grow: {shown} s"
    return None


def _grow(rows: list[list[float]]) -> bool:
    """The later halves of the waits are longer than the first ones, taken together."""
    early = sum(mean(_halves(row)[0]) for row in rows)
    return sum(mean(_halves(row)[1]) for row in rows) >= 1.2 * early


def _halves(waits: list[float]) -> tuple[list[float], list[float]]:
    return waits[: len(waits) // 2], waits[len(waits) // 2 :]


@lru_cache(maxsize=8)
def _growing_on_the_whole(evidence: Evidence) -> frozenset[str | None]:
    """Operations whose waits grow if all messages are taken together: chance may hide it in one of them."""
    rows: dict[str | None, list[list[float]]] = {}
    for chain in _limited(evidence):
        if len(chain) > _FEW:
            rows.setdefault(chain[0].operation, []).append(_waits(chain))
    return frozenset(name for name, several in rows.items() if _grow(several))


@whole.rule("RATE-006")
def jitters(evidence: Evidence) -> Iterator[Yield]:
    """Waits of several repeats differ by a random part."""
    rows = [_waits(chain) for chain in _limited(evidence) if not _as_told(chain)]
    columns = [[row[at] for row in rows if len(row) > at] for at in range(max(map(len, rows), default=0))]
    columns = [column for column in columns if len(column) > 1]
    if sum(len(column) - 1 for column in columns) < 3:
        yield NotExercised("RATE-006", "needs several messages that met 429 more than once")
    elif all(max(c) - min(c) <= 0.05 + 0.05 * mean(c) for c in columns):
        shown = ", ".join(f"{mean(c):.2f}" for c in columns)
        chain = next(c for c in _limited(evidence) if not _as_told(c))
        told = f"{len(rows)} messages were repeated in step after {shown} s: no random part"
        yield finding(told, on=chain[0], requirement="RATE-006")
    else:
        yield Checked("RATE-006", "any")


_MANY = 10


@whole.rule("RATE-008")
def throttles_as_a_whole(evidence: Evidence) -> Iterator[Yield]:
    """When many calls are limited the whole backend slows down."""
    limited = sorted((e for e in evidence.exchanges if e.by_cpo and e.http_status == 429), key=lambda e: e.t)
    others = sorted(e.t for e in evidence.exchanges if e.by_cpo and e.http_status != 429)
    if len(limited) < _MANY or limited[_MANY - 1].t - limited[0].t > _CAP_S:
        return
    begin = limited[_MANY - 1].t
    before = bisect_left(others, limited[0].t) - bisect_left(others, limited[0].t - _CAP_S)
    after = bisect_left(others, begin + _CAP_S) - bisect_left(others, begin)
    if before >= 5 and after > before:
        told = f"{after} other calls in the minute after {_MANY} answers 429, {before} in the minute before"
        yield finding(told, on=limited[0], requirement="RATE-008")
    elif before >= 5 and evidence.t_end - begin >= _CAP_S:
        yield Checked("RATE-008", "any")
