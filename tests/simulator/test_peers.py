"""Charge points against central systems nobody here wrote: npm's ocpp-rpc in strict mode and PyPI's ocpp-csms."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulator.fleet import Fleet
from simulator.security import OcppSecurity
from simulator.vehicle import Vehicle
from tests.simulator.central import Observations
from tests.simulator.stage import EVSE, fleet_json, quick, until

OCPP_RPC = "ocpp-rpc@2.2.1"
SCRIPT = Path(__file__).parent / "peers" / "strict_central_system.js"


@pytest.fixture(scope="module")
def ocpp_rpc() -> Path:
    """A folder with ocpp-rpc installed, kept between runs; skips where Node, npm or the registry is missing."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    folder = Path(tempfile.gettempdir()) / f"oicp-bench-peers-{os.getuid()}" / OCPP_RPC
    if (folder / "node_modules").is_dir():
        return folder
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(fresh), OCPP_RPC]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (subprocess.SubprocessError, OSError) as fault:
        shutil.rmtree(fresh, ignore_errors=True)
        pytest.skip(f"npm could not install {OCPP_RPC}: {fault}")
    with contextlib.suppress(OSError):  # another test process was quicker
        fresh.rename(folder)
    return folder if (folder / "node_modules").is_dir() else fresh


class StrictPeer:
    """The Node process and what it said."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[dict[str, Any]] = []
        self._numbers = 0

    async def read(self) -> None:
        """Take in its lines until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.said.append(json.loads(line))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Have it call CP-1; returns its line about the answer."""
        self._numbers += 1
        number = self._numbers
        assert self._process.stdin is not None
        command = {"number": number, "id": "CP-1", "method": method, "params": params}
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        await until(lambda: any(line.get("number") == number for line in self.said))
        return next(line for line in self.said if line.get("number") == number)

    def calls(self, action: str) -> list[dict[str, Any]]:
        """Payloads of the calls it got."""
        return [line["params"] for line in self.said if line.get("call") == action]

    def faults(self) -> list[dict[str, Any]]:
        """Everything it found fault with."""
        return [line for line in self.said if "fault" in line or "error" in line]


@contextlib.asynccontextmanager
async def strict_peer(folder: Path) -> AsyncIterator[tuple[StrictPeer, str]]:
    """The peer and its URL."""
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    process = await asyncio.create_subprocess_exec("node", str(SCRIPT), stdin=PIPE, stdout=PIPE, env=environment)
    peer = StrictPeer(process)
    async with asyncio.TaskGroup() as group:
        group.create_task(peer.read())
        try:
            await until(lambda: bool(peer.said), within=10)
            yield peer, f"ws://127.0.0.1:{peer.said[0]['port']}"
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()


START = {
    "1.6": ("RemoteStartTransaction", {"idTag": "DE-DCB-C12345678-X", "connectorId": 1}),
    "2.0.1": (
        "RequestStartTransaction",
        {"evseId": 1, "remoteStartId": 7, "idToken": {"idToken": "DE-DCB-C12345678-X", "type": "eMAID"}},
    ),
}


@pytest.mark.parametrize("version", START)
async def test_ocpp_rpc_finds_no_fault(ocpp_rpc: Path, version: str) -> None:
    """A strict central system finds no fault in a whole life: boot, charge, stop, fault, availability, reset, signed values."""
    fleet_file = fleet_json(version=version, CalibrationLawDataAvailability="External")
    async with strict_peer(ocpp_rpc) as (peer, url):
        async with Fleet(fleet_file, url, Observations(), settings=quick()) as fleet:
            await fleet.connected(within=10)
            evse = fleet.evse(EVSE)
            await evse.plug_in(Vehicle.needing(5, max_power_kw=4000))
            assert (await peer.ask(*START[version]))["answer"] == {"status": "Accepted"}
            await evse.reaches("Charging", within=5)
            await evse.deliver(kwh=1.3, within=10)
            assert evse.transaction is not None
            if version == "1.6":
                stop: tuple[str, dict[str, Any]] = (
                    "RemoteStopTransaction", {"transactionId": evse.transaction.transaction_id},
                )  # fmt: skip
            else:
                stop = ("RequestStopTransaction", {"transactionId": evse.transaction.reference})
            assert (await peer.ask(*stop))["answer"] == {"status": "Accepted"}
            await evse.reaches("Finishing", within=5)
            await evse.unplug()
            await evse.fault("GroundFailure")
            await evse.clear_fault()
            assert "answer" in await peer.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
            if version == "1.6":
                assert "answer" in await peer.ask("GetConfiguration", {})
            else:
                assert "answer" in await peer.ask("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"})
            await evse.charge_point.reboot(within=5)
            await fleet.delivered(within=5)
            await until(lambda: len(peer.calls("BootNotification")) == 3)
        assert peer.faults() == []
        done = "StopTransaction" if version == "1.6" else "TransactionEvent"
        assert peer.calls(done)
        assert peer.calls("MeterValues" if version == "1.6" else "NotifyReport")


async def test_ocpp_csms_sees_what_happened() -> None:
    """The central system of PyPI's ocpp-csms sees boot, states, readings, start and stop as they were."""
    csms = pytest.importorskip("ocpp_csms", reason="ocpp-csms is not installed")
    events: list[Any] = []
    async with csms.CentralSystem(host="127.0.0.1", port=0) as central:
        central.add_listener(events.append)
        url = f"ws://127.0.0.1:{central.port}/ocpp"
        async with Fleet(fleet_json(), url, Observations(), settings=quick()) as fleet:
            await fleet.connected(within=5)
            peer = central.charge_points["CP-1"]
            assert peer.boot.vendor == "OICP-BENCH"
            evse = fleet.evse(EVSE)
            await evse.plug_in()
            assert await peer.async_remote_start_transaction("DE-DCB-C12345678-X", 1) == "Accepted"
            await evse.reaches("Charging", within=5)
            await evse.deliver(kwh=1.2, within=10)
            transaction = peer.get_transaction(1)
            assert transaction is not None and transaction.id_tag == "DE-DCB-C12345678-X"
            await peer.async_remote_stop_transaction(transaction.transaction_id)
            await evse.reaches("Finishing", within=5)
            await fleet.delivered(within=5)
            stopped = [e for e in events if isinstance(e, csms.TransactionStoppedEvent)]
            assert stopped[0].transaction.meter_stop == evse.meter_wh
            assert peer.get_transaction(1) is None
            await until(lambda: peer.connectors[1].status == "Finishing")
            await evse.unplug()
            await peer.async_reset(csms.ResetType.SOFT)
            await until(lambda: sum(isinstance(e, csms.BootEvent) for e in events) == 2)
            await fleet.connected(within=5)


@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_ocpp_csms_asks_for_a_password(password: str) -> None:
    """It lets a charge point in with id and password by Basic auth, and not with a wrong one."""
    csms = pytest.importorskip("ocpp_csms", reason="ocpp-csms is not installed")

    async def authenticate(_: str, given: str | None) -> bool:
        return given == "secret"

    seen = Observations()
    async with csms.CentralSystem(host="127.0.0.1", port=0, authenticate=authenticate) as central:
        url, security = f"ws://127.0.0.1:{central.port}", OcppSecurity(password=password)
        async with Fleet(fleet_json(), url, seen, security=security, settings=quick()):
            await until(lambda: bool(seen.of("charge_point_connected", "charge_point_refused")))
    assert bool(seen.of("charge_point_connected")) is (password == "secret")
