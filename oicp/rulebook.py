"""Rules and judgement: `judge(evidence)` asks every rule and adds up a verdict. Pure: no clock, no file, no network.

A rule is a generator. What it yields is what was observed instead of what its docstring demands. The engine hands it every
matching subject; a subject that was looked at without a finding conforms, no subject at all means *not exercised*.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any, TypeAlias

from oicp.catalogue import Requirement, catalogue, profiles_in
from oicp.curtain import on_stage
from oicp.evidence import Evidence, Exchange, Observation
from oicp.operators import by_partner
from oicp.profiles import profiles_of
from oicp.services import Direction
from oicp.unknowns import cannot_be_judged


class Grade(StrEnum):
    """Weight of a finding. Only errors fail a run; with strict judgement warnings count as errors."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


ERROR, WARNING, INFO = Grade.ERROR, Grade.WARNING, Grade.INFO
_GRADE_OF = {"MUST": ERROR, "SHOULD": WARNING, "MAY": INFO}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold. `observed` is a sentence; `pointer` points into the message named by `exchange`.

    `grade` None: by the level of the requirement. `contested`: the variant the catalogue only warns of (strict: error).
    `in_answer`: the pointer is into the answer of the exchange. `also`: requirements folded under this finding.
    """

    requirement: str
    observed: str
    grade: Grade | None = None
    exchange: int | None = None
    pointer: str | None = None
    contested: bool = False
    in_answer: bool = False
    session_id: str | None = None
    evse_id: str | None = None
    scenario: str | None = None
    observation: int | None = None
    spec_defect: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Yielded by a rule about the whole evidence: something was looked at and the requirement was exercised."""

    requirement: str
    operation: str = ""


@dataclass(frozen=True, slots=True)
class NotExercised:
    """Yielded by a rule that could not decide: the reason is shown. `incomplete`: even though others were decided.

    `doubt`: what looks wrong already although the time to decide was too short; shown as a warning, and the run stays incomplete.
    """

    requirement: str
    reason: str
    incomplete: bool = False
    doubt: Finding | None = None


Yield: TypeAlias = Finding | Checked | NotExercised
Judgement: TypeAlias = Callable[[Any], Iterator[Yield]]
Subjects: TypeAlias = Callable[[Evidence], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A judgement bound to the requirement(s) it decides. `many`: it says itself what was checked, by `Checked`."""

    requirements: tuple[str, ...]
    statement: str
    name: str
    subjects: Subjects
    check: Judgement
    many: bool = False


RULES: list[Rule] = []


@dataclass(frozen=True, slots=True)
class Rules:
    """Decorators for rules about one kind of subject; made by the `rules_about_...` functions."""

    subjects: Subjects
    many: bool = False

    def rule(self, *requirements: str, when: Callable[[Any], bool] | None = None) -> Callable[[Judgement], Judgement]:
        """Register a rule for these ids. `when`: only subjects for which it holds count (and are handed over)."""

        def register(check: Judgement) -> Judgement:
            chosen = self.subjects if when is None else (lambda evidence: filter(when, self.subjects(evidence)))
            unknown = [i for i in requirements if i not in catalogue()]
            if unknown or not requirements:
                raise ValueError(f"{check.__name__}: no such requirement {unknown}")
            many = self.many or len(requirements) > 1
            RULES.append(
                Rule(
                    requirements,
                    (check.__doc__ or "").strip(),
                    f"{check.__module__}.{check.__name__}",
                    chosen,
                    check,
                    many,
                )
            )
            return check

        return register


def rules_about_exchange(*operations: str, direction: Direction | None = None, faulted: bool = False) -> Rules:
    """Subject: `Exchange` of these operations. Exchanges touched by a fault are left out unless `faulted`."""
    return Rules(
        lambda evidence: (e for e in evidence.about(*operations, direction=direction) if faulted or not e.faults)
    )


def rules_about_sent() -> Rules:
    """Subject: every `Exchange` the CPO sent, whatever its path (faults of the hub's answer do not matter to the request)."""
    return Rules(lambda evidence: (e for e in evidence.exchanges if e.by_cpo))


def rules_about_evidence() -> Rules:
    """Subject: the whole `Evidence`. The rule yields `Checked` for everything it looked at."""
    return Rules(lambda evidence: (evidence,), many=True)


def finding(observed: str, *, on: Exchange | None = None, pointer: str | None = None, **more: Any) -> Finding:
    """A finding; the engine fills in the requirement. `more`: further fields of `Finding`, `requirement` included."""
    if on is not None:
        more.setdefault("exchange", on.number)
        more.setdefault("session_id", on.session_id)
        evse_id = on.body.get("EvseID")
        more.setdefault("evse_id", evse_id if isinstance(evse_id, str) else None)
    return Finding(more.pop("requirement", ""), observed, pointer=pointer, **more)


# --- verdict ---------------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What became of one requirement."""

    CONFORMS = "conforms"
    WARNED = "warned"
    VIOLATED = "violated"
    NOT_EXERCISED = "not-exercised"
    NOT_APPLICABLE = "not-applicable"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class RequirementVerdict:
    """Outcome of one requirement. `checked`: how often it was looked at, by operation. `reason`: why it was not exercised, or crashed."""

    requirement: Requirement
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    checked: tuple[tuple[str, int], ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `judge` comes to. `overall`: conformant, violations or incomplete; `crashed` requirements are the bench's own fault."""

    overall: str
    requirements: tuple[RequirementVerdict, ...]
    strict: bool = False
    profiles: tuple[str, ...] = ("remote-only",)
    stale_expectations: tuple[str, ...] = ()

    def of(self, requirement_id: str) -> RequirementVerdict:
        """The verdict on one requirement."""
        return next(r for r in self.requirements if r.requirement.id == requirement_id)

    @property
    def violated(self) -> tuple[str, ...]:
        """Ids of violated requirements."""
        return tuple(r.requirement.id for r in self.requirements if r.outcome is Outcome.VIOLATED)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, worst first, then in the order of the catalogue."""
        order = {ERROR: 0, WARNING: 1, INFO: 2}
        return tuple(sorted((f for r in self.requirements for f in r.findings), key=lambda f: order[f.grade or ERROR]))

    @property
    def exit_status(self) -> int:
        """Exit status of `run` and `judge` (contract, section 1)."""
        if any(r.outcome is Outcome.CRASHED for r in self.requirements):
            return 4
        return {"conformant": 0, "violations": 1, "incomplete": 2}[self.overall]


@dataclass(slots=True)
class _Tally:
    findings: dict[Finding, None] = field(default_factory=dict)
    checked: dict[str, int] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    incomplete: bool = False
    undecided: bool = False
    crash: str | None = None
    folded_under: set[str] = field(default_factory=set)


def judge(
    evidence: Evidence, *, profiles: tuple[str, ...] | None = None, strict: bool = False,
    expected_violations: tuple[str, ...] = (), rules: Iterable[Rule] | None = None,
) -> Verdict:  # fmt: skip
    """Judge a recording, each direct partner in it by itself. Without `rules`: all there are. `profiles`: those of the recording unless given."""
    if rules is None:
        from oicp.rules import all_rules

        rules = all_rules()
    chosen = profiles or evidence.run.profiles or profiles_of(evidence.exchanges)
    parts = by_partner(on_stage(evidence))
    if len(parts) > 1:
        each = [_judged(part, tuple(rules), chosen, strict, expected_violations) for part in parts]
        from oicp.several import together

        return together(each)
    return _judged(parts[0], rules, chosen, strict, expected_violations)


def _judged(
    evidence: Evidence, rules: Iterable[Rule], chosen: tuple[str, ...], strict: bool, expected: tuple[str, ...]
) -> Verdict:
    tallies = {ident: _Tally() for ident in catalogue()}
    for rule in rules:
        _ask(rule, evidence, tallies)
    for ident, reason, findings_stand in cannot_be_judged(evidence.run.unknown):
        _withhold(tallies[ident], reason, findings_stand)
    _fold(tallies, profiles_in(chosen))
    verdicts = tuple(_outcome(r, tallies[r.id], chosen, strict) for r in catalogue().values() if r.subject == "cpo")
    return _overall(verdicts, tallies, strict, chosen, expected)


def _withhold(tally: _Tally, reason: str, findings_stand: bool) -> None:
    """The recording cannot decide it: what was looked at there does not count."""
    tally.incomplete, tally.reasons = True, [reason]
    if not findings_stand:
        tally.findings.clear()
        tally.undecided = False


def _ask(rule: Rule, evidence: Evidence, tallies: dict[str, _Tally]) -> None:
    only = rule.requirements[0]
    try:
        for subject in rule.subjects(evidence):
            if not rule.many:
                _count(tallies[only], subject)
            for item in rule.check(subject):
                _note(item if item.requirement else replace(item, requirement=only), evidence, tallies)
    except Exception as fault:  # a rule that breaks is our bug, never the CPO's
        for ident in rule.requirements:
            tallies[ident].crash = f"{rule.name}: {type(fault).__name__}: {fault}"


def _count(tally: _Tally, subject: Any) -> None:
    operation = getattr(subject, "operation", None) or ""
    tally.checked[operation] = tally.checked.get(operation, 0) + 1


def _note(item: Yield, evidence: Evidence, tallies: dict[str, _Tally]) -> None:
    tally = tallies[item.requirement]
    if isinstance(item, Checked):
        tally.checked[item.operation] = tally.checked.get(item.operation, 0) + 1
    elif isinstance(item, NotExercised):
        tally.incomplete |= item.incomplete
        if item.reason not in tally.reasons:
            tally.reasons.append(item.reason)
        if item.doubt is not None:
            tally.undecided = True
            _note(replace(item.doubt, requirement=item.requirement, grade=WARNING), evidence, tallies)
    else:
        grade = item.grade
        if grade is None:
            grade = WARNING if item.contested else _GRADE_OF[catalogue()[item.requirement].level]
        tally.findings.setdefault(replace(item, grade=grade, scenario=item.scenario or _scenario(item, evidence)))
        if grade is ERROR:
            for ident in item.also:  # told of by this finding, so broken too
                tallies[ident].folded_under.add(item.requirement)


def _scenario(item: Finding, evidence: Evidence) -> str | None:
    from oicp.sessions import scenario_at

    exchange = evidence.exchange(item.exchange) if item.exchange is not None else None
    return scenario_at(evidence, exchange.t if exchange else None, item.evse_id, item.session_id)


_WEIGHT = {ERROR: 2, WARNING: 1, INFO: 0}


def _fold(tallies: dict[str, _Tally], judged: frozenset[str]) -> None:
    """One violation, one finding: what a PRIMARY entry of a profile that is judged reports about the same act is folded under it.

    A requirement whose findings are all folded stays broken: it is shown as not exercised, never as conforming.
    """
    for requirement in catalogue().values():
        tally = tallies[requirement.id]
        for primary in _primaries(requirement.id, judged) if tally.findings else ():
            _fold_under(tallies[primary], primary, tally, requirement)


def _fold_under(leading: _Tally, primary: str, tally: _Tally, requirement: Requirement) -> None:
    places = _Places(leading.findings)
    also: dict[Finding, list[str]] = {}
    for own in list(tally.findings):
        first = places.same_act(own, by_session=requirement.check != "message")
        if first is not None:
            del tally.findings[own]
            tally.folded_under.add(primary)
            also.setdefault(first, []).extend((requirement.id, *own.also))
    if also:
        leading.findings = {_carrying(item, also.get(item, [])): None for item in leading.findings}


def _carrying(item: Finding, also: list[str]) -> Finding:
    return replace(item, also=tuple(dict.fromkeys((*item.also, *also)))) if also else item


@cache
def _primaries(ident: str, judged: frozenset[str]) -> tuple[str, ...]:
    """Primaries of an entry and theirs in turn, nearest first, as far as their profiles are judged."""
    found: list[str] = []
    waiting = list(catalogue()[ident].primary)
    while waiting:
        primary = waiting.pop(0)
        if primary not in found and primary != ident:
            found.append(primary)
            waiting.extend(catalogue()[primary].primary)
    return tuple(p for p in found if catalogue()[p].profile in judged)


class _Places:
    """Findings of a primary entry by where they are, so that folding stays linear."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._at: dict[tuple[object, ...], list[Finding]] = {}
        for item in findings:
            if item.exchange is not None:
                keys: list[tuple[object, ...]] = [("any", item.exchange), ("at", item.exchange, item.pointer)]
                keys += [("above", item.exchange, above) for above in _ancestors(item.pointer)]
                for key in keys:
                    self._at.setdefault(key, []).append(item)
            if item.session_id is not None:
                self._at.setdefault(("session", item.session_id), []).append(item)

    def same_act(self, own: Finding, *, by_session: bool) -> Finding | None:
        """The finding that already tells of what `own` tells: same exchange and related pointer, or same session."""
        for key in self._keys(own, by_session):
            for first in self._at.get(key, ()):
                if _WEIGHT[first.grade or ERROR] >= _WEIGHT[own.grade or ERROR]:
                    return first  # an error never hides under a warning
        return None

    @staticmethod
    def _keys(own: Finding, by_session: bool) -> Iterator[tuple[object, ...]]:
        if own.exchange is not None and own.pointer is None:
            yield "any", own.exchange
        elif own.exchange is not None:
            yield "at", own.exchange, own.pointer
            yield "above", own.exchange, own.pointer
            yield "at", own.exchange, None
            for above in _ancestors(own.pointer):
                yield "at", own.exchange, above
        if by_session and own.session_id is not None:
            yield "session", own.session_id


def _ancestors(pointer: str | None) -> Iterator[str]:
    while pointer and "/" in pointer:
        pointer = pointer.rsplit("/", 1)[0]
        if pointer:
            yield pointer


def _outcome(requirement: Requirement, tally: _Tally, chosen: tuple[str, ...], strict: bool) -> RequirementVerdict:
    checked = tuple(sorted(tally.checked.items()))
    findings = tuple(sorted(tally.findings, key=lambda f: -_WEIGHT[f.grade or ERROR]))  # the first stands for all
    if requirement.profile not in profiles_in(chosen):
        return RequirementVerdict(
            requirement, Outcome.NOT_APPLICABLE, (), checked, f"profile {requirement.profile} not chosen"
        )
    if tally.crash:
        return RequirementVerdict(requirement, Outcome.CRASHED, findings, checked, tally.crash)
    grades = {f.grade for f in findings}
    if ERROR in grades or (strict and WARNING in grades):
        outcome = Outcome.VIOLATED
    elif WARNING in grades:
        outcome = Outcome.WARNED
    elif checked and not tally.incomplete and not tally.folded_under:
        outcome = Outcome.CONFORMS
    else:
        outcome = Outcome.NOT_EXERCISED
    reason = "; ".join(tally.reasons) or None
    if tally.folded_under and outcome is Outcome.NOT_EXERCISED:
        reason = "broken by the same act that is reported under " + ", ".join(sorted(tally.folded_under))
    if outcome is Outcome.NOT_EXERCISED and reason is None:
        reason = _why_not(requirement)
    return RequirementVerdict(requirement, outcome, findings, checked, reason)


def _why_not(requirement: Requirement) -> str:
    if requirement.hook:
        return f"needs the hook `{requirement.hook}`"
    if requirement.unobservable:
        return "cannot be observed from the hub and the charge points"
    return f"nothing in this recording exercised it ({requirement.operation})"


def _overall(
    verdicts: tuple[RequirementVerdict, ...], tallies: dict[str, _Tally], strict: bool,
    chosen: tuple[str, ...], expected: tuple[str, ...],
) -> Verdict:  # fmt: skip
    violated = {v.requirement.id for v in verdicts if v.outcome is Outcome.VIOLATED}
    stale = tuple(i for i in expected if i not in violated and _decided(verdicts, i))
    silent = any(
        (v.outcome is Outcome.NOT_EXERCISED or (v.outcome is Outcome.WARNED and tallies[v.requirement.id].undecided))
        and v.requirement.level == "MUST" and not v.requirement.unobservable
        and not tallies[v.requirement.id].folded_under
        for v in verdicts
    )  # fmt: skip
    overall = "violations" if violated - set(expected) or stale else "incomplete" if silent else "conformant"
    return Verdict(overall, verdicts, strict, chosen, stale)


def _decided(verdicts: tuple[RequirementVerdict, ...], ident: str) -> bool:
    return any(v.requirement.id == ident and v.outcome in (Outcome.CONFORMS, Outcome.WARNED) for v in verdicts)


def observed_at(observation: Observation, sentence: str, **more: Any) -> Finding:
    """A finding about something a charge point did."""
    more.setdefault("evse_id", observation.evse_id)
    return finding(sentence, observation=observation.number, **more)
