"""Limits of the judgement: those of a recording count however its numbers are written."""

from typing import Any

import pytest

from oicp.evidence import read_lines, run_line
from oicp.limits import LIMITS, limit
from oicp.wire_json import dump
from tests.rules.build import Build


@pytest.mark.parametrize(
    ("written", "counts"), [(6, 6.0), (6.5, 6.5), ("6", None), (True, None), (-1, None), (None, None)]
)
def test_limits_of_a_recording(written: Any, counts: float | None) -> None:
    """A number of the recording counts, read back from its file, too; anything else leaves the default."""
    run = Build(settings={"limits": {"cdr_repeat_s": written}}).evidence().run
    evidence = read_lines([dump(run_line(run))])
    assert limit(evidence, "cdr_repeat_s") == (LIMITS["cdr_repeat_s"] if counts is None else counts)
