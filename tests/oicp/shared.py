"""Published material beside the project; tests that need it are skipped where it is missing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).resolve().parents[2]
SPEC = Path(os.environ.get("OICP_BENCH_SHARED", _HERE.parent / "shared")) / "spec"


def spec_file(name: str) -> Path:
    """A file of the published material, or a skip that names what is missing."""
    path = SPEC / name
    if not path.exists():
        pytest.skip(
            f"{name} of the published material is not beside the project (OICP_BENCH_SHARED may name the folder)"
        )
    return path


def read_json(name: str) -> Any:
    """A published JSON file."""
    return json.loads(spec_file(name).read_text(encoding="utf-8"))


def count(usual: int) -> int:
    """Number of generated examples: OICP_BENCH_EXAMPLES, else the usual one."""
    return int(os.environ.get("OICP_BENCH_EXAMPLES", usual))
