"""kill -9 in the middle of work: nothing that was acknowledged is lost, neither as evidence nor as state."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from fake_hubject.certificates import Authority
from oicp.evidence import read_lines
from tests.hub.stage import EVSE, OPERATOR, Stage, data_push, data_record, staged, status_push

_HUB = """
import asyncio, sys
from pathlib import Path
from fake_hubject.certificates import Authority
from tests.hub.stage import *
async def main():
    folder = Path(sys.argv[1])
    async with staged(folder, Authority.load(folder / "ca"), folder / "evidence.jsonl", state_file=folder / "state.jsonl") as stage:
        print(stage.hub.url, stage.client.cert_file, stage.client.key_file, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.mark.parametrize("enough", [1, 40, 150])
async def test_what_was_acknowledged_survives(tmp_path: Path, enough: int) -> None:
    """Pushes go on while the hub is killed after so many; each that was acknowledged is in both files, in order."""
    authority = Authority.create(tmp_path / "ca")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HUB, str(tmp_path), stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    url, cert, key = (await process.stdout.readline()).decode().split()
    context = Stage.context(Stage(None, None, authority, None, None, None, None), None)  # type: ignore[arg-type]
    context.load_cert_chain(cert, key)
    acknowledged: list[str] = []
    async with aiohttp.ClientSession() as session:

        async def push(path: str, body: object) -> None:
            async with session.post(f"{url}/api/oicp/evsepush{path}", json=body, ssl=context) as reply:
                assert (await reply.json())["Result"] is True

        await push(f"/v23/operators/{OPERATOR}/data-records", data_push(data_record()))
        with suppress(aiohttp.ClientError, OSError):
            while True:
                value = ("Available", "Occupied", "Reserved")[len(acknowledged) % 3]
                if len(acknowledged) == enough:
                    os.kill(process.pid, signal.SIGKILL)
                await push(f"/v21/operators/{OPERATOR}/status-records", status_push((EVSE, value)))
                acknowledged.append(value)
    await process.wait()
    assert len(acknowledged) >= enough

    with (tmp_path / "evidence.jsonl").open(encoding="utf-8") as file:
        recorded = read_lines(file).about("PushEvseStatus")
    sent = [e.body["OperatorEvseStatus"]["EvseStatusRecord"][0]["EvseStatus"] for e in recorded]
    assert sent[: len(acknowledged)] == acknowledged
    assert all(e.accepted for e in recorded[: len(acknowledged)])
    async with staged(tmp_path, Authority.load(tmp_path / "ca"), state_file=tmp_path / "state.jsonl") as stage:
        versions = stage.hub.broker.registry.of("status", OPERATOR).versions
        assert len(acknowledged) <= len(versions) <= len(acknowledged) + 1
        changes = stage.hub.broker.registry.of("status", OPERATOR).history
        restored = [c.record["EvseStatus"] for rows in changes.values() for c in rows if c.record]
        assert restored[: len(acknowledged)] == acknowledged
