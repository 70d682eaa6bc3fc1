"""Sites nobody has built: stations with addresses, plugs and power for a fleet, the same for the same seed."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from faker import Faker

from oicp.ids import is_evse_id, is_operator_id
from simulator.countries import BY_DIALLING, COUNTRIES, Country, Place

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a station can do: plugs, and the facility as OICP describes it."""

    plugs: tuple[str, ...]
    facility: dict[str, Any]


_CCS, _TYPE_2 = "CCS Combo 2 Plug (Cable Attached)", "Type 2 Outlet"

KINDS = (
    Kind((_TYPE_2,), {"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 32, "Power": 22, "ChargingModes": ["Mode_3"]}),
    Kind((_TYPE_2,), {"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 16, "Power": 11, "ChargingModes": ["Mode_3"]}),
    Kind(
        ("Type 2 Connector (Cable Attached)",),
        {"PowerType": "AC_3_PHASE", "Voltage": 230, "Amperage": 63, "Power": 43, "ChargingModes": ["Mode_3"]},
    ),
    Kind((_CCS,), {"PowerType": "DC", "Voltage": 920, "Amperage": 54, "Power": 50, "ChargingModes": ["Mode_4"]}),
    Kind((_CCS,), {"PowerType": "DC", "Power": 150, "ChargingModes": ["Mode_4"]}),
    Kind((_CCS,), {"PowerType": "DC", "Power": 300, "ChargingModes": ["Mode_4"]}),
)  # fmt: skip

_MAKERS = ("Blitz Ladetechnik", "Polder Power", "Voltamonte", "Nordkabel", "Elektra & Fils")
_PLACES_OF_ACCESS = ("OnStreet", "ParkingLot", "ParkingGarage", "UndergroundParkingGarage")


@dataclass(frozen=True, slots=True)
class Profile:
    """What all stations of a fleet have: card readers or not, calibration law (Local, External, Not Available), reservation."""

    rfid_readers: bool = False
    calibration_law: str | None = None
    reservation: bool = False
    dynamic_pricing: bool = False


def generate_fleet(
    operator_id: str, operator_name: str, *, charge_points: int = 4, evses_per_charge_point: int = 1, seed: int = 7,
    ocpp_version: str = "1.6", rfid_readers: bool = False, calibration_law: str | None = None,
    reservation: bool = False, dynamic_pricing: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A fleet as the fleet file has it, in the operator's country.

    `operator_id` in ISO or DIN form. Raises ValueError for one that is neither or in a country
    the table lacks, and for a size below 1.
    """
    if not is_operator_id(operator_id):
        raise ValueError(f"operator_id {operator_id!r}: not an OperatorID; write it like DE*ABC or +49*810")
    for name, value in (("charge_points", charge_points), ("evses_per_charge_point", evses_per_charge_point)):
        if value < 1:
            raise ValueError(f"{name} = {value}: at least 1 is needed")
    profile = Profile(rfid_readers, calibration_law, reservation, dynamic_pricing)
    sites = Sites(operator_id, seed, profile)
    return {
        "operator_id": operator_id,
        "operator_name": operator_name,
        "charge_points": [
            sites.charge_point(number, evses_per_charge_point, ocpp_version)
            for number in range(1001, 1001 + charge_points)
        ],
    }


def country_for(operator_id: str) -> Country:
    """The country of an operator, by its ISO code or its dialling code. Raises ValueError if the table lacks it."""
    iso = operator_id[:2].isalpha()
    key = operator_id[:2].upper() if iso else operator_id.lstrip("+").split("*")[0]
    found = (COUNTRIES if iso else BY_DIALLING).get(key)
    if found is None:
        raise ValueError(
            f"operator_id {operator_id!r}: no sites can be made up in that country; bring a fleet file of your own, or take "
            f"an operator of {', '.join(sorted(COUNTRIES))}"
        )
    return found


def evse_id_for(operator_id: str, charge_point: int, evse: int) -> str:
    """An EvseID in the notation of the operator id: with asterisks, without, or DIN."""
    operator = operator_id.upper()
    if not operator[:2].isalpha():
        made = f"{operator}*{charge_point}*{evse}"
    elif "*" in operator:
        made = f"{operator}*E{charge_point}*{evse}"
    else:
        made = f"{operator}E{charge_point}{evse:02d}"
    if not is_evse_id(made):
        raise ValueError(f"{made!r} would be no EvseID; fewer charge points or EVSEs are needed")
    return made


@lru_cache(maxsize=32)
def _faker(locale: str) -> Faker:
    return Faker(locale)


class Sites:
    """Makes stations, one after another, all random choices from one seed."""

    def __init__(self, operator_id: str, seed: int, profile: Profile) -> None:
        self._operator_id = operator_id
        self._profile = profile
        self._country = country_for(operator_id)
        self._rng = random.Random(f"{operator_id}/{seed}")
        self._faker = _faker(self._country.locale)
        self._faker.seed_instance(self._rng.randrange(2**32))
        self._hotline = f"+{self._country.dialling}{self._rng.randrange(200_000_000, 999_999_999)}"

    def charge_point(self, number: int, evses: int, ocpp_version: str) -> dict[str, Any]:
        """One entry of `charge_points`; all its EVSEs stand at one place and are of one kind."""
        place = self._rng.choice(self._country.places)
        shared = self._site(number, place)
        kind = KINDS[(number - 1001) % len(KINDS)]
        return {
            "id": f"CP-{number}",
            "ocpp_version": ocpp_version,
            "evses": [
                {
                    "evse_id": (evse_id := evse_id_for(self._operator_id, number, connector)),
                    "connector_id": connector,
                    "data_record": self._record(evse_id, shared, kind, connector),
                }
                for connector in range(1, evses + 1)
            ],
        }

    def _site(self, number: int, place: Place) -> Record:
        country, rng = self._country, self._rng
        street = self._faker.street_name()[:90]
        names = [{"lang": "en", "value": f"Charging station {street}"}]
        if country.language != "en":
            names.append({"lang": country.language, "value": f"{country.station} {street}"})
        site: Record = {
            "ChargingStationId": f"CP-{number}",
            "ChargingStationNames": names,
            "HardwareManufacturer": rng.choice(_MAKERS),
            "Address": self._address(place, street),
            "GeoCoordinates": self._coordinates(place),
            "HotlinePhoneNumber": self._hotline,
            "AccessibilityLocation": rng.choice(_PLACES_OF_ACCESS),
            **self._opening(number),
            **self._energy(number),
        }
        if "*" in self._operator_id and self._operator_id[:2].isalpha():
            site["ChargingPoolID"] = f"{self._operator_id.upper()}*P{number}"
        return site

    def _address(self, place: Place, street: str) -> Record:
        return {
            "Country": self._country.alpha_3, "City": place.city, "Street": street,
            "PostalCode": place.postal_code, "HouseNum": str(self._rng.randrange(1, 190)), "Region": place.region,
            "ParkingFacility": self._rng.random() < 0.5, "TimeZone": self._country.time_zone,
        }  # fmt: skip

    def _coordinates(self, place: Place) -> Record:
        latitude = place.latitude + self._rng.uniform(-0.01, 0.01)
        longitude = place.longitude + self._rng.uniform(-0.01, 0.01)
        if self._rng.random() < 0.3:
            return {"DecimalDegree": {"Latitude": f"{latitude:.6f}", "Longitude": f"{longitude:.6f}"}}
        return {"Google": {"Coordinates": f"{latitude:.6f} {longitude:.6f}"}}

    def _opening(self, number: int) -> Record:
        # Every fourth station is behind a gate, so that a fleet of the default size shows both.
        if number % 4:
            return {"IsOpen24Hours": True}
        return {
            "IsOpen24Hours": False,
            "OpeningTimes": [
                {"on": "Workdays", "Period": [{"begin": "06:00", "end": "12:30"}, {"begin": "13:00", "end": "22:00"}]},
                {"on": "Weekend", "Period": [{"begin": "08:00", "end": "20:00"}]},
            ],
        }

    def _energy(self, number: int) -> Record:
        if number % 3 == 0:
            return {"RenewableEnergy": False}
        solar = self._rng.randrange(20, 80)
        return {
            "RenewableEnergy": True,
            "EnergySource": [
                {"Energy": "Solar", "Percentage": solar}, {"Energy": "Wind", "Percentage": 100 - solar},
            ],
        }  # fmt: skip

    def _record(self, evse_id: str, shared: Record, kind: Kind, connector: int) -> Record:
        country = self._country
        default_law = "Local" if country.alpha_2 == "DE" else "Not Available"
        notes = [{"lang": "en", "value": f"Start by app, no card reader; socket {connector}"}]
        if country.language != "en":
            notes.append({"lang": country.language, "value": country.note})
        record: Record = {
            "EvseID": evse_id, **shared, "Plugs": list(kind.plugs), "DynamicPowerLevel": False,
            "ChargingFacilities": [dict(kind.facility)],
            "CalibrationLawDataAvailability": self._profile.calibration_law or default_law,
            "AuthenticationModes": [*(["NFC RFID Classic"] if self._profile.rfid_readers else []), "REMOTE"],
            "PaymentOptions": ["Contract"], "ValueAddedServices": self._services(),
            "Accessibility": "Free publicly accessible", "IsHubjectCompatible": True, "DynamicInfoAvailable": "true",
        }  # fmt: skip
        if not self._profile.rfid_readers:
            record["AdditionalInfo"] = notes
        return record

    def _services(self) -> list[str]:
        offered = []
        if self._profile.reservation:
            offered.append("Reservation")
        if self._profile.dynamic_pricing:
            offered.append("DynamicPricing")
        return offered or ["None"]
