"""Ids and the five kinds of identification, shared by all messages."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from oicp import ids
from oicp.iso import ALPHA_3, UNOFFICIAL
from oicp.messages.base import Message
from oicp.messages.faults import ERROR, INFO, Path, Walk
from oicp.messages.law import Law, Matches, Needs, OneOf, Text
from oicp.messages.times import Moment
from oicp.wire_json import Json


@dataclass(frozen=True)
class KnownCountry(Law):
    """The first two letters of an ISO id are an ISO 3166-1 alpha-2 code (ID-009); DIN ids have none."""

    ids: ClassVar[tuple[str, ...]] = ("ID-009",)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Only for strings that begin with two letters."""
        country = ids.country_of(value) if isinstance(value, str) else None
        if country is None or country in ALPHA_3 or not ids.EVSE_OR_OPERATOR.fullmatch(value):
            return
        if country in UNOFFICIAL:
            walk.fault("ID-009", path, f"{country} is not in ISO 3166-1, though in wide use", value, grade=INFO)
        else:
            walk.fault("ID-009", path, f"{country} is no ISO 3166-1 alpha-2 country code", value)


BAR = "holds a vertical bar, which only a slip of the published pattern lets through"
_EVSE_SHOWN = r"^(([A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9\*]{1,30})|(\+?[0-9]{1,3}\*[0-9]{3}\*[0-9\*]{1,32}))$"
_OPERATOR_SHOWN = r"^(([A-Za-z]{2}\*?[A-Za-z0-9]{3})|(\+?[0-9]{1,3}\*[0-9]{3}))$"
_PROVIDER_SHOWN = r"^([A-Za-z]{2}\-?[A-Za-z0-9]{3}|[A-Za-z]{2}[\*|-]?[A-Za-z0-9]{3})$"
_EVCO_SHOWN = (
    r"^(([A-Za-z]{2}\-?[A-Za-z0-9]{3}\-?C[A-Za-z0-9]{8}\-?[\d|A-Za-z])"
    r"|([A-Za-z]{2}[\*|\-]?[A-Za-z0-9]{3}[\*|\-]?[A-Za-z0-9]{6}[\*|\-]?[\d|X]))$"
)
_PROVIDER_BAR = re.compile(r"[A-Za-z]{2}\|[A-Za-z0-9]{3}")
_EVCO_BAR = re.compile(
    r"([A-Za-z]{2}-?[A-Za-z0-9]{3}-?C[A-Za-z0-9]{8}-?\|)"
    r"|([A-Za-z]{2}[*|-]?[A-Za-z0-9]{3}[*|-]?[A-Za-z0-9]{6}[*|-]?[0-9X|])"
)
_EVCO_SHORT = re.compile(
    r"([A-Za-z]{2}-?[A-Za-z0-9]{3}-?C[A-Za-z0-9]{8})|([A-Za-z]{2}[*-]?[A-Za-z0-9]{3}[*-]?[A-Za-z0-9]{6})"
)
_EVCO_LOWER = re.compile(
    r"([A-Za-z]{2}-?[A-Za-z0-9]{3}-?c[A-Za-z0-9]{8}-?[0-9A-Za-z])"
    r"|([A-Za-z]{2}[*-]?[A-Za-z0-9]{3}[*-]?[A-Za-z0-9]{6}[*-]?x)"
)

EVSE_ID_LAW = Matches(
    "ID-001", ids.EVSE_ID, _EVSE_SHOWN,
    warns=((ids.EVSE_ID_ANY_CASE, "has lower case letters; the pattern of the specification has upper case only"),),
)  # fmt: skip


def operator_id_law(by: str) -> Matches:
    """The pattern of an OperatorID, reported as `by`."""
    return Matches(by, ids.OPERATOR_ID, _OPERATOR_SHOWN)


def provider_id_law(by: str, also: tuple[str, ...] = ()) -> Matches:
    """The pattern of a ProviderID, reported as `by`."""
    return Matches(by, ids.PROVIDER_ID, _PROVIDER_SHOWN, warns=((_PROVIDER_BAR, BAR),), also=also)


EvseId: TypeAlias = Annotated[str, EVSE_ID_LAW, KnownCountry()]
OperatorId: TypeAlias = Annotated[str, operator_id_law("ID-002"), KnownCountry()]
ProviderId: TypeAlias = Annotated[str, provider_id_law("ID-003")]
EvcoId: TypeAlias = Annotated[
    str,
    Matches(
        "ID-004", ids.EVCO_ID, _EVCO_SHOWN,
        warns=((_EVCO_BAR, BAR), (_EVCO_SHORT, "has no check digit")),
        notes=((_EVCO_LOWER, "has a lower case letter where the pattern has an upper case one"),),
    ),
]  # fmt: skip
SessionId: TypeAlias = Annotated[
    str, Matches("SESS-002", ids.SESSION_ID, "^[A-Za-z0-9]{8}(-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}$")
]
PartnerSessionId: TypeAlias = Annotated[str, Text("ACK-008", 250)]
ProductId: TypeAlias = Annotated[str, Text("ID-007", 50)]
Time: TypeAlias = Annotated[str, Moment()]

_ANY_HEX = re.compile(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20}")


@dataclass(frozen=True)
class Uid(Matches):
    """The UID of a card (ID-008); a contract id in its place is Plug & Charge sent the wrong way (AUTH-014)."""

    def governs(self) -> tuple[str, ...]:
        """Both ids."""
        return ("ID-008", "AUTH-014")

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """The pattern, unless it is a contract id."""
        if isinstance(value, str) and len(value) >= 14 and ids.is_evco_id(value):
            walk.fault(
                "AUTH-014", path, "is a contract id, not the UID of a card", value, also=("ID-008",), refused=True
            )
        else:
            super().check(walk, value, path)


CardUid: TypeAlias = Annotated[
    str,
    Uid(
        "ID-008", ids.UID, "^([0-9A-F]{8,8}|[0-9A-F]{14,14}|[0-9A-F]{20,20})$",
        warns=((_ANY_HEX, "has lower case letters"),),
    ),
]  # fmt: skip

_HASH = re.compile(r"[0-9A-Za-z\\.+/=$]{10,100}")
_OFFLINE = "HUB-057"


class LegacyHashData(Message):
    """How a PIN hash was made from an older one."""

    function: Annotated[str, OneOf(_OFFLINE, ("MD5", "SHA-1"))] | None = Field(None, alias="Function")
    salt: Annotated[str, Text(_OFFLINE, 100)] | None = Field(None, alias="Salt")
    value: Annotated[str, Text(_OFFLINE, 100)] | None = Field(None, alias="Value")


class HashedPin(Message):
    """A hashed PIN, for authentication data only."""

    value: Annotated[str, Matches(_OFFLINE, _HASH, r"^[0-9A-Za-z\.+/=$]{10,100}$"), Needs()] = Field(alias="Value")
    function: Annotated[str, OneOf(_OFFLINE, ("Bcrypt",)), Needs()] = Field(alias="Function")
    legacy_hash_data: LegacyHashData | None = Field(None, alias="LegacyHashData")


class RfidMifareFamilyIdentification(Message):
    """A card by its UID."""

    uid: Annotated[CardUid, Needs()] = Field(alias="UID")


class RfidIdentification(Message):
    """A card with all its data; not used in authorization."""

    uid: Annotated[CardUid, Needs()] = Field(alias="UID")
    evco_id: EvcoId | None = Field(None, alias="EvcoID")
    rfid: Annotated[
        str, OneOf(_OFFLINE, ("mifareCls", "mifareDes", "calypso", "nfc", "mifareFamily")), Needs()
    ] = Field(alias="RFID")  # fmt: skip
    printed_number: Annotated[str, Text(_OFFLINE, 150)] | None = Field(None, alias="PrintedNumber")
    expiry_date: Annotated[str, Text(_OFFLINE, 50)] | None = Field(None, alias="ExpiryDate")


class QrCodeIdentification(Message):
    """An app user: contract id with PIN."""

    evco_id: Annotated[EvcoId, Needs()] = Field(alias="EvcoID")
    hashed_pin: HashedPin | None = Field(None, alias="HashedPIN")
    pin: Annotated[str, Text("AUTH-004", 20, typed="AUTH-004")] | None = Field(None, alias="PIN")


class PlugAndChargeIdentification(Message):
    """A vehicle certificate by its contract id."""

    evco_id: Annotated[EvcoId, Needs()] = Field(alias="EvcoID")


class RemoteIdentification(Message):
    """The driver of a remote start by contract id."""

    evco_id: Annotated[EvcoId, Needs()] = Field(alias="EvcoID")


KINDS = (
    "RFIDMifareFamilyIdentification", "RFIDIdentification", "QRCodeIdentification", "PlugAndChargeIdentification",
    "RemoteIdentification",
)  # fmt: skip


class Identification(Message):
    """Who charges: exactly one of five kinds."""

    rfid_mifare_family_identification: RfidMifareFamilyIdentification | None = Field(
        None, alias="RFIDMifareFamilyIdentification"
    )
    rfid_identification: RfidIdentification | None = Field(None, alias="RFIDIdentification")
    qr_code_identification: QrCodeIdentification | None = Field(None, alias="QRCodeIdentification")
    plug_and_charge_identification: PlugAndChargeIdentification | None = Field(
        None, alias="PlugAndChargeIdentification"
    )
    remote_identification: RemoteIdentification | None = Field(None, alias="RemoteIdentification")


@dataclass(frozen=True)
class OneKind(Law):
    """Exactly one kind of identification; `none` reports an empty object, `by` more than one (`contested`: a warning)."""

    by: str
    none: str
    contested: bool = False
    optional: bool = False

    def governs(self) -> tuple[str, ...]:
        """Ids for none and for too many."""
        return (self.by, self.none)

    def check(self, walk: Walk, value: Json, path: Path) -> None:
        """Count the members that are not null."""
        if not isinstance(value, dict):
            walk.fault(self.none, path, "is not an object", value, "must be an object", grade=ERROR)
            return
        found = [name for name in KINDS if value.get(name) is not None]
        if not found:
            walk.fault(self.none, path, "holds none of the five kinds of identification", value)
        elif len(found) > 1:
            walk.fault(
                self.by, path, f"holds {len(found)} kinds of identification: {', '.join(found)}", None,
                contested=self.contested,
            )  # fmt: skip
