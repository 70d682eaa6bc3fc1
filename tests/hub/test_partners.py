"""Whose EVSE is it: by the id of the operator, in every spelling."""

import pytest

from fake_hubject.partners import Partner, Partners


@pytest.mark.parametrize(
    ("operator", "evse_id", "own"),
    [
        ("DE*ABC", "DE*ABC*E1*1", True), ("DE*ABC", "deabce11", True), ("DE*ABC", "DE*XYZ*E1*1", False),
        ("DEABC", "DE*ABC*E1*1", True), ("+49*810", "+49*810*1001*1", True), ("+49*810", "+498101001", True),
        ("+49*810", "+49*811*1001*1", False), ("+49*810", "DE*ABC*E1*1", False),
    ],
)  # fmt: skip
def test_owner_of_an_evse(operator: str, evse_id: str, own: bool) -> None:
    """ISO and DIN operators own the EVSEs whose ids begin with theirs."""
    partners = Partners()
    partner = partners.add(Partner(operator, "cpo", "ABC"))
    assert partners.owns(partner, evse_id) is own
    assert partners.owns_all(partner, [evse_id]) is own
