"""The published examples: what deviates is found, and nothing else."""

from collections import Counter

import pytest

from oicp import wire_json
from oicp.messages import validate
from tests.oicp.shared import spec_file

FIVE_REMOTE, FIVE_LOCAL = {"CDR-010": 1}, {"AUTH-002": 1}
HASH, TEXT, PRODUCT, CARD = {"HUB-057": 1}, {"ACK-005": 1}, {"CDR-035": 1}, {"ID-008": 1}
SESSION, FOREIGN = {"SESS-002": 1}, {"PUSH-010": 1}
NO_RESULT = {"ACK-001": 1}


def _z(times: int) -> dict[str, int]:
    return {"TIME-002": times, "TIME-004": times}


_CDR = FIVE_REMOTE | _z(4) | {"CDR-014": 1, "CDR-039": 1, "CDR-049": 1} | PRODUCT
_STOP = FIVE_LOCAL | {"AUTH-003": 1, "AUTH-004": 1, "AUTH-006": 1}
_NOTATIONS = {"EVSE-017": 1, "EVSE-018": 1, "EVSE-019": 2, "EVSE-020": 2}

# File without `eRoaming` and `.json`: findings by requirement. Files that are not listed have none.
FINDINGS: dict[str, dict[str, int]] = {
    "AuthorizeRemoteReservationStart.request.openapi-cpo": FIVE_REMOTE,
    "AuthorizeRemoteReservationStart.request.spec-cpo": FIVE_REMOTE | HASH | SESSION,
    "AuthorizeRemoteStart.request.guide": {"RSTART-001": 1},
    "AuthorizeRemoteStart.request.openapi-cpo": FIVE_REMOTE | PRODUCT,
    "AuthorizeRemoteStart.request.spec-cpo": FIVE_REMOTE | HASH | SESSION | PRODUCT,
    "AuthorizeRemoteStart.response.spec-cpo": TEXT,
    "AuthorizeRemoteStop.request.guide": {"ID-001": 1},
    "AuthorizeRemoteStop.response.spec-cpo": TEXT,
    "AuthorizeStart.request.openapi-cpo": _STOP | PRODUCT,
    "AuthorizeStart.request.spec-cpo": _STOP | PRODUCT | CARD | HASH,
    "AuthorizeStart.response.openapi-cpo": FIVE_LOCAL | TEXT,
    "AuthorizeStart.response.spec-cpo": FIVE_LOCAL | HASH | TEXT,
    "AuthorizeStart.response.spec-emp": FIVE_LOCAL | HASH | TEXT | CARD,
    "AuthorizeStop.request.openapi-cpo": _STOP | {"AUTH-011": 1},
    "AuthorizeStop.request.spec-cpo": _STOP | {"AUTH-011": 1} | CARD | HASH,
    "AuthorizeStop.request.spec-emp": _STOP | CARD | HASH,
    "AuthorizeStop.response.observed-400": TEXT | {"HUB-056": 1},
    "AuthorizeStop.response.spec-cpo": TEXT,
    "AuthorizeStop.response.spec-emp": {"HTTP-005": 1},
    "ChargeDetailRecord.request.guide": {"HTTP-006": 4, "CDR-014": 1, "CDR-035": 1},
    "ChargeDetailRecord.request.openapi-cpo": _CDR,
    "ChargeDetailRecord.request.spec-cpo": _CDR | HASH | SESSION | {"ID-004": 1},
    "ChargeDetailRecord.response.guide": TEXT,
    "ChargeDetailRecord.response.observed-400-closed": TEXT | NO_RESULT,
    "ChargingNotificationEnd.request.spec-cpo": _z(5) | {"NOTIF-014": 1} | PRODUCT,
    "ChargingNotificationEnd.request.spec-emp": _z(5) | {"NOTIF-016": 1} | PRODUCT,
    "ChargingNotificationError.request.spec-emp": {"NOTIF-017": 1},
    "ChargingNotificationError.response.observed-001": TEXT | NO_RESULT,
    "ChargingNotificationProgress.request.spec-cpo": _z(3) | {"NOTIF-010": 1} | PRODUCT,
    "ChargingNotificationStart.request.spec-cpo": _z(2) | PRODUCT,
    "GetChargeDetailRecords.request.openapi-emp": _z(2),
    "GetChargeDetailRecords.request.spec-emp": _z(2) | SESSION,
    "GetChargeDetailRecords.response.observed-range-400": {"HTTP-005": 1, "HUB-044": 8, "HUB-054": 1},
    "GetChargeDetailRecords.response.openapi-emp": _CDR | TEXT | {"HUB-044": 2},
    "GetChargeDetailRecords.response.spec-emp": _CDR | HASH | SESSION | {"HUB-044": 1},
    "PullEVSEPricing.request.spec-emp": _z(1),
    "PullEVSEPricing.response.spec-emp": TEXT,
    "PullEvseData.request.openapi-emp": _z(1) | {"EVSE-017": 1, "HUB-047": 1},
    "PullEvseData.request.spec-emp": _z(1) | _NOTATIONS | {"HUB-047": 1},
    "PullEvseData.response.spec-emp": _z(1) | TEXT | {"EVSE-005": 1, "EVSE-028": 1, "EVSE-030": 1, "EVSE-032": 1, "HUB-045": 1},
    "PullEvseStatus.request.openapi-emp": {"EVSE-017": 1, "HUB-050": 1},
    "PullEvseStatus.request.spec-emp": _NOTATIONS | {"HUB-050": 1},
    "PullEvseStatus.response.spec-emp": TEXT,
    "PullEvseStatusByID.response.spec-emp": TEXT,
    "PullEvseStatusByOperatorID.response.spec-emp": TEXT,
    "PullPricingProductData.request.spec-emp": _z(1),
    "PullPricingProductData.response.observed-210": TEXT | {"HUB-061": 1},
    "PullPricingProductData.response.spec-emp": TEXT | {"HTTP-005": 4, "HUB-061": 1},
    "PushAuthenticationData.request.openapi-emp": {"HTTP-005": 4},
    "PushAuthenticationData.request.spec-emp": FIVE_LOCAL | CARD | HASH,
    "PushAuthenticationData.response.spec-emp": SESSION | TEXT,
    "PushEVSEPricing.response.spec-cpo": SESSION,
    "PushEvseData.request.spec-cpo": FOREIGN | {"EVSE-005": 1, "EVSE-028": 1, "EVSE-030": 1, "EVSE-032": 1, "EVSE-053": 2},
    "PushEvseData.response.observed-017": NO_RESULT,
    "PushEvseData.response.observed-018-duplicate": TEXT,
    "PushEvseData.response.observed-300": NO_RESULT,
    "PushEvseData.response.observed-validation-400": NO_RESULT | {"ACK-002": 1, "HTTP-005": 3},
    "PushEvseData.response.spec-cpo": SESSION | TEXT,
    "PushEvseStatus.request.spec-cpo": FOREIGN,
    "PushEvseStatus.response.observed-001-wrong-path": TEXT | NO_RESULT,
    "PushEvseStatus.response.observed-603": TEXT,
    "PushEvseStatus.response.spec-cpo": SESSION | TEXT,
    "PushPricingProductData.response.spec-cpo": SESSION,
}  # fmt: skip


def test_published_examples_have_just_their_deviations() -> None:
    """Every published example has exactly the findings that are written down for it, most of them none or few."""
    folder = spec_file("examples")
    wrong: dict[str, tuple[dict[str, int], dict[str, int]]] = {}
    names = {path.name.removeprefix("eRoaming").removesuffix(".json") for path in folder.glob("*.json")}
    for name in sorted(names):
        operation, side, _ = name.split(".", 2)
        if operation.startswith("ChargingNotification"):
            operation = "ChargingNotifications"
        value = wire_json.parse((folder / f"eRoaming{name}.json").read_bytes()).value
        found = Counter(f.requirement for f in validate(operation, value, answer=side == "response"))
        if found != FINDINGS.get(name, {}):
            wrong[name] = (dict(found), FINDINGS.get(name, {}))
    assert wrong == {}
    assert set(FINDINGS) <= names


@pytest.mark.parametrize(
    "name",
    ["AuthorizeRemoteStart.request", "PushEvseData.request", "PushEvseStatus.request", "ChargeDetailRecord.request"],
)
def test_reference_examples_are_clean_with_a_known_partner(name: str) -> None:
    """The reference messages have no finding either when operator and path are known."""
    value = wire_json.parse(spec_file(f"examples/eRoaming{name}.reference.json").read_bytes()).value
    assert validate(name.split(".", maxsplit=1)[0], value, operators=["DE*ABC"], path_id="DE*ABC") == []
