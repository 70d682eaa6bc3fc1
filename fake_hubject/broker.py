"""The hub's memory and means: partners, records, sessions, charge detail records; what the services work on."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fake_hubject.certificates import Authority, facts_of
from fake_hubject.faults import Faults
from fake_hubject.journal import Journal
from fake_hubject.limits import RateLimits
from fake_hubject.partners import Partner, Partners
from fake_hubject.recorder import Recorder
from fake_hubject.registry import Record, RecordSet, Registry
from fake_hubject.sessions import HubSession, Sessions
from fake_hubject.settings import HubSettings
from fake_hubject.tasks import Tasks
from fake_hubject.way import Way
from oicp.evidence import Certificate, Exchange
from oicp.services import Operation
from oicp.wire_json import Json, object_in

if TYPE_CHECKING:
    from fake_hubject.emps import Emps
    from fake_hubject.remote import Outgoing, RemoteCaller


_KEPT_REQUESTS = 10_000


@dataclass(slots=True)
class Call:
    """One request that passed the gate. `partner`: the direct partner that sent it."""

    operation: Operation
    partner: Partner
    body: dict[str, Json]
    exchange: Exchange
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredCdr:
    """A charge detail record the hub took. `sent`: as it came on the wire."""

    sent: bytes
    operator_id: str
    provider_id: str | None
    received_at: datetime
    exchange: int | None

    @property
    def body(self) -> dict[str, Json]:
        """The record with its digits as they came; read anew each time."""
        return object_in(self.sent)


class Broker:
    """State of the hub. Its parts are public: services read and change them."""

    def __init__(self, settings: HubSettings, recorder: Recorder, authority: Authority) -> None:
        self.settings = settings
        self.recorder = recorder
        self.authority = authority
        self.partners = Partners(self._partners_changed)
        self.registry = Registry()
        self.journal = Journal(settings.state_file)
        self.sessions = Sessions(recorder.observe, self.journal, self.now)
        self.faults = Faults(recorder.observe)
        self.limits = RateLimits()
        self.way: Way | None = None
        self.tasks = Tasks(self.crashed)
        self.cdrs: list[StoredCdr] = []
        self.forwarded: set[str] = set()
        self.pushing: set[tuple[str, str]] = set()
        self.last_sent: dict[tuple[str, str], Outgoing] = {}
        self.remembered_uids: dict[str, str] = {}
        self.crashes: list[BaseException] = []
        self.forwarding: set[asyncio.Task[None]] = set()
        self.clock: Callable[[], float] = time.time
        self.remote: RemoteCaller
        self.emps: Emps
        self.on_partners_changed: Callable[[], None] = lambda: None
        self._pinned: dict[str, str] = {}

    # --- time and trouble ---

    def now(self) -> datetime:
        """Wall clock of the hub."""
        return datetime.now(UTC)

    def crashed(self, fault: BaseException) -> None:
        """Note a failure of the bench itself; it must not look like one of the CPO."""
        self.crashes.append(fault)
        self.recorder.observe("note", text=f"the hub itself failed: {type(fault).__name__}: {fault}", crashed=True)

    async def tasks_done(self) -> None:
        """Wait until everything that was forwarded so far arrived or failed."""
        while self.forwarding:
            await asyncio.wait(set(self.forwarding))

    # --- ids ---

    def key(self, ident: str) -> str:
        """What ids of records are compared by."""
        return self.partners.key(ident)

    def partner_of_certificate(self, certificate: Certificate | None) -> Partner | None:
        """The partner a certificate is on file for."""
        if certificate is None:
            return None
        pinned = self._pinned.get(certificate.fingerprint)
        if pinned is not None:
            return self.partners.get(pinned)
        partner = self.partners.get(self.authority.partner_of(certificate.fingerprint) or "")
        return None if partner is None or partner.certificates else partner

    def is_pinned(self, certificate: Certificate) -> bool:
        """True for a certificate a partner put on file itself, whoever signed it."""
        return certificate.fingerprint in self._pinned

    def _partners_changed(self) -> None:
        self._pinned = {fingerprint: p.id for p in self.partners for fingerprint in p.certificates}
        for partner in self.partners:
            if partner.certificate_pem:
                self._pinned[_fingerprint(partner.certificate_pem)] = partner.id
        self.on_partners_changed()

    # --- records ---

    def apply(
        self,
        kind: str,
        partner: Partner,
        name: str,
        action: str,
        records: dict[str, Record],
        exchange: int | None = None,
    ) -> None:
        """Store an accepted push as a new version, and write it down."""
        at, t = self.now(), self.recorder.now()
        self._apply(kind, partner.id, name, action, records, t, at, exchange)
        if not self.journal.kept:
            return
        self.journal.write(
            "push", records_of=kind, partner_id=partner.id, name=name, action=action, at=at.isoformat(), records=records
        )

    def _apply(
        self, kind: str, partner_id: str, name: str, action: str, records: dict[str, Record], t: float, at: datetime,
        exchange: int | None = None,
    ) -> None:  # fmt: skip
        chosen = self.registry.of(kind, partner_id)
        chosen.operator_name = name or chosen.operator_name
        chosen.apply(action, records, t, at, exchange)
        if kind == "data" and action in ("fullLoad", "delete") and self.settings.full_load_drops_status:
            self.registry.of("status", partner_id).drop_missing_in(chosen.current, t, at)

    def evse(self, evse_id: str) -> tuple[RecordSet, Record | None] | None:
        """The record set of the operator of an EVSE and the valid data record; None for an EVSE of nobody."""
        owner = self.partners.owner_of_evse(evse_id)
        if owner is None:
            return None
        data = self.registry.of("data", owner.id)
        entry = data.current.get(self.key(evse_id))
        return data, entry.record if entry else None

    # --- charge detail records ---

    def sent(self, session_id: str, outgoing: "Outgoing") -> None:
        """Remember the last request of a session, for those who want to repeat it."""
        key = (session_id, outgoing.operation)
        self.last_sent.pop(key, None)
        self.last_sent[key] = outgoing
        if len(self.last_sent) > _KEPT_REQUESTS:
            del self.last_sent[next(iter(self.last_sent))]

    def store_cdr(self, cdr: StoredCdr) -> None:
        """Keep a charge detail record."""
        self.cdrs.append(cdr)
        if not self.journal.kept:
            return
        self.journal.write(
            "cdr", sent=cdr.sent.decode("utf-8", "replace"), operator_id=cdr.operator_id,
            provider_id=cdr.provider_id, received_at=cdr.received_at.isoformat(),
        )  # fmt: skip

    def cdr_forwarded(self, session_id: str) -> None:
        """Note that the EMP took a charge detail record."""
        self.forwarded.add(session_id.lower())
        self.journal.write("forwarded", session_id=session_id)

    # --- state of an earlier hub ---

    def restore(self) -> None:
        """Read the journal, then go on writing it."""
        for row in self.journal.rows():
            self._restore_row(row)
        self.journal.open()

    def _restore_row(self, row: dict[str, Any]) -> None:
        kind = row.get("kind")
        if kind == "push":
            at = datetime.fromisoformat(row["at"])
            t = (at - self.recorder.run.started_at).total_seconds()
            self._apply(row["records_of"], row["partner_id"], row["name"], row["action"], row["records"], t, at)
        elif kind in ("session", "session_deleted"):
            self.sessions.restore(row)
        elif kind == "cdr":
            received = datetime.fromisoformat(row["received_at"])
            self.cdrs.append(StoredCdr(row["sent"].encode(), row["operator_id"], row["provider_id"], received, None))
        elif kind == "forwarded":
            self.forwarded.add(row["session_id"].lower())
        elif kind == "uid":
            self.remembered_uids[row["uid"]] = row["provider_id"]

    def remember_uid(self, uid: str, provider_id: str) -> None:
        """Whose card a UID is, learned from a broadcast."""
        if self.remembered_uids.get(uid) != provider_id:
            self.remembered_uids[uid] = provider_id
            self.journal.write("uid", uid=uid, provider_id=provider_id)

    def session_of(
        self, session_id: object, *, operator: Partner | None = None, provider: Partner | None = None
    ) -> HubSession | None:
        """The session of that id if it contains these partners."""
        session = self.sessions.get(session_id)
        if session is None:
            return None
        if operator is not None and session.operator_id != operator.id:
            return None
        if provider is not None and session.provider_id != provider.id:
            return None
        return session

    def operators(self) -> Iterable[Partner]:
        """All direct partners that are operators."""
        return (p for p in self.partners if p.is_operator)


def _fingerprint(pem: str) -> str:
    from cryptography import x509

    return facts_of(x509.load_pem_x509_certificate(pem.encode())).fingerprint


@dataclass(frozen=True, slots=True)
class RemoteResult:
    """What became of a remote request. `exchange`: the one with the CPO, None where the hub answered itself."""

    session_id: str | None
    exchange: Exchange | None
    acknowledgement: dict[str, Json]
    accepted: bool
