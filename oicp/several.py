"""Several verdicts made one."""

from dataclasses import replace

from oicp.rulebook import Outcome, Verdict

_WORST_FIRST = (Outcome.CRASHED, Outcome.VIOLATED, Outcome.WARNED, Outcome.CONFORMS)


def together(verdicts: list[Verdict]) -> Verdict:
    """One verdict on a recording of several partners: of each requirement what is worst, and all findings."""
    rows = []
    for each in zip(*(v.requirements for v in verdicts), strict=True):
        worst = next((r for outcome in _WORST_FIRST for r in each if r.outcome is outcome), each[0])
        checked: dict[str, int] = {}
        for operation, count in (pair for r in each for pair in r.checked):
            checked[operation] = checked.get(operation, 0) + count
        findings = tuple(f for r in each for f in r.findings)
        rows.append(replace(worst, findings=findings, checked=tuple(sorted(checked.items()))))
    overall = next(o for o in ("violations", "incomplete", "conformant") if any(v.overall == o for v in verdicts))
    stale = tuple(dict.fromkeys(i for v in verdicts for i in v.stale_expectations))
    return replace(verdicts[0], overall=overall, requirements=tuple(rows), stale_expectations=stale)
