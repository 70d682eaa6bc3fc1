"""One run from the stage to the report: bring up, play, settle, judge what was written down, print."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.config import BenchConfig, CpoTable
from bench.output import write_effective_config
from bench.runner import Progress, Runner
from bench.scenario import Scenario
from bench.settle import settle
from bench.silence import silence, taken_out
from bench.sources import read_evidence
from bench.stage import Stage, StageError
from fake_hubject.recorder import Recorder
from oicp.evidence import Run
from oicp.rulebook import Verdict, judge
from reports.report import Report, ScenarioResult, write_all

INCOMPLETE, CONFIGURATION, BENCH_FAILED = 2, 3, 4


@dataclass(frozen=True)
class Order:
    """What is to be run. `config` is complete (`[cpo]` filled in), `out` is this run's own folder."""

    config: BenchConfig
    fleet: dict[str, Any]
    out: Path
    scenarios: tuple[Scenario, ...]
    seed: int = 0
    strict: bool = False
    command: str = "oicp-bench run"
    progress: Progress | None = None
    tap: bool = False


@dataclass
class Result:
    """What came of it. `troubles`: one clear message each, for the terminal. `status`: exit status of the contract."""

    report: Report
    status: int
    troubles: list[str] = field(default_factory=list)


def execute(order: Order) -> Result:
    """Run it in an event loop of its own. Ctrl-C and SIGTERM end the run early; the report is written all the same."""
    return asyncio.run(_execute(order))


async def _execute(order: Order) -> Result:
    config = order.config
    assert config.cpo is not None
    recorder = Recorder(frame(config, config.cpo, order), order.out / "evidence.jsonl")
    write_effective_config(config, order.out)
    troubles: list[str] = []
    results: list[ScenarioResult] = []
    statuses = [0]
    work = asyncio.create_task(_play(order, recorder, results, troubles, statuses), name="run")
    try:
        with ending_on_signals(work.cancel):
            await asyncio.wait([work])
    finally:
        failed = work.exception() if work.done() and not work.cancelled() else None
        recorder.close()
    if work.cancelled():
        _blocked(order, results, "the run was interrupted")
        troubles.append("interrupted: the report holds what was recorded until then")
        statuses.append(INCOMPLETE)
    elif failed is not None:
        raise failed
    report = judged(order, results, recorder.now())
    write_all(report, order.out)
    return Result(report, _status(report.verdict, statuses), troubles)


async def _play(
    order: Order, recorder: Recorder, results: list[ScenarioResult], troubles: list[str], statuses: list[int]
) -> None:
    stage = Stage(order.config, order.fleet, order.out, recorder, seed=order.seed, tap=order.tap)
    try:
        async with stage:
            troubles.extend(stage.troubles)
            runner = Runner(stage, order.seed, order.config.suite.jobs, order.progress, results)
            try:
                await runner.play(order.scenarios)
                if stage.cpo_died is None or not stage.cpo_died.done():
                    limits = order.config.suite.limits
                    await settle(stage, limits.settle * limits.patience)
            finally:
                troubles.extend(f"the bench failed: {crash}" for crash in runner.crashes)
                statuses.extend(BENCH_FAILED for _ in runner.crashes)
            if stage.cpo_died is not None and stage.cpo_died.done():
                troubles.append(stage.cpo_died.result())
                statuses.append(INCOMPLETE)
            else:
                troubles.extend([*silence(stage), *taken_out(stage.journal.asked, stage.cpo)])
    except StageError as fault:
        troubles.extend([*stage.troubles, str(fault)])
        statuses.append(fault.status)
        _blocked(order, results, str(fault).splitlines()[0])


def _blocked(order: Order, results: list[ScenarioResult], reason: str) -> None:
    """Scenarios that were not played for this reason."""
    done = {result.name for result in results}
    results.extend(
        ScenarioResult(s.name, "blocked", reason, profile=s.profile, needs=s.needs, title=s.title)
        for s in order.scenarios if s.name not in done
    )  # fmt: skip


def frame(config: BenchConfig, cpo: CpoTable, order: Order) -> Run:
    """The frame of the recording: all that a later judgement needs to know."""
    return Run(
        source="run", operator_ids=(cpo.operator_id, *cpo.sub_operators), profiles=config.suite.profiles,
        hooks=tuple(cpo.hooks.configured()), seed=order.seed, truth=not config.fleet.external, long=config.suite.long,
        fleet=order.fleet,
        settings={
            "cpo_url": cpo.oicp_url, "started_by_bench": bool(cpo.command), "paths": cpo.paths,
            "client_certificate": config.hub.client_certificate, "answer_limit_s": config.hub.answer_limit,
            "expected_violations": list(config.suite.expected_violations), "strict": order.strict,
            "limits": {"answer_s": config.hub.answer_limit, **config.suite.tolerances},
        },
    )  # fmt: skip


def judged(order: Order, results: Sequence[ScenarioResult], duration_s: float) -> Report:
    """Judge the recording as it stands in the file, so that `oicp-bench judge` comes to the same verdict."""
    evidence = read_evidence(order.out / "evidence.jsonl")
    expected = order.config.suite.expected_violations
    verdict = judge(evidence, strict=order.strict, expected_violations=expected)
    return Report(verdict, evidence, tuple(results), order.seed, round(duration_s, 3), order.command, expected)


def _status(verdict: Verdict, others: Sequence[int]) -> int:
    """Violations weigh more than an early end; a failure of configuration or bench weighs most."""
    worst = max(others)
    if worst in (CONFIGURATION, BENCH_FAILED):
        return worst
    return verdict.exit_status or worst


@contextmanager
def ending_on_signals(end: Callable[[], Any]) -> Iterator[None]:
    """SIGINT and SIGTERM call `end` instead of breaking off."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
