"""Runs the command line in a process of its own, against little CPOs that are wrong in one way."""

import os
import subprocess
import sys
from pathlib import Path

BENCH = (sys.executable, "-P", "-m", "bench")

DIES_AT_ONCE = "print('cannot find my database', flush=True); raise SystemExit(7)"
NEVER_UP = "import time; print('still thinking', flush=True); time.sleep(60)"
LISTENS = """
import os, socket, sys, threading, time
from urllib.parse import urlsplit
for name in ("OICP_BENCH_CPO_URL", "OICP_BENCH_OCPP_URL"):
    server = socket.create_server(("127.0.0.1", urlsplit(os.environ[name]).port))
    threading.Thread(target=lambda s=server: [s.accept() for _ in iter(int, 1)], daemon=True).start()
print("ready", flush=True)
"""
DIES_LATER = LISTENS + "time.sleep(float(sys.argv[1])); print('out of memory', flush=True); raise SystemExit(9)"
STAYS = LISTENS + "time.sleep(600)"


def bench(*arguments: str, folder: Path, within: float = 100, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run `oicp-bench` to its end."""
    return subprocess.run(
        [*BENCH, *arguments], cwd=folder, capture_output=True, text=True, timeout=within, check=False,
        env={**os.environ, "COLUMNS": "120", **environment},
    )  # fmt: skip


def start(*arguments: str, folder: Path) -> "subprocess.Popen[str]":
    """Start `oicp-bench` and go on."""
    return subprocess.Popen(
        [*BENCH, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def config(folder: Path, script: str, *extra: str, argument: str = "", ready_within: float = 5) -> Path:
    """A bench.toml whose CPO is a Python script."""
    from bench.ports import free_ports

    oicp, ocpp = free_ports(2)
    (folder / "cpo.py").write_text(script)
    words = [sys.executable, "cpo.py", *([argument] if argument else [])]
    text = f"""
[cpo]
operator_id = "DE*ABC"
oicp_url = "http://127.0.0.1:{oicp}"
ocpp_url = "ws://127.0.0.1:{ocpp}"
command = {words!r}
ready_within = {ready_within}
[fleet]
charge_points = 2
[suite.limits]
settle = 1
"""
    path = folder / "bench.toml"
    path.write_text(text + "\n".join(extra))
    return path


def children_of(pid: int) -> list[int]:
    """Processes whose environment says they belong to the run in this folder; Linux only."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "status").read_text()
            except OSError:
                continue
            if f"PPid:\t{pid}\n" in status:
                found.append(int(entry.name))
    return found
