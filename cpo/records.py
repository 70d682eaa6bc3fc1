"""What the CPO keeps: OICP sessions, OCPP transactions, messages that wait for the hub."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cpo.local_time import read as read_time
from cpo.metering import Meter
from oicp.wire_json import Json


class State(StrEnum):
    """Where a session stands."""

    STARTING = "starting"  # the charge point was asked and has not answered
    WAITING = "waiting"  # accepted; no transaction yet
    RESERVED = "reserved"  # a reservation holds
    CHARGING = "charging"  # a transaction runs
    ENDED = "ended"  # over; its charge detail record was written
    REFUSED = "refused"  # answered negatively; nothing may be billed


LIVE = frozenset({State.STARTING, State.WAITING, State.RESERVED, State.CHARGING})


@dataclass
class Session:
    """One OICP session. `kind`: remote, rfid or reservation. `answer_code`: what its start was answered.

    `ends_at`: when a reservation ends, or until when a session waits for its transaction that was stopped before that began
    (`stopped_early`).
    """

    session_id: str
    kind: str
    evse_id: str
    provider_id: str
    identification: dict[str, Json]
    id_tag: str
    created_at: datetime
    state: State = State.STARTING
    emp_partner_session_id: str | None = None
    cpo_partner_session_id: str | None = None
    partner_product_id: str | None = None
    transaction_id: int | None = None
    stop_accepted: bool = False
    stopped_early: bool = False
    answer_code: str = ""
    reservation_id: int | None = None
    ends_at: datetime | None = None
    stop_uids: tuple[str, ...] = ()

    @property
    def live(self) -> bool:
        """It is not over."""
        return self.state in LIVE

    @property
    def evco_id(self) -> str | None:
        """EvcoID of a remotely identified driver."""
        remote = self.identification.get("RemoteIdentification")
        value = remote.get("EvcoID") if isinstance(remote, dict) else None
        return value if isinstance(value, str) else None

    def to_json(self) -> dict[str, Json]:
        """For the database."""
        data = dict(self.__dict__)
        data["state"], data["stop_uids"] = str(self.state), list(self.stop_uids)
        return {name: _written(value) for name, value in data.items()}

    @classmethod
    def from_json(cls, data: dict[str, Json]) -> "Session":
        """From the database."""
        fields: dict[str, Any] = dict(data)
        fields["state"], fields["stop_uids"] = State(data["state"]), tuple(data["stop_uids"])
        fields["created_at"], fields["ends_at"] = read_time(data["created_at"]), read_time(data["ends_at"])
        return cls(**fields)


@dataclass
class Transaction:
    """One OCPP transaction. `reference` is the charge point's name for it (2.0.1), else our number as text.

    `fingerprint` tells a repeated start from a new one. `stopped_at` is None while it runs.
    """

    transaction_id: int
    charge_point_id: str
    connector_id: int
    evse_id: str
    reference: str
    fingerprint: str
    id_tag: str
    started_at: datetime
    session_id: str | None = None
    stopped_at: datetime | None = None
    reason: str | None = None
    meter: Meter = field(default_factory=Meter)

    @property
    def open(self) -> bool:
        """It runs."""
        return self.stopped_at is None

    def to_json(self) -> dict[str, Json]:
        """For the database."""
        data = {name: _written(value) for name, value in self.__dict__.items() if name != "meter"}
        return data | {"meter": self.meter.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Json]) -> "Transaction":
        """From the database."""
        fields: dict[str, Any] = dict(data)
        fields["meter"] = Meter.from_json(data["meter"])
        fields["started_at"], fields["stopped_at"] = read_time(data["started_at"]), read_time(data["stopped_at"])
        return cls(**fields)


def _written(value: Json) -> Json:
    return value.isoformat() if isinstance(value, datetime) else value


@dataclass
class Waiting:
    """A message in the outbox, with the exact text that goes out.

    `key`: at most one message per operation has it. `after`: number of the message that has to go first. `uncertain`: an attempt
    ended without an answer, so the hub may have it already. `refusals`: how often the hub refused the content.
    """

    operation: str
    key: str
    session_id: str
    body: str
    after: int | None = None
    number: int = 0
    attempts: int = 0
    uncertain: bool = False
    refusals: int = 0
    created_at: str = ""
