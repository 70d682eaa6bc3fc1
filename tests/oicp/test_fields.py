"""Every field of every message: what breaks it, under which requirement, how heavily, and whether the hub refuses it."""

from decimal import Decimal
from typing import Any

import pytest

from oicp.messages import FieldFault, validate
from tests.oicp.samples import MISSING, PRICED, RECORD, SAMPLES, STATUS, changed, operation_of

DATA, CDR, ACK = "PushEvseData", "ChargeDetailRecord", "Acknowledgement"
START, PROGRESS, END, ERROR = (f"ChargingNotification{t}" for t in ("Start", "Progress", "End", "Error"))
PRODUCTS, PRICING = "PushPricingProductData", "PushEVSEPricing"
FACILITY, ADDRESS, GEO = f"{RECORD}/ChargingFacilities/0", f"{RECORD}/Address", f"{RECORD}/GeoCoordinates"
PERIOD = f"{RECORD}/OpeningTimes/0/Period/0"
LAWINFO = "/CalibrationLawVerificationInfo"


def faults(kind: str, *changes: tuple[str, Any], **more: Any) -> list[FieldFault]:
    """Faults of a changed sample."""
    operation, answer = operation_of(kind)
    return validate(operation, changed(kind, *changes), answer=answer, **more)


def told(found: list[FieldFault]) -> list[tuple[str, str, str]]:
    """Requirement, grade and pointer of faults."""
    return [(f.requirement, str(f.effective_grade), f.pointer) for f in found]


@pytest.mark.parametrize("kind", SAMPLES)
def test_samples_are_within_the_law(kind: str) -> None:
    """A full valid message has no fault at all."""
    assert told(faults(kind)) == []


E_, W_, I_ = "error", "warning", "info"
# kind, pointer, value, requirement, grade, refused with HTTP 400
REFUSED: list[tuple[str, str, Any, str]] = [
    (DATA, "/ActionType", "FullLoad", "PUSH-001"),
    (DATA, "/ActionType", MISSING, "EVSE-001"),
    (DATA, "/OperatorEvseData", MISSING, "EVSE-001"),
    (DATA, "/OperatorEvseData/OperatorID", MISSING, "EVSE-001"),
    (DATA, "/OperatorEvseData/OperatorName", MISSING, "EVSE-002"),
    (DATA, "/OperatorEvseData/OperatorName", "x" * 101, "EVSE-002"),
    (DATA, "/OperatorEvseData/EvseDataRecord", {}, "EVSE-001"),
    (DATA, "/OperatorEvseData/EvseDataRecord", None, "EVSE-001"),
    (DATA, f"{RECORD}/EvseID", MISSING, "EVSE-003"),
    (DATA, f"{RECORD}/EvseID", "DE*ABC*1001", "ID-001"),
    (DATA, f"{RECORD}/EvseID", "DE*ABC*E1001\n", "ID-001"),
    (DATA, f"{RECORD}/EvseID", "DE*ABC*E१२३", "ID-001"),
    (DATA, f"{RECORD}/EvseID", 1001, "ID-001"),
    (DATA, f"{RECORD}/ChargingPoolID", "Pool 7", "EVSE-004"),
    (DATA, f"{RECORD}/ChargingStationId", "x" * 51, "EVSE-005"),
    (DATA, f"{RECORD}/ChargingStationId", 1001, "HTTP-006"),
    (DATA, f"{RECORD}/ChargingStationNames", [], "EVSE-006"),
    (DATA, f"{RECORD}/ChargingStationNames", None, "EVSE-006"),
    (DATA, f"{RECORD}/ChargingStationNames", "Town hall", "EVSE-006"),
    (DATA, f"{RECORD}/ChargingStationNames/0/value", "x" * 151, "EVSE-007"),
    (DATA, f"{RECORD}/ChargingStationNames/0/lang", MISSING, "EVSE-007"),
    (DATA, f"{RECORD}/ChargingStationNames/0/lang", "EN", "EVSE-008"),
    (DATA, f"{RECORD}/ChargingStationNames/0/lang", "de_DE", "EVSE-008"),
    (DATA, f"{RECORD}/AdditionalInfo/0/value", "x" * 151, "EVSE-007"),
    (DATA, f"{RECORD}/HardwareManufacturer", "x" * 51, "EVSE-009"),
    (DATA, f"{RECORD}/ChargingStationImage", "x" * 201, "EVSE-009"),
    (DATA, f"{RECORD}/ChargingStationImage", 7, "EVSE-009"),
    (DATA, f"{RECORD}/SubOperatorName", "x" * 101, "EVSE-009"),
    (DATA, f"{RECORD}/ClearinghouseID", "x" * 21, "EVSE-009"),
    (DATA, f"{RECORD}/DynamicPowerLevel", 1, "EVSE-009"),
    (DATA, f"{RECORD}/MaxCapacity", Decimal("1.5"), "EVSE-009"),
    (DATA, f"{RECORD}/EnvironmentalImpact/CO2Emission", 100000, "EVSE-009"),
    (DATA, ADDRESS, MISSING, "EVSE-003"),
    (DATA, ADDRESS, "Berlin", "EVSE-003"),
    (DATA, f"{ADDRESS}/Country", "DE", "EVSE-010"),
    (DATA, f"{ADDRESS}/Country", "deu", "EVSE-010"),
    (DATA, f"{ADDRESS}/Country", "XXX", "EVSE-010"),
    (DATA, f"{ADDRESS}/City", "", "EVSE-011"),
    (DATA, f"{ADDRESS}/City", "x" * 51, "EVSE-011"),
    (DATA, f"{ADDRESS}/Street", "A", "EVSE-012"),
    (DATA, f"{ADDRESS}/Street", MISSING, "EVSE-012"),
    (DATA, f"{ADDRESS}/PostalCode", 10829, "EVSE-013"),
    (DATA, f"{ADDRESS}/PostalCode", "x" * 11, "EVSE-013"),
    (DATA, f"{ADDRESS}/HouseNum", MISSING, "EVSE-014"),
    (DATA, f"{ADDRESS}/HouseNum", "x" * 11, "EVSE-014"),
    (DATA, f"{ADDRESS}/Floor", "second", "EVSE-015"),
    (DATA, f"{ADDRESS}/Region", "x" * 51, "EVSE-015"),
    (DATA, f"{ADDRESS}/ParkingSpot", "x" * 6, "EVSE-015"),
    (DATA, f"{ADDRESS}/ParkingFacility", "true", "HTTP-006"),
    (DATA, f"{ADDRESS}/TimeZone", "Europe/Berlin", "EVSE-016"),
    (DATA, f"{ADDRESS}/TimeZone", "UTC,01:00", "EVSE-016"),
    (DATA, GEO, None, "EVSE-017"),
    (DATA, GEO, {}, "EVSE-017"),
    (DATA, GEO, {"Google": None}, "EVSE-017"),
    (DATA, f"{GEO}/Google/Coordinates", "52 13", "EVSE-018"),
    (DATA, f"{GEO}/Google/Coordinates", "५२.5 13.4", "EVSE-018"),
    (DATA, f"{GEO}/Google", {}, "EVSE-018"),
    (DATA, GEO, {"DecimalDegree": {"Latitude": Decimal("52.4804951"), "Longitude": "13.4"}}, "EVSE-019"),
    (DATA, GEO, {"DecimalDegree": {"Latitude": "52.4804951", "Longitude": "13.4"}}, "EVSE-019"),
    (DATA, GEO, {"DegreeMinuteSeconds": {"Latitude": "52°21'39.3\"", "Longitude": "9°21'39.32''"}}, "EVSE-020"),
    (DATA, f"{RECORD}/GeoChargingPointEntrance/Google/Coordinates", "x", "EVSE-022"),
    (DATA, f"{RECORD}/GeoChargingPointEntrance", {}, "EVSE-022"),
    (DATA, f"{RECORD}/Plugs", ["Type2"], "EVSE-023"),
    (DATA, f"{RECORD}/Plugs", ["MCS"], "EVSE-023"),
    (DATA, f"{RECORD}/Plugs", ["Unspecified"], "EVSE-023"),
    (DATA, f"{RECORD}/Plugs", [], "EVSE-023"),
    (DATA, f"{RECORD}/Plugs", [None], "EVSE-023"),
    (DATA, f"{RECORD}/ChargingFacilities", [], "EVSE-024"),
    (DATA, f"{FACILITY}/Power", MISSING, "EVSE-024"),
    (DATA, f"{FACILITY}/PowerType", MISSING, "EVSE-024"),
    (DATA, f"{FACILITY}/PowerType", "AC", "EVSE-025"),
    (DATA, f"{FACILITY}/Power", -1, "EVSE-026"),
    (DATA, f"{FACILITY}/Power", "22", "HTTP-006"),
    (DATA, f"{FACILITY}/Voltage", "230", "HTTP-006"),
    (DATA, f"{FACILITY}/Voltage", Decimal("230.5"), "EVSE-028"),
    (DATA, f"{FACILITY}/Amperage", Decimal("32.5"), "EVSE-029"),
    (DATA, f"{FACILITY}/ChargingModes", ["Mode3"], "EVSE-031"),
    (DATA, f"{RECORD}/RenewableEnergy", MISSING, "EVSE-003"),
    (DATA, f"{RECORD}/RenewableEnergy", 1, "EVSE-003"),
    (DATA, f"{RECORD}/IsHubjectCompatible", "true", "HTTP-006"),
    (DATA, f"{RECORD}/EnergySource", [{"Energy": "Hydro", "Percentage": 1}], "EVSE-034"),
    (DATA, f"{RECORD}/EnergySource/0/Percentage", 101, "EVSE-034"),
    (DATA, f"{RECORD}/CalibrationLawDataAvailability", "NotAvailable", "EVSE-035"),
    (DATA, f"{RECORD}/AuthenticationModes", ["Remote"], "EVSE-036"),
    (DATA, f"{RECORD}/AuthenticationModes", ["No Authentication Requires"], "EVSE-036"),
    (DATA, f"{RECORD}/PaymentOptions", MISSING, "EVSE-038"),
    (DATA, f"{RECORD}/ValueAddedServices", [], "EVSE-040"),
    (DATA, f"{RECORD}/Accessibility", "Unspecified", "EVSE-042"),
    (DATA, f"{RECORD}/AccessibilityLocation", "Parking lot", "EVSE-043"),
    (DATA, f"{RECORD}/HotlinePhoneNumber", "+49 30 123456", "EVSE-044"),
    (DATA, f"{RECORD}/HotlinePhoneNumber", "+٤٩٣٠١٢٣٤٥", "EVSE-044"),
    (DATA, f"{RECORD}/OpeningTimes", MISSING, "EVSE-045"),
    (DATA, f"{RECORD}/OpeningTimes", [], "EVSE-045"),
    (DATA, f"{RECORD}/OpeningTimes/0/on", "everyday", "EVSE-047"),
    (DATA, f"{RECORD}/OpeningTimes/0/Period", [], "EVSE-047"),
    (DATA, f"{RECORD}/OpeningTimes", "09:00-18:00", "EVSE-047"),
    (DATA, f"{PERIOD}/begin", "9:00", "EVSE-047"),
    (DATA, f"{RECORD}/HubOperatorID", "ABC", "EVSE-049"),
    (DATA, f"{RECORD}/DynamicInfoAvailable", "yes", "EVSE-051"),
    ("PushEvseStatus", "/OperatorEvseStatus/EvseStatusRecord", {}, "STAT-001"),
    ("PushEvseStatus", "/OperatorEvseStatus/OperatorName", "x" * 101, "STAT-001"),
    ("PushEvseStatus", "/OperatorEvseStatus", None, "STAT-001"),
    ("PushEvseStatus", "/ActionType", None, "STAT-001"),
    ("PushEvseStatus", f"{STATUS}/EvseStatus", "Charging", "STAT-002"),
    ("PushEvseStatus", f"{STATUS}/EvseID", None, "STAT-002"),
    *((CDR, f"/{name}", MISSING, "CDR-007") for name in (
        "SessionID", "EvseID", "Identification", "ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd", "ConsumedEnergy",
    )),
    (CDR, "/ConsumedEnergy", None, "CDR-007"),
    (CDR, "/SessionID", "12345", "SESS-002"),
    (CDR, "/CPOPartnerSessionID", "x" * 251, "ACK-008"),
    (CDR, "/PartnerProductID", "x" * 51, "ID-007"),
    (CDR, "/Identification/RemoteIdentification/EvcoID", "DE-DCB-12345", "ID-004"),
    (CDR, "/Identification/RemoteIdentification/EvcoID", None, "HTTP-007"),
    (CDR, "/ChargingStart", "2025-01-15 10:00:00", "TIME-001"),
    (CDR, "/ChargingStart", "2025-01-15T10:00:00", "TIME-001"),
    (CDR, "/ChargingStart", "2025-02-30T10:00:00+01:00", "TIME-001"),
    (CDR, "/ChargingStart", "2025-01-15T24:00:00+01:00", "TIME-001"),
    (CDR, "/ChargingStart", 1736931612, "TIME-001"),
    (CDR, "/ConsumedEnergy", True, "HTTP-006"),
    (CDR, "/ConsumedEnergy", "21.25", "HTTP-006"),
    (CDR, "/ConsumedEnergy", {"value": 21.25, "unit": "kWh"}, "HTTP-006"),
    (CDR, "/MeterValueInBetween/meterValues/0", {"value": 1527.3}, "CDR-022"),
    (CDR, "/MeterValueInBetween", 7, "CDR-022"),
    (CDR, "/MeterValueInBetween/meterValues", 7, "CDR-022"),
    (CDR, "/HubOperatorID", "Hubject", "CDR-038"),
    (CDR, "/SignedMeteringValues/0/MeteringStatus", "Progress1", "CDR-044"),
    ("AuthorizeStart", "/Identification", MISSING, "AUTH-001"),
    ("AuthorizeStart", "/OperatorID", MISSING, "AUTH-001"),
    ("AuthorizeStart", "/Identification", {}, "AUTH-001"),
    ("AuthorizeStart", "/Identification/RFIDMifareFamilyIdentification/UID", "12345ABCD", "ID-008"),
    ("AuthorizeStart", "/Identification/RFIDMifareFamilyIdentification/UID", "AFFH1768", "ID-008"),
    ("AuthorizeStart", "/Identification/RFIDMifareFamilyIdentification/UID", "DE-DCB-C12345678-4", "AUTH-014"),
    ("AuthorizeStart", "/OperatorID", "DE-ABC", "ID-002"),
    (START, "/Type", "Stop", "NOTIF-001"),
    (PRODUCTS, "/PricingProductData/PricingDefaultPrice", MISSING, "PRICE-001"),
    (PRODUCTS, "/PricingProductData/OperatorName", "x" * 101, "PRICE-001"),
    (PRODUCTS, "/PricingProductData/ProviderID", "ALL", "PRICE-002"),
    (PRODUCTS, f"{PRICED}/MaximumProductChargingPower", MISSING, "PRICE-003"),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes", MISSING, "PRICE-003"),
    (PRODUCTS, f"{PRICED}/ProductID", "x" * 51, "ID-007"),
    (PRODUCTS, f"{PRICED}/ReferenceUnit", "KWH", "PRICE-005"),
    (PRODUCTS, f"{PRICED}/ProductPriceCurrency", "EURO", "PRICE-006"),
    (PRODUCTS, f"{PRICED}/ProductPriceCurrency", "eur", "PRICE-006"),
    (PRODUCTS, f"{PRICED}/AdditionalReferences/0/AdditionalReference", "PARKING_FEE", "PRICE-009"),
    (PRODUCTS, f"{PRICED}/AdditionalReferences/0/AdditionalReferenceUnit", MISSING, "PRICE-009"),
    (PRICING, "/EVSEPricing", [], "PRICE-011"),
    (PRICING, "/EVSEPricing/0/EvseIDProductList", [], "PRICE-011"),
    (PRICING, "/EVSEPricing/0/EvseIDProductList", [7], "PRICE-012"),
    (PRICING, "/EVSEPricing/0/ProviderID", "ALL", "PRICE-002"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "pointer", "value", "requirement"), REFUSED)
def test_errors_the_hub_refuses(kind: str, pointer: str, value: Any, requirement: str) -> None:
    """A field that breaks the law is one error at its place, and the hub answers HTTP 400 with a text."""
    found = faults(kind, (pointer, value))
    errors = [f for f in found if f.effective_grade == E_]
    assert [f.requirement for f in errors] == [requirement]
    assert errors[0].pointer.startswith(pointer)
    assert errors[0].refused
    assert errors[0].error_message


OTHERS: list[tuple[str, str, Any, str, str]] = [
    (DATA, "/OperatorEvseData/OperatorName", "", "EVSE-002", W_),
    (DATA, f"{RECORD}/EvseID", "DE*ABC*Eab12", "ID-001", W_),
    (DATA, f"{RECORD}/ChargingStationImage", "station.png", "EVSE-009", W_),
    (DATA, f"{ADDRESS}/PostalCode", "", "EVSE-013", W_),
    (DATA, f"{ADDRESS}/HouseNum", "", "EVSE-014", W_),
    (DATA, GEO, {"Google": {"Coordinates": "52.5 13.4"}, "DecimalDegree": {"Latitude": "52.5", "Longitude": "13.4"}}, "EVSE-017", W_),
    (DATA, GEO, {"Google": {"Coordinates": "13.356465 52.480495"}}, "EVSE-021", W_),
    (DATA, GEO, {"DecimalDegree": {"Latitude": "91.5", "Longitude": "13.4"}}, "EVSE-021", W_),
    (DATA, f"{FACILITY}/Power", Decimal("22.0"), "EVSE-026", I_),
    (DATA, f"{FACILITY}/Power", Decimal("22.5"), "EVSE-026", I_),
    (DATA, f"{FACILITY}/Power", 11, "EVSE-030", W_),
    (DATA, f"{FACILITY}/ChargingModes", ["Mode_4"], "EVSE-032", W_),
    (DATA, f"{RECORD}/Plugs", ["CHAdeMO"], "EVSE-032", W_),
    (DATA, f"{RECORD}/EnergySource/0", {"Energy": "Coal", "Percentage": 30}, "EVSE-033", E_),
    (DATA, f"{RECORD}/EnergySource/0/Percentage", 100, "EVSE-034", I_),
    (DATA, f"{RECORD}/PaymentOptions", ["No Payment", "Contract"], "EVSE-039", E_),
    (DATA, f"{RECORD}/ValueAddedServices", ["None", "Reservation"], "EVSE-040", W_),
    (DATA, f"{RECORD}/IsOpen24Hours", True, "EVSE-046", W_),
    (DATA, f"{RECORD}/OpeningTimes/0/Period", {"begin": "09:00", "end": "18:00"}, "EVSE-047", W_),
    (DATA, f"{PERIOD}/begin", "25:70", "EVSE-048", W_),
    (DATA, f"{PERIOD}/end", "06:00", "EVSE-048", W_),
    (DATA, f"{PERIOD}/end", "24:00", "EVSE-048", I_),
    (DATA, f"{RECORD}/HubOperatorID", "DE*XYZ", "EVSE-049", E_),
    (DATA, f"{RECORD}/DynamicInfoAvailable", True, "EVSE-051", W_),
    (DATA, f"{RECORD}/deltaType", "insert", "EVSE-053", W_),
    (DATA, f"{RECORD}/lastUpdate", "2018-01-23T14:04:29.377Z", "EVSE-053", W_),
    (DATA, f"{RECORD}/ChargingStationName", "Town hall", "EVSE-055", W_),
    (DATA, f"{RECORD}/ChargingModes", ["Mode_3"], "EVSE-055", W_),
    (DATA, f"{RECORD}/AdditionalInfo/0/lang", "de", "EVSE-058", W_),
    (DATA, f"{RECORD}/AdditionalInfo", [{"lang": "de", "value": "Hallo"}], "EVSE-058", I_),
    (DATA, f"{ADDRESS}/Country", "XKX", "EVSE-010", I_),
    (DATA, f"{RECORD}/EvseID", "AT*ABC*E1", "PUSH-012", W_),
    (DATA, f"{RECORD}/Extra", 1, "HTTP-005", I_),
    (DATA, f"{ADDRESS}/Timezone", "UTC+01:00", "HTTP-005", I_),
    ("PushEvseStatus", f"{STATUS}/EvseStatus", "EvseNotFound", "STAT-003", W_),
    (CDR, "/ChargingStart", "2025-01-15T10:00:12.5+01:00", "TIME-004", I_),
    (CDR, "/ChargingStart", "2025-01-15T09:00:12Z", "TIME-002", W_),
    (CDR, "/ChargingStart", "2025-01-15T10:00:12+0100", "TIME-002", E_),
    (CDR, "/ChargingStart", "2025-01-15T11:00:13+01:00", "CDR-013", E_),
    (CDR, "/SessionStart", "2025-01-15T10:00:13+01:00", "CDR-014", W_),
    (CDR, "/SessionEnd", "2025-01-15T11:00:11+01:00", "CDR-014", W_),
    (CDR, "/Identification/PlugAndChargeIdentification", {"EvcoID": "DE-DCB-C12345678-4"}, "CDR-010", E_),
    (CDR, "/Identification", {}, "CDR-010", E_),
    (CDR, "/Identification/RemoteIdentification/EvcoID", "DE-DCB-C12345678", "ID-004", W_),
    (CDR, "/Identification/RemoteIdentification/EvcoID", "DE|DCB|123456|7", "ID-004", W_),
    (CDR, "/Identification/RemoteIdentification/EvcoID", "de-dcb-c12345678-4", "ID-004", I_),
    (CDR, "/HubProviderID", "DE|DCB", "ID-003", W_),
    (CDR, "/MeterValueStart", "1520.104", "HTTP-006", W_),
    (CDR, "/MeterValueStart", "much", "HTTP-006", E_),
    (CDR, "/MeterValueStart", Decimal("1520.1045"), "CDR-018", E_),
    (CDR, "/MeterValueStart", Decimal("1520.1040000000001"), "CDR-018", W_),
    (CDR, "/ConsumedEnergy", Decimal("21.27"), "CDR-019", E_),
    (CDR, "/ConsumedEnergy", Decimal("21.3"), "CDR-019", W_),
    (CDR, "/MeterValueEnd", Decimal("1541.359"), "CDR-019", W_),  # 21.255 kWh, cut to 21.25
    (CDR, "/MeterValueEnd", Decimal("1541.365"), "CDR-019", E_),
    (CDR, "/ConsumedEnergy", 21250, "CDR-021", E_),
    (CDR, "/MeterValueEnd", Decimal("1520.125"), "CDR-021", E_),  # 21 Wh
    (CDR, "/MeterValueInBetween", [Decimal("1527.3")], "CDR-022", W_),
    (CDR, "/MeterValueInBetween/meterValues", [1530, 1529], "CDR-023", W_),
    (CDR, "/MeterValueInBetween/meterValues", [1], "CDR-023", W_),
    (CDR, "/PartnerProductID", "AC 1", "CDR-035", W_),
    (CDR, "/PartnerProductID", "DE-NIGHT", "CDR-035", I_),
    (CDR, "/PartnerProductID", "Standard Price", "CDR-035", I_),
    (CDR, "/SignedMeteringValues/0/SignedMeteringValue", "x" * 3001, "CDR-043", W_),
    (CDR, "/SignedMeteringValues", [{"SignedMeteringValue": "x", "MeteringStatus": s} for s in ("End", "Start")], "CDR-045", W_),
    (CDR, "/SignedMeteringValues", [{"SignedMeteringValue": "x", "MeteringStatus": "Start"}], "CDR-046", W_),
    (CDR, f"{LAWINFO}/PublicKey", "x" * 1001, "CDR-047", E_),
    (CDR, f"{LAWINFO}/MeteringSignatureUrl", "x" * 201, "CDR-047", E_),
    (CDR, LAWINFO, MISSING, "CDR-048", W_),
    (CDR, f"{LAWINFO}/MeteringSignatureEncodingFormat", "UTF-8", "CDR-049", W_),
    (CDR, f"{LAWINFO}/MeteringSignatureEncodingFormat", "x" * 51, "CDR-047", E_),
    (CDR, "/SignedMeteringValues/0/SignedMeteringValue", "OCMF|{broken", "CDR-049", E_),
    (CDR, "/SignedMeteringValues/0/SignedMeteringValue", 'OCMF|{"RD":[{"TX":"B","RV":1500.0,"RU":"kWh"}]}|{}', "CDR-050", W_),
    (CDR, f"{LAWINFO}/MeteringCheck", "ok", "CDR-051", I_),
    (ACK, "/Result", "false", "ACK-001", E_),
    (ACK, "/Result", MISSING, "ACK-001", E_),
    (ACK, "/StatusCode/Code", 510, "ACK-002", E_),
    (ACK, "/StatusCode/Code", "404", "ACK-002", E_),
    (ACK, "/StatusCode/Code", ["000"], "ACK-002", E_),
    (ACK, "/StatusCode", None, "ACK-002", E_),
    (ACK, "/Result", True, "ACK-003", E_),
    (ACK, "/StatusCode/AdditionalInfo", "x" * 1001, "ACK-006", E_),
    (ACK, "/StatusCode/Description", "transaction 77 not found", "ACK-005", W_),
    ("AuthorizeStart", "/Identification/PlugAndChargeIdentification", {"EvcoID": "DE-DCB-C12345678-4"}, "AUTH-002", W_),
    ("AuthorizeStart", "/Identification", {"RFIDIdentification": {"UID": "1234ABCD", "RFID": "nfc"}}, "AUTH-003", E_),
    ("AuthorizeStart", "/Identification", {"QRCodeIdentification": {"EvcoID": "DE-DCB-C12345678-4"}}, "AUTH-004", E_),
    ("AuthorizeStart", "/Identification/RFIDMifareFamilyIdentification/UID", "1234abcd", "ID-008", W_),
    ("AuthorizeStart", "/EvseID", MISSING, "AUTH-005", I_),
    ("AuthorizeStop", "/SessionID", MISSING, "AUTH-011", E_),
    ("AuthorizeStop", "/Identification", {"QRCodeIdentification": {"EvcoID": "DE-DCB-C12345678-4", "HashedPIN": {"Value": "a5ghdhf73h", "Function": "Bcrypt"}}}, "AUTH-004", E_),
    ("AuthorizeStop", "/PartnerProductID", "AC3", "AUTH-011", I_),
    (START, "/SessionID", None, "NOTIF-002", E_),
    (START, "/EvseID", MISSING, "NOTIF-003", E_),
    (START, "/OperatorID", MISSING, "NOTIF-004", E_),
    (START, "/Identification", {}, "NOTIF-005", E_),
    (START, "/ChargingStart", MISSING, "NOTIF-006", E_),
    (START, "/EventOccurred", "2025-01-15T11:00:12+01:00", "NOTIF-001", E_),
    (PROGRESS, "/EventOccurred", MISSING, "NOTIF-008", E_),
    (PROGRESS, "/ChargingDuration", 3600, "NOTIF-010", E_),
    (PROGRESS, "/ChargingDuration", Decimal("3600000.5"), "NOTIF-010", E_),
    (PROGRESS, "/ConsumedEnergyProgress", 9000, "NOTIF-019", E_),
    (PROGRESS, "/ConsumedEnergyProgress", Decimal("9.1234"), "NOTIF-019", E_),
    (PROGRESS, "/MeterValueInBetween", [9], "NOTIF-019", W_),
    (END, "/ChargingEnd", MISSING, "NOTIF-013", E_),
    (END, "/ChargingStart", "2025-01-15T11:00:13+01:00", "NOTIF-014", E_),
    (END, "/ConsumedEnergy", 12, "NOTIF-014", E_),
    (END, "/MeterValueEnd", 4, "NOTIF-014", E_),
    (END, "/PenaltyTimeStart", "2025-01-15T11:00:11+01:00", "NOTIF-016", W_),
    (ERROR, "/ErrorType", MISSING, "NOTIF-017", E_),
    (ERROR, "/ErrorType", "Connector Error", "NOTIF-017", W_),
    (ERROR, "/ErrorType", "Broken", "NOTIF-017", E_),
    (ERROR, "/ErrorAdditionalInfo", "x" * 251, "NOTIF-018", E_),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes", [], "PRICE-008", W_),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes/0/on", "Sometimes", "PRICE-008", W_),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes/0/Periods", [], "PRICE-008", W_),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes/0/Periods/0/end", "25:00", "PRICE-008", W_),
    (PRODUCTS, f"{PRICED}/ProductAvailabilityTimes/0/Periods/0/begin", "09:60", "PRICE-008", W_),
    (PRODUCTS, f"{PRICED}/AdditionalReferences/0/AdditionalReference", "FIXED FEE", "PRICE-010", W_),
    (PRODUCTS, f"{PRICED}/MaximumProductChargingPower", 22000, "PRICE-015", W_),
    (PRICING, "/EVSEPricing/0/EvseIDProductList", [{"ProductID": "AC1"}], "PRICE-012", W_),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "pointer", "value", "requirement", "grade"), OTHERS)
def test_graded_faults_are_taken(kind: str, pointer: str, value: Any, requirement: str, grade: str) -> None:
    """Contested variants warn, notes inform, rules without a known refusal are errors; the hub takes all of them."""
    found = faults(kind, (pointer, value))
    own = [f for f in found if f.requirement == requirement]
    assert [str(f.effective_grade) for f in own] == [grade]
    if requirement not in ("HTTP-006", "ID-003"):
        assert not own[0].refused
    heavier = [f for f in found if f.effective_grade == E_ and f.requirement != requirement]
    assert heavier == []


def _refused(kind: str, *changes: tuple[str, Any]) -> list[tuple[str, str]]:
    return [(f.requirement, f.error_message) for f in faults(kind, *changes) if f.refused]


def test_direct_current_may_exceed_the_digits_of_the_tables() -> None:
    """Above 99 A and 999 V is an error for AC and a warning with a remark on the table for DC."""
    fast = {"PowerType": "DC", "Power": 400, "Amperage": 500, "Voltage": 1000}
    both = [(f"{RECORD}/Plugs", ["CHAdeMO"]), (FACILITY, fast)]
    assert sorted(told(faults(DATA, *both))) == [
        ("EVSE-028", W_, f"{FACILITY}/Voltage"), ("EVSE-029", W_, f"{FACILITY}/Amperage"),
    ]  # fmt: skip
    assert all(f.spec_defect for f in faults(DATA, *both))
    slow = faults(DATA, (f"{FACILITY}/Amperage", 100))
    assert ("EVSE-029", E_, f"{FACILITY}/Amperage") in told(slow)


def test_watts_instead_of_kilowatts_break_digits_and_meaning() -> None:
    """Power in W is out of range and of the wrong order of magnitude; 0 kW is the latter only."""
    ids = {f.requirement for f in faults(DATA, (f"{FACILITY}/Power", 22000)) if f.effective_grade == E_}
    assert ids == {"EVSE-026", "EVSE-027"}
    assert {f.requirement for f in faults(DATA, (f"{FACILITY}/Power", 0))} == {"EVSE-027"}


def test_line_to_line_voltage_warns() -> None:
    """400 V for an AC outlet is not between line and neutral."""
    assert ("EVSE-028", W_, f"{FACILITY}/Voltage") in told(faults(DATA, (f"{FACILITY}/Voltage", 400)))


@pytest.mark.parametrize("current", [MISSING, "AC_2_PHASE", ["DC"]])
def test_where_the_kind_of_current_is_lost_it_may_be_dc(current: Any) -> None:
    """Voltage, amperage and power are not held against a facility whose PowerType cannot be read; that one is."""
    lost = [(f"{FACILITY}/Voltage", 400), (f"{FACILITY}/Amperage", 500), (f"{FACILITY}/Power", 350)]
    found = told(faults(DATA, *lost, (f"{FACILITY}/PowerType", current)))
    assert [(by, grade) for by, grade, at in found if not at.endswith("PowerType")] == [("EVSE-029", W_)]
    assert any(grade == E_ and at.endswith("PowerType") for _, grade, at in found)


def test_reversed_meter_is_one_fault() -> None:
    """A meter that runs backwards is reported once, whatever the consumed energy says."""
    found = faults(
        CDR, ("/MeterValueEnd", Decimal("1519")), ("/ConsumedEnergy", Decimal("-1.104")), ("/MeterValueInBetween", None)
    )
    assert told(found) == [("CDR-020", E_, "/MeterValueEnd")]
    negative = [
        ("/MeterValueStart", None),
        ("/MeterValueEnd", None),
        ("/MeterValueInBetween", None),
        ("/ConsumedEnergy", Decimal("-0.2")),
    ]
    assert told(faults(CDR, *negative)) == [("CDR-017", E_, "/ConsumedEnergy")]


def test_progress_needs_duration_or_energy() -> None:
    """Either is enough, none is not."""
    assert told(faults(PROGRESS, ("/ChargingDuration", None))) == []
    assert told(faults(PROGRESS, ("/ConsumedEnergyProgress", MISSING))) == []
    both = [("/ChargingDuration", None), ("/ConsumedEnergyProgress", None)]
    assert told(faults(PROGRESS, *both)) == [("NOTIF-009", E_, "")]


def test_availability_times_of_an_all_day_product_are_contested() -> None:
    """Left out with IsValid24hours true only warns, an empty list is accepted."""
    for value, expected in ((MISSING, [("PRICE-003", W_, f"{PRICED}/ProductAvailabilityTimes")]), ([], [])):
        found = faults(PRODUCTS, (f"{PRICED}/IsValid24hours", True), (f"{PRICED}/ProductAvailabilityTimes", value))
        assert told(found) == expected


def test_names_spelled_otherwise_are_seen() -> None:
    """A misspelled mandatory member is not missing, a misspelled optional one is lost, published double spellings are noted."""
    record = SAMPLES[DATA]["OperatorEvseData"]["EvseDataRecord"][0]
    wrong = faults(DATA, (f"{RECORD}/EvseID", MISSING), (f"{RECORD}/EvseId", record["EvseID"]))
    assert told(wrong) == [("HTTP-005", E_, f"{RECORD}/EvseId")]
    assert wrong[0].refused
    lost = faults(DATA, (f"{ADDRESS}/TimeZone", MISSING), (f"{ADDRESS}/Timezone", "UTC+01:00"))
    assert told(lost) == [("HTTP-005", E_, f"{ADDRESS}/Timezone")]
    assert not lost[0].refused
    double = faults(DATA, (f"{RECORD}/ChargingStationId", MISSING), (f"{RECORD}/ChargingStationID", "1001"))
    assert told(double) == [("EVSE-005", I_, f"{RECORD}/ChargingStationID")]
    assert told(faults(CDR, ("/HubProviderID", MISSING), ("/HubProviderId", "DE-DCB"))) == [
        ("CDR-038", I_, "/HubProviderId")
    ]
    blank = faults(DATA, (f"{FACILITY}/ChargingModes", MISSING), (f"{FACILITY}/Charging Modes", ["Mode_3"]))
    assert told(blank) == [("EVSE-031", E_, f"{FACILITY}/Charging Modes")]
    capital = faults(DATA, (f"{RECORD}/OpeningTimes/0/on", MISSING), (f"{RECORD}/OpeningTimes/0/On", "Everyday"))
    assert told(capital) == [("EVSE-047", E_, f"{RECORD}/OpeningTimes/0/On")]
    period = f"{PRICED}/ProductAvailabilityTimes/0"
    table = faults(PRODUCTS, (f"{period}/Periods", MISSING), (f"{period}/Period", [{"begin": "09:00", "end": "18:00"}]))
    assert told(table) == [("PRICE-008", I_, f"{period}/Period")]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("evseId", "EvseID"), ("hotline_phone_number", "HotlinePhoneNumber"), ("HotlinePhonNumber", "HotlinePhoneNumber"),
     ("Plug", "Plugs"), ("IsOpen24Huors", "IsOpen24Hours"), ("IsOpen23Hours", None), ("EvseGroup", None), ("Adr", None)],
)  # fmt: skip
def test_near_spellings(name: str, meant: str | None) -> None:
    """Other case, other signs and one slip are misspellings; anything else is an unknown member."""
    record = SAMPLES[DATA]["OperatorEvseData"]["EvseDataRecord"][0]
    where = [(f"{RECORD}/{meant}", MISSING)] if meant else []
    found = faults(DATA, *where, (f"{RECORD}/{name}", record.get(meant, 1) if meant else 1))
    assert told(found) == [("HTTP-005", E_ if meant else I_, f"{RECORD}/{name}")]


def test_an_old_name_alone_is_a_missing_new_one() -> None:
    """ChargingStationName instead of ChargingStationNames: the new member is missing, the old one is noted beside."""
    found = faults(DATA, (f"{RECORD}/ChargingStationNames", MISSING), (f"{RECORD}/ChargingStationName", "Town hall"))
    assert [f.requirement for f in found if f.effective_grade == E_] == ["EVSE-006"]
    assert [f.requirement for f in found] == ["EVSE-006"]
    assert found[0].also == ("EVSE-055",)


@pytest.mark.parametrize("kind", ["PushEvseData", "PushEvseStatus"])
def test_no_evse_twice_and_none_of_others(kind: str) -> None:
    """An EvseID twice is an error, twice but for its spelling a warning; foreign ids depend on the register."""
    envelope, records = {
        "PushEvseData": ("OperatorEvseData", "EvseDataRecord"), "PushEvseStatus": ("OperatorEvseStatus", "EvseStatusRecord"),
    }[kind]  # fmt: skip
    record = SAMPLES[kind][envelope][records][0]
    at = f"/{envelope}/{records}"
    assert told(faults(kind, (at, [record, record]))) == [("PUSH-009", E_, f"{at}/1/EvseID")]
    plain = record | {"EvseID": "DEABCE10011"}
    assert told(faults(kind, (at, [record, plain]))) == [("PUSH-009", W_, f"{at}/1/EvseID")]
    foreign = [(at, [record | {"EvseID": "DE*XYZ*E1"}])]
    assert told(faults(kind, *foreign)) == [("PUSH-010", I_, f"{at}/0/EvseID")]
    assert told(faults(kind, *foreign, operators=["DE*ABC"])) == [("PUSH-010", E_, f"{at}/0/EvseID")]
    assert told(faults(kind, *foreign, operators=["DE*ABC", "DEXYZ"])) == []


def test_din_operators_are_compared_without_plus_and_stars() -> None:
    """+49*810 and 49*810 are the same operator."""
    changes = [("/OperatorEvseStatus/OperatorID", "49*810"), (f"{STATUS}/EvseID", "+49*810*000*438")]
    assert told(faults("PushEvseStatus", *changes, operators=["+49*810"])) == []
    assert told(faults("PushEvseStatus", *changes, operators=["+49*811"])) == [("PUSH-010", E_, f"{STATUS}/EvseID")]


def test_the_path_names_the_operator_of_the_body() -> None:
    """Another operator in the body than in the path is one fault; another spelling is none here."""
    assert told(faults("PushEvseStatus", path_id="DEABC")) == []
    found = faults("PushEvseStatus", path_id="DE*XYZ")
    assert told(found) == [("HTTP-009", E_, "/OperatorEvseStatus/OperatorID")]
    assert not found[0].refused


def test_countries_of_ids_exist() -> None:
    """XX is no country, XK is noted, DIN ids have none."""
    assert ("ID-009", E_, f"{STATUS}/EvseID") in told(
        faults("PushEvseStatus", (f"{STATUS}/EvseID", "XX*ABC*E1"), operators=["XX*ABC"])
    )
    assert ("ID-009", I_, f"{STATUS}/EvseID") in told(
        faults("PushEvseStatus", (f"{STATUS}/EvseID", "XK*ABC*E1"), operators=["XK*ABC"])
    )


def test_codes_of_the_hub_are_not_for_the_cpo() -> None:
    """001 in an answer of the CPO warns, in one of the hub it does not."""
    own = changed(ACK, ("/StatusCode", {"Code": "001"}))
    assert told(validate("AuthorizeRemoteStart", own, answer=True)) == [("ACK-009", W_, "/StatusCode/Code")]
    assert told(validate("PushEvseData", own, answer=True)) == []


def test_published_texts_but_for_the_full_stop() -> None:
    """`Success` is the standard text `Success.`, `SUCCESS` is not."""
    base = {"Result": True, "StatusCode": {"Code": "000", "Description": "Success"}}
    assert validate("AuthorizeRemoteStart", base, answer=True) == []
    loud = base | {"StatusCode": {"Code": "000", "Description": "SUCCESS"}}
    assert [f.requirement for f in validate("AuthorizeRemoteStart", loud, answer=True)] == ["ACK-005"]


def test_products_are_unique_in_a_push() -> None:
    """The same ProductID twice is an error at the second."""
    record = SAMPLES[PRODUCTS]["PricingProductData"]["PricingProductDataRecords"][0]
    found = faults(PRODUCTS, ("/PricingProductData/PricingProductDataRecords", [record, record]))
    assert told(found) == [("PRICE-004", E_, "/PricingProductData/PricingProductDataRecords/1/ProductID")]


def test_too_many_signed_values() -> None:
    """Ten signed values are the most."""
    values = [{"SignedMeteringValue": "x", "MeteringStatus": s} for s in ["Start", *["Progress"] * 9, "End"]]
    assert [f.requirement for f in faults(CDR, ("/SignedMeteringValues", values))] == ["CDR-042"]


def test_a_misspelled_metering_status_is_one_fault() -> None:
    """Which reading is missing nobody can tell then."""
    assert told(faults(CDR, ("/SignedMeteringValues/0/MeteringStatus", "start"))) == [
        ("CDR-044", E_, "/SignedMeteringValues/0/MeteringStatus")
    ]
    one = 'OCMF|{"RD":[{"RV":1,"RU":"kWh"}]}|{"SD":"x"}'
    nameless = [{"SignedMeteringValue": one}, {"SignedMeteringValue": one, "MeteringStatus": "End"}]
    assert "CDR-046" in [f.requirement for f in faults(CDR, ("/SignedMeteringValues", nameless))]


def test_energy_in_no_time() -> None:
    """Much energy in a charging of zero seconds is implausible; one of less than no time is told once."""
    found = faults(CDR, ("/ChargingEnd", SAMPLES[CDR]["ChargingStart"]))
    assert told(found) == [("CDR-039", W_, "/ConsumedEnergy")]
    reversed_times = faults(CDR, ("/ChargingEnd", "2025-01-15T09:00:00+01:00"))
    assert told(reversed_times) == [("CDR-013", E_, "/ChargingStart")]


@pytest.mark.parametrize(
    ("start", "end", "energy", "expected"),
    [
        (1520104, 1541354, Decimal("21.25"), [("CDR-021", E_, "/MeterValueEnd")]),
        (Decimal("1520.104"), Decimal("1520.904"), 800, [("CDR-021", E_, "/ConsumedEnergy")]),
        (1520104, 1541354, 21250, [("CDR-021", E_, "/ConsumedEnergy")]),
        (0, Decimal("0.001"), 1, [("CDR-019", E_, "/ConsumedEnergy")]),  # 1 Wh: nothing to tell the unit by
        (0, 0, Decimal("0.001"), []),
        (1000, 1021, 21, []),
    ],
)
def test_wrong_unit_beside_the_readings(start: Any, end: Any, energy: Any, expected: list[Any]) -> None:
    """Readings and energy a thousand times apart show the wrong unit, once; their difference is folded under it."""
    changes = [("/MeterValueStart", start), ("/MeterValueEnd", end), ("/ConsumedEnergy", energy)]
    assert told(faults(CDR, ("/MeterValueInBetween", None), *changes)) == expected


def test_explicit_nulls_of_optional_members_are_nothing() -> None:
    """Null in an optional member is as good as leaving it out."""
    found = faults(CDR, *((f"/{n}", None) for n in ("CPOPartnerSessionID", "PartnerProductID", "HubProviderID", "MeterValueStart")),
                   ("/MeterValueInBetween", None))  # fmt: skip
    assert found == []


@pytest.mark.parametrize("value", [None, [], "text", 7, True, [{}]])
def test_what_is_no_object_is_one_fault(value: Any) -> None:
    """A body that is no object is said to be none; nothing is raised."""
    for kind in SAMPLES:
        operation, answer = operation_of(kind)
        assert [f.pointer for f in validate(operation, value, answer=answer)] == [""]


def test_ocmf_names_itself() -> None:
    """An encoding in the place of the format, as published, misleads only where the records do not tell their format."""
    named = (f"{LAWINFO}/MeteringSignatureEncodingFormat", "UTF-8")
    record = 'OCMF|{"RD":[]}|{"SD":"00"}'
    signed = [{"SignedMeteringValue": record, "MeteringStatus": s} for s in ("Start", "End")]
    assert told(faults(CDR, named, ("/SignedMeteringValues", signed))) == []
    assert told(faults(CDR, named)) == [("CDR-049", W_, f"{LAWINFO}/MeteringSignatureEncodingFormat")]
