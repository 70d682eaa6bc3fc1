"""What the kind of a recording cannot tell (`Run.unknown`), and the requirements that nobody can judge without it.

A folder of JSON texts has no clock, no path and no headers; a HAR may lack timings or headers. What a reader had to make up for
such a recording decides nothing: neither for the CPO nor against it.
"""

from collections.abc import Iterator, Sequence

TIMES, DURATIONS, ADDRESSES, ORDER = "times", "durations", "addresses", "order of operations"
HEADERS, ANSWER_HEADERS, STATUSES = "headers", "answer headers", "HTTP status"
CERTIFICATES, FRACTIONS = "client certificates", "fractions of a second"

OWN_HUB = ("run", "serve")
"""Sources (`Run.source`) whose hub is ours: it knew nothing before the recording, records both directions, was told who the CPO is."""

_DURATIONS = ("PUSH-002", "RSTART-013", "RSTART-014", "RSTART-016", "RSTOP-008", "RSTOP-009")
_TIMES = (
    *(f"RATE-{n:03d}" for n in range(1, 10)), "TIME-005", "PUSH-003", "PUSH-013", "PUSH-015", "PUSH-016", "STAT-005",
    "STAT-008", "STAT-015", "CDR-006", "CDR-015", "SESS-007", "SESS-008", "NOTIF-011", "NOTIF-015", "RESV-009", "RESV-012", *_DURATIONS,
)  # fmt: skip
_NEEDED: dict[str, tuple[tuple[str, ...], str]] = {
    TIMES: (_TIMES, "the recording does not say when messages were sent"),
    DURATIONS: (_DURATIONS, "the recording does not say how long answers took"),
    ORDER: (("STAT-004", "STAT-009", "RSTOP-010", "ACK-012"), "the recording does not say what was sent before what"),
    ADDRESSES: (
        ("HTTP-001", "HTTP-002", "HTTP-009", "HTTP-010", "HTTP-011", "HTTP-022", "CDR-040", "TLS-007", "RESV-001"),
        "the recording does not say to which address messages were sent",
    ),
    HEADERS: (("HTTP-003",), "the recording has no headers of requests"),
    ANSWER_HEADERS: (("HTTP-014",), "the recording has no headers of answers"),
    STATUSES: (("HTTP-013",), "the recording has no HTTP status of answers"),
    FRACTIONS: (("RATE-005",), "the recording gives times in whole seconds"),
    CERTIFICATES: (("TLS-001",), "the recorder asked for no client certificate, as far as can be seen"),
}
_SEEN_IN_THE_TEXT = ("HTTP-001", "HTTP-013", "TLS-001")
"""What is found for these comes from the messages themselves, whatever a reader made up."""


def cannot_be_judged(unknown: Sequence[str]) -> Iterator[tuple[str, str, bool]]:
    """Requirement, reason, and whether findings stand, for everything that depends on what is unknown."""
    told: set[str] = set()
    for name in unknown:
        requirements, reason = _NEEDED.get(name, ((), ""))
        yield from ((ident, reason, ident in _SEEN_IN_THE_TEXT) for ident in requirements if ident not in told)
        told.update(requirements)
