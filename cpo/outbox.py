"""Messages that must not get lost: written to the database with what caused them, sent until the hub has them.

An attempt is written down before it is made. So after a crash in the middle of it the repeat is known to be one, and the hub's
"session is closed" then means that the first attempt arrived.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime

from cpo.charge_detail_record import ChargeDetailRecords
from cpo.oicp_client import Backoff, HubClient, NoAnswer, Outcome, Reply, Superfluous
from cpo.records import Waiting
from cpo.settings import Settings
from cpo.storage import Storage
from oicp import wire_json

LOG = logging.getLogger("cpo.outbox")
_CORRECTIONS = 2
_UNTIL_WOKEN_S = 3600.0


class Outbox:
    """All pending messages; each operation has a sender that takes its own."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._pending: dict[int, Waiting] = {}
        self.on_the_wire: set[int] = set()
        self._wake: list[asyncio.Event] = []

    async def load(self) -> None:
        """Take up what waited when the process ended."""
        self.add(await self.storage.pending())

    def add(self, messages: list[Waiting]) -> None:
        """New messages, already in the database."""
        self._pending |= {message.number: message for message in messages}
        self._stir()

    def subscribe(self) -> asyncio.Event:
        """An event that is set whenever something changes."""
        event = asyncio.Event()
        self._wake.append(event)
        return event

    def of(self, operation: str) -> list[Waiting]:
        """Pending messages of an operation, oldest first."""
        return [message for message in self._pending.values() if message.operation == operation]

    def holds(self, message: Waiting) -> bool:
        """The message is still to be sent."""
        return message.number in self._pending

    async def attempt(self, message: Waiting) -> None:
        """One more attempt begins: from now on it may have arrived."""
        message.attempts += 1
        message.uncertain = True
        await self.storage.update(message)

    async def done(self, message: Waiting, state: str, note: str | None = None) -> None:
        """The message leaves the outbox: delivered, refused or dropped."""
        self._pending.pop(message.number, None)  # at once: nobody may send it while the database is written
        await self.storage.update(message, state=state, note=note)
        self._stir()

    async def waits(self, message: Waiting) -> None:
        """Write down how far the message came, if it is still to be sent."""
        if self.holds(message):
            await self.storage.update(message)

    def _stir(self) -> None:
        for event in self._wake:
            event.set()


class Sender:
    """Sends the pending messages of one operation, one after another; a message that has to wait lets others pass."""

    operation = ""

    def __init__(self, settings: Settings, client: HubClient, outbox: Outbox) -> None:
        self._settings, self._client, self._outbox = settings, client, outbox
        self._lane = Backoff(settings.retry_first_s, settings.retry_cap_s)
        self._own: dict[int, tuple[Backoff, float]] = {}
        self._wake = outbox.subscribe()

    async def run(self) -> None:
        """Send for ever."""
        while True:
            self._wake.clear()
            due, wait = self._next()
            if due is None:
                await self._woken(wait)
            elif not await self._try(due):
                await asyncio.sleep(self._wait_s)

    _wait_s = 1.0

    def _next(self) -> tuple[Waiting | None, float | None]:
        """The first message that is due, or how long nothing is."""
        now, soonest = time.monotonic(), None
        for message in sorted(self._outbox.of(self.operation), key=self.rank):
            at = max(self._own.get(message.number, (None, 0.0))[1], now + self.held_back_s(message))
            if at <= now:
                return message, None
            soonest = at - now if soonest is None else min(soonest, at - now)
        return None, soonest

    async def _woken(self, wait: float | None) -> None:
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return

    def rank(self, message: Waiting) -> int:
        """Lower ones go first; of the same rank the oldest."""
        return 0

    def held_back_s(self, message: Waiting) -> float:
        """Seconds this message has to wait for another one; 0 for none."""
        return 0.0

    async def _try(self, message: Waiting) -> bool:
        """One attempt. False: the whole lane has to wait."""
        before = message.uncertain
        await self._outbox.attempt(message)
        try:
            reply = await self._client.post(self.operation, message.body, lambda: self._departs(message))
        except Superfluous:
            return True
        except NoAnswer as fault:
            LOG.warning("%s (attempt %d of session %s)", fault, message.attempts, message.session_id)
            return await self._failed(message, None)
        finally:
            self._outbox.on_the_wire.discard(message.number)
        return await self._answered(message, reply, before)

    def _departs(self, message: Waiting) -> bool:
        """The turn of the message has come: is it still to be sent?"""
        if not self._outbox.holds(message):
            return False
        self._outbox.on_the_wire.add(message.number)
        return True

    async def _answered(self, message: Waiting, reply: Reply, repeat: bool) -> bool:
        if reply.outcome is Outcome.DONE:
            self._lane.reset()
            await self._finish(message, "delivered")
            return True
        LOG.warning("%s of session %s answered %s", self.operation, message.session_id, reply)
        if reply.outcome is Outcome.AGAIN:
            message.uncertain = repeat or reply.http_status != 429
            return await self._failed(message, reply)
        message.uncertain = repeat
        self._lane.reset()
        await self.not_accepted(message, reply, repeat)
        return True

    async def _failed(self, message: Waiting, reply: Reply | None) -> bool:
        """Nothing wrong with the content; the lane waits, since the next message would fare no better."""
        await self._outbox.waits(message)
        self._wait_s = self._lane.next_wait(reply.retry_after_s if reply else None)
        return False

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        """The hub did not take this message. `repeat`: an earlier attempt may have arrived."""
        raise NotImplementedError

    async def _later(self, message: Waiting) -> None:
        """Try this message again later; others go on."""
        backoff, _ = self._own.get(
            message.number, (Backoff(self._settings.retry_first_s, self._settings.retry_cap_s), 0)
        )
        self._own[message.number] = (backoff, time.monotonic() + backoff.next_wait())
        await self._outbox.waits(message)

    async def _finish(self, message: Waiting, state: str, note: str | None = None) -> None:
        self._own.pop(message.number, None)
        await self._outbox.done(message, state, note)


class CdrSender(Sender):
    """Charge detail records: every one delivered, none twice."""

    operation = "ChargeDetailRecord"
    notice_patience_s = 5.0
    wire_patience_s = 15.0

    def __init__(self, settings: Settings, client: HubClient, outbox: Outbox, records: ChargeDetailRecords) -> None:
        super().__init__(settings, client, outbox)
        self._records = records

    def held_back_s(self, message: Waiting) -> float:
        """Notifications of the session go first, unless they cannot be delivered for some seconds."""
        notices = self._notices(message)
        if not notices:
            return 0.0
        if any(notice.key.endswith("/EndInstead") for notice in notices):
            return _UNTIL_WOKEN_S
        age = (datetime.now(UTC) - datetime.fromisoformat(message.created_at)).total_seconds()
        under_way = any(notice.number in self._outbox.on_the_wire for notice in notices)
        return max(0.0, (self.wire_patience_s if under_way else self.notice_patience_s) - age)

    def _notices(self, message: Waiting) -> list[Waiting]:
        return [m for m in self._outbox.of("ChargingNotifications") if m.session_id == message.session_id]

    async def _try(self, message: Waiting) -> bool:
        for notice in self._notices(message):  # out of patience: after the record they would be wrong
            await self._outbox.done(notice, "dropped", "the charge detail record had to go")
        return await super()._try(message)

    async def not_accepted(self, message: Waiting, reply: Reply, repeat: bool) -> None:
        """Closed after an attempt without an answer is delivered; a refused content is corrected; the rest waits."""
        if reply.outcome is Outcome.SESSION_INVALID:
            delivered = repeat or "CLOSED" in reply.text.upper()
            await self._finish(message, "delivered" if delivered else "refused", str(reply))
        elif reply.outcome is Outcome.DENIED:
            await self._later(message)
        elif message.refusals < _CORRECTIONS:
            message.refusals += 1
            body = wire_json.parse_text(message.body).value
            corrected = wire_json.dump(self._records.corrected(body, datetime.now(UTC)))
            if corrected == message.body:  # nothing left to correct: one more try, in case it was a matter of time
                message.refusals = _CORRECTIONS
            message.body = corrected
            await self._later(message)
        else:
            LOG.error("charge detail record of session %s needs a person: %s", message.session_id, reply)
            await self._finish(message, "refused", str(reply))
