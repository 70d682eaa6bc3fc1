"""Free TCP ports and names for addresses."""

import json
import os
import random
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

try:
    import fcntl
except ImportError:  # Windows: nothing is promised there
    fcntl = None  # type: ignore[assignment]

_DEFAULT = {"http": 80, "ws": 80, "https": 443, "wss": 443}


_BELOW_EPHEMERAL = range(12_000, 32_000)
"""Ports the usual systems do not give to outgoing connections, so that none is taken between the choice and its use."""


_PROMISED_S = 60.0
"""Seconds within which whoever asked for a port begins to use it; nobody else is given it meanwhile."""


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that were free a moment ago, all different, and that no other run of this user was given just now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        with _promised() as taken:
            for _ in range(count):
                sockets.append(_bound(family, host, taken))
                taken[str(sockets[-1].getsockname()[1])] = time.time()
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@contextmanager
def _promised() -> Iterator[dict[str, float]]:
    """Port -> when it was given away, shared by all runs of this user; nothing is shared where that cannot be."""
    path = Path(tempfile.gettempdir()) / f"oicp-bench-ports-{os.getuid() if fcntl else 'all'}.json"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError:
        yield {}
        return
    with os.fdopen(handle, "r+", encoding="utf-8", errors="replace") as file:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX)
        found = _read(file.read())
        yield found
        with suppress(OSError):  # a full disk takes away the promise, not the run
            file.seek(0)
            file.truncate()
            file.write(json.dumps(found))
            file.flush()


def _read(text: str) -> dict[str, float]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    rows = found.items() if isinstance(found, dict) else ()
    return {port: t for port, t in rows if isinstance(t, (int, float)) and abs(time.time() - t) < _PROMISED_S}


def _bound(family: socket.AddressFamily, host: str, taken: dict[str, float]) -> socket.socket:
    candidates = [p for p in random.SystemRandom().sample(_BELOW_EPHEMERAL, 200) if str(p) not in taken]
    for port in (*candidates, 0):
        each = socket.socket(family, socket.SOCK_STREAM)
        try:
            each.bind((host, port))
        except OSError:
            each.close()
            if port == 0:
                raise
        else:
            return each
    raise OSError(f"no free port at {host}")


def endpoint(url: str) -> tuple[str, int]:
    """Host and port an address stands for."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT.get(parts.scheme, 0)
