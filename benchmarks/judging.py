"""How long judging takes: evidence of N, 2N and 4N exchanges of a busy operator, printed per exchange.

    python -m benchmarks.judging [N]

Judging is linear when the last column stays about the same. `--rules` prints the slowest rules of the largest recording.
"""

import sys
import time

from oicp.evidence import Evidence
from oicp.rulebook import Rule, judge
from oicp.rules import all_rules
from tests.rules.build import Build, record

PER_SESSION = 5
"""Exchanges of one session: start, stop, CDR, two statuses."""


def busy_operator(exchanges: int, evses: int = 200) -> Evidence:
    """Sessions one after the other on many EVSEs, a status fullLoad now and then, a failed message here and there."""
    names = [f"DE*ABC*E{1000 + at}*1" for at in range(evses)]
    build = Build(evses=names)
    build.observe("cpo_started", t=0, pid=1)
    for name in names:
        build.connector("Available", t=0.1, evse_id=name)
    build.push_data([record(name) for name in names], t=1)
    build.push_status(dict.fromkeys(names, "Available"), t=2, action="fullLoad")
    for at in range(exchanges // PER_SESSION):
        begin = 10 + at * 2.0
        build.charge(names[at % evses], t=begin, session=at, seconds=15, evco_id=f"DE-DCB-C{at % 500:08d}-1")
        if at % 50 == 0:
            build.push_status(
                {names[at % evses]: "Occupied"}, t=begin + 5, http_status=503, answer=b"", faults=("503",)
            )
        if at % 500 == 0:
            build.push_data([record(name) for name in names], t=begin + 6)
    return build.evidence()


def seconds(evidence: Evidence, rules: tuple[Rule, ...]) -> float:
    """Wall-clock seconds for one judgement of evidence nobody has looked at yet."""
    fresh = Evidence(evidence.run, evidence.exchanges, evidence.observations)
    begun = time.perf_counter()
    verdict = judge(fresh, rules=rules)
    crashed = [r.reason for r in verdict.requirements if r.outcome == "crashed"]
    if crashed:
        raise SystemExit(f"rules crashed: {crashed}")
    return time.perf_counter() - begun


def main() -> None:
    """Print a line for N, 2N and 4N."""
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    size = int(numbers[0]) if numbers else 2500
    evidence = busy_operator(size)
    print(f"{'exchanges':>10} {'observations':>13} {'seconds':>9} {'ms each':>9}")
    for factor in (1, 2, 4):
        evidence = busy_operator(size * factor)
        took = seconds(evidence, all_rules())
        each = took / len(evidence.exchanges) * 1000
        print(f"{len(evidence.exchanges):>10} {len(evidence.observations):>13} {took:>9.2f} {each:>9.3f}")
    if "--rules" in sys.argv:
        slow = sorted(((seconds(evidence, (rule,)), rule.name) for rule in all_rules()), reverse=True)
        for took, name in slow[:12]:
            print(f"{took:>9.2f} s  {name}")


if __name__ == "__main__":
    main()
