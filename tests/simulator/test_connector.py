"""The transition table of the connector."""

import pytest

from simulator.connector import TRANSITIONS, ConnectorStatus, Event, ImpossibleTransition, after

LIVES = {
    "a usual session": (
        [Event.PLUG_IN, Event.AUTHORIZE, Event.START, Event.FINISH, Event.UNPLUG],
        ["Preparing", "Preparing", "Charging", "Finishing", "Available"],
    ),
    "start before the cable": (
        [Event.AUTHORIZE, Event.PLUG_IN, Event.START, Event.LEAVE],
        ["Preparing", "Preparing", "Charging", "Available"],
    ),
    "nobody came": ([Event.AUTHORIZE, Event.GIVE_UP], ["Preparing", "Available"]),
    "pauses": (
        [Event.PLUG_IN, Event.START, Event.EV_PAUSES, Event.EVSE_PAUSES, Event.START, Event.FINISH],
        ["Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Charging", "Finishing"],
    ),
    "a fault ends a session": (
        [Event.PLUG_IN, Event.START, Event.FAULT, Event.FINISH, Event.RECOVER_FINISHING, Event.UNPLUG],
        ["Preparing", "Charging", "Faulted", "Faulted", "Finishing", "Available"],
    ),
    "reserved and used": ([Event.RESERVE, Event.AUTHORIZE, Event.PLUG_IN], ["Reserved", "Preparing", "Preparing"]),
    "out of service": (
        [Event.DISABLE, Event.PLUG_IN, Event.ENABLE_PLUGGED],
        ["Unavailable", "Unavailable", "Preparing"],
    ),
}


@pytest.mark.parametrize("name", LIVES)
def test_lives(name: str) -> None:
    """A life of a connector goes through the states OCPP 1.6 knows for it."""
    status = ConnectorStatus.AVAILABLE
    events, expected = LIVES[name]
    reached = []
    for event in events:
        status = after(status, event)
        reached.append(status.value)
    assert reached == expected


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (ConnectorStatus.AVAILABLE, Event.START), (ConnectorStatus.AVAILABLE, Event.UNPLUG),
        (ConnectorStatus.FINISHING, Event.AUTHORIZE), (ConnectorStatus.UNAVAILABLE, Event.AUTHORIZE),
        (ConnectorStatus.FAULTED, Event.START), (ConnectorStatus.CHARGING, Event.PLUG_IN),
    ],
)  # fmt: skip
def test_impossible(status: ConnectorStatus, event: Event) -> None:
    """What cannot happen is an error that names event and state."""
    with pytest.raises(ImpossibleTransition, match=status.value):
        after(status, event)


def test_every_state_can_be_left_and_reached() -> None:
    """No state is a trap and none is out of reach."""
    reached = {target for row in TRANSITIONS.values() for target in row.values()}
    assert reached == set(ConnectorStatus) == set(TRANSITIONS)
    assert all(any(target is not status for target in row.values()) for status, row in TRANSITIONS.items())
