"""What may stand between the hub and a partner: a proxy that knows who is behind its connections and what became of a message.

The hub then decides and records by the partner's own facts, not by those of the proxy.
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


class Way(Protocol):
    """The proxy, asked by the address its connection comes from."""

    def behind(self, peername: Any) -> Behind | None:
        """Who is behind a connection; None if it is not the proxy's."""

    def passing(self, peername: Any) -> Passing:
        """What happens to the request that came over it last."""
