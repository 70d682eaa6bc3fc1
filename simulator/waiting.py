"""Waiting for something a charge point does, with an error that says what was the case instead."""

import asyncio
from collections.abc import Callable


class StationTimeout(Exception):
    """What was waited for did not happen; the message names it and the state instead."""


class StationError(Exception):
    """What was asked of a charge point, EVSE or fleet cannot be done; the message says why."""


class Bell:
    """Rung whenever something changed; those who wait look again. Costs nothing while nobody waits."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def ring(self) -> None:
        """Something changed."""
        for future, holds in list(self._waiting.items()):
            if not future.done() and holds():
                future.set_result(None)

    async def until(
        self, holds: Callable[[], bool], within: float, what: str, instead: Callable[[], str] = lambda: ""
    ) -> None:
        """Wait until `holds`, at most `within` seconds; then `StationTimeout` naming `what` and the state `instead`."""
        if holds():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = holds
        try:
            async with asyncio.timeout(within if within != float("inf") else None):
                await future
        except TimeoutError:
            if holds():
                return
            raise StationTimeout(f"{what} did not happen within {within:g} s; {instead()}".rstrip("; ")) from None
        finally:
            del self._waiting[future]
