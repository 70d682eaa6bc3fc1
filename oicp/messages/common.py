"""Laws over several members that more than one message shares: whose id, which product, no record twice."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from oicp.ids import operator_key, operator_of_evse
from oicp.messages.base import Across
from oicp.messages.faults import INFO, Path, Walk
from oicp.wire_json import Json

STANDARD_PRODUCTS = ("AC1", "AC3", "DC", "Free")
_PLAIN = {name.lower(): name for name in STANDARD_PRODUCTS}


def meant_product(product: str) -> str | None:
    """The recommended product a misspelled one means (`AC 1`, `ac_3`), None if it is none or right."""
    name = _PLAIN.get(re.sub(r"[\s_-]", "", product).lower())
    return name if name != product else None


def near_product(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """A product that is a recommended one but for its spelling."""
    product = value.get("PartnerProductID")
    if not isinstance(product, str):
        return
    walk.checked.add("CDR-035")
    meant = meant_product(product)
    if meant:
        walk.fault("CDR-035", (path, "PartnerProductID"), f"is not one of the recommended products; {meant}?", product)


def own_product(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """Custom products are allowed and noted."""
    product = value.get("PartnerProductID")
    if isinstance(product, str) and product and meant_product(product) is None and product not in STANDARD_PRODUCTS:
        why = "is a custom product, none of AC1, AC3, DC, Free"
        walk.fault("CDR-035", (path, "PartnerProductID"), why, product, grade=INFO)


def path_operator(walk: Walk, value: dict[str, Json], path: Path) -> None:
    """The OperatorID of the body is that of the URL path."""
    operator = value.get("OperatorID")
    if not walk.path_id or not isinstance(operator, str):
        return
    if operator_key(operator) != operator_key(walk.path_id):
        sentence = f"is not {walk.path_id}, the operator in the path"
        walk.fault("HTTP-009", (path, "OperatorID"), sentence, operator)


def belongs_to_operator(by: str, evse: str = "EvseID") -> Across:
    """The operator part of the EvseID is the partner or one of its sub-operators; reported as `by`."""

    def check(walk: Walk, value: dict[str, Json], path: Path) -> None:
        foreign_evse(walk, by, (path, evse), value.get(evse), value.get("OperatorID"))

    return check


def foreign_evse(walk: Walk, by: str, path: Path, evse_id: Json, operator_id: Json) -> None:
    """Note an EvseID of somebody else. Without a register of sub-operators it is information only."""
    owner = operator_of_evse(evse_id) if isinstance(evse_id, str) else None
    if owner is None:
        return
    key = operator_key(owner)
    allowed = walk.operators
    if allowed is not None:
        if key not in allowed:
            walk.fault(by, path, f"belongs to {owner}, neither the partner nor a registered sub-operator", evse_id)
        return
    own = operator_id if isinstance(operator_id, str) else walk.path_id
    if own and key != operator_key(own):
        walk.fault(by, path, f"right only if {owner} is a registered sub-operator of {own}", evse_id, grade=INFO)


def evse_twice(walk: Walk, records: Iterable[tuple[Path, Json]]) -> None:
    """No EvseID twice in a push; ids that differ only in separators or case warn."""
    exact: set[str] = set()
    plain: set[str] = set()
    for path, evse_id in records:
        if not isinstance(evse_id, str):
            continue
        key = _plain_evse(evse_id)
        if evse_id in exact:
            walk.fault("PUSH-009", path, "EvseID occurs twice in this push", evse_id)
        elif key in plain:
            walk.fault("PUSH-009", path, "EvseID occurs twice but for separators or case", evse_id, contested=True)
        exact.add(evse_id)
        plain.add(key)


def records_of(value: dict[str, Json], name: str, path: Path) -> list[tuple[Path, dict[str, Json]]]:
    """The objects of a list member with their places; anything else is left out."""
    items = value.get(name)
    if not isinstance(items, list):
        return []
    at: Path = (path, name)
    return [((at, index), item) for index, item in enumerate(items) if isinstance(item, dict)]


def _all_in_order(walk: Walk, records: Json, operator: Json) -> bool:
    """A quick look, without places: True only where no EvseID is foreign and none occurs twice."""
    if not isinstance(records, list):
        return True
    found = [record.get("EvseID") for record in records if isinstance(record, dict)]
    ids = [evse_id for evse_id in found if type(evse_id) is str]
    own = operator if isinstance(operator, str) else walk.path_id
    allowed = walk.operators if walk.operators is not None else frozenset((operator_key(own),)) if own else None
    if allowed is not None and not allowed.issuperset([key for key in map(_owner_key, ids) if key is not None]):
        return False
    return len(set(map(_plain_evse, ids))) == len(ids)


@lru_cache(50_000)
def _owner_key(evse_id: str) -> str | None:
    owner = operator_of_evse(evse_id)
    return None if owner is None else operator_key(owner)


@lru_cache(50_000)
def _plain_evse(evse_id: str) -> str:
    return evse_id.replace("*", "").replace("-", "").upper()


def evse_records(by: str, name: str) -> Callable[[Walk, dict[str, Json], Path], None]:
    """Whose EVSEs they are, and none twice, for an envelope with OperatorID and a list of records."""

    def check(walk: Walk, value: dict[str, Json], path: Path) -> None:
        operator = value.get("OperatorID")
        if _all_in_order(walk, value.get(name), operator):
            return
        found = records_of(value, name, path)
        for place, record in found:
            foreign_evse(walk, by, (place, "EvseID"), record.get("EvseID"), operator)
        evse_twice(walk, (((place, "EvseID"), record.get("EvseID")) for place, record in found))

    return check
