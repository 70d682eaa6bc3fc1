"""What is judged of a run: what happened before the bench took its charge points, the CPO and the hub down."""

from dataclasses import replace

from oicp.evidence import Evidence, Exchange
from oicp.services import Direction

CURTAIN = "stage_down"
"""The observation that the stage is being taken down: charge points vanish, the CPO is told to end."""


def on_stage(evidence: Evidence) -> Evidence:
    """The recording up to the curtain: a CPO may well call EVSEs unknown, or sign off, when everything goes down around it."""
    falls = evidence.seen(CURTAIN)
    if not falls:
        return evidence
    end = falls[0].t
    return Evidence(
        evidence.run, tuple(_until(e, end) for e in evidence.exchanges if e.t <= end),
        tuple(o for o in evidence.observations if o.t <= end),
    )  # fmt: skip


def _until(exchange: Exchange, end: float) -> Exchange:
    """A call of the hub that was still open then was not given the time to be answered."""
    if exchange.direction is not Direction.HUB_TO_CPO or (exchange.t_end is not None and exchange.t_end <= end):
        return exchange
    return replace(exchange, answer=None, t_end=None, error="the run ended before the answer")
