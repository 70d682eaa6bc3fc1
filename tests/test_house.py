"""The house: who may import whom, how long files may be, and words that must not stand anywhere."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ARROWS: dict[str, set[str]] = {
    "oicp": set(),
    "fake_hubject": {"oicp"},
    "cpo": {"oicp"},
    "simulator": {"oicp.ids"},
    "reports": {"oicp"},
    "tap": {"oicp", "fake_hubject"},
    "scenarios": {"bench", "oicp"},
    "bench": {"oicp", "fake_hubject", "simulator", "scenarios", "reports", "tap"},
}
"""Room, and what of ours it may import."""

LONG: dict[str, int] = {
    "oicp/evidence.py": 500,  # the format of a recording: values, then their lines
    "oicp/rulebook.py": 460,  # the engine in one piece
    "bench/config.py": 480,  # the tables of bench.toml
}
"""Files that may be longer than 400 lines, because they are a table or one state machine; with their limit."""
LIMIT = 400


def modules() -> Iterator[tuple[str, Path]]:
    """All modules of our rooms."""
    for room in ARROWS:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield room, path


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_point_one_way() -> None:
    """The reference CPO and the fleet know neither hub nor bench; rules know no I/O of ours; reports judge nothing."""
    wrong = []
    for room, path in modules():
        for name in imported(path):
            top = name.split(".")[0]
            if top not in ARROWS or top == room:
                continue
            if not any(name == allowed or name.startswith(allowed + ".") for allowed in ARROWS[room]):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_the_law_needs_no_socket() -> None:
    """`oicp` imports no network, no process, no clock but the types of datetime."""
    forbidden = {"socket", "ssl", "asyncio", "aiohttp", "websockets", "subprocess", "time", "random"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room, path in modules() if room == "oicp" for name in imported(path) if name.split(".")[0] in forbidden
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_files_stay_short() -> None:
    """A file is long for one reason: it is a table."""
    wrong = []
    for _, path in modules():
        name = str(path.relative_to(ROOT))
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONG.get(name, LIMIT):
            wrong.append(f"{name}: {lines} lines")
    assert not wrong, "\n".join(wrong)
    assert not [name for name in LONG if not (ROOT / name).exists()], "exceptions for files that are gone"


def test_tasks_have_an_owner() -> None:
    """No task is made without being kept: its result would be lost, and so would its end."""
    wrong = []
    for _, path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bare = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            if bare and ast.unparse(node.value.func).endswith(("asyncio.create_task", "asyncio.ensure_future")):  # type: ignore[attr-defined]
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong, "\n".join(wrong)


def test_no_path_of_a_machine_in_any_file() -> None:
    """Whoever clones this has other folders: no home, no work folder of a person or a job stands in a file."""
    try:
        names = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here: which files belong to the project is unknown")
    pattern = re.compile(r"/(?:home|Users|root|work)/[A-Za-z0-9_.-]+/|[A-Z]:\\\\Users")
    wrong = []
    for name in names:
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".toml", ".yaml", ".yml", ".json", ".js", ".html", ".css", "")
            and path.is_file()
        ):
            found = pattern.search(path.read_text(encoding="utf-8", errors="replace"))
            if found and path != Path(__file__):
                wrong.append(f"{name}: {found.group()}")
    assert not wrong, "\n".join(wrong)
