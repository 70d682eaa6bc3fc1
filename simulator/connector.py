"""States of a connector as OCPP 1.6 names them, as a transition table: nothing else changes a state."""

from enum import StrEnum


class ConnectorStatus(StrEnum):
    """States of OCPP 1.6; a 2.0.1 charge point folds them into its five."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class Event(StrEnum):
    """What can happen to a connector. `..._PLUGGED`: the same while a cable is in."""

    PLUG_IN = "the cable is plugged in"
    UNPLUG = "the cable is pulled"
    AUTHORIZE = "a driver is accepted"
    GIVE_UP = "the accepted driver did not come"
    START = "current flows"
    EV_PAUSES = "the vehicle takes nothing"
    EVSE_PAUSES = "the EVSE offers nothing"
    FINISH = "the transaction is over, the cable is in"
    LEAVE = "the transaction is over, the cable is gone"
    RESERVE = "a reservation begins"
    RELEASE = "the reservation ends"
    RELEASE_PLUGGED = "the reservation ends, the cable is in"
    DISABLE = "taken out of service"
    ENABLE = "put into service"
    ENABLE_PLUGGED = "put into service, the cable is in"
    FAULT = "a fault"
    RECOVER = "the fault is gone"
    RECOVER_PLUGGED = "the fault is gone, the cable is in"
    RECOVER_FINISHING = "the fault that ended a transaction is gone, the cable is still in"
    RECOVER_DISABLED = "the fault is gone, the connector is out of service"
    RECOVER_RESERVED = "the fault is gone, a reservation holds"


class ImpossibleTransition(Exception):
    """This cannot happen in this state; the message names both."""


_S, _E = ConnectorStatus, Event

_SHARED_CHARGING = {
    _E.FINISH: _S.FINISHING,
    _E.LEAVE: _S.AVAILABLE,
    _E.FAULT: _S.FAULTED,
    _E.START: _S.CHARGING,
    _E.EV_PAUSES: _S.SUSPENDED_EV,
    _E.EVSE_PAUSES: _S.SUSPENDED_EVSE,
}

TRANSITIONS: dict[ConnectorStatus, dict[Event, ConnectorStatus]] = {
    _S.AVAILABLE: {
        _E.PLUG_IN: _S.PREPARING, _E.AUTHORIZE: _S.PREPARING, _E.RESERVE: _S.RESERVED,
        _E.DISABLE: _S.UNAVAILABLE, _E.ENABLE: _S.AVAILABLE, _E.FAULT: _S.FAULTED,
    },
    _S.PREPARING: {
        _E.PLUG_IN: _S.PREPARING, _E.UNPLUG: _S.AVAILABLE, _E.AUTHORIZE: _S.PREPARING, _E.GIVE_UP: _S.AVAILABLE,
        _E.DISABLE: _S.UNAVAILABLE, _E.ENABLE: _S.PREPARING, _E.ENABLE_PLUGGED: _S.PREPARING, **_SHARED_CHARGING,
    },
    _S.CHARGING: _SHARED_CHARGING,
    _S.SUSPENDED_EV: _SHARED_CHARGING,
    _S.SUSPENDED_EVSE: _SHARED_CHARGING,
    _S.FINISHING: {
        _E.UNPLUG: _S.AVAILABLE, _E.DISABLE: _S.UNAVAILABLE, _E.ENABLE_PLUGGED: _S.FINISHING, _E.FAULT: _S.FAULTED,
    },
    _S.RESERVED: {
        _E.PLUG_IN: _S.RESERVED, _E.UNPLUG: _S.RESERVED, _E.AUTHORIZE: _S.PREPARING, _E.RESERVE: _S.RESERVED,
        _E.RELEASE: _S.AVAILABLE, _E.RELEASE_PLUGGED: _S.PREPARING, _E.DISABLE: _S.UNAVAILABLE, _E.FAULT: _S.FAULTED,
        _E.ENABLE: _S.RESERVED, _E.ENABLE_PLUGGED: _S.RESERVED,
    },
    _S.UNAVAILABLE: {
        _E.PLUG_IN: _S.UNAVAILABLE, _E.UNPLUG: _S.UNAVAILABLE, _E.DISABLE: _S.UNAVAILABLE, _E.ENABLE: _S.AVAILABLE,
        _E.ENABLE_PLUGGED: _S.PREPARING, _E.FAULT: _S.FAULTED, _E.RELEASE: _S.UNAVAILABLE,
        _E.RELEASE_PLUGGED: _S.UNAVAILABLE,
    },
    _S.FAULTED: {
        _E.PLUG_IN: _S.FAULTED, _E.UNPLUG: _S.FAULTED, _E.FAULT: _S.FAULTED, _E.FINISH: _S.FAULTED,
        _E.LEAVE: _S.FAULTED, _E.RELEASE: _S.FAULTED, _E.RELEASE_PLUGGED: _S.FAULTED, _E.DISABLE: _S.FAULTED,
        _E.ENABLE: _S.FAULTED, _E.ENABLE_PLUGGED: _S.FAULTED, _E.GIVE_UP: _S.FAULTED,
        _E.RECOVER: _S.AVAILABLE, _E.RECOVER_PLUGGED: _S.PREPARING, _E.RECOVER_FINISHING: _S.FINISHING,
        _E.RECOVER_DISABLED: _S.UNAVAILABLE, _E.RECOVER_RESERVED: _S.RESERVED,
    },
}  # fmt: skip
"""State, event, next state. A pair that is missing cannot happen."""


def after(status: ConnectorStatus, event: Event) -> ConnectorStatus:
    """The state after an event. Raises `ImpossibleTransition` where the table has none."""
    try:
        return TRANSITIONS[status][event]
    except KeyError:
        raise ImpossibleTransition(f"{event.value}: not possible while the connector is {status.value}") from None
