"""Remote starts that must be refused: unknown, occupied, reserved, faulted, unreachable EVSE (RSTART-004, -006 to -010, -012)."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from oicp.chargers import chargers, pushed_records, record_of
from oicp.evidence import Evidence, Exchange
from oicp.evse_states import DOWN
from oicp.limits import limit
from oicp.moments import number
from oicp.occupied import charging_by_its_record
from oicp.reservations import pushed_status
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.services import CPO_TO_HUB, HUB_TO_CPO, START, STOP
from oicp.sessions import folded, opened, same_id, session, session_id_of, sessions
from oicp.transactions import Transaction
from oicp.unknowns import ORDER, TIMES
from oicp.variants import expects_refusal, variant_of

whole = rules_about_evidence()
_TOUCHED_S = 5.0


def remote_starts(evidence: Evidence, *, faulted: bool = False) -> Iterator[Exchange]:
    """Remote starts of the hub that no fault touched, oldest first."""
    for start in evidence.about(START, direction=HUB_TO_CPO):
        if faulted or not start.faults:
            yield start


def end_of(exchange: Exchange) -> float:
    """Second at which the answer was there, or at which the recorder gave up."""
    return exchange.t + 60.0 if exchange.t_end is None else exchange.t_end


def evse_of(exchange: Exchange) -> str | None:
    """EvseID of a request, None where it is no text."""
    value = exchange.body.get("EvseID")
    return value if isinstance(value, str) else None


def path_served(evidence: Evidence) -> bool:
    """The CPO acknowledged at least one remote request; if not, every other answer is a matter of paths and HTTP."""
    return any(e.result is not None for e in evidence.about(START, STOP, direction=HUB_TO_CPO))


def unknown_evse(evidence: Evidence, evse_id: str | None, t: float) -> bool:
    """The CPO operates no such EVSE: it is neither in the fleet nor in its data at the hub, and one of both is known."""
    pushed = pushed_records(evidence)
    if evse_id is None or not (chargers(evidence).points or _full_load_at(evidence) < t):
        return False
    own = pushed.get(folded(evse_id))
    return not chargers(evidence).known(evse_id) and (own is None or own.at(t) is None)


@lru_cache(maxsize=8)
def _full_load_at(evidence: Evidence) -> float:
    """When the CPO had first told all its EVSEs."""
    loads = (e.t for e in evidence.about("PushEvseData") if e.accepted and e.body.get("ActionType") == "fullLoad")
    return next(loads, float("inf"))


def intruded(evidence: Evidence, start: Exchange) -> Transaction | None:
    """The transaction of another session that ran on the EVSE when the start came, and that the CPO knew of."""
    fleet, evse_id = chargers(evidence), evse_of(start)
    found: Transaction | None = fleet.of("transaction", evse_id).at(start.t)
    if found is None or not found.runs_at(start.t) or found.session_id == session_id_of(start):
        return None
    known = found.t_start_delivered is None or found.t_start_delivered < start.t
    return found if known else None


def _stop_wanted(evidence: Evidence, transaction: Transaction, t: float) -> bool:
    own = session(evidence, transaction.session_id)
    return own is not None and any(stop.t <= t for stop in own.stops)


def ended_by_intruder(evidence: Evidence, start: Exchange, running: Transaction) -> bool:
    """The running transaction was stopped by the CPO just then although nobody had asked for it."""
    t_stop = running.t_stop
    if t_stop is None or t_stop > end_of(start) + _TOUCHED_S or _stop_wanted(evidence, running, t_stop):
        return False
    commands = chargers(evidence).of("remote_stop_received", running.evse_id).between(start.t, t_stop)
    return bool(commands) or running.reason == "Remote"


def holder(evidence: Evidence, evse_id: str | None, t: float) -> str | None:
    """EvcoID for which an accepted reservation holds this EVSE at second `t`."""
    for own in reversed(_reservations(evidence).get(folded(evse_id or ""), [])):
        if own[0] <= t <= own[1]:
            return own[2]
    return None


@lru_cache(maxsize=8)
def _reservations(evidence: Evidence) -> dict[str, list[tuple[float, float, str]]]:
    found: dict[str, list[tuple[float, float, str]]] = {}
    for own in sessions(evidence):
        if own.kind == "reservation" and own.accepted and own.start and own.evse_id:
            ends = [s.t for s in own.stops if s.accepted]
            found.setdefault(folded(own.evse_id), []).append(
                (own.start.t, min(ends, default=float("inf")), own.evco_id or "")
            )
    return found


def demanded(evidence: Evidence, start: Exchange) -> tuple[str, str] | None:
    """Requirement and cause by which this start had to be refused, None if there is none."""
    fleet, evse_id, begin, end = chargers(evidence), evse_of(start), start.t, end_of(start)
    if unknown_evse(evidence, evse_id, begin):
        return "RSTART-006", f"EVSE {evse_id}, which the CPO does not operate"
    if not evidence.run.truth or not fleet.known(evse_id):
        return _by_its_own_word(evidence, start)
    running = intruded(evidence, start)
    if running is not None:
        gone = running.t_stop is not None and running.t_stop <= end
        if not gone or ended_by_intruder(evidence, start, running):
            return "RSTART-007", f"EVSE {evse_id}, where another session was charging"
        return None
    if fleet.offline(evse_id, begin - 1, end):
        return "RSTART-010", f"EVSE {evse_id}, whose charge point had no connection"
    state = fleet.status(evse_id, begin, end)
    if state == "Reserved" and not same_id(holder(evidence, evse_id, begin), _evco(start)):
        return "RSTART-008", f"EVSE {evse_id}, which was reserved"
    if state in DOWN:
        return "RSTART-009", f"EVSE {evse_id}, which was {state}"
    return None


def _by_its_own_word(evidence: Evidence, start: Exchange) -> tuple[str, str] | None:
    """Where nobody watched the charge points: what CDRs and statuses of the CPO say."""
    evse_id, other = evse_of(start), charging_by_its_record(evidence, start)
    if other is not None:
        return "RSTART-007", f"EVSE {evse_id}, where by its CDR session {other.session_id} was charging"
    if stays_out_of_service(evidence, evse_id, start.t, end_of(start)) and not _came_to_life(evidence, start):
        return "RSTART-009", f"EVSE {evse_id}, which by its own status was OutOfService before and after"
    return None


def stays_out_of_service(evidence: Evidence, evse_id: str | None, begin: float, end: float) -> bool:
    """By every status the CPO told from then on for a good while, the EVSE is OutOfService."""
    while_s = limit(evidence, "status_missing_s")
    if evidence.run.truth or {TIMES, ORDER} & set(evidence.run.unknown) or evidence.t_end < end + while_s:
        return False
    told = pushed_status(evidence, evse_id or "")
    if told.at(begin) != "OutOfService" or not set(told.between(begin, end + while_s)) <= {"OutOfService"}:
        return False  # as nearly always: looked at before all pushes are
    refused = _refused_at(evidence)
    at = bisect_right(refused, begin - while_s)
    return at == len(refused) or refused[at] >= end + while_s


@lru_cache(maxsize=8)
def _refused_at(evidence: Evidence) -> list[float]:
    """When the hub did not take a status."""
    return [push.t for push in evidence.about("PushEvseStatus", direction=CPO_TO_HUB) if not push.accepted]


def _came_to_life(evidence: Evidence, start: Exchange) -> bool:
    """The session charged after all, so the status was out of date."""
    own = session(evidence, session_id_of(start))
    return own is not None and (
        bool(own.notifications) or any(number(c.body.get("ConsumedEnergy")) != 0 for c in own.cdrs)
    )


def _evco(start: Exchange) -> str | None:
    remote = start.body.get("Identification")
    value = remote.get("RemoteIdentification") if isinstance(remote, dict) else None
    text = value.get("EvcoID") if isinstance(value, dict) else None
    return text if isinstance(text, str) else None


def _for_other_reasons(start: Exchange) -> bool:
    variant = variant_of(start)
    own = variant is not None and variant.name in ("unknown-evse", "foreign-evse")
    return expects_refusal(start) and not own


@lru_cache(maxsize=8)
def following_starts(evidence: Evidence) -> dict[int, float]:
    """Number of a start -> second of the next start on the same EVSE."""
    found: dict[int, float] = {}
    last: dict[str, int] = {}
    for start in remote_starts(evidence, faulted=True):
        key = folded(evse_of(start) or "")
        if key in last:
            found[last[key]] = start.t
        last[key] = start.number
    return found


def _carried_out(evidence: Evidence, start: Exchange) -> bool:
    until = min(end_of(start) + 1.0, following_starts(evidence).get(start.number, float("inf")))
    taken = chargers(evidence).of("remote_start_received", evse_of(start)).between(start.t, until)
    return any(str(o.data.get("answer")) == "Accepted" for o in taken)


@whole.rule("RSTART-006", "RSTART-007", "RSTART-008", "RSTART-009", "RSTART-010", "RSTART-004")
def refuses_what_cannot_charge(evidence: Evidence) -> Iterator[Yield]:
    """A start for an EVSE that is unknown, occupied, reserved, out of service or unreachable is refused without effect."""
    served = path_served(evidence)
    for start in remote_starts(evidence):
        cause = None if _for_other_reasons(start) else demanded(evidence, start)
        if cause is not None:
            yield from _judged(evidence, start, *cause, served)


def _judged(evidence: Evidence, start: Exchange, requirement: str, cause: str, served: bool) -> Iterator[Yield]:
    if start.accepted:
        taken = requirement in ("RSTART-008", "RSTART-009") and _carried_out(evidence, start)
        if taken:
            yield NotExercised(requirement, f"the charge point itself took the start (exchange {start.number})")
            return
        more = {"also": ("RSTART-004",)} if requirement != "RSTART-006" else {}
        yield finding(
            f"Result true for {cause}", on=start, requirement=requirement, in_answer=True, pointer="/Result", **more
        )
        yield NotExercised("RSTART-004", f"a start accepted wrongly is reported as {requirement}", incomplete=True)
    elif start.result is False:
        yield from _without_effect(evidence, start, requirement)
    elif start.answer is None:
        if (start.duration_s or 0) >= limit(evidence, "answer_s"):
            yield finding(f"no answer within 60 s to a start for {cause}", on=start, requirement=requirement)
    elif served and start.answer.http_status >= 500:
        yield finding(f"HTTP {start.http_status} without Result false for {cause}", on=start, requirement=requirement)


def _without_effect(evidence: Evidence, start: Exchange, requirement: str) -> Iterator[Yield]:
    running = intruded(evidence, start) if requirement == "RSTART-007" else None
    if running is not None and ended_by_intruder(evidence, start, running):
        yield finding(
            "the start was refused, yet the CPO stopped the session that was charging there",
            on=start,
            requirement=requirement,
        )
    else:
        yield Checked(requirement, START)


@whole.rule("RSTART-012")
def private_evse_is_not_started(evidence: Evidence) -> Iterator[Yield]:
    """A start for an EVSE that is not open for roaming is refused."""
    for start in remote_starts(evidence):
        record = record_of(evidence, evse_of(start), start.t)
        if record.get("IsHubjectCompatible") is not False or start.result is None:
            continue
        yield Checked("RSTART-012", START)
        if opened(start):
            yield finding("Result true for an EVSE whose record says IsHubjectCompatible false", on=start)
