"""Request targets read: the path below `/api/oicp`, the raw id in it, how that id was spelled and encoded."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from oicp import wire_json
from oicp.evidence import Exchange
from oicp.services import OPERATIONS, PREFIX
from oicp.transactions import folded
from oicp.wire_json import Json


class Spelling(StrEnum):
    """How the id in a path is written."""

    ENCODED = "percent-encoded"
    ASTERISK = "asterisk"
    HYPHEN = "hyphen"
    PLAIN = "no separator"


@dataclass(frozen=True, slots=True)
class Target:
    """One request target. `front`: what stands before `/api/oicp`, None where that is missing; `path`: what follows it, decoded.

    `raw_id`: the segment of the operator or provider as it came, None where there is none.
    """

    front: str | None
    path: str
    raw_id: str | None

    @property
    def spelling(self) -> Spelling | None:
        """How the id is written."""
        if not self.raw_id:
            return None
        if "%" in self.raw_id:
            return Spelling.ENCODED
        return Spelling.ASTERISK if "*" in self.raw_id else Spelling.HYPHEN if "-" in self.raw_id else Spelling.PLAIN


_ID = re.compile(r"/(?:operators|providers)/([^/?]*)")


def read_target(target: str) -> Target:
    """Take a target apart; absolute form (`https://host/path`) and a query are taken too."""
    path = target.split("?", 1)[0].split("#", 1)[0]
    if "://" in path.split("/api/", 1)[0]:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    at = path.find(PREFIX + "/")
    behind = path if at < 0 else path[at + len(PREFIX) :]
    match = _ID.search(behind)
    return Target(path[:at] if at >= 0 else None, unquote(behind, errors="replace"), match[1] if match else None)


_TEXTS = ("evsepush", "cdrmgmt", "charging", "notificationmgmt", "dynamicpricing", "authdata", "oicp", "operators",
          "evsepull", "data-records", "status-records", "charge-detail-record", "authorize", "reservation")  # fmt: skip


def looks_like_oicp(target: str) -> bool:
    """The target was meant for an OICP operation."""
    text = target.lower()
    return any(word in text for word in _TEXTS)


def at_hubject(exchange: Exchange) -> bool:
    """It was sent to Hubject itself and not to a hub that may be a mock."""
    host = (urlsplit(exchange.url).hostname or "").rstrip(".")
    return host == _HUBJECT or host.endswith("." + _HUBJECT)


_HUBJECT = "hubject.com"
"""Not any host with that word in its name: mocks are called after it, too."""


def nearest(path: str) -> str | None:
    """The published path that a wrong one comes closest to: the same last words."""
    last = path.rstrip("/").rsplit("/", 1)[-1].lower()
    for operation in OPERATIONS.values():
        if last and operation.path.lower().endswith("/" + last):
            return operation.path
    return None


_PLACES = (("OperatorID",), ("OperatorEvseData", "OperatorID"), ("OperatorEvseStatus", "OperatorID"),
           ("PricingProductData", "OperatorID"))  # fmt: skip


def operator_in_body(exchange: Exchange) -> tuple[str, str] | None:
    """OperatorID a message names and its pointer; None where it names none."""
    for place in _PLACES:
        value: Json = wire_json.at(exchange.body, *place)
        if isinstance(value, str) and value:
            return value, wire_json.pointer(*place)
    return None


def garbled_id(exchange: Exchange, operator_ids: Iterable[str]) -> str | None:
    """What encoding made of the id in the path, in words; None if it decodes to the text that was meant."""
    raw, in_body = read_target(exchange.request.target).raw_id, operator_in_body(exchange)
    once = unquote(raw or "", errors="replace")
    if raw is None or (in_body and once == in_body[0]):
        return None
    shown = f"{raw} in the path decodes to {once!r}"
    if "%" in once:
        return f"{shown}: the id is encoded twice"
    if "\ufffd" in once:
        return f"{shown}: that is no UTF-8"
    if " " in once:
        own = {folded(i): i for i in operator_ids}
        meant = in_body[0] if in_body else own.get(folded(once.replace(" ", "")), once.replace(" ", "+"))
        return f"{shown}, meant is {meant!r}"
    return f"{shown}: the plus sign of a DIN id was lost" if in_body and in_body[0] == "+" + once else None
