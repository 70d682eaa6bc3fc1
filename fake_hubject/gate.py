"""What stands in front of every service, in this order: proxy, path, rate limit, identity, JSON, law."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from fake_hubject import answers
from fake_hubject.answers import Reply
from fake_hubject.broker import Broker, Call
from fake_hubject.certificates import valid_now
from fake_hubject.partners import Partner
from fake_hubject.services import SERVICES
from fake_hubject.validation import refusals, unrefused
from oicp.evidence import Exchange, Tls
from oicp.services import OPERATIONS, PREFIX, Direction, Operation, operation_of
from oicp.wire_json import Json


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request wants to go. `operation` None: no service is there."""

    operation: Operation | None
    partner_id: str
    path: str
    query: str
    direction: Direction


def route(method: str, target: str, sender: Partner | None) -> Route:
    """Read the request target. Anything but a POST is no service."""
    operation, partner_id, path, query = _located(method, target) if len(target) < _SHORT else _read(method, target)
    up = Direction.CPO_TO_HUB if sender is None or sender.is_operator else Direction.EMP_TO_HUB
    incoming = INCOMING.get(operation.name) if operation is not None else None
    return Route(operation, partner_id, path, query, incoming or up)


_SHORT = 200
INCOMING = {
    o.name: next((d for d in o.directions if d in (Direction.CPO_TO_HUB, Direction.EMP_TO_HUB)), None)
    for o in OPERATIONS.values()
}
"""Which side calls the hub with an operation; None where the hub calls."""


def _read(method: str, target: str) -> tuple[Operation | None, str, str, str]:
    """Operation, partner id, path and query of a target."""
    path, _, query = target.partition("?")
    if "://" in path[:9]:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    plain = unquote(path, errors="replace")
    found = operation_of(plain.removeprefix(PREFIX)) if method == "POST" and plain.startswith(PREFIX + "/") else None
    operation, partner_id = found if found is not None else (None, "")
    return operation, partner_id, path, query


_located = lru_cache(4096)(_read)  # the same few targets come again and again


async def answer(broker: Broker, where: Route, exchange: Exchange) -> Reply:
    """The hub's answer to one recorded request."""
    tls = exchange.tls
    sender = broker.partner_of_certificate(tls.certificate) if tls else None
    refusal = at_the_proxy(broker, tls, sender)
    if refusal is not None:
        return refusal
    operation = where.operation
    if operation is None:
        return answers.unknown_service(where.path, broker.settings.unknown_path_status)
    if _wrong_type(broker, exchange):
        return answers.UNSUPPORTED
    limited = (sender.id if sender else "") or where.partner_id
    if broker.limits.exceeded(operation, limited, broker.clock(), broker.settings.rate_limit_scale):
        return answers.TOO_MANY
    return await _serve(broker, where, operation, exchange, sender)


def at_the_proxy(broker: Broker, tls: Tls | None, sender: Partner | None) -> Reply | None:
    """Refusals of the proxy: HTML, or 017 for a certificate that is not valid now."""
    settings = broker.settings
    if settings.maintenance:
        return answers.MAINTENANCE
    if sender is not None and not sender.address_allowed:
        return answers.FORBIDDEN
    certificate = tls.certificate if tls else None
    if certificate is None:
        return answers.NO_CERTIFICATE if settings.client_certificate == "required" else None
    if tls is not None and tls.trusted is False:
        return answers.BAD_CERTIFICATE if settings.client_certificate == "required" else None
    if not valid_now(certificate, broker.now()):
        return answers.BAD_CERTIFICATE if settings.expired_certificate == "400" else answers.UNAUTHORIZED
    return None


def _wrong_type(broker: Broker, exchange: Exchange) -> bool:
    if broker.settings.other_content_types == "accepted" and not broker.settings.strict:
        return False
    return not (exchange.header("Content-Type") or "").lower().startswith("application/json")


async def _serve(
    broker: Broker, where: Route, operation: Operation, exchange: Exchange, sender: Partner | None
) -> Reply:
    partner, refusal = _named_in_path(broker, where, exchange, sender)
    if refusal is not None:
        return refusal
    strict = broker.settings.strict
    body = unrefused(operation.name, exchange.request.body, where.direction, strict=strict)
    sound = body is not None
    if body is None:
        parsed = exchange.sent
        if not parsed.is_object:
            return answers.unreadable(parsed.error or "The body is not a JSON object.")
        body = parsed.value
    if partner is None:
        partner, refusal = _named_in_body(broker, where, exchange, sender, body)
        if partner is None:
            return refusal or answers.UNKNOWN_PARTNER
    if not sound and (faults := refusals(operation.name, body, where.direction, strict=strict)):
        return answers.invalid(faults)
    if (refusal := other_id_in_body(broker, operation, partner, body)) is not None:
        return refusal
    service: Callable[[Broker, Call], Awaitable[Reply]] = SERVICES[operation.name]
    query = dict(parse_qsl(where.query, keep_blank_values=True)) if where.query else {}
    return await service(broker, Call(operation, partner, body, exchange, query))


def _named_in_path(
    broker: Broker, where: Route, exchange: Exchange, sender: Partner | None
) -> tuple[Partner | None, Reply | None]:
    if not where.partner_id:
        return None, None
    return identified(broker, where.partner_id, where.direction, exchange, sender)


def _named_in_body(
    broker: Broker, where: Route, exchange: Exchange, sender: Partner | None, body: dict[str, Json]
) -> tuple[Partner | None, Reply | None]:
    if body.get("OperatorID") is None:
        return None, answers.bare(500, "001", "Unexpected error checking partners: null", close=True)
    return identified(broker, body["OperatorID"], where.direction, exchange, sender)


def identified(
    broker: Broker, ident: object, direction: Direction, exchange: Exchange, sender: Partner | None
) -> tuple[Partner | None, Reply | None]:
    """The partner an id names, or the refusal: 300 for nobody's id, 017 for one of somebody else than the sender."""
    find = broker.partners.operator if direction is Direction.CPO_TO_HUB else broker.partners.provider
    partner = find(ident)
    if partner is None:
        owner = broker.partners.owner_of_id(ident)
        return None, answers.UNAUTHORIZED if owner is not None and owner.is_operator == _up(
            direction
        ) else answers.UNKNOWN_PARTNER
    certificate = exchange.tls.certificate if exchange.tls else None
    free = broker.settings.client_certificate == "recorded" and (
        certificate is None or (exchange.tls is not None and exchange.tls.trusted is False)
    )
    if not free and (sender is None or sender.id != partner.id):
        return None, answers.UNAUTHORIZED
    return partner, None


def _up(direction: Direction) -> bool:
    return direction is Direction.CPO_TO_HUB


_BODY_IDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "PushEvseData": (("OperatorEvseData", "OperatorID"),),
    "PushEvseStatus": (("OperatorEvseStatus", "OperatorID"),),
    "AuthorizeStart": (("OperatorID",),),
    "AuthorizeStop": (("OperatorID",),),
    "PushPricingProductData": (("PricingProductData", "OperatorID"),),
    "PushAuthenticationData": (("ProviderAuthenticationData", "ProviderID"),),
    "PullAuthenticationData": (("OperatorID",),),
}
_PROVIDER_IN_BODY = (("ProviderID",),)


def other_id_in_body(broker: Broker, operation: Operation, partner: Partner, body: dict[str, Json]) -> Reply | None:
    """300 or 017 where the body names another partner than the path."""
    emp_calls = Direction.EMP_TO_HUB in operation.directions
    for path in _BODY_IDS.get(operation.name, _PROVIDER_IN_BODY if emp_calls else ()):
        value: Json = body
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and broker.key(value) != broker.key(partner.id):
            known = broker.partners.owner_of_id(value) is not None
            return answers.UNAUTHORIZED if known else answers.UNKNOWN_PARTNER
    return None
