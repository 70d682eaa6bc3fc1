"""Positions in the three notations of OICP."""

import math
import re

from oicp import wire_json
from oicp.wire_json import Json

_PAIR = re.compile(r"\s*(-?[0-9]{1,3}(?:\.[0-9]+)?)\s*[, ]\s*(-?[0-9]{1,3}(?:\.[0-9]+)?)\s*\Z")
_DEGREES = re.compile(r"\s*(-?)([0-9]{1,3})°\s*([0-9]{1,2})'\s*([0-9]{1,2}(?:\.[0-9]+)?)(?:''|\")\s*\Z")


def position(value: Json) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of a `GeoCoordinates` object; None where it cannot be read."""
    pair = wire_json.at(value, "Google", "Coordinates")
    match = _PAIR.match(pair) if isinstance(pair, str) else None
    if match:
        return _in_range(float(match[1]), float(match[2]))
    for kind, read in (("DecimalDegree", _decimal), ("DegreeMinuteSeconds", _minutes)):
        latitude, longitude = (read(wire_json.at(value, kind, name)) for name in ("Latitude", "Longitude"))
        if latitude is not None and longitude is not None:
            return _in_range(latitude, longitude)
    return None


def _in_range(latitude: float, longitude: float) -> tuple[float, float] | None:
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _decimal(value: Json) -> float | None:
    try:
        read = float(value) if isinstance(value, str | int | float) or hasattr(value, "as_tuple") else None
    except ValueError:
        return None
    return read if read is not None and math.isfinite(read) else None


def _minutes(value: Json) -> float | None:
    match = _DEGREES.match(value) if isinstance(value, str) else None
    if not match:
        return None
    read = int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
    return -read if match[1] else read


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Distance in metres; good enough for neighbours."""
    x = math.radians(other[1] - one[1]) * math.cos(math.radians((one[0] + other[0]) / 2))
    y = math.radians(other[0] - one[0])
    return 6_371_000 * math.hypot(x, y)
