"""A virtual charge point: the box that speaks OCPP, with one or more EVSEs and no RFID reader."""

import asyncio
import random
import ssl
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from simulator.configuration import Configuration
from simulator.evse import VirtualEvse
from simulator.evse_core import EvseCore
from simulator.meter import Meter
from simulator.modem import Modem, Moment
from simulator.outbox import Outbox
from simulator.security import OcppSecurity
from simulator.settings import FleetSettings
from simulator.transaction import Transaction
from simulator.voice import Observe, Voice
from simulator.waiting import Bell, StationError


class TaskOwner(Protocol):
    """Who owns tasks that outlive the call that starts them."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until it is done or the owner ends."""


class ChargePoint(Voice):
    """One charge point of a fleet. `latency` and `jitter` (seconds) may be changed at any time."""

    def __init__(
        self, entry: Mapping[str, Any], url: str, security: OcppSecurity, tls: ssl.SSLContext | None,
        observe: Observe, settings: FleetSettings, rng: random.Random, gate: asyncio.Semaphore,
        watch: Callable[[EvseCore], None], owner: TaskOwner,
    ) -> None:  # fmt: skip
        self.id = str(entry["id"])
        self.ocpp_version = str(entry.get("ocpp_version", "1.6"))
        self.security = security
        self.tls = tls
        self.password = security.password_of(self.id)
        self.settings = settings
        self.latency = settings.latency
        self.jitter = settings.jitter
        self.watch = watch
        self.operative = True
        self.error_code = "NoError"
        self.outbox = Outbox()
        self._observe = observe
        self._rng = rng
        self._owner = owner
        self._bell = Bell()
        self._powered = True
        self._restarting = False
        self.evses = tuple(self._evse(item, number) for number, item in enumerate(entry["evses"], 1))
        self.by_connector = {evse.connector_id: evse for evse in self.evses}
        self.configuration = Configuration(self)
        self.modem = Modem(self, url, rng, gate)

    def _evse(self, item: Mapping[str, Any], number: int) -> VirtualEvse:
        record = item.get("data_record") or {}
        signs = record.get("CalibrationLawDataAvailability") == "External"
        start_wh = float(self._rng.randrange(100_000, 9_000_000))
        meter = Meter(f"{self.id}-M{number}", start_wh, signs=signs)
        return VirtualEvse(self, str(item["evse_id"]), int(item.get("connector_id", number)), record, meter)

    def __repr__(self) -> str:
        return f"<charge point {self.id}: {'connected' if self.online else 'not connected'}>"

    # --- what can be seen --------------------------------------------------------------------------------------------

    @property
    def accepting(self) -> bool:
        """Ready for a start: connected and not about to restart."""
        return self.online and not self._restarting

    @property
    def own_status(self) -> str:
        """State of the charge point as a whole: connector 0 of OCPP 1.6."""
        if self.error_code != "NoError":
            return "Faulted"
        return "Available" if self.operative else "Unavailable"

    @property
    def undelivered(self) -> int:
        """Messages about transactions the CPO has not answered yet."""
        return self.outbox.pending

    @property
    def meter_interval(self) -> float:
        """Seconds between sampled meter values; infinite where the CPO switched them off."""
        seconds = self.configuration.seconds("MeterValueSampleInterval")
        return seconds if seconds > 0 else float("inf")

    @property
    def connection_timeout(self) -> float:
        """Seconds a driver has to plug in after an accepted start; infinite where the CPO set 0."""
        seconds = self.configuration.seconds("ConnectionTimeOut")
        return seconds if seconds > 0 else float("inf")

    @property
    def stops_for_invalid_tag(self) -> bool:
        """Whether a transaction ends when the CPO does not accept the driver."""
        return self.configuration.flag("StopTransactionOnInvalidId")

    # --- what a scenario does with it --------------------------------------------------------------------------------

    async def connected(self, *, within: float = 30.0) -> None:
        """Wait until the CPO accepted the boot, at most `within` seconds."""
        await self._bell.until(
            lambda: self.online, within, f"{self.id} connecting to {self.modem.url}", self._link_state
        )

    async def delivered(self, *, within: float = 30.0) -> None:
        """Wait until the CPO answered everything about transactions, at most `within` seconds."""
        await self._bell.until(
            lambda: self.outbox.pending == 0, within, f"{self.id} delivering its transactions",
            lambda: f"{self.outbox.pending} messages are left",
        )  # fmt: skip

    async def go_offline(self) -> None:
        """The network is lost; charging goes on and is reported later."""
        self.modem.disconnect("the network is lost (by scenario)", stay=True)
        await self._gone()

    async def go_online(self, *, within: float = 30.0) -> None:
        """The network is back; waits until the CPO has it again."""
        self.modem.reconnect()
        await self.connected(within=within)

    def lose_answer(self, moment: Moment) -> None:
        """The network breaks while the CPO answers to the next `begin` or `end` of a transaction: it is told once more."""
        self.modem.lose_answer(moment)

    async def reboot(self, *, hard: bool = False, within: float = 30.0) -> None:
        """Restart the charge point; a running transaction ends. Waits until it is connected again."""
        await self._restart(hard, "LocalReset")
        await self.connected(within=within)

    async def lose_power(self) -> None:
        """No more mains: charging ends, the connection is gone, nothing can be said until `restore_power`."""
        self._powered = False
        self.modem.disconnect("power lost (by scenario)", stay=True)
        self._end_all("PowerLoss", "AbnormalCondition")
        await self._gone()

    async def _gone(self) -> None:
        await self._bell.until(lambda: not self.modem.registered, 5.0, f"{self.id} losing the CPO", self._link_state)

    async def restore_power(self, *, within: float = 30.0) -> None:
        """Mains are back: it boots, reports the transactions the loss ended, and goes on."""
        if self._powered:
            raise StationError(f"restore power: {self.id} has power")
        self._powered = True
        self._power_up("PowerUp")
        await self.go_online(within=within)

    async def set_unavailable(self) -> None:
        """Out of service with all its EVSEs (after the transaction, where one runs)."""
        self.change_availability(0, False)

    async def set_available(self) -> None:
        """Into service again with all its EVSEs, if it was taken out of it."""
        if not self.operative:
            self.change_availability(0, True)

    async def controller_fault(self, error_code: str = "InternalError") -> None:
        """The main controller tells of a fault (connector 0 of OCPP 1.6, no word in 2.0.1); the EVSEs work on and tell of none."""
        self.error_code = error_code
        self._became()

    async def clear_controller_fault(self) -> None:
        """The fault of the controller is gone, if there was one."""
        if self.error_code != "NoError":
            self.error_code = "NoError"
            self._became()

    async def power_cut(self, seconds: float) -> None:
        """No mains for so long."""
        await self.lose_power()
        await asyncio.sleep(seconds)
        await self.restore_power()

    # --- what the CPO wants of it ------------------------------------------------------------------------------------

    def restart_soon(self, hard: bool) -> None:
        """Reset by the CPO, after the answer to it went out."""
        self._owner.start(self._restart(hard, "RemoteReset"))

    def restart_when_idle(self) -> None:
        """Reset by the CPO as soon as no transaction runs."""
        self._owner.start(self._restart_idle())

    async def _restart_idle(self) -> None:
        for evse in self.evses:
            await evse.transaction_ends(within=float("inf"))
        await self._restart(False, "ScheduledReset")

    async def _restart(self, hard: bool, reason: str) -> None:
        if self._restarting:
            return
        self._restarting = True
        self._end_all("HardReset" if hard else "SoftReset", "ResetCommand")
        if not hard and self.online:
            await self._settle_outbox()
        # Real firmware takes its time to go down too; a CPO has then surely read the answer to its Reset.
        await asyncio.sleep(self.settings.timing.boot / 2)
        await self.modem.hang_up("rebooting")
        await asyncio.sleep(self.settings.timing.boot / 2)
        self._power_up(reason)
        self._restarting = False
        self.modem.reconnect()

    async def _settle_outbox(self) -> None:
        """A soft reset stops transactions gracefully: give their messages a moment to get out."""
        try:
            async with asyncio.timeout(self.settings.timing.call_timeout):
                await self._drained()
        except TimeoutError:
            return

    async def _drained(self) -> None:
        await self._bell.until(lambda: self.outbox.pending == 0 or not self.online, float("inf"), "sending")

    def _end_all(self, reason: str, trigger: str) -> None:
        for evse in self.evses:
            evse.power_down(reason, trigger)

    def _power_up(self, reason: str) -> None:
        self.modem.boot_reason = reason
        for evse in self.evses:
            evse.power_up()

    def change_availability(self, connector_id: int, operative: bool) -> str:
        """Accepted, Scheduled or Rejected (no such connector). Connector 0 is the charge point with all its EVSEs."""
        if connector_id == 0:
            self.operative = operative
            answers = [evse.change_availability(operative) for evse in self.evses]
            self._became()
            return "Scheduled" if "Scheduled" in answers else "Accepted"
        evse = self.by_connector.get(connector_id)
        return "Rejected" if evse is None else evse.change_availability(operative)

    def pick(self, connector_id: int | None) -> VirtualEvse | None:
        """The EVSE a start is meant for; without a number the one a car is plugged in at, else a free one."""
        if connector_id is not None:
            return self.by_connector.get(connector_id)
        ranking = ("Preparing", "Available", "Reserved")
        able = [evse for evse in self.evses if evse.connector_status in ranking and evse.transaction is None]
        return min(able, key=lambda evse: ranking.index(evse.connector_status), default=self.evses[0])

    def transaction(self, ident: int | str) -> Transaction | None:
        """The running transaction with the CPO's id (OCPP 1.6) or ours (2.0.1)."""
        for evse in self.evses:
            running = evse.transaction
            if running is not None and ident in (running.transaction_id, running.reference):
                return running
        return None

    def _became(self) -> None:
        """The charge point as a whole has another state; where OCPP has a word for it, it is told."""
        self.seen("charge_point_status", connector_status=self.own_status, error_code=self.error_code)
        self.report_self()

    # --- inside ------------------------------------------------------------------------------------------------------

    def accepted(self) -> None:
        """The CPO accepted the boot (or the connection is back)."""
        self.seen("charge_point_connected")
        self.report_all()
        self._bell.ring()

    def said(self) -> None:
        """A message is off the outbox."""
        self._bell.ring()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        self.seen("charge_point_disconnected", reason=reason)
        self._bell.ring()

    async def delay(self) -> None:
        """Injected latency before a frame goes out."""
        if self.latency or self.jitter:
            await asyncio.sleep(max(0.0, self.latency + self._rng.uniform(-self.jitter, self.jitter)))

    def _link_state(self) -> str:
        if self.online:
            return f"{self.id} is connected"
        network = "" if self.modem.wanted else ", its network is off"
        return f"{self.id} is not connected{network}; last seen: {self.modem.last_trouble or 'nothing'}"
