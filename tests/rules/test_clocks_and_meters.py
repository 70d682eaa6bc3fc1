"""Clocks that are ahead, meters before the losses, records that come late: what a recording of the wire does not prove."""

from typing import Any

from tests.rules.build import EVSE, OTHER, Build, clock, record
from tests.rules.cases import SILENT, VIOLATED, Case, several, table

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


CASES = [
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
