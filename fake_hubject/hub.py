"""Hubject (HBS) for a bench: takes what CPOs send, calls them like the real one, remembers everything."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any

from fake_hubject.broker import Broker, RemoteResult
from fake_hubject.certificates import Authority, Issued
from fake_hubject.emps import Emps
from fake_hubject.faults import Armed, Fault, Faults
from fake_hubject.partners import Partner, Partners
from fake_hubject.recorder import Recorder
from fake_hubject.registry import Record, RecordSet
from fake_hubject.remote import RemoteCaller
from fake_hubject.server import HubServer
from fake_hubject.services import remote_requests
from fake_hubject.sessions import Sessions
from fake_hubject.settings import HubSettings, checked_changes
from fake_hubject.tls import ServerTls
from fake_hubject.variants import known
from fake_hubject.way import Way
from oicp.services import RELEASE, RESERVE, START, STOP
from oicp.wire_json import Json

__all__ = ["Armed", "Fault", "Hub", "HubSettings", "Partner", "RemoteResult"]


class Hub:
    """The hub. `async with Hub(settings, recorder, authority) as hub: hub.url` is up; partners are added to `hub.partners`."""

    def __init__(self, settings: HubSettings, recorder: Recorder, authority: Authority) -> None:
        self.broker = Broker(settings, recorder, authority)
        self._tls = ServerTls(authority.ca_file, untrusted=settings.untrusted_certificate)
        self._server = HubServer(self.broker, self._tls)
        self.broker.emps = Emps(self.broker)
        self._certificate: Issued | None = None

    # --- life ---

    async def __aenter__(self) -> "Hub":
        broker, settings = self.broker, self.broker.settings
        broker.restore()
        hosts = dict.fromkeys(("127.0.0.1", "localhost", *self._own_hosts(), *settings.public_hosts))
        self._serve_with(broker.authority.issue_server(hosts, name="hub"))
        broker.on_partners_changed = self._partners_changed
        broker.remote = RemoteCaller(
            broker, broker.authority.issue_client("Hubject (fake)", register=False, name="hub-client")
        )
        await self._server.start()
        return self

    def _own_hosts(self) -> tuple[str, ...]:
        host = self.broker.settings.host
        return () if host in ("0.0.0.0", "::", "") else (host,)  # noqa: S104

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.stop()
        await self.broker.tasks.close()
        await self.broker.remote.forget_connections()
        self.broker.journal.close()

    async def go_down(self) -> None:
        """Accept no connection and drop those that are open."""
        await self._server.stop()
        self.broker.recorder.observe("hub_down")

    async def come_up(self) -> None:
        """Accept connections again, on the same port."""
        if not self._server.listening:
            await self._server.start()
            self.broker.recorder.observe("hub_up")

    def rotate_certificate(self, issued: Issued | None = None, *, note: str | None = None) -> Issued:
        """Serve with another certificate: a fresh one of the CA, or the given one (wrong name, foreign CA).

        Connections that are open end as soon as they are idle, so that the next request begins with a handshake.
        `note`: what it is in words; "own" for one that partners may trust.
        """
        chosen = issued or self.broker.authority.issue_server(self._hosts(), name="hub")
        self._serve_with(chosen)
        self._server.finish_connections()
        value = note or ("renewed" if issued is None else chosen.certificate.subject)
        self.broker.recorder.observe("hub_setting", setting="server_certificate", value=value)
        return chosen

    def _hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("127.0.0.1", "localhost", *self._own_hosts(), *self.broker.settings.public_hosts)))

    def _serve_with(self, issued: Issued) -> None:
        if issued.key_file is None:
            raise ValueError(f"{issued.cert_file}: the hub needs the key of its certificate, too")
        self._certificate = issued
        registered = tuple(p.certificate_pem for p in self.partners if p.certificate_pem)
        self._tls.use(issued.cert_file, issued.key_file, registered)

    def _partners_changed(self) -> None:
        if self._certificate is not None:
            self._serve_with(self._certificate)

    @asynccontextmanager
    async def fault(self, fault: Fault, scenario: str | None = None) -> AsyncIterator[Armed]:
        """Arm a fault for the block; `armed.fired` tells whether it ever touched anything."""
        armed = self.broker.faults.arm(fault, scenario)
        try:
            yield armed
        finally:
            self.broker.faults.lift(armed)

    def comes_by(self, way: Way | None) -> None:
        """A proxy stands between the partners and the hub: it says who is behind its connections and what became of messages."""
        self.broker.way = way

    # --- state ---

    @property
    def url(self) -> str:
        """Base URL without `/api/oicp`."""
        return self._server.url

    @property
    def certificate(self) -> Issued:
        """The server certificate in use."""
        if self._certificate is None:
            raise RuntimeError("the hub is not up yet")
        return self._certificate

    @property
    def settings(self) -> HubSettings:
        """Settings in force."""
        return self.broker.settings

    def change(self, **values: Any) -> HubSettings:
        """Change settings while the hub runs; each change is an observation. `ValueError` names what cannot be changed."""
        self.broker.settings = replace(self.broker.settings, **checked_changes(values))
        if "textual_ids" in values:
            self.partners.textual = bool(values["textual_ids"])
            self.partners.reindex()
        if "untrusted_certificate" in values:
            self._tls.change_untrusted(values["untrusted_certificate"])
        for name, value in values.items():
            self.broker.recorder.observe("hub_setting", setting=name, value=value)
        return self.broker.settings

    @property
    def partners(self) -> Partners:
        """Who takes part; changeable while the hub runs."""
        return self.broker.partners

    @property
    def sessions(self) -> Sessions:
        """All sessions."""
        return self.broker.sessions

    @property
    def faults(self) -> Faults:
        """Armed faults."""
        return self.broker.faults

    @property
    def emps(self) -> Emps:
        """The EMPs behind the hub, and what they received."""
        return self.broker.emps

    def evse_data(self, operator_id: str) -> dict[str, Record]:
        """Valid data records of an operator by EvseID."""
        return self._valid("data", operator_id)

    def evse_status(self, operator_id: str) -> dict[str, str]:
        """Valid status of every EVSE of an operator."""
        return {evse_id: str(r.get("EvseStatus")) for evse_id, r in self._valid("status", operator_id).items()}

    def _valid(self, kind: str, operator_id: str) -> dict[str, Record]:
        return {e.record["EvseID"]: e.record for e in self._set(kind, operator_id).current.values()}

    def _set(self, kind: str, operator_id: str) -> RecordSet:
        partner = self.partners.operator(operator_id)
        return self.broker.registry.of(kind, partner.id if partner else operator_id)

    def at(self, t: float, operator_id: str, kind: str = "data") -> dict[str, Record]:
        """Records (`kind` data or status) that were valid at second `t` of the recording, by EvseID."""
        return {r["EvseID"]: r for r in self._set(kind, operator_id).valid_at(t).values()}

    # --- what an EMP asks for ---

    async def remote_start(
        self, provider_id: str, evse_id: str, evco_id: str, *, product: str | None = None,
        emp_partner_session_id: str | None = None, variant: str | None = None,
    ) -> RemoteResult:  # fmt: skip
        """Start charging. `variant`: a deviation of `oicp.variants`; `ValueError` for one that does not fit."""
        return await self._start(START, provider_id, evse_id, evco_id, product, emp_partner_session_id, variant)

    async def remote_stop(
        self, provider_id: str, session_id: str, evse_id: str | None = None, *, variant: str | None = None
    ) -> RemoteResult:
        """Stop charging. Without `evse_id`, the EVSE of the session."""
        return await self._stop(STOP, provider_id, session_id, evse_id, variant)

    async def reservation_start(
        self, provider_id: str, evse_id: str, evco_id: str, *, duration: int | None = None, product: str | None = None,
        emp_partner_session_id: str | None = None, variant: str | None = None,
    ) -> RemoteResult:  # fmt: skip
        """Reserve an EVSE for `duration` minutes."""
        return await self._start(
            RESERVE, provider_id, evse_id, evco_id, product, emp_partner_session_id, variant, duration
        )

    async def reservation_stop(
        self, provider_id: str, session_id: str, evse_id: str | None = None, *, variant: str | None = None
    ) -> RemoteResult:
        """Give a reservation back."""
        return await self._stop(RELEASE, provider_id, session_id, evse_id, variant)

    async def _start(
        self, operation: str, provider_id: str, evse_id: str, evco_id: str, product: str | None,
        emp_partner_session_id: str | None, variant: str | None, duration: int | None = None,
    ) -> RemoteResult:  # fmt: skip
        if variant is not None:
            known(variant, operation)
        body: dict[str, Json] = {
            "ProviderID": provider_id, "EvseID": evse_id, "EMPPartnerSessionID": emp_partner_session_id,
            "Identification": {"RemoteIdentification": {"EvcoID": evco_id}}, "PartnerProductID": product,
        } | ({"Duration": duration} if duration is not None else {})  # fmt: skip
        provider = self.partners.provider(provider_id)
        return (await remote_requests.start(self.broker, operation, provider, body, variant))[0]

    async def _stop(
        self, operation: str, provider_id: str, session_id: str, evse_id: str | None, variant: str | None
    ) -> RemoteResult:
        if variant is not None:
            known(variant, operation)
        session = self.sessions.get(session_id)
        body: dict[str, Json] = {
            "ProviderID": provider_id, "SessionID": session_id,
            "EvseID": evse_id or (session.evse_id if session else None),
        }  # fmt: skip
        provider = self.partners.provider(provider_id)
        return (await remote_requests.stop(self.broker, operation, provider, body, variant))[0]
