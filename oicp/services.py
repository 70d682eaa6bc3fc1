"""The operations of OICP 2.3: path, service version, who sends, how often per minute.

Source: specification, OpenAPI; limits: Acceptable Use Policy v1.0. All operations are POST with a JSON body.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

PREFIX = "/api/oicp"
START, STOP = "AuthorizeRemoteStart", "AuthorizeRemoteStop"
RESERVE, RELEASE = "AuthorizeRemoteReservationStart", "AuthorizeRemoteReservationStop"
"""Names of the operations the hub asks an EVSE by."""


class Direction(StrEnum):
    """Who calls whom."""

    CPO_TO_HUB = "cpo_to_hub"
    HUB_TO_CPO = "hub_to_cpo"
    EMP_TO_HUB = "emp_to_hub"
    HUB_TO_EMP = "hub_to_emp"


CPO_TO_HUB, HUB_TO_CPO = Direction.CPO_TO_HUB, Direction.HUB_TO_CPO
EMP_TO_HUB, HUB_TO_EMP = Direction.EMP_TO_HUB, Direction.HUB_TO_EMP


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `name` drops `eRoaming` and the version; `path` follows `/api/oicp`.

    `answer` names the message class of the answer; `per_minute` is the limit per partner, None where none is published.
    """

    name: str
    path: str
    directions: tuple[Direction, ...]
    answer: str
    per_minute: int | None
    profile: str = "remote-only"

    @property
    def wire_name(self) -> str:
        """The name in Hubject's documents."""
        return "eRoaming" + self.name

    @property
    def pattern(self) -> re.Pattern[str]:
        """Matches the path (percent-decoded, without `/api/oicp`); groups `operator` or `provider`."""
        return _PATTERNS[self.name]

    def url_path(self, partner_id: str = "") -> str:
        """Full path with `/api/oicp`; the asterisk of an id stays as it is."""
        return PREFIX + re.sub(r"\{(operatorID|providerID)\}", lambda _: partner_id, self.path)


def _op(
    name: str, path: str, directions: tuple[Direction, ...], answer: str, limit: int | None, profile: str
) -> Operation:
    return Operation(name, path, directions, answer, limit, profile)


_REMOTE, _UP, _DOWN = "remote-only", (CPO_TO_HUB,), (EMP_TO_HUB, HUB_TO_CPO)
_UP_ON = (CPO_TO_HUB, HUB_TO_EMP)
_PULL = (EMP_TO_HUB,)
_CHARGING, _PRICING = "/charging/v21", "/dynamicpricing/v10"

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _op("PushEvseData", "/evsepush/v23/operators/{operatorID}/data-records", _UP, "Acknowledgement", 375, _REMOTE),
        _op("PushEvseStatus", "/evsepush/v21/operators/{operatorID}/status-records", _UP, "Acknowledgement", 2000, _REMOTE),
        _op("ChargeDetailRecord", "/cdrmgmt/v22/operators/{operatorID}/charge-detail-record", _UP_ON, "Acknowledgement", 350, _REMOTE),
        _op("AuthorizeRemoteStart", _CHARGING + "/providers/{providerID}/authorize-remote/start", _DOWN, "Acknowledgement", 100, _REMOTE),
        _op("AuthorizeRemoteStop", _CHARGING + "/providers/{providerID}/authorize-remote/stop", _DOWN, "Acknowledgement", 200, _REMOTE),
        _op("AuthorizeStart", _CHARGING + "/operators/{operatorID}/authorize/start", _UP_ON, "AuthorizationStart", 200, "full"),
        _op("AuthorizeStop", _CHARGING + "/operators/{operatorID}/authorize/stop", _UP_ON, "AuthorizationStop", 50, "full"),
        _op("ChargingNotifications", "/notificationmgmt/v11/charging-notifications", _UP_ON, "Acknowledgement", 100, "notifications"),
        _op("AuthorizeRemoteReservationStart", "/reservation/v11/providers/{providerID}/reservation-start-request", _DOWN, "Acknowledgement", None, "reservation"),
        _op("AuthorizeRemoteReservationStop", "/reservation/v11/providers/{providerID}/reservation-stop-request", _DOWN, "Acknowledgement", None, "reservation"),
        _op("PushPricingProductData", _PRICING + "/operators/{operatorID}/pricing-products", _UP, "Acknowledgement", 6, "pricing"),
        _op("PushEVSEPricing", _PRICING + "/operators/{operatorID}/evse-pricing", _UP, "Acknowledgement", 6, "pricing"),
        _op("PullEvseData", "/evsepull/v23/providers/{providerID}/data-records", _PULL, "EvseData", 100, "full"),
        _op("PullEvseStatus", "/evsepull/v21/providers/{providerID}/status-records", _PULL, "EvseStatus", 6, "full"),
        _op("PullEvseStatusByID", "/evsepull/v21/providers/{providerID}/status-records-by-id", _PULL, "EvseStatusById", 300, "full"),
        _op("PullEvseStatusByOperatorID", "/evsepull/v21/providers/{providerID}/status-records-by-operator-id", _PULL, "EvseStatusByOperatorId", 75, "full"),
        _op("GetChargeDetailRecords", "/cdrmgmt/v22/providers/{providerID}/get-charge-detail-records-request", _PULL, "ChargeDetailRecords", 200, "full"),
        _op("PushAuthenticationData", "/authdata/v21/providers/{providerID}/push-request", _PULL, "Acknowledgement", 50, "full"),
        _op("PullAuthenticationData", "/authdata/v21/operators/{operatorID}/pull-request", _UP, "AuthenticationData", 6, "full"),
        _op("PullPricingProductData", _PRICING + "/providers/{providerID}/pricing-products", _PULL, "PricingProductData", 300, "pricing"),
        _op("PullEVSEPricing", _PRICING + "/providers/{providerID}/evse-pricing", _PULL, "EVSEPricing", 280, "pricing"),
    )
}  # fmt: skip


def _compiled(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"\{operatorID\}", r"(?P<operator>[^/]+)")
    return re.compile(text.replace(r"\{providerID\}", r"(?P<provider>[^/]+)") + r"/?\Z")


_PATTERNS = {name: _compiled(operation.path) for name, operation in OPERATIONS.items()}


def operation_of(path: str) -> tuple[Operation, str] | None:
    """Operation and partner id of a percent-decoded path behind `/api/oicp`; the id is empty where the path has none."""
    for operation in OPERATIONS.values():
        match = operation.pattern.match(path)
        if match:
            groups = match.groupdict()
            return operation, groups.get("operator") or groups.get("provider") or ""
    return None


SHORT_NAMES = {
    "AuthorizeRemoteStart": "authorize-remote/start",
    "AuthorizeRemoteStop": "authorize-remote/stop",
    "AuthorizeRemoteReservationStart": "reservation-start-request",
    "AuthorizeRemoteReservationStop": "reservation-stop-request",
}
"""Calls from the hub to the CPO, as `[cpo.paths]` names them."""
