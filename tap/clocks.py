"""The clock of a recorder against that of the hub: the law speaks of the hub's, and its answers carry it (`Date`)."""

from dataclasses import replace
from datetime import timedelta
from statistics import median

from oicp.moments import http_moment
from tap.mapping import Heard, is_oicp, to_the_hub

_ALIKE_S = 5.0
_MOSTLY = 0.9
"""An answer that was slow, or that a proxy had kept, has an old `Date` among right ones."""
_NOTICED_S = 2.0
_MOST_S = 86_400.0


def on_the_clock_of_the_hub(heard: list[Heard]) -> list[Heard]:
    """The same messages with the times of the hub, where its answers tell how far the recorder's clock was off.

    A stub that answers with one `Date` for ever tells nothing.
    """
    found = [off for h in heard if is_oicp(h.url) and to_the_hub(h) and (off := _off(h)) is not None]
    usual = median(found) if found else 0.0
    alike = sum(abs(off - usual) <= _ALIKE_S / 2 for off in found)
    if alike < _MOSTLY * len(found) or not _NOTICED_S < abs(usual) < _MOST_S:
        return heard
    by = timedelta(seconds=usual)
    return [replace(h, started_at=h.started_at + by) for h in heard]


def _off(heard: Heard) -> float | None:
    """Seconds by which the clock of the hub was ahead when it answered; it writes whole seconds, cut."""
    headers = heard.answer.headers if heard.answer else ()
    text = next((value for name, value in headers if name.lower() == "date"), None)
    said = http_moment(text or "")
    if said is None:
        return None
    return (said - heard.started_at).total_seconds() - (heard.seconds or 0.0) + 0.5
