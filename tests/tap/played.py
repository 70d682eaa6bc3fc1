"""One run with or without the tap, in a process of its own: `python -m tests.tap.played VARIANT OUT [--tap]`; `reference` is no variant."""

import sys
from dataclasses import replace
from pathlib import Path

from bench.output import output_folder
from bench.run import execute
from tests.broken_cpos.catalogue import variant
from tests.broken_cpos.play import order
from tests.broken_cpos.variant import Variant

REFERENCE = Variant("reference", "The reference CPO as it is", only="authorization.remote_start_and_stop")


def main(name: str, out: Path, *, tap: bool) -> int:
    """Play it; the report lies in `out`."""
    chosen = REFERENCE if name == REFERENCE.name else variant(name)
    with output_folder(out) as folder:
        asked = order(chosen, folder)
        if chosen is REFERENCE and asked.config.cpo is not None:
            own = asked.config.cpo
            command = (own.command[0], "-P", "-m", "cpo", *own.command[4:])
            cpo = own.model_copy(update={"command": command})
            asked = replace(asked, config=asked.config.model_copy(update={"cpo": cpo}))
        result = execute(replace(asked, tap=tap, command=f"played {name}"))
    for trouble in result.troubles:
        print(trouble, file=sys.stderr)
    return 0 if result.status in (0, 1, 2) else result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), tap="--tap" in sys.argv))
