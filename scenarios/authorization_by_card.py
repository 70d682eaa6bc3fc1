"""Authorization by card at the charge point (AuthorizeStart, AuthorizeStop): for fleets with RFID readers."""

from bench import Fault
from bench.actors import Evse
from bench.facade import Bench
from bench.scenario import scenario


async def _charging_by_card(bench: Bench, card: str) -> Evse:
    """An EVSE at which this card has begun to charge."""
    evse = await bench.free_evse()
    await evse.plug_in()
    await evse.presents_card(card)
    await evse.charges()
    return evse


@scenario("a card starts, charges and stops", profile="full", whole_charge_point=True)
async def card_starts_and_stops(bench: Bench) -> None:
    """The main job of a CPO with readers."""
    card = bench.card()
    evse = await _charging_by_card(bench, card)
    await evse.deliver(kwh=0.2)
    await evse.presents_card(card)
    await evse.charging_ends()
    await evse.is_billed()
    await evse.unplug()


@scenario("a card starts, the driver pulls the cable", profile="full", whole_charge_point=True)
async def card_starts_and_the_cable_is_pulled(bench: Bench) -> None:
    """The record comes without a second look at the card."""
    evse = await _charging_by_card(bench, bench.card())
    await evse.deliver(kwh=0.2)
    await evse.unplug()
    await evse.is_billed()


@scenario("the same card charges twice", profile="full", whole_charge_point=True)
async def card_charges_twice(bench: Bench) -> None:
    """The hub is asked each time: two sessions, two records."""
    card = bench.card()
    evse = await _charging_by_card(bench, card)
    await evse.unplug()
    await evse.is_billed()
    await evse.is_free_again()
    await evse.plug_in()
    await evse.presents_card(card)
    await evse.charges()
    await evse.deliver(kwh=0.1)
    await evse.unplug()
    await bench.passes(2)


@scenario("a card nobody knows", profile="full")
async def unknown_card(bench: Bench) -> None:
    """NotAuthorized, with nulls in the answer: no energy, no record."""
    evse = await bench.free_evse()
    await evse.plug_in()
    await evse.presents_card(bench.unknown_card())
    await bench.passes(6)
    await evse.unplug()


@scenario("the question about a card is answered with 503", profile="full", whole_charge_point=True, disturbs=True)
async def question_about_a_card_meets_503(bench: Bench) -> None:
    """No authorization, so nobody charges on behalf of an EMP."""
    evse = await bench.free_evse()
    failing = Fault("503 for AuthorizeStart", "AuthorizeStart", http_status=503, times=None)
    async with bench.hub_fault(failing):
        await evse.plug_in()
        await evse.presents_card(bench.card())
        await bench.passes(6)
    await evse.unplug()


@scenario("another card of the same EMP stops", profile="full", whole_charge_point=True)
async def another_card_stops(bench: Bench) -> None:
    """The hub is asked (AuthorizeStop) and says yes."""
    evse = await _charging_by_card(bench, bench.card())
    await evse.presents_card(bench.card())
    await evse.charging_ends()
    await evse.unplug()
    await evse.is_billed()


@scenario("a stranger's card does not stop", profile="full", whole_charge_point=True)
async def card_of_a_stranger_does_not_stop(bench: Bench) -> None:
    """The hub is asked (AuthorizeStop) and says no: charging goes on."""
    evse = await _charging_by_card(bench, bench.card())
    await evse.presents_card(bench.unknown_card())
    await bench.passes(3)
    await evse.unplug()
    await evse.is_billed()


@scenario("a card listed for the stop stops", profile="full", exclusive=True)
async def listed_card_stops(bench: Bench) -> None:
    """AuthorizationStopIdentifications names a second card."""
    first, second = bench.card(), bench.card()
    listed = [{"RFIDMifareFamilyIdentification": {"UID": second}}]
    naming = Fault("a card for the stop is listed", "AuthorizeStart", moment="after_processing",
                   change={"AuthorizationStopIdentifications": listed})  # fmt: skip
    async with bench.hub_fault(naming):
        evse = await _charging_by_card(bench, first)
    await evse.deliver(kwh=0.2)
    await evse.presents_card(second)
    await evse.charging_ends()
    await evse.unplug()
    await evse.is_billed()
