"""What the bench still waits for at the end of a run."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.config import parse_config
from bench.journal import Journal
from bench.settle import outstanding
from bench.stage import Stage
from oicp.evidence import Observation

EVSE = "DE*ABC*E1*1"
OLD, NEW = {"EvseID": EVSE, "HotlinePhoneNumber": "+491"}, {"EvseID": EVSE, "HotlinePhoneNumber": "+492"}


class _Part(SimpleNamespace):
    """A part of a stage that answers as the whole does."""

    tolerance, record_at_hub = Stage.tolerance, Stage.record_at_hub


def _stage(hook: str, outcome: str, at_hub: dict[str, Any] | None, now: float) -> Stage:
    """As much of a stage as is asked: a hook was called in second 10."""
    journal = Journal()
    data = {"hook": hook, "outcome": outcome, "body": {"evse_id": EVSE, "data_record": NEW}}
    journal(Observation(1, "hook", datetime.now(UTC), 10.0, EVSE, data=data))
    return cast(Stage, _Part(
        hub=SimpleNamespace(sessions=(), evse_data=lambda _: {"DE*ABC*E1*1": at_hub} if at_hub else {}), journal=journal,
        recorder=SimpleNamespace(now=lambda: now), config=parse_config({}), cpo=SimpleNamespace(operator_id="DE*ABC"),
        fleet_json={"charge_points": [{"id": "CP-1", "evses": [{"evse_id": EVSE, "data_record": OLD}]}]},
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("hook", "outcome", "at_hub", "now", "expected"),
    [
        ("decommission_evse", "done", OLD, 30, [f"removal of {EVSE}"]), ("decommission_evse", "done", None, 30, []),
        ("decommission_evse", "done", OLD, 71, []), ("decommission_evse", "skipped", OLD, 30, []),
        ("update_evse", "done", OLD, 30, [f"changed record of {EVSE}"]), ("update_evse", "done", NEW, 30, []),
        ("update_evse", "done", NEW | {"Accessibility": "own"}, 30, []), ("update_evse", "done", None, 30, []),
    ],
)  # fmt: skip
def test_changes_the_operator_was_asked_for(
    hook: str, outcome: str, at_hub: dict[str, Any] | None, now: float, expected: list[str]
) -> None:
    """A record that has to vanish or to change is waited for until it is late; what was never said is not."""
    assert outstanding(_stage(hook, outcome, at_hub, now)) == expected
