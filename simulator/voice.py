"""What a charge point tells the CPO (over the outbox) and the bench (as observations)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from simulator.dialect import Dialect
from simulator.evse_core import EvseCore, Reservation
from simulator.link import Payload
from simulator.meter import Reading
from simulator.outbox import Message, Outbox, Words
from simulator.outlet import Outlet
from simulator.settings import FleetSettings
from simulator.transaction import Driver, Kind, Transaction, TransactionEvent, now

if TYPE_CHECKING:
    from simulator.evse import VirtualEvse
    from simulator.modem import Modem


class Observe(Protocol):
    """Where observations go; the signature of the recorder's `observe`."""

    def __call__(
        self, kind: str, *, evse_id: str | None = None, charge_point: str | None = None, **data: Any
    ) -> Any: ...


class Voice:
    """The telling half of a charge point."""

    id: str
    settings: FleetSettings
    outbox: Outbox
    modem: "Modem"
    evses: "tuple[VirtualEvse, ...]"
    _observe: Observe

    @property
    def online(self) -> bool:
        """Connected to the CPO, and its boot was accepted."""
        return self.modem.registered and self.modem.wanted

    # --- what it tells the CPO ---------------------------------------------------------------------------------------

    def report(self, evse: Outlet, *, asked: bool = False) -> None:
        """StatusNotification of an EVSE, if there is somebody to hear it; after a reconnect all are sent anyway."""
        dialect = self.modem.dialect
        if dialect is None:
            return
        words, connector_status = dialect.status(evse), evse.connector_status

        def answered(_: Dialect, __: Payload) -> None:
            self.seen("connector_status_delivered", evse_id=evse.evse_id, connector_status=connector_status)

        self._send(Message(lambda _: words, answered), asked)

    def say(self, words: Callable[[Dialect], Words | None], *, asked: bool = False) -> None:
        """Any other call, while the connection stands; `asked`: the CPO wants it, even before it accepted the boot."""
        self._send(Message(words), asked)

    def _send(self, message: Message, asked: bool) -> None:
        if self.online:
            self.outbox.put(message)
        elif asked:
            self.modem.asked_for(message)

    def report_self(self, *, asked: bool = False) -> None:
        """StatusNotification of the charge point as a whole, where the version has one."""
        words = None if self.modem.dialect is None else self.modem.dialect.own_status()
        if words is None:
            return
        status = words[1]["status"]

        def answered(_: Dialect, __: Payload) -> None:
            self.seen("charge_point_status_delivered", connector_status=status)

        self._send(Message(lambda _: words, answered), asked)

    def report_all(self, *, asked: bool = False) -> None:
        """StatusNotification of the charge point and of each EVSE."""
        self.report_self(asked=asked)
        for evse in self.evses:
            self.report(evse, asked=asked)

    def say_meter(self, evse: EvseCore, reading: Reading) -> None:
        """A reading the CPO asked for that belongs to no transaction."""
        self.seen("meter", evse_id=evse.evse_id, meter_wh=reading.meter_wh)
        self.say(lambda dialect: dialect.meter_values(evse, reading), asked=True)

    def tell(
        self, transaction: Transaction, kind: Kind, trigger: str, readings: tuple[Reading, ...] = ()
    ) -> None:  # fmt: skip
        """An event of a transaction, kept until the CPO answered it."""
        event = TransactionEvent(
            kind, transaction, now(), transaction.next_number(), trigger, transaction.evse.connector_status, readings,
            offline=not self.online,
        )  # fmt: skip

        def answered(dialect: Dialect, answer: Payload) -> None:
            found = dialect.read_transaction(event, answer)
            self._transaction_answered(event, found.transaction_id, found.id_tag_status)

        self.outbox.put(Message(lambda dialect: dialect.transaction(event), answered, self._not_told(event), keep=True))

    def _not_told(self, event: TransactionEvent) -> Callable[[str], None]:
        def failed(_: str) -> None:
            if event.kind == "Started":
                # The driver was accepted before; a charge point does not strand him because a server errs.
                event.transaction.evse.start_answered(event.transaction, None)

        return failed

    def _transaction_answered(self, event: TransactionEvent, ident: int | str | None, tag: str | None) -> None:
        transaction, evse = event.transaction, event.transaction.evse
        if event.kind == "Started":
            transaction.transaction_id, transaction.answered = ident, True
            self.seen(
                "transaction_start_delivered", evse_id=evse.evse_id, transaction=transaction.reference,
                transaction_id=ident, id_tag_status=tag,
            )  # fmt: skip
            evse.start_answered(transaction, tag)
        elif event.kind == "Ended":
            self.seen("transaction_stop_delivered", evse_id=evse.evse_id, transaction=transaction.reference)
        elif tag not in (None, "Accepted"):
            evse.start_answered(transaction, tag)

    def ask_about(self, evse: EvseCore, driver: Driver) -> None:
        """Authorize; the driver waits for the answer."""

        def answered(dialect: Dialect, answer: Payload) -> None:
            found = dialect.read_authorize(answer)
            self.seen("authorize", evse_id=evse.evse_id, id_tag=driver.id_tag, answer=found)
            evse.authorized(driver, found)

        def failed(_: str) -> None:
            self.seen("authorize", evse_id=evse.evse_id, id_tag=driver.id_tag, answer=None)
            evse.authorized(driver, "Invalid")

        self.outbox.put(Message(lambda dialect: dialect.authorize(driver.id_tag, driver.token_type), answered, failed))

    def reservation_ran_out(self, reservation: Reservation) -> None:
        """A reservation was not used in time."""
        self.say(lambda dialect: dialect.reservation_over(reservation.reservation_id))

    def seen(self, kind: str, *, evse_id: str | None = None, **data: Any) -> int | None:
        """Hand an observation on; returns its number where the recorder gives one."""
        observation = self._observe(kind, evse_id=evse_id, charge_point=self.id, **data)
        return getattr(observation, "number", None)

    def saw_call(
        self, sender: str, action: str, payload: Any, answer: Any, error: str | None, duration_s: float
    ) -> None:
        """One OCPP call ended."""
        if not self.settings.observe_calls:
            return
        if action == "ChangeConfiguration" and isinstance(payload, dict) and payload.get("key") == "AuthorizationKey":
            payload = {**payload, "value": "(kept secret)"}
        self.seen(
                "ocpp", sender=sender, action=action, payload=payload, answer=answer, error=error,
                duration_s=round(duration_s, 4),
            )  # fmt: skip
