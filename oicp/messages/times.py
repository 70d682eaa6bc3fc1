"""Date-times of the wire."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from pydantic_core import CoreSchema, core_schema

from oicp.messages.faults import INFO, Path, Walk
from oicp.messages.law import Law, not_text
from oicp.wire_json import Json

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|z|[+-][0-9]{2}:[0-9]{2}|[+-][0-9]{2}(?:[0-9]{2})?)"
)
_WHOLE_SECONDS = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_OFFSET = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]")


def moment(value: Json) -> datetime | None:
    """A date-time as sent, None where it cannot be read or has no zone."""
    return _read(value) if isinstance(value, str) else None


@lru_cache(1000)  # the laws of one message ask for the same few times
def _read(value: str) -> datetime | None:
    match = _MOMENT.fullmatch(value)
    if match is None:
        return None
    zone = match.group(3)
    zone = "+00:00" if zone in "Zz" else zone
    try:
        return datetime.fromisoformat(match.group(1) + (match.group(2) or "")[:7] + zone) if zone[-2:] < "60" else None
    except ValueError:
        return None


def wire_time(at: datetime) -> str:
    """A date-time as OICP wants it: whole seconds, numeric offset. Raises ValueError where the offset is unknown."""
    if at.tzinfo is None:
        raise ValueError("a date-time of OICP needs the offset of the charging location")
    return at.isoformat(timespec="seconds")


@dataclass(frozen=True)
class Moment(Law):
    """A date-time: complete (TIME-001), numeric offset (TIME-002), no fractions (TIME-004). A model takes `datetime` too."""

    ids: ClassVar[tuple[str, ...]] = ("TIME-001", "TIME-002", "TIME-004")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Shape, calendar, zone, fractions."""
        if not_text(walk, "TIME-001", "TIME-001", path, value):
            return
        match = _MOMENT.fullmatch(value)
        if match is None or not _exists(match.group(1)):
            wanted = "is no existing date-time YYYY-MM-DDThh:mm:ss with zone designator"
            walk.fault("TIME-001", path, wanted, value, "is not a valid date-time")
            return
        zone = match.group(3)
        if zone == "Z":
            walk.fault("TIME-002", path, "has the zone designator Z instead of a numeric offset", value, contested=True)
        elif not _OFFSET.fullmatch(zone):
            walk.fault("TIME-002", path, f"has the zone designator {zone}, not +hh:mm or -hh:mm", value)
        if match.group(2):
            walk.fault("TIME-004", path, "has fractions of seconds", value, grade=INFO)

    def core(self) -> CoreSchema:
        """Whole seconds, numeric offset, and it exists."""
        shape = core_schema.str_schema(pattern=f"^{_WHOLE_SECONDS}(?:{_OFFSET.pattern})$", strict=True)
        return core_schema.no_info_after_validator_function(_existing, shape)

    def _built(self, value: Any) -> Any:
        return super()._built(wire_time(value) if isinstance(value, datetime) else value)


def _existing(text: str) -> str:
    if _read(text) is None:
        raise ValueError
    return text


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
