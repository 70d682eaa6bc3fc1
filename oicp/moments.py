"""Date-times of OICP messages and numbers, read leniently: what cannot be read is None and the field rules say so."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime

from oicp.evidence import Exchange
from oicp.wire_json import Json

_NO_OFFSET = re.compile(r"[+-][0-9]{2}:?[6-9][0-9]\Z")
"""More than 59 minutes, which Python reads all the same."""


def moment(value: Json) -> datetime | None:
    """A date-time with a zone designator, in UTC."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        read = None if _NO_OFFSET.search(text) else datetime.fromisoformat(text)
        return read.astimezone(UTC) if read is not None and read.tzinfo else None
    except (ValueError, OverflowError):
        return None


def http_moment(text: str) -> datetime | None:
    """The moment of an HTTP header such as Date or Retry-After."""
    try:
        read = parsedate_to_datetime(text)
    except ValueError:
        return None
    return read if read.tzinfo else None


def second_of(exchange: Exchange, value: Json) -> float | None:
    """Second of the recording at which a date-time of a message lies."""
    read = moment(value)
    return None if read is None else exchange.t + (read - exchange.started_at).total_seconds()


def number(value: Json) -> Decimal | None:
    """A JSON number, exact; strings of digits are taken too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    try:
        read = Decimal(value.strip()) if isinstance(value, str) else value
    except ArithmeticError:
        return None
    return read if isinstance(read, Decimal) and read.is_finite() else None


def kwh(wh: int) -> Decimal:
    """Wh as kWh, exact."""
    return Decimal(wh) / 1000


def decimals(value: Decimal) -> int:
    """Digits behind the point, trailing zeros left out."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def has_energy(told: Exchange) -> bool:
    """This CDR or notification tells of energy in all, so that a vehicle was there."""
    return (number(told.body.get("ConsumedEnergy")) or 0) > 0
