"""The hub beside other stand-ins for it: mock servers that answer from Hubject's OpenAPI description.

Every server is a process of its own, visited in turn in one run; the order is reversed every other round, the ratio taken
inside a round. The hub speaks mutual TLS, checks, keeps state and records; a mock server is taken as it comes (Prism
offers no TLS). Figures are CPU seconds of the server and its children per request; trust the ratios. The peers are not
part of this project: give the command that starts one, with `{port}` in it.

    python -m benchmarks.peers --peer "prism mock -p {port} openapi.yaml" --peer "prism mock -v error -p {port} openapi.yaml"

`--prefix` is what stands before the paths of the description (`/api/oicp` where the mock server ignores its `servers`).
"""

import argparse
import asyncio
import os
import shlex
import signal
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from benchmarks.hub import CDR, DATA, OPERATOR, STATUS, Server, cdr, full_load, send, status_push
from fake_hubject.certificates import Authority
from oicp.services import PREFIX

_CONNECTIONS, _START_LIMIT_S = 8, 60.0
_HERTZ = os.sysconf("SC_CLK_TCK")
_PATHS = {kind: path.removeprefix(PREFIX) for kind, path in (("status", STATUS), ("cdr", CDR), ("data", DATA))}


class Peer:
    """A mock server in a process of its own; `start_s`: seconds until it answered the first request."""

    def __init__(self, command: str, prefix: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.name, self.prefix, self.url = command, prefix, f"http://127.0.0.1:{port}"
        words = [word.replace("{port}", str(port)) for word in shlex.split(command)]
        self._process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        begun = time.monotonic()
        while not self._answers():
            if time.monotonic() - begun > _START_LIMIT_S or self._process.poll() is not None:
                self.stop()
                raise SystemExit(f"{command}: does not answer on port {port}")
            time.sleep(0.02)
        self.start_s = time.monotonic() - begun

    def _answers(self) -> bool:
        try:
            asyncio.run(send(self.url, None, self.prefix + _PATHS["status"], [status_push(1, 0)], 1, b"HTTP/1.1 200"))
        except ExceptionGroup as trouble:  # not up yet, or it hangs up
            if trouble.subgroup((OSError, EOFError, RuntimeError)) is None:
                raise
            return False
        return True

    def cpu(self) -> float:
        """CPU seconds so far, children included."""
        return sum(_cpu_of(pid) for pid in _tree(self._process.pid))

    def stop(self) -> None:
        """End the process and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in file.read_text().split():
            found += _tree(int(child))
    return found


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _HERTZ


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--peer", action="append", required=True, help="command with {port} in it; may be repeated")
    options.add_argument("--prefix", default="", help="before the paths of the description at the peers")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=1000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), chosen.peer, chosen.prefix, chosen.rounds, chosen.requests)


def _measure(folder: Path, commands: list[str], prefix: str, rounds: int, requests: int) -> None:
    authority = Authority.create(folder / "ca")
    client = authority.issue_client(OPERATOR)
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(client.cert_file, str(client.key_file))
    hub, peers = Server("hub", folder, (rounds + 1) * requests, True), list[Peer]()
    try:
        for command in commands:
            peers.append(Peer(command, prefix))
        asyncio.run(send(hub.url, context, DATA, [full_load(100)], 1))
        sessions = iter(hub.sessions)
        for kind, count in (("status", requests), ("cdr", requests), ("data", max(3, requests // 100))):
            rows: dict[Peer, list[float]] = {peer: [] for peer in peers}
            costs: dict[Peer | None, float] = {}
            for turn in range(rounds + 1):
                bodies = _bodies(kind, count, sessions)
                costs = _visited(hub, peers, context, kind, bodies, reverse=bool(turn % 2))
                if turn:  # the first round warms up
                    for peer in peers:
                        rows[peer].append(costs[peer] / costs[None])
            for peer in peers:
                print(
                    f"{kind:8} hub at {statistics.median(rows[peer]):6.2f}x of {peer.name} (last round, {count} requests: "
                    f"hub {costs[None] * 1e3:.3f} ms, peer {costs[peer] * 1e3:.3f} ms each)"
                )
        for peer in peers:
            print(f"{'start':8} {peer.start_s:.2f} s to the first answer of {peer.name}")
    finally:
        hub.stop()
        for peer in peers:
            peer.stop()


def _bodies(kind: str, count: int, sessions: Iterator[str]) -> list[bytes]:
    """Requests of one round; a record needs a session of its own."""
    if kind == "status":
        return [status_push(10, n) for n in range(count)]
    return [cdr(i) for i in islice(sessions, count)] if kind == "cdr" else [full_load(1000)] * count


def _visited(
    hub: Server, peers: list[Peer], context: ssl.SSLContext, kind: str, bodies: list[bytes], *, reverse: bool
) -> dict[Peer | None, float]:
    """CPU seconds per request of the hub (None) and of each peer."""
    costs: dict[Peer | None, float] = {}
    connections = _CONNECTIONS if kind == "cdr" else 1  # one push at a time is the law
    order: list[Peer | None] = [None, *peers]
    for who in reversed(order) if reverse else order:
        server, prefix = (hub, PREFIX) if who is None else (who, who.prefix)
        before = server.cpu()
        asyncio.run(
            send(server.url, context if who is None else None, prefix + _PATHS[kind], bodies, connections, b"HTTP/1.1 200")
        )  # fmt: skip
        costs[who] = (server.cpu() - before) / len(bodies)
    return costs


if __name__ == "__main__":
    main()
