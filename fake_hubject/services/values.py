"""Numbers and times of charge detail records, read leniently."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from oicp.wire_json import Json


def number(value: Json) -> Decimal | None:
    """A JSON number (or a number written as text) as an exact decimal."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        found = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(value: Json) -> datetime | None:
    """A time with offset; one without is read as UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
