"""Reserving a charging point for a driver."""

from typing import Annotated, ClassVar

from pydantic import Field

from oicp.messages.base import Across, Message, Spellings
from oicp.messages.common import near_product
from oicp.messages.faults import INFO
from oicp.messages.identification import (
    EvseId,
    Identification,
    OneKind,
    PartnerSessionId,
    ProductId,
    ProviderId,
    SessionId,
)
from oicp.messages.law import Needs
from oicp.messages.numbers import Whole

_ID = {
    "EMPPartnerSessionId": (
        "EMPPartnerSessionID", "RESV-002", INFO, "is spelled ...Id, as in OpenAPI; the text has ...ID"
    )
}  # fmt: skip


class AuthorizeRemoteReservationStart(Message):
    """The hub asks to reserve an EVSE. `duration`: minutes."""

    across: ClassVar[tuple[Across, ...]] = (near_product,)
    spellings: ClassVar[Spellings] = _ID

    session_id: SessionId | None = Field(None, alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: Annotated[ProviderId, Needs("RESV-002")] = Field(alias="ProviderID")
    evse_id: Annotated[EvseId, Needs("RESV-002")] = Field(alias="EvseID")
    identification: Annotated[Identification, OneKind("CDR-010", "RESV-002"), Needs("RESV-002")] = Field(
        alias="Identification"
    )
    partner_product_id: ProductId | None = Field(None, alias="PartnerProductID")
    duration: Annotated[int, Whole("RESV-003", 1, 99)] | None = Field(None, alias="Duration")


class AuthorizeRemoteReservationStop(Message):
    """The hub asks to end a reservation."""

    spellings: ClassVar[Spellings] = _ID

    session_id: Annotated[SessionId, Needs("RESV-007")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    provider_id: Annotated[ProviderId, Needs("RESV-007")] = Field(alias="ProviderID")
    evse_id: Annotated[EvseId, Needs("RESV-007")] = Field(alias="EvseID")
