"""What a variant of the reference CPO is: a value that says what is different, and what the judgement must say to it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oicp.wire_json import Json

if TYPE_CHECKING:
    from cpo.application import Application

Change = Callable[[dict[str, Json]], None]
"""Changes a message in place."""
AnswerChange = Callable[[dict[str, Json], dict[str, Json]], None]
"""Changes an answer in place; the request comes first."""


@dataclass(frozen=True)
class Http:
    """What is different below the message: on the way to the hub, and in what the hub is answered.

    `method`: of requests. `path`: changes the path of an operation. `headers`: added or replaced; None takes one away. `encode`:
    message text to bytes. `chunked`: no length is given. `connection_per_call`: no connection is used twice. `parameter`: anything
    else a subclass of the client wants to know.
    """

    method: str = "POST"
    path: Callable[[str, str], str] = lambda operation, path: path
    headers: Mapping[str, str | None] = field(default_factory=dict)
    encode: Callable[[str], bytes] = str.encode
    chunked: bool = False
    connection_per_call: bool = False
    answer_status: Callable[[dict[str, Json]], int] = lambda body: 200
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer_encode: Callable[[str], bytes] = str.encode


@dataclass(frozen=True)
class Variant:
    """One CPO. `violates`: every one of these requirements must be named; none: the CPO is innocent and must not be accused.

    `grade`: of the findings it gets at least; `warning` for a SHOULD or a contested MUST, `info` where the catalogue only takes note. `collateral`: errors that follow by
    necessity, each with its reason. `only`: the scenarios that show it. `parts`: classes in place of those of the reference CPO,
    `settings` and `options` its settings, `tune` a last touch to the finished application. `bench`, `cpo`, `hub`, `fleet`: what is
    different in `[suite]`, `[cpo]`, `[hub]` and `[fleet]`; `sites`: what its stations offer; `scheme` of its endpoint; `prepare` issues certificates in the folder of the CA.
    `silent`: MUST requirements an innocent CPO gives no occasion to judge, each with its reason.
    """

    name: str
    sentence: str
    violates: tuple[str, ...] = ()
    grade: str = "error"
    collateral: Mapping[str, str] = field(default_factory=dict)
    only: str = "authorization.remote_start_and_stop"
    requests: Mapping[str, Change] = field(default_factory=dict)
    answers: Mapping[str, AnswerChange] = field(default_factory=dict)
    http: Http = Http()
    parts: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    tune: "Callable[[Application], None]" = lambda application: None
    profiles: tuple[str, ...] = ("remote-only",)
    fleet: Mapping[str, Any] = field(default_factory=dict)
    sites: Mapping[str, Any] = field(default_factory=dict)
    bench: Mapping[str, Any] = field(default_factory=dict)
    cpo: Mapping[str, Any] = field(default_factory=dict)
    hub: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda folder: None
    scheme: str = "https"
    long: bool = False
    silent: Mapping[str, str] = field(default_factory=dict)

    @property
    def innocent(self) -> bool:
        """Within the law."""
        return not self.violates

    @property
    def only_messages(self) -> bool:
        """All of it is changed messages, so it can be shown on a recording without playing anything."""
        plain = not (
            self.parts
            or self.settings
            or self.options
            or self.fleet
            or self.sites
            or self.bench
            or self.cpo
            or self.hub
        )
        return (
            bool(self.requests or self.answers) and plain and self.http == PLAIN and self.profiles == ("remote-only",)
        )


PLAIN = Http()
