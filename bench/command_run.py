"""`oicp-bench run`: from the command line to the exit status."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from bench.config import BenchConfig, load_config, parse_config
from bench.embedded import with_reference_cpo
from bench.output import output_folder
from bench.run import Order, Result, execute
from bench.scenario import Scenario, ScenarioError, built_in, chosen, from_file
from bench.stage import read_fleet
from oicp.catalogue import profiles_in
from reports.console import Board, make_console, print_summary
from reports.markdown import announce
from reports.share import write_shared


def run(
    *, config_file: Path | None, overrides: list[str], plans: list[Path], profiles: str | None, only: str | None,
    out: Path | None, seed: int, strict: bool, jobs: int | None, long: bool | None, quiet: bool,
    redact: bool = False, tap: bool = False,
) -> int:  # fmt: skip
    """Play, judge, report; returns the exit status."""
    config = changed(load_config(config_file, overrides), profiles, jobs, long)
    scenarios = selected(config, plans, only)
    with output_folder(out) as folder:
        config = with_reference_cpo(config, folder)
        if config.cpo is None:
            raise RuntimeError("the embedded default has no [cpo]")
        order = Order(
            config, read_fleet(config, config.cpo, seed), folder, scenarios, seed, strict,
            command=shlex.join(["oicp-bench", *sys.argv[1:]]), tap=tap,
        )  # fmt: skip
        result = _played(order, quiet)
        _tell(result, folder, quiet)
        if redact:
            shared = write_shared(result.report, folder / "shared")
            print(f"to give away: {shared[0].parent}; the files beside it are not redacted")
    return result.status


def changed(config: BenchConfig, profiles: str | None, jobs: int | None, long: bool | None) -> BenchConfig:
    """The config with what the command line says otherwise."""
    names = profile_names(profiles)
    given = {"profiles": None if names is None else list(names), "jobs": jobs, "long": long}
    return config.with_suite({name: value for name, value in given.items() if value is not None})


def profile_names(text: str | None) -> tuple[str, ...] | None:
    """Profiles of the command line, by comma. Raises `ConfigError` for one nobody knows."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    return parse_config({"suite": {"profiles": names}}, "--profile").suite.profiles


def selected(config: BenchConfig, plans: list[Path], only: str | None) -> tuple[Scenario, ...]:
    """The scenarios to be played: the user's own files, else those of the bench. Raises `ScenarioError` if none is left."""
    own = built_in()
    scenarios = tuple(s for plan in plans for s in from_file(plan)) if plans else own
    found = chosen(scenarios, profiles=profiles_in(config.suite.profiles), only=only, long=config.suite.long)
    if not found:
        names = ", ".join(s.name for s in scenarios[:8])
        asked = "" if only is None else f"--only {only!r} and "
        raise ScenarioError(
            f"no scenario fits {asked}the profiles {', '.join(config.suite.profiles)}; for example there are {names}"
        )
    return found


def _played(order: Order, quiet: bool) -> Result:
    if quiet or _asks(order.config):
        return execute(order)  # a live board and questions at the same terminal would disturb each other
    with Board(total=len(order.scenarios), console=make_console()) as board:
        return execute(replace(order, progress=board))


def _asks(config: BenchConfig) -> bool:
    """Somebody sits at the terminal and may be asked to do something."""
    hooks = config.cpo.hooks.configured() if config.cpo else {}
    return sys.stdin.isatty() and (config.fleet.external or "ask" in hooks.values())


def _tell(result: Result, folder: Path, quiet: bool) -> None:
    if not quiet:
        print_summary(result.report, folder)
    announce(result.report)
    for trouble in result.troubles:
        print(f"oicp-bench: {trouble}", file=sys.stderr)
