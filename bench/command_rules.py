"""`oicp-bench rules`: lists the law or explains one requirement."""

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from oicp.catalogue import PROFILES, Requirement, catalogue


def matching(words: list[str], *, profile: str | None, operation: str | None, level: str | None) -> list[Requirement]:
    """Requirements for a CPO that fit all filters; words are searched in id, title and statement."""
    found = [r for r in catalogue().values() if r.subject == "cpo"]
    wanted = [word.lower() for word in words]
    return [
        r for r in found
        if (profile is None or r.profile == profile)
        and (operation is None or operation.lower().removeprefix("eroaming") in r.operation.lower())
        and (level is None or r.level == level.upper())
        and all(word in f"{r.id} {r.title} {r.statement}".lower() for word in wanted)
    ]  # fmt: skip


def print_list(console: Console, requirements: list[Requirement]) -> None:
    """One line each."""
    if not console.is_terminal:
        for r in requirements:
            console.print(f"{r.id:<11}{r.level:<7}{r.profile:<14}{r.title}", soft_wrap=True, markup=False)
        return
    table, wide = Table(box=None, pad_edge=False), console.width >= 120
    for column in ("id", "level", "profile", *(("operation",) if wide else ()), "title"):
        table.add_column(column, no_wrap=column != "title")
    for r in requirements:
        operation = (r.operation.removeprefix("eRoaming"),) if wide else ()
        table.add_row(r.id, r.level, r.profile, *operation, escape(r.title))
    console.print(table)
    console.print(f"{len(requirements)} requirements; `oicp-bench rules ID` explains one", style="dim")


def explained(requirement: Requirement) -> Panel:
    """Requirement, source, what the hub answers, a violation, the fix."""
    r = requirement
    parts: list[tuple[str, str]] = [
        ("", r.statement),
        ("violated, for example, by", r.example_violation),
        ("the hub answers", r.code),
        ("the fix", r.fix),
        ("note", r.note),
        ("sources", "\n".join(r.source)),
    ]
    lines = [f"[bold]{title}:[/bold] {escape(text)}" if title else escape(text) for title, text in parts if text]
    subtitle = f"{r.level} · {r.profile} · {r.operation} · {r.check} · basis {r.basis}"
    return Panel(Group(*lines), title=f"[bold]{r.id}[/bold] {escape(r.title)}", subtitle=subtitle, title_align="left")


def show(words: list[str], *, profile: str | None, operation: str | None, level: str | None) -> int:
    """Explain one requirement if it was named, else list what fits; 3 if nothing does."""
    import difflib
    import sys

    for option, value, known in (
        ("--profile", profile, PROFILES), ("--level", level and level.upper(), ("MUST", "SHOULD", "MAY")),
    ):  # fmt: skip
        if value is not None and value not in known:
            print(f"oicp-bench: {option} {value}: there is none; choose from {', '.join(known)}", file=sys.stderr)
            return 3
    console = Console(highlight=False)
    if len(words) == 1 and words[0].upper() in catalogue():
        console.print(explained(catalogue()[words[0].upper()]))
        return 0
    found = matching(words, profile=profile, operation=operation, level=level)
    if found:
        print_list(console, found)
        return 0
    close = difflib.get_close_matches(words[0].upper(), catalogue(), n=3) if words else []
    hint = f"; did you mean {', '.join(close)}?" if close else ""
    filters = {"--profile": profile, "--operation": operation, "--level": level}
    asked = [*words, *(f"{option} {value}" for option, value in filters.items() if value is not None)]
    print(f"oicp-bench: no requirement fits {' '.join(asked)}{hint}", file=sys.stderr)
    return 3
