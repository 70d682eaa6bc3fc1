"""The CPO's own process: started in a group of its own, watched, ended by SIGTERM, after 10 s by SIGKILL."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""


class CannotStart(Exception):
    """The command could not be started; the message names it and the reason."""


class CpoProcess:
    """One run of `[cpo] command`. Its output goes to `log`; the process group is always ended, however the bench ends."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self.command, self.environment, self.folder, self.log = tuple(command), dict(environment), folder, log
        self._process: asyncio.subprocess.Process | None = None
        self._file: IO[bytes] | None = None

    async def start(self) -> int:
        """Start it; returns the process id."""
        if not self.folder.is_dir():
            raise CannotStart(f"[cpo] working_directory: {self.folder} is no folder; correct it")
        self._file = self.log.open("ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self.command, stdin=asyncio.subprocess.DEVNULL, stdout=self._file, stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, **self.environment}, cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        except OSError as fault:
            self._file.close()
            shown = " ".join(self.command)
            raise CannotStart(f"[cpo] command {shown!r} cannot be started: {fault.strerror or fault}") from None
        return self._process.pid

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """Exit status once it ended; negative: the signal that ended it."""
        return self._process.returncode if self._process else None

    @property
    def running(self) -> bool:
        """True between start and end."""
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end."""
        if self._process is None:
            raise RuntimeError("not started")
        return await self._process.wait()

    async def stop(self, grace: float = GRACE) -> None:
        """SIGTERM to the process, after `grace` seconds SIGKILL to all of its group. Does nothing if it ended by itself."""
        if self._process is None:
            return
        try:
            if self._process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._process.wait(), grace)
        finally:
            self._signal_group(signal.SIGKILL)
            await self._process.wait()
            if self._file is not None:
                self._file.close()

    async def kill(self) -> None:
        """SIGKILL at once."""
        await self.stop(grace=0)

    def _signal_group(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def last_words(self, lines: int = 12) -> str:
        """The last lines of its output, for a message."""
        try:
            with self.log.open(encoding="utf-8", errors="replace") as file:
                kept = deque((line.rstrip() for line in file if line.strip()), maxlen=lines)
        except OSError:
            return ""
        return "\n".join("  | " + line[:300] for line in kept)


async def accepts(host: str, port: int, within: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """True as soon as something accepts TCP connections there; False after `within` seconds or if `alive` says no."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        try:
            async with asyncio.timeout(max(0.05, min(2.0, deadline - loop.time()))):
                _, writer = await asyncio.open_connection(host, port)
        except OSError:
            pass  # nobody there yet: asked again below
        else:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return True
        if loop.time() >= deadline or not alive():
            return False
        await asyncio.sleep(0.05)  # a port cannot be awaited; polled
