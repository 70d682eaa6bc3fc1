"""A rehearsal of what Hubject scores every month: EVSE data, answer time of remote starts, delay of charge detail records.

Not a judgement: it fails nothing. Seconds everywhere; shares from 0 to 1.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from oicp import wire_json
from oicp.evidence import Evidence, Exchange
from oicp.rulebook import Finding, Grade
from oicp.services import Direction
from oicp.sessions import Session, folded, sessions
from oicp.unknowns import DURATIONS, TIMES
from oicp.wire_json import Json
from reports.report import Report

MANDATORY = (
    "EvseID", "ChargingStationNames", "Address/Country", "Address/City", "Address/Street", "Address/PostalCode",
    "Address/HouseNum", "GeoCoordinates", "Plugs", "ChargingFacilities", "RenewableEnergy",
    "CalibrationLawDataAvailability", "AuthenticationModes", "PaymentOptions", "ValueAddedServices", "Accessibility",
    "HotlinePhoneNumber", "IsOpen24Hours", "IsHubjectCompatible", "DynamicInfoAvailable",
)  # fmt: skip
"""Attributes without which a record is incomplete."""

USEFUL = (
    "ChargingPoolID", "ChargingStationID", "Address/TimeZone", "AccessibilityLocation", "GeoChargingPointEntrance",
    "ChargingStationLocationReference", "EnergySource", "MaxCapacity", "HardwareManufacturer", "ChargingStationImage",
    "AdditionalInfo", "DynamicPowerLevel",
)  # fmt: skip
"""Attributes that drivers profit from; optional."""

_ALSO = {"ChargingStationID": ("ChargingStationId",)}
_MOST_VALUES = 400


def readiness(report: Report) -> dict[str, Any]:
    """Data of the readiness page; a part is None where nothing was recorded for it."""
    evidence = report.evidence
    return {
        "evse_data": _evse_data(report),
        "remote_start_s": _distribution(_answer_times(evidence, "AuthorizeRemoteStart"), (10.0, 60.0)),
        "remote_stop_s": _distribution(_answer_times(evidence, "AuthorizeRemoteStop"), (10.0, 60.0)),
        "cdr_delay_s": _distribution(_cdr_delays(evidence), (10.0,)),
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the ordered values do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _distribution(values: Iterator[float], limits: tuple[float, ...]) -> dict[str, Any] | None:
    ordered = sorted(values)
    if not ordered:
        return None
    step = max(1, len(ordered) // _MOST_VALUES)
    found: dict[str, Any] = {"count": len(ordered), "min": round(ordered[0], 4), "max": round(ordered[-1], 4)}
    for name, share in (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)):
        found[name] = round(percentile(ordered, share), 4)
    found["limits"] = list(limits)
    found["over"] = [sum(value > limit for value in ordered) for limit in limits]
    found["values"] = [round(value, 4) for value in ordered[::step]]
    if found["values"][-1] != found["max"]:
        found["values"].append(found["max"])
    return found


def _answer_times(evidence: Evidence, operation: str) -> Iterator[float]:
    if {TIMES, DURATIONS} & set(evidence.run.unknown):
        return
    for exchange in evidence.about(operation, direction=Direction.HUB_TO_CPO):
        if exchange.duration_s is not None and exchange.answer is not None and not exchange.faults:
            yield exchange.duration_s


def _cdr_delays(evidence: Evidence) -> Iterator[float]:
    if TIMES in evidence.run.unknown:
        return
    for session in sessions(evidence):
        cdr = next((e for e in session.cdrs if e.by_cpo), None)
        if cdr is None or session.faulted:
            continue
        end = session_end(session, cdr)
        if end is not None:
            yield max(0.0, cdr.t - end)


def session_end(session: Session, cdr: Exchange) -> float | None:
    """Second at which the session ended: by the charge point, else by what the record itself says."""
    transaction = session.transaction
    if transaction is not None:
        return transaction.t_stop_delivered or transaction.t_stop
    return second_of(cdr, cdr.body.get("SessionEnd"))


def second_of(exchange: Exchange, text: Json) -> float | None:
    """Second of the recording that a time in a message names; None where it is no time with an offset."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return exchange.t + (at - exchange.started_at).total_seconds()


# --- EVSE data -------------------------------------------------------------------------------------------------------


def published(evidence: Evidence) -> dict[str, dict[str, Json]]:
    """The records the hub holds in the end, by folded EvseID."""
    held: dict[str, dict[str, Json]] = {}
    for push in evidence.about("PushEvseData", direction=Direction.CPO_TO_HUB):
        records = _records(push)
        if not push.accepted:
            continue
        if push.body.get("ActionType") == "fullLoad":
            held.clear()
        for record in records:
            key = folded(str(record.get("EvseID")))
            if push.body.get("ActionType") == "delete":
                held.pop(key, None)
            else:
                held[key] = record
    return held


def _records(push: Exchange) -> list[dict[str, Json]]:
    found = wire_json.at(push.body, "OperatorEvseData", "EvseDataRecord")
    return [r for r in found if isinstance(r, dict)] if isinstance(found, list) else []


def _evse_data(report: Report) -> dict[str, Any] | None:
    held = published(report.evidence)
    if not held:
        return None
    wrong = _wrong(report)
    attributes = [
        _attribute(name, mandatory, held, wrong.get(name, set()))
        for names, mandatory in ((MANDATORY, True), (USEFUL, False)) for name in names
    ]  # fmt: skip
    needed = [a for a in attributes if a["mandatory"]]
    filled = sum(a["filled"] for a in needed)
    return {
        "evses": len(held), "complete": round(filled / (len(held) * len(needed)), 4),
        "complete_useful": round(sum(a["filled"] for a in attributes) / (len(held) * len(attributes)), 4),
        "correct": round(1 - len(set().union(*wrong.values()) & held.keys()) / len(held), 4), "attributes": attributes,
    }  # fmt: skip


def _attribute(name: str, mandatory: bool, held: dict[str, dict[str, Json]], wrong: set[str]) -> dict[str, Any]:
    names = (name, *_ALSO.get(name, ()))
    filled = sum(any(_filled(record, n) for n in names) for record in held.values())
    return {"name": name, "mandatory": mandatory, "filled": filled, "wrong": len(wrong & held.keys())}


def _filled(record: dict[str, Json], name: str) -> bool:
    value = wire_json.at(record, *name.split("/"))
    return value is not None and value not in ("", [], {})


def _wrong(report: Report) -> dict[str, set[str]]:
    """EVSEs with a wrong value, by attribute (first member of a record; for an address the first two)."""
    found: dict[str, set[str]] = {}
    for finding in report.findings:
        place = _place(report.evidence, finding) if finding.grade is not Grade.INFO else None
        if place:
            found.setdefault(place[0], set()).add(place[1])
    return found


def _place(evidence: Evidence, finding: Finding) -> tuple[str, str] | None:
    push = evidence.exchange(finding.exchange) if finding.exchange is not None else None
    parts = (finding.pointer or "").split("/")[1:]
    if push is None or push.operation != "PushEvseData" or finding.in_answer or len(parts) < 4:
        return None
    if parts[:2] != ["OperatorEvseData", "EvseDataRecord"] or not parts[2].isdigit():
        return None
    record = wire_json.at(push.body, "OperatorEvseData", "EvseDataRecord", int(parts[2]))
    ident = wire_json.at(record, "EvseID")
    name = "/".join(parts[3:5]) if parts[3] == "Address" else parts[3]
    return name, folded(str(ident))
