"""What the hub refuses as invalid: the law of `oicp.messages`, lenient as the live platform or strict."""

from typing import Any

from oicp import messages
from oicp.wire_json import Json


def refusals(operation: str, value: Json, *, strict: bool) -> list[Any]:
    """Faults of a message for which the hub answers HTTP 400."""
    validate = getattr(messages, "validate", None)
    if validate is None:
        return []
    return [f for f in validate(operation, value) if f.refused or (strict and f.contested)]
