"""EVSE data: what operators push and EMPs pull."""

from collections.abc import Iterator
from datetime import datetime

from fake_hubject.answers import Reply, invalid_field, refused, unreadable
from fake_hubject.broker import Broker, Call
from fake_hubject.partners import Partner
from fake_hubject.registry import Record, RecordSet
from fake_hubject.services.pulls import in_notation, last_call, paged, visible_operators, within
from fake_hubject.services.pushes import admitted, by_own_id, limited, members, one_at_a_time, text
from oicp.wire_json import Json


async def push_evse_data(broker: Broker, call: Call) -> Reply:
    """Take data records: all of them, or none."""
    if (refusal := admitted(broker, call.partner, "EvseData")) is not None:
        return refusal
    records = [r for r in members(call.body, "OperatorEvseData", "EvseDataRecord") if text(r, "EvseID")]
    action = text(call.body, "ActionType")
    keyed = by_own_id(broker, call.partner, records)
    if isinstance(keyed, Reply):
        return keyed
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


# --- pull ------------------------------------------------------------------------------------------------------------

_NOTATIONS = ("Google", "DegreeMinuteSeconds", "DecimalDegree")


async def pull_evse_data(broker: Broker, call: Call) -> Reply:
    """Hand records to an EMP: all that pass its filters, or those that changed since its last call."""
    if (refusal := admitted(broker, call.partner, "EvseData")) is not None:
        return refusal
    since, body = last_call(call.body), call.body
    together = [n for n in ("SearchCenter", "CountryCodes", "OperatorIds") if body.get(n) is not None]
    if since is not None and together and broker.settings.strict:
        return unreadable(f"Object errors: LastCall cannot be combined with {', '.join(together)}.")
    notation = text(body, "GeoCoordinatesResponseFormat")
    if notation not in _NOTATIONS:
        return invalid_field("geoCoordinatesResponseFormat", "may not be null" if not notation else "is not valid")
    rows = []
    for operator in visible_operators(broker, call.partner, "EvseData"):
        records = broker.registry.of("data", operator.id)
        changes = records.changed_since(since) if since else _present(records)
        for delta, record, at in changes:
            if _passes(broker, operator, record, body):
                rows.append(_pulled(broker, operator, records, record, at, delta, notation))
    return paged(call, rows)


def _present(records: RecordSet) -> Iterator[tuple[str | None, Record, datetime]]:
    return ((None, e.record, e.at) for e in records.current.values())


def _pulled(
    broker: Broker,
    operator: Partner,
    records: RecordSet,
    record: Record,
    at: datetime,
    delta: str | None,
    notation: str,
) -> Record:
    shown = dict(record) | {
        "deltaType": delta, "lastUpdate": at.isoformat(timespec="milliseconds"), "OperatorID": operator.id,
        "OperatorName": records.operator_name or operator.name,
    }  # fmt: skip
    for name in ("GeoCoordinates", "GeoChargingPointEntrance"):
        if record.get(name) is not None:
            shown[name] = in_notation(record[name], notation)
    if record.get("DynamicInfoAvailable") == "auto":
        has_status = bool(broker.registry.of("status", operator.id).current)
        shown["DynamicInfoAvailable"] = "true" if has_status else "false"
    return shown


_ONE_OF = {"Accessibility": "Accessibility", "CalibrationLawDataAvailability": "CalibrationLawDataAvailability"}
_FLAGS = ("RenewableEnergy", "IsHubjectCompatible", "IsOpen24Hours")


def _passes(broker: Broker, operator: Partner, record: Record, wanted: dict[str, Json]) -> bool:
    operators = wanted.get("OperatorIds")
    if operators and not any(_is_of(broker, operator, record, o) for o in operators if isinstance(o, str)):
        return False
    address = record.get("Address")
    countries = wanted.get("CountryCodes")
    if countries and (address.get("Country") if isinstance(address, dict) else None) not in countries:
        return False
    modes = wanted.get("AuthenticationModes")
    if modes and not set(_hashable(modes)) & set(_hashable(record.get("AuthenticationModes"))):
        return False
    for name, member in _ONE_OF.items():
        if wanted.get(name) and record.get(member) not in wanted[name]:
            return False
    if any(isinstance(wanted.get(name), bool) and record.get(name) is not wanted[name] for name in _FLAGS):
        return False
    return within(record, wanted.get("SearchCenter"))


def _is_of(broker: Broker, operator: Partner, record: Record, wanted: str) -> bool:
    named = broker.key(wanted)
    return named == broker.key(operator.id) or broker.key(text(record, "EvseID")).startswith(named)


def _hashable(value: Json) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


OPERATIONS = {"PushEvseData": push_evse_data, "PullEvseData": pull_evse_data}
