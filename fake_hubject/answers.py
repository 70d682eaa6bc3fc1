"""Answers in the shapes the live platform was seen to send: explicit nulls, bare status codes, validation lists, proxy pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pydantic_core import to_json

from oicp.wire_json import Json, dump

HUB_NAME = "oicp-bench fake hub (test stand-in, not Hubject)"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the hub answers. `body`: JSON value or finished bytes. `close`: with `Connection: close`."""

    http_status: int
    body: Json | bytes = None
    content_type: str | None = None
    close: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body as bytes."""
        if isinstance(self.body, bytes):
            return self.body
        return dump(self.body).encode()

    def ready(self) -> "Reply":
        """The same with finished bytes, for answers that are given often."""
        return Reply(self.http_status, self.encoded(), self.content_type, self.close, self.headers)


def status_code(code: str, description: str | None = None, additional_info: str | None = None) -> dict[str, Json]:
    """A StatusCode with all members."""
    return {"Code": code, "Description": description, "AdditionalInfo": additional_info}


def acknowledgement(
    result: bool, code: str, description: str | None = None, additional_info: str | None = None, *,
    session_id: str | None = None, cpo_partner_session_id: str | None = None, emp_partner_session_id: str | None = None,
) -> dict[str, Json]:  # fmt: skip
    """An acknowledgement with all members, unused ones null."""
    return {
        "Result": result, "StatusCode": status_code(code, description, additional_info), "SessionID": session_id,
        "CPOPartnerSessionID": cpo_partner_session_id, "EMPPartnerSessionID": emp_partner_session_id,
    }  # fmt: skip


def succeeded(session_id: str, cpo_partner_session_id: str | None, emp_partner_session_id: str | None) -> Reply:
    """Success with the ids of a session, as finished bytes wherever the quick writer knows how."""
    body = acknowledgement(
        True, "000", "SUCCESS", session_id=session_id, cpo_partner_session_id=cpo_partner_session_id,
        emp_partner_session_id=emp_partner_session_id,
    )  # fmt: skip
    try:
        return Reply(200, to_json(body))
    except ValueError:  # half a pair of surrogates
        return Reply(200, body)


def refused(code: str, description: str, additional_info: str | None = None, **ids: str | None) -> Reply:
    """A refusal on data level: a whole acknowledgement with Result false and HTTP 200."""
    return Reply(200, acknowledgement(False, code, description, additional_info, **ids))


def bare(http_status: int, code: str, description: str, *, close: bool = False) -> Reply:
    """A refusal before the data level: only a StatusCode."""
    return Reply(http_status, {"StatusCode": status_code(code, description)}, close=close)


UNKNOWN_PARTNER = bare(404, "300", "Partner not found")
UNAUTHORIZED = bare(401, "017", "Unauthorized Access", close=True)
NO_CONTRACT = bare(403, "210", "No active subscription found", close=True)
SYSTEM_ERROR = bare(500, "001", "Hubject system error", close=True)
BAD_SESSION = bare(404, "400", "Session is not valid", close=True)
CLOSED_SESSION = bare(404, "400", "Session found but status is not valid CLOSED!", close=True)


def unknown_service(path: str, http_status: int) -> Reply:
    """Answer to a path that is no service."""
    return bare(http_status, "001", f"OICP service not found for URI: {path}", close=True)


class Fault(Protocol):
    """The part of a field fault an answer needs."""

    @property
    def field_reference(self) -> str: ...
    @property
    def error_message(self) -> str: ...


def invalid(faults: Iterable[Fault]) -> Reply:
    """HTTP 400 with the list of fields that break the schema."""
    return _invalid([(f.field_reference, f.error_message or "is not valid") for f in faults])


def invalid_field(reference: str, message: str) -> Reply:
    """HTTP 400 for one field."""
    return _invalid([(reference, message)])


def _invalid(faults: list[tuple[str, str]]) -> Reply:
    rows = [{"fieldReference": reference, "errorMessage": message} for reference, message in faults]
    body = {"extendedInfo": None, "message": "Error parsing/validating JSON.", "validationErrors": rows[:100]}
    return Reply(400, body, close=True)


def unreadable(reason: str) -> Reply:
    """HTTP 400 for a body, or a rule over several fields: the reason stands in the message."""
    return Reply(400, {"message": f"Error parsing/validating JSON. {reason}"}, close=True)


def proxy_page(http_status: int, title: str, detail: str = "") -> Reply:
    """An HTML page as the proxy in front of the platform writes it."""
    extra = f"\n<center>{detail}</center>" if detail else ""
    html = (
        f"<html>\r\n<head><title>{http_status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{http_status} {title}</h1></center>{extra}\r\n<hr><center>{HUB_NAME}</center>\r\n</body>\r\n</html>\r\n"
    )
    return Reply(http_status, html.encode(), "text/html", close=True)


NO_CERTIFICATE = proxy_page(400, "No required SSL certificate was sent", "No required SSL certificate was sent")
BAD_CERTIFICATE = proxy_page(400, "The SSL certificate error", "The SSL certificate error")
FORBIDDEN = proxy_page(403, "Forbidden")
TOO_LARGE = proxy_page(413, "Request Entity Too Large")
BAD_REQUEST = proxy_page(400, "Bad Request")
TIMED_OUT = proxy_page(408, "Request Time-out")
UNSUPPORTED = proxy_page(415, "Unsupported Media Type")
MAINTENANCE = proxy_page(503, "Service Temporarily Unavailable", "The platform is down for maintenance")
TOO_MANY = Reply(429, {"message": "Too many requests"}, close=False)

_GOOD = ("application/json;charset=utf-8", "application/json;charset=UTF-8", "application/json")


def content_type_of(reply: Reply, number: int, *, vary: bool) -> str:
    """Content type of an answer: the live platform was seen to use several for the same thing."""
    if reply.content_type is not None:
        return reply.content_type
    if not vary:
        return _GOOD[0]
    if reply.http_status >= 400 and number % 2 and _is_latin(reply):
        return "application/json;charset=ISO-8859-1"
    return _GOOD[number % 3]


def _is_latin(reply: Reply) -> bool:
    return isinstance(reply.body, dict) and reply.encoded().isascii()
