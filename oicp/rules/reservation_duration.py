"""How long a reservation lasts: for its Duration, and no longer (RESV-003, RESV-009)."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime

from oicp.chargers import Timeline, chargers
from oicp.evidence import Evidence, Observation
from oicp.reservations import Reservation, accepted_on, pushed_status, reservations, status_refused
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence
from oicp.rules.reservation import accepted_by_charger, next_soon, reserve_commands
from oicp.services import RESERVE
from oicp.sessions import folded
from oicp.unknowns import TIMES

whole = rules_about_evidence()
_FREED_S = 10.0
_EXPIRY_S = 60.0


def _expiry(command: Observation) -> float | None:
    """Second of the recording at which the charge point lets the reservation go."""
    value = command.data.get("expiry")
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if read is None or read.tzinfo is None:
        return None
    return command.t + (read - command.at).total_seconds()


@whole.rule("RESV-003")
def duration_is_in_minutes(evidence: Evidence) -> Iterator[Yield]:
    """The reservation lasts the given number of minutes."""
    for own in reservations(evidence):
        command = accepted_by_charger(reserve_commands(evidence, own.start)) if evidence.run.truth else None
        expiry = _expiry(command) if command else None
        if own.minutes is None or own.start.faults:
            continue
        if expiry is not None:
            yield Checked("RESV-003", RESERVE)
            lasts = expiry - own.start.t
            if abs(lasts - own.minutes * 60) > _EXPIRY_S:
                yield finding(
                    f"Duration {own.minutes} minutes, the charge point was told {lasts:.0f} s",
                    on=own.start,
                    pointer="/Duration",
                )
        elif own.how == "withdrawn" and own.end < own.begin + own.minutes * 60 - _EXPIRY_S:
            yield finding(
                f"Duration {own.minutes} minutes, taken back after {own.end - own.begin:.0f} s",
                on=own.start,
                pointer="/Duration",
            )
        elif not evidence.run.truth and (freed := _given_free(evidence, own)) is not None:
            yield finding(
                f"Duration {own.minutes} minutes, Available was pushed after {freed - own.begin:.0f} s",
                on=own.start,
                pointer="/Duration",
            )


def _given_free(evidence: Evidence, own: Reservation) -> float | None:
    """When the CPO told Available right after Reserved although nothing had ended the reservation, nor ended it just then."""
    told = pushed_status(evidence, own.evse_id)
    reserved = told.when_next("Reserved", own.start.t)
    freed = None if reserved is None or reserved > own.end else _left(told, reserved)
    if freed is None or freed >= own.end - _EXPIRY_S or TIMES in evidence.run.unknown:
        return None
    again = told.when_next("Reserved", freed)
    asked = any(stop.t < freed + _FREED_S for stop in own.session.stops)
    given_away = any(
        e.number != own.start.number and own.begin <= e.t <= freed
        for e in accepted_on(evidence).get(folded(own.evse_id), ())
    )
    return None if asked or given_away or (again is not None and again < own.end) else freed


def _left(told: Timeline[str], reserved: float) -> float | None:
    """When Available followed Reserved; None where the holder came by other ways (Occupied), or the EVSE broke down."""
    at = bisect_right(told.times, reserved)
    while at < len(told.times) and told.values[at] == "Reserved":
        at += 1
    return told.times[at] if at < len(told.times) and told.values[at] == "Available" else None


@whole.rule("RESV-009")
def expiry_frees_the_evse(evidence: Evidence) -> Iterator[Yield]:
    """After Duration the EVSE is free again without a stop."""
    for own in reservations(evidence):
        over = own.end + _EXPIRY_S
        if own.how != "expired":
            continue
        again = next_soon(evidence, own)
        if again is not None or evidence.t_end < over:
            freed = pushed_status(evidence, own.evse_id).when_next("Available", own.end - _FREED_S)
            if freed is not None and freed < (again.begin if again else evidence.t_end):
                yield Checked("RESV-009", RESERVE)
            continue
        if not evidence.run.truth and status_refused(evidence, own.evse_id, own.end - _FREED_S, over):
            continue  # it was told, and the hub did not take it
        yield Checked("RESV-009", RESERVE)
        state = chargers(evidence).of("connector_status", own.evse_id).steady(own.end, over)
        if state == "Reserved" or pushed_status(evidence, own.evse_id).steady(own.end, over) == "Reserved":
            told = f"still reserved {_EXPIRY_S:g} s after {own.minutes} minutes were over"
            yield finding(told, on=own.start, also=() if evidence.run.truth else ("RESV-005",))
