"""A CPO that refuses ordinary starts, too, in the same words: whatever is odd about another request is not to blame."""

from typing import Any

import pytest

from tests.rules.build import EVSE, OTHER, Build, ack, outcome

STARTED_BEFORE = "'{}' was started by another driver 34 s ago"
PATH = "/api/oicp/charging/v21/providers/DE*DCB/authorize-remote/start"
STOP = "/api/oicp/charging/v21/providers/DE%2DDCB/authorize-remote/stop"


def no(text: str, code: str = "022") -> dict[str, Any]:
    """A refusal with a text."""
    return ack(code, StatusCode={"Code": code, "Description": text})


def refused(words: str, *, code: str = "022", waits: bool = True, variant: str | None = None) -> Build:
    """To 12: one start was accepted, an ordinary one refused in these words; `waits`: with a vehicle at the EVSE."""
    build = Build()
    for at, evse in enumerate((EVSE, OTHER)):
        if waits or evse == OTHER:
            build.observe("plugged", t=0.1 + at, evse_id=evse)
        build.connector("Preparing" if waits or evse == OTHER else "Available", t=0.2 + at, evse_id=evse)
    build.start(t=5, evse_id=OTHER)
    build.start(t=10, session=2, answer=no(words, code), variant=variant)
    return build


@pytest.mark.parametrize(
    ("build", "answer", "judged"),
    [
        (refused(STARTED_BEFORE.format("CP 1")), no(STARTED_BEFORE.format("CP 2")), False),
        (refused(STARTED_BEFORE.format("CP 1")), no("the contract is not known here"), True),
        (refused(STARTED_BEFORE.format("CP 1"), code="021"), no(STARTED_BEFORE.format("CP 1")), True),
        (refused(STARTED_BEFORE.format("CP 1"), waits=False), no(STARTED_BEFORE.format("CP 1")), True),
        (refused("Data error."), no("Data error."), True),  # the standard text says nothing
        (refused("not possible", variant="lower-case-evse-id"), no("not possible"), True),
    ],
)
def test_words_that_ordinary_starts_are_told(build: Build, answer: dict[str, Any], judged: bool) -> None:
    """Neither the spelling of the path nor the form of the EvcoID is the reason."""
    build.start(t=30, session=3, evse_id=OTHER, target=PATH, answer=answer, variant="asterisk-id")
    build.start(t=40, session=4, evse_id=OTHER, evco_id="DE*DCB*123456*7", answer=answer, variant="din-evco-id")
    found = outcome(build.evidence(), "HTTP-011"), outcome(build.evidence(), "ID-006")
    assert ("violated" in found[:1], "violated" in found[1:]) == (judged, judged)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (STARTED_BEFORE.format("CP 2"), ("not-exercised", "conforms", "warned")),
        ("this tariff is sold out", ("warned", "warned", "warned")),
    ],
)
def test_forms_that_are_not_what_the_words_are_about(text: str, expected: tuple[str, ...]) -> None:
    """Unknown members and products are no reason where ordinary starts hear the same; those were refused without a reason."""
    build = refused(STARTED_BEFORE.format("CP 1"))
    for at, (body, variant) in enumerate((({"Later": 7}, "unknown-members"), ({"PartnerProductID": "Sunny"}, None)), 3):
        build.start(t=at * 10, session=at, evse_id=EVSE, body=body, answer=no(text), variant=variant)
    found = build.evidence()
    assert tuple(outcome(found, i) for i in ("HTTP-016", "RSTART-019", "RSTART-001")) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "warned"),
        ({"waits": False}, "conforms"),
        ({"code": "602"}, "conforms"),  # a cause at the EVSE: ACK-010 looks whether it is true
        ({"variant": "lower-case-evse-id"}, "conforms"),
    ],
)
def test_an_ordinary_start_refused_for_nothing(change: dict[str, Any], expected: str) -> None:
    """The charge point was ready, a vehicle waited, and the same form is accepted otherwise."""
    assert outcome(refused("not now", **change).evidence(), "RSTART-001") == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"evse_id": EVSE}, "conforms"),
        ({"charge_point": "CP-1"}, "conforms"),  # for a transaction it does not know
        ({"charge_point": "CP-2"}, "warned"),
        ({"evse_id": OTHER}, "warned"),
        (None, "warned"),
    ],
)
def test_a_path_that_led_to_the_charge_point(asked: dict[str, str] | None, expected: str) -> None:
    """Who asked the charge point has matched the path, whatever came of it."""
    build = Build()
    build.start(t=5)
    build.stop(t=20, session=9, answer=no("no such session", "400"))
    if asked:
        build.observe("remote_stop_received", t=30.01, answer="Rejected", **asked)
    build.stop(t=30, target=STOP, answer=no("rejected by the charge point"), variant="encoded-id")
    assert outcome(build.evidence(), "HTTP-011") == expected
