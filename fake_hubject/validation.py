"""What the hub refuses as invalid: the law of `oicp.messages`, lenient as the live platform or strict."""

from oicp.messages import FieldFault, model_of, validate
from oicp.services import Direction
from oicp.wire_json import Json


def refusals(operation: str, value: Json, direction: Direction, *, strict: bool) -> list[FieldFault]:
    """Faults of a message for which the hub answers HTTP 400. Strict: everything that is not the letter of the law."""
    if model_of(operation, value) is None:  # an operation OICP 2.3 no longer describes
        return []
    faults = validate(operation, value, direction=direction)
    return faults if strict else [f for f in faults if f.refused]
