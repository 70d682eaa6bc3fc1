"""The CPO as a process: restarts, SIGKILL, SIGTERM, wrong settings, two databases."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.cpo import kill9
from tests.cpo.doubles import EVCO_ID, Stage, charge_point, fleet, kwh, process, running_cpo, stage

EVSE = "DE*ABC*E1001*1"


async def ended(cpo: asyncio.subprocess.Process, number: int = signal.SIGTERM) -> int:
    """Exit status after a signal, within a few seconds."""
    cpo.send_signal(number)
    return await asyncio.wait_for(cpo.wait(), 8)


async def test_session_and_pending_record_survive_a_restart_and_sigterm_is_clean(tmp_path: Path) -> None:
    """Restart while charging, then while the hub is unreachable: one record, with everything of the start."""
    session_id = str(uuid4())
    async with stage(tmp_path, fleet(1)) as where:
        cpo = await process(where)
        async with charge_point(where) as box:
            assert (await where.start(EVSE, session_id))["Result"]
            await box.started.wait()
            transaction_id = box.transaction_id
        assert await ended(cpo) == 0
        cpo = await process(where)
        where.hub.answers["ChargeDetailRecord"] = [(503, {})] * 2
        async with charge_point(where, boot=False) as box:
            box.transaction_id, box.meter_wh = transaction_id, 3345
            await box.end("EVDisconnected")
            await where.hub.receives("ChargeDetailRecord", 1)
        cpo.kill()
        await cpo.wait()
        cpo = await process(where)
        await where.hub.until(lambda: session_id in where.hub.closed)
        record = where.hub.of("ChargeDetailRecord")[-1].body
        assert await ended(cpo, signal.SIGINT) == 0
    assert record["Identification"] == {"RemoteIdentification": {"EvcoID": EVCO_ID}}
    assert (record["EvseID"], record["EMPPartnerSessionID"]) == (EVSE, "emp-1")
    assert kwh(record["ConsumedEnergy"]) == kwh("2.345")
    assert len({got.raw for got in where.hub.of("ChargeDetailRecord")}) == 1


async def test_kill_9_at_random_moments_neither_loses_nor_doubles_a_record(tmp_path: Path) -> None:
    """Two seeded trials side by side; `python -m tests.cpo.kill9` plays fifty."""
    for name in ("0", "1"):
        (tmp_path / name).mkdir()
    found = await asyncio.gather(
        *(kill9.trial(100 + n, tmp_path / str(n), charge_points=2, starts=3) for n in range(2))
    )
    assert sum(counts["sessions"] for counts in found) > 0
    for counts in found:
        assert (counts["lost"], counts["doubled"], counts["wrong energy"]) == (0, 0, 0)


async def postgres_url() -> str:
    """The PostgreSQL of the environment, emptied; the test is skipped without one."""
    url = os.environ.get("OICP_BENCH_POSTGRES_URL")
    if not url:
        pytest.skip("OICP_BENCH_POSTGRES_URL is not set")

    def empty() -> None:
        from cpo.storage import METADATA

        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
        METADATA.drop_all(engine)
        engine.dispose()

    await asyncio.to_thread(empty)
    return url


async def test_the_same_on_postgresql(tmp_path: Path) -> None:
    """A session, a kill, a record: in PostgreSQL as in SQLite."""
    counts = await kill9.trial(7, tmp_path, "--database", await postgres_url(), charge_points=2, starts=3)
    assert counts["sessions"] > 0
    assert (counts["lost"], counts["doubled"], counts["wrong energy"]) == (0, 0, 0)


async def refused_to_start(where: Stage, **changes: str) -> str:
    """What the CPO says when it exits with 3."""
    environment = {**os.environ, **where.environment, "PYTHONPATH": str(Path(__file__).resolve().parents[2])} | changes
    cpo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cpo", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, said = await asyncio.wait_for(cpo.communicate(), 20)
    assert cpo.returncode == 3, said
    return said.decode()


async def test_wrong_settings_end_with_one_sentence(tmp_path: Path) -> None:
    """Exit status 3, one line, no traceback: for a key that does not fit, a port that is taken, a fleet that is none."""
    async with stage(tmp_path, fleet(1)) as where:
        broken = tmp_path / "broken.json"
        broken.write_text(
            '{"charge_points": [{"id": "CP-1", "evses": [{"evse_id": "DE*ABC*E1", "connector_id": "1"}]}]}'
        )
        key = where.environment["OICP_BENCH_SERVER_KEY_FILE"]
        taken = f"https://127.0.0.1:{where.hub.port}"
        said = [
            await refused_to_start(where, OICP_BENCH_FLEET_FILE=str(broken)),
            await refused_to_start(where, OICP_BENCH_CLIENT_KEY_FILE=key),
            await refused_to_start(where, OICP_BENCH_CPO_URL=taken),
        ]
    for text, names in zip(said, ("connector_id", "OICP_BENCH_CLIENT_KEY_FILE", "OICP_BENCH_CPO_URL"), strict=True):
        assert names in text
        assert text.count("\n") == 1


async def test_decommissioned_evse_stays_away_after_a_restart(tmp_path: Path) -> None:
    """What the operator changed is remembered."""
    async with stage(tmp_path, fleet(2)) as where:
        async with running_cpo(where) as cpo:
            evse = cpo.fleet.evse(EVSE)
            assert evse is not None
            evse.decommissioned = True
            from cpo.operations import changes_of

            await cpo.storage.save_evse(evse.key, changes_of(evse))
        where.hub.got.clear()
        async with running_cpo(where):
            pushed = (await where.hub.receives("PushEvseData"))[0].body["OperatorEvseData"]["EvseDataRecord"]
            assert [record["EvseID"] for record in pushed] == ["DE*ABC*E1002*1"]
            assert (await where.start(EVSE))["StatusCode"]["Code"] == "603"
