"""The answer to nearly everything: did it work, and which code says why."""

from typing import Annotated, ClassVar

from pydantic import Field

from oicp.messages.base import Across, Message
from oicp.messages.faults import Path, Walk
from oicp.messages.identification import PartnerSessionId, SessionId
from oicp.messages.law import Flag, Needs, OneOf, Text
from oicp.status_codes import HUB_ONLY, TEXTS
from oicp.wire_json import Json

MOST_TEXT = 200
"""Characters of a Description."""


def _texts(walk: Walk, value: dict[str, Json], path: Path) -> None:
    code, text = value.get("Code"), value.get("Description")
    if isinstance(code, str) and code in TEXTS and isinstance(text, str) and text:
        walk.checked.add("ACK-005")
        if text.rstrip(".") != TEXTS[code].rstrip(".") and len(text) <= MOST_TEXT:  # else ACK-004 tells of it
            sentence = f"is not the standard text of {code}: {TEXTS[code]}"
            walk.fault("ACK-005", (path, "Description"), sentence, text)
    if walk.by_cpo and walk.answer:
        walk.checked.add("ACK-009")
        if isinstance(code, str) and code in HUB_ONLY:
            walk.fault("ACK-009", (path, "Code"), f"{code} belongs to the hub", code)


class StatusCode(Message):
    """Code, standard text, individual text."""

    named_by = "ACK-002"
    across: ClassVar[tuple[Across, ...]] = (_texts,)
    across_ids: ClassVar[tuple[str, ...]] = ("ACK-005", "ACK-009")

    code: Annotated[str, OneOf("ACK-002", tuple(TEXTS)), Needs("ACK-002")] = Field(alias="Code")
    description: Annotated[str, Text("ACK-004", MOST_TEXT)] | None = Field(None, alias="Description")
    additional_info: Annotated[str, Text("ACK-006", 1000)] | None = Field(None, alias="AdditionalInfo")


def _agree(walk: Walk, value: dict[str, Json], path: Path) -> None:
    result, status_code = value.get("Result"), value.get("StatusCode")
    code = status_code.get("Code") if isinstance(status_code, dict) else None
    if isinstance(result, bool) and isinstance(code, str) and code in TEXTS and result is not (code == "000"):
        sentence = f"Result is {str(result).lower()} with code {code}"
        walk.fault("ACK-003", (path, "Result"), sentence, result)


class Acknowledgement(Message):
    """eRoamingAcknowledgement."""

    across: ClassVar[tuple[Across, ...]] = (_agree,)
    across_ids: ClassVar[tuple[str, ...]] = ("ACK-003",)

    result: Annotated[bool, Flag("ACK-001", typed="ACK-001"), Needs("ACK-001")] = Field(alias="Result")
    status_code: Annotated[StatusCode, Needs("ACK-002")] = Field(alias="StatusCode")
    session_id: SessionId | None = Field(None, alias="SessionID")
    cpo_partner_session_id: PartnerSessionId | None = Field(None, alias="CPOPartnerSessionID")
    emp_partner_session_id: PartnerSessionId | None = Field(None, alias="EMPPartnerSessionID")

    @classmethod
    def of(cls, code: str = "000", *, description: str | None = None, additional_info: str | None = None,
           session_id: str | None = None, cpo_partner_session_id: str | None = None,
           emp_partner_session_id: str | None = None) -> "Acknowledgement":  # fmt: skip
        """An acknowledgement by its code; `Result` follows from it, the text is the standard one unless given."""
        text = TEXTS[code] if description is None else description
        return cls(
            result=code == "000",
            status_code=StatusCode(code=code, description=text, additional_info=additional_info),
            session_id=session_id,
            cpo_partner_session_id=cpo_partner_session_id,
            emp_partner_session_id=emp_partner_session_id,
        )
