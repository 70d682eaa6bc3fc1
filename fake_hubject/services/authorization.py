"""Authorization: who may charge with a card or by Plug & Charge, and remote start and stop."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fake_hubject.answers import BAD_SESSION, UNAUTHORIZED, Reply, status_code
from fake_hubject.broker import Broker, Call
from fake_hubject.emps import EmpFailed
from fake_hubject.identification import REFUSAL_OF, Medium, in_upper_case, media_of
from fake_hubject.partners import Partner
from fake_hubject.services import remote_requests
from fake_hubject.services.authentication_data import offline_provider
from fake_hubject.services.pushes import text
from fake_hubject.sessions import HubSession
from oicp.services import START, STOP
from oicp.status_codes import TEXTS
from oicp.wire_json import Json, at, dump


async def authorize_start(broker: Broker, call: Call) -> Reply:
    """Offline data first, then the EMP of the EvcoID, else all contracted EMPs; without success nothing is left behind."""
    partner = call.partner
    if partner.locked:
        return UNAUTHORIZED
    if not partner.contracted("Authorization"):
        return _decided(call, "NotAuthorized", "210", "No valid contract")
    body = in_upper_case(call.body)
    media = media_of(body.get("Identification"))
    session = broker.sessions.create(
        "rfid", partner.id, None, text(body, "EvseID") or None, identification=body.get("Identification"),
        product=text(body, "PartnerProductID") or None, cpo_partner_session_id=text(body, "CPOPartnerSessionID") or None,
    )  # fmt: skip
    if (provider_id := offline_provider(broker, body.get("Identification"))) is not None:
        return _authorized(broker, call, session, provider_id, None, offline=True)
    body["SessionID"] = session.session_id
    asked = candidates(broker, partner, media)
    answers = await _ask(broker, "AuthorizeStart", asked, body, partner.id)
    for emp, answer in zip(asked, answers, strict=True):
        if answer is not None and answer.get("AuthorizationStatus") == "Authorized":
            _learn(broker, media, emp)
            return _authorized(broker, call, session, emp.id, answer, offline=False)
    broker.sessions.delete(session, "not authorized")
    code = _code_of_refusal(asked, answers, media)
    return _decided(call, "NotAuthorized", code, TEXTS.get(code))


def candidates(broker: Broker, operator: Partner, media: Sequence[Medium]) -> list[Partner]:
    """The EMPs to ask: the one an EvcoID or a remembered card names, else all with a contract."""
    for medium in media:
        owner = broker.partners.owner_of_evco(medium.evco_id) if medium.evco_id else None
        owner = owner or broker.partners.provider(broker.remembered_uids.get(medium.value, ""))
        if owner is not None:
            return [owner] if _may(operator, owner) else []
        if medium.evco_id:
            return []
    return [p for p in broker.partners if not p.is_operator and _may(operator, p)]


def _may(operator: Partner, emp: Partner) -> bool:
    return not emp.locked and emp.contracted("Authorization", operator)


def _learn(broker: Broker, media: Sequence[Medium], emp: Partner) -> None:
    for medium in media:
        if medium.kind == "rfid":
            broker.remember_uid(medium.value, emp.id)


async def _ask(
    broker: Broker, operation: str, emps: Sequence[Partner], body: dict[str, Json], operator_id: str
) -> list[dict[str, Json] | None]:
    sent = dump(body).encode()

    async def one(emp: Partner) -> dict[str, Json] | None:
        try:
            return await broker.emps.deliver(operation, emp, body, sent, operator_id)
        except EmpFailed:
            return None

    return list(await asyncio.gather(*(one(emp) for emp in emps)))


def _code_of_refusal(
    asked: Sequence[Partner], answers: Sequence[dict[str, Json] | None], media: Sequence[Medium]
) -> str:
    codes = {at(a, "StatusCode", "Code") for a in answers if a is not None}
    if len(codes) == 1 and isinstance(code := codes.pop(), str) and "100" <= code <= "200":
        return code
    if not asked or all(a is None for a in answers):
        return "106"
    return REFUSAL_OF[media[0].kind] if media else "106"


def _authorized(
    broker: Broker, call: Call, session: HubSession, provider_id: str, answer: dict[str, Json] | None, *, offline: bool
) -> Reply:
    session.provider_id, session.offline = provider_id, offline
    given = (answer or {}).get("EMPPartnerSessionID")
    session.emp_partner_session_id = given if isinstance(given, str) else None
    broker.sessions.keep(session)
    stops = (answer or {}).get("AuthorizationStopIdentifications")
    return _decided(call, "Authorized", "000", "Success", session=session, stops=stops)


def _decided(
    call: Call,
    status: str,
    code: str,
    description: str | None,
    *,
    session: HubSession | None = None,
    stops: Json = None,
) -> Reply:
    body: dict[str, Any] = {
        "AuthorizationStatus": status, "StatusCode": status_code(code, description),
        "SessionID": session.session_id if session else None,
        "CPOPartnerSessionID": call.body.get("CPOPartnerSessionID"),
        "EMPPartnerSessionID": session.emp_partner_session_id if session else None,
        "ProviderID": session.provider_id if session else None,
    }  # fmt: skip
    if call.operation.name == "AuthorizeStart":
        body["AuthorizationStopIdentifications"] = stops
    return Reply(200, body)


async def authorize_stop(broker: Broker, call: Call) -> Reply:
    """Stop by the medium that started (offline), or as the EMP of the session decides."""
    session = broker.session_of(call.body.get("SessionID"), operator=call.partner)
    if session is None or not session.open:
        return BAD_SESSION
    body = in_upper_case(call.body)
    media = media_of(body.get("Identification"))
    if session.offline:
        same = {m.key for m in media} & {m.key for m in media_of(session.identification)}
        code = "000" if same else REFUSAL_OF[media[0].kind] if media else "102"
        return _stopped(call, session, code)
    emp = broker.partners.provider(session.provider_id)
    if emp is None:
        return _decided(call, "NotAuthorized", "300", "Partner not found")
    if emp.locked or call.partner.locked:
        return UNAUTHORIZED
    answers = await _ask(broker, "AuthorizeStop", [emp], body, call.partner.id)
    granted = answers[0] is not None and answers[0].get("AuthorizationStatus") == "Authorized"
    return _stopped(call, session, "000" if granted else _code_of_refusal([emp], answers, media))


def _stopped(call: Call, session: HubSession, code: str) -> Reply:
    status = "Authorized" if code == "000" else "NotAuthorized"
    return _decided(call, status, code, "Success" if code == "000" else TEXTS.get(code), session=session)


OPERATIONS = {
    "AuthorizeStart": authorize_start, "AuthorizeStop": authorize_stop,
    START: remote_requests.from_emp, STOP: remote_requests.from_emp,
}  # fmt: skip
