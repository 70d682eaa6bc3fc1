"""What a version of OCPP has to offer a charge point: words for what happened, and ears for what the CPO wants."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ocpp.exceptions import OCPPError

from simulator.link import Handler, Payload
from simulator.meter import Reading
from simulator.outbox import Words
from simulator.transaction import TransactionEvent

if TYPE_CHECKING:
    from simulator.outlet import Outlet


class Unknown(OCPPError):  # type: ignore[misc]  # the library has no types
    """The charge point has never heard of the action."""

    code = "NotImplemented"
    default_description = "the charge point does not know this action"


class Unsupported(OCPPError):  # type: ignore[misc]
    """The charge point knows the action and does not do it."""

    code = "NotSupported"
    default_description = "the charge point does not support this action"


@dataclass(frozen=True, slots=True)
class TransactionAnswer:
    """What the CPO said to a transaction event: its id of the transaction, and what it thinks of the driver."""

    transaction_id: int | str | None = None
    id_tag_status: str | None = None


class Dialect(Protocol):
    """One version of OCPP as one charge point speaks it."""

    version: str

    def find(self, action: str) -> Handler:
        """Who answers a call of the CPO. Raises `Unknown` or `Unsupported`."""

    def boot(self, reason: str) -> Words:
        """BootNotification."""

    def read_boot(self, answer: Payload) -> tuple[str, int | None]:
        """Status (Accepted, Pending, Rejected) and interval in seconds."""

    def heartbeat(self) -> Words:
        """Heartbeat."""

    def status(self, evse: "Outlet") -> Words:
        """StatusNotification of an EVSE."""

    def own_status(self) -> Words | None:
        """StatusNotification of the charge point as a whole, where the version has one."""

    def authorize(self, id_tag: str, token_type: str) -> Words:
        """Authorize."""

    def read_authorize(self, answer: Payload) -> str | None:
        """What the CPO thinks of the driver."""

    def reservation_over(self, reservation_id: int) -> Words | None:
        """A reservation ran out; None where the version has no word for it."""

    def meter_values(self, evse: "Outlet", reading: Reading) -> Words:
        """A reading outside of a transaction."""

    def transaction(self, event: TransactionEvent) -> Words | None:
        """A transaction event; None where the version has no word for it."""

    def read_transaction(self, event: TransactionEvent, answer: Payload) -> TransactionAnswer:
        """The answer to it. Raises `Unusable`."""
