"""Pricing pushes against the offer and against each other (PRICE-014, -016)."""

from collections.abc import Iterator

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.rulebook import INFO, Checked, Yield, finding, rules_about_evidence
from oicp.services import CPO_TO_HUB
from oicp.sessions import folded
from oicp.unknowns import OWN_HUB
from oicp.wire_json import Json, pointer

whole = rules_about_evidence()
PRODUCTS, EVSES = "PushPricingProductData", "PushEVSEPricing"
_STANDARD = {"STANDARD PRICE", "AC1", "AC3", "DC", "FREE"}
_NO_CONTRACT = "210"
_EVERYBODY = ("*",)


@whole.rule("PRICE-014")
def pricing_needs_an_offer(evidence: Evidence) -> Iterator[Yield]:
    """Pricing is pushed only when an offer exists."""
    for push in evidence.about(PRODUCTS, EVSES, direction=CPO_TO_HUB):
        if push.accepted or push.status_code == _NO_CONTRACT:
            yield Checked("PRICE-014", push.operation or "")
        if push.status_code == _NO_CONTRACT and not push.accepted:
            yield finding("the hub answered 210: there is no pricing offer", on=push)


@whole.rule("PRICE-016")
def assigned_products_exist(evidence: Evidence) -> Iterator[Yield]:
    """Every ProductID in EvseIDProductList was pushed before for the same provider, or for all."""
    known: dict[str, set[str]] = {}
    whole_told: set[str] = set(_EVERYBODY) if evidence.run.source in OWN_HUB else set()
    for push in evidence.about(PRODUCTS, EVSES, direction=CPO_TO_HUB):
        if push.operation == PRODUCTS:
            if push.accepted:
                _learn(known, push)
                whole_told |= _told_whole(push)
            continue
        for at, row in enumerate(_list(push.body.get("EVSEPricing"))):
            provider = _provider(wire_json.at(row, "ProviderID"))
            yield from _assigned(known, push, at, row, whole=bool({provider, *_EVERYBODY} & whole_told))


def _told_whole(push: Exchange) -> set[str]:
    """The provider all of whose products this push tells; others may have been pushed before the recording."""
    if push.body.get("ActionType") != "fullLoad":
        return set()
    return {_provider(wire_json.at(push.body, "PricingProductData", "ProviderID"))}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _provider(value: Json) -> str:
    return value if value == "*" else folded(value) if isinstance(value, str) else ""


def _learn(known: dict[str, set[str]], push: Exchange) -> None:
    data = push.body.get("PricingProductData")
    provider = _provider(wire_json.at(data, "ProviderID"))
    records = _list(wire_json.at(data, "PricingProductDataRecords"))
    products = {p for p in (wire_json.at(r, "ProductID") for r in records) if isinstance(p, str)}
    action = push.body.get("ActionType")
    if action == "fullLoad":
        known[provider] = products
    elif action == "delete":
        known.setdefault(provider, set()).difference_update(products)
    else:
        known.setdefault(provider, set()).update(products)


def _assigned(known: dict[str, set[str]], push: Exchange, at: int, row: Json, *, whole: bool) -> Iterator[Yield]:
    provider = _provider(wire_json.at(row, "ProviderID"))
    for place, item in enumerate(_list(wire_json.at(row, "EvseIDProductList"))):
        product = wire_json.at(item, "ProductID") if isinstance(item, dict) else item
        if not isinstance(product, str):
            continue
        yield Checked("PRICE-016", EVSES)
        pushed = known.get("*", set()) | known.get(provider, set())
        if provider == "*":
            pushed = known.get("*", set())
        if product in pushed:
            continue
        # standard products, all kept in the portal, or pushed before the recording began
        portal = product.upper() in _STANDARD or not known or not whole
        yield finding(
            f"product {product!r} was not pushed for {wire_json.at(row, 'ProviderID')}",
            on=push, pointer=pointer("EVSEPricing", at, "EvseIDProductList", place), grade=INFO if portal else None,
        )  # fmt: skip
