"""Laws over several members of a charge detail record."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from itertools import pairwise

from oicp.messages import signatures
from oicp.messages.common import foreign_evse, records_of
from oicp.messages.faults import WARNING, Path, Walk
from oicp.messages.meter import readings_of
from oicp.messages.numbers import number, plain
from oicp.messages.signatures import TOLERANCE_KWH
from oicp.messages.times import moment
from oicp.wire_json import Json

MOST_KWH = 1000
_LEAST_KWH = Decimal("0.01")  # below, a difference of 1 Wh is as likely as a wrong unit
_MOST_WITHOUT_TIME = Decimal(1)  # kWh that rounding to whole seconds may hide


def times(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """ChargingStart, ChargingEnd in order (CDR-013); the session around them (CDR-014)."""
    names = ("SessionStart", "ChargingStart", "ChargingEnd", "SessionEnd")
    session_start, start, end, session_end = (moment(value.get(name)) for name in names)
    if start and end:
        if start > end:
            sentence = f"ChargingStart {value['ChargingStart']} is after ChargingEnd {value['ChargingEnd']}"
            nothing = ("CDR-028",) if number(value.get("ConsumedEnergy")) == 0 else ()
            walk.fault("CDR-013", (path, "ChargingStart"), sentence, value["ChargingStart"], also=nothing)
        energy = number(value.get("ConsumedEnergy"))
        # times in whole seconds hide up to a second, in which a strong charger delivers some tenths of a kWh
        if start == end and energy is not None and energy > _MOST_WITHOUT_TIME:
            walk.fault("CDR-039", (path, "ConsumedEnergy"), f"{energy} kWh in no time at all", value["ConsumedEnergy"])
    walk.checked.add("CDR-014")
    if session_start and start and session_start > start:
        sentence = f"SessionStart {value['SessionStart']} is after ChargingStart {value['ChargingStart']}"
        walk.fault("CDR-014", (path, "SessionStart"), sentence, value["SessionStart"])
    if end and session_end and end > session_end:
        sentence = f"ChargingEnd {value['ChargingEnd']} is after SessionEnd {value['SessionEnd']}"
        walk.fault("CDR-014", (path, "SessionEnd"), sentence, value["SessionEnd"])


def energy(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """ConsumedEnergy: not negative, in kWh, end minus start; the meter never runs backwards."""
    consumed = number(value.get("ConsumedEnergy"))
    start, end = number(value.get("MeterValueStart")), number(value.get("MeterValueEnd"))
    backwards = start is not None and end is not None and end < start
    if backwards:
        sentence = f"MeterValueEnd {end} is below MeterValueStart {start}"
        walk.fault("CDR-020", (path, "MeterValueEnd"), sentence, value["MeterValueEnd"])
    if consumed is None:
        return
    at = (path, "ConsumedEnergy")
    if consumed == 0:
        walk.checked.add("CDR-028")
    if consumed < 0 and not backwards:
        walk.fault("CDR-017", at, "is below 0", value["ConsumedEnergy"])
    metered = end - start if start is not None and end is not None and not backwards else None
    wrong_unit = unit_mistake(consumed, metered)
    if wrong_unit is not None:
        name, sentence = wrong_unit
        also = () if metered is None or consumed == metered else ("CDR-019",)
        walk.fault("CDR-021", (path, name), sentence, value[name], also=also)
    elif metered is not None and consumed >= 0:
        difference(walk, "CDR-019", at, value["ConsumedEnergy"], consumed, metered)


def unit_mistake(consumed: Decimal, metered: Decimal | None) -> tuple[str, str] | None:
    """Which member is in Wh, and how that shows: by its size, or beside the readings, a thousand times of them or a thousandth."""
    if consumed > MOST_KWH:
        return "ConsumedEnergy", f"is above {MOST_KWH} kWh; Wh?"
    if metered is None or min(consumed, metered) < _LEAST_KWH:
        return None
    if _is_thousandfold(consumed, metered):
        return "ConsumedEnergy", f"is a thousand times MeterValueEnd minus MeterValueStart = {plain(metered)}; Wh?"
    if _is_thousandfold(metered, consumed):
        return "MeterValueEnd", f"minus MeterValueStart is a thousand times ConsumedEnergy = {plain(consumed)}; Wh?"
    return None


def _is_thousandfold(said: Decimal, real: Decimal) -> bool:
    """`said` is `real` in the next smaller unit, or was before that was rounded to three decimals."""
    return abs(said - real * 1000) <= Decimal("0.5")


def difference(walk: Walk, by: str, at: Path, sent: Json, consumed: Decimal, metered: Decimal) -> None:
    """Consumed energy is the difference of the readings; rounded to fewer decimals it is contested."""
    if abs(consumed - metered) <= TOLERANCE_KWH:
        return
    sentence = f"is not MeterValueEnd minus MeterValueStart = {plain(metered)}"
    nothing = ("CDR-028",) if consumed == 0 and by == "CDR-019" else ()
    walk.fault(by, at, sentence, sent, contested=_rounded(consumed, metered), also=nothing)


def _rounded(consumed: Decimal, metered: Decimal) -> bool:
    exponent = consumed.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if digits > 2:
        return False
    unit = Decimal(1).scaleb(-digits)
    if abs(metered) > MOST_KWH:
        return False
    ways = (ROUND_HALF_UP, ROUND_HALF_EVEN, *((ROUND_DOWN,) if digits else ()))
    return any(metered.quantize(unit, rounding=way) == consumed for way in ways)


def order_of_readings(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """In-between values do not fall and lie between start and end (CDR-023)."""
    readings = readings_of(value.get("MeterValueInBetween"))
    if not readings:
        return
    walk.checked.add("CDR-023")
    start, end = number(value.get("MeterValueStart")), number(value.get("MeterValueEnd"))
    at: Path = (path, "MeterValueInBetween")
    if any(later < earlier for earlier, later in pairwise(readings)):
        walk.fault("CDR-023", at, "the readings fall from one to the next", value["MeterValueInBetween"])
    elif (start is not None and readings[0] < start) or (
        end is not None and start is not None and readings[-1] > end >= start
    ):
        sentence = "the readings do not lie between MeterValueStart and MeterValueEnd"
        walk.fault("CDR-023", at, sentence, value["MeterValueInBetween"])


def foreign(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """The EvseID belongs to the operator of the path."""
    foreign_evse(walk, "CDR-009", (path, "EvseID"), value.get("EvseID"), None)


def signed_values(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Order and completeness of signed readings, how they are verified, what they say."""
    info = value.get("CalibrationLawVerificationInfo")
    info = info if isinstance(info, dict) else None
    _metering_check(walk, value, info, path)
    entries = records_of(value, "SignedMeteringValues", path)
    if not entries:
        return
    walk.checked |= {"CDR-045", "CDR-046", "CDR-048", "CDR-049"}
    at: Path = (path, "SignedMeteringValues")
    states = [entry.get("MeteringStatus") for _, entry in entries]
    known = [s for s in states if s in ("Start", "Progress", "End")]
    order = [("Start", "Progress", "End").index(s) for s in known]
    if order != sorted(order):
        walk.fault("CDR-045", at, f"the entries are in the order {', '.join(known)}", states)
    if len(known) == len(states) and (known.count("Start"), known.count("End")) != (1, 1) and known != ["End"]:
        sentence = f"{known.count('Start')} Start and {known.count('End')} End entries instead of one each"
        walk.fault("CDR-046", at, sentence, states)
    elif [s for s in states if s is not None] == ["End"] and not signatures.holds_both(
        entries[0][1].get("SignedMeteringValue")
    ):
        walk.fault("CDR-046", at, "only an End entry, and it does not hold both readings", states)
    if not info or all(item is None for item in info.values()):
        walk.fault("CDR-048", (path, "CalibrationLawVerificationInfo"), "is missing beside signed values", info)
    signatures.judge(walk, value, entries, info or {}, path)


def _metering_check(walk: Walk, value: dict[str, Json], info: dict[str, Json] | None, path: Path) -> None:
    check = info.get("MeteringCheck") if info else None
    if check is None:
        return
    walk.checked.add("CDR-051")
    if check == "Passed" and value.get("ConsumedEnergy") is None:
        at = ((path, "CalibrationLawVerificationInfo"), "MeteringCheck")
        walk.fault("CDR-051", at, "is Passed without ConsumedEnergy", check, grade=WARNING)
