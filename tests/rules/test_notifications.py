"""Charging notifications against session, EVSE and each other."""

from dataclasses import replace
from typing import Any

from oicp.unknowns import DURATIONS, ORDER, TIMES
from tests.rules.build import EVCO, EVSE, OTHER, Build, ack, clock
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, table

RFID = {"RFIDMifareFamilyIdentification": {"UID": "12345678"}}


def session(b: Build, *, t: float = 10, until: float | None = 60) -> None:
    """Started at `t`, charges from `t` + 1 until `until`."""
    b.start(t=t)
    b.transaction(t=t + 1, until=until)


def told(*kinds: tuple[str, float], **more: Any) -> Any:
    """A session from 10 to 60 and these notifications."""

    def story(b: Build) -> None:
        session(b)
        for kind, t in kinds:
            b.notification(kind, t=t, **more)

    return story


def progress(*points: tuple[float, float], wh: int = 600, reading: int | None = None, **more: Any) -> Any:
    """A long session; Progress at these seconds with these energies (kWh). The meter runs evenly, 1 Wh a second."""

    def story(b: Build) -> None:
        b.start(t=10)
        b.transaction(t=11, until=1500)
        for t in range(20, 1400, 10):
            b.observe("meter", t=t, evse_id=EVSE, meter_wh=t - 10)
        for t, energy in points:
            b.notification("Progress", t=t, body={"ConsumedEnergyProgress": energy, "EventOccurred": clock(t)}, **more)

    return story


CASES = [
    Case("NOTIF-002", CONFORMS, "open", told(("Start", 12))),
    Case("NOTIF-002", VIOLATED, "after the CDR", lambda b: (told(("Start", 12))(b), b.cdr(t=61), b.notification("End", t=65))),
    Case("NOTIF-002", VIOLATED, "the start was refused", lambda b: (b.start(t=5, answer=ack("510")), b.notification("End", t=6))),
    Case("NOTIF-002", SILENT, "an id nobody knows is SESS-001", lambda b: b.notification("Start", t=6, session=77)),
    Case("NOTIF-002", CONFORMS, "the CDR was refused, so the session is open", lambda b: (session(b), b.cdr(t=61, answer=ack("022")), b.notification("End", t=65))),
    Case("NOTIF-003", CONFORMS, "another spelling", told(("Start", 12), evse_id="DEABCE11")),
    Case("NOTIF-003", VIOLATED, "another EVSE", told(("Start", 12), evse_id=OTHER)),
    Case("NOTIF-005", CONFORMS, "the driver", told(("Start", 12))),
    Case("NOTIF-005", CONFORMS, "the driver of a start that has more identifications", lambda b: (
        b.start(t=10, body={"Identification": RFID | {"RemoteIdentification": {"EvcoID": EVCO}}}), b.transaction(t=11), b.notification("Start", t=12))),
    Case("NOTIF-005", CONFORMS, "the hub started it with an RFID medium", lambda b: (
        b.start(t=10, body={"Identification": RFID}),
        b.notification("Start", t=12, body={"Identification": RFID, "ChargingStart": clock(11)}))),
    Case("NOTIF-005", CONFORMS, "left out", told(("Start", 12), body={"Identification": ...})),
    Case("NOTIF-005", VIOLATED, "RFID in a remote session", told(("Start", 12), body={"Identification": RFID})),
    Case("NOTIF-005", WARNED, "another spelling", told(("Start", 12), body={"Identification": {"RemoteIdentification": {"EvcoID": EVCO.lower()}}})),
    Case("NOTIF-005", VIOLATED, "another driver", told(("Start", 12), body={"Identification": {"RemoteIdentification": {"EvcoID": "DE-DCB-C99999999-9"}}})),
    Case("NOTIF-007", CONFORMS, "when it has begun", told(("Start", 12))),
    Case("NOTIF-007", VIOLATED, "with the acknowledgement", lambda b: (b.start(t=10), b.notification("Start", t=10.1), b.transaction(t=70, until=90))),
    Case("NOTIF-007", WARNED, "twice", told(("Start", 12), ("Start", 13))),
    Case("NOTIF-007", WARNED, "before the energy", lambda b: (
        b.start(t=10), b.observe("transaction_started", t=11, evse_id=EVSE, transaction="x", meter_wh=0, cause="remote"),
        b.observe("energy_started", t=40, evse_id=EVSE, meter_wh=0), b.notification("Start", t=12))),
    Case("NOTIF-011", CONFORMS, "300 s", progress((310, 0.3), (610, 0.6)), 1600),
    Case("NOTIF-011", CONFORMS, "297 s: transport", progress((310, 0.3), (607, 0.59)), 1600),
    Case("NOTIF-011", VIOLATED, "60 s", progress((310, 0.3), (370, 0.36)), 1600),
    Case("NOTIF-011", SILENT, "only one", progress((310, 0.3)), 1600),
    Case("NOTIF-011", SILENT, "a repeat after 503", lambda b: (progress((310, 0.3), http_status=503)(b), b.notification("Progress", t=320)), 1600),
    Case("NOTIF-012", CONFORMS, "from the start", progress((310, 0.3), (610, 0.6)), 1600),
    Case("NOTIF-012", CONFORMS, "the reading is some minutes old", progress((610, 0.4)), 1600),
    Case("NOTIF-012", VIOLATED, "of the interval only", progress((310, 0.3), (610, 0.29)), 1600),
    Case("NOTIF-012", VIOLATED, "more than the EVSE delivered", progress((310, 3.0)), 1600),
    Case("NOTIF-014", CONFORMS, "the CDR holds the same", lambda b: (told(("End", 60.2), body={"ConsumedEnergy": 3, "MeterValueEnd": 3})(b), b.cdr(t=61))),
    Case("NOTIF-014", CONFORMS, "charging went on, the CDR holds more", lambda b: (told(("End", 60.2), body={"ConsumedEnergy": 2})(b), b.cdr(t=61))),
    Case("NOTIF-014", VIOLATED, "more than the CDR", lambda b: (told(("End", 60.2), body={"ConsumedEnergy": 4})(b), b.cdr(t=61))),
    Case("NOTIF-014", SILENT, "in Wh: NOTIF-019", lambda b: (told(("End", 60.2), body={"ConsumedEnergy": 600})(b), b.cdr(t=61, meter_end_wh=600))),
    Case("NOTIF-019", VIOLATED, "in Wh", lambda b: (told(("End", 60.2), body={"ConsumedEnergy": 600})(b), b.cdr(t=61, meter_end_wh=600))),
    Case("NOTIF-015", CONFORMS, "when energy stops", told(("End", 60.2))),
    Case("NOTIF-015", VIOLATED, "while it flows", told(("End", 40))),
    Case("NOTIF-015", VIOLATED, "after the CDR", lambda b: (session(b), b.cdr(t=61), b.notification("End", t=120))),
    Case("NOTIF-020", CONFORMS, "in order", told(("Start", 12), ("End", 60.2))),
    Case("NOTIF-020", CONFORMS, "an Error in between", told(("Start", 12), ("Error", 20), ("End", 60.2))),
    Case("NOTIF-020", WARNED, "Progress after End", told(("Start", 12), ("End", 60.2), ("Progress", 70))),
    Case("NOTIF-020", WARNED, "after the CDR", lambda b: (told(("Start", 12))(b), b.cdr(t=61), b.notification("End", t=120))),
    Case("NOTIF-021", CONFORMS, "320 and the CDR follows", lambda b: (told(("Start", 12), answer=ack("320"))(b), b.cdr(t=61))),
    Case("NOTIF-021", VIOLATED, "repeated without end", lambda b: (told(*(("Start", 12.0 + i) for i in range(8)), answer=ack("320"))(b), b.cdr(t=61))),
    Case("NOTIF-021", VIOLATED, "the session is aborted", lambda b: (b.start(t=10), b.transaction(t=11, until=15, reason="Remote"), b.notification("Start", t=12, answer=ack("320")))),
]  # fmt: skip


@table(CASES)
def test_notifications(case: Case) -> None:
    """Notifications tell the truth about an open session, in order, and not too often."""
    case.check()


# --- nobody watches the charge points -------------------------------------------------------------------------------------


def begun(t: float) -> dict[str, Any]:
    return {"ChargingStart": clock(t)}


def at_wire(*points: tuple[float, float], kwh: float = 2.0) -> Any:
    """Progress at these seconds with these energies; then a CDR of `kwh`."""

    def story(b: Build) -> None:
        b.start(t=10)
        for t, energy in points:
            b.notification("Progress", t=t, body={"ConsumedEnergyProgress": energy, "EventOccurred": clock(t)})
        b.cdr(t=1502, begin=11, end=1500, meter_end_wh=int(kwh * 1000))

    return story


def starts(*seconds: float, told: float = 11, billed: float = 11, **more: Any) -> Any:
    """Start notifications at these seconds that tell of a begin at `told`; the CDR tells of one at `billed`."""

    def story(b: Build) -> None:
        b.start(t=10)
        for t in seconds:
            b.notification("Start", t=t, body=begun(told), **more)
        b.cdr(t=1502, begin=billed, end=1500)

    return story


def lost_start(b: Build) -> None:
    b.notification("Start", t=12, body=begun(11), http_status=None)


ON_THE_WIRE = [
    Case("NOTIF-007", CONFORMS, "once", starts(12), 1600),
    Case("NOTIF-007", WARNED, "twice", starts(12, 700), 1600),
    Case("NOTIF-007", CONFORMS, "the answer to the first was lost", lambda b: (lost_start(b), starts(40)(b)), 1600),
    Case("NOTIF-007", WARNED, "with the acknowledgement, by the CDR it began later", starts(12, told=11, billed=600), 1600),
    Case("NOTIF-007", CONFORMS, "when energy flowed, with the begin of the transaction", starts(602, told=11, billed=600), 1600),
    Case("NOTIF-007", CONFORMS, "some seconds apart", starts(12, told=11, billed=40), 1600),
    Case("NOTIF-012", VIOLATED, "more than the CDR", at_wire((400, 1.0), (800, 9.0)), 1600),
    Case("NOTIF-012", CONFORMS, "no more than the CDR", at_wire((400, 1.0), (800, 1.5)), 1600),
    Case("NOTIF-012", CONFORMS, "rounded otherwise than the CDR", at_wire((400, 1.0), (1499, 2.004)), 1600),
    Case("NOTIF-012", VIOLATED, "more than the End tells", lambda b: (
        at_wire((400, 1.0))(b), b.notification("End", t=1501, body={"ChargingEnd": clock(1500), "ConsumedEnergy": 0.5})), 1600),
    Case("NOTIF-012", CONFORMS, "more than an End before it", lambda b: (
        b.notification("End", t=300, body={"ChargingEnd": clock(299), "ConsumedEnergy": 0.5}), at_wire((400, 1.0), (800, 1.2))(b)), 1600),
    Case("NOTIF-021", VIOLATED, "repeated with other times", starts(*range(12, 20), answer=ack("320")), 1600),
    Case("NOTIF-021", CONFORMS, "Progress every five minutes", lambda b: (
        starts(12, answer=ack("320"))(b), *(b.notification("Progress", t=t, answer=ack("320")) for t in range(310, 1500, 301))), 1600),
    Case("NOTIF-012", VIOLATED, "below zero", at_wire((400, -0.2)), 1600),
]  # fmt: skip


@table([replace(case, run={"truth": False, "fleet": None, "source": "har"}) for case in ON_THE_WIRE])
def test_notifications_on_the_wire(case: Case) -> None:
    """What notifications and the CDR of a session say about each other."""
    case.check()


UNTIMED = {"truth": False, "fleet": None, "source": "har", "unknown": (DURATIONS,)}
SORTED = {"truth": False, "fleet": None, "source": "pairs", "unknown": (TIMES, ORDER)}
BY_NAME = [
    Case("NOTIF-002", CONFORMS, "the CDR stands first in the alphabet", lambda b: (b.start(t=10), b.cdr(t=20), b.notification("Start", t=30))),
    Case("NOTIF-002", VIOLATED, "the start was refused", lambda b: (b.start(t=10, answer=ack("510")), b.notification("Start", t=30))),
    Case("NOTIF-012", CONFORMS, "told in the order of the alphabet", lambda b: (at_wire((400, 1.2), (800, 1.0))(b))),
    Case("NOTIF-020", SILENT, "nobody knows the order", lambda b: (b.start(t=10), b.notification("End", t=20), b.notification("Start", t=30))),
]  # fmt: skip


NO_DURATIONS = [
    Case("NOTIF-002", CONFORMS, "the CDR may not have been answered yet", lambda b: (b.start(t=10), b.cdr(t=20, took=0), b.notification("End", t=20.3))),
    Case("NOTIF-002", VIOLATED, "long after the CDR", lambda b: (b.start(t=10), b.cdr(t=20, took=0), b.notification("End", t=25))),
]  # fmt: skip


@table([replace(case, run=SORTED) for case in BY_NAME] + [replace(case, run=UNTIMED) for case in NO_DURATIONS])
def test_notifications_in_no_order(case: Case) -> None:
    """Texts that are sorted by their names tell nothing about the order."""
    case.check()
