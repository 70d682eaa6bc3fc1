"""Remote starts and stops that must be refused, with the code that names the cause, and requests that are odd but right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cpo.application import Application
from tests.cpo.doubles import Stage, TinyChargePoint, charge_point, fleet, kwh, running_cpo, stage

EVSE, OTHER = "DE*ABC*E1001*1", "DE*ABC*E1002*1"
START = "/api/oicp/charging/v21/providers/{}/authorize-remote/start"
STOP = "/api/oicp/charging/v21/providers/{}/authorize-remote/stop"


@asynccontextmanager
async def scene(folder: Path, *options: str) -> AsyncIterator[tuple[Stage, TinyChargePoint, Application]]:
    """A running CPO with one connected charge point; the other one is offline."""
    async with (
        stage(folder, fleet(2), "--command-timeout", "1", *options) as where,
        running_cpo(where) as cpo,
        charge_point(where) as box,
    ):
        yield where, box, cpo


def code(answer: Any) -> str:
    """The code of an acknowledgement; its `Result` agrees with it."""
    assert answer["Result"] is (answer["StatusCode"]["Code"] == "000")
    return str(answer["StatusCode"]["Code"])


async def test_refused_starts_name_the_cause_and_start_nothing(tmp_path: Path) -> None:
    """Unknown, unreachable, faulted, reserved, rejecting and silent: each has its code, and no record follows."""
    async with scene(tmp_path) as (where, box, _):
        assert code(await where.start("DE*ABC*E9999*1")) == "603"
        assert code(await where.start(OTHER)) == "501"
        await box.status("Faulted", "GroundFailure")
        assert code(await where.start(EVSE)) == "700"
        await box.status("Unavailable")
        assert code(await where.start(EVSE)) == "700"
        await box.status("Reserved")
        assert code(await where.start(EVSE)) == "601"
        await box.status("Charging")
        assert code(await where.start(EVSE)) == "602"
        await box.status("Preparing")
        assert box.commands == []
        box.accept = "Rejected"
        assert code(await where.start(EVSE)) == "501"
        box.accept = "Silence"
        assert code(await where.start(EVSE)) == "501"
        assert not where.hub.of("ChargeDetailRecord")


async def test_occupied_evse_is_refused_and_the_running_session_goes_on(tmp_path: Path) -> None:
    """A second driver gets 602, the first one keeps charging."""
    async with scene(tmp_path) as (where, box, _):
        assert code(await where.start(EVSE)) == "000"
        await box.started.wait()
        assert code(await where.start(EVSE)) == "602"
        assert len(box.commands) == 1


async def test_of_two_starts_at_the_same_instant_one_wins(tmp_path: Path) -> None:
    """Ten drivers press at once: one is accepted, the others get 602, one transaction begins."""
    async with scene(tmp_path) as (where, box, _):
        answers = await asyncio.gather(*(where.start(EVSE) for _ in range(10)))
        assert sorted(map(code, answers)) == ["000"] + ["602"] * 9
        assert len(box.commands) == 1


async def test_repeated_start_is_answered_alike_and_starts_nothing_again(tmp_path: Path) -> None:
    """The same SessionID, at once and later, gets the same answer; there is one transaction."""
    session_id = str(uuid4())
    async with scene(tmp_path) as (where, box, _):
        both = await asyncio.gather(where.start(EVSE, session_id), where.start(EVSE, session_id))
        await box.started.wait()
        assert [code(answer) for answer in (*both, await where.start(EVSE, session_id))] == ["000"] * 3
        assert len(box.commands) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"EvseID": "de*abc*e1001*1"}, "000"),
        ({"EvseID": "DEABCE10011"}, "000"),
        ({"ProviderID": "DE*DCB", "CPOPartnerSessionID": None, "Unknown": {"a": [1]}}, "000"),
        ({"Identification": {"RemoteIdentification": {"EvcoID": "DE*DCB*123456*7"}}}, "000"),
        ({"PartnerProductID": "DE-DCB-NIGHT"}, "000"),
        ({"EvseID": None}, "022"),
        ({"SessionID": None}, "022"),
        ({"Identification": {"RFIDMifareFamilyIdentification": {"UID": "AABBCCDD"}}}, "022"),
        ({"Identification": "DE-DCB-C12345678-X"}, "022"),
    ],
)
async def test_start_is_read_leniently_and_what_is_missing_is_refused(
    tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    """Spelling, nulls and unknown members do not matter; missing members do."""
    async with scene(tmp_path) as (where, box, _):
        assert code(await where.start(EVSE, **change)) == expected
        assert len(box.commands) == (expected == "000")


async def test_paths_are_matched_in_any_spelling_and_nonsense_is_survived(tmp_path: Path) -> None:
    """Encoded ids reach the service; broken JSON, wrong methods and paths get a readable answer and do no harm."""
    async with scene(tmp_path) as (where, box, _):
        for provider in ("DE*EMP", "DE%2AEMP", "DE-EMP", "DEEMP"):
            assert code(await where.call(START.format(provider), {})) == "022"
        for raw in (b"", b"{", b"[]", b"\xff\xfe", b'{"SessionID": 1}', b"[" * 50_000):
            status, answer = await where.raw_call(STOP.format("DE-DCB"), raw)
            assert (status, code(answer)) == (200, "022")
        status, answer = await where.raw_call(START.format("DE-DCB"), b"x" * 600_000)
        assert (status, code(answer)) == (200, "022")
        assert (await where.raw_call(START.format("DE-DCB"), b"", "GET"))[0] == 405
        assert (await where.raw_call("/charging/v21/nowhere", b"{}"))[0] == 404
        assert code(await where.start(EVSE)) == "000"
        assert len(box.commands) == 1


async def test_refused_stops(tmp_path: Path) -> None:
    """Unknown session, other provider, other EVSE, rejected and over: refused, and the session is not touched."""
    session_id = str(uuid4())
    async with scene(tmp_path) as (where, box, _):
        assert code(await where.stop(EVSE, str(uuid4()))) == "400"
        assert code(await where.start(EVSE, session_id)) == "000"
        await box.started.wait()
        assert code(await where.stop(EVSE, session_id, ProviderID="DE-XYZ")) == "400"
        assert code(await where.stop(OTHER, session_id)) == "400"
        assert code(await where.stop("DE*ABC*E9999*1", session_id)) == "603"
        box.accept = "Rejected"
        assert code(await where.stop(EVSE, session_id)) == "501"
        assert not where.hub.of("ChargeDetailRecord")
        box.accept = "Accepted"
        assert code(await where.stop(EVSE, session_id)) == "000"
        await where.hub.receives("ChargeDetailRecord")
        assert code(await where.stop(EVSE, session_id)) == "400"
        assert len(where.hub.of("ChargeDetailRecord")) == 1


async def test_stop_before_the_transaction_keeps_its_word(tmp_path: Path) -> None:
    """The session waits a while, is closed with 0 kWh, and a transaction that begins even later is stopped without delay."""
    session_id = str(uuid4())
    async with scene(tmp_path, "--plug-in-timeout", "0.5") as (where, box, _):
        box.begin_by_itself = False
        assert code(await where.start(EVSE, session_id)) == "000"
        assert code(await where.stop(EVSE, session_id)) == "000"
        assert code(await where.stop(EVSE, session_id)) == "000"
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        assert record["ConsumedEnergy"] == 0
        answer = await box.begin(box.id_tag)
        assert answer.id_tag_info["status"] == "Invalid"
        await asyncio.wait_for(box.stopped.wait(), 5)
        assert len(where.hub.of("ChargeDetailRecord")) == 1


async def test_transaction_that_begins_after_the_stop_is_billed_with_its_energy(tmp_path: Path) -> None:
    """It was on its way when the stop came: not authorized any more, stopped at once, one record with what flowed."""
    session_id = str(uuid4())
    async with scene(tmp_path) as (where, box, _):
        box.begin_by_itself = False
        assert code(await where.start(EVSE, session_id)) == "000"
        assert code(await where.stop(EVSE, session_id)) == "000"
        assert code(await where.start(EVSE, session_id)) == "400"
        answer = await box.begin(box.id_tag)
        box.meter_wh += 20
        assert answer.id_tag_info["status"] == "Invalid"
        await asyncio.wait_for(box.stopped.wait(), 5)
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        assert len(where.hub.of("ChargeDetailRecord")) == 1
    assert (record["SessionID"], kwh(record["ConsumedEnergy"])) == (session_id, kwh("0.02"))


async def test_late_start_after_a_negative_answer_is_stopped(tmp_path: Path) -> None:
    """501 was answered; the charge point starts all the same and is stopped, and no record is sent."""
    async with scene(tmp_path) as (where, box, _):
        box.accept = "Silence"
        assert code(await where.start(EVSE)) == "501"
        box.accept = "Accepted"
    async with stage(tmp_path / ".", fleet(2)) as where, running_cpo(where), charge_point(where) as box:
        answer = await box.begin("OFOREIGNTOKEN")
        assert answer.id_tag_info["status"] == "Invalid"
        await asyncio.wait_for(box.stopped.wait(), 5)
        assert not where.hub.of("ChargeDetailRecord")


async def test_start_without_a_vehicle_ends_by_itself(tmp_path: Path) -> None:
    """Nobody plugs in: the accepted session is closed with 0 kWh after the time limit; or it is refused at once with 510."""
    async with scene(tmp_path, "--plug-in-timeout", "0.5") as (where, box, cpo):
        box.begin_by_itself, cpo.events.stable_after_s = False, 0.0
        assert code(await where.start(EVSE)) == "000"
        record = (await where.hub.receives("ChargeDetailRecord"))[0].body
        assert record["ConsumedEnergy"] == 0
    async with stage(tmp_path, fleet(1), "--no-vehicle", "refuse") as where, running_cpo(where), charge_point(where):
        assert code(await where.start(EVSE)) == "510"
