"""No requirement of the hub is left without a test."""

import tests.hub.test_gate
import tests.hub.test_pushes
import tests.hub.test_services
import tests.hub.test_sessions
import tests.hub.test_tls  # noqa: F401
from oicp.catalogue import catalogue
from tests.hub.coverage import COVERED


def test_every_requirement_has_a_test() -> None:
    """Each of the 66 HUB entries is named by at least one test, and no test names one that does not exist."""
    wanted = {i for i in catalogue() if i.startswith("HUB-")}
    assert len(wanted) == 66
    assert set(COVERED) == wanted
