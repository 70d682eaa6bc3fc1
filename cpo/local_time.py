"""The local time of a charging location: its zone from the data record, date-times with numeric offset and whole seconds."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

from oicp.wire_json import Json, at

_CODES = (
    "AFG:AF AGO:AO ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ATG:AG AUS:AU AUT:AT AZE:AZ BDI:BI BEL:BE BEN:BJ BFA:BF "
    "BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLR:BY BLZ:BZ BOL:BO BRA:BR BRB:BB BRN:BN BTN:BT BWA:BW CAF:CF CAN:CA CHE:CH "
    "CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG COL:CO COM:KM CPV:CV CRI:CR CUB:CU CYP:CY CZE:CZ DEU:DE DJI:DJ DMA:DM "
    "DNK:DK DOM:DO DZA:DZ ECU:EC EGY:EG ERI:ER ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FRA:FR FRO:FO FSM:FM GAB:GA GBR:GB "
    "GEO:GE GGY:GG GHA:GH GIB:GI GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT GUF:GF GUY:GY HKG:HK "
    "HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IMN:IM IND:IN IRL:IE IRN:IR IRQ:IQ ISL:IS ISR:IL ITA:IT JAM:JM JEY:JE JOR:JO "
    "JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC LIE:LI LKA:LK "
    "LSO:LS LTU:LT LUX:LU LVA:LV MAC:MO MAR:MA MCO:MC MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH MKD:MK MLI:ML MLT:MT MMR:MM "
    "MNE:ME MNG:MN MOZ:MZ MRT:MR MTQ:MQ MUS:MU MWI:MW MYS:MY NAM:NA NER:NE NGA:NG NIC:NI NLD:NL NOR:NO NPL:NP NRU:NR "
    "NZL:NZ OMN:OM PAK:PK PAN:PA PER:PE PHL:PH PLW:PW PNG:PG POL:PL PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS QAT:QA REU:RE "
    "ROU:RO RUS:RU RWA:RW SAU:SA SDN:SD SEN:SN SGP:SG SLB:SB SLE:SL SLV:SV SMR:SM SOM:SO SRB:RS STP:ST SUR:SR SVK:SK "
    "SVN:SI SWE:SE SWZ:SZ SYC:SC SYR:SY TCD:TD TGO:TG THA:TH TJK:TJ TKM:TM TLS:TL TON:TO TTO:TT TUN:TN TUR:TR TUV:TV "
    "TWN:TW TZA:TZ UGA:UG UKR:UA URY:UY USA:US UZB:UZ VAT:VA VCT:VC VEN:VE VNM:VN VUT:VU WSM:WS YEM:YE ZAF:ZA ZMB:ZM "
    "ZWE:ZW "
)  # fmt: skip
_ALPHA_2 = dict(pair.split(":") for pair in _CODES.split())
"""ISO 3166-1 alpha-3 (Address.Country) to alpha-2 (the table of zones)."""

_FIXED = re.compile(r"UTC([+-])(\d{2}):(\d{2})\Z")
_ZONE_TAB = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?\Z")
_NUMBERS = re.compile(r"-?\d+\.\d+")
_DEGREES = re.compile(r"(-?)(\d{1,3})°\s?(\d{1,2})'\s?(\d{1,2}(?:\.\d+)?)''")

Place = tuple[float, float]
"""Latitude and longitude in degrees."""


def zone_of(record: Mapping[str, Json], evse_id: str = "") -> tzinfo:
    """The zone of a data record: by country, nearest place and TimeZone; else the fixed offset, else UTC."""
    country = _ALPHA_2.get(str(at(dict(record), "Address", "Country") or "").upper()) or _iso_country(evse_id)
    fixed = _fixed_offset(at(dict(record), "Address", "TimeZone"))
    zones = _zones().get(country, ())
    if not zones:
        return UTC if fixed is None else timezone(fixed)
    if fixed is not None:
        zones = tuple(z for z in zones if _standard_offset(z[0]) == fixed) or zones
    place = _place(record)
    if place is not None and len(zones) > 1:
        return ZoneInfo(min(zones, key=lambda zone: _distance(zone[1], place))[0])
    return ZoneInfo(zones[0][0])


def written(moment: datetime, zone: tzinfo) -> str:
    """A moment as OICP wants it: offset of the location at that moment, whole seconds (cut off, so never in the future)."""
    return moment.astimezone(zone).replace(microsecond=0).isoformat()


def read(text: object) -> datetime | None:
    """A date-time of OCPP in UTC; one without offset is taken as UTC, None for what is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _iso_country(evse_id: str) -> str:
    return evse_id[:2].upper() if evse_id[:2].isalpha() else ""


def _fixed_offset(text: object) -> timedelta | None:
    match = _FIXED.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return offset if match[1] == "+" else -offset


@lru_cache(maxsize=512)
def _standard_offset(zone: str) -> timedelta:
    """The smaller of the offsets of January and July: the one without summer time."""
    offsets = [datetime(2025, month, 1, 12, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta() for month in (1, 7)]
    return min(offsets)


@lru_cache(maxsize=1)
def _zones() -> dict[str, tuple[tuple[str, Place], ...]]:
    """Zones per alpha-2 country, from the table that comes with tzdata."""
    found: dict[str, list[tuple[str, Place]]] = {}
    for line in (resources.files("tzdata.zoneinfo") / "zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            country, coordinates, zone = line.split("\t")[:3]
            found.setdefault(country, []).append((zone, _tabulated(coordinates)))
    return {country: tuple(zones) for country, zones in found.items()}


def _tabulated(text: str) -> Place:
    match = _ZONE_TAB.match(text)
    if match is None:
        return 0.0, 0.0
    parts = match.groups(default="0")

    def degrees(sign: str, whole: str, minutes: str, seconds: str) -> float:
        return (-1 if sign == "-" else 1) * (int(whole) + int(minutes) / 60 + int(seconds) / 3600)

    return degrees(*parts[:4]), degrees(*parts[4:])


def _place(record: Mapping[str, Json]) -> Place | None:
    """Latitude and longitude of a record in whichever notation it has them."""
    google = at(dict(record), "GeoCoordinates", "Google", "Coordinates")
    numbers = _NUMBERS.findall(google) if isinstance(google, str) else list(_decimal_degrees(record))
    if len(numbers) == 2:
        return float(numbers[0]), float(numbers[1])
    return None


def _decimal_degrees(record: Mapping[str, Json]) -> Iterator[float]:
    for notation in ("DecimalDegree", "DegreeMinuteSeconds"):
        for name in ("Latitude", "Longitude"):
            text = at(dict(record), "GeoCoordinates", notation, name)
            if isinstance(text, str) and _NUMBERS.fullmatch(text):
                yield float(text)
            elif isinstance(text, str) and (match := _DEGREES.match(text)):
                value = int(match[2]) + int(match[3]) / 60 + float(match[4]) / 3600
                yield -value if match[1] else value


def _distance(one: Place, other: Place) -> float:
    """Great-circle distance in radians, good enough to choose the nearest zone."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, place)) for place in (one, other))
    cosine = math.sin(lat1) * math.sin(lat2) + math.cos(lat1) * math.cos(lat2) * math.cos(lon1 - lon2)
    return math.acos(max(-1.0, min(1.0, cosine)))
