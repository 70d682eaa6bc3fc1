"""The folder a run writes to: locked while it runs, emptied of what an earlier run left."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from bench import toml_text
from bench.config import BenchConfig

DEFAULT = Path("reports/out")
_OURS = (
    "report.json", "report.html", "junit.xml", "summary.md", "evidence.jsonl", "bench.toml", "fleet.json", "cpo.log",
    "hub-state.jsonl",
)  # fmt: skip


_NO_ROOM = (errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


_PATHS = (
    ("cpo", "working_directory"), ("fleet", "file"), ("pki", "folder"),
    *(("fleet", "security", key) for key in ("ca_file", "client_certificate", "client_key")),
)  # fmt: skip
"""Keys whose values start at the folder of the file they stand in."""


class OutputTaken(Exception):
    """Another run writes to this folder, or it cannot be written; the message says how to go on."""


@contextlib.contextmanager
def output_folder(wanted: Path | None) -> Iterator[Path]:
    """The folder, for this run alone. Without a wish: `reports/out`, or the next free `reports/out-2`, `-3` .."""
    candidates = [wanted] if wanted else [DEFAULT, *(DEFAULT.with_name(f"out-{i}") for i in range(2, 100))]
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / ".lock").open("a")
        except OSError as fault:
            raise OutputTaken(f"--out {folder}: cannot be written: {fault.strerror or fault}") from None
        if _locked(lock):
            try:
                _empty(folder)
                yield folder
            except OSError as fault:
                if fault.errno not in _NO_ROOM:
                    raise
                raise OutputTaken(f"--out {folder}: {fault.strerror}; make room, or name another folder") from None
            finally:
                lock.close()
            return
        lock.close()
    raise OutputTaken(f"--out {candidates[0]}: another run writes there; name another folder")


def _locked(lock: TextIO) -> bool:
    try:
        import fcntl
    except ImportError:  # no such locks on this system: runs side by side need folders of their own
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _empty(folder: Path) -> None:
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)
    pki = folder / "pki"
    if pki.is_dir():
        for file in pki.iterdir():
            if file.suffix in (".pem", ".key", ".jsonl"):
                file.unlink()


def write_effective_config(config: BenchConfig, folder: Path) -> None:
    """The configuration the run really had, readable by `--config` from where it lies now."""
    tables = config.model_dump(exclude_none=True, exclude_defaults=False)
    if "cpo" in tables:
        tables["cpo"].setdefault("working_directory", ".")
    for *names, key in _PATHS:
        table = tables
        for name in names:
            table = table.get(name, {})
        if key in table:
            table[key] = str(config.path(table[key]))
    text = toml_text.dump(tables)
    (folder / "bench.toml").write_text("# the effective configuration of this run\n" + text, encoding="utf-8")
