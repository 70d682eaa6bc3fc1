"""Ids in ISO and DIN form, their parts, and the check digit of a contract id."""

import pytest

from oicp import ids
from oicp.iso import ALPHA_3, BOXES, CURRENCIES


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (ids.is_evse_id, ["DE*ABC*E1", "DEABCE1", "+49*810*000*438", "49*810*1", "DE*ABC*E" + "A" * 30],
         ["DE*ABC*1", "de*abc*e1", "DE*ABC*E", "DE*ABC*E1\n", "DE*ABC*E" + "A" * 31, "DE*ABC*EÄ", "", "+4९*810*1", None]),
        (ids.is_operator_id, ["DE*ABC", "DEABC", "dea12", "+49*810", "49*810"], ["DE-ABC", "DE*ABCD", "ABC", "+49810", "DE*ABC\n"]),
        (ids.is_provider_id, ["DE-DCB", "DEDCB", "DE*DCB", "de8ab"], ["DE|DCB", "DE*DCBX", "DE--DCB", "DE DCB"]),
        (ids.is_evco_id, ["DE-DCB-C12345678-X", "DEDCBC12345678X", "DE*DCB*123456*7", "DE-DCB-123456-X", "DEDCB1234567"],
         ["DE-DCB-12345", "DE|DCB|123456|7", "DE-DCB-C1234567-X", "DE*DCB*123456*x", "DE-DCB-C12345678-|"]),
        (ids.is_session_id, ["b2688855-7f00-0002-6d8e-48d883f6abb6", "ZZZZZZZZ-zzzz-9999-AAAA-aaaaaaaaaaaa"], ["12345", "", "b2688855-7f00-0002-6d8e-48d883f6abb6\n"]),
        (ids.is_uid, ["1234ABCD", "044A2DAA856280", "0" * 20], ["12345ABCD", "AFFH1768", "1234abcd"]),
    ],
)  # fmt: skip
def test_patterns(check: object, good: list[object], bad: list[object]) -> None:
    """Each pattern takes what the specification takes, ASCII digits only, and nothing behind it."""
    assert callable(check)
    assert [text for text in good if not check(text)] == []
    assert [text for text in bad if check(text)] == []


@pytest.mark.parametrize(
    ("evse_id", "operator"),
    [
        ("DE*ABC*E1", "DE*ABC"),
        ("DEABCE1", "DEABC"),
        ("de*abc*e1", "de*abc"),
        ("+49*810*0*1", "+49*810"),
        ("nonsense", None),
    ],
)
def test_operator_of_an_evse(evse_id: str, operator: str | None) -> None:
    """The operator part keeps the spelling of the id."""
    assert ids.operator_of_evse(evse_id) == operator


def test_operators_compare_without_signs() -> None:
    """Separators, plus sign and case do not make another operator."""
    assert ids.operator_key("+49*810") == ids.operator_key("49*810")
    assert ids.operator_key("de*abc") == ids.operator_key("DEABC")
    assert ids.operator_key("DE*ABC") != ids.operator_key("DE*ABD")


@pytest.mark.parametrize(
    ("contract", "digit"),
    [
        ("NN123ABCDEFGHI", "T"),
        ("FRXYZ123456789", "2"),
        ("IT-A1B-2C3E4F5G6", "4"),
        ("DE83DUIEN83QGZ", "D"),
        ("DE83DUIEN83ZGQ", "M"),
    ],
)
def test_check_digit(contract: str, digit: str) -> None:
    """The check digit is the one that ISO 15118 computes; it notices exchanged characters."""
    assert ids.evco_check_digit(contract) == digit


def test_check_digit_needs_fourteen_characters() -> None:
    """Anything else is refused with a message."""
    with pytest.raises(ValueError, match="14 letters and digits"):
        ids.evco_check_digit("DE-DCB-123456")


def test_country_of_an_id() -> None:
    """ISO ids have a country, DIN ids have none."""
    assert ids.country_of("de*abc") == "DE"
    assert ids.country_of("+49*810") is None


def test_tables_are_complete() -> None:
    """ISO 3166-1 has 249 entries; boxes are of known countries; usual currencies are there."""
    assert len(ALPHA_3) == len(set(ALPHA_3.values())) == 249
    assert set(BOXES) <= set(ALPHA_3.values())
    assert {"EUR", "CHF", "GBP", "SEK"} <= CURRENCIES
