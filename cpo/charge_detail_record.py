"""The charge detail record of a session: times at the location, energy off the register, ids as they came."""

from datetime import datetime
from decimal import Decimal

from cpo.fleet_data import Evse
from cpo.local_time import written
from cpo.metering import Meter, SignedReading, kwh
from cpo.records import Session, Transaction
from oicp.wire_json import Json

_MANDATORY = (
    "SessionID", "EvseID", "Identification", "ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd",
    "ConsumedEnergy",
)  # fmt: skip
_IDS = ("CPOPartnerSessionID", "EMPPartnerSessionID", "PartnerProductID")
_IN_BETWEEN = 8
_ORDER = {"Start": 0, "Progress": 1, "End": 2}


class ChargeDetailRecords:
    """Builds charge detail records."""

    def of_charging(self, session: Session, transaction: Transaction, evse: Evse, now: datetime) -> dict[str, Json]:
        """The record of a session in which a transaction ran and ended."""
        end = min(transaction.stopped_at or now, now)
        start = min(transaction.started_at, end)
        record = self._head(session, evse, min(session.created_at, start), start, end)
        record["ConsumedEnergy"] = kwh(transaction.meter.energy_wh)
        record |= _readings(transaction.meter)
        if evse.external_calibration_data or transaction.meter.signed:
            record |= _signed(transaction.meter, evse)
        return record

    def without_energy(self, session: Session, evse: Evse, end: datetime) -> dict[str, Json]:
        """The record of a session, or a reservation, in which no energy flowed."""
        end = max(end, session.created_at)
        return self._head(session, evse, session.created_at, end, end) | {"ConsumedEnergy": Decimal("0.000")}

    def corrected(self, record: dict[str, Json], now: datetime) -> dict[str, Json]:
        """A refused record cut down to what is mandatory, ids and signed values; times not after now."""
        kept = (*_MANDATORY, *_IDS, "SignedMeteringValues", "CalibrationLawVerificationInfo")
        return {name: value for name, value in record.items() if name in kept}

    def _head(
        self, session: Session, evse: Evse, session_start: datetime, start: datetime, end: datetime
    ) -> dict[str, Json]:
        zone = evse.zone
        head = {
            "SessionID": session.session_id,
            "CPOPartnerSessionID": session.cpo_partner_session_id,
            "EMPPartnerSessionID": session.emp_partner_session_id,
            "PartnerProductID": session.partner_product_id,
            "EvseID": evse.evse_id,
            "Identification": session.identification,
            "ChargingStart": written(start, zone),
            "ChargingEnd": written(end, zone),
            "SessionStart": written(session_start, zone),
            "SessionEnd": written(end, zone),
        }
        return {name: value for name, value in head.items() if value is not None}


def _readings(meter: Meter) -> dict[str, Json]:
    """Readings of the register; none where it was reset on the way, since they would contradict the energy."""
    if meter.was_reset or meter.start_wh is None:
        return {}
    start, stop = kwh(meter.start_wh), kwh(meter.start_wh + meter.energy_wh)
    readings: dict[str, Json] = {"MeterValueStart": start, "MeterValueEnd": stop}
    between = _thinned([value for value in map(kwh, meter.in_between_wh) if start <= value <= stop])
    if between and between == sorted(between):
        readings["MeterValueInBetween"] = {"meterValues": between}
    # register ends are rounded one by one; the difference has to fit them
    readings["ConsumedEnergy"] = stop - start
    return readings


def _thinned(values: list[Decimal]) -> list[Decimal]:
    if len(values) <= _IN_BETWEEN:
        return values
    step = len(values) / _IN_BETWEEN
    return [values[int(i * step)] for i in range(_IN_BETWEEN)]


def _signed(meter: Meter, evse: Evse) -> dict[str, Json]:
    if not meter.signed:
        return {}
    ordered = sorted(meter.signed, key=lambda reading: _ORDER[reading.status])
    values = [{"SignedMeteringValue": r.value, "MeteringStatus": r.status} for r in ordered]
    key = evse.public_key or next((r.public_key for r in ordered if r.public_key), None)
    information = {"PublicKey": key, "MeteringSignatureEncodingFormat": _encoding(ordered[0])}
    return {
        "SignedMeteringValues": values,
        "CalibrationLawVerificationInfo": {name: value for name, value in information.items() if value},
    }


def _encoding(reading: SignedReading) -> str | None:
    if reading.encoding:
        return reading.encoding[:50]
    return "OCMF" if reading.value.startswith("OCMF|") else None
