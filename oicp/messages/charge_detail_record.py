"""The charge detail record: what is billed."""

from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from oicp.messages import cdr_laws
from oicp.messages.base import Across, Message, Spellings
from oicp.messages.common import near_product, own_product
from oicp.messages.faults import INFO
from oicp.messages.identification import (
    EvseId,
    Identification,
    OneKind,
    PartnerSessionId,
    ProductId,
    ProviderId,
    SessionId,
    Time,
    operator_id_law,
    provider_id_law,
)
from oicp.messages.law import Many, Needs, OneOf, Text
from oicp.messages.meter import MeterValueInBetween, in_between
from oicp.messages.numbers import Energy

Kwh: TypeAlias = Annotated[Decimal, Energy("CDR-018")]

_LONGER = "the platform was seen to forward longer values, which some EMPs then refused"


class SignedMeteringValue(Message):
    """One signed reading."""

    named_by = "CDR-044"

    signed_metering_value: Annotated[str, Text("CDR-043", 3000, contested=_LONGER)] | None = Field(
        None, alias="SignedMeteringValue"
    )
    metering_status: Annotated[str, OneOf("CDR-044", ("Start", "Progress", "End"))] | None = Field(
        None, alias="MeteringStatus"
    )


class CalibrationLawVerificationInfo(Message):
    """How signed readings are verified."""

    named_by = "CDR-047"

    calibration_law_certificate_id: Annotated[str, Text("CDR-047", 100)] | None = Field(
        None, alias="CalibrationLawCertificateID"
    )
    public_key: Annotated[str, Text("CDR-047", 1000)] | None = Field(None, alias="PublicKey")
    metering_signature_url: Annotated[str, Text("CDR-047", 200)] | None = Field(None, alias="MeteringSignatureUrl")
    metering_signature_encoding_format: Annotated[str, Text("CDR-047", 50)] | None = Field(
        None, alias="MeteringSignatureEncodingFormat"
    )
    signed_metering_values_verification_instruction: Annotated[str, Text("CDR-047", 400)] | None = Field(
        None, alias="SignedMeteringValuesVerificationInstruction"
    )
    metering_check: Annotated[str, OneOf("CDR-051", ("Passed", "Failed", "Not Apply"))] | None = Field(
        None, alias="MeteringCheck"
    )


class ChargeDetailRecord(Message):
    """eRoamingChargeDetailRecord."""

    across: ClassVar[tuple[Across, ...]] = (
        cdr_laws.times, cdr_laws.energy, cdr_laws.order_of_readings, cdr_laws.signed_values, cdr_laws.foreign,
        near_product, own_product,
    )  # fmt: skip
    across_ids: ClassVar[tuple[str, ...]] = (
        "CDR-009", "CDR-013", "CDR-014", "CDR-017", "CDR-019", "CDR-020", "CDR-021", "CDR-023", "CDR-035",
        "CDR-039", "CDR-045", "CDR-046", "CDR-048", "CDR-049", "CDR-050",
    )  # fmt: skip
    spellings: ClassVar[Spellings] = {
        "HubProviderId": (
            "HubProviderID",
            "CDR-038",
            INFO,
            "is spelled ...Id, as in the EMP OpenAPI; the text has ...ID",
        )
    }

    session_id: Annotated[SessionId, Needs("CDR-007")] = Field(alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")
    partner_product_id: ProductId | None = Field(None, alias="PartnerProductID")
    evse_id: Annotated[EvseId, Needs("CDR-007")] = Field(alias="EvseID")
    identification: Annotated[Identification, OneKind("CDR-010", "CDR-010"), Needs("CDR-007")] = Field(
        alias="Identification"
    )
    charging_start: Annotated[Time, Needs("CDR-007")] = Field(alias="ChargingStart")
    charging_end: Annotated[Time, Needs("CDR-007")] = Field(alias="ChargingEnd")
    session_start: Annotated[Time, Needs("CDR-007")] = Field(alias="SessionStart")
    session_end: Annotated[Time, Needs("CDR-007")] = Field(alias="SessionEnd")
    meter_value_start: Kwh | None = Field(None, alias="MeterValueStart")
    meter_value_end: Kwh | None = Field(None, alias="MeterValueEnd")
    meter_value_in_between: Annotated[MeterValueInBetween, in_between("CDR-022", "CDR-018")] | None = Field(
        None, alias="MeterValueInBetween"
    )
    consumed_energy: Annotated[Decimal, Energy("CDR-018", meter=False), Needs("CDR-007")] = Field(
        alias="ConsumedEnergy"
    )
    signed_metering_values: Annotated[list[SignedMeteringValue], Many("CDR-042", most=10)] | None = Field(
        None, alias="SignedMeteringValues"
    )
    calibration_law_verification_info: CalibrationLawVerificationInfo | None = Field(
        None, alias="CalibrationLawVerificationInfo"
    )
    hub_operator_id: Annotated[str, operator_id_law("CDR-038")] | None = Field(None, alias="HubOperatorID")
    hub_provider_id: Annotated[ProviderId, provider_id_law("CDR-038")] | None = Field(None, alias="HubProviderID")
