"""Free TCP ports and names for addresses."""

import socket
from urllib.parse import urlsplit

_DEFAULT = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Ports that were free a moment ago, all different."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets = [socket.socket(family, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for each in sockets:
            each.bind((host, 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def endpoint(url: str) -> tuple[str, int]:
    """Host and port an address stands for."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _DEFAULT.get(parts.scheme, 0)
