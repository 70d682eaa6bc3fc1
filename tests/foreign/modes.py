"""The odd CPOs, and what has to come of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """One way to be odd (`name`: the mode of odd_cpo.py).

    `statuses`: exit statuses that are right; `violated`: requirements that must be among the violated ones, `innocent`: none may be;
    `says`: part of what the tester reads. `limit`: seconds the scenario has.
    """

    name: str
    group: str
    statuses: frozenset[int]
    violated: frozenset[str] = frozenset()
    innocent: bool = False
    says: str = ""
    limit: float = 6
    ready_within: float = 8
    http: bool = False
    prefix: str = ""
    recorded: bool = False
    runs_already: bool = False


def _innocent(name: str, group: str, **how: object) -> Mode:
    return Mode(name, group, frozenset({2}), innocent=True, limit=20, **how)  # type: ignore[arg-type]


def _guilty(name: str, group: str, *violated: str, says: str = "", **how: object) -> Mode:
    return Mode(name, group, frozenset({1}), frozenset(violated), says=says, **how)  # type: ignore[arg-type]


def _clear(name: str, group: str, says: str, **how: object) -> Mode:
    return Mode(name, group, frozenset({1, 2}), says=says, **how)  # type: ignore[arg-type]


MODES = (
    _innocent("nothing odd", "requests"),
    _guilty("never calls the hub", "requests"),
    _innocent("calls before the hub is up", "requests", runs_already=True),
    _guilty("wrong content type", "requests", "HTTP-003"),
    _innocent("one connection", "requests"),
    _innocent("pipelined requests", "requests"),
    _innocent("chunked requests", "requests"),
    _innocent("gzipped requests", "requests"),
    _innocent("slow headers", "requests"),
    _guilty("calls a wrong prefix", "requests", "HTTP-002"),
    _guilty("no client certificate", "requests", "TLS-001", recorded=True, limit=20),
    _innocent("a prefix of its own", "requests", prefix="/tenant-a/cpo"),
    _innocent("chunked answers", "answers"),
    _innocent("gzipped answers", "answers"),
    _innocent("slow answers", "answers"),
    _guilty("wrong content type of answers", "answers", "HTTP-014", limit=20),
    _guilty("redirects", "answers"),
    _guilty("answers HTML", "answers"),
    _guilty("answers HTML 503", "answers"),
    _guilty("answers nothing", "answers"),
    _guilty("answers null", "answers"),
    _guilty("answers deep JSON", "answers"),
    _guilty("answers half of it", "answers"),
    _guilty("answers 30 MB", "answers"),
    _guilty("answers binary garbage", "answers"),
    _guilty("answers other text encoding", "answers"),
    _guilty("answers 404 everywhere", "answers"),
    _guilty("resets", "answers"),
    _guilty("hangs", "answers"),
    _guilty("exits at the first remote start", "answers", says="ended with status 7"),
    _clear("exits a moment after the start", "answers", "ended with status 9"),
    _guilty("http instead of https", "tls", "TLS-007", http=True, limit=20),
    _guilty("serves plain http", "tls"),
    _guilty("TLS 1.1 only", "tls", "TLS-005"),
    _guilty("expired certificate", "tls"),
    _guilty("certificate of another host", "tls"),
    _guilty("self-signed certificate", "tls"),
    _clear("OCPP: refuses", "ocpp", ""),
    _clear("OCPP: never answers", "ocpp", ""),
    _clear("OCPP: never answers Boot", "ocpp", ""),
    _clear("OCPP: answers errors", "ocpp", ""),
    _clear("OCPP: answers nonsense", "ocpp", ""),
    _clear("OCPP: closes at every call", "ocpp", ""),
)
