"""The tap between a partner and a hub of ours: tells the hub who is behind its connections and what became of messages.

The hub's own calls take the tap only while a fault on them is armed: until then the hub sees the CPO's endpoint with its own eyes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fake_hubject.way import Behind, Passed, Passing
from oicp.evidence import Answer
from tap.faults import WireFault, changed

_HONEST = Passing()
_COPY = Passing(genuine=False)


@dataclass
class Between:
    """Learns from the tap, is asked by the hub; see `fake_hubject.way.Way`."""

    _callers: dict[tuple[str, int], Any] = field(default_factory=dict)
    _passing: dict[str, Passing] = field(default_factory=dict)
    _copies: dict[tuple[str, int], Any] = field(default_factory=dict)
    _listeners: dict[str, str] = field(default_factory=dict)
    _called: dict[tuple[str, int], Passed] = field(default_factory=dict)
    _wanted: Callable[[], bool] = lambda: False

    # --- the tap tells ------------------------------------------------------------------------------------------------

    def connected(self, sockname: Any, client: Any) -> None:
        """The tap opened a connection to the hub for this caller (mitmproxy's `Client`)."""
        self._callers[_key(sockname)] = client
        self._copies.pop(_key(sockname), None)

    def copying(self, sockname: Any, client: Any) -> None:
        """The tap opened a connection of its own to send a copy of what this caller sent."""
        self._copies[_key(sockname)] = client

    def gone(self, sockname: Any) -> None:
        """A connection to the hub is over."""
        self._callers.pop(_key(sockname), None)

    def left(self, client: Any) -> None:
        """A caller hung up."""
        self._passing.pop(client.id, None)

    def passes(self, client: Any, original: bytes | None, fault: WireFault | None) -> None:
        """A request of this caller goes to the hub; `original`: its body, if that was changed."""
        self._passing[client.id] = _HONEST if fault is None else Passing(original, (fault.name,), fate=_fate(fault))

    def stands_before(self, listeners: dict[str, str], wanted: Callable[[], bool]) -> None:
        """The tap listens for calls to CPOs: `scheme://host:port` of the CPO and of the tap. `wanted`: the hub is to call there."""
        self._listeners, self._wanted = dict(listeners), wanted

    def called_by_hub(self, client: Any, body: bytes | None, fault: WireFault | None) -> None:
        """A call of the hub goes to the CPO; `body`: as the CPO gets it, if it was changed."""
        self._called[_key(client.peername)] = Passed(body, faults=(fault.name,) if fault else ())

    def answered_by_cpo(self, client: Any, server: Any, answer: Answer | None, fault: WireFault | None) -> None:
        """The CPO answered over this connection of the tap (mitmproxy's `Server`)."""
        shown = server.certificate_list[:1]
        certificate = x509.load_pem_x509_certificate(shown[0].to_pem()) if shown else None
        self._called[_key(client.peername)] = replace(
            self._called.get(_key(client.peername), Passed()), answer=answer if fault is not None else None,
            version=server.tls_version, certificate=certificate.public_bytes(Encoding.DER) if certificate else None,
        )  # fmt: skip

    # --- the hub asks ---------------------------------------------------------------------------------------------------

    def behind(self, peername: Any) -> Behind | None:
        """Who is behind a connection."""
        client = self._callers.get(_key(peername)) or self._copies.get(_key(peername))
        if client is None:
            return None
        shown = client.certificate_list[:1]
        certificate = x509.load_pem_x509_certificate(shown[0].to_pem()) if shown else None
        return Behind(f"cpo:{client.id}", client.tls_version, certificate)

    def passing(self, peername: Any) -> Passing:
        """What happens to the request that came over it last."""
        if _key(peername) in self._copies:
            return _COPY
        client = self._callers.get(_key(peername))
        return self._passing.get(client.id, _HONEST) if client is not None else _HONEST

    def towards(self, url: str) -> str:
        """The tap's listener instead of the CPO's while a fault on the hub's calls is armed."""
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        return self._listeners[base] + url[len(base) :] if base in self._listeners and self._wanted() else url

    def called(self, sockname: Any) -> Passed:
        """What happened to the call that left over it last."""
        return self._called.pop(_key(sockname), Passed()) if sockname else Passed()


def _key(address: Any) -> tuple[str, int]:
    return str(address[0]), int(address[1])


def _fate(fault: WireFault) -> Callable[[Answer], tuple[Answer | None, str | None]]:
    def fate(answer: Answer) -> tuple[Answer | None, str | None]:
        if fault.loses_answer:
            return None, f"no answer: {fault.what} on the wire (fault {fault.name})"
        if fault.on == "request":
            return answer, None
        return Answer(answer.http_status, answer.headers, changed(answer.body, fault)), None

    return fate
