"""Generated messages: valid ones have no fault, and one changed place has the faults of that place and no others."""

import copy
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oicp.messages import model_of, validate
from oicp.wire_json import dump, parse_text
from tests.oicp.generators import KINDS, messages, valid
from tests.oicp.shared import count

_settings = settings(
    max_examples=count(20), derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip

# Members per kind: name (anywhere in the message) -> (missing, wrong) requirement; "" where leaving out is fine.
_SESSION = {"SessionID": "SESS-002", "EvseID": "ID-001"}
_PLACES: dict[str, dict[str, tuple[str, str]]] = {
    "PushEvseData": {
        "ActionType": ("EVSE-001", "PUSH-001"), "OperatorName": ("EVSE-002", "HTTP-006"), "EvseID": ("EVSE-003", "ID-001"),
        "ChargingStationNames": ("EVSE-006", "EVSE-006"), "Address": ("EVSE-003", "EVSE-003"),
        "Country": ("EVSE-010", "EVSE-010"), "City": ("EVSE-011", "HTTP-006"), "Street": ("EVSE-012", "HTTP-006"),
        "PostalCode": ("EVSE-013", "EVSE-013"), "HouseNum": ("EVSE-014", "EVSE-014"), "Floor": ("", "HTTP-006"),
        "TimeZone": ("", "EVSE-016"), "GeoCoordinates": ("EVSE-017", "EVSE-017"), "Plugs": ("EVSE-023", "EVSE-023"),
        "ChargingFacilities": ("EVSE-024", "EVSE-024"), "PowerType": ("EVSE-024", "EVSE-025"),
        "Power": ("EVSE-024", "HTTP-006"), "Voltage": ("", "HTTP-006"), "ChargingModes": ("", "EVSE-031"),
        "RenewableEnergy": ("EVSE-003", "HTTP-006"), "CalibrationLawDataAvailability": ("EVSE-035", "EVSE-035"),
        "AuthenticationModes": ("EVSE-036", "EVSE-036"), "PaymentOptions": ("EVSE-038", "EVSE-038"),
        "ValueAddedServices": ("EVSE-040", "EVSE-040"), "Accessibility": ("EVSE-042", "EVSE-042"),
        "HotlinePhoneNumber": ("EVSE-044", "EVSE-044"), "IsHubjectCompatible": ("EVSE-003", "HTTP-006"),
        "DynamicInfoAvailable": ("EVSE-051", "EVSE-051"), "ChargingPoolID": ("", "EVSE-004"),
        "AccessibilityLocation": ("", "EVSE-043"), "lang": ("EVSE-007", "EVSE-008"),
    },
    "PushEvseStatus": {"ActionType": ("STAT-001", "PUSH-001"), "EvseID": ("STAT-002", "ID-001"), "EvseStatus": ("STAT-002", "STAT-002")},
    "ChargeDetailRecord": {
        "SessionID": ("CDR-007", "SESS-002"), "EvseID": ("CDR-007", "ID-001"), "Identification": ("CDR-007", "CDR-010"),
        "ChargingStart": ("CDR-007", "TIME-001"), "ChargingEnd": ("CDR-007", "TIME-001"), "EvcoID": ("HTTP-007", "ID-004"),
        "SessionStart": ("CDR-007", "TIME-001"), "SessionEnd": ("CDR-007", "TIME-001"),
        "ConsumedEnergy": ("CDR-007", "HTTP-006"), "CPOPartnerSessionID": ("", "HTTP-006"), "HubOperatorID": ("", "CDR-038"),
        "MeteringStatus": ("", "CDR-044"),
    },
    "Acknowledgement": {"Result": ("ACK-001", "ACK-001"), "StatusCode": ("ACK-002", "ACK-002"), "Code": ("ACK-002", "ACK-002"), "SessionID": ("", "SESS-002")},
    "AuthorizeStart": {"OperatorID": ("AUTH-001", "ID-002"), "Identification": ("AUTH-001", "AUTH-001"), "UID": ("HTTP-007", "ID-008")},
    "AuthorizeStop": {"SessionID": ("AUTH-011", "SESS-002"), "OperatorID": ("AUTH-011", "ID-002"), "Identification": ("AUTH-011", "AUTH-011")},
    "ChargingNotificationStart": {"SessionID": ("NOTIF-002", "SESS-002"), "EvseID": ("NOTIF-003", "ID-001"), "OperatorID": ("NOTIF-004", "ID-002"), "ChargingStart": ("NOTIF-006", "TIME-001")},
    "ChargingNotificationProgress": {"ChargingStart": ("NOTIF-008", "TIME-001"), "EventOccurred": ("NOTIF-008", "TIME-001")},
    "ChargingNotificationEnd": {"ChargingEnd": ("NOTIF-013", "TIME-001"), "SessionEnd": ("", "TIME-001")},
    "ChargingNotificationError": {"ErrorType": ("NOTIF-017", "NOTIF-017")},
    "PushPricingProductData": {
        "ProviderID": ("PRICE-001", "PRICE-002"), "PricingDefaultPrice": ("PRICE-001", "HTTP-006"),
        "PricingDefaultPriceCurrency": ("PRICE-001", "PRICE-006"), "ProductID": ("PRICE-003", "HTTP-006"),
        "ProductPriceCurrency": ("PRICE-003", "PRICE-006"), "PricePerReferenceUnit": ("PRICE-003", "HTTP-006"),
    },
    "PushEVSEPricing": {"EvseID": ("PRICE-011", "ID-001"), "ProviderID": ("PRICE-011", "PRICE-002"), "EvseIDProductList": ("PRICE-011", "PRICE-011")},
}  # fmt: skip
_WRONG_WAYS = ("missing", "null", "wrong")


def _found(kind: str, message: Any) -> list[tuple[str, str, str]]:
    chosen = KINDS[kind]
    return [
        (f.requirement, str(f.effective_grade), f.pointer)
        for f in validate(chosen.operation, message, answer=chosen.answer)
    ]


def _places(value: Any, name: str, pointer: str = "") -> Iterator[tuple[Any, str]]:
    """Objects that have a member of this name (not null), with the pointer of the member."""
    if isinstance(value, dict):
        if value.get(name) is not None:
            yield value, f"{pointer}/{name}"
        for key, inner in value.items():
            yield from _places(inner, name, f"{pointer}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _places(inner, name, f"{pointer}/{index}")


@pytest.mark.parametrize("kind", KINDS)
def test_valid_messages_have_no_fault(kind: str) -> None:
    """No generated valid message has a fault of any grade, as sent and after a trip over the wire."""

    @_settings
    @given(messages(kind))
    def check(message: Any) -> None:
        assert _found(kind, message) == []
        assert _found(kind, parse_text(dump(message)).value) == []

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_models_read_and_write_without_loss(kind: str) -> None:
    """A model reads every valid message and writes the same members and digits, nulls left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if v is not None}
        return [plain(v) for v in value] if isinstance(value, list) else value

    for seed in range(count(20)):
        message = valid(kind, Random(seed))
        model = model_of(KINDS[kind].operation, message, answer=KINDS[kind].answer)
        assert model is not None
        assert model.model_validate(message | {"Future": 1}).to_wire() == plain(message) | {"Future": 1}


_ANY_TEXT = ("HTTP-006", "EVSE-013", "EVSE-014")
"""Reported for members in which any text would do."""


def _other(value: Any, *, numbers: bool) -> Any:
    """A value of the wrong kind; where any text fits, a number."""
    return 7 if numbers and isinstance(value, str) else "?"


@pytest.mark.parametrize("kind", _PLACES)
def test_one_broken_place_is_found_alone(kind: str) -> None:
    """Leaving out, null and a value of the wrong kind are errors of that member, and no other error appears."""

    @_settings
    @given(messages(kind), st.sampled_from(sorted(_PLACES[kind])), st.sampled_from(_WRONG_WAYS), st.randoms())
    def check(message: Any, name: str, way: str, rng: Random) -> None:
        broken = copy.deepcopy(message)
        places = list(_places(broken, name))
        if not places:
            return
        parent, pointer = rng.choice(places)
        missing, wrong = _PLACES[kind][name]
        if way == "missing":
            del parent[name]
        elif way == "null":
            parent[name] = None
        else:
            parent[name] = _other(parent[name], numbers=wrong in _ANY_TEXT)
        expected = missing if way in ("missing", "null") else wrong
        errors = {
            (r, p) for r, grade, p in _found(kind, broken) if grade == "error" and r not in _CONSEQUENCES.get(name, ())
        }
        assert errors == ({(expected, pointer)} if expected else set())

    check()


# What a change may break besides: the operator the EVSE belongs to.
_CONSEQUENCES: dict[str, tuple[str, ...]] = {"OperatorID": ("AUTH-006",)}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_member_is_information(kind: str) -> None:
    """A member nobody knows is noted at its place and nothing else is."""
    for seed in range(count(20)):
        message = valid(kind, Random(seed))
        assert _found(kind, message | {"Zzyzx": [1, {"a": None}]}) == [("HTTP-005", "info", "/Zzyzx")]


_DEEP: Any = 7
for _ in range(400):
    _DEEP = [_DEEP]
_EXTREMES = [Decimal("1E+999999999"), Decimal("-1E-999999999"), Decimal("0E-999999"), 10**4000, _DEEP, "\ud800", "\x00"]
_SCALARS = [None, True, False, 0, -1, 10**20, Decimal("1.5"), "", "x", "é\x00", "2025-01-15T10:00:12+01:00", *_EXTREMES]


def _anything(rng: Random, depth: int = 0) -> Any:
    """Any JSON value, a few levels deep."""
    draw = rng.random() if depth < 3 else 0.0
    if draw < 0.6:
        return rng.choice(_SCALARS)
    if draw < 0.8:
        return [_anything(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return {rng.choice(("a", "EvseID", "on", "~/", "")): _anything(rng, depth + 1) for _ in range(rng.randint(0, 3))}


def _replace_somewhere(value: Any, rng: Random, other: Any) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        return value | {key: _replace_somewhere(value[key], rng, other)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], _replace_somewhere(value[at], rng, other), *value[at + 1 :]]
    return other


@pytest.mark.parametrize("kind", KINDS)
def test_no_json_makes_the_reader_fail(kind: str) -> None:
    """Whatever JSON stands at whatever place, it is read to the end, and every fault points into the message."""

    @_settings
    @given(messages(kind), st.randoms())
    def check(message: Any, rng: Random) -> None:
        broken = _replace_somewhere(message, rng, _anything(rng))
        for requirement, _, pointer in _found(kind, broken):
            assert requirement
            assert pointer == "" or pointer.startswith("/")

    check()
