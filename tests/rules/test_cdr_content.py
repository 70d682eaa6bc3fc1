"""CDRs: energy, readings, times, driver, product against session and ground truth."""

from typing import Any

import pytest

from oicp.rulebook import Grade
from tests.rules.build import EVCO, EVSE, OTHER, Build, clock, findings, judge, record
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table


def charged(
    b: Build, *, wh: int = 7312, meter: int = 0, session: int = 1, t: float = 10, until: float = 30, **cdr: Any
) -> None:
    """A session that charged from `t` to `until`, and its CDR (half a second later)."""
    b.observe("plugged", t=t - 2, evse_id=EVSE)
    b.start(t=t - 1, session=session)
    b.observe("remote_start_received", t=t - 0.9, evse_id=EVSE, id_tag="T", connector_id=1, answer="Accepted")
    b.transaction(t=t, until=until, wh=wh, meter_start_wh=meter)
    b.cdr(t=until + 0.5, session=session, begin=t, end=until, meter_start_wh=meter, meter_end_wh=meter + wh, **cdr)


def says(energy: Any, **more: Any) -> Any:
    """The EVSE metered 7.312 kWh; what the CDR says."""
    return lambda b: charged(b, body={"ConsumedEnergy": energy, **more})


def times(**at: float) -> Any:
    """The session charged from 100 to 160; seconds of the times in the CDR."""
    return lambda b: charged(b, t=100, until=160, body={name: clock(t) for name, t in at.items()})


def offline_and_back(b: Build) -> None:
    b.start(t=9)
    b.transaction(t=10, until=60, delivered=60)
    b.observe("charge_point_disconnected", t=20, charge_point="CP-1")
    b.observe("charge_point_connected", t=110, charge_point="CP-1")


SECOND = "DE-DCB-C99999999-9"
_PLACES = {1: (EVSE, EVCO), 2: (OTHER, SECOND)}


def side_by_side(b: Build) -> None:
    """Two drivers charge at two EVSEs at the same time."""
    for session, (evse_id, evco_id) in _PLACES.items():
        b.start(t=8 + session, session=session, evse_id=evse_id, evco_id=evco_id)
        b.transaction(t=10, until=60, evse_id=evse_id, id_tag=f"T{session}", wh=1000 * session)


CLOSED = {"http_status": 404, "answer": {"StatusCode": {"Code": "400", "Description": "status is not valid CLOSED!"}}}


def billed_again(b: Build, **more: Any) -> None:
    """What a vehicle charged later, without a start, is sent under the SessionID of the session that its CDR had closed."""
    charged(b, wh=7312)
    b.transaction(t=100, until=130, wh=400, cause="local")
    b.cdr(t=131, begin=100, end=130, meter_start_wh=7312, meter_end_wh=7712, **more)


def record_of(b: Build, charging: int, session: int) -> None:
    """The record of one of both, under the SessionID of either."""
    evse_id, evco_id = _PLACES[charging]
    b.cdr(
        t=60 + charging,
        session=session,
        begin=10,
        end=60,
        evse_id=evse_id,
        evco_id=evco_id,
        meter_end_wh=1000 * charging,
    )


def exchanged(b: Build) -> None:
    """Each record has the SessionID of the other."""
    side_by_side(b)
    record_of(b, 1, 2)
    record_of(b, 2, 1)


CONTENT = [
    Case("CDR-005", CONFORMS, "after the transaction", charged),
    Case("CDR-005", VIOLATED, "while it charges", lambda b: (b.start(t=5), b.transaction(t=6, until=90), b.cdr(t=40))),
    Case("CDR-005", CONFORMS, "after the energy, before the transaction ends", lambda b: (
        b.start(t=5), b.observe("transaction_started", t=6, evse_id=EVSE, transaction="x", meter_wh=0, cause="remote"),
        b.observe("energy_started", t=6.1, evse_id=EVSE, meter_wh=0), b.observe("energy_stopped", t=40, evse_id=EVSE, meter_wh=3000),
        b.cdr(t=41), b.observe("transaction_stopped", t=90, evse_id=EVSE, transaction="x", meter_wh=3000, reason="EVDisconnected"))),
    Case("CDR-005", SILENT, "stopped before the CPO heard of a transaction (RSTOP-011)", lambda b: (
        b.start(t=5), b.stop(t=6), b.cdr(t=6.5, meter_end_wh=0), b.transaction(t=7, until=8, wh=30))),
    Case("CDR-005", VIOLATED, "stopped, yet the record came while it charged", lambda b: (
        b.start(t=5), b.transaction(t=5.5, until=60), b.stop(t=10), b.cdr(t=11))),
    Case("CDR-005", SILENT, "no ground truth", charged, run={"truth": False}),
    Case("CDR-024", CONFORMS, "exact", says(7.312)),
    Case("CDR-024", CONFORMS, "within the third decimal", says(7.313)),
    Case("CDR-024", WARNED, "rounded to two decimals", says(7.31)),
    Case("CDR-024", WARNED, "rounded to one decimal", says(7.3)),
    Case("CDR-024", VIOLATED, "whole kWh", says(7)),
    Case("CDR-024", VIOLATED, "something else", says(9.5)),
    Case("CDR-024", SILENT, "a negative amount: CDR-017", says(-7.312)),
    Case("CDR-024", SILENT, "the meter was reset", lambda b: charged(b, wh=-500, body={"ConsumedEnergy": 1.5})),
    Case("CDR-024", SILENT, "closed by guess while the charge point was offline", lambda b: (offline_and_back(b), b.cdr(t=70, meter_end_wh=1200))),
    Case("CDR-024", CONFORMS, "a second CDR of a closed session: CDR-003", lambda b: billed_again(b, **CLOSED)),
    Case("CDR-024", VIOLATED, "a second CDR that the hub took", billed_again),
    Case("CDR-016", CONFORMS, "a second CDR of a closed session: CDR-003", lambda b: billed_again(b, **CLOSED)),
    Case("CDR-003", VIOLATED, "a second CDR of a closed session", lambda b: billed_again(b, **CLOSED)),
    Case("CDR-024", SILENT, "the guess is repeated unchanged once the charge point is back", lambda b: (
        offline_and_back(b), b.cdr(t=70, meter_end_wh=1200, answer=b"oops", http_status=503), b.cdr(t=112, meter_end_wh=1200))),
    Case("CDR-024", VIOLATED, "offline in between, the end is told as it is", lambda b: (
        b.start(t=9), b.transaction(t=10, until=60), b.observe("charge_point_disconnected", t=20, charge_point="CP-1"),
        b.observe("charge_point_connected", t=30, charge_point="CP-1"), b.cdr(t=60.01, meter_end_wh=1200))),
    Case("CDR-024", VIOLATED, "closed as soon as the charge point is back, before it tells the end", lambda b: (
        b.start(t=9), b.transaction(t=10, until=60, delivered=60), b.observe("charge_point_disconnected", t=20, charge_point="CP-1"),
        b.observe("charge_point_connected", t=110, charge_point="CP-1"), b.cdr(t=110.1, meter_end_wh=1200))),
    Case("CDR-024", VIOLATED, "billed although nothing was charged", lambda b: (b.start(t=5), b.cdr(t=60))),
    Case("CDR-024", CONFORMS, "0 kWh, nothing was charged", lambda b: (b.start(t=5), b.cdr(t=60, meter_end_wh=0))),
    Case("CDR-024", CONFORMS, "two transactions in one session", lambda b: (
        b.start(t=5, took=30), b.transaction(t=6, until=10, wh=1000), b.transaction(t=12, until=20, wh=2000, meter_start_wh=1000), b.cdr(t=36))),
    Case("CDR-024", CONFORMS, "two starts at once, the first one charges", lambda b: (
        b.start(t=5, took=0.3), b.start(t=5.1, session=2, took=0.3), b.observe("remote_start_received", t=5.2, evse_id=EVSE, id_tag="T", connector_id=1, answer="Accepted"),
        b.transaction(t=5.25, until=20, wh=3000), b.cdr(t=21))),
    Case("CDR-021", VIOLATED, "a little energy in Wh", lambda b: charged(b, wh=500, body={"ConsumedEnergy": 500})),
    Case("CDR-021", VIOLATED, "one reading in Wh", lambda b: charged(b, meter=1520104, body={"MeterValueStart": ..., "MeterValueEnd": 1527416})),
    Case("CDR-025", CONFORMS, "readings in Wh: CDR-021", lambda b: charged(b, meter=1520104, body={"MeterValueStart": 1520104, "MeterValueEnd": 1527416})),
    Case("CDR-025", SILENT, "readings exchanged: CDR-020", lambda b: charged(b, body={"MeterValueStart": 7.312, "MeterValueEnd": 0})),
    Case("CDR-025", CONFORMS, "readings of the meter", lambda b: charged(b, meter=1520104)),
    Case("CDR-025", WARNED, "counted from the start of the session", lambda b: charged(b, meter=1520104, body={"MeterValueStart": 0, "MeterValueEnd": 7.312})),
    Case("CDR-025", SILENT, "no readings", lambda b: charged(b, body={"MeterValueStart": ..., "MeterValueEnd": None})),
    Case("CDR-025", WARNED, "a value in between from nowhere", lambda b: charged(b, body={"MeterValueInBetween": {"meterValues": [3, 99]}})),
    Case("CDR-029", CONFORMS, "two sessions, two energies", lambda b: (charged(b), charged(b, session=2, t=50, until=70, meter=7312, wh=1000))),
    Case("CDR-029", VIOLATED, "the second bills both", lambda b: (
        charged(b), charged(b, session=2, t=50, until=70, meter=7312, wh=1000, body={"ConsumedEnergy": 8.312, "MeterValueStart": 0}))),
    Case("CDR-029", SILENT, "only the amount is that of both: CDR-024", lambda b: (
        charged(b), charged(b, session=2, t=50, until=70, meter=7312, wh=1000, body={"ConsumedEnergy": 8.312}))),
    Case("CDR-039", CONFORMS, "scaled power is what the vehicle drew", lambda b: (b.push_data([record()], t=1), charged(b))),
    *(Case("CDR-039", expected, f"no time at all for what flowed in {seconds} s", lambda b, seconds=seconds: (
        b.push_data([record()], t=1), charged(b, until=seconds + 10, wh=800, body={"ChargingStart": clock(10), "ChargingEnd": clock(10)})))
      for seconds, expected in ((2, CONFORMS), (12, WARNED))),
    Case("CDR-039", WARNED, "twenty times what can flow", lambda b: (b.push_data([record()], t=1), charged(b, wh=100, body={"ConsumedEnergy": 5}))),
    Case("CDR-039", SILENT, "Wh: CDR-021", lambda b: (b.push_data([record()], t=1), charged(b, wh=500, body={"ConsumedEnergy": 500}))),
    Case("CDR-039", SILENT, "nobody knows the power", charged, run={"fleet": None}),
]  # fmt: skip


TIMES = [
    Case("CDR-015", CONFORMS, "in the past", charged),
    Case("CDR-015", CONFORMS, "two seconds of clock difference", times(SessionEnd=162.4)),
    Case("CDR-015", VIOLATED, "an hour ahead", times(SessionEnd=3760)),
    Case("CDR-016", CONFORMS, "times of the transaction", times(ChargingStart=100, ChargingEnd=160, SessionStart=99, SessionEnd=160)),
    Case("CDR-016", CONFORMS, "session from plugging in", times(SessionStart=98)),
    Case("CDR-016", VIOLATED, "ChargingStart when the CDR was built", times(ChargingStart=160)),
    Case("CDR-016", CONFORMS, "ten seconds off: only information", times(SessionStart=88)),
    Case("CDR-016", CONFORMS, "a clock that is ten seconds behind", times(ChargingStart=90, ChargingEnd=150, SessionStart=89, SessionEnd=150)),
    Case("CDR-016", CONFORMS, "twelve seconds shorter than the charging: only information", times(ChargingStart=112)),
    Case("CDR-016", CONFORMS, "twelve seconds longer, from the remote start on: only information", times(ChargingStart=88)),
    Case("CDR-016", CONFORMS, "no time at all, each time within the tolerance: CDR-039", times(ChargingStart=130, ChargingEnd=130)),
    Case("CDR-016", VIOLATED, "no time at all, ChargingEnd beyond the tolerance", times(ChargingStart=100, ChargingEnd=100)),
    Case("CDR-016", VIOLATED, "an hour early", times(ChargingStart=-3500, ChargingEnd=-3440, SessionStart=-3500, SessionEnd=-3440)),
    Case("CDR-016", SILENT, "all an hour ahead is CDR-015", times(ChargingStart=3700, ChargingEnd=3760, SessionStart=3700, SessionEnd=3760)),
    Case("CDR-016", CONFORMS, "session ends when the cable is pulled", several(
        lambda b: b.observe("unplugged", t=300, evse_id=EVSE), lambda b: b.start(t=99), lambda b: b.transaction(t=100, until=160),
        lambda b: b.cdr(t=301, body={n: clock(t) for n, t in (("SessionStart", 100), ("ChargingStart", 100), ("ChargingEnd", 160), ("SessionEnd", 300))}))),
    Case("CDR-016", CONFORMS, "arrival times of a charge point that was offline", several(
        offline_and_back, lambda b: b.cdr(t=122, body={n: clock(t) for n, t in (("SessionStart", 10), ("ChargingStart", 10), ("ChargingEnd", 120), ("SessionEnd", 120))}))),
    Case("CDR-016", SILENT, "no zone: TIME-001", lambda b: charged(b, body=dict.fromkeys(("ChargingStart", "ChargingEnd", "SessionStart", "SessionEnd"), "2026-03-02T09:00:00"))),
]  # fmt: skip


SESSIONS = [
    Case("CDR-008", CONFORMS, "the same", charged),
    Case("CDR-008", CONFORMS, "another spelling", lambda b: charged(b, evse_id="DEABCE11")),
    Case("CDR-008", VIOLATED, "another connector", lambda b: charged(b, evse_id=OTHER)),
    Case("CDR-008", SILENT, "all of it is of another session: SESS-003", exchanged),
    Case("CDR-012", SILENT, "all of it is of another session: SESS-003", exchanged),
    Case("CDR-024", SILENT, "all of it is of another session: SESS-003", exchanged),
    Case("SESS-003", VIOLATED, "the SessionIDs of two drivers exchanged", exchanged),
    Case("SESS-003", VIOLATED, "two records under one SessionID", lambda b: (side_by_side(b), record_of(b, 1, 1), record_of(b, 2, 1))),
    Case("SESS-003", CONFORMS, "two drivers, two records", lambda b: (side_by_side(b), record_of(b, 1, 1), record_of(b, 2, 2))),
    Case("CDR-008", VIOLATED, "only the EVSE is that of another session", lambda b: (
        side_by_side(b), record_of(b, 1, 1), b.cdr(t=61, session=2, begin=11, end=60, evse_id=EVSE, evco_id=SECOND))),
    Case("CDR-011", CONFORMS, "RemoteIdentification", charged),
    Case("CDR-011", SILENT, "the hub started it with an RFID medium", lambda b: (
        b.start(t=10, body={"Identification": {"RFIDMifareFamilyIdentification": {"UID": "12345678"}}}),
        b.cdr(t=60, body={"Identification": {"RFIDMifareFamilyIdentification": {"UID": "12345678"}}}))),
    Case("CDR-011", VIOLATED, "RFID", lambda b: charged(b, body={"Identification": {"RFIDMifareFamilyIdentification": {"UID": "12345678"}}})),
    Case("CDR-012", CONFORMS, "the same", charged),
    Case("CDR-012", WARNED, "another spelling", lambda b: charged(b, evco_id=EVCO.lower().replace("-", ""))),
    Case("CDR-012", VIOLATED, "the customer before", lambda b: charged(b, evco_id="DE-DCB-C99999999-9")),
    Case("CDR-036", CONFORMS, "the product of the start", lambda b: (b.start(t=5, body={"PartnerProductID": "DC-FAST"}), b.cdr(t=30, body={"PartnerProductID": "DC-FAST"}))),
    Case("CDR-036", WARNED, "another product", lambda b: (b.start(t=5, body={"PartnerProductID": "DC-FAST"}), b.cdr(t=30, body={"PartnerProductID": "AC3"}))),
    Case("CDR-036", WARNED, "left out", lambda b: (b.start(t=5, body={"PartnerProductID": "DC-FAST"}), b.cdr(t=30))),
    Case("CDR-036", SILENT, "none was asked for", charged),
    Case("CDR-037", CONFORMS, "its own", lambda b: (b.start(t=5, body={"EMPPartnerSessionID": "E1"}), b.cdr(t=30, body={"EMPPartnerSessionID": "E1"}))),
    Case("CDR-037", VIOLATED, "that of another session", lambda b: (
        b.start(t=5, body={"EMPPartnerSessionID": "E1"}), b.start(t=6, session=2, evse_id=OTHER, body={"EMPPartnerSessionID": "E2"}), b.cdr(t=30, body={"EMPPartnerSessionID": "E2"}))),
    Case("CDR-037", CONFORMS, "an EMP that uses one id for all", lambda b: (
        b.start(t=5, body={"EMPPartnerSessionID": "E"}), b.start(t=6, session=2, evse_id=OTHER, body={"EMPPartnerSessionID": "E"}), b.cdr(t=30, body={"EMPPartnerSessionID": "E"}))),
    Case("CDR-041", CONFORMS, "signed", lambda b: (b.push_data([record(CalibrationLawDataAvailability="External")], t=1), charged(b, body={"SignedMeteringValues": [{"SignedMeteringValue": "OCMF|{}|{}"}]}))),
    Case("CDR-041", VIOLATED, "not signed", lambda b: (b.push_data([record(CalibrationLawDataAvailability="External")], t=1), charged(b))),
    Case("CDR-041", CONFORMS, "signed, though a text is no entry: CDR-044", lambda b: (
        b.push_data([record(CalibrationLawDataAvailability="External")], t=1), charged(b, body={"SignedMeteringValues": ["OCMF|"]}))),
    Case("CDR-041", SILENT, "not promised", charged),
]  # fmt: skip


@table(CONTENT)
def test_content(case: Case) -> None:
    """Energy and readings are compared with the meter; rounding warns, what nobody could know is left alone."""
    case.check()


@table(TIMES)
def test_times(case: Case) -> None:
    """Both readings of the charging times, arrival times and open cables are right."""
    case.check()


@table(SESSIONS)
def test_sessions(case: Case) -> None:
    """EVSE, driver, product and ids are those of the start; another spelling is the contested variant."""
    case.check()


def test_wh_is_told_once() -> None:
    """Energy in Wh is CDR-021; CDR-024 is folded under it."""
    build = Build()
    charged(build, body={"ConsumedEnergy": 7312})
    verdict = judge(build.evidence(until=100))
    assert "CDR-021" in verdict.violated
    assert "CDR-024" not in verdict.violated


@pytest.mark.parametrize("spelled", [EVCO, EVCO.lower()])
def test_strict_judgement(spelled: str) -> None:
    """The contested spelling of an EvcoID warns by default."""
    build = Build()
    charged(build, evco_id=spelled)
    grades = [f.grade for f in findings(build.evidence(), "CDR-012")]
    assert grades == ([] if spelled == EVCO else [Grade.WARNING])
