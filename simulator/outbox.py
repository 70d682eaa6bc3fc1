"""What a charge point still has to say, in order. Messages about transactions outlive the connection."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.link import Payload

if TYPE_CHECKING:
    from simulator.dialect import Dialect

Words = tuple[str, Payload]
"""Action and payload of a call."""


class Unusable(Exception):
    """An answer came, but what the charge point needs is not in it."""


@dataclass(slots=True)
class Message:
    """One call to be made.

    `words`: what to say in the language of the connection, None for nothing. `answered`: told the answer; may raise `Unusable`.
    `failed`: told why there was none. `keep`: until delivered (transactions), else only for this connection.
    """

    words: "Callable[[Dialect], Words | None]"
    answered: "Callable[[Dialect, Payload], None] | None" = None
    failed: Callable[[str], None] | None = None
    keep: bool = False


class Outbox:
    """First in, first out; one message at a time is being sent and stays at the head until it is done."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """To be sent after all others."""
        self._messages.append(message)
        self._filled.set()

    def forget_volatile(self) -> None:
        """The connection is gone: what was meant for it alone is void."""
        self._messages = deque(message for message in self._messages if message.keep)

    def done(self, message: Message) -> None:
        """The head was delivered or given up."""
        if self._messages and self._messages[0] is message:
            self._messages.popleft()

    async def head(self) -> Message:
        """The next message; waits for one."""
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        return self._messages[0]

    @property
    def pending(self) -> int:
        """Messages about transactions that were not delivered yet."""
        return sum(message.keep for message in self._messages)
