"""The wheel, installed into a clean environment, runs from a folder full of decoys."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECOYS = ("reports", "scenarios", "tests", "cpo", "oicp", "bench", "simulator", "fake_hubject", "tap")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`oicp-bench` of a new environment: the wheel of this tree, and the libraries that are installed already."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(
        ".*", "node_modules", "out", "out-*", "build", "*.egg-info", "__pycache__", "docs", "tests"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(folder),
        str(source),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=100)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True, timeout=60)
    python = folder / "env" / "bin" / "python"
    site = Path(
        subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        ).strip()
    )
    libraries = _libraries_without_this_project(folder)
    (site / "libraries.pth").write_text(str(libraries))
    install = [
        sys.executable,
        "-m",
        "pip",
        f"--python={python}",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=60)
    return folder / "env" / "bin" / "oicp-bench"


def _libraries_without_this_project(folder: Path) -> Path:
    """Links to everything that is installed but this project itself."""
    libraries = folder / "libraries"
    libraries.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("oicp_bench", "__editable__")) and entry.suffix != ".pth":
            (libraries / entry.name).symlink_to(entry)
    return libraries


def test_the_wheel_runs_among_decoys(program: Path, tmp_path: Path) -> None:
    """Folders of the same names beside the user's files are not imported; a scenario is played and judged."""
    for name in DECOYS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('a decoy was imported')\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [program, "run", "--only", "driver_unplugs", "--out", "result", "--set", "fleet.charge_points=1"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert "decoy" not in done.stdout + done.stderr
    assert "1 of 1 scenario" in done.stdout, done.stdout + done.stderr
    assert done.returncode in (0, 2), done.stdout + done.stderr
    for name in ("report.json", "report.html", "junit.xml", "summary.md", "evidence.jsonl", "bench.toml"):
        assert (tmp_path / "result" / name).stat().st_size > 0
