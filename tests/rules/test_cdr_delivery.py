"""CDRs: one for each session, in time, repeated until they arrive."""

from typing import Any

from tests.rules.build import EVSE, OTHER, Build, ack, findings, judge, session_id, status_only
from tests.rules.cases import CONFORMS, SILENT, VIOLATED, WARNED, Case, several, table

CLOSED = {"answer": status_only("400"), "http_status": 404}
LOST = {"faults": ("answer lost",), "http_status": None, "error": "answer dropped by a fault", "took": 0.01}
DOWN = {"faults": ("503",), "http_status": 503, "answer": {}}


def no_cdr(b: Build, **more: Any) -> None:
    """A session from 10 to 30 without a CDR."""
    b.charge(t=10, cdr=False, **more)


def told_late(b: Build) -> None:
    """The charge point delivers the end of the transaction two minutes late."""
    b.start(t=5)
    b.transaction(t=6, until=20, reason="EVDisconnected", delivered=120)


def empty(b: Build, *, stop: bool = True) -> None:
    """Accepted, never charged, stopped at 20."""
    b.start(t=5)
    if stop:
        b.stop(t=20)


def hub_down(b: Build, begin: float, end: float | None) -> None:
    b.observe("hub_down", t=begin)
    if end is not None:
        b.observe("hub_up", t=end)


def restarted(b: Build, t: float) -> None:
    b.observe("cpo_started", t=0.1, pid=1)
    b.observe("hook", t=t, hook="restart", outcome="done")
    b.observe("cpo_started", t=t + 2, pid=2)


def hundred_at_once(b: Build, *, wait: float = 0.5, gap: float = 0.2) -> None:
    """A hundred sessions end in the same second; the records come one by one."""
    for n in range(100):
        evse_id = f"DE*ABC*E{n}"
        b.start(t=5, session=n, evse_id=evse_id)
        b.transaction(t=6, until=30, evse_id=evse_id)
    for n in range(100):
        b.cdr(t=30 + wait + n * gap, session=n, evse_id=f"DE*ABC*E{n}", begin=6, end=30)


DELIVERY = [
    Case("CDR-001", CONFORMS, "there is one", lambda b: b.charge(t=10)),
    Case("CDR-001", VIOLATED, "there is none", no_cdr),
    Case("CDR-001", SILENT, "the session ended just before the recording", no_cdr, 35),
    Case("CDR-001", VIOLATED, "a quick CPO has forgotten one", lambda b: (b.charge(t=10), no_cdr(b, session=2, evse_id=OTHER)), 45),
    Case("CDR-001", VIOLATED, "the bench ended the CPO at last", lambda b: (no_cdr(b), b.observe("cpo_started", t=0.1, pid=1), b.observe("cpo_exited", t=190, exit_status=0, expected=True))),
    Case("CDR-001", SILENT, "the CPO exited before it could send", lambda b: (no_cdr(b), b.observe("cpo_started", t=0.1, pid=1), b.observe("cpo_exited", t=32, exit_status=1, expected=False))),
    Case("CDR-001", VIOLATED, "one was late because the hub was down, another never came", lambda b: (
        no_cdr(b), hub_down(b, 25, 70), b.cdr(t=75), no_cdr(b, session=2, evse_id=OTHER, seconds=80)), 130),
    Case("CDR-001", CONFORMS, "a CPO that takes a minute each time has not sent it yet", lambda b: (
        no_cdr(b), b.cdr(t=90), no_cdr(b, session=2, evse_id=OTHER, seconds=80)), 160),
    Case("CDR-001", SILENT, "still charging", lambda b: (b.start(t=5), b.transaction(t=6))),
    Case("CDR-001", SILENT, "the end was never delivered", lambda b: (b.start(t=5), b.transaction(t=6, until=20, delivered=None))),
    Case("CDR-001", SILENT, "no energy: CDR-027", empty),
    Case("CDR-001", SILENT, "its CDR came under another id: SESS-003", lambda b: (no_cdr(b), b.cdr(t=31, session=77, **CLOSED))),
    Case("CDR-001", SILENT, "its CDR went to another path: HTTP-002", lambda b: (
        no_cdr(b), b.exchange(None, {"SessionID": session_id(1), "EvseID": EVSE}, t=31, target="/api/oicp/cdrmgmt/v21/operators/DE*ABC/charge-detail-record", http_status=404))),
    Case("CDR-001", VIOLATED, "nothing after an accepted stop, seen from the wire alone", lambda b: (b.charge(t=10), b.charge(t=50, session=2, cdr=False)), 300, {"truth": False}),
    Case("CDR-002", CONFORMS, "unplugged", lambda b: b.charge(t=10, stop=False)),
    Case("CDR-002", VIOLATED, "unplugged, no CDR", lambda b: no_cdr(b, stop=False)),
    Case("CDR-002", CONFORMS, "delivered late, the CDR follows", lambda b: (told_late(b), b.cdr(t=141))),
    Case("CDR-003", CONFORMS, "one", lambda b: b.charge(t=10)),
    Case("CDR-003", VIOLATED, "a corrected one later", lambda b: (b.charge(t=10), b.cdr(t=60, meter_end_wh=3100, **CLOSED))),
    Case("CDR-003", VIOLATED, "two at the same time", lambda b: (b.charge(t=10), b.cdr(t=30.62))),
    Case("CDR-003", VIOLATED, "a second one at once, then the bench ends the CPO", lambda b: (b.charge(t=10), b.cdr(t=31.5, **CLOSED), b.observe("cpo_started", t=0.1, pid=1), b.observe("cpo_exited", t=33, exit_status=0, expected=True))),
    Case("CDR-003", CONFORMS, "a repeat after a lost answer", lambda b: (no_cdr(b), b.cdr(t=31, **LOST), b.cdr(t=40))),
    Case("CDR-003", CONFORMS, "the answer was slow, a repeat came", lambda b: (no_cdr(b), b.cdr(t=31, took=30), b.cdr(t=45, **CLOSED))),
    Case("CDR-003", CONFORMS, "killed before it could note the answer", lambda b: (b.charge(t=10), restarted(b, 31), b.cdr(t=35, **CLOSED))),
    Case("CDR-004", CONFORMS, "open", lambda b: b.charge(t=10)),
    Case("CDR-004", VIOLATED, "the hub says it is not valid", lambda b: b.cdr(t=31, session=77, **CLOSED)),
    Case("CDR-003", CONFORMS, "the client gave up before the answer came, and repeated", lambda b: (
        no_cdr(b), b.cdr(t=31, took=4), b.cdr(t=34, **CLOSED))),
    Case("CDR-004", CONFORMS, "400, and taken later: it was open all the time", lambda b: (
        no_cdr(b), b.cdr(t=31, begin=11, end=30, **CLOSED), b.cdr(t=60, begin=11, end=30))),
    Case("CDR-004", SILENT, "400 for a session that was over before the recording", lambda b: b.cdr(t=31, session=77, begin=-900, end=-300, **CLOSED)),
    Case("CDR-004", VIOLATED, "400 for a session of before that ended in the recording", lambda b: b.cdr(t=31, session=77, begin=-900, end=20, **CLOSED)),
    Case("CDR-004", CONFORMS, "a repeat while the answer was slow", lambda b: (no_cdr(b), b.cdr(t=31, took=30), b.cdr(t=45, **CLOSED))),
    Case("CDR-004", SILENT, "400 after a lost answer", lambda b: (no_cdr(b), b.cdr(t=31, **LOST), b.cdr(t=40, **CLOSED))),
    Case("CDR-004", SILENT, "400, and the start had been answered by no message", lambda b: (
        b.start(t=5, answer=b"oops", http_status=500), b.cdr(t=31, **CLOSED))),
    Case("CDR-004", VIOLATED, "400, and the start had been refused", lambda b: (b.start(t=5, answer=ack("510")), b.cdr(t=31, **CLOSED))),
    Case("CDR-006", CONFORMS, "half a second", lambda b: b.charge(t=10)),
    Case("CDR-006", WARNED, "a minute", lambda b: (no_cdr(b), b.cdr(t=90, begin=11, end=30))),
    Case("CDR-006", CONFORMS, "the last of a hundred that ended at once, sent below the rate limit", hundred_at_once),
    Case("CDR-006", WARNED, "a batch of a hundred after half a minute", lambda b: hundred_at_once(b, wait=30, gap=0.01)),
    Case("CDR-006", CONFORMS, "late StopTransaction", lambda b: (told_late(b), b.cdr(t=141, begin=6, end=20))),
    Case("CDR-006", CONFORMS, "session kept open until unplugging", lambda b: (b.charge(t=10, cdr=False), b.cdr(t=90, begin=11, end=85))),
    Case("CDR-006", SILENT, "the hub was down", lambda b: (no_cdr(b), hub_down(b, 25, 60), b.cdr(t=90, begin=11, end=30))),
    Case("CDR-026", CONFORMS, "refused, none", lambda b: b.start(t=5, answer=ack("510"))),
    Case("CDR-026", VIOLATED, "refused, one with 0 kWh", lambda b: (b.start(t=5, answer=ack("510")), b.cdr(t=10, meter_end_wh=0, **CLOSED))),
    Case("CDR-027", CONFORMS, "0 kWh", lambda b: (empty(b), b.cdr(t=21, meter_end_wh=0))),
    Case("CDR-027", CONFORMS, "an End notification", lambda b: (empty(b), b.notification("End", t=21))),
    Case("CDR-027", VIOLATED, "stopped and left open", empty),
    Case("CDR-027", VIOLATED, "a transaction without energy and nothing after", lambda b: (b.start(t=5), b.transaction(t=6, until=20, wh=0))),
    Case("CDR-027", SILENT, "waiting for an EV", lambda b: empty(b, stop=False)),
    Case("CDR-027", SILENT, "dropped by the charge point a minute ago", lambda b: (empty(b, stop=False), b.observe("remote_start_expired", t=125, evse_id=EVSE))),
    Case("CDR-027", VIOLATED, "Preparing ended without a cable, and it was left open", lambda b: (
        empty(b, stop=False), b.connector("Preparing", t=6), b.connector("Available", t=125)), 1100),
    Case("CDR-027", VIOLATED, "dropped by the charge point and left open", lambda b: (empty(b, stop=False), b.observe("remote_start_expired", t=125, evse_id=EVSE)), 1100),
    Case("CDR-040", CONFORMS, "v22", lambda b: b.charge(t=10)),
    Case("CDR-040", VIOLATED, "v21", lambda b: b.exchange(None, {}, t=31, target="/api/oicp/cdrmgmt/v21/operators/DE*ABC/charge-detail-record")),
    Case("CDR-040", SILENT, "with GET: HTTP-001", lambda b: b.exchange(
        None, {}, t=31, target="/api/oicp/cdrmgmt/v22/operators/DE*ABC/charge-detail-record", method="GET")),
    Case("CDR-040", VIOLATED, "id of another operator", lambda b: b.cdr(t=31, partner_id="DE*XYZ")),
    Case("CDR-040", VIOLATED, "id of another operator, certificate not recorded",
         lambda b: b.cdr(t=31, partner_id="DE*XYZ", tls=None), run={"source": "har"}),
    Case("CDR-040", CONFORMS, "own id in another spelling, certificate not recorded",
         lambda b: b.cdr(t=31, partner_id="DE-ABC", tls=None), run={"source": "har"}),
]  # fmt: skip


REPEATS = [
    Case("CDR-030", CONFORMS, "503, then accepted", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN), b.cdr(t=60))),
    Case("CDR-030", CONFORMS, "answer lost, then 400 CLOSED", lambda b: (no_cdr(b), b.cdr(t=31, **LOST), b.cdr(t=40, **CLOSED))),
    Case("CDR-030", CONFORMS, "sent when the hub is back", lambda b: (no_cdr(b), hub_down(b, 25, 60), b.cdr(t=70))),
    Case("CDR-030", WARNED, "no repeat yet", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN))),
    Case("CDR-030", VIOLATED, "no repeat within a quarter of an hour", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN)), 1000),
    Case("CDR-030", VIOLATED, "lost while the hub was down", lambda b: (no_cdr(b), hub_down(b, 25, 60)), 1000),
    Case("CDR-030", SILENT, "the hub never came back", lambda b: (no_cdr(b), hub_down(b, 25, None)), 2000),
    Case("CDR-030", VIOLATED, "the limit of the recording counts", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN)), 200, {"settings": {"limits": {"cdr_repeat_s": 60}}}),
    Case("CDR-030", SILENT, "nothing failed", lambda b: b.charge(t=10)),
    Case("CDR-030", CONFORMS, "Result false with 001, then accepted", lambda b: (no_cdr(b), b.cdr(t=31, answer=ack("001")), b.cdr(t=60))),
    Case("CDR-031", CONFORMS, "kept over a restart", lambda b: (no_cdr(b), hub_down(b, 25, 60), restarted(b, 40), b.cdr(t=70))),
    Case("CDR-031", VIOLATED, "lost by a restart", lambda b: (no_cdr(b), hub_down(b, 25, 60), restarted(b, 40)), 1000),
    Case("CDR-030", WARNED, "no repeat for half a minute, then a restart", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN), restarted(b, 61)), 120),
    Case("CDR-031", SILENT, "no repeat for half a minute, then a restart", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN), restarted(b, 61)), 120),
    Case("CDR-031", WARNED, "the attempt failed just before the restart", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN), restarted(b, 35)), 120),
    Case("CDR-030", SILENT, "missing long before the hub went down (CDR-001)", lambda b: (no_cdr(b), hub_down(b, 90, 100)), 150),
    Case("CDR-031", SILENT, "no restart", lambda b: (no_cdr(b), b.cdr(t=31, **DOWN), b.cdr(t=60))),
    Case("CDR-032", CONFORMS, "the same again", lambda b: (no_cdr(b), b.cdr(t=31, begin=11, end=30, **DOWN), b.cdr(t=60, begin=11, end=30))),
    Case("CDR-032", WARNED, "a later SessionEnd", lambda b: (no_cdr(b), b.cdr(t=31, begin=11, end=30, **DOWN), b.cdr(t=60, begin=11, end=59))),
    Case("CDR-033", CONFORMS, "stops after 400", lambda b: (no_cdr(b), b.cdr(t=31, **LOST), b.cdr(t=40, **CLOSED))),
    Case("CDR-033", WARNED, "repeats against 400", lambda b: (no_cdr(b), b.cdr(t=31, **LOST), *(b.cdr(t=t, **CLOSED) for t in (40, 50, 60)))),
    Case("CDR-034", CONFORMS, "corrected", lambda b: (no_cdr(b), b.cdr(t=31, meter_end_wh=3_000_000, answer=ack("022")), b.cdr(t=40))),
    Case("CDR-034", CONFORMS, "the same was taken later, when its end was no longer ahead", lambda b: (
        no_cdr(b), b.cdr(t=31, begin=11, end=90, answer=ack("022")), b.cdr(t=100, begin=11, end=90)), 1100),
    Case("CDR-034", WARNED, "unchanged for ever", lambda b: (no_cdr(b), *(b.cdr(t=t, begin=11, end=30, answer=ack("022")) for t in (31, 40, 50, 60)))),
    Case("CDR-034", WARNED, "unchanged four times, until the hub lets it pass", lambda b: (
        no_cdr(b), *(b.cdr(t=t, begin=11, end=30, answer=ack("022")) for t in (31, 40, 50, 60)), b.cdr(t=70, begin=11, end=30))),
    Case("CDR-034", CONFORMS, "unchanged four times, then corrected by a person", lambda b: (
        no_cdr(b), *(b.cdr(t=t, begin=11, end=30, meter_end_wh=9, answer=ack("022")) for t in (31, 40, 50, 60)), b.cdr(t=170, begin=11, end=30))),
    Case("CDR-034", WARNED, "corrected once, then unchanged for ever", lambda b: (
        no_cdr(b), b.cdr(t=31, meter_end_wh=3_000_000, answer=ack("022")), *(b.cdr(t=t, begin=11, end=30, answer=ack("022")) for t in (40, 50, 60, 70)))),
    Case("CDR-034", CONFORMS, "corrected, and refused again", lambda b: (
        no_cdr(b), b.cdr(t=31, meter_end_wh=3_000_000, answer=ack("022")), *(b.cdr(t=t, begin=11, end=30, answer=ack("022")) for t in (40, 50)))),
    Case("CDR-034", CONFORMS, "corrected again and again", lambda b: (
        no_cdr(b), *(b.cdr(t=t, meter_end_wh=3_000_000 - t, answer=ack("022")) for t in (31, 40, 50, 60, 70)))),
    Case("CDR-034", WARNED, "dropped for good", lambda b: (no_cdr(b), b.cdr(t=31, answer=ack("022"))), 1000),
    Case("CDR-034", SILENT, "a person may correct it later", lambda b: (no_cdr(b), b.cdr(t=31, answer=ack("022")))),
    Case("CDR-034", SILENT, "a person may correct it later, the recording is long", lambda b: (
        b.start(t=10), b.cdr(t=31, answer=ack("022"))), 90_000, {"source": "tap", "truth": False}),
    Case("CDR-034", WARNED, "unchanged against the validation of the hub", lambda b: (no_cdr(b), *(
        b.cdr(t=t, begin=11, end=30, http_status=400, answer={"message": "Error parsing/validating JSON."}) for t in (31, 40, 50, 60)))),
    *(Case("CDR-034", SILENT, f"unchanged, as it was not refused for its content: {what}", lambda b, answer=answer: (
        no_cdr(b), *(b.cdr(t=t, begin=11, end=30, http_status=400, answer=answer) for t in (31, 40, 50, 60))))
      for what, answer in (("a failure of the hub", status_only("001")), ("its session", status_only("400")),
                           ("its certificate", status_only("017")), ("the proxy in front", b"<html>Bad Request</html>"))),
    Case("CDR-032", SILENT, "corrected after 022 under HTTP 500: CDR-034", lambda b: (
        no_cdr(b), b.cdr(t=31, meter_end_wh=3_000_000, http_status=500, answer=ack("022")), b.cdr(t=40))),
    Case("CDR-034", CONFORMS, "corrected after 022 under HTTP 500", lambda b: (
        no_cdr(b), b.cdr(t=31, meter_end_wh=3_000_000, http_status=500, answer=ack("022")), b.cdr(t=40))),
]  # fmt: skip


@table(DELIVERY)
def test_delivery(case: Case) -> None:
    """Late ends, lost answers, open sessions and other ids are told apart from CDRs that are missing or too many."""
    case.check()


@table(REPEATS)
def test_repeats(case: Case) -> None:
    """What could not be delivered is repeated until it is; a repeat that may still come is no violation."""
    case.check()


def test_a_missing_cdr_is_told_once() -> None:
    """Without a stop request CDR-002 leads and CDR-001 is folded under it."""
    build = Build()
    several(lambda b: no_cdr(b, stop=False))(build)
    verdict = judge(build.evidence(until=200))
    assert "CDR-002" in verdict.violated
    assert "CDR-001" not in verdict.violated
    assert verdict.of("CDR-002").findings[0].also == ("CDR-001",)


def test_a_cdr_for_a_refused_start_is_told_once() -> None:
    """CDR-026 leads, CDR-004 is folded under it."""
    build = Build()
    build.start(t=5, answer=ack("510"))
    build.cdr(t=10, meter_end_wh=0, **CLOSED)
    violated = judge(build.evidence(until=200)).violated
    assert "CDR-026" in violated
    assert not {"CDR-004", "SESS-001", "SESS-003"} & set(violated)


def test_two_records_at_once_are_two() -> None:
    """A second CDR is told of as what it is, also while the hub still answers the first."""
    build = Build()
    build.charge(t=10, cdr=False)
    for t in (30.6, 31.0):
        build.cdr(t=t, begin=11.2, end=30, took=1.5)
    told = findings(build.evidence(), "CDR-003")
    assert [f.observed for f in told] == ["another CDR while the hub answered the one that was accepted (exchange 4)"]
