"""Laws over several members of prices."""

import re

from oicp.messages.common import evse_twice, foreign_evse, records_of
from oicp.messages.faults import EMPTY, NULL, Path, Walk
from oicp.messages.numbers import number
from oicp.wire_json import Json


def availability(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Availability times: mandatory, though for a product that is valid all day contested, and nothing if the list is empty."""
    times, all_day = value.get("ProductAvailabilityTimes"), value.get("IsValid24hours")
    at = (path, "ProductAvailabilityTimes")
    if all_day is False:
        walk.checked.add("PRICE-008")
    if times is None:
        walk.fault("PRICE-003", at, "is missing", times, NULL, contested=all_day is True)
    elif times == [] and all_day is False:
        walk.fault("PRICE-008", at, "is empty although IsValid24hours is false", times, EMPTY)
    elif all_day is False:
        for place, entry in records_of(value, "ProductAvailabilityTimes", path):
            if entry.get("Periods") == []:
                sentence = "is empty although IsValid24hours is false"
                walk.fault("PRICE-008", (place, "Periods"), sentence, [], EMPTY, refused=False)


_MINUTES = re.compile(r"([0-9]{2}):([0-9]{2})")


def times_of_a_day(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """From 00:00 to 24:00."""
    for name in ("begin", "end"):
        text = value.get(name)
        match = _MINUTES.fullmatch(text) if isinstance(text, str) else None
        if match and (int(match.group(2)) > 59 or match.group(0) > "24:00"):
            walk.fault("PRICE-008", (path, name), "is no time of a day", text, refused=False)


def fixed_fee(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """A fixed fee goes with a base price of 0."""
    fees = [f.get("AdditionalReference") for _, f in records_of(value, "AdditionalReferences", path)]
    if "FIXED FEE" not in fees:
        return
    walk.checked.add("PRICE-010")
    price = number(value.get("PricePerReferenceUnit"))
    if price is not None and price != 0:
        sentence = f"is {price} beside a FIXED FEE"
        walk.fault("PRICE-010", (path, "PricePerReferenceUnit"), sentence, value["PricePerReferenceUnit"])


_MOST_KW = 4000


def kilowatts(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """The maximum power is in kW."""
    most = number(value.get("MaximumProductChargingPower"))
    if most is None:
        return
    walk.checked.add("PRICE-015")
    if most > _MOST_KW:
        why = "the table says kWh, evidently a slip for kW"
        at = (path, "MaximumProductChargingPower")
        walk.fault("PRICE-015", at, "is no power in kW; W?", value["MaximumProductChargingPower"], spec_defect=why)


def products_once(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """No ProductID twice in a push."""
    seen: set[str] = set()
    for at, record in records_of(value, "PricingProductDataRecords", path):
        product = record.get("ProductID")
        if not isinstance(product, str):
            continue
        if product in seen:
            walk.fault("PRICE-004", (at, "ProductID"), "occurs twice in this push", product)
        seen.add(product)


def own_evses(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """The EVSEs belong to the operator or its sub-operators, and none comes twice for one provider."""
    by_provider: dict[str, list[tuple[Path, Json]]] = {}
    for at, entry in records_of(value, "EVSEPricing", path):
        foreign_evse(walk, "PRICE-013", (at, "EvseID"), entry.get("EvseID"), walk.path_id)
        by_provider.setdefault(str(entry.get("ProviderID")).upper(), []).append(((at, "EvseID"), entry.get("EvseID")))
    for entries in by_provider.values():
        evse_twice(walk, entries)
