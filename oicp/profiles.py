"""Profiles a recording is judged by when nobody chose any: those whose messages are in it."""

import re
from collections.abc import Iterable

from oicp.catalogue import PROFILES
from oicp.evidence import Exchange
from oicp.services import CPO_TO_HUB, HUB_TO_CPO

_SIGNED = re.compile(rb'"SignedMeteringValues"\s*:\s*\[\s*[^\]\s]|"CalibrationLawDataAvailability"\s*:\s*"External"')
_NO_SERVICE = "320"


def profiles_of(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """remote-only, and what else the CPO does; what it does not do it is not asked for, though somebody may ask the CPO."""
    found = {"remote-only"}
    for e in exchanges:
        if e.service is None or e.direction not in (CPO_TO_HUB, HUB_TO_CPO):
            continue
        if e.by_cpo or _offers(e):
            found.add(e.service.profile)
        if "eichrecht" not in found and e.by_cpo and _SIGNED.search(e.request.body):
            found.add("eichrecht")
    return tuple(p for p in PROFILES if p in found)


def _offers(e: Exchange) -> bool:
    """The CPO acknowledged what it was asked for, other than that it has no such service."""
    return e.accepted or (e.result is False and e.status_code != _NO_SERVICE)
