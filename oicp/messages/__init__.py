"""Every message of OICP 2.3 as a model, and `validate`: what of a message as sent breaks the field law.

Models build and read (`AuthorizeRemoteStart(...).to_wire()`); `validate` judges raw JSON and never raises.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from oicp.ids import operator_key
from oicp.messages.acknowledgement import Acknowledgement, StatusCode
from oicp.messages.authentication_data import PushAuthenticationData
from oicp.messages.authorization import (
    AuthorizationStart,
    AuthorizationStop,
    AuthorizeRemoteStart,
    AuthorizeRemoteStop,
    AuthorizeStart,
    AuthorizeStop,
)
from oicp.messages.base import Message
from oicp.messages.charge_detail_record import (
    CalibrationLawVerificationInfo,
    ChargeDetailRecord,
    SignedMeteringValue,
)
from oicp.messages.charging_notifications import (
    NOTIFICATIONS,
    ChargingNotification,
    ChargingNotificationEnd,
    ChargingNotificationError,
    ChargingNotificationProgress,
    ChargingNotificationStart,
)
from oicp.messages.dynamic_pricing import EvsePricing, PricingProducts, PushEVSEPricing, PushPricingProductData
from oicp.messages.evse_data import EvseDataRecord, OperatorEvseData, PushEvseData
from oicp.messages.evse_status import EvseStatusRecord, OperatorEvseStatus, PushEvseStatus
from oicp.messages.faults import FieldFault, Walk
from oicp.messages.identification import (
    Identification,
    PlugAndChargeIdentification,
    QrCodeIdentification,
    RemoteIdentification,
    RfidMifareFamilyIdentification,
)
from oicp.messages.meter import MeterValueInBetween
from oicp.messages.numbers import number
from oicp.messages.pulls import (
    ChargeDetailRecords,
    EvseData,
    EVSEPricing,
    EvseStatus,
    EvseStatusById,
    EvseStatusByOperatorId,
    GetChargeDetailRecords,
    PricingProductData,
    PullEvseData,
    PullEVSEPricing,
    PullEvseStatus,
    PullEvseStatusById,
    PullEvseStatusByOperatorId,
    PullPricingProductData,
)
from oicp.messages.quick import quick
from oicp.messages.reservation import AuthorizeRemoteReservationStart, AuthorizeRemoteReservationStop
from oicp.messages.shapes import shape
from oicp.messages.times import moment, wire_time
from oicp.services import OPERATIONS, Direction
from oicp.wire_json import Json

MESSAGES: dict[str, type[Message]] = {
    "PushEvseData": PushEvseData,
    "PushEvseStatus": PushEvseStatus,
    "ChargeDetailRecord": ChargeDetailRecord,
    "AuthorizeRemoteStart": AuthorizeRemoteStart,
    "AuthorizeRemoteStop": AuthorizeRemoteStop,
    "AuthorizeStart": AuthorizeStart,
    "AuthorizeStop": AuthorizeStop,
    "ChargingNotifications": ChargingNotification,
    "AuthorizeRemoteReservationStart": AuthorizeRemoteReservationStart,
    "AuthorizeRemoteReservationStop": AuthorizeRemoteReservationStop,
    "PushPricingProductData": PushPricingProductData,
    "PushEVSEPricing": PushEVSEPricing,
    "PullEvseData": PullEvseData,
    "PullEvseStatus": PullEvseStatus,
    "PullEvseStatusByID": PullEvseStatusById,
    "PullEvseStatusByOperatorID": PullEvseStatusByOperatorId,
    "GetChargeDetailRecords": GetChargeDetailRecords,
    "PushAuthenticationData": PushAuthenticationData,
    "PullPricingProductData": PullPricingProductData,
    "PullEVSEPricing": PullEVSEPricing,
}
"""Request class by operation; notifications by their `Type` in `NOTIFICATIONS`."""

ANSWERS: dict[str, type[Message]] = {
    "Acknowledgement": Acknowledgement,
    "AuthorizationStart": AuthorizationStart,
    "AuthorizationStop": AuthorizationStop,
    "EvseData": EvseData,
    "EvseStatus": EvseStatus,
    "EvseStatusById": EvseStatusById,
    "EvseStatusByOperatorId": EvseStatusByOperatorId,
    "ChargeDetailRecords": ChargeDetailRecords,
    "PricingProductData": PricingProductData,
    "EVSEPricing": EVSEPricing,
}
"""Answer class by its name in `oicp.services`."""

_BY_CPO = (Direction.CPO_TO_HUB, Direction.HUB_TO_EMP)


@dataclass(frozen=True, slots=True)
class Examination:
    """What came out of reading one message: faults in the order of the message, ids of what was exercised."""

    faults: list[FieldFault]
    checked: set[str]


def model_of(operation: str, value: Json = None, *, answer: bool = False) -> type[Message] | None:
    """The message class of an operation (or of its answer); None for a name that is none."""
    if answer:
        service = OPERATIONS.get(operation)
        return ANSWERS.get(service.answer if service else operation)
    if operation == "ChargingNotifications" and isinstance(value, dict):
        kind = value.get("Type")
        return NOTIFICATIONS.get(kind, ChargingNotification) if isinstance(kind, str) else ChargingNotification
    return MESSAGES.get(operation) or ANSWERS.get(operation)


def examine(
    operation: str, value: Json, *, answer: bool = False, direction: Direction | None = None,
    operators: Iterable[str] | None = None, path_id: str | None = None,
) -> Examination:  # fmt: skip
    """Read a message as sent. `direction` of the exchange says who spoke; without it the usual sender is assumed.

    `operators`: ids of the partner and its registered sub-operators; unknown if None. `path_id`: OperatorID in the URL.
    A value that is no object at all is one fault. Raises KeyError for an operation without messages.
    """
    model = model_of(operation, value, answer=answer)
    if model is None:
        raise KeyError(operation)
    known = frozenset(operator_key(o) for o in operators) if operators is not None else None
    walk = Walk(
        operation, answer or operation in ANSWERS, _by_cpo(operation, answer, direction), known or None, path_id
    )
    shape(model).check(walk, value, None)
    return Examination(walk.faults, walk.checked)


def _by_cpo(operation: str, answer: bool, direction: Direction | None) -> bool:
    if direction is None:
        service = OPERATIONS.get(operation)
        if service is None:
            return not answer
        downwards = Direction.HUB_TO_CPO in service.directions
        return downwards if answer else not downwards and Direction.CPO_TO_HUB in service.directions
    return direction is Direction.HUB_TO_CPO if answer else direction in _BY_CPO


def validate(
    operation: str, value: Json, *, answer: bool = False, direction: Direction | None = None,
    operators: Iterable[str] | None = None, path_id: str | None = None,
) -> list[FieldFault]:  # fmt: skip
    """All faults of a message; see `examine`."""
    return examine(operation, value, answer=answer, direction=direction, operators=operators, path_id=path_id).faults


def checked(
    operation: str, value: Json, answer: bool = False, *, direction: Direction | None = None
) -> set[str]:  # fmt: skip
    """Ids of the requirements a message exercises; a MUST about an optional member counts where its object is seen."""
    return examine(operation, value, answer=answer, direction=direction).checked


def refusals(
    operation: str, value: Json, *, direction: Direction | None = None, strict: bool = False
) -> list[FieldFault]:
    """The faults for which the hub answers HTTP 400 by default; with `strict` all.

    Raises KeyError for an operation without messages.
    """
    faults = validate(operation, value, direction=direction)
    return faults if strict else [fault for fault in faults if fault.refused]


def unrefused(operation: str, body: bytes, *, direction: Direction | None = None) -> dict[str, Json] | None:
    """The object a body holds where `refusals` would find nothing, in a fraction of the time. None: read it in full.

    Numbers with decimals are `float`; of members that come twice the last counts, as in the full reading.
    """
    model = MESSAGES.get(operation)
    if model is None or model is ChargingNotification:  # notifications are several models: read in full
        return None
    return quick(model)(Walk(operation, False, _by_cpo(operation, False, direction)), body)


__all__ = [
    "ANSWERS", "MESSAGES", "NOTIFICATIONS", "Acknowledgement", "AuthorizationStart", "AuthorizationStop",
    "AuthorizeRemoteReservationStart", "AuthorizeRemoteReservationStop", "AuthorizeRemoteStart", "AuthorizeRemoteStop",
    "AuthorizeStart", "AuthorizeStop", "CalibrationLawVerificationInfo", "ChargeDetailRecord", "ChargeDetailRecords",
    "ChargingNotification", "ChargingNotificationEnd", "ChargingNotificationError", "ChargingNotificationProgress",
    "ChargingNotificationStart", "EVSEPricing", "EvseData", "EvseDataRecord", "EvsePricing", "EvseStatus",
    "EvseStatusById", "EvseStatusByOperatorId", "EvseStatusRecord", "Examination", "FieldFault",
    "GetChargeDetailRecords", "Identification", "Message", "MeterValueInBetween", "OperatorEvseData",
    "OperatorEvseStatus", "PlugAndChargeIdentification", "PricingProductData", "PricingProducts", "PullEVSEPricing",
    "PullEvseData", "PullEvseStatus", "PullEvseStatusById", "PullEvseStatusByOperatorId", "PullPricingProductData",
    "PushAuthenticationData", "PushEVSEPricing", "PushEvseData", "PushEvseStatus", "PushPricingProductData",
    "QrCodeIdentification", "RemoteIdentification", "RfidMifareFamilyIdentification", "SignedMeteringValue",
    "StatusCode", "checked", "examine", "model_of", "moment", "number", "refusals", "unrefused", "validate", "wire_time",
]  # fmt: skip
