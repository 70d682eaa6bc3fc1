"""One full valid message of each kind, and a way to change a single place of it."""

import copy
from decimal import Decimal
from typing import Any

MISSING = object()
"""Stands for: take the member out."""

_RECORD: dict[str, Any] = {
    "EvseID": "DE*ABC*E1001*1", "ChargingPoolID": "DE*ABC*P1", "ChargingStationId": "1001",
    "ChargingStationNames": [{"lang": "en", "value": "Town hall"}], "HardwareManufacturer": "Maker",
    "ChargingStationImage": "https://img.example/1.png", "SubOperatorName": "Sub",
    "Address": {
        "Country": "DEU", "City": "Berlin", "Street": "Hauptstraße", "PostalCode": "10178", "HouseNum": "15",
        "Floor": "1", "Region": "Berlin", "ParkingFacility": True, "ParkingSpot": "E36", "TimeZone": "UTC+01:00",
    },
    "GeoCoordinates": {"Google": {"Coordinates": "52.518611 13.408333"}}, "Plugs": ["Type 2 Outlet"], "DynamicPowerLevel": True,
    "ChargingFacilities": [
        {"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 32, "Power": 22, "ChargingModes": ["Mode_3"]}
    ],
    "RenewableEnergy": True, "EnergySource": [{"Energy": "Solar", "Percentage": 85}],
    "EnvironmentalImpact": {"CO2Emission": Decimal("30.3"), "NuclearWaste": 0},
    "CalibrationLawDataAvailability": "Not Available", "AuthenticationModes": ["REMOTE"], "MaxCapacity": 50,
    "PaymentOptions": ["Contract"], "ValueAddedServices": ["None"], "Accessibility": "Free publicly accessible",
    "AccessibilityLocation": "ParkingLot", "HotlinePhoneNumber": "+4930123456789",
    "AdditionalInfo": [{"lang": "en", "value": "Hello"}, {"lang": "de", "value": "Hallo"}],
    "ChargingStationLocationReference": [{"lang": "en", "value": "Behind"}],
    "GeoChargingPointEntrance": {"Google": {"Coordinates": "52.518611 13.408333"}},
    "IsOpen24Hours": False, "OpeningTimes": [{"on": "Everyday", "Period": [{"begin": "09:00", "end": "18:00"}]}],
    "HubOperatorID": "DE*ABC", "ClearinghouseID": "C1", "IsHubjectCompatible": True, "DynamicInfoAvailable": "true",
}  # fmt: skip
_SESSION = "b2688855-7f00-0002-6d8e-48d883f6abb6"
_DRIVER = {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-4"}}
_CARD = {"RFIDMifareFamilyIdentification": {"UID": "1234ABCD"}}
_IDS = {"CPOPartnerSessionID": "cpo-1", "EMPPartnerSessionID": "emp-1"}
_NOTE: dict[str, Any] = {
    "SessionID": _SESSION, "EvseID": "DE*ABC*E1001*1", "OperatorID": "DE*ABC", "Identification": _DRIVER, **_IDS,
}  # fmt: skip
_START, _END = "2025-01-15T10:00:12+01:00", "2025-01-15T11:00:12+01:00"

SAMPLES: dict[str, dict[str, Any]] = {
    "PushEvseData": {
        "ActionType": "fullLoad",
        "OperatorEvseData": {"OperatorID": "DE*ABC", "OperatorName": "ABC technologies", "EvseDataRecord": [_RECORD]},
    },
    "PushEvseStatus": {
        "ActionType": "update",
        "OperatorEvseStatus": {
            "OperatorID": "DE*ABC", "OperatorName": "ABC technologies",
            "EvseStatusRecord": [{"EvseID": "DE*ABC*E1001*1", "EvseStatus": "Occupied"}],
        },
    },
    "ChargeDetailRecord": {
        "SessionID": _SESSION, "PartnerProductID": "AC3", "EvseID": "DE*ABC*E1001*1", "Identification": _DRIVER,
        "SessionStart": "2025-01-15T10:00:00+01:00", "ChargingStart": _START, "ChargingEnd": _END,
        "SessionEnd": "2025-01-15T11:02:40+01:00", "MeterValueStart": Decimal("1520.104"),
        "MeterValueEnd": Decimal("1541.354"), "MeterValueInBetween": {"meterValues": [Decimal("1527.3")]},
        "ConsumedEnergy": Decimal("21.25"), "HubOperatorID": "DE*ABC", "HubProviderID": "DE-DCB", **_IDS,
        "SignedMeteringValues": [
            {"SignedMeteringValue": "abc", "MeteringStatus": "Start"},
            {"SignedMeteringValue": "def", "MeteringStatus": "End"},
        ],
        "CalibrationLawVerificationInfo": {
            "CalibrationLawCertificateID": "C", "PublicKey": "K", "MeteringSignatureUrl": "https://sig.example",
            "MeteringSignatureEncodingFormat": "EDL40", "SignedMeteringValuesVerificationInstruction": "I",
            "MeteringCheck": "Passed",
        },
    },
    "AuthorizeStart": {"OperatorID": "DE*ABC", "EvseID": "DE*ABC*E1001*1", "Identification": _CARD, **_IDS},
    "AuthorizeStop": {"SessionID": _SESSION, "OperatorID": "DE*ABC", "Identification": _CARD, **_IDS},
    "Acknowledgement": {
        "Result": False, "StatusCode": {"Code": "510", "Description": "No EV connected to EVSE.", "AdditionalInfo": "x"},
        "SessionID": _SESSION, **_IDS,
    },
    "AuthorizeRemoteStart": {
        "SessionID": _SESSION, "ProviderID": "DE-DCB", "EvseID": "DE*ABC*E1001*1", "Identification": _DRIVER, **_IDS,
    },
    "AuthorizeRemoteStop": {"SessionID": _SESSION, "ProviderID": "DE-DCB", "EvseID": "DE*ABC*E1001*1", **_IDS},
    "ChargingNotificationStart": {
        **_NOTE, "Type": "Start", "ChargingStart": _START, "SessionStart": _START, "MeterValueStart": 7,
        "PartnerProductID": "AC3",
    },
    "ChargingNotificationProgress": {
        **_NOTE, "Type": "Progress", "ChargingStart": _START, "EventOccurred": _END, "ChargingDuration": 3_600_000,
        "ConsumedEnergyProgress": 9, "MeterValueInBetween": {"meterValues": [9]},
    },
    "ChargingNotificationEnd": {
        **_NOTE, "Type": "End", "ChargingStart": _START, "ChargingEnd": _END, "ConsumedEnergy": 10,
        "MeterValueStart": 5, "MeterValueEnd": 15, "PenaltyTimeStart": "2025-01-15T11:15:00+01:00",
    },
    "ChargingNotificationError": {**_NOTE, "Type": "Error", "ErrorType": "ConnectorError", "ErrorAdditionalInfo": "x"},
    "PushPricingProductData": {
        "ActionType": "fullLoad",
        "PricingProductData": {
            "OperatorID": "DE*ABC", "OperatorName": "ABC", "ProviderID": "*", "PricingDefaultPrice": 0,
            "PricingDefaultPriceCurrency": "EUR", "PricingDefaultReferenceUnit": "HOUR",
            "PricingProductDataRecords": [{
                "ProductID": "AC1", "ReferenceUnit": "HOUR", "ProductPriceCurrency": "EUR", "PricePerReferenceUnit": 1,
                "MaximumProductChargingPower": 22, "IsValid24hours": False,
                "ProductAvailabilityTimes": [{"on": "Everyday", "Periods": [{"begin": "09:00", "end": "18:00"}]}],
                "AdditionalReferences": [{
                    "AdditionalReference": "PARKING FEE", "AdditionalReferenceUnit": "HOUR",
                    "PricePerAdditionalReferenceUnit": 2,
                }],
            }],
        },
    },
    "PushEVSEPricing": {
        "ActionType": "fullLoad",
        "EVSEPricing": [{"EvseID": "DE*ABC*E1001*1", "ProviderID": "*", "EvseIDProductList": ["AC1"]}],
    },
}  # fmt: skip
"""A valid message by kind."""

RECORD = "/OperatorEvseData/EvseDataRecord/0"
STATUS = "/OperatorEvseStatus/EvseStatusRecord/0"
PRICED = "/PricingProductData/PricingProductDataRecords/0"


def changed(kind: str, *changes: tuple[str, Any]) -> dict[str, Any]:
    """The sample of a kind with other values at some pointers; `MISSING` takes a member out."""
    message = copy.deepcopy(SAMPLES[kind])
    for pointer, value in changes:
        *way, last = pointer.split("/")[1:]
        inner: Any = message
        for part in way:
            inner = inner[int(part)] if isinstance(inner, list) else inner[part]
        key: Any = int(last) if isinstance(inner, list) else last
        if value is MISSING:
            del inner[key]
        else:
            inner[key] = value
    return message


def operation_of(kind: str) -> tuple[str, bool]:
    """Operation and side of a kind, as `validate` takes them."""
    if kind == "Acknowledgement":
        return "AuthorizeRemoteStart", True
    return ("ChargingNotifications" if kind.startswith("ChargingNotification") else kind), False
