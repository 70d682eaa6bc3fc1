"""The tap's price: latency and throughput over mutual TLS with and without it, side by side in one run.

    python -m benchmarks.tap [--rounds N] [--requests N]

An upstream in a process of its own answers a status push with a constant acknowledgement. It is called over keep-alive connections,
directly and through a recording tap in another process; both are visited in turn, the order reversed every other round. The ratios are
taken inside a round and are what counts: absolute figures depend on the machine and on what else it does.
"""

import argparse
import asyncio
import multiprocessing
import ssl
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.hub import send, status_push
from fake_hubject.certificates import Authority
from fake_hubject.recorder import Recorder
from oicp.evidence import Run
from oicp.services import Direction
from tests.tap.stand import PUSH, joined, upstream

CONNECTIONS = 16


async def _upstream(folder: Path, pipe: Connection) -> None:
    async with upstream(Authority.ensure(folder)) as seen:
        pipe.send(seen.url)
        await asyncio.to_thread(pipe.recv)


async def _tap(folder: Path, pipe: Connection) -> None:
    from tap.wire import Leg, Tap

    authority = Authority.ensure(folder)
    url = await asyncio.to_thread(pipe.recv)
    identity = joined(authority.issue_client("DE*ABC", name="tap"), folder, "upstream")
    served = joined(authority.issue_server(["127.0.0.1"]), folder, "served")
    recorder = Recorder(Run(source="tap"), folder / "evidence.jsonl")
    leg = Leg(Direction.CPO_TO_HUB, url, identity=identity)
    async with Tap((leg,), recorder, served, authority.ca_file) as running:
        pipe.send(running.url(Direction.CPO_TO_HUB))
        await asyncio.to_thread(pipe.recv)
    recorder.close()


def _process(work: Callable[[Path, Connection], Awaitable[None]], folder: Path, pipe: Connection) -> None:
    asyncio.run(work(folder, pipe))  # type: ignore[arg-type]


def _started(work: Callable[[Path, Connection], Awaitable[None]], folder: Path) -> tuple[Connection, object]:
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    process = context.Process(target=_process, args=(work, folder, other))
    process.start()
    return pipe, process


def _latency(url: str, context: ssl.SSLContext, requests: int) -> float:
    """Median milliseconds of one request at a time on one connection."""
    taken: list[float] = []

    async def one_by_one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), ssl=context)
        body = status_push(10, 0)
        head = f"POST {PUSH} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        for _ in range(requests):
            begun = time.perf_counter()
            writer.write(head.encode() + body)
            answered = await reader.readuntil(b"\r\n\r\n")
            size = next(int(r[15:]) for r in answered.split(b"\r\n") if r.lower().startswith(b"content-length:"))
            await reader.readexactly(size)
            taken.append((time.perf_counter() - begun) * 1000)
        writer.close()

    asyncio.run(one_by_one())
    return statistics.median(taken)


def _throughput(url: str, context: ssl.SSLContext, requests: int) -> float:
    """Requests per second over several connections."""
    bodies = [status_push(10, n) for n in range(requests)]
    begun = time.perf_counter()
    asyncio.run(send(url, context, PUSH, bodies, CONNECTIONS))
    return requests / (time.perf_counter() - begun)


def measure(folder: Path, rounds: int, requests: int) -> None:
    """Print the table."""
    authority = Authority.create(folder)
    client = authority.issue_client("DE*ABC")
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    context.load_cert_chain(client.cert_file, str(client.key_file))
    behind, first = _started(_upstream, folder)
    direct = behind.recv()
    before, second = _started(_tap, folder)
    before.send(direct)
    tapped = before.recv()
    try:
        print(f"{'':34}{'directly':>12}{'with the tap':>14}{'ratio (range)':>24}")
        rows = ((_latency, "latency, 1 connection [ms, median]", requests // 2),
                (_throughput, f"throughput, {CONNECTIONS} connections [1/s]", requests))  # fmt: skip
        for measured, name, count in rows:
            pairs = _rounds(lambda url, m=measured, n=count: m(url, context, n), direct, tapped, rounds)  # type: ignore[misc]
            one, other = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratios = sorted(b / a for a, b in pairs)
            spread = f"{statistics.median(ratios):.3g} ({ratios[0]:.3g}-{ratios[-1]:.3g})"
            print(f"{name:34}{one:>12.4g}{other:>14.4g}{spread:>24}")
            if measured is _latency:
                print(f"{'added latency [ms, median]':34}{'':>12}{statistics.median(b - a for a, b in pairs):>14.4g}")
    finally:
        behind.send("stop")
        before.send("stop")
        for process in (first, second):
            process.join()  # type: ignore[attr-defined]


def _rounds(
    measured: Callable[[str], float], direct: str, tapped: str, rounds: int
) -> list[tuple[float, float]]:  # fmt: skip
    """Pairs of figures; the first round warms up."""
    pairs = []
    for turn in range(rounds + 1):
        order = (direct, tapped) if turn % 2 else (tapped, direct)
        figures = {url: measured(url) for url in order}
        if turn:
            pairs.append((figures[direct], figures[tapped]))
    return pairs


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--requests", type=int, default=400)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), chosen.rounds, chosen.requests)


if __name__ == "__main__":
    main()
