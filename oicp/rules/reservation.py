"""Reservations: served, kept as promised, refused to others, freed again (RESV-001, -003 to -007, -009, -011, -013)."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from oicp import wire_json
from oicp.chargers import chargers
from oicp.deliveries import CDR
from oicp.evidence import Evidence, Exchange, Observation
from oicp.limits import limit
from oicp.reservations import RELEASE, RESERVE, Reservation, pushed_status, refused_reservations, reservations
from oicp.rulebook import Checked, Finding, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import START, end_of, evse_of, remote_starts, unknown_evse
from oicp.services import HUB_TO_CPO
from oicp.sessions import folded, same_id, session, session_id_of

whole = rules_about_evidence()
_AFTER_S = 5.0
_FREED_S = 10.0
_EXPIRY_S = 60.0
_NOT_SERVED = (404, 405, 501)


@whole.rule("RESV-001")
def reservation_endpoints_are_served(evidence: Evidence) -> Iterator[Yield]:
    """reservation-start-request and reservation-stop-request are served below /reservation/v11."""
    for exchange in evidence.about(RESERVE, RELEASE, direction=HUB_TO_CPO):
        if exchange.faults or exchange.answer is None:
            continue
        yield Checked("RESV-001", exchange.operation or "")
        if "/reservation/v11/providers/" not in exchange.request.target:
            yield finding(f"served at another place: {exchange.request.target}", on=exchange)
        elif exchange.answer.http_status in _NOT_SERVED and exchange.result is None:
            yield finding(f"HTTP {exchange.http_status} for {exchange.request.target}", on=exchange)


def _reserve_commands(evidence: Evidence, start: Exchange) -> list[Observation]:
    found: list[Observation] = (
        chargers(evidence).of("reserve_received", evse_of(start)).between(start.t, end_of(start) + _AFTER_S)
    )
    return found


def _accepted(commands: list[Observation]) -> Observation | None:
    return next((o for o in commands if str(o.data.get("answer")) == "Accepted"), None)


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
        command = _accepted(_reserve_commands(evidence, own.start)) if evidence.run.truth else None
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


@whole.rule("RESV-004")
def says_yes_only_if_it_is_reserved(evidence: Evidence) -> Iterator[Yield]:
    """Result true is given only if the EVSE is reserved."""
    for start in evidence.about(RESERVE, direction=HUB_TO_CPO):
        if start.faults or start.result is None:
            continue
        if start.result is False:
            yield Checked("RESV-004", RESERVE)
        elif start.accepted:
            yield from _really_reserved(evidence, start)


def _really_reserved(evidence: Evidence, start: Exchange) -> Iterator[Yield]:
    commands, evse_id, fleet = _reserve_commands(evidence, start), evse_of(start), chargers(evidence)
    place: dict[str, Any] = {"on": start, "in_answer": True, "pointer": "/Result"}
    if unknown_evse(evidence, evse_id, start.t):
        yield finding(f"Result true for EVSE {evse_id}, which the CPO does not operate", **place)
    elif not evidence.run.truth or not fleet.known(evse_id):
        return
    elif _accepted(commands):
        yield Checked("RESV-004", RESERVE)
    elif commands:
        yield finding(f"Result true although the charge point answered {commands[-1].data.get('answer')}", **place)
    elif fleet.offline(evse_id, start.t - 1, end_of(start)):
        yield finding("Result true for an EVSE whose charge point had no connection", **place)
    elif fleet.running(evse_id, start.t, end_of(start)):
        yield finding("Result true for an EVSE on which another session was charging", **place)
    elif (state := fleet.status(evse_id, start.t, end_of(start))) in ("Faulted", "Unavailable"):
        yield finding(f"Result true for an EVSE that was {state}", **place)
    elif "Reserved" in pushed_status(evidence, evse_id or "").between(start.t, evidence.t_end):
        yield Checked("RESV-004", RESERVE)  # reserved in the backend only


@whole.rule("RESV-005")
def reserved_is_pushed(evidence: Evidence) -> Iterator[Yield]:
    """While the reservation holds Reserved is pushed, afterwards the actual status."""
    least = limit(evidence, "reserved_push_s")
    for own in reservations(evidence):
        if any(isinstance(found, Finding) for found in _really_reserved(evidence, own.start)):
            continue  # nothing is reserved: RESV-004
        pushes, end = pushed_status(evidence, own.evse_id), min(own.end, evidence.t_end)
        if "Reserved" in pushes.between(own.start.t, end + 1):
            yield Checked("RESV-005", "PushEvseStatus")
        elif end - own.begin >= least:
            yield finding(f"reserved for {end - own.begin:.0f} s, yet Reserved was never pushed", on=own.start)
            continue
        else:
            yield NotExercised("RESV-005", f"the reservation held less than {least:g} s")
            continue
        later = own.end + _EXPIRY_S
        state = chargers(evidence).of("connector_status", own.evse_id).at(min(later, evidence.t_end))
        if evidence.t_end >= later and pushes.at(later) == "Reserved" and state != "Reserved":
            yield finding("Reserved was still pushed 60 s after the reservation had ended", on=own.start)


@whole.rule("RESV-006")
def reserved_evse_is_for_its_holder(evidence: Evidence) -> Iterator[Yield]:
    """Another driver is refused on the reserved EVSE; the holder can start."""
    held: dict[str, list[Reservation]] = {}
    for own in reservations(evidence):
        held.setdefault(folded(own.evse_id), []).append(own)
    for start in remote_starts(evidence) if held else ():
        there = held.get(folded(evse_of(start) or ""), [])
        at = bisect_right(there, start.t, key=lambda own: own.begin)
        if at and start.t <= there[at - 1].end:
            yield from _during(evidence, there[at - 1], start)


def _during(evidence: Evidence, own: Reservation, start: Exchange) -> Iterator[Yield]:
    evco = wire_json.at(start.body, "Identification", "RemoteIdentification", "EvcoID")
    if same_id(evco, own.session.evco_id):
        yield from _holder(evidence, own, start)
    elif same_id(start.body.get("ProviderID"), own.session.provider_id) or start.result is None:
        return  # whether the CPO tells drivers of one provider apart is open
    elif end_of(start) > own.end and own.how != "lapsed":
        return  # it ended just then
    else:
        yield Checked("RESV-006", START)
        if start.accepted:
            yield finding(f"Result true for another driver on an EVSE reserved for {own.session.evco_id}", on=start)


def _holder(evidence: Evidence, own: Reservation, start: Exchange) -> Iterator[Yield]:
    fleet, end = chargers(evidence), end_of(start)
    fit = fleet.plugged(own.evse_id, start.t, end) and fleet.online(own.evse_id, start.t, end)
    state = fleet.status(own.evse_id, start.t, end)
    if start.accepted:
        yield Checked("RESV-006", START)
    elif start.result is False and evidence.run.truth and fit and state not in ("Faulted", "Unavailable"):
        yield finding(f"the holder of the reservation was refused with {start.status_code}", on=start)


@whole.rule("RESV-007", "RESV-013")
def reservation_stop_frees_what_it_names(evidence: Evidence) -> Iterator[Yield]:
    """A reservation stop frees the EVSE of its SessionID, or is refused and nothing changes."""
    by_id = {own.session.session_id: own for own in reservations(evidence)}
    for stop in evidence.about(RELEASE, direction=HUB_TO_CPO):
        own = session(evidence, session_id_of(stop))
        if stop.faults or stop.result is None or not session_id_of(stop):
            continue
        if own is None or own.start is None or own.kind != "reservation":
            yield from _unknown_stop(evidence, stop)
        elif own.session_id in by_id and own.stops[0].number == stop.number:
            yield from _own_stop(evidence, stop, by_id[own.session_id])


def _unknown_stop(evidence: Evidence, stop: Exchange) -> Iterator[Yield]:
    if evidence.run.source not in ("run", "serve"):
        return
    yield Checked("RESV-007", RELEASE)
    cancelled = chargers(evidence).of("reserve_cancelled", evse_of(stop)).between(stop.t, end_of(stop) + _AFTER_S)
    if stop.accepted:
        yield finding("Result true for the SessionID of no reservation", on=stop, requirement="RESV-007")
    elif _accepted(cancelled) and not _stopped_meanwhile(evidence, stop):
        yield finding("refused, yet the reservation on that EVSE was cancelled", on=stop, requirement="RESV-007")


def _stopped_meanwhile(evidence: Evidence, stop: Exchange) -> bool:
    """Another stop, for the reservation itself, came so close that the cancellation may be its effect."""
    near = (s for own in reservations(evidence) if same_id(own.evse_id, evse_of(stop)) for s in own.session.stops)
    return any(stop.t - _FREED_S <= s.t <= end_of(stop) + _AFTER_S for s in near)


def _own_stop(evidence: Evidence, stop: Exchange, own: Reservation) -> Iterator[Yield]:
    fleet, end = chargers(evidence), end_of(stop)
    if not evidence.run.truth or (own.minutes is not None and stop.t > own.begin + 60 * own.minutes):
        return
    cancelled = fleet.of("reserve_cancelled", own.evse_id).between(stop.t, end + _AFTER_S)
    at_charger = _accepted(_reserve_commands(evidence, own.start)) is not None
    offline = at_charger and fleet.offline(own.evse_id, stop.t - 1, end)
    rejected = bool(cancelled) and not _accepted(cancelled)
    if offline or rejected:
        yield Checked("RESV-013", RELEASE)
        if stop.accepted:
            why = "the charge point had no connection" if offline else "the charge point did not cancel it"
            yield finding(f"Result true although {why}", on=stop, requirement="RESV-013")
    elif stop.accepted:
        held = fleet.of("connector_status", own.evse_id).steady(stop.t, end + _FREED_S) == "Reserved"
        if held and evidence.t_end >= end + _FREED_S:
            yield finding(
                f"Result true, yet the EVSE was still reserved {_FREED_S:g} s later", on=stop, requirement="RESV-007"
            )
        elif not held:
            yield Checked("RESV-007", RELEASE)
    elif own.how not in ("used", "withdrawn") and fleet.online(own.evse_id, stop.t, end):
        yield finding(f"a reservation that held was not freed: {stop.status_code}", on=stop, requirement="RESV-007")


@whole.rule("RESV-009")
def expiry_frees_the_evse(evidence: Evidence) -> Iterator[Yield]:
    """After Duration the EVSE is free again without a stop."""
    for own in reservations(evidence):
        over = own.end + _EXPIRY_S
        if own.how != "expired" or evidence.t_end < over:
            continue
        yield Checked("RESV-009", RESERVE)
        state = chargers(evidence).of("connector_status", own.evse_id).steady(own.end, over)
        if state == "Reserved" or pushed_status(evidence, own.evse_id).steady(own.end, over) == "Reserved":
            yield finding(f"still reserved {_EXPIRY_S:g} s after {own.minutes} minutes were over", on=own.start)


@whole.rule("RESV-011")
def a_refused_reservation_has_no_effect(evidence: Evidence) -> Iterator[Yield]:
    """For a reservation that was refused no CDR is sent and the EVSE is not held."""
    for own, start in refused_reservations(evidence):
        command = _accepted(_reserve_commands(evidence, start)) if evidence.run.truth else None
        over = end_of(start) + _FREED_S
        if own.cdrs:
            yield finding(f"a CDR although the reservation was refused with {start.status_code}", on=own.cdrs[0])
        elif command is not None and not chargers(evidence).of("reserve_cancelled", own.evse_id).between(
            command.t, over
        ):
            if evidence.t_end >= over:
                yield finding("refused, yet the charge point was told to hold the EVSE", on=start)
        elif evidence.t_end - end_of(start) >= _AFTER_S:
            yield Checked("RESV-011", CDR)
