"""The hub listens on every address its host name stands for."""

import errno
import socket
from collections.abc import Iterable

import pytest

from fake_hubject.tls import listeners

V4, V6 = (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")
WITHOUT_V6 = not socket.has_ipv6


def _name(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[socket.AddressFamily, str]) -> None:
    rows = [(family, socket.SOCK_STREAM, 6, "", (address, 0)) for family, address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: rows)


def _closed(sockets: Iterable[socket.socket]) -> list[tuple[str, int]]:
    places = []
    for each in sockets:
        places.append((str(each.getsockname()[0]), int(each.getsockname()[1])))
        each.close()
    return places


@pytest.mark.skipif(WITHOUT_V6, reason="no IPv6 on this machine")
@pytest.mark.parametrize("addresses", [(V4,), (V6,), (V6, V4), (V4, V6)])
def test_all_addresses_on_one_port(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[tuple[socket.AddressFamily, str], ...]
) -> None:
    """A CPO that takes localhost for ::1 reaches it as well as one that takes it for 127.0.0.1."""
    _name(monkeypatch, *addresses)
    places = _closed(listeners("localhost", 0))
    assert [address for address, _ in places] == [address for _, address in addresses]
    assert len({port for _, port in places}) == 1


def test_an_address_the_machine_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out beside others, and named alone."""
    foreign = (socket.AF_INET, "192.0.2.1")
    _name(monkeypatch, foreign, V4)
    assert [address for address, _ in _closed(listeners("name", 0))] == ["127.0.0.1"]
    _name(monkeypatch, foreign)
    with pytest.raises(OSError) as caught:
        listeners("name", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_a_port_that_is_taken() -> None:
    """No other one is taken in its place."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError) as caught:
        listeners("127.0.0.1", taken.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE
