"""Scenarios: what a tester would do, as coroutines; registered by a decorator, loaded from packages or from a path."""

import asyncio
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from oicp.catalogue import PROFILES

if TYPE_CHECKING:
    from bench.facade import Bench

Play: TypeAlias = "Callable[[Bench], Awaitable[None]]"
F = TypeVar("F", bound="Callable[..., Awaitable[None]]")


class Blocked(Exception):
    """A milestone was not reached: the scenario ends here, the rules say why. The message is a sentence."""


class Skipped(Exception):
    """The scenario cannot be played here (a hook or an EVSE is missing); the message is a sentence."""


class ScenarioError(ValueError):
    """A file of scenarios that cannot be used; the message names file and reason."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One script and what it needs.

    `evses`: how many EVSEs of its own; `whole_charge_point`: they are all those of one charge point, which may then be cut off
    or rebooted. `uses_up`: its EVSEs are of no use afterwards; played last. `disturbs`: it makes the hub fail for some
    messages, which may hold up others (or it does not mind); played beside its like, after the undisturbed ones. `exclusive`: nothing else runs meanwhile. `needs`: hooks. `slow`: many seconds, begins early. `long`: minutes by nature, played with --long only.
    `kind`: "private" has EVSEs that are not open for roaming, "signed" those whose records need signed meter values.
    `truth`: needs virtual charge points; otherwise a person at real ones does what it says.
    """

    name: str
    title: str
    play: Play
    profile: str = "remote-only"
    exclusive: bool = False
    needs: tuple[str, ...] = ()
    long: bool = False
    evses: int = 1
    whole_charge_point: bool = False
    truth: bool = False
    uses_up: bool = False
    disturbs: bool = False
    slow: bool = False
    where: str = ""
    kind: str = ""


TAP = "tap"
"""What a scenario needs that breaks messages on the wire: the tap between CPO and hub (`run --tap`)."""

REGISTRY: dict[str, Scenario] = {}


def scenario(
    title: str, *, profile: str = "remote-only", exclusive: bool = False, needs: tuple[str, ...] | str = (),
    long: bool = False, evses: int = 1, whole_charge_point: bool = False, truth: bool = False,
    uses_up: bool = False, disturbs: bool = False, slow: bool = False, kind: str = "",
) -> Callable[[F], F]:  # fmt: skip
    """Register a coroutine `async def name(bench)` as a scenario."""

    def register(play: F) -> F:
        name = f"{play.__module__.rpartition('.')[2]}.{play.__name__}"
        wanted = (needs,) if isinstance(needs, str) else tuple(needs)
        where = f"{inspect.getsourcefile(play)}:{play.__code__.co_firstlineno}" if inspect.isfunction(play) else ""
        REGISTRY[name] = Scenario(
            name,
            title,
            play,
            profile,
            exclusive,
            wanted,
            long,
            evses,
            whole_charge_point,
            truth,
            uses_up,
            disturbs,
            slow,
            where,
            kind,
        )
        return play

    return register


def built_in() -> tuple[Scenario, ...]:
    """The scenarios that come with the bench, file by file, in the order they are written."""
    import scenarios

    for module in sorted(pkgutil.iter_modules(scenarios.__path__), key=lambda m: m.name):
        importlib.import_module(f"scenarios.{module.name}")
    return tuple(s for s in REGISTRY.values() if s.play.__module__.startswith("scenarios."))


def from_file(path: Path) -> tuple[Scenario, ...]:
    """The scenarios of a user's own file. Raises `ScenarioError` naming file and line of what is wrong."""
    if not path.is_file():
        raise ScenarioError(f"{path}: no such file")
    module_name = "user_scenarios_" + re.sub(r"\W", "_", path.stem)
    specification = importlib.util.spec_from_file_location(module_name, path)
    if specification is None or specification.loader is None:
        raise ScenarioError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[module_name] = module
    try:
        specification.loader.exec_module(module)
    except SyntaxError as fault:
        raise ScenarioError(f"{path}:{fault.lineno}: {fault.msg}") from None
    except Exception as fault:  # whatever the user's file raises is the user's to read, in one line
        raise ScenarioError(f"{path}: {type(fault).__name__}: {fault}") from fault
    found = tuple(s for s in REGISTRY.values() if s.play.__module__ == module_name)
    if not found:
        raise ScenarioError(f'{path}: holds no scenario; mark one with @scenario("title")')
    for each in found:
        _check(path, each)
    return found


def _check(path: Path, scenario: Scenario) -> None:
    """What a scenario asks for has to exist. Raises `ScenarioError` naming the one that does not."""
    from bench.config import HOOKS
    from bench.pool import KINDS

    for word, values, known in (
        ("profile", (scenario.profile,), PROFILES), ("needs", scenario.needs, (*HOOKS, TAP)),
        ("kind", (scenario.kind,), tuple(KINDS)),
    ):  # fmt: skip
        for value in values:
            if value not in known:
                choices = ", ".join(repr(name) for name in known)
                line = scenario.where.rpartition(":")[2]
                raise ScenarioError(f"{path}:{line}: {word}={value!r} does not exist; there are {choices}")


def chosen(
    scenarios: Iterable[Scenario], *, profiles: frozenset[str], only: str | None = None, long: bool = False
) -> tuple[Scenario, ...]:
    """The scenarios of these profiles that match an expression (`cdr and not lost`); see `matches`."""
    fits = (lambda _: True) if only is None else matching(only)
    return tuple(s for s in scenarios if s.profile in profiles and (long or not s.long) and fits(s))


def matching(expression: str) -> Callable[[Scenario], bool]:
    """An expression of words (found in name or title; with `*`: the whole name), `and`, `or`, `not`, brackets; a comma is `or`.

    Raises `ScenarioError`.
    """
    words = re.findall(r"[(),]|[^\s(),]+", expression)
    if not words:
        raise ScenarioError("--only: empty expression; write words with and, or, not, for example `cdr and not lost`")
    parser = _Expression(words)
    test = parser.alternatives()
    if parser.words:
        raise ScenarioError(f"--only {expression!r}: {parser.words[0]!r} is not expected there")
    return lambda s: test(f"{s.name} {s.title}".lower(), s.name)


Test: TypeAlias = Callable[[str, str], bool]


@dataclass(slots=True)
class _Expression:
    words: list[str] = field(default_factory=list)

    def alternatives(self) -> Test:
        parts = [self.conditions()]
        while self._take("or", ","):
            parts.append(self.conditions())
        return lambda text, name: any(part(text, name) for part in parts)

    def conditions(self) -> Test:
        parts = [self.single()]
        while self._take("and"):
            parts.append(self.single())
        return lambda text, name: all(part(text, name) for part in parts)

    def single(self) -> Test:
        if self._take("not"):
            inner = self.single()
            return lambda text, name: not inner(text, name)
        if self._take("("):
            inner = self.alternatives()
            if not self._take(")"):
                raise ScenarioError("--only: a bracket is not closed")
            return inner
        if not self.words or self.words[0] in (")", ",", "and", "or"):
            at = f"before {self.words[0]!r}" if self.words else "at the end"
            raise ScenarioError(f"--only: a word is missing {at}; write words with and, or, not: 'cdr and not lost'")
        word = self.words.pop(0).lower()
        if "*" in word:
            return lambda text, name: fnmatchcase(name.lower(), word)
        return lambda text, name: word in text

    def _take(self, *wanted: str) -> bool:
        if self.words and self.words[0] in wanted:
            self.words.pop(0)
            return True
        return False


@dataclass(slots=True)
class StepLog:
    """What a scenario did and what it is waiting for right now. `now`: seconds of the run; `tell`: shows it to a person."""

    now: Callable[[], float]
    tell: Callable[[str, str], None] = lambda what, whom: None
    done: list[tuple[float, str]] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    broken_off: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def step(self, what: str, whom: str = "") -> Iterator[None]:
        """Inside the block the scenario waits for `what` from `whom` (CPO, hub, charge point, driver)."""
        step = (what, whom)
        self.waiting.append(step)
        self.done.append((self.now(), what))
        self.tell(what, whom)
        try:
            yield
        except asyncio.CancelledError:
            self.broken_off.append(step)
            raise
        finally:
            self.waiting.remove(step)

    @property
    def current(self) -> str:
        """What is waited for, and from whom; or what was waited for when the scenario was given up."""
        steps = self.waiting[-1:] or self.broken_off[-1:]
        return "{} ({})".format(*steps[0]) if steps else ""
