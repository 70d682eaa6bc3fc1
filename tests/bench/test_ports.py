"""Ports for those who listen a moment later."""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.ports import free_ports


@pytest.fixture(autouse=True)
def promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of promised ports of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where chance would have it so and nobody listens yet."""
    monkeypatch.setattr(random.SystemRandom, "sample", lambda self, population, k: list(population)[:k])
    first, second = free_ports(3), free_ports(3)
    assert len({*first, *second}) == 6


def test_nor_to_another_process() -> None:
    """Runs side by side share what they were given."""
    pick = "import random; random.SystemRandom.sample = lambda self, population, k: list(population)[:k]\n"
    pick += "from bench.ports import free_ports; print(*free_ports(20))"
    done = [subprocess.Popen([sys.executable, "-c", pick], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    found = [port for each in done for port in each.communicate(timeout=60)[0].split()]
    assert len(found) == len(set(found)) == 80


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"12000": "x"}'])
def test_a_list_that_cannot_be_read(promises: Path, text: str) -> None:
    """It is begun anew."""
    free_ports(1)
    (kept,) = promises.glob("oicp-bench-ports-*.json")
    kept.write_text(text)
    assert len(free_ports(2)) == 2
    assert kept.stat().st_mode & 0o077 == 0
