"""The base of all message models."""

from collections.abc import Callable, Mapping
from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

from oicp.messages.faults import Path, Walk
from oicp.rulebook import Grade
from oicp.wire_json import Json

Across: TypeAlias = Callable[[Walk, dict[str, Json], Path], None]


Spellings: TypeAlias = Mapping[str, tuple[str, str, Grade | None, str]]
Strangers: TypeAlias = Mapping[str, tuple[str, Grade | None, str]]


class Message(BaseModel):
    """Base of all messages and their parts: snake_case attributes, wire names as aliases, unknown members kept.

    `named_by` reports what is no object; `misspelt` reports wrong spelling; `across` are the laws over several members;
    `refusing`: those of them the hub refuses a message by (all, unless it says less);
    `spellings`: other spellings: name on the wire -> (true name, requirement, grade or None for an error, why);
    `strangers`: members that do not belong here, by requirement.
    """

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, arbitrary_types_allowed=True)

    named_by: ClassVar[str] = "HTTP-006"
    misspelt: ClassVar[str] = "HTTP-005"
    across: ClassVar[tuple[Across, ...]] = ()
    across_ids: ClassVar[tuple[str, ...]] = ()
    refusing: ClassVar[tuple[Across, ...] | None] = None
    spellings: ClassVar[Spellings] = {}
    strangers: ClassVar[Strangers] = {}

    def to_wire(self) -> dict[str, Json]:
        """The JSON object; members without a value are left out, numbers keep their digits."""
        return self.model_dump(by_alias=True, exclude_none=True)
