"""What the hub does per service. Each module has the name of its messages and lists its operations in `OPERATIONS`."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fake_hubject.answers import Reply
from fake_hubject.broker import Broker, Call
from fake_hubject.services import (
    authentication_data,
    authorization,
    charge_detail_record,
    charging_notifications,
    dynamic_pricing,
    evse_data,
    evse_status,
    reservation,
)

Service: TypeAlias = Callable[[Broker, Call], Awaitable[Reply]]

SERVICES: dict[str, Service] = {
    **evse_data.OPERATIONS, **evse_status.OPERATIONS, **charge_detail_record.OPERATIONS, **authorization.OPERATIONS,
    **reservation.OPERATIONS, **charging_notifications.OPERATIONS, **dynamic_pricing.OPERATIONS,
    **authentication_data.OPERATIONS,
}  # fmt: skip
