"""mitmproxy flow files read into evidence, one flow at a time: only OICP's exchanges are kept in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from mitmproxy import http
from mitmproxy.certs import Cert
from mitmproxy.exceptions import FlowReadException
from mitmproxy.io import FlowReader

from fake_hubject.certificates import facts_of
from oicp.evidence import Answer, BrokenRecording, Certificate, Evidence, Request, Tls
from oicp.unknowns import CERTIFICATES
from tap.clocks import on_the_clock_of_the_hub
from tap.mapping import Heard, evidence_of, is_oicp


def read_flows(path: Path) -> Evidence:
    """Read a flow file. Raises `BrokenRecording`; a last flow that was cut off is left out."""
    heard = list(_stream(path))
    # mitmproxy asks for no client certificate unless told to: one that was shown proves that it did
    asked = any(h.tls is not None and h.tls.certificate is not None for h in heard)
    return evidence_of(on_the_clock_of_the_hub(heard), "flows", unknown=() if asked else (CERTIFICATES,))


def _stream(path: Path) -> Iterator[Heard]:
    found = 0
    with path.open("rb") as file:
        try:
            for flow in FlowReader(file).stream():
                if isinstance(flow, http.HTTPFlow) and is_oicp(flow.request.url):
                    found += 1
                    yield heard_of(flow)
        except FlowReadException as fault:
            if not found:
                raise BrokenRecording(f"not a mitmproxy flow file: {fault}") from None


def heard_of(flow: http.HTTPFlow) -> Heard:
    """What a flow says of one exchange: its texts, TLS facts of the peer that called."""
    begun = flow.request.timestamp_start
    ended = flow.response.timestamp_end if flow.response else None
    return Heard(
        url=flow.request.url, request=request_of(flow), answer=answer_of(flow),
        started_at=datetime.fromtimestamp(begun, UTC), seconds=max(ended - begun, 0.0) if ended else None,
        error=flow.error.msg if flow.error else None, tls=tls_of(flow), connection=flow.client_conn.id,
    )  # fmt: skip


def request_of(flow: http.HTTPFlow) -> Request:
    """The request as it stood on the wire."""
    request = flow.request
    return Request(request.method, request.path, _pairs(request.headers), _content(request))


def answer_of(flow: http.HTTPFlow) -> Answer | None:
    """The answer as it stood on the wire, None if none came."""
    response = flow.response
    if response is None:
        return None
    return Answer(response.status_code, _pairs(response.headers), _content(response))


def _content(message: http.Message) -> bytes:
    """The body, unpacked where it was sent compressed and can be."""
    return message.get_content(strict=False) or b""


def tls_of(flow: http.HTTPFlow) -> Tls | None:
    """TLS facts of the connection over which the request came; None for a plain one."""
    connection = flow.client_conn
    if not connection.tls_established:
        return None
    version = connection.tls_version
    certificates = connection.certificate_list
    return Tls(version, certificate_of(certificates[0]) if certificates else None)


@lru_cache(maxsize=256)
def certificate_of(cert: Cert) -> Certificate:
    """Facts of a certificate mitmproxy saw; asked for with every message, so they are remembered."""
    return facts_of(x509.load_pem_x509_certificate(cert.to_pem()))


def _pairs(headers: http.Headers) -> tuple[tuple[str, str], ...]:
    return tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in headers.fields)
