"""Remote starts: what must be refused, what a yes and a no lead to, how long it takes."""

from typing import Any

from oicp.evidence import Evidence
from tests.rules.build import EVSE, OTHER, Build, ack, judge, outcome, record, session_id
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

NO = {code: ack(code) for code in ("501", "510", "601", "602", "603", "700", "022", "210")}


def told(b: Build, answer: str = "Accepted", *, t: float = 10.02, evse_id: str = EVSE) -> None:
    """The charge point got the start command."""
    b.observe("remote_start_received", t=t, evse_id=evse_id, id_tag="TAG1", connector_id=1, answer=answer)


def plugged(b: Build, *, t: float = 5, evse_id: str = EVSE) -> None:
    b.observe("plugged", t=t, evse_id=evse_id)
    b.connector("Preparing", t=t + 0.1, evse_id=evse_id)


def offline(b: Build, *, t: float = 5, until: float | None = None) -> None:
    b.observe("charge_point_disconnected", t=t, charge_point="CP-1", reason="test")
    if until is not None:
        b.observe("charge_point_connected", t=until, charge_point="CP-1")


def busy(b: Build, **more: Any) -> None:
    """Session 1 charges from 10 to 60; session 2 wants the same EVSE at 30."""
    b.charge(t=9, seconds=51)
    b.start(t=30, session=2, evco_id="DE-DCB-C22222222-2", **more)


def in_state(state: str, **more: Any) -> Any:
    return several(lambda b: b.connector(state, t=5), lambda b: b.start(t=10, **more))


REFUSALS = [
    Case("RSTART-006", CONFORMS, "603", lambda b: b.start(t=10, evse_id="DE*ABC*E999", answer=NO["603"])),
    Case("RSTART-006", CONFORMS, "another refusal code", lambda b: b.start(t=10, evse_id="DE*ABC*E999", answer=NO["210"])),
    Case("RSTART-006", CONFORMS, "refused with HTTP 404 and an acknowledgement", lambda b: b.start(t=10, evse_id="DE*ABC*E999", answer=NO["603"], http_status=404)),
    Case("RSTART-006", VIOLATED, "Result true", lambda b: b.start(t=10, evse_id="DE*ABC*E999")),
    Case("RSTART-006", VIOLATED, "HTTP 500", lambda b: (b.start(t=5, session=2), b.start(t=10, evse_id="DE*ABC*E999", answer=b"oops", http_status=500))),
    Case("RSTART-006", SILENT, "no path is served at all", lambda b: b.start(t=10, evse_id="DE*ABC*E999", answer=b"oops", http_status=404)),
    Case("RSTART-006", SILENT, "known, spelled without separators", lambda b: b.start(t=10, evse_id="deabce11")),
    Case("RSTART-006", SILENT, "nothing is known of the fleet", lambda b: b.start(t=10, evse_id="DE*ABC*E9"), run={"fleet": None}),
    Case("RSTART-006", SILENT, "a recording that begins in the middle", lambda b: (
        b.push_data([record(OTHER)], t=1, action="update"), b.start(t=10, evse_id="DE*ABC*E9")), run={"fleet": None, "source": "tap"}),
    Case("RSTART-006", VIOLATED, "not in the full load of the CPO", lambda b: (
        b.push_data([record(OTHER)], t=1), b.start(t=10, evse_id="DE*ABC*E9")), run={"fleet": None, "source": "tap"}),
    Case("RSTART-007", CONFORMS, "602", lambda b: busy(b, answer=NO["602"])),
    Case("RSTART-007", VIOLATED, "Result true", busy),
    Case("RSTART-007", SILENT, "the charging ended meanwhile", several(
        lambda b: b.transaction(t=5, until=10.02, reason="EVDisconnected"), lambda b: b.start(t=10, took=0.05))),
    Case("RSTART-007", SILENT, "the CPO had not heard of the transaction yet", several(
        lambda b: b.transaction(t=9.99), lambda b: b.start(t=10))),
    Case("RSTART-007", VIOLATED, "refused, but the running session is stopped", several(
        lambda b: b.start(t=1, session=1), lambda b: b.transaction(t=2, until=10.5, reason="Remote"),
        lambda b: b.observe("remote_stop_received", t=10.2, evse_id=EVSE, transaction_id=7, answer="Accepted"),
        lambda b: b.start(t=10, session=2, answer=NO["602"]))),
    Case("RSTART-007", SILENT, "the same start again", lambda b: (b.charge(t=9, seconds=51), b.start(t=30, session=1))),
    Case("RSTART-008", CONFORMS, "601", in_state("Reserved", answer=NO["601"])),
    Case("RSTART-008", VIOLATED, "Result true", in_state("Reserved")),
    Case("RSTART-008", SILENT, "the charge point takes it all the same", several(in_state("Reserved"), told)),
    Case("RSTART-009", CONFORMS, "700", in_state("Faulted", answer=NO["700"])),
    Case("RSTART-009", VIOLATED, "Result true", several(in_state("Unavailable"), lambda b: told(b, "Rejected"))),
    Case("RSTART-009", SILENT, "the CPO had not been told of the fault", several(
        lambda b: b.connector("Available", t=1), lambda b: b.connector("Faulted", t=9.99, delivered=5), lambda b: b.start(t=10))),
    Case("RSTART-010", CONFORMS, "501", several(offline, lambda b: b.start(t=10, answer=NO["501"]))),
    Case("RSTART-010", VIOLATED, "Result true", several(offline, lambda b: b.start(t=10))),
    Case("RSTART-010", SILENT, "back again while it was answered", several(
        lambda b: offline(b, until=12), lambda b: b.start(t=10, took=5))),
    Case("RSTART-012", CONFORMS, "604", lambda b: (b.push_data([record(IsHubjectCompatible=False)], t=1), b.start(t=10, answer=ack("604")))),
    Case("RSTART-012", CONFORMS, "a private EVSE is started: only information", lambda b: (b.push_data([record(IsHubjectCompatible=False)], t=1), b.start(t=10))),
]  # fmt: skip


def next_day(b: Build, *, session: int, t: float, evse_id: str = EVSE, **more: Any) -> None:
    """The next driver at an EVSE whose last session is over and billed."""
    b.observe("plugged", t=t - 5, evse_id=evse_id)
    b.connector("Preparing", t=t - 5, evse_id=evse_id)
    b.start(t=t, session=session, evse_id=evse_id, **more)


def used_up(b: Build, second: str = "602", **more: Any) -> None:
    """Two EVSEs, each charged at once; then starts are refused."""
    b.charge(t=9)
    b.charge(OTHER, t=9, session=2, evco_id="DE-DCB-C99999999-9")
    next_day(b, session=3, t=60, answer=NO["602"])
    next_day(b, session=4, t=61, evse_id=OTHER, answer=ack() if second == "000" else NO[second], **more)


AGAIN = [
    Case("RSTART-001", VIOLATED, "no EVSE takes a second start", used_up),
    Case("RSTART-001", VIOLATED, "a restart frees them", lambda b: (
        used_up(b), b.observe("cpo_exited", t=70, exit_status=0, expected=True), b.observe("cpo_started", t=72, pid=2), next_day(b, session=5, t=80))),
    Case("RSTART-001", CONFORMS, "one of them does", lambda b: used_up(b, "000")),
    Case("RSTART-001", CONFORMS, "one refusal may have had a cause nobody saw", lambda b: (b.charge(t=9), next_day(b, session=3, t=60, answer=NO["602"]))),
    Case("RSTART-001", CONFORMS, "the last session is still open", lambda b: (
        b.charge(t=9, cdr=False), b.charge(OTHER, t=9, session=2, cdr=False), next_day(b, session=3, t=60, answer=NO["602"]),
        next_day(b, session=4, t=61, evse_id=OTHER, answer=NO["602"]))),
    Case("RSTART-001", CONFORMS, "the charge point was asked", lambda b: (used_up(b), *(
        told(b, "Rejected", t=t + 0.005, evse_id=e) for t, e in ((60, EVSE), (61, OTHER))))),
]  # fmt: skip


@table(AGAIN)
def test_an_evse_is_started_again(case: Case) -> None:
    """A session that is over leaves its EVSE to the next driver."""
    case.check()


@table(REFUSALS)
def test_refusals(case: Case) -> None:
    """Starts that cannot be carried out are refused; other codes, races and other spellings are no violation."""
    case.check()


EFFECTS = [
    Case("RSTART-004", CONFORMS, "the charge point takes it", several(plugged, lambda b: b.start(t=10), told)),
    Case("RSTART-004", VIOLATED, "the charge point rejects it", several(plugged, lambda b: b.start(t=10), lambda b: told(b, "Rejected"))),
    Case("RSTART-004", CONFORMS, "rejected at first, taken on the second try", several(plugged, lambda b: b.start(t=10, took=5), lambda b: told(b, "Rejected"), lambda b: told(b, t=12))),
    Case("RSTART-004", VIOLATED, "the CPO turns the token of its own session away", several(plugged, lambda b: b.start(t=10), told, lambda b: b.transaction(
        t=10.3, until=10.4, wh=0, reason="DeAuthorized", id_tag_status="Invalid"))),
    Case("RSTART-004", CONFORMS, "turned away after a stop", several(plugged, lambda b: b.start(t=10), told, lambda b: b.stop(t=10.6), lambda b: b.transaction(
        t=12, until=12.1, wh=0, reason="DeAuthorized", id_tag_status="Invalid"))),
    Case("RSTART-004", CONFORMS, "turned away after the session was closed", several(plugged, lambda b: b.start(t=10), told, lambda b: b.cdr(t=13, meter_end_wh=0), lambda b: b.transaction(
        t=14, until=14.1, wh=0, reason="DeAuthorized", id_tag_status="Invalid"))),
    Case("RSTART-004", CONFORMS, "begins when the CPO no longer expects it", several(plugged, lambda b: b.start(t=10), told, lambda b: b.transaction(
        t=40, until=40.1, wh=0, reason="DeAuthorized", id_tag_status="Invalid"))),
    Case("RSTART-004", VIOLATED, "no command ever comes", several(plugged, lambda b: b.start(t=10))),
    Case("RSTART-004", SILENT, "the recording ends too soon to say", several(plugged, lambda b: b.start(t=10)), until=20),
    Case("RSTART-004", SILENT, "no EV, the CPO waits for one", lambda b: b.start(t=10)),
    Case("RSTART-004", SILENT, "no ground truth", several(plugged, lambda b: b.start(t=10)), run={"truth": False}),
    Case("RSTART-004", SILENT, "a faulted EVSE is RSTART-009", in_state("Faulted")),
    Case("RSTART-020", CONFORMS, "the right EVSE", several(plugged, lambda b: b.start(t=10), told)),
    Case("RSTART-020", VIOLATED, "the command goes to another EVSE", several(
        plugged, lambda b: b.start(t=10), lambda b: told(b, evse_id=OTHER))),
    Case("RSTART-020", CONFORMS, "two starts at once on two EVSEs", several(
        plugged, lambda b: plugged(b, evse_id=OTHER), lambda b: b.start(t=10), lambda b: b.start(t=10.01, session=2, evse_id=OTHER),
        lambda b: told(b, evse_id=OTHER, t=10.03), told)),
    Case("RSTART-005", CONFORMS, "refused and nothing happens", lambda b: b.start(t=10, answer=NO["501"])),
    Case("RSTART-005", VIOLATED, "refused, charges for minutes", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20), lambda b: b.transaction(t=20.2))),
    Case("RSTART-005", CONFORMS, "late delivery, ended by the CPO at once", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20), lambda b: b.transaction(t=20.2, until=22))),
    Case("RSTART-005", CONFORMS, "late delivery, not authorized, so the charge point ends it", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20),
        lambda b: b.transaction(t=20.2, until=20.6, reason="DeAuthorized", id_tag_status="Invalid"))),
    Case("RSTART-005", CONFORMS, "late delivery, stopped by command, the charge point names another reason", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20),
        lambda b: b.transaction(t=20.2, until=22, reason="Other"),
        lambda b: b.observe("remote_stop_received", t=21.9, evse_id=EVSE, answer="Accepted"))),
    Case("RSTART-005", SILENT, "the driver pulls the cable soon", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20),
        lambda b: b.transaction(t=20.2, until=30, reason="EVDisconnected"))),
    Case("RSTART-005", SILENT, "still within the time to end it", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=20), lambda b: b.transaction(t=20.2)), until=40),
    Case("RSTART-005", VIOLATED, "refused, charged and billed", several(
        lambda b: b.start(t=10, answer=NO["501"]), lambda b: told(b, t=10.02), lambda b: b.transaction(t=10.2, until=20, reason="Local"),
        lambda b: b.cdr(t=21, answer=ack("400")))),
    Case("RSTART-011", CONFORMS, "510", lambda b: b.start(t=10, answer=NO["510"])),
    Case("RSTART-011", CONFORMS, "waits, then charges", several(
        lambda b: b.start(t=10), told, lambda b: plugged(b, t=20), lambda b: b.transaction(t=21, until=40))),
    Case("RSTART-011", CONFORMS, "waits, then closes with 0 kWh", several(lambda b: b.start(t=10), lambda b: b.cdr(t=130, meter_end_wh=0))),
    Case("RSTART-011", CONFORMS, "waits, then closes with an End notification", several(lambda b: b.start(t=10), lambda b: b.notification("End", t=130))),
    Case("RSTART-011", SILENT, "still waiting", lambda b: b.start(t=10)),
    Case("RSTART-011", SILENT, "the charge point gave up half a minute ago, another start was refused", several(
        lambda b: b.start(t=5, session=2, answer=NO["510"]), lambda b: b.start(t=10), lambda b: b.observe("remote_start_expired", t=70, evse_id=EVSE)), until=105),
    Case("RSTART-011", VIOLATED, "never closed", lambda b: b.start(t=10), until=2000),
    Case("RSTART-015", CONFORMS, "the repeat is answered 602", lambda b: (b.charge(t=9, seconds=51), b.start(t=30, session=1, answer=NO["602"]))),
    Case("RSTART-015", WARNED, "the repeat begins a second transaction", several(
        lambda b: b.charge(t=9, seconds=11), lambda b: b.start(t=30, session=1), lambda b: told(b, t=30.02), lambda b: b.transaction(t=30.1, until=40))),
    Case("RSTART-021", WARNED, "plugging in alone starts charging", lambda b: b.transaction(t=10, until=30, cause="local")),
    Case("RSTART-021", SILENT, "the EVSE announces RFID", lambda b: (b.push_data([record(AuthenticationModes=["REMOTE", "NFC RFID Classic"])], t=1), b.transaction(t=10, until=30, cause="local"))),
    Case("RSTART-021", CONFORMS, "an unknown token is refused", lambda b: b.observe("authorize", t=10, evse_id=EVSE, id_tag="X", answer="Invalid")),
]  # fmt: skip


@table(EFFECTS)
def test_effects(case: Case) -> None:
    """A yes leads to charging on the EVSE that was named, a no to none."""
    case.check()


def _burst(b: Build, took: list[float], *, serial: bool) -> None:
    for at, seconds in enumerate(took):
        evse = f"DE*ABC*E{at}"
        b.start(t=10, session=at + 1, evse_id=evse, took=seconds)
        begin = 10 + (took[at - 1] if serial and at else 0.0) + 0.01
        told(b, t=begin, evse_id=evse)


TIMING = [
    Case("RSTART-013", CONFORMS, "9 s", lambda b: b.start(t=10, took=9)),
    Case("RSTART-013", WARNED, "14 s", lambda b: b.start(t=10, took=14)),
    Case("RSTART-014", CONFORMS, "59 s", lambda b: b.start(t=10, took=59)),
    Case("RSTART-014", VIOLATED, "75 s", lambda b: b.start(t=10, took=75)),
    Case("RSTART-014", VIOLATED, "no answer", lambda b: b.start(t=10, http_status=None, took=60.0)),
    Case("RSTART-014", SILENT, "connection refused", lambda b: b.start(t=10, http_status=None, took=0.1, error="connection refused")),
    Case("RSTART-014", SILENT, "a fault delayed it", lambda b: b.start(t=10, took=75, faults=("slow",))),
    Case("RSTART-013", SILENT, "no answer is RSTART-014 alone", lambda b: b.start(t=10, http_status=None, took=60.0)),
    Case("RSTOP-008", CONFORMS, "9 s", lambda b: b.stop(t=10, took=9)),
    Case("RSTOP-008", WARNED, "20 s", lambda b: b.stop(t=10, took=20)),
    Case("RSTOP-009", CONFORMS, "59 s", lambda b: b.stop(t=10, took=59)),
    Case("RSTOP-009", VIOLATED, "75 s", lambda b: b.stop(t=10, took=75)),
    Case("RSTART-016", CONFORMS, "all at once, charge points of one second", lambda b: _burst(b, [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], serial=False)),
    Case("RSTART-016", WARNED, "one after another", lambda b: _burst(b, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], serial=True)),
    Case("RSTART-016", CONFORMS, "slow machine: all commands leave first", lambda b: _burst(b, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], serial=False)),
    Case("RSTART-016", CONFORMS, "quick ones and one slow charge point", lambda b: _burst(b, [0.02, 0.03, 0.04, 0.05, 0.06, 1.6], serial=True)),
    Case("RSTART-016", SILENT, "too few", lambda b: _burst(b, [1.0, 2.0], serial=True)),
]  # fmt: skip


@table(TIMING)
def test_timing(case: Case) -> None:
    """Answers within 60 s, better within 10 s, and side by side."""
    case.check()


def test_one_act_is_told_once() -> None:
    """A start accepted for a faulted EVSE is reported as RSTART-009, which names RSTART-004 beside it."""
    build = Build()
    in_state("Faulted")(build)
    verdict = judge(build.evidence(until=100))
    (found,) = verdict.of("RSTART-009").findings
    assert found.also == ("RSTART-004",)
    assert not verdict.of("RSTART-004").findings


def _garbage() -> Evidence:
    build = Build(fleet={"charge_points": [{"id": 5, "evses": [{"evse_id": None}, 7]}, "x"]})
    for t, body in enumerate(
        (b"", b"[]", b'{"SessionID": 5, "EvseID": {}, "Identification": []}', b'{"SessionID":"a"}', b"\xff"), 1
    ):
        for operation in (
            "AuthorizeRemoteStart",
            "AuthorizeRemoteStop",
            "AuthorizeRemoteReservationStart",
            "AuthorizeRemoteReservationStop",
        ):
            build._to_cpo(operation, {"SessionID": None}, "DE-DCB", t, b"null", {"body": body})
        for operation in (
            "ChargeDetailRecord",
            "ChargingNotifications",
            "AuthorizeStart",
            "AuthorizeStop",
            "PushEVSEPricing",
            "PushPricingProductData",
        ):
            build.exchange(operation, body, t=t + 0.5, answer=b"{}")
    odd = {"SessionID": session_id(1), "EvseID": 7, "Identification": {"RemoteIdentification": "x"}, "ConsumedEnergy": "NaN",
           "ChargingStart": "2026-99-99T00:00:00Z", "SessionEnd": 5, "MeterValueInBetween": [1], "PartnerProductID": []}  # fmt: skip
    build.start(t=10, body={"Identification": 5})
    for kind in ("Start", "Progress", "End", "Error", 5):
        build.exchange("ChargingNotifications", {**odd, "Type": kind}, t=12)
    build.exchange("ChargeDetailRecord", odd, t=13)
    build.exchange(None, odd, t=14, target="/api/oicp/cdrmgmt/v21/operators/DE*ABC/charge-detail-record")
    build.exchange("PushEVSEPricing", {"EVSEPricing": [5, {"EvseIDProductList": [{}, 5]}]}, t=15)
    build.exchange(
        "PushEvseData", {"OperatorEvseData": {"EvseDataRecord": [5, {"EvseID": EVSE, "ChargingFacilities": 3}]}}, t=2
    )
    build.observe("transaction_started", t=11, evse_id=EVSE)
    build.observe("transaction_stopped", t=11.5, evse_id=EVSE)
    build.observe("remote_start_received", t=11)
    build.observe("reserve_received", t=11, evse_id=EVSE, expiry=5, answer=None)
    return build.evidence(until=1000)


def test_garbage_is_survived() -> None:
    """No rule breaks on bodies of any shape."""
    assert not [r for r in judge(_garbage()).requirements if r.outcome == "crashed"]


def test_many_starts_at_once() -> None:
    """A hundred wishes at one instant: the transaction is that of the one accepted, though all others are answered before."""
    build = Build()
    build.observe("plugged", t=1, evse_id=EVSE)
    build.start(t=2, session=1, took=2)
    for n in range(2, 102):
        build.start(t=2.001, session=n, took=0.5, answer=NO["601"])
    build.transaction(t=3.9, until=20, wh=2000)
    build.cdr(t=21, session=1, begin=3.9, end=20, meter_end_wh=2000)
    assert outcome(build.evidence(until=60), "CDR-024") == "conforms"
