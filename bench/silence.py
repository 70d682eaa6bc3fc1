"""A CPO from which nothing came: said in so many words, since no rule can judge what was never sent."""

from collections.abc import Iterator

from bench.stage import Stage
from oicp.services import Direction


def silence(stage: Stage) -> Iterator[str]:
    """One message if no request of the CPO reached the hub: why, as far as can be told, and what to do."""
    if any(e.direction is Direction.CPO_TO_HUB for e in stage.recorder.exchanges):
        return
    failed = [
        o for o in stage.recorder.evidence().seen("tls_handshake") if o.data.get("direction") == Direction.CPO_TO_HUB
    ]
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
