"""The EMPs behind the hub: played by the bench with a temper each, or real ones with a URL of their own."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from fake_hubject.answers import acknowledgement, status_code
from fake_hubject.broker import Broker
from fake_hubject.identification import media_of
from fake_hubject.partners import Partner, Temper
from fake_hubject.remote import Outgoing
from oicp.evidence import Exchange
from oicp.services import OPERATIONS, Direction
from oicp.status_codes import TEXTS
from oicp.wire_json import Json, object_in, parse

_KEPT = 10_000


class EmpFailed(Exception):
    """The EMP cannot be reached, is too slow or answers nonsense; the message says which."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message an EMP of the bench got. `sent`: the bytes the CPO sent, unchanged."""

    operation: str
    sent: bytes

    @property
    def body(self) -> dict[str, Json]:
        """The message with its digits as they came; read anew each time."""
        return object_in(self.sent)


class Emps:
    """Delivers messages to EMPs and brings their answers back."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._received: dict[str, deque[Received]] = {}

    def received(self, provider_id: str, operation: str | None = None) -> tuple[Received, ...]:
        """What an EMP played by the bench got so far (the latest ten thousand messages)."""
        partner = self._broker.partners.get(provider_id)
        inbox = self._received.get(partner.id if partner else provider_id, ())
        return tuple(r for r in inbox if operation in (None, r.operation))

    def reachable(self, emp: Partner) -> bool:
        """True if the EMP has an endpoint that takes messages."""
        return not emp.temper.offline

    async def deliver(
        self, operation: str, emp: Partner, body: dict[str, Json], sent: bytes, path_id: str
    ) -> dict[str, Json]:
        """Hand a message to an EMP and return its answer; `EmpFailed` where there is none that can be read."""
        if emp.temper.offline:
            raise EmpFailed(f"{emp.id} is offline")
        limit = self._broker.settings.emp_limit_s
        if emp.url:
            return self._read(emp, await self._post(operation, emp, sent, path_id, limit))
        self._keep(operation, emp, sent)
        try:
            async with asyncio.timeout(limit):
                return await self._played(operation, emp, body)
        except TimeoutError:
            raise EmpFailed(f"{emp.id} did not answer within {limit:g} s") from None

    def taken_at_once(self, operation: str, emp: Partner, sent: bytes) -> bool | None:
        """Whether an EMP of the bench that answers without thinking takes a message; None for others, who got nothing yet."""
        temper = emp.temper
        if emp.url or temper.offline or temper.delay_s or temper.wrong:
            return None
        self._keep(operation, emp, sent)
        return temper.code == "000"

    def _keep(self, operation: str, emp: Partner, sent: bytes) -> None:
        inbox = self._received.get(emp.id)
        if inbox is None:
            inbox = self._received[emp.id] = deque(maxlen=_KEPT)
        inbox.append(Received(operation, sent))

    async def _post(self, operation: str, emp: Partner, sent: bytes, path_id: str, limit: float) -> Exchange:
        path = OPERATIONS[operation].url_path(path_id)
        return await self._broker.remote.send(
            Outgoing(operation, Direction.HUB_TO_EMP, emp.id, emp.url or "", path, sent), limit_s=limit
        )

    def _read(self, emp: Partner, exchange: Exchange) -> dict[str, Json]:
        if exchange.answer is None:
            raise EmpFailed(f"{emp.id}: {exchange.error}")
        parsed = parse(exchange.answer.body)
        if not parsed.is_object or exchange.answer.http_status >= 500:
            raise EmpFailed(f"{emp.id} answered HTTP {exchange.answer.http_status} with nothing readable")
        return dict(parsed.value)

    async def _played(self, operation: str, emp: Partner, body: dict[str, Json]) -> dict[str, Json]:
        temper = emp.temper
        if temper.delay_s:
            await asyncio.sleep(temper.delay_s)
        if temper.wrong:
            raise EmpFailed(f"{emp.id} answered with something that is no OICP message")
        return _answer(operation, emp, body)


def _answer(operation: str, emp: Partner, body: dict[str, Json]) -> dict[str, Json]:
    temper = emp.temper
    if operation in ("AuthorizeStart", "AuthorizeStop"):
        return _authorization(operation, emp, temper, body)
    description = temper.additional_info if temper.code == "000" else TEXTS.get(temper.code)
    return acknowledgement(
        temper.code == "000", temper.code, description or "Success", temper.additional_info,
        session_id=_text(body, "SessionID"), cpo_partner_session_id=_text(body, "CPOPartnerSessionID"),
        emp_partner_session_id=_text(body, "EMPPartnerSessionID"),
    )  # fmt: skip


def _authorization(operation: str, emp: Partner, temper: Temper, body: dict[str, Json]) -> dict[str, Json]:
    known = temper.knows is None or any(medium.value in temper.knows for medium in media_of(body.get("Identification")))
    code = temper.code if temper.code != "000" or known else "102"
    answer: dict[str, Any] = {
        "SessionID": body.get("SessionID"), "CPOPartnerSessionID": body.get("CPOPartnerSessionID"),
        "EMPPartnerSessionID": body.get("EMPPartnerSessionID"), "ProviderID": emp.id,
        "AuthorizationStatus": "Authorized" if code == "000" else "NotAuthorized",
        "StatusCode": status_code(code, TEXTS.get(code), temper.additional_info),
    }  # fmt: skip
    if operation == "AuthorizeStart":
        answer["AuthorizationStopIdentifications"] = None
    return answer


def _text(body: dict[str, Json], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None
