"""What all pulls share: pages, filters, and the coordinates of the answer."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fake_hubject.answers import Reply, status_code, unreadable
from fake_hubject.broker import Broker, Call
from fake_hubject.partners import Partner
from fake_hubject.registry import Record
from fake_hubject.services.values import moment, number
from oicp.geo import distance_m, position
from oicp.wire_json import Json

_DEFAULT_SIZE, _MAX_SIZE = 20, 2000


class BadPage(ValueError):
    """Page or size in the query that cannot be used; the message says which."""


def page_of(query: dict[str, str]) -> tuple[int, int]:
    """Page (from 0) and size (20 by default, at most 2000) of a query."""
    try:
        page, size = int(query.get("page", "0")), int(query.get("size", str(_DEFAULT_SIZE)))
    except ValueError:
        raise BadPage("Object errors: page and size have to be whole numbers.") from None
    if page < 0 or size < 1:
        raise BadPage("Object errors: page may not be below 0, size not below 1.")
    return page, min(size, _MAX_SIZE)


def paged(call: Call, rows: Sequence[Json]) -> Reply:
    """One page of the rows, with all the members a page has on the live platform."""
    try:
        page, size = page_of(call.query)
    except BadPage as fault:
        return unreadable(str(fault))
    content, pages = list(rows[page * size : (page + 1) * size]), math.ceil(len(rows) / size)
    sort = {"sorted": False, "unsorted": True, "empty": True}
    body: dict[str, Any] = {
        "content": content, "number": page, "size": size, "totalElements": len(rows), "last": page >= pages - 1,
        "totalPages": pages, "first": page == 0, "numberOfElements": len(content), "empty": not content,
        "pageable": {
            "pageNumber": page, "pageSize": size, "offset": page * size, "paged": True, "unpaged": False, "sort": sort,
        },
        "StatusCode": status_code("000"),
    }  # fmt: skip
    return Reply(200, body)


def last_call(body: dict[str, Json]) -> datetime | None:
    """`LastCall` of a delta pull."""
    return moment(body.get("LastCall"))


def visible_operators(broker: Broker, emp: Partner, service: str) -> list[Partner]:
    """Operators whose data an EMP gets to see."""
    return [p for p in broker.operators() if emp.contracted(service, p)]


def within(record: Record, search: Json) -> bool:
    """True if the EVSE lies inside the circle (radius in km) or none was given."""
    if not isinstance(search, dict):
        return True
    centre, here = position(search.get("GeoCoordinates")), position(record.get("GeoCoordinates"))
    radius = number(search.get("Radius"))
    if centre is None or radius is None:
        return True
    return here is not None and distance_m(centre, here) <= float(radius) * 1000


def in_notation(value: Json, notation: str) -> Json:
    """GeoCoordinates in the notation the EMP asked for."""
    here = position(value)
    if here is None:
        return value
    latitude, longitude = here
    if notation == "Google":
        return {"Google": {"Coordinates": f"{_short(latitude)} {_short(longitude)}"}}
    if notation == "DecimalDegree":
        return {"DecimalDegree": {"Latitude": _short(latitude), "Longitude": _short(longitude)}}
    return {"DegreeMinuteSeconds": {"Latitude": _minutes(latitude), "Longitude": _minutes(longitude)}}


def _short(degrees: float) -> str:
    text = f"{degrees:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _minutes(degrees: float) -> str:
    tenths = round(abs(degrees) * 36_000)
    whole, rest = divmod(tenths, 36_000)
    minutes, seconds = divmod(rest, 600)
    return f"{'-' if degrees < 0 else ''}{whole}°{minutes}'{seconds / 10:.1f}''"
