"""Sessions and transactions put together from a recording: who charged what where, and which messages belong to it."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from oicp import wire_json
from oicp.evidence import Evidence, Exchange, Observation
from oicp.services import Direction


def same_id(one: object, other: object) -> bool:
    """Ids compared without separators and letter case, as `DE*ABC*E1` and `de-abc-e1` name the same."""
    return isinstance(one, str) and isinstance(other, str) and folded(one) == folded(other)


def folded(ident: str) -> str:
    """An id without separators, in upper case."""
    return ident.replace("*", "").replace("-", "").replace(" ", "").upper()


@dataclass(frozen=True)
class Transaction:
    """What a virtual charge point really did: the ground truth. Seconds `t...` as in the recording, meter in Wh.

    `t_delivered`: the CPO answered the end of the transaction. `session_id`: the OICP session it belongs to, None if none fits.
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

    @property
    def energy_wh(self) -> int | None:
        """Energy delivered in Wh; None while it runs."""
        return None if self.meter_stop_wh is None else self.meter_stop_wh - self.meter_start_wh


@dataclass(frozen=True)
class Session:
    """One SessionID of the hub and all that belongs to it. `kind`: remote, rfid or reservation.

    `start` is the exchange that opened it, None for an id that was never opened in this recording (then `kind` is "unknown").
    `accepted`: the start was answered positively and in time.
    """

    session_id: str
    kind: str
    start: Exchange | None
    starts: tuple[Exchange, ...]
    stops: tuple[Exchange, ...]
    cdrs: tuple[Exchange, ...]
    notifications: tuple[Exchange, ...]
    transactions: tuple[Transaction, ...]
    deleted: bool = False

    @property
    def operation(self) -> str:
        """Operation that opened it, for the coverage table."""
        return self.start.operation or "" if self.start else ""

    @property
    def accepted(self) -> bool:
        """The start was accepted and the hub kept the session."""
        return self.start is not None and _accepted(self.start) and not self.deleted

    @property
    def evse_id(self) -> str | None:
        """EvseID of the start."""
        return _text(self.start, "EvseID")

    @property
    def provider_id(self) -> str | None:
        """ProviderID of the start."""
        return _text(self.start, "ProviderID")

    @property
    def evco_id(self) -> str | None:
        """EvcoID of a remote start."""
        if self.start is None:
            return None
        value = wire_json.at(self.start.body, "Identification", "RemoteIdentification", "EvcoID")
        return value if isinstance(value, str) else None

    @property
    def transaction(self) -> Transaction | None:
        """The transaction, if there is just one or more: the first."""
        return self.transactions[0] if self.transactions else None

    @property
    def stop_accepted(self) -> bool:
        """A stop was accepted."""
        return any(stop.accepted for stop in self.stops)

    @property
    def faulted(self) -> bool:
        """A fault touched any of its exchanges."""
        return any(e.faults for e in (*self.starts, *self.stops, *self.cdrs, *self.notifications))


def _text(exchange: Exchange | None, name: str) -> str | None:
    value = exchange.body.get(name) if exchange else None
    return value if isinstance(value, str) else None


def _accepted(start: Exchange) -> bool:
    if start.operation == "AuthorizeStart":
        return start.answer_body.get("AuthorizationStatus") == "Authorized"
    return start.accepted


_KINDS = {"AuthorizeRemoteStart": "remote", "AuthorizeRemoteReservationStart": "reservation", "AuthorizeStart": "rfid"}
_STOPS = ("AuthorizeRemoteStop", "AuthorizeRemoteReservationStop", "AuthorizeStop")


@lru_cache(maxsize=8)
def sessions(evidence: Evidence) -> tuple[Session, ...]:
    """All sessions in the order of their first message."""
    groups: dict[str, list[Exchange]] = {}
    for exchange in evidence.exchanges:
        if (
            exchange.operation
            and exchange.direction in (Direction.CPO_TO_HUB, Direction.HUB_TO_CPO)
            and exchange.session_id
        ):
            groups.setdefault(exchange.session_id, []).append(exchange)
    deleted = {o.data.get("session_id") for o in evidence.seen("hub_session") if o.data.get("event") == "deleted"}
    by_session: dict[str, list[Transaction]] = {}
    for transaction in transactions(evidence):
        if transaction.session_id:
            by_session.setdefault(transaction.session_id, []).append(transaction)
    return tuple(_session(i, group, by_session.get(i, []), i in deleted) for i, group in groups.items())


def _session(ident: str, group: list[Exchange], own: list[Transaction], deleted: bool) -> Session:
    starts = tuple(e for e in group if e.operation in _KINDS)
    start = next((e for e in starts if _accepted(e)), starts[0] if starts else None)
    kind = _KINDS[start.operation] if start and start.operation else "unknown"
    return Session(
        ident, kind, start, starts, tuple(e for e in group if e.operation in _STOPS),
        tuple(e for e in group if e.operation == "ChargeDetailRecord"),
        tuple(e for e in group if e.operation == "ChargingNotifications"), tuple(own), deleted,
    )  # fmt: skip


def session(evidence: Evidence, session_id: str | None) -> Session | None:
    """The session of that id."""
    return _sessions_by_id(evidence).get(session_id or "")


@lru_cache(maxsize=8)
def _sessions_by_id(evidence: Evidence) -> dict[str, Session]:
    return {s.session_id: s for s in sessions(evidence)}


@lru_cache(maxsize=8)
def transactions(evidence: Evidence) -> tuple[Transaction, ...]:
    """All transactions of the virtual charge points, each with the session it belongs to."""
    starts: dict[str, list[Exchange]] = {}
    for exchange in evidence.about("AuthorizeRemoteStart", "AuthorizeStart"):
        evse_id = exchange.body.get("EvseID")
        if exchange.direction in (Direction.HUB_TO_CPO, Direction.CPO_TO_HUB) and isinstance(evse_id, str):
            starts.setdefault(folded(evse_id), []).append(exchange)
    found = [_transaction(evidence, o) for o in evidence.seen("transaction_started")]
    taken: set[str] = set()
    return tuple(_attributed(t, starts.get(folded(t.evse_id), []), taken) for t in found)


def _attributed(transaction: Transaction, starts: list[Exchange], taken: set[str]) -> Transaction:
    """The session is the latest accepted start on that EVSE before the transaction began that has none yet."""
    before = [s for s in starts if s.t <= transaction.t_start and s.session_id]
    for wanted in (True, False):
        for start in reversed(before):
            ident = start.session_id or ""
            if _accepted(start) is wanted and ident not in taken:
                taken.add(ident)
                return Transaction(**{**transaction.__dict__, "session_id": ident})
    return transaction


def _transaction(evidence: Evidence, started: Observation) -> Transaction:
    reference = str(started.data["transaction"])
    later = _transaction_events(evidence).get(reference, {})
    stopped = later.get("transaction_stopped")
    delivered, begun = later.get("transaction_stop_delivered"), later.get("transaction_start_delivered")
    return Transaction(
        evse_id=started.evse_id or "", reference=reference, t_start=started.t,
        meter_start_wh=int(started.data["meter_wh"]), started=started, cause=str(started.data.get("cause", "remote")),
        id_tag=started.data.get("id_tag"), t_stop=stopped.t if stopped else None,
        meter_stop_wh=int(stopped.data["meter_wh"]) if stopped else None, stopped=stopped,
        reason=stopped.data.get("reason") if stopped else None, t_start_delivered=begun.t if begun else None,
        t_stop_delivered=delivered.t if delivered else None,
        t_energy=tuple(_energy(evidence, started, stopped)),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _transaction_events(evidence: Evidence) -> dict[str, dict[str, Observation]]:
    found: dict[str, dict[str, Observation]] = {}
    for o in evidence.seen("transaction_stopped", "transaction_stop_delivered", "transaction_start_delivered"):
        found.setdefault(str(o.data["transaction"]), {}).setdefault(o.kind, o)
    return found


@lru_cache(maxsize=8)
def _energy_events(evidence: Evidence) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = {}
    for o in evidence.seen("energy_started", "energy_stopped"):
        found.setdefault(folded(o.evse_id or ""), []).append(o)
    return found


def _energy(
    evidence: Evidence, started: Observation, stopped: Observation | None
) -> Iterator[tuple[float, float | None]]:
    begun: float | None = None
    for o in _energy_events(evidence).get(folded(started.evse_id or ""), []):
        if o.t < started.t - 0.001 or (stopped and o.t > stopped.t + 0.5):
            continue
        if o.kind == "energy_started":
            begun = o.t
        elif begun is not None:
            yield begun, o.t
            begun = None
    if begun is not None:
        yield begun, None


# --- whose scenario? -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _leases(evidence: Evidence) -> dict[str, list[tuple[float, str | None]]]:
    """Per EVSE (folded id; "" for exclusive scenarios): at which second which scenario took it, None when released."""
    found: dict[str, list[tuple[float, str | None]]] = {}
    for o in evidence.seen("evse_leased", "evse_released"):
        name = str(o.data.get("scenario")) if o.kind == "evse_leased" else None
        found.setdefault(folded(o.evse_id or ""), []).append((o.t, name))
    for o in evidence.seen("scenario_started", "scenario_ended"):
        if o.data.get("exclusive"):
            found.setdefault("", []).append((o.t, str(o.data["scenario"]) if o.kind == "scenario_started" else None))
    return found


def scenario_at(evidence: Evidence, t: float | None, evse_id: str | None, session_id: str | None) -> str | None:
    """The scenario that had this EVSE (or the EVSE of this session) at that second; None between scenarios."""
    if evse_id is None and session_id is not None:
        own = session(evidence, session_id)
        evse_id = own.evse_id if own else None
        t = own.start.t if t is None and own and own.start else t
    if t is None:
        return None
    for key in ([folded(evse_id)] if evse_id else []) + [""]:
        leases = _leases(evidence).get(key, [])
        at = bisect_right([lease[0] for lease in leases], t)
        if at and leases[at - 1][1]:
            return leases[at - 1][1]
    return None
