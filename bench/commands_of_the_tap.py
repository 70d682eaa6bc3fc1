"""Command-line options of `oicp-bench tap`, `replay` and `redact`; `add_to` puts them on the application."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer, done: Callable[[int], None]) -> None:
    """Register the commands; `done` takes the exit status."""
    app.command()(_tap_command(done))
    app.command()(_replay_command(done))
    app.command()(_redact_command(done))


def _tap_command(done: Callable[[int], None]) -> Callable[..., None]:
    def tap(
        upstream: Annotated[str, typer.Option(help="The hub, as https://host:port; the CPO calls the tap instead.")],
        cpo: Annotated[
            str | None, typer.Option(help="The CPO, as https://host:port; the hub calls the tap instead.")
        ] = None,
        listen: Annotated[str, typer.Option(help="host:port for the CPO's calls; port 0: a free one.")] = "127.0.0.1:0",
        listen_hub: Annotated[str, typer.Option(help="host:port for the hub's calls.")] = "127.0.0.1:0",
        cert: Annotated[Path | None, typer.Option(help="Client certificate the tap presents upstream (PEM).")] = None,
        key: Annotated[Path | None, typer.Option(help="Its key, unless it is in the same file.")] = None,
        ca: Annotated[
            Path | None, typer.Option(help="CA that upstream's certificate comes from; else the system's.")
        ] = None,
        operator_id: Annotated[
            str | None, typer.Option(help="The CPO's OperatorID; left out: the one its paths name.")
        ] = None,
        profile: Annotated[
            str | None, typer.Option("--profile", "-p", help="As in `run`, by comma; left out: by what is recorded.")
        ] = None,
        fault: Annotated[
            list[str],
            typer.Option(metavar="WHAT[:OPERATION][,key=value..]", help="Break something: cut:ChargeDetailRecord."),
        ] = [],  # noqa: B006  typer reads it, nobody changes it
        strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")] = False,
        flows: Annotated[Path | None, typer.Option(help="Also write a mitmproxy flow file, for mitmweb.")] = None,
        seconds: Annotated[float | None, typer.Option(min=0.1, help="End by itself after so many seconds.")] = None,
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help="Folder for the report; reports/out unless given.")
        ] = None,
    ) -> None:
        """Stand between a CPO and its hub with mitmproxy: record, judge live, break on demand. Ctrl-C ends it."""
        from bench.command_run import profile_names
        from bench.command_tap import TapOrder
        from bench.command_tap import tap as stand

        order = TapOrder(
            upstream, cpo, listen, listen_hub, cert, key, ca, operator_id, profile_names(profile) or (), tuple(fault),
            strict, flows, seconds,
        )  # fmt: skip
        done(stand(order, out, command_line()))

    return tap


def _replay_command(done: Callable[[int], None]) -> Callable[..., None]:
    def replay(
        file: Annotated[Path, typer.Argument(help="evidence.jsonl, HAR, mitmproxy flows, or a folder of JSON pairs.")],
        config: Annotated[
            Path | None, typer.Option("--config", "-c", help="bench.toml; left out: the reference CPO.")
        ] = None,
        map_: Annotated[
            list[str], typer.Option("--map", metavar="OLD=NEW", help="An id of the recording and what it is here.")
        ] = [],  # noqa: B006
        out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the new recording.")] = None,
        seed: Annotated[int, typer.Option("--seed", min=0, help="For the fleet, where the recording has none.")] = 7,
        sets: Annotated[
            list[str], typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value of the config.")
        ] = [],  # noqa: B006
    ) -> None:
        """Play the hub's side of a recording again; tell where the CPO now behaves differently. Exit status 1 if it does."""
        from bench.command_replay import replay as play

        done(play(file, config_file=config, overrides=sets, ids=map_, out=out, seed=seed))

    return replay


def _redact_command(done: Callable[[int], None]) -> Callable[..., None]:
    def redact(
        file: Annotated[Path, typer.Argument(help="A recording, as `judge` and `replay` read it.")],
        out: Annotated[Path, typer.Option("--out", "-o", help="evidence.jsonl to write.")],
    ) -> None:
        """Write a recording with pseudonyms for ids, addresses and names: it can be committed, judged and replayed."""
        from bench.command_redact import redact as write

        done(write(file, out))

    return redact


def command_line() -> str:
    """The command as it was typed, for the report."""
    import shlex
    import sys

    return shlex.join(["oicp-bench", *sys.argv[1:]])
