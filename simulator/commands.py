"""What the CPO can want of a charge point, where both versions of OCPP mean the same."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from simulator.link import Payload, Reply, text, whole
from simulator.outbox import Words

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint
    from simulator.evse import VirtualEvse


def told(value: Any) -> str:
    """A string of a call. Raises TypeError for anything else (only reachable with the schema checks off)."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def reservable(evse: "VirtualEvse", reservation_id: int) -> str:
    """The answer to a reservation: Accepted for a free EVSE (or the same number again), else why not."""
    if evse.reservation is not None and evse.reservation.reservation_id == reservation_id:
        return "Accepted"
    return {"Available": "Accepted", "Faulted": "Faulted", "Unavailable": "Unavailable"}.get(
        evse.connector_status, "Occupied"
    )


def reserved_as(charge_point: "ChargePoint", reservation_id: int) -> "VirtualEvse | None":
    """The EVSE that reservation holds."""
    for evse in charge_point.evses:
        if evse.reservation is not None and evse.reservation.reservation_id == reservation_id:
            return evse
    return None


def limit(evses: "tuple[VirtualEvse, ...]", zero: bool) -> None:
    """A profile allows no current, or some."""
    for evse in evses:
        evse.limit(zero)


def profile_is_zero(schedule: Any) -> bool:
    """Whether the first period of a charging schedule allows no current."""
    if isinstance(schedule, list):
        schedule = schedule[0] if schedule else {}
    periods = schedule.get("chargingSchedulePeriod") if isinstance(schedule, dict) else None
    return isinstance(periods, list) and bool(periods) and not float(periods[0].get("limit", 1))


def time_of(value: Any) -> datetime | None:
    """A time as OCPP writes it; None if it is none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _again_boot(charge_point: "ChargePoint", _: "tuple[VirtualEvse, ...]") -> None:
    if charge_point.online:
        charge_point.say(lambda dialect: dialect.boot("Triggered"))
    else:
        charge_point.modem.boot_again()


def _again_status(charge_point: "ChargePoint", evses: "tuple[VirtualEvse, ...]") -> None:
    for evse in evses:
        charge_point.report(evse, asked=True)


def sample_again(charge_point: "ChargePoint", evses: "tuple[VirtualEvse, ...]") -> None:
    """Readings of the transactions that run."""
    for evse in evses:
        evse.sample("Trigger")


def read_again(charge_point: "ChargePoint", evses: "tuple[VirtualEvse, ...]") -> None:
    """Readings of the meters, whether a transaction runs or not."""
    for evse in evses:
        charge_point.say_meter(evse, evse.take_reading("Trigger"))


Trigger = Callable[["ChargePoint", "tuple[VirtualEvse, ...]"], None]

TRIGGERS: dict[str, Trigger] = {
    "BootNotification": _again_boot,
    "Heartbeat": lambda charge_point, _: charge_point.say(lambda dialect: dialect.heartbeat(), asked=True),
    "StatusNotification": _again_status,
}
"""Messages the CPO can ask for in either version."""


class InBothVersions:
    """What 1.6 and 2.0.1 say and do alike, of one charge point."""

    def __init__(self, charge_point: "ChargePoint") -> None:
        self._cp = charge_point

    def read_boot(self, answer: Payload) -> tuple[str, int | None]:
        """Status and interval in seconds."""
        return text(answer, "status") or "without status", whole(answer, "interval")

    def heartbeat(self) -> Words:
        """Heartbeat."""
        return "Heartbeat", {}

    def _cancel_reservation(self, payload: Payload) -> Reply:
        evse = reserved_as(self._cp, payload["reservationId"])
        answer = "Rejected" if evse is None else "Accepted"
        self._cp.seen(
            "reserve_cancelled", evse_id=evse.evse_id if evse else None, reservation_id=payload["reservationId"],
            answer=answer,
        )  # fmt: skip
        return Reply({"status": answer}, evse.end_reservation if evse else None)

    def _clear_charging_profile(self, payload: Payload) -> Reply:
        return Reply({"status": "Accepted"}, lambda: limit(self._cp.evses, False))
