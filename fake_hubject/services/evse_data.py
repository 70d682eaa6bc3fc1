"""EVSE data: what operators push and EMPs pull."""

from fake_hubject.answers import Reply, invalid, refused
from fake_hubject.broker import Broker, Call
from fake_hubject.services.pushes import admitted, by_key, inconsistent, limited, members, one_at_a_time, text


async def push_evse_data(broker: Broker, call: Call) -> Reply:
    """Take data records: all of them, or none."""
    if (refusal := admitted(broker, call.partner, "EvseData")) is not None:
        return refusal
    records = [r for r in members(call.body, "OperatorEvseData", "EvseDataRecord") if text(r, "EvseID")]
    action = text(call.body, "ActionType")
    if (refusal := inconsistent(broker, call.partner, [r["EvseID"] for r in records])) is not None:
        return refusal
    keyed = by_key(broker, records)
    name = text(call.body, "OperatorEvseData", "OperatorName")

    def refused_operation() -> Reply | None:
        return _refused_operation(broker, call, action, list(keyed))

    def store() -> None:
        broker.apply("data", call.partner, name, action, keyed, call.exchange.number)

    return await one_at_a_time(broker, call, refused_operation, store)


def _refused_operation(broker: Broker, call: Call, action: str, keys: list[str]) -> Reply | None:
    current = broker.registry.of("data", call.partner.id)
    if action == "insert" and (existing := current.existing(keys)):
        ids = [current.current[key].record["EvseID"] for key in existing]
        return refused("009", "Data transaction error", limited("EVSE data records exist already: ", ids))
    refuses = action == "update" or (action == "delete" and broker.settings.delete_of_unknown == "refused")
    if refuses and (missing := current.missing(keys)):
        return refused("009", "Data transaction error", limited("EVSE data records do not exist: ", missing))
    return None


OPERATIONS = {"PushEvseData": push_evse_data}
__all__ = ["OPERATIONS", "invalid"]
