"""Codes and texts of refusals (ACK-010)."""

from collections.abc import Iterator

from oicp import wire_json
from oicp.chargers import chargers, record_of
from oicp.evidence import Evidence, Exchange
from oicp.occupied import charged, charging_by_its_record
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import unknown_evse
from oicp.rules.told_refusals import other_medium, spelled_otherwise, starts_taken, unknown_though_own
from oicp.services import HUB_TO_CPO
from oicp.sessions import same_id, session, session_id_of
from oicp.unknowns import OWN_HUB, TIMES
from oicp.variants import variant_of

whole = rules_about_evidence()
_STARTS, _STOPS = ("AuthorizeRemoteStart",), ("AuthorizeRemoteStop",)
_RESERVATION = "AuthorizeRemoteReservationStart"
_STEADY_S, _LATELY_S = 1.0, 300.0
"""A vehicle waits so long already; nobody else tried to charge for so long."""
_BY_VARIANT: dict[str, frozenset[str]] = {
    "unknown-evse": frozenset(("603",)),
    "foreign-evse": frozenset(("603",)),
    "private-evse": frozenset(("604", "603")),
    "unknown-session": frozenset(("400",)),
    "finished-session": frozenset(("400",)),
    "foreign-provider": frozenset(("400",)),
    "wrong-evse": frozenset(("400", "603")),
    "unknown-evse-stop": frozenset(("400", "603")),
}
_ODD = frozenset(("HTTP-021", "RSTART-001", "RSTART-003", "HTTP-011", "HTTP-015", "HTTP-016", "ID-006"))


@whole.rule("ACK-010")
def refuses_with_the_fitting_code(evidence: Evidence) -> Iterator[Yield]:
    """A refused start or stop names its cause by the code, and has a text."""
    for e in evidence.about(*_STARTS, *_STOPS, direction=HUB_TO_CPO):
        variant = variant_of(e)
        if (
            e.faults
            or e.result is not False
            or not e.sent.is_object
            or (variant and not _ODD.isdisjoint(variant.requirements))
        ):
            continue
        fitting = _fitting(evidence, e)
        code, text = e.status_code, wire_json.at(e.answer_body, "StatusCode", "Description")
        shown = code or "no code that can be read"
        if fitting and code not in fitting:
            told = f"refused with {shown}, fitting is {' or '.join(sorted(fitting))}"
            yield finding(told, on=e, pointer="/StatusCode/Code", in_answer=True, requirement="ACK-010")
        elif not fitting and (untrue := _untrue(evidence, e)) is not None:
            yield finding(
                f"refused with {shown}: {untrue}",
                on=e,
                pointer="/StatusCode/Code",
                in_answer=True,
                requirement="ACK-010",
            )
        elif not isinstance(text, str) or not text.strip():
            told = f"refused with {shown} and no Description"
            yield finding(told, on=e, pointer="/StatusCode/Description", in_answer=True, requirement="ACK-010")
        else:
            yield Checked("ACK-010", e.operation or "")


def _fitting(evidence: Evidence, e: Exchange) -> set[str]:
    """Codes that name a cause of this refusal; empty where nobody can tell the cause."""
    variant = variant_of(e)
    codes = set(_BY_VARIANT.get(variant.name, ())) if variant else set()
    evse = e.body.get("EvseID")
    evse_id = evse if isinstance(evse, str) else None
    if e.operation in _STARTS:
        return codes | _causes_of_start(evidence, e, evse_id)
    return codes | _causes_of_stop(evidence, e, evse_id)


def _causes_of_start(evidence: Evidence, e: Exchange, evse_id: str | None) -> set[str]:
    fleet, t = chargers(evidence), e.t
    end = t if e.t_end is None else e.t_end
    codes: set[str] = set()
    if unknown_evse(evidence, evse_id, t):
        return {"603"}
    if not evidence.run.truth:
        return {"602", "601"} if charging_by_its_record(evidence, e) else codes
    if fleet.of("transaction", evse_id).at(t) and fleet.running(evse_id, t, t):
        codes |= {"602", "601"}
    states = {fleet.of("connector_status", evse_id).at(t), fleet.of("connector_status", evse_id).at(end)}
    if states & {"Faulted", "Unavailable"}:
        codes |= {"700", "501"}
    if "Reserved" in states:
        codes |= {"601", "602"}
    if fleet.offline(evse_id, t, t) or not fleet.online(evse_id, t, end):
        codes |= {"501", "700"}
    if fleet.plugged(evse_id, t, t) is False:
        codes |= {"510"} if codes or _asked(evidence, e, evse_id) is None else {"510", "501", "700"}
    if record_of(evidence, evse_id, t).get("IsHubjectCompatible") is False:
        codes |= {"604"}
    asked = _asked(evidence, e, evse_id)
    if asked is not None and asked != "Accepted":
        codes |= {"501", "700", "602", "601", "510"} if not codes else {"501"}
    if codes and fleet.of_its_point("charge_point_status_delivered", evse_id).at(t) in ("Faulted", "Unavailable"):
        codes |= {"501", "700"}  # connector 0 alone: a cause for whoever goes by it, none for the others
    return codes


def _untrue(evidence: Evidence, e: Exchange) -> str | None:
    """The cause this code names does not hold, as far as that can be seen."""
    if unknown_though_own(evidence, e):
        return None if spelled_otherwise(evidence, e) else "the data of this EVSE are at the hub"
    if other_medium(e) and starts_taken(evidence):
        return "neither a card nor a QR code is in the request"
    if e.operation in _STOPS:
        return _charging_still(evidence, e)
    return _no_hindrance(evidence, e)


def _charging_still(evidence: Evidence, stop: Exchange) -> str | None:
    """400 for a session that by its own record charged on long after this stop of its provider."""
    own = session(evidence, stop.session_id)
    span = charged(own) if own is not None and own.accepted and not evidence.run.truth else None
    if own is None or span is None or stop.status_code != "400" or stop.t_end is None or TIMES in evidence.run.unknown:
        return None
    held = span[0] < stop.t and stop.t_end + _STEADY_S < span[1]
    mine = same_id(own.provider_id, stop.body.get("ProviderID"))
    return "by its own charge detail record the session was charging" if held and mine else None


def _no_hindrance(evidence: Evidence, e: Exchange) -> str | None:
    """A waiting vehicle at an EVSE that nobody else wanted lately."""
    evse, end = e.body.get("EvseID"), e.t if e.t_end is None else e.t_end
    evse_id = evse if isinstance(evse, str) else None
    fleet = chargers(evidence)
    waits = evidence.run.truth and fleet.status(evse_id, e.t, end) == "Preparing"
    if e.operation not in _STARTS or not waits or not fleet.online(evse_id, e.t - _STEADY_S, end):
        return None
    if e.status_code == "510" and fleet.status(evse_id, e.t - _STEADY_S, end) == "Preparing":
        return "a vehicle is connected"
    if e.status_code in ("601", "602") and not _wanted(evidence, e, evse_id, e.t - _LATELY_S, end):
        return "nobody else uses or has reserved the EVSE"
    return None


def _wanted(evidence: Evidence, e: Exchange, evse_id: str | None, begin: float, end: float) -> bool:
    """Somebody else charged there, or tried to, from `begin` to `end`, and may still be thought to be there."""
    there = chargers(evidence).of("transaction", evse_id)
    before = there.at(begin)
    lately = [*there.between(begin, end), *([before] if before is not None and before.runs_at(begin) else [])]
    if not all(t.t_stop is not None and _billed(evidence, t.session_id, e.t) for t in lately):
        return True
    starts = evidence.about(*_STARTS, _RESERVATION, direction=HUB_TO_CPO)
    others = [s for s in starts if begin < s.t <= end and s.number != e.number]
    return any(same_id(s.body.get("EvseID"), evse_id) and not _gone(evidence, s, e.t) for s in others)


def _gone(evidence: Evidence, start: Exchange, t: float) -> bool:
    """Nothing was left of an earlier start at second `t`: billed, or rejected by the charge point and refused."""
    evse = start.body.get("EvseID")
    rejected = _asked(evidence, start, evse if isinstance(evse, str) else None) == "Rejected"
    ended = start.t_end is not None and start.t_end < t
    return _billed(evidence, session_id_of(start), t) or (start.result is False and rejected and ended)


def _billed(evidence: Evidence, session_id: str | None, t: float) -> bool:
    """The hub took the record of this session well before second `t`."""
    own = session(evidence, session_id)
    return own is not None and any(c.accepted and c.t_end is not None and c.t_end < t - _STEADY_S for c in own.cdrs)


def _asked(evidence: Evidence, e: Exchange, evse_id: str | None) -> str | None:
    """What the charge point answered to the command of this start; None where it got none."""
    end = e.t if e.t_end is None else e.t_end
    found = chargers(evidence).of("remote_start_received", evse_id).between(e.t, end)
    return str(found[-1].data.get("answer")) if found else None


def _causes_of_stop(evidence: Evidence, e: Exchange, evse_id: str | None) -> set[str]:
    own = session(evidence, e.session_id)
    fleet = chargers(evidence)
    if session_id_of(e) is None:
        return {"400", "022"}
    if (own is None or own.start is None) and evidence.run.source not in OWN_HUB:
        return set()  # it may have begun before the recording
    if own is None or own.start is None or not own.accepted:
        return {"400"}
    codes: set[str] = set()
    if any(c.accepted and (e.t if c.t_end is None else c.t_end) < e.t for c in own.cdrs):
        return {"400"}
    running = next((x for x in own.transactions if x.runs_at(e.t)), None)
    if running is None and evidence.run.truth:
        codes |= {"400", "501", "510"} if not own.transactions else {"400"}
    if evse_id and not same_id(evse_id, own.evse_id):
        codes |= {"400", "603"}
    end = e.t if e.t_end is None else e.t_end
    if not fleet.online(own.evse_id, e.t, end):
        codes |= {"501", "700"}
    commands = fleet.of("remote_stop_received", own.evse_id).between(e.t, end)
    if commands and commands[-1].data.get("answer") != "Accepted":
        codes |= {"501", "700"}
    return codes
