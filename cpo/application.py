"""The CPO put together. Every part is a class that can be replaced: `build(settings, Client=MyClient)`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cpo.authorization import RemoteAuthorization
from cpo.background import Background, for_ever
from cpo.central_system import CentralSystem
from cpo.charge_detail_record import ChargeDetailRecords
from cpo.charge_point_link import Links
from cpo.events import ChargePointEvents
from cpo.evse_status import EvseStatuses
from cpo.fleet_data import FleetData, load
from cpo.local_time import read as read_time
from cpo.notifications import Notices, NotificationSender
from cpo.oicp_client import HubClient
from cpo.oicp_server import OicpServer
from cpo.operations import Operations
from cpo.outbox import CdrSender, Outbox
from cpo.pricing import PricingPush
from cpo.pushes import EvseDataPush, EvseStatusPush
from cpo.register import Register
from cpo.reservation import Reservations
from cpo.rfid import RfidAuthorization
from cpo.settings import Settings, client_context, server_context
from cpo.storage import Storage

LOG = logging.getLogger("cpo")


@dataclass(frozen=True)
class Parts:
    """The classes the CPO is made of; each is called like the one it takes the place of."""

    storage: Any = Storage
    client: Any = HubClient
    records: Any = ChargeDetailRecords
    register: Any = Register
    statuses: Any = EvseStatuses
    outbox: Any = Outbox
    data_push: Any = EvseDataPush
    status_push: Any = EvseStatusPush
    cdr_sender: Any = CdrSender
    notices: Any = Notices
    notification_sender: Any = NotificationSender
    pricing_push: Any = PricingPush
    remote: Any = RemoteAuthorization
    reservations: Any = Reservations
    rfid: Any = RfidAuthorization
    events: Any = ChargePointEvents
    central_system: Any = CentralSystem
    server: Any = OicpServer
    operations: Any = Operations


class Application:
    """One CPO backend: opened, it serves; closed, nothing is left running."""

    def __init__(self, settings: Settings, parts: Parts | None = None) -> None:
        self.settings, parts = settings, parts or Parts()
        self.fleet: FleetData = load(settings.fleet_file, settings.operator_id)
        self.background, self.links = Background(), Links()
        client_tls = client_context(settings)
        server_tls = server_context(settings) if settings.cpo.secure or settings.ocpp.secure else None
        self.storage = parts.storage(settings.database)
        self.client = parts.client(settings.hub_url, settings.operator_id, client_tls, settings.hub_timeout_s)
        self.records = parts.records()
        self.register = parts.register(self.storage, self.fleet, self.records)
        self.statuses = parts.statuses(self.fleet, self.register)
        self.outbox = parts.outbox(self.storage)
        self.data_push = parts.data_push(settings, self.client, self.fleet)
        self.status_push = parts.status_push(settings, self.client, self.fleet, self.statuses, self.data_push)
        self.cdr_sender = parts.cdr_sender(settings, self.client, self.outbox, self.records)
        self.notices = parts.notices(settings, self.fleet, self.storage, self.outbox)
        self.notification_sender = parts.notification_sender(settings, self.client, self.outbox)
        self.pricing = (
            parts.pricing_push(settings, self.client, self.fleet, self.data_push) if settings.pricing else None
        )
        self.rfid = parts.rfid(settings, self.fleet, self.register, self.client) if settings.rfid else None
        self.remote = parts.remote(settings, self.fleet, self.register, self.links)
        self.reservations = parts.reservations(settings, self.fleet, self.register, self.links, self.remote)
        self.events = parts.events(
            settings, self.fleet, self.register, self.statuses, self.links, self.background, self.rfid, self.notices
        )
        self.central_system = parts.central_system(
            settings, self.fleet, self.register, self.events, self.links, self.background,
            server_tls if settings.ocpp.secure else None,
        )  # fmt: skip
        self.server = parts.server(settings.cpo, server_tls if settings.cpo.secure else None, self.services())
        self.operations = None
        if settings.operations_port is not None:
            self.operations = parts.operations(
                settings.operations_port, self.fleet, self.storage, self.data_push, self.status_push
            )
        self._connect()

    def services(self) -> dict[str, Any]:
        """What the hub may call."""
        services: dict[str, Any] = {
            "AuthorizeRemoteStart": self.remote.start,
            "AuthorizeRemoteStop": self.remote.stop,
        }
        if self.settings.reservation:
            services["AuthorizeRemoteReservationStart"] = self.reservations.start
            services["AuthorizeRemoteReservationStop"] = self.reservations.stop
        return services

    def _connect(self) -> None:
        self.register.on_change = self.status_push.changed
        self.register.on_message = self.outbox.add
        self.register.end_notice = self.notices.end
        self.register.end_instead = self.notices.end_instead
        self.data_push.on_loaded = self.status_push.full_load

    async def run(self, until: asyncio.Event) -> None:
        """Serve until the event is set. Raises `BadSettings` if it cannot begin."""
        async with self._open():
            workers = {
                "data push": self.data_push.run, "status push": self.status_push.run, "CDR sender": self.cdr_sender.run,
                "notification sender": self.notification_sender.run,
                "watch": self.events.watch,
            }  # fmt: skip
            if self.pricing is not None:
                workers["pricing"] = self.pricing.run
            for name, work in workers.items():
                self.background.spawn(for_ever(work, name), name)
            LOG.info("ready")
            await until.wait()
            LOG.info("ending")

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.storage.close)
            await self.storage.open()
            await self._recall()
            await stack.enter_async_context(self.client)
            stack.push_async_callback(self.background.close)
            for listener in (self.operations, self.server, self.central_system):
                if listener is not None:
                    await listener.start()
                    stack.push_async_callback(self._quickly, listener)
            yield

    async def _quickly(self, listener: Any) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(3.0):
                await listener.close()

    async def _recall(self) -> None:
        """Take up what was there before a restart."""
        for key, change in (await self.storage.evse_changes()).items():
            evse = self.fleet.evse(key)
            if evse is not None:
                evse.record, evse.decommissioned = change["record"], change["decommissioned"]
                evse.valid_to = read_time(change["valid_to"])
        await self.register.load()
        await self.outbox.load()


def build(settings: Settings, **parts: Any) -> Application:
    """The CPO for these settings; keyword arguments replace parts by name (see `Parts`)."""
    return Application(settings, Parts(**parts))
