"""A CPO from which nothing came, or some things never: said in so many words, since no rule can judge what was never sent."""

from collections.abc import Iterable, Iterator

from bench.config import CpoTable
from bench.embedded import is_reference
from bench.stage import Stage
from oicp.evidence import Evidence, Observation
from oicp.handshakes import failed_calls, failed_in_vain
from oicp.services import Direction

_MORE_THAN_CHANCE = 3


def silence(stage: Stage) -> Iterator[str]:
    """One message if no request of the CPO reached the hub, or some never did: why, as far as can be told, and what to do."""
    evidence = stage.recorder.evidence()
    if any(e.direction is Direction.CPO_TO_HUB for e in stage.recorder.exchanges):
        yield from half_silence(evidence)
        return
    failed = failed_calls(evidence)
    where = f"the CPO sent nothing to the hub at {stage.environment['OICP_BENCH_HUB_URL']}"
    if failed:
        yield (
            f"{where}: {len(failed)} TLS handshakes of it failed, the first: {failed[0].data.get('error')}; "
            "does it trust the CA and present its client certificate?"
        )
    elif "push_evse_data" in stage.hooks.names:
        yield f"{where}: does it use this address, and does the hook push_evse_data do what it says?"
    else:
        yield (
            f"{where}: does it use this address (OICP_BENCH_HUB_URL), and does it push its EVSEs by itself? "
            "If not, configure [cpo.hooks] push_evse_data"
        )


def taken_out(asked: Iterable[Observation], cpo: CpoTable) -> Iterator[str]:
    """EVSEs that a CPO which keeps its data will lack in the next run, where nobody can tell that from a forgotten one."""
    gone = [str(hook.evse_id) for hook in asked if hook.data.get("hook") == "decommission_evse"]
    if gone and not is_reference(cpo):
        yield (
            f"{', '.join(dict.fromkeys(gone))}: taken out of service for good by the hook decommission_evse; bring it back "
            "before the next run, unless your CPO forgets it when it restarts (else EVSE-057 names it there)"
        )


def half_silence(evidence: Evidence) -> Iterator[str]:
    """Some calls came through, others broke off in the handshake: as from a backend with several HTTP clients."""
    failed = failed_in_vain(evidence)
    if len(failed) < _MORE_THAN_CHANCE:
        return
    yield (
        f"{len(failed)} TLS handshakes of the CPO failed although others came through, the first after {failed[0].t:.0f} s: "
        f"{failed[0].data.get('error')}; does every HTTP client of it trust the CA and have the client certificate, "
        "those for records and notifications, too? What they had to send is missing here"
    )
