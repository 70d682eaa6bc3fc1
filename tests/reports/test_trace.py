"""The trace of a session: one time axis for everybody."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from oicp.rulebook import judge
from reports.report import Report
from reports.trace import Traces
from tests.reports import sample


@pytest.fixture(scope="module")
def traces() -> Traces:
    """Traces of the sample."""
    return Traces(sample.report())


def rows(traces: Traces, number: int) -> list[dict[str, Any]]:
    """Rows of the trace of a session."""
    return list(traces.trace(traces.sessions[number])["rows"])


def test_joins_all_five_lanes_in_order_of_time(traces: Traces) -> None:
    """Driver, hub, CPO, charge point and vehicle all appear, and no row is earlier than the one before."""
    found = rows(traces, 0)
    times = [row["t"] for row in found]
    assert times == sorted(times)
    touched = {row[key] for row in found for key in ("from", "to", "lane") if key in row}
    assert touched == {0, 1, 2, 3, 4}


def test_tells_the_story_of_a_session(traces: Traces) -> None:
    """OICP, OCPP, cable and energy stand in the order in which they happened."""
    labels = [row["label"] for row in rows(traces, 2)]
    story = ["plugged", "remote start", "AuthorizeRemoteStart", "RemoteStartTransaction → Accepted", "200 · 000", "energy flows",
             "PushEvseStatus Occupied", "remote stop", "AuthorizeRemoteStop", "transaction stopped: Remote", "ChargeDetailRecord",
             "session: closed", "unplugged", "PushEvseStatus Available"]  # fmt: skip
    places = [labels.index(word) for word in story]
    assert places == sorted(places)


def test_meter_values_become_one_arrow(traces: Traces) -> None:
    """Ten equal calls in a row are one arrow that says how many."""
    meter = [row for row in rows(traces, 0) if row.get("run") == "MeterValues"]
    assert [row["times"] for row in meter] == [10] and meter[0]["t_last"] > meter[0]["t"]


def test_findings_stand_where_they_happened(traces: Traces) -> None:
    """A finding about a message marks its request, one about the answer the answer."""
    wrong = [row for row in rows(traces, 1) if row.get("bad")]
    assert [(row["label"], row["part"]) for row in wrong] == [("ChargeDetailRecord", "request")]
    late = [row for row in rows(traces, 2) if row.get("bad")]
    assert [row["part"] for row in late] == ["answer"]


def test_a_session_shows_nothing_of_another(traces: Traces) -> None:
    """Sessions that run at the same time on other EVSEs leave no arrow behind."""
    for number, session in enumerate(traces.sessions):
        for row in rows(traces, number):
            exchange = traces.evidence.exchange(row.get("exchange", 0))
            if exchange and exchange.session_id:
                assert exchange.session_id == session.session_id


def test_energy_is_meter_against_record(traces: Traces) -> None:
    """The curve starts and ends with the transaction; beside it stands what the record reports."""
    energy = traces.trace(traces.sessions[1])["energy"]
    assert (energy["meter"][0][1], energy["meter"][-1][1], energy["delivered_wh"]) == (1000, 4012, 3012)
    assert [(r["start_wh"], r["end_wh"], r["consumed_wh"]) for r in energy["reported"]] == [(1000.0, 8400.0, 7400.0)]


def test_bars_show_connector_and_cable(traces: Traces) -> None:
    """Connector states follow each other without a gap; the cable is one bar."""
    bars = traces.trace(traces.sessions[0])["bars"]
    states = [b for b in bars if b["lane"] == 3]
    assert [b["label"] for b in states][:3] == ["Preparing", "Charging", "Finishing"]
    assert all(a["t1"] == b["t0"] for a, b in pairwise(states))
    assert [b["label"] for b in bars if b["lane"] == 4] == ["plugged"]


def test_session_without_charge_points_is_drawn_too() -> None:
    """A recording of OICP alone (a tap) still gives a trace."""
    tape = sample.tape_of()
    tape.observations.clear()
    report = sample.report(evidence=tape.evidence())
    found = Traces(report)
    trace = found.trace(found.sessions[0])
    assert {row["cls"] for row in trace["rows"]} == {"oicp"} and trace["energy"]["meter"] == []


def test_a_record_that_comes_late_does_not_draw_the_next_session() -> None:
    """Where the EVSE is used again before the record comes, the trace shows the record and nothing of the next driver."""
    tape = sample.Tape()
    sample.play(tape, 1, 1.0)
    late = next(e for e in tape.exchanges if e.operation == "ChargeDetailRecord")
    tape.exchanges.remove(late)
    tape.call("ChargeDetailRecord", late.request.body, 20.0)
    again = sample.Tape()
    sample.play(again, 1, 11.0)
    for o in again.observations:
        tape.see(o.kind, o.t, o.evse_id, **{k: v for k, v in o.data.items() if k != "session_id"})
    evidence = tape.evidence()
    found = Traces(Report(judge(evidence), evidence))
    labels = [row["label"] for row in found.trace(found.sessions[0])["rows"]]
    assert labels.count("plugged") == labels.count("energy flows") == 1 and "ChargeDetailRecord" in labels


def test_calls_of_another_connector_stay_out() -> None:
    """OCPP names connectors and transactions, not EVSEs: only those of the session's own are drawn."""
    tape = sample.tape_of(1, ocpp=False)
    t = 5.0
    for connector in (1, 2):
        for sender, action in (("charge_point", "StatusNotification"), ("cpo", "RemoteStartTransaction")):
            data = {
                "sender": sender,
                "action": action,
                "payload": {"connectorId": connector},
                "answer": {},
                "error": None,
            }
            o = tape.see("ocpp", t, None, **data)
            tape.observations[-1] = replace(o, charge_point="CP-01")
    for number in (1, 99):
        data = {
            "sender": "charge_point",
            "action": "StopTransaction",
            "payload": {"transactionId": number},
            "answer": {},
        }
        tape.observations.append(replace(tape.see("ocpp", t, None, **data), charge_point="CP-01"))
    tape.observations[:] = [replace(o, charge_point="CP-01") if o.charge_point else o for o in tape.observations]
    tape.see("transaction_start_delivered", 4.5, sample.evse(1), transaction="t1", transaction_id=1)
    fleet = {"charge_points": [{"id": "CP-01", "evses": [{"evse_id": sample.evse(1), "connector_id": 1}]}]}
    evidence = tape.evidence()
    evidence = replace(evidence, run=replace(evidence.run, fleet=fleet))
    found = Traces(Report(judge(evidence), evidence))
    calls = [row["data"]["payload"] for row in found.trace(found.sessions[0])["rows"] if row["cls"] == "ocpp"]
    assert {str(p) for p in calls} == {"{'connectorId': 1}", "{'transactionId': 1}"}
