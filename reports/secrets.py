"""What never leaves, redacted or not: private keys, and credentials in headers."""

import re

_KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?(?:-----END \1-----|\Z)", re.DOTALL)
_SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token")
)
HIDDEN = "[hidden]"


def without_keys(text: str) -> str:
    """The text with every PEM private key taken out."""
    return _KEY.sub("[private key removed]", text) if "PRIVATE KEY" in text else text


def shown_headers(headers: tuple[tuple[str, str], ...]) -> list[list[str]]:
    """Headers as they may be shown: credentials hidden."""
    return [[name, HIDDEN if name.lower() in _SECRET_HEADERS else value] for name, value in headers]
