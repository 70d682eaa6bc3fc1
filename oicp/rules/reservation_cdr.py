"""The CDR of a reservation: after its end, with its own SessionID, EVSE, driver and product (RESV-008, -010, -012, -014, -015)."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

from oicp import wire_json
from oicp.chargers import chargers
from oicp.deliveries import CDR, cdr_grace, watched_until
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.moments import has_energy, number, second_of
from oicp.reservations import Reservation, pushed_status, reservations, reservations_of
from oicp.rulebook import INFO, WARNING, Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_delivery import disturbed
from oicp.rules.cdr_sessions import cdrs_of_sessions, compare_driver, compare_product, identifications
from oicp.rules.remote_refusals import end_of
from oicp.rules.reservation import told_anything
from oicp.services import RELEASE
from oicp.sessions import Session, folded, same_id, sessions
from oicp.unknowns import TIMES

whole = rules_about_evidence()
_AT_ONCE_S = 5.0
_CLOCKS_S = 300.0
"""Clocks of CPO and recorder differ less."""


@whole.rule("RESV-008")
def a_stopped_reservation_gets_its_cdr(evidence: Evidence) -> Iterator[Yield]:
    """After a reservation stop that was accepted a CDR with the SessionID of the reservation is sent."""
    for own in reservations(evidence):
        stop = next((s for s in own.session.stops if s.accepted and not s.faults), None)
        if own.session.cdrs:
            yield Checked("RESV-008", RELEASE)
        elif stop is not None:
            yield from _missing(evidence, own, stop)
        elif own.how in ("expired", "used") and evidence.t_end - own.end > cdr_grace(evidence):
            yield finding(f"no CDR for a reservation that was {own.how}; none is demanded", on=own.start, grade=INFO)


def _missing(evidence: Evidence, own: Reservation, stop: Exchange) -> Iterator[Yield]:
    waited, grace = watched_until(evidence) - end_of(stop), cdr_grace(evidence)
    if not told_anything(evidence):
        yield NotExercised("RESV-008", "nothing that the CPO sends was recorded")
        return
    if disturbed(evidence, own.begin, end_of(stop) + grace):
        return
    if waited > grace:
        yield finding(f"no CDR within {waited:.0f} s after the stop of the reservation", on=stop)
    else:
        yield NotExercised("RESV-008", f"the recording ended {waited:.0f} s after the stop of a reservation")


def _holders_session(own: Reservation, charging: list[Session]) -> Session | None:
    at = bisect_left(charging, own.begin, key=lambda s: s.start.t if s.start else 0.0)
    return next((s for s in islice(charging, at, None) if same_id(s.evco_id, own.session.evco_id)), None)


@whole.rule("RESV-010", "RESV-008")
def reservation_and_charging_are_billed_apart(evidence: Evidence) -> Iterator[Yield]:
    """Energy is billed under the SessionID of the charging session, never under that of the reservation."""
    charging: dict[str, list[Session]] = {}
    for own in sessions(evidence):
        if own.kind == "remote" and own.accepted:
            charging.setdefault(folded(own.evse_id or ""), []).append(own)
    for held in reservations(evidence):
        after = _holders_session(held, charging.get(folded(held.evse_id), []))
        energies = [(c, number(c.body.get("ConsumedEnergy"))) for c in held.session.cdrs]
        billed = next(((c, e) for c, e in energies if e is not None and e > 0), None)
        if billed is not None:
            cdr, energy = billed
            yield finding(
                f"{energy} kWh under the SessionID of a reservation", on=cdr, pointer="/ConsumedEnergy",
                requirement="RESV-010" if after else "RESV-008",
            )  # fmt: skip
        elif after is not None and after.cdrs:
            yield Checked("RESV-010", CDR)
        yield from _told_of_charging(held)


def _told_of_charging(held: Reservation) -> Iterator[Yield]:
    """A notification that energy flows, under the SessionID of the reservation."""
    for told in held.session.notifications:
        kind = told.body.get("Type")
        if told.by_cpo and (kind in ("Start", "Progress") or has_energy(told)):
            yield finding(
                f"a {kind} notification under the SessionID of a reservation", on=told, pointer="/SessionID",
                requirement="RESV-010",
            )  # fmt: skip
            return


@whole.rule("RESV-012")
def reservation_cdr_comes_after_its_end(evidence: Evidence) -> Iterator[Yield]:
    """The CDR of a reservation is sent after the reservation has ended."""
    for own in reservations(evidence):
        for cdr in own.session.cdrs[:1]:
            yield Checked("RESV-012", CDR)
            if cdr.t < own.end and _holds(evidence, own, cdr.t):
                yield finding(f"sent {cdr.t - own.begin:.0f} s after the reservation began, while it held", on=cdr)
            elif _late(evidence, own, cdr):
                yield finding(
                    f"sent {cdr.t - own.end:.0f} s after the stop; 10 s are a fair limit", on=cdr, grade=WARNING
                )


def _late(evidence: Evidence, own: Reservation, cdr: Exchange) -> bool:
    over = cdr.t - own.end > limit(evidence, "cdr_soon_s")
    return over and own.how == "stopped" and not cdr.faults and not disturbed(evidence, own.end, cdr.t)


def _holds(evidence: Evidence, own: Reservation, t: float) -> bool:
    """What can be seen says that the reservation held at second `t`."""
    at_charger = chargers(evidence).of("connector_status", own.evse_id).at(t) == "Reserved"
    pushed = pushed_status(evidence, own.evse_id).at(t) == "Reserved"
    if not at_charger and _ended_otherwise(evidence, own, t):
        return False
    promised = own.minutes is not None or own.how == "stopped"
    return at_charger or pushed or t - own.begin < _AT_ONCE_S or promised


def _ended_otherwise(evidence: Evidence, own: Reservation, t: float) -> bool:
    """By the pushed status the holder came by other ways than a remote start, or the EVSE broke down."""
    told = pushed_status(evidence, own.evse_id)
    reserved = told.when_last("Reserved", t)
    return reserved is not None and reserved >= own.start.t and told.at(t) in ("Occupied", "OutOfService", "Unknown")


@whole.rule("RESV-014", "RESV-015")
def reservation_cdr_names_evse_driver_product(evidence: Evidence) -> Iterator[Yield]:
    """The CDR of a reservation has EVSE, driver and product of the reservation start."""
    for cdr, own in cdrs_of_sessions(evidence, "reservation"):
        said = cdr.body.get("EvseID")
        if isinstance(said, str) and own.evse_id:
            yield Checked("RESV-014", CDR)
            if not same_id(said, own.evse_id):
                yield finding(
                    f"reserved was {own.evse_id}, the CDR says {said}",
                    on=cdr,
                    requirement="RESV-014",
                    pointer="/EvseID",
                )
        driver = wire_json.at(identifications(cdr), "RemoteIdentification", "EvcoID")
        if isinstance(driver, str) and own.evco_id:
            yield Checked("RESV-014", CDR)
            yield from compare_driver(
                cdr, own.evco_id, driver, "RESV-014", "/Identification/RemoteIdentification/EvcoID"
            )
        elif len(identifications(cdr)) == 1 and driver is None:
            kind = next(iter(identifications(cdr)))
            yield finding(
                f"the driver is identified by {kind}", on=cdr, requirement="RESV-014", pointer=f"/Identification/{kind}"
            )
        yield from compare_product(cdr, own, "RESV-015")
        yield from _times(evidence, cdr, own)


def _times(evidence: Evidence, cdr: Exchange, own: Session) -> Iterator[Yield]:
    """The record spans the reservation: it does not end before that began, nor begin after it was over."""
    there = reservations_of(evidence).get(folded(own.evse_id or ""), [])
    held = next((r for r in there if r.session.session_id == own.session_id), None)
    first, last = (second_of(cdr, cdr.body.get(name)) for name in ("SessionStart", "SessionEnd"))
    if held is None or TIMES in evidence.run.unknown or first is None or last is None:
        return
    for name, seconds in (("SessionEnd", held.start.t - last), ("SessionStart", first - min(held.end, cdr.t))):
        if seconds > _CLOCKS_S:
            side = "before the reservation began" if name == "SessionEnd" else "after it was over"
            yield finding(f"{name} lies {seconds:.0f} s {side}", on=cdr, requirement="RESV-014", pointer=f"/{name}")
