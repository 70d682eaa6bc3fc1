"""Who takes part in roaming: CPOs, hub operators with sub-operators, EMPs with their tempers; changeable while running."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from oicp.sessions import folded

Kind: TypeAlias = Literal["cpo", "hub_operator", "emp", "hub_provider"]
SERVICES = (
    "EvseData", "EvseStatus", "Authorization", "RemoteAuthorization", "Reservation", "ChargingNotifications",
    "ChargeDetailRecord", "DynamicPricing", "AuthenticationData",
)  # fmt: skip
"""Services a partner can have a contract for."""


@dataclass(frozen=True, slots=True)
class Temper:
    """How an EMP behaves. `code` "000" accepts, any other refuses with it. `wrong`: answers with something that is no OICP.

    `delay_s`: seconds before it answers. `offline`: cannot be reached. `knows`: identifications it authorizes; None: all.
    """

    code: str = "000"
    delay_s: float = 0.0
    offline: bool = False
    wrong: bool = False
    knows: frozenset[str] | None = None
    additional_info: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """One direct partner of the hub.

    `url`: service URL; the hub appends `/api/oicp/...`, or what `paths` says by short name. An EMP without URL is played by
    the bench. `contracts`: services of `SERVICES`, None for all; `no_contract_with`: ids of partners.
    `certificates`: fingerprints on file; empty: every one the CA issued for the id. `address_allowed` False: HTML 403.
    """

    id: str
    kind: Kind = "cpo"
    name: str = ""
    url: str | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    sub_partners: tuple[str, ...] = ()
    contracts: frozenset[str] | None = None
    no_contract_with: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    certificate_pem: str | None = None
    locked: bool = False
    address_allowed: bool = True
    temper: Temper = Temper()

    @property
    def is_operator(self) -> bool:
        """True for a CPO or a hub operator."""
        return self.kind in ("cpo", "hub_operator")

    def contracted(self, service: str, other: "Partner | None" = None) -> bool:
        """True if there is a contract for the service (and none is missing between the two)."""
        if self.contracts is not None and service not in self.contracts:
            return False
        return other is None or (other.id not in self.no_contract_with and other.contracted(service))


_REMEMBERED = 50_000
_folded = lru_cache(_REMEMBERED)(folded)  # the same few thousand ids come again and again


class Partners:
    """The registry. Ids are compared without separators and case, or as text (`textual`)."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._partners: dict[str, Partner] = {}
        self._by_key: dict[str, Partner] = {}
        self._owners: dict[str, Partner] = {}
        self._found: dict[tuple[str, bool], Partner | None] = {}
        self._own: dict[str, set[str]] = {}
        self._changed = changed
        self.textual = False

    def add(self, partner: Partner) -> Partner:
        """Register a partner, or replace the one of the same id."""
        self._partners[partner.id] = partner
        self._index()
        return partner

    def change(self, partner_id: str, **values: Any) -> Partner:
        """Change single facts of a partner; `KeyError` if there is none of that id."""
        return self.add(replace(self[partner_id], **values))

    def remove(self, partner_id: str) -> None:
        """Forget a partner; `KeyError` if there is none of that id."""
        del self._partners[self[partner_id].id]
        self._index()

    def __getitem__(self, partner_id: str) -> Partner:
        partner = self.get(partner_id)
        if partner is None:
            raise KeyError(f"no partner {partner_id}; known are {', '.join(self._partners) or 'none'}")
        return partner

    def __iter__(self) -> Iterator[Partner]:
        return iter(tuple(self._partners.values()))

    def get(self, partner_id: object) -> Partner | None:
        """The direct partner of that id."""
        return self._by_key.get(self.key(partner_id)) if isinstance(partner_id, str) else None

    def operator(self, operator_id: object) -> Partner | None:
        """The direct partner that is an operator of that id."""
        partner = self.get(operator_id)
        return partner if partner is not None and partner.is_operator else None

    def provider(self, provider_id: object) -> Partner | None:
        """The direct partner that is a provider of that id."""
        partner = self.get(provider_id)
        return partner if partner is not None and not partner.is_operator else None

    def key(self, ident: str) -> str:
        """What ids are compared by."""
        return ident.upper() if self.textual else _folded(ident)

    def owner_of_id(self, ident: object) -> Partner | None:
        """The direct partner of an operator or provider id, its sub-partners' ids included."""
        if not isinstance(ident, str):
            return None
        return self.get(ident) or self._owners.get(folded(ident).lstrip("+"))

    def owner_of_evse(self, evse_id: object) -> Partner | None:
        """The CPO or hub operator whose id, or whose sub-operator's id, the EvseID begins with."""
        return self._owner(evse_id, evse=True)

    def owner_of_evco(self, evco_id: object) -> Partner | None:
        """The EMP or hub provider whose id the EvcoID begins with."""
        return self._owner(evco_id, evse=False)

    def _owner(self, ident: object, *, evse: bool) -> Partner | None:
        if not isinstance(ident, str):
            return None
        found = self._found.get((ident, evse), self)
        if isinstance(found, Partners):  # not asked before
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[(ident, evse)] = self._look_up(ident, evse)
        return found

    def _look_up(self, ident: str, evse: bool) -> Partner | None:
        owners = (self._owners.get(key) for key in id_prefixes(ident))
        return next((o for o in owners if o is not None and o.is_operator is evse), None)

    def owns(self, partner: Partner, evse_id: str) -> bool:
        """True if the EvseID belongs to this partner or one of its sub-operators."""
        owner = self.owner_of_evse(evse_id)
        return owner is not None and owner.id == partner.id

    def owns_all(self, partner: Partner, evse_ids: Sequence[str]) -> bool:
        """True if all EvseIDs belong to this partner or its sub-operators."""
        found = self._own.setdefault(partner.id, set())
        if found.issuperset(evse_ids):
            return True
        if not all(self.owns(partner, evse_id) for evse_id in evse_ids):
            return False
        if len(found) >= _REMEMBERED:
            found.clear()
        found.update(evse_ids)
        return True

    def _index(self) -> None:
        self._found.clear()
        self._own.clear()
        self._by_key = {self.key(p.id): p for p in self._partners.values()}
        self._owners = {
            folded(ident).lstrip("+"): partner
            for partner in self._partners.values()
            for ident in (partner.id, *partner.sub_partners)
        }
        self._changed()

    def reindex(self) -> None:
        """Take up a changed `textual`."""
        self._index()


def id_prefixes(ident: str) -> Iterator[str]:
    """Keys of operators or providers an EvseID or EvcoID can begin with, the likeliest first."""
    parts = ident.strip().upper().replace("-", "*").split("*")
    if len(parts) > 2:
        yield parts[0].lstrip("+") + parts[1]
    yield "".join(parts).lstrip("+")[:5]
