"""Data records that are wrong in one member: what exports, hand-kept tables and old code make of station data."""

import copy

from cpo.application import Application
from oicp.wire_json import Json
from tests.broken_cpos.changes import MARKED, drop, in_record, put, rename, turn
from tests.broken_cpos.variant import Change, Variant

PUSH = "PushEvseData"
ONLY = "evse_data.full_load_of_data_on_request"
_BAD_RECORD = {
    "EVSE-057": "the hub refuses the record, so the EVSE is never published",
    "PUSH-010": "the operator part of the id is wrong as well",
    "EVSE-026": "the same member",
    "EVSE-017": "the same member",
    "EVSE-006": "the same member",
    "EVSE-023": "the same member",
    "PUSH-013": "a record that cannot be repaired is left out",
}


def _record(name: str, sentence: str, requirement: str, *changes: Change, grade: str = "error") -> Variant:
    return Variant(
        f"data-{name}", sentence, (requirement,), grade, _BAD_RECORD, ONLY, requests={PUSH: in_record(*changes)}
    )


def _message(name: str, sentence: str, requirement: str, change: Change, **more: object) -> Variant:
    values = {"collateral": _BAD_RECORD, "only": ONLY, "requests": {PUSH: change}} | more
    return Variant(f"data-{name}", sentence, (requirement,), **values)  # type: ignore[arg-type]


def _envelope(member: str) -> str:
    return f"/OperatorEvseData/{member}"


def _out_of_the_envelope(message: dict[str, Json]) -> None:
    message["EvseDataRecord"] = message["OperatorEvseData"].pop("EvseDataRecord")


def _twice(message: dict[str, Json]) -> None:
    records = message["OperatorEvseData"]["EvseDataRecord"]
    records.extend(copy.deepcopy([r for r in records if MARKED in r["EvseID"]]))


def _one_id_for_two(message: dict[str, Json]) -> None:
    """The second socket of a station is published under the id of the first one."""
    for record in message["OperatorEvseData"]["EvseDataRecord"]:
        if "1002*1" in record["EvseID"]:
            record["EvseID"] = record["EvseID"].replace("1002*1", MARKED)


def _takes_one_away(application: Application) -> None:
    next(evse for evse in application.fleet.evses() if MARKED in evse.evse_id).decommissioned = True


_FACILITY, _ADDRESS, _GEO = "/ChargingFacilities/0", "/Address", "/GeoCoordinates"
_AC = {"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 32, "Power": 22, "ChargingModes": ["Mode_3"]}
_BERLIN = "52.480495 13.356465"


def _facility(**members: object) -> Change:
    return put("/ChargingFacilities", [_AC | members])


VARIANTS = (
    _message("outside-the-envelope", "EvseDataRecord stands at top level, beside OperatorEvseData", "EVSE-001", _out_of_the_envelope),
    _message("without-operator-name", "OperatorName is left out, as OICP 2.2 allowed", "EVSE-002", drop(_envelope("OperatorName"))),
    _message("long-operator-name", "The legal name with all its shareholders as OperatorName", "EVSE-002", put(_envelope("OperatorName"), "Municipal utilities " * 7)),
    _message("empty-operator-name", "OperatorName is empty", "EVSE-002", put(_envelope("OperatorName"), ""), grade="warning"),
    _message("action-capital", "ActionType FullLoad instead of fullLoad", "PUSH-001", put("/ActionType", "FullLoad")),
    _message("action-upsert", "ActionType upsert, which the database knows and OICP does not", "PUSH-001", put("/ActionType", "upsert")),
    _message("evse-twice", "A join over the plugs gives one EVSE twice in a push", "PUSH-009", _twice),
    _message("operator-with-hyphen", "OperatorID with a hyphen, as a ProviderID is written", "ID-002", put(_envelope("OperatorID"), "DE-ABC")),
    _message("other-operator-in-the-body", "OperatorID of the parent company in the body, its own in the path", "HTTP-009", put(_envelope("OperatorID"), "DE*XYZ")),
    Variant("data-one-evse-missing", "One EVSE never appears in a push: its site has no owner in the database", ("EVSE-057",), only=ONLY, tune=_takes_one_away,
            collateral={"PUSH-004": "the fullLoad is not complete without it"}),
    _message("one-id-for-two", "Two sockets are published under one EvseID, one push each time", "PUSH-009", _one_id_for_two,
             collateral=_BAD_RECORD | {"ID-010": "the same EvseID stands for two sockets", "PUSH-004": "the second socket is in no fullLoad", "PUSH-007": "the second one comes as an insert"}),
    # ids
    _record("evse-id-without-e", "EvseID without the E of an ISO id", "ID-001", turn("/EvseID", lambda v: v.replace("*E", "*"))),
    _record("evse-id-lower-case", "EvseID in lower case", "ID-001", turn("/EvseID", str.lower), grade="warning"),
    _record("evse-id-of-no-country", "EvseID with a country code that does not exist", "ID-009", turn("/EvseID", lambda v: "XX" + v[2:])),
    _record("foreign-evse", "The EVSE of a neighbour is published as well", "PUSH-010", turn("/EvseID", lambda v: v.replace("ABC", "XYZ"))),
    _record("wrong-country", "A station in Austria under a German EvseID", "PUSH-012", put(_ADDRESS, {"Country": "AUT", "City": "Wien", "Street": "Kärntner Ring", "PostalCode": "1010", "HouseNum": "4"}), put(_GEO, {"Google": {"Coordinates": "48.203000 16.369000"}}), grade="warning"),
    _record("pool-name", "The name of the site as ChargingPoolID", "EVSE-004", put("/ChargingPoolID", "Pool 7")),
    _record("long-station-id", "A concatenated ChargingStationId of 60 characters", "EVSE-005", put("/ChargingStationId", "station-" * 8)),
    _record("hub-operator", "HubOperatorID is the name of the hub operator", "EVSE-049", put("/HubOperatorID", "ABC")),
    # what must be there
    _record("without-renewable-energy", "RenewableEnergy is left out, as OICP 2.2 allowed", "EVSE-003", drop("/RenewableEnergy")),
    _record("without-address", "The address is looked up elsewhere and left out", "EVSE-003", drop("/Address")),
    _record("address-null", "GeoCoordinates is null where the survey is not done", "HTTP-007", put("/GeoCoordinates", None)),
    _record("plugs-empty", "Plugs is an empty list", "HTTP-008", put("/Plugs", [])),
    _record("names-empty", "ChargingStationNames is an empty list", "HTTP-008", put("/ChargingStationNames", [])),
    _record("name-as-text", "ChargingStationNames is a text", "EVSE-006", put("/ChargingStationNames", "Town hall")),
    _record("name-in-the-old-member", "ChargingStationName of OICP 2.2 beside the new member", "EVSE-055", put("/ChargingStationName", "Town hall"), grade="warning"),
    _record("misspelled-time-zone", "Timezone instead of TimeZone", "HTTP-005", rename("/Address/TimeZone", "Timezone")),
    _record("boolean-as-text", "IsOpen24Hours is the text true", "HTTP-006", put("/IsOpen24Hours", "true")),
    _record("long-name", "A station name of 180 characters", "EVSE-007", put("/ChargingStationNames/0/value", "Town hall " * 18)),
    _record("name-without-language", "A name without lang", "EVSE-007", drop("/ChargingStationNames/0/lang")),
    _record("language-upper-case", "lang EN", "EVSE-008", put("/ChargingStationNames/0/lang", "EN")),
    _record("language-with-underscore", "lang de_DE, as the framework calls it", "EVSE-008", put("/ChargingStationNames/0/lang", "de_DE")),
    _record("long-image-url", "A signed image URL of 350 characters", "EVSE-009", put("/ChargingStationImage", "https://img.example.com/" + "a" * 330)),
    _record("long-manufacturer", "HardwareManufacturer with address and register number", "EVSE-009", put("/HardwareManufacturer", "Polder Power B.V., Rotterdam, KvK 12345678, The Netherlands")),
    _record("fraction-of-capacity", "MaxCapacity 62.5", "EVSE-009", put("/MaxCapacity", 62.5)),
    # the place
    _record("country-alpha-2", "Country DE instead of DEU", "EVSE-010", put(_ADDRESS + "/Country", "DE")),
    _record("city-empty", "City is empty", "EVSE-011", put(_ADDRESS + "/City", "")),
    _record("street-of-one-letter", "Street A", "EVSE-012", put(_ADDRESS + "/Street", "A")),
    _record("postal-code-number", "PostalCode is a number", "EVSE-013", put(_ADDRESS + "/PostalCode", 10829)),
    _record("without-house-number", "HouseNum is left out, as OICP 2.2 allowed", "EVSE-014", drop(_ADDRESS + "/HouseNum")),
    _record("long-house-number", "HouseNum holds the floor as well", "EVSE-014", put(_ADDRESS + "/HouseNum", "22, 3rd floor")),
    _record("floor-in-words", "Floor is second floor", "EVSE-015", put(_ADDRESS + "/Floor", "second floor")),
    _record("parking-facility-as-text", "ParkingFacility is yes", "HTTP-006", put(_ADDRESS + "/ParkingFacility", "yes")),
    _record("time-zone-name", "TimeZone Europe/Berlin", "EVSE-016", put(_ADDRESS + "/TimeZone", "Europe/Berlin")),
    _record("no-notation", "GeoCoordinates without any of the three notations", "EVSE-017", put(_GEO, {})),
    _record("two-notations", "Google and DecimalDegree at once", "EVSE-017", put(_GEO, {"Google": {"Coordinates": _BERLIN}, "DecimalDegree": {"Latitude": "52.480495", "Longitude": "13.356465"}}), grade="warning"),
    _record("coordinates-cut", "Coordinates 52 13: a float that had no decimals", "EVSE-018", put(_GEO, {"Google": {"Coordinates": "52 13"}})),
    _record("coordinates-as-numbers", "Latitude and Longitude are numbers", "EVSE-019", put(_GEO, {"DecimalDegree": {"Latitude": 52.480495, "Longitude": 13.356465}})),
    _record("coordinates-with-many-digits", "Fourteen decimals in DecimalDegree", "EVSE-019", put(_GEO, {"DecimalDegree": {"Latitude": "52.48049510001234", "Longitude": "13.35646510001234"}})),
    _record("degrees-with-a-quote", "Seconds marked by one double quote", "EVSE-020", put(_GEO, {"DegreeMinuteSeconds": {"Latitude": "52°28'49.782\"", "Longitude": "13°21'23.274\""}})),
    _record("coordinates-swapped", "Longitude before latitude", "EVSE-021", put(_GEO, {"Google": {"Coordinates": "7.862089 48.001559"}}), grade="warning"),
    _record("entrance-without-notation", "GeoChargingPointEntrance is an empty object", "EVSE-022", put("/GeoChargingPointEntrance", {})),
    # the outlet
    _record("plug-of-another-protocol", "Plug IEC_62196_T2, as OCPI calls it", "EVSE-023", put("/Plugs", ["IEC_62196_T2"])),
    _record("plug-unspecified", "Plug Unspecified, which OICP 2.2 knew", "EVSE-054", put("/Plugs", ["Unspecified"])),
    _record("facility-without-power", "A facility without Power", "EVSE-024", drop(_FACILITY + "/Power")),
    _record("power-type-ac", "PowerType AC", "EVSE-025", put(_FACILITY + "/PowerType", "AC")),
    _record("power-negative", "Power -1 for unknown", "EVSE-026", put(_FACILITY + "/Power", -1)),
    _record("power-in-watts", "Power in W", "EVSE-027", put(_FACILITY + "/Power", 22000)),
    _record("voltage-with-decimals", "Voltage 230.5, the measured one", "EVSE-028", put(_FACILITY + "/Voltage", 230.5)),
    _record("voltage-400", "The voltage between the lines", "EVSE-028", _facility(Voltage=400), grade="warning"),
    _record("amperage-with-decimals", "Amperage 32.5", "EVSE-029", put(_FACILITY + "/Amperage", 32.5)),
    _record("power-of-another-outlet", "22 kW at 16 A", "EVSE-030", _facility(Amperage=16), grade="warning"),
    _record("mode-without-underscore", "ChargingModes Mode3", "EVSE-031", put(_FACILITY + "/ChargingModes", ["Mode3"])),
    _record("mode-4-at-ac", "Mode_4 with Type 2", "EVSE-032", _facility(ChargingModes=["Mode_4"]), grade="warning"),
    _record("green-with-coal", "RenewableEnergy true with a share of coal", "EVSE-033", put("/RenewableEnergy", True), put("/EnergySource", [{"Energy": "Solar", "Percentage": 70}, {"Energy": "Coal", "Percentage": 30}])),
    _record("energy-hydro", "Energy Hydro", "EVSE-034", put("/EnergySource", [{"Energy": "Hydro", "Percentage": 99}])),
    _record("law-without-blank", "CalibrationLawDataAvailability NotAvailable", "EVSE-035", put("/CalibrationLawDataAvailability", "NotAvailable")),
    _record("mode-remote-in-lower-case", "AuthenticationModes Remote", "EVSE-036", put("/AuthenticationModes", ["Remote"])),
    _record("reader-that-is-not-there", "NFC RFID Classic without a reader, and no REMOTE", "EVSE-037", put("/AuthenticationModes", ["NFC RFID Classic"]), grade="warning"),
    _record("payment-by-card", "PaymentOptions Credit Card", "EVSE-038", put("/PaymentOptions", ["Credit Card"])),
    _record("no-payment-and-contract", "No Payment beside Contract", "EVSE-039", put("/PaymentOptions", ["No Payment", "Contract"])),
    _record("service-unknown", "ValueAddedServices Coffee", "EVSE-040", put("/ValueAddedServices", ["Coffee"])),
    _record("accessibility-in-lower-case", "Accessibility Free Publicly Accessible", "EVSE-042", put("/Accessibility", "Free Publicly Accessible")),
    _record("parking-lot-in-words", "AccessibilityLocation Parking lot", "EVSE-043", put("/AccessibilityLocation", "Parking lot")),
    _record("hotline-with-blanks", "HotlinePhoneNumber as people write it", "EVSE-044", put("/HotlinePhoneNumber", "+49 30 123456")),
    _record("closed-without-times", "IsOpen24Hours false without OpeningTimes", "EVSE-045", put("/IsOpen24Hours", False), drop("/OpeningTimes")),
    _record("always-open-with-times", "IsOpen24Hours true with OpeningTimes", "EVSE-046", put("/IsOpen24Hours", True), put("/OpeningTimes", [{"on": "Everyday", "Period": [{"begin": "08:00", "end": "20:00"}]}]), grade="warning"),
    _record("opening-on-an-unknown-day", "OpeningTimes on Mon", "EVSE-047", put("/IsOpen24Hours", False), put("/OpeningTimes", [{"on": "Mon", "Period": [{"begin": "08:00", "end": "20:00"}]}])),
    _record("opening-at-no-time", "An opening time of 25:70", "EVSE-048", put("/IsOpen24Hours", False), put("/OpeningTimes", [{"on": "Everyday", "Period": [{"begin": "08:00", "end": "25:70"}]}]), grade="warning"),
    _record("dynamic-yes", "DynamicInfoAvailable yes", "EVSE-051", put("/DynamicInfoAvailable", "yes")),
    _record("dynamic-boolean", "DynamicInfoAvailable as a boolean", "EVSE-051", put("/DynamicInfoAvailable", True), grade="warning"),
    _record("delta-type", "deltaType is sent, as in the published example", "EVSE-053", put("/deltaType", "insert"), put("/lastUpdate", "2026-01-01T00:00:00Z"), grade="warning"),
    _record("of-another-outlet", "A CCS outlet of 50 kW is published for a Type 2 one of 22 kW", "EVSE-056", put("/Plugs", ["CCS Combo 2 Plug (Cable Attached)"]), put("/ChargingFacilities", [{"PowerType": "DC", "Power": 50, "ChargingModes": ["Mode_4"]}]), grade="warning"),
    _record("german-first", "AdditionalInfo begins in the language of the place", "EVSE-058", turn("/AdditionalInfo", lambda v: v[::-1]), grade="warning"),
    Variant(
        "data-not-open-for-roaming", "Every EVSE is published with IsHubjectCompatible false", ("EVSE-050",),
        only="authorization.start_on_a_disabled_evse", requests={PUSH: put("/OperatorEvseData/EvseDataRecord/*/IsHubjectCompatible", False)},
        collateral={"EVSE-057": "nothing is published for roaming"},
    ),
    Variant(
        "data-static-with-status", "DynamicInfoAvailable false, and the status is pushed all the same", ("EVSE-052",), "warning",
        only=ONLY, requests={PUSH: in_record(put("/DynamicInfoAvailable", "false"))},
    ),
    Variant(
        "data-spelled-otherwise", "The data push spells EvseIDs without separators, the status push with them", ("ID-005",), "warning",
        only=ONLY, requests={PUSH: turn("/OperatorEvseData/EvseDataRecord/*/EvseID", lambda v: v.replace("*", ""))},
    ),
)  # fmt: skip
