"""The energy of a session: the meter of the charge point against what the charge detail record reports. All in Wh."""

from decimal import Decimal
from typing import Any

from oicp.evidence import Exchange, Observation
from oicp.sessions import Session
from oicp.wire_json import Json
from reports.readiness import second_of

_POINTS = 240
_ABSURD_KWH = 1e9


def energy(session: Session, seen: list[Observation]) -> dict[str, Any] | None:
    """Meter of the charge point against what the charge detail record says; Wh."""
    kinds = ("meter", "energy_started", "energy_stopped", "transaction_started", "transaction_stopped")
    meter = [[round(o.t, 4), int(o.data["meter_wh"])] for o in seen if o.kind in kinds and "meter_wh" in o.data]
    step = max(1, len(meter) // _POINTS)
    kept = meter[::step] + ([meter[-1]] if meter and (len(meter) - 1) % step else [])
    reported = [r for r in (_reported(cdr) for cdr in session.cdrs) if r]
    if not kept and not reported:
        return None
    transaction = session.transaction
    return {"meter": kept, "delivered_wh": transaction.energy_wh if transaction else None, "reported": reported}


def _reported(cdr: Exchange) -> dict[str, Any] | None:
    body = cdr.body
    start, stop = _wh(body.get("MeterValueStart")), _wh(body.get("MeterValueEnd"))
    consumed = _wh(body.get("ConsumedEnergy"))
    if consumed is None and (start is None or stop is None):
        return None
    return {
        "exchange": cdr.number, "start_wh": start, "end_wh": stop, "consumed_wh": consumed,
        "t0": second_of(cdr, body.get("ChargingStart")), "t1": second_of(cdr, body.get("ChargingEnd")),
        "accepted": cdr.accepted,
    }  # fmt: skip


def _wh(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return round(float(value) * 1000, 3) if abs(Decimal(value)) < _ABSURD_KWH else None
