"""What happens during charging, told to the EMP: Start, Progress, End, Error."""

from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from oicp.messages import notification_laws as laws
from oicp.messages.base import Across, Message
from oicp.messages.common import near_product
from oicp.messages.identification import (
    EvseId,
    Identification,
    OneKind,
    OperatorId,
    PartnerSessionId,
    ProductId,
    SessionId,
    Time,
)
from oicp.messages.law import Needs, OneOf, Text
from oicp.messages.meter import MeterValueInBetween, in_between
from oicp.messages.numbers import Energy, Whole

TYPES = ("Start", "Progress", "End", "Error")

Kwh: TypeAlias = Annotated[Decimal, Energy("NOTIF-019", shape="NOTIF-019")]
Consumed: TypeAlias = Annotated[Decimal, Energy("NOTIF-019", meter=False, shape="NOTIF-019")]
Between: TypeAlias = Annotated[MeterValueInBetween, in_between("NOTIF-019", "NOTIF-019")]


class ChargingNotification(Message):
    """What all four types have."""

    across: ClassVar[tuple[Across, ...]] = (near_product,)
    across_ids: ClassVar[tuple[str, ...]] = ("NOTIF-001",)

    type: Annotated[str, OneOf("NOTIF-001", TYPES), Needs("NOTIF-001")] = Field(alias="Type")
    session_id: Annotated[SessionId, Needs("NOTIF-002")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    identification: Annotated[Identification, OneKind("NOTIF-005", "NOTIF-005")] | None = Field(
        None, alias="Identification"
    )
    evse_id: Annotated[EvseId, Needs("NOTIF-003")] = Field(alias="EvseID")
    operator_id: Annotated[OperatorId, Needs("NOTIF-004")] = Field(alias="OperatorID")


class _WithProduct(ChargingNotification):
    session_start: Time | None = Field(None, alias="SessionStart")
    meter_value_start: Kwh | None = Field(None, alias="MeterValueStart")
    partner_product_id: ProductId | None = Field(None, alias="PartnerProductID")


class ChargingNotificationStart(_WithProduct):
    """Charging has begun."""

    charging_start: Annotated[Time, Needs("NOTIF-006")] = Field(alias="ChargingStart")


class ChargingNotificationProgress(_WithProduct):
    """Charging goes on."""

    across: ClassVar[tuple[Across, ...]] = (near_product, laws.progress)
    across_ids: ClassVar[tuple[str, ...]] = ("NOTIF-001", "NOTIF-009", "NOTIF-010")

    charging_start: Annotated[Time, Needs("NOTIF-008")] = Field(alias="ChargingStart")
    event_occurred: Annotated[Time, Needs("NOTIF-008")] = Field(alias="EventOccurred")
    charging_duration: Annotated[int, Whole("NOTIF-010")] | None = Field(None, alias="ChargingDuration")
    consumed_energy_progress: Consumed | None = Field(None, alias="ConsumedEnergyProgress")
    meter_value_in_between: Between | None = Field(None, alias="MeterValueInBetween")


class ChargingNotificationEnd(_WithProduct):
    """No more energy flows."""

    across: ClassVar[tuple[Across, ...]] = (near_product, laws.end)
    across_ids: ClassVar[tuple[str, ...]] = ("NOTIF-001", "NOTIF-014", "NOTIF-016")

    charging_start: Time | None = Field(None, alias="ChargingStart")
    charging_end: Annotated[Time, Needs("NOTIF-013")] = Field(alias="ChargingEnd")
    session_end: Time | None = Field(None, alias="SessionEnd")
    consumed_energy: Consumed | None = Field(None, alias="ConsumedEnergy")
    meter_value_end: Kwh | None = Field(None, alias="MeterValueEnd")
    meter_value_in_between: Between | None = Field(None, alias="MeterValueInBetween")
    penalty_time_start: Time | None = Field(None, alias="PenaltyTimeStart")


_BLANK = "is spelled with a blank, as in the CPO table; OpenAPI and examples have none"
_ERRORS = OneOf(
    "NOTIF-017", ("ConnectorError", "CriticalError"), warns=(("Connector Error", _BLANK), ("Critical Error", _BLANK))
)


class ChargingNotificationError(ChargingNotification):
    """Something broke."""

    error_type: Annotated[str, _ERRORS, Needs("NOTIF-017")] = Field(alias="ErrorType")
    error_additional_info: Annotated[str, Text("NOTIF-018", 250)] | None = Field(None, alias="ErrorAdditionalInfo")


NOTIFICATIONS: dict[str, type[ChargingNotification]] = {
    "Start": ChargingNotificationStart,
    "Progress": ChargingNotificationProgress,
    "End": ChargingNotificationEnd,
    "Error": ChargingNotificationError,
}
"""Message class by `Type`."""


def _members(model: type[ChargingNotification]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


for _kind, _model in NOTIFICATIONS.items():
    _model.strangers = {
        name: ("NOTIF-001", None, f"is no member of a notification of type {_kind}")
        for other in NOTIFICATIONS.values()
        for name in sorted(_members(other) - _members(_model))
    }
