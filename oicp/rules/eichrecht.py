"""Calibration law: signed values where the EVSE promises them (CDR-041)."""

from collections.abc import Iterator

from oicp import wire_json
from oicp.chargers import record_of
from oicp.deliveries import CDR
from oicp.evidence import Evidence
from oicp.moments import number
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence
from oicp.rules.cdr_sessions import cdrs_of_sessions
from oicp.wire_json import Json

whole = rules_about_evidence()


@whole.rule("CDR-041")
def external_evses_send_signed_values(evidence: Evidence) -> Iterator[Yield]:
    """For an EVSE with CalibrationLawDataAvailability External the CDR contains SignedMeteringValues."""
    for cdr, own in cdrs_of_sessions(evidence, "remote", "rfid", "unknown"):
        said = cdr.body.get("EvseID")
        evse_id = said if isinstance(said, str) else own.evse_id
        if record_of(evidence, evse_id, cdr.t).get("CalibrationLawDataAvailability") != "External":
            continue
        if own.kind == "unknown" and number(cdr.body.get("ConsumedEnergy")) == 0:
            continue  # it may be that of a reservation
        yield Checked("CDR-041", CDR)
        values = cdr.body.get("SignedMeteringValues")
        signed = isinstance(values, list) and any(_signed(v) for v in values)
        if not signed:
            yield finding("the EVSE's record says External, the CDR has no signed values", on=cdr)


def _signed(value: Json) -> bool:
    """There is a signed value, though perhaps not in the object that belongs around it: CDR-044."""
    return bool(value if isinstance(value, str) else wire_json.at(value, "SignedMeteringValue"))
