"""Waits with a limit, and answers in one line."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

from bench.scenario import Blocked
from simulator.connector import ImpossibleTransition
from simulator.waiting import StationError, StationTimeout

if TYPE_CHECKING:
    from bench.facade import Bench
    from fake_hubject.hub import RemoteResult

T = TypeVar("T")


def described(result: "RemoteResult") -> str:
    """An answer to a remote request in one line."""
    if result.accepted:
        return "accepted"
    code = (result.acknowledgement or {}).get("StatusCode") or {}
    text = " ".join(str(code[k]) for k in ("Code", "Description") if code.get(k)) or "no acknowledgement"
    exchange = result.exchange
    if exchange is None:
        return text
    if exchange.error:
        return f"{text} ({exchange.error})"
    answer = exchange.answer
    return f"{text} (the CPO answered HTTP {answer.http_status})" if answer and answer.http_status != 200 else text


async def bounded(bench: "Bench", what: str, action: Awaitable[T], within: float, whom: str = "charge point") -> T:
    """Await something with a limit; the scenario is blocked if it takes longer or is refused by the charge point."""
    limit = bench.patience(within)
    with bench.log.step(what, whom):
        try:
            async with asyncio.timeout(limit):
                return await action
        except (StationError, StationTimeout, ImpossibleTransition) as fault:
            raise Blocked(f"{what}: {fault}") from None
        except TimeoutError as fault:
            raise Blocked(f"{what}: {fault or f'not within {limit:g} s'}") from None
