"""What a tester is told whose CPO keeps the charge points out, by what a charge point saw last."""

import pytest

from bench.config import CpoTable, FleetTable
from bench.kept_out import mend

CPO = CpoTable(operator_id="DE*ABC", oicp_url="https://127.0.0.1:1", ocpp_url="ws://127.0.0.1:2", ready_within=7)

SEEN = [
    ("HTTP 401 Unauthorized", "wants a password"),
    ("HTTP 403 Forbidden", "register the charge points"),
    ("HTTP 404 Not Found", "register the charge points"),
    ("HTTP 200 OK", "no OCPP endpoint at this path"),
    ("HTTP 502 Bad Gateway", "its log says why"),
    ("before the boot was accepted: closed with code 1002 (invalid or unsupported subprotocol)", "ocpp_version"),
    ("NegotiationError: unsupported subprotocol: ocpp1.5", "ocpp_version"),
    ("before the boot was accepted: closed with code 1008 (unknown charge point)", "hangs up on this charge point"),
    ("BootNotification Pending; again in 300 s", "ready_within (now 7 s)"),
    ("BootNotification Rejected; again in 300 s", "register the charge points"),
    ("BootNotification failed (no answer within 10 s); again in 5 s", "stays unanswered"),
    ("BootNotification failed (CALLERROR InternalError ); again in 5 s", "cannot take the BootNotification"),
    ("SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "write ws://"),
    ("SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "ca_file"),
    ("InvalidMessage: did not receive a valid HTTP response", "write wss://"),
]


@pytest.mark.parametrize(("trouble", "said"), SEEN)
def test_says_what_to_change(trouble: str, said: str) -> None:
    """Each usual refusal names the key or the deed that mends it."""
    assert said in (mend(trouble, CPO, FleetTable()) or "")


def test_a_password_that_is_there_is_the_wrong_one() -> None:
    """Who has given a password is not asked for one."""
    fleet = FleetTable.model_validate({"security": {"password": "x"}})
    assert "does not accept" in (mend("HTTP 401 Unauthorized", CPO, fleet) or "")


@pytest.mark.parametrize(
    "trouble",
    [
        "InvalidMessage: did not receive a valid HTTP response", "ConnectionResetError: ",
        "SSLError: [SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required",
    ],
)  # fmt: skip
def test_a_server_that_misses_a_certificate(trouble: str) -> None:
    """Over TLS a server breaks off without a word where no certificate came, or none it knows."""
    cpo = CPO.model_copy(update={"ocpp_url": "wss://127.0.0.1:2"})
    assert "client_certificate and client_key" in (mend(trouble, cpo, FleetTable()) or "")
    fleet = FleetTable.model_validate({"security": {"client_certificate": "x.pem", "client_key": "x.key"}})
    assert "who issued" in (mend(trouble, cpo, fleet) or "")


@pytest.mark.parametrize("trouble", [None, "OSError: [Errno 113] No route to host", "ConnectionResetError: "])
def test_says_nothing_where_nothing_is_known(trouble: str | None) -> None:
    """No advice is better than a guess."""
    assert mend(trouble, CPO, FleetTable()) is None
