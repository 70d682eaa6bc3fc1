"""Clocks that are ahead, meters before the losses, records that come late: what a recording of the wire does not prove."""

import json
from typing import Any

from tests.rules.build import EVSE, OTHER, Build, ack, clock, record
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "tap"}


def energy(t: float, kwh: float, ahead: float = 0) -> Any:
    """A Progress notification, by a clock that is so many seconds ahead."""
    body = {"ChargingStart": clock(101), "EventOccurred": clock(t + ahead), "ConsumedEnergyProgress": kwh}
    return lambda b: b.notification("Progress", t=t, body=body)


def billed(end: float, wh: int, *, stop: float, sent: float | None = None, begin: float = 101, kw: int = 22) -> Any:
    """A session from second 100 that is stopped, and its record."""

    def story(b: Build) -> None:
        facility = {"PowerType": "AC_3_PHASE", "Power": kw, "Voltage": 230, "Amperage": 16}
        b.push_data([record(EVSE, ChargingFacilities=[facility]), record(OTHER)], t=1)
        b.start(t=100)
        b.stop(t=stop)
        b.cdr(t=end + 1 if sent is None else sent, begin=begin, end=end, meter_end_wh=wh)

    return story


def refused_first(b: Build) -> None:
    """A record with nothing in it is refused, the right one follows."""
    b.start(t=100)
    energy(1000, 20.0)(b)
    b.cdr(t=1010, begin=101, end=1005, meter_end_wh=0, answer=ack("022"))
    b.cdr(t=1100, begin=101, end=1005, meter_end_wh=20100)


def unsigned(wh: int, session: int = 77) -> Any:
    """A record without signed values, of a session that began before the recording, for an EVSE that promises them."""

    def story(b: Build) -> None:
        b.push_data([record(CalibrationLawDataAvailability="External")], t=1)
        b.cdr(t=300, session=session, begin=-600, end=299, meter_end_wh=wh)

    return story


def signed(*readings: tuple[float, str]) -> Any:
    """A record from 100 to 105 kWh, and all readings of its OCMF text with their registers."""
    rows = [{"TM": "2026-03-02T10:00:31,000+0100 S", "RV": v, "RI": ri, "RU": "kWh", "ST": "G"} for v, ri in readings]
    text = "OCMF|" + json.dumps({"FV": "1.0", "RD": rows}) + '|{"SD":"aa"}'
    values = [{"SignedMeteringValue": text, "MeteringStatus": status} for status in ("Start", "End")]
    more = {"SignedMeteringValues": values, "CalibrationLawVerificationInfo": {"PublicKey": "aa"}}
    return several(
        lambda b: b.start(t=100), lambda b: b.cdr(t=600, meter_start_wh=100000, meter_end_wh=105000, body=more)
    )


def one_after_the_other(ahead: float, *, stopped: bool = True, operation: str = "AuthorizeRemoteStart") -> Any:
    """The next driver comes at 608, when the session before was over and billed; its record is of a clock that is ahead."""

    def story(b: Build) -> None:
        b.start(t=100)
        if stopped:
            b.stop(t=600)
        b.cdr(t=601, begin=101 + ahead, end=600 + ahead)
        b.start(t=608, session=2, evco_id="DE-DCB-C99999999-9", operation=operation, body={"Duration": 15})
        b.cdr(t=900, session=2, begin=609, end=899, evco_id="DE-DCB-C99999999-9", meter_end_wh=0)

    return story


IN, OUT, MAINS = "1-0:1.8.0", "1-0:2.8.0", "01-00:B0.08.00*FF"
CASES = [
    *(Case(r, SILENT if r[0] == "R" else CONFORMS, f"a clock {s} s ahead", one_after_the_other(s, stopped=stopped, operation=o), 1000)
      for s, stopped in ((45, True), (280, True), (280, False))
      for r, o in (("RSTART-007", "AuthorizeRemoteStart"), ("SESS-007", "AuthorizeRemoteStart"), ("RESV-004", "AuthorizeRemoteReservationStart"))),
    *(Case(r, VIOLATED, "while the one before charged", several(
        lambda b: b.start(t=100), lambda b: b.start(t=300, session=2, evco_id="DE-DCB-C99999999-9", provider="DE-DCD"),
        lambda b: b.stop(t=600), lambda b: b.cdr(t=601, begin=101, end=600)), 1000) for r in ("RSTART-007", "SESS-007")),
    Case("SESS-007", CONFORMS, "the cable of the one that was stopped was pulled later", several(
        lambda b: b.start(t=100), lambda b: b.stop(t=600), lambda b: b.start(t=640, session=2, evco_id="DE-DCB-C99999999-9"),
        lambda b: b.cdr(t=701, begin=101, end=700)), 1000),
    Case("NOTIF-012", WARNED, "more than was billed, by the losses", several(
        lambda b: b.start(t=100), energy(1000, 20.0), lambda b: b.cdr(t=1010, begin=101, end=1005, meter_end_wh=19200)), 1200),
    Case("NOTIF-012", VIOLATED, "twice of what was billed", several(
        lambda b: b.start(t=100), energy(1000, 20.0), lambda b: b.cdr(t=1010, begin=101, end=1005, meter_end_wh=10000)), 1200),
    Case("NOTIF-012", SILENT, "more than a record that was refused", refused_first, 1200),
    *(Case("NOTIF-014", outcome, f"{wh} Wh in the record that was taken", several(
        lambda b: b.start(t=100), lambda b: b.notification(
            "End", t=400, body={"ChargingStart": clock(101), "ChargingEnd": clock(399), "ConsumedEnergy": 3.0}),
        lambda b: b.cdr(t=402, begin=101, end=399, meter_end_wh=0, answer=ack("022")),
        lambda b, wh=wh: b.cdr(t=450, begin=101, end=399, meter_end_wh=wh))) for wh, outcome in ((3000, CONFORMS), (2000, VIOLATED))),
    Case("CDR-041", SILENT, "a reservation, perhaps", unsigned(0)),
    Case("CDR-041", VIOLATED, "energy without signed values", unsigned(3000)),
    Case("CDR-050", CONFORMS, "one register", signed((100.0, IN), (105.0, IN))),
    Case("CDR-050", CONFORMS, "import and export", signed((100.0, IN), (0, OUT), (105.0, IN), (0, OUT))),
    Case("CDR-050", CONFORMS, "before the losses and after them", signed((101.0, MAINS), (100.0, IN), (106.2, MAINS), (105.0, IN))),
    Case("CDR-050", WARNED, "no register has it", signed((101.0, MAINS), (100.0, IN), (106.2, MAINS), (104.0, IN))),
    Case("RSTOP-002", VIOLATED, "charged on with more than could flow before", billed(1400, 7500, stop=700), 2000),
    Case("RSTOP-002", SILENT, "ended at unplugging", billed(1400, 2000, stop=700), 2000),
    Case("RSTOP-002", SILENT, "a clock 200 s ahead", billed(900, 3660, stop=700, sent=701, begin=301), 2000),
    Case("RSTOP-002", SILENT, "and the record came later", billed(900, 3660, stop=700, sent=1500, begin=301), 2000),
    Case("RSTOP-002", SILENT, "3.7 kW as a whole number", billed(5000, 3690, stop=3700, kw=3), 6000),
    Case("RSTOP-002", SILENT, "told before the stop, by a clock 400 s ahead", several(
        lambda b: b.start(t=100), energy(250, 1.0, 400), energy(560, 3.0, 400), lambda b: b.stop(t=600)), 1000),
    Case("RSTOP-002", VIOLATED, "told after the stop, by a right clock", several(
        lambda b: b.start(t=100), lambda b: b.stop(t=600), energy(700, 3.0), energy(1010, 4.0)), 1200),
]  # fmt: skip


@table([Case(c.requirement, c.expected, c.what, c.story, c.until, WIRE) for c in CASES])
def test_clocks_and_meters(case: Case) -> None:
    """A lawful story, or one that breaks the requirement beyond what clocks and meters explain."""
    case.check()
