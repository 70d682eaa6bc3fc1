"""Asks the operator of the CPO for something: over HTTP, by a command, or a person at the terminal."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bench.config import HOOKS, Hook
from bench.scenario import Blocked, Skipped
from fake_hubject.recorder import Recorder

Ask = Callable[[str], Awaitable[bool]]
"""Shows a person what to do and waits; False: skipped."""


class Hooks:
    """The configured hooks. `restart`: how the bench restarts a CPO it started itself.

    `environment`, `folder`: of commands; they run where `[cpo] command` runs.
    """

    def __init__(
        self, configured: Mapping[str, Hook], recorder: Recorder, *, restart: Callable[[], Awaitable[None]] | None = None,
        ask: Ask | None = None, environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:  # fmt: skip
        self._configured = dict(configured)
        self._recorder = recorder
        self._restart = restart
        self._ask = ask or ask_at_terminal
        self._environment, self._folder = dict(environment or {}), folder
        self._terminal = asyncio.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """Hooks that can be called."""
        return tuple(self._configured)

    async def call(self, name: str, body: Mapping[str, Any] | None = None, *, within: float = 30) -> None:
        """Call one; returns when it is done. Raises `Skipped` if it is not configured or a person skips it, `Blocked` if it fails."""
        hook = self._configured.get(name)
        if hook is None:
            raise Skipped(f"needs the hook `{name}` ([cpo.hooks] in bench.toml): {HOOKS.get(name, 'unknown hook')}")
        wanted = dict(body or {})
        try:
            detail = await self._asked(name, hook, wanted, within)
        except (Blocked, Skipped) as fault:
            outcome = "skipped" if isinstance(fault, Skipped) else "failed"
            self._observe(name, wanted, outcome, str(fault))
            raise
        self._observe(name, wanted, "done", detail)

    def _observe(self, name: str, body: dict[str, Any], outcome: str, detail: str) -> None:
        evse_id = body.get("evse_id")
        self._recorder.observe("hook", evse_id=evse_id, hook=name, body=body, outcome=outcome, detail=detail)

    async def _asked(self, name: str, hook: Hook, body: dict[str, Any], within: float) -> str:
        if hook == "command":
            return await self._by_restart(name, within)
        if hook == "ask":
            return await self._by_person(name, body)
        if isinstance(hook, str):
            return await _by_http(name, hook, body, within)
        return await _by_command(name, hook, body, within, self._environment, self._folder)

    async def _by_restart(self, name: str, within: float) -> str:
        if self._restart is None:
            raise Skipped(f"hook `{name}`: the bench did not start this CPO, so it cannot restart it")
        await self._restart()
        return "stopped and started by the bench"

    async def _by_person(self, name: str, body: dict[str, Any]) -> str:
        await self.asks(HOOKS[name] + (f": {json.dumps(body, ensure_ascii=False)}" if body else ""), f"hook `{name}`")
        return "done by a person"

    async def asks(self, wanted: str, whose: str) -> None:
        """Ask the person at the terminal; one thing at a time. Raises `Skipped`."""
        async with self._terminal:
            if not await self._ask(wanted):
                raise Skipped(f"{whose}: nobody did it at the terminal: {wanted}")


async def _by_http(name: str, hook: str, body: dict[str, Any], within: float) -> str:
    method, _, url = hook.partition(" ")
    # the operator's own interface, usually on loopback with a certificate of its own
    ssl: Any = urlsplit(url.strip()).scheme != "https"
    try:
        timeout = aiohttp.ClientTimeout(total=within)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.request(method, url.strip(), json=body or None, ssl=ssl) as answer,
        ):
            text = (await answer.text(errors="replace"))[:200]
            if answer.status >= 400:
                raise Blocked(f"hook `{name}` ({hook}) answered HTTP {answer.status}: {text}")
            return f"HTTP {answer.status}"
    except (aiohttp.ClientError, TimeoutError, OSError) as fault:
        reason = str(fault) or f"no answer within {within:g} s"
        raise Blocked(f"hook `{name}` ({hook}) failed: {reason}") from None


async def _by_command(
    name: str, hook: tuple[str, ...], body: dict[str, Any], within: float, environment: Mapping[str, str],
    folder: Path | None,
) -> str:  # fmt: skip
    """A command gets the body on stdin and its members as OICP_BENCH_HOOK_<MEMBER>."""
    extra = {f"OICP_BENCH_HOOK_{key.upper()}": v if isinstance(v, str) else json.dumps(v) for key, v in body.items()}
    shown = " ".join(hook)
    try:
        process = await asyncio.create_subprocess_exec(
            *hook, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **environment, **extra}, cwd=folder, start_new_session=True,
        )  # fmt: skip
    except OSError as fault:
        raise Blocked(f"hook `{name}` ({shown}) cannot be started: {fault.strerror or fault}") from None
    try:
        output, _ = await asyncio.wait_for(process.communicate(json.dumps(body).encode()), within)
    except TimeoutError:
        raise Blocked(f"hook `{name}` ({shown}) did not end within {within:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            await process.wait()
    if process.returncode:
        words = output.decode(errors="replace").strip()[-200:]
        raise Blocked(f"hook `{name}` ({shown}) ended with status {process.returncode}: {words}")
    return "status 0"


async def ask_at_terminal(wanted: str) -> bool:
    """Tell the person at the terminal what to do and wait for Enter; `s` skips, and so does a terminal nobody sits at."""
    if not sys.stdin or not sys.stdin.isatty():
        return False
    print(f"\n>>> please: {wanted}\n>>> Enter when done, s and Enter to skip: ", end="", flush=True)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def readable() -> None:
        text = sys.stdin.readline()
        if not line.done():
            line.set_result(text)

    loop.add_reader(sys.stdin.fileno(), readable)
    try:
        text = await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return bool(text) and text.strip().lower() not in ("s", "skip")
