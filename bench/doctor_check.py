"""What `doctor` says of one thing it looked at."""

from dataclasses import dataclass

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `mend`: what to do, empty where all is well."""

    level: str
    text: str
    mend: str = ""
