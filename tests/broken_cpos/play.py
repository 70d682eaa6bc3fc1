"""One variant on the stage: `python -m tests.broken_cpos.play VARIANT --out DIR` leaves the report of its run there."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.config import BenchConfig, FleetTable
from bench.embedded import reference_cpo, with_reference_cpo
from bench.output import output_folder
from bench.run import Order, Result, execute
from bench.scenario import built_in, chosen
from bench.stage import read_fleet
from oicp.catalogue import profiles_in
from simulator.site_data import generate_fleet
from tests.broken_cpos.catalogue import variant
from tests.broken_cpos.variant import Variant

ROOT = Path(__file__).resolve().parents[2]
SEED = 7
NEVER_BEGAN = 75
"""Exit status where a port was taken meanwhile: another try may work."""
_SMALL = {"charge_points": 4, "evses_per_charge_point": 1}
_WHOLE = {"charge_points": 12, "evses_per_charge_point": 2}


def order(chosen_variant: Variant, out: Path, seed: int = SEED) -> Order:
    """The run of a variant: its scenarios, the reference CPO replaced by it."""
    own = chosen_variant
    config = BenchConfig().with_suite(
        {"profiles": list(own.profiles), "long": own.long, "limits": {"settle": 12}} | dict(own.bench)
    )
    whole = own.only == "all"
    config = config.model_copy(update={"fleet": FleetTable(**((_WHOLE if whole else _SMALL) | dict(own.fleet)))})
    config = with_reference_cpo(config, out)
    cpo = config.cpo or reference_cpo(out)
    python, _, _, _, *arguments = cpo.command
    command = (python, "-m", "tests.broken_cpos", own.name, *arguments)
    changes = {"command": command, "working_directory": str(ROOT)} | dict(own.cpo)
    if own.scheme != "https":
        changes["oicp_url"] = cpo.oicp_url.replace("https://", own.scheme + "://")
    config = config.model_copy(
        update={"cpo": cpo.model_copy(update=changes), "hub": config.hub.model_copy(update=dict(own.hub))}
    )
    own.prepare(out / "pki")
    scenarios = chosen(
        built_in(), profiles=profiles_in(config.suite.profiles), only=None if whole else own.only, long=own.long
    )
    return Order(config, _fleet(config, own, seed), out, scenarios, seed)


def _fleet(config: BenchConfig, own: Variant, seed: int) -> dict[str, Any]:
    assert config.cpo is not None
    if not own.sites:
        return read_fleet(config, config.cpo, seed)
    table = config.fleet
    return generate_fleet(
        config.cpo.operator_id, "oicp-bench sample operator", charge_points=table.charge_points,
        evses_per_charge_point=table.evses_per_charge_point, seed=seed, **own.sites,
    )  # fmt: skip


def play(name: str, out: Path, seed: int = SEED) -> Result:
    """Play it and leave the report in the folder."""
    with output_folder(out) as folder:
        return execute(replace(order(variant(name), folder, seed), command=f"kill-matrix {name}"))


if __name__ == "__main__":
    result = play(sys.argv[1], Path(sys.argv[sys.argv.index("--out") + 1]))
    for trouble in result.troubles:
        print(trouble, file=sys.stderr)
    never_began = any("cannot listen on" in trouble for trouble in result.troubles)
    sys.exit(NEVER_BEGAN if never_began else 0 if result.status in (0, 1, 2) else result.status)
