"""Remote stops: their own session ends, nothing else does, and the answer tells the truth."""

from typing import Any

from tests.rules.build import EVSE, OTHER, Build, ack
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

NO400, NO501 = ack("400"), ack("501")


def charging(
    b: Build,
    *,
    until: float | None = None,
    session: int = 1,
    evse_id: str = EVSE,
    t: float = 5,
    reason: str = "Remote",
    **more: Any,
) -> None:
    """A session charges from second `t` on."""
    b.observe("plugged", t=t - 1, evse_id=evse_id)
    b.start(t=t, session=session, evse_id=evse_id)
    b.observe(
        "remote_start_received", t=t + 0.02, evse_id=evse_id, id_tag=f"TAG{session}", connector_id=1, answer="Accepted"
    )
    b.transaction(t=t + 0.1, until=until, evse_id=evse_id, reason=reason, **more)


def told(b: Build, *, t: float, session: int = 1) -> None:
    """The charge point took the start command."""
    b.observe("remote_start_received", t=t, evse_id=EVSE, id_tag=f"TAG{session}", connector_id=1, answer="Accepted")


def commanded(b: Build, *, t: float, evse_id: str = EVSE, answer: str = "Accepted") -> None:
    """The charge point got the stop command."""
    b.observe("remote_stop_received", t=t, evse_id=evse_id, transaction_id=7, answer=answer)


def offline(b: Build) -> None:
    b.observe("charge_point_disconnected", t=15, charge_point="CP-1")


STOPS = [
    Case("RSTOP-002", CONFORMS, "ends at once", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20), lambda b: commanded(b, t=20.03))),
    Case("RSTOP-002", CONFORMS, "a slow charge point needs 20 s", several(lambda b: charging(b, until=40), lambda b: b.stop(t=20), lambda b: commanded(b, t=39))),
    Case("RSTOP-002", VIOLATED, "yes, and charges on", several(charging, lambda b: b.stop(t=20))),
    Case("RSTOP-002", VIOLATED, "yes, but it ends only because the driver unplugs", several(lambda b: charging(b, until=40, reason="EVDisconnected"), lambda b: b.stop(t=20))),
    Case("RSTOP-002", SILENT, "the recording ends at once", several(charging, lambda b: b.stop(t=20)), 22),
    Case("RSTOP-002", VIOLATED, "a session that charges is refused", several(charging, lambda b: b.stop(t=20, answer=NO400))),
    Case("RSTOP-002", VIOLATED, "stopped, but answered false", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, answer=NO501), lambda b: commanded(b, t=20.03))),
    Case("RSTOP-002", SILENT, "a race with the unplugging", several(lambda b: charging(b, until=20.02, reason="EVDisconnected"), lambda b: b.stop(t=20, answer=NO400))),
    Case("RSTOP-002", SILENT, "the same, and the next session there is stopped soon after", several(
        lambda b: charging(b, until=20.02, reason="EVDisconnected"), lambda b: b.stop(t=20, answer=NO400), lambda b: commanded(b, t=35))),
    Case("RSTOP-007", SILENT, "ended just then, so the charge point refuses", several(
        lambda b: charging(b, until=20.02, reason="EVDisconnected"), lambda b: b.stop(t=20), lambda b: commanded(b, t=20.015, answer="Rejected"))),
    Case("RSTOP-003", CONFORMS, "400", lambda b: (charging(b), b.stop(t=20, session=99, answer=NO400))),
    Case("RSTOP-003", CONFORMS, "another code", lambda b: b.stop(t=20, session=99, answer=ack("022"))),
    Case("RSTOP-003", VIOLATED, "Result true", lambda b: b.stop(t=20, session=99)),
    Case("RSTOP-003", VIOLATED, "refused, but the EVSE named is stopped", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, session=99, answer=NO400), lambda b: commanded(b, t=20.03))),
    Case("RSTOP-003", SILENT, "the session may be older than the recording", lambda b: b.stop(t=20, session=99), run={"source": "tap"}),
    Case("RSTOP-004", CONFORMS, "refused", several(lambda b: charging(b, until=20), lambda b: b.stop(t=50, answer=NO400))),
    Case("RSTOP-004", WARNED, "Result true half a minute later", several(lambda b: charging(b, until=20), lambda b: b.stop(t=50))),
    Case("RSTOP-004", SILENT, "it has only just ended", several(lambda b: charging(b, until=20), lambda b: b.stop(t=21))),
    Case("RSTOP-005", CONFORMS, "wrong EvseID, the customer there goes on", several(charging, lambda b: charging(b, session=2, evse_id=OTHER), lambda b: b.stop(t=20, evse_id=OTHER, answer=NO400))),
    Case("RSTOP-005", VIOLATED, "wrong EvseID, the customer there is stopped", several(
        charging, lambda b: charging(b, session=2, evse_id=OTHER, until=20.5), lambda b: b.stop(t=20, evse_id=OTHER), lambda b: commanded(b, t=20.03, evse_id=OTHER))),
    Case("RSTOP-005", CONFORMS, "a customer whose session was billed before the charging began is stopped just then", several(
        lambda b: charging(b, until=20.5), lambda b: b.start(t=3, session=2, evse_id=OTHER), lambda b: b.cdr(t=15, session=2, evse_id=OTHER, meter_end_wh=0),
        lambda b: b.transaction(t=19.9, until=21, evse_id=OTHER, id_tag="TAG2", wh=0), lambda b: charging(b, session=3, evse_id="DE*ABC*E3*1"),
        lambda b: b.stop(t=20, session=99, evse_id="DE*ABC*E3*1", answer=NO400), lambda b: b.stop(t=20, evse_id=OTHER, answer=NO400), lambda b: commanded(b, t=20.03, evse_id=OTHER)),
        run={"evses": (EVSE, OTHER, "DE*ABC*E3*1")}),
    Case("RSTOP-006", CONFORMS, "refused", several(charging, lambda b: b.stop(t=20, provider="DE-XYZ", answer=NO400))),
    Case("RSTOP-006", WARNED, "carried out for another provider", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, provider="DE-XYZ"), lambda b: commanded(b, t=20.03))),
    Case("RSTOP-006", SILENT, "the same provider in another spelling", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, provider="DE*DCB"), lambda b: commanded(b, t=20.03))),
    Case("RSTOP-007", CONFORMS, "501 while offline", several(charging, offline, lambda b: b.stop(t=20, answer=NO501))),
    Case("RSTOP-007", VIOLATED, "Result true while offline", several(charging, offline, lambda b: b.stop(t=20))),
    Case("RSTOP-007", VIOLATED, "Result true although the charge point refused", several(charging, lambda b: b.stop(t=20), lambda b: commanded(b, t=20.02, answer="Rejected"))),
    Case("RSTOP-010", CONFORMS, "two stops, one CDR", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20), lambda b: commanded(b, t=20.03), lambda b: b.stop(t=20.2), lambda b: b.cdr(t=21))),
    Case("RSTOP-010", VIOLATED, "two stops, two CDRs", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20), lambda b: commanded(b, t=20.03), lambda b: b.stop(t=20.2), lambda b: b.cdr(t=21), lambda b: b.cdr(t=22))),
    Case("RSTOP-010", VIOLATED, "the stop of an old session hits the next customer", several(
        lambda b: charging(b, until=20), lambda b: b.cdr(t=21), lambda b: charging(b, t=30, session=2, until=40.5), lambda b: b.stop(t=40), lambda b: commanded(b, t=40.03))),
    Case("RSTOP-011", CONFORMS, "cancelled", several(lambda b: b.start(t=5), lambda b: b.observe("plugged", t=4, evse_id=EVSE), lambda b: b.stop(t=6))),
    Case("RSTOP-011", CONFORMS, "an honest refusal", several(lambda b: b.start(t=5), lambda b: b.stop(t=6, answer=NO400))),
    Case("RSTOP-011", CONFORMS, "starts after all and is ended at once", several(lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=20, until=23))),
    Case("RSTOP-011", VIOLATED, "charges a minute later", several(lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=60, until=100))),
    Case("RSTOP-011", SILENT, "charges all the same, the driver pulls the cable soon", several(
        lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=20, until=23, reason="EVDisconnected"))),
    Case("RSTOP-011", CONFORMS, "its start is not authorized at the charge point", several(
        lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=20, until=23, wh=0, reason="DeAuthorized"))),
    Case("RSTOP-011", CONFORMS, "the CPO stops it, the charge point names another reason", several(
        lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=20, until=23, reason="Other"), lambda b: commanded(b, t=22.9))),
    Case("RSTOP-011", SILENT, "began just now", several(lambda b: b.start(t=5), lambda b: b.stop(t=6), lambda b: b.transaction(t=20)), 25),
    Case("RSTOP-011", SILENT, "no EV ever came", several(lambda b: b.start(t=5), lambda b: b.stop(t=6))),
    Case("RSTOP-011", CONFORMS, "every start is answered once its transaction has begun, however long that takes", several(
        lambda b: b.start(t=5, took=3), lambda b: told(b, t=5.1), lambda b: b.transaction(t=7, until=20))),
    Case("RSTOP-011", SILENT, "the same, and no charge point took its time", several(
        lambda b: b.start(t=5, took=0.5), lambda b: told(b, t=5.1), lambda b: b.transaction(t=5.2, until=20))),
    Case("RSTOP-011", SILENT, "one start was answered before its transaction had begun", several(
        lambda b: b.start(t=5, took=3), lambda b: told(b, t=5.1), lambda b: b.transaction(t=7, until=20),
        lambda b: b.start(t=30, session=2), lambda b: told(b, t=30.1, session=2), lambda b: b.transaction(t=31, until=40))),
    Case("RSTOP-012", CONFORMS, "refused", several(charging, lambda b: b.stop(t=20, evse_id=OTHER, answer=ack("603")))),
    Case("RSTOP-012", WARNED, "the SessionID leads", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, evse_id=OTHER), lambda b: commanded(b, t=20.03))),
    Case("RSTART-018", WARNED, "a stop in another spelling is refused", several(charging, lambda b: b.stop(t=20, evse_id="DEABCE11", answer=ack("603")))),
    Case("RSTOP-002", SILENT, "the same", several(charging, lambda b: b.stop(t=20, evse_id="DEABCE11", answer=ack("603")))),
    Case("RSTOP-002", VIOLATED, "the same answer to the spelling that was pushed", several(charging, lambda b: b.stop(t=20, answer=ack("603")))),
    Case("RSTART-018", SILENT, "the same answer to the spelling that was pushed", several(charging, lambda b: b.stop(t=20, answer=ack("603")))),
    Case("RSTOP-012", SILENT, "the same EVSE in another spelling", several(lambda b: charging(b, until=20.5), lambda b: b.stop(t=20, evse_id="deabce11"), lambda b: commanded(b, t=20.03))),
]  # fmt: skip


@table(STOPS)
def test_stops(case: Case) -> None:
    """Races, slow charge points, other spellings and honest refusals are no violation."""
    case.check()
