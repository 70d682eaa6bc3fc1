"""Prices: the products and which EVSE sells which, pushed as full loads once the data records are at the hub."""

import asyncio
import logging
from decimal import Decimal
from pathlib import Path

from cpo.fleet_data import Evse, FleetData
from cpo.oicp_client import Backoff, HubClient, NoAnswer, Outcome
from cpo.pushes import EvseDataPush
from cpo.settings import BadSettings, Settings
from oicp import wire_json
from oicp.wire_json import Json, at

LOG = logging.getLogger("cpo.pricing")
_ALL_PROVIDERS = "*"
_NEEDED = ("ProductID", "PricePerReferenceUnit", "ProductPriceCurrency", "ReferenceUnit")


def _product(product_id: str, price: str, power_kw: int) -> dict[str, Json]:
    return {
        "ProductID": product_id, "ReferenceUnit": "KILOWATT_HOUR", "ProductPriceCurrency": "EUR",
        "PricePerReferenceUnit": Decimal(price), "MaximumProductChargingPower": power_kw, "IsValid24hours": True,
        "ProductAvailabilityTimes": [{"Periods": [{"begin": "00:00", "end": "23:59"}], "on": "Everyday"}],
    }  # fmt: skip


def _fixed_fee(product_id: str, fee: str, power_kw: int) -> dict[str, Json]:
    """A product with a fee for the session and no price per unit."""
    reference = {
        "AdditionalReference": "FIXED FEE", "AdditionalReferenceUnit": "KILOWATT_HOUR",
        "PricePerAdditionalReferenceUnit": Decimal(fee),
    }  # fmt: skip
    return _product(product_id, "0.00", power_kw) | {"AdditionalReferences": [reference]}


PRODUCTS = [
    _product("AC1", "0.36", 7),
    _product("AC3", "0.39", 43),
    _fixed_fee("FLAT", "9.90", 43),
    _product("DC", "0.55", 400),
]
_BY_POWER_TYPE = {"AC_1_PHASE": "AC1", "AC_3_PHASE": "AC3", "DC": "DC"}


def read_products(path: Path | None) -> list[dict[str, Json]]:
    """Products of a price list, else the built-in ones. Raises `BadSettings`."""
    if path is None:
        return PRODUCTS
    try:
        parsed = wire_json.parse(path.read_bytes())
    except OSError as fault:
        raise BadSettings(f"--price-list {path} cannot be read ({fault.strerror})") from None
    products = parsed.value
    if not isinstance(products, list) or not products:
        raise BadSettings(f"--price-list {path}: {parsed.error or 'a list of products is needed'}")
    for number, product in enumerate(products):
        missing = [name for name in _NEEDED if not isinstance(product, dict) or product.get(name) is None]
        if missing:
            raise BadSettings(f"--price-list {path}: product {number} lacks {', '.join(missing)}")
    return products


class PricingPush:
    """Pushes products, then the assignment to EVSEs, at the start and with every regular full load."""

    def __init__(self, settings: Settings, client: HubClient, fleet: FleetData, data: EvseDataPush) -> None:
        self._settings, self._client, self._fleet, self._data = settings, client, fleet, data
        self._products = read_products(settings.price_list)

    async def run(self) -> None:
        """Push for ever."""
        while True:
            await self._data.settled(self._settings.full_load_interval_s)
            await self._until_done("PushPricingProductData", self.products())
            evses = [evse for evse in self._fleet.published() if self._data.knows(evse)]
            if evses:
                await self._until_done("PushEVSEPricing", self.assignment(evses))
            await asyncio.sleep(self._settings.full_load_interval_s)

    async def _until_done(self, operation: str, message: dict[str, Json]) -> None:
        backoff = Backoff(self._settings.retry_first_s, self._settings.retry_cap_s)
        while True:
            at_least = None
            try:
                reply = await self._client.send(operation, message)
            except NoAnswer as fault:
                LOG.warning("%s", fault)
            else:
                if reply.outcome is Outcome.DONE:
                    return
                LOG.error("%s answered %s", operation, reply)
                if reply.outcome is not Outcome.AGAIN:  # no offer, or wrong content: a person has to act
                    return
                at_least = reply.retry_after_s
            await asyncio.sleep(backoff.next_wait(at_least))

    def products(self) -> dict[str, Json]:
        """All products for all providers."""
        dearest = self._products[-1]
        return {
            "ActionType": "fullLoad",
            "PricingProductData": {
                "OperatorID": self._fleet.operator_id,
                "OperatorName": self._fleet.operator_name[:100],
                "ProviderID": _ALL_PROVIDERS,
                "PricingDefaultPrice": dearest["PricePerReferenceUnit"],
                "PricingDefaultPriceCurrency": dearest["ProductPriceCurrency"],
                "PricingDefaultReferenceUnit": dearest["ReferenceUnit"],
                "PricingProductDataRecords": self._products,
            },
        }

    def assignment(self, evses: list[Evse]) -> dict[str, Json]:
        """Which EVSE sells which products."""
        return {
            "ActionType": "fullLoad",
            "EVSEPricing": [
                {"EvseID": evse.evse_id, "ProviderID": _ALL_PROVIDERS, "EvseIDProductList": self._sold_at(evse)}
                for evse in evses
            ],
        }

    def _sold_at(self, evse: Evse) -> list[str]:
        offered = [str(product["ProductID"]) for product in self._products]
        facilities = evse.record.get("ChargingFacilities") or []
        kinds = [_BY_POWER_TYPE.get(str(at(facility, "PowerType"))) for facility in facilities]
        fitting = [product for product in offered if product in kinds]
        return fitting or offered[:1]
