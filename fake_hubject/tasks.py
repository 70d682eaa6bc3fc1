"""Tasks somebody owns: they are cancelled and awaited when the owner goes, and a crash of one is never lost."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """A bag of running tasks. `crashed` is called with the exception of a task that failed."""

    def __init__(self, crashed: Callable[[BaseException], None]) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._crashed = crashed

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` until it ends or the owner closes the bag."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._crashed(fault)

    async def idle(self) -> None:
        """Wait until no task is left."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        """Cancel what still runs and wait for its end."""
        for task in (running := set(self._running)):
            task.cancel()
        if running:
            await asyncio.wait(running)
