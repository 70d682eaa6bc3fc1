"""The fleet: all virtual charge points of one CPO, brought up and down together."""

import asyncio
import random
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any, Self

from simulator.charge_point import ChargePoint
from simulator.evse import VirtualEvse
from simulator.evse_core import EvseCore
from simulator.security import OcppSecurity
from simulator.settings import FleetSettings
from simulator.voice import Observe
from simulator.waiting import StationError, StationTimeout


class Fleet:
    """Charge points that connect to `ocpp_url` while the fleet is entered.

    `fleet`: the content of a fleet file. `observe`: told of everything that happens. `seed`: meters, back-off and jitter.
    """

    def __init__(
        self, fleet: Mapping[str, Any], ocpp_url: str, observe: Observe, *, seed: int = 0,
        security: OcppSecurity | None = None, settings: FleetSettings | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings or FleetSettings()
        self.ocpp_url = ocpp_url
        self._active: set[EvseCore] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ticking = asyncio.Event()
        security = security or OcppSecurity()
        gate = asyncio.Semaphore(self.settings.handshakes)
        tls = security.tls(ocpp_url)
        self.charge_points = tuple(
            ChargePoint(
                entry, security.url_of(ocpp_url, str(entry["id"])), security, tls, observe, self.settings,
                random.Random(f"{seed}/{entry['id']}"), gate, self._watch, self,
            )
            for entry in fleet["charge_points"]
        )  # fmt: skip
        self.evses = tuple(evse for charge_point in self.charge_points for evse in charge_point.evses)
        self._by_evse_id = {evse.evse_id: evse for evse in self.evses}

    async def __aenter__(self) -> Self:
        self.start(self._tick())
        for charge_point in self.charge_points:
            self.start(charge_point.modem.run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        broken = [r for r in results if isinstance(r, Exception)]
        if broken and error is None:
            raise broken[0]

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Own a task: it ends with the fleet."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._tasks.discard(task)  # one that failed stays, so that leaving the fleet raises what it raised

    def evse(self, evse_id: str) -> VirtualEvse:
        """The EVSE of that EvseID."""
        try:
            return self._by_evse_id[evse_id]
        except KeyError:
            raise StationError(f"no EVSE {evse_id} in the fleet; there are {', '.join(self._by_evse_id)}") from None

    def charge_point(self, charge_point_id: str) -> ChargePoint:
        """The charge point of that id."""
        for charge_point in self.charge_points:
            if charge_point.id == charge_point_id:
                return charge_point
        raise StationError(f"no charge point {charge_point_id} in the fleet")

    async def connected(self, *, within: float = 30.0) -> None:
        """Wait until the CPO accepted the boot of every charge point, at most `within` seconds."""
        waits = [asyncio.ensure_future(cp.connected(within=within)) for cp in self.charge_points]
        results = await asyncio.gather(*waits, return_exceptions=True)
        late = [r for r in results if isinstance(r, StationTimeout)]
        if late:
            raise StationTimeout(f"{len(late)} of {len(results)} charge points are not connected; first: {late[0]}")

    async def delivered(self, *, within: float = 30.0) -> None:
        """Wait until the CPO answered all messages about transactions, at most `within` seconds."""
        async with asyncio.timeout(within + 1):
            for charge_point in self.charge_points:
                await charge_point.delivered(within=within)

    def _watch(self, evse: EvseCore) -> None:
        self._active.add(evse)
        self._ticking.set()

    async def _tick(self) -> None:
        """One clock for all: only EVSEs at which something may happen by itself are looked at."""
        loop = asyncio.get_running_loop()
        while True:
            await self._ticking.wait()
            clock = loop.time()
            for evse in list(self._active):
                if not evse.step(clock):
                    self._active.discard(evse)
            if not self._active:
                self._ticking.clear()
            await asyncio.sleep(self.settings.timing.tick)
