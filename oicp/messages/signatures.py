"""Signed meter records: the formats transparency software reads, and the readings inside (OCMF only)."""

import json
import re
from decimal import Decimal

from oicp.messages.faults import WARNING, Path, Walk
from oicp.messages.numbers import number, plain
from oicp.wire_json import Json, parse_text

_NO_FORMAT = re.compile(
    r"utf-?8|utf-?16|ascii|iso-?8859(-?[0-9]+)?|base64|hex|plain|text|string|json|xml", re.IGNORECASE
)
TOLERANCE_KWH = Decimal("0.001")


def _ocmf(text: Json) -> dict[str, Json] | None:
    """The payload of an OCMF record; None if the text is none, an empty object if it is a broken one."""
    if not isinstance(text, str) or not text.startswith("OCMF|"):
        return None
    payload = text[len("OCMF|") :]
    try:
        _, end = json.JSONDecoder().raw_decode(payload)
    except ValueError:
        return {}
    found = parse_text(payload[:end]).value
    complete = payload[end : end + 1] == "|" and isinstance(found, dict)
    return found if complete and isinstance(found, dict) else {}


def _registers(payload: dict[str, Json]) -> list[list[Decimal]]:
    """The energy readings (kWh) of an OCMF payload, by register: import and export, with losses and without."""
    found: dict[str, list[Decimal]] = {}
    unit, register = "kWh", ""
    rows = payload.get("RD")
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, dict):
            continue
        unit = str(row.get("RU") or unit)
        register = str(row.get("RI") or register)  # what is left out is as in the reading before
        value = number(row.get("RV"))
        if value is not None and unit in ("kWh", "Wh"):
            found.setdefault(register, []).append(value / 1000 if unit == "Wh" else value)
    return list(found.values())


def holds_both(text: Json) -> bool:
    """True unless the record is known to hold a single reading."""
    payload = _ocmf(text)
    return payload is None or [len(readings) for readings in _registers(payload)] != [1]


def judge(
    walk: Walk, value: dict[str, Json], entries: list[tuple[Path, dict[str, Json]]], info: dict[str, Json], path: Path
) -> None:  # fmt: skip
    """The named format is one (CDR-049), its records can be read, and the readings are those of the CDR (CDR-050)."""
    named = info.get("MeteringSignatureEncodingFormat")
    if isinstance(named, str) and _NO_FORMAT.fullmatch(named.strip()) and not _tell_their_format(entries):
        named_at = ((path, "CalibrationLawVerificationInfo"), "MeteringSignatureEncodingFormat")
        sentence = "is no signature format; a transparency software reads OCMF, EDL40, ALFEN or ISA"
        walk.fault("CDR-049", named_at, sentence, named, grade=WARNING)
    claims_ocmf = isinstance(named, str) and named.strip().upper().startswith("OCMF")
    for at, entry in entries:
        text = entry.get("SignedMeteringValue")
        payload = _ocmf(text)
        if payload == {} or (claims_ocmf and payload is None and isinstance(text, str)):
            walk.fault("CDR-049", (at, "SignedMeteringValue"), "is no readable OCMF record", text)
        elif payload:
            _compare(walk, value, entry, payload, (at, "SignedMeteringValue"))


def _tell_their_format(entries: list[tuple[Path, dict[str, Json]]]) -> bool:
    """OCMF names itself, so that nobody else need name it (the member is optional, and "UTF-8" stands in the published example)."""
    return all(_ocmf(entry.get("SignedMeteringValue")) for _, entry in entries)


def _compare(walk: Walk, value: dict[str, Json], entry: dict[str, Json], payload: dict[str, Json], at: Path) -> None:
    registers = _registers(payload)
    if not registers:
        return
    whole, status = any(len(readings) > 1 for readings in registers), entry.get("MeteringStatus")
    start, end = number(value.get("MeterValueStart")), number(value.get("MeterValueEnd"))
    pairs = [("MeterValueStart", start, [r[0] for r in registers])] if status == "Start" or whole else []
    pairs += [("MeterValueEnd", end, [r[-1] for r in registers])] if status == "End" or whole else []
    for name, sent, signed in pairs:
        if sent is None:
            continue
        walk.checked.add("CDR-050")
        if all(abs(sent - reading) > TOLERANCE_KWH for reading in signed):
            shown = " or ".join(plain(reading) for reading in signed)
            walk.fault("CDR-050", at, f"the signed reading is {shown} kWh, {name} is {sent}", str(signed[-1]))
