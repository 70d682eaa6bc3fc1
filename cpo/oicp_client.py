"""Messages to the hub: one connection pool with the client certificate, one lane per operation, rates below the limits."""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Self
from urllib.parse import quote

import aiohttp
from yarl import URL

from oicp import wire_json
from oicp.services import OPERATIONS
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.oicp_client")
_SHARE_OF_LIMIT = 0.8
_BURST_OF_LIMIT = 0.1
_UNLIMITED = 600
_TRANSIENT_CODES = frozenset({"001", "002", "009", "021"})
_TRANSIENT_HTTP = frozenset({408, 425, 429})
_LARGEST_ANSWER = 1_000_000


class NoAnswer(Exception):
    """The hub gave no (complete) answer; it may have processed the request all the same."""


class Superfluous(Exception):
    """While the message waited for its turn the reason to send it went away; it was not sent."""


class Outcome(Enum):
    """What an answer of the hub means for the request."""

    DONE = "done"
    AGAIN = "again"  # nothing wrong with the content: repeat it later
    SESSION_INVALID = "session invalid"  # code 400: closed, or never heard of
    UNKNOWN_EVSE = "unknown EVSE"
    REFUSED = "refused"  # the content is wrong
    DENIED = "denied"  # certificate, contract or partner; a person has to act, then a repeat helps


_BY_CODE = {
    "400": Outcome.SESSION_INVALID, "603": Outcome.UNKNOWN_EVSE, "018": Outcome.REFUSED, "022": Outcome.REFUSED,
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    """An answer of the hub. `value` is None where the body was no JSON."""

    http_status: int
    value: Json
    text: str = ""
    retry_after_s: float | None = None

    @property
    def code(self) -> str | None:
        """`StatusCode.Code`."""
        code = wire_json.at(self.value, "StatusCode", "Code")
        return code if isinstance(code, str) else None

    @property
    def outcome(self) -> Outcome:
        """What it means; decided by HTTP status, `Result` and code, never by a text."""
        result = self.value.get("Result") if isinstance(self.value, dict) else None
        if 200 <= self.http_status < 300 and result is True:
            return Outcome.DONE
        if self.http_status >= 500 or self.http_status in _TRANSIENT_HTTP or self.code in _TRANSIENT_CODES:
            return Outcome.AGAIN
        if self.code is not None:
            return _BY_CODE.get(self.code, Outcome.DENIED)
        if isinstance(self.value, dict) and self.http_status == 400:
            return Outcome.REFUSED
        return Outcome.AGAIN if 200 <= self.http_status < 300 else Outcome.DENIED

    @property
    def busy(self) -> bool:
        """The hub is at work on an earlier push (009)."""
        return self.code == "009"

    def faulty_indices(self, list_name: str) -> set[int]:
        """Indices of the records a validation answer complains of (`...evseDataRecord[3].plugs`)."""
        found: set[int] = set()
        errors = self.value.get("validationErrors") if isinstance(self.value, dict) else None
        for error in errors if isinstance(errors, list) else []:
            reference = str(error.get("fieldReference") if isinstance(error, dict) else "").lower()
            _, _, rest = reference.partition(list_name.lower() + "[")
            index = rest.partition("]")[0]
            if index.isdigit():
                found.add(int(index))
        return found

    def __str__(self) -> str:
        return f"HTTP {self.http_status} {' '.join(self.text.split())[:300]}"


class Backoff:
    """Waits that grow exponentially with a random part of a quarter."""

    def __init__(self, first_s: float, cap_s: float, rng: random.Random | None = None) -> None:
        self._first, self._cap, self._rng = first_s, cap_s, rng or random.Random()
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    def next_wait(self, at_least_s: float | None = None) -> float:
        """Seconds to wait after one more failure; never less than the hub asked for."""
        wait: float = min(self._first * 2.0**self._failures, self._cap)
        self._failures = min(self._failures + 1, 30)
        return max(wait * self._rng.uniform(0.75, 1.25), at_least_s or 0.0)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


class Throttle:
    """Keeps an operation below so many calls a minute, in any sixty seconds; a few may come at once."""

    def __init__(self, per_minute: int) -> None:
        self._rate = _SHARE_OF_LIMIT * per_minute / 60
        self._burst = max(1.0, float(int(_BURST_OF_LIMIT * per_minute)))
        self._tokens, self._at = self._burst, time.monotonic()

    async def turn(self) -> None:
        """Wait until one more call is allowed."""
        while True:
            wait = self._take()
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    def _take(self) -> float:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class HubClient:
    """Sends OICP messages. Pushes, charge detail records and notifications go strictly one after another per operation."""

    parallel = frozenset({"AuthorizeStart", "AuthorizeStop"})

    def __init__(self, hub_url: str, operator_id: str, context: ssl.SSLContext | None, timeout_s: float) -> None:
        self._hub_url, self._operator_id, self._context, self._timeout = hub_url, operator_id, context, timeout_s
        self._http: aiohttp.ClientSession | None = None
        self._lanes: dict[str, asyncio.Lock] = {}
        self._throttles: dict[str, Throttle] = {}

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._context if self._context else True, keepalive_timeout=30)
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=10),
            headers={"Accept": "application/json", "User-Agent": "oicp-bench-cpo"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def send(self, operation: str, message: dict[str, Json]) -> Reply:
        """Send a message; see `post`."""
        return await self.post(operation, wire_json.dump(message))

    async def post(self, operation: str, body: str, wanted: Callable[[], bool] = lambda: True) -> Reply:
        """Send this very text as one message and return the answer, whatever it is. Raises `NoAnswer`.

        `wanted` is asked when the turn of the message has come; if not, `Superfluous` is raised.
        """
        throttle = self._throttles.setdefault(operation, Throttle(OPERATIONS[operation].per_minute or _UNLIMITED))
        if operation in self.parallel:
            await throttle.turn()
            if not wanted():
                raise Superfluous
            return await self._exchange(operation, body)
        async with self._lanes.setdefault(operation, asyncio.Lock()):
            await throttle.turn()
            if not wanted():
                raise Superfluous
            return await self._exchange(operation, body)

    async def _exchange(self, operation: str, body: str) -> Reply:
        if self._http is None:
            raise NoAnswer("the client is closed")
        path = OPERATIONS[operation].url_path(quote(self._operator_id, safe="*"))
        try:
            async with self._http.post(
                URL(self._hub_url + path, encoded=True),
                data=body.encode(),
                headers={"Content-Type": "application/json;charset=UTF-8"},
                allow_redirects=False,
            ) as answer:
                raw = await answer.content.read(_LARGEST_ANSWER)
                return _reply(answer, raw)
        except (aiohttp.ClientError, OSError, TimeoutError) as fault:
            raise NoAnswer(f"{operation}: {type(fault).__name__} {fault}".strip()) from None


def _reply(answer: aiohttp.ClientResponse, raw: bytes) -> Reply:
    text = raw.decode("utf-8", "replace")
    parsed = wire_json.parse(raw)
    if parsed.error:  # an odd charset is no reason to lose a status code
        parsed = wire_json.parse(raw.decode("latin-1").encode())
    value = parsed.value if parsed.is_object else None
    return Reply(answer.status, value, text, _retry_after(answer.headers.get("Retry-After")))


def _retry_after(value: str | None) -> float | None:
    return float(value) if value and value.strip().isdigit() else None
