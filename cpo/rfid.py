"""Tokens of RFID readers: the hub is asked (AuthorizeStart), its SessionID is used. Only for fleets that have readers."""

import logging
import re
import time
from datetime import UTC, datetime

from cpo.fleet_data import ChargePoint, Evse, FleetData
from cpo.oicp_client import HubClient, NoAnswer
from cpo.records import Session, State
from cpo.register import Register, Taken
from cpo.settings import Settings
from oicp.wire_json import Json, at

LOG = logging.getLogger("cpo.rfid")
_UID = re.compile(r"([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})\Z")


class RfidAuthorization:
    """Asks the hub about tokens. No answer, or any other than Authorized with a SessionID, means no."""

    def __init__(self, settings: Settings, fleet: FleetData, register: Register, client: HubClient) -> None:
        self._settings, self._fleet, self._register, self._client = settings, fleet, register, client
        self._granted: dict[tuple[str, str], tuple[Session, float]] = {}

    async def authorize(self, charge_point: ChargePoint, evse: Evse | None, token: str) -> bool:
        """The token may start (or stop) here. `evse`: where, if that is known."""
        uid = token.upper()
        if not _UID.match(uid):
            return False
        evse = evse or (charge_point.evses[0] if len(charge_point.evses) == 1 else None)
        running = self._running(charge_point, evse)
        if running is not None:
            return uid in running.stop_uids or await self._may_stop(running, uid)
        granted = self._granted.pop((charge_point.charge_point_id, uid), None)
        session = granted[0] if granted else await self._ask(evse, uid)
        if session is None:
            return False
        if evse is None:
            self._granted[charge_point.charge_point_id, uid] = session, time.monotonic()
            return True
        return await self._claim(session, evse)

    async def _claim(self, session: Session, evse: Evse) -> bool:
        session.evse_id, session.state, session.answer_code = evse.evse_id, State.WAITING, "000"
        try:
            self._register.claim(session, evse)
        except Taken:
            return False
        await self._register.keep(session)
        return True

    def _running(self, charge_point: ChargePoint, evse: Evse | None) -> Session | None:
        for place in [evse] if evse else charge_point.evses:
            session = self._register.charging_session_on(place)
            if session is not None and session.kind == "rfid" and session.state is State.CHARGING:
                return session
        return None

    async def _ask(self, evse: Evse | None, uid: str) -> Session | None:
        body: dict[str, Json] = {"OperatorID": self._fleet.operator_id, "Identification": _identification(uid)}
        if evse is not None:
            body["EvseID"] = evse.evse_id
        answer = await self._sent("AuthorizeStart", body)
        session_id, provider_id = answer.get("SessionID"), answer.get("ProviderID")
        if answer.get("AuthorizationStatus") != "Authorized" or not isinstance(session_id, str):
            return None
        emp = answer.get("EMPPartnerSessionID")
        return Session(
            session_id, "rfid", evse.evse_id if evse else "", str(provider_id or ""), _identification(uid), uid,
            datetime.now(UTC), State.WAITING, emp if isinstance(emp, str) else None, f"cpo-{session_id}",
            stop_uids=_stop_uids(answer),
        )  # fmt: skip

    async def _may_stop(self, session: Session, uid: str) -> bool:
        """Another token than the one that started: the hub decides."""
        body: dict[str, Json] = {
            "SessionID": session.session_id, "CPOPartnerSessionID": session.cpo_partner_session_id,
            "OperatorID": self._fleet.operator_id, "EvseID": session.evse_id, "Identification": _identification(uid),
        }  # fmt: skip
        return (await self._sent("AuthorizeStop", body)).get("AuthorizationStatus") == "Authorized"

    async def _sent(self, operation: str, body: dict[str, Json]) -> dict[str, Json]:
        try:
            reply = await self._client.send(operation, body)
        except NoAnswer as fault:
            LOG.warning("%s", fault)
            return {}
        ok = 200 <= reply.http_status < 300 and isinstance(reply.value, dict)
        return reply.value if ok else {}

    async def expire(self) -> None:
        """A token that was granted and never used: its session is closed."""
        limit = time.monotonic() - self._settings.plug_in_timeout_s
        for (ident, uid), (session, since) in list(self._granted.items()):
            if since < limit:
                del self._granted[ident, uid]
                session.evse_id = self._fleet.charge_points[ident].evses[0].evse_id
                await self._register.cancel(session)


def _identification(uid: str) -> dict[str, Json]:
    return {"RFIDMifareFamilyIdentification": {"UID": uid}}


def _stop_uids(answer: dict[str, Json]) -> tuple[str, ...]:
    listed = answer.get("AuthorizationStopIdentifications")
    found = [at(entry, "RFIDMifareFamilyIdentification", "UID") for entry in listed] if isinstance(listed, list) else []
    return tuple(uid.upper() for uid in found if isinstance(uid, str))
