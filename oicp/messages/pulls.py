"""What EMPs ask the hub for, and what the hub answers."""

from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from oicp.messages.acknowledgement import StatusCode
from oicp.messages.base import Across, Message, Spellings, Strangers
from oicp.messages.charge_detail_record import ChargeDetailRecord
from oicp.messages.dynamic_pricing import EvsePricing, PricingProducts
from oicp.messages.evse_data import (
    ACCESSIBILITY,
    AUTHENTICATION_MODES,
    CALIBRATION,
    Country,
    EvseDataRecord,
    GeoCoordinates,
)
from oicp.messages.evse_status import STATUSES, EvseStatusRecord
from oicp.messages.faults import INFO, Path, Walk
from oicp.messages.identification import EvseId, OperatorId, ProviderId, SessionId, Time
from oicp.messages.law import Flag, Many, Needs, OneOf, Text
from oicp.messages.numbers import Number, Whole
from oicp.wire_json import Json

_DATA, _STATUS, _BY_ID, _BY_OPERATOR, _CDRS, _PRICES = "HUB-048", "HUB-050", "HUB-051", "HUB-052", "HUB-054", "HUB-061"


class SearchCenter(Message):
    """A circle; radius in km."""

    geo_coordinates: Annotated[GeoCoordinates, Needs(_DATA)] = Field(alias="GeoCoordinates")
    radius: Annotated[Decimal, Number(_DATA, 0), Needs(_DATA)] = Field(alias="Radius")


def _last_call_alone(walk: Walk, value: dict[str, Json], path: Path) -> None:
    others = [n for n in ("SearchCenter", "CountryCodes", "OperatorIds") if value.get(n) is not None]
    if value.get("LastCall") is not None and others:
        sentence = f"LastCall is combined with {', '.join(others)}"
        walk.fault("HUB-047", (path, "LastCall"), sentence, value["LastCall"], grade=INFO)


class PullEvseData(Message):
    """Static data, filtered or since a moment."""

    across: ClassVar[tuple[Across, ...]] = (_last_call_alone,)
    spellings: ClassVar[Spellings] = {
        "OperatorIDs": ("OperatorIds", _DATA, INFO, "is spelled as in an older text; the hub ignores it")
    }

    provider_id: Annotated[ProviderId, Needs(_DATA)] = Field(alias="ProviderID")
    search_center: SearchCenter | None = Field(None, alias="SearchCenter")
    last_call: Time | None = Field(None, alias="LastCall")
    geo_coordinates_response_format: Annotated[
        str, OneOf("HUB-049", ("Google", "DegreeMinuteSeconds", "DecimalDegree")), Needs("HUB-049")
    ] = Field(alias="GeoCoordinatesResponseFormat")  # fmt: skip
    country_codes: Annotated[list[Annotated[str, Country()]], Many(_DATA)] | None = Field(None, alias="CountryCodes")
    operator_ids: Annotated[list[OperatorId], Many(_DATA)] | None = Field(None, alias="OperatorIds")
    authentication_modes: Annotated[list[Annotated[str, OneOf(_DATA, AUTHENTICATION_MODES)]], Many(_DATA)] | None = (
        Field(None, alias="AuthenticationModes")
    )
    accessibility: Annotated[list[Annotated[str, OneOf(_DATA, ACCESSIBILITY)]], Many(_DATA)] | None = Field(
        None, alias="Accessibility"
    )
    calibration_law_data_availability: (
        Annotated[list[Annotated[str, OneOf(_DATA, CALIBRATION)]], Many(_DATA)] | None
    ) = Field(None, alias="CalibrationLawDataAvailability")
    renewable_energy: Annotated[bool, Flag(_DATA)] | None = Field(None, alias="RenewableEnergy")
    is_hubject_compatible: Annotated[bool, Flag(_DATA)] | None = Field(None, alias="IsHubjectCompatible")
    is_open_24_hours: Annotated[bool, Flag(_DATA)] | None = Field(None, alias="IsOpen24Hours")


class PullEvseStatus(Message):
    """All statuses, filtered."""

    spellings: ClassVar[Spellings] = {
        "EvseStatus": ("EVSEStatus", _STATUS, INFO, "is spelled as in the example; the table has EVSEStatus")
    }

    provider_id: Annotated[ProviderId, Needs(_STATUS)] = Field(alias="ProviderID")
    search_center: SearchCenter | None = Field(None, alias="SearchCenter")
    evse_status: Annotated[str, OneOf(_STATUS, STATUSES)] | None = Field(None, alias="EVSEStatus")


class PullEvseStatusById(Message):
    """Statuses of at most 100 EVSEs."""

    provider_id: Annotated[ProviderId, Needs(_BY_ID)] = Field(alias="ProviderID")
    evse_id: Annotated[list[EvseId], Many(_BY_ID, most=100), Needs(_BY_ID)] = Field(alias="EvseID")


class PullEvseStatusByOperatorId(Message):
    """Statuses of some operators."""

    provider_id: Annotated[ProviderId, Needs(_BY_OPERATOR)] = Field(alias="ProviderID")
    operator_id: Annotated[list[OperatorId], Many(_BY_OPERATOR), Needs(_BY_OPERATOR)] = Field(alias="OperatorID")


class GetChargeDetailRecords(Message):
    """Charge detail records received in a span of time."""

    provider_id: Annotated[ProviderId, Needs(_CDRS)] = Field(alias="ProviderID")
    from_: Annotated[Time, Needs(_CDRS)] = Field(alias="From")
    to: Annotated[Time, Needs(_CDRS)] = Field(alias="To")
    session_id: Annotated[list[SessionId], Many(_CDRS)] | None = Field(None, alias="SessionID")
    operator_id: Annotated[list[OperatorId], Many(_CDRS)] | OperatorId | None = Field(None, alias="OperatorID")
    cdr_forwarded: Annotated[bool, Flag(_CDRS)] | None = Field(None, alias="CDRForwarded")
    cdr_forwarder: Annotated[bool, Flag(_CDRS)] | None = Field(None, alias="CDRForwarder")


class PullPricingProductData(Message):
    """Products of some operators."""

    provider_id: ProviderId | None = Field(None, alias="ProviderID")
    last_call: Time | None = Field(None, alias="LastCall")
    operator_ids: Annotated[list[OperatorId], Many(_PRICES), Needs(_PRICES)] = Field(alias="OperatorIDs")


class PullEVSEPricing(Message):
    """Which EVSEs of some operators offer which product."""

    provider_id: Annotated[ProviderId, Needs(_PRICES)] = Field(alias="ProviderID")
    last_call: Time | None = Field(None, alias="LastCall")
    operator_ids: Annotated[list[OperatorId], Many(_PRICES), Needs(_PRICES)] = Field(alias="OperatorIDs")


Count: TypeAlias = Annotated[int, Whole("HUB-044"), Needs("HUB-044")]
Mark: TypeAlias = Annotated[bool, Flag("HUB-044"), Needs("HUB-044")]


class _Page(Message):
    strangers: ClassVar[Strangers] = {
        "pageable": ("HUB-044", INFO, "is in live answers only"),
        "empty": ("HUB-044", INFO, "is in live answers only"),
    }

    number: Count = Field(alias="number")
    size: Count = Field(alias="size")
    total_elements: Count = Field(alias="totalElements")
    last: Mark = Field(alias="last")
    total_pages: Count = Field(alias="totalPages")
    first: Mark = Field(alias="first")
    number_of_elements: Count = Field(alias="numberOfElements")
    status_code: Annotated[StatusCode, Needs("HUB-044")] = Field(alias="StatusCode")


class PulledEvseDataRecord(EvseDataRecord):
    """A record with its operator and what became of it."""

    spellings: ClassVar[Spellings] = {
        **EvseDataRecord.spellings,
        "OperatorId": ("OperatorID", "HUB-045", INFO, "is spelled as in the example; the type has OperatorID"),
    }
    strangers: ClassVar[Strangers] = {
        k: v for k, v in EvseDataRecord.strangers.items() if k not in ("deltaType", "lastUpdate")
    }

    delta_type: Annotated[str, OneOf("HUB-046", ("insert", "update", "delete"))] | None = Field(None, alias="deltaType")
    last_update: Time | None = Field(None, alias="lastUpdate")
    operator_id: Annotated[OperatorId, Needs("HUB-045")] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text("HUB-045", 100), Needs("HUB-045")] = Field(alias="OperatorName")


class EvseData(_Page):
    """Answer to PullEvseData: one page."""

    content: Annotated[list[PulledEvseDataRecord], Many("HUB-044"), Needs("HUB-044")] = Field(alias="content")


class ChargeDetailRecords(_Page):
    """Answer to GetChargeDetailRecords: one page."""

    content: Annotated[list[ChargeDetailRecord], Many("HUB-054"), Needs("HUB-054")] = Field(alias="content")


class PulledOperatorEvseStatus(Message):
    """The statuses of one operator."""

    operator_id: Annotated[OperatorId, Needs(_STATUS)] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text(_STATUS, 100)] | None = Field(None, alias="OperatorName")
    evse_status_record: Annotated[list[EvseStatusRecord], Many(_STATUS), Needs(_STATUS)] = Field(
        alias="EvseStatusRecord"
    )


class EvseStatuses(Message):
    """Statuses grouped by operator."""

    operator_evse_status: Annotated[list[PulledOperatorEvseStatus], Many(_STATUS), Needs(_STATUS)] = Field(
        alias="OperatorEvseStatus"
    )


class EvseStatus(Message):
    """Answer to PullEvseStatus."""

    evse_statuses: Annotated[EvseStatuses, Needs(_STATUS)] = Field(alias="EvseStatuses")
    status_code: StatusCode | None = Field(None, alias="StatusCode")


class EvseStatusByOperatorId(EvseStatus):
    """Answer to PullEvseStatusByOperatorID."""


class EvseStatusRecords(Message):
    """A flat list of statuses."""

    evse_status_record: Annotated[list[EvseStatusRecord], Many(_BY_ID), Needs(_BY_ID)] = Field(alias="EvseStatusRecord")


class EvseStatusById(Message):
    """Answer to PullEvseStatusByID."""

    evse_status_records: Annotated[EvseStatusRecords, Needs(_BY_ID)] = Field(alias="EVSEStatusRecords")
    status_code: StatusCode | None = Field(None, alias="StatusCode")


class PricingProductData(Message):
    """Answer to PullPricingProductData."""

    pricing_product_data: Annotated[list[PricingProducts], Many(_PRICES), Needs(_PRICES)] = Field(
        alias="PricingProductData"
    )
    status_code: StatusCode | None = Field(None, alias="StatusCode")


class OperatorEVSEPricing(Message):
    """The EVSE prices of one operator."""

    operator_id: Annotated[OperatorId, Needs(_PRICES)] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text(_PRICES, 100)] | None = Field(None, alias="OperatorName")
    evse_pricing: Annotated[list[EvsePricing], Many(_PRICES), Needs(_PRICES)] = Field(alias="EVSEPricing")


class EVSEPricing(Message):
    """Answer to PullEVSEPricing."""

    spellings: ClassVar[Spellings] = {
        "OperatorEVSEPricing": ("EVSEPricing", _PRICES, INFO, "is spelled as in the table; OpenAPI has EVSEPricing")
    }

    evse_pricing: Annotated[list[OperatorEVSEPricing], Many(_PRICES), Needs(_PRICES)] = Field(alias="EVSEPricing")
    status_code: StatusCode | None = Field(None, alias="StatusCode")
