"""`docs/reference.md`, made from the code: `python -m bench.reference_page docs/reference.md`."""

import json
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bench.config import BenchConfig
from bench.hub_setup import option_names
from fake_hubject.settings import HubSettings
from oicp.limits import LIMITS

_HEAD = """# Reference

Every command and option, every key of `bench.toml`. Made by `python -m bench.reference_page docs/reference.md`.

Options weigh more than `--set`, `--set` more than the file, the file more than the default. Relative paths on the command line start
at the working directory, those in the file at its folder.
"""


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_commands(), *_tables(), *_options_of_the_hub(), *_tolerances()]).rstrip() + "\n"


def _commands() -> Iterator[str]:
    from bench.__main__ import app

    yield "## Commands\n"
    yield from _command(typer.main.get_command(app), "oicp-bench")
    yield "Exit status of `run`, `serve`, `tap` and `judge`: 0 conformant, 1 violations (with `--strict` warnings too), 2 incomplete,"
    yield "3 usage or configuration, 4 the bench itself failed; 130 after Ctrl-C before anything was recorded. `compare` and `replay`: 1 if"
    yield "something is new or different. `doctor`: 3 if something has to be mended.\n"


def _command(command: Any, name: str) -> Iterator[str]:
    inner = getattr(command, "commands", None)
    if inner is not None:
        for key, each in inner.items():
            yield from _command(each, f"{name} {key}")
        return
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    shown = " ".join([name, *(p.name.upper() if p.required else f"[{p.name.upper()}]" for p in arguments)])
    yield f"### `{shown}`\n"
    yield " ".join((command.help or "").split()) + "\n"
    rows = [
        f"| `{', '.join(sorted(p.opts, key=len))}` | {_cell(p.help or '')} | {_default(p.default)} |"
        for p in command.params if p.param_type_name == "option"
    ]  # fmt: skip
    if rows:
        yield from ("| option | | default |", "|---|---|---|", *rows, "")


def _tables() -> Iterator[str]:
    yield "## bench.toml\n"
    yield from _table(BenchConfig, ())


def _table(model: type[BaseModel], name: tuple[str, ...]) -> Iterator[str]:
    inner = {key: table for key, field in model.model_fields.items() if (table := _model_in(field.annotation))}
    plain = {key: field for key, field in model.model_fields.items() if key not in inner}
    if name:
        yield f"### `[{'.'.join(name)}]`\n"
        yield from ("| key | | default |", "|---|---|---|")
        for key, field in plain.items():
            default = "**needed**" if field.default is PydanticUndefined else _default(field.default)
            yield f"| `{key}` | {_cell(field.description or '')} | {default} |"
        yield ""
    for key, table in inner.items():
        yield from _table(table, (*name, key))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    choices = getattr(annotation, "__args__", (annotation,))
    return next((c for c in choices if isinstance(c, type) and issubclass(c, BaseModel)), None)


def _options_of_the_hub() -> Iterator[str]:
    yield "### `[hub.options]`\n"
    yield "What no source tells about Hubject; `fake_hubject/settings.py` explains each.\n"
    known = {field.name: field.default for field in fields(HubSettings)}
    yield ", ".join(f"`{name} = {json.dumps(known[name])}`" for name in option_names()) + "\n"


def _tolerances() -> Iterator[str]:
    yield "### `[suite.tolerances]`\n"
    yield "Seconds of the judgement where no document gives a number; `oicp/limits.py` explains each.\n"
    yield ", ".join(f"`{name} = {value:g}`" for name, value in LIMITS.items()) + "\n"


def _default(value: Any) -> str:
    if not value:  # off, nothing, a free port
        return ""
    return f"`{value}`" if isinstance(value, Path) else f"`{json.dumps(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
