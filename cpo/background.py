"""Tasks beside the main loops, owned: awaited or cancelled when the CPO ends, their faults logged."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

LOG = logging.getLogger("cpo")


class Background:
    """Owner of tasks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do this beside everything else."""
        task = asyncio.get_running_loop().create_task(self._logged(work, name), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except Exception:
            LOG.exception("%s failed", name)

    async def close(self) -> None:
        """Cancel what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def for_ever(work: Any, name: str, pause_s: float = 1.0) -> None:
    """Run a worker (a function without arguments that returns a coroutine) again whenever it fails."""
    while True:
        try:
            await work()
        except Exception:
            LOG.exception("%s failed; it goes on", name)
            await asyncio.sleep(pause_s)
