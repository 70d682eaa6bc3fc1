"""Dynamic status of charging points, as pushed by a CPO."""

from typing import Annotated, ClassVar

from pydantic import Field

from oicp.messages.base import Across, Message
from oicp.messages.common import evse_records, path_operator, records_of
from oicp.messages.evse_data import ActionType
from oicp.messages.faults import Path, Walk
from oicp.messages.identification import EvseId, OperatorId
from oicp.messages.law import Many, Needs, OneOf, Text
from oicp.wire_json import Json

STATUSES = ("Available", "Reserved", "Occupied", "OutOfService", "EvseNotFound", "Unknown")
_PUSHED = tuple(status for status in STATUSES if status != "EvseNotFound")


class EvseStatusRecord(Message):
    """The status of one EVSE."""

    named_by = "STAT-002"

    evse_id: Annotated[EvseId, Needs("STAT-002")] = Field(alias="EvseID")
    evse_status: Annotated[str, OneOf("STAT-002", STATUSES), Needs("STAT-002")] = Field(alias="EvseStatus")


def _not_found(walk: Walk, value: dict[str, Json], path: Path) -> None:
    records = value.get("EvseStatusRecord")
    if not isinstance(records, list):
        return
    if any(isinstance(record, dict) for record in records):
        walk.checked.add("STAT-003")
    if all(isinstance(record, dict) and record.get("EvseStatus") in _PUSHED for record in records):
        return
    for at, record in records_of(value, "EvseStatusRecord", path):
        if record.get("EvseStatus") == "EvseNotFound":
            sentence = "EvseNotFound is what the hub reports, not what a CPO pushes"
            walk.fault("STAT-003", (at, "EvseStatus"), sentence, "EvseNotFound")


class OperatorEvseStatus(Message):
    """The status records of one operator."""

    named_by = "STAT-001"
    across: ClassVar[tuple[Across, ...]] = (path_operator, evse_records("PUSH-010", "EvseStatusRecord"), _not_found)
    across_ids: ClassVar[tuple[str, ...]] = ("HTTP-009", "PUSH-009", "PUSH-010", "STAT-003")

    operator_id: Annotated[OperatorId, Needs("STAT-001")] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text("STAT-001", 100)] | None = Field(None, alias="OperatorName")
    evse_status_record: Annotated[list[EvseStatusRecord], Many("STAT-001"), Needs("STAT-001")] = Field(
        alias="EvseStatusRecord"
    )


class PushEvseStatus(Message):
    """eRoamingPushEvseStatus."""

    action_type: Annotated[ActionType, Needs("STAT-001")] = Field(alias="ActionType")
    operator_evse_status: Annotated[OperatorEvseStatus, Needs("STAT-001")] = Field(alias="OperatorEvseStatus")
