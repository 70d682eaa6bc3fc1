"""Charge detail records: checked, stored, the session closed, acknowledged; then on to the EMP as they came."""

from datetime import timedelta
from decimal import Decimal

from fake_hubject.answers import BAD_SESSION, CLOSED_SESSION, UNAUTHORIZED, Reply, refused, succeeded, unreadable
from fake_hubject.broker import Broker, Call, StoredCdr
from fake_hubject.emps import EmpFailed
from fake_hubject.partners import Partner
from fake_hubject.services.pulls import paged
from fake_hubject.services.pushes import text
from fake_hubject.services.values import moment, number
from fake_hubject.sessions import HubSession
from oicp.wire_json import Json

_RANGE = 'Object errors: ERoamingGetChargeDetailRecords23: The difference between "From" and "To" can\'t be more than 90 days.'


async def charge_detail_record(broker: Broker, call: Call) -> Reply:
    """Take a charge detail record of an open session."""
    if call.partner.locked:
        return UNAUTHORIZED
    session = broker.session_of(call.body.get("SessionID"), operator=call.partner)
    if session is None:
        return BAD_SESSION
    if not session.open:
        return CLOSED_SESSION
    evse_id = text(call.body, "EvseID")
    if not broker.partners.owns(call.partner, evse_id):
        return refused("018", "Inconsistent EvseID", f"EvseID {evse_id[:100]} does not belong to the operator")
    if (fault := implausible(broker, call.body)) is not None:
        return refused("022", "Data error", fault)
    return _taken(broker, call, session)


def _taken(broker: Broker, call: Call, session: HubSession) -> Reply:
    partner_session = text(call.body, "CPOPartnerSessionID") or session.cpo_partner_session_id
    session.cpo_partner_session_id = partner_session
    exchange = call.exchange
    cdr = StoredCdr(exchange.request.body, call.partner.id, session.provider_id, broker.now(), exchange.number)
    broker.store_cdr(cdr)
    broker.sessions.close(session, "charge detail record")
    _forward(broker, session, cdr)
    return succeeded(session.session_id, partner_session, session.emp_partner_session_id)


def _forward(broker: Broker, session: HubSession, cdr: StoredCdr) -> None:
    """Hand the record on to the EMP, meanwhile; at once where nothing can take time."""
    emp = broker.partners.provider(session.provider_id)
    if emp is None or emp.locked or not broker.emps.reachable(emp):
        return
    if (taken := broker.emps.taken_at_once("ChargeDetailRecord", emp, cdr.sent)) is not None:
        if taken:
            broker.cdr_forwarded(session.session_id)
        return
    forwarding = broker.tasks.spawn(_delivered(broker, session, emp, cdr))
    broker.forwarding.add(forwarding)
    forwarding.add_done_callback(broker.forwarding.discard)


async def _delivered(broker: Broker, session: HubSession, emp: Partner, cdr: StoredCdr) -> None:
    try:
        answer = await broker.emps.deliver("ChargeDetailRecord", emp, cdr.body, cdr.sent, cdr.operator_id)
    except EmpFailed as fault:
        broker.recorder.observe(
            "note", text=f"charge detail record not delivered: {fault}", session_id=session.session_id
        )
        return
    if answer.get("Result") is True:
        broker.cdr_forwarded(session.session_id)


def implausible(broker: Broker, body: dict[str, Json]) -> str | None:
    """Text of the first plausibility rule the record breaks, None if it is plausible."""
    get = body.get
    energy, start, end = number(get("ConsumedEnergy")), number(get("MeterValueStart")), number(get("MeterValueEnd"))
    begun, ended, over = moment(get("ChargingStart")), moment(get("ChargingEnd")), moment(get("SessionEnd"))
    if energy is not None and energy > 1000:
        return "Please check the ConsumedEnergy value"
    if begun is not None and ended is not None and ended < begun:
        return "Please check if ChargingStart is before ChargingEnd"
    if over is not None and over > broker.now() + timedelta(seconds=broker.settings.clock_tolerance_s):
        return "Session timestamp of the CDR is in the future"
    if (energy is not None and energy < 0) or (start is not None and end is not None and end < start):
        return "The provided consumed energy can't be less than 0."
    return _unsigned(broker, body, energy)


def _unsigned(broker: Broker, body: dict[str, Json], energy: Decimal | float | None) -> str | None:
    found = broker.evse(text(body, "EvseID"))
    record = found[1] if found else None
    if (
        record is not None
        and record.get("CalibrationLawDataAvailability") == "External"
        and not body.get("SignedMeteringValues")
    ):
        return "SignedMeteringValues are missing although CalibrationLawDataAvailability is External"
    if body.get("MeteringCheck") == "Passed" and energy is None:
        return "MeteringCheck is Passed but ConsumedEnergy is missing"
    return None


async def get_charge_detail_records(broker: Broker, call: Call) -> Reply:
    """Hand an EMP its charge detail records of a time range, delivered ones included."""
    if call.partner.locked:
        return UNAUTHORIZED
    begin, end = moment(call.body.get("From")), moment(call.body.get("To"))
    if begin is None or end is None or (end - begin) > timedelta(days=broker.settings.cdr_pull_days):
        return unreadable(_RANGE)
    own = [c for c in broker.cdrs if c.provider_id == call.partner.id and begin <= c.received_at <= end]
    found = [_pulled(c, body) for c, body in ((c, c.body) for c in own) if _wanted(broker, call, c, body)]
    return paged(call, found)


def _wanted(broker: Broker, call: Call, cdr: StoredCdr, body: dict[str, Json]) -> bool:
    sessions, operators = (_texts(call.body.get(name)) for name in ("SessionID", "OperatorID"))
    if sessions and str(body.get("SessionID")).lower() not in {s.lower() for s in sessions}:
        return False
    evse_id = text(body, "EvseID")
    if operators and not any(_is_of(broker, cdr, evse_id, operator) for operator in operators):
        return False
    forwarded = call.body.get("CDRForwarded", call.body.get("CDRForwarder"))
    return not isinstance(forwarded, bool) or forwarded is (str(body.get("SessionID")).lower() in broker.forwarded)


def _is_of(broker: Broker, cdr: StoredCdr, evse_id: str, operator_id: str) -> bool:
    named = broker.key(operator_id)
    return named == broker.key(cdr.operator_id) or broker.key(evse_id).startswith(named)


def _texts(value: Json) -> list[str]:
    """One id or a list of ids."""
    return [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v]


def _pulled(cdr: StoredCdr, body: dict[str, Json]) -> dict[str, Json]:
    named = {"HubOperatorID": cdr.operator_id, "HubProviderID": cdr.provider_id}
    return body | {name: value for name, value in named.items() if body.get(name) is None}


OPERATIONS = {"ChargeDetailRecord": charge_detail_record, "GetChargeDetailRecords": get_charge_detail_records}
