"""The fleet as the configuration wants it: generated from the seed or read from a file."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.config import BenchConfig, CpoTable, FleetTable
from fake_hubject.certificates import Authority
from fake_hubject.recorder import Recorder
from simulator.fleet import Fleet
from simulator.site_data import generate_fleet


def generated(table: FleetTable, operator_id: str, seed: int) -> dict[str, Any]:
    """A generated fleet of that size."""
    return generate_fleet(
        operator_id, "oicp-bench sample operator", charge_points=table.charge_points,
        evses_per_charge_point=table.evses_per_charge_point, seed=seed, ocpp_version=table.ocpp_version,
    )  # fmt: skip


def read_fleet_file(path: Path) -> dict[str, Any]:
    """Read a `fleet.json`. Raises ValueError: what is wrong with it and where."""
    try:
        fleet = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise ValueError(f"cannot be read: {fault.strerror}") from None
    except ValueError as fault:
        raise ValueError(f"not JSON: {fault}") from None
    _check(fleet)
    return dict(fleet)


def _check(fleet: Any) -> None:
    if not isinstance(fleet, dict) or not isinstance(fleet.get("charge_points"), list) or not fleet["charge_points"]:
        raise ValueError("`charge_points` is missing or empty; section 4 of the documentation shows the form")
    for i, charge_point in enumerate(fleet["charge_points"]):
        where = f"charge_points[{i}]"
        if not isinstance(charge_point, dict) or not isinstance(charge_point.get("id"), str):
            raise ValueError(f"{where}: `id` is missing")
        if charge_point.get("ocpp_version", "1.6") not in ("1.6", "2.0.1"):
            raise ValueError(f"{where}: ocpp_version is {charge_point['ocpp_version']!r}; there are 1.6 and 2.0.1")
        evses = charge_point.get("evses")
        if not isinstance(evses, list) or not evses:
            raise ValueError(f"{where} ({charge_point['id']}): `evses` is missing or empty")
        for j, evse in enumerate(evses):
            _check_evse(evse, f"{where}.evses[{j}]")
    ids = [evse["evse_id"] for cp in fleet["charge_points"] for evse in cp["evses"]]
    twice = {i for i in ids if ids.count(i) > 1}
    if twice:
        raise ValueError(f"evse_id {sorted(twice)[0]!r} is there twice")


def _check_evse(evse: Any, where: str) -> None:
    if not isinstance(evse, dict):
        raise ValueError(f"{where}: an object is wanted")
    if not isinstance(evse.get("evse_id"), str) or not evse["evse_id"]:
        raise ValueError(f"{where}: `evse_id` is missing")
    if not isinstance(evse.get("connector_id", 1), int) or evse.get("connector_id", 1) < 1:
        raise ValueError(f"{where}: connector_id is {evse['connector_id']!r}; OCPP counts from 1")
    record = evse.get("data_record")
    if record is not None and (
        not isinstance(record, dict) or record.get("EvseID", evse["evse_id"]) != evse["evse_id"]
    ):
        raise ValueError(f"{where}: EvseID of data_record is not {evse['evse_id']!r}")


def make_fleet(
    config: BenchConfig, cpo: CpoTable, fleet: Mapping[str, Any], recorder: Recorder, authority: Authority, seed: int
) -> Fleet:
    """The virtual charge points, not yet connected."""
    if cpo.ocpp_url is None:
        raise ValueError("no ocpp_url")
    return Fleet(fleet, cpo.ocpp_url, recorder.observe, seed=seed, **_security(config, authority))


def _security(config: BenchConfig, authority: Authority) -> dict[str, Any]:
    from simulator.security import OcppSecurity

    table = config.fleet.security
    return {
        "security": OcppSecurity(
            user=table.user, password=table.password,
            ca_file=config.path(table.ca_file) if table.ca_file else authority.ca_file,
            client_cert_file=config.path(table.client_certificate) if table.client_certificate else None,
            client_key_file=config.path(table.client_key) if table.client_key else None,
        )
    }  # fmt: skip
