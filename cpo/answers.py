"""Acknowledgements: what the CPO answers to the hub."""

from cpo.records import Session
from oicp.wire_json import Json

TEXTS = {
    "000": "Success.",
    "021": "System error.",
    "022": "Data error.",
    "210": "No valid contract.",
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


class Refused(Exception):
    """A request is answered negatively, with this code and additional information."""

    def __init__(self, code: str, information: str = "") -> None:
        super().__init__(f"{code} {TEXTS[code]} {information}".strip())
        self.code, self.information = code, information


def acknowledgement(
    code: str = "000", information: str = "", *, session: Session | None = None, session_id: str | None = None
) -> dict[str, Json]:
    """An acknowledgement with the standard text; `Result` is true exactly for 000."""
    status: dict[str, Json] = {"Code": code, "Description": TEXTS[code]}
    if information:
        status["AdditionalInfo"] = information[:1000]
    answer: dict[str, Json] = {"Result": code == "000", "StatusCode": status}
    ids = {
        "SessionID": session.session_id if session else session_id,
        "CPOPartnerSessionID": session.cpo_partner_session_id if session else None,
        "EMPPartnerSessionID": session.emp_partner_session_id if session else None,
    }
    return answer | {name: value for name, value in ids.items() if value is not None}
