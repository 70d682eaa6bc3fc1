"""What the hub does per service. Each module has the name of its messages and lists its operations in `OPERATIONS`."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

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

_PUSHES = frozenset(
    ("PushEvseData", "PushEvseStatus", "PushPricingProductData", "PushEVSEPricing", "PushAuthenticationData")
)
_TO_NOBODY = frozenset(
    (
        "ChargeDetailRecord", "PullEvseData", "PullEvseStatus", "PullEvseStatusByID", "PullEvseStatusByOperatorID",
        "GetChargeDetailRecords", "PullAuthenticationData", "PullPricingProductData", "PullEVSEPricing",
    )
)  # fmt: skip


def never_waits(broker: Broker, operation: str) -> bool:
    """True if the service answers without waiting for anybody: neither a partner nor a setting holds it up."""
    return operation in _TO_NOBODY or (operation in _PUSHES and not broker.settings.processing_s)


def done_at_once(work: Coroutine[Any, Any, Reply]) -> Reply:
    """The answer of a service that never waits."""
    try:
        work.send(None)
    except StopIteration as over:
        return over.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("a service waits although it is said not to")
