"""Every broken message is named and every innocent one is not accused, shown on one recorded run."""

import subprocess
import sys
from pathlib import Path

import pytest

from oicp.catalogue import catalogue
from oicp.evidence import Evidence, read_lines
from tests.broken_cpos.catalogue import BROKEN, INNOCENT
from tests.broken_cpos.offline import RECORDED, judged, of_verdict
from tests.broken_cpos.variant import Variant

MESSAGES = [v for v in (*BROKEN, *INNOCENT) if v.only_messages]
SHOWN_OTHERWISE = {"CDR-004": "its acts are reported under SESS-001, CDR-003, CDR-026 and SESS-003"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """A run of the reference CPO over the scenarios that show messages."""
    out = tmp_path_factory.mktemp("recording") / "out"
    command = [sys.executable, "-m", "bench", "run", "-q", "--only", RECORDED, "--out", str(out)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=110, check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode in (0, 2), done.stdout + done.stderr
    with (out / "evidence.jsonl").open(encoding="utf-8") as file:
        return read_lines(file)


@pytest.mark.parametrize("variant", MESSAGES, ids=lambda v: v.name)
def test_message(recording: Evidence, variant: Variant) -> None:
    """The changed messages are named by what they break and by nothing else; an innocent change by nothing."""
    found = of_verdict(variant, judged(recording, variant))
    assert found.good, (found.unnamed, found.collateral, found.crashed)


def test_catalogue_is_large_enough() -> None:
    """Names are unique; there are enough broken and innocent ones."""
    names = [v.name for v in (*BROKEN, *INNOCENT)]
    assert len(names) == len(set(names))
    assert len(BROKEN) >= 150
    assert len(INNOCENT) >= 40


def test_every_must_can_fail() -> None:
    """For every observable MUST of the remote-only profile some CPO breaks it."""
    broken = {ident for variant in BROKEN for ident in variant.violates}
    missing = [
        r.id
        for r in catalogue().values()
        if r.subject == "cpo" and r.profile == "remote-only" and r.level == "MUST" and not r.unobservable
        and r.id not in broken | SHOWN_OTHERWISE.keys()
    ]  # fmt: skip
    assert not missing
