"""Faults: frozen values that name a message and a moment, what happens then, and how often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from oicp.evidence import Exchange
from oicp.services import Direction
from oicp.sessions import folded
from oicp.wire_json import Json

Moment: TypeAlias = Literal["before_processing", "after_processing"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It touches exchanges of `operation` (None: all) in `direction` that fit partner, session and EVSE.

    `after`: so many matching exchanges pass first; `times`: how many it touches, None for all.
    `moment`: "before_processing" nothing is stored, "after_processing" the message takes effect and only the answer suffers.
    What happens: `delay_s` first; then one of `drop` (close, reset, or silence until the peer gives up), `http_status` with `body`
    (text, JSON) and `headers`, `hub_code` (an acknowledgement with Result false), `change` (members of the answer by name).
    Towards the CPO: `delay_s` before sending, `close_after_s` hangs up before the answer, `repeat` sends the same bytes again.
    """

    name: str
    operation: str | None = None
    direction: Direction = Direction.CPO_TO_HUB
    moment: Moment = "before_processing"
    partner_id: str | None = None
    session_id: str | None = None
    evse_id: str | None = None
    after: int = 0
    times: int | None = 1
    delay_s: float = 0.0
    drop: Literal["close", "reset", "silence"] | None = None
    http_status: int | None = None
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hub_code: str | None = None
    hub_description: str | None = None
    change: Mapping[str, Json] = field(default_factory=dict)
    close_after_s: float | None = None
    repeat: int = 0

    def facts(self) -> dict[str, Any]:
        """For the recording: what is not the default."""
        return {
            name: dict(value) if isinstance(value, Mapping) else value
            for name in self.__slots__
            if (value := getattr(self, name)) not in (None, 0, 0.0, {}, ())
        }


class Armed:
    """A fault that is armed. `fired`: how often it touched an exchange; `exchanges`: their numbers."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.seen = 0
        self.exchanges: list[int] = []

    @property
    def fired(self) -> int:
        """How often it fired."""
        return len(self.exchanges)

    @property
    def spent(self) -> bool:
        """It fired as often as it should."""
        return self.fault.times is not None and self.fired >= self.fault.times


class Faults:
    """All armed faults, asked once for every exchange."""

    def __init__(self, observe: Callable[..., object]) -> None:
        self._armed: list[Armed] = []
        self._observe = observe

    def arm(self, fault: Fault, scenario: str | None = None) -> Armed:
        """Arm a fault."""
        armed = Armed(fault)
        self._armed.append(armed)
        self._observe("fault_armed", fault=fault.name, scenario=scenario, what=fault.facts())
        return armed

    def lift(self, armed: Armed) -> None:
        """Take a fault away."""
        if armed in self._armed:
            self._armed.remove(armed)
            self._observe("fault_lifted", fault=armed.fault.name, fired=armed.fired)

    @property
    def armed(self) -> tuple[Armed, ...]:
        """Faults that are armed."""
        return tuple(self._armed)

    def touching(self, exchange: Exchange) -> Fault | None:
        """The fault that touches this exchange; it counts as fired."""
        if not self._armed:
            return None
        for armed in self._armed:
            if armed.spent or not _fits(armed.fault, exchange):
                continue
            armed.seen += 1
            if armed.seen > armed.fault.after:
                armed.exchanges.append(exchange.number)
                self._observe("fault_fired", fault=armed.fault.name, exchange=exchange.number)
                return armed.fault
        return None


def _fits(fault: Fault, exchange: Exchange) -> bool:
    if fault.direction is not exchange.direction or fault.operation not in (None, exchange.operation):
        return False
    if fault.partner_id is not None and folded(fault.partner_id) != folded(exchange.partner_id):
        return False
    if fault.session_id is not None and fault.session_id != exchange.body.get("SessionID"):
        return False
    return fault.evse_id is None or folded(fault.evse_id) in evse_ids(exchange.body)


def evse_ids(body: Json) -> set[str]:
    """EvseIDs anywhere in a message, without separators."""
    found: set[str] = set()
    if isinstance(body, dict):
        for name, value in body.items():
            if name == "EvseID" and isinstance(value, str):
                found.add(folded(value))
            else:
                found |= evse_ids(value)
    elif isinstance(body, list):
        for item in body:
            found |= evse_ids(item)
    return found
