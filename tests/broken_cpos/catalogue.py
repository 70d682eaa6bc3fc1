"""All variants by name."""

from functools import cache

from tests.broken_cpos import (
    delivery,
    evse_data,
    innocents,
    leftovers,
    messages,
    profiles,
    pushing,
    remote,
    stations,
    transport,
)
from tests.broken_cpos.variant import Variant

ALL: tuple[Variant, ...] = (
    *evse_data.VARIANTS,
    *messages.VARIANTS,
    *transport.VARIANTS,
    *remote.VARIANTS,
    *pushing.VARIANTS,
    *delivery.VARIANTS,
    *leftovers.VARIANTS,
    *stations.VARIANTS,
    *profiles.VARIANTS,
    *innocents.VARIANTS,
)
BROKEN = tuple(v for v in ALL if not v.innocent)
INNOCENT = tuple(v for v in ALL if v.innocent)


@cache
def _by_name() -> dict[str, Variant]:
    found = {v.name: v for v in ALL}
    if len(found) != len(ALL):
        raise ValueError("two variants share a name")
    return found


def variant(name: str) -> Variant:
    """The variant of that name."""
    return _by_name()[name]
