"""What most tests of the fleet start from."""

import asyncio
from collections.abc import Callable
from typing import Any

from simulator.settings import FleetSettings, Timing

EVSE = "DE*ABC*E1*1"


def fleet_json(charge_points: int = 1, evses: int = 1, version: str = "1.6", **record: Any) -> dict[str, Any]:
    """A fleet file with bare records; charge points CP-1.. and EVSEs DE*ABC*E1*1.."""
    return {
        "operator_id": "DE*ABC",
        "operator_name": "ABC technologies",
        "charge_points": [
            {
                "id": f"CP-{n}",
                "ocpp_version": version,
                "evses": [
                    {"evse_id": f"DE*ABC*E{n}*{m}", "connector_id": m, "data_record": record}
                    for m in range(1, evses + 1)
                ],
            }
            for n in range(1, charge_points + 1)
        ],
    }


def quick(**changes: Any) -> FleetSettings:
    """Settings of a quick fleet: short pauses, a car of 4 MW."""
    timing: dict[str, Any] = {
        "call_timeout": 2.0, "transaction_timeout": 2.0, "meter_interval": 1, "energy_grace": 5.0, "boot": 0.1, "boot_retry": 0.1,
        "reconnect_first": 0.02, "reconnect_most": 0.2, "attempt_pause": 0.02, "tick": 0.02,
    }  # fmt: skip
    fields = Timing.__dataclass_fields__
    timing |= {name: changes.pop(name) for name in list(changes) if name in fields}
    return FleetSettings(timing=Timing(**timing), **{"vehicle_power_kw": 4000.0, **changes})


async def until(holds: Callable[[], bool], within: float = 5.0) -> None:
    """Poll until `holds`; a failure says what was waited for by its source line."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - what is polled has no event of its own
            await asyncio.sleep(0.01)
