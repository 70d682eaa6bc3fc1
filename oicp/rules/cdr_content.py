"""What a CDR says against what the EVSE did: end, energy, readings (CDR-005, -021, -024, -025, -029, -039)."""

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from oicp import wire_json
from oicp.chargers import chargers, record_of
from oicp.deliveries import CDR, due
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.messages.cdr_laws import unit_mistake
from oicp.moments import decimals, kwh, number, second_of
from oicp.reservations import reservations
from oicp.rulebook import WARNING, Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_sessions import cdrs_of_sessions
from oicp.rules.remote_start import stray_commands
from oicp.sessions import Session, folded, same_id, sessions

whole = rules_about_evidence()
_EXACT = Decimal("0.001")
_NOISE = Decimal("0.0005")
_ENDED_S = 0.5
_NO_TRUTH = "no virtual charge point measured what was charged"


def charging_cdrs(evidence: Evidence) -> Iterator[tuple[Exchange, Session]]:
    """CDRs of charging sessions that virtual charge points saw."""
    if evidence.run.truth:
        for cdr, own in cdrs_of_sessions(evidence, "remote", "rfid"):
            if own.accepted and (own.transactions or chargers(evidence).known(own.evse_id)):
                yield cdr, own


def flows_after(own: Session, t: float) -> bool:
    """Energy flows in the session after second `t`, at once or again."""
    for transaction in own.transactions:
        for _, end in transaction.t_energy:
            if end is None or end > t + _ENDED_S:
                return True
        if not transaction.t_energy and not (transaction.t_stop and transaction.t_stop <= t + _ENDED_S):
            return transaction.energy_wh != 0
    return False


def _cancelled_before(own: Session, t: float) -> bool:
    """A stop was accepted and the session closed before the CPO heard of any transaction: RSTOP-011 judges what followed."""
    unheard = all(x.t_start_delivered is None or x.t_start_delivered > t for x in own.transactions)
    return unheard and any(stop.accepted and stop.t < t for stop in own.stops)


@whole.rule("CDR-005")
def cdr_comes_after_the_end_of_charging(evidence: Evidence) -> Iterator[Yield]:
    """The CDR is not sent before the charging process on the EVSE has ended."""
    if not evidence.run.truth:
        yield NotExercised("CDR-005", _NO_TRUTH)
    for cdr, own in charging_cdrs(evidence):
        if not own.transactions or _cancelled_before(own, cdr.t):
            continue
        yield Checked("CDR-005", CDR)
        again = len(own.starts) > 1 and not any(t.runs_at(cdr.t) for t in own.transactions)  # RSTART-015
        if flows_after(own, cdr.t) and not again:
            yield finding("sent while the EVSE was charging, or before it charged on", on=cdr)


# --- energy ----------------------------------------------------------------------------------------------------------


def _reset(own: Session) -> bool:
    return any((t.energy_wh or 0) < 0 for t in own.transactions)


def _guessed(evidence: Evidence, cdr: Exchange, own: Session) -> bool:
    """The CPO could not know the end: the charge point was offline when the CDR was first sent."""
    told, sent = due(own), min([cdr.t, *(c.t for c in own.cdrs)])
    late = bool(own.transactions) and (told is None or told > sent)
    return late and any(not chargers(evidence).online(t.evse_id, sent, sent) for t in own.transactions)


def measured(own: Session) -> Decimal | None:
    """Energy of the session in kWh as metered; None while it runs or where a meter was reset."""
    energies = [t.energy_wh for t in own.transactions]
    if any(e is None or e < 0 for e in energies):
        return None
    return kwh(sum(e for e in energies if e is not None))


def rounded(said: Decimal, real: Decimal) -> bool:
    """`said` is `real` with fewer decimals, but at least one."""
    places = decimals(said)
    if not 1 <= places <= 2:
        return False
    step = Decimal(1).scaleb(-places)
    return any(real.quantize(step, mode) == said for mode in (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN))


def agrees(said: Decimal, real: Decimal) -> bool:
    """Equal within 0.001 kWh and the rounding of the third decimal."""
    return abs(said - real) <= _EXACT + _NOISE


@lru_cache(maxsize=8)
def _before_on_evse(evidence: Evidence) -> dict[str, Session]:
    """SessionID -> the session that charged on the same EVSE just before."""
    found: dict[str, Session] = {}
    last: dict[str, Session] = {}
    charging = [s for s in sessions(evidence) if s.transactions and s.kind in ("remote", "rfid")]
    for own in sorted(charging, key=lambda s: s.transactions[0].t_start):
        key = folded(own.transactions[0].evse_id)
        if key in last:
            found[own.session_id] = last[key]
        last[key] = own
    return found


@whole.rule("CDR-024", "CDR-021", "CDR-029")
def energy_is_what_the_evse_metered(evidence: Evidence) -> Iterator[Yield]:
    """ConsumedEnergy is what the EVSE delivered in the session, and no energy is billed twice."""
    if not evidence.run.truth:
        yield NotExercised("CDR-024", _NO_TRUTH)
    for cdr, own in charging_cdrs(evidence):
        said, real = number(cdr.body.get("ConsumedEnergy")), measured(own)
        if said is None or flows_after(own, cdr.t) or _guessed(evidence, cdr, own):
            continue
        if said < 0:
            yield NotExercised("CDR-024", "a negative amount is reported as CDR-017", incomplete=True)
        elif _reset(own) or real is None:
            yield NotExercised("CDR-024", "the meter was reset, or the transaction never ended")
        elif own.transactions or not (stray_commands(evidence) or _nobodys(evidence, own)):
            yield from _compared(evidence, cdr, own, said, real)


def _nobodys(evidence: Evidence, own: Session) -> bool:
    """Something charged on the EVSE since the start that belongs to no session: perhaps to this one."""
    since = own.start.t if own.start else 0.0
    later = chargers(evidence).of("transaction", own.evse_id).between(since, evidence.t_end)
    return any(t.session_id is None for t in later)


def _compared(evidence: Evidence, cdr: Exchange, own: Session, said: Decimal, real: Decimal) -> Iterator[Yield]:
    before = _before_on_evse(evidence).get(own.session_id)
    yield Checked("CDR-024", CDR)
    if before is not None and before.cdrs:
        yield Checked("CDR-029", CDR)
    if agrees(said, real) or (said == 0 and _under_reservation(evidence, own, real)):
        return
    more: dict[str, Any] = {"on": cdr, "pointer": "/ConsumedEnergy"}
    if real and _in_wh(said, real) and not _shows_wh(cdr):
        yield finding(f"{said} is the energy in Wh, not in kWh", requirement="CDR-021", **more)
    text = f"the EVSE metered {real} kWh, the CDR says {said}"
    if rounded(said, real):
        yield finding(text + " (rounded)", requirement="CDR-024", grade=WARNING, **more)
        return
    both = before is not None and agrees(said, real + (measured(before) or 0)) and measured(before)
    if before is not None and both:
        yield from _mixed(cdr, own, before, said)
        if _reads_before(cdr, own, before):
            yield NotExercised(
                "CDR-024", "the energy of two sessions in one CDR is reported as CDR-029", incomplete=True
            )
            return
    yield finding(text, requirement="CDR-024", **more)


def _in_wh(said: Decimal, real: Decimal) -> bool:
    return agrees(said, real * 1000) or said == real * 1000


def _shows_wh(cdr: Exchange) -> bool:
    """The record itself shows that something in it is in Wh, so that its field law reports it (CDR-021)."""
    said, start, end = (number(cdr.body.get(n)) for n in ("ConsumedEnergy", "MeterValueStart", "MeterValueEnd"))
    metered = end - start if start is not None and end is not None and end >= start else None
    return said is not None and unit_mistake(said, metered) is not None


def _mixed(cdr: Exchange, own: Session, before: Session, said: Decimal) -> Iterator[Yield]:
    """Alone it is a wrong amount (CDR-024 leads); a reading from the session before shows that sessions were mixed."""
    shows = _reads_before(cdr, own, before)
    yield finding(
        f"{said} kWh are the energy of this session and of the one before ({before.session_id})",
        on=cdr, requirement="CDR-029", pointer="/MeterValueStart" if shows else "/ConsumedEnergy",
        also=("CDR-024",) if shows else (),
    )  # fmt: skip


def _under_reservation(evidence: Evidence, own: Session, real: Decimal) -> bool:
    """The energy was billed under the SessionID of a reservation on the same EVSE: RESV-010 says so."""
    held = (r.session for r in reservations(evidence) if same_id(r.evse_id, own.evse_id))
    energies = (number(cdr.body.get("ConsumedEnergy")) for s in held for cdr in s.cdrs)
    return any(e is not None and agrees(e, real) for e in energies)


def _reads_before(cdr: Exchange, own: Session, before: Session) -> bool:
    """MeterValueStart is the reading at the start of the session before."""
    start, first = number(cdr.body.get("MeterValueStart")), before.transactions[0].meter_start_wh
    return start is not None and agrees(start, kwh(first)) and first != own.transactions[0].meter_start_wh


# --- readings --------------------------------------------------------------------------------------------------------


@whole.rule("CDR-025", "CDR-021")
def readings_are_those_of_the_meter(evidence: Evidence) -> Iterator[Yield]:
    """Meter values are readings of the EVSE's meter in this session."""
    for cdr, own in charging_cdrs(evidence):
        if not own.transactions or measured(own) is None or flows_after(own, cdr.t) or _guessed(evidence, cdr, own):
            continue
        low = kwh(min(t.meter_start_wh for t in own.transactions))
        high = kwh(max(t.meter_stop_wh or 0 for t in own.transactions))
        start, end = number(cdr.body.get("MeterValueStart")), number(cdr.body.get("MeterValueEnd"))
        if start is not None and end is not None and end < start:
            continue  # CDR-020
        for name, said, real in (("MeterValueStart", start, low), ("MeterValueEnd", end, high)):
            if said is None:
                continue
            yield Checked("CDR-025", CDR)
            if not agrees(said, real) and not rounded(said, real):
                yield from _misread(cdr, name, said, real, low)
        if start is not None and agrees(start, low):
            yield from _between(cdr, low, high)


def _misread(cdr: Exchange, name: str, said: Decimal, real: Decimal, low: Decimal) -> Iterator[Yield]:
    told = f"the meter stood at {real} kWh, {name} is {said}"
    if not (real and _in_wh(said, real)):
        more = ", counted from the start of the session" if agrees(said, real - low) and low != 0 else ""
        yield finding(told + more, on=cdr, pointer=f"/{name}", requirement="CDR-025")
    elif not _shows_wh(cdr):
        yield finding(told + ": Wh", on=cdr, pointer=f"/{name}", requirement="CDR-021")


def _between(cdr: Exchange, low: Decimal, high: Decimal) -> Iterator[Yield]:
    values = wire_json.at(cdr.body, "MeterValueInBetween", "meterValues")
    for at, value in enumerate(values if isinstance(values, list) else ()):
        said = number(value)
        if said is not None and not low - Decimal("0.01") <= said <= high + Decimal("0.01"):
            yield finding(
                f"the meter went from {low} to {high} kWh, a value in between is {said}",
                on=cdr, pointer=f"/MeterValueInBetween/meterValues/{at}", requirement="CDR-025",
            )  # fmt: skip
            return


# --- plausibility ----------------------------------------------------------------------------------------------------


@whole.rule("CDR-039")
def energy_is_plausible_for_the_evse(evidence: Evidence) -> Iterator[Yield]:
    """ConsumedEnergy is not more than about 120 % of rated power times charging time."""
    for cdr, own in cdrs_of_sessions(evidence, "remote", "rfid", "unknown"):
        evse_id = cdr.body.get("EvseID")
        power = rated_kw(evidence, evse_id if isinstance(evse_id, str) else own.evse_id, cdr.t)
        said = number(cdr.body.get("ConsumedEnergy"))
        begin, end = second_of(cdr, cdr.body.get("ChargingStart")), second_of(cdr, cdr.body.get("ChargingEnd"))
        if power is None or said is None or begin is None or end is None or end < begin:
            continue
        most = power * Decimal("1.2") * Decimal((end - begin + 2) / 3600)
        if evidence.run.truth and not own.transactions and chargers(evidence).known(str(evse_id)):
            continue  # whatever it is that was billed here, CDR-024 judges it
        real = measured(own) if evidence.run.truth else None
        if _shows_wh(cdr) or (real and _in_wh(said, real)):
            continue  # CDR-021
        timeless = begin == end and _flowed_s(own) >= limit(evidence, "time_notice_s")
        if real is not None and real > most and not timeless:
            most = real * Decimal("1.2")  # scaled power: the virtual vehicle itself drew more than the record allows
        yield Checked("CDR-039", CDR)
        if said > most:
            yield finding(
                f"{said} kWh in {end - begin:.0f} s at an EVSE of {power} kW", on=cdr, pointer="/ConsumedEnergy"
            )


def _flowed_s(own: Session) -> float:
    """For how long energy flowed in the session."""
    return sum(end - begin for t in own.transactions for begin, end in t.t_energy if end is not None)


def rated_kw(evidence: Evidence, evse_id: str | None, t: float) -> Decimal | None:
    """The most an EVSE delivers, by the record of its data."""
    facilities = record_of(evidence, evse_id, t).get("ChargingFacilities")
    powers = [number(wire_json.at(f, "Power")) for f in facilities] if isinstance(facilities, list) else []
    return max((p for p in powers if p is not None and p > 0), default=None)
