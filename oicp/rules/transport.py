"""TLS and certificates in both directions (TLS-001 to TLS-008)."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from oicp import wire_json
from oicp.evidence import Evidence, Exchange, Observation
from oicp.handshakes import Trouble, bad_certificates, certificate_time, failed_in_vain, tls_version, trouble
from oicp.ids import operator_key
from oicp.rulebook import Checked, NotExercised, Yield, finding, observed_at, rules_about_evidence
from oicp.services import Direction
from oicp.unknowns import CERTIFICATES

whole = rules_about_evidence()
_OLDEST = (1, 2)
_JUST_SWITCHED_S = 0.02
"""A request on a new connection this soon after the hub changed its certificate may have begun before (seconds)."""


def _failed(evidence: Evidence, direction: Direction, *kinds: Trouble) -> Iterator[Observation]:
    for o in evidence.seen("tls_handshake"):
        if o.data.get("direction") == str(direction) and trouble(o) in kinds:
            yield o


def _over_tls(evidence: Evidence) -> Iterator[Exchange]:
    """Requests of the CPO whose TLS side was looked at."""
    return (e for e in evidence.exchanges if e.by_cpo and e.tls is not None and e.tls.version)


def _handshake(o: Observation, requirement: str, told: str) -> Yield:
    return observed_at(o, f"a handshake failed: {told} ({o.data.get('error')})", requirement=requirement)


def _once(findings: Iterator[Yield]) -> Iterator[Yield]:
    """A thousand requests with the same fault are one finding (the first)."""
    seen: set[object] = set()
    for item in findings:
        key = item if isinstance(item, Checked) else item.reason if isinstance(item, NotExercised) else item.observed
        if isinstance(item, Checked) or key not in seen:
            seen.add(key)
            yield item


@whole.rule("TLS-001")
def presents_a_certificate(evidence: Evidence) -> Iterator[Yield]:
    """Every connection to the hub presents a client certificate."""
    yield from _once(_certificates(evidence))
    yield from _once(_word_of_the_proxy(evidence, "TLS-001", b"No required SSL certificate was sent"))
    for o in _failed(evidence, Direction.CPO_TO_HUB, Trouble.NO_CERTIFICATE):
        yield _handshake(o, "TLS-001", "no client certificate was presented")
    for o in _failed(evidence, Direction.CPO_TO_HUB, Trouble.REFUSED):
        reason = f"the CPO refused the certificate of the hub ({o.data.get('error')})"
        yield NotExercised("TLS-001", reason)


_IN_BETWEEN = ("har", "flows", "tap")
"""Recordings that a proxy may have made, which then was the one who presented no certificate, or a wrong one, to the hub."""


def _word_of_the_proxy(evidence: Evidence, requirement: str, text: bytes) -> Iterator[Yield]:
    """Where no handshake was recorded: what the proxy in front of the hub answered to one that it did not like."""
    for e in evidence.exchanges:
        seen = e.tls is not None and (e.tls.certificate is not None or e.tls.trusted is not None)
        if e.by_cpo and e.http_status == 400 and not seen and not e.faults and e.answer and text in e.answer.body:
            told = finding(f'the hub answered "{text.decode()}"', on=e, requirement=requirement)
            if evidence.run.source not in _IN_BETWEEN:
                yield told
                continue
            reason = "a proxy that records calls the hub itself, with a certificate of its own or none"
            yield NotExercised(requirement, reason, incomplete=True, doubt=told)
            return


def _certificates(evidence: Evidence) -> Iterator[Yield]:
    for e in _over_tls(evidence) if CERTIFICATES not in evidence.run.unknown else ():
        if e.tls and e.tls.certificate is None:
            yield finding("the connection presented no client certificate", on=e, requirement="TLS-001")
        else:
            yield Checked("TLS-001", e.operation or "")


@whole.rule("TLS-002")
def certificate_of_a_known_ca(evidence: Evidence) -> Iterator[Yield]:
    """The client certificate is of a CA the hub trusts, or registered for the partner."""
    yield from _once(_trust(evidence))
    yield from _once(_word_of_the_proxy(evidence, "TLS-002", b"The SSL certificate error"))
    for o in _failed(evidence, Direction.CPO_TO_HUB, Trouble.UNTRUSTED):
        yield _handshake(o, "TLS-002", "the client certificate is of a CA the hub does not know")


def _trust(evidence: Evidence) -> Iterator[Yield]:
    for e in _over_tls(evidence):
        certificate = e.tls.certificate if e.tls else None
        if certificate is None or e.tls is None or e.tls.trusted is None:
            continue
        if e.tls.trusted:
            yield Checked("TLS-002", e.operation or "")
        else:
            told = f"the client certificate {certificate.subject} was issued by {certificate.issuer}, which the hub does not know"
            yield finding(told, on=e, requirement="TLS-002")


@whole.rule("TLS-003")
def certificate_is_valid_now(evidence: Evidence) -> Iterator[Yield]:
    """The client certificate is inside its validity period."""
    yield from _once(_validity(evidence))
    for o in _failed(evidence, Direction.CPO_TO_HUB, Trouble.EXPIRED):
        yield _handshake(o, "TLS-003", "the client certificate is outside its validity period")


def _validity(evidence: Evidence) -> Iterator[Yield]:
    for e in _over_tls(evidence):
        certificate = e.tls.certificate if e.tls else None
        if certificate is None:
            continue
        begin, end = certificate_time(certificate.not_before), certificate_time(certificate.not_after)
        if end is not None and e.started_at > end:
            yield finding(f"the client certificate ran out at {certificate.not_after}", on=e, requirement="TLS-003")
        elif begin is not None and e.started_at < begin:
            told = f"the client certificate is not valid before {certificate.not_before}"
            yield finding(told, on=e, requirement="TLS-003")
        elif end is not None:
            yield Checked("TLS-003", e.operation or "")


@whole.rule("TLS-004")
def certificate_of_the_operator(evidence: Evidence) -> Iterator[Yield]:
    """The OperatorID used is the one the client certificate is registered for."""
    yield from _once(_owners(evidence))
    yield from _once(_word_of_the_hub(evidence))


def _word_of_the_hub(evidence: Evidence) -> Iterator[Yield]:
    """Where nobody looked at the certificate: 017 says that it is not that of the id, or ran out; a partner may be locked, too."""
    for e in evidence.exchanges:
        looked = e.tls is not None and e.tls.trusted is not None
        if e.by_cpo and e.status_code == "017" and e.result is not True and not looked and not e.faults:
            told = f"the hub answered 017 to a call of {_operator_used(e) or 'the CPO'}"
            yield finding(told, on=e, requirement="TLS-004", contested=True)


def _owners(evidence: Evidence) -> Iterator[Yield]:
    for e in _over_tls(evidence):
        used = _operator_used(e)
        if used is None or e.tls is None or e.tls.certificate is None or e.tls.trusted is None:
            continue
        owner = e.tls.partner_id
        if owner is not None and operator_key(owner) == operator_key(used):
            yield Checked("TLS-004", e.operation or "")
        elif owner is not None:
            told = f"the certificate of {owner} was used for {used}"
            yield finding(told, on=e, requirement="TLS-004")
        elif e.tls.trusted:
            told = f"the certificate {e.tls.certificate.subject} is on file for nobody, and was used for {used}"
            yield finding(told, on=e, requirement="TLS-004")


def _operator_used(e: Exchange) -> str | None:
    """The id the path names; where the path has none, that of the body."""
    if e.service is None or Direction.CPO_TO_HUB not in e.service.directions:
        return None
    value = e.partner_id or wire_json.at(e.body, "OperatorID")
    return value if isinstance(value, str) and value else None


@whole.rule("TLS-005")
def modern_tls(evidence: Evidence) -> Iterator[Yield]:
    """Connections of both directions use TLS 1.2 or 1.3."""
    yield from _once(_versions(evidence))
    for direction in (Direction.CPO_TO_HUB, Direction.HUB_TO_CPO):
        for o in _failed(evidence, direction, Trouble.OLD_VERSION):
            yield _handshake(
                o, "TLS-005", f"no common TLS version, offered was {o.data.get('version') or 'an older one'}"
            )
    for o in _failed(evidence, Direction.CPO_TO_HUB, Trouble.NO_TLS):
        yield _handshake(o, "TLS-005", "the hub was called without TLS")
    for o in evidence.seen("connection_probe"):
        yield from _probed_versions(o)


def _versions(evidence: Evidence) -> Iterator[Yield]:
    for e in evidence.exchanges:
        version = tls_version(e.tls.version) if e.tls else None
        if version is None or e.direction not in (Direction.CPO_TO_HUB, Direction.HUB_TO_CPO):
            continue
        if version < _OLDEST:
            yield finding(f"the connection uses {e.tls.version if e.tls else ''}", on=e, requirement="TLS-005")
        else:
            yield Checked("TLS-005", e.operation or "")


def _probed_versions(o: Observation) -> Iterator[Yield]:
    names = o.data.get("versions")
    found = {v: n for n in names if (v := tls_version(n))} if isinstance(names, list | tuple) else {}
    old = [n for v, n in sorted(found.items()) if v < _OLDEST]
    if not found:
        return
    if not old:
        yield Checked("TLS-005", "connection_probe")
        return
    only = max(found) < _OLDEST
    told = f"the endpoint {o.data.get('url')} accepts {'only ' if only else ''}{', '.join(old)}"
    yield observed_at(o, told, requirement="TLS-005", contested=not only)


@whole.rule("TLS-006")
def verifies_the_hub(evidence: Evidence) -> Iterator[Yield]:
    """A hub with a certificate of an unknown CA, or for another name, is not talked to."""
    periods = tuple(bad_certificates(evidence))
    for begin, end, value in periods:
        refused = [o for o in evidence.seen("tls_handshake") if _from_cpo(o) and begin <= o.t <= end]
        shown = _shown_from(evidence, begin, end)
        taken = next((e for e in _new_connections(evidence, shown) if shown < e.t < end), None)
        if taken is not None:
            told = f"a request was sent although the hub presented a bad certificate ({value})"
            yield finding(told, on=taken, requirement="TLS-006")
        elif refused:
            yield Checked("TLS-006", "transport")
        else:
            yield NotExercised("TLS-006", "nobody called while the hub presented a certificate that must be refused")
    for o in failed_in_vain(evidence):
        if trouble(o) is Trouble.REFUSED:
            yield _handshake(
                o, "TLS-006", "the right certificate of the hub was refused, as if its root were not installed"
            )
    if not periods:
        yield NotExercised("TLS-006", "the hub never presented a certificate that must be refused")


def _shown_from(evidence: Evidence, begin: float, end: float) -> float:
    """From when on a new connection was shown the certificate set at `begin`: the hub closes its door for a moment to change it.

    Where that was not recorded, whoever came at the same time may have been shown the one before.
    """
    down = [o.t for o in evidence.seen("hub_down") if begin <= o.t < end]
    back = [o.t for o in evidence.seen("hub_up") if down and down[0] <= o.t < end]
    return back[0] if back else begin + _JUST_SWITCHED_S


def _from_cpo(o: Observation) -> bool:
    return o.data.get("direction") == str(Direction.CPO_TO_HUB)


def _new_connections(evidence: Evidence, since: float) -> Iterator[Exchange]:
    """Requests of the CPO on connections that were not open before that second."""
    old = {e.connection for e in evidence.exchanges if e.by_cpo and e.connection and e.t <= since}
    return (e for e in evidence.exchanges if e.by_cpo and e.connection not in old)


@whole.rule("TLS-007")
def served_over_https(evidence: Evidence) -> Iterator[Yield]:
    """The endpoint of the CPO is HTTPS with a certificate the hub can trust."""
    if evidence.run.settings.get("allow_plain_http") is True:
        yield NotExercised("TLS-007", "this run allows plain HTTP")
        return
    yield from _once(_endpoints(evidence))
    for o in _failed(evidence, Direction.HUB_TO_CPO, Trouble.NO_TLS):
        yield _handshake(o, "TLS-007", "the endpoint of the CPO does not speak TLS")
    for o in _failed(evidence, Direction.HUB_TO_CPO, Trouble.UNTRUSTED, Trouble.EXPIRED, Trouble.WRONG_NAME):
        yield _handshake(o, "TLS-007", "the certificate of the endpoint cannot be trusted")
    for o in evidence.seen("connection_probe"):
        yield from _probed_endpoint(o)


_BEHIND = ("har", "flows")
"""Recordings that may have been made behind the proxy that the hub called."""


def _endpoints(evidence: Evidence) -> Iterator[Yield]:
    for e in evidence.exchanges:
        scheme = urlsplit(e.url).scheme.lower() if e.direction is Direction.HUB_TO_CPO and e.url else ""
        if scheme == "http" and evidence.run.source in _BEHIND:
            yield NotExercised("TLS-007", "a proxy may have taken TLS away before the recorder")
        elif scheme == "http":
            yield _plain_http(evidence, e)
        elif scheme == "https" and e.tls is not None and e.tls.trusted is not None:
            if e.tls.trusted:
                yield Checked("TLS-007", e.operation or "")
            else:
                issuer = e.tls.certificate.issuer if e.tls.certificate else "nobody"
                told = f"the certificate of {_origin(e.url)}, issued by {issuer}, cannot be trusted"
                yield finding(told, requirement="TLS-007", exchange=e.number)


def _plain_http(evidence: Evidence, e: Exchange) -> Yield:
    told = finding(f"the service URL {_origin(e.url)} is plain HTTP", requirement="TLS-007", exchange=e.number)
    if evidence.run.source != "tap":
        return told
    reason = "the tap passes on to an address of plain HTTP; which one the hub calls is not recorded"
    return NotExercised("TLS-007", reason, incomplete=True, doubt=told)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _probed_endpoint(o: Observation) -> Iterator[Yield]:
    url = str(o.data.get("url") or "")
    if not url.lower().startswith("https:"):
        return
    if o.data.get("trusted") is False:
        told = f"the certificate of {_origin(url)} cannot be trusted: {o.data.get('trust_error') or 'unknown CA'}"
        yield observed_at(o, told, requirement="TLS-007")
    elif o.data.get("trusted") is True:
        yield Checked("TLS-007", "connection_probe")
    elif not o.data.get("versions") and o.data.get("plain_http") is True:
        yield observed_at(o, f"{_origin(url)} answers in plain HTTP", requirement="TLS-007")


@whole.rule("TLS-008")
def works_with_what_the_hub_presents(evidence: Evidence) -> Iterator[Yield]:
    """The endpoint works with the client certificate the hub agreed to present, or without one."""
    for e in evidence.exchanges:
        if e.direction is Direction.HUB_TO_CPO and e.tls is not None and e.tls.version and e.answer is not None:
            yield Checked("TLS-008", e.operation or "")
    for o in _failed(evidence, Direction.HUB_TO_CPO, Trouble.DEMANDED, Trouble.REFUSED):
        yield _handshake(o, "TLS-008", "the endpoint of the CPO did not take what the hub presented")
