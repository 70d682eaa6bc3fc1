"""What a remote stop leads to: its own session ends, nothing else does, and the answer tells the truth (RSTOP-002 to -007, -010 to -012, RSTART-018)."""

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import islice

from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange, Observation
from oicp.limits import limit
from oicp.moments import number, second_of
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_content import rated_kw
from oicp.rules.remote_refusals import end_of, evse_of, path_served
from oicp.rules.remote_start import commands_seen, ended_by_the_cpo
from oicp.services import HUB_TO_CPO, STOP
from oicp.sessions import Session, folded, opened, same_id, session, session_id_of, sessions
from oicp.transactions import Transaction
from oicp.unknowns import OWN_HUB, TIMES
from oicp.variants import variant_of

whole = rules_about_evidence()
_AFTER_S = 5.0
_JUST_ENDED_S = 10.0
_STARTED_ANYWAY_S = 10.0
_WAITED_S = 1.0
_MORE_KWH = Decimal("0.1")
_BEYOND_RATED = Decimal("1.2")
_CUT_KW = 1
"""Power is a whole number (erratum 10): 3.7 kW are pushed as 3."""
_SENT_LATER_S = 60.0
_LED_TO_S = 30.0
"""A record that comes later has another cause than the stop."""
_FORM = ("022", "101", "102", "103", "105", "106")
_JUDGED_ELSEWHERE = ("malformed", "empty-body", "no-session-id")


def remote_stops(evidence: Evidence) -> Iterator[Exchange]:
    """Well-formed remote stops of the hub that no fault touched, oldest first."""
    for stop in evidence.about(STOP, direction=HUB_TO_CPO):
        variant = variant_of(stop)
        broken = variant is not None and variant.name in _JUDGED_ELSEWHERE
        if not stop.faults and not broken and session_id_of(stop):
            yield stop


@lru_cache(maxsize=8)
def _victims(evidence: Evidence) -> dict[int, list[Transaction]]:
    """Number of a stop -> transactions of other sessions that the CPO stopped then, although nobody had asked for that."""
    found: dict[int, list[Transaction]] = {}
    stops = list(remote_stops(evidence))
    at = 0
    for command in evidence.seen("remote_stop_received") if evidence.run.truth else ():
        while at < len(stops) and end_of(stops[at]) + 60 < command.t:
            at += 1
        victim = _stopped_without_request(evidence, command)
        if victim is None:
            continue
        near = []
        for stop in islice(stops, at, None):
            if stop.t > command.t:
                break
            if command.t <= end_of(stop) + _AFTER_S and _same_place(evidence, stop, victim):
                near.append(stop)
        named = [s for s in near if same_id(evse_of(s), victim.evse_id)]
        for stop in (named or near)[-1:]:
            found.setdefault(stop.number, []).append(victim)
    return found


def _same_place(evidence: Evidence, stop: Exchange, victim: Transaction) -> bool:
    """The stop names the victim's EVSE or one at the same charge point, or its session is on such a one."""
    points = chargers(evidence).points
    own = session(evidence, session_id_of(stop))
    places = {points.get(folded(evse or "")) for evse in (evse_of(stop), own.evse_id if own else None)}
    return points.get(folded(victim.evse_id)) in places


def _stopped_without_request(evidence: Evidence, command: Observation) -> Transaction | None:
    if str(command.data.get("answer")) != "Accepted":
        return None
    running: Transaction | None = chargers(evidence).of("transaction", command.evse_id).at(command.t)
    if running is None or not running.runs_at(command.t):
        return None
    own = session(evidence, running.session_id)
    wanted = own is not None and any(stop.t <= command.t for stop in own.stops)
    over = own is not None and any(c.accepted and c.t < running.t_start for c in own.cdrs)
    refused = (
        running.rejected or over or (own is not None and not own.accepted)
    )  # the CPO ends what should not have begun
    return None if wanted or refused else running


@whole.rule(
    "RSTOP-002",
    "RSTOP-003",
    "RSTOP-004",
    "RSTOP-005",
    "RSTOP-006",
    "RSTOP-007",
    "RSTOP-010",
    "RSTOP-011",
    "RSTOP-012",
    "RSTART-018",
)
def stops_its_own_session_and_says_so(evidence: Evidence) -> Iterator[Yield]:
    """A remote stop ends the session it names, and only that; if it cannot, the answer is Result false."""
    for stop in remote_stops(evidence):
        own = session(evidence, session_id_of(stop))
        if own is None or own.kind in ("unknown", "remote"):
            yield from _judged(evidence, stop, own)


def _judged(evidence: Evidence, stop: Exchange, own: Session | None) -> Iterator[Yield]:
    victims = _victims(evidence).get(stop.number, [])
    if own is None or own.start is None or (own.start.result is False and not own.accepted):
        if evidence.run.source not in OWN_HUB and (own is None or own.start is None):
            yield NotExercised("RSTOP-003", "sessions may have begun before the recording")
        else:
            yield from _unknown_session(evidence, stop, victims)
        return
    if not opened(own.start):
        return  # whether the CPO took this start nobody knows
    yield from _others_go_on(evidence, stop, own, victims)
    if own.provider_id and not same_id(own.provider_id, stop.body.get("ProviderID")):
        yield from _refused(
            stop, "RSTOP-006", f"of provider {stop.body.get('ProviderID')} for a session of {own.provider_id}"
        )
    elif evse_of(stop) and own.evse_id and not same_id(evse_of(stop), own.evse_id):
        yield from _refused(stop, "RSTOP-012", f"with EvseID {evse_of(stop)} for a session on {own.evse_id}")
    elif evidence.run.truth:
        yield from _own_session(evidence, stop, own)
    elif any(c.accepted and end_of(c) + _on_the_way(evidence) < stop.t for c in own.cdrs):
        yield from _refused(stop, "RSTOP-004", "after the CDR of the session")
    elif stop.accepted and (grown := _grown_after(evidence, stop, own)) is not None:
        yield finding(
            f"Result true, yet the energy grew to {grown.body.get('ConsumedEnergyProgress')} kWh afterwards (exchange {grown.number})",
            on=stop, requirement="RSTOP-002", in_answer=True, pointer="/Result",
        )  # fmt: skip
    elif stop.accepted and (told := _too_much_until(evidence, stop, own)) is not None:
        yield finding(f"Result true, yet {told}", on=stop, requirement="RSTOP-002", in_answer=True, pointer="/Result")


def _on_the_way(evidence: Evidence) -> float:
    """So long a stop that the hub let through before the CDR may be on its way; texts without times have their order alone."""
    return 0.0 if TIMES in evidence.run.unknown else _WAITED_S


def _too_much_until(evidence: Evidence, stop: Exchange, own: Session) -> str | None:
    """By the CDR charging went on, and with more energy than the EVSE can have delivered before the stop."""
    since = end_of(stop) + limit(evidence, "stop_effect_s")
    for cdr in own.cdrs[:1] if TIMES not in evidence.run.unknown else ():
        begin, end = _span(evidence, cdr, own)
        energy, power = number(cdr.body.get("ConsumedEnergy")), rated_kw(evidence, own.evse_id, stop.t)
        if begin is None or end is None or energy is None or power is None or end < since or since < begin:
            continue
        most = (power + _CUT_KW if power == int(power) else power) * _BEYOND_RATED
        before, whole = (most * Decimal((t - begin) / 3600) for t in (since, end + 2))
        if before < energy <= whole:
            return f"{energy} kWh of exchange {cdr.number} cannot all have flowed before at an EVSE of {power} kW"
    return None


def _span(evidence: Evidence, cdr: Exchange, own: Session) -> tuple[float | None, float | None]:
    """Begin and end of the charging by its record, as far as its clock can be trusted: one sent at once shows that."""
    begin, end = (second_of(cdr, cdr.body.get(name)) for name in ("ChargingStart", "ChargingEnd"))
    if end is None or end > cdr.t + limit(evidence, "clock_s"):
        return None, None
    return own.start.t if own.start and cdr.t - end > _SENT_LATER_S else begin, end


def _grown_after(evidence: Evidence, stop: Exchange, own: Session) -> Exchange | None:
    """A Progress notification with more energy than one before it that was itself taken well after the stop."""
    since, least = end_of(stop) + limit(evidence, "stop_effect_s"), None
    for told in own.notifications if TIMES not in evidence.run.unknown else ():
        energy, t = number(told.body.get("ConsumedEnergyProgress")), second_of(told, told.body.get("EventOccurred"))
        if energy is None or t is None or min(t, told.t) < since:
            continue  # told before, whatever a clock that is ahead says
        if least is not None and energy - least > _MORE_KWH:
            return told
        least = energy if least is None else min(least, energy)
    return None


def _unknown_session(evidence: Evidence, stop: Exchange, victims: list[Transaction]) -> Iterator[Yield]:
    if victims:
        yield finding(
            f"a stop with an unknown SessionID stopped the charging on {victims[0].evse_id}",
            on=stop, requirement="RSTOP-003", also=("RSTOP-005",),
        )  # fmt: skip
    elif stop.accepted:
        yield finding(
            "Result true for a SessionID the CPO never got a start for, or refused",
            on=stop, requirement="RSTOP-003", in_answer=True, pointer="/Result",
        )  # fmt: skip
    elif stop.result is False:
        yield Checked("RSTOP-003", STOP)
        if chargers(evidence).running(evse_of(stop), stop.t, end_of(stop)):
            yield Checked("RSTOP-005", STOP)
    elif stop.answer and stop.answer.http_status >= 500 and path_served(evidence):
        yield finding(
            f"HTTP {stop.http_status} without Result false for an unknown SessionID", on=stop, requirement="RSTOP-003"
        )


def _others_go_on(evidence: Evidence, stop: Exchange, own: Session, victims: list[Transaction]) -> Iterator[Yield]:
    repeated = own.stops[0].number != stop.number or _finished(own, stop)
    if victims:
        yield finding(
            f"the stop ended the charging of another session on {victims[0].evse_id}",
            on=stop, requirement="RSTOP-010" if repeated else "RSTOP-005",
        )  # fmt: skip
        return
    there = chargers(evidence).running(evse_of(stop), stop.t, end_of(stop)) if evidence.run.truth else None
    if there is not None and there.session_id != own.session_id:
        yield Checked("RSTOP-005", STOP)
    if repeated and own.cdrs and own.stops[-1].number == stop.number:
        yield Checked("RSTOP-010", STOP)
        accepted = [c for c in own.cdrs if not c.faults and c.answer is not None]
        soon = len(accepted) > 1 and accepted[1].t <= end_of(stop) + _LED_TO_S
        if soon and accepted[0].accepted:
            yield finding(
                f"{len(own.stops)} stops led to {len(accepted)} charge detail records", on=stop, requirement="RSTOP-010"
            )


def _refused(stop: Exchange, requirement: str, what: str) -> Iterator[Yield]:
    if stop.result is None:
        return
    yield Checked(requirement, STOP)
    if stop.accepted:
        yield finding(
            f"Result true for a stop {what}", on=stop, requirement=requirement, in_answer=True, pointer="/Result"
        )


def _finished(own: Session, stop: Exchange) -> bool:
    return bool(own.transactions) and all(t.t_stop is not None and t.t_stop <= stop.t for t in own.transactions)


def _own_session(evidence: Evidence, stop: Exchange, own: Session) -> Iterator[Yield]:
    if any(s.accepted and s.number < stop.number for s in own.stops) and not _finished(own, stop):
        return  # a repeat while the first one is still being carried out
    running = next((t for t in own.transactions if t.runs_at(stop.t)), None)
    if running is not None and running.t_start_delivered is not None and running.t_start_delivered <= stop.t:
        yield from _while_charging(evidence, stop, running)
    elif _finished(own, stop):
        yield from _after_the_end(stop, own)
    elif not own.cdrs or own.cdrs[0].t > stop.t:
        yield from _before_the_transaction(evidence, stop, own)


def _after_the_end(stop: Exchange, own: Session) -> Iterator[Yield]:
    told = own.transactions[-1].t_stop_delivered
    if told is None or stop.t - told < _JUST_ENDED_S:
        if stop.accepted:
            yield NotExercised("RSTOP-004", "the session had only just ended; success is as good an answer then")
        return
    yield from _refused(stop, "RSTOP-004", f"{stop.t - told:.0f} s after the charging had ended")


def _while_charging(evidence: Evidence, stop: Exchange, running: Transaction) -> Iterator[Yield]:
    fleet, end = chargers(evidence), end_of(stop)
    until = end + limit(evidence, "stop_effect_s")
    over = until if running.t_stop is None else min(until, running.t_stop)  # later commands are for the next session
    commands = fleet.of("remote_stop_received", running.evse_id).between(stop.t, over)
    answers = [str(o.data.get("answer")) for o in commands]
    if over <= end and "Accepted" not in answers:
        return  # it ended by itself while the stop was on its way
    if fleet.offline(running.evse_id, stop.t - 1, end):
        yield from _impossible(stop, "whose charge point had no connection")
    elif answers and "Accepted" not in answers:
        yield from _impossible(stop, f"although the charge point answered {answers[-1]}")
    elif not fleet.online(running.evse_id, stop.t, end):
        return
    elif stop.accepted:
        yield from _kept(evidence, stop, running, commanded=bool(answers))
    elif stop.result is False and "Accepted" in answers:
        yield finding(
            "Result false although the charge point stopped the session",
            on=stop,
            requirement="RSTOP-002",
            in_answer=True,
            pointer="/Result",
        )
    elif stop.result is False and running.runs_at(end) and _spelled_otherwise(stop, running):
        yield finding(
            f"a stop that spells the EvseID {evse_of(stop)} was refused with {stop.status_code}",
            on=stop, requirement="RSTART-018", in_answer=True, pointer="/Result",
        )  # fmt: skip
    elif stop.result is False and running.runs_at(end) and stop.status_code not in _FORM:
        yield finding(
            f"a stop for a session that was charging was refused with {stop.status_code}",
            on=stop, requirement="RSTOP-002", in_answer=True, pointer="/Result",
        )  # fmt: skip


def _spelled_otherwise(stop: Exchange, running: Transaction) -> bool:
    return evse_of(stop) is not None and evse_of(stop) != running.evse_id and same_id(evse_of(stop), running.evse_id)


def _impossible(stop: Exchange, why: str) -> Iterator[Yield]:
    if stop.accepted:
        yield finding(
            f"Result true for a session {why}", on=stop, requirement="RSTOP-007", in_answer=True, pointer="/Result"
        )
    elif stop.result is False:
        yield Checked("RSTOP-007", STOP)


def flows_until(evidence: Evidence, transaction: Transaction) -> float:
    """Second at which the energy of a transaction ended; the end of the recording if it still flows."""
    last = transaction.t_last_energy
    if last is None:
        last = evidence.t_end if transaction.t_stop is None else transaction.t_stop
    return last if transaction.t_stop is None else min(last, transaction.t_stop)


def _kept(evidence: Evidence, stop: Exchange, running: Transaction, *, commanded: bool) -> Iterator[Yield]:
    went_on = flows_until(evidence, running) - end_of(stop)
    ended_itself = running.t_stop is not None and not commanded and commands_seen(evidence, "remote_stop_received")
    enough = limit(evidence, "stop_effect_short_s" if ended_itself or running.t_stop is None else "stop_effect_s")
    if went_on >= enough:
        yield finding(
            f"Result true, yet energy flowed for {went_on:.0f} s more", on=stop, requirement="RSTOP-002",
            in_answer=True, pointer="/Result",
        )  # fmt: skip
    elif running.t_stop is not None or went_on <= 0:
        yield Checked("RSTOP-002", STOP)
    else:
        yield NotExercised("RSTOP-002", "the recording ended too soon after a stop")


def _before_the_transaction(evidence: Evidence, stop: Exchange, own: Session) -> Iterator[Yield]:
    later = next((t for t in own.transactions if t.t_start >= stop.t or t.runs_at(stop.t)), None)
    if stop.result is False:
        yield Checked("RSTOP-011", STOP)
    elif not stop.accepted:
        return
    elif later is None:
        fleet = chargers(evidence)
        came = fleet.plugged(own.evse_id, stop.t, evidence.t_end) is not False
        if came and evidence.t_end - end_of(stop) >= _AFTER_S:
            yield Checked("RSTOP-011", STOP)
        else:
            yield NotExercised("RSTOP-011", "no vehicle came after the stop, so nothing could charge")
    elif flows_until(evidence, later) - max(later.t_start, end_of(stop)) > _STARTED_ANYWAY_S:
        yield finding(
            f"Result true before the charging began, yet {later.evse_id} charged afterwards",
            on=stop, requirement="RSTOP-011", observation=later.started.number,
        )  # fmt: skip
    elif later.t_stop is None or _ended_by_hand(evidence, stop, later):
        yield NotExercised(
            "RSTOP-011", "a transaction began after the stop and did not last long enough to judge", True
        )
    else:
        yield Checked("RSTOP-011", STOP)


def _ended_by_hand(evidence: Evidence, stop: Exchange, later: Transaction) -> bool:
    """The CPO had no part in the end of this transaction, which delivered energy."""
    return not ended_by_the_cpo(evidence, later, since=stop.t) and (later.energy_wh or 0) > 0


@whole.rule("RSTOP-011")
def leaves_no_time_for_an_early_stop(evidence: Evidence) -> Iterator[Yield]:
    """A CPO that answers true only to transactions that have begun cannot break its word to a stop before one."""
    accepted = [s.start for s in sessions(evidence) if s.kind == "remote" and s.start and s.start.accepted]
    begun = [s for s in sessions(evidence) if s.kind == "remote" and s.start and s.start.accepted and _begun(s)]
    if not evidence.run.truth or len(begun) < len(accepted):
        return
    if any(_took_its_time(evidence, s) for s in begun):
        yield Checked("RSTOP-011", STOP)


def _begun(own: Session) -> bool:
    """Charging had begun when its start was answered."""
    return own.start is not None and any(t.t_start <= end_of(own.start) for t in own.transactions)


def _took_its_time(evidence: Evidence, own: Session) -> bool:
    """The charge point took the command, and began a good while later: the CPO waited for that."""
    first = min(own.transactions, key=lambda t: t.t_start)
    return first.t_command is not None and first.t_start - first.t_command >= _WAITED_S
