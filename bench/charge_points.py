"""A charge point as a whole in a scenario: its connection, its power, its service, beside what its EVSEs do (`bench.actors`)."""

from typing import TYPE_CHECKING, Literal

from bench.actors import Evse
from bench.bounded import bounded

if TYPE_CHECKING:
    from bench.facade import Bench


class ChargePoint:
    """A virtual charge point with all its EVSEs in the hands of one scenario."""

    def __init__(self, bench: "Bench", evse: Evse) -> None:
        self._bench, self.evse = bench, evse
        self._virtual = evse.virtual.charge_point

    async def go_offline(self) -> None:
        """The connection to the CPO breaks; the charge point goes on working."""
        await bounded(self._bench, f"{self._virtual.id} goes offline", self._virtual.go_offline(), 10)

    async def go_online(self) -> None:
        """It connects again and delivers what it kept."""
        await bounded(self._bench, f"{self._virtual.id} comes back", self._virtual.go_online(), 30)

    async def reboot(self) -> None:
        """It restarts; what runs ends."""
        await bounded(self._bench, f"{self._virtual.id} reboots", self._virtual.reboot(), 30)

    async def loses_power(self, *, seconds: float) -> None:
        """No mains for so long: charging ends at once, and that is told once it is back."""
        await bounded(self._bench, f"power cut at {self._virtual.id}", self._virtual.power_cut(seconds), seconds + 40)

    async def set_unavailable(self) -> None:
        """Taken out of service as a whole: each of its EVSEs says so, in OCPP 1.6 the charge point (connector 0) too."""
        await bounded(self._bench, f"{self._virtual.id} goes out of service", self._virtual.set_unavailable(), 15)

    async def set_available(self) -> None:
        """Back in service as a whole."""
        await bounded(self._bench, f"{self._virtual.id} is back in service", self._virtual.set_available(), 15)

    async def controller_faults(self) -> None:
        """Connector 0 of OCPP 1.6 says Faulted, the EVSEs say nothing; OCPP 2.0.1 has no word for it."""
        await bounded(self._bench, f"controller fault of {self._virtual.id}", self._virtual.controller_fault(), 15)

    async def controller_recovers(self) -> None:
        """Connector 0 says Available again."""
        await bounded(
            self._bench, f"controller of {self._virtual.id} recovers", self._virtual.clear_controller_fault(), 15
        )

    async def shows(self, *evse_status: str, within: float = 10) -> None:
        """Wait until the hub has one of these statuses for each of its EVSEs the hub knows; if not, the rules speak."""
        known = [evse for evse in self._bench.evses if evse.is_known]
        await self._bench.together(*(evse.shows(*evse_status, within=within) for evse in known))

    def loses_the_answer_to(self, moment: Literal["begin", "end"]) -> None:
        """The connection breaks while the CPO answers to the next begin or end of a transaction: it is told once more."""
        self._virtual.lose_answer(moment)

    def answers_after(self, seconds: float) -> None:
        """Every OCPP answer takes that long from now on."""
        self._virtual.latency = seconds
