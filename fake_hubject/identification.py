"""Identifications: which media a message names, in the form the hub keeps them (ids in upper case)."""

from dataclasses import dataclass

from oicp.sessions import folded
from oicp.wire_json import Json

_FIELDS = {
    "RFIDMifareFamilyIdentification": ("UID", "rfid"),
    "RFIDIdentification": ("UID", "rfid"),
    "QRCodeIdentification": ("EvcoID", "qr"),
    "PlugAndChargeIdentification": ("EvcoID", "plc"),
    "RemoteIdentification": ("EvcoID", "remote"),
}
REFUSAL_OF = {"qr": "101", "rfid": "102", "plc": "105", "remote": "105"}
"""Code of a refused authorization by medium."""


@dataclass(frozen=True, slots=True)
class Medium:
    """One way to identify a driver: `kind` (rfid, qr, plc, remote) and its value (UID or EvcoID)."""

    kind: str
    value: str

    @property
    def key(self) -> str:
        """For comparison: without separators."""
        return f"{self.kind}:{folded(self.value)}"

    @property
    def evco_id(self) -> str | None:
        """The EvcoID, None for a card."""
        return None if self.kind == "rfid" else self.value


def media_of(identification: Json) -> tuple[Medium, ...]:
    """All media an Identification names."""
    if not isinstance(identification, dict):
        return ()
    found = []
    for name, (member, kind) in _FIELDS.items():
        value = identification.get(name)
        text = value.get(member) if isinstance(value, dict) else None
        if isinstance(text, str):
            found.append(Medium(kind, text.upper()))
    return tuple(found)


def evco_ids_of(identification: Json) -> tuple[str, ...]:
    """All EvcoIDs an Identification names, those of RFID cards included."""
    found = [m.value for m in media_of(identification) if m.kind != "rfid"]
    card = identification.get("RFIDIdentification") if isinstance(identification, dict) else None
    if isinstance(card, dict) and isinstance(card.get("EvcoID"), str):
        found.append(card["EvcoID"].upper())
    return tuple(found)


def in_upper_case(value: Json) -> Json:
    """A message with EvseID, EvcoID and UID in upper case, as the hub stores and forwards them."""
    if isinstance(value, dict):
        return {
            name: item.upper() if name in ("EvseID", "EvcoID", "UID") and isinstance(item, str) else in_upper_case(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [in_upper_case(item) for item in value]
    return value
