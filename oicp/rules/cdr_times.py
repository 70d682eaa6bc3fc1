"""Times of a CDR against the clock and against what the EVSE did (CDR-015, -016)."""

from collections.abc import Iterator
from dataclasses import dataclass

from oicp.chargers import chargers
from oicp.deliveries import CDR
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.moments import second_of
from oicp.rulebook import INFO, Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_content import charging_cdrs, flows_after
from oicp.rules.cdr_delivery import cdrs
from oicp.rules.remote_start import stray_commands
from oicp.sessions import Session, session, session_id_of
from oicp.unknowns import TIMES

whole = rules_about_evidence()
_NAMES = ("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd")
_CLOCKS_S = 2.0
_SAME_SHIFT_S = 60.0
_NO_CLOCK_S = 600.0
"""No clock is that wrong; a time zone is."""


def _ahead(cdr: Exchange) -> float | None:
    """By how many seconds SessionEnd lies after the moment of sending."""
    said = second_of(cdr, cdr.body.get("SessionEnd"))
    return None if said is None else said - cdr.t


@whole.rule("CDR-015")
def session_end_is_not_in_the_future(evidence: Evidence) -> Iterator[Yield]:
    """SessionEnd lies before the moment the CDR is sent."""
    for cdr in cdrs(evidence):
        ahead = _ahead(cdr)
        if ahead is None:
            continue
        yield Checked("CDR-015", CDR)
        if ahead > _CLOCKS_S:
            yield finding(f"SessionEnd lies {ahead:.0f} s after the CDR was sent", on=cdr, pointer="/SessionEnd")


@dataclass(frozen=True, slots=True)
class _Window:
    """Seconds between which a time of the CDR may lie."""

    begin: float
    end: float

    def off(self, t: float) -> float:
        """Seconds outside of the window; negative if too early."""
        return t - self.begin if t < self.begin else max(0.0, t - self.end)


def _windows(evidence: Evidence, cdr: Exchange, own: Session) -> dict[str, _Window]:
    """The windows of all readings of the text: transaction or flow of energy, time of the event or of its arrival."""
    first, last = own.transactions[0], own.transactions[-1]
    plug = chargers(evidence).of("plug", first.evse_id)
    plugged, unplugged = plug.when_last(True, first.t_start), plug.when_next(False, first.t_start)
    started = own.start.t if own.start else first.t_start
    arrived = max(first.t_start, first.t_start_delivered or 0.0)
    begun = max(arrived, min((t.t_first_energy for t in own.transactions if t.t_first_energy), default=arrived))
    stopped = last.t_stop if last.t_stop is not None else cdr.t
    over = max(stopped, last.t_stop_delivered or stopped)
    flowed = min(stopped, max((t.t_last_energy for t in own.transactions if t.t_last_energy), default=stopped))
    left = cdr.t if unplugged is None else min(unplugged, cdr.t)
    widest = _Window(min(started, first.t_start if plugged is None else plugged), max(over, left))
    if not any((t.energy_wh or 0) > 0 for t in own.transactions):
        return dict.fromkeys(_NAMES, widest)
    return {
        "ChargingStart": _Window(first.t_start, begun),
        "ChargingEnd": _Window(flowed, over),
        "SessionStart": _Window(widest.begin, begun),
        "SessionEnd": _Window(flowed, widest.end),
    }


@whole.rule("CDR-016")
def times_agree_with_what_the_evse_did(evidence: Evidence) -> Iterator[Yield]:
    """Each of the four times lies within what the EVSE reported."""
    if not evidence.run.truth:
        yield NotExercised("CDR-016", "no virtual charge point saw when it charged")
        yield from _long_before_the_start(evidence)
    for cdr, own in charging_cdrs(evidence):
        if own.transactions and not flows_after(own, cdr.t) and own.transactions[-1].t_stop is not None:
            yield from _judged(evidence, cdr, _windows(evidence, cdr, own))
        elif not own.transactions and not stray_commands(evidence) and own.start is not None:
            yield from _within_session(evidence, cdr, own, own.start.t)


def _long_before_the_start(evidence: Evidence) -> Iterator[Yield]:
    """The wire alone tells when a session was started: nothing ended before, and no charging began. Clocks of recorders differ by less."""
    for cdr in cdrs(evidence) if TIMES not in evidence.run.unknown else ():
        own = session(evidence, session_id_of(cdr))
        if own is None or own.kind != "remote" or not own.accepted or own.start is None:
            continue  # a charge point that was offline let the card charge before the hub was asked
        for name in ("ChargingStart", "ChargingEnd", "SessionEnd"):
            said = second_of(cdr, cdr.body.get(name))
            if said is not None and said < own.start.t - _NO_CLOCK_S:
                told = f"{name} lies {own.start.t - said:.0f} s before the start of the session (exchange {own.start.number})"
                yield finding(told, on=cdr, pointer=f"/{name}", requirement="CDR-016")
                break


def _within_session(evidence: Evidence, cdr: Exchange, own: Session, began: float) -> Iterator[Yield]:
    """Without a transaction only the window of the session counts."""
    plug = chargers(evidence).of("plug", own.evse_id)
    plugged = plug.when_last(True, began)
    window = _Window(began if plugged is None else plugged, max(cdr.t, began))
    yield from _judged(evidence, cdr, dict.fromkeys(_NAMES, window))


def _judged(evidence: Evidence, cdr: Exchange, windows: dict[str, _Window]) -> Iterator[Yield]:
    off: dict[str, float] = {}
    for name, window in windows.items():
        said = second_of(cdr, cdr.body.get(name))
        if said is not None:
            off[name] = window.off(said)
    if not off:
        return
    yield Checked("CDR-016", CDR)
    ahead = _ahead(cdr) or 0.0
    if ahead > _CLOCKS_S and all(abs(o - ahead) < _SAME_SHIFT_S for o in off.values()):
        yield NotExercised("CDR-016", "all times lie in the future by the same span: CDR-015", incomplete=True)
        return
    if ahead > _CLOCKS_S:
        off.pop("SessionEnd", None)
    wrong = {name: o for name, o in off.items() if abs(o) > limit(evidence, "time_tolerance_s")}
    near = {name: o for name, o in off.items() if abs(o) > limit(evidence, "time_notice_s")}
    if wrong or near:
        listed = ", ".join(f"{n} {abs(o):.0f} s too {'early' if o < 0 else 'late'}" for n, o in (wrong or near).items())
        first = next(iter(wrong or near))
        yield finding(listed, on=cdr, pointer=f"/{first}", requirement="CDR-016", grade=None if wrong else INFO)
