"""What virtual charge points really did, put together from their observations: the ground truth of a recording."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, Exchange, Observation
from oicp.services import Direction

_LATE_COMMAND_S = 600.0
"""A command may reach a charge point this long after the answer to the start (seconds)."""
_LOOK_BACK, _AT_ONCE = 50, 2000
"""So many starts on the EVSE that are over, and so many in all, are looked at for one transaction: keeps the cost linear."""


def same_id(one: object, other: object) -> bool:
    """Ids compared without separators and letter case, as `DE*ABC*E1` and `de-abc-e1` name the same."""
    return isinstance(one, str) and isinstance(other, str) and folded(one) == folded(other)


def folded(ident: str) -> str:
    """An id without separators, in upper case."""
    return ident.replace("*", "").replace("-", "").replace(" ", "").upper()


@dataclass(frozen=True)
class Transaction:
    """What a virtual charge point really did. Seconds `t...` as in the recording, meter in Wh.

    `t_delivered`: the CPO answered the end of the transaction. `session_id`: the OICP session it belongs to, None if none fits.
    `t_command`: when the charge point got the command that caused it, None for a local start.
    """

    evse_id: str
    reference: str
    t_start: float
    meter_start_wh: int
    started: Observation
    cause: str = "remote"
    id_tag: str | None = None
    t_stop: float | None = None
    meter_stop_wh: int | None = None
    stopped: Observation | None = None
    reason: str | None = None
    t_start_delivered: float | None = None
    t_stop_delivered: float | None = None
    t_energy: tuple[tuple[float, float | None], ...] = ()
    session_id: str | None = None
    t_command: float | None = None
    id_tag_status: str | None = None

    @property
    def energy_wh(self) -> int | None:
        """Energy delivered in Wh; None while it runs."""
        return None if self.meter_stop_wh is None else self.meter_stop_wh - self.meter_start_wh

    @property
    def rejected(self) -> bool:
        """The CPO did not authorize its token."""
        return self.id_tag_status not in (None, "Accepted")

    def runs_at(self, t: float) -> bool:
        """True if it runs at second `t`."""
        return self.t_start <= t and (self.t_stop is None or self.t_stop > t)

    @property
    def t_first_energy(self) -> float | None:
        """Second of the first energy, None if none flowed."""
        return self.t_energy[0][0] if self.t_energy else None

    @property
    def t_last_energy(self) -> float | None:
        """Second at which energy flowed last; None if none flowed or it still does."""
        return self.t_energy[-1][1] if self.t_energy else None


def opened(start: Exchange) -> bool:
    """A start (or stop) was answered positively: `Result` true, or `Authorized`."""
    if start.operation in ("AuthorizeStart", "AuthorizeStop"):
        return start.answer_body.get("AuthorizationStatus") == "Authorized"
    return start.accepted


def session_id_of(exchange: Exchange) -> str | None:
    """The SessionID an exchange is about. The hub alone gives them out: the one in an AuthorizeStart counts for nothing."""
    body = exchange.answer_body if exchange.operation == "AuthorizeStart" else exchange.body
    value = body.get("SessionID")
    return value if isinstance(value, str) and value else None


def token_of(exchange: Exchange) -> str | None:
    """UID or EvcoID of the identification in a request; the first there is."""
    kinds = exchange.body.get("Identification")
    for kind in kinds.values() if isinstance(kinds, dict) else ():
        for name in ("UID", "EvcoID"):
            value = wire_json.at(kind, name)
            if isinstance(value, str):
                return value
    return None


@lru_cache(maxsize=8)
def transactions(evidence: Evidence) -> tuple[Transaction, ...]:
    """All transactions of the virtual charge points, each with the session it belongs to."""
    starts = _Starts(evidence)
    commands = _accepted_commands(evidence)
    numbers = {o.number: o for o in evidence.seen("remote_start_received")}
    found: list[Transaction] = []
    for started in evidence.seen("transaction_started"):
        made = _transaction(evidence, started)
        command = numbers.get(started.data.get("remote_start") or -1)
        t_command = command.t if command else _latest(commands.get(folded(made.evse_id), []), made.t_start)
        if made.cause == "remote":
            made = replace(made, t_command=t_command, session_id=starts.commanded(made, t_command))
        else:
            made = replace(made, session_id=starts.authorized(made))
        found.append(made)
    return tuple(found)


def _accepted_commands(evidence: Evidence) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for o in evidence.seen("remote_start_received"):
        if str(o.data.get("answer")) == "Accepted":
            found.setdefault(folded(o.evse_id or ""), []).append(o.t)
    return found


def _latest(times: list[float], t: float) -> float | None:
    at = bisect_right(times, t)
    return times[at - 1] if at else None


class _Starts:
    """Starts by EVSE and by token; hands out each session to one transaction, unless the start was repeated."""

    def __init__(self, evidence: Evidence) -> None:
        self._remote: dict[str, list[Exchange]] = {}
        self._local: dict[str, list[Exchange]] = {}
        self._taken: set[str] = set()
        for exchange in evidence.about("AuthorizeRemoteStart", direction=Direction.HUB_TO_CPO):
            evse_id = exchange.body.get("EvseID")
            if isinstance(evse_id, str) and session_id_of(exchange):
                self._remote.setdefault(folded(evse_id), []).append(exchange)
        for exchange in evidence.about("AuthorizeStart", direction=Direction.CPO_TO_HUB):
            keys = (exchange.body.get("EvseID"), token_of(exchange))
            for key in keys if session_id_of(exchange) else ():
                if isinstance(key, str):
                    self._local.setdefault(folded(key), []).append(exchange)

    def commanded(self, transaction: Transaction, t_command: float | None) -> str | None:
        """The session of a transaction that a command of the CPO began."""
        t = transaction.t_start if t_command is None else t_command
        before = _before(self._remote.get(folded(transaction.evse_id), []), t)
        in_flight = [s for s in before[::-1] if s.t_end is None or s.t_end >= t]  # first come, first served
        in_flight.sort(key=lambda s: session_id_of(s) in self._taken)
        free = [s for s in before if session_id_of(s) not in self._taken]
        late = [s for s in free if s.t_end is not None and t - s.t_end <= _LATE_COMMAND_S]
        for starts, wanted in ((in_flight, True), (in_flight, False), (free, True), (late, False)):
            for start in starts:
                if opened(start) is wanted:
                    return self._take(start)
        return self.authorized(transaction)

    def authorized(self, transaction: Transaction) -> str | None:
        """The session of a transaction that a token at the charge point began."""
        for key in (transaction.id_tag, transaction.evse_id):
            for start in _before(self._local.get(folded(key or ""), []), transaction.t_start):
                if opened(start) and session_id_of(start) not in self._taken:
                    return self._take(start)
        return None

    def _take(self, start: Exchange) -> str | None:
        ident = session_id_of(start)
        if ident:
            self._taken.add(ident)
        return ident


def _before(starts: list[Exchange], t: float) -> list[Exchange]:
    """Starts that had begun at second `t`, latest first: of those answered by then the last few, of those in flight all."""
    at = bisect_right(starts, t, key=lambda start: start.t)
    found: list[Exchange] = []
    answered = 0
    for start in reversed(starts[max(0, at - _AT_ONCE) : at]):
        over = start.t_end is not None and start.t_end < t
        answered += over
        if not over or answered <= _LOOK_BACK:
            found.append(start)
    return found


def _wh(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _transaction(evidence: Evidence, started: Observation) -> Transaction:
    reference = str(started.data.get("transaction"))
    later = _transaction_events(evidence).get(reference, {})
    stopped = later.get("transaction_stopped")
    delivered, begun = later.get("transaction_stop_delivered"), later.get("transaction_start_delivered")
    return Transaction(
        evse_id=started.evse_id or "", reference=reference, t_start=started.t,
        meter_start_wh=_wh(started.data.get("meter_wh")), started=started, cause=str(started.data.get("cause", "remote")),
        id_tag=_text(started.data.get("id_tag")), t_stop=stopped.t if stopped else None,
        meter_stop_wh=_wh(stopped.data.get("meter_wh")) if stopped else None, stopped=stopped,
        reason=_text(stopped.data.get("reason")) if stopped else None, t_start_delivered=begun.t if begun else None,
        t_stop_delivered=delivered.t if delivered else None, t_energy=tuple(_energy(evidence, started, stopped)),
        id_tag_status=_text(begun.data.get("id_tag_status")) if begun else None,
    )  # fmt: skip


@lru_cache(maxsize=8)
def _transaction_events(evidence: Evidence) -> dict[str, dict[str, Observation]]:
    found: dict[str, dict[str, Observation]] = {}
    for o in evidence.seen("transaction_stopped", "transaction_stop_delivered", "transaction_start_delivered"):
        found.setdefault(str(o.data.get("transaction")), {}).setdefault(o.kind, o)
    return found


@lru_cache(maxsize=8)
def _energy_events(evidence: Evidence) -> dict[str, tuple[list[float], list[Observation]]]:
    found: dict[str, tuple[list[float], list[Observation]]] = {}
    for o in evidence.seen("energy_started", "energy_stopped"):
        times, events = found.setdefault(folded(o.evse_id or ""), ([], []))
        times.append(o.t)
        events.append(o)
    return found


def _energy(
    evidence: Evidence, started: Observation, stopped: Observation | None
) -> Iterator[tuple[float, float | None]]:
    times, events = _energy_events(evidence).get(folded(started.evse_id or ""), ([], []))
    begun: float | None = None
    for o in events[bisect_right(times, started.t - 0.001) :]:
        # A late end belongs to this transaction, a start after its end to the next one.
        if stopped and o.t > stopped.t + (0.5 if o.kind == "energy_stopped" else 0.0):
            break
        if o.kind == "energy_started":
            begun = o.t
        elif begun is not None:
            yield begun, o.t
            begun = None
    if begun is not None:
        yield begun, stopped.t if stopped else None
