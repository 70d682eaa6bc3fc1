"""The work bench: command line, configuration, the stage, the scenario engine.

Imports all rooms but `cpo`, which it only starts as a process. Start reading at `run.py` (one run) and `facade.py` (what a scenario
speaks to). Scenarios take `Bench`, `scenario`, `Fault` and `Vehicle` from here.
"""

from typing import TYPE_CHECKING, Any

# at once and not on demand: the name is that of a module, too, which would be found in its place as soon as it is loaded
from bench.scenario import scenario as scenario

if TYPE_CHECKING:
    from bench.facade import Bench as Bench
    from fake_hubject.faults import Fault as Fault
    from simulator.vehicle import Vehicle as Vehicle
    from tap.faults import WireFault as WireFault

_HOMES = {
    "Bench": "bench.facade",
    "Fault": "fake_hubject.faults",
    "Vehicle": "simulator.vehicle",
    "WireFault": "tap.faults",
}


def __getattr__(name: str) -> Any:
    """Names for scenarios, imported when first asked for: the command line starts faster without the hub."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
