"""What the CPO does after answers that are no success (HTTP-017 to HTTP-020, RATE-007, PUSH-013, ACK-012)."""

import re
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache

from oicp import deliveries
from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.outages import TRANSIENT, abandoned, cpo_down, hub_down, undelivered
from oicp.repeats import contents, fate, records_of
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.sessions import folded, sessions
from oicp.status_codes import TEXTS

whole = rules_about_evidence()


@lru_cache(maxsize=8)
def _times_sent(evidence: Evidence) -> list[float]:
    return [e.t for e in evidence.exchanges if e.by_cpo]


def _went_on(evidence: Evidence, t: float) -> bool:
    """The CPO sent something after second `t`."""
    times = _times_sent(evidence)
    return bisect_right(times, t) < len(times)


def _end(e: Exchange) -> float:
    return e.t if e.t_end is None else e.t_end


def _repeated(
    evidence: Evidence, requirement: str, chosen: Callable[[Exchange], bool], what: Callable[[Exchange], str]
) -> Iterator[Yield]:
    """Messages of the CPO that are `chosen` by their answer must be accepted later; grace: limit `repeat_s`."""
    grace = limit(evidence, "repeat_s")
    for e in evidence.exchanges:
        if not e.by_cpo or not chosen(e) or not contents(e):
            continue
        found = fate(evidence, e)
        back = hub_down(evidence).end_of(cpo_down(evidence).end_of(_end(e)))
        if found.settled:
            yield Checked(requirement, e.operation or "")
        elif found.attempts:
            continue  # it goes on trying: its last attempt is looked at
        elif evidence.t_end - back < grace:
            told = f"the recording ended before the {grace:g} s for a repeat were over"
            doubt = finding(f"after {what(e)} the content was not sent again so far", on=e)
            early = evidence.t_end - back < limit(evidence, "doubt_s")
            yield NotExercised(requirement, told, incomplete=True, doubt=None if early else doubt)
        else:
            told = f"after {what(e)} the content was not sent again within {grace:g} s"
            yield finding(told, on=e, requirement=requirement)


def _without_result(e: Exchange) -> bool:
    body = e.answer_body
    return (
        e.answer is not None
        and "Result" not in body
        and ("StatusCode" in body or "validationErrors" in body or "message" in body)
    )


def _nobodys(e: Exchange) -> bool:
    """A notification of no operator: 001 is its own fault (NOTIF-004), and stays so."""
    return e.operation == "ChargingNotifications" and not e.body.get("OperatorID")


@whole.rule("HTTP-017")
def understands_errors_without_result(evidence: Evidence) -> Iterator[Yield]:
    """After an error body without Result the backend goes on, and repeats what a transient code stopped."""
    for e in evidence.exchanges:
        if e.by_cpo and _without_result(e) and _went_on(evidence, _end(e)):
            yield Checked("HTTP-017", e.operation or "")
    yield from _repeated(
        evidence, "HTTP-017", lambda e: _without_result(e) and e.status_code in TRANSIENT and e.http_status != 429 and not _nobodys(e),
        lambda e: f"HTTP {e.http_status} with code {e.status_code} and no Result",
    )  # fmt: skip


@whole.rule("HTTP-018")
def result_false_is_a_failure(evidence: Evidence) -> Iterator[Yield]:
    """HTTP 200 with Result false and a transient code is followed by a repeat."""
    yield from _repeated(
        evidence, "HTTP-018", lambda e: e.http_status == 200 and e.result is False and e.status_code in TRANSIENT,
        lambda e: f"HTTP 200 with Result false and code {e.status_code}",
    )  # fmt: skip


def _no_json(e: Exchange) -> bool:
    if e.answer is None or e.http_status == 429:
        return False
    odd_charset = "8859" in (e.answer_header("Content-Type") or "")
    # a refusal of the content in an odd charset is still a refusal: the same content need not come again
    for_now = (e.http_status or 0) >= 500 or e.http_status == 408 or e.status_code in TRANSIENT
    return e.answered.error is not None or (odd_charset and not e.accepted and for_now)


@whole.rule("HTTP-019")
def survives_answers_that_are_no_json(evidence: Evidence) -> Iterator[Yield]:
    """After HTML, empty bodies and odd charsets the message stays pending."""
    yield from _repeated(
        evidence, "HTTP-019", _no_json, lambda e: f"HTTP {e.http_status} with a body that is no OICP message"
    )


@whole.rule("HTTP-020")
def goes_on_after_failures(evidence: Evidence) -> Iterator[Yield]:
    """After connection failures, timeouts, 408 and 5xx new messages are sent once the hub is back."""
    spans = list(_failures(evidence))
    reasons = sorted(_things_to_say(evidence))
    for at, (begin, end) in enumerate(spans):
        until = spans[at + 1][0] if at + 1 < len(spans) else evidence.t_end
        times = _times_sent(evidence)
        first = bisect_right(times, end)
        if first < len(times) and times[first] <= until:
            yield Checked("HTTP-020", "any")
            continue
        patience = max(limit(evidence, "quiet_after_outage_s"), 2 * (end - begin))
        due = bisect_right(reasons, end)
        if due < len(reasons) and until - max(end, reasons[due]) >= patience and not _restarted(evidence, end, until):
            told = f"nothing was sent any more in the {until - end:.0f} s after a failure of {end - begin:.0f} s, though there was something to say"
            yield finding(told, requirement="HTTP-020")
        elif at + 1 == len(spans):
            yield NotExercised(
                "HTTP-020",
                "the recording ended too soon after a failure to say whether the backend goes on",
                incomplete=True,
            )


@whole.rule("HTTP-020")
def goes_on_sending_records(evidence: Evidence) -> Iterator[Yield]:
    """A record that failed does not keep all later ones away, while everything else goes on."""
    sent = [e for e in evidence.about("ChargeDetailRecord") if e.by_cpo]
    ended = sorted(t for own in sessions(evidence) if own.accepted and (t := deliveries.due(own)) is not None)
    for at, last in enumerate(sent):
        if not undelivered(last) or last.http_status == 429:
            continue
        until = sent[at + 1].t if at + 1 < len(sent) else deliveries.watched_until(evidence)
        breaks = (*cpo_down(evidence).spans, *hub_down(evidence).spans)
        until = min([until, *(begin for begin, _ in breaks if begin > _end(last))])
        patience = limit(evidence, "quiet_after_outage_s")
        due = ended[bisect_right(ended, _end(last)) : bisect_right(ended, until - patience)]
        if len(due) > 1:
            told = f"no record was sent any more in the {until - _end(last):.0f} s after one that failed, though {len(due)} sessions ended"
            yield finding(told, on=last, requirement="HTTP-020")


def _failures(evidence: Evidence) -> Iterator[tuple[float, float]]:
    """Outages: the hub down, or messages in a row without a usable answer (from the first to the end of the last)."""
    spans = [*hub_down(evidence).spans]
    begun: tuple[float, float] | None = None
    for e in evidence.exchanges:
        if not e.by_cpo:
            continue
        if undelivered(e) and e.http_status != 429:
            begun = (begun[0] if begun else e.t, _end(e))
        elif begun:
            spans.append(begun)
            begun = None
    if begun:
        spans.append(begun)
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    yield from merged


def _things_to_say(evidence: Evidence) -> Iterator[float]:
    """Seconds at which every backend has something to send: a status that was delivered, a transaction that ended."""
    for o in evidence.seen("transaction_stop_delivered", "connector_status_delivered"):
        yield o.t


def _restarted(evidence: Evidence, begin: float, end: float) -> bool:
    return cpo_down(evidence).touch(begin, end)


def _limited(e: Exchange) -> bool:
    return e.http_status == 429


@whole.rule("RATE-007")
def repeats_what_was_limited(evidence: Evidence) -> Iterator[Yield]:
    """A message refused with 429 is repeated until it is accepted or obsolete."""
    yield from _repeated(evidence, "RATE-007", _limited, lambda e: "HTTP 429")


# --- refused pushes ---------------------------------------------------------------------------------------------------

_PUSHES = ("PushEvseData", "PushEvseStatus")
_INDEX = re.compile(r"[Rr]ecord\[(\d+)\]")


def _refused(e: Exchange) -> bool:
    """Refused for its content: HTTP 400 or Result false, not for a passing reason."""
    if e.answer is None or e.status_code in TRANSIENT | {"017", "210", "300"}:
        return False
    return e.http_status in (400, 422) or e.result is False


def _bad_records(e: Exchange) -> set[str] | None:
    """Folded EvseIDs the answer complains of; None where it does not say."""
    text = e.answer.body.decode("utf-8", "replace") if e.answer else ""
    rows = {i: folded(ident) for i, ident, _ in records_of(e)}
    named = {rows[int(i)] for i in _INDEX.findall(text) if int(i) in rows}
    named |= {folded(ident) for _, ident, _ in records_of(e) if ident in text}
    return named or None


@whole.rule("PUSH-013")
def isolates_the_bad_record(evidence: Evidence) -> Iterator[Yield]:
    """After a refused push the records that were not bad reach the hub."""
    grace = limit(evidence, "repeat_s")
    for e in evidence.about(*_PUSHES):
        if not e.by_cpo or not _refused(e) or len(records_of(e)) < 2 or e.body.get("ActionType") == "delete":
            continue
        bad = _bad_records(e)
        left = [key[1] for key in fate(evidence, e).open_parts if isinstance(key, tuple)]
        good_left = [i for i in left if bad is None or i not in bad]
        everything = len(left) == len({folded(i) for _, i, _ in records_of(e)})
        if not good_left or (bad is None and not everything):
            yield Checked("PUSH-013", e.operation or "")
        elif evidence.t_end - _end(e) < grace:
            doubt = finding("the records that were not refused were not sent again so far", on=e)
            early = evidence.t_end - _end(e) < limit(evidence, "doubt_s")
            told = f"less than {grace:g} s were recorded after a refused push"
            yield NotExercised("PUSH-013", told, incomplete=True, doubt=None if early else doubt)
        else:
            code = f"code {e.status_code}" if e.status_code else f"HTTP {e.http_status}"
            told = f"{len(good_left)} good records of a refused push ({code}) did not reach the hub within {grace:g} s"
            yield finding(told, on=e, requirement="PUSH-013")


# --- decision by code, not by text --------------------------------------------------------------------------------------

_ONCE = ("PushEvseData", "PushEvseStatus", "ChargeDetailRecord", "ChargingNotifications")
_AT_ONCE_S = 60.0


@whole.rule("ACK-012")
def decides_by_code(evidence: Evidence) -> Iterator[Yield]:
    """A success with an odd text is not repeated as if it had failed."""
    accepted = [e for e in evidence.about(*_ONCE) if e.by_cpo and e.accepted and not e.faults and not abandoned(e)]
    again = _repeats(evidence)
    usual = {e.operation for e in accepted if not _odd_text(e) and e.number in again}
    calm = _not_repeated(evidence, accepted, again)
    for e in accepted:
        if not _odd_text(e) or e.operation in usual:
            continue
        repeat = again.get(e.number)
        if repeat is not None:
            if str(_description(e)) in calm:
                continue  # elsewhere the same text was taken for the success it is
            told = f"accepted (000) with Description {_description(e)!r}, yet sent again as exchange {repeat}; with the usual text it is not repeated"
            yield finding(told, on=e, requirement="ACK-012")
        elif _went_on(evidence, _end(e)):
            yield Checked("ACK-012", e.operation or "")


def _not_repeated(evidence: Evidence, accepted: list[Exchange], again: dict[int, int]) -> set[str]:
    """Texts of answers after which the CPO went on for good without a repeat."""
    repeats = set(again.values())
    return {
        str(_description(e)) for e in accepted
        if e.number not in again and e.number not in repeats and e.body.get("ActionType") != "fullLoad"
        and _went_on(evidence, _end(e) + _AT_ONCE_S)
    }  # fmt: skip


def _description(e: Exchange) -> object:
    code = e.answer_body.get("StatusCode")
    return code.get("Description") if isinstance(code, dict) else None


def _odd_text(e: Exchange) -> bool:
    return _description(e) != TEXTS.get("000")


@lru_cache(maxsize=8)
def _repeats(evidence: Evidence) -> dict[int, int]:
    """Exchanges whose very bytes the CPO sent again soon for no other reason, with the number of the repeat."""
    found: dict[int, int] = {}
    last: dict[Hashable, Exchange] = {}
    for e in evidence.about(*_ONCE):
        keys = contents(e) if e.by_cpo else ()
        before = last.get(keys[0]) if keys else None
        if before is None or not _same_again(before, e) or any(last.get(k) is not before for k in keys):
            before = None
        if before is not None and not _had_a_reason(evidence, before, e):
            found[before.number] = e.number
        last.update(dict.fromkeys(keys, e))
    return found


def _same_again(before: Exchange, e: Exchange) -> bool:
    full = e.body.get("ActionType") == "fullLoad"  # may come again at any time
    return not full and before.request.body == e.request.body and e.t - _end(before) <= _AT_ONCE_S


def _had_a_reason(evidence: Evidence, before: Exchange, e: Exchange) -> bool:
    """A restart, or for a status something the charge point reported: many backends push without looking for a change."""
    if cpo_down(evidence).touch(before.t, e.t):
        return True
    if e.operation != "PushEvseStatus":
        return False
    told = [chargers(evidence).of("connector_status_delivered", ident) for _, ident, _ in records_of(e)]
    return any(not table.times or table.between(before.t - 0.2, e.t) for table in told)
