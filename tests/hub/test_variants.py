"""Deliberate deviations of the hub's requests."""

import pytest

from fake_hubject.variants import _lower_evco
from oicp.ids import is_evco_id


@pytest.mark.parametrize(
    "evco_id", ["DE-DCB-CMVCS75UC-R", "DEDCBCMVCS75UCR", "DE*DCB*123456*X", "DE-DCB-123456-7", "DEDCB123456X"]
)
def test_an_evco_id_in_lower_case_stays_one(evco_id: str) -> None:
    """A CPO must take it, so it has to fit the pattern."""
    assert is_evco_id(_lower_evco(evco_id))
    assert _lower_evco(evco_id).lower() == evco_id.lower()
