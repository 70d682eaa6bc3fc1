"""A transaction of a charge point and the events of it that the CPO must hear of."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from simulator.meter import Reading

if TYPE_CHECKING:
    from simulator.evse_core import EvseCore


def now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


def wire_time(at: datetime) -> str:
    """A time as OCPP writes it: UTC with milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class Driver:
    """Who was accepted, and by what: `remote_start` is the number of the observation, `remote_start_id` OCPP 2.0.1's."""

    id_tag: str
    cause: Literal["remote", "local"] = "remote"
    remote_start: int | None = None
    remote_start_id: int | None = None
    token_type: str = "Central"  # noqa: S105 - a kind of token, not a secret
    reservation_id: int | None = None


@dataclass(slots=True)
class Transaction:
    """One transaction. `reference` is ours (unique, and the id in OCPP 2.0.1), `transaction_id` the CPO's (OCPP 1.6)."""

    evse: "EvseCore"
    driver: Driver
    begin: Reading
    reference: str = field(default_factory=lambda: str(uuid.uuid4()))
    transaction_id: int | str | None = None
    answered: bool = False
    end: Reading | None = None
    reason: str | None = None
    sequence: int = 0

    def next_number(self) -> int:
        """Sequence number of the next event (OCPP 2.0.1)."""
        self.sequence += 1
        return self.sequence - 1

    def stop(self, reason: str, trigger: str) -> None:
        """End it, if it still runs; see `EvseCore.stop_transaction`."""
        if self.evse.transaction is self:
            self.evse.stop_transaction(reason, trigger)


Kind = Literal["Started", "Updated", "Metered", "Ended"]


@dataclass(frozen=True, slots=True)
class TransactionEvent:
    """Something of a transaction the CPO must hear of, in order. `trigger` in OCPP 2.0.1's words, `state` the connector's then."""

    kind: Kind
    transaction: Transaction
    at: datetime
    number: int
    trigger: str
    state: str
    readings: tuple[Reading, ...] = ()
    offline: bool = False
