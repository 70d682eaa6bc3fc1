"""Reservations and their CDRs."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oicp.rulebook import judge
from oicp.services import RELEASE, RESERVE
from oicp.unknowns import ORDER, TIMES
from tests.rules.build import BEGIN, EVSE, OTHER, Build, ack
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

STRANGER = {"evco_id": "DE-XYZ-C99999999-9", "provider": "DE-XYZ"}


def reserve(
    b: Build,
    *,
    t: float = 10,
    minutes: int | None = 15,
    at_charger: str | None = "Accepted",
    seconds: float | None = None,
    **more: Any,
) -> None:
    """A reservation with session 1; the charge point reports Reserved."""
    b.start(
        t=t,
        operation=RESERVE,
        body={
            "Duration": minutes,
            "Identification": {"RemoteIdentification": {"EvcoID": "DE-DCB-C12345678-9"}},
            **more.pop("body", {}),
        },
        **more,
    )
    if at_charger is not None:
        until = BEGIN + timedelta(seconds=t + (60 * (minutes or 15) if seconds is None else seconds))
        b.observe(
            "reserve_received",
            t=t + 0.02,
            evse_id=EVSE,
            reservation_id=1,
            id_tag="T",
            expiry=until.isoformat(),
            answer=at_charger,
        )
    if at_charger == "Accepted":
        b.connector("Reserved", t=t + 0.03)


def pushed(b: Build, status: str, t: float) -> None:
    b.push_status({EVSE: status}, t=t)


def release(b: Build, *, t: float = 40, effect: bool = True, answer_at_charger: str = "Accepted", **more: Any) -> None:
    """The EMP ends it."""
    b.stop(t=t, operation=RELEASE, **more)
    if effect:
        b.observe("reserve_cancelled", t=t + 0.02, evse_id=EVSE, reservation_id=1, answer=answer_at_charger)
        b.connector("Available", t=t + 0.03)


def held(b: Build, **more: Any) -> None:
    """The whole of it, told by status pushes."""
    reserve(b, **more)
    pushed(b, "Reserved", 11)
    release(b)
    pushed(b, "Available", 41)


def cdr(b: Build, *, t: float = 41, wh: int = 0, **more: Any) -> None:
    b.cdr(t=t, meter_end_wh=wh, **more)


def holder_charges(b: Build, *, t: float = 30, session: int = 2, **more: Any) -> None:
    b.observe("plugged", t=t - 1, evse_id=EVSE)
    b.start(t=t, session=session, **more)


def offline(b: Build, t: float) -> None:
    b.observe("charge_point_disconnected", t=t, charge_point="CP-1")


CASES = [
    Case("RESV-001", CONFORMS, "served", held),
    Case("RESV-001", VIOLATED, "404", lambda b: reserve(b, http_status=404, answer=b"<html>", at_charger=None)),
    Case("RESV-001", CONFORMS, "refused with 404 and an acknowledgement", lambda b: reserve(b, http_status=404, answer=ack("603"), at_charger=None)),
    Case("RESV-001", VIOLATED, "only at another place", lambda b: reserve(b, target="/api/oicp/charging/v21/providers/DE-DCB/authorize-remote-reservation/start")),
    Case("RESV-003", CONFORMS, "15 minutes", reserve),
    Case("RESV-003", VIOLATED, "15 seconds", lambda b: reserve(b, seconds=15)),
    Case("RESV-003", SILENT, "no Duration", lambda b: reserve(b, minutes=None)),
    Case("RESV-004", CONFORMS, "the charge point holds it", reserve),
    Case("RESV-004", CONFORMS, "refused", lambda b: reserve(b, answer=ack("601"), at_charger=None)),
    Case("RESV-004", CONFORMS, "reserved in the backend only", lambda b: (reserve(b, at_charger=None), pushed(b, "Reserved", 11))),
    Case("RESV-004", VIOLATED, "the charge point refused", lambda b: reserve(b, at_charger="Rejected")),
    Case("RESV-004", VIOLATED, "the charge point is offline", lambda b: (offline(b, 1), reserve(b, at_charger=None))),
    Case("RESV-005", CONFORMS, "Reserved, then Available", held),
    Case("RESV-005", VIOLATED, "never Reserved", lambda b: (reserve(b), release(b))),
    Case("RESV-005", SILENT, "held for two seconds", lambda b: (reserve(b), release(b, t=12))),
    Case("RESV-005", VIOLATED, "Reserved for ever", lambda b: (reserve(b), pushed(b, "Reserved", 11), release(b))),
    Case("RESV-006", CONFORMS, "a stranger is refused, the holder charges", lambda b: (
        reserve(b), b.start(t=20, session=3, answer=ack("601"), **STRANGER), holder_charges(b))),
    Case("RESV-006", VIOLATED, "a stranger can start", lambda b: (reserve(b), b.start(t=20, session=3, **STRANGER))),
    Case("RESV-006", VIOLATED, "the holder cannot", lambda b: (reserve(b), holder_charges(b, answer=ack("601")))),
    Case("RESV-006", SILENT, "no Duration, a stranger after the CPO let it go", lambda b: (
        reserve(b, minutes=None), b.connector("Available", t=60), b.start(t=70, session=3, **STRANGER))),
    Case("RESV-006", VIOLATED, "no Duration, a stranger while it holds", lambda b: (reserve(b, minutes=None), b.start(t=20, session=3, **STRANGER), b.connector("Charging", t=20.02))),
    Case("RESV-006", SILENT, "a stranger after the end", lambda b: (held(b), b.start(t=50, session=3, **STRANGER))),
    Case("RESV-006", SILENT, "the holder has no EV", lambda b: (reserve(b), b.start(t=20, session=3, answer=ack("510")))),
    Case("RESV-007", CONFORMS, "freed", held),
    Case("RESV-007", VIOLATED, "yes, but still reserved", lambda b: (reserve(b), release(b, effect=False))),
    Case("RESV-007", VIOLATED, "refused though it could be freed", lambda b: (reserve(b), release(b, effect=False, answer=ack("400")))),
    Case("RESV-007", CONFORMS, "an unknown session is refused", lambda b: (reserve(b), release(b, effect=False, session=99, answer=ack("400")))),
    Case("RESV-007", CONFORMS, "an unknown session is refused, the right one follows at once", lambda b: (
        reserve(b), release(b, t=39.99, effect=False, session=99, answer=ack("400"), took=0.005), release(b))),
    Case("RESV-007", VIOLATED, "refused, yet freed", lambda b: (reserve(b), release(b, session=99, answer=ack("400")))),
    Case("RESV-007", VIOLATED, "an unknown session frees it", lambda b: (reserve(b), release(b, session=99))),
    Case("RESV-008", CONFORMS, "a CDR after the stop", lambda b: (held(b), cdr(b))),
    Case("RESV-008", VIOLATED, "none", held),
    Case("RESV-008", SILENT, "the recording ends too soon", held, 45),
    Case("RESV-008", VIOLATED, "with energy", lambda b: (held(b), cdr(b, wh=3000))),
    Case("RESV-008", SILENT, "expired without one: information", lambda b: reserve(b, minutes=1)),
    Case("RESV-009", CONFORMS, "free after a minute", lambda b: (reserve(b, minutes=1), b.connector("Available", t=71))),
    Case("RESV-009", VIOLATED, "reserved for ever", lambda b: reserve(b, minutes=1)),
    Case("RESV-009", SILENT, "not over yet", reserve),
    Case("RESV-010", CONFORMS, "billed apart", lambda b: (reserve(b), holder_charges(b), b.transaction(t=31, until=60), b.cdr(t=61, session=2))),
    Case("RESV-010", VIOLATED, "billed under the reservation", lambda b: (reserve(b), holder_charges(b), b.transaction(t=31, until=60), cdr(b, t=61, wh=3000))),
    Case("CDR-001", SILENT, "exchanged ids are RESV-010 alone", lambda b: (reserve(b), holder_charges(b), b.transaction(t=31, until=60), cdr(b, t=61, wh=3000))),
    Case("RESV-011", CONFORMS, "refused, nothing follows", lambda b: reserve(b, answer=ack("601"), at_charger=None)),
    Case("RESV-011", VIOLATED, "refused, a CDR follows", lambda b: (reserve(b, answer=ack("601"), at_charger=None), cdr(b))),
    Case("RESV-011", VIOLATED, "refused, but held", lambda b: reserve(b, answer=ack("601"))),
    Case("RESV-012", CONFORMS, "after the stop", lambda b: (held(b), cdr(b))),
    Case("RESV-012", VIOLATED, "at once", lambda b: (reserve(b), cdr(b, t=11))),
    Case("RESV-012", WARNED, "a minute after the stop", lambda b: (held(b), cdr(b, t=100))),
    Case("RESV-013", CONFORMS, "refused while offline", lambda b: (reserve(b), offline(b, 30), release(b, effect=False, answer=ack("501")))),
    Case("RESV-013", VIOLATED, "yes while offline", lambda b: (reserve(b), offline(b, 30), release(b, effect=False))),
    Case("RESV-013", VIOLATED, "yes although the charge point refused", lambda b: (
        reserve(b), b.stop(t=40, operation=RELEASE), b.observe("reserve_cancelled", t=40.02, evse_id=EVSE, reservation_id=1, answer="Rejected"))),
    Case("RESV-014", CONFORMS, "EVSE and driver", lambda b: (held(b), cdr(b))),
    Case("RESV-014", VIOLATED, "another driver", lambda b: (held(b), cdr(b, evco_id="DE-XYZ-C99999999-9"))),
    Case("RESV-014", VIOLATED, "another EVSE", lambda b: (held(b), cdr(b, evse_id=OTHER))),
    Case("RESV-015", CONFORMS, "the product", lambda b: (held(b, body={"PartnerProductID": "RES15"}), cdr(b, body={"PartnerProductID": "RES15"}))),
    Case("RESV-015", WARNED, "another product", lambda b: (held(b, body={"PartnerProductID": "RES15"}), cdr(b, body={"PartnerProductID": "AC3"}))),
    Case("RSTART-008", SILENT, "the holder may start", several(reserve, holder_charges)),
]  # fmt: skip


@table(CASES)
def test_reservation(case: Case) -> None:
    """A reservation holds as promised, for its holder, and is billed apart from the charging."""
    case.check()


# --- nobody watches the charge points -------------------------------------------------------------------------------------

WIRE: dict[str, Any] = {"truth": False, "fleet": None, "source": "har"}


def agreed(b: Build, *, minutes: int | None = 15, reserved: float | None = 12, **more: Any) -> None:
    """A reservation on the wire alone; Reserved is pushed at `reserved`."""
    reserve(b, minutes=minutes, at_charger=None, **more)
    if reserved is not None:
        pushed(b, "Reserved", reserved)


def again(b: Build, *, t: float = 100, session: int = 2, **more: Any) -> None:
    """Another reservation of the same EVSE."""
    b.start(t=t, session=session, operation=RESERVE, body={"Duration": 15}, **more)


def charged(b: Build, *, begin: float = 1, end: float = 300, **more: Any) -> None:
    """A charging session of another driver with its CDR."""
    b.start(t=begin, session=7, **STRANGER, **more)
    b.cdr(t=end + 2, session=7, begin=begin + 1, end=end, evco_id=STRANGER["evco_id"])


def down(b: Build) -> None:
    pushed(b, "OutOfService", 5)


ON_THE_WIRE = [
    Case("RESV-002", VIOLATED, "asks for a Duration", lambda b: reserve(
        b, at_charger=None, body={"Duration": ...}, answer=ack("022", StatusCode={"Code": "022", "AdditionalInfo": "Duration is missing"}))),
    Case("RESV-003", VIOLATED, "Available after a minute", lambda b: (agreed(b), pushed(b, "Available", 70))),
    Case("RESV-003", SILENT, "Available after the stop", lambda b: (agreed(b), b.stop(t=68, operation=RELEASE), pushed(b, "Available", 70))),
    Case("RESV-003", SILENT, "Available after a stop that was refused", lambda b: (
        agreed(b), b.stop(t=40, operation=RELEASE, answer=ack("501")), pushed(b, "Available", 170))),
    Case("RESV-003", SILENT, "given to somebody else: RESV-006", lambda b: (
        agreed(b), b.start(t=40, session=3, **STRANGER), pushed(b, "Available", 170))),
    Case("RESV-003", SILENT, "Available when it is over", lambda b: (agreed(b, minutes=2), pushed(b, "Available", 131))),
    Case("RESV-004", VIOLATED, "by the CDR of another session it was charging", lambda b: (charged(b), agreed(b, t=100, reserved=None))),
    Case("RESV-004", SILENT, "that had charged before", lambda b: (charged(b, end=80), agreed(b, t=100))),
    Case("RESV-004", CONFORMS, "and was refused", lambda b: (charged(b), agreed(b, t=100, reserved=None, answer=ack("602")))),
    Case("RESV-004", VIOLATED, "reserved for another driver", lambda b: (agreed(b), again(b, **STRANGER))),
    Case("RESV-004", SILENT, "reserved again by the same driver", lambda b: (agreed(b), again(b))),
    Case("RESV-004", SILENT, "reserved by another driver of this provider", lambda b: (agreed(b), again(b, evco_id="DE-DCB-C99999999-9"))),
    Case("RESV-004", SILENT, "the first one was over", lambda b: (agreed(b, minutes=1), pushed(b, "Available", 71), again(b, **STRANGER))),
    Case("RESV-004", SILENT, "another EVSE", lambda b: (agreed(b), again(b, evse_id=OTHER, **STRANGER))),
    Case("RESV-004", VIOLATED, "out of service by its own status", lambda b: (down(b), agreed(b, reserved=None)), 600),
    Case("RESV-004", SILENT, "out of service until then", lambda b: (down(b), agreed(b)), 600),
    Case("RESV-005", VIOLATED, "Reserved five minutes later", lambda b: agreed(b, reserved=330), 600),
    Case("RESV-005", WARNED, "Reserved two minutes later", lambda b: agreed(b, reserved=130), 600),
    Case("RESV-005", CONFORMS, "Reserved at once", agreed, 600),
    Case("RESV-009", VIOLATED, "Reserved for ever", lambda b: agreed(b, minutes=1)),
    Case("RESV-009", SILENT, "reserved again at once, so nobody saw it free", lambda b: (agreed(b, minutes=1), again(b, t=71, **STRANGER))),
    Case("RESV-009", CONFORMS, "reserved again right after it was free", lambda b: (
        agreed(b, minutes=1), pushed(b, "Available", 70.5), again(b, t=72, **STRANGER))),
    Case("RESV-009", CONFORMS, "free before the recording ends", lambda b: (agreed(b, minutes=1), pushed(b, "Available", 80)), 100),
    Case("RESV-005", CONFORMS, "the same: it was Reserved all the time", lambda b: (agreed(b, minutes=1), again(b, t=71, **STRANGER))),
    Case("RESV-005", VIOLATED, "Reserved after the stop", lambda b: (agreed(b), b.stop(t=40, operation=RELEASE))),
    Case("RESV-005", CONFORMS, "reserved again right after the stop", lambda b: (
        agreed(b), b.stop(t=40, operation=RELEASE), again(b, t=42, **STRANGER))),
    Case("RESV-005", CONFORMS, "reserved by somebody outside OICP after the stop", lambda b: (
        agreed(b), b.stop(t=40, operation=RELEASE), pushed(b, "Available", 41), pushed(b, "Reserved", 60))),
    Case("RESV-006", VIOLATED, "the holder is told that it is reserved", lambda b: (agreed(b), holder_charges(b, answer=ack("601")))),
    Case("RESV-006", SILENT, "the holder is told that there is no vehicle", lambda b: (agreed(b), holder_charges(b, answer=ack("510")))),
    Case("RESV-006", SILENT, "nobody knows how long it lasts", lambda b: (agreed(b, minutes=None), holder_charges(b, answer=ack("601")))),
    Case("RESV-006", SILENT, "it is over", lambda b: (agreed(b, minutes=1), holder_charges(b, t=100, answer=ack("601")))),
    Case("RESV-007", VIOLATED, "stopped though it was refused", lambda b: (
        agreed(b, reserved=None, answer=ack("601")), b.stop(t=40, operation=RELEASE))),
    Case("RESV-007", CONFORMS, "refused, and so is the stop", lambda b: (
        agreed(b, reserved=None, answer=ack("601")), b.stop(t=40, operation=RELEASE, answer=ack("400")))),
    Case("RESV-007", VIOLATED, "no such session, while it holds", lambda b: (agreed(b), b.stop(t=40, operation=RELEASE, answer=ack("400")))),
    Case("RESV-007", SILENT, "no such session, when it is over", lambda b: (
        agreed(b, minutes=1), b.stop(t=100, operation=RELEASE, answer=ack("400")))),
    Case("RESV-007", SILENT, "no such session, since its CDR closed it: RESV-012", lambda b: (
        agreed(b), cdr(b, t=20), b.stop(t=40, operation=RELEASE, answer=ack("400")))),
    Case("RESV-007", SILENT, "older than the recording", lambda b: b.stop(t=40, operation=RELEASE)),
    Case("RESV-007", CONFORMS, "freed", lambda b: (agreed(b), b.stop(t=40, operation=RELEASE), pushed(b, "Available", 41))),
    Case("RESV-010", VIOLATED, "a Start notification of the charging", lambda b: (agreed(b), holder_charges(b), b.notification("Start", t=40))),
    Case("RESV-010", CONFORMS, "a Start notification of its own", lambda b: (
        agreed(b), holder_charges(b), b.notification("Start", t=40, session=2), b.cdr(t=100, session=2))),
    Case("RESV-011", VIOLATED, "unreachable, yet Reserved", lambda b: agreed(b, answer=ack("501"))),
    Case("RESV-011", CONFORMS, "somebody else was quicker", lambda b: agreed(b, answer=ack("601"))),
    Case("RESV-011", CONFORMS, "accepted on the second try", lambda b: (agreed(b, reserved=None, answer=ack("501")), again(b, t=11), pushed(b, "Reserved", 13))),
    Case("RESV-014", VIOLATED, "times of an hour before", lambda b: (
        agreed(b, t=4000, reserved=4002), b.stop(t=4300, operation=RELEASE), cdr(b, t=4302, begin=400, end=700)), 4400),
    Case("RESV-014", CONFORMS, "times of the reservation", lambda b: (
        agreed(b, t=4000, reserved=4002), b.stop(t=4300, operation=RELEASE), cdr(b, t=4302, begin=4000, end=4300)), 4400),
]  # fmt: skip


def kept(b: Build, *statuses: tuple[str, float], minutes: int | None = 60, reserved: float | None = 12) -> None:
    """A reservation at second 10, Reserved told, then these statuses."""
    b.start(t=10, operation=RESERVE, body={"Duration": minutes})
    for status, t in (*(() if reserved is None else (("Reserved", reserved),)), *statuses):
        b.push_status({EVSE: status}, t=t)


def in_vain(b: Build, status: str, *at: float) -> None:
    """A status that the hub does not take."""
    for t in at:
        b.push_status({EVSE: status}, t=t, http_status=500, answer=b"")


ENDED_OTHERWISE = [
    Case("RESV-003", SILENT, "the holder came with a card", lambda b: kept(b, ("Occupied", 300), ("Available", 900)), 2000),
    Case("RESV-003", SILENT, "the EVSE broke down", lambda b: kept(b, ("OutOfService", 300), ("Available", 900)), 2000),
    Case("RESV-003", SILENT, "free in one push only", lambda b: kept(b, ("Available", 200), ("Reserved", 203)), 2000),
    Case("RESV-003", VIOLATED, "given free", lambda b: kept(b, ("Reserved", 100), ("Available", 300)), 2000),
    Case("RESV-005", SILENT, "the hub did not take it", lambda b: (
        kept(b, reserved=None), in_vain(b, "Reserved", 12, 42), b.start(t=100, session=2), pushed(b, "Occupied", 101)), 2000),
    Case("RESV-005", SILENT, "the EVSE broke down at once", lambda b: kept(b, ("OutOfService", 12), reserved=None), 2000),
    Case("RESV-005", VIOLATED, "it broke down much later", lambda b: kept(b, ("OutOfService", 400), reserved=None), 2000),
    Case("RESV-005", SILENT, "nothing of the CPO was recorded", lambda b: kept(b, reserved=None), 2000),
    Case("RESV-005", VIOLATED, "other statuses were", lambda b: (pushed(b, "Available", 1), kept(b, reserved=None)), 2000),
    Case("RESV-006", SILENT, "no Duration, shown late and given free", lambda b: (
        kept(b, ("Available", 900), minutes=None, reserved=75), b.start(t=1500, session=3, **STRANGER)), 2000),
    Case("RESV-006", SILENT, "no Duration, and no status was recorded", lambda b: (
        kept(b, minutes=None, reserved=None), b.start(t=15000, session=3, **STRANGER)), 16000),
    Case("RESV-006", VIOLATED, "no Duration, and still Reserved", lambda b: (
        kept(b, minutes=None, reserved=75), b.start(t=1500, session=3, **STRANGER)), 2000),
    Case("RESV-008", SILENT, "nothing of the CPO was recorded", lambda b: (kept(b, reserved=None), b.stop(t=200, operation=RELEASE)), 2000),
    Case("RESV-009", SILENT, "the hub did not take it", lambda b: (
        kept(b, minutes=15), in_vain(b, "Available", 910, 930), pushed(b, "Available", 1100)), 2000),
    Case("RESV-009", VIOLATED, "never told", lambda b: kept(b, minutes=15), 2000),
    Case("RESV-012", CONFORMS, "the EVSE broke down", lambda b: (kept(b, ("OutOfService", 300)), cdr(b, t=302, begin=10, end=300)), 2000),
    Case("RESV-012", CONFORMS, "the holder came with a card", lambda b: (kept(b, ("Occupied", 300)), cdr(b, t=302, begin=10, end=300)), 2000),
    Case("RESV-012", VIOLATED, "it held", lambda b: (kept(b), cdr(b, t=302, begin=10, end=300)), 2000),
    Case("RSTART-009", SILENT, "the status was deleted", lambda b: (
        pushed(b, "OutOfService", 1), b.push_status({EVSE: "OutOfService"}, t=5, action="delete"), b.start(t=10)), 2000),
]  # fmt: skip


TEXTS = {**WIRE, "source": "pairs", "unknown": (TIMES,)}
WITHOUT_TIMES = [
    Case("RESV-004", SILENT, "the first one may be over", lambda b: (agreed(b), again(b, **STRANGER))),
    Case("RESV-004", VIOLATED, "the first one was stopped afterwards", lambda b: (agreed(b), again(b, **STRANGER), b.stop(t=120, operation=RELEASE))),
    Case("RESV-006", SILENT, "it may be over", lambda b: (agreed(b), b.start(t=40, session=3, **STRANGER))),
    Case("RESV-006", VIOLATED, "it was stopped afterwards", lambda b: (
        agreed(b), b.start(t=40, session=3, **STRANGER), b.stop(t=120, operation=RELEASE))),
    Case("RESV-006", SILENT, "nobody knows the order either", lambda b: (
        agreed(b), b.start(t=40, session=3, **STRANGER), b.stop(t=120, operation=RELEASE)), run={**TEXTS, "unknown": (TIMES, ORDER)}),
    Case("RESV-006", SILENT, "it may be over, and reserved for another", lambda b: (agreed(b), holder_charges(b, answer=ack("601")))),
    Case("RESV-007", SILENT, "it may be over", lambda b: (agreed(b), b.stop(t=40, operation=RELEASE, answer=ack("400")))),
]  # fmt: skip


@table(
    [replace(case, run=case.run or TEXTS) for case in WITHOUT_TIMES]
    + [replace(case, run=WIRE) for case in (*ON_THE_WIRE, *ENDED_OTHERWISE)]
)
def test_reservation_on_the_wire(case: Case) -> None:
    """What requests, answers, statuses and CDRs say about each other."""
    case.check()


@pytest.mark.parametrize(
    ("profiles", "broken"),
    [(("remote-only", "reservation"), "RESV-006"), (("remote-only",), "RSTART-008")],
)
def test_one_act_is_told_in_the_profile_that_is_judged(profiles: tuple[str, ...], broken: str) -> None:
    """A start for a stranger on a reserved EVSE breaks two requirements; it is told also where reservations are not judged."""
    build = Build()
    reserve(build)
    build.start(t=40, session=3, **STRANGER)
    found = judge(build.evidence(until=200), profiles=profiles).violated
    assert [i for i in ("RESV-006", "RSTART-008") if i in found] == [broken]
