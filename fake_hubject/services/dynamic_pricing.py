"""Dynamic pricing: products and prices per EVSE that operators push for one EMP or for all ("*")."""

from collections.abc import Iterable
from datetime import datetime

from fake_hubject.answers import Reply, refused, status_code
from fake_hubject.broker import Broker, Call
from fake_hubject.partners import Partner
from fake_hubject.registry import Record, RecordSet
from fake_hubject.services.pulls import last_call, visible_operators
from fake_hubject.services.pushes import admitted, limited, members, one_at_a_time, text
from oicp.wire_json import Json

_HEAD, _PRODUCTS, _PRICES = "pricing-head", "pricing-products", "evse-pricing"
_SERVICE, _ALL = "DynamicPricing", "*"


async def push_products(broker: Broker, call: Call) -> Reply:
    """Take the products of an operator for one EMP or for all; each EMP has a set of its own."""
    if (refusal := admitted(broker, call.partner, _SERVICE)) is not None:
        return refusal
    data = call.body.get("PricingProductData")
    provider = _audience(broker, text(data, "ProviderID"))
    if provider is None:
        return refused("300", "Partner not found", f"no provider {text(data, 'ProviderID')[:50]}")
    records = {text(r, "ProductID"): r for r in members(data, "PricingProductDataRecords")}
    action, number = text(call.body, "ActionType"), call.exchange.number
    head = {k: v for k, v in data.items() if k != "PricingProductDataRecords"} if isinstance(data, dict) else {}

    def store() -> None:
        broker.apply(f"{_PRODUCTS}:{provider}", call.partner, text(data, "OperatorName"), action, records, number)
        if action != "delete":
            broker.apply(
                f"{_HEAD}:{provider}", call.partner, text(data, "OperatorName"), "fullLoad", {"": head}, number
            )

    current = broker.registry.of(f"{_PRODUCTS}:{provider}", call.partner.id)
    return await one_at_a_time(broker, call, lambda: _refused(current, action, records), store)


async def push_evse_prices(broker: Broker, call: Call) -> Reply:
    """Take which products hold at which EVSE."""
    if (refusal := admitted(broker, call.partner, _SERVICE)) is not None:
        return refusal
    rows = [r for r in members(call.body, "EVSEPricing") if text(r, "EvseID")]
    foreign = [r["EvseID"] for r in rows if not broker.partners.owns(call.partner, r["EvseID"])]
    if foreign:
        return refused("018", "Inconsistent EvseID", limited("EvseIDs that do not belong to the operator: ", foreign))
    keys = [f"{broker.key(r['EvseID'])}|{_audience(broker, text(r, 'ProviderID'))}" for r in rows]
    if len(set(keys)) < len(keys):
        return refused("018", "Duplicate EVSE IDs")
    records = {k: {**r, "EvseID": r["EvseID"].upper()} for k, r in zip(keys, rows, strict=True)}
    action = text(call.body, "ActionType")

    def store() -> None:
        broker.apply(_PRICES, call.partner, call.partner.name, action, records, call.exchange.number)

    current = broker.registry.of(_PRICES, call.partner.id)
    return await one_at_a_time(broker, call, lambda: _refused(current, action, records), store)


def _refused(current: RecordSet, action: str, keys: Iterable[str]) -> Reply | None:
    if action == "insert" and (there := current.existing(keys)):
        return refused("009", "Data transaction error", limited("exist already: ", there))
    if action == "update" and (missing := current.missing(keys)):
        return refused("009", "Data transaction error", limited("do not exist: ", missing))
    return None


def _audience(broker: Broker, provider_id: str) -> str | None:
    """For whom prices are: the id of an EMP, or "*" for all; None for a provider nobody knows."""
    if provider_id == _ALL:
        return _ALL
    partner = broker.partners.provider(provider_id)
    return partner.id if partner else None


# --- pulls -----------------------------------------------------------------------------------------------------------


def _named(broker: Broker, call: Call) -> list[Partner]:
    ids = call.body.get("OperatorIDs")
    wanted = {broker.key(i) for i in ids if isinstance(i, str)} if isinstance(ids, list) else set()
    return [p for p in visible_operators(broker, call.partner, _SERVICE) if broker.key(p.id) in wanted]


def _rows(records: RecordSet, since: datetime | None) -> list[Record]:
    if since is None:
        return [entry.record for entry in records.current.values()]
    return [record for delta, record, _ in records.changed_since(since) if delta != "delete"]


async def pull_products(broker: Broker, call: Call) -> Reply:
    """Products of the named operators for this EMP or for all."""
    if (refusal := admitted(broker, call.partner, _SERVICE)) is not None:
        return refusal
    since, blocks = last_call(call.body), []
    for operator in _named(broker, call):
        for audience in (_ALL, call.partner.id):
            rows = _rows(broker.registry.of(f"{_PRODUCTS}:{audience}", operator.id), since)
            head = broker.registry.of(f"{_HEAD}:{audience}", operator.id).current.get("")
            if rows and head is not None:
                blocks.append(head.record | {"OperatorID": operator.id, "PricingProductDataRecords": rows})
    return Reply(200, {"PricingProductData": blocks, "StatusCode": status_code("000")})


async def pull_evse_prices(broker: Broker, call: Call) -> Reply:
    """Prices per EVSE of the named operators for this EMP or for all."""
    if (refusal := admitted(broker, call.partner, _SERVICE)) is not None:
        return refusal
    since, blocks = last_call(call.body), []
    for operator in _named(broker, call):
        records = broker.registry.of(_PRICES, operator.id)
        rows = [r for r in _rows(records, since) if _for(broker, call.partner, r.get("ProviderID"))]
        if rows:
            name = records.operator_name or operator.name
            blocks.append({"OperatorID": operator.id, "OperatorName": name, "EVSEPricing": rows})
    return Reply(200, {"EVSEPricing": blocks, "StatusCode": status_code("000")})


def _for(broker: Broker, emp: Partner, provider_id: Json) -> bool:
    return provider_id == _ALL or (isinstance(provider_id, str) and broker.key(provider_id) == broker.key(emp.id))


OPERATIONS = {
    "PushPricingProductData": push_products,
    "PushEVSEPricing": push_evse_prices,
    "PullPricingProductData": pull_products,
    "PullEVSEPricing": pull_evse_prices,
}
