"""The hub fails in every way it can: nothing is lost, nothing doubled, pushes stay one at a time."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from tests.cpo.doubles import OK, Stage, TinyChargePoint, charge_point, fleet, kwh, running_cpo, stage

EVSE = "DE*ABC*E1001*1"
HTML = "<html><body>502 Bad Gateway</body></html>"


def html(status: int) -> web.Response:
    """An answer of a proxy."""
    return web.Response(text=HTML, status=status, content_type="text/html", charset="iso-8859-1")


async def charged(where: Stage, box: TinyChargePoint, wh: int = 1500) -> str:
    """One session from start to stop."""
    session_id = str(uuid4())
    assert (await where.start(EVSE, session_id))["Result"]
    await box.started.wait()
    box.meter_wh += wh
    assert (await where.stop(EVSE, session_id))["Result"]
    return session_id


@pytest.mark.parametrize(
    ("plan", "attempts"),
    [
        ([(503, {})], 2),
        ([(429, {})] * 2, 3),
        (["drop"], 2),
        (["lose"], 2),
        ([html(502)], 2),
        ([html(200)], 2),
        ([(200, {"Result": False, "StatusCode": {"Code": "002"}})], 2),
        ([(200, {"Result": False, "StatusCode": {"Code": "021"}})], 2),
        ([(401, {"StatusCode": {"Code": "017", "Description": "Unauthorized Access"}})], 2),
        ([(500, {"StatusCode": {"Code": "001"}})], 2),
        ([(200, {"Result": True, "StatusCode": {"Code": "000", "Description": "whatever"}, "New": 1})], 1),
    ],
)
async def test_charge_detail_record_is_repeated_unchanged_until_it_arrived(
    tmp_path: Path, plan: list[Any], attempts: int
) -> None:
    """Every transient failure leads to the very same bytes again; then there is silence."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        where.hub.answers["ChargeDetailRecord"] = list(plan)
        await charged(where, box)
        sent = await where.hub.receives("ChargeDetailRecord", attempts)
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Occupied"])
        assert len({got.raw for got in sent}) == 1
        assert kwh(sent[0].body["ConsumedEnergy"]) == kwh("1.5")
        assert len(where.hub.of("ChargeDetailRecord")) == attempts


async def test_refused_record_is_corrected_and_not_repeated_for_ever(tmp_path: Path) -> None:
    """022 leads to a record cut down to what is needed; two corrections are tried, then a person has to look."""
    refused = (200, {"Result": False, "StatusCode": {"Code": "022"}})
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where) as cpo, charge_point(where) as box:
        where.hub.answers["ChargeDetailRecord"] = [refused]
        await charged(where, box)
        first, second = await where.hub.receives("ChargeDetailRecord", 2)
        assert "MeterValueStart" in first.body
        assert "MeterValueStart" not in second.body
        await where.hub.until(lambda: not cpo.outbox.of("ChargeDetailRecord"))


@pytest.mark.parametrize(
    "plan", [[(503, {})], ["drop"], [html(200)], [(429, {})], [(200, {"StatusCode": {"Code": "009"}})]]
)
async def test_first_full_load_is_repeated_and_status_waits_for_it(tmp_path: Path, plan: list[Any]) -> None:
    """Data before status, whatever happens to the first push."""
    async with stage(tmp_path, fleet(2)) as where:
        where.hub.answers["PushEvseData"] = list(plan)
        async with running_cpo(where):
            await where.hub.receives("PushEvseStatus")
    assert [got.operation for got in where.hub.got] == ["PushEvseData", "PushEvseData", "PushEvseStatus"]
    assert where.hub.got[1].body["ActionType"] == "fullLoad"


async def test_one_bad_record_does_not_keep_the_others_away(tmp_path: Path) -> None:
    """The record the hub complains of is left out; the others are pushed as a full load."""
    errors = [{"fieldReference": "operatorEvseData.evseDataRecord[1].plugs", "errorMessage": "may not be empty"}]
    refused = (400, {"message": "Error parsing/validating JSON.", "validationErrors": errors})
    async with stage(tmp_path, fleet(3)) as where:
        where.hub.answers["PushEvseData"] = [refused]
        async with running_cpo(where):
            await where.hub.receives("PushEvseStatus")
    ids = [r["EvseID"] for r in where.hub.of("PushEvseData")[1].body["OperatorEvseData"]["EvseDataRecord"]]
    statuses = [r["EvseID"] for r in where.hub.of("PushEvseStatus")[0].body["OperatorEvseStatus"]["EvseStatusRecord"]]
    assert ids == statuses == ["DE*ABC*E1001*1", "DE*ABC*E1003*1"]


async def test_records_go_one_by_one_where_the_hub_does_not_say_which_is_bad(tmp_path: Path) -> None:
    """018 for the whole: the good ones get in by inserts."""
    inconsistent = (200, {"Result": False, "StatusCode": {"Code": "018"}})
    async with stage(tmp_path, fleet(3)) as where:
        where.hub.answers["PushEvseData"] = [inconsistent, (200, OK), inconsistent, (200, OK)]
        async with running_cpo(where) as cpo:
            await where.hub.receives("PushEvseData", 4)
            await where.hub.until(lambda: sum(cpo.data_push.knows(evse) for evse in cpo.fleet.evses()) == 2)
    assert [got.body["ActionType"] for got in where.hub.of("PushEvseData")] == ["fullLoad"] + ["insert"] * 3


async def test_hub_that_forgot_everything_gets_data_and_status_again(tmp_path: Path) -> None:
    """603 for a status leads to a full load of data, then of status."""
    missing = (200, {"Result": False, "StatusCode": {"Code": "603"}})
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Available"])
        where.hub.answers["PushEvseStatus"] = [missing]
        await box.status("Faulted", "OtherError")
        await where.hub.receives("PushEvseData", 2)
        await where.hub.until(lambda: where.hub.of("PushEvseStatus")[-1].body["ActionType"] == "fullLoad")
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1] == "OutOfService")


async def test_statuses_after_an_outage_are_the_present_ones(tmp_path: Path) -> None:
    """Two changes meet 503; afterwards the hub knows the last one."""
    async with stage(tmp_path, fleet(1)) as where, running_cpo(where), charge_point(where) as box:
        await where.hub.until(lambda: where.hub.pushed(EVSE)[-1:] == ["Available"])
        where.hub.answers["PushEvseStatus"] = [(503, {}), "drop", (429, {})]
        await box.status("Faulted", "OtherError")
        await box.status("Available")
        await box.status("Preparing")
        await where.hub.until(
            lambda: where.hub.pushed(EVSE)[-1] == "Occupied" and not where.hub.answers["PushEvseStatus"]
        )
        assert not any(got.overlap for got in where.hub.got)
