"""The same job with a charge point that speaks OCPP 2.0.1."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from ocpp.routing import on
from ocpp.v201 import ChargePoint as Ocpp201
from ocpp.v201 import call, call_result
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.cpo.doubles import Stage, fleet, kwh, now, running_cpo, stage

EVSE = "DE*ABC*E1001*1"


class TinyStation(Ocpp201):  # type: ignore[misc]
    """A charging station of one EVSE whose transaction begins when the cable is plugged in."""

    def __init__(self, connection: Any) -> None:
        super().__init__("CP-1001", connection, response_timeout=10)
        self.transaction, self.seq, self.kwh = str(uuid4()), 0, 12.5
        self.authorized, self.ended = asyncio.Event(), asyncio.Event()
        self.work: set[asyncio.Task[Any]] = set()

    def spawn(self, coroutine: Any) -> None:
        """Do something beside the reader."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.work.add(task)
        task.add_done_callback(self.work.discard)

    async def event(self, kind: str, trigger: str, token: str | None = None, context: str | None = None) -> Any:
        """A TransactionEvent with the meter in kWh."""
        sample = {"value": self.kwh, "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "kWh"}}
        if context:
            sample |= {"context": context}
        self.seq += 1
        return await self.call(
            call.TransactionEvent(
                event_type=kind, timestamp=now(), trigger_reason=trigger, seq_no=self.seq,
                transaction_info={"transactionId": self.transaction, "chargingState": "Charging" if token else "EVConnected"},
                meter_value=[{"timestamp": now(), "sampledValue": [sample]}],
                evse={"id": 1, "connectorId": 1}, id_token={"idToken": token, "type": "Central"} if token else None,
            )
        )  # fmt: skip

    async def status(self, status: str) -> None:
        """Report the connector."""
        await self.call(call.StatusNotification(timestamp=now(), connector_status=status, evse_id=1, connector_id=1))

    async def _authorize(self, token: str) -> None:
        answer = await self.event("Updated", "RemoteStart", token)
        assert answer.id_token_info["status"] == "Accepted"
        self.authorized.set()

    async def _end(self) -> None:
        await self.event("Ended", "RemoteStop", context="Transaction.End")
        await self.status("Available")
        self.ended.set()

    @on("RequestStartTransaction")
    async def on_start(self, id_token: dict[str, Any], remote_start_id: int, **_: Any) -> Any:
        """Asked to start."""
        self.spawn(self._authorize(id_token["id_token"]))
        return call_result.RequestStartTransaction(status="Accepted")

    @on("RequestStopTransaction")
    async def on_stop(self, transaction_id: str, **_: Any) -> Any:
        """Asked to stop."""
        self.spawn(self._end())
        return call_result.RequestStopTransaction(
            status="Accepted" if transaction_id == self.transaction else "Rejected"
        )

    @on("TriggerMessage")
    async def on_trigger(self, **_: Any) -> Any:
        """Nothing to tell."""
        return call_result.TriggerMessage(status="NotImplemented")


@asynccontextmanager
async def station(where: Stage) -> AsyncIterator[TinyStation]:
    """A connected station."""
    async with connect(f"{where.ocpp_url}/CP-1001", subprotocols=["ocpp2.0.1"]) as connection:  # type: ignore[list-item]
        box = TinyStation(connection)
        reader = asyncio.get_running_loop().create_task(_read(box))
        try:
            await box.call(call.BootNotification(charging_station={"model": "T", "vendorName": "V"}, reason="PowerUp"))
            await box.status("Available")
            yield box
        finally:
            for task in (reader, *box.work):
                task.cancel()
            await asyncio.gather(reader, *box.work, return_exceptions=True)


async def _read(box: TinyStation) -> None:
    with contextlib.suppress(ConnectionClosed):
        await box.start()


async def begun(where: Stage, box: TinyStation, session_id: str) -> None:
    """Plugged in, then started remotely."""
    await box.status("Occupied")
    await box.event("Started", "CablePluggedIn", context="Transaction.Begin")
    assert (await where.start(EVSE, session_id))["Result"] is True
    await box.authorized.wait()


async def test_plug_in_remote_start_remote_stop(tmp_path: Path) -> None:
    """The transaction began with the plug, was authorized by the remote start and ended by the remote stop."""
    session_id = str(uuid4())
    async with stage(tmp_path, fleet(1, "2.0.1")) as where, running_cpo(where), station(where) as box:
        await begun(where, box, session_id)
        box.kwh = 15.754
        assert (await where.stop(EVSE, session_id))["Result"] is True
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")
    assert record["SessionID"] == session_id
    assert kwh(record["ConsumedEnergy"]) == kwh("3.254")
    assert (kwh(record["MeterValueStart"]), kwh(record["MeterValueEnd"])) == (kwh("12.5"), kwh("15.754"))
    assert record["SessionStart"] <= record["ChargingStart"] <= record["ChargingEnd"] <= record["SessionEnd"]


async def test_repeated_end_gives_no_second_record(tmp_path: Path) -> None:
    """The answer to the end got lost; the station repeats it."""
    async with stage(tmp_path, fleet(1, "2.0.1")) as where, running_cpo(where), station(where) as box:
        await begun(where, box, str(uuid4()))
        await box.event("Ended", "EVDeparted", context="Transaction.End")
        await where.hub.receives("ChargeDetailRecord")
        await box.event("Ended", "EVDeparted", context="Transaction.End")
        await box.status("Available")
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "Available")
        assert len(where.hub.of("ChargeDetailRecord")) == 1


async def test_unknown_token_is_invalid_and_stopped(tmp_path: Path) -> None:
    """Nobody authorized it: Invalid, and the transaction is ended."""
    async with stage(tmp_path, fleet(1, "2.0.1")) as where, running_cpo(where), station(where) as box:
        answer = await box.event("Started", "Authorized", "FOREIGN")
        assert answer.id_token_info["status"] == "Invalid"
        await asyncio.wait_for(box.ended.wait(), 5)
        assert not where.hub.of("ChargeDetailRecord")
