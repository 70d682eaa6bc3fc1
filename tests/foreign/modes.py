"""The odd CPOs, and what has to come of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """One way to be odd (`name`: the mode of odd_cpo.py).

    `statuses`: exit statuses that are right; `violated`: requirements that must be among the violated ones, `innocent`: none may be;
    `says`, `also`: parts of what the tester reads. `limit`: seconds the scenario has.
    """

    name: str
    group: str
    statuses: frozenset[int]
    violated: frozenset[str] = frozenset()
    innocent: bool = False
    says: str = ""
    also: str = ""
    limit: float = 6
    ready_within: float = 8
    http: bool = False
    prefix: str = ""
    recorded: bool = False
    runs_already: bool = False
    answer_limit: float = 2
    ocpp: str = "ws://{place}/ocpp"
    fleet: str = "charge_points = 1"


def _innocent(name: str, group: str, **how: object) -> Mode:
    return Mode(name, group, frozenset({2}), innocent=True, limit=20, **how)  # type: ignore[arg-type]


def _guilty(name: str, group: str, *violated: str, says: str = "", **how: object) -> Mode:
    return Mode(name, group, frozenset({1}), frozenset(violated), says=says, **how)  # type: ignore[arg-type]


def _cut_off(name: str, says: str) -> Mode:
    return Mode(name, "ocpp", frozenset({2}), innocent=True, says=says, also=NOT_CONNECTED, limit=3, ready_within=3)


def _clear(name: str, group: str, says: str, **how: object) -> Mode:
    return Mode(name, group, frozenset({1, 2}), says=says, **how)  # type: ignore[arg-type]


SILENT = "sent nothing to the hub"
NOT_CONNECTED = "charge points are not connected"

TENANT = "ws://{place}/{{tenant}}/{{id}}"
PARTS = 'charge_points = 1\n[fleet.url_parts]\ntenant = "acme"\n[fleet.security]\n'
PASSWORD = PARTS + 'user = "acme-{id}"\npassword = "key-{id}"'
CERTIFICATE = PARTS + 'client_certificate = "cp.pem"\nclient_key = "cp.key"'
EXTERNAL = 'external = true\nfile = "fleet.json"'

MODES = (
    _innocent("nothing odd", "requests"),
    _clear("never calls the hub", "requests", SILENT, limit=3),
    _innocent("calls before the hub is up", "requests", runs_already=True, fleet='file = "fleet.json"'),
    _guilty("wrong content type", "requests", "HTTP-003", limit=20),
    _innocent("one connection", "requests"),
    _innocent("pipelined requests", "requests"),
    _innocent("chunked requests", "requests"),
    _innocent("gzipped requests", "requests"),
    _innocent("slow headers", "requests"),
    _guilty("calls a wrong prefix", "requests", "HTTP-002", limit=3),
    _guilty("no client certificate", "requests", "TLS-001", recorded=True, limit=20),
    _guilty("no client certificate, which is required", "requests", "TLS-001", limit=3),
    _innocent("a prefix of its own", "requests", prefix="/tenant-a/cpo"),
    _innocent("chunked answers", "answers"),
    _innocent("gzipped answers", "answers"),
    _innocent("slow answers", "answers"),
    _guilty("wrong content type of answers", "answers", "HTTP-014", limit=20),
    _guilty("redirects", "answers", "HTTP-012", says="HTTP 307"),
    _guilty("answers HTML", "answers", "HTTP-012", "HTTP-014"),
    _guilty("answers HTML 503", "answers", "HTTP-014", says="HTTP 503"),
    _guilty("answers nothing", "answers", "HTTP-012"),
    _guilty("answers null", "answers", "HTTP-012"),
    _guilty("answers deep JSON", "answers", "HTTP-012"),
    _guilty("answers half of it", "answers", "HTTP-012"),
    _guilty("answers 30 MB", "answers", "HTTP-012", says="larger than", answer_limit=15),
    _guilty("answers binary garbage", "answers", "HTTP-012"),
    _guilty("answers other text encoding", "answers", "HTTP-004"),
    _guilty("answers 404 everywhere", "answers", "HTTP-022", says="HTTP 404"),
    _guilty("resets", "answers", "HTTP-012", says="closed before an answer"),
    _guilty("hangs", "answers", "RSTART-014", says="timeout after 2.0 s"),
    _guilty("exits at the first remote start", "answers", "HTTP-012", says="cannot allocate memory"),
    _clear("exits a moment after the start", "answers", "licence expired"),
    _guilty("http instead of https", "tls", "TLS-007", http=True, limit=20),
    _guilty("serves plain http", "tls", "TLS-007"),
    _guilty("TLS 1.1 only", "tls", "TLS-005"),
    _guilty("expired certificate", "tls", "TLS-007", limit=20),
    _guilty("certificate of another host", "tls", "TLS-007", limit=20),
    _guilty("self-signed certificate", "tls", "TLS-007", limit=20),
    _innocent("OCPP: security profile 1", "fleet", ocpp=TENANT, fleet=PASSWORD),
    _innocent("OCPP: security profile 2", "fleet", ocpp=f"wss{TENANT[2:]}", fleet=PASSWORD),
    _innocent("OCPP: security profile 3", "fleet", ocpp=f"wss{TENANT[2:]}", fleet=CERTIFICATE),
    _innocent("nothing odd", "fleet", fleet='file = "fleet.json"'),
    _clear(
        "real chargers", "fleet", "nobody did it at the terminal: at DE*ABC*E1001*1: plug a vehicle in", fleet=EXTERNAL
    ),
    _cut_off("OCPP: refuses", "HTTP 403"),
    _cut_off("OCPP: never answers", ""),
    _cut_off("OCPP: never answers Boot", ""),
    _cut_off("OCPP: answers errors", "InternalError"),
    _cut_off("OCPP: answers nonsense", ""),
    _cut_off("OCPP: closes at every call", "closed"),
)
