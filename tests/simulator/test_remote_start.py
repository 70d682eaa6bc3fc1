"""When a remote start is accepted, and what becomes of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from ocpp.v16 import call, call_result

from simulator.evse import VirtualEvse
from simulator.fleet import Fleet
from simulator.waiting import StationError, StationTimeout
from tests.simulator.central import Central, Observations
from tests.simulator.stage import EVSE, fleet_json, quick, until


@dataclass
class Scene:
    """A connected charge point with one EVSE and its central system."""

    central: Central
    fleet: Fleet
    evse: VirtualEvse
    seen: Observations


@asynccontextmanager
async def scene(**changes: Any) -> AsyncIterator[Scene]:
    """A scene; `changes` of the quick settings."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(), central.url, seen, settings=quick(**changes)) as fleet:
        await fleet.connected(within=5)
        yield Scene(central, fleet, fleet.evse(EVSE), seen)


async def charging(s: Scene) -> None:
    """Bring the EVSE to charging."""
    await s.evse.plug_in()
    assert await s.central.remote_start("CP-1") == "Accepted"
    await s.evse.reaches("Charging", within=5)


async def _finishing(s: Scene) -> None:
    await charging(s)
    await s.evse.stop_at_car()


async def _waiting(s: Scene) -> None:
    assert await s.central.remote_start("CP-1", "DE-DCB-C00000000-0") == "Accepted"


async def _refusing(s: Scene) -> None:
    s.evse.refuse_next_remote_start()


REJECTED: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "it charges": charging,
    "the cable of the last session is still in": _finishing,
    "somebody else was accepted and has not plugged in yet": _waiting,
    "it is faulted": lambda s: s.evse.fault("GroundFailure"),
    "it is out of service": lambda s: s.evse.set_unavailable(),
    "it is reserved for somebody else": lambda s: s.evse.reserve("SOMEBODY"),
    "it has a problem of its own": _refusing,
}


@pytest.mark.parametrize("why", REJECTED)
async def test_rejected_when(why: str) -> None:
    """A remote start is rejected when it must be, and nothing begins."""
    async with scene() as s:
        await REJECTED[why](s)
        before = len(s.central.of("StartTransaction"))
        assert await s.central.remote_start("CP-1") == "Rejected"
        assert len(s.central.of("StartTransaction")) == before
        assert s.seen.of("remote_start_received")[-1]["answer"] == "Rejected"


@pytest.mark.parametrize("connector_id", [0, 7])
async def test_no_such_connector(connector_id: int) -> None:
    """A start on connector 0 or on one that does not exist is rejected."""
    async with scene() as s:
        await s.evse.plug_in()
        with_schema = await s.central.ask("CP-1", call.RemoteStartTransaction("X", connector_id))
        assert with_schema.status == "Rejected"


async def test_start_before_the_cable() -> None:
    """A start without a vehicle waits for the cable; plugging in begins the session."""
    async with scene() as s:
        assert await s.central.remote_start("CP-1") == "Accepted"
        await s.evse.reaches("Preparing", within=5)
        assert not s.central.of("StartTransaction")
        await s.evse.plug_in()
        await s.evse.reaches("Charging", within=5)
        started = s.seen.of("transaction_started")[0]
        received = s.seen.of("remote_start_received")[0]
        assert s.seen.seen[started["remote_start"] - 1][1] is received
        assert (started["cause"], started["id_tag"]) == ("remote", "DE-DCB-C12345678-X")


async def test_nobody_plugs_in() -> None:
    """After the connection timeout the start is forgotten and the EVSE is free again, without a transaction."""
    async with scene(connection_timeout=1) as s:
        assert await s.central.remote_start("CP-1") == "Accepted"
        await s.evse.reaches("Available", within=5)
        await s.evse.plug_in()
        assert s.evse.connector_status == "Preparing"
        assert not s.seen.of("transaction_started")
        assert await s.central.remote_start("CP-1") == "Accepted"


async def test_driver_walks_away() -> None:
    """A driver who leaves without plugging in frees the EVSE at once."""
    async with scene() as s:
        await s.central.remote_start("CP-1")
        await s.evse.walk_away()
        await s.evse.reaches("Available", within=5)


async def test_the_one_it_is_reserved_for() -> None:
    """A reserved EVSE takes its own driver (in any letter case) and hands the reservation over."""
    async with scene() as s:
        await s.evse.reserve("de-dcb-c12345678-x", reservation_id=42)
        assert await s.central.remote_start("CP-1") == "Accepted"
        await s.evse.plug_in()
        await s.evse.reaches("Charging", within=5)
        assert s.central.of("StartTransaction")[0]["reservation_id"] == 42
        assert s.evse.reservation is None


@pytest.mark.parametrize("id_tag_status", ["Invalid", "Blocked", "Expired", "ConcurrentTx"])
async def test_a_driver_the_cpo_does_not_accept(id_tag_status: str) -> None:
    """If the answer to the start refuses the driver the transaction ends as DeAuthorized before any energy flows."""
    async with scene() as s:
        s.central.scripts["StartTransaction"] = lambda _: call_result.StartTransaction(7, {"status": id_tag_status})
        await s.evse.plug_in()
        await s.central.remote_start("CP-1")
        await s.evse.reaches("Finishing", within=5)
        await s.fleet.delivered(within=5)
        stop = s.central.of("StopTransaction")[0]
        assert (stop["reason"], stop["transaction_id"]) == ("DeAuthorized", 7)
        assert not s.seen.of("energy_started")


async def test_authorize_only_if_the_cpo_wants_it() -> None:
    """With AuthorizeRemoteTxRequests the CPO is asked about the driver first, without it never."""
    async with scene() as s:
        await charging(s)
        await s.evse.unplug()
        assert not s.central.of("Authorize")
        await s.central.ask("CP-1", call.ChangeConfiguration("AuthorizeRemoteTxRequests", "true"))
        await charging(s)
        assert s.central.of("Authorize") == [{"id_tag": "DE-DCB-C12345678-X"}]
        await s.evse.unplug()
        s.central.scripts["Authorize"] = lambda _: call_result.Authorize({"status": "Invalid"})
        await s.evse.plug_in()
        assert await s.central.remote_start("CP-1") == "Accepted"
        await until(lambda: len(s.seen.of("authorize")) == 2)
        assert s.evse.connector_status == "Preparing" and s.evse.transaction is None
        assert [a["answer"] for a in s.seen.of("authorize")] == ["Accepted", "Invalid"]


async def test_without_a_number_the_plugged_in_connector_starts() -> None:
    """A start without connectorId goes to the connector with a car, else to a free one."""
    seen = Observations()
    async with Central() as central, Fleet(fleet_json(1, 3), central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        await fleet.evse("DE*ABC*E1*2").plug_in()
        assert await central.remote_start("CP-1", connector_id=None) == "Accepted"
        await fleet.evse("DE*ABC*E1*2").reaches("Charging", within=5)
        assert await central.remote_start("CP-1", connector_id=None) == "Accepted"
        await fleet.evse("DE*ABC*E1*1").reaches("Preparing", within=5)


async def test_remote_stop_of_an_unknown_transaction() -> None:
    """A stop of a transaction that does not run is rejected and the one that runs goes on."""
    async with scene() as s:
        await charging(s)
        assert await s.central.remote_stop("CP-1", 4711) == "Rejected"
        assert s.evse.charging
        assert s.seen.of("remote_stop_received")[0]["answer"] == "Rejected"


async def test_a_car_that_only_pauses() -> None:
    """A car that is full but stays in the session leaves it suspended until somebody stops it."""
    from simulator.vehicle import Vehicle

    async with scene() as s:
        await s.evse.plug_in(Vehicle.needing(0.1, max_power_kw=4000, when_full="suspend"))
        await s.central.remote_start("CP-1")
        await s.evse.reaches("SuspendedEV", within=5)
        transaction = s.evse.transaction
        assert transaction is not None and transaction.transaction_id is not None
        assert await s.central.remote_stop("CP-1", int(transaction.transaction_id)) == "Accepted"
        await s.evse.reaches("Finishing", within=5)


async def test_meter_values_come_in_the_interval() -> None:
    """Sampled meter values carry register, power and state of charge, rise, and belong to the transaction."""
    async with scene(vehicle_power_kw=500.0) as s:
        await charging(s)
        await until(lambda: len(s.central.of("MeterValues")) == 2)
        await s.evse.unplug()
        await s.fleet.delivered(within=5)
        samples = [p["meter_value"][0]["sampled_value"] for p in s.central.of("MeterValues")]
        assert [sample["measurand"] for sample in samples[0]] == [
            "Energy.Active.Import.Register", "Power.Active.Import", "SoC",
        ]  # fmt: skip
        registers = [int(sample[0]["value"]) for sample in samples]
        assert s.central.of("StartTransaction")[0]["meter_start"] < registers[0] < registers[1]
        assert int(samples[0][1]["value"]) == 500_000
        assert {p["transaction_id"] for p in s.central.of("MeterValues")} == {101}


async def test_signed_values_reach_the_cpo() -> None:
    """Under calibration law the stop carries signed begin and end, and the public key can be read from the configuration."""
    seen = Observations()
    fleet_file = fleet_json(CalibrationLawDataAvailability="External")
    async with Central() as central, Fleet(fleet_file, central.url, seen, settings=quick()) as fleet:
        await fleet.connected(within=5)
        s = Scene(central, fleet, fleet.evse(EVSE), seen)
        await charging(s)
        await s.evse.stop_at_car()
        await fleet.delivered(within=5)
        data = central.of("StopTransaction")[0]["transaction_data"]
        signed = [v["value"] for entry in data for v in entry["sampled_value"] if v["format"] == "SignedData"]
        assert [text.split("|")[0] for text in signed] == ["OCMF", "OCMF"]
        assert '"TX":"B"' in signed[0] and '"TX":"E"' in signed[1]
        answer = await central.ask("CP-1", call.GetConfiguration(["MeterPublicKey1"]))
        assert len(answer.configuration_key[0]["value"]) > 100


async def test_a_card_at_the_reader() -> None:
    """A fleet with readers can be started by a card; the CPO is asked first."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.evse.start_locally("04A2B3C4")
        await s.evse.reaches("Charging", within=5)
        assert s.central.of("Authorize") == [{"id_tag": "04A2B3C4"}]
        assert s.seen.of("transaction_started")[0]["cause"] == "local"


async def test_cards_stop_a_session() -> None:
    """The card that began it without a question; another one only if the CPO says yes."""
    async with scene() as s:
        await s.evse.plug_in()
        await s.evse.present_card("04A2B3C4")
        await s.evse.reaches("Charging", within=5)
        s.central.scripts["Authorize"] = lambda _: call_result.Authorize({"status": "Invalid"})
        await s.evse.present_card("04FFFFFF")
        await until(lambda: len(s.seen.of("authorize")) == 2)
        assert s.evse.transaction is not None
        await s.evse.present_card("04a2b3c4")
        await s.evse.reaches("Finishing", within=5)
    assert [a["answer"] for a in s.seen.of("authorize")] == ["Accepted", "Invalid"]


async def test_helpers_say_what_is_the_case_instead() -> None:
    """A wait that runs out, or a verb that is impossible, names EVSE and present state."""
    async with scene() as s:
        with pytest.raises(StationTimeout, match=r"DE\*ABC\*E1\*1 becoming Charging .* is Available, no cable"):
            await s.evse.reaches("Charging", within=0.05)
        with pytest.raises(StationError, match="no cable"):
            await s.evse.unplug()
        with pytest.raises(StationError, match="nothing runs"):
            await s.evse.stop_at_car()
        await s.evse.plug_in()
        with pytest.raises(StationError, match="a car already"):
            await s.evse.plug_in()
        with pytest.raises(StationTimeout, match=r"delivering 1 kWh .*Preparing"):
            await s.evse.deliver(kwh=1, within=0.05)
        with pytest.raises(StationError, match="there is none"):
            await s.evse.clear_fault()
        with pytest.raises(ValueError, match="Chargin"):
            await s.evse.reaches("Chargin", within=1)


async def test_deliver_tells_that_the_session_ended_early() -> None:
    """Waiting for energy ends at once when the transaction does."""
    from simulator.vehicle import Vehicle

    async with scene() as s:
        await s.evse.plug_in(Vehicle.needing(0.2, max_power_kw=4000))
        await s.central.remote_start("CP-1")
        await s.evse.reaches("Charging", within=5)
        with pytest.raises(StationTimeout, match=r"ended after 0\.[0-2]"):
            await s.evse.deliver(kwh=5, within=30)
