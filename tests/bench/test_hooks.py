"""Hooks: over HTTP, by a command, by a person, by a restart; done, skipped or failed, always in bounded time."""

import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bench.hooks import Hooks
from bench.scenario import Blocked, Skipped
from fake_hubject.recorder import Recorder
from oicp.evidence import Run

BODY = {"evse_id": "DE*ABC*E1", "data_record": {"EvseID": "DE*ABC*E1"}}


def _hooks(recorder: Recorder, **more: Any) -> Hooks:
    configured = more.pop("configured", {"restart": "ask"})
    return Hooks(configured, recorder, **more)


async def test_over_http() -> None:
    """Method, URL and JSON body as configured; an error status blocks with what was answered."""
    seen: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        seen.append((request.method, request.path, await request.json() if request.can_read_body else None))
        return web.Response(status=500 if request.path == "/broken" else 204, text="no such EVSE")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    recorder = Recorder(Run())
    hooks = _hooks(recorder, configured={
        "update_evse": f"PUT http://127.0.0.1:{port}/update", "push_evse_data": f"POST http://127.0.0.1:{port}/broken",
        "push_evse_status": "POST http://127.0.0.1:9/nobody",
    })  # fmt: skip
    try:
        await hooks.call("update_evse", BODY)
        with pytest.raises(Blocked, match="HTTP 500: no such EVSE"):
            await hooks.call("push_evse_data")
        with pytest.raises(Blocked, match="push_evse_status"):
            await hooks.call("push_evse_status", within=3)
    finally:
        await runner.cleanup()
    assert seen[0] == ("PUT", "/update", BODY)
    assert [o.data["outcome"] for o in recorder.observations] == ["done", "failed", "failed"]
    assert recorder.observations[0].evse_id == "DE*ABC*E1"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit(0)", None),
        ("import os, json, sys; b = json.load(sys.stdin); sys.exit(0 if os.environ['OICP_BENCH_HOOK_EVSE_ID'] == b['evse_id'] else 1)", None),
        ("print('no database'); raise SystemExit(3)", "ended with status 3: no database"),
        ("import time; time.sleep(60)", "did not end within 0.5 s"),
    ],
    ids=["done", "body on stdin and in the environment", "failed", "hangs"],
)  # fmt: skip
async def test_by_a_command(script: str, words: str | None) -> None:
    """Status 0 is done; everything else blocks with its last words; one that hangs is ended."""
    hooks = _hooks(Recorder(Run()), configured={"update_evse": (sys.executable, "-c", script)})
    if words is None:
        await hooks.call("update_evse", BODY, within=20)
        return
    with pytest.raises(Blocked, match=words):
        await hooks.call("update_evse", BODY, within=0.5 if "sleep" in script else 20)


async def test_a_command_runs_where_the_cpo_runs(tmp_path: Path) -> None:
    """And finds the files that lie there."""
    (tmp_path / "restart.sh").write_text("#!/bin/sh\npwd > where\n")
    (tmp_path / "restart.sh").chmod(0o755)
    hooks = _hooks(Recorder(Run()), configured={"restart": ("./restart.sh",)}, folder=tmp_path)
    await hooks.call("restart", within=20)
    assert (tmp_path / "where").read_text().strip() == str(tmp_path)


async def test_a_command_that_is_not_there() -> None:
    """Blocked with the reason."""
    with pytest.raises(Blocked, match="cannot be started"):
        await _hooks(Recorder(Run()), configured={"restart": ("no-such-program",)}).call("restart")


async def test_by_a_person() -> None:
    """What is wanted is said; a person may skip; a terminal nobody sits at skips."""
    asked: list[str] = []
    answers = iter([True, False])

    async def ask(wanted: str) -> bool:
        asked.append(wanted)
        return next(answers)

    hooks = _hooks(Recorder(Run()), ask=ask)
    await hooks.call("restart")
    with pytest.raises(Skipped, match="at the terminal"):
        await hooks.call("restart")
    assert "restart the backend" in asked[0]
    with pytest.raises(Skipped):
        await _hooks(Recorder(Run())).call("restart")


async def test_by_the_bench_and_not_at_all() -> None:
    """ "command" restarts what the bench started; a hook that is missing is named."""
    restarted: list[int] = []

    async def restart() -> None:
        restarted.append(1)

    hooks = _hooks(Recorder(Run()), configured={"restart": "command"}, restart=restart)
    await hooks.call("restart")
    assert restarted
    with pytest.raises(Skipped, match=r"needs the hook `update_evse` \(\[cpo.hooks\]"):
        await hooks.call("update_evse")
