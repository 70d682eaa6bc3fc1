"""The JSON schemas of OCPP, by the `ocpp` library, without a thread for each message."""

import json
from decimal import Decimal
from typing import Any

from jsonschema.exceptions import ValidationError
from ocpp.exceptions import (
    FormationViolationError,
    FormatViolationError,
    OccurenceConstraintViolationError,
    OCPPError,
    PropertyConstraintViolationError,
    TypeConstraintViolationError,
)
from ocpp.messages import MessageType, get_validator

CALL, RESULT = MessageType.Call, MessageType.CallResult

# Schemas with `multipleOf: 0.1`: binary fractions would fail although the sender wrote a fine decimal.
_DECIMAL = {("SetChargingProfile", CALL), ("RemoteStartTransaction", CALL), ("GetCompositeSchedule", RESULT)}

_CODES: dict[str, type[OCPPError]] = {
    "type": TypeConstraintViolationError,
    "maxLength": TypeConstraintViolationError,
    "required": OccurenceConstraintViolationError,
    "minItems": OccurenceConstraintViolationError,
    "maxItems": OccurenceConstraintViolationError,
    "enum": PropertyConstraintViolationError,
    "multipleOf": PropertyConstraintViolationError,
    "minimum": PropertyConstraintViolationError,
}


def fault_of(version: str, kind: int, action: str, payload: Any) -> OCPPError | None:
    """What is wrong with a payload, as the error OCPP has for it; None if nothing or if there is no such schema."""
    exact = version == "1.6" and (action, kind) in _DECIMAL
    try:
        validator = get_validator(kind, action, version, parse_float=Decimal if exact else float)
    except (OSError, ValueError):
        return None
    if exact:
        payload = json.loads(json.dumps(payload, default=str), parse_float=Decimal)
    try:
        validator.validate(payload)
    except ValidationError as fault:
        other = FormationViolationError if version == "1.6" else FormatViolationError
        where = "/".join(str(part) for part in fault.absolute_path)
        return _CODES.get(str(fault.validator), other)(
            description=f"{where or action}: {fault.message}"[:255], details={}
        )
    return None
