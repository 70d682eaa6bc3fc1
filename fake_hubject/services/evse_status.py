"""EVSE status: what operators push and EMPs pull."""

from fake_hubject.answers import Reply, refused, status_code, unreadable
from fake_hubject.broker import Broker, Call
from fake_hubject.partners import Partner
from fake_hubject.registry import Record
from fake_hubject.services.pulls import visible_operators, within
from fake_hubject.services.pushes import admitted, by_own_id, limited, members, one_at_a_time, text


async def push_evse_status(broker: Broker, call: Call) -> Reply:
    """Take status records of EVSEs whose data are known: all of them, or none."""
    if (refusal := admitted(broker, call.partner, "EvseStatus")) is not None:
        return refusal
    found = members(call.body, "OperatorEvseStatus", "EvseStatusRecord")
    records = [record for record in found if type(record.get("EvseID")) is str and record["EvseID"]]
    action = text(call.body, "ActionType")
    keyed = by_own_id(broker, call.partner, records)
    if isinstance(keyed, Reply):
        return keyed
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


# --- pulls -----------------------------------------------------------------------------------------------------------


async def pull_evse_status(broker: Broker, call: Call) -> Reply:
    """All statuses an EMP may see, one block per operator."""
    if (refusal := admitted(broker, call.partner, "EvseStatus")) is not None:
        return refusal
    wanted = call.body.get("EVSEStatus", call.body.get("EvseStatus"))
    search = call.body.get("SearchCenter")
    blocks = []
    for operator in visible_operators(broker, call.partner, "EvseStatus"):
        rows = _of_operator(broker, operator)
        if wanted is not None:
            rows = [r for r in rows if r["EvseStatus"] == wanted]
        if search is not None:
            rows = [r for r in rows if within(_data_of(broker, operator, r["EvseID"]), search)]
        if rows:
            blocks.append(_block(broker, operator, rows))
    return _blocks(blocks)


async def pull_evse_status_by_operator(broker: Broker, call: Call) -> Reply:
    """Statuses of the named operators."""
    if (refusal := admitted(broker, call.partner, "EvseStatus")) is not None:
        return refusal
    named = call.body.get("OperatorID")
    ids = {broker.key(i) for i in (named if isinstance(named, list) else [named]) if isinstance(i, str)}
    blocks = [
        _block(broker, operator, rows)
        for operator in visible_operators(broker, call.partner, "EvseStatus")
        if broker.key(operator.id) in ids and (rows := _of_operator(broker, operator))
    ]
    return _blocks(blocks)


async def pull_evse_status_by_id(broker: Broker, call: Call) -> Reply:
    """Statuses of at most a hundred EVSEs; an unknown one is EvseNotFound."""
    if (refusal := admitted(broker, call.partner, "EvseStatus")) is not None:
        return refusal
    named = call.body.get("EvseID")
    ids = [i for i in (named if isinstance(named, list) else [named]) if isinstance(i, str)]
    if len(ids) > _MAX_IDS:
        return unreadable(f"Object errors: at most {_MAX_IDS} EvseIDs can be asked for at once.")
    rows = [{"EvseID": i.upper(), "EvseStatus": _status_of(broker, call.partner, i)} for i in ids]
    body = {"EVSEStatusRecords": {"EvseStatusRecord": rows}, "StatusCode": status_code("000")}
    return Reply(200, body)


def _status_of(broker: Broker, emp: Partner, evse_id: str) -> str:
    owner = broker.partners.owner_of_evse(evse_id)
    if owner is None or not emp.contracted("EvseStatus", owner):
        return "EvseNotFound"
    key = broker.key(evse_id)
    entry = broker.registry.of("status", owner.id).current.get(key)
    if entry is not None:
        return text(entry.record, "EvseStatus")
    return "Unknown" if key in broker.registry.of("data", owner.id).current else "EvseNotFound"


def _data_of(broker: Broker, operator: Partner, evse_id: str) -> Record:
    entry = broker.registry.of("data", operator.id).current.get(broker.key(evse_id))
    return entry.record if entry else {}


def _of_operator(broker: Broker, operator: Partner) -> list[Record]:
    current = broker.registry.of("status", operator.id).current.values()
    return [{"EvseID": e.record["EvseID"], "EvseStatus": text(e.record, "EvseStatus")} for e in current]


def _block(broker: Broker, operator: Partner, rows: list[Record]) -> Record:
    name = broker.registry.of("status", operator.id).operator_name or operator.name
    return {"OperatorID": operator.id, "OperatorName": name, "EvseStatusRecord": rows}


def _blocks(blocks: list[Record]) -> Reply:
    body = {"EvseStatuses": {"OperatorEvseStatus": blocks}, "StatusCode": status_code("000")}
    return Reply(200, body)


_MAX_IDS = 100
OPERATIONS = {
    "PushEvseStatus": push_evse_status,
    "PullEvseStatus": pull_evse_status,
    "PullEvseStatusByID": pull_evse_status_by_id,
    "PullEvseStatusByOperatorID": pull_evse_status_by_operator,
}
