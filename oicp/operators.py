"""Whose EVSEs a recording is about: the direct partner, its sub-operators, and several partners in one recording."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.ids import operator_key, operator_of_evse
from oicp.outages import unheard
from oicp.paths import at_hubject, operator_in_body
from oicp.repeats import records_of
from oicp.sessions import folded

_OF_OTHERS = ("har", "flows", "pairs", "tap")
"""Recordings in front of a hub that is not ours: which sub-operators it knows stands nowhere."""


@lru_cache(maxsize=8)
def operators(evidence: Evidence) -> tuple[str, ...]:
    """Direct partner first, then its sub-operators: those of the configuration, and those a hub of others evidently knows.

    Hubject refuses EVSEs of operators it does not know for this partner; elsewhere `SubOperatorName` has to say that it is one.
    """
    found = list(evidence.run.operator_ids)
    if found and evidence.run.source in _OF_OTHERS:
        for e in evidence.about("PushEvseData", "PushEvseStatus", "ChargeDetailRecord"):
            new = _sub_operators(e) if e.by_cpo and (e.accepted or unheard(e)) else ()
            found += [o for o in dict.fromkeys(new) if operator_key(o) not in map(operator_key, found)]
    return tuple(found)


def _sub_operators(e: Exchange) -> Iterator[str]:
    taken = e.accepted and at_hubject(e)
    named = {ident for _, ident, record in records_of(e) if record.get("SubOperatorName")}
    for ident in _evse_ids(e) if taken or named else ():
        operator = operator_of_evse(ident)
        if operator and (taken or ident in named):
            yield operator


# --- several partners in one recording -------------------------------------------------------------------------------


def by_partner(evidence: Evidence) -> tuple[Evidence, ...]:
    """One recording for each direct partner in it, the one with most messages first; the same one where there is one partner."""
    partners = _partners(evidence)
    if len(partners) < 2 or evidence.run.source not in _OF_OTHERS:
        return (evidence,)
    owners = _owners(evidence, partners)
    parts: dict[str, list[Exchange]] = {key: [] for key in partners}
    for e in evidence.exchanges:
        parts[_owner(e, partners, owners) or next(iter(partners))].append(e)
    below = [o for o in evidence.run.operator_ids if operator_key(o) not in partners]
    return tuple(
        Evidence(replace(evidence.run, operator_ids=(partners[key], *below)), tuple(own), evidence.observations)
        for key, own in parts.items()
    )


def _partners(evidence: Evidence) -> dict[str, str]:
    """Key and id of every operator that the hub takes messages from for EVSEs of its own."""
    said: Counter[str] = Counter()
    proven: set[str] = set()
    spelled: dict[str, str] = {}
    for e in evidence.exchanges:
        if e.by_cpo and e.partner_id:
            key = operator_key(e.partner_id)
            said[key] += 1
            spelled.setdefault(key, e.partner_id)
            taken = e.accepted or unheard(e)
            if (
                taken
                and _begun_at(evidence).get(folded(e.session_id or " "), key) == key
                and key in map(_key_of, _evse_ids(e))
            ):
                proven.add(key)
    most = [key for key, _ in said.most_common()]
    first = [key for key in most if spelled[key] in evidence.run.operator_ids[:1]] or most[:1]
    return {key: spelled[key] for key in dict.fromkeys([*first, *most]) if key in proven or key in first}


@lru_cache(maxsize=8)
def _begun_at(evidence: Evidence) -> dict[str, str | None]:
    """Folded SessionID -> key of the operator whose EVSE the hub started."""
    starts = evidence.about("AuthorizeRemoteStart", "AuthorizeRemoteReservationStart")
    return {folded(e.session_id or " "): _key_of(i) for e in starts for i in _evse_ids(e)}


def _key_of(evse_id: str) -> str | None:
    operator = operator_of_evse(evse_id)
    return operator_key(operator) if operator else None


def _evse_ids(e: Exchange) -> list[str]:
    own = e.body.get("EvseID")
    return [own] if isinstance(own, str) else [ident for _, ident, _ in records_of(e)]


def _owners(evidence: Evidence, partners: dict[str, str]) -> dict[str, str]:
    """Folded EvseID or SessionID -> key of the partner under whose id it was sent."""
    found: dict[str, str] = {}
    for e in evidence.exchanges:
        key = operator_key(e.partner_id) if e.by_cpo and e.partner_id else ""
        if key in partners:
            for ident in (*_evse_ids(e), e.session_id or ""):
                found.setdefault(folded(ident), key)
    return found


def _owner(e: Exchange, partners: dict[str, str], owners: dict[str, str]) -> str | None:
    """Key of the partner an exchange belongs to; None where nothing tells."""
    body = operator_in_body(e) if e.by_cpo else None
    named = (e.partner_id if e.by_cpo else "", body[0] if body else "")
    keys = [operator_key(n) for n in named if n]
    evse = wire_json.at(e.body, "EvseID")
    if isinstance(evse, str):
        keys += [owners.get(folded(evse), ""), _key_of(evse) or ""]
    keys.append(owners.get(folded(e.session_id or " "), ""))
    return next((key for key in keys if key in partners), None)
