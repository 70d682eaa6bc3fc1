"""What can be chosen about the hub. Where no source tells what Hubject does, the default is the one of the errata."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Settings of the hub; `Hub.change` replaces single ones while it runs. Times in seconds.

    TLS: `client_certificate` "recorded" lets calls without one in. `untrusted_certificate`: "answered" with HTTP 400 as the
    proxy of Hubject does, or "refused" inside the handshake. `expired_certificate`: code 017, or HTTP 400 of a strict proxy.
    `verify_cpo` "recorded": talk to a CPO whose certificate is not trusted and note it; "required": do not.
    Limits: `rate_limit_scale` multiplies the published limits, 0 or None switches them off. `processing_s`: how long a push takes.
    """

    host: str = "127.0.0.1"
    port: int = 0
    public_hosts: tuple[str, ...] = ()
    state_file: Path | None = None

    client_certificate: Literal["required", "recorded"] = "required"
    untrusted_certificate: Literal["answered", "refused"] = "answered"
    expired_certificate: Literal["017", "400"] = "017"
    handshake_limit_s: float = 10.0
    verify_cpo: Literal["required", "recorded"] = "required"
    cpo_hostname_check: bool = True
    present_client_certificate: bool = True

    strict: bool = False
    textual_ids: bool = False
    other_content_types: Literal["accepted", "415"] = "accepted"
    rate_limit_scale: float | None = 1.0
    processing_s: float = 0.0
    max_body_bytes: int = 64 * 1024 * 1024
    body_limit_s: float = 60.0
    maintenance: bool = False
    vary_answers: bool = True
    unknown_path_status: int = 404

    answer_limit_s: float = 60.0
    emp_limit_s: float = 10.0
    connect_limit_s: float = 10.0
    after_timeout: Literal["deleted", "kept"] = "deleted"
    unreachable_code: str = "310"
    known_partner_session_ids: bool = True

    delete_of_unknown: Literal["accepted", "refused"] = "accepted"
    status_insert_of_existing: Literal["accepted", "refused"] = "accepted"
    full_load_drops_status: bool = True
    progress_gap_s: float = 300.0
    clock_tolerance_s: float = 60.0
    cdr_pull_days: int = 90

    def __post_init__(self) -> None:
        for name, kinds in _kinds().items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise ValueError(f"hub setting {name}: {value!r} is not {_IN_WORDS[kinds[0]]}")
        for name, low in (("max_body_bytes", 1), ("answer_limit_s", 0), ("processing_s", 0), ("port", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"hub setting {name}: {getattr(self, name)} is below {low}")
        if self.rate_limit_scale is not None and self.rate_limit_scale < 0:
            raise ValueError("hub setting rate_limit_scale: give a number above 0, or 0 to switch the limits off")
        for name, choices in _choices().items():
            if getattr(self, name) not in choices:
                shown = ", ".join(map(str, choices))
                raise ValueError(f"hub setting {name}: {getattr(self, name)!r} is none of {shown}")


_IN_WORDS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


@cache
def _kinds() -> dict[str, tuple[type, ...]]:
    """Settings of a plain type, and the types their values may have."""
    hints = get_type_hints(HubSettings)
    plain = {
        name: tuple(t for t in get_args(hint) or (hint,) if isinstance(t, type))
        for name, hint in hints.items() if get_origin(hint) is not tuple
    }  # fmt: skip
    return {
        name: (*kinds, int) if kinds[0] is float else kinds for name, kinds in plain.items()
        if kinds and kinds[0] in _IN_WORDS
    }  # fmt: skip


@cache
def _choices() -> dict[str, tuple[Any, ...]]:
    """Settings with a fixed set of values."""
    hints = get_type_hints(HubSettings)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


SETTING_NAMES = tuple(field.name for field in fields(HubSettings))
_FIXED = frozenset(("host", "port", "public_hosts", "state_file"))


def checked_changes(values: dict[str, Any]) -> dict[str, Any]:
    """Values that may be changed while the hub runs; `ValueError` names the one that may not."""
    for name in values:
        if name not in SETTING_NAMES:
            raise ValueError(f"hub setting {name}: there is none of that name; known are {', '.join(SETTING_NAMES)}")
        if name in _FIXED:
            raise ValueError(f"hub setting {name}: cannot be changed while the hub runs; restart it")
    return values
