"""EVSE data and EVSE status to the hub: full loads, changes in real time, one push at a time, repeated until it works."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable

from cpo.evse_status import EvseStatuses
from cpo.fleet_data import Evse, FleetData
from cpo.oicp_client import Backoff, HubClient, NoAnswer, Outcome, Reply
from cpo.settings import Settings
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.pushes")
_LEFT_TO_THE_HUB = ("deltaType", "lastUpdate")
_NOT_DIALLED = re.compile(r"[\s()./-]+")
_CATCH_UP_BY_FULL_LOAD = 2


class Push:
    """A lane of pushes that is woken by changes and by the regular full load, and that backs off while the hub fails."""

    operation = ""

    def __init__(self, settings: Settings, client: HubClient) -> None:
        self._settings, self._client = settings, client
        self._backoff = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._full = False
        self._next_full = time.monotonic() + settings.full_load_interval_s

    def full_load(self) -> None:
        """Send everything as soon as possible."""
        self._full = True
        self._stir()

    async def settled(self, within_s: float) -> bool:
        """Wait until nothing is left to push; False after so many seconds."""
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Push for ever."""
        while True:
            if self._full or self.dirty():
                self._idle.clear()
                if not await self.step():
                    await asyncio.sleep(self._wait_s)
                    self.after_failure()
                continue
            self._idle.set()
            await self._woken_or_due()

    async def _woken_or_due(self) -> None:
        self._wake.clear()
        try:
            async with asyncio.timeout(max(0.0, self._next_full - time.monotonic())):
                await self._wake.wait()
        except TimeoutError:
            self._full = True

    def dirty(self) -> bool:
        """Something changed that the hub does not know yet."""
        raise NotImplementedError

    async def step(self) -> bool:
        """Push the next thing. False: wait before the next try."""
        raise NotImplementedError

    def after_failure(self) -> None:
        """Called after the wait that follows a failed step."""

    def _stir(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _send(self, message: dict[str, Json]) -> Reply | None:
        """The answer, None where the content has to come again; `_wait_s` then says after how many seconds."""
        try:
            reply = await self._client.send(self.operation, message)
        except NoAnswer as fault:
            LOG.warning("%s", fault)
            self._wait_s = self._backoff.next_wait()
            return None
        self._last_reply = reply
        if reply.outcome in (Outcome.AGAIN, Outcome.DENIED, Outcome.SESSION_INVALID):
            LOG.warning("%s answered %s", self.operation, reply)
            self._wait_s = self._backoff.next_wait(reply.retry_after_s)
            return None
        if reply.outcome is Outcome.DONE:
            self._backoff.reset()
        return reply

    _wait_s = 1.0
    _last_reply: Reply | None = None

    def _full_load_done(self) -> None:
        self._next_full = time.monotonic() + self._settings.full_load_interval_s


class EvseDataPush(Push):
    """Data records. The status of an EVSE is pushed only while `knows` says that the hub has its record."""

    operation = "PushEvseData"

    def __init__(self, settings: Settings, client: HubClient, fleet: FleetData) -> None:
        super().__init__(settings, client)
        self._fleet = fleet
        self._changed: dict[str, Evse] = {}
        self._bad: set[str] = set()
        self._at_hub: set[str] = set()
        self.on_loaded: Callable[[], None] = lambda: None
        self._full = True

    def knows(self, evse: Evse) -> bool:
        """The hub has the record of this EVSE, and is to keep it."""
        return evse.published and evse.key in self._at_hub

    def refused(self, evse: Evse) -> bool:
        """The hub refused the record of this EVSE."""
        return evse.key in self._bad

    def changed(self, evse: Evse) -> None:
        """The record of an EVSE is new, changed or gone."""
        self._bad.discard(evse.key)
        self._changed[evse.key] = evse
        self._stir()

    def dirty(self) -> bool:
        """Records changed that the hub does not know yet."""
        return bool(self._changed)

    async def step(self) -> bool:
        """Push everything, or the next change."""
        return await (self._push_all() if self._full else self._push_change())

    async def _push_all(self) -> bool:
        evses = [evse for evse in self._fleet.published() if evse.key not in self._bad]
        if not evses and not self._at_hub:  # an empty full load wipes out everything; nothing asks for that here
            self._full = False
            self._full_load_done()
            return True
        covered, self._changed = self._changed, {}
        self._full = False
        reply = await self._send(self.message("fullLoad", evses))
        if reply is None or reply.outcome is not Outcome.DONE:
            self._changed = covered | self._changed
            self._full = reply is None
            return reply is not None and self._isolate(reply, evses)
        self._at_hub = {evse.key for evse in evses}
        self._full_load_done()
        self.on_loaded()
        return True

    def _isolate(self, reply: Reply, evses: list[Evse]) -> bool:
        """All or nothing: leave out what the hub complains of, or try one by one where it does not say what."""
        faulty = {evses[i].key for i in reply.faulty_indices("evseDataRecord") if i < len(evses)}
        if faulty and len(faulty) < len(evses):
            self._bad |= faulty
            self._full = True
            LOG.error("EVSE data of %s left out: %s", ", ".join(sorted(faulty)), reply)
            return True
        LOG.error("EVSE data refused as a whole, going on one by one: %s", reply)
        self._changed |= {evse.key: evse for evse in evses}
        self._wait_s = self._backoff.next_wait()
        return False

    async def _push_change(self) -> bool:
        key, evse = next(iter(self._changed.items()))
        del self._changed[key]
        action = self._action(evse)
        if action is None:
            return True
        reply = await self._send(self.message(action, [evse]))
        if reply is None:
            self._changed = {key: evse} | self._changed
            # an insert of what is there, or an update of what is not, is answered 009 for ever: a full load settles it
            self._full = self._full or (self._last_reply is not None and self._last_reply.busy and self._repeated)
            return False
        if action == "delete":
            self._at_hub.discard(key)
        elif reply.outcome is Outcome.DONE:
            self._stored(key)
        else:
            self._bad.add(key)
            LOG.error("EVSE data of %s refused: %s", evse.evse_id, reply)
        return True

    @property
    def _repeated(self) -> bool:
        return self._backoff.failures > 1

    def _action(self, evse: Evse) -> str | None:
        there = evse.key in self._at_hub
        if not evse.published:
            return "delete" if there else None
        return "update" if there else "insert"

    def _stored(self, key: str) -> None:
        new = key not in self._at_hub
        self._at_hub.add(key)
        if new:
            self.on_loaded()

    def message(self, action: str, evses: Iterable[Evse]) -> dict[str, Json]:
        """A push of these records."""
        return {
            "ActionType": action,
            "OperatorEvseData": {
                "OperatorID": self._fleet.operator_id,
                "OperatorName": self._fleet.operator_name[:100],
                "EvseDataRecord": [self.record(evse) for evse in evses],
            },
        }

    def record(self, evse: Evse) -> dict[str, Json]:
        """The data record of an EVSE as it is sent: without nulls and without what the hub sets itself."""
        record = {
            name: value for name, value in evse.record.items() if value is not None and name not in _LEFT_TO_THE_HUB
        }
        record["EvseID"] = evse.evse_id
        phone = record.get("HotlinePhoneNumber")
        if isinstance(phone, str):
            record["HotlinePhoneNumber"] = _NOT_DIALLED.sub("", phone)
        return record


class EvseStatusPush(Push):
    """Statuses. A change goes out at once in a push of its own; what piled up during an outage goes as a full load."""

    operation = "PushEvseStatus"

    def __init__(
        self, settings: Settings, client: HubClient, fleet: FleetData, statuses: EvseStatuses, data: EvseDataPush
    ) -> None:
        super().__init__(settings, client)
        self._fleet, self._statuses, self._data = fleet, statuses, data
        self._changed: dict[str, Evse] = {}
        self._pushed: dict[str, str] = {}
        self._loaded = False

    def changed(self, evse: Evse) -> None:
        """The status of an EVSE may have changed."""
        if self._relevant(evse) and self._pushed.get(evse.key) != self._statuses.of(evse):
            self._changed.setdefault(evse.key, evse)
            self._stir()

    def dirty(self) -> bool:
        """Statuses changed that the hub does not know yet."""
        return bool(self._changed)

    def after_failure(self) -> None:
        """After an outage the present status of all EVSEs goes as one full load instead of many single changes."""
        self._full = self._full or len(self._changed) >= _CATCH_UP_BY_FULL_LOAD

    async def step(self) -> bool:
        """Push everything, or the oldest change."""
        return await (self._push_all() if self._full else self._push_change())

    async def _push_all(self) -> bool:
        if not self._loaded:
            await self._statuses.reported(self._settings.first_status_wait_s)
        evses = [evse for evse in self._fleet.published() if self._relevant(evse)]
        if not evses:  # nothing is published yet, or no more
            self._full = False
            self._changed.clear()
            self._full_load_done()
            return True
        now = {evse.key: self._statuses.of(evse) for evse in evses}
        self._full = False
        reply = await self._send(self.message("fullLoad", evses, now))
        if reply is None or reply.outcome is not Outcome.DONE:
            self._full = True
            return reply is not None and self._refused(reply)
        self._pushed, self._loaded = now, True
        self._changed = {e.key: e for e in evses if self._relevant(e) and self._statuses.of(e) != now[e.key]}
        self._full_load_done()
        return True

    async def _push_change(self) -> bool:
        key, evse = next(iter(self._changed.items()))
        del self._changed[key]
        status = self._statuses.of(evse)
        if not self._relevant(evse) or self._pushed.get(key) == status:
            return True
        action = "update" if key in self._pushed else "insert"
        reply = await self._send(self.message(action, [evse], {key: status}))
        if reply is None or reply.outcome is not Outcome.DONE:
            self._changed = {key: evse} | self._changed
            return reply is not None and self._refused(reply)
        self._pushed[key] = status
        self.changed(evse)  # it may have changed again meanwhile
        return True

    def _refused(self, reply: Reply) -> bool:
        LOG.error("PushEvseStatus refused: %s", reply)
        self._wait_s = self._backoff.next_wait()
        self._full = True
        if reply.outcome is Outcome.UNKNOWN_EVSE:  # the hub lost the records: data go before status
            self._data.full_load()
        return False

    def _relevant(self, evse: Evse) -> bool:
        return evse.dynamic and self._data.knows(evse)

    def message(self, action: str, evses: Iterable[Evse], statuses: dict[str, str]) -> dict[str, Json]:
        """A push of these statuses."""
        return {
            "ActionType": action,
            "OperatorEvseStatus": {
                "OperatorID": self._fleet.operator_id,
                "OperatorName": self._fleet.operator_name[:100],
                "EvseStatusRecord": [{"EvseID": evse.evse_id, "EvseStatus": statuses[evse.key]} for evse in evses],
            },
        }
