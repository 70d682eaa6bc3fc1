"""Charge points the CPO keeps out: what its refusal most likely means, and what to change where."""

import re

from bench.config import CpoTable, FleetTable

_REGISTER = (
    "register the charge points of the fleet file in your CPO, or give the ones it knows in [fleet] file, "
    "and compare the path with what real charge points of yours have (in ocpp_url {id} stands for the charge point)"
)

_MENDS: tuple[tuple[str, str], ...] = (
    (r"HTTP 403", "it knows this charge point and keeps it out, or wants credentials: " + _REGISTER + "; [fleet.security]"),
    (r"HTTP 404", "nobody is at this path, or the charge point is unknown: " + _REGISTER),
    (r"HTTP 5", "its web server fails on this path: its log says why"),
    (r"HTTP (2|3|400|405|426)", "a web server answers there, but no OCPP endpoint at this path: " + _REGISTER),
    (r"subprotocol", "it speaks another version of OCPP: set [fleet] ocpp_version"),
    (r"BootNotification Pending", "it holds the boot back: accept the charge points there, or wait longer with [cpo] ready_within"),
    (r"BootNotification Rejected", "it does not want these charge points: " + _REGISTER),
    (r"BootNotification failed \(no answer", "BootNotification stays unanswered: its log says why"),
    (r"BootNotification failed", "it cannot take the BootNotification: its log says why, or [fleet] ocpp_version is another"),
    (r"WRONG_VERSION_NUMBER|record layer failure", "there is no TLS at this port: write ws:// in ocpp_url"),
    (r"CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted: [fleet.security] ca_file"),
    (r"^before the boot", "it hangs up on this charge point: " + _REGISTER),
)  # fmt: skip
"""What a charge point saw last, and the mend; the first that fits."""


_BROKEN_OFF = (
    r"valid HTTP response|line without CRLF|ConnectionReset|CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|UNKNOWN_CA|BAD_CERT"
)
"""Nothing came back at all: a server that misses TLS, or a certificate, breaks off without a word."""


def _broken_off(trouble: str, cpo: CpoTable, fleet: FleetTable) -> str | None:
    if not (cpo.ocpp_url or "").startswith("wss:"):
        plain = "ConnectionReset" not in trouble  # a server that wants TLS answers a plain request with an alert
        return "no plain WebSocket is spoken at this port: write wss:// in ocpp_url" if plain else None
    if fleet.security.client_certificate is None:
        return "it breaks off after the TLS handshake, as one that wants a certificate: [fleet.security] client_certificate and client_key"
    return "it breaks off after the TLS handshake: does it know who issued [fleet.security] client_certificate?"


def mend(trouble: str | None, cpo: CpoTable, fleet: FleetTable) -> str | None:
    """What to do about what kept the charge points out last; None where that says nothing."""
    if trouble is None:
        return None
    if "HTTP 401" in trouble:
        if fleet.security.password is None:
            return (
                "it wants a password: [fleet.security] password, and user where that is not the id of the charge point"
            )
        return "it does not accept [fleet.security] user and password for this charge point"
    if re.search(_BROKEN_OFF, trouble):
        return _broken_off(trouble, cpo, fleet)
    found = next((said for pattern, said in _MENDS if re.search(pattern, trouble)), None)
    return f"{found} (now {cpo.ready_within:g} s)" if found and "ready_within" in found else found
