"""Keeps the tap away from where it must not be: Hubject's production, and Hubject's QA beyond its limits."""

from urllib.parse import urlsplit

PRODUCTION = ("service.hubject.com",)
QA = ("service-qa.hubject.com",)

QA_NOTICE = (
    "This is Hubject's QA stage. The Acceptable Use Policy asks partners to keep to the rate limits, not to test load or security "
    "without an approval, and not to call only to see whether the platform is up. The tap passes on what your backend sends, "
    "adds no call of its own, and delays calls above the published limits."
)


class Refused(ValueError):
    """An upstream the tap does not go to; the message says why and what to do instead."""


def check_upstream(url: str) -> str | None:
    """Refuse production; return the notice to print for QA, None for every other host. Raises `Refused`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    if parts.scheme not in ("http", "https") or not host:
        raise Refused(f"--upstream {url}: not a URL; write https://host:port")
    try:
        parts.port  # noqa: B018  asked for, because that is what raises
    except ValueError:
        raise Refused(f"--upstream {url}: the port is no number from 1 to 65535") from None
    if host in PRODUCTION or (host.endswith(".hubject.com") and host not in QA):
        raise Refused(
            f"--upstream {url}: the tap does not stand before Hubject's production; use your QA access or a local hub"
        )
    return QA_NOTICE if host in QA else None


def is_qa(url: str) -> bool:
    """True for Hubject's QA stage."""
    return (urlsplit(url).hostname or "").rstrip(".").lower() in QA
