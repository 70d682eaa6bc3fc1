"""`oicp-bench replay`: the hub's side of a recording played again to the CPO of today."""

import asyncio
from dataclasses import replace
from pathlib import Path

from bench.config import BenchConfig, load_config
from bench.embedded import OPERATOR_ID, reference_cpo, with_reference_cpo
from bench.output import output_folder, write_effective_config
from bench.run import Order, ending_on_signals, frame
from bench.sources import read_evidence, read_recording
from bench.stage import Stage, StageError, read_fleet
from fake_hubject.recorder import Recorder
from oicp.evidence import Evidence, Observation
from simulator.waiting import StationTimeout
from tap.replay import Difference, differences, play
from tap.script import Script, ids_for, script_of
from tap.stand_in import StandIn


class ReplayRefused(Exception):
    """The recording cannot be played again; the message says why."""


class ReplayStage(Stage):
    """The stage with a stand-in for the hub that answers as recorded."""

    script: Script

    async def _bring_up_hub(self) -> None:
        issued = self.authority.issue_server(["127.0.0.1", "localhost", self.config.hub.host])
        client = self.probe_pair
        stand_in = StandIn(
            self.script, self.recorder, cert_file=issued.cert_file, key_file=issued.key_file or issued.cert_file, ca_file=self.authority.ca_file,
            client=(client.cert_file, client.key_file), host=self.config.hub.host, port=self.config.hub.port or 0,
        )  # fmt: skip
        self.stand_in = await self._exits.enter_async_context(stand_in)
        self.hub = stand_in  # type: ignore[assignment]  # only its url is asked for


def replay(
    file: Path, *, config_file: Path | None, overrides: list[str], ids: list[str], out: Path | None, seed: int
) -> int:
    """Play it, compare, print; exit status 0 without a difference, 1 with one. Raises `ReplayRefused` and the errors of `run`."""
    old = read_recording(file)
    if not old.exchanges:
        raise ReplayRefused(f"{file}: holds no exchange")
    given = _pairs(ids)
    with output_folder(out) as folder:
        config = _fitting(load_config(config_file, overrides), old, folder)
        assert config.cpo is not None
        recorded = None if config.fleet.file else old.run.fleet
        fleet = dict(recorded) if recorded else read_fleet(config, config.cpo, seed)
        mapped = ids_for(old, (e["evse_id"] for cp in fleet["charge_points"] for e in cp["evses"]), given)
        order = Order(config, fleet, folder, (), seed)
        asyncio.run(_play(order, old, mapped))
        found = differences(old, read_evidence(folder / "evidence.jsonl"), mapped)
        return _tell(file, old, found, folder)


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        old, separator, new = text.partition("=")
        if not separator or not old or not new:
            raise ReplayRefused(f"--map {text}: write OLD=NEW, as in DE*ABC*E1=DE*XYZ*E7")
        pairs[old] = new
    return pairs


def _fitting(config: BenchConfig, old: Evidence, out: Path) -> BenchConfig:
    """The reference CPO plays the operator of the recording unless the config names a CPO."""
    operator_id = old.run.operator_ids[0] if old.run.operator_ids else OPERATOR_ID
    if config.cpo is None and operator_id != OPERATOR_ID:
        config = config.model_copy(update={"cpo": reference_cpo(out, operator_id)})
    return with_reference_cpo(config, out)


async def _play(order: Order, old: Evidence, ids: dict[str, str]) -> None:
    assert order.config.cpo is not None
    run = replace(frame(order.config, order.config.cpo, order), source="replay")
    recorder = Recorder(run, order.out / "evidence.jsonl")
    write_effective_config(order.config, order.out)
    stage = ReplayStage(order.config, order.fleet, order.out, recorder, seed=order.seed)
    stage.script = script_of(old, ids)
    work = asyncio.create_task(_on_stage(stage), name="replay")
    try:
        with ending_on_signals(work.cancel):
            await asyncio.wait([work])
    finally:
        recorder.close()
    if not work.cancelled() and work.exception() is not None:
        raise work.exception() or RuntimeError


async def _on_stage(stage: ReplayStage) -> None:
    async with stage:

        async def act(observation: Observation) -> None:
            if stage.fleet is None or observation.evse_id not in stage.evse_ids:
                return
            evse = stage.fleet.evse(observation.evse_id)
            try:
                await (evse.plug_in() if observation.kind == "plugged" else evse.unplug())
            except (StationTimeout, StageError) as fault:
                stage.recorder.observe("note", text=f"replay: {fault}")

        await play(stage.script, stage.stand_in, stage.cpo.oicp_url, stage.recorder, act)


def _tell(file: Path, old: Evidence, found: list[Difference], folder: Path) -> int:
    for difference in found[:200]:
        print(difference)
    if len(found) > 200:
        print(f"... and {len(found) - 200} more")
    count = f"{len(found)} difference{'' if len(found) == 1 else 's'}" if found else "no difference"
    print(f"{file}: {len(old.exchanges)} exchanges played again, {count}; new recording: {folder / 'evidence.jsonl'}")
    return 1 if found else 0
