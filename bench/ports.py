"""Free TCP ports and names for addresses."""

import random
import socket
from urllib.parse import urlsplit

_DEFAULT = {"http": 80, "ws": 80, "https": 443, "wss": 443}


_BELOW_EPHEMERAL = range(12_000, 32_000)
"""Ports the usual systems do not give to outgoing connections, so that none is taken between the choice and its use."""


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that were free a moment ago, all different."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        for _ in range(count):
            sockets.append(_bound(family, host))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _bound(family: socket.AddressFamily, host: str) -> socket.socket:
    candidates = random.SystemRandom().sample(_BELOW_EPHEMERAL, 50)
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
