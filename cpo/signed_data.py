"""Signed meter values as charge points send them: plain records, or wrapped and base64 encoded as OCPP describes."""

import base64
import binascii
import json
from typing import Any

from cpo.metering import SignedReading

_STATUS = {"Transaction.Begin": "Start", "Transaction.End": "End"}
_LONGEST = 20_000


def signed_reading(value: str, context: str | None) -> SignedReading | None:
    """The reading in a sampled value of format SignedData; None where there is nothing in it."""
    status = _STATUS.get(context or "", "Progress")
    if value.lstrip().startswith("{"):
        try:
            wrapped = json.loads(value)
        except ValueError:
            wrapped = None
        if isinstance(wrapped, dict) and "signedMeterData" in wrapped:
            return from_wrapped(wrapped, status)
    return SignedReading(status, value) if 0 < len(value) <= _LONGEST else None


def from_wrapped(wrapped: dict[str, Any], status: str) -> SignedReading | None:
    """The reading in a wrapper with signedMeterData (base64), encodingMethod and publicKey, in either spelling of the names."""

    def text(*names: str) -> str | None:
        return next((str(wrapped[name]) for name in names if wrapped.get(name)), None)

    data = text("signedMeterData", "signed_meter_data")
    if not data or len(data) > _LONGEST:
        return None
    return SignedReading(
        status, _decoded(data), text("publicKey", "public_key"), text("encodingMethod", "encoding_method")
    )


def status_of(context: str | None) -> str:
    """MeteringStatus of a reading context."""
    return _STATUS.get(context or "", "Progress")


def _decoded(data: str) -> str:
    """A record that was base64 encoded for transport; one that is binary stays encoded."""
    if data.startswith("OCMF|"):
        return data
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return data
    return text if text.isprintable() else data
