"""The fleet as the configuration wants it: generated from the seed; and its way to the CPO."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.config import BenchConfig, CpoTable, FleetTable
from fake_hubject.certificates import Authority
from fake_hubject.recorder import Recorder
from simulator.fleet import Fleet
from simulator.security import OcppSecurity
from simulator.settings import FleetSettings
from simulator.site_data import generate_fleet

_ENOUGH_EVSES = 8
"""From this size on one EVSE is not open for roaming."""


def generated(table: FleetTable, operator_id: str, seed: int, profiles: Sequence[str] = ()) -> dict[str, Any]:
    """A generated fleet of that size, with what the profiles need: card readers, reservation, prices, signed meter values."""
    fleet = generate_fleet(
        operator_id, "oicp-bench sample operator", charge_points=table.charge_points,
        evses_per_charge_point=table.evses_per_charge_point, seed=seed, ocpp_version=table.ocpp_version,
        rfid_readers="full" in profiles, reservation="reservation" in profiles, dynamic_pricing="pricing" in profiles,
    )  # fmt: skip
    points = [[evse["data_record"] for evse in point["evses"]] for point in fleet["charge_points"]]
    if "eichrecht" in profiles:  # a part: in sessions without energy such EVSEs behave in a way of their own
        for record in (record for point in points[::3] for record in point):
            record["CalibrationLawDataAvailability"] = "External"
    if sum(map(len, points)) >= _ENOUGH_EVSES:
        points[-1][-1]["IsHubjectCompatible"] = False
    return fleet


def make_fleet(
    config: BenchConfig, cpo: CpoTable, fleet: Mapping[str, Any], recorder: Recorder, authority: Authority, seed: int
) -> Fleet:
    """The virtual charge points, not yet connected."""
    if cpo.ocpp_url is None:
        raise ValueError("no ocpp_url")
    settings = FleetSettings(latency=config.fleet.latency, jitter=config.fleet.jitter)
    return Fleet(
        fleet, cpo.ocpp_url, recorder.observe, seed=seed, security=security(config, authority), settings=settings
    )


def security(config: BenchConfig, authority: Authority | None) -> OcppSecurity:
    """How charge points identify themselves; without a CA of their own for the CPO, they trust that of the bench."""
    table = config.fleet.security
    own_ca = authority.ca_file if authority else None
    return OcppSecurity(
        user=table.user, password=table.password, parts=config.fleet.url_parts,
        ca_file=config.path(table.ca_file) if table.ca_file else own_ca,
        client_cert_file=config.path(table.client_certificate) if table.client_certificate else None,
        client_key_file=config.path(table.client_key) if table.client_key else None,
    )  # fmt: skip
