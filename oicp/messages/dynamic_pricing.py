"""Prices: products with their tariffs, and which EVSE offers which product."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from oicp import ids
from oicp.iso import CURRENCIES
from oicp.messages import pricing_laws as laws
from oicp.messages.base import Across, Message, Spellings
from oicp.messages.common import path_operator
from oicp.messages.evse_data import DAYS, ActionType
from oicp.messages.faults import INFO, Path, Walk, kind
from oicp.messages.identification import BAR, EvseId, OperatorId
from oicp.messages.law import Flag, Law, Many, Matches, Needs, OneOf, Text
from oicp.messages.numbers import Number
from oicp.wire_json import Json

UNITS = ("HOUR", "KILOWATT_HOUR", "MINUTE")
FEES = ("START FEE", "FIXED FEE", "PARKING FEE", "MINIMUM FEE", "MAXIMUM FEE")

ProviderIdOrAll: TypeAlias = Annotated[
    str,
    Matches(
        "PRICE-002", re.compile(rf"{ids.PROVIDER_ID.pattern}|\*"),
        r"^([A-Za-z]{2}\-?[A-Za-z0-9]{3}|[A-Za-z]{2}[\*|-]?[A-Za-z0-9]{3}|\*)$",
        warns=((re.compile(r"[A-Za-z]{2}\|[A-Za-z0-9]{3}"), BAR),),
    ),
]  # fmt: skip
Unit: TypeAlias = Annotated[str, OneOf("PRICE-005", UNITS)]


@dataclass(frozen=True)
class CurrencyCode(Law):
    """An active ISO 4217 code."""

    ids: ClassVar[tuple[str, ...]] = ("PRICE-006",)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Membership; letter case counts."""
        if not isinstance(value, str) or value not in CURRENCIES:
            walk.fault("PRICE-006", path, "is no active ISO 4217 currency code", value, 'must match "^[A-Z]{3}$"')


Currency: TypeAlias = Annotated[str, CurrencyCode()]
Price: TypeAlias = Annotated[Decimal, Number("PRICE-003")]
_CLOCK = Matches("PRICE-008", re.compile(r"[0-9]{2}:[0-9]{2}"), "[0-9]{2}:[0-9]{2}")


class PricePeriod(Message):
    """From begin to end, hh:mm."""

    named_by = "PRICE-008"
    across: ClassVar[tuple[Across, ...]] = (laws.times_of_a_day,)
    across_ids: ClassVar[tuple[str, ...]] = ("PRICE-008",)

    begin: Annotated[str, _CLOCK, Needs("PRICE-008")] = Field(alias="begin")
    end: Annotated[str, _CLOCK, Needs("PRICE-008")] = Field(alias="end")


class ProductAvailabilityTimes(Message):
    """When a product may be had on some days."""

    named_by = "PRICE-008"
    spellings: ClassVar[Spellings] = {
        "Period": ("Periods", "PRICE-008", INFO, "is spelled as in the table; OpenAPI and examples have Periods")
    }

    periods: Annotated[
        list[PricePeriod], Many("PRICE-008", single="the table describes one object"), Needs("PRICE-008")
    ] = Field(alias="Periods")  # fmt: skip
    on: Annotated[str, OneOf("PRICE-008", DAYS), Needs("PRICE-008")] = Field(alias="on")


class AdditionalReference(Message):
    """A fee beside the base price."""

    named_by = "PRICE-009"

    additional_reference: Annotated[str, OneOf("PRICE-009", FEES), Needs("PRICE-009")] = Field(
        alias="AdditionalReference"
    )
    additional_reference_unit: Annotated[Unit, Needs("PRICE-009")] = Field(alias="AdditionalReferenceUnit")
    price_per_additional_reference_unit: Annotated[Decimal, Number("PRICE-009"), Needs("PRICE-009")] = Field(
        alias="PricePerAdditionalReferenceUnit"
    )


class PricingProductDataRecord(Message):
    """One product with its price."""

    named_by = "PRICE-003"
    across: ClassVar[tuple[Across, ...]] = (laws.availability, laws.fixed_fee, laws.kilowatts)
    across_ids: ClassVar[tuple[str, ...]] = ("PRICE-003", "PRICE-008", "PRICE-010", "PRICE-015")

    product_id: Annotated[str, Text("ID-007", 50, also=("PRICE-004",)), Needs("PRICE-003")] = Field(alias="ProductID")
    reference_unit: Annotated[Unit, Needs("PRICE-003")] = Field(alias="ReferenceUnit")
    product_price_currency: Annotated[Currency, Needs("PRICE-003")] = Field(alias="ProductPriceCurrency")
    price_per_reference_unit: Annotated[Price, Needs("PRICE-003")] = Field(alias="PricePerReferenceUnit")
    maximum_product_charging_power: Annotated[Price, Needs("PRICE-003")] = Field(alias="MaximumProductChargingPower")
    is_valid_24_hours: Annotated[bool, Flag("PRICE-003"), Needs("PRICE-003")] = Field(alias="IsValid24hours")
    product_availability_times: Annotated[list[ProductAvailabilityTimes], Many("PRICE-008")] | None = Field(
        None, alias="ProductAvailabilityTimes"
    )
    additional_references: Annotated[list[AdditionalReference], Many("PRICE-009")] | None = Field(
        None, alias="AdditionalReferences"
    )


class PricingProducts(Message):
    """The products of one operator for one provider, or for all (`*`)."""

    named_by = "PRICE-001"
    across: ClassVar[tuple[Across, ...]] = (path_operator, laws.products_once)
    across_ids: ClassVar[tuple[str, ...]] = ("HTTP-009", "PRICE-004")

    operator_id: Annotated[OperatorId, Needs("PRICE-001")] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text("PRICE-001", 100)] | None = Field(None, alias="OperatorName")
    provider_id: Annotated[ProviderIdOrAll, Needs("PRICE-001")] = Field(alias="ProviderID")
    pricing_default_price: Annotated[Decimal, Number("PRICE-001"), Needs("PRICE-001")] = Field(
        alias="PricingDefaultPrice"
    )
    pricing_default_price_currency: Annotated[Currency, Needs("PRICE-001")] = Field(alias="PricingDefaultPriceCurrency")
    pricing_default_reference_unit: Annotated[Unit, Needs("PRICE-001")] = Field(alias="PricingDefaultReferenceUnit")
    pricing_product_data_records: Annotated[list[PricingProductDataRecord], Many("PRICE-001"), Needs("PRICE-001")] = (
        Field(alias="PricingProductDataRecords")
    )


class PushPricingProductData(Message):
    """eRoamingPushPricingProductData."""

    action_type: Annotated[ActionType, Needs("PUSH-001")] = Field(alias="ActionType")
    pricing_product_data: Annotated[PricingProducts, Needs("PRICE-001")] = Field(alias="PricingProductData")


_OBJECTS = "the table describes objects with ProductID, OpenAPI and the example have strings"


@dataclass(frozen=True)
class OfferedProduct(Law):
    """A ProductID as a string; the object of the table is contested."""

    def governs(self) -> tuple[str, ...]:
        """Shape and length."""
        return ("PRICE-012", "ID-007")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Shape, then length."""
        if isinstance(value, dict) and isinstance(value.get("ProductID"), str):
            walk.fault("PRICE-012", path, "is an object", value, contested=True, spec_defect=_OBJECTS)
            Text("ID-007", 50).check(walk, value["ProductID"], (path, "ProductID"))
        elif isinstance(value, str):
            Text("ID-007", 50).check(walk, value, path)
        else:
            walk.fault("PRICE-012", path, f"is {kind(value)}, not a string", value, "must be a string")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Only strings may be built."""
        return super().__get_pydantic_core_schema__(source, handler)


class EvsePricing(Message):
    """The products an EVSE offers."""

    named_by = "PRICE-011"

    evse_id: Annotated[EvseId, Needs("PRICE-011")] = Field(alias="EvseID")
    provider_id: Annotated[ProviderIdOrAll, Needs("PRICE-011")] = Field(alias="ProviderID")
    evse_id_product_list: Annotated[
        list[Annotated[str, OfferedProduct()]], Many("PRICE-011", least=1, empty_also=()), Needs("PRICE-011")
    ] = Field(alias="EvseIDProductList")  # fmt: skip


class PushEVSEPricing(Message):
    """eRoamingPushEVSEPricing."""

    across: ClassVar[tuple[Across, ...]] = (laws.own_evses,)
    across_ids: ClassVar[tuple[str, ...]] = ("PRICE-013", "PUSH-009")

    action_type: Annotated[ActionType, Needs("PUSH-001")] = Field(alias="ActionType")
    evse_pricing: Annotated[list[EvsePricing], Many("PRICE-011", least=1, empty_also=()), Needs("PRICE-011")] = Field(
        alias="EVSEPricing"
    )
