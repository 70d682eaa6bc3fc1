"""Makes the deliberate deviations of `oicp.variants` out of a plain request of the hub."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fake_hubject.partners import Partner, id_prefixes
from fake_hubject.sessions import HubSession, new_session_id
from oicp.variants import VARIANTS
from oicp.wire_json import Json, dump

if TYPE_CHECKING:
    from fake_hubject.broker import Broker

_ISO_C = re.compile(r"^([a-z]{2}-?[a-z0-9]{3}-?)c(?=[a-z0-9]{8})")


@dataclass(frozen=True, slots=True)
class Draft:
    """A request about to be sent. `path_id`: what stands in the path for the ProviderID. `raw`: bytes instead of the body."""

    operation: str
    path_id: str
    body: dict[str, Json]
    session: HubSession | None = None
    raw: bytes | None = None

    @property
    def session_id(self) -> str | None:
        """SessionID of the request."""
        value = self.body.get("SessionID")
        return value if isinstance(value, str) else None

    def sent(self) -> bytes:
        """The bytes of the body."""
        return self.raw if self.raw is not None else dump(self.body).encode()

    def but(self, **changes: Json) -> "Draft":
        """The same with other members."""
        return replace(self, body=self.body | changes)

    def without(self, *names: str) -> "Draft":
        """The same without some members."""
        return replace(self, body={k: v for k, v in self.body.items() if k not in names})


_Change = Callable[["Broker", Draft, Partner], Draft]
_EVCO = ("DE*DCB*123456*7", "DE-DCB-123456-X", "DEDCB1234567", "DEDCBC123456789")


def _ids(separator: str) -> _Change:
    def change(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
        plain = "".join(c for c in draft.path_id if c.isalnum())
        ident = plain[:2] + separator + plain[2:]
        return replace(draft.but(ProviderID=ident), path_id=ident)

    return change


def _encoded(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    coded = draft.path_id.replace("*", "%2A").replace("-", "%2D")
    if coded == draft.path_id:
        coded = draft.path_id[:2] + "%2A" + draft.path_id[2:]
    return replace(draft, path_id=coded)


def _nulls(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    names = ("CPOPartnerSessionID", "EMPPartnerSessionID")
    full = {name: draft.body.get(name) for name in names}
    given = draft.body.get("Identification")
    if not isinstance(given, dict):
        return draft.but(**full)
    kinds = (
        "RFIDMifareFamilyIdentification",
        "QRCodeIdentification",
        "PlugAndChargeIdentification",
        "RFIDIdentification",
    )
    return draft.but(**full, Identification=dict.fromkeys(kinds) | given)


def _mandatory(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    return replace(draft, body={
        k: v for k, v in draft.body.items() if k in ("SessionID", "ProviderID", "EvseID", "Identification")
    })  # fmt: skip


def _unknown(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    return draft.but(FutureText="oicp-bench", FutureNumber=7, FutureObject={"Inner": True}, FutureList=[1, "two", None])


def _set(**members: Json) -> _Change:
    return lambda _broker, draft, _owner: draft.but(**members)


def _left_out(*names: str) -> _Change:
    return lambda _broker, draft, _owner: draft.without(*names)


def _evse(change: Callable[[str], str]) -> _Change:
    return lambda _broker, draft, _owner: draft.but(EvseID=change(str(draft.body.get("EvseID"))))


def _lower_evco(evco_id: str) -> str:
    """All in lower case but the letters that are upper case by the pattern: the C of the ISO form, the X of the DIN form."""
    lower = _ISO_C.sub(r"\1C", evco_id.lower())
    return lower[:-1] + "X" if lower == evco_id.lower() and lower.endswith("x") else lower


def _evco(value: str | None) -> _Change:
    def change(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
        given = draft.body.get("Identification") or {}
        remote = given.get("RemoteIdentification") or {}
        evco_id = value if value is not None else _lower_evco(str(remote.get("EvcoID", "")))
        return draft.but(Identification={"RemoteIdentification": remote | {"EvcoID": evco_id}})

    return change


_OTHER_KINDS: dict[str, Json] = {
    "RFIDMifareFamilyIdentification": {"UID": "1234ABCD"},
    "QRCodeIdentification": {"EvcoID": "DE-DCB-C12345678-9", "PIN": "1234"},
    "PlugAndChargeIdentification": {"EvcoID": "DE-DCB-C12345678-9"},
    "RFIDIdentification": {"UID": "1234ABCD", "RFID": "mifareCls", "EvcoID": "DE-DCB-C12345678-9"},
}


def _only(kind: str) -> _Change:
    return _set(Identification={kind: _OTHER_KINDS[kind]})


def _all_kinds(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    given = draft.body.get("Identification") or {}
    return draft.but(Identification=_OTHER_KINDS | {"RemoteIdentification": given.get("RemoteIdentification")})


def _known_sessions(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    session = draft.session
    if session is None:
        return draft
    return draft.but(
        CPOPartnerSessionID=session.cpo_partner_session_id, EMPPartnerSessionID=session.emp_partner_session_id
    )


def _broken(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    whole = draft.sent()
    return replace(draft, raw=whole[: len(whole) * 2 // 3])


def _empty(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    return replace(draft, raw=b"")


def _stranger_evse(_broker: "Broker", draft: Draft, owner: Partner) -> Draft:
    return draft.but(EvseID=f"{owner.id}*E99UNKNOWN99" if not owner.id.startswith("+") else f"{owner.id}*9999999")


def _foreign_evse(broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    taken = {"".join(p.id.split("*")) for p in broker.partners}
    ident = next(name for name in ("DE*ZZZ", "DE*ZZY", "DE*ZZX", "DE*ZZW") if name.replace("*", "") not in taken)
    return draft.but(EvseID=f"{ident}*E1001*1")


def _foreign_provider(broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    mine = next(id_prefixes(draft.path_id), "")
    others = [p.id for p in broker.partners if not p.is_operator and next(id_prefixes(p.id), "") != mine]
    ident = others[0] if others else "DE*ZZZ"
    return replace(draft.but(ProviderID=ident), path_id=ident)


def _other_evse(broker: "Broker", draft: Draft, owner: Partner) -> Draft:
    """Another EVSE than that of the session; the one that was asked for if it is another."""
    named = draft.body.get("EvseID")
    mine = broker.key(str(draft.session.evse_id if draft.session else named))
    if broker.key(str(named)) != mine:
        return draft
    others = [e.record["EvseID"] for key, e in broker.registry.of("data", owner.id).current.items() if key != mine]
    return draft.but(EvseID=others[0]) if others else draft


def _external(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    return replace(draft, path_id="EXT-4711")


def _same(_broker: "Broker", draft: Draft, _owner: Partner) -> Draft:
    return draft


@dataclass(frozen=True, slots=True)
class _Recipe:
    change: _Change
    past_the_checks: bool = field(default=False)
    """The real hub would not forward it: sent without the hub's own checks."""


_PLAIN_NULLS = {"CPOPartnerSessionID": None, "EMPPartnerSessionID": None}
_RECIPES: dict[str, _Recipe] = {
    "encoded-id": _Recipe(_encoded), "hyphen-id": _Recipe(_ids("-")), "asterisk-id": _Recipe(_ids("*")),
    "plain-id": _Recipe(_ids("")), "explicit-nulls": _Recipe(_nulls), "only-mandatory": _Recipe(_mandatory),
    "unknown-members": _Recipe(_unknown), "null-session-id": _Recipe(_set(SessionID=None)),
    "null-partner-session-ids": _Recipe(_set(**_PLAIN_NULLS)),
    "missing-partner-session-ids": _Recipe(_left_out(*_PLAIN_NULLS)),
    "known-partner-session-ids": _Recipe(_known_sessions),
    "lower-case-evse-id": _Recipe(_evse(str.lower)), "upper-case-evse-id": _Recipe(_evse(str.upper)),
    "evse-id-without-separators": _Recipe(_evse(lambda evse_id: evse_id.replace("*", ""))),
    "din-evco-id": _Recipe(_evco(_EVCO[0])), "din-hyphen-evco-id": _Recipe(_evco(_EVCO[1])),
    "din-plain-evco-id": _Recipe(_evco(_EVCO[2])), "plain-evco-id": _Recipe(_evco(_EVCO[3])),
    "lower-case-evco-id": _Recipe(_evco(None)),
    "non-ascii-partner-session-id": _Recipe(_set(EMPPartnerSessionID="Fahrt-Zürich-東京-€")),
    "product-missing": _Recipe(_left_out("PartnerProductID")), "product-null": _Recipe(_set(PartnerProductID=None)),
    "product-custom": _Recipe(_set(PartnerProductID="Sunny Weekend 7")), "odd-session-id": _Recipe(_same),
    "rfid-identification": _Recipe(_only("RFIDMifareFamilyIdentification"), True),
    "qr-identification": _Recipe(_only("QRCodeIdentification"), True),
    "plug-and-charge-identification": _Recipe(_only("PlugAndChargeIdentification"), True),
    "rfid-id-identification": _Recipe(_only("RFIDIdentification"), True),
    "all-identifications": _Recipe(_all_kinds, True), "malformed": _Recipe(_broken, True),
    "empty-body": _Recipe(_empty, True), "no-evse-id": _Recipe(_left_out("EvseID"), True),
    "no-identification": _Recipe(_left_out("Identification"), True),
    "no-session-id": _Recipe(_left_out("SessionID"), True), "duplicate": _Recipe(_same, True),
    "duplicate-stop": _Recipe(_same, True), "unknown-evse": _Recipe(_stranger_evse, True),
    "foreign-evse": _Recipe(_foreign_evse, True), "private-evse": _Recipe(_same, True),
    "unknown-session": _Recipe(lambda _b, draft, _o: draft.but(SessionID=new_session_id()), True),
    "finished-session": _Recipe(_same, True), "foreign-provider": _Recipe(_foreign_provider, True),
    "wrong-evse": _Recipe(_other_evse, True), "unknown-evse-stop": _Recipe(_stranger_evse, True),
    "with-identification": _Recipe(
        _set(Identification={"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}}), True
    ),
    "external-path-id": _Recipe(_external),
}  # fmt: skip


def known(name: str, operation: str) -> None:
    """Raise `ValueError` for a variant that does not exist or does not fit the operation."""
    variant = VARIANTS.get(name)
    if variant is None or name not in _RECIPES:
        raise ValueError(f"no variant {name!r}; known are {', '.join(VARIANTS)}")
    if operation not in variant.operations:
        raise ValueError(f"variant {name!r} is for {', '.join(variant.operations)}, not for {operation}")


def hostile(name: str | None) -> bool:
    """True for a variant the real hub would not forward: the hub's own checks are left out."""
    return name is not None and _RECIPES[name].past_the_checks


def varied(broker: "Broker", draft: Draft, name: str | None, owner: Partner) -> Draft:
    """The request with the deviation of that name; unchanged without one."""
    return draft if name is None else _RECIPES[name].change(broker, draft, owner)
