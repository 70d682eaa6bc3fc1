"""Refusals that name their reason themselves: a member nobody has to send, a product that is not known, an EvseID spelled otherwise.

What the answer says needs no witness at the charge point.
"""

import re
from functools import lru_cache

from oicp import wire_json
from oicp.chargers import Timeline, record_of
from oicp.evidence import Evidence, Exchange
from oicp.pushes import data_pushes
from oicp.rules.demands import demands
from oicp.rules.refused_forms import asked, faulty, oddities
from oicp.rules.remote_refusals import evse_of
from oicp.services import RELEASE, RESERVE, START, STOP
from oicp.sessions import folded
from oicp.status_codes import EVSE_CAUSES, MEDIUM_CODES

_IDS = ("CPOPartnerSessionID", "EMPPartnerSessionID")
_OPTIONAL: dict[str, dict[str, str]] = {
    START: dict.fromkeys((*_IDS, "PartnerProductID"), "RSTART-001")
    | dict.fromkeys(("RFIDMifareFamilyIdentification", "RFIDIdentification", "UID"), "RSTART-002"),
    STOP: dict.fromkeys(_IDS, "SESS-009") | {"Identification": "RSTOP-001", "EvcoID": "RSTOP-001"},
    RESERVE: dict.fromkeys((*_IDS, "PartnerProductID", "Duration"), "RESV-002"),
    RELEASE: dict.fromkeys(_IDS, "SESS-009"),
}
"""Members that a request may lack or have as null, and the requirement a CPO breaks that asks for them."""
_UNKNOWN = re.compile(
    r"unknown|unsupported|not (supported|known|found|available|allowed|one of|accepted|recogni[sz]ed)|invalid|no enum|unbekannt|inconnu",
    re.IGNORECASE,
)
_TARIFF = re.compile(r"product|tarif|price|pricing", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;.!?](?:\s|$)")
_ABOUT_THE_FORM = (400, 422, 500)
_OF_THE_SESSION = frozenset(("400",))
_SOON_GONE_S = 300.0
"""An EVSE that was taken down may be unknown already when its data are still at the hub."""


def told(evidence: Evidence, e: Exchange) -> tuple[str, str, str | None] | None:
    """Requirement, sentence and pointer for a refusal whose answer says that a lawful form is not taken."""
    if e.accepted or ((e.http_status or 0) < 400 and e.result is not False) or faulty(e):
        return None
    if e.status_code in EVSE_CAUSES:
        return _spelling(evidence, e)
    if other_medium(e) and not starts_taken(evidence):
        sentence = f"a start by an EvcoID was refused with {e.status_code}, the code of another medium"
        return "RSTART-002", sentence, "/StatusCode/Code"
    for text, pointer in _texts(e):
        found = _lacks(e, text) or _product(evidence, e, text)
        if found is not None:
            return *found, pointer
    return None


def other_medium(e: Exchange) -> bool:
    """A start by an EvcoID was refused with a code about cards or QR codes."""
    evco_id = wire_json.at(e.body, "Identification", "RemoteIdentification", "EvcoID")
    return e.operation == START and e.status_code in MEDIUM_CODES and isinstance(evco_id, str)


@lru_cache(maxsize=8)
def starts_taken(evidence: Evidence) -> bool:
    """Some start was accepted."""
    return any(e.operation == START and e.accepted for e in asked(evidence))


def _texts(e: Exchange) -> list[tuple[str, str | None]]:
    """What an answer says in words: texts of the StatusCode, else all of an HTTP error."""
    if e.result is False:
        places = (("AdditionalInfo", "/StatusCode/AdditionalInfo"), ("Description", "/StatusCode/Description"))
        values = ((wire_json.at(e.answer_body, "StatusCode", name), at) for name, at in places)
        return [(value, at) for value, at in values if isinstance(value, str)]
    body = e.answer.body if e.answer and e.http_status in _ABOUT_THE_FORM else b""
    return [(body.decode("utf-8", "replace")[:4000], None)]


def _lacks(e: Exchange, text: str) -> tuple[str, str] | None:
    if e.status_code in _OF_THE_SESSION:
        return None
    identification = e.body.get("Identification")
    inside = identification if isinstance(identification, dict) else {}
    for name, requirement in _OPTIONAL.get(e.operation or "", {}).items():
        if name == "UID" and e.result is not False:
            continue  # three letters in a page of whatever
        null = name in (e.body if name in e.body else inside)
        if e.body.get(name) is None and inside.get(name) is None and demands(text, name, null=null):
            # where it does not ask for the member it stumbles over the null
            mistyped = null and not demands(text, name, null=False)
            if mistyped or (requirement not in ("RSTART-002", "SESS-009") and name in e.body):
                return "HTTP-015", f"refused ({_code(e)}) for {name}, which may be null"
            remote = requirement == "RSTART-002"
            how = "though RemoteIdentification names the driver" if remote else "which nobody has to send"
            return requirement, f"refused ({_code(e)}) for lack of {name}, {how}"
    return None


def _code(e: Exchange) -> str:
    return f"code {e.status_code}" if e.status_code else f"HTTP {e.http_status}"


def _product(evidence: Evidence, e: Exchange, text: str) -> tuple[str, str] | None:
    """A product the CPO does not know; one who pushed prices may have to."""
    product = e.body.get("PartnerProductID")
    if (
        e.operation != START
        or not isinstance(product, str)
        or len(product) < 2
        or evidence.about("PushPricingProductData")
    ):
        return None
    named = re.compile(rf"(?<![\w*-]){re.escape(product)}(?![\w*-])", re.IGNORECASE)
    blamed = any(named.search(c) and _TARIFF.search(c) and _UNKNOWN.search(c) for c in _CLAUSE.split(text))
    return ("RSTART-019", f"refused ({_code(e)}) because of the product {product}") if blamed else None


# --- 603 for an EVSE of its own -------------------------------------------------------------------------------------------


def its_own_evse(evidence: Evidence, evse_id: str | None, t: float) -> bool:
    """The data of this EVSE, in whatever spelling, are at the hub by the CPO's last word on it."""
    told = _at_the_hub(evidence).get(folded(evse_id or ""))
    return told is not None and told.at(t) is True


@lru_cache(maxsize=8)
def _at_the_hub(evidence: Evidence) -> dict[str, Timeline[bool]]:
    """Whether the hub has data of an EVSE, by folded EvseID."""
    found: dict[str, Timeline[bool]] = {}
    for push in data_pushes(evidence):
        if not push.stored:
            continue
        for key in push.records:
            found.setdefault(key, Timeline()).add(push.t, push.action != "delete")
        for key in found.keys() - push.records.keys() if push.is_full_load else ():
            found[key].add(push.t, False)
    return found


def unknown_though_own(evidence: Evidence, e: Exchange) -> bool:
    """603 for an EVSE whose data are at the hub, and stay there, and that is open for roaming. Lower case need not be known."""
    evse_id = evse_of(e) or ""
    return (
        e.operation == START and e.status_code == "603" and evse_id == evse_id.upper() and its_own_evse(evidence, evse_id, e.t)
        and its_own_evse(evidence, evse_id, e.t + _SOON_GONE_S)
        and record_of(evidence, evse_id, e.t).get("IsHubjectCompatible") is not False
    )  # fmt: skip


def spelled_otherwise(evidence: Evidence, e: Exchange) -> bool:
    """The EvseID is written otherwise than in the data."""
    return any(odd in ("RSTART-017", "RSTART-018") for _, odd in oddities(evidence, e))


def _spelling(evidence: Evidence, e: Exchange) -> tuple[str, str, str | None] | None:
    """603 for an EVSE of its own that is spelled otherwise than it was pushed."""
    odd = next((o for _, o in oddities(evidence, e) if o in ("RSTART-017", "RSTART-018")), None)
    if odd is None or not unknown_though_own(evidence, e) or _as_unknown_anyway(evidence, e):
        return None
    return (
        odd,
        f"refused with 603 for {evse_of(e)}, an EVSE whose data it pushed in another spelling",
        "/StatusCode/Code",
    )


def _as_unknown_anyway(evidence: Evidence, e: Exchange) -> bool:
    """The same EVSE was answered 603 in the spelling of its data, too."""
    return folded(evse_of(e) or "") in _unknown_as_published(evidence)


@lru_cache(maxsize=8)
def _unknown_as_published(evidence: Evidence) -> frozenset[str]:
    refused = (o for o in asked(evidence) if o.status_code == "603" and not spelled_otherwise(evidence, o))
    return frozenset(folded(evse_of(o) or "") for o in refused)
