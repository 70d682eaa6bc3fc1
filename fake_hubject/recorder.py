"""Writes down what happens, line by line, before anybody judges it; wakes those who wait for it."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from oicp.evidence import (
    OBSERVATIONS,
    Answer,
    Evidence,
    Exchange,
    Observation,
    Request,
    Run,
    Tls,
    run_line,
)
from oicp.evidence_text import answer_text, observation_text, request_text
from oicp.services import Direction
from oicp.wire_json import dump

_NO_FACTS: dict[str, Any] = {}
_SECRET = {"authorization", "proxy-authorization", "cookie", "x-api-key"}


@lru_cache(256)  # those of one connection are nearly always the same
def _without_secrets(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Header values that let somebody in never reach a recording; that they were there does."""
    if not any(name.lower() in _SECRET for name, _ in headers):
        return headers
    return tuple((name, "(hidden)" if name.lower() in _SECRET else value) for name, value in headers)


class NotSeen(Exception):
    """Nothing that matched came within the time; the message says what came instead."""


class Recorder:
    """One recording: kept in memory for waiting and judging, written to `path` (if given) as it happens.

    All numbers and times of a run come from here. Not thread-safe: everything runs in one event loop.
    """

    def __init__(self, run: Run, path: Path | None = None) -> None:
        self.run = run
        self._zero = time.monotonic()
        self._exchanges: dict[int, Exchange] = {}
        self._observations: list[Observation] = []
        self._file: FileIO | None = None
        self._failed: OSError | None = None
        self._waiting: list[str] = []
        self._listeners: list[Callable[[Exchange | Observation], None]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb", buffering=0)
            self._write(dump(run_line(run)))
            self.flush()

    def now(self) -> float:
        """Seconds since the recording began."""
        return time.monotonic() - self._zero

    def opened(
        self, direction: Direction, request: Request, *, operation: str | None = None, partner_id: str = "",
        url: str = "", tls: Tls | None = None, connection: str | None = None, overlaps: tuple[int, ...] = (),
        at_once: bool = False,
    ) -> Exchange:  # fmt: skip
        """A request arrived at, or leaves, this end: written at once. Keep the exchange and hand it to `closed`.

        `at_once`: the caller calls `closed`, which writes both lines, before anything else can happen.
        """
        headers = _without_secrets(request.headers)
        if headers is not request.headers:
            request = replace(request, headers=headers)
        number = len(self._exchanges) + 1
        exchange = object.__new__(Exchange)  # frozen, so its own way costs more than writing it down
        exchange.__dict__.update(
            number=number, direction=direction, operation=operation, partner_id=partner_id,
            request=request, answer=None, started_at=datetime.now(UTC), t=self.now(), t_end=None, url=url, tls=tls,
            connection=connection, overlaps=overlaps, error="not answered yet", faults=(), recorder=_NO_FACTS,
        )  # fmt: skip
        self._exchanges[number] = exchange
        if self._file is not None:
            text = request_text(exchange)
            if at_once:
                self._waiting.append(text)
            else:
                self._write(text)
        self._tell(exchange)
        return exchange

    def closed(
        self, exchange: Exchange, answer: Answer | None, *, error: str | None = None, faults: tuple[str, ...] = (),
        tls: Tls | None = None, **facts: Any,
    ) -> Exchange:  # fmt: skip
        """The answer is over (or never came: `error`). Returns the finished exchange. `facts` go to `Exchange.recorder`."""
        done = exchange.finished(answer, error, faults, self.now(), tls, facts)
        self._exchanges[done.number] = done
        if self._file is not None:
            self._write(answer_text(done, with_tls=done.tls is not exchange.tls))
            self.flush()
        self._tell(done)
        return done

    def closed_at_once(self, exchange: Exchange, answer: Answer, facts: dict[str, Any]) -> None:
        """The same for an exchange opened `at_once` that nobody else has seen yet: no second one is made of it."""
        if self._listeners:
            self.closed(exchange, answer, **facts)
            return
        exchange.__dict__.update(answer=answer, error=None, t_end=self.now(), recorder=facts)
        exchange.forget_reading()
        if self._file is not None:
            self._waiting.append(answer_text(exchange, with_tls=False))
            self.flush()

    def observe(
        self, kind: str, *, evse_id: str | None = None, charge_point: str | None = None, **data: Any
    ) -> Observation:
        """Something was seen beside the OICP wire; kinds in `oicp.evidence.OBSERVATIONS`."""
        if kind not in OBSERVATIONS:
            raise ValueError(f"no such kind of observation: {kind}")
        observation = object.__new__(Observation)  # as in `opened`
        observation.__dict__.update(
            number=len(self._observations) + 1, kind=kind, at=datetime.now(UTC), t=self.now(), evse_id=evse_id,
            charge_point=charge_point, data=data,
        )  # fmt: skip
        self._observations.append(observation)
        if self._file is not None:
            self._write(observation_text(observation))
        self._tell(observation)
        return observation

    def flush(self) -> None:
        """Hand all lines to the system; happens by itself before the next thing happens, and when an exchange is over."""
        if self._file is None or not self._waiting:
            return
        lines, self._waiting = self._waiting, []
        if self._failed is not None:
            return
        left = memoryview(("\n".join(lines) + "\n").encode("utf-8", "backslashreplace"))
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as fault:  # a full disk is no fault of who speaks just now; told by `close`
            self._failed = fault

    def evidence(self) -> Evidence:
        """A snapshot of all that was recorded so far."""
        return Evidence(self.run, tuple(self._exchanges.values()), tuple(self._observations))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges so far, in order."""
        return tuple(self._exchanges.values())

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All observations so far, in order."""
        return tuple(self._observations)

    @contextmanager
    def listening(self, listener: Callable[[Exchange | Observation], None]) -> Iterator[None]:
        """Call `listener` for everything that is recorded inside the block (an exchange twice: opened, closed)."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    async def exchange(
        self,
        matches: Callable[[Exchange], bool],
        *,
        within: float,
        since: float = 0.0,
        finished: bool = True,
        what: str = "",
    ) -> Exchange:
        """The first exchange from second `since` on that matches, past ones included; waits up to `within` seconds.

        `finished`: only answered (or failed) ones. Raises `NotSeen`, which names what came instead.
        """

        def fits(item: Exchange | Observation) -> bool:
            if not isinstance(item, Exchange) or item.t < since or (finished and item.t_end is None):
                return False
            return matches(item)

        return await self._first(fits, self.exchanges, within, since, what)  # type: ignore[return-value]

    async def observation(
        self, matches: Callable[[Observation], bool], *, within: float, since: float = 0.0, what: str = ""
    ) -> Observation:
        """The first observation from second `since` on that matches; see `exchange`."""

        def fits(item: Exchange | Observation) -> bool:
            return isinstance(item, Observation) and item.t >= since and matches(item)

        return await self._first(fits, self.observations, within, since, what)  # type: ignore[return-value]

    async def _first(
        self, fits: Callable[[Exchange | Observation], bool], past: tuple[Exchange | Observation, ...],
        within: float, since: float, what: str,
    ) -> Exchange | Observation:  # fmt: skip
        found: asyncio.Future[Exchange | Observation] = asyncio.get_running_loop().create_future()

        def check(item: Exchange | Observation) -> None:
            if not found.done() and fits(item):
                found.set_result(item)

        with self.listening(check):
            for item in past:
                check(item)
            try:
                return await asyncio.wait_for(found, within)
            except TimeoutError:
                raise NotSeen(
                    f"{what or 'what was waited for'} did not come within {within:g} s; {self._instead(since)}"
                ) from None

    def _instead(self, since: float) -> str:
        came = [f"#{e.number} {e.operation or e.request.target}" for e in self.exchanges if e.t >= since][-5:]
        return "seen instead: " + ", ".join(came) if came else "nothing was exchanged meanwhile"

    def close(self) -> None:
        """Finish the file. Raises `OSError` if a part of the recording could not be written."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None
            if self._failed is not None:
                raise self._failed

    def _write(self, line: str) -> None:
        """Lines of one step of the event loop go out together: one call of the system instead of several."""
        self._waiting.append(line)
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:  # nothing comes after: write at once
            self.flush()

    def _tell(self, item: Exchange | Observation) -> None:
        if self._listeners:
            for listener in list(self._listeners):
                listener(item)
