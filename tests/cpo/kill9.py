"""Kills the CPO (SIGKILL) at random moments while sessions run, and counts what became of their charge detail records.

`python -m tests.cpo.kill9 --trials 50 --seed 1` prints sessions, records lost, doubled, with wrong energy, per database.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Ocpp16
from ocpp.v16 import call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from cpo.register import id_tag_of
from oicp import wire_json
from tests.cpo.doubles import OK, Got, HubDouble, Stage, fleet, kwh, now, process, stage


@dataclass
class Truth:
    """What was really charged: Wh by token."""

    energy_wh: dict[str, int] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)


class PersistentChargePoint:
    """A charge point that keeps its transaction messages until the central system answered them, over any outage."""

    def __init__(self, where: Stage, ident: str, truth: Truth, rng: random.Random) -> None:
        self.where, self.ident, self.truth, self.rng = where, ident, truth, rng
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.meter_wh = rng.randrange(0, 1_000_000)
        self.busy = False
        self.work: set[asyncio.Task[None]] = set()
        self.box: Ocpp16 | None = None
        self.online = asyncio.Event()

    async def run(self) -> None:
        """Stay connected."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._deliver())
            while True:
                with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                    url = f"{self.where.ocpp_url}/{self.ident}"
                    async with connect(url, subprotocols=["ocpp1.6"], open_timeout=5) as connection:  # type: ignore[list-item]
                        self.box = _Box(self, connection)
                        reader = asyncio.ensure_future(self.box.start())
                        self.online.set()
                        with contextlib.suppress(Exception):
                            await self._hello(self.box)
                        await reader
                self.online.clear()
                await asyncio.sleep(self.rng.uniform(0.05, 0.2))

    async def _hello(self, box: Ocpp16) -> None:
        await box.call(call.BootNotification(charge_point_model="T", charge_point_vendor="V"))
        status = "Charging" if self.busy else "Available"
        await box.call(call.StatusNotification(connector_id=1, error_code="NoError", status=status))

    async def _deliver(self) -> None:
        """One message after another, each until it was answered."""
        while True:
            request, answered = await self.queue.get()
            while True:
                await self.online.wait()
                try:
                    answer = await self.box.call(request() if callable(request) else request)  # type: ignore[union-attr]
                    if answer is not None:
                        answered.set_result(answer)
                        self.queue.task_done()
                        break
                except Exception:  # the connection broke: the same message again
                    await asyncio.sleep(0.05)
                await asyncio.sleep(0.01)

    def put(self, request: Any) -> "asyncio.Future[Any]":
        """Queue a transaction message."""
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((request, answered))
        return answered

    def begin(self, id_tag: str) -> None:
        """A vehicle charges for a while."""
        self.busy = True
        task = asyncio.get_running_loop().create_task(self._charge(id_tag))
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    async def _charge(self, id_tag: str) -> None:
        start_wh = self.meter_wh
        began = self.put(call.StartTransaction(connector_id=1, id_tag=id_tag, meter_start=start_wh, timestamp=now()))
        for _ in range(self.rng.randrange(2, 12)):
            self.meter_wh += self.rng.randrange(1, 500)
            if began.done() and began.result().id_tag_info["status"] != "Accepted":
                self.truth.invalid.add(id_tag)
                break
            await asyncio.sleep(0.1)
        self.truth.energy_wh[id_tag] = self.meter_wh - start_wh
        stop_wh, at = self.meter_wh, now()
        ended = self.put(
            lambda: call.StopTransaction(
                meter_stop=stop_wh, timestamp=at, transaction_id=began.result().transaction_id, reason="EVDisconnected"
            )
        )
        await ended
        self.busy = False


class _Box(Ocpp16):  # type: ignore[misc]
    def __init__(self, owner: PersistentChargePoint, connection: Any) -> None:
        super().__init__(owner.ident, connection, response_timeout=3)
        self.owner = owner

    @on("RemoteStartTransaction")
    async def on_remote_start(self, id_tag: str, **_: Any) -> Any:
        """Asked to start."""
        if self.owner.busy:
            return call_result.RemoteStartTransaction(status="Rejected")
        self.owner.begin(id_tag)
        return call_result.RemoteStartTransaction(status="Accepted")

    @on("RemoteStopTransaction")
    async def on_remote_stop(self, **_: Any) -> Any:
        """These vehicles end by themselves."""
        return call_result.RemoteStopTransaction(status="Rejected")

    @on("TriggerMessage")
    async def on_trigger(self, **_: Any) -> Any:
        """Nothing to tell."""
        return call_result.TriggerMessage(status="NotImplemented")


class StrictHub:
    """Accepts one record per session; now and then its answer gets lost. Counts what it accepted."""

    def __init__(self, hub: HubDouble, rng: random.Random) -> None:
        self.hub, self.rng = hub, rng
        self.records: dict[str, list[Any]] = {}
        self.repeats = 0

    def answer(self, got: Got) -> Any:
        """A planned answer for the double."""
        session_id = got.body["SessionID"]
        if session_id in self.records:
            self.repeats += 1
            if got.raw != self.records[session_id][0]:
                self.records[session_id].append(got.raw)  # a second record with other content: doubled
            return (
                404,
                {"StatusCode": {"Code": "400", "Description": "Session found but status is not valid CLOSED!"}},
            )
        if self.rng.random() < 0.1:
            return "drop"
        self.records[session_id] = [got.raw]
        return "lose" if self.rng.random() < 0.2 else (200, OK)


async def trial(seed: int, folder: Path, *options: str, charge_points: int = 3, starts: int = 6) -> Counter[str]:
    """One trial: sessions on all charge points, one or two kills. Returns counts."""
    rng, truth, counts = random.Random(seed), Truth(), Counter[str](trials=1)
    async with stage(folder, fleet(charge_points)) as where, asyncio.TaskGroup() as tasks:
        strict = StrictHub(where.hub, rng)
        _install(where.hub, strict)
        boxes = [PersistentChargePoint(where, f"CP-{1001 + n}", truth, rng) for n in range(charge_points)]
        crowd = [tasks.create_task(box.run()) for box in boxes]
        cpo = [await process(where, *options)]
        accepted: set[str] = set()
        drivers = [asyncio.ensure_future(_drive(where, n, rng, accepted, counts, starts)) for n in range(charge_points)]
        for _ in range(rng.randrange(1, 3)):
            await asyncio.sleep(rng.uniform(0.1, 2.5))
            cpo[0].kill()
            await cpo[0].wait()
            counts["kills"] += 1
            await asyncio.sleep(rng.uniform(0.0, 0.3))
            cpo[0] = await process(where, *options)
        await asyncio.gather(*drivers)
        await _settled(boxes, strict, accepted)
        cpo[0].terminate()
        counts["unclean exits"] += await cpo[0].wait() != 0
        for task in crowd:
            task.cancel()
    _judge(accepted, strict, truth, counts)
    return counts


def _install(hub: HubDouble, strict: StrictHub) -> None:
    """Let the strict hub decide about charge detail records."""
    original = hub._answer

    async def answer(request: Any, got: Got) -> Any:
        if got.operation == "ChargeDetailRecord":
            hub.answers["ChargeDetailRecord"] = [strict.answer(got)]
        return await original(request, got)

    hub._answer = answer  # type: ignore[method-assign]
    hub._close_session = lambda got: True  # type: ignore[method-assign]


async def _drive(
    where: Stage, n: int, rng: random.Random, accepted: set[str], counts: Counter[str], starts: int
) -> None:
    """A driver who starts again and again on one EVSE, whatever happens to the backend."""
    for _ in range(starts):
        session_id = str(uuid4())
        try:
            async with asyncio.timeout(10):
                answer = await where.start(f"DE*ABC*E{1001 + n}*1", session_id)
        except (aiohttp.ClientError, OSError, TimeoutError, AssertionError):
            counts["starts without an answer"] += 1
            await asyncio.sleep(0.3)
            continue
        if answer["Result"]:
            accepted.add(session_id)
        await asyncio.sleep(rng.uniform(0.2, 1.0))


async def _settled(boxes: list[PersistentChargePoint], strict: StrictHub, accepted: set[str]) -> None:
    """Wait until all transactions are delivered and all records are there; what is missing then is lost."""
    with contextlib.suppress(TimeoutError):
        await strict.hub.until(lambda: not any(box.busy for box in boxes) and accepted <= strict.records.keys(), 20)
    await asyncio.sleep(0.3)  # a second record, if one were to come


def _judge(accepted: set[str], strict: StrictHub, truth: Truth, counts: Counter[str]) -> None:
    counts["sessions"] += len(accepted)
    counts["lost"] += len(accepted - strict.records.keys())
    counts["doubled"] += sum(len(bodies) > 1 for bodies in strict.records.values())
    counts["repeats of the same record"] += strict.repeats
    counts["records without an accepted start"] += len(strict.records.keys() - accepted)
    for session_id in accepted & strict.records.keys():
        body = wire_json.parse(strict.records[session_id][0]).value
        real = truth.energy_wh.get(id_tag_of(session_id), 0)
        counts["wrong energy"] += kwh(body["ConsumedEnergy"]) * 1000 != real


async def trials(count: int, seed: int, *options: str) -> Counter[str]:
    """So many trials, one after another."""
    total: Counter[str] = Counter()
    for n in range(count):
        with tempfile.TemporaryDirectory() as folder:
            found = await trial(seed * 1000 + n, Path(folder), *options)
            total.update(found)
            if found["lost"] or found["doubled"] or found["wrong energy"]:
                print(f"trial {n}: {dict(found)}", (Path(folder) / "cpo.log").read_text()[-3000:], file=sys.stderr)
    return total


def main() -> int:
    """Print the counts; exit status 1 if anything was lost, doubled or wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.cpo.kill9", description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", default="", help="SQLAlchemy URL; default: SQLite")
    given = parser.parse_args()
    options = ["--database", given.database] if given.database else []
    total = asyncio.run(trials(given.trials, given.seed, *options))
    for name in (
        "trials", "kills", "sessions", "lost", "doubled", "wrong energy", "repeats of the same record",
        "starts without an answer", "records without an accepted start", "unclean exits",
    ):  # fmt: skip
        print(f"{name:36} {total[name]}")
    return int(bool(total["lost"] or total["doubled"] or total["wrong energy"]))


if __name__ == "__main__":
    sys.exit(main())
