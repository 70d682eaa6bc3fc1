"""Offsets and clocks of the CPO (TIME-003, TIME-005)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from oicp.chargers import record_of
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.messages.times import moment
from oicp.moments import second_of
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.zones import offsets_at

whole = rules_about_evidence()
_TIMES = ("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd", "EventOccurred", "EventOccured")
_ENDS = ("SessionEnd", "ChargingEnd")


@whole.rule("TIME-003")
def writes_the_local_offset(evidence: Evidence) -> Iterator[Yield]:
    """Timestamps of CDRs and notifications carry the local offset of the charge point at that moment."""
    for e in evidence.about("ChargeDetailRecord", "ChargingNotifications"):
        evse_id = e.body.get("EvseID")
        if not e.by_cpo or not isinstance(evse_id, str):
            continue
        record = record_of(evidence, evse_id, e.t)
        for name in _TIMES:
            at = moment(e.body.get(name))
            allowed = offsets_at(record, at) if at else frozenset()
            if at is None:
                continue  # TIME-001
            if not allowed:
                yield NotExercised("TIME-003", "the time zone of some charge points is not known")
            else:
                yield from _offset(e, name, str(e.body[name]), at, allowed)


def _offset(e: Exchange, name: str, text: str, at: datetime, allowed: frozenset[timedelta]) -> Iterator[Yield]:
    used = at.utcoffset() or timedelta(0)
    if used in allowed:
        if text[-1] not in "Zz":
            yield Checked("TIME-003", e.operation or "")
        return
    shown = " or ".join(sorted(_shown(offset) for offset in allowed))
    told = f"{name} {text}: the local offset at {at.astimezone(UTC):%Y-%m-%dT%H:%MZ} is {shown}"
    yield finding(told, on=e, pointer=f"/{name}", requirement="TIME-003", contested=not used)


def _shown(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


@whole.rule("TIME-005")
def keeps_its_clock_right(evidence: Evidence) -> Iterator[Yield]:
    """No end time of a CDR lies in the future when it is sent."""
    room = limit(evidence, "clock_s")
    for e in evidence.about("ChargeDetailRecord"):
        ends = [(name, t) for name in _ENDS if (t := second_of(e, e.body.get(name))) is not None]
        if not e.by_cpo or not ends:
            continue
        name, latest = max(ends, key=lambda pair: pair[1])
        if latest > e.t + room:
            told = f"{name} lies {latest - e.t:.0f} s in the future when the CDR is sent"
            yield finding(told, on=e, pointer=f"/{name}", requirement="TIME-005")
        else:
            yield Checked("TIME-005", "ChargeDetailRecord")
