"""What the CPO asks of a connected charge point, whatever version of OCPP it speaks."""

from datetime import datetime
from typing import Protocol

from cpo.fleet_data import Evse
from cpo.records import Transaction


class Unreachable(Exception):
    """The charge point is not connected, or did not answer in time, or answered with an error."""


class Link(Protocol):
    """One connection to one charge point. Every call raises `Unreachable`, and returns the status the charge point answered."""

    async def remote_start(self, evse: Evse, id_tag: str) -> str:
        """Ask for a transaction with this token."""

    async def remote_stop(self, transaction: Transaction) -> str:
        """Ask for the end of a transaction."""

    async def reserve(self, evse: Evse, reservation_id: int, id_tag: str, expires_at: datetime) -> str:
        """Ask for a reservation."""

    async def cancel_reservation(self, reservation_id: int) -> str:
        """Take a reservation back."""

    async def ask_status(self, evse: Evse) -> str:
        """Ask for a status notification."""

    async def public_key(self, evse: Evse) -> str | None:
        """The public key of the meter of an EVSE; None where the charge point does not tell it."""

    async def close(self) -> None:
        """End the connection."""


class Links:
    """The connections that are open now."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}

    def of(self, charge_point_id: str) -> Link:
        """The connection of a charge point. Raises `Unreachable`."""
        link = self._links.get(charge_point_id)
        if link is None:
            raise Unreachable(f"charge point {charge_point_id} is not connected")
        return link

    def connected(self, charge_point_id: str) -> bool:
        """The charge point is connected."""
        return charge_point_id in self._links

    def joined(self, charge_point_id: str, link: Link) -> Link | None:
        """A connection was opened; returns the one it takes the place of."""
        earlier = self._links.get(charge_point_id)
        self._links[charge_point_id] = link
        return earlier

    def left(self, charge_point_id: str, link: Link) -> bool:
        """A connection is over; False if another one took its place before."""
        if self._links.get(charge_point_id) is not link:
            return False
        del self._links[charge_point_id]
        return True
