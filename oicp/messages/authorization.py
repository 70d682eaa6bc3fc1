"""Starting and stopping: by the hub (remote) and by the driver at the charge point (card, QR code, Plug & Charge)."""

from typing import Annotated, ClassVar

from pydantic import Field

from oicp.messages.acknowledgement import StatusCode
from oicp.messages.base import Across, Message, Strangers
from oicp.messages.common import belongs_to_operator, near_product, path_operator
from oicp.messages.faults import INFO, Path, Walk
from oicp.messages.identification import (
    EvseId,
    Identification,
    OneKind,
    OperatorId,
    PartnerSessionId,
    ProductId,
    ProviderId,
    SessionId,
)
from oicp.messages.law import Many, Needs, OneOf
from oicp.wire_json import Json


class AuthorizeRemoteStart(Message):
    """The hub asks to start charging."""

    across: ClassVar[tuple[Across, ...]] = (near_product,)

    session_id: Annotated[SessionId, Needs("RSTART-001")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: Annotated[ProviderId, Needs("RSTART-001")] = Field(alias="ProviderID")
    evse_id: Annotated[EvseId, Needs("RSTART-001")] = Field(alias="EvseID")
    identification: Annotated[Identification, OneKind("CDR-010", "RSTART-001"), Needs("RSTART-001")] = Field(
        alias="Identification"
    )
    partner_product_id: ProductId | None = Field(None, alias="PartnerProductID")


class AuthorizeRemoteStop(Message):
    """The hub asks to stop charging."""

    session_id: Annotated[SessionId, Needs("RSTOP-001")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: Annotated[ProviderId, Needs("RSTOP-001")] = Field(alias="ProviderID")
    evse_id: Annotated[EvseId, Needs("RSTOP-001")] = Field(alias="EvseID")


def _card_not_rfid(walk: Walk, value: dict[str, Json], path: Path) -> None:
    identification = value.get("Identification")
    if isinstance(identification, dict) and identification.get("RFIDIdentification") is not None:
        at = ((path, "Identification"), "RFIDIdentification")
        walk.fault("AUTH-003", at, "RFIDIdentification is not used in authorization", None, refused=False)


def _qr_code(value: dict[str, Json]) -> dict[str, Json] | None:
    identification = value.get("Identification")
    code = identification.get("QRCodeIdentification") if isinstance(identification, dict) else None
    return code if isinstance(code, dict) else None


def _no_hash(walk: Walk, value: dict[str, Json], path: Path) -> None:
    code = _qr_code(value)
    if code is not None and code.get("HashedPIN") is not None:
        at: Path = (((path, "Identification"), "QRCodeIdentification"), "HashedPIN")
        walk.fault("AUTH-004", at, "is given in an authorization, where the PIN belongs in clear text", None)


def _pin_in_clear(walk: Walk, value: dict[str, Json], path: Path) -> None:
    code = _qr_code(value)
    _no_hash(walk, value, path)
    if code is not None and code.get("PIN") in (None, ""):
        at: Path = (((path, "Identification"), "QRCodeIdentification"), "PIN")
        walk.fault("AUTH-004", at, "is missing", code.get("PIN"))


def _evse_given(walk: Walk, value: dict[str, Json], path: Path) -> None:
    walk.checked.add("AUTH-005")
    if value.get("EvseID") is None:
        walk.fault(
            "AUTH-005", (path, "EvseID"), "EvseID is left out; it belongs here when it is known", None, grade=INFO
        )


class AuthorizeStart(Message):
    """A driver asks to charge at the charge point."""

    across: ClassVar[tuple[Across, ...]] = (
        _card_not_rfid,
        _pin_in_clear,
        _evse_given,
        belongs_to_operator("AUTH-006"),
        path_operator,
        near_product,
    )
    across_ids: ClassVar[tuple[str, ...]] = ("AUTH-003", "AUTH-004", "AUTH-005", "AUTH-006", "HTTP-009", "CDR-035")

    session_id: SessionId | None = Field(None, alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    operator_id: Annotated[OperatorId, Needs("AUTH-001")] = Field(alias="OperatorID")
    evse_id: EvseId | None = Field(None, alias="EvseID")
    identification: Annotated[
        Identification, OneKind("AUTH-002", "AUTH-001", contested=True), Needs("AUTH-001")
    ] = Field(alias="Identification")  # fmt: skip
    partner_product_id: ProductId | None = Field(None, alias="PartnerProductID")


class AuthorizeStop(Message):
    """A driver asks to stop at the charge point."""

    across: ClassVar[tuple[Across, ...]] = (_card_not_rfid, _no_hash, belongs_to_operator("AUTH-006"), path_operator)
    across_ids: ClassVar[tuple[str, ...]] = ("AUTH-003", "AUTH-004", "AUTH-006", "HTTP-009")
    strangers: ClassVar[Strangers] = {
        "PartnerProductID": (
            "AUTH-011",
            INFO,
            "is in the examples but not in the table of this message",
        )
    }

    session_id: Annotated[SessionId, Needs("AUTH-011")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    operator_id: Annotated[OperatorId, Needs("AUTH-011")] = Field(alias="OperatorID")
    evse_id: EvseId | None = Field(None, alias="EvseID")
    identification: Annotated[
        Identification, OneKind("AUTH-002", "AUTH-011", contested=True), Needs("AUTH-011")
    ] = Field(alias="Identification")  # fmt: skip


_STATUS = OneOf("HUB-055", ("Authorized", "NotAuthorized"))


class AuthorizationStart(Message):
    """Answer to AuthorizeStart."""

    session_id: SessionId | None = Field(None, alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: ProviderId | None = Field(None, alias="ProviderID")
    authorization_status: Annotated[str, _STATUS, Needs("HUB-055")] = Field(alias="AuthorizationStatus")
    status_code: Annotated[StatusCode, Needs("ACK-002")] = Field(alias="StatusCode")
    authorization_stop_identifications: (
        Annotated[
            list[Annotated[Identification, OneKind("AUTH-002", "AUTH-002", contested=True)]], Many("HUB-055")
        ]
        | None
    ) = Field(None, alias="AuthorizationStopIdentifications")  # fmt: skip


class AuthorizationStop(Message):
    """Answer to AuthorizeStop."""

    session_id: SessionId | None = Field(None, alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: ProviderId | None = Field(None, alias="ProviderID")
    authorization_status: Annotated[str, _STATUS, Needs("HUB-056")] = Field(alias="AuthorizationStatus")
    status_code: Annotated[StatusCode, Needs("ACK-002")] = Field(alias="StatusCode")
