"""Authentication data of an EMP, kept at the hub for offline decisions."""

from typing import Annotated

from pydantic import Field

from oicp.messages.base import Message
from oicp.messages.evse_data import ActionType
from oicp.messages.identification import Identification, OneKind, ProviderId
from oicp.messages.law import Many, Needs

_BY = "HUB-057"


class AuthenticationDataRecord(Message):
    """One medium."""

    named_by = _BY

    identification: Annotated[Identification, OneKind("AUTH-002", _BY, contested=True), Needs(_BY)] = Field(
        alias="Identification"
    )


class ProviderAuthenticationData(Message):
    """The media of one provider."""

    named_by = _BY

    provider_id: Annotated[ProviderId, Needs(_BY)] = Field(alias="ProviderID")
    authentication_data_record: Annotated[list[AuthenticationDataRecord], Many(_BY), Needs(_BY)] = Field(
        alias="AuthenticationDataRecord"
    )


class PushAuthenticationData(Message):
    """eRoamingPushAuthenticationData."""

    action_type: Annotated[ActionType, Needs("PUSH-001")] = Field(alias="ActionType")
    provider_authentication_data: Annotated[ProviderAuthenticationData, Needs(_BY)] = Field(
        alias="ProviderAuthenticationData"
    )
