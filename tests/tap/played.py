"""One run with or without the tap, in a process of its own: `python -m tests.tap.played VARIANT OUT [--tap]`."""

import sys
from dataclasses import replace
from pathlib import Path

from bench.output import output_folder
from bench.run import execute
from tests.broken_cpos.catalogue import variant
from tests.broken_cpos.play import NEVER_BEGAN, order


def main(name: str, out: Path, *, tap: bool) -> int:
    """Play it; the report lies in `out`."""
    with output_folder(out) as folder:
        asked = order(variant(name), folder)
        result = execute(replace(asked, tap=tap, command=f"played {name}"))
    for trouble in result.troubles:
        print(trouble, file=sys.stderr)
    if any("cannot listen on" in trouble for trouble in result.troubles):
        return NEVER_BEGAN
    return 0 if result.status in (0, 1, 2) else result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), tap="--tap" in sys.argv))
