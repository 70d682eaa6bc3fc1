"""Generated sites and fleet files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from oicp.ids import is_evse_id, operator_of_evse
from oicp.messages import validate
from simulator.countries import COUNTRIES
from simulator.fleet_file import FleetFileError, load_fleet
from simulator.site_data import country_for, evse_id_for, generate_fleet

OPERATORS = [*(f"{code}*ABC" for code in COUNTRIES), "DEABC", "nl*xyz", "+49*810", "49*810", "+43*123"]
VARIANTS: tuple[dict[str, Any], ...] = (
    {}, {"rfid_readers": True}, {"calibration_law": "External"}, {"reservation": True, "dynamic_pricing": True},
)  # fmt: skip


def records(fleet: dict[str, Any]) -> list[dict[str, Any]]:
    """All EvseDataRecords of a fleet."""
    return [evse["data_record"] for station in fleet["charge_points"] for evse in station["evses"]]


@pytest.mark.parametrize("operator_id", OPERATORS)
def test_valid_for_oicp(operator_id: str) -> None:
    """A push of generated records gives no finding at all, whatever country, notation, seed and variant."""
    for seed, variant in enumerate(VARIANTS):
        fleet = generate_fleet(operator_id, "ABC", charge_points=12, evses_per_charge_point=2, seed=seed, **variant)
        body = {
            "ActionType": "fullLoad",
            "OperatorEvseData": {
                "OperatorID": operator_id, "OperatorName": "ABC", "EvseDataRecord": records(fleet),
            },
        }  # fmt: skip
        assert validate("PushEvseData", body) == []


@pytest.mark.parametrize("operator_id", OPERATORS)
def test_stations_stand_in_the_operators_country(operator_id: str) -> None:
    """Address, hotline and coordinates belong to the operator's country."""
    country = country_for(operator_id)
    for record in records(generate_fleet(operator_id, "ABC", charge_points=6)):
        assert record["Address"]["Country"] == country.alpha_3
        assert record["HotlinePhoneNumber"].startswith("+" + country.dialling)
        spots = record["GeoCoordinates"]
        google = spots["Google"]["Coordinates"].split() if "Google" in spots else None
        latitude, longitude = google or (spots["DecimalDegree"]["Latitude"], spots["DecimalDegree"]["Longitude"])
        place = next(p for p in country.places if p.city == record["Address"]["City"])
        assert abs(float(latitude) - place.latitude) < 0.02 and abs(float(longitude) - place.longitude) < 0.02
        assert record["Address"]["PostalCode"] == place.postal_code


def test_same_seed_same_fleet() -> None:
    """The seed decides everything; another seed gives another fleet."""
    assert generate_fleet("DE*ABC", "A", seed=3) == generate_fleet("DE*ABC", "A", seed=3)
    assert generate_fleet("DE*ABC", "A", seed=3) != generate_fleet("DE*ABC", "A", seed=4)


@pytest.mark.parametrize(
    ("operator_id", "evse_id"),
    [
        ("DE*ABC", "DE*ABC*E1001*1"), ("DEABC", "DEABCE100101"), ("+49*810", "+49*810*1001*1"),
        ("49*810", "49*810*1001*1"), ("nl*xyz", "NL*XYZ*E1001*1"),
    ],
)  # fmt: skip
def test_evse_ids_follow_the_operator_id(operator_id: str, evse_id: str) -> None:
    """EvseIDs are in the notation of the operator id and name that operator."""
    made = evse_id_for(operator_id, 1001, 1)
    assert made == evse_id
    assert is_evse_id(made)
    assert operator_of_evse(made) == operator_id.upper()


@pytest.mark.parametrize("operator_id", ["DE*ABC", "DEABC", "+49*810"])
def test_ids_are_unique_in_a_large_fleet(operator_id: str) -> None:
    """Thousands of EVSEs, none twice, all on their charge point's connectors 1 to n."""
    fleet = generate_fleet(operator_id, "A", charge_points=1500, evses_per_charge_point=3)
    evse_ids = [record["EvseID"] for record in records(fleet)]
    assert len(set(evse_ids)) == len(evse_ids) == 4500
    assert {tuple(e["connector_id"] for e in cp["evses"]) for cp in fleet["charge_points"]} == {(1, 2, 3)}


def test_no_reader_no_nfc() -> None:
    """Without readers the only way to start is remote; with them the card comes first."""
    assert {tuple(r["AuthenticationModes"]) for r in records(generate_fleet("DE*ABC", "A"))} == {("REMOTE",)}
    with_readers = records(generate_fleet("DE*ABC", "A", rfid_readers=True))
    assert {tuple(r["AuthenticationModes"]) for r in with_readers} == {("NFC RFID Classic", "REMOTE")}


def test_a_default_fleet_shows_both_ways_of_opening() -> None:
    """Four stations: some open all day, one with opening times."""
    hours = [record["IsOpen24Hours"] for record in records(generate_fleet("DE*ABC", "A"))]
    assert hours.count(False) == 1 and hours.count(True) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operator_id": "DE-ABC"}, "not an OperatorID"), ({"operator_id": "XX*ABC"}, "no sites"),
        ({"charge_points": 0}, "at least 1"), ({"evses_per_charge_point": 0}, "at least 1"),
    ],
)  # fmt: skip
def test_impossible_fleets(arguments: dict[str, Any], message: str) -> None:
    """What cannot be generated is an error that says why."""
    with pytest.raises(ValueError, match=message):
        generate_fleet(**{"operator_id": "DE*ABC", "operator_name": "A", **arguments})


def test_a_generated_fleet_can_be_loaded(tmp_path: Path) -> None:
    """What the generator makes is what the loader takes."""
    fleet = generate_fleet("DE*ABC", "A", evses_per_charge_point=2)
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(fleet), encoding="utf-8")
    assert load_fleet(path) == fleet


def test_left_out_parts_are_filled_in(tmp_path: Path) -> None:
    """Version, connector numbers and records may be left out."""
    path = tmp_path / "fleet.json"
    path.write_text(
        '{"operator_id": "DE*ABC", "operator_name": "A", "charge_points": [{"id": "X", "evses": ['
        '{"evse_id": "DE*ABC*E1"}, {"evse_id": "DE*ABC*E2"}]}]}'
    )
    station = load_fleet(path)["charge_points"][0]
    assert station["ocpp_version"] == "1.6"
    assert [evse["connector_id"] for evse in station["evses"]] == [1, 2]


BROKEN: dict[str, tuple[str, Any, str]] = {
    "operator id": ("/operator_id", "DE-ABC", "write an OperatorID"),
    "no name": ("/operator_name", "", "name of the operator"),
    "no charge points": ("/charge_points", [], "at least one charge point"),
    "id of a charge point": ("/charge_points/0/id", 7, "up to 48"),
    "version": ("/charge_points/0/ocpp_version", "1.5", "1.6, 2.0.1"),
    "no EVSE": ("/charge_points/0/evses", None, "at least one EVSE"),
    "EvseID": ("/charge_points/0/evses/0/evse_id", "E1", "write an EvseID"),
    "connector": ("/charge_points/0/evses/0/connector_id", 0, "from 1 on"),
    "record": ("/charge_points/0/evses/0/data_record", [], "EvseDataRecord object"),
    "EvseID of the record": ("/charge_points/0/evses/0/data_record/EvseID", "DE*ABC*E9", "as in evse_id"),
    "charge point twice": ("/charge_points/1/id", "CP-1001", "more than once"),
    "EvseID twice": ("/charge_points/1/evses/0/evse_id", "DE*ABC*E1001*1", "as in evse_id|more than once"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_faults_of_a_fleet_file(name: str, tmp_path: Path) -> None:
    """A fault is named with file, place, value and mend."""
    pointer, value, mend = BROKEN[name]
    fleet: Any = generate_fleet("DE*ABC", "A", charge_points=2)
    *way, last = pointer.strip("/").split("/")
    holder = fleet
    for part in way:
        holder = holder[int(part) if part.isdigit() else part]
    holder[last] = value
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(fleet), encoding="utf-8")
    with pytest.raises(FleetFileError, match=mend) as raised:
        load_fleet(path)
    assert str(path) in str(raised.value)
    assert re.search(r"/\w+", str(raised.value).replace(str(path), ""))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "not JSON"), (b"\xff{}", "not UTF-8"), (b"[]", "an object"), (None, "cannot be read")],
)
def test_files_that_are_none(content: bytes | None, message: str, tmp_path: Path) -> None:
    """A file that is missing or no JSON is one clear message."""
    path = tmp_path / "fleet.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FleetFileError, match=message):
        load_fleet(path)
