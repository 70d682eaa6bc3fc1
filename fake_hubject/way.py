"""What may stand between the hub and a partner: a proxy that knows who is behind its connections and what became of a message.

The hub then decides and records by the partner's own facts, not by those of the proxy. Calls of the hub take the way only when it says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography import x509

from oicp.evidence import Answer


@dataclass(frozen=True, slots=True)
class Behind:
    """The partner's own connection to the proxy. `name`: of that connection, the same as long as it lives."""

    name: str
    version: str | None
    certificate: x509.Certificate | None


def arrives(answer: Answer) -> tuple[Answer | None, str | None]:
    """What becomes of an answer on an honest way: it arrives."""
    return answer, None


@dataclass(frozen=True, slots=True)
class Passing:
    """What happens to one request and its answer. `body`: the request as its sender sent it, None if it was left alone.

    `faults`: names of what touched it. `genuine`: False for a copy the proxy made by itself, which nobody is to be judged for.
    `fate`: the answer as the partner sees it, or None and the reason why it sees none.
    """

    body: bytes | None = None
    faults: tuple[str, ...] = ()
    genuine: bool = True
    fate: Callable[[Answer], tuple[Answer | None, str | None]] = arrives


@dataclass(frozen=True, slots=True)
class Passed:
    """What happened to a call of the hub. `body`: the request as the partner got it, `answer`: as the partner sent it, None if unchanged.

    `faults`: names of what touched it. `version`, `certificate`: of the partner's own TLS connection, None for a plain one.
    """

    body: bytes | None = None
    answer: Answer | None = None
    faults: tuple[str, ...] = ()
    version: str | None = None
    certificate: bytes | None = None


class Way(Protocol):
    """The proxy, asked by the address its connection comes from."""

    def behind(self, peername: Any) -> Behind | None:
        """Who is behind a connection; None if it is not the proxy's."""

    def passing(self, peername: Any) -> Passing:
        """What happens to the request that came over it last."""

    def towards(self, url: str) -> str:
        """The URL to call instead of a CPO's; the same where nothing happens on the way."""

    def called(self, sockname: Any) -> Passed:
        """What happened to the call that left over this connection of the hub last."""
