"""Many charge points in one process."""

import asyncio
import time

from simulator.fleet import Fleet
from tests.simulator.central import Observations
from tests.simulator.stage import fleet_json, quick
from tests.simulator.test_odd_cpo import Raw, usual


async def test_hundreds_connect_and_charge_cheaply() -> None:
    """Three hundred charge points connect and charge at once, with few tasks each and no thread of their own."""
    import threading

    from websockets.asyncio.server import serve

    raw = Raw(usual)
    settings = quick(check_schemas=False, observe_calls=False, meter_interval=60, vehicle_power_kw=50.0)
    threads = threading.active_count()
    async with serve(raw.serve, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        before = len(asyncio.all_tasks())
        async with Fleet(fleet_json(300), url, Observations(), settings=settings) as fleet:
            await fleet.connected(within=20)
            cpu = time.process_time()
            for evse in fleet.evses:
                await evse.plug_in()
                await evse.start_locally("CARD")
            await asyncio.gather(*(evse.reaches("Charging", within=20) for evse in fleet.evses))
            await asyncio.gather(*(evse.deliver(kwh=0.002, within=20) for evse in fleet.evses))
            assert time.process_time() - cpu < 10
            # One for the charge point, one that talks, one keep-alive; as many again at the server's side.
            assert len(asyncio.all_tasks()) - before < 300 * 6 + 50
            assert threading.active_count() - threads < 10
        assert sum(action == "StartTransaction" for action, _ in raw.calls) == 300


async def test_same_seed_same_meters() -> None:
    """Meters of a fleet depend on its seed only."""

    def meters(seed: int) -> list[int]:
        fleet = Fleet(fleet_json(5, 2), "ws://127.0.0.1:1", Observations(), seed=seed)
        return [evse.meter_wh for evse in fleet.evses]

    assert meters(1) == meters(1) != meters(2)
