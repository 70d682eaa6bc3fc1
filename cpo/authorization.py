"""Remote start and stop: decide, ask the charge point, keep the word that was given."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from cpo.answers import Refused, acknowledgement
from cpo.charge_point_link import Links, Unreachable
from cpo.evse_status import IN_USE, OUT_OF_SERVICE
from cpo.fleet_data import Evse, FleetData
from cpo.records import Session, State
from cpo.register import Register, Taken, id_tag_of
from cpo.requests import RemoteRequest, read_start, read_stop
from cpo.settings import Settings
from oicp.sessions import folded
from oicp.wire_json import Json

LOG = logging.getLogger("cpo.authorization")
_LATE_TRANSACTION_S = 10.0
"""So long after a stop a charge point may still begin the transaction it was asked for before."""


class RemoteAuthorization:
    """Answers remote starts and stops of the hub."""

    def __init__(self, settings: Settings, fleet: FleetData, register: Register, links: Links) -> None:
        self._settings, self._fleet, self._register, self._links = settings, fleet, register, links
        self._answers: dict[str, asyncio.Future[dict[str, Json]]] = {}

    # --- start --------------------------------------------------------------------------------------------------------

    async def start(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer a remote start. The same SessionID again gets the same answer and starts nothing. Raises `Refused`."""
        request = read_start(body)
        running = self._answers.get(request.session_id)
        if running is not None:
            return await asyncio.shield(running)
        answer: asyncio.Future[dict[str, Json]] = asyncio.get_running_loop().create_future()
        self._answers[request.session_id] = answer
        try:
            answer.set_result(await self._first_or_repeat(request))
            return answer.result()
        except Refused as refused:
            answer.set_result(acknowledgement(refused.code, refused.information, session_id=request.session_id))
            raise
        finally:
            del self._answers[request.session_id]
            if not answer.done():
                answer.set_result(acknowledgement("021", session_id=request.session_id))

    async def _first_or_repeat(self, request: RemoteRequest) -> dict[str, Json]:
        known = await self._register.session(request.session_id)
        if known is None:
            return await self._start(request)
        evse = self._fleet.evse(request.evse_id)
        if known.kind != "remote" or evse is None or evse.evse_id != known.evse_id:
            raise Refused("400", "the SessionID belongs to another process")
        if known.state is State.ENDED or known.stopped_early:
            raise Refused("400", "the session is over")
        return acknowledgement(known.answer_code or "000", session=known)

    async def _start(self, request: RemoteRequest) -> dict[str, Json]:
        evse = self.startable(request.evse_id)
        holder = self._reservation_for(evse, request)
        session = self.session_of(request, evse)
        if holder is not None:
            session.id_tag = holder.id_tag
        try:
            self._register.claim(session, evse)
        except Taken:
            raise Refused("602") from None
        try:
            await self._register.keep(session)
            await self._ask(session, evse)
        except Refused as refused:
            await self._register.refuse(session, refused.code)
            raise
        except BaseException:
            await asyncio.shield(self._register.refuse(session, "021"))
            raise
        return acknowledgement(session=session)

    def startable(self, evse_id: str) -> Evse:
        """The EVSE if a session may begin there as far as is known here. Raises `Refused` with the cause."""
        evse = self._fleet.evse(evse_id)
        if evse is None or not evse.published:
            raise Refused("603")
        if not evse.hubject_compatible:
            raise Refused("604")
        charge_point = self._fleet.charge_point_of(evse)
        if charge_point.out_of_service or evse.connector_status in OUT_OF_SERVICE:
            raise Refused("700")
        if self._register.in_use(evse):
            raise Refused("602")
        if not self._links.connected(evse.charge_point_id):
            raise Refused("501", "the charge point is not connected")
        if evse.connector_status in IN_USE:
            raise Refused("602")
        return evse

    def _reservation_for(self, evse: Evse, request: RemoteRequest) -> Session | None:
        reservation = self._register.reservation_on(evse)
        if reservation is not None:
            if reservation.state is State.RESERVED and folded(reservation.evco_id or "") == folded(request.evco_id):
                return reservation
            raise Refused("601")
        if evse.connector_status == "Reserved":
            raise Refused("601")
        if self._settings.no_vehicle == "refuse" and evse.connector_status == "Available":
            raise Refused("510")
        return None

    def session_of(self, request: RemoteRequest, evse: Evse) -> Session:
        """A new session for a remote start."""
        return Session(
            request.session_id, "remote", evse.evse_id, request.provider_id,
            {"RemoteIdentification": {"EvcoID": request.evco_id}}, id_tag_of(request.session_id), datetime.now(UTC),
            emp_partner_session_id=request.emp_partner_session_id, partner_product_id=request.partner_product_id,
            cpo_partner_session_id=f"cpo-{request.session_id}",
        )  # fmt: skip

    async def _ask(self, session: Session, evse: Evse) -> None:
        """The charge point decides. A transaction that began meanwhile is as good as its answer."""
        try:
            status = await self._links.of(evse.charge_point_id).remote_start(evse, session.id_tag)
        except Unreachable as fault:
            if session.state is not State.CHARGING:
                raise Refused("501", str(fault)) from None
            status = "Accepted"
        if status != "Accepted" and session.state is not State.CHARGING:
            raise Refused(self._cause(evse), f"the charge point answered {status}")
        if not await self._register.accept(session) and session.state is not State.ENDED:
            raise Refused("501", "the charge point took its word back")

    def _cause(self, evse: Evse) -> str:
        if evse.connector_status in OUT_OF_SERVICE:
            return "700"
        if evse.connector_status == "Reserved":
            return "601"
        return "602" if evse.connector_status in (*IN_USE, "Finishing") else "501"

    # --- stop ---------------------------------------------------------------------------------------------------------

    async def stop(self, body: dict[str, Json]) -> dict[str, Json]:
        """Answer a remote stop. The SessionID decides; a request that contradicts it stops nothing. Raises `Refused`."""
        request = read_stop(body)
        session = await self._register.session(request.session_id)
        if session is None or session.kind == "reservation" or not session.live:
            raise Refused("400")
        self.check_owner(request, session)
        if session.state is State.STARTING and session.session_id in self._answers:
            await asyncio.shield(self._answers[session.session_id])
        evse = self._fleet.evse(session.evse_id)
        if evse is None:
            raise Refused("603")
        await self._stop(session, evse)
        return acknowledgement(session=session)

    def check_owner(self, request: RemoteRequest, session: Session) -> None:
        """Provider and EVSE have to be those of the session. Raises `Refused`."""
        if folded(request.provider_id) != folded(session.provider_id):
            raise Refused("400", "the session belongs to another provider")
        named = self._fleet.evse(request.evse_id)
        if named is None:
            raise Refused("603")
        if named.evse_id != session.evse_id:
            raise Refused("400", "the session runs on another EVSE")

    async def _stop(self, session: Session, evse: Evse) -> None:
        if not self._links.connected(evse.charge_point_id):
            raise Refused("501", "the charge point is not connected")
        transaction = self._register.transaction_of(session)
        if transaction is None:
            if not session.live:
                raise Refused("400")
            await self._stop_early(session)
            return
        try:
            status = await self._links.of(evse.charge_point_id).remote_stop(transaction)
        except Unreachable as fault:
            if transaction.open and not session.stop_accepted:
                raise Refused("501", str(fault)) from None
            return
        if status != "Accepted" and transaction.open and not session.stop_accepted:
            raise Refused("501", f"the charge point answered {status}")
        session.stop_accepted = True
        if session.live:
            await self._register.keep(session)

    async def _stop_early(self, session: Session) -> None:
        """The transaction may be on its way: should it begin after all, it is stopped at once and what flowed is billed."""
        if session.stopped_early:
            return
        session.stop_accepted = session.stopped_early = True
        wait_s = min(_LATE_TRANSACTION_S, self._settings.plug_in_timeout_s)
        session.ends_at = datetime.now(UTC) + timedelta(seconds=wait_s)
        await self._register.keep(session)
