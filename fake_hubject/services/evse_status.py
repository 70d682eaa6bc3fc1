"""EVSE status: what operators push and EMPs pull."""

from fake_hubject.answers import Reply, refused
from fake_hubject.broker import Broker, Call
from fake_hubject.registry import Record
from fake_hubject.services.pushes import admitted, by_key, inconsistent, limited, members, one_at_a_time, text


async def push_evse_status(broker: Broker, call: Call) -> Reply:
    """Take status records of EVSEs whose data are known: all of them, or none."""
    if (refusal := admitted(broker, call.partner, "EvseStatus")) is not None:
        return refusal
    records = [r for r in members(call.body, "OperatorEvseStatus", "EvseStatusRecord") if text(r, "EvseID")]
    action = text(call.body, "ActionType")
    if (refusal := inconsistent(broker, call.partner, [r["EvseID"] for r in records])) is not None:
        return refusal
    keyed = by_key(broker, records)
    name = text(call.body, "OperatorEvseStatus", "OperatorName")

    def refused_operation() -> Reply | None:
        return _refused_operation(broker, call, action, keyed)

    def store() -> None:
        broker.apply("status", call.partner, name, action, keyed, call.exchange.number)

    return await one_at_a_time(broker, call, refused_operation, store)


def _refused_operation(broker: Broker, call: Call, action: str, keyed: dict[str, Record]) -> Reply | None:
    data = broker.registry.of("data", call.partner.id)
    if action != "delete" and (missing := data.missing(keyed)):
        ids = [keyed[key]["EvseID"] for key in missing]
        info = limited("EVSE data records missing for EvseIDs: ", ids)
        return refused("603", "One or more EVSE data record not found!", info)
    current, settings = broker.registry.of("status", call.partner.id), broker.settings
    if action == "insert" and settings.status_insert_of_existing == "refused" and current.existing(keyed):
        return refused("009", "Data transaction error", "EVSE status records exist already")
    if action == "delete" and settings.delete_of_unknown == "refused" and current.missing(keyed):
        return refused("009", "Data transaction error", "EVSE status records do not exist")
    return None


OPERATIONS = {"PushEvseStatus": push_evse_status}
