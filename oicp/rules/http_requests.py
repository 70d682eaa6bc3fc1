"""HTTP side of what the CPO sends: method, path, content type, encoding (HTTP-001 to HTTP-004, HTTP-010)."""

from collections.abc import Iterator

from oicp.content_types import content_type
from oicp.evidence import Evidence, Exchange
from oicp.mojibake import broken_text
from oicp.paths import at_hubject, garbled_id, looks_like_oicp, nearest, read_target
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence, rules_about_sent
from oicp.services import HUB_TO_CPO, OPERATIONS, operation_of

whole = rules_about_evidence()
sent = rules_about_sent()
_PASSIVE = ("har", "flows", "message")


def _of_oicp(e: Exchange) -> bool:
    return e.operation is not None or looks_like_oicp(e.request.target)


@sent.rule("HTTP-001", when=_of_oicp)
def posts_json(e: Exchange) -> Iterator[Yield]:
    """Every operation is a POST with a JSON body."""
    if e.request.method.upper() != "POST":
        yield finding(f"{e.request.method} instead of POST", on=e)
    elif not e.faults and not e.sent.is_object and not (e.sent.error or "").startswith("not UTF-8"):
        kind = e.sent.error or "it is JSON, but no object"
        yield finding(f"the body is no JSON object: {kind}", on=e)


@whole.rule("HTTP-002")
def calls_published_paths(evidence: Evidence) -> Iterator[Yield]:
    """Operations are called at their published paths, service version included."""
    anywhere = evidence.run.source in _PASSIVE
    for e in evidence.exchanges:
        if not e.by_cpo or not (e.operation or looks_like_oicp(e.request.target) or e.request.body.strip()):
            continue
        if e.operation is None and e.request.method.upper() != "POST" and not e.request.body.strip():
            continue  # RATE-010: no operation is meant
        told = _wrong_path(e, anywhere)
        yield finding(told, on=e, requirement="HTTP-002") if told else Checked("HTTP-002", e.operation or "")


def _wrong_path(e: Exchange, anywhere: bool) -> str | None:
    target = read_target(e.request.target)
    known = operation_of(target.path)
    if known and target.path.endswith("/") and not (e.accepted and at_hubject(e)):
        return f"{e.request.target} ends in a slash, the published path does not"
    if known and target.front is not None and (anywhere or not target.front):
        return None
    if known and target.front is None:
        return f"{e.request.target} lacks /api/oicp in front"
    if known:
        return f"{e.request.target} has {target.front} in front of /api/oicp"
    near = nearest(target.path) or (OPERATIONS[e.operation].path if e.operation in OPERATIONS else None)
    return f"{e.request.target} is none of the published paths" + (
        f"; meant is perhaps /api/oicp{near}" if near else ""
    )


@sent.rule("HTTP-003", when=lambda e: _of_oicp(e) and bool(e.request.body.strip()))
def says_application_json(e: Exchange) -> Iterator[Yield]:
    """Requests carry `Content-Type: application/json`, a charset names UTF-8."""
    header = e.header("Content-Type")
    if header is None or not header.strip():
        yield finding("Content-Type is missing", on=e, contested=e.sent.error is None)
        return
    kind = content_type(header)
    if not kind.is_json:
        yield finding(f"Content-Type is {header}", on=e, contested=kind.is_other_json and kind.is_utf8)
    elif not kind.is_utf8:
        yield finding(f"Content-Type names the charset {kind.charset}", on=e)


@whole.rule("HTTP-004")
def writes_utf8(evidence: Evidence) -> Iterator[Yield]:
    """Bodies of the CPO are UTF-8 and characters beyond ASCII survive."""
    for e in evidence.exchanges:
        if e.faults or not (e.by_cpo or e.direction is HUB_TO_CPO) or not _of_oicp(e):
            continue
        body = e.request.body if e.by_cpo else (e.answer.body if e.answer else b"")
        if body.isascii() and b"\\u" not in body and b"\x00" not in body:
            continue  # the same bytes in every encoding: nothing was put to the test
        told = _not_utf8(body, e)
        if told:
            yield finding(told, on=e, requirement="HTTP-004", in_answer=not e.by_cpo)
        else:
            yield Checked("HTTP-004", e.operation or "")


def _not_utf8(body: bytes, e: Exchange) -> str | None:
    if b"\x00" in body:
        return "the body holds zero bytes, as UTF-16 does"
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        return f"the body is not UTF-8: byte 0x{body[fault.start]:02x} at offset {fault.start}"
    if b"\\u" in body:
        text += _escaped((e.sent if e.by_cpo else e.answered).value)
    return broken_text(text)


def _escaped(value: object) -> str:
    """All texts of a JSON value, for characters that were written as escapes."""
    if isinstance(value, str):
        return "" if value.isascii() else value + "\n"
    if isinstance(value, dict):
        return "".join(_escaped(item) for item in value.values())
    return "".join(_escaped(item) for item in value) if isinstance(value, list) else ""


@whole.rule("HTTP-010")
def ids_survive_encoding(evidence: Evidence) -> Iterator[Yield]:
    """An id in a path decodes to the text that was meant."""
    for e in evidence.exchanges:
        if not e.by_cpo or not e.operation or read_target(e.request.target).raw_id is None:
            continue
        told = garbled_id(e, evidence.run.operator_ids)
        yield finding(told, on=e, requirement="HTTP-010") if told else Checked("HTTP-010", e.operation or "")
