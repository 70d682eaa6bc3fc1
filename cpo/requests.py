"""Requests of the hub, read leniently: null is absent, unknown members are ignored; what is missing is refused with 022."""

import re
from dataclasses import dataclass
from typing import Any

from cpo.answers import Refused
from oicp.wire_json import Json, at, shown

_SESSION_ID = re.compile(r"[A-Za-z0-9]{8}(-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}\Z")
_EVCO_ID = re.compile(r"[A-Za-z0-9*|\-]{6,37}\Z")
_PARTNER_SESSION_LIMIT, _PRODUCT_LIMIT = 250, 50


@dataclass(frozen=True)
class RemoteRequest:
    """What remote start, remote stop and the reservations have in common."""

    session_id: str
    provider_id: str
    evse_id: str
    evco_id: str = ""
    emp_partner_session_id: str | None = None
    partner_product_id: str | None = None
    duration_minutes: int | None = None


def read_start(body: dict[str, Json]) -> RemoteRequest:
    """A remote start or reservation start. Raises `Refused` with 022."""
    evco_id = at(body, "Identification", "RemoteIdentification", "EvcoID")
    if not isinstance(evco_id, str) or not _EVCO_ID.match(evco_id):
        raise Refused("022", f"Identification.RemoteIdentification.EvcoID is {shown(evco_id)}; an EvcoID is needed")
    return RemoteRequest(
        **_common(body), evco_id=evco_id,
        emp_partner_session_id=_optional(body, ("EMPPartnerSessionID", "EMPPartnerSessionId"), _PARTNER_SESSION_LIMIT),
        partner_product_id=_optional(body, ("PartnerProductID",), _PRODUCT_LIMIT),
        duration_minutes=_minutes(body.get("Duration")),
    )  # fmt: skip


def read_stop(body: dict[str, Json]) -> RemoteRequest:
    """A remote stop or reservation stop. Raises `Refused` with 022."""
    return RemoteRequest(**_common(body))


def session_id_in(body: dict[str, Json]) -> str | None:
    """The SessionID of a request if it is one."""
    session_id = body.get("SessionID")
    return session_id if isinstance(session_id, str) and _SESSION_ID.match(session_id) else None


def _common(body: dict[str, Json]) -> dict[str, Any]:
    session_id = session_id_in(body)
    if session_id is None:
        raise Refused("022", f"SessionID is {shown(body.get('SessionID'))}; the SessionID of the hub is needed")
    return {
        "session_id": session_id, "provider_id": _mandatory(body, "ProviderID"), "evse_id": _mandatory(body, "EvseID"),
    }  # fmt: skip


def _mandatory(body: dict[str, Json], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refused("022", f"{name} is {shown(value)}; a text is needed")
    return value.strip()


def _optional(body: dict[str, Json], names: tuple[str, ...], limit: int) -> str | None:
    """An optional text; one that is too long is left out rather than carried on."""
    for name in names:
        value = body.get(name)
        if isinstance(value, str) and value and len(value) <= limit:
            return value
    return None


def _minutes(value: Json) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 99:
        return value
    raise Refused("022", f"Duration is {shown(value)}; whole minutes from 1 to 99 are needed")
