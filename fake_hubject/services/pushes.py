"""What all pushes share: the order of checks, one push at a time, all records or none."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from fake_hubject.answers import NO_CONTRACT, UNAUTHORIZED, Reply, acknowledgement, refused
from fake_hubject.broker import Broker, Call
from fake_hubject.partners import Partner
from fake_hubject.registry import Record
from oicp.wire_json import Json

_IN_PROGRESS = "The push of data is already in progress"
SUCCESS = Reply(200, acknowledgement(True, "000")).ready()


def members(body: Json, *path: str) -> list[dict[str, Json]]:
    """The objects of a list in a message."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return [item for item in body if isinstance(item, dict)] if isinstance(body, list) else []


def text(body: Json, *path: str) -> str:
    """A text in a message, empty where there is none."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def admitted(broker: Broker, partner: Partner, service: str) -> Reply | None:
    """Refusal of a partner that is locked or has no contract for the service."""
    if partner.locked:
        return UNAUTHORIZED
    return None if partner.contracted(service) else NO_CONTRACT


def by_own_id(broker: Broker, partner: Partner, records: Sequence[Record]) -> dict[str, Record] | Reply:
    """Records by what their EvseIDs are compared by; 018 for EvseIDs of somebody else, or one that comes twice."""
    evse_ids = [record["EvseID"] for record in records]
    if not broker.partners.owns_all(partner, evse_ids):
        foreign = [i for i in evse_ids if not broker.partners.owns(partner, i)]
        return refused("018", "Inconsistent EvseID", limited("EvseIDs that do not belong to the operator: ", foreign))
    keyed = by_key(broker, records)
    if len(keyed) == len(records):
        return keyed
    twice = [i for i, count in Counter(map(broker.key, evse_ids)).items() if count > 1]
    shown = sorted({i for i in evse_ids if broker.key(i) in twice}) if len(evse_ids) < 1000 else []
    return refused("018", "Duplicate EVSE IDs", limited("Duplicate EvseIDs: ", shown) if shown else None)


async def one_at_a_time(
    broker: Broker, call: Call, refusal: Callable[[], Reply | None], store: Callable[[], None]
) -> Reply:
    """Process a push unless another one of the same operation and partner is being processed (009)."""
    key = (call.operation.name, call.partner.id)
    if key in broker.pushing:
        return refused("009", "Data transaction error", _IN_PROGRESS)
    broker.pushing.add(key)
    try:
        if broker.settings.processing_s:
            await asyncio.sleep(broker.settings.processing_s)
        reply = refusal()
        if reply is None:
            store()
        return reply or SUCCESS
    finally:
        broker.pushing.discard(key)


def by_key(broker: Broker, records: Sequence[Record], member: str = "EvseID") -> dict[str, Record]:
    """Records by what their ids are compared by, the id itself in upper case."""
    found: dict[str, Record] = {}
    key = broker.partners.key
    for record in records:
        ident = record[member]
        upper = ident.upper()
        found[key(upper)] = record if upper == ident else {**record, member: upper}
    return found


def limited(begin: str, items: Sequence[str]) -> str:
    """A text for AdditionalInfo: at most 1000 characters."""
    whole = begin + ", ".join(items)
    return whole if len(whole) <= 1000 else whole[:997] + "..."
