"""Faults on the wire that a hub cannot make from its end, as frozen values that name a message and what happens to it."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from fake_hubject.faults import evse_ids
from oicp.services import OPERATIONS, Direction
from oicp.sessions import folded
from oicp.wire_json import Json, dump, parse, parse_text

What: TypeAlias = Literal[
    "cut",  # the first half of the answer's body, then the connection closes
    "reset",  # the connection is reset instead of the answer
    "stall",  # the header of the answer, then nothing for `seconds`
    "truncate",  # a complete HTTP answer whose body lost its second half
    "double",  # a complete HTTP answer whose body stands twice
    "trickle",  # the answer, some bytes at a time, spread over `seconds`
    "tls-alert",  # a TLS alert in the middle of the answer
    "bytes",  # `count` bytes in the middle of the body are changed
    "field",  # the member at `pointer` becomes `value`; without a value it is taken out
    "delay",  # the message waits for `seconds`
    "duplicate",  # the request is sent again once it was answered; its sender sees the first answer
    "swap",  # the request waits until the next one of the same operation has been answered
]


@dataclass(frozen=True, slots=True)
class WireFault:
    """One fault on the wire. It touches messages of `operation` (None: all) in `direction` that fit session and EVSE.

    `direction` None: what the CPO sends; what the hub sends where the CPO sends none of that operation.
    `on`: the request or the answer, where `what` fits both (bytes, field, truncate, double, delay). `after`: so many matching
    exchanges pass first; `times`: how many it touches, None for all.
    """

    name: str
    what: What
    operation: str | None = None
    direction: Direction | None = None
    on: Literal["request", "answer"] = "answer"
    after: int = 0
    times: int | None = 1
    seconds: float = 5.0
    pointer: str | None = None
    value: Json = None
    count: int = 4
    session_id: str | None = None
    evse_id: str | None = None

    @property
    def loses_answer(self) -> bool:
        """Who sent the request gets no complete answer."""
        return self.what in ("cut", "reset", "stall", "tls-alert")

    @property
    def side(self) -> Direction:
        """The direction it touches."""
        directions = OPERATIONS[self.operation].directions if self.operation in OPERATIONS else ()
        usual = Direction.HUB_TO_CPO if directions and Direction.CPO_TO_HUB not in directions else Direction.CPO_TO_HUB
        return self.direction or usual

    def facts(self) -> dict[str, Any]:
        """For the recording."""
        return {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}


class BadFault(ValueError):
    """A fault on the command line that cannot be read; the message names the part and the mend."""


def parse_fault(text: str) -> WireFault:
    """Read `WHAT[:OPERATION][,key=value..]`, as in `cut:ChargeDetailRecord,after=1` or `field:PushEvseStatus,pointer=/ActionType,value="x"`.

    Raises `BadFault`.
    """
    head, *options = text.split(",")
    what, _, operation = head.partition(":")
    if what not in get_args(What):
        raise BadFault(f"--fault {text}: no fault {what!r}; there are {', '.join(get_args(What))}")
    if operation and operation not in OPERATIONS:
        raise BadFault(f"--fault {text}: no operation {operation!r}; there are {', '.join(OPERATIONS)}")
    values: dict[str, Any] = {"name": text, "what": what, "operation": operation or None}
    for option in options:
        key, separator, raw = option.partition("=")
        if not separator or key not in _OPTIONS:
            raise BadFault(f"--fault {text}: {option!r} is none of {', '.join(k + '=..' for k in _OPTIONS)}")
        try:
            values[_NAMES.get(key, key)] = _OPTIONS[key](raw)
        except ValueError:
            raise BadFault(f"--fault {text}: {key}={raw} is no value for {key}") from None
    if what == "field" and not values.get("pointer"):
        raise BadFault(f"--fault {text}: a `field` fault needs pointer=/Member")
    return WireFault(**values)


def _side(text: str) -> str:
    if text not in ("request", "answer"):
        raise ValueError(text)
    return text


def _times(text: str) -> int | None:
    return None if text == "all" else _natural(text)


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _value(text: str) -> Json:
    parsed = parse_text(text)
    return text if parsed.error else parsed.value


_OPTIONS: dict[str, Any] = {
    "on": _side, "after": _natural, "times": _times, "seconds": float, "pointer": str, "value": _value, "count": _natural,
    "direction": Direction, "session": str, "evse": str,
}  # fmt: skip
_NAMES = {"session": "session_id", "evse": "evse_id"}


class Armed:
    """A wire fault that waits for its message. `fired`: how often it touched one."""

    def __init__(self, fault: WireFault) -> None:
        self.fault, self.seen, self.fired = fault, 0, 0

    def takes(self, operation: str | None, direction: Direction, body: bytes = b"") -> bool:
        """True if it touches this exchange; it counts as fired then."""
        fault = self.fault
        if fault.operation not in (None, operation) or fault.side is not direction or not self._about(body):
            return False
        if fault.times is not None and self.fired >= fault.times:
            return False
        self.seen += 1
        if self.seen <= fault.after:
            return False
        self.fired += 1
        return True

    def _about(self, body: bytes) -> bool:
        fault = self.fault
        if fault.session_id is None and fault.evse_id is None:
            return True
        value = parse(body).value
        session_id = value.get("SessionID") if isinstance(value, dict) else None
        if fault.session_id is not None and session_id != fault.session_id:
            return False
        return fault.evse_id is None or folded(fault.evse_id) in evse_ids(value)


def changed(body: bytes, fault: WireFault) -> bytes:
    """The body after `truncate`, `double`, `bytes` or `field`; other faults leave it alone."""
    if fault.what == "truncate":
        return body[: len(body) // 2]
    if fault.what == "double":
        return body * 2
    if fault.what == "bytes":
        middle = len(body) // 2
        return (
            body[:middle] + bytes(b ^ 0xFF for b in body[middle : middle + fault.count]) + body[middle + fault.count :]
        )
    return _with_field(body, fault) if fault.what == "field" else body


def _with_field(body: bytes, fault: WireFault) -> bytes:
    value = parse(body).value
    *path, last = [p.replace("~1", "/").replace("~0", "~") for p in (fault.pointer or "/").split("/")[1:]]
    inner = value
    for part in path:
        inner = inner[int(part)] if isinstance(inner, list) and part.isdigit() and int(part) < len(inner) else (
            inner.get(part) if isinstance(inner, dict) else None)  # fmt: skip
    if isinstance(inner, dict):
        if fault.value is None:
            inner.pop(last, None)
        else:
            inner[last] = fault.value
    elif isinstance(inner, list) and last.isdigit() and int(last) < len(inner):
        inner[int(last)] = fault.value
    else:
        return body
    return dump(value).encode()
