"""The command line: `oicp-bench run`, `judge`, `rules` and the rest. Exit statuses as the contract says, never a traceback."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bench.commands_of_the_tap import add_to
from bench.terminal import steady
from fake_hubject.memory import expect_much

HELP = """A test bench for charge point operators who connect to Hubject by OICP 2.3.

Virtual charge points without RFID charge by remote start, through a fake Hubject and a real CPO backend, over mutual TLS
and OCPP. Everything is recorded, judged against the written requirements, and reported.

\b
    oicp-bench run                           the reference CPO, just to see it work
    oicp-bench init                          writes bench.toml for your CPO
    oicp-bench doctor --config bench.toml    checks certificates, ids, URLs, ports
    oicp-bench run --config bench.toml       your CPO against the suite
    oicp-bench rules CDR-024                 explains a requirement
    oicp-bench tap --upstream https://hub    records and judges real traffic

Exit status of run and judge: 0 conformant, 1 violations, 2 incomplete (a MUST was not exercised), 3 usage or configuration,
4 the bench itself failed.
"""
app = typer.Typer(
    help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
pki = typer.Typer(
    help="The private CA, partners' certificates, partners' own requests.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(pki, name="pki")

USAGE, FAILED, INTERRUPTED = 3, 4, 130
_status: list[int] = []

Config = Annotated[Path | None, typer.Option("--config", "-c", help="bench.toml; left out: the reference CPO.")]
Sets = Annotated[list[str], typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one value of the config.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the report; reports/out unless given.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Same seed, same fleet, same drivers, same verdict.")]
Strict = Annotated[bool, typer.Option("--strict", help="Warnings count as errors.")]
Redact = Annotated[
    bool,
    typer.Option(
        "--redact", help="Write report and recording with pseudonyms for ids, addresses and names, to be given away."
    ),
]
Profiles = Annotated[
    str | None,
    typer.Option(
        "--profile", "-p", help="remote-only, full, reservation, notifications, pricing, eichrecht; by comma."
    ),
]


@app.command()
def run(
    plans: Annotated[list[Path] | None, typer.Argument(help="Your own scenario files instead of the suite.")] = None,
    config: Config = None,
    profile: Profiles = None,
    only: Annotated[
        str | None,
        typer.Option(
            help="Words found in names or titles, or 'wire.*' for names, with and, or, not: 'cdr and not lost'."
        ),
    ] = None,
    out: Out = None,
    seed: Seed = 7,
    strict: Strict = False,
    jobs: Annotated[int | None, typer.Option(min=1, max=200, help="How many scenarios at the same time.")] = None,
    long: Annotated[bool, typer.Option("--long", help="Also the scenarios that take minutes by nature.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but trouble.")] = False,
    redact: Redact = False,
    tap: Annotated[
        bool, typer.Option("--tap", help="With mitmproxy between CPO and hub; adds faults on the wire.")
    ] = False,
    sets: Sets = [],  # noqa: B006  typer reads it, nobody changes it
) -> None:
    """Put hub, fleet and CPO on stage, play the scenarios, judge, write the report."""
    from bench.command_run import run as play

    _done(play(
        config_file=config, overrides=sets, plans=plans or [], profiles=profile, only=only, out=out, seed=seed,
        strict=strict, jobs=jobs, long=True if long else None, quiet=quiet, redact=redact,
        tap=tap,
    ))  # fmt: skip


@app.command()
def serve(
    config: Config = None, profile: Profiles = None, out: Out = None, seed: Seed = 7, strict: Strict = False,
    sets: Sets = [],  # noqa: B006
) -> None:  # fmt: skip
    """Hub and fleet stay up; drive them by hand from the terminal. `quit` judges what happened."""
    from bench.command_serve import serve as stay

    _done(stay(config_file=config, overrides=sets, profiles=profile, out=out, seed=seed, strict=strict))


@app.command()
def judge(
    files: Annotated[list[Path], typer.Argument(help="evidence.jsonl, HAR, mitmproxy flows; or one message.")],
    message: Annotated[
        str | None, typer.Option(help="The file is one message of this kind, as ChargeDetailRecord.")
    ] = None,
    profile: Profiles = None,
    strict: Strict = False,
    out: Out = None,
    redact: Redact = False,
) -> None:
    """Judge a recording, or one message, without any network."""
    from bench.command_judge import judge_all

    _done(judge_all(files, message=message, profiles=profile, strict=strict, out=out, redact=redact))


@app.command()
def rules(
    words: Annotated[list[str] | None, typer.Argument(help="An id (CDR-024), or words to search for.")] = None,
    profile: Annotated[str | None, typer.Option(help="Only this profile.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only this operation, as ChargeDetailRecord.")] = None,
    level: Annotated[str | None, typer.Option(help="Only MUST, SHOULD or MAY.")] = None,
) -> None:
    """List the requirements, or explain one: what holds, what the hub answers, how it is violated, how it is mended."""
    from bench.command_rules import show

    _done(show(words or [], profile=profile, operation=operation, level=level))


@app.command()
def doctor(config: Config = None, sets: Sets = []) -> None:  # noqa: B006
    """Check certificates, ids, URLs, ports before anything is sent."""
    from bench.doctor import examine

    _done(examine(config, sets))


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="File to write.")] = Path("bench.toml"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, take the suggestions.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented bench.toml by asking a few questions."""
    from bench.command_init import init as write

    _done(write(file, ask=not yes, force=force))


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(help="report.json of before.")],
    new: Annotated[Path, typer.Argument(help="report.json of now.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="As a table for a pull request.")] = False,
) -> None:
    """Compare two reports: what is fixed, what is new. Exit status 1 if something is new."""
    from reports.compare import NotAReport, as_markdown, as_text, load
    from reports.compare import compare as compared

    try:
        found = compared(load(old), load(new))
    except NotAReport as fault:
        raise Refused(str(fault)) from None
    print((as_markdown if markdown else as_text)(found), end="")
    _done(found.exit_status)


@app.command("config-schema")
def config_schema() -> None:
    """Print the JSON Schema of bench.toml, for editors."""
    import json

    from bench.config import config_schema as schema

    print(json.dumps(schema(), indent=2))
    _done(0)


Folder = Annotated[Path, typer.Option("--folder", help="Folder of the CA, `[pki] folder` of bench.toml.")]


@pki.command("init")
def pki_init(folder: Folder = Path("pki")) -> None:
    """Make the private CA."""
    from bench.command_pki import init as make

    _done(make(folder))


@pki.command("issue")
def pki_issue(
    partner_id: Annotated[str, typer.Argument(help="OperatorID or ProviderID, as DE*ABC.")],
    folder: Folder = Path("pki"),
    host: Annotated[
        list[str], typer.Option(help="For a server certificate: host names and addresses it is valid for.")
    ] = [],  # noqa: B006
    key: Annotated[str, typer.Option(help="ec or rsa.")] = "ec",
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")] = 730,
    p12: Annotated[bool, typer.Option("--p12", help="Also as PKCS#12, for Java and .NET.")] = False,
    password: Annotated[
        str, typer.Option(help="Password of the PKCS#12 file.", envvar="OICP_BENCH_P12_PASSWORD")
    ] = "changeit",  # noqa: S107  what Java tools expect; the file is for a test
) -> None:
    """Issue what a partner presents to the hub (or, with --host, what it serves)."""
    from bench.command_pki import issue

    _done(issue(folder, partner_id, hosts=host, key=key, days=days, p12=p12, password=password))


@pki.command("sign")
def pki_sign(
    request: Annotated[Path, typer.Argument(help="The partner's own certificate request (CSR, PEM).")],
    partner_id: Annotated[str, typer.Option("--partner", help="OperatorID the certificate is put on file for.")],
    folder: Folder = Path("pki"),
    host: Annotated[list[str], typer.Option(help="Host names it is to be valid for, if the request names none.")] = [],  # noqa: B006
) -> None:
    """Sign a partner's own certificate request."""
    from bench.command_pki import sign

    _done(sign(folder, request, partner_id, hosts=host))


class Refused(Exception):
    """Something the user has to mend; the message says what."""


def _done(status: int) -> None:
    _status.append(status)


def _refusals() -> tuple[type[Exception], ...]:
    """Faults that are the user's to mend: exit status 3, one message."""
    from bench.command_redact import RedactRefused
    from bench.command_replay import ReplayRefused
    from bench.command_tap import TapRefused
    from bench.config import ConfigError
    from bench.output import OutputTaken
    from bench.scenario import ScenarioError
    from bench.sources import UnreadableSource
    from bench.stage import StageError
    from bench.tapped_hub import NoTap
    from fake_hubject.certificates import BadCertificate

    return (
        ConfigError, OutputTaken, ScenarioError, UnreadableSource, StageError, BadCertificate, Refused, TapRefused,
        ReplayRefused, RedactRefused, NoTap,
    )  # fmt: skip


add_to(app, _done)


def main(arguments: list[str] | None = None) -> Any:
    """Entry point of `oicp-bench`."""
    _status.clear()
    try:
        if arguments is None:  # a process of our own
            steady()
            expect_much()
        app(args=arguments)
    except SystemExit as end:
        if _status:
            sys.exit(_status[-1])
        if end.code == INTERRUPTED:
            _interrupted()
        sys.exit(USAGE if end.code else 0)  # click ends with 2 for wrong usage, which here means incomplete
    except KeyboardInterrupt:
        _interrupted()
    except Exception as fault:
        _explain(fault)


def _interrupted() -> NoReturn:
    print("oicp-bench: interrupted", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _explain(fault: Exception) -> None:
    if isinstance(fault, _refusals()):
        print(f"oicp-bench: {fault}", file=sys.stderr)
        sys.exit(getattr(fault, "status", USAGE))
    import os
    import traceback

    if os.environ.get("OICP_BENCH_TRACEBACK"):
        traceback.print_exception(fault)
    while isinstance(fault, ExceptionGroup):
        fault = fault.exceptions[0]
    where = traceback.extract_tb(fault.__traceback__)[-1:]
    place = f" ({Path(where[0].filename).name}:{where[0].lineno})" if where else ""
    print(
        f"oicp-bench: the bench itself failed: {type(fault).__name__}: {fault}{place}; this counts for and against nobody "
        "(OICP_BENCH_TRACEBACK=1 shows more)", file=sys.stderr,
    )  # fmt: skip
    sys.exit(FAILED)


if __name__ == "__main__":
    main()
