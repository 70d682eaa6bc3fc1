"""A CDR tells of the session it belongs to: EVSE, driver, product, partner ids (CDR-008, -011, -012, -036, -037)."""

from collections.abc import Iterator
from functools import lru_cache

from oicp import wire_json
from oicp.deliveries import CDR, of_another, says_closed
from oicp.evidence import Evidence, Exchange
from oicp.rulebook import Checked, Yield, finding, rules_about_evidence
from oicp.rules.cdr_delivery import cdrs
from oicp.sessions import Session, same_id, session, session_id_of, sessions
from oicp.wire_json import Json, shown

whole = rules_about_evidence()
_DRIVER = "/Identification/RemoteIdentification/EvcoID"


def cdrs_of_sessions(evidence: Evidence, *kinds: str) -> Iterator[tuple[Exchange, Session]]:
    """CDRs whose session began in this recording. A repeat with the same body is left out, and one that tells of another session.

    What came for a session that a CDR had closed is left out, too: that it came is the fault (CDR-003).
    """
    for own in sessions(evidence):
        seen: set[bytes] = set()
        closed = False
        for cdr in own.cdrs if own.kind in kinds else ():
            fresh = cdr.request.body not in seen and not (closed and says_closed(cdr))
            if cdr.by_cpo and fresh and cdr.number not in of_another(evidence):
                seen.add(cdr.request.body)
                yield cdr, own
            closed = closed or cdr.accepted


def identifications(exchange: Exchange) -> dict[str, Json]:
    """Members of `Identification` that are not null."""
    value = exchange.body.get("Identification")
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}


def starting_evse(own: Session) -> str | None:
    """EvseID of the start; for a start without one, the EVSE that really charged."""
    return own.evse_id or (own.transactions[0].evse_id if own.transactions else None)


@whole.rule("CDR-008")
def names_the_evse_of_the_start(evidence: Evidence) -> Iterator[Yield]:
    """The EvseID of the CDR is that of the start."""
    for cdr, own in cdrs_of_sessions(evidence, "remote", "rfid"):
        said, meant = cdr.body.get("EvseID"), starting_evse(own)
        if isinstance(said, str) and meant:
            yield Checked("CDR-008", CDR)
            if not same_id(said, meant):
                yield finding(f"the session was started on {meant}, the CDR says {said}", on=cdr, pointer="/EvseID")


def odd_start(own: Session) -> bool:
    """The hub itself started the session without RemoteIdentification: RSTART-003 judges that it was taken."""
    given = identifications(own.start) if own.kind == "remote" and own.start else {}
    return bool(given) and "RemoteIdentification" not in given


@whole.rule("CDR-011", "CDR-012")
def names_the_driver_of_the_start(evidence: Evidence) -> Iterator[Yield]:
    """The CDR of a remote session identifies the driver by the EvcoID of the remote start."""
    for cdr, own in cdrs_of_sessions(evidence, "remote"):
        kinds = identifications(cdr)
        if not kinds or odd_start(own):
            continue
        yield Checked("CDR-011", CDR)
        if "RemoteIdentification" not in kinds:
            named = next(iter(kinds))
            yield finding(
                f"a remotely started session is identified by {named}",
                on=cdr, requirement="CDR-011", pointer=f"/Identification/{named}",
            )  # fmt: skip
            continue
        said = wire_json.at(kinds["RemoteIdentification"], "EvcoID")
        if own.evco_id and isinstance(said, str):
            yield Checked("CDR-012", CDR)
            yield from compare_driver(cdr, own.evco_id, said, "CDR-012", _DRIVER)


def compare_driver(exchange: Exchange, meant: str, said: str, requirement: str, pointer: str) -> Iterator[Yield]:
    """The same EvcoID or UID as at the start; another spelling of it is the contested variant."""
    if said == meant:
        return
    spelling = same_id(said, meant)
    what = "spells it" if spelling else "says"
    yield finding(
        f"the start was for {meant}, the {exchange.operation} {what} {said}",
        on=exchange, requirement=requirement, pointer=pointer, contested=spelling,
    )  # fmt: skip


@whole.rule("CDR-036")
def returns_the_product_of_the_start(evidence: Evidence) -> Iterator[Yield]:
    """A PartnerProductID given with the remote start is used in the CDR."""
    for cdr, own in cdrs_of_sessions(evidence, "remote"):
        yield from compare_product(cdr, own, "CDR-036")


def compare_product(cdr: Exchange, own: Session, requirement: str) -> Iterator[Yield]:
    """The product of the start comes back in the CDR."""
    wanted = own.start.body.get("PartnerProductID") if own.start else None
    if not isinstance(wanted, str) or not wanted:
        return
    yield Checked(requirement, CDR)
    said = cdr.body.get("PartnerProductID")
    if said != wanted:
        yield finding(
            f"the start asked for product {shown(wanted)}, the CDR says {shown(said)}",
            on=cdr, requirement=requirement, pointer="/PartnerProductID" if said is not None else None,
        )  # fmt: skip


@lru_cache(maxsize=8)
def owners_of_partner_ids(evidence: Evidence) -> dict[tuple[str, str], set[str]]:
    """(member, partner session id) -> SessionIDs it was given for before any CDR."""
    found: dict[tuple[str, str], set[str]] = {}
    for own in sessions(evidence):
        for exchange in (*own.starts, *own.notifications):
            for name in ("EMPPartnerSessionID", "CPOPartnerSessionID"):
                for value in (exchange.body.get(name), exchange.answer_body.get(name)):
                    if isinstance(value, str) and value:
                        found.setdefault((name, value), set()).add(own.session_id)
    return found


@whole.rule("CDR-037")
def partner_session_ids_are_those_of_the_session(evidence: Evidence) -> Iterator[Yield]:
    """CPOPartnerSessionID and EMPPartnerSessionID of a CDR are never those of another session."""
    owners = owners_of_partner_ids(evidence)
    for cdr in cdrs(evidence):
        own = session(evidence, session_id_of(cdr))
        if own is None or own.start is None:
            continue
        for name in ("EMPPartnerSessionID", "CPOPartnerSessionID"):
            value = cdr.body.get(name)
            if not isinstance(value, str) or not value:
                continue
            yield Checked("CDR-037", CDR)
            others = owners.get((name, value), set())
            if others and own.session_id not in others:
                also = ("SESS-005",) if name.startswith("EMP") else ("SESS-006",)
                told = f"{name} {value} belongs to session {min(others)}"
                yield finding(told, on=cdr, pointer=f"/{name}", also=also)
