"""Laws over several members of an EVSE record: what must fit together."""

import re
from dataclasses import replace
from decimal import Decimal

from oicp.ids import country_of, is_operator_id, operator_key
from oicp.iso import ALPHA_3, BOXES, PART_OF
from oicp.messages.common import records_of
from oicp.messages.faults import EMPTY, INFO, WARNING, Path, Walk, place
from oicp.messages.numbers import number, plain
from oicp.wire_json import Json

NOTATIONS = ("Google", "DecimalDegree", "DegreeMinuteSeconds")


def one_notation(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Exactly one notation of coordinates; more than one is contested."""
    found = [name for name in NOTATIONS if value.get(name) is not None]
    if not found:
        walk.fault("EVSE-017", path, "holds none of Google, DecimalDegree, DegreeMinuteSeconds", value)
    elif len(found) > 1:
        walk.fault("EVSE-017", path, f"holds {len(found)} notations: {', '.join(found)}", value, contested=True)


# --- facilities ------------------------------------------------------------------------------------------------------

_LARGEST_DC_KW, _LARGEST_AC_KW = 4000, 1000
_DC_LIMIT = "the digits of the table are too few for fast charging stations"


def power(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Power is in kW: neither 0 nor of the order of watts."""
    kilowatts = number(value.get("Power"))
    if kilowatts is None:
        return
    most = _LARGEST_AC_KW if _alternating(value) else _LARGEST_DC_KW
    if kilowatts == 0:
        walk.fault("EVSE-027", (path, "Power"), "is 0 kW", value.get("Power"))
    elif kilowatts > most:
        walk.fault("EVSE-027", (path, "Power"), "is no power in kW; W?", value.get("Power"))


_PHASES = {"AC_1_PHASE": 1, "AC_3_PHASE": 3}
_LINE_TO_LINE_FROM = 350


def _alternating(value: dict[str, Json]) -> bool:
    """AC for sure: where the PowerType is lost, misspelt or unknown, the facility may well be one for DC."""
    current = value.get("PowerType")
    return isinstance(current, str) and current in _PHASES


def voltage(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """At most 999 V (DC above it is contested); for AC between line and neutral."""
    volts = number(value.get("Voltage"))
    if volts is None or volts < 0:
        return
    if volts > 999:
        _too_many(walk, "EVSE-028", (path, "Voltage"), value.get("Voltage"), 999, not _alternating(value))
    elif _alternating(value) and volts > _LINE_TO_LINE_FROM:
        sentence = "is no voltage between line and neutral"
        walk.fault("EVSE-028", (path, "Voltage"), sentence, value.get("Voltage"), grade=WARNING)


def amperage(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """At most 99 A; DC above it is contested."""
    amperes = number(value.get("Amperage"))
    if amperes is not None and amperes > 99:
        _too_many(walk, "EVSE-029", (path, "Amperage"), value.get("Amperage"), 99, not _alternating(value))


def _too_many(walk: Walk, by: str, path: Path, value: Json, most: int, direct: bool) -> None:
    walk.fault(
        by, path, f"is above {most}", value, f"must be less than or equal to {most}", contested=direct,
        spec_defect=_DC_LIMIT if direct else None,
    )  # fmt: skip


def power_fits(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """AC power is about voltage times current times phases (EVSE-030)."""
    phases = _PHASES[value["PowerType"]] if _alternating(value) else None
    volts, amperes, kilowatts = (number(value.get(name)) for name in ("Voltage", "Amperage", "Power"))
    if phases is None or volts is None or amperes is None or kilowatts is None:
        return
    walk.checked.add("EVSE-030")
    if not 0 < kilowatts <= _LARGEST_AC_KW:
        return  # judged by EVSE-026 and EVSE-027
    computed = volts * amperes * phases / 1000
    if abs(computed - kilowatts) > max(Decimal(1), computed / 10):
        sentence = f"{kilowatts} kW does not fit {volts} V x {amperes} A x {phases} = {plain(computed)} kW"
        walk.fault("EVSE-030", (path, "Power"), sentence, value.get("Power"))


def modes(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Mode_4 and CHAdeMO go with DC, Mode_1 to Mode_3 with AC."""
    chosen, current = value.get("ChargingModes"), value.get("PowerType")
    if not isinstance(chosen, list) or not isinstance(current, str):
        return
    walk.checked.add("EVSE-032")
    for index, mode in enumerate(chosen):
        for_dc = mode in ("Mode_4", "CHAdeMO") if isinstance(mode, str) else None
        for_ac = mode in ("Mode_1", "Mode_2", "Mode_3") if isinstance(mode, str) else None
        if (for_dc and current.startswith("AC")) or (for_ac and current == "DC"):
            walk.fault("EVSE-032", ((path, "ChargingModes"), index), f"{mode} does not go with {current}", mode)


_DC_PLUGS = frozenset({"CCS Combo 2 Plug (Cable Attached)", "CCS Combo 1 Plug (Cable Attached)", "CHAdeMO"})
_AC_PLUGS = frozenset({
    "NEMA 5-20", "Type E French Standard", "Type F Schuko", "Type G British Standard", "Type J Swiss Standard",
    "Type 1 Connector (Cable Attached)", "Type 2 Outlet", "Type 2 Connector (Cable Attached)", "Type 3 Outlet",
    "IEC 60309 Single Phase", "IEC 60309 Three Phase",
})  # fmt: skip


def plugs_and_current(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """DC plugs need a DC facility, AC plugs one for AC; a facility whose current cannot be read may be either."""
    currents = {_text(r, "PowerType") for _, r in records_of(value, "ChargingFacilities", path)}
    plugs = value.get("Plugs")
    if not currents or not currents <= {"DC", *_PHASES} or not isinstance(plugs, list):
        return
    walk.checked.add("EVSE-032")
    direct, alternating = "DC" in currents, bool(currents & _PHASES.keys())
    for index, plug in enumerate(plugs):
        if not isinstance(plug, str):
            continue
        if (plug in _DC_PLUGS and not direct) or (plug in _AC_PLUGS and not alternating):
            missing = "DC" if plug in _DC_PLUGS else "AC"
            walk.fault("EVSE-032", ((path, "Plugs"), index), f"{plug} without a facility for {missing}", plug)


# --- the record ------------------------------------------------------------------------------------------------------


def _text(value: dict[str, Json], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else None


def opening(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Opening times if and only if not open 24 hours."""
    always, times = value.get("IsOpen24Hours"), value.get("OpeningTimes")
    if always is False and times in (None, []):
        sentence = "is missing or empty although IsOpen24Hours is false"
        walk.fault("EVSE-045", (path, "OpeningTimes"), sentence, times, EMPTY)
    elif always is True:
        walk.checked.add("EVSE-046")
        if times:
            walk.fault("EVSE-046", (path, "OpeningTimes"), "is given although IsOpen24Hours is true", times)


_MINUTES = re.compile(r"([0-9]{2}):([0-9]{2})")


def clock_times(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Times of a day, begin before end; 24:00 as end is noted."""
    begin, end = (_MINUTES.fullmatch(_text(value, name) or "") for name in ("begin", "end"))
    if begin is None or end is None:
        return
    walk.checked.add("EVSE-048")
    for name, match in (("begin", begin), ("end", end)):
        hour, minute = int(match.group(1)), int(match.group(2))
        if name == "end" and (hour, minute) == (24, 0):
            why = "nothing is written about 24:00"
            walk.fault("EVSE-048", (path, name), "is 24:00", match.group(0), grade=INFO, spec_defect=why)
        elif hour > 23 or minute > 59:
            walk.fault("EVSE-048", (path, name), "is no time of a day", match.group(0))
            return
    if begin.group(0) >= end.group(0):
        walk.fault("EVSE-048", (path, "begin"), f"{begin.group(0)} is not before {end.group(0)}", begin.group(0))


def payment(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """No Payment stands alone."""
    chosen = value.get("PaymentOptions")
    if isinstance(chosen, list) and "No Payment" in chosen and any(c != "No Payment" for c in chosen):
        walk.fault("EVSE-039", (path, "PaymentOptions"), "combines No Payment with another option", chosen)


def services(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """None beside another service contradicts itself."""
    chosen = value.get("ValueAddedServices")
    if isinstance(chosen, list) and "None" in chosen and any(c != "None" for c in chosen):
        at = (path, "ValueAddedServices")
        walk.fault("EVSE-040", at, "combines None with another service", chosen, grade=WARNING)


_GREY = ("Coal", "NuclearEnergy", "Petroleum", "NaturalGas")


def renewable(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """RenewableEnergy true contradicts grey energy among the sources."""
    if value.get("RenewableEnergy") is not True:
        return
    for at, source in records_of(value, "EnergySource", path):
        share = number(source.get("Percentage"))
        if source.get("Energy") in _GREY and share is not None and share > 0:
            sentence = f"RenewableEnergy is true with {share} % {source['Energy']}"
            walk.fault("EVSE-033", at, sentence, source)
            return


def english_first(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """English first in AdditionalInfo; a single entry in another language is noted."""
    entries = records_of(value, "AdditionalInfo", path)
    language = _text(entries[0][1], "lang") if entries else None
    if language is None:
        return
    walk.checked.add("EVSE-058")
    if re.split("[-_]", language)[0].lower() not in ("en", "eng"):
        at = (entries[0][0], "lang")
        grade = INFO if len(entries) == 1 else None
        walk.fault("EVSE-058", at, "the first entry is not in English", language, grade=grade)


def country_fits(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """The country of an ISO EvseID is that of the address."""
    evse_id, address = _text(value, "EvseID"), value.get("Address")
    country = _text(address, "Country") if isinstance(address, dict) else None
    expected = ALPHA_3.get(country_of(evse_id) or "") if evse_id else None
    if country is None or expected is None or country not in ALPHA_3.values():
        return
    walk.checked.add("PUSH-012")
    if expected not in (country, PART_OF.get(country)):
        sentence = f"has the country of {expected}, the address lies in {country}"
        walk.fault("PUSH-012", (path, "EvseID"), sentence, evse_id)


_GOOGLE = re.compile(r"\s*(-?[0-9]{1,3}\.[0-9]+)\s*,?\s*(-?[0-9]{1,3}\.[0-9]+)\s*")
_DMS = re.compile(r"(-?)([0-9]{1,3})°[ ]?([0-9]{1,2})'[ ]?([0-9]{1,2}\.[0-9]+)''")


def _degrees(text: Json) -> float | None:
    if not isinstance(text, str) or len(text) > 40:
        return None
    match = _DMS.fullmatch(text)
    if match:
        size = int(match.group(2)) + int(match.group(3)) / 60 + float(match.group(4)) / 3600
        return -size if match.group(1) else size
    return float(text) if re.fullmatch(r"-?[0-9]{1,3}\.[0-9]+", text) else None


def _location(geo: dict[str, Json]) -> tuple[str, float, float] | None:
    """Notation, latitude and longitude of the first notation that can be read."""
    google = geo.get("Google")
    if isinstance(google, dict):
        match = _GOOGLE.fullmatch(_text(google, "Coordinates") or "")
        if match:
            return "Google", float(match.group(1)), float(match.group(2))
    for name in ("DecimalDegree", "DegreeMinuteSeconds"):
        pair = geo.get(name)
        if isinstance(pair, dict):
            latitude, longitude = _degrees(pair.get("Latitude")), _degrees(pair.get("Longitude"))
            if latitude is not None and longitude is not None:
                return name, latitude, longitude
    return None


def coordinates_fit(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Latitude within 90, longitude within 180 degrees, and not exchanged as far as the country tells."""
    address = value.get("Address")
    country = _text(address, "Country") if isinstance(address, dict) else None
    for name in ("GeoCoordinates", "GeoChargingPointEntrance"):
        geo = value.get(name)
        found = _location(geo) if isinstance(geo, dict) else None
        if found is None or not isinstance(geo, dict):
            continue
        walk.checked.add("EVSE-021")
        notation, latitude, longitude = found
        at = ((path, name), notation)
        if abs(latitude) > 90 or abs(longitude) > 180:
            walk.fault("EVSE-021", at, f"latitude {latitude}, longitude {longitude} is nowhere", geo[notation])
        elif _exchanged(country, latitude, longitude):
            sentence = f"latitude {latitude} and longitude {longitude} seem exchanged for {country}"
            walk.fault("EVSE-021", at, sentence, geo[notation])
        elif max(abs(latitude), abs(longitude)) < _NO_LAND:
            sentence = f"latitude {latitude}, longitude {longitude} lies in the ocean: no coordinates at all?"
            walk.fault("EVSE-021", at, sentence, geo[notation])
        elif _sign_lost(country, latitude, longitude):
            sentence = f"latitude {latitude}, longitude {longitude} lies outside {country}, with another sign within"
            walk.fault("EVSE-021", at, sentence, geo[notation])


def _exchanged(country: str | None, latitude: float, longitude: float) -> bool:
    box = BOXES.get(country or "")
    return box is not None and not _inside(box, latitude, longitude) and _inside(box, longitude, latitude)


_NO_LAND = 0.1
"""Degrees around 0, 0."""
_DATE_LINE = -150.0


def _sign_lost(country: str | None, latitude: float, longitude: float) -> bool:
    """The place lies in the country once a minus sign is put or taken away; a country near the date line has both."""
    box = BOXES.get(country or "")
    if box is None or box[2] < _DATE_LINE or _inside(box, latitude, longitude):
        return False
    return _inside(box, latitude, -longitude) or _inside(box, -latitude, longitude)


def _inside(box: tuple[float, float, float, float], latitude: float, longitude: float) -> bool:
    south, north, west, east = box
    return south <= latitude <= north and west <= longitude <= east


_OLD = {
    "ChargingStationName": ("ChargingStationNames", "EVSE-006"),
    "EnChargingStationName": ("ChargingStationNames", "EVSE-006"),
    "ChargingModes": ("ChargingFacilities", "EVSE-024"),
}


def old_members(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Members of OICP 2.2 were looked for; where the new member is missing, that alone is reported."""
    walk.checked |= {"EVSE-053", "EVSE-055"}
    for old, (new, by) in _OLD.items():
        if value.get(old) is None or value.get(new) is not None:
            continue
        at_old, at_new, own = place((path, old)), place((path, new)), len(walk.faults)
        here = place(path) + "/"
        while own and walk.faults[own - 1].pointer.startswith(here):
            own -= 1  # the faults of this record are the last ones
        walk.faults[own:] = [
            replace(f, also=(*f.also, "EVSE-055")) if (f.requirement, f.pointer) == (by, at_new) else f
            for f in walk.faults[own:]
            if (f.requirement, f.pointer) != ("EVSE-055", at_old)
        ]


def hub_operator(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """HubOperatorID of a record names the operator that pushes."""
    operator = _text(value, "OperatorID")
    if operator is None:
        return
    own = operator_key(operator)
    for at, record in records_of(value, "EvseDataRecord", path):
        named = _text(record, "HubOperatorID")
        if named is not None and is_operator_id(named) and operator_key(named) != own:
            sentence = f"is not {operator}, the operator that pushes"
            walk.fault("EVSE-049", (at, "HubOperatorID"), sentence, named, refused=False)
