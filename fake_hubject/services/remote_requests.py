"""Remote start and stop, of charging and of reservations: checked in Hubject's order, forwarded, the answer handed back."""

from dataclasses import dataclass

from fake_hubject.answers import Reply, acknowledgement, bare
from fake_hubject.broker import Broker, Call, RemoteResult
from fake_hubject.identification import in_upper_case
from fake_hubject.partners import Partner
from fake_hubject.remote import Outgoing, path_for
from fake_hubject.services.pushes import text
from fake_hubject.sessions import HubSession, new_session_id
from fake_hubject.variants import Draft, hostile, varied
from oicp import wire_json
from oicp.evidence import Exchange
from oicp.services import RELEASE, RESERVE, START, STOP, Direction
from oicp.status_codes import TEXTS
from oicp.wire_json import Json

_SERVICE = {START: "RemoteAuthorization", STOP: "RemoteAuthorization", RESERVE: "Reservation", RELEASE: "Reservation"}
_KIND = {START: "remote", RESERVE: "reservation"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal by the hub itself. `http_status`: what an EMP that called over HTTP gets."""

    code: str
    description: str
    http_status: int = 200

    def result(self, session_id: str | None = None) -> RemoteResult:
        """The refusal as a result of the call."""
        return RemoteResult(session_id, None, acknowledgement(False, self.code, self.description), False)


_NOBODY = Refusal("300", "Partner not found", 404)
_LOCKED = Refusal("017", "Unauthorized Access", 401)
_LOCKED_STOP = Refusal("320", "Service not available")
_NO_CONTRACT = Refusal("210", "No valid contract", 403)
_UNKNOWN_EVSE = Refusal("603", "Unknown EVSE ID")
_INCOMPATIBLE = Refusal("604", "EVSE ID is not Hubject compatible")
_BAD_SESSION = Refusal("400", "Session is invalid", 404)


# --- start -----------------------------------------------------------------------------------------------------------


async def start(
    broker: Broker, operation: str, provider: Partner | None, body: dict[str, Json], variant: str | None = None
) -> tuple[RemoteResult, Refusal | None]:
    """Start charging or a reservation at the CPO of the EVSE. The refusal is set where the hub itself refused."""
    owner = broker.partners.owner_of_evse(body.get("EvseID"))
    if not hostile(variant):
        refusal = _refused_start(broker, operation, provider, owner, text(body, "EvseID"))
        if refusal is not None:
            return refusal.result(), refusal
    if owner is None or provider is None:
        return _NOBODY.result(), _NOBODY
    if variant == "duplicate":
        return await _repeat(broker, _latest_session(broker, owner, body), operation, variant), None
    session = _opened(broker, operation, provider, owner, body, variant)
    draft = _start_draft(broker, operation, provider, session, body)
    exchange = await _forward(broker, operation, owner, session, draft, variant)
    return _after_start(broker, session, exchange), None


def _refused_start(
    broker: Broker, operation: str, provider: Partner | None, owner: Partner | None, evse_id: str
) -> Refusal | None:
    if owner is None or provider is None:
        return _NOBODY
    if owner.locked or provider.locked:
        return _LOCKED
    if not provider.contracted(_SERVICE[operation], owner):
        return _NO_CONTRACT
    return refused_evse(broker, owner, evse_id)


def refused_evse(broker: Broker, owner: Partner, evse_id: str) -> Refusal | None:
    """603 and 604; skipped for a CPO that never uploaded anything (or purged it)."""
    data = broker.registry.of("data", owner.id)
    if not data.current:
        return None
    entry = data.current.get(broker.key(evse_id))
    if entry is None:
        return _UNKNOWN_EVSE
    return _INCOMPATIBLE if entry.record.get("IsHubjectCompatible") is False else None


def _opened(
    broker: Broker, operation: str, provider: Partner, owner: Partner, body: dict[str, Json], variant: str | None
) -> HubSession:
    odd = new_session_id().replace("a", "Z").replace("4", "q") if variant == "odd-session-id" else None
    return broker.sessions.create(
        _KIND[operation], owner.id, provider.id, text(body, "EvseID").upper(), session_id=odd,
        identification=body.get("Identification"), product=text(body, "PartnerProductID") or None,
        emp_partner_session_id=text(body, "EMPPartnerSessionID") or text(body, "EMPPartnerSessionId") or None,
    )  # fmt: skip


def _start_draft(
    broker: Broker, operation: str, provider: Partner, session: HubSession, body: dict[str, Json]
) -> Draft:
    sent: dict[str, Json] = {
        "SessionID": session.session_id, "CPOPartnerSessionID": None,
        "EMPPartnerSessionID": session.emp_partner_session_id, "ProviderID": text(body, "ProviderID") or provider.id,
        "EvseID": text(body, "EvseID"), "Identification": body.get("Identification"),
        "PartnerProductID": session.product,
    }  # fmt: skip
    if operation == RESERVE:
        sent["Duration"] = body.get("Duration")
    return Draft(operation, provider.id, in_upper_case(sent))


def _after_start(broker: Broker, session: HubSession, exchange: Exchange) -> RemoteResult:
    _remember_cpo_session(broker, session, exchange)
    if exchange.accepted:
        return RemoteResult(session.session_id, exchange, _handed_back(session, exchange), True)
    kept = exchange.answer is None and broker.settings.after_timeout == "kept" and _timed_out(exchange)
    if not kept:
        broker.sessions.delete(session, _why(exchange))
    return RemoteResult(session.session_id, exchange, _negative(broker, exchange), False)


def _why(exchange: Exchange) -> str:
    return exchange.error or f"refused with {exchange.status_code or f'HTTP {exchange.http_status}'}"


def _timed_out(exchange: Exchange) -> bool:
    return (exchange.error or "").startswith("timeout")


# --- stop ------------------------------------------------------------------------------------------------------------


async def stop(
    broker: Broker, operation: str, provider: Partner | None, body: dict[str, Json], variant: str | None = None
) -> tuple[RemoteResult, Refusal | None]:
    """Stop charging or a reservation at the CPO of the session."""
    session = broker.sessions.get(body.get("SessionID"))
    refusal = None if hostile(variant) else _refused_stop(broker, operation, provider, session, body)
    if refusal is not None:
        return refusal.result(text(body, "SessionID") or None), refusal
    owner = broker.partners.operator(session.operator_id if session else "") or broker.partners.owner_of_evse(
        body.get("EvseID")
    )
    if owner is None or provider is None:
        return _NOBODY.result(), _NOBODY
    if variant == "duplicate-stop":
        return await _repeat(broker, session, operation, variant), None
    draft = _stop_draft(broker, operation, provider, session, body)
    exchange = await _forward(broker, operation, owner, session, draft, variant)
    _remember_cpo_session(broker, session, exchange)
    if exchange.accepted:
        return RemoteResult(draft.session_id, exchange, _handed_back(session, exchange), True), None
    return RemoteResult(draft.session_id, exchange, _negative(broker, exchange), False), None


def _refused_stop(
    broker: Broker, operation: str, provider: Partner | None, session: HubSession | None, body: dict[str, Json]
) -> Refusal | None:
    owner = broker.partners.owner_of_evse(body.get("EvseID"))
    if provider is None or owner is None:
        return _NOBODY
    if provider.locked or owner.locked:
        return _LOCKED if operation == RELEASE else _LOCKED_STOP
    if (refusal := refused_evse(broker, owner, text(body, "EvseID"))) is not None:
        return refusal
    kinds = ("reservation",) if operation == RELEASE else ("remote", "rfid")
    fits = session is not None and session.open and session.provider_id == provider.id and session.kind in kinds
    return None if fits else _BAD_SESSION


def _stop_draft(
    broker: Broker, operation: str, provider: Partner, session: HubSession | None, body: dict[str, Json]
) -> Draft:
    known = session if session is not None and broker.settings.known_partner_session_ids else None
    emp_session = text(body, "EMPPartnerSessionID") or (session.emp_partner_session_id if session else None)
    sent: dict[str, Json] = {
        "SessionID": session.session_id if session else body.get("SessionID"),
        "CPOPartnerSessionID": known.cpo_partner_session_id if known else None,
        "EMPPartnerSessionID": emp_session, "ProviderID": text(body, "ProviderID") or provider.id,
        "EvseID": body.get("EvseID"),
    }  # fmt: skip
    return Draft(operation, provider.id, in_upper_case(sent), session)


# --- both ------------------------------------------------------------------------------------------------------------


async def _forward(
    broker: Broker, operation: str, owner: Partner, session: HubSession | None, draft: Draft, variant: str | None
) -> Exchange:
    draft = varied(broker, draft, variant, owner)
    path = path_for(operation, draft.path_id, owner.paths)
    outgoing = Outgoing(
        operation, Direction.HUB_TO_CPO, draft.path_id, owner.url or "", path, draft.sent(), variant=variant
    )
    if session is not None:
        broker.sent(session.session_id, outgoing)
    return await broker.remote.send(outgoing, limit_s=broker.settings.answer_limit_s)


async def _repeat(broker: Broker, session: HubSession | None, operation: str, variant: str) -> RemoteResult:
    outgoing = broker.last_sent.get((session.session_id if session else "", operation))
    if session is None or outgoing is None:
        return _BAD_SESSION.result()
    again = Outgoing(
        outgoing.operation,
        outgoing.direction,
        outgoing.partner_id,
        outgoing.base_url,
        outgoing.path,
        outgoing.body,
        variant,
    )
    exchange = await broker.remote.send(again, limit_s=broker.settings.answer_limit_s)
    handed = _handed_back(session, exchange) if exchange.accepted else _negative(broker, exchange)
    return RemoteResult(session.session_id, exchange, handed, exchange.accepted)


def _latest_session(broker: Broker, owner: Partner, body: dict[str, Json]) -> HubSession | None:
    wanted = broker.key(text(body, "EvseID"))
    fitting = [
        s for s in broker.sessions
        if s.evse_id and broker.key(s.evse_id) == wanted and s.operator_id == owner.id
    ]  # fmt: skip
    return fitting[-1] if fitting else None


def _remember_cpo_session(broker: Broker, session: HubSession | None, exchange: Exchange) -> None:
    given = exchange.answer_body.get("CPOPartnerSessionID")
    if session is not None and exchange.accepted and isinstance(given, str) and given != session.cpo_partner_session_id:
        session.cpo_partner_session_id = given
        broker.sessions.keep(session)


def _handed_back(session: HubSession | None, exchange: Exchange) -> dict[str, Json]:
    """The acknowledgement of the CPO as the EMP gets it: code and text untouched, ids of the session filled in."""
    answer = {
        "Result": True, "StatusCode": exchange.answer_body.get("StatusCode"), "SessionID": None,
        "CPOPartnerSessionID": None, "EMPPartnerSessionID": None,
    } | exchange.answer_body  # fmt: skip
    if session is not None:
        answer["SessionID"] = session.session_id
        answer["CPOPartnerSessionID"] = session.cpo_partner_session_id
        answer["EMPPartnerSessionID"] = session.emp_partner_session_id
    return answer


def _negative(broker: Broker, exchange: Exchange) -> dict[str, Json]:
    """What the EMP gets when the CPO refused, could not be reached, or answered with something unreadable."""
    code = wire_json.at(exchange.answer_body, "StatusCode", "Code")
    if isinstance(code, str) and exchange.answer_body.get("Result") is not True:
        return dict(exchange.answer_body) | {"Result": False}
    unreachable = broker.settings.unreachable_code
    reason = exchange.error or f"the CPO answered HTTP {exchange.http_status} without a usable acknowledgement"
    return acknowledgement(False, unreachable, TEXTS.get(unreachable), reason[:1000])


async def from_emp(broker: Broker, call: Call) -> Reply:
    """A remote request that an EMP sent over HTTP."""
    name = call.operation.name
    does = start if name in (START, RESERVE) else stop
    result, refusal = await does(broker, name, call.partner, call.body)
    if refusal is not None and refusal.http_status != 200:
        return bare(refusal.http_status, refusal.code, refusal.description, close=True)
    return Reply(200, result.acknowledgement)
