"""Variants: odd but deliberate forms of the requests the hub sends to the CPO, by name.

The hub notes the name in `Exchange.recorder["variant"]`, scenarios ask for it by name. Rules look at the bytes on the wire
first and use the name only where the bytes alone do not tell what was meant.
"""

from dataclasses import dataclass
from enum import StrEnum

from oicp.evidence import Exchange
from oicp.services import RELEASE, RESERVE, START, STOP


class Expected(StrEnum):
    """What a conforming CPO does with a variant."""

    SERVED = "served"
    """It handles the request just like the plain one."""
    REFUSED = "refused"
    """It refuses and nothing happens on any EVSE."""
    FREE = "free"
    """Both are right; only what the named requirements say counts."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant. `changes`: what differs from the plain request. `requirements`: what it puts to the test."""

    name: str
    operations: tuple[str, ...]
    expected: Expected
    changes: str
    requirements: tuple[str, ...]


_SERVED, _REFUSED, _FREE = Expected.SERVED, Expected.REFUSED, Expected.FREE
_STARTS, _STOPS, _BOTH = (START, RESERVE), (STOP, RELEASE), (START, STOP, RESERVE, RELEASE)

VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        # the path
        Variant("encoded-id", _BOTH, _SERVED, "ProviderID in the path with %2A or %2D for its separator", ("HTTP-011",)),
        Variant("hyphen-id", _BOTH, _SERVED, "ProviderID with a hyphen as separator, in path and body", ("HTTP-011", "RSTOP-006")),
        Variant("asterisk-id", _BOTH, _SERVED, "ProviderID with an asterisk as separator, in path and body", ("HTTP-011",)),
        Variant("plain-id", _BOTH, _SERVED, "ProviderID without separator, in path and body", ("HTTP-011", "RSTOP-006")),
        # members that are there, or not
        Variant("explicit-nulls", _BOTH, _SERVED, "every optional member present with null, the four other kinds of identification included", ("HTTP-015",)),
        Variant("only-mandatory", _BOTH, _SERVED, "mandatory members only; nothing is null", ("RSTART-001", "RSTOP-001", "RSTART-019")),
        Variant("unknown-members", _BOTH, _SERVED, "additional members nobody knows: a text, a number, an object, a list", ("HTTP-016",)),
        Variant("null-session-id", (START, RESERVE), _FREE, "SessionID null", ("RSTART-001",)),
        Variant("null-partner-session-ids", (STOP, RELEASE), _SERVED, "CPOPartnerSessionID and EMPPartnerSessionID null, whatever was said before", ("SESS-009",)),
        Variant("missing-partner-session-ids", (STOP, RELEASE), _SERVED, "CPOPartnerSessionID and EMPPartnerSessionID left out", ("SESS-009",)),
        Variant("known-partner-session-ids", (STOP, RELEASE), _SERVED, "both partner session ids as they were given before", ("SESS-009",)),
        # ids and values
        Variant("lower-case-evse-id", _BOTH, _FREE, "EvseID in lower case", ()),
        Variant("upper-case-evse-id", _BOTH, _SERVED, "EvseID in upper case, whatever case was pushed", ("RSTART-017",)),
        Variant("evse-id-without-separators", _BOTH, _SERVED, "EvseID without asterisks", ("RSTART-018",)),
        Variant("din-evco-id", _STARTS, _SERVED, "EvcoID in DIN form with asterisks: DE*DCB*123456*7", ("ID-006",)),
        Variant("din-hyphen-evco-id", _STARTS, _SERVED, "EvcoID in DIN form with hyphens: DE-DCB-123456-X", ("ID-006",)),
        Variant("din-plain-evco-id", _STARTS, _SERVED, "EvcoID in DIN form without separators: DEDCB1234567", ("ID-006",)),
        Variant("plain-evco-id", _STARTS, _SERVED, "EvcoID in ISO form without separators: DEDCBC123456789", ("ID-006",)),
        Variant("lower-case-evco-id", _STARTS, _SERVED, "EvcoID in lower case", ("ID-006",)),
        Variant("non-ascii-partner-session-id", _STARTS, _SERVED, "EMPPartnerSessionID with characters beyond ASCII, as UTF-8", ("HTTP-004", "SESS-005")),
        Variant("product-missing", _STARTS, _SERVED, "PartnerProductID left out", ("RSTART-019",)),
        Variant("product-null", _STARTS, _SERVED, "PartnerProductID null", ("RSTART-019",)),
        Variant("product-custom", _STARTS, _SERVED, "PartnerProductID well formed, but none of the CPO's", ("RSTART-019",)),
        Variant("odd-session-id", _STARTS, _SERVED, "SessionID that fits the pattern and is no hexadecimal GUID", ("SESS-002", "SESS-003")),
        # other identifications
        Variant("rfid-identification", _STARTS, _REFUSED, "RFIDMifareFamilyIdentification alone", ("RSTART-003",)),
        Variant("qr-identification", _STARTS, _REFUSED, "QRCodeIdentification alone", ("RSTART-003",)),
        Variant("plug-and-charge-identification", _STARTS, _REFUSED, "PlugAndChargeIdentification alone", ("RSTART-003",)),
        Variant("rfid-id-identification", _STARTS, _REFUSED, "RFIDIdentification alone", ("RSTART-003",)),
        Variant("all-identifications", _STARTS, _FREE, "RemoteIdentification beside the four other kinds, none null", ("RSTART-003",)),
        # malformed
        Variant("malformed", _BOTH, _REFUSED, "JSON that breaks off in the middle", ("HTTP-021",)),
        Variant("empty-body", _BOTH, _REFUSED, "no body at all", ("HTTP-021",)),
        Variant("no-evse-id", _STARTS, _REFUSED, "EvseID left out", ("HTTP-021",)),
        Variant("no-identification", _STARTS, _REFUSED, "Identification left out", ("HTTP-021",)),
        Variant("no-session-id", (STOP, RELEASE), _REFUSED, "SessionID left out", ("HTTP-021",)),
        # repeats and strangers
        Variant("duplicate", _STARTS, _FREE, "the start of this session once more, same bytes", ("RSTART-015",)),
        Variant("duplicate-stop", (STOP, RELEASE), _FREE, "the stop of this session once more, same bytes", ("RSTOP-010",)),
        Variant("unknown-evse", _STARTS, _REFUSED, "well-formed EvseID of the operator that the CPO does not operate", ("RSTART-006",)),
        Variant("foreign-evse", _STARTS, _REFUSED, "EvseID of another operator", ("RSTART-006",)),
        Variant("private-evse", _STARTS, _REFUSED, "EvseID of an EVSE that is not open for roaming", ("RSTART-012",)),
        Variant("unknown-session", (STOP, RELEASE), _REFUSED, "SessionID that was never given out, EvseID of a charging EVSE", ("RSTOP-003", "RSTOP-005", "RESV-007")),
        Variant("finished-session", (STOP,), _FREE, "SessionID of a session whose charging has ended", ("RSTOP-004", "RSTOP-010")),
        Variant("foreign-provider", (STOP, RELEASE), _REFUSED, "ProviderID of another provider, in path and body", ("RSTOP-006",)),
        Variant("wrong-evse", (STOP,), _FREE, "EvseID of another EVSE of the CPO", ("RSTOP-012", "RSTOP-005")),
        Variant("unknown-evse-stop", (STOP,), _FREE, "EvseID the CPO does not operate, SessionID of a running session", ("RSTOP-012",)),
        Variant("with-identification", (STOP,), _FREE, "a stop that carries Identification like a start", ("RSTOP-001",)),
        Variant("external-path-id", (STOP,), _FREE, "another text than the ProviderID in the path of a stop", ()),
    )
}  # fmt: skip
"""All variants. Frozen: names are part of recordings."""


def variant_of(exchange: Exchange) -> Variant | None:
    """The variant of a request of the hub; None for a plain one and for names nobody knows."""
    name = exchange.recorder.get("variant")
    return VARIANTS.get(name) if isinstance(name, str) else None


def expects_refusal(exchange: Exchange) -> bool:
    """True for a request that was meant to be refused."""
    variant = variant_of(exchange)
    return variant is not None and variant.expected is Expected.REFUSED
