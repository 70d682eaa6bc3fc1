"""A variant without a run: the messages of a recorded conforming run, changed as the variant changes them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from oicp import wire_json
from oicp.catalogue import catalogue
from oicp.evidence import Evidence, Exchange
from oicp.rulebook import Outcome, Verdict, judge
from oicp.services import Direction
from tests.broken_cpos.variant import Variant

RECORDED = (
    "authorization.remote_start_and_stop, authorization.start_on_an_unknown_evse, authorization.start_on_a_disabled_evse, "
    "charge_detail_record.product_and_partner_session_id, evse_data.full_load_of_data_on_request, "
    "evse_status.full_load_of_status_on_request"
)
"""The scenarios of the recording."""


def judged(evidence: Evidence, variant: Variant) -> Verdict:
    """The verdict on the recording with the variant's messages."""
    exchanges = tuple(_changed(exchange, variant) for exchange in evidence.exchanges)
    return judge(Evidence(evidence.run, exchanges, evidence.observations))


def _changed(exchange: Exchange, variant: Variant) -> Exchange:
    operation = exchange.operation or ""
    if exchange.by_cpo and operation in variant.requests:
        message = wire_json.parse(exchange.request.body).value
        variant.requests[operation](message)
        return replace(exchange, request=replace(exchange.request, body=wire_json.dump(message).encode()))
    answered = exchange.direction is Direction.HUB_TO_CPO and operation in variant.answers
    if answered and exchange.answer is not None and exchange.answer.http_status == 200:
        asked = wire_json.parse(exchange.request.body).value
        message = wire_json.parse(exchange.answer.body).value
        variant.answers[operation](asked if isinstance(asked, dict) else {}, message)
        return replace(exchange, answer=replace(exchange.answer, body=wire_json.dump(message).encode()))
    return exchange


@dataclass(frozen=True)
class Comparison:
    """What was expected of a variant and what came.

    `named`: expected requirements with a finding, `under` the requirement whose finding tells of the same act where it is another.
    `unnamed`: expected ones without. `collateral`: errors nobody expected; `explained`: errors that follow by necessity.
    """

    variant: Variant
    named: Mapping[str, str]
    unnamed: tuple[str, ...]
    collateral: Mapping[str, str]
    explained: Mapping[str, str]
    warned: Mapping[str, str]
    crashed: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Named, and nothing else accused."""
        return not self.unnamed and not self.collateral and not self.crashed


@dataclass(frozen=True)
class Told:
    """A finding as far as the comparison needs it."""

    requirement: str
    grade: str
    observed: str
    also: tuple[str, ...] = ()


_WEIGHT = {"info": 0, "warning": 1, "error": 2}


def compared(
    variant: Variant, findings: Iterable[Told], crashed: tuple[str, ...] = (), excused: Mapping[str, str] | None = None
) -> Comparison:
    """Compare what was found with what the variant says of itself. `excused`: more collateral that is none."""
    findings = list(findings)
    named: dict[str, str] = {}
    for told in findings:
        for ident in (told.requirement, *told.also):
            heavy = ident in variant.violates and _WEIGHT[told.grade] >= _WEIGHT[_least(variant, ident)]
            if heavy and (ident == told.requirement or ident not in named):
                named[ident] = told.requirement
    others = [t for t in findings if t.requirement not in variant.violates and t.requirement not in named.values()]
    errors = {t.requirement: t.observed for t in reversed(others) if t.grade == "error"}
    reasons = dict(variant.collateral) | dict(excused or {})
    return Comparison(
        variant, named, tuple(i for i in variant.violates if i not in named),
        {i: s for i, s in errors.items() if i not in reasons}, {i: reasons[i] for i in errors if i in reasons},
        {t.requirement: t.observed for t in others if t.grade == "warning"}, crashed,
    )  # fmt: skip


def _least(variant: Variant, ident: str) -> str:
    should = catalogue()[ident].level != "MUST"
    return "warning" if variant.grade == "error" and should else variant.grade


NOT_REPLAYED = dict.fromkeys(
    ("STAT-004", "STAT-009", "PUSH-010"), "the recorded hub took the record and the statuses that go with it"
)
"""What the other messages of the recording contradict in a changed one."""


def told_in(verdict: Verdict) -> tuple[list[Told], tuple[str, ...]]:
    """Findings of a verdict, and requirements whose rule crashed."""
    chosen = {r.requirement.id: r.outcome for r in verdict.requirements}
    told = [
        Told(f.requirement, str(f.grade), f.observed, f.also)
        for f in verdict.findings if chosen[f.requirement] is not Outcome.NOT_APPLICABLE
    ]  # fmt: skip
    return told, tuple(i for i, outcome in chosen.items() if outcome is Outcome.CRASHED)


def of_verdict(variant: Variant, verdict: Verdict) -> Comparison:
    """The comparison for a verdict on a changed recording."""
    told, crashed = told_in(verdict)
    return compared(variant, told, crashed, NOT_REPLAYED)
