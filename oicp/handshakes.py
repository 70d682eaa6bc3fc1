"""TLS facts read leniently: versions, validity of certificates, why a handshake failed."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum

from oicp.evidence import Evidence, Observation
from oicp.services import Direction

_VERSION = re.compile(r"(?:TLS|SSL)?\s*v?\s*([123])(?:[._]([0-3]))?\Z", re.IGNORECASE)


def tls_version(text: object) -> tuple[int, int] | None:
    """`TLSv1.2` as (1, 2), SSL as (0, n), None for anything that is no version."""
    if not isinstance(text, str):
        return None
    match = _VERSION.match(text.strip())
    if not match:
        return None
    if text.strip().upper().startswith("SSL") or match[1] != "1":
        return (0, int(match[1]))
    return (1, int(match[2] or 0))


def certificate_time(text: object) -> datetime | None:
    """`not_before` or `not_after`, ISO 8601 or as OpenSSL prints it; UTC where no zone is given."""
    if not isinstance(text, str) or not text.strip():
        return None
    text = " ".join(text.split())
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        try:
            read = datetime.strptime(text, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        except ValueError:
            return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


class Trouble(StrEnum):
    """Why a handshake failed, as far as its error tells."""

    NO_CERTIFICATE = "the peer presented no certificate"
    UNTRUSTED = "the certificate of the peer is of an unknown CA"
    EXPIRED = "the certificate of the peer is outside its validity"
    WRONG_NAME = "the certificate of the peer is for another host name"
    OLD_VERSION = "no common TLS version"
    NO_TLS = "the peer does not speak TLS"
    REFUSED = "the peer refused our certificate"
    DEMANDED = "the peer demands a certificate of ours"
    OTHER = "other"


_ALERT = re.compile(r"\balert\b")
_SIGNS: tuple[tuple[Trouble, str], ...] = (
    (Trouble.DEMANDED, r"certificate required"),
    (Trouble.OLD_VERSION, r"unsupported protocol|version too low|protocol version|unknown protocol|no protocols available|no shared protocol"),
    (Trouble.REFUSED, r"alert.*(unknown ca|bad certificate|certificate unknown|certificate expired|unsupported certificate|certificate revoked|access denied)"),
    (Trouble.NO_CERTIFICATE, r"did not return a certificate|no certificate|certificate missing"),
    (Trouble.EXPIRED, r"has expired|not yet valid|certificate expired"),
    (Trouble.WRONG_NAME, r"hostname mismatch|host ?name|doesn'?t match|not valid for|ip address mismatch"),
    (Trouble.UNTRUSTED, r"verify failed|self[- ]signed|unknown ca|local issuer|unable to get|untrusted"),
    (Trouble.NO_TLS, r"http request|wrong version number|packet length too long|record layer failure|not tls|plain http"),
)  # fmt: skip


def trouble(observation: Observation) -> Trouble:
    """Why the handshake of a `tls_handshake` observation failed; errors are read from the recorder's point of view."""
    text = str(observation.data.get("error") or "").lower().replace("_", " ")
    for kind, signs in _SIGNS:
        if re.search(signs, text) and not (kind is Trouble.UNTRUSTED and _ALERT.search(text)):
            return kind
    return Trouble.OTHER


# --- which of them say something about the CPO ---------------------------------------------------------------------------

_BAD_CERTIFICATE = re.compile(r"foreign|unknown|untrusted|wrong|stranger|self-?signed|expired|\bbad\b", re.IGNORECASE)
"""Words by which the hub says that it serves with a certificate partners must refuse."""
_ABOUT_S = 1.0


def bad_certificates(evidence: Evidence) -> Iterator[tuple[float, float, str]]:
    """Begin, end and name of the times in which the hub served with a certificate that partners must refuse."""
    begun: tuple[float, str] | None = None
    for o in evidence.seen("hub_setting"):
        if o.data.get("setting") != "server_certificate":
            continue
        if begun:
            yield begun[0], o.t, begun[1]
        value = str(o.data.get("value") or "")
        begun = (o.t, value) if _BAD_CERTIFICATE.search(value) else None
    if begun:
        yield begun[0], evidence.t_end + 1, begun[1]


def failed_calls(evidence: Evidence) -> tuple[Observation, ...]:
    """Handshakes with the hub that failed."""
    seen = evidence.seen("tls_handshake")
    return tuple(o for o in seen if o.data.get("direction") == str(Direction.CPO_TO_HUB))


def failed_in_vain(evidence: Evidence) -> tuple[Observation, ...]:
    """Those that failed at a hub that was up and served with its right certificate."""
    odd = [(begin, end) for begin, end, _ in bad_certificates(evidence)]
    odd += [(o.t, o.t) for kind in ("hub_down", "hub_up") for o in evidence.seen(kind)]
    return tuple(o for o in failed_calls(evidence) if not any(a - _ABOUT_S <= o.t <= b + _ABOUT_S for a, b in odd))
