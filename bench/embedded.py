"""The embedded default: the reference CPO as just another `[cpo] command`, on free ports, with its hooks."""

import sys
from pathlib import Path

from bench.config import BenchConfig, CpoTable, FleetTable, HooksTable
from bench.ports import free_ports

OPERATOR_ID = "DE*ABC"
_OPTIONS = {
    "full": "--rfid", "reservation": "--reservation", "notifications": "--notifications", "pricing": "--pricing",
}  # fmt: skip
CHARGE_POINTS, EVSES_PER_CHARGE_POINT = 12, 2


def reference_cpo(out: Path, operator_id: str = OPERATOR_ID, profiles: tuple[str, ...] = ()) -> CpoTable:
    """`[cpo]` for the reference CPO. Its state is a SQLite file in `out`, new for every run."""
    oicp, ocpp, operations = free_ports(3)
    database = out / "cpo.sqlite"
    for old in out.glob("cpo.sqlite*"):
        old.unlink()
    base = f"POST http://127.0.0.1:{operations}"
    return CpoTable(
        operator_id=operator_id, oicp_url=f"https://127.0.0.1:{oicp}", ocpp_url=f"ws://127.0.0.1:{ocpp}/ocpp",
        command=(
            sys.executable, "-P", "-m", "cpo", "--operations-port", str(operations),
            "--database", f"sqlite:///{database.resolve()}",
            # a quick CPO: short patience, so that a run need not wait for it
            "--plug-in-timeout", "3", "--retry-first", "0.25", "--retry-cap", "8", "--offline-grace", "3",
            *(option for profile, option in _OPTIONS.items() if profile in profiles),
        ),
        working_directory=str(out.resolve()),
        hooks=HooksTable(
            push_evse_data=f"{base}/push-evse-data", push_evse_status=f"{base}/push-evse-status",
            decommission_evse=f"{base}/decommission", update_evse=f"{base}/update", restart="command",
        ),
    )  # fmt: skip


def is_reference(cpo: CpoTable) -> bool:
    """The reference CPO, started by the bench with a new state for every run."""
    return cpo.command[1:4] == ("-P", "-m", "cpo")


def with_reference_cpo(config: BenchConfig, out: Path) -> BenchConfig:
    """The config, completed by the reference CPO and a fleet that lets the scenarios run side by side."""
    if config.cpo is not None:
        return config
    fleet = config.fleet
    if not fleet.model_fields_set & {"charge_points", "evses_per_charge_point", "file"}:
        fleet = fleet.model_copy(
            update={"charge_points": CHARGE_POINTS, "evses_per_charge_point": EVSES_PER_CHARGE_POINT}
        )
    # what is known to be quick is judged, and waited for, accordingly
    config = config.with_suite({"tolerances": {"reserved_push_s": 3, **config.suite.tolerances}})
    return config.model_copy(
        update={"cpo": reference_cpo(out, profiles=config.suite.profiles), "fleet": FleetTable.model_validate(fleet)}
    )
