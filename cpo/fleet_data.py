"""The charge points this CPO operates, read from fleet.json, with what is known of each EVSE right now."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from cpo.local_time import read as read_time
from cpo.local_time import zone_of
from cpo.settings import BadSettings
from oicp import wire_json
from oicp.sessions import folded
from oicp.wire_json import Json


@dataclass
class Evse:
    """One EVSE: its data record, its place at the charge point, its OCPP state.

    `connector_status` is None until the charge point reported one. `valid_to`: from then on it is not published.
    """

    evse_id: str
    charge_point_id: str
    connector_id: int
    record: dict[str, Json]
    public_key: str | None = None
    valid_to: datetime | None = None
    decommissioned: bool = False
    connector_status: str | None = None

    @property
    def key(self) -> str:
        """The id without separators in upper case, for comparisons."""
        return folded(self.evse_id)

    @property
    def zone(self) -> tzinfo:
        """Time zone of the location."""
        return zone_of(self.record, self.evse_id)

    @property
    def published(self) -> bool:
        """It belongs among the records at the hub."""
        return not self.decommissioned and (self.valid_to is None or datetime.now(UTC) < self.valid_to)

    @property
    def hubject_compatible(self) -> bool:
        """It may be started through the hub."""
        return self.record.get("IsHubjectCompatible") is not False

    @property
    def dynamic(self) -> bool:
        """Its status is pushed."""
        return self.record.get("DynamicInfoAvailable") not in ("false", False)

    @property
    def external_calibration_data(self) -> bool:
        """Its record promises signed meter values in the charge detail record."""
        return self.record.get("CalibrationLawDataAvailability") == "External"


@dataclass
class ChargePoint:
    """One box that speaks OCPP. `out_of_service`: connector 0 reported Unavailable or Faulted. `silent`: contact lost."""

    charge_point_id: str
    evses: list[Evse]
    ocpp_version: str = "1.6"
    out_of_service: bool = False
    silent: bool = False

    def evse_at(self, connector_id: int) -> Evse | None:
        """The EVSE of that OCPP connector (1.6) or EVSE (2.0.1) number."""
        return next((evse for evse in self.evses if evse.connector_id == connector_id), None)


@dataclass
class FleetData:
    """All charge points of the operator."""

    operator_id: str
    operator_name: str
    charge_points: dict[str, ChargePoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_key = {evse.key: evse for evse in self.evses()}

    def evses(self) -> Iterator[Evse]:
        """All EVSEs in the order of the file."""
        for charge_point in self.charge_points.values():
            yield from charge_point.evses

    def evse(self, evse_id: object) -> Evse | None:
        """The EVSE of that id, in any spelling."""
        return self._by_key.get(folded(evse_id)) if isinstance(evse_id, str) else None

    def charge_point_of(self, evse: Evse) -> ChargePoint:
        """The charge point an EVSE belongs to."""
        return self.charge_points[evse.charge_point_id]

    def published(self) -> list[Evse]:
        """The EVSEs that belong among the records at the hub."""
        return [evse for evse in self.evses() if evse.published]


def load(path: Path, operator_id: str) -> FleetData:
    """Read fleet.json. Raises `BadSettings` that names file, place and mend."""
    parsed = wire_json.parse(path.read_bytes())
    if not parsed.is_object:
        raise BadSettings(f"{path}: {parsed.error or 'not a JSON object'}; see section 4 of the contract for its form")
    boxes = parsed.value.get("charge_points")
    if not isinstance(boxes, list):
        raise BadSettings(f"{path}: charge_points is {wire_json.shown(boxes)}; it must be a list")
    seen: dict[str, str] = {}
    charge_points: dict[str, ChargePoint] = {}
    for number, box in enumerate(boxes):
        charge_point = _charge_point(box, f"{path}: charge_points[{number}]", seen)
        if charge_point.charge_point_id in charge_points:
            raise BadSettings(f"{path}: charge_points[{number}].id {charge_point.charge_point_id!r} occurs twice")
        charge_points[charge_point.charge_point_id] = charge_point
    return FleetData(operator_id, str(parsed.value.get("operator_name") or operator_id), charge_points)


def _charge_point(box: Json, where: str, seen: dict[str, str]) -> ChargePoint:
    ident = _text(box, "id", where)
    evses = box.get("evses")
    if not isinstance(evses, list):
        raise BadSettings(f"{where}.evses is {wire_json.shown(evses)}; it must be a list")
    found = [_evse(entry, ident, f"{where}.evses[{i}]") for i, entry in enumerate(evses)]
    for i, evse in enumerate(found):
        if evse.key in seen:
            raise BadSettings(f"{where}.evses[{i}].evse_id {evse.evse_id!r} names the same EVSE as {seen[evse.key]}")
        seen[evse.key] = f"{where}.evses[{i}]"
    return ChargePoint(ident, found, str(box.get("ocpp_version") or "1.6"))


def _evse(entry: Json, charge_point_id: str, where: str) -> Evse:
    evse_id = _text(entry, "evse_id", where).upper()
    connector, record = entry.get("connector_id"), entry.get("data_record")
    if not isinstance(connector, int) or isinstance(connector, bool) or connector < 1:
        raise BadSettings(f"{where}.connector_id is {wire_json.shown(connector)}; it must be a number from 1")
    if not isinstance(record, dict):
        raise BadSettings(f"{where}.data_record is {wire_json.shown(record)}; it must be an EvseDataRecord")
    return Evse(
        evse_id, charge_point_id, connector, record, public_key=_optional(entry, "public_key"),
        valid_to=read_time(entry.get("valid_to")), decommissioned=entry.get("decommissioned") is True,
    )  # fmt: skip


def _text(box: Any, name: str, where: str) -> str:
    value = box.get(name) if isinstance(box, dict) else None
    if not isinstance(value, str) or not value:
        raise BadSettings(f"{where}.{name} is {wire_json.shown(value)}; it must be a text")
    return value


def _optional(box: dict[str, Json], name: str) -> str | None:
    value = box.get(name)
    return value if isinstance(value, str) and value else None
