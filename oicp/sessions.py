"""Sessions and transactions put together from a recording: who charged what where, and which messages belong to it."""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.services import Direction
from oicp.transactions import Transaction, folded, opened, same_id, session_id_of, transactions

__all__ = [
    "Session", "Transaction", "folded", "opened", "same_id", "scenario_at", "session", "session_id_of", "sessions",
    "transactions",
]  # fmt: skip


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
        return self.start is not None and opened(self.start) and not self.deleted

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
        return any(opened(stop) for stop in self.stops)

    @property
    def faulted(self) -> bool:
        """A fault touched any of its exchanges."""
        return any(e.faults for e in (*self.starts, *self.stops, *self.cdrs, *self.notifications))


def _text(exchange: Exchange | None, name: str) -> str | None:
    value = exchange.body.get(name) if exchange else None
    return value if isinstance(value, str) else None


_KINDS = {"AuthorizeRemoteStart": "remote", "AuthorizeRemoteReservationStart": "reservation", "AuthorizeStart": "rfid"}
_STOPS = ("AuthorizeRemoteStop", "AuthorizeRemoteReservationStop", "AuthorizeStop")


@lru_cache(maxsize=8)
def sessions(evidence: Evidence) -> tuple[Session, ...]:
    """All sessions in the order of their first message."""
    groups: dict[str, list[Exchange]] = {}
    for exchange in evidence.exchanges:
        if exchange.operation and exchange.direction in (Direction.CPO_TO_HUB, Direction.HUB_TO_CPO):
            ident = session_id_of(exchange)
            if ident:
                groups.setdefault(ident.upper(), []).append(exchange)
    deleted = {o.data.get("session_id") for o in evidence.seen("hub_session") if o.data.get("event") == "deleted"}
    by_session: dict[str, list[Transaction]] = {}
    for transaction in transactions(evidence):
        if transaction.session_id:
            by_session.setdefault(transaction.session_id.upper(), []).append(transaction)
    names = {key: session_id_of(group[0]) or "" for key, group in groups.items()}
    return tuple(_session(names[i], group, by_session.get(i, []), names[i] in deleted) for i, group in groups.items())


def _session(ident: str, group: list[Exchange], own: list[Transaction], deleted: bool) -> Session:
    starts = tuple(e for e in group if e.operation in _KINDS)
    start = next((e for e in starts if opened(e)), starts[0] if starts else None)
    kind = _KINDS[start.operation] if start and start.operation else "unknown"
    return Session(
        ident, kind, start, starts, tuple(e for e in group if e.operation in _STOPS),
        tuple(e for e in group if e.operation == "ChargeDetailRecord"),
        tuple(e for e in group if e.operation == "ChargingNotifications"), tuple(own), deleted,
    )  # fmt: skip


def session(evidence: Evidence, session_id: str | None) -> Session | None:
    """The session of that id; a change of case is no other session (SESS-003 tells of it)."""
    return _sessions_by_id(evidence).get((session_id or "").upper())


@lru_cache(maxsize=8)
def _sessions_by_id(evidence: Evidence) -> dict[str, Session]:
    return {s.session_id.upper(): s for s in sessions(evidence)}


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
