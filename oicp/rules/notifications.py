"""Charging notifications against session, EVSE and each other (NOTIF-002, -003, -005, -007, -011, -012, -014, -015, -019 to -022)."""

from collections.abc import Iterator
from decimal import Decimal

from oicp import wire_json
from oicp.chargers import chargers
from oicp.deliveries import CDR
from oicp.evidence import Evidence, Exchange
from oicp.limits import limit
from oicp.moments import has_energy, kwh, number, second_of
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.cdr_content import agrees
from oicp.rules.cdr_sessions import compare_driver, identifications, odd_start, starting_evse
from oicp.rules.remote_refusals import end_of
from oicp.sessions import Session, same_id, session, session_id_of, sessions
from oicp.transactions import Transaction
from oicp.unknowns import DURATIONS, ORDER, TIMES

whole = rules_about_evidence()
NOTIFICATION = "ChargingNotifications"
_SLACK_S = 1.0
_TRANSPORT_S = 5.0
_METER_AGE_S = 300.0
_MANY_REPEATS = 5
_EARLY_S = 60.0
_ROUNDING_KWH, _LOSSES = Decimal("0.05"), Decimal("0.1")
"""Meters before the losses of a DC EVSE tell up to a tenth more than is billed."""
_LARGEST_KWH = 1000
"""More is a matter of the unit: NOTIF-019."""
_NO_EMP = ("310", "320")


def notifications(evidence: Evidence, *kinds: str) -> Iterator[tuple[Exchange, Session | None]]:
    """Notifications of the CPO with their session."""
    for exchange in evidence.about(NOTIFICATION):
        if exchange.by_cpo and (not kinds or exchange.body.get("Type") in kinds):
            yield exchange, session(evidence, session_id_of(exchange))


def closed_at(own: Session) -> float | None:
    """When the hub had taken the CDR of a session."""
    return next((end_of(c) for c in own.cdrs if c.accepted), None)


def _after_cdr(evidence: Evidence, exchange: Exchange, own: Session) -> bool:
    closed, unknown = closed_at(own), evidence.run.unknown
    room = _SLACK_S if DURATIONS in unknown else 0.0  # when the CDR was answered is not known either
    return closed is not None and exchange.t > closed + room and ORDER not in unknown


@whole.rule("NOTIF-002")
def names_an_open_session(evidence: Evidence) -> Iterator[Yield]:
    """SessionID names an open session of the operator."""
    for exchange, own in notifications(evidence):
        if session_id_of(exchange) is None:
            continue
        if own is None or own.start is None:
            yield NotExercised(
                "NOTIF-002", "the hub gave out no such SessionID in this recording: SESS-001", incomplete=True
            )
            continue
        yield Checked("NOTIF-002", NOTIFICATION)
        if _after_cdr(evidence, exchange, own):
            yield finding("sent after the CDR had closed the session", on=exchange, pointer="/SessionID")
        elif own.start.result is False or (own.kind == "rfid" and not own.accepted):
            yield finding("the start of this session was refused", on=exchange, pointer="/SessionID")


@whole.rule("NOTIF-003")
def names_the_evse_of_the_session(evidence: Evidence) -> Iterator[Yield]:
    """EvseID is the EVSE of the session."""
    for exchange, own in notifications(evidence):
        said, meant = exchange.body.get("EvseID"), starting_evse(own) if own else None
        if isinstance(said, str) and meant:
            yield Checked("NOTIF-003", NOTIFICATION)
            if not same_id(said, meant):
                yield finding(
                    f"the session is on {meant}, the notification says {said}", on=exchange, pointer="/EvseID"
                )


def uid_of(kinds: dict[str, object]) -> tuple[str, str] | None:
    """The first UID or EvcoID of an identification and where it stands."""
    for kind, value in kinds.items():
        for name in ("UID", "EvcoID"):
            text = wire_json.at(value, name)
            if isinstance(text, str):
                return text, f"/Identification/{kind}/{name}"
    return None


@whole.rule("NOTIF-005")
def identification_is_that_of_the_start(evidence: Evidence) -> Iterator[Yield]:
    """Identification, when present, equals that of the session start."""
    for exchange, own in notifications(evidence):
        kinds = identifications(exchange)
        if not own or not own.start or len(kinds) != 1 or odd_start(own):
            continue
        kind, meant = next(iter(kinds)), identifications(own.start)
        yield Checked("NOTIF-005", NOTIFICATION)
        said, wanted = uid_of(kinds), uid_of({kind: meant[kind]} if kind in meant else meant)
        if own.kind == "remote" and kind != "RemoteIdentification":
            yield finding(f"a remote session is identified by {kind}", on=exchange, pointer=f"/Identification/{kind}")
        elif said and wanted:
            yield from compare_driver(exchange, wanted[0], said[0], "NOTIF-005", said[1])


# --- Start -----------------------------------------------------------------------------------------------------------


@whole.rule("NOTIF-007")
def start_is_not_sent_before_charging_has_begun(evidence: Evidence) -> Iterator[Yield]:
    """A Start notification is not sent before the charge point has begun the transaction."""
    sent: set[str] = set()
    for exchange, own in notifications(evidence, "Start"):
        if own is None or not own.accepted or _after_cdr(evidence, exchange, own):
            continue
        yield Checked("NOTIF-007", NOTIFICATION)
        if not evidence.run.truth:
            yield from _by_its_record(evidence, exchange, own, again=own.session_id in sent)
            sent |= {own.session_id} if exchange.accepted else set()
            continue
        first = own.transactions[0] if own.transactions else None
        if first is None or exchange.t < first.t_start - _SLACK_S / 2:
            early = "no transaction followed" if first is None else f"it began {first.t_start - exchange.t:.1f} s later"
            yield finding(f"Start was sent before the transaction: {early}", on=exchange)
        elif first.t_first_energy is None or exchange.t < first.t_first_energy - _SLACK_S:
            yield finding("Start was sent before energy flowed", on=exchange, contested=True)
        elif own.session_id in sent and not exchange.faults:
            yield finding("a second Start in one session", on=exchange, contested=True)
        if exchange.accepted:
            sent.add(own.session_id)


def _by_its_record(evidence: Evidence, exchange: Exchange, own: Session, *, again: bool) -> Iterator[Yield]:
    """What Start notifications and CDR of a session say about each other. A later begin may be that of the energy."""
    if again and not exchange.faults:
        yield finding("a second Start in one session", on=exchange, contested=True)
        return
    told = second_of(exchange, exchange.body.get("ChargingStart"))
    for cdr in own.cdrs[:1] if told is not None and TIMES not in evidence.run.unknown else ():
        begun = second_of(cdr, cdr.body.get("ChargingStart"))
        if begun is not None and told is not None and begun - max(told, exchange.t) > _EARLY_S:
            early = f"{begun - exchange.t:.0f} s before ChargingStart of the CDR"
            yield finding(f"Start was sent {early}", on=exchange, pointer="/ChargingStart", contested=True)


@whole.rule("NOTIF-022")
def start_supplies_a_missing_evse_id(evidence: Evidence) -> Iterator[Yield]:
    """If AuthorizeStart went without EvseID a Start notification with the EvseID follows."""
    for own in sessions(evidence):
        if own.kind != "rfid" or not own.accepted or own.evse_id or not any(has_energy(c) for c in own.cdrs):
            continue  # where no energy flowed there is no start of charging to tell of
        yield Checked("NOTIF-022", "AuthorizeStart")
        told = [n for n in own.notifications if n.body.get("Type") == "Start" and isinstance(n.body.get("EvseID"), str)]
        if not told:
            yield finding("AuthorizeStart had no EvseID, and no Start notification supplied it", on=own.start)


# --- Progress --------------------------------------------------------------------------------------------------------


@whole.rule("NOTIF-011", "NOTIF-012")
def progress_is_rare_and_true(evidence: Evidence) -> Iterator[Yield]:
    """Progress notifications are 300 s apart and tell the energy since the start of charging."""
    for own in sessions(evidence):
        last: Exchange | None = None
        for exchange in own.notifications:
            if not exchange.by_cpo or exchange.body.get("Type") != "Progress":
                continue
            yield from _rare(evidence, last, exchange)
            yield from _true(evidence, own, last, exchange)
            if exchange.answer is not None and exchange.answer.http_status < 400 and not exchange.faults:
                last = exchange


def _rare(evidence: Evidence, last: Exchange | None, exchange: Exchange) -> Iterator[Yield]:
    if last is None:
        return
    yield Checked("NOTIF-011", NOTIFICATION)
    apart = exchange.t - last.t
    if apart < limit(evidence, "progress_interval_s") - _TRANSPORT_S:
        yield finding(f"{apart:.0f} s after the last Progress", on=exchange, requirement="NOTIF-011")


def _true(evidence: Evidence, own: Session, last: Exchange | None, exchange: Exchange) -> Iterator[Yield]:
    said = number(exchange.body.get("ConsumedEnergyProgress"))
    before = number(last.body.get("ConsumedEnergyProgress")) if last else None
    if said is None:
        return
    pointer = "/ConsumedEnergyProgress"
    impossible = _beyond_all(evidence, own, exchange, said)
    if impossible is not None:
        told, losses = impossible
        yield finding(told, on=exchange, pointer=pointer, requirement="NOTIF-012", contested=losses)
        return
    if before is not None:
        yield Checked("NOTIF-012", NOTIFICATION)
        if said < before and ORDER not in evidence.run.unknown:
            yield finding(f"fell from {before} to {said}", on=exchange, pointer=pointer, requirement="NOTIF-012")
            return
    running = own.transactions[0] if evidence.run.truth and len(own.transactions) == 1 else None
    now = _energy_at(evidence, running, exchange.t) if running else None
    if running is None or now is None:
        return
    then = _energy_at(
        evidence, running, (second_of(exchange, exchange.body.get("EventOccurred")) or exchange.t) - _METER_AGE_S
    )
    yield Checked("NOTIF-012", NOTIFICATION)
    if (said > kwh(now) and not agrees(said, kwh(now))) or (said < kwh(then or 0) and not agrees(said, kwh(then or 0))):
        yield finding(
            f"the EVSE had delivered {kwh(now)} kWh, the notification says {said}",
            on=exchange, pointer=pointer, requirement="NOTIF-012",
        )  # fmt: skip


def _beyond_all(evidence: Evidence, own: Session, exchange: Exchange, said: Decimal) -> tuple[str, bool] | None:
    """Energy that was never delivered: below zero or, where nobody watched the EVSE, above what End or CDR tell later.

    True: losses that are not billed may explain it.
    """
    if said < 0:
        return f"{said} kWh since the start of charging", False
    ordered = ORDER not in evidence.run.unknown
    ends = [n for n in own.notifications if ordered and n.body.get("Type") == "End" and n.t > exchange.t]
    records = [c for c in own.cdrs if c.accepted] or own.cdrs[-1:]  # what the hub refused was put right
    for later in (*ends, *records) if not evidence.run.truth and said <= _LARGEST_KWH else ():
        final = number(later.body.get("ConsumedEnergy"))
        if final is not None and said - final > _ROUNDING_KWH:
            told = f"{said} kWh were told, the {later.operation} of exchange {later.number} says {final} kWh in all"
            return told, said - final <= _LOSSES * said
    return None


def _energy_at(evidence: Evidence, running: Transaction, t: float) -> int | None:
    reading = chargers(evidence).meter_at(running.evse_id, t)
    return None if reading is None else max(0, reading - running.meter_start_wh)


# --- End and order ---------------------------------------------------------------------------------------------------


@whole.rule("NOTIF-014", "NOTIF-015", "NOTIF-019")
def end_tells_what_the_cdr_tells_later(evidence: Evidence) -> Iterator[Yield]:
    """End is sent when no more energy flows and before the CDR, and claims no more than the CDR."""
    for exchange, own in notifications(evidence, "End"):
        if own is None or own.start is None:
            continue
        after = [c for c in own.cdrs if c.t > exchange.t]
        later = next((c for c in after if c.accepted), after[-1] if after else None)  # what was refused was put right
        if later is not None:
            yield Checked("NOTIF-014", NOTIFICATION)
            for name in ("ConsumedEnergy", "MeterValueEnd"):
                said, final = number(exchange.body.get(name)), number(later.body.get(name))
                if said is None or final is None or said <= final or agrees(said, final):
                    continue
                if name == "ConsumedEnergy" and said == final * 1000:
                    told = f"{said} is a thousand times the {final} kWh of the CDR: Wh"
                    yield finding(told, on=exchange, requirement="NOTIF-019", pointer=f"/{name}", also=("NOTIF-014",))
                else:
                    yield finding(
                        f"{name} was {said} in the End notification and is {final} in the CDR",
                        on=exchange, requirement="NOTIF-014", pointer=f"/{name}",
                    )  # fmt: skip
        if _after_cdr(evidence, exchange, own):
            yield finding("End came after the CDR", on=exchange, requirement="NOTIF-015")
        elif evidence.run.truth:
            yield from _when_energy_stopped(exchange, own)


def _when_energy_stopped(exchange: Exchange, own: Session) -> Iterator[Yield]:
    yield Checked("NOTIF-015", NOTIFICATION)
    for transaction in own.transactions:
        for begin, end in transaction.t_energy:
            if begin < exchange.t - _SLACK_S and (end is None or end > exchange.t + _SLACK_S):
                yield finding("End was sent while energy was flowing", on=exchange, requirement="NOTIF-015")
                return


_ORDER = {"Start": 0, "Progress": 1, "End": 2}


@whole.rule("NOTIF-020")
def notifications_come_in_order(evidence: Evidence) -> Iterator[Yield]:
    """Start comes before Progress, Progress before End, nothing after the CDR."""
    for own in sessions(evidence) if ORDER not in evidence.run.unknown else ():
        highest, sent = -1, 0
        for exchange in own.notifications:
            kind = exchange.body.get("Type")
            rank = _ORDER.get(kind) if isinstance(kind, str) else None
            if rank is None or not exchange.by_cpo:
                continue
            sent += 1
            if rank < highest and not _resumed(own, exchange):
                yield finding(f"{kind} came after a later stage had been told", on=exchange)
            elif _after_cdr(evidence, exchange, own):
                yield finding(f"{kind} came after the CDR", on=exchange)
            highest = max(highest, rank)
        if sent > 1 or (sent and own.cdrs):
            yield Checked("NOTIF-020", NOTIFICATION)


def _resumed(own: Session, exchange: Exchange) -> bool:
    """Charging had ended and begun again before this notification."""
    ends = [n.t for n in own.notifications if n.body.get("Type") == "End" and n.t < exchange.t]
    return any(ends[0] < begin <= exchange.t for t in own.transactions for begin, _ in t.t_energy) if ends else False


@whole.rule("NOTIF-021")
def an_emp_without_notifications_is_tolerated(evidence: Evidence) -> Iterator[Yield]:
    """After 320 or 310 charging and CDR are not affected, and the notification is not repeated without end."""
    for own in sessions(evidence):
        refused = [n for n in own.notifications if n.by_cpo and n.status_code in _NO_EMP and not n.accepted]
        if not refused:
            continue
        if own.cdrs:
            yield Checked("NOTIF-021", CDR)
        yield from _repeated(refused)
        for transaction in own.transactions:
            stop = transaction.t_stop
            asked = any(s.t <= (stop or 0.0) for s in own.stops)
            soon = stop is not None and any(0 <= stop - end_of(n) <= 2 * _TRANSPORT_S for n in refused)
            if soon and transaction.reason == "Remote" and not asked:
                yield finding("the session was ended right after a notification was refused", on=refused[-1])


def _repeated(refused: list[Exchange]) -> Iterator[Yield]:
    counts: dict[object, int] = {}
    for exchange in refused:
        kind = exchange.body.get("Type")
        same = kind if kind in ("Start", "End") else exchange.request.body  # those come once, whatever times they tell
        counts[same] = counts.get(same, 0) + 1
        if counts[same] == _MANY_REPEATS + 1:
            yield finding(
                f"the same notification was repeated more than {_MANY_REPEATS} times against {exchange.status_code}",
                on=exchange,
            )
