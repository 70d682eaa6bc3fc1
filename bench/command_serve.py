"""`oicp-bench serve`: hub and fleet stay up, a person drives them by hand; the end is judged like any other run."""

import asyncio
import os
import shlex
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

from bench import by_hand
from bench.actors import Evse
from bench.command_run import changed
from bench.config import HOOKS, load_config
from bench.embedded import with_reference_cpo
from bench.facade import Bench
from bench.output import output_folder
from bench.run import Order, ending_on_signals, frame, judged
from bench.scenario import Blocked, Scenario, Skipped, StepLog
from bench.stage import Stage, read_fleet
from fake_hubject.control import ControlApi
from fake_hubject.recorder import Recorder
from reports.console import print_summary
from reports.report import write_all

_HELP = """list                     EVSEs: what the charge point says, what the hub has
start EVSE               a driver starts remotely     stop EVSE      and stops
plug EVSE                plugs in                     unplug EVSE    pulls the cable
fault EVSE               ground fault                 clear EVSE     the fault is gone
offline EVSE             its charge point is cut off  online EVSE    and comes back
down                     the hub goes down            up             and comes back
hook NAME                calls a hook of [cpo.hooks]  quit           judges what happened
An EVSE is its EvseID, or the number in `list`."""
_AT_AN_EVSE = ("start", "stop", "plug", "unplug", "fault", "clear", "offline", "online")


def serve(
    *, config_file: Path | None, overrides: list[str], profiles: str | None, out: Path | None, seed: int, strict: bool
) -> int:
    """Stay up until `quit`, the end of what was typed or a signal; returns the exit status of the judgement."""
    config = changed(load_config(config_file, overrides), profiles, None, None)
    with output_folder(out) as folder:
        config = with_reference_cpo(config, folder)
        if config.cpo is None:
            raise RuntimeError("the embedded default has no [cpo]")
        order = Order(
            config, read_fleet(config, config.cpo, seed), folder, (), seed, strict,
            shlex.join(["oicp-bench", *sys.argv[1:]]),
        )  # fmt: skip
        duration = asyncio.run(_stay(order))
        report = judged(order, (), duration)
        write_all(report, folder)
        print_summary(report, folder)
    return report.verdict.exit_status


async def _stay(order: Order) -> float:
    if order.config.cpo is None:
        raise RuntimeError("no [cpo]")
    recorder = Recorder(frame(order.config, order.config.cpo, order), order.out / "evidence.jsonl")
    try:
        async with (
            Stage(order.config, order.fleet, order.out, recorder, seed=order.seed) as stage,
            ControlApi(stage.hub) as control,
        ):
            print(f"{by_hand.lines(stage, control)}\n{_HELP}", flush=True)
            desk = Desk(stage)
            work = asyncio.create_task(desk.work(), name="desk")
            with ending_on_signals(work.cancel):
                await asyncio.wait([work])
            if not work.cancelled() and (fault := work.exception()) is not None:
                raise fault
        return recorder.now()
    finally:
        recorder.close()


class Desk:
    """Takes commands line by line; a command that fails says why and the desk stays open."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        everything = Scenario("by hand", "driven by hand", _nothing, exclusive=True)
        self._bench = Bench(stage, everything, stage.evses(), StepLog(stage.recorder.now), stage.seed)
        self._driver = self._bench.driver()

    async def work(self) -> None:
        """Until `quit` or the end of the input; where nothing was ever said (no input at all), until a signal."""
        reader, spoken = await _input(), sys.stdin is not None and sys.stdin.isatty()
        while line := (await reader.readline()).decode(errors="replace"):
            words, spoken = line.split(), True
            if not words:
                continue
            if words[0] in ("quit", "exit", "q"):
                return
            try:
                await self._do(*words)
            except (Blocked, Skipped, ValueError, LookupError) as fault:
                print(f"! {fault}")
            except TypeError:
                print(f"! {words[0]}: something is missing; `help` lists the commands")
        if not spoken:
            print("no input: up until a signal (Ctrl-C, SIGTERM)", flush=True)
            await asyncio.Event().wait()

    async def _do(self, verb: str, what: str = "") -> None:
        commands: dict[str, Callable[[], Awaitable[None]]] = {
            "list": self._list, "help": self._help, "down": self._stage.hub.go_down, "up": self._stage.hub.come_up,
            "hook": lambda: self._bench.hook(what),
        }  # fmt: skip
        if verb in commands:
            await commands[verb]()
        else:
            await self._at(verb, what)

    async def _at(self, verb: str, what: str) -> None:
        if verb not in _AT_AN_EVSE:
            raise ValueError(f"no command {verb!r}; `help` lists them")
        evse = self._evse(what)
        virtual = evse.virtual
        verbs: dict[str, Callable[[], Awaitable[object]]] = {
            "start": lambda: self._driver.tries_remote_start(evse), "stop": lambda: self._stop(evse.evse_id),
            "plug": evse.plug_in, "unplug": evse.unplug, "fault": evse.fault, "clear": evse.clear_fault,
            "offline": virtual.charge_point.go_offline, "online": virtual.charge_point.go_online,
        }  # fmt: skip
        await verbs[verb]()
        if verb == "start":
            print(f"  {self._bench.sessions[-1].session_id}: {self._bench.sessions[-1].answer}")

    async def _stop(self, evse_id: str) -> None:
        session = next((s for s in reversed(self._bench.sessions) if s.evse_id == evse_id), None)
        if session is None:
            raise ValueError(f"no session was started at {evse_id}")
        answer = await self._driver.tries_remote_stop(session)
        print(f"  {session.session_id}: {'accepted' if answer.accepted else answer.acknowledgement}")

    def _evse(self, what: str) -> Evse:
        evses = self._bench.evses
        if what.isdigit() and 1 <= int(what) <= len(evses):
            return evses[int(what) - 1]
        for evse in evses:
            if evse.evse_id == what:
                return evse
        raise ValueError(f"no EVSE {what!r}; `list` shows them")

    async def _list(self) -> None:
        for i, evse in enumerate(self._bench.evses, 1):
            print(
                f"{i:3}  {evse.evse_id:<24}{evse.virtual.connector_status:<14}{evse.status_at_hub or 'unknown to the hub'}"
            )

    async def _help(self) -> None:
        print(_HELP + f"\nhooks: {', '.join(HOOKS)}")


async def _nothing(_: Bench) -> None:
    return None


async def _input() -> asyncio.StreamReader:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    if sys.stdin is None or not _can_be_waited_for(sys.stdin):
        reader.feed_data(b"" if sys.stdin is None else sys.stdin.buffer.read())
        reader.feed_eof()
        return reader
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _can_be_waited_for(stdin: TextIO) -> bool:
    """A pipe, a socket or a terminal; a file or /dev/null is read at once instead."""
    mode = os.fstat(stdin.fileno()).st_mode
    return stdin.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
