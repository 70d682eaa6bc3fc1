"""Static data of charging points, as pushed by a CPO."""

import re
from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from oicp.iso import ALPHA_3_CODES, UNOFFICIAL
from oicp.messages import evse_laws
from oicp.messages.base import Across, Message, Spellings, Strangers
from oicp.messages.common import evse_records, path_operator
from oicp.messages.faults import INFO, WARNING, Path, Walk
from oicp.messages.identification import EvseId, OperatorId, operator_id_law
from oicp.messages.law import Flag, Law, Many, Matches, Needs, OneOf, Relabelled, Text
from oicp.messages.numbers import Number, Whole
from oicp.wire_json import Json

PLUGS = (
    "Small Paddle Inductive", "Large Paddle Inductive", "AVCON Connector", "Tesla Connector", "NEMA 5-20",
    "Type E French Standard", "Type F Schuko", "Type G British Standard", "Type J Swiss Standard",
    "Type 1 Connector (Cable Attached)", "Type 2 Outlet", "Type 2 Connector (Cable Attached)", "Type 3 Outlet",
    "IEC 60309 Single Phase", "IEC 60309 Three Phase", "CCS Combo 2 Plug (Cable Attached)",
    "CCS Combo 1 Plug (Cable Attached)", "CHAdeMO",
)  # fmt: skip
POWER_TYPES = ("AC_1_PHASE", "AC_3_PHASE", "DC")
CHARGING_MODES = ("Mode_1", "Mode_2", "Mode_3", "Mode_4", "CHAdeMO")
ENERGIES = (
    "Solar", "Wind", "HydroPower", "GeothermalEnergy", "Biomass", "Coal", "NuclearEnergy", "Petroleum", "NaturalGas",
)  # fmt: skip
CALIBRATION = ("Local", "External", "Not Available")
AUTHENTICATION_MODES = (
    "NFC RFID Classic", "NFC RFID DESFire", "PnC", "REMOTE", "Direct Payment", "No Authentication Required",
)  # fmt: skip
PAYMENT_OPTIONS = ("No Payment", "Direct", "Contract")
VALUE_ADDED_SERVICES = (
    "Reservation", "DynamicPricing", "ParkingSensors", "MaximumPowerCharging", "PredictiveChargePointUsage",
    "ChargingPlans", "RoofProvided", "None",
)  # fmt: skip
ACCESSIBILITY = ("Free publicly accessible", "Restricted access", "Paying publicly accessible", "Test Station")
LOCATIONS = ("OnStreet", "ParkingLot", "ParkingGarage", "UndergroundParkingGarage")
DAYS = (
    "Everyday", "Workdays", "Weekend", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
ACTIONS = ("fullLoad", "update", "insert", "delete")

_UNSPECIFIED = (("Unspecified", ("EVSE-054",)),)

ActionType: TypeAlias = Annotated[str, OneOf("PUSH-001", ACTIONS)]

_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2,3}(?:-[a-zA-Z]{4})?)?(?:-x-[a-zA-Z0-9]{1,8})?")


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]+(/\S*)?")


class Link(Text):
    """A URL as text; whether it is one only warns, the tables give a length."""

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Length, then form."""
        super().check(walk, value, path)
        if isinstance(value, str) and len(value) <= self.most and not _URL.fullmatch(value):
            walk.fault(self.by, path, "is no URL", value, grade=WARNING)


class InfoText(Message):
    """A text in one language."""

    named_by = "EVSE-007"

    lang: Annotated[str, Matches("EVSE-008", _LANGUAGE), Needs("EVSE-007")] = Field(alias="lang")
    value: Annotated[str, Text("EVSE-007", 150), Needs("EVSE-007")] = Field(alias="value")


class Country(Law):
    """An ISO 3166-1 alpha-3 code."""

    ids = ("EVSE-010",)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Membership; Kosovo is information."""
        if isinstance(value, str) and value in ALPHA_3_CODES:
            return
        if isinstance(value, str) and value in UNOFFICIAL.values():
            walk.fault("EVSE-010", path, f"{value} is not in ISO 3166-1, though in wide use", value, grade=INFO)
        else:
            walk.fault("EVSE-010", path, "is no ISO 3166-1 alpha-3 country code", value, 'must match "^[A-Z]{3}$"')


_TIME_ZONE = re.compile(r"UTC[+-][0-9]{2}:[0-9]{2}")


class Address(Message):
    """Where the station is (ISO 19773)."""

    named_by = "EVSE-003"

    country: Annotated[str, Country(), Needs("EVSE-010")] = Field(alias="Country")
    city: Annotated[str, Text("EVSE-011", 50, least=1), Needs("EVSE-011")] = Field(alias="City")
    street: Annotated[str, Text("EVSE-012", 100, least=2), Needs("EVSE-012")] = Field(alias="Street")
    postal_code: Annotated[str, Text("EVSE-013", 10, not_empty=True, typed="EVSE-013"), Needs("EVSE-013")] = Field(
        alias="PostalCode"
    )
    house_num: Annotated[str, Text("EVSE-014", 10, not_empty=True, typed="EVSE-014"), Needs("EVSE-014")] = Field(
        alias="HouseNum"
    )
    floor: Annotated[str, Text("EVSE-015", 5)] | None = Field(None, alias="Floor")
    region: Annotated[str, Text("EVSE-015", 50)] | None = Field(None, alias="Region")
    parking_facility: Annotated[bool, Flag("EVSE-015")] | None = Field(None, alias="ParkingFacility")
    parking_spot: Annotated[str, Text("EVSE-015", 5)] | None = Field(None, alias="ParkingSpot")
    time_zone: Annotated[str, Matches("EVSE-016", _TIME_ZONE)] | None = Field(None, alias="TimeZone")


_DEGREES = r"-?1?[0-9]{1,2}\.[0-9]{1,6}"
_GOOGLE_SHOWN = r"^-?1?\d{1,2}\.\d{1,6}\s*\,?\s*-?1?\d{1,2}\.\d{1,6}$"
_DECIMAL_SHOWN = r"^-?1?\d{1,2}\.\d{1,6}$"
_DMS_SHOWN = r"^-?1?\d{1,2}°[ ]?\d{1,2}'[ ]?\d{1,2}\.\d+''$"
_DMS = re.compile(r"-?1?[0-9]{1,2}°[ ]?[0-9]{1,2}'[ ]?[0-9]{1,2}\.[0-9]+''")
_DECIMAL_LAW = Matches("EVSE-019", re.compile(_DEGREES), _DECIMAL_SHOWN)
_DMS_LAW = Matches("EVSE-020", _DMS, _DMS_SHOWN)


class GoogleCoordinates(Message):
    """Latitude and longitude in one string."""

    named_by = "EVSE-018"

    coordinates: Annotated[
        str, Matches("EVSE-018", re.compile(_DEGREES + r"\s*,?\s*" + _DEGREES, re.ASCII), _GOOGLE_SHOWN), Needs("EVSE-018")
    ] = Field(alias="Coordinates")  # fmt: skip


class DecimalDegreeCoordinates(Message):
    """Decimal degrees as strings."""

    named_by = "EVSE-019"

    longitude: Annotated[str, _DECIMAL_LAW, Needs("EVSE-019")] = Field(alias="Longitude")
    latitude: Annotated[str, _DECIMAL_LAW, Needs("EVSE-019")] = Field(alias="Latitude")


class DegreeMinuteSecondsCoordinates(Message):
    """Degrees, minutes and seconds as strings."""

    named_by = "EVSE-020"

    longitude: Annotated[str, _DMS_LAW, Needs("EVSE-020")] = Field(alias="Longitude")
    latitude: Annotated[str, _DMS_LAW, Needs("EVSE-020")] = Field(alias="Latitude")


class GeoCoordinates(Message):
    """A place in exactly one of three notations."""

    named_by = "EVSE-017"
    across: ClassVar[tuple[Across, ...]] = (evse_laws.one_notation,)
    across_ids: ClassVar[tuple[str, ...]] = ("EVSE-017",)

    google: GoogleCoordinates | None = Field(None, alias="Google")
    decimal_degree: DecimalDegreeCoordinates | None = Field(None, alias="DecimalDegree")
    degree_minute_seconds: DegreeMinuteSecondsCoordinates | None = Field(None, alias="DegreeMinuteSeconds")


class ChargingFacility(Message):
    """What an EVSE delivers: kind of current, V, A, kW."""

    named_by = "EVSE-024"
    across: ClassVar[tuple[Across, ...]] = (
        evse_laws.power, evse_laws.voltage, evse_laws.amperage, evse_laws.power_fits, evse_laws.modes,
    )  # fmt: skip
    refusing: ClassVar[tuple[Across, ...]] = (evse_laws.voltage, evse_laws.amperage)
    across_ids: ClassVar[tuple[str, ...]] = ("EVSE-027", "EVSE-028", "EVSE-029", "EVSE-030", "EVSE-032")
    spellings: ClassVar[Spellings] = {
        "Charging Modes": ("ChargingModes", "EVSE-031", None, "is spelled with a blank; the JSON name is ChargingModes")
    }

    power_type: Annotated[str, OneOf("EVSE-025", POWER_TYPES, also=_UNSPECIFIED), Needs("EVSE-024")] = Field(
        alias="PowerType"
    )
    voltage: Annotated[int, Whole("EVSE-028")] | None = Field(None, alias="Voltage")
    amperage: Annotated[int, Whole("EVSE-029")] | None = Field(None, alias="Amperage")
    power: Annotated[Decimal, Whole("EVSE-026", 0, 999, fractions=INFO), Needs("EVSE-024")] = Field(alias="Power")
    charging_modes: Annotated[list[Annotated[str, OneOf("EVSE-031", CHARGING_MODES)]], Many("EVSE-031")] | None = Field(
        None, alias="ChargingModes"
    )


_HUNDRED = "the limit of two digits excludes 100 per cent"


class EnergySource(Message):
    """One source of the energy and its share in per cent."""

    named_by = "EVSE-034"

    energy: Annotated[str, OneOf("EVSE-034", ENERGIES)] | None = Field(None, alias="Energy")
    percentage: Annotated[int, Whole("EVSE-034", 0, 99, notes=((100, _HUNDRED),))] | None = Field(
        None, alias="Percentage"
    )


class EnvironmentalImpact(Message):
    """CO2 and nuclear waste in g/kWh."""

    named_by = "EVSE-009"

    co2_emission: Annotated[Decimal, Number("EVSE-009", None, 99999)] | None = Field(None, alias="CO2Emission")
    nuclear_waste: Annotated[Decimal, Number("EVSE-009", None, 99999)] | None = Field(None, alias="NuclearWaste")


_CLOCK = Matches("EVSE-047", re.compile(r"[0-9]{2}:[0-9]{2}"), "[0-9]{2}:[0-9]{2}")


class Period(Message):
    """From begin to end, hh:mm."""

    named_by = "EVSE-047"
    misspelt = "EVSE-047"
    across: ClassVar[tuple[Across, ...]] = (evse_laws.clock_times,)
    across_ids: ClassVar[tuple[str, ...]] = ("EVSE-048",)

    begin: Annotated[str, _CLOCK, Needs("EVSE-047")] = Field(alias="begin")
    end: Annotated[str, _CLOCK, Needs("EVSE-047")] = Field(alias="end")


class OpeningTimes(Message):
    """When a station is open on some days."""

    named_by = "EVSE-047"
    misspelt = "EVSE-047"

    period: Annotated[
        list[Period], Many("EVSE-047", least=1, single="the tables show Period as one object, all examples a list"),
        Needs("EVSE-047"),
    ] = Field(alias="Period")  # fmt: skip
    on: Annotated[str, OneOf("EVSE-047", DAYS), Needs("EVSE-047")] = Field(alias="on")


_OLD = "is a member of OICP 2.2; OICP 2.3 has "
_GEO_IDS = frozenset({"EVSE-017", "EVSE-018", "EVSE-019", "EVSE-020"})
_BOOLEAN = "is a JSON boolean; OpenAPI has the strings true, false, auto"
_DYNAMIC = OneOf("EVSE-051", ("true", "false", "auto"), warns=((True, _BOOLEAN), (False, _BOOLEAN)))


class EvseDataRecord(Message):
    """One charging point."""

    named_by = "EVSE-001"
    across: ClassVar[tuple[Across, ...]] = (
        evse_laws.opening, evse_laws.payment, evse_laws.services, evse_laws.renewable, evse_laws.english_first,
        evse_laws.plugs_and_current, evse_laws.country_fits, evse_laws.coordinates_fit, evse_laws.old_members,
    )  # fmt: skip
    across_ids: ClassVar[tuple[str, ...]] = (
        "EVSE-021", "EVSE-032", "EVSE-033", "EVSE-039", "EVSE-045", "EVSE-046", "EVSE-053", "EVSE-054", "EVSE-055",
        "EVSE-058", "PUSH-012",
    )  # fmt: skip
    refusing: ClassVar[tuple[Across, ...]] = (evse_laws.opening,)
    spellings: ClassVar[Spellings] = {
        "ChargingStationID": (
            "ChargingStationId",
            "EVSE-005",
            INFO,
            "is spelled ...ID, as in the examples; the CPO table has ...Id",
        )
    }
    strangers: ClassVar[Strangers] = {
        "deltaType": ("EVSE-053", None, "is set by the hub in pulls, not by the CPO"),
        "lastUpdate": ("EVSE-053", None, "is set by the hub in pulls, not by the CPO"),
        "ChargingStationName": ("EVSE-055", None, _OLD + "ChargingStationNames"),
        "EnChargingStationName": ("EVSE-055", None, _OLD + "ChargingStationNames"),
        "ChargingModes": ("EVSE-055", None, _OLD + "ChargingFacilities[].ChargingModes"),
    }  # fmt: skip

    evse_id: Annotated[EvseId, Needs("EVSE-003")] = Field(alias="EvseID")
    charging_pool_id: (
        Annotated[str, Matches("EVSE-004", re.compile(r"[A-Za-z]{2}\*?[A-Za-z0-9]{3}\*?P[A-Za-z0-9*]{1,30}"))] | None
    ) = Field(None, alias="ChargingPoolID")
    charging_station_id: Annotated[str, Text("EVSE-005", 50)] | None = Field(None, alias="ChargingStationId")
    charging_station_names: Annotated[list[InfoText], Many("EVSE-006", least=1), Needs("EVSE-006")] = Field(
        alias="ChargingStationNames"
    )
    hardware_manufacturer: Annotated[str, Text("EVSE-009", 50, typed="EVSE-009")] | None = Field(
        None, alias="HardwareManufacturer"
    )
    charging_station_image: Annotated[str, Link("EVSE-009", 200, typed="EVSE-009")] | None = Field(
        None, alias="ChargingStationImage"
    )
    sub_operator_name: Annotated[str, Text("EVSE-009", 100, typed="EVSE-009")] | None = Field(
        None, alias="SubOperatorName"
    )
    address: Annotated[Address, Needs("EVSE-003")] = Field(alias="Address")
    geo_coordinates: Annotated[GeoCoordinates, Needs("EVSE-017")] = Field(alias="GeoCoordinates")
    plugs: Annotated[
        list[Annotated[str, OneOf("EVSE-023", PLUGS, also=_UNSPECIFIED)]], Many("EVSE-023", least=1), Needs("EVSE-023")
    ] = Field(alias="Plugs")  # fmt: skip
    dynamic_power_level: Annotated[bool, Flag("EVSE-009")] | None = Field(None, alias="DynamicPowerLevel")
    charging_facilities: Annotated[list[ChargingFacility], Many("EVSE-024", least=1), Needs("EVSE-024")] = Field(
        alias="ChargingFacilities"
    )
    renewable_energy: Annotated[bool, Flag("EVSE-003"), Needs("EVSE-003")] = Field(alias="RenewableEnergy")
    energy_source: Annotated[list[EnergySource], Many("EVSE-034")] | None = Field(None, alias="EnergySource")
    environmental_impact: EnvironmentalImpact | None = Field(None, alias="EnvironmentalImpact")
    calibration_law_data_availability: Annotated[str, OneOf("EVSE-035", CALIBRATION), Needs("EVSE-035")] = Field(
        alias="CalibrationLawDataAvailability"
    )
    authentication_modes: Annotated[
        list[Annotated[str, OneOf("EVSE-036", AUTHENTICATION_MODES)]], Many("EVSE-036", least=1), Needs("EVSE-036")
    ] = Field(alias="AuthenticationModes")  # fmt: skip
    max_capacity: Annotated[int, Whole("EVSE-009")] | None = Field(None, alias="MaxCapacity")
    payment_options: Annotated[
        list[Annotated[str, OneOf("EVSE-038", PAYMENT_OPTIONS)]], Many("EVSE-038", least=1), Needs("EVSE-038")
    ] = Field(alias="PaymentOptions")  # fmt: skip
    value_added_services: Annotated[
        list[Annotated[str, OneOf("EVSE-040", VALUE_ADDED_SERVICES)]], Many("EVSE-040", least=1), Needs("EVSE-040")
    ] = Field(alias="ValueAddedServices")  # fmt: skip
    accessibility: Annotated[str, OneOf("EVSE-042", ACCESSIBILITY, also=_UNSPECIFIED), Needs("EVSE-042")] = Field(
        alias="Accessibility"
    )
    accessibility_location: Annotated[str, OneOf("EVSE-043", LOCATIONS)] | None = Field(
        None, alias="AccessibilityLocation"
    )
    hotline_phone_number: Annotated[str, Matches("EVSE-044", re.compile(r"\+[0-9]{5,15}")), Needs("EVSE-044")] = Field(
        alias="HotlinePhoneNumber"
    )
    additional_info: Annotated[list[InfoText], Many("EVSE-007")] | None = Field(None, alias="AdditionalInfo")
    charging_station_location_reference: Annotated[list[InfoText], Many("EVSE-007")] | None = Field(
        None, alias="ChargingStationLocationReference"
    )
    geo_charging_point_entrance: Annotated[GeoCoordinates, Relabelled("EVSE-022", _GEO_IDS)] | None = Field(
        None, alias="GeoChargingPointEntrance"
    )
    is_open_24_hours: Annotated[bool, Flag("EVSE-003"), Needs("EVSE-003")] = Field(alias="IsOpen24Hours")
    opening_times: Annotated[list[OpeningTimes], Many("EVSE-047")] | None = Field(None, alias="OpeningTimes")
    hub_operator_id: Annotated[str, operator_id_law("EVSE-049")] | None = Field(None, alias="HubOperatorID")
    clearinghouse_id: Annotated[str, Text("EVSE-009", 20, typed="EVSE-009")] | None = Field(
        None, alias="ClearinghouseID"
    )
    is_hubject_compatible: Annotated[bool, Flag("EVSE-003"), Needs("EVSE-003")] = Field(alias="IsHubjectCompatible")
    dynamic_info_available: Annotated[str, _DYNAMIC, Needs("EVSE-051")] = Field(alias="DynamicInfoAvailable")


class OperatorEvseData(Message):
    """The records of one operator."""

    named_by = "EVSE-001"
    across: ClassVar[tuple[Across, ...]] = (
        path_operator,
        evse_records("PUSH-010", "EvseDataRecord"),
        evse_laws.hub_operator,
    )
    across_ids: ClassVar[tuple[str, ...]] = ("HTTP-008", "HTTP-009", "PUSH-009", "PUSH-010", "EVSE-049")
    refusing: ClassVar[tuple[Across, ...]] = ()

    operator_id: Annotated[OperatorId, Needs("EVSE-001")] = Field(alias="OperatorID")
    operator_name: Annotated[str, Text("EVSE-002", 100, not_empty=True), Needs("EVSE-002")] = Field(
        alias="OperatorName"
    )
    evse_data_record: Annotated[list[EvseDataRecord], Many("EVSE-001"), Needs("EVSE-001")] = Field(
        alias="EvseDataRecord"
    )


class PushEvseData(Message):
    """eRoamingPushEvseData."""

    action_type: Annotated[ActionType, Needs("EVSE-001")] = Field(alias="ActionType")
    operator_evse_data: Annotated[OperatorEvseData, Needs("EVSE-001")] = Field(alias="OperatorEvseData")
