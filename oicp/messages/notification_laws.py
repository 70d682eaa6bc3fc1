"""Laws over several members of a notification."""

from datetime import timedelta
from decimal import Decimal

from oicp.messages.cdr_laws import MOST_KWH, difference
from oicp.messages.faults import Path, Walk
from oicp.messages.numbers import number
from oicp.messages.signatures import TOLERANCE_KWH
from oicp.messages.times import moment
from oicp.wire_json import Json

TOLERANCE = timedelta(seconds=1)


def progress(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Duration or energy is there; the duration is EventOccurred minus ChargingStart in milliseconds."""
    duration, consumed = value.get("ChargingDuration"), value.get("ConsumedEnergyProgress")
    if duration is None and consumed is None:
        walk.fault("NOTIF-009", path, "neither ChargingDuration nor ConsumedEnergyProgress is there", None)
    _in_kwh(walk, value, "ConsumedEnergyProgress", path)
    start, event, sent = moment(value.get("ChargingStart")), moment(value.get("EventOccurred")), number(duration)
    if start is None or event is None or sent is None:
        return
    expected = event - start
    if abs(sent - Decimal(expected / timedelta(milliseconds=1))) > TOLERANCE / timedelta(milliseconds=1):
        milliseconds = int(expected / timedelta(milliseconds=1))
        sentence = f"is not EventOccurred minus ChargingStart in milliseconds = {milliseconds}"
        walk.fault("NOTIF-010", (path, "ChargingDuration"), sentence, duration)


def _in_kwh(walk: Walk, value: dict[str, Json], name: str, path: Path) -> None:
    energy = number(value.get(name))
    if energy is not None and energy > MOST_KWH:
        walk.fault("NOTIF-019", (path, name), f"is above {MOST_KWH} kWh; Wh?", value[name])


def end(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Times in order, energy is the difference of the readings, penalty time not before the end."""
    start, stop, penalty = (moment(value.get(n)) for n in ("ChargingStart", "ChargingEnd", "PenaltyTimeStart"))
    if start and stop and start > stop:
        sentence = f"ChargingStart {value['ChargingStart']} is after ChargingEnd {value['ChargingEnd']}"
        walk.fault("NOTIF-014", (path, "ChargingStart"), sentence, value["ChargingStart"])
    if penalty and stop:
        walk.checked.add("NOTIF-016")
        if penalty < stop:
            sentence = f"is before ChargingEnd {value['ChargingEnd']}"
            walk.fault("NOTIF-016", (path, "PenaltyTimeStart"), sentence, value["PenaltyTimeStart"])
    _in_kwh(walk, value, "ConsumedEnergy", path)
    consumed, first, last = (number(value.get(n)) for n in ("ConsumedEnergy", "MeterValueStart", "MeterValueEnd"))
    if first is not None and last is not None and last < first - TOLERANCE_KWH:
        sentence = f"MeterValueEnd {last} is below MeterValueStart {first}"
        walk.fault("NOTIF-014", (path, "MeterValueEnd"), sentence, value["MeterValueEnd"])
    elif consumed is not None and first is not None and last is not None and consumed <= MOST_KWH:
        difference(walk, "NOTIF-014", (path, "ConsumedEnergy"), value["ConsumedEnergy"], consumed, last - first)
