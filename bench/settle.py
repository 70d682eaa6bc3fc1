"""After the last scenario: wait, boundedly, for what is still on its way, so that silence means something."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from bench.stage import Stage
from oicp.evidence import Exchange, Observation

_QUIET = 2.0
"""Seconds without a message of the CPO after which nothing more is expected at once."""


async def settle(stage: Stage, within: float) -> list[str]:
    """Wait until every session is billed and the last status changes had time to arrive; returns what is still outstanding."""
    recorder = stage.recorder
    wake = asyncio.Event()
    last = recorder.now()

    def listener(item: Exchange | Observation) -> None:
        nonlocal last
        if isinstance(item, Exchange) or item.kind in ("connector_status_delivered", "transaction_stop_delivered"):
            last = recorder.now()
        wake.set()

    deadline = last + within
    with recorder.listening(listener):
        while (now := recorder.now()) < deadline:
            waiting = outstanding(stage)
            if not waiting and now - last >= min(_QUIET, within):
                return []
            wake.clear()
            quiet = max(0.05, last + _QUIET - now) if not waiting else deadline - now
            try:
                async with asyncio.timeout(min(quiet, deadline - now)):
                    await wake.wait()
            except TimeoutError:
                continue
    left = outstanding(stage)
    if left:
        recorder.observe("note", text=f"still outstanding at the end: {'; '.join(left[:20])}")
    return left


def outstanding(stage: Stage) -> list[str]:
    """Sessions whose end the CPO has not reported, transactions a charge point has not delivered, changes the hub has not got."""
    sessions = [
        f"charge detail record of session {s.session_id}"
        for s in stage.hub.sessions
        if s.open and s.kind != "reservation" and _may_come(stage, s.session_id)
    ]
    transactions = [f"end of the transaction at {o.evse_id}" for o in stage.journal.undelivered.values()]
    return [*transactions, *sessions, *_changes(stage)]


def _changes(stage: Stage) -> Iterator[str]:
    """Records the operator was asked to change or to remove, as long as they may still come (PUSH-005, PUSH-016)."""
    patience = stage.tolerance("static_change_s")
    for asked in stage.journal.asked:
        evse_id = asked.evse_id or ""
        if not evse_id or stage.recorder.now() - asked.t > patience:
            continue
        record = stage.record_at_hub(evse_id)
        if asked.data["hook"] == "decommission_evse" and record is not None:
            yield f"removal of {evse_id}"
        elif asked.data["hook"] == "update_evse" and record is not None:
            wanted: Mapping[str, Any] = asked.data["body"].get("data_record") or {}
            before = _fleet_record(stage.fleet_json, evse_id)
            if any(record.get(n) != v for n, v in wanted.items() if before.get(n) != v):
                yield f"changed record of {evse_id}"


def _fleet_record(fleet: Mapping[str, Any], evse_id: str) -> Mapping[str, Any]:
    evses = (evse for point in fleet["charge_points"] for evse in point["evses"])
    return next((e.get("data_record") or {} for e in evses if e["evse_id"] == evse_id), {})


def _may_come(stage: Stage, session_id: str) -> bool:
    """False after a record that was refused for its content, or an End notification: only a person helps, or nothing is due."""
    records = stage.journal.messages(session_id, "ChargeDetailRecord")
    if records and records[-1].result is False and records[-1].status_code in ("018", "022"):
        return False
    return not any(e.body.get("Type") == "End" for e in stage.journal.messages(session_id, "ChargingNotifications"))
