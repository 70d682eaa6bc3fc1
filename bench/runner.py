"""Plays scenarios side by side, each on its own EVSEs; exclusive ones afterwards, one by one. Never judges."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.external import PERSON_S
from bench.facade import Bench
from bench.pool import Pool
from bench.scenario import TAP, Blocked, Scenario, Skipped, StepLog
from bench.stage import Stage
from reports.report import ScenarioResult
from simulator.evse import VirtualEvse


class Progress(Protocol):
    """Told how the suite goes on: a live board, or nothing."""

    def started(self, name: str, evse_ids: tuple[str, ...] = ()) -> None:
        """A scenario begins."""

    def waits(self, name: str, what: str, on_whom: str = "") -> None:
        """It waits for something."""

    def ended(self, result: ScenarioResult) -> None:
        """It ended."""


@dataclass
class Runner:
    """Plays the chosen scenarios on a stage. `jobs`: how many at a time. `crashes`: faults of scenarios that are not the CPO's."""

    stage: Stage
    seed: int = 0
    jobs: int = 16
    progress: Progress | None = None
    results: list[ScenarioResult] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    async def play(self, scenarios: Sequence[Scenario]) -> list[ScenarioResult]:
        """Play them all; ends early with what there is if the CPO dies."""
        order = {scenario.name: i for i, scenario in enumerate(scenarios)}
        pool = Pool(self.stage.evses())
        suite = asyncio.create_task(self._suite(scenarios, pool), name="suite")
        died = self.stage.cpo_died
        try:
            watched: list[asyncio.Future[Any]] = [suite] if died is None else [suite, died]
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if not suite.done() and died is not None and died.done():
                suite.cancel()
                await asyncio.wait([suite])
                self._rest(scenarios, died.result().splitlines()[0].split(";")[0])
            else:
                await suite
        except asyncio.CancelledError:
            suite.cancel()
            await asyncio.wait([suite])
            self._rest(scenarios, "the run was interrupted")
            raise
        finally:
            self.results.sort(key=lambda result: order[result.name])
        return self.results

    async def _suite(self, scenarios: Sequence[Scenario], pool: Pool) -> None:
        # one person cannot be at several chargers at a time
        jobs = self.jobs if self.stage.fleet else 1
        places, places_of_long = asyncio.Semaphore(jobs), asyncio.Semaphore(jobs)
        async with asyncio.TaskGroup() as waiting_long:
            for phase in phases(scenarios):
                async with asyncio.TaskGroup() as group:
                    for scenario in phase:
                        beside = scenario.long and not scenario.exclusive
                        tasks, free = (waiting_long, places_of_long) if beside else (group, places)
                        tasks.create_task(self._one(scenario, pool, free), name=scenario.name)

    async def _one(self, scenario: Scenario, pool: Pool, places: asyncio.Semaphore) -> None:
        try:
            self._check(scenario)
            pool.check(scenario)
        except Skipped as why:
            self._add(scenario, "skipped", str(why))
            return
        async with places, pool.lease(scenario) as evses:
            await self._leased(scenario, evses)

    def _check(self, scenario: Scenario) -> None:
        """Raises `Skipped` if the scenario cannot be played against this CPO."""
        if TAP in scenario.needs and self.stage.tap is None:
            raise Skipped("breaks messages on the wire: only played with --tap")
        missing = [name for name in scenario.needs if name != TAP and name not in self.stage.hooks.names]
        if missing:
            raise Skipped(f"needs the hook `{missing[0]}`, which is not configured ([cpo.hooks] in bench.toml)")
        if self.stage.fleet is None and scenario.truth:
            raise Skipped("needs virtual charge points; the fleet is external")

    async def _leased(self, scenario: Scenario, evses: Sequence[VirtualEvse]) -> None:
        recorder = self.stage.recorder
        started, begun = recorder.now(), time.monotonic()
        progress = self.progress
        tell = (lambda what, whom: progress.waits(scenario.name, what, whom)) if progress else (lambda what, whom: None)
        log = StepLog(recorder.now, tell)
        ids = [evse.evse_id for evse in evses]
        for ident in ids:
            recorder.observe("evse_leased", evse_id=ident, scenario=scenario.name)
        recorder.observe("scenario_started", scenario=scenario.name, exclusive=scenario.exclusive, evse_ids=ids)
        if self.progress:
            self.progress.started(scenario.name, tuple(ids))
        outcome: str = "blocked"
        reason: str | None = "the run was interrupted"
        try:
            outcome, reason = await self._played(scenario, Bench(self.stage, scenario, evses, log, self.seed), log)
        finally:
            recorder.observe(
                "scenario_ended", scenario=scenario.name, exclusive=scenario.exclusive, outcome=outcome, reason=reason
            )
            for ident in ids:
                recorder.observe("evse_released", evse_id=ident, scenario=scenario.name)
            self._add(scenario, outcome, reason, time.monotonic() - begun, started, recorder.now(), tuple(ids))

    async def _played(self, scenario: Scenario, bench: Bench, log: StepLog) -> tuple[str, str | None]:
        limits = self.stage.config.suite.limits
        limit = limits.scenario * (10 if scenario.long else 1) * limits.patience
        hooks = self.stage.cpo.hooks.configured()
        if self.stage.fleet is None:
            limit += PERSON_S * 10
        elif any(hooks.get(name) == "ask" for name in scenario.needs):
            limit += PERSON_S
        try:
            async with asyncio.timeout(limit):
                await scenario.play(bench)
            return "reached", None
        except Blocked as why:
            return "blocked", str(why)
        except Skipped as why:
            return "skipped", str(why)
        except TimeoutError:
            return (
                "blocked",
                f"given up after {limit:g} s while waiting for: {log.current or 'something outside the bench'}",
            )
        except Exception as fault:  # a scenario that breaks is not the CPO's fault
            self.crashes.append(f"{scenario.name} ({scenario.where}): {type(fault).__name__}: {fault}")
            return "blocked", f"the scenario itself failed: {type(fault).__name__}: {fault}"
        finally:
            await self._restore(bench)

    async def _restore(self, bench: Bench) -> None:
        """Leave the EVSEs as they were; sessions that still run are ended at the charge point."""
        died = self.stage.cpo_died
        if died is not None and died.done():
            return
        with bench.log.step("its EVSEs are put back"):
            for evse in bench.evses:
                try:
                    await evse.restore()
                    await bench.is_quiet_at(evse)
                except Exception as fault:  # the next scenario on it is blocked by its own milestones
                    self.stage.recorder.observe("note", text=f"{evse.evse_id} could not be put back: {fault!r}")

    def _rest(self, scenarios: Iterable[Scenario], reason: str) -> None:
        done = {result.name for result in self.results}
        for scenario in scenarios:
            if scenario.name not in done:
                self._add(scenario, "blocked", reason)

    def _add(
        self, scenario: Scenario, outcome: str, reason: str | None, duration: float = 0.0,
        start: float | None = None, end: float | None = None, evse_ids: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        result = ScenarioResult(
            scenario.name, outcome, reason, round(duration, 3), start, end, evse_ids, scenario.profile, scenario.needs,
            scenario.title,
        )  # fmt: skip
        self.results.append(result)
        if self.progress:
            self.progress.ended(result)


def phases(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """What begins at the same time: the undisturbed, those that disturb, then exclusive ones and those that use up, one by one.

    Long ones run on beside the phases that follow; those of them that disturb begin when the short ones are through, because
    they keep everybody's messages of a kind waiting for a minute.
    """
    rest = [s for s in scenarios if not s.exclusive and not s.uses_up]
    plain = [s for s in rest if not s.disturbs]
    disturbing = [s for s in rest if s.disturbs and not s.long]
    holding_up = [s for s in rest if s.disturbs and s.long]
    alone = [s for s in scenarios if s.exclusive and not s.uses_up]
    last = [s for s in scenarios if s.uses_up]
    for group in (plain, disturbing, holding_up):  # those that wait longest, or need most, begin first
        group.sort(key=lambda s: (not s.long, not s.slow, not s.whole_charge_point, -s.evses))
    return [g for g in (plain, disturbing, holding_up, *([s] for s in alone), *([s] for s in last)) if g]
