"""What a remote start leads to at the charger: the right EVSE, only after a yes, never after a no (RSTART-004, -005, -011, -015, -020, -021)."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache

from oicp.chargers import chargers, record_of
from oicp.evidence import Evidence, Exchange, Observation
from oicp.limits import limit
from oicp.outages import cpo_down
from oicp.rulebook import Checked, Finding, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.remote_refusals import demanded, end_of, evse_of, following_starts, remote_starts
from oicp.services import START
from oicp.sessions import Session, folded, session, session_id_of, sessions
from oicp.transactions import Transaction, transactions
from oicp.unknowns import OWN_HUB

whole = rules_about_evidence()
_AT_ONCE_S = 5.0
_LONGEST_S = 65.0
_BILLED = "the start was refused, yet the EVSE charged and a charge detail record was sent for it"


def first_starts(evidence: Evidence) -> Iterator[Exchange]:
    """Remote starts, repeats of the same SessionID left out."""
    seen: set[str | None] = set()
    for start in remote_starts(evidence):
        ident = session_id_of(start)
        if ident is None or ident not in seen:
            seen.add(ident)
            yield start


@lru_cache(maxsize=8)
def stray_commands(evidence: Evidence) -> tuple[Observation, ...]:
    """Start commands a charge point took although no start of the hub was for that EVSE."""
    starts: dict[str, list[Exchange]] = {}
    for start in remote_starts(evidence, faulted=True):
        starts.setdefault(folded(evse_of(start) or ""), []).append(start)
    at: dict[str, int] = {}
    spent: dict[str, int] = {}
    found = []
    for command in evidence.seen("remote_start_received"):
        key = folded(command.evse_id or "")
        own, reached = starts.get(key, []), at.get(key, 0)
        while reached < len(own) and own[reached].t <= command.t:
            reached += 1
        at[key] = reached
        last = own[reached - 1] if reached else None
        in_flight = last is not None and command.t <= end_of(last) + 1
        if in_flight or reached > spent.get(key, 0):
            spent[key] = reached
        elif str(command.data.get("answer")) == "Accepted":
            found.append(command)
    return tuple(found)


@lru_cache(maxsize=8)
def _misled(evidence: Evidence) -> dict[int, Observation]:
    """Number of a start -> the command that reached another EVSE in its place."""
    fleet = chargers(evidence)
    starts = [s for s in first_starts(evidence) if fleet.known(evse_of(s))]
    found: dict[int, Observation] = {}
    for command in stray_commands(evidence) if evidence.run.truth else ():
        last = bisect_right(starts, command.t, key=lambda s: s.t)
        first = bisect_right(starts, command.t - _LONGEST_S, key=lambda s: s.t)
        near = [s for s in starts[first:last] if command.t <= end_of(s) + _AT_ONCE_S and s.number not in found]
        own = [s for s in near if not fleet.of("remote_start_received", evse_of(s)).between(s.t, command.t)]
        point = fleet.points.get(folded(command.evse_id or ""))
        beside = [s for s in own or near if fleet.points.get(folded(evse_of(s) or "")) == point]
        chosen = beside if len(beside) == 1 else own or near
        if len(chosen) == 1:
            found[chosen[0].number] = command
    return found


@whole.rule("RSTART-004", "RSTART-020")
def says_yes_only_to_what_will_charge(evidence: Evidence) -> Iterator[Yield]:
    """Result true is given only if the start takes effect, and on the EVSE that was named."""
    if not evidence.run.truth:
        yield NotExercised("RSTART-004", "no virtual charge point saw what became of the start")
        return
    misled, following = _misled(evidence), following_starts(evidence)
    for start in first_starts(evidence):
        if start.number in misled:
            elsewhere = misled[start.number].evse_id
            yield finding(
                f"the start was for {evse_of(start)}, the command went to {elsewhere}", on=start,
                requirement="RSTART-020", also=("RSTART-004",),
            )  # fmt: skip
        elif start.accepted and chargers(evidence).known(evse_of(start)) and demanded(evidence, start) is None:
            yield from _took_effect(evidence, start, following.get(start.number, float("inf")))


def commands_seen(evidence: Evidence, kind: str = "remote_start_received") -> bool:
    """Commands to charge points are part of this recording: always in our own runs, else where one was seen."""
    return evidence.run.source in OWN_HUB or bool(evidence.seen(kind))


def _took_effect(evidence: Evidence, start: Exchange, following: float) -> Iterator[Yield]:
    fleet, evse_id = chargers(evidence), evse_of(start)
    until = min(end_of(start) + limit(evidence, "start_effect_s"), following)
    commands = fleet.of("remote_start_received", evse_id).between(start.t, until)
    own = session(evidence, session_id_of(start))
    answers = [str(o.data.get("answer")) for o in commands]
    away = turned_away(own) if own is not None else None
    at_once = away is not None and away.t_start <= end_of(start) + _AT_ONCE_S
    if away is not None and at_once and not cpo_down(evidence).touch(start.t, away.t_start):
        yield finding(
            "Result true, yet the CPO did not authorize the transaction of this start, which nobody had stopped",
            on=start, requirement="RSTART-004", observation=away.started.number,
        )  # fmt: skip
    elif "Accepted" in answers or (own and own.transactions):
        yield Checked("RSTART-004", START)
        yield Checked("RSTART-020", START)
    elif commands:
        yield finding(
            f"Result true although the charge point answered {answers[-1]} to the start command",
            on=start, requirement="RSTART-004", in_answer=True, pointer="/Result",
        )  # fmt: skip
    elif commands_seen(evidence) and fleet.plugged(evse_id, start.t, until) and fleet.online(evse_id, start.t, until):
        stopped = own is not None and any(stop.t < until for stop in own.stops)
        if evidence.t_end >= until and not stopped and until - end_of(start) >= _AT_ONCE_S:
            yield finding(
                f"Result true, yet no start command reached the charge point within {until - end_of(start):.0f} s",
                on=start, requirement="RSTART-004", in_answer=True, pointer="/Result",
            )  # fmt: skip


def turned_away(own: Session) -> Transaction | None:
    """The transaction of a session to which the CPO said no, although it was neither stopped nor closed before."""
    first = min(own.transactions, key=lambda t: t.t_start, default=None)
    if first is None or not first.rejected:
        return None
    asked = first.t_start_delivered or first.t_start
    over = any(stop.t <= asked for stop in own.stops) or any(cdr.t <= first.t_start for cdr in own.cdrs)
    charged = any(not t.rejected for t in own.transactions)
    return None if over or charged else first


@whole.rule("RSTART-005")
def does_not_charge_after_a_refusal(evidence: Evidence) -> Iterator[Yield]:
    """After Result false the EVSE does not go on charging on this SessionID."""
    if not evidence.run.truth:
        return
    for own in sessions(evidence):
        start = own.start
        if own.kind != "remote" or start is None or start.result is not False or any(s.accepted for s in own.starts):
            continue
        if not chargers(evidence).known(evse_of(start)):
            continue
        charged = [t for t in own.transactions if t.t_energy or (t.energy_wh or 0) > 0]
        for transaction in charged:
            yield _after_refusal(evidence, own, transaction)
        if not charged:
            yield Checked("RSTART-005", START)


def _after_refusal(evidence: Evidence, own: Session, transaction: Transaction) -> Yield:
    allowed = limit(evidence, "refused_charge_s")
    ended = evidence.t_end if transaction.t_stop is None else transaction.t_stop
    lasted = ended - transaction.t_start
    if own.cdrs:
        return finding(_BILLED, on=own.start, evse_id=transaction.evse_id)
    if lasted > allowed:
        return finding(
            f"the start was refused, yet {transaction.evse_id} charged for {lasted:.0f} s and the CPO did not end it",
            on=own.start, observation=transaction.started.number,
        )  # fmt: skip
    if transaction.t_stop is not None and ended_by_the_cpo(evidence, transaction):
        return Checked("RSTART-005", START)
    return NotExercised(
        "RSTART-005", f"a refused start charged for {lasted:.0f} s; the CPO has {allowed:g} s to end that", True
    )


def ended_by_the_cpo(evidence: Evidence, transaction: Transaction, since: float | None = None) -> bool:
    """By a stop command, from its begin or second `since` on, or by no authorization; the charge point may name another reason."""
    begin, end = transaction.t_start if since is None else since, (transaction.t_stop or transaction.t_start) + 0.1
    asked = chargers(evidence).of("remote_stop_received", transaction.evse_id).between(begin, end)
    return transaction.reason == "Remote" or transaction.rejected or bool(asked)


@whole.rule("RSTART-011")
def without_a_vehicle_says_so_or_keeps_its_word(evidence: Evidence) -> Iterator[Yield]:
    """Without an EV: refusal, or a session that charges once the EV is there, or is closed."""
    if not evidence.run.truth:
        return
    for start in first_starts(evidence):
        evse_id = evse_of(start)
        fleet = chargers(evidence)
        if not fleet.known(evse_id) or fleet.plugged(evse_id, start.t, end_of(start)) is not False:
            continue
        if demanded(evidence, start) is not None or not fleet.online(evse_id, start.t, end_of(start)):
            continue
        if start.result is False:
            yield Checked("RSTART-011", START)
        elif start.accepted:
            yield from _waited(evidence, start)


def _waited(evidence: Evidence, start: Exchange) -> Iterator[Yield]:
    own = session(evidence, session_id_of(start))
    if own is None or own.transactions or own.cdrs or closed_by_notification(own):
        yield Checked("RSTART-011", START)
        return
    if own.stops or start.number in _misled(evidence):
        return  # cancelled: CDR-027 judges how it is closed
    lapsed = lapse(evidence, start)
    since = end_of(start) if lapsed is None else lapsed
    allowed = limit(evidence, "lapsed_session_s")
    if evidence.t_end - since > allowed:
        yield _left_open(start, evidence.t_end - since)
        return
    told = f"an accepted session without an EV was still open; closing may take {allowed:g} s"
    given_up = lapsed is not None and evidence.t_end - lapsed > limit(evidence, "doubt_s")
    yield NotExercised("RSTART-011", told, incomplete=given_up)  # the charge point waits no longer


def _left_open(start: Exchange, seconds: float) -> Finding:
    return finding(
        f"accepted without an EV; after {seconds:.0f} s neither energy nor a CDR nor an End notification",
        on=start,
    )  # fmt: skip


def closed_by_notification(own: Session) -> bool:
    """An End notification was sent for the session."""
    return any(n.body.get("Type") == "End" for n in own.notifications)


def lapse(evidence: Evidence, start: Exchange) -> float | None:
    """When the charge point dropped an accepted start because no EV came: as it said, or Preparing ended without a cable."""
    fleet, evse_id = chargers(evidence), evse_of(start)
    dropped: Observation | None = fleet.of("remote_start_expired", evse_id).first_after(start.t)
    if dropped is not None:
        return dropped.t
    states = fleet.of("connector_status", evse_id)
    waited = states.when_next("Preparing", start.t)
    gave_up = None if waited is None else states.when_next("Available", waited)
    came = gave_up is not None and fleet.plugged(evse_id, start.t, gave_up) is not False
    return None if came else gave_up


@whole.rule("RSTART-015")
def a_repeated_start_opens_nothing_new(evidence: Evidence) -> Iterator[Yield]:
    """A start repeated with the same SessionID begins no second transaction."""
    for own in sessions(evidence):
        if own.kind != "remote" or len(own.starts) < 2 or not evidence.run.truth:
            continue
        yield Checked("RSTART-015", START)
        ended = own.transactions[0].reason if own.transactions else None
        if len(own.transactions) > 1 and ended in (None, "Remote", "Local"):
            yield finding(
                f"{len(own.starts)} starts with one SessionID began {len(own.transactions)} transactions",
                on=own.starts[-1],
            )


@whole.rule("RSTART-021")
def no_energy_without_authorization(evidence: Evidence) -> Iterator[Yield]:
    """An EVSE delivers energy only in a session that a start authorized."""
    remote_only = "full" not in evidence.run.profiles
    for transaction in transactions(evidence) if evidence.run.truth and remote_only else ():
        if transaction.cause == "remote" or transaction.session_id is not None:
            continue
        modes = record_of(evidence, transaction.evse_id, transaction.t_start).get("AuthenticationModes")
        if isinstance(modes, list) and set(modes) - {"REMOTE"}:
            continue  # the CPO announces another way to start here
        yield from _unauthorized(evidence, transaction)
    for asked in evidence.seen("authorize") if evidence.run.truth and remote_only else ():
        if str(asked.data.get("answer")) not in ("Accepted", "None"):
            yield Checked("RSTART-021", START)


def _unauthorized(evidence: Evidence, transaction: Transaction) -> Iterator[Yield]:
    ended = evidence.t_end if transaction.t_stop is None else transaction.t_stop
    refused = transaction.rejected
    if not refused and (transaction.energy_wh or 0) > 0 and ended - transaction.t_start > _AT_ONCE_S:
        yield finding(
            f"{transaction.evse_id} charged with token {transaction.id_tag} that no start had authorized",
            evse_id=transaction.evse_id, observation=transaction.started.number,
        )  # fmt: skip
    elif refused:
        yield Checked("RSTART-021", START)
