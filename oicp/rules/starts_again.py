"""An EVSE whose session is over can be started again (RSTART-001)."""

from collections.abc import Iterator
from functools import lru_cache

from oicp.evidence import Evidence, Exchange
from oicp.occupied import on_evse
from oicp.outages import cpo_down
from oicp.rulebook import Yield, finding, rules_about_evidence
from oicp.rules.refused_forms import asked, excused
from oicp.rules.remote_refusals import end_of, evse_of
from oicp.services import START
from oicp.sessions import folded
from oicp.status_codes import EVSE_CAUSES
from oicp.variants import variant_of

whole = rules_about_evidence()
_USED_UP = 2
"""One start alone may have met something nobody saw."""


@whole.rule("RSTART-001")
def serves_an_evse_again(evidence: Evidence) -> Iterator[Yield]:
    """A backend that never frees an EVSE refuses whoever comes after a charging session, although a vehicle waits."""
    restarted = next(
        (begin for begin, _ in cpo_down(evidence).spans), float("inf")
    )  # which frees what is in memory only
    again = [e for e in asked(evidence) if e.operation == START and e.t < restarted and _after_another(evidence, e)]
    if any(e.accepted and variant_of(e) is None for e in again):
        return
    refused = [e for e in again if e.result is False and e.status_code in EVSE_CAUSES and not excused(evidence, e)]
    if len(refused) >= _USED_UP:
        told = f"{len(refused)} starts at EVSEs whose session was over were refused (code {refused[0].status_code}), none was accepted"
        yield finding(told, on=refused[0], requirement="RSTART-001", in_answer=True)


def _after_another(evidence: Evidence, start: Exchange) -> bool:
    """Another session charged on this EVSE before."""
    first = _first_charged(evidence).get(folded(evse_of(start) or ""), [])
    return any(end < start.t and session_id != start.session_id for end, session_id in first)


@lru_cache(maxsize=8)
def _first_charged(evidence: Evidence) -> dict[str, list[tuple[float, str]]]:
    """By EVSE, the two sessions with energy whose start was answered first: when, and their ids."""
    found: dict[str, list[tuple[float, str]]] = {}
    for key, there in on_evse(evidence).items():
        charged = [s for s in there if s.accepted and any((t.energy_wh or 0) > 0 for t in s.transactions)]
        found[key] = sorted((end_of(s.start), s.session_id) for s in charged if s.start)[:2]
    return found
