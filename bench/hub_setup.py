"""The hub as the configuration wants it, with the partners of a run: the CPO under test, EMPs, a stranger."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.config import BenchConfig, CpoTable
from bench.ports import endpoint
from fake_hubject.certificates import Authority
from fake_hubject.hub import Hub
from fake_hubject.partners import SERVICES, Partner, Temper
from fake_hubject.recorder import Recorder
from fake_hubject.settings import HubSettings
from oicp.services import SHORT_NAMES

PROVIDERS = ("DE-DCB", "NL-TNM", "FR-EMA")
"""EMPs whose drivers the bench plays."""

WITHOUT_NOTIFICATIONS = "FR-EMA"
"""The one of them that has no contract for charging notifications."""

_ALL_BUT_NOTIFICATIONS = frozenset(SERVICES) - {"ChargingNotifications"}

STRANGER = "NL*OTH"
"""Another operator at the same hub: its id is somebody's, but not that of the CPO under test."""


def make_hub(
    config: BenchConfig, cpo: CpoTable, recorder: Recorder, authority: Authority, tap: Path | None = None
) -> Hub:
    """The hub, not yet listening. `tap`: folder for the files of a tap in front of it; None for no tap."""
    hub = Hub(hub_settings(config), recorder, authority) if tap is None else _tapped(config, recorder, authority, tap)
    by_short_name = {short: name for name, short in SHORT_NAMES.items()}
    hub.partners.add(
        Partner(
            id=cpo.operator_id, kind="hub_operator" if cpo.sub_operators else "cpo", name="the CPO under test",
            url=cpo.oicp_url, sub_partners=cpo.sub_operators,
            paths={short: path for short, path in cpo.paths.items() if short in by_short_name},
        )
    )  # fmt: skip
    hub.partners.add(Partner(id=STRANGER, kind="cpo", name="another operator"))
    for provider_id in PROVIDERS:
        contracts = _ALL_BUT_NOTIFICATIONS if provider_id == WITHOUT_NOTIFICATIONS else None
        # no card is known until a scenario is given one (`bench.card`)
        hub.partners.add(
            Partner(provider_id, "emp", f"EMP {provider_id}", contracts=contracts, temper=Temper(knows=frozenset()))
        )
    return hub


def _tapped(config: BenchConfig, recorder: Recorder, authority: Authority, folder: Path) -> Hub:
    from bench.tapped_hub import TappedHub

    return TappedHub(hub_settings(config), recorder, authority, folder)


def hub_settings(config: BenchConfig) -> HubSettings:
    """Settings of `[hub]` and `[hub.options]`."""
    table = config.hub
    hosts = list(table.certificate_hosts)
    if table.public_url:
        hosts.append(endpoint(table.public_url)[0])
    values: dict[str, Any] = {
        "host": table.host, "port": table.port, "public_hosts": tuple(hosts),
        "client_certificate": table.client_certificate, "answer_limit_s": table.answer_limit,
        # a CPO whose certificate is wrong is judged for it, not shut out
        "verify_cpo": "recorded",
        # pushes that overlap are noticed
        "processing_s": 0.05,
        **table.options,
    }  # fmt: skip
    return HubSettings(**values)


def option_names() -> tuple[str, ...]:
    """What `[hub.options]` may hold: settings of the hub that have no key of their own in `[hub]`."""
    own = {"host", "port", "public_hosts", "client_certificate", "answer_limit_s", "state_file"}
    return tuple(field.name for field in fields(HubSettings) if field.name not in own)
