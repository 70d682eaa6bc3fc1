"""A hub with the tap in front of it: partners call the tap, the hub judges them as if they had called it."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.command_tap import both, private_file
from fake_hubject.certificates import Authority, Issued, facts_of, read_certificate
from fake_hubject.hub import Hub
from fake_hubject.recorder import Recorder
from fake_hubject.settings import HubSettings
from oicp.services import Direction
from tap.between import Between

if TYPE_CHECKING:
    from tap.wire import Tap


class NoTap(Exception):
    """mitmproxy is not installed; the message says how to install it."""


class TappedHub(Hub):
    """The hub listens on a port nobody else knows; the tap takes its host and port, shows its certificate, and goes down with it."""

    def __init__(self, settings: HubSettings, recorder: Recorder, authority: Authority, folder: Path) -> None:
        self._place, self._folder = (settings.host, settings.port), folder / "tap"
        hosts = (*settings.public_hosts, *((settings.host,) if settings.host not in ("0.0.0.0", "::", "") else ()))  # noqa: S104
        super().__init__(replace(settings, host="127.0.0.1", port=0, public_hosts=hosts), recorder, authority)
        self.tap: Tap | None = None
        self._shown = 0

    async def __aenter__(self) -> "TappedHub":
        try:
            from tap.wire import Leg, Tap, TapError
        except ImportError as fault:
            raise NoTap(f"--tap needs mitmproxy: pip install 'oicp-bench[tap]' ({fault})") from None
        await super().__aenter__()
        between = Between()
        host, port = self._place
        leg = Leg(Direction.CPO_TO_HUB, super().url, host, port, identities=self._identities(), mirror=True)
        calls = (
            Leg(Direction.HUB_TO_CPO, partner.url, identities=self._identities(), mirror=True)
            for partner in self.partners if partner.is_operator and partner.url
        )  # fmt: skip
        tap = Tap((leg, *calls), self.broker.recorder, self._served(self.certificate), None, between=between)
        try:
            await tap.__aenter__()
        except TapError as fault:
            await super().__aexit__(None, None, None)
            raise OSError(str(fault)) from None
        self.tap = tap
        self.comes_by(between)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self.tap is not None:
            await self.tap.__aexit__(*exc)
        await super().__aexit__(None, None, None)

    @property
    def url(self) -> str:
        """Base URL of the tap."""
        return self.tap.url(Direction.CPO_TO_HUB) if self.tap else super().url

    async def go_down(self) -> None:
        """Neither tap nor hub accept a connection."""
        if self.tap is not None:
            await self.tap.pause()
        await super().go_down()

    async def come_up(self) -> None:
        """Both accept connections again."""
        await super().come_up()
        if self.tap is not None:
            await self.tap.resume()

    def _serve_with(self, issued: Issued) -> None:
        before = self._certificate
        super()._serve_with(issued)
        if self.tap is not None and issued is not before:
            self.tap.serve_with(self._served(issued))

    def _served(self, issued: Issued) -> Path:
        self._shown += 1
        return private_file(self._folder / f"server-{self._shown}.pem", both(issued))

    def _identities(self) -> dict[str, Path]:
        """What to present upstream for a client certificate of which the bench has the key, by fingerprint."""
        found: dict[str, Path] = {}
        for path in self.broker.authority.folder.glob("*.pem"):
            key = path.with_suffix(".key")
            if path != self.broker.authority.ca_file and key.exists():
                fingerprint = facts_of(read_certificate(path)).fingerprint
                text = path.read_bytes() + b"\n" + key.read_bytes()
                found[fingerprint] = private_file(self._folder / f"client-{len(found) + 1}.pem", text)
        return found
