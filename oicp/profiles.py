"""Profiles a recording is judged by when nobody chose any: those whose messages are in it."""

import re
from collections.abc import Iterable

from oicp.catalogue import PROFILES
from oicp.evidence import Exchange
from oicp.services import CPO_TO_HUB, HUB_TO_CPO

_SIGNED = re.compile(rb'"SignedMeteringValues"\s*:\s*\[|"CalibrationLawDataAvailability"\s*:\s*"External"')


def profiles_of(exchanges: Iterable[Exchange]) -> tuple[str, ...]:
    """remote-only, and what else the CPO does; what it does not do it is not asked for."""
    found = {"remote-only"}
    for e in exchanges:
        if e.service is None or e.direction not in (CPO_TO_HUB, HUB_TO_CPO):
            continue
        found.add(e.service.profile)
        if "eichrecht" not in found and e.by_cpo and _SIGNED.search(e.request.body):
            found.add("eichrecht")
    return tuple(p for p in PROFILES if p in found)
