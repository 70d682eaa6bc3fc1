"""What the terminal says of things that never came."""

from pathlib import Path

import pytest

from bench.config import CpoTable
from bench.embedded import reference_cpo
from bench.silence import half_silence, taken_out
from tests.rules.build import Build, record


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ([30, 31, 32], True),
        ([30, 31], False),  # a chance
        ([12, 13, 14], False),  # a foreign certificate is to be refused
        ([40.2, 45.5, 45.9], False),  # the hub was going down, and was not back yet
    ],
)
def test_some_calls_never_came_through(at: list[float], said: bool) -> None:
    """A backend with several HTTP clients may have one that does not know the CA."""
    build = Build()
    build.push_data([record()], t=1)
    build.observe("hub_setting", t=10, setting="server_certificate", value="foreign-ca")
    build.observe("hub_setting", t=20, setting="server_certificate", value="own")
    build.observe("hub_down", t=40)
    build.observe("hub_up", t=45)
    for t in at:
        build.observe("tls_handshake", t=t, direction="cpo_to_hub", error="the peer closed the connection")
    build.observe("tls_handshake", t=33, direction="hub_to_cpo", error="timeout")
    sentences = list(half_silence(build.evidence(until=60)))
    assert [s.split(" failed")[0] for s in sentences] == ([f"{len(at)} TLS handshakes of the CPO"] if said else [])


def test_what_was_taken_out_for_good(tmp_path: Path) -> None:
    """A CPO that keeps its data lacks it in the next run, the reference CPO begins anew."""
    build = Build()
    for hook in ("decommission_evse", "update_evse"):
        build.observe("hook", t=10, evse_id=f"DE*ABC*E{len(hook)}", hook=hook, outcome="done")
    own = CpoTable(operator_id="DE*ABC", oicp_url="https://cpo.example", ocpp_url="wss://cpo.example")
    (told,) = taken_out(build.observations, own)
    assert told.startswith("DE*ABC*E17: taken out of service for good")
    assert not list(taken_out(build.observations, reference_cpo(tmp_path)))
    assert not list(taken_out((), own))
