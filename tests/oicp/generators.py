"""Valid OICP messages of every kind: `valid(kind, rng)` from a seeded random, `messages(kind)` for hypothesis.

Every message is within the law: no error, no warning, no information. `KINDS` names operation and side of each kind.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

from oicp.messages.evse_data import (
    ACCESSIBILITY,
    AUTHENTICATION_MODES,
    CALIBRATION,
    DAYS,
    LOCATIONS,
    VALUE_ADDED_SERVICES,
)
from oicp.status_codes import HUB_ONLY, TEXTS

Json = dict[str, Any]
OPERATOR, PROVIDER = "DE*ABC", "DE-DCB"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class Kind:
    """A kind of message: operation as `validate` takes it, and whether it is the answer."""

    operation: str
    make: Callable[[Random], Json]
    answer: bool = False


def _chars(rng: Random, count: int, letters: str = _LETTERS) -> str:
    return "".join(rng.choice(letters) for _ in range(count))


def text(rng: Random, most: int, least: int = 1) -> str:
    """Printable text with characters beyond ASCII, `least` to `most` characters."""
    return _chars(rng, rng.randint(least, most), "abcdefghij KLMNO 0123456789 äöüßéñ Łødź 充電 -./,")


def maybe(rng: Random, message: Json, name: str, make: Callable[[], Any]) -> None:
    """Add a member, add it as null, or leave it out."""
    draw = rng.random()
    if draw < 0.6:
        message[name] = make()
    elif draw < 0.7:
        message[name] = None


def session_id(rng: Random) -> str:
    """A SessionID, not always hexadecimal."""
    letters = "0123456789abcdef" if rng.random() < 0.8 else "0123456789abcdefXYZxyz"
    return "-".join(_chars(rng, size, letters) for size in (8, 4, 4, 4, 12))


def evse_id(rng: Random, operator: str = OPERATOR) -> str:
    """An EvseID of the operator, with or without separators."""
    if operator.startswith("+"):
        return f"{operator}*{_chars(rng, rng.randint(1, 20), '0123456789*')}"
    shown = operator if rng.random() < 0.8 else operator.replace("*", "")
    star = "*" if "*" in shown else ""
    return f"{shown}{star}E{_chars(rng, rng.randint(1, 28), _LETTERS + '*')}"


def evco_id(rng: Random) -> str:
    """A contract id: ISO or DIN, with any separator."""
    if rng.random() < 0.6:
        dash = rng.choice(("-", ""))
        return f"DE{dash}DCB{dash}C{_chars(rng, 8)}{dash}{_chars(rng, 1)}"
    mark = rng.choice(("*", "-", ""))
    return f"DE{mark}DCB{mark}{_chars(rng, 6)}{mark}{_chars(rng, 1, '0123456789X')}"


def uid(rng: Random) -> str:
    """The UID of a card."""
    return _chars(rng, rng.choice((8, 14, 20)), "0123456789ABCDEF")


def when(rng: Random) -> datetime:
    """A moment with a numeric offset and whole seconds."""
    zone = timezone(timedelta(minutes=rng.choice((60, 120, 0, -300, 330, 825))))
    return datetime(2025, 1, 1, tzinfo=UTC).astimezone(zone) + timedelta(seconds=rng.randint(0, 60_000_000))


def remote(rng: Random) -> Json:
    """Identification of a remote start; unused kinds may be null."""
    found: Json = {"RemoteIdentification": {"EvcoID": evco_id(rng)}}
    if rng.random() < 0.3:
        found |= {"RFIDMifareFamilyIdentification": None, "QRCodeIdentification": None}
    return found


def local(rng: Random) -> Json:
    """Identification at the charge point."""
    return rng.choice((
        lambda: {"RFIDMifareFamilyIdentification": {"UID": uid(rng)}},
        lambda: {"QRCodeIdentification": {"EvcoID": evco_id(rng), "PIN": _chars(rng, 4, "0123456789")}},
        lambda: {"PlugAndChargeIdentification": {"EvcoID": evco_id(rng)}},
    ))()  # fmt: skip


def partner_ids(rng: Random, message: Json) -> Json:
    """Add the session ids of the partners."""
    for name in ("CPOPartnerSessionID", "EMPPartnerSessionID"):
        maybe(rng, message, name, lambda: text(rng, 250))
    return message


def product(rng: Random) -> str:
    """A recommended product."""
    return rng.choice(("AC1", "AC3", "DC", "Free"))


# --- EVSE data -------------------------------------------------------------------------------------------------------


def _info(rng: Random) -> list[Json]:
    languages = ["en", *rng.sample(["de", "fr-FR", "de-AT", "zh-CN-Hans", "en-x-short"], rng.randint(0, 2))]
    return [{"lang": lang, "value": text(rng, 150)} for lang in languages]


def _geo(rng: Random) -> Json:
    latitude, longitude = f"{rng.uniform(47.5, 54.5):.6f}", f"{rng.uniform(6.5, 14.5):.5f}"
    return rng.choice((
        {"Google": {"Coordinates": latitude + rng.choice((" ", ",", ", ")) + longitude}},
        {"DecimalDegree": {"Latitude": latitude, "Longitude": longitude}},
        {"DegreeMinuteSeconds": {"Latitude": "52°30'39.32''", "Longitude": "13° 21' 09.1''"}},
    ))  # fmt: skip


def _address(rng: Random) -> Json:
    found: Json = {
        "Country": "DEU", "City": text(rng, 50), "Street": text(rng, 100, 2), "PostalCode": _chars(rng, 5, "0123456789"),
        "HouseNum": text(rng, 10),
    }  # fmt: skip
    maybe(rng, found, "Floor", lambda: text(rng, 5))
    maybe(rng, found, "Region", lambda: text(rng, 50))
    maybe(rng, found, "ParkingFacility", lambda: rng.random() < 0.5)
    maybe(rng, found, "ParkingSpot", lambda: text(rng, 5))
    maybe(rng, found, "TimeZone", lambda: rng.choice(("UTC+01:00", "UTC-05:30", "UTC+00:00")))
    return found


def _facility(rng: Random, direct: bool) -> Json:
    if direct:
        found: Json = {"PowerType": "DC", "Power": rng.randint(1, 999)}
        maybe(rng, found, "Voltage", lambda: rng.randint(200, 999))
        maybe(rng, found, "Amperage", lambda: rng.randint(1, 99))
        maybe(rng, found, "ChargingModes", lambda: [rng.choice(("Mode_4", "CHAdeMO"))])
        return found
    amperes, phases = rng.choice((16, 20, 32, 63)), rng.choice((1, 3))
    found = {"PowerType": f"AC_{phases}_PHASE", "Power": round(230 * amperes * phases / 1000)}
    maybe(rng, found, "Voltage", lambda: 230)
    maybe(rng, found, "Amperage", lambda: amperes)
    maybe(rng, found, "ChargingModes", lambda: [rng.choice(("Mode_1", "Mode_2", "Mode_3"))])
    return found


_AC_PLUGS = ("Type 2 Outlet", "Type 2 Connector (Cable Attached)", "Type F Schuko", "IEC 60309 Three Phase")
_DC_PLUGS = ("CCS Combo 2 Plug (Cable Attached)", "CHAdeMO")


def data_record(rng: Random, evse: str) -> Json:
    """A full EVSE record."""
    direct, always = rng.random() < 0.3, rng.random() < 0.6
    found: Json = {
        "EvseID": evse, "ChargingStationNames": _info(rng), "Address": _address(rng), "GeoCoordinates": _geo(rng),
        "Plugs": [rng.choice(_DC_PLUGS if direct else _AC_PLUGS)], "ChargingFacilities": [_facility(rng, direct)],
        "RenewableEnergy": rng.random() < 0.5, "CalibrationLawDataAvailability": rng.choice(CALIBRATION),
        "AuthenticationModes": rng.sample(AUTHENTICATION_MODES, rng.randint(1, 3)),
        "PaymentOptions": rng.choice((["No Payment"], ["Contract"], ["Direct", "Contract"])),
        "ValueAddedServices": rng.choice((["None"], rng.sample(VALUE_ADDED_SERVICES[:-1], rng.randint(1, 3)))),
        "Accessibility": rng.choice(ACCESSIBILITY), "HotlinePhoneNumber": "+" + _chars(rng, rng.randint(5, 15), "0123456789"),
        "IsOpen24Hours": always, "IsHubjectCompatible": rng.random() < 0.9,
        "DynamicInfoAvailable": rng.choice(("true", "false", "auto")),
    }  # fmt: skip
    _optional_data(rng, found)
    if not always:
        periods = [{"begin": "06:00", "end": "12:30"}, {"begin": "13:00", "end": "23:59"}][: rng.randint(1, 2)]
        found["OpeningTimes"] = [{"on": rng.choice(DAYS), "Period": periods}]
    return found


def _optional_data(rng: Random, found: Json) -> None:
    green = [{"Energy": "Solar", "Percentage": 60}, {"Energy": "Wind", "Percentage": 40}]
    maybe(rng, found, "ChargingPoolID", lambda: f"DE*ABC*P{_chars(rng, rng.randint(1, 30), _LETTERS + '*')}")
    maybe(rng, found, "ChargingStationId", lambda: text(rng, 50))
    maybe(rng, found, "HardwareManufacturer", lambda: text(rng, 50))
    maybe(rng, found, "ChargingStationImage", lambda: "https://img.example/" + _chars(rng, rng.randint(1, 180)))
    maybe(rng, found, "SubOperatorName", lambda: text(rng, 100))
    maybe(rng, found, "DynamicPowerLevel", lambda: rng.random() < 0.5)
    maybe(rng, found, "EnergySource", lambda: green)
    maybe(rng, found, "EnvironmentalImpact", lambda: {"CO2Emission": Decimal("30.3"), "NuclearWaste": 0})
    maybe(rng, found, "MaxCapacity", lambda: rng.randint(1, 1000))
    maybe(rng, found, "AccessibilityLocation", lambda: rng.choice(LOCATIONS))
    maybe(rng, found, "AdditionalInfo", lambda: _info(rng))
    maybe(rng, found, "ChargingStationLocationReference", lambda: _info(rng))
    maybe(rng, found, "GeoChargingPointEntrance", lambda: _geo(rng))
    maybe(rng, found, "HubOperatorID", lambda: OPERATOR)
    maybe(rng, found, "ClearinghouseID", lambda: text(rng, 20))


def _evse_ids(rng: Random, count: int) -> list[str]:
    return [f"{OPERATOR}*E{_chars(rng, 6)}*{number}" for number in range(count)]


def push_evse_data(rng: Random, records: int | None = None) -> Json:
    """A push of some records (0 to 3 unless given)."""
    count = rng.randint(0, 3) if records is None else records
    return {
        "ActionType": rng.choice(("fullLoad", "update", "insert", "delete")),
        "OperatorEvseData": {
            "OperatorID": OPERATOR, "OperatorName": text(rng, 100),
            "EvseDataRecord": [data_record(rng, ident) for ident in _evse_ids(rng, count)],
        },
    }  # fmt: skip


def push_evse_status(rng: Random) -> Json:
    """A push of some statuses."""
    states = ("Available", "Reserved", "Occupied", "OutOfService", "Unknown")
    inner: Json = {
        "OperatorID": OPERATOR,
        "EvseStatusRecord": [
            {"EvseID": ident, "EvseStatus": rng.choice(states)} for ident in _evse_ids(rng, rng.randint(0, 5))
        ],
    }
    maybe(rng, inner, "OperatorName", lambda: text(rng, 100))
    return {"ActionType": rng.choice(("fullLoad", "update", "insert", "delete")), "OperatorEvseStatus": inner}


# --- charge detail records and notifications -------------------------------------------------------------------------


def _kwh(rng: Random, most: int = 900) -> Decimal:
    return Decimal(rng.randint(0, most * 1000)) / 1000


def charge_detail_record(rng: Random) -> Json:
    """A record of a remote session."""
    start = when(rng)
    steps = [timedelta(seconds=rng.randint(1, 4000)) for _ in range(3)]
    moments = [start, start + steps[0], start + steps[0] + steps[1], start + steps[0] + steps[1] + steps[2]]
    names = ("SessionStart", "ChargingStart", "ChargingEnd", "SessionEnd")
    found: Json = dict(zip(names, (m.isoformat() for m in moments), strict=True))
    begin, consumed = _kwh(rng, 90_000), _kwh(rng)
    found |= {
        "SessionID": session_id(rng), "EvseID": evse_id(rng), "Identification": remote(rng), "ConsumedEnergy": consumed,
    }  # fmt: skip
    partner_ids(rng, found)
    maybe(rng, found, "PartnerProductID", lambda: product(rng))
    maybe(rng, found, "HubOperatorID", lambda: OPERATOR)
    maybe(rng, found, "HubProviderID", lambda: rng.choice((PROVIDER, "DEDCB", "DE*DCB")))
    if rng.random() < 0.7:
        found |= {"MeterValueStart": begin, "MeterValueEnd": begin + consumed}
        maybe(rng, found, "MeterValueInBetween", lambda: {"meterValues": [begin, begin + consumed]})
    if rng.random() < 0.3:
        found |= _signed(rng)
    return found


def _signed(rng: Random) -> Json:
    states = ["Start", *["Progress"] * rng.randint(0, 8), "End"]
    values = [{"SignedMeteringValue": _chars(rng, rng.randint(1, 300)), "MeteringStatus": s} for s in states]
    info: Json = {"PublicKey": _chars(rng, rng.randint(1, 1000))}
    maybe(rng, info, "CalibrationLawCertificateID", lambda: text(rng, 100))
    maybe(rng, info, "MeteringSignatureUrl", lambda: "https://sig.example/" + _chars(rng, 50))
    maybe(rng, info, "MeteringSignatureEncodingFormat", lambda: rng.choice(("EDL40", "ALFEN", "ISA-EDL")))
    maybe(rng, info, "SignedMeteringValuesVerificationInstruction", lambda: text(rng, 400))
    maybe(rng, info, "MeteringCheck", lambda: rng.choice(("Passed", "Failed", "Not Apply")))
    return {"SignedMeteringValues": values, "CalibrationLawVerificationInfo": info}


def _notification(rng: Random, kind: str) -> Json:
    found: Json = {"Type": kind, "SessionID": session_id(rng), "EvseID": evse_id(rng), "OperatorID": OPERATOR}
    partner_ids(rng, found)
    maybe(rng, found, "Identification", lambda: remote(rng))
    if kind != "Error":
        maybe(rng, found, "PartnerProductID", lambda: product(rng))
    return found


def notification_start(rng: Random) -> Json:
    """Charging has begun."""
    start = when(rng)
    found = _notification(rng, "Start") | {"ChargingStart": start.isoformat()}
    maybe(rng, found, "SessionStart", lambda: (start - timedelta(seconds=5)).isoformat())
    maybe(rng, found, "MeterValueStart", lambda: _kwh(rng, 9000))
    return found


def notification_progress(rng: Random) -> Json:
    """Charging goes on."""
    start, seconds = when(rng), rng.randint(0, 40_000)
    found = _notification(rng, "Progress") | {
        "ChargingStart": start.isoformat(), "EventOccurred": (start + timedelta(seconds=seconds)).isoformat(),
    }  # fmt: skip
    which = rng.randint(1, 3)
    if which & 1:
        found["ChargingDuration"] = seconds * 1000
    if which & 2:
        found["ConsumedEnergyProgress"] = _kwh(rng)
    maybe(rng, found, "MeterValueStart", lambda: _kwh(rng, 9000))
    maybe(rng, found, "MeterValueInBetween", lambda: {"meterValues": [_kwh(rng)]})
    return found


def notification_end(rng: Random) -> Json:
    """No more energy flows."""
    start = when(rng)
    end = start + timedelta(seconds=rng.randint(0, 40_000))
    begin, consumed = _kwh(rng, 9000), _kwh(rng)
    found = _notification(rng, "End") | {"ChargingEnd": end.isoformat()}
    maybe(rng, found, "ChargingStart", lambda: start.isoformat())
    maybe(rng, found, "SessionEnd", lambda: (end + timedelta(seconds=9)).isoformat())
    maybe(rng, found, "PenaltyTimeStart", lambda: (end + timedelta(minutes=15)).isoformat())
    maybe(rng, found, "ConsumedEnergy", lambda: consumed)
    maybe(rng, found, "MeterValueStart", lambda: begin)
    maybe(rng, found, "MeterValueEnd", lambda: begin + consumed)
    return found


def notification_error(rng: Random) -> Json:
    """Something broke."""
    found = _notification(rng, "Error") | {"ErrorType": rng.choice(("ConnectorError", "CriticalError"))}
    maybe(rng, found, "ErrorAdditionalInfo", lambda: text(rng, 250))
    return found


# --- authorization, reservation --------------------------------------------------------------------------------------


def remote_start(rng: Random) -> Json:
    """The hub asks to start."""
    found: Json = {
        "SessionID": session_id(rng), "ProviderID": PROVIDER, "EvseID": evse_id(rng), "Identification": remote(rng),
    }  # fmt: skip
    maybe(rng, found, "PartnerProductID", lambda: product(rng))
    return partner_ids(rng, found)


def remote_stop(rng: Random) -> Json:
    """The hub asks to stop."""
    return partner_ids(rng, {"SessionID": session_id(rng), "ProviderID": PROVIDER, "EvseID": evse_id(rng)})


def reservation_start(rng: Random) -> Json:
    """The hub asks to reserve."""
    found: Json = {"ProviderID": PROVIDER, "EvseID": evse_id(rng), "Identification": remote(rng)}
    maybe(rng, found, "SessionID", lambda: session_id(rng))
    maybe(rng, found, "Duration", lambda: rng.randint(1, 99))
    return partner_ids(rng, found)


def authorize_start(rng: Random) -> Json:
    """A driver asks to charge."""
    found: Json = {"OperatorID": OPERATOR, "EvseID": evse_id(rng), "Identification": local(rng)}
    maybe(rng, found, "PartnerProductID", lambda: product(rng))
    return partner_ids(rng, found)


def authorize_stop(rng: Random) -> Json:
    """A driver asks to stop."""
    found: Json = {"SessionID": session_id(rng), "OperatorID": OPERATOR, "Identification": local(rng)}
    maybe(rng, found, "EvseID", lambda: evse_id(rng))
    return partner_ids(rng, found)


def _status_code(rng: Random, code: str) -> Json:
    found: Json = {"Code": code}
    maybe(rng, found, "Description", lambda: TEXTS[code])
    maybe(rng, found, "AdditionalInfo", lambda: text(rng, 1000))
    return found


def acknowledgement(rng: Random) -> Json:
    """An answer of a CPO."""
    code = rng.choice(("000", *sorted(set(TEXTS) - HUB_ONLY)))
    found: Json = {"Result": code == "000", "StatusCode": _status_code(rng, code)}
    maybe(rng, found, "SessionID", lambda: session_id(rng))
    return partner_ids(rng, found)


def authorization_start(rng: Random) -> Json:
    """An answer of the hub to AuthorizeStart."""
    if rng.random() < 0.4:
        return {"AuthorizationStatus": "NotAuthorized", "StatusCode": _status_code(rng, "210"), "SessionID": None}
    found: Json = {
        "AuthorizationStatus": "Authorized", "StatusCode": _status_code(rng, "000"), "SessionID": session_id(rng),
        "ProviderID": PROVIDER,
    }  # fmt: skip
    maybe(rng, found, "AuthorizationStopIdentifications", lambda: [local(rng) for _ in range(rng.randint(0, 3))])
    return found


def authorization_stop(rng: Random) -> Json:
    """An answer of the hub to AuthorizeStop."""
    return {"AuthorizationStatus": "Authorized", "StatusCode": _status_code(rng, "000"), "SessionID": session_id(rng)}


# --- prices ----------------------------------------------------------------------------------------------------------


def _priced(rng: Random, ident: str) -> Json:
    all_day, fixed = rng.random() < 0.4, rng.random() < 0.3
    times = [{"on": rng.choice(DAYS), "Periods": [{"begin": "09:00", "end": "18:00"}]}]
    found: Json = {
        "ProductID": ident, "ReferenceUnit": rng.choice(("HOUR", "KILOWATT_HOUR", "MINUTE")),
        "ProductPriceCurrency": rng.choice(("EUR", "CHF", "SEK")), "PricePerReferenceUnit": 0 if fixed else _kwh(rng, 2),
        "MaximumProductChargingPower": rng.randint(1, 350), "IsValid24hours": all_day, "ProductAvailabilityTimes": times,
    }  # fmt: skip
    fee = "FIXED FEE" if fixed else rng.choice(("START FEE", "PARKING FEE", "MINIMUM FEE", "MAXIMUM FEE"))
    extra = [{"AdditionalReference": fee, "AdditionalReferenceUnit": "HOUR", "PricePerAdditionalReferenceUnit": 2}]
    maybe(rng, found, "AdditionalReferences", lambda: extra)
    return found


def push_pricing_products(rng: Random) -> Json:
    """Products with their prices."""
    idents = [f"P{number}-{_chars(rng, 5)}" for number in range(rng.randint(0, 3))]
    inner: Json = {
        "OperatorID": OPERATOR, "ProviderID": rng.choice(("*", PROVIDER)), "PricingDefaultPrice": _kwh(rng, 2),
        "PricingDefaultPriceCurrency": "EUR", "PricingDefaultReferenceUnit": "KILOWATT_HOUR",
        "PricingProductDataRecords": [_priced(rng, ident) for ident in idents],
    }  # fmt: skip
    maybe(rng, inner, "OperatorName", lambda: text(rng, 100))
    return {"ActionType": rng.choice(("fullLoad", "update", "insert", "delete")), "PricingProductData": inner}


def push_evse_pricing(rng: Random) -> Json:
    """Which EVSE offers which product."""
    entries = [
        {"EvseID": ident, "ProviderID": rng.choice(("*", PROVIDER)), "EvseIDProductList": [text(rng, 50)]}
        for ident in _evse_ids(rng, rng.randint(1, 3))
    ]
    return {"ActionType": rng.choice(("fullLoad", "update")), "EVSEPricing": entries}


# --- of EMPs ---------------------------------------------------------------------------------------------------------


def _pull_data(rng: Random) -> Json:
    found: Json = {"ProviderID": PROVIDER, "GeoCoordinatesResponseFormat": rng.choice(("Google", "DecimalDegree"))}
    if rng.random() < 0.5:
        found["LastCall"] = when(rng).isoformat()
    else:
        maybe(rng, found, "OperatorIds", lambda: [OPERATOR])
        maybe(rng, found, "CountryCodes", lambda: ["DEU", "AUT"])
        maybe(rng, found, "SearchCenter", lambda: {"GeoCoordinates": _geo(rng), "Radius": 5})
    maybe(rng, found, "RenewableEnergy", lambda: True)
    return found


def _authentication_data(rng: Random) -> Json:
    pin = {"Value": "$2y$10$" + _chars(rng, 53), "Function": "Bcrypt"}
    media = [
        {"RFIDMifareFamilyIdentification": {"UID": uid(rng)}},
        {"QRCodeIdentification": {"EvcoID": evco_id(rng), "HashedPIN": pin}},
    ]
    inner = {"ProviderID": PROVIDER, "AuthenticationDataRecord": [{"Identification": m} for m in media]}
    return {"ActionType": "fullLoad", "ProviderAuthenticationData": inner}


def _cdr_pull(rng: Random) -> Json:
    start = when(rng)
    found: Json = {"ProviderID": PROVIDER, "From": start.isoformat(), "To": (start + timedelta(days=9)).isoformat()}
    maybe(rng, found, "SessionID", lambda: [session_id(rng)])
    maybe(rng, found, "OperatorID", lambda: rng.choice((OPERATOR, [OPERATOR])))
    maybe(rng, found, "CDRForwarded", lambda: True)
    return found


KINDS: dict[str, Kind] = {
    "PushEvseData": Kind("PushEvseData", push_evse_data),
    "PushEvseStatus": Kind("PushEvseStatus", push_evse_status),
    "ChargeDetailRecord": Kind("ChargeDetailRecord", charge_detail_record),
    "AuthorizeRemoteStart": Kind("AuthorizeRemoteStart", remote_start),
    "AuthorizeRemoteStop": Kind("AuthorizeRemoteStop", remote_stop),
    "AuthorizeRemoteReservationStart": Kind("AuthorizeRemoteReservationStart", reservation_start),
    "AuthorizeRemoteReservationStop": Kind("AuthorizeRemoteReservationStop", remote_stop),
    "AuthorizeStart": Kind("AuthorizeStart", authorize_start),
    "AuthorizeStop": Kind("AuthorizeStop", authorize_stop),
    "Acknowledgement": Kind("AuthorizeRemoteStart", acknowledgement, answer=True),
    "AuthorizationStart": Kind("AuthorizeStart", authorization_start, answer=True),
    "AuthorizationStop": Kind("AuthorizeStop", authorization_stop, answer=True),
    "ChargingNotificationStart": Kind("ChargingNotifications", notification_start),
    "ChargingNotificationProgress": Kind("ChargingNotifications", notification_progress),
    "ChargingNotificationEnd": Kind("ChargingNotifications", notification_end),
    "ChargingNotificationError": Kind("ChargingNotifications", notification_error),
    "PushPricingProductData": Kind("PushPricingProductData", push_pricing_products),
    "PushEVSEPricing": Kind("PushEVSEPricing", push_evse_pricing),
    "PullEvseData": Kind("PullEvseData", _pull_data),
    "PullEvseStatus": Kind("PullEvseStatus", lambda rng: {"ProviderID": PROVIDER, "EVSEStatus": "Available"}),
    "PullEvseStatusByID": Kind("PullEvseStatusByID", lambda rng: {"ProviderID": PROVIDER, "EvseID": _evse_ids(rng, 9)}),
    "PullEvseStatusByOperatorID": Kind(
        "PullEvseStatusByOperatorID", lambda rng: {"ProviderID": PROVIDER, "OperatorID": [OPERATOR]}
    ),
    "GetChargeDetailRecords": Kind("GetChargeDetailRecords", _cdr_pull),
    "PushAuthenticationData": Kind("PushAuthenticationData", _authentication_data),
    "PullPricingProductData": Kind("PullPricingProductData", lambda rng: {"OperatorIDs": [OPERATOR]}),
    "PullEVSEPricing": Kind("PullEVSEPricing", lambda rng: {"ProviderID": PROVIDER, "OperatorIDs": [OPERATOR]}),
}
"""All kinds of messages by name."""


def valid(kind: str, rng: Random) -> Json:
    """A valid message of a kind of `KINDS`."""
    return KINDS[kind].make(rng)


def messages(kind: str) -> st.SearchStrategy[Json]:
    """Hypothesis strategy of valid messages of a kind."""
    return st.randoms(use_true_random=False).map(lambda rng: valid(kind, rng))
