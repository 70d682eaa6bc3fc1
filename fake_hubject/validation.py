"""What the hub refuses as invalid: the law of `oicp.messages`, lenient as the live platform or strict."""

from oicp import messages
from oicp.messages import FieldFault, model_of
from oicp.services import Direction
from oicp.wire_json import Json


def unrefused(operation: str, body: bytes, direction: Direction, *, strict: bool) -> dict[str, Json] | None:
    """The message in a body the hub has nothing against; None where only `refusals` can tell."""
    return None if strict else messages.unrefused(operation, body, direction=direction)


def refusals(operation: str, value: Json, direction: Direction, *, strict: bool) -> list[FieldFault]:
    """Faults of a message for which the hub answers HTTP 400. Strict: everything that is not the letter of the law."""
    if model_of(operation, value) is None:  # an operation OICP 2.3 no longer describes
        return []
    return messages.refusals(operation, value, direction=direction, strict=strict)
