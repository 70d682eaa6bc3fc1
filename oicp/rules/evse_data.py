"""EVSE data against the fleet: everything published, and as it really is (EVSE-037, 041, 050, 052, 056, 057; HTTP-004)."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from oicp import wire_json
from oicp.chargers import chargers, pushed_records
from oicp.evidence import Evidence, Exchange
from oicp.geo import distance_m, position
from oicp.limits import limit
from oicp.mojibake import same_but_mangled
from oicp.moments import number
from oicp.outages import down_at_the_end
from oicp.pushes import (
    DATA,
    STATUS,
    Push,
    believes_in_the_past,
    decommissioned,
    final_view,
    fleet_records,
    hooks_done,
    open_for_roaming,
    pushes,
)
from oicp.repeats import records_of
from oicp.rulebook import Checked, NotExercised, Yield, finding, rules_about_evidence
from oicp.services import HUB_TO_CPO
from oicp.sessions import folded
from oicp.unknowns import OWN_HUB

whole = rules_about_evidence()
_NEAR_M = 150.0
_DAY = 86_400.0


@lru_cache(maxsize=8)
def _published(evidence: Evidence) -> tuple[tuple[Exchange, str, str, Mapping[str, Any]], ...]:
    """Different records that were pushed: exchange, pointer, folded EvseID, record. The same record again is left out."""
    found: list[tuple[Exchange, str, str, Mapping[str, Any]]] = []
    last: dict[str, Mapping[str, Any]] = {}
    for push in pushes(evidence):
        if push.exchange.operation != DATA or push.action == "delete":
            continue
        for key, record in push.records.items():
            if last.get(key) != record:
                last[key] = record
                found.append((push.exchange, f"/OperatorEvseData/EvseDataRecord/{push.index[key]}", key, record))
    return tuple(found)


def _real(evidence: Evidence, key: str, t: float) -> Mapping[str, Any] | None:
    """The record the EVSE should have at second `t`: that of the fleet file, changed by hooks; None where nobody knows."""
    record = fleet_records(evidence).get(key)
    if not record or decommissioned(evidence, key, t):
        return None
    changes = hooks_done(evidence, "update_evse").get(key, ())
    if any(at > t > at - 30.0 for at, _ in changes):
        return None  # just being changed
    for at, body in changes:
        if at <= t and isinstance(body.get("data_record"), Mapping):
            record = {**record, **body["data_record"]}
    return record


def _texts(record: Mapping[str, Any], name: str) -> set[str]:
    value = record.get(name)
    return {v for v in value if isinstance(v, str)} if isinstance(value, list) else set()


@lru_cache(maxsize=8)
def _started_remotely(evidence: Evidence) -> frozenset[str]:
    starts = evidence.about("AuthorizeRemoteStart", direction=HUB_TO_CPO)
    return frozenset(folded(e.body["EvseID"]) for e in starts if e.accepted and isinstance(e.body.get("EvseID"), str))


@whole.rule("EVSE-037")
def announces_remote(evidence: Evidence) -> Iterator[Yield]:
    """An EVSE that can be started remotely lists REMOTE; one without a reader lists no NFC mode."""
    for e, at, key, record in _published(evidence):
        real, modes = _real(evidence, key, e.t), _texts(record, "AuthenticationModes")
        wanted = _texts(real, "AuthenticationModes") if real else set()
        if not modes or not (real or key in _started_remotely(evidence)):
            continue
        nfc = (
            sorted(m for m in modes if m.startswith("NFC"))
            if wanted and not any(m.startswith("NFC") for m in wanted)
            else []
        )
        remote = "REMOTE" in wanted or key in _started_remotely(evidence)
        pointer = at + "/AuthenticationModes"
        if remote and "REMOTE" not in modes:
            told = f"{record['EvseID']} can be started remotely and does not list REMOTE"
            yield finding(told, on=e, pointer=pointer, requirement="EVSE-037", evse_id=record["EvseID"])
        if nfc:
            told = f"{record['EvseID']} has no RFID reader and lists {', '.join(nfc)}"
            yield finding(told, on=e, pointer=pointer, requirement="EVSE-037", evse_id=record["EvseID"])
        if not nfc and (not remote or "REMOTE" in modes):
            yield Checked("EVSE-037", DATA)


@whole.rule("EVSE-041")
def announced_services_exist(evidence: Evidence) -> Iterator[Yield]:
    """Reservation and DynamicPricing are announced only where they are offered."""
    announcing: set[str] = set()
    for _, _, key, record in _published(evidence):
        (announcing.add if "DynamicPricing" in _texts(record, "ValueAddedServices") else announcing.discard)(key)
    for e in evidence.about("AuthorizeRemoteReservationStart", direction=HUB_TO_CPO):
        evse = e.body.get("EvseID")
        if not isinstance(evse, str) or e.answer is None or e.faults or not _announced(evidence, evse, e.t):
            continue
        if e.result is None and e.http_status in (404, 405, 501):
            told = f"Reservation is announced for {evse}, a reservation is answered HTTP {e.http_status}"
            yield finding(told, on=e, requirement="EVSE-041", in_answer=True)
        elif e.result is False and e.status_code == "320":
            told = f"Reservation is announced for {evse}, a reservation is answered 320: not offered"
            yield finding(told, on=e, requirement="EVSE-041", in_answer=True)
        elif e.result is not None:
            yield Checked("EVSE-041", "AuthorizeRemoteReservationStart")
    pricing = announcing & final_view_keys(evidence)
    if pricing and ("pricing" in evidence.run.profiles or evidence.about("PushEVSEPricing")):
        yield from _priced(evidence, pricing)


def _announced(evidence: Evidence, evse_id: str, t: float) -> bool:
    """By the record that was pushed before second `t`, reservations are offered for this EVSE."""
    pushed = pushed_records(evidence).get(folded(evse_id))
    return "Reservation" in _texts((pushed.at(t) if pushed else None) or {}, "ValueAddedServices")


def _priced(evidence: Evidence, announcing: set[str]) -> Iterator[Yield]:
    pushed = [e for e in evidence.about("PushEVSEPricing") if e.by_cpo]
    priced = {folded(i) for e in pushed for i in _evse_ids(e.body.get("EVSEPricing"))}
    missing = sorted(announcing - priced)
    if missing and believes_in_the_past(evidence) and not any(e.body.get("ActionType") == "fullLoad" for e in pushed):
        yield NotExercised("EVSE-041", "prices may have been pushed before the recording")
        return
    if not missing:
        yield Checked("EVSE-041", "PushEVSEPricing")
        return
    last = {key: (e, at, r["EvseID"]) for e, at, key, r in _published(evidence) if key in missing}
    first, at, ident = min(last.values(), key=lambda announced: announced[0].t)
    if evidence.t_end - first.t >= limit(evidence, "static_change_s") and not down_at_the_end(evidence):
        told = f"DynamicPricing is announced for {len(missing)} EVSEs without prices, the first is {ident}"
        pointer = at + "/ValueAddedServices"
        yield finding(told, on=first, pointer=pointer, requirement="EVSE-041", evse_id=ident)


def _evse_ids(value: object) -> Iterator[str]:
    for row in value if isinstance(value, list) else [value]:
        ident = wire_json.at(row, "EvseID")
        if isinstance(ident, str):
            yield ident


@whole.rule("EVSE-050")
def compatible_is_right(evidence: Evidence) -> Iterator[Yield]:
    """IsHubjectCompatible is true for the EVSEs open for roaming, false for all others."""
    for e, at, key, record in _published(evidence):
        real, said = _real(evidence, key, e.t), record.get("IsHubjectCompatible")
        if real is None or not isinstance(said, bool):
            continue
        wanted = open_for_roaming(real)
        if said is wanted:
            yield Checked("EVSE-050", DATA)
        else:
            state = "open for roaming" if wanted else "not open for roaming"
            told = f"{record['EvseID']} is {state} and was pushed with IsHubjectCompatible {str(said).lower()}"
            yield finding(
                told, on=e, pointer=at + "/IsHubjectCompatible", requirement="EVSE-050", evse_id=record["EvseID"]
            )


@whole.rule("EVSE-052")
def dynamic_info_is_right(evidence: Evidence) -> Iterator[Yield]:
    """EVSEs whose status is pushed say so by DynamicInfoAvailable, the others say false."""
    told_of: dict[str, Push] = {}  # the last word on each
    for push in pushes(evidence):
        if push.exchange.operation == STATUS and push.action != "delete":
            told_of.update(dict.fromkeys(push.records, push))
    last = {key: (e, at, record) for e, at, key, record in _published(evidence)}
    for key, (e, at, record) in last.items():
        said = str(record.get("DynamicInfoAvailable")).lower()
        more: dict[str, Any] = {
            "pointer": at + "/DynamicInfoAvailable",
            "requirement": "EVSE-052",
            "evse_id": record["EvseID"],
        }
        answered = e.t if e.t_end is None else e.t_end
        if said == "false" and key in told_of and told_of[key].t > answered:
            yield finding(f"false, yet its status is pushed (exchange {told_of[key].exchange.number})", on=e, **more)
        elif (said in ("true", "auto") and key in told_of) or (said == "false" and told_of):
            yield Checked("EVSE-052", DATA)
        elif said == "true" and key in final_view_keys(evidence):
            late = evidence.t_end - e.t >= limit(evidence, "status_late_s") and not down_at_the_end(evidence)
            if told_of and late and _all_told(evidence):
                yield finding("true, and its status is never pushed", on=e, **more)
            else:
                yield NotExercised("EVSE-052", "no status of some EVSEs was pushed before the recording ended")


@lru_cache(maxsize=8)
def _all_told(evidence: Evidence) -> bool:
    """What was not told was never told: not where statuses may have been pushed before the recording, and did not change since."""
    whole_told = any(p.exchange.operation == STATUS and p.is_full_load for p in pushes(evidence))
    return whole_told or evidence.run.source in OWN_HUB or evidence.t_end > _DAY


@lru_cache(maxsize=8)
def final_view_keys(evidence: Evidence) -> frozenset[str]:
    """EVSEs at the hub at the end of the recording."""
    return frozenset(final_view(evidence).records)


# --- the real station -------------------------------------------------------------------------------------------------


@whole.rule("EVSE-056")
def equals_the_station(evidence: Evidence) -> Iterator[Yield]:
    """Plugs, power, coordinates, address and opening hours agree with the configuration of the EVSE."""
    for e, at, key, record in _published(evidence):
        real = _real(evidence, key, e.t)
        if real is None:
            continue
        different = list(_differences(record, real))
        for name, told in different:
            yield finding(told, on=e, pointer=f"{at}/{name}", requirement="EVSE-056", evse_id=record["EvseID"])
        if not different:
            yield Checked("EVSE-056", DATA)


def _differences(record: Mapping[str, Any], real: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if _texts(record, "Plugs") and _texts(real, "Plugs") and _texts(record, "Plugs") != _texts(real, "Plugs"):
        yield "Plugs", f"Plugs {sorted(_texts(record, 'Plugs'))}, the EVSE has {sorted(_texts(real, 'Plugs'))}"
    said, rated = _powers(record), _powers(real)
    if said and rated and (len(said) != len(rated) or any(abs(a - b) > 1 for a, b in zip(said, rated, strict=True))):
        yield "ChargingFacilities", f"Power {_listed(said)} kW, the EVSE is rated {_listed(rated)} kW"
    here, there = position(record.get("GeoCoordinates")), position(real.get("GeoCoordinates"))
    if here and there and distance_m(here, there) > _NEAR_M:
        yield "GeoCoordinates", f"the position is {distance_m(here, there):.0f} m away from the station"
    for name in ("Country", "City", "Street", "PostalCode", "HouseNum"):
        one, other = (wire_json.at(r, "Address", name) for r in (record, real))
        if isinstance(one, str) and isinstance(other, str) and one and not _same_text(one, other):
            yield f"Address/{name}", f"{name} {one!r}, the station has {other!r}"
    always, really = record.get("IsOpen24Hours"), real.get("IsOpen24Hours")
    if isinstance(always, bool) and isinstance(really, bool) and always is not really:
        yield (
            "IsOpen24Hours",
            f"IsOpen24Hours {str(always).lower()}, the station is {'' if really else 'not '}always open",
        )


def _powers(record: Mapping[str, Any]) -> list[float]:
    facilities = record.get("ChargingFacilities")
    rows = facilities if isinstance(facilities, list) else []
    found = [number(wire_json.at(row, "Power")) for row in rows]
    return sorted(float(p) for p in found if p is not None)


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _same_text(one: str, other: str) -> bool:
    """Equal but for case, blanks, padding and broken characters (HTTP-004 tells of those)."""
    plain = [" ".join(t.strip("_ ").split()).casefold() for t in (one, other)]
    return (
        plain[0] == plain[1] or same_but_mangled(one, other) or (plain[1].startswith(plain[0]) and len(plain[0]) >= 50)
    )


@whole.rule("HTTP-004")
def texts_of_the_station_survive(evidence: Evidence) -> Iterator[Yield]:
    """Characters beyond ASCII in names and addresses of the fleet arrive unchanged."""
    for e, at, key, record in _published(evidence):
        real = fleet_records(evidence).get(key, {})
        for name in ("City", "Street"):
            one, other = (wire_json.at(r, "Address", name) for r in (record, real))
            if not isinstance(one, str) or not isinstance(other, str) or other.isascii():
                continue
            if same_but_mangled(one, other):
                told = f"{name} arrives as {one!r}, the station has {other!r}"
                yield finding(told, on=e, pointer=f"{at}/Address/{name}", requirement="HTTP-004")
            else:
                yield Checked("HTTP-004", DATA)


@whole.rule("EVSE-057")
def publishes_the_whole_fleet(evidence: Evidence) -> Iterator[Yield]:
    """Every EVSE that is open for roaming is among the records at the hub."""
    roaming = {k: r for k, r in fleet_records(evidence).items() if open_for_roaming(r)}
    wanted = {k: r for k, r in roaming.items() if not decommissioned(evidence, k, evidence.t_end)}
    loads = [e for e in evidence.about(DATA) if e.by_cpo]
    for e in loads:  # also one that left later on
        added = e.accepted and e.body.get("ActionType") != "delete"
        if added and any(folded(i) in roaming for _, i, _ in records_of(e)):
            yield Checked("EVSE-057", DATA)
    if not wanted or not loads:
        return
    view = final_view(evidence)
    tried = {folded(i) for e in loads if not e.accepted for _, i, _ in records_of(e)}
    hurried = down_at_the_end(evidence) or evidence.t_end - loads[-1].t < 1.0
    spelled = {folded(i): i for ids in chargers(evidence).evses_of.values() for i in ids}
    for key, record in wanted.items():
        ident = record.get("EvseID") or spelled.get(key, key)
        if view.surely_holds(key):
            yield Checked("EVSE-057", DATA)
        elif view.doubtful(key) or key in tried:
            yield NotExercised("EVSE-057", "the push of some EVSEs was refused or its answer was lost")
        elif hurried:
            yield NotExercised("EVSE-057", "the recording ended while data were being pushed", incomplete=True)
        else:
            yield finding(f"{ident} is not at the hub", requirement="EVSE-057", evse_id=str(ident))
