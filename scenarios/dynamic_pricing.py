"""Dynamic pricing: products and prices reach the hub."""

from bench.facade import Bench
from bench.scenario import scenario


@scenario("products and prices at the start", profile="pricing", evses=0)
async def prices_at_the_start(bench: Bench) -> None:
    """A backend that offers prices publishes its products first, then which EVSE has which."""
    await bench.hub_receives("PushPricingProductData", since=0, within=20, insist=False)
    await bench.hub_receives("PushEVSEPricing", since=0, within=20, insist=False)
