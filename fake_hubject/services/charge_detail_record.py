"""Charge detail records: checked, stored, the session closed, acknowledged; then on to the EMP as they came."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from fake_hubject.answers import BAD_SESSION, CLOSED_SESSION, UNAUTHORIZED, Reply, acknowledgement, refused
from fake_hubject.broker import Broker, Call, StoredCdr
from fake_hubject.emps import EmpFailed
from fake_hubject.services.pushes import text
from fake_hubject.sessions import HubSession
from oicp.wire_json import Json


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
    cdr = StoredCdr(
        call.body, call.exchange.request.body, call.partner.id, session.provider_id, broker.now(), call.exchange.number
    )
    broker.store_cdr(cdr)
    broker.sessions.close(session, "charge detail record")
    broker.tasks.spawn(_forward(broker, session, cdr))
    return Reply(
        200,
        acknowledgement(
            True, "000", "SUCCESS", session_id=session.session_id, cpo_partner_session_id=partner_session,
            emp_partner_session_id=session.emp_partner_session_id,
        ),
    )  # fmt: skip


async def _forward(broker: Broker, session: HubSession, cdr: StoredCdr) -> None:
    emp = broker.partners.provider(session.provider_id)
    if emp is None or emp.locked or not broker.emps.reachable(emp):
        return
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
    energy, start, end = (number(body.get(n)) for n in ("ConsumedEnergy", "MeterValueStart", "MeterValueEnd"))
    begun, ended = moment(body.get("ChargingStart")), moment(body.get("ChargingEnd"))
    over = moment(body.get("SessionEnd"))
    if energy is not None and energy > 1000:
        return "Please check the ConsumedEnergy value"
    if begun is not None and ended is not None and ended < begun:
        return "Please check if ChargingStart is before ChargingEnd"
    if over is not None and over > broker.now() + timedelta(seconds=broker.settings.clock_tolerance_s):
        return "Session timestamp of the CDR is in the future"
    if (energy is not None and energy < 0) or (start is not None and end is not None and end < start):
        return "The provided consumed energy can't be less than 0."
    return _unsigned(broker, body, energy)


def _unsigned(broker: Broker, body: dict[str, Json], energy: Decimal | None) -> str | None:
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


def number(value: Json) -> Decimal | None:
    """A JSON number (or a number written as text) as an exact decimal."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def moment(value: Json) -> datetime | None:
    """A time with offset; one without is read as UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


OPERATIONS = {"ChargeDetailRecord": charge_detail_record}
