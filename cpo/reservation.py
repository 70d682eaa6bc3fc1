"""Reservations: start and stop by the hub, held by the charge point, ended by stop, use or time."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from cpo.answers import Refused, acknowledgement
from cpo.authorization import RemoteAuthorization
from cpo.charge_point_link import Links, Unreachable
from cpo.fleet_data import Evse, FleetData
from cpo.records import Session, State
from cpo.register import Register, Taken, id_tag_of
from cpo.requests import read_start, read_stop
from cpo.settings import Settings
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.reservation")
_CAUSES = {"Occupied": "602", "Faulted": "700", "Unavailable": "700"}


class Reservations:
    """Answers reservation starts and stops of the hub."""

    def __init__(
        self, settings: Settings, fleet: FleetData, register: Register, links: Links, remote: RemoteAuthorization
    ) -> None:
        self._settings, self._fleet, self._register, self._links, self._remote = (
            settings,
            fleet,
            register,
            links,
            remote,
        )
        self._next_id = int(time.time()) % 1_000_000_000
        self._answers: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def start(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer a reservation start. The same SessionID again gets the same answer. Raises `Refused`."""
        request = read_start(body)
        async with self._answers.setdefault(request.session_id, asyncio.Lock()):
            known = await self._register.session(request.session_id)
            if known is not None:
                if known.kind != "reservation" or known.state is State.ENDED:
                    raise Refused("400")
                return acknowledgement(known.answer_code or "000", session=known)
            evse = self._remote.startable(request.evse_id)
            if self._register.reservation_on(evse) or evse.connector_status == "Reserved":
                raise Refused("601")
            session = self._remote.session_of(request, evse)
            session.kind, session.id_tag = "reservation", id_tag_of(request.session_id)
            minutes = request.duration_minutes or self._settings.reservation_minutes
            session.ends_at = session.created_at + timedelta(minutes=minutes)
            self._next_id += 1
            return await self._reserve(session, evse, self._next_id)

    async def _reserve(self, session: Session, evse: Evse, reservation_id: int) -> dict[str, Json]:
        try:
            self._register.claim(session, evse)
        except Taken:
            raise Refused("601" if self._register.reservation_on(evse) else "602") from None
        await self._register.keep(session)
        try:
            await self._ask(session, evse, reservation_id)
        except Refused as refused:
            await self._register.refuse(session, refused.code)
            raise
        session.reservation_id = reservation_id
        await self._register.accept(session)
        return acknowledgement(session=session)

    async def _ask(self, session: Session, evse: Evse, reservation_id: int) -> None:
        ends_at = session.ends_at or datetime.now(UTC)
        try:
            status = await self._links.of(evse.charge_point_id).reserve(evse, reservation_id, session.id_tag, ends_at)
        except Unreachable as fault:
            raise Refused("501", str(fault)) from None
        if status != "Accepted":
            raise Refused(_CAUSES.get(status, "501"), f"the charge point answered {status}")

    async def stop(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer a reservation stop: the EVSE is free afterwards, or the reservation stays. Raises `Refused`."""
        request = read_stop(body)
        session = await self._register.session(request.session_id)
        if session is None or session.kind != "reservation" or session.state is not State.RESERVED:
            raise Refused("400")
        self._remote.check_owner(request, session)
        evse = self._fleet.evse(session.evse_id)
        if evse is None:
            raise Refused("603")
        try:
            status = await self._links.of(evse.charge_point_id).cancel_reservation(session.reservation_id or 0)
        except Unreachable as fault:
            raise Refused("501", str(fault)) from None
        if status != "Accepted" and evse.connector_status == "Reserved" and session.live:
            raise Refused("501", f"the charge point answered {status}")
        if session.live:
            await self._register.cancel(session)
        return acknowledgement(session=session)
