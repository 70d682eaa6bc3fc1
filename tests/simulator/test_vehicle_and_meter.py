"""The car's battery and the EVSE's meter."""

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from simulator.meter import WH, EnergyUnit, Meter
from simulator.vehicle import Vehicle

AT = datetime(2026, 5, 4, 12, 0, 0, 250_000, UTC)


def test_power_falls_towards_the_end() -> None:
    """Below 80 % the car draws all it can, at the end a tenth of it, when full nothing."""
    car = Vehicle(capacity_wh=1000, level_wh=500, max_power_kw=10)
    assert car.power_w == 10_000
    car.level_wh = 900
    assert 5_000 < car.power_w < 6_000
    car.level_wh = 999.9
    assert 900 < car.power_w < 1_100
    car.level_wh = 1000
    assert car.power_w == 0 and car.full


@given(st.lists(st.floats(0, 30), max_size=20))
def test_takes_exactly_what_it_needs(stretches: list[float]) -> None:
    """However time is cut, the energy taken is the rise of the level and never more than needed."""
    car = Vehicle.needing(2.0, max_power_kw=500)
    taken = sum(car.take(seconds) for seconds in stretches)
    assert taken <= 2000 + 1e-6
    assert abs(car.level_wh - 10_000 - taken) < 1e-6


def test_signed_readings_can_be_verified() -> None:
    """A signed reading is an OCMF record whose signature fits the meter's public key and whose value is the register."""
    meter = Meter("M1", 1234.5, signs=True)
    signed = meter.reading(AT, 0, None, "Transaction.Begin", "DE-DCB-C12345678-X").signed
    assert signed is not None
    head, payload, seal = signed.split("|")
    assert head == "OCMF"
    key = load_der_public_key(base64.b64decode(meter.public_key_base64))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(bytes.fromhex(json.loads(seal)["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
    reading = json.loads(payload)["RD"][0]
    assert (reading["RV"], reading["RU"], reading["TX"]) == (1234, "Wh", "B")
    assert reading["TM"] == "2026-05-04T12:00:00,250+0000 S"


def test_only_begin_and_end_are_signed() -> None:
    """Samples in between carry no signature, and a plain meter never signs."""
    assert Meter("M1", signs=True).reading(AT, 0, 50, "Sample.Periodic", "X").signed is None
    assert Meter("M1").reading(AT, 0, 50, "Transaction.End", "X").signed is None


@pytest.mark.parametrize(
    ("unit", "alone", "multiplied"),
    [
        (WH, "1234567", "1234567"),
        (EnergyUnit("kWh"), "1234.567", "1234.567"),
        (EnergyUnit("Wh", 3), "1234567", "1234.567"),
        (EnergyUnit("kWh", -3), "1234.567", "1234567"),
    ],
)
def test_energy_in_other_units(unit: EnergyUnit, alone: str, multiplied: str) -> None:
    """No digit is lost; the multiplier counts only where OCPP can tell it."""
    assert unit.told(1_234_567, multiplied=False) == Decimal(alone)
    assert unit.told(1_234_567, multiplied=True) == Decimal(multiplied)
