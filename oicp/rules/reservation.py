"""Reservations: served, kept as promised, refused to others, freed again (RESV-001, -004 to -007, -011, -013)."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from oicp import wire_json
from oicp.chargers import chargers
from oicp.deliveries import CDR
from oicp.evidence import Evidence, Exchange, Observation
from oicp.limits import limit
from oicp.occupied import charging_by_its_record
from oicp.reservations import (
    Reservation,
    accepted_on,
    pushed_status,
    refused_reservations,
    reservations,
    reservations_of,
    status_refused,
)
from oicp.rulebook import WARNING, Checked, Finding, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_delivery import calls_were_recorded, disturbed
from oicp.rules.remote_refusals import end_of, evse_of, remote_starts, stays_out_of_service, unknown_evse
from oicp.services import HUB_TO_CPO, RELEASE, RESERVE, START
from oicp.sessions import Session, folded, same_id, session, session_id_of
from oicp.unknowns import ORDER, OWN_HUB, TIMES

whole = rules_about_evidence()
_AFTER_S = 5.0
_FREED_S = 10.0
_EXPIRY_S = 60.0
_BROKE = frozenset(("OutOfService", "Unknown"))
_LOOK_BACK = 50
"""So many reservations of an EVSE are looked at for one."""
_NOT_SERVED = (404, 405, 501)
_CODE = "/StatusCode/Code"


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


def reserve_commands(evidence: Evidence, start: Exchange) -> list[Observation]:
    """What the charge point was told for this reservation."""
    found: list[Observation] = (
        chargers(evidence).of("reserve_received", evse_of(start)).between(start.t, end_of(start) + _AFTER_S)
    )
    return found


def accepted_by_charger(commands: list[Observation]) -> Observation | None:
    """The first command that the charge point took."""
    return next((o for o in commands if str(o.data.get("answer")) == "Accepted"), None)


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
    commands, evse_id, fleet = reserve_commands(evidence, start), evse_of(start), chargers(evidence)
    place: dict[str, Any] = {"on": start, "in_answer": True, "pointer": "/Result"}
    if unknown_evse(evidence, evse_id, start.t):
        yield finding(f"Result true for EVSE {evse_id}, which the CPO does not operate", **place)
    elif not evidence.run.truth or not fleet.known(evse_id):
        why = _taken_already(evidence, start)
        if why is not None:
            yield finding(f"Result true for an EVSE {why}", **place)
    elif accepted_by_charger(commands):
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


def _taken_already(evidence: Evidence, start: Exchange) -> str | None:
    """Why the CPO cannot have reserved the EVSE, by its own CDRs, statuses and other reservations."""
    evse_id = evse_of(start)
    other = charging_by_its_record(evidence, start)
    if other is not None:
        return f"where by its CDR session {other.session_id} was charging"
    there = reservations_of(evidence).get(folded(evse_id or ""), [])
    at = bisect_right(there, start.t, key=lambda own: own.begin)
    held = next(
        (
            own
            for own in there[max(0, at - _LOOK_BACK) : at]
            if _held_for_another(own, start) and _held_then(evidence, own)
        ),
        None,
    )
    if held is not None:
        return f"that was reserved for {held.session.evco_id} (exchange {held.start.number})"
    if stays_out_of_service(evidence, evse_id, start.t, end_of(start)):
        return "that by its own status was OutOfService before and after"
    return None


def _held_then(evidence: Evidence, own: Reservation) -> bool:
    """From its start to its end, as far as times or at least the order are known."""
    if TIMES in evidence.run.unknown:
        return own.how == "stopped" and ORDER not in evidence.run.unknown
    return True


def _held_for_another(own: Reservation, start: Exchange) -> bool:
    """This reservation of a driver of another provider held, by its Duration or by the stop that came later."""
    evco = wire_json.at(start.body, "Identification", "RemoteIdentification", "EvcoID")
    same = same_id(evco, own.session.evco_id) or same_id(start.body.get("ProviderID"), own.session.provider_id)
    during = own.begin < start.t and end_of(start) < own.end and own.how in ("expired", "stopped", "used")
    return during and not same


@whole.rule("RESV-005")
def reserved_is_pushed(evidence: Evidence) -> Iterator[Yield]:
    """While the reservation holds Reserved is pushed, afterwards the actual status."""
    least = limit(evidence, "reserved_push_s")
    for own in reservations(evidence):
        if any(isinstance(found, Finding) for found in _really_reserved(evidence, own.start)):
            continue  # nothing is reserved: RESV-004
        pushes, end = pushed_status(evidence, own.evse_id), min(own.end, evidence.t_end)
        if "Reserved" in (pushes.at(own.start.t), *pushes.between(own.start.t, end + 1)):
            yield Checked("RESV-005", "PushEvseStatus")
            yield from _late(evidence, own)
        elif not told_anything(evidence) or status_refused(evidence, own.evse_id, own.start.t, end + 1, "Reserved"):
            yield NotExercised("RESV-005", "no status of the CPO was recorded, or the hub did not take it")
            continue
        elif _BROKE & set(pushes.between(own.start.t, own.begin + least)):
            yield NotExercised("RESV-005", "the EVSE broke down before Reserved was due")
            continue
        elif end - own.begin >= least:
            yield finding(f"reserved for {end - own.begin:.0f} s, yet Reserved was never pushed", on=own.start)
            continue
        else:
            yield NotExercised("RESV-005", f"the reservation held less than {least:g} s")
            continue
        if own.how != "expired" or evidence.run.truth:  # else RESV-009
            yield from _shown_on(evidence, own)


def _shown_on(evidence: Evidence, own: Reservation) -> Iterator[Yield]:
    """The hub was left with Reserved although the EVSE was no longer."""
    later = own.end + _EXPIRY_S
    pushes = pushed_status(evidence, own.evse_id)
    state = chargers(evidence).of("connector_status", own.evse_id).at(min(later, evidence.t_end))
    told = {pushes.at(later), *pushes.between(own.end - _AFTER_S, later)}
    tried = status_refused(evidence, own.evse_id, own.end - _AFTER_S, later)
    over = evidence.t_end >= later and state != "Reserved" and next_soon(evidence, own) is None
    if over and not tried and told == {"Reserved"}:
        yield finding("Reserved was still pushed 60 s after the reservation had ended", on=own.start)


def told_anything(evidence: Evidence) -> bool:
    """What the CPO sends is in the recording, too: always where the hub recorded it."""
    return evidence.run.source in OWN_HUB or calls_were_recorded(evidence)


def next_soon(evidence: Evidence, own: Reservation) -> Reservation | None:
    """Another reservation of the EVSE that was accepted, maybe before anybody could see it free."""
    there = reservations_of(evidence).get(folded(own.evse_id), [])
    at = bisect_right(there, own.begin, key=lambda other: other.begin)
    return there[at] if at < len(there) and there[at].begin <= own.end + _EXPIRY_S else None


def _late(evidence: Evidence, own: Reservation) -> Iterator[Yield]:
    told = pushed_status(evidence, own.evse_id)
    first = told.when_next("Reserved", own.start.t)
    late = 0.0 if first is None or told.at(own.start.t) == "Reserved" else first - own.begin
    unknown = TIMES in evidence.run.unknown or disturbed(evidence, own.start.t, own.begin + late)
    if late > limit(evidence, "status_late_s") and not unknown:
        grade = None if late > limit(evidence, "status_missing_s") else WARNING
        yield finding(f"Reserved was pushed {late:.0f} s after the reservation was accepted", on=own.start, grade=grade)


@whole.rule("RESV-006")
def reserved_evse_is_for_its_holder(evidence: Evidence) -> Iterator[Yield]:
    """Another driver is refused on the reserved EVSE; the holder can start."""
    held = reservations_of(evidence)
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
    elif not _held_then(evidence, own) or not _still_held(evidence, own, start):
        return  # its time may have been over
    else:
        yield Checked("RESV-006", START)
        if start.accepted:
            yield finding(f"Result true for another driver on an EVSE reserved for {own.session.evco_id}", on=start)


def _still_held(evidence: Evidence, own: Reservation, start: Exchange) -> bool:
    """Where neither Duration nor stop tell the end, and nobody watched, the CPO tells it by the status."""
    if own.how != "open" or evidence.run.truth or start.t < own.begin + _EXPIRY_S:
        return True
    return pushed_status(evidence, own.evse_id).at(start.t) == "Reserved"


def _holder(evidence: Evidence, own: Reservation, start: Exchange) -> Iterator[Yield]:
    fleet, end = chargers(evidence), end_of(start)
    fit = fleet.plugged(own.evse_id, start.t, end) and fleet.online(own.evse_id, start.t, end)
    state = fleet.status(own.evse_id, start.t, end)
    if start.accepted:
        yield Checked("RESV-006", START)
    elif start.result is False and evidence.run.truth and fit and state not in ("Faulted", "Unavailable"):
        yield finding(f"the holder of the reservation was refused with {start.status_code}", on=start)
    elif start.status_code == "601" and not evidence.run.truth and _promised(evidence, own, start):
        yield finding("the holder of the reservation was refused with 601", on=start, in_answer=True, pointer=_CODE)


def _promised(evidence: Evidence, own: Reservation, e: Exchange) -> bool:
    """The reservation held when this request was answered: by its Duration, and the CPO had told nothing else."""
    told = pushed_status(evidence, own.evse_id).at(e.t)
    timed = own.minutes is not None and TIMES not in evidence.run.unknown
    return timed and own.begin < e.t and end_of(e) < own.end and told in (None, "Reserved")


@whole.rule("RESV-007", "RESV-013")
def reservation_stop_frees_what_it_names(evidence: Evidence) -> Iterator[Yield]:
    """A reservation stop frees the EVSE of its SessionID, or is refused and nothing changes."""
    by_id = {own.session.session_id: own for own in reservations(evidence)}
    for stop in evidence.about(RELEASE, direction=HUB_TO_CPO):
        own = session(evidence, session_id_of(stop))
        if stop.faults or stop.result is None or not session_id_of(stop):
            continue
        if own is None or own.start is None or own.kind != "reservation" or _refused(own):
            yield from _unknown_stop(evidence, stop)
        elif own.session_id in by_id and own.stops[0].number == stop.number:
            yield from _own_stop(evidence, stop, by_id[own.session_id])


def _refused(own: Session) -> bool:
    return own.start is not None and own.start.result is False and not own.accepted


def _unknown_stop(evidence: Evidence, stop: Exchange) -> Iterator[Yield]:
    own = session(evidence, session_id_of(stop))
    if evidence.run.source not in OWN_HUB and (own is None or own.start is None):
        return  # the reservation may be older than the recording
    yield Checked("RESV-007", RELEASE)
    cancelled = chargers(evidence).of("reserve_cancelled", evse_of(stop)).between(stop.t, end_of(stop) + _AFTER_S)
    if stop.accepted:
        yield finding("Result true for the SessionID of no reservation", on=stop, requirement="RESV-007")
    elif accepted_by_charger(cancelled) and not _stopped_meanwhile(evidence, stop):
        yield finding("refused, yet the reservation on that EVSE was cancelled", on=stop, requirement="RESV-007")


def _stopped_meanwhile(evidence: Evidence, stop: Exchange) -> bool:
    """Another stop, for the reservation itself, came so close that the cancellation may be its effect."""
    near = (s for own in reservations(evidence) if same_id(own.evse_id, evse_of(stop)) for s in own.session.stops)
    return any(stop.t - _FREED_S <= s.t <= end_of(stop) + _AFTER_S for s in near)


def _own_stop(evidence: Evidence, stop: Exchange, own: Reservation) -> Iterator[Yield]:
    fleet, end = chargers(evidence), end_of(stop)
    if own.minutes is not None and stop.t > own.begin + 60 * own.minutes:
        return
    if not evidence.run.truth:
        yield from _denied(evidence, stop, own)
        return
    cancelled = fleet.of("reserve_cancelled", own.evse_id).between(stop.t, end + _AFTER_S)
    at_charger = accepted_by_charger(reserve_commands(evidence, own.start)) is not None
    offline = at_charger and fleet.offline(own.evse_id, stop.t - 1, end)
    rejected = bool(cancelled) and not accepted_by_charger(cancelled)
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


def _denied(evidence: Evidence, stop: Exchange, own: Reservation) -> Iterator[Yield]:
    """Where nobody watched the charge points: the CPO says that it knows no such reservation."""
    billed = any(cdr.accepted and cdr.t < stop.t for cdr in own.session.cdrs)
    if stop.status_code == "400" and stop.result is False and _promised(evidence, own, stop) and not billed:
        yield finding(
            "a reservation that held was not freed: 400", on=stop, requirement="RESV-007", in_answer=True, pointer=_CODE
        )
    elif stop.accepted and pushed_status(evidence, own.evse_id).at(end_of(stop) + _EXPIRY_S) == "Available":
        yield Checked("RESV-007", RELEASE)


@whole.rule("RESV-011")
def a_refused_reservation_has_no_effect(evidence: Evidence) -> Iterator[Yield]:
    """For a reservation that was refused no CDR is sent and the EVSE is not held."""
    for own, start in refused_reservations(evidence):
        command = accepted_by_charger(reserve_commands(evidence, start)) if evidence.run.truth else None
        over = end_of(start) + _FREED_S
        if own.cdrs:
            yield finding(f"a CDR although the reservation was refused with {start.status_code}", on=own.cdrs[0])
        elif command is not None and not chargers(evidence).of("reserve_cancelled", own.evse_id).between(
            command.t, over
        ):
            if evidence.t_end >= over:
                yield finding("refused, yet the charge point was told to hold the EVSE", on=start)
        elif not evidence.run.truth and _held_all_the_same(evidence, start):
            yield finding("refused, yet Reserved was pushed for the EVSE right after", on=start)
        elif evidence.t_end - end_of(start) >= _AFTER_S:
            yield Checked("RESV-011", CDR)


def _held_all_the_same(evidence: Evidence, start: Exchange) -> bool:
    """Reserved was told at once, and 601 or 602 does not say that somebody else was quicker."""
    told, evse_id = pushed_status(evidence, evse_of(start) or ""), evse_of(start)
    if start.status_code in ("601", "602") or told.at(start.t) == "Reserved" or TIMES in evidence.run.unknown:
        return False
    others = (o for o in accepted_on(evidence).get(folded(evse_id or ""), ()) if o.operation == RESERVE)
    over = end_of(start) + _FREED_S
    return "Reserved" in told.between(start.t, over) and not any(
        end_of(o) > start.t - _FREED_S for o in others if o.t < over
    )
