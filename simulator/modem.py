"""The connection of a charge point to the CPO: connect, boot, talk, come back after a loss."""

import asyncio
import random
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from simulator.dialect import Dialect
from simulator.link import CallFailed, Link, LinkClosed
from simulator.ocpp16 import Ocpp16
from simulator.ocpp201 import Ocpp201
from simulator.outbox import Message, Unusable

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

VERSIONS: dict[str, tuple[str, ...]] = {
    "1.6": ("ocpp1.6",),
    "2.0.1": ("ocpp2.0.1",),
    "auto": ("ocpp2.0.1", "ocpp1.6"),
}
"""What a charge point offers as WebSocket subprotocols, best first."""
Moment: TypeAlias = Literal["begin", "end"]
_MOMENTS: dict[str, Moment] = {
    "StartTransaction": "begin",
    "Started": "begin",
    "StopTransaction": "end",
    "Ended": "end",
}


class Modem:
    """Keeps one charge point connected as long as it is wanted."""

    def __init__(self, charge_point: "ChargePoint", url: str, rng: random.Random, gate: asyncio.Semaphore) -> None:
        self._cp = charge_point
        self.url = url
        self._rng = rng
        self._gate = gate
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._socket: ClientConnection | None = None
        self._failures = 0
        self._hurry = asyncio.Event()
        self._patience: dict[str, float] = {}
        self._unheard: Moment | None = None
        self.dialect: Dialect | None = None
        self.registered = False
        self.boot_reason: str | None = "PowerUp"
        self._heartbeat_s: float = 0.0
        self._boot_now = False
        self._stirred = asyncio.Event()
        self._asked: deque[Message] = deque()
        self._why_closed: str | None = None
        self.last_trouble: str | None = None

    # --- what others want of it --------------------------------------------------------------------------------------

    def disconnect(self, reason: str, *, stay: bool) -> None:
        """Drop the connection without a word, as a lost network does; `stay` away until `reconnect`."""
        if stay:
            self._wanted.clear()
        self._why_closed = reason
        if self._socket is not None:
            self._socket.transport.abort()

    async def hang_up(self, reason: str) -> None:
        """Close the connection properly, as before a restart, and stay away until `reconnect`."""
        self._wanted.clear()
        self._why_closed = reason
        if self._socket is not None:
            await self._socket.close()

    def reconnect(self) -> None:
        """The network is there again."""
        self._failures = 0
        self._wanted.set()
        self._hurry.set()

    def lose_answer(self, moment: Moment | None) -> None:
        """The network breaks while the CPO's answer to the next `begin` or `end` of a transaction is on its way; None: not any more."""
        self._unheard = moment

    def boot_again(self) -> None:
        """Send the BootNotification at once although its interval has not passed (TriggerMessage)."""
        self._boot_now = True
        self._stirred.set()

    def asked_for(self, message: Message) -> None:
        """What the CPO asked for before it accepted the boot: goes out while the boot is Pending, else once it is accepted."""
        if self._socket is not None:
            self._asked.append(message)
            self._stirred.set()

    @property
    def wanted(self) -> bool:
        """The network is there."""
        return self._wanted.is_set()

    def set_heartbeat(self, seconds: float) -> None:
        """Interval of heartbeats in seconds; 0 for none."""
        self._heartbeat_s = seconds

    # --- connection --------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect and reconnect until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                await self._connected_once()
            except (OSError, WebSocketException, TimeoutError, EOFError) as fault:
                self._refused(_refusal(fault))
            await self._pause()

    async def _connected_once(self) -> None:
        timing = self._cp.settings.timing
        self._why_closed = None
        async with self._gate:
            socket = await self._open(timing.open_timeout)
        self._socket = socket
        try:
            if self._wanted.is_set():  # else the network was lost during the handshake
                await self._session(socket)
        finally:
            self._socket = None
            await socket.close()

    async def _open(self, timeout: float) -> ClientConnection:
        security = self._cp.security
        local = urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")
        return await connect(
            self.url, subprotocols=[Subprotocol(name) for name in VERSIONS[self._cp.ocpp_version]], compression=None,
            additional_headers=security.headers_of(self._cp.id, self._cp.password), open_timeout=timeout,
            ping_interval=30, ping_timeout=30, close_timeout=1, max_size=2**20, user_agent_header="oicp-bench",
            proxy=None if local else True, ssl=self._cp.tls,
        )  # fmt: skip

    async def _session(self, socket: ClientConnection) -> None:
        self.dialect = self._dialect_for(socket.subprotocol)
        link = Link(
            socket, self.dialect.version, self.dialect.find, self._cp.saw_call, self._cp.delay,
            self._cp.settings.check_schemas,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            talking = group.create_task(self._talk(link, self.dialect))
            reason = await link.read()
            talking.cancel()
        was, self.registered = self.registered, False
        self._cp.outbox.forget_volatile()
        self._asked.clear()
        if was:
            self._cp.lost(self._why_closed or reason)
        else:
            self._refused(self._why_closed or f"before the boot was accepted: {reason}")

    def _refused(self, reason: str) -> None:
        self._failures += 1
        self.last_trouble = reason
        self._cp.seen("charge_point_refused", reason=reason)

    def _dialect_for(self, subprotocol: str | None) -> Dialect:
        if subprotocol is None:
            self._cp.seen("note", text=f"{self._cp.id}: the CPO chose no WebSocket subprotocol; OCPP-J wants it to")
            subprotocol = VERSIONS[self._cp.ocpp_version][-1]
        return Ocpp201(self._cp) if subprotocol == "ocpp2.0.1" else Ocpp16(self._cp)

    async def _pause(self) -> None:
        timing = self._cp.settings.timing
        most = min(timing.reconnect_most, timing.reconnect_first * 2 ** min(self._failures, 12))
        self._hurry.clear()
        await _either(self._hurry, most * self._rng.uniform(0.5, 1.0))

    # --- talking -----------------------------------------------------------------------------------------------------

    async def _talk(self, link: Link, dialect: Dialect) -> None:
        try:
            await self._register(link, dialect)
            while True:
                await self._say(link, dialect, await self._next(dialect))
        except LinkClosed:
            return

    async def _register(self, link: Link, dialect: Dialect) -> None:
        while self.boot_reason is not None:
            status, interval = await self._boot(link, dialect, self.boot_reason)
            if status == "Accepted":
                self.boot_reason = None
                if interval is not None:
                    self._cp.configuration.beat_every(interval)
            else:
                wait = float(interval) if interval else self._cp.settings.timing.boot_retry
                self._refused(f"BootNotification {status}; again in {wait:g} s")
                await self._until_boot_is_due(link, dialect, wait, silent=status != "Pending")
        while self._asked:
            self._cp.outbox.put(self._asked.popleft())
        self.registered = True
        self._failures = 0
        self._cp.accepted()

    async def _until_boot_is_due(self, link: Link, dialect: Dialect, seconds: float, *, silent: bool) -> None:
        """Until the interval is over or the CPO triggers the boot; a Pending CPO gets what it asks for, nothing else goes out."""
        self._boot_now, due = False, time.monotonic() + seconds
        while not self._boot_now and (left := due - time.monotonic()) > 0:
            self._stirred.clear()
            if self._asked and not silent:
                await self._say(link, dialect, self._asked.popleft())
            else:
                await _either(self._stirred, left)

    async def _boot(self, link: Link, dialect: Dialect, reason: str) -> tuple[str, int | None]:
        action, payload = dialect.boot(reason)
        try:
            return dialect.read_boot(await link.call(action, payload, self._cp.settings.timing.call_timeout))
        except CallFailed as fault:
            return f"failed ({fault})", None

    async def _next(self, dialect: Dialect) -> Message:
        outbox = self._cp.outbox
        if self._heartbeat_s <= 0:
            return await outbox.head()
        try:
            async with asyncio.timeout(self._heartbeat_s):
                return await outbox.head()
        except TimeoutError:
            beat = Message(lambda spoken: spoken.heartbeat())
            outbox.put(beat)
            return beat

    async def _say(self, link: Link, dialect: Dialect, message: Message) -> None:
        """Make one call; a message about a transaction is repeated and survives the connection."""
        timing = self._cp.settings.timing
        words = message.words(dialect)
        error: str | None = None
        for attempt in range(1, (timing.attempts if message.keep else 1) + 1):
            if words is None:
                break
            error = await self._said(link, dialect, message, *words)
            if error is None or attempt == timing.attempts or not message.keep:
                break
            await asyncio.sleep(timing.attempt_pause * attempt)
        self._cp.outbox.done(message)
        if error is not None and message.failed is not None:
            message.failed(error)
        self._cp.said()

    async def _said(self, link: Link, dialect: Dialect, message: Message, action: str, payload: Any) -> str | None:
        timing = self._cp.settings.timing
        timeout = timing.transaction_timeout if message.keep else self._patience.get(action, timing.call_timeout)
        try:
            answer = await link.call(action, payload, timeout)
            if self._unheard is not None and _tells(action, payload) == self._unheard:
                self._unheard = None
                self.disconnect("the network broke while an answer was on its way (by scenario)", stay=False)
                raise LinkClosed("an answer got lost")
            self._patience.pop(action, None)
            if message.answered is not None:
                message.answered(dialect, answer)
        except CallFailed as fault:
            if fault.unanswered and not message.keep:
                # A CPO that leaves one kind of message unanswered must not hold up all others each time anew.
                self._patience[action] = min(timeout, max(1.0, timeout / 4))
            return str(fault)
        except Unusable as fault:
            return str(fault)
        return None


def _tells(action: str, payload: Any) -> Moment | None:
    """Whether a call tells of the begin or the end of a transaction."""
    said = payload.get("eventType") if action == "TransactionEvent" else action
    return _MOMENTS.get(str(said))


async def _either(event: asyncio.Event, seconds: float) -> None:
    """Wait for the event or so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


def _refusal(fault: BaseException) -> str:
    if isinstance(fault, InvalidStatus):
        return f"HTTP {fault.response.status_code} {fault.response.reason_phrase}".strip()
    if isinstance(fault, TimeoutError) and not str(fault):
        return "no answer to the WebSocket handshake in time"
    return f"{type(fault).__name__}: {fault}"
