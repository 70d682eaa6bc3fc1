"""Numbers and times of charge detail records, read leniently."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite

from oicp.messages import moment as sent_moment
from oicp.wire_json import Json


def number(value: Json) -> Decimal | float | None:
    """A JSON number as it was read, a number written as text as a decimal."""
    if type(value) is float:
        return value if isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(value: Json) -> datetime | None:
    """A time with offset; one without is read as UTC."""
    if not isinstance(value, str):
        return None
    if (usual := sent_moment(value)) is not None:
        return usual
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
