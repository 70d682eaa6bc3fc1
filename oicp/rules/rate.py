"""Rate limits and probes (RATE-001 to RATE-004, RATE-009, RATE-010)."""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.outages import hub_down, undelivered
from oicp.paths import looks_like_oicp
from oicp.repeats import PUSHES
from oicp.rulebook import Checked, Finding, Yield, finding, rules_about_evidence, rules_about_sent
from oicp.services import OPERATIONS

whole = rules_about_evidence()
sent = rules_about_sent()
LIMITED: dict[str, tuple[str, ...]] = {
    "RATE-001": ("PushEvseData", "PushEvseStatus", "ChargeDetailRecord"),
    "RATE-002": ("AuthorizeStart", "AuthorizeStop"),
    "RATE-003": ("ChargingNotifications",),
    "RATE-004": ("PushEVSEPricing", "PushPricingProductData"),
}
_WINDOW_S = 60.0


def per_minute(evidence: Evidence, operation: str) -> int:
    """Calls a minute of this recording: the published limit times `rate_scale` of the run, which is 1 unless it says so."""
    published = OPERATIONS[operation].per_minute or 0
    scale = evidence.run.settings.get("rate_scale")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or scale <= 0:
        return published
    return max(1, round(published * scale))


@lru_cache(maxsize=8)
def _calls(evidence: Evidence, operation: str) -> tuple[Exchange, ...]:
    return tuple(sorted((e for e in evidence.about(operation) if e.by_cpo), key=lambda e: e.t))


@lru_cache(maxsize=32)
def excesses(evidence: Evidence, operation: str) -> tuple[tuple[Exchange, int, bool], ...]:
    """Calls that exceed the limit: the first one too many of each minute, calls in that minute, True for a clock minute."""
    calls, allowed = _calls(evidence, operation), per_minute(evidence, operation)
    found = list(_by_clock(calls, allowed))
    found += _by_window(calls, allowed, {int(e.started_at.timestamp() // 60) for e, _, _ in found})
    return tuple(found)


def _by_clock(calls: tuple[Exchange, ...], allowed: int) -> Iterator[tuple[Exchange, int, bool]]:
    minutes: dict[int, list[Exchange]] = {}
    for e in calls:
        minutes.setdefault(int(e.started_at.timestamp() // 60), []).append(e)
    for group in minutes.values():
        if len(group) > allowed:
            yield group[allowed], len(group), True


def _by_window(calls: tuple[Exchange, ...], allowed: int, told: set[int]) -> Iterator[tuple[Exchange, int, bool]]:
    """Excesses that only a sliding window shows, one for each burst."""
    quiet_until = float("-inf")
    for at in range(allowed, len(calls)):
        first, last = calls[at - allowed], calls[at]
        if last.t - first.t >= _WINDOW_S or last.t < quiet_until:
            continue
        minutes = {int(e.started_at.timestamp() // 60) for e in (first, last)}
        quiet_until = last.t + _WINDOW_S
        if minutes.isdisjoint(told):
            yield last, allowed + 1, False


def _rate(evidence: Evidence, requirement: str) -> Iterator[Yield]:
    for operation in LIMITED[requirement]:
        found = excesses(evidence, operation)
        for e, count, by_clock in found:
            window = "a clock minute" if by_clock else "60 s"
            told = f"{count} {operation} requests in {window}, allowed are {per_minute(evidence, operation)}"
            yield finding(told, requirement=requirement, exchange=e.number, contested=not by_clock)
        if not found and _calls(evidence, operation):
            yield Checked(requirement, operation)


@whole.rule("RATE-001")
def basic_operations(evidence: Evidence) -> Iterator[Yield]:
    """At most 375 data pushes, 2000 status pushes and 350 CDRs in a minute."""
    return _rate(evidence, "RATE-001")


@whole.rule("RATE-002")
def authorizations(evidence: Evidence) -> Iterator[Yield]:
    """At most 200 AuthorizeStart and 50 AuthorizeStop requests in a minute."""
    return _rate(evidence, "RATE-002")


@whole.rule("RATE-003")
def notifications(evidence: Evidence) -> Iterator[Yield]:
    """At most 100 notifications in a minute."""
    return _rate(evidence, "RATE-003")


@whole.rule("RATE-004")
def pricing(evidence: Evidence) -> Iterator[Yield]:
    """At most 6 pushes of prices and 6 of products in a minute."""
    return _rate(evidence, "RATE-004")


@whole.rule("RATE-009")
def spreads_the_backlog(evidence: Evidence) -> Iterator[Yield]:
    """After an outage queued messages are worked off below the limits."""
    over = {e.number: (e, op) for ops in LIMITED.values() for op in ops for e, _, _ in excesses(evidence, op)}
    for end in _recoveries(evidence):
        broken = next((pair for pair in over.values() if end <= pair[0].t <= end + _WINDOW_S), None)
        if broken is not None:
            told = (
                f"the backlog of an outage was sent faster than {per_minute(evidence, broken[1])} {broken[1]} a minute"
            )
            yield Finding("RATE-009", told, exchange=broken[0].number)
        elif _sent_after(evidence, end) > 1:
            yield Checked("RATE-009", "any")


def _recoveries(evidence: Evidence) -> Iterator[float]:
    """Seconds at which the hub was back, or gave a usable answer again after three failures in a row."""
    yield from (end for _, end in hub_down(evidence).spans if end < evidence.t_end)
    failed = 0
    for e in evidence.exchanges:
        if e.by_cpo and e.operation:
            if failed >= 3 and not undelivered(e):
                yield e.t
            failed = failed + 1 if undelivered(e) else 0


def _sent_after(evidence: Evidence, t: float) -> int:
    times = _times(evidence)
    return bisect_left(times, t + _WINDOW_S) - bisect_left(times, t)


@lru_cache(maxsize=8)
def _times(evidence: Evidence) -> list[float]:
    return sorted(e.t for e in evidence.exchanges if e.by_cpo)


_LISTS = {
    "PushEvseData": ("OperatorEvseData", "EvseDataRecord"),
    "PushEvseStatus": ("OperatorEvseStatus", "EvseStatusRecord"),
    "PushEVSEPricing": ("EVSEPricing",),
    "PushPricingProductData": ("PricingProductData", "PricingProductDataRecords"),
}


def is_empty_push(e: Exchange) -> bool:
    """A push whose record list is there and empty."""
    return e.operation in PUSHES and wire_json.at(e.body, *_LISTS[e.operation]) == []


@sent.rule("RATE-010")
def does_not_probe(e: Exchange) -> Iterator[Yield]:
    """No call serves only to see whether the hub is alive."""
    if is_empty_push(e) and e.body.get("ActionType") != "fullLoad":
        yield finding(f"{e.body.get('ActionType')} without a single record", on=e)
    elif (
        e.operation is None
        and e.request.method.upper() != "POST"
        and (not looks_like_oicp(e.request.target) or not e.request.body.strip())
    ):
        yield finding(f"{e.request.method} {e.request.target} is no call of OICP", on=e)
