"""The wheel, installed into a clean environment, plays the main job from a folder full of decoys."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECOY = "raise SystemExit('a decoy was imported instead of the bench')\n"


def _run(*command: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        command, cwd=cwd, env=clean | environment, capture_output=True, text=True, timeout=110, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`oicp-bench` of a wheel in an environment of its own, which borrows the dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    built = _run(
        sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q", "-w", str(folder),
        str(_copy_of_the_sources(folder / "sources")), cwd=folder,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    site = Path(
        _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout.strip()
    )
    wheel = next(folder.glob("oicp_bench-*.whl"))
    done = _run(
        sys.executable,
        "-m",
        "pip",
        f"--python={python}",
        "install",
        "--no-deps",
        "--no-index",
        "-q",
        str(wheel),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    # dependencies only: a .pth of the borrowed site-packages is not read, so its editable installation is not seen
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv" / "bin" / "oicp-bench"


def _copy_of_the_sources(target: Path) -> Path:
    """What git knows, so that building leaves nothing in the work tree; all files where there is no git."""
    import shutil

    rooms = ("oicp", "fake_hubject", "cpo", "simulator", "scenarios", "reports", "bench", "tap")
    target.mkdir()
    for room in rooms:
        if (ROOT / room).is_dir():
            shutil.copytree(ROOT / room, target / room, ignore=shutil.ignore_patterns("out", "out-*", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, target / name)
    return target


def test_runs_from_a_folder_full_of_decoys(installed: Path, tmp_path: Path) -> None:
    """Folders and files named like our rooms do not get in the way, neither of the bench nor of the CPO it starts."""
    for room in ("oicp", "fake_hubject", "cpo", "simulator", "scenarios", "reports", "bench", "tests"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(DECOY)
        (tmp_path / room / "__main__.py").write_text(DECOY)
    done = _run(
        str(installed), "run", "--only", "driver_unplugs", "--set", "fleet.charge_points=2", "--set", "suite.limits.settle=2",
        "--out", "out", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [s["outcome"] for s in report["scenarios"]] == ["reached"]
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


def test_files_beside_the_code_are_in_the_wheel(installed: Path, tmp_path: Path) -> None:
    """Catalogue, templates and schemas were packed."""
    done = _run(str(installed), "rules", "CDR-024", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    where = _run(str(installed.with_name("python")), "-P", "-c", "import bench; print(bench.__file__)", cwd=tmp_path)
    assert str(installed.parents[1]) in where.stdout
