"""The clock of a recorder against that of the hub: the law speaks of the hub's, and its answers carry it (`Date`)."""

from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from statistics import median

from tap.mapping import Heard, is_oicp, to_the_hub

_ALIKE_S = 5.0
_NOTICED_S = 2.0
_MOST_S = 86_400.0


def on_the_clock_of_the_hub(heard: list[Heard]) -> list[Heard]:
    """The same messages with the times of the hub, where its answers tell how far the recorder's clock was off.

    A stub that answers with one `Date` for ever tells nothing.
    """
    found = [off for h in heard if is_oicp(h.url) and to_the_hub(h) and (off := _off(h)) is not None]
    if not found or max(found) - min(found) > _ALIKE_S or not _NOTICED_S < abs(median(found)) < _MOST_S:
        return heard
    by = timedelta(seconds=median(found))
    return [replace(h, started_at=h.started_at + by) for h in heard]


def _off(heard: Heard) -> float | None:
    """Seconds by which the clock of the hub was ahead when it answered; it writes whole seconds, cut."""
    headers = heard.answer.headers if heard.answer else ()
    text = next((value for name, value in headers if name.lower() == "date"), None)
    try:
        said = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    if said is None or said.tzinfo is None:
        return None
    return (said - heard.started_at).total_seconds() - (heard.seconds or 0.0) + 0.5
