"""The house keeps its arrows, its sizes and its silence about where it was built."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("oicp", "fake_hubject", "cpo", "simulator", "scenarios", "reports", "tap", "bench")
MAY_IMPORT = {
    "oicp": set(),
    "fake_hubject": {"oicp"},
    "cpo": {"oicp"},
    "simulator": {"oicp.ids"},
    "scenarios": {"bench", "oicp"},
    "reports": {"oicp"},
    "tap": {"oicp", "fake_hubject"},
    "bench": {"oicp", "fake_hubject", "simulator", "scenarios", "reports", "tap"},
}  # fmt: skip
LIBRARIES_OF_OICP = {"pydantic", "pydantic_core", "yaml", "annotated_types"}
HEAVY = ("mitmproxy",)
MAY_BE_LONG = {"oicp/rulebook.py", "oicp/evidence.py", "bench/config.py"}  # tables and vocabularies
LONGEST = 400


def sources(*folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py") if "out" not in p.parts)


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.parametrize("room", ROOMS)
def test_imports_follow_the_arrows(room: str) -> None:
    """A room imports only the rooms the architecture allows it."""
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(room)
        for name in imports(path)
        if name.partition(".")[0] in ROOMS and not any(name == a or name.startswith(a + ".") for a in allowed)
    ]
    assert not wrong


def test_the_law_needs_few_libraries() -> None:
    """`oicp` gets by with the standard library, pydantic and a YAML reader; no sockets."""
    import sys

    names = {name.partition(".")[0] for path in sources("oicp") for name in imports(path)}
    foreign = names - set(sys.stdlib_module_names) - LIBRARIES_OF_OICP - {"oicp"}
    assert not foreign
    assert not names & {"socket", "asyncio", "http", "ssl", "threading"}


def test_mitmproxy_stays_in_the_tap() -> None:
    """Only the tap imports mitmproxy: everything else installs and runs without it."""
    rooms = [room for room in ROOMS if room != "tap"]
    wrong = [str(p.relative_to(ROOT)) for p in sources(*rooms) for n in imports(p) if n.partition(".")[0] in HEAVY]
    assert not wrong


def test_files_stay_short() -> None:
    """No file grows beyond what a reader takes in, tables and vocabularies aside."""
    long = {}
    for path in sources(*ROOMS):
        name, lines = path.relative_to(ROOT).as_posix(), len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST and name not in MAY_BE_LONG:
            long[name] = lines
    assert not long


def test_every_room_says_what_it_is() -> None:
    """Each `__init__.py` tells a newcomer what the room is."""
    silent = [
        room
        for room in ROOMS
        if len(ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or "") < 60
    ]
    assert not silent


TEXTS = (".py", ".md", ".toml", ".yaml", ".yml", ".j2", ".js", ".css", ".html", ".lock", ".json", "")
FORBIDDEN = re.compile(
    r"(?<![\w.}>])/(?:work|farm|root|Users)/|pythonh" + r"osted|pypi\.o" + r"rg|npmjs\.o" + r"rg|deb\.debi" + "an"
)


def test_nothing_names_the_place_it_was_built() -> None:
    """No absolute path of a machine and no registry host in any file of the project."""
    import subprocess

    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: no list of the project's files")
    wrong = [
        f"{name}: {match.group()}"
        for name in listed.stdout.splitlines()
        if Path(name).suffix in TEXTS and (ROOT / name).is_file()
        and (match := FORBIDDEN.search((ROOT / name).read_text(encoding="utf-8", errors="replace")))
    ]  # fmt: skip
    assert not wrong
