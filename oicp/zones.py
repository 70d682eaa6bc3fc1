"""UTC offsets a charging location may have at a moment, from its country or its `TimeZone`."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from oicp import wire_json
from oicp.geo import position
from oicp.iso import BOXES
from oicp.wire_json import Json

_ZONES: dict[str, tuple[str, ...]] = {
    "AND": ("Europe/Andorra",), "ALB": ("Europe/Tirane",), "AUT": ("Europe/Vienna",), "BEL": ("Europe/Brussels",),
    "BGR": ("Europe/Sofia",), "BIH": ("Europe/Sarajevo",), "BLR": ("Europe/Minsk",), "CHE": ("Europe/Zurich",),
    "CYP": ("Asia/Nicosia",), "CZE": ("Europe/Prague",), "DEU": ("Europe/Berlin",), "DNK": ("Europe/Copenhagen",),
    "EST": ("Europe/Tallinn",), "ESP": ("Europe/Madrid", "Atlantic/Canary"), "FIN": ("Europe/Helsinki",),
    "FRA": ("Europe/Paris",), "FRO": ("Atlantic/Faroe",), "GBR": ("Europe/London",), "GGY": ("Europe/Guernsey",),
    "GIB": ("Europe/Gibraltar",), "GRC": ("Europe/Athens",), "HRV": ("Europe/Zagreb",), "HUN": ("Europe/Budapest",),
    "IMN": ("Europe/Isle_of_Man",), "IRL": ("Europe/Dublin",), "ISL": ("Atlantic/Reykjavik",), "ITA": ("Europe/Rome",),
    "JEY": ("Europe/Jersey",), "LIE": ("Europe/Vaduz",), "LTU": ("Europe/Vilnius",), "LUX": ("Europe/Luxembourg",),
    "LVA": ("Europe/Riga",), "MCO": ("Europe/Monaco",), "MDA": ("Europe/Chisinau",), "MKD": ("Europe/Skopje",),
    "MLT": ("Europe/Malta",), "MNE": ("Europe/Podgorica",), "NLD": ("Europe/Amsterdam",), "NOR": ("Europe/Oslo",),
    "POL": ("Europe/Warsaw",), "PRT": ("Europe/Lisbon", "Atlantic/Azores", "Atlantic/Madeira"),
    "ROU": ("Europe/Bucharest",), "SMR": ("Europe/San_Marino",), "SRB": ("Europe/Belgrade",), "SVK": ("Europe/Bratislava",),
    "SVN": ("Europe/Ljubljana",), "SWE": ("Europe/Stockholm",), "TUR": ("Europe/Istanbul",), "UKR": ("Europe/Kyiv",),
    "VAT": ("Europe/Vatican",), "XKX": ("Europe/Belgrade",), "ISR": ("Asia/Jerusalem",), "JPN": ("Asia/Tokyo",),
    "KOR": ("Asia/Seoul",), "CHN": ("Asia/Shanghai",), "SGP": ("Asia/Singapore",), "THA": ("Asia/Bangkok",),
    "IND": ("Asia/Kolkata",), "ARE": ("Asia/Dubai",), "SAU": ("Asia/Riyadh",), "QAT": ("Asia/Qatar",),
    "MAR": ("Africa/Casablanca",), "ZAF": ("Africa/Johannesburg",), "EGY": ("Africa/Cairo",), "TUN": ("Africa/Tunis",),
    "NZL": ("Pacific/Auckland", "Pacific/Chatham"), "MYS": ("Asia/Kuala_Lumpur",), "PHL": ("Asia/Manila",),
    "ARG": ("America/Argentina/Buenos_Aires",), "COL": ("America/Bogota",), "PER": ("America/Lima",),
    "CHL": ("America/Santiago", "America/Punta_Arenas", "Pacific/Easter"),
    "USA": ("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles",
            "America/Anchorage", "Pacific/Honolulu", "America/Adak"),
    "CAN": ("America/St_Johns", "America/Halifax", "America/Toronto", "America/Winnipeg", "America/Regina",
            "America/Edmonton", "America/Vancouver", "America/Whitehorse"),
    "MEX": ("America/Mexico_City", "America/Cancun", "America/Hermosillo", "America/Tijuana", "America/Chihuahua"),
    "BRA": ("America/Sao_Paulo", "America/Manaus", "America/Noronha", "America/Rio_Branco"),
    "AUS": ("Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth",
            "Australia/Lord_Howe"),
}  # fmt: skip
"""Zones by ISO 3166-1 alpha-3 country; a country in several zones may use the offset of any of them."""

_UTC = re.compile(r"UTC([+-])([0-9]{2}):([0-9]{2})\Z")


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_elsewhere(country: str, place: tuple[float, float] | None) -> bool:
    """The place is at least `_FAR` degrees of longitude outside the box around this alpha-3 country, and not its mirror image."""
    box = BOXES.get(country)
    if box is None or place is None:
        return False
    south, north, west, east = box
    mirrored = west <= place[0] <= east and south <= place[1] <= north
    return not west - _FAR <= place[1] <= east + _FAR and not mirrored


_FAR = 10.0


def offsets_at(record: Json, at: datetime) -> frozenset[timedelta]:
    """Offsets that are right at this moment (with a zone) for the EVSE of this record; empty where nobody can tell.

    Where the position lies far from the mainland of the country (an overseas department), the country tells nothing.
    """
    address = wire_json.at(record, "Address")
    country = wire_json.at(address, "Country")
    elsewhere = isinstance(country, str) and is_elsewhere(
        country.upper(), position(wire_json.at(record, "GeoCoordinates"))
    )
    names = _ZONES.get(country.upper(), ()) if isinstance(country, str) and not elsewhere else ()
    zones = [zone for name in names if (zone := _zone(name))]
    if zones:
        return frozenset(offset for zone in zones if (offset := at.astimezone(zone).utcoffset()) is not None)
    written = wire_json.at(address, "TimeZone")
    match = _UTC.match(written) if isinstance(written, str) else None
    if not match:
        return frozenset()
    base = timedelta(hours=int(match[2]), minutes=int(match[3])) * (1 if match[1] == "+" else -1)
    return frozenset((base, base + timedelta(hours=1), base - timedelta(hours=1)))  # summer time is not in `TimeZone`
