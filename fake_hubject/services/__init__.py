"""What the hub does per service. Each module has the name of its messages and lists its operations in `OPERATIONS`."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fake_hubject.answers import Reply
from fake_hubject.broker import Broker, Call
from fake_hubject.services import charge_detail_record, evse_data, evse_status, remote_requests

Service: TypeAlias = Callable[[Broker, Call], Awaitable[Reply]]

SERVICES: dict[str, Service] = {
    **evse_data.OPERATIONS, **evse_status.OPERATIONS, **charge_detail_record.OPERATIONS,
    **dict.fromkeys(
        (remote_requests.START, remote_requests.STOP, remote_requests.RESERVE, remote_requests.RELEASE),
        remote_requests.from_emp,
    ),
}  # fmt: skip
