"""The stage: brings up hub, CPO and fleet in this order, takes them down in reverse, whatever happens."""

import asyncio
import errno
import json
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from bench import pki
from bench.config import BenchConfig, ConfigError, CpoTable
from bench.external import RealFleet
from bench.hooks import Ask, Hooks
from bench.journal import Journal
from bench.kept_out import mend
from bench.ports import endpoint
from bench.probe import probe
from bench.process import CannotStart, CpoProcess, accepts
from fake_hubject.certificates import Authority, BadCertificate
from fake_hubject.hub import Hub
from fake_hubject.recorder import Recorder
from oicp.curtain import CURTAIN
from oicp.limits import LIMITS
from oicp.sessions import folded
from simulator.fleet import Fleet
from simulator.fleet_file import FleetFileError, load_fleet
from simulator.security import BadSecurity
from simulator.waiting import StationTimeout

if TYPE_CHECKING:
    from simulator.evse import VirtualEvse
    from tap.wire import Tap


class StageError(Exception):
    """Hub, CPO or fleet could not be brought up; the message says what and how to mend it. `status`: exit status."""

    def __init__(self, message: str, status: int = 3) -> None:
        super().__init__(message)
        self.status = status


class Stage:
    """Hub, CPO and fleet of one run. Use as `async with`; `cpo_died` is set if the CPO ends by itself."""

    def __init__(
        self, config: BenchConfig, fleet: Mapping[str, Any], out: Path, recorder: Recorder, *, seed: int = 0,
        ask: Ask | None = None, tap: bool = False,
    ) -> None:  # fmt: skip
        if config.cpo is None:
            raise ValueError("complete the config by with_reference_cpo first")
        self.config, self.cpo, self.fleet_json, self.out = config, config.cpo, fleet, out
        self.recorder, self.seed, self.journal = recorder, seed, Journal()
        self._ask, self._tap = ask, tap
        self._exits = AsyncExitStack()
        self._expected_exits: set[int] = set()
        self._watchers: set[asyncio.Task[None]] = set()
        self.cpo_died: asyncio.Future[str] | None = None
        self.process: CpoProcess | None = None
        self.fleet: Fleet | None = None
        self.troubles: list[str] = []
        self.waited_in_vain: set[str] = set()
        self.asked_to_push = False

    # --- up and down --------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        async with self._exits:
            try:
                await self._bring_up()
            except BaseException:
                self._curtain()
                raise
            self._exits = self._exits.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._curtain()
        await self._exits.aclose()

    def _curtain(self) -> None:
        self.recorder.observe(CURTAIN)

    async def _bring_up(self) -> None:
        self.cpo_died = asyncio.get_running_loop().create_future()
        self._exits.callback(self.cpo_died.cancel)
        self._exits.enter_context(self.recorder.listening(self.journal))
        self._make_certificates()
        self.recorder.observe("fleet", fleet=self.fleet_json)
        await self._bring_up_hub()
        self.hooks = Hooks(
            self.cpo.hooks.configured(), self.recorder, restart=self.restart_cpo, ask=self._ask,
            environment=self.environment, folder=self._working_directory,
        )  # fmt: skip
        if self.cpo.command:
            self._exits.push_async_callback(self._end_watchers)
            self._exits.push_async_callback(self.stop_cpo)
            await self.start_cpo()
        else:
            await self._ready(None)
        await self._probe()
        if not self.config.fleet.external:
            await self._bring_up_fleet()

    def _make_certificates(self) -> None:
        folder = self.config.path(self.config.pki.folder) if self.config.pki.folder else self.out / "pki"
        try:
            self.authority = Authority.ensure(folder)
            self.client = pki.cpo_client(self.authority, self.cpo.operator_id)
            hosts = {"localhost", "127.0.0.1", endpoint(self.cpo.oicp_url)[0]}
            if self.cpo.ocpp_url:
                hosts.add(endpoint(self.cpo.ocpp_url)[0])
            self.server = pki.cpo_server(self.authority, hosts)
        except BadCertificate as fault:
            raise StageError(f"[pki] folder: {fault}") from None
        except OSError as fault:
            raise StageError(f"[pki] folder {folder}: {fault.strerror or fault}") from None

    async def _bring_up_hub(self) -> None:
        from bench.hub_setup import make_hub

        folder = self.out if self._tap else None
        self.hub: Hub = make_hub(self.config, self.cpo, self.recorder, self.authority, folder)
        try:
            await self._exits.enter_async_context(self.hub)
        except OSError as fault:
            table = self.config.hub
            mend = "leave `port` out to take a free one"
            if fault.errno == errno.EADDRNOTAVAIL or isinstance(fault, socket.gaierror):
                mend = "`host` is an address of this machine; a name for others goes into `public_url`"
            why = (fault.strerror or str(fault)).partition(" (while")[0]
            raise StageError(
                f"{self.config.source}: [hub] host = {table.host!r}, port = {table.port}: the hub cannot listen there: {why}; {mend}"
            ) from None

    async def _bring_up_fleet(self) -> None:
        from bench.fleet_setup import make_fleet

        try:
            fleet = make_fleet(self.config, self.cpo, self.fleet_json, self.recorder, self.authority, self.seed)
        except BadSecurity as fault:
            raise StageError(f"{self.config.source}: {fault}") from None
        self.fleet = await self._exits.enter_async_context(fleet)
        connected = asyncio.ensure_future(self.fleet.connected(within=self.cpo.ready_within))
        watched: list[asyncio.Future[Any]] = [connected]
        if self.cpo_died is not None:
            watched.append(self.cpo_died)
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connected.cancel()
            (outcome,) = await asyncio.gather(connected, return_exceptions=True)
        # charge points that cannot connect are seen by their observations; scenarios on them are blocked, the others run
        if isinstance(outcome, StationTimeout):
            self.recorder.observe("note", text=f"not all charge points are connected: {outcome}")
            last = next((cp.modem.last_trouble for cp in fleet.charge_points if not cp.online), None)
            advice = mend(last, self.cpo, self.config.fleet)
            self.troubles.append(
                f"[cpo] ocpp_url = {self.cpo.ocpp_url!r}: {outcome}" + (f"; {advice}" if advice else "")
            )
        elif isinstance(outcome, Exception):
            raise outcome

    # --- the CPO ------------------------------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """Environment of `[cpo] command`, section 3 of the contract."""
        fleet_file = self.out / "fleet.json"
        values = {
            "HUB_URL": self.config.hub.public_url or self.hub.url,
            "OPERATOR_ID": self.cpo.operator_id,
            "CA_FILE": self.authority.ca_file.resolve(),
            "CLIENT_CERT_FILE": self.client.cert_file.resolve(),
            "CLIENT_KEY_FILE": self.client.key_file.resolve(),
            "SERVER_CERT_FILE": self.server.cert_file.resolve(),
            "SERVER_KEY_FILE": self.server.key_file.resolve(),
            "CPO_URL": self.cpo.oicp_url,
            "OCPP_URL": self.cpo.ocpp_url or "",
            "FLEET_FILE": fleet_file.resolve(),
        }
        return {f"OICP_BENCH_{name}": str(value) for name, value in values.items()}

    @property
    def _working_directory(self) -> Path:
        return self.config.path(self.cpo.working_directory or ".")

    async def start_cpo(self) -> None:
        """Start `[cpo] command` and wait until it accepts on both ports. Raises `StageError` if it never does."""
        (self.out / "fleet.json").write_text(
            json.dumps(self.fleet_json, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        folder = self._working_directory
        process = CpoProcess(self.cpo.command, self.environment, folder, self.out / "cpo.log")
        if self.process is None:
            await self._look_for_strangers()
        try:
            pid = await process.start()
        except CannotStart as fault:
            raise StageError(f"{self.config.source}: {fault}") from None
        self.process = process
        await self._ready(process)
        self.recorder.observe("cpo_started", pid=pid)
        watcher = asyncio.create_task(self._watch(process), name="watch the CPO")
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _look_for_strangers(self) -> None:
        """Tell of somebody at the addresses before the CPO is started: a proxy, or a CPO left from a former run."""
        for key, url in (("oicp_url", self.cpo.oicp_url), ("ocpp_url", self.cpo.ocpp_url)):
            if url and await accepts(*endpoint(url), 0):
                told = f"[cpo] {key} = {url!r}: something listened there before `command` was started"
                self.recorder.observe("note", text=told)
                self.troubles.append(f"{told}; unless that is a proxy of yours, stop it: it is tested instead")

    async def stop_cpo(self, *, kill: bool = False) -> None:
        """End it: SIGTERM, after 10 s SIGKILL; with `kill` SIGKILL at once."""
        process = self.process
        if process is None or process.pid is None:
            return
        was_running = process.running
        self._expected_exits.add(process.pid)
        await (process.kill() if kill else process.stop())
        if was_running:
            self.recorder.observe("cpo_exited", exit_status=process.exit_status, expected=True)

    async def restart_cpo(self, *, kill: bool = False) -> None:
        """Stop and start it again; charge points come back by themselves."""
        await self.stop_cpo(kill=kill)
        await self.start_cpo()
        self.recorder.observe("cpo_restarted", how="killed" if kill else "stopped and started")

    async def _ready(self, process: CpoProcess | None) -> None:
        urls = [("oicp_url", self.cpo.oicp_url)]
        if self.cpo.ocpp_url and not self.config.fleet.external:
            urls.append(("ocpp_url", self.cpo.ocpp_url))
        deadline = self.recorder.now() + self.cpo.ready_within
        for key, url in urls:
            host, port = endpoint(url)
            within = max(0.1, deadline - self.recorder.now())
            if not await accepts(host, port, within, lambda: process is None or process.running):
                raise await self._not_ready(key, url, process)

    async def _not_ready(self, key: str, url: str, process: CpoProcess | None) -> StageError:
        if process is None:
            return StageError(
                f"{self.config.source}: [cpo] {key} = {url!r}: nobody accepts connections there within "
                f"{self.cpo.ready_within:g} s; start the CPO first, or give its `command`", 2,
            )  # fmt: skip
        words = process.last_words()
        end = f"\nits last output ({process.log}):\n{words}" if words else f"\nit wrote nothing to {process.log}"
        shown = " ".join(process.command)
        if not process.running:
            self.recorder.observe("cpo_exited", exit_status=process.exit_status, expected=False)
            return StageError(f"the CPO ({shown}) ended with status {process.exit_status} before it was ready{end}", 2)
        return StageError(
            f"the CPO ({shown}) does not accept connections at {key} = {url} within ready_within = "
            f"{self.cpo.ready_within:g} s{end}", 2,
        )  # fmt: skip

    async def _watch(self, process: CpoProcess) -> None:
        status = await process.ended()
        if process.pid in self._expected_exits or self.cpo_died is None:
            return
        self.recorder.observe("cpo_exited", exit_status=status, expected=False)
        if not self.cpo_died.done():
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            self.cpo_died.set_result(
                f"the CPO {how} during the run; its last output ({process.log}):\n{process.last_words()}"
            )

    async def _end_watchers(self) -> None:
        for watcher in tuple(self._watchers):
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    async def _probe(self) -> None:
        # the hub's own client certificate is not needed here: only handshakes are looked at
        found = await probe(
            self.cpo.oicp_url, ca_file=self.authority.ca_file, certificate=self.probe_pair.cert_file,
            key=self.probe_pair.key_file,
        )  # fmt: skip
        self.recorder.observe("connection_probe", **found.data())

    @property
    def probe_pair(self) -> pki.Pair:
        """A client certificate of the CA for probes."""
        return pki.cpo_client(self.authority, "HUB")

    @property
    def tap(self) -> "Tap | None":
        """The tap between CPO and hub, None if there is none."""
        return getattr(self.hub, "tap", None)

    # --- facts --------------------------------------------------------------------------------------------------------

    @property
    def evse_ids(self) -> tuple[str, ...]:
        """All EVSEs of the fleet."""
        return tuple(e["evse_id"] for cp in self.fleet_json["charge_points"] for e in cp["evses"])

    @property
    def open_evse_ids(self) -> tuple[str, ...]:
        """Those open for roaming."""
        every = (e for cp in self.fleet_json["charge_points"] for e in cp["evses"])
        records = ((e["evse_id"], e.get("data_record") or {}) for e in every)  # the backend may have its own
        return tuple(evse_id for evse_id, record in records if record.get("IsHubjectCompatible") is not False)

    @property
    def provider_ids(self) -> tuple[str, ...]:
        """EMPs whose drivers the bench plays."""
        from bench.hub_setup import PROVIDERS

        return PROVIDERS

    def tolerance(self, name: str) -> float:
        """Seconds the judgement uses, as `reserved_push_s`; `[suite.tolerances]` may change them."""
        return self.config.suite.tolerances.get(name, LIMITS[name])

    def record_at_hub(self, evse_id: str) -> dict[str, Any] | None:
        """EvseDataRecord the hub has of an EVSE."""
        found = {folded(k): v for k, v in self.hub.evse_data(self.cpo.operator_id).items()}.get(folded(evse_id))
        return None if found is None else dict(getattr(found, "record", found))

    def evses(self) -> "tuple[VirtualEvse, ...]":
        """All EVSEs: virtual ones, or real ones that a person operates (they have the same verbs)."""
        if self.fleet is not None:
            return tuple(self.fleet.evse(i) for i in self.evse_ids)
        real = RealFleet(self.fleet_json, self.hooks.asks)
        return cast("tuple[VirtualEvse, ...]", real.evses)


def read_fleet(config: BenchConfig, cpo: CpoTable, seed: int) -> dict[str, Any]:
    """The fleet of the config: a file, or generated from the seed. Raises `ConfigError`."""
    from bench.fleet_setup import generated

    if config.fleet.file is None:
        return generated(config.fleet, cpo.operator_id, seed, config.suite.profiles)
    try:
        return load_fleet(config.path(config.fleet.file), config.fleet.ocpp_version)
    except FleetFileError as fault:
        raise ConfigError(f"{config.source}: [fleet] file: {fault}") from None
