"""Charging notifications: checked in the order of the diagrams, handed to the EMP, its acknowledgement handed back."""

from fake_hubject.answers import BAD_SESSION, UNAUTHORIZED, Reply, refused
from fake_hubject.broker import Broker, Call
from fake_hubject.emps import EmpFailed
from fake_hubject.services.pushes import admitted, text
from fake_hubject.sessions import HubSession

_TIMES = {
    "Start": (("EvseID", "Please add Valid EVSEID"), ("ChargingStart", "Please provide Charging Start")),
    "Progress": (
        ("EvseID", "Please add Valid EVSEID"), ("ChargingStart", "Please provide Charging Start"),
        ("EventOccurred", "Please provide Event Occurred"),
    ),
    "End": (
        ("EvseID", "Please add Valid EVSEID"), ("ChargingStart", "Please provide Charging Start"),
        ("ChargingEnd", "Please provide Charging End"),
    ),
    "Error": (("EvseID", "Please add Valid EVSEID"), ("ErrorType", "Please provide ErrorType")),
}  # fmt: skip


async def charging_notification(broker: Broker, call: Call) -> Reply:
    """Take a notification of an open session and pass it on."""
    if (refusal := admitted(broker, call.partner, "ChargingNotifications")) is not None:
        return refusal
    session = broker.session_of(call.body.get("SessionID"), operator=call.partner)
    if session is None or not session.open:
        return BAD_SESSION
    if (text_of_refusal := _missing(broker, call, session)) is not None:
        return refused("022", "Data error", text_of_refusal)
    emp = broker.partners.provider(session.provider_id)
    if emp is None or not broker.emps.reachable(emp) or not emp.contracted("ChargingNotifications"):
        return refused("320", "Service not available", "The EMP takes no charging notifications")
    if emp.locked:
        return UNAUTHORIZED
    if call.body.get("Type") == "Progress":
        session.last_progress_at = broker.clock()
        broker.sessions.keep(session)
    try:
        answer = await broker.emps.deliver("ChargingNotifications", emp, call.body, call.exchange.request.body, "")
    except EmpFailed as fault:
        return refused("310", "Partner did not respond", str(fault)[:1000])
    return Reply(200, answer)


def _missing(broker: Broker, call: Call, session: HubSession) -> str | None:
    kind, body = text(call.body, "Type"), call.body
    gap = broker.settings.progress_gap_s
    early = session.last_progress_at is not None and broker.clock() - session.last_progress_at < gap
    if kind == "Progress" and early:
        return f"Progress notifications have to be at least {gap:g} seconds apart"
    for name, message in _TIMES.get(kind, ()):
        if body.get(name) is None:
            return message
    evse_id = body.get("EvseID")
    if isinstance(evse_id, str) and not broker.partners.owns(call.partner, evse_id):
        return "Please add Valid EVSEID"
    measured = body.get("ChargingDuration") is not None or body.get("ConsumedEnergyProgress") is not None
    if kind == "Progress" and not measured:
        return "Please provide ChargingDuration or ConsumedEnergyProgress"
    return None


OPERATIONS = {"ChargingNotifications": charging_notification}
