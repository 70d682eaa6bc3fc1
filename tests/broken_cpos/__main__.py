"""`python -m tests.broken_cpos VARIANT [options of the CPO]`: a variant as a process, like `python -m cpo`."""

import sys

from cpo.__main__ import main
from tests.broken_cpos.catalogue import variant
from tests.broken_cpos.patched import build

if __name__ == "__main__":
    chosen = variant(sys.argv[1])
    sys.exit(main([*sys.argv[2:], *chosen.options], make=lambda settings: build(settings, chosen)))
