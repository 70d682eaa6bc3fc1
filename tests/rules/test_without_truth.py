"""What a recording of the wire alone tells, without anybody at the charge points."""

from typing import Any

from oicp.unknowns import ADDRESSES, TIMES
from tests.rules.build import EVSE, OTHER, Build, ack, clock
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "har"}
TEXTS = {**WIRE, "source": "pairs", "unknown": (TIMES, ADDRESSES)}
NO400, NO022 = ack("400"), ack("022", StatusCode={"Code": "022", "Description": "No."})


def billed(b: Build, session: int = 1, begin: float = 10, end: float = 600, evse_id: str = EVSE) -> None:
    """A session that was started, stopped and billed."""
    b.start(t=begin, session=session, evse_id=evse_id)
    b.stop(t=end, session=session, evse_id=evse_id)
    b.cdr(t=end + 2, session=session, begin=begin + 1, end=end, evse_id=evse_id)


CASES = [
    Case("RSTART-007", VIOLATED, "the CDR says that another session charged", several(
        billed, lambda b: b.start(t=300, session=2)), run=WIRE),
    Case("RSTART-007", CONFORMS, "and the start was refused", several(
        billed, lambda b: b.start(t=300, session=2, answer=ack("602"))), run=WIRE),
    Case("RSTART-007", SILENT, "it had ended", several(billed, lambda b: b.start(t=700, session=2)), run=WIRE),
    Case("RSTART-007", SILENT, "it was the other EVSE", several(
        billed, lambda b: b.start(t=300, session=2, evse_id=OTHER)), run=WIRE),
    Case("RSTART-007", SILENT, "no CDR tells", several(
        lambda b: b.start(t=10), lambda b: b.start(t=300, session=2)), run=WIRE),
    Case("RSTART-007", SILENT, "texts without times", several(billed, lambda b: b.start(t=300, session=2)), run=TEXTS),
    Case("SESS-008", SILENT, "texts without times", several(
        billed, lambda b: b.start(t=12, session=2, evse_id=OTHER), lambda b: b.cdr(t=650, session=2, evse_id=OTHER)), run=TEXTS),
    Case("SESS-007", SILENT, "texts without times", several(billed, lambda b: b.start(t=700, session=2)), run=TEXTS),
    Case("ACK-010", WARNED, "one code for all: the EVSE is in use", several(
        billed, lambda b: b.start(t=300, session=2, answer=NO022)), run=WIRE),
    Case("ACK-010", CONFORMS, "the cause is not known", several(
        billed, lambda b: b.start(t=700, session=2, answer=NO022)), run=WIRE),
    Case("ACK-010", WARNED, "one code for all: the session is billed", several(
        billed, lambda b: b.stop(t=700, answer=NO022)), run=WIRE),
    Case("CDR-001", CONFORMS, "stopped and billed", several(billed, lambda b: b.stop(t=700)), 1300, run=WIRE),
    Case("CDR-001", SILENT, "another session was stopped and has no record here", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1300, run=WIRE),
    Case("CDR-001", VIOLATED, "stopped, and no record within a quarter of an hour", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1900, run={**WIRE, "source": "tap"}),
    Case("CDR-001", WARNED, "the cable may still be plugged in", several(
        billed, lambda b: b.start(t=800, session=2), lambda b: b.stop(t=900, session=2)), 1300, run={**WIRE, "source": "tap"}),
    Case("CDR-001", CONFORMS, "billed when the cable was pulled", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=600), lambda b: b.cdr(t=1300, begin=11, end=600, body={"SessionEnd": clock(1299)})),
        1900, run={**WIRE, "source": "tap"}),
    Case("CDR-016", VIOLATED, "UTC with the offset of the place", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=602, begin=11 - 3600, end=600 - 3600)), run=WIRE),
    Case("CDR-016", SILENT, "times after the start", billed, run=WIRE),
    Case("CDR-016", SILENT, "the session began when the vehicle was plugged in", several(
        lambda b: b.start(t=1000), lambda b: b.cdr(t=1602, begin=1001, end=1600, body={"SessionStart": clock(0)})), run=WIRE),
    Case("CDR-016", SILENT, "the clock of the recorder is some seconds off", several(
        lambda b: b.start(t=100), lambda b: b.cdr(t=692, begin=40, end=630)), run=WIRE),
    Case("RSTOP-004", CONFORMS, "refused after the CDR", several(billed, lambda b: b.stop(t=700, answer=NO400)), run=WIRE),
    Case("RSTOP-004", WARNED, "Result true after the CDR", several(billed, lambda b: b.stop(t=700)), run=WIRE),
    Case("RSTOP-004", SILENT, "before the CDR nobody knows", several(
        lambda b: b.start(t=10), lambda b: b.stop(t=600), lambda b: b.stop(t=601), lambda b: b.cdr(t=602)), run=WIRE),
    Case("RSTOP-003", VIOLATED, "the start of the session was refused", several(
        lambda b: b.start(t=10, answer=ack("510")), lambda b: b.stop(t=20)), run=WIRE),
    Case("RSTOP-003", CONFORMS, "and so is the stop", several(
        lambda b: b.start(t=10, answer=ack("510")), lambda b: b.stop(t=20, answer=NO400)), run=WIRE),
    Case("RSTOP-003", SILENT, "the session may be older than the recording", lambda b: b.stop(t=20), run=WIRE),
    Case("SESS-003", VIOLATED, "an id of its own for the one session there is", several(
        lambda b: b.start(t=10), lambda b: b.cdr(t=60, session=9)), run=TEXTS),
    Case("SESS-001", CONFORMS, "the id of the hub", several(lambda b: b.start(t=10), lambda b: b.cdr(t=60)), run=TEXTS),
    Case("SESS-001", CONFORMS, "records of earlier sessions beside it", several(
        billed, lambda b: b.cdr(t=700, session=9, evse_id=OTHER)), run=TEXTS),
]  # fmt: skip


@table(CASES)
def test_wire_alone(case: Case) -> None:
    """A conforming story, a story that breaks the requirement, and those that nobody can decide."""
    case.check()
