"""Refusals in words of their own that starts of a form that is taken are told, too: they are not about the form."""

import re
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import chargers
from oicp.evidence import Evidence, Exchange
from oicp.rules.refused_forms import asked, oddities, taken_forms
from oicp.rules.remote_refusals import end_of, evse_of
from oicp.services import START
from oicp.status_codes import TEXTS
from oicp.variants import variant_of

_OF_ONE_REQUEST = re.compile(r"""["'][^"']*["']|\S*[0-9]\S*""")
"""What differs from request to request: quoted names, ids, numbers."""


def told_to_all(evidence: Evidence, e: Exchange) -> bool:
    """An ordinary start was refused with this code in these words: one whose form was accepted elsewhere, with a vehicle waiting."""
    words = _words(e)
    return words is not None and (e.status_code, words) in _told(evidence)


@lru_cache(maxsize=8)
def _told(evidence: Evidence) -> frozenset[tuple[str | None, str]]:
    found = set[tuple[str | None, str]]()
    for e in asked(evidence):
        words = _words(e) if e.operation == START and variant_of(e) is None else None
        if words is not None and _waiting(evidence, e) and of_a_taken_form(evidence, e):
            found.add((e.status_code, words))
    return frozenset(found)


def of_a_taken_form(evidence: Evidence, e: Exchange) -> bool:
    """Whatever is particular about this request, there is an accepted one with it."""
    return all((e.operation or "", key) in taken_forms(evidence) for key, _ in oddities(evidence, e))


def _waiting(evidence: Evidence, e: Exchange) -> bool:
    """Nothing at the EVSE explains the refusal."""
    evse_id, fleet = evse_of(e), chargers(evidence)
    at_the_charge_point = fleet.of("remote_start_received", evse_id).between(e.t, end_of(e))
    return (
        evidence.run.truth and not at_the_charge_point and fleet.online(evse_id, e.t, end_of(e))
        and fleet.running(evse_id, e.t, e.t) is None and fleet.status(evse_id, e.t, end_of(e)) == "Preparing"
    )  # fmt: skip


def _words(e: Exchange) -> str | None:
    """The text of a refusal without what is particular; None for a standard text, which says nothing of the cause."""
    text = wire_json.at(e.answer_body, "StatusCode", "Description")
    if e.result is not False or not isinstance(text, str) or _bare(text) in _STANDARD:
        return None
    words = _OF_ONE_REQUEST.sub("", text)
    return " ".join(words.split()).lower() or None


def _bare(text: str) -> str:
    return text.strip().rstrip(".").lower()


_STANDARD = frozenset(_bare(text) for text in TEXTS.values())
