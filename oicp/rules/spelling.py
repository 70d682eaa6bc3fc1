"""Ids: one spelling, every EvcoID, one EVSE for an EvseID (ID-005, ID-006, ID-010)."""

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

from oicp import wire_json
from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.geo import distance_m, position
from oicp.ids import is_evco_id, is_operator_id
from oicp.paths import garbled_id, operator_in_body, read_target
from oicp.repeats import records_of
from oicp.rulebook import Checked, Finding, NotExercised, Yield, finding, rules_about_evidence
from oicp.rules.http_answers import is_acknowledgement
from oicp.rules.refused_forms import ID_006, evco_form, shared_cause
from oicp.rules.told_to_all import told_to_all
from oicp.services import HUB_TO_CPO
from oicp.sessions import folded, session
from oicp.unknowns import OWN_HUB
from oicp.variants import variant_of

whole = rules_about_evidence()
_NOT_ITS_FAULT = frozenset(("501", "510", "601", "602", "603", "604", "700", "021"))


# --- one spelling -------------------------------------------------------------------------------------------------------


@whole.rule("ID-005")
def spells_ids_one_way(evidence: Evidence) -> Iterator[Yield]:
    """OperatorID and EvseID are used in one spelling everywhere."""
    known_from = "the configuration" if evidence.run.source in OWN_HUB else "most messages"
    first: dict[str, tuple[str, str]] = {folded(i): (i, known_from) for i in evidence.run.operator_ids}
    told: set[str] = set()
    for e in evidence.exchanges:
        if not e.by_cpo or not e.operation:
            continue
        for ident, where in _ids_used(evidence, e):
            known, place = first.setdefault(folded(ident), (ident, f"exchange {e.number}"))
            if known == ident:
                if place != f"exchange {e.number}":
                    yield Checked("ID-005", e.operation)
            elif ident not in told and not _ambiguous(evidence, folded(ident)):
                told.add(ident)
                yield finding(f"{ident} in the {where}, {known} in {place}", on=e, requirement="ID-005")


def _ids_used(evidence: Evidence, e: Exchange) -> Iterator[tuple[str, str]]:
    raw = read_target(e.request.target).raw_id
    if raw and e.partner_id and garbled_id(e, evidence.run.operator_ids) is None:
        yield unquote(raw, errors="replace"), "path"
    operator = operator_in_body(e)
    if operator and is_operator_id(operator[0]):  # else ID-002 tells of it
        yield operator[0], "body"
    for _, ident, _ in records_of(e):
        yield ident, "push"
    evse_id = e.body.get("EvseID")
    own = session(evidence, e.session_id)
    echoed = own is not None and own.start is not None and own.start.body.get("EvseID") == evse_id
    if isinstance(evse_id, str) and evse_id and not echoed:
        yield evse_id, str(e.operation)


@lru_cache(maxsize=8)
def _spellings(evidence: Evidence) -> dict[str, set[str]]:
    """EvseIDs that stand side by side in one push, by their folded form: two spellings there are two EVSEs."""
    found: dict[str, set[str]] = {}
    for e in evidence.about("PushEvseData", "PushEvseStatus"):
        own: dict[str, set[str]] = {}
        for _, ident, _ in records_of(e):
            own.setdefault(folded(ident), set()).add(ident)
        found.update({key: names for key, names in own.items() if len(names) > 1})
    return found


def _ambiguous(evidence: Evidence, key: str) -> bool:
    return key in _spellings(evidence)


# --- every EvcoID -------------------------------------------------------------------------------------------------------


@whole.rule("ID-006")
def accepts_every_evco_id(evidence: Evidence) -> Iterator[Yield]:
    """A remote start is not refused for the form of its EvcoID."""
    forms: dict[str, list[tuple[Exchange, bool]]] = {}
    for e in evidence.about("AuthorizeRemoteStart", direction=HUB_TO_CPO):
        evco = wire_json.at(e.body, "Identification", "RemoteIdentification", "EvcoID")
        if isinstance(evco, str) and is_evco_id(evco) and e.answer and not e.faults and _plain(e):
            served = _taken(evidence, e)
            if served is not None:
                forms.setdefault(evco_form(evco), []).append((e, served))
    taken = {form for form, rows in forms.items() if any(ok for _, ok in rows)}
    for form, rows in forms.items():
        refused = next((e for e, ok in rows if not ok), None)
        if refused is not None and form not in taken and taken:
            told = f"refused (HTTP {refused.http_status}, code {refused.status_code}) although other EvcoIDs are accepted: {form}"
            yield finding(told, on=refused, requirement="ID-006", pointer="/Identification/RemoteIdentification/EvcoID")
        elif form in taken and len(forms) > 1:
            yield Checked("ID-006", "AuthorizeRemoteStart")
    if len(forms) == 1:
        yield NotExercised("ID-006", f"EvcoIDs came in one form only ({next(iter(forms))})", incomplete=True)


def _plain(e: Exchange) -> bool:
    variant = variant_of(e)
    return variant is None or "ID-006" in variant.requirements or not variant.requirements


def _taken(evidence: Evidence, e: Exchange) -> bool | None:
    """The EvcoID was taken, or refused for itself; None where something else was in the way."""
    asked = chargers(evidence).of("remote_start_received", str(e.body.get("EvseID"))).between(e.t, e.t_end or e.t)
    if e.accepted or asked:
        return True
    if e.http_status in (404, 405) and not is_acknowledgement(e):
        return None
    busy = e.status_code in _NOT_ITS_FAULT and is_acknowledgement(e)
    other = (
        busy or not _free(evidence, e) or told_to_all(evidence, e) or shared_cause(evidence, e) not in (None, ID_006)
    )
    return None if other else False


def _free(evidence: Evidence, e: Exchange) -> bool:
    """Nothing about the EVSE explains a refusal, as far as anybody knows."""
    evse_id, fleet = str(e.body.get("EvseID")), chargers(evidence)
    state = fleet.of("connector_status", evse_id).at(e.t)
    return fleet.online(evse_id, e.t, e.t) and fleet.running(evse_id, e.t, e.t) is None and state in (
        None, "Available", "Preparing", "Occupied",
    )  # fmt: skip


# --- one EVSE for an id -------------------------------------------------------------------------------------------------

_ELSEWHERE_M = 500.0
_NO_PLACE = 0.1
"""Degrees around 0, 0: what stood for a position that was not known."""


@whole.rule("ID-010")
def names_one_evse(evidence: Evidence) -> Iterator[Yield]:
    """An EvseID names one EVSE and is never given to another one."""
    known: dict[str, dict[str, object]] = {}
    updated = {folded(o.evse_id or str(wire_json.at(dict(o.data), "body", "evse_id"))) for o in evidence.seen("hook")}
    for e in evidence.about("PushEvseData"):
        own: dict[str, dict[str, object]] = {}
        for at, ident, record in records_of(e) if e.by_cpo else ():
            before = own.get(folded(ident)) or known.get(folded(ident))
            own[folded(ident)] = record
            if before and _other_place(before, record) and folded(ident) not in updated:
                yield _given_twice(e, at, ident)
            else:
                yield Checked("ID-010", "PushEvseData")
        known.update(own)


def _given_twice(e: Exchange, at: int, ident: str) -> Finding:
    told = f"{ident} names an EVSE at another place and address than before"
    return finding(told, on=e, pointer=f"/OperatorEvseData/EvseDataRecord/{at}", requirement="ID-010")


def _other_place(one: dict[str, object], other: dict[str, object]) -> bool:
    here, there = position(one.get("GeoCoordinates")), position(other.get("GeoCoordinates"))
    if here is None or there is None or max(map(abs, here)) < _NO_PLACE:
        return False
    corrected = distance_m((here[1], here[0]), there) <= _ELSEWHERE_M  # they had been exchanged
    return distance_m(here, there) > _ELSEWHERE_M and not corrected and _other_address(one, other)


def _other_address(one: dict[str, object], other: dict[str, object]) -> bool:
    """Another town, or another street with another code; more than a time zone or a slip put right."""
    town, street, code = (
        bool(wire_json.at(one, "Address", name) != wire_json.at(other, "Address", name))
        for name in ("City", "Street", "PostalCode")
    )
    return town or (street and code)
