"""Status codes of OICP 2.3 with their standard texts, and who may use them."""

from oicp.wire_json import Json

TEXTS: dict[str, str] = {
    "000": "Success.",
    "001": "Hubject system error.",
    "002": "Hubject database error.",
    "009": "Data transaction error.",
    "017": "Unauthorized Access.",
    "018": "Inconsistent EvseID.",
    "019": "Inconsistent EvcoID.",
    "021": "System error.",
    "022": "Data error.",
    "101": "QR Code Authentication failed, invalid credentials.",
    "102": "RFID Authentication failed, invalid UID.",
    "103": "RFID Authentication failed, card not readable.",
    "105": "PLC Authentication failed, invalid EvcoID.",
    "106": "No positive authentication response.",
    "110": "QR Code App Authentication failed, time out.",
    "120": "PLC (ISO/IEC 15118) Authentication failed, invalid underlying EvcoID.",
    "121": "PLC (ISO/IEC 15118) Authentication failed, invalid certificate.",
    "122": "PLC (ISO/IEC 15118) Authentication failed, time out.",
    "200": "EvcoID locked.",
    "210": "No valid contract.",
    "300": "Partner not found.",
    "310": "Partner did not respond.",
    "320": "Service not available.",
    "400": "Session is invalid.",
    "501": "Communication to EVSE failed.",
    "510": "No EV connected to EVSE.",
    "601": "EVSE already reserved.",
    "602": "EVSE already in use / wrong token.",
    "603": "Unknown EVSE ID.",
    "604": "EVSE ID is not Hubject compatible.",
    "700": "EVSE out of service.",
}
"""Code to standard text."""

HUB_ONLY = frozenset({"001", "002", "009", "017", "018", "019"})
"""Codes that belong to the hub."""

EVSE_CAUSES = frozenset({"501", "510", "601", "602", "603", "604", "700"})
"""Codes that name a cause at the EVSE, so the request itself was understood."""

MEDIUM_CODES = frozenset({"101", "102", "103", "110"})
"""Codes about cards and QR codes, which no remote start has."""


def status(code: str, description: str | None = None, additional_info: str | None = None) -> dict[str, Json]:
    """A `StatusCode` object; the standard text unless `description` is given. Raises KeyError for an unknown code."""
    found: dict[str, Json] = {"Code": code, "Description": TEXTS[code] if description is None else description}
    if additional_info is not None:
        found["AdditionalInfo"] = additional_info
    return found
