"""Authentication data: what EMPs leave at the hub so that it can decide for them while they are offline."""

import hashlib
import hmac
import secrets

from fake_hubject.answers import Reply, refused
from fake_hubject.broker import Broker, Call
from fake_hubject.identification import evco_ids_of, in_upper_case, media_of
from fake_hubject.registry import Record
from fake_hubject.services.pushes import admitted, limited, members, one_at_a_time, text
from oicp.wire_json import Json

_KIND = "authentication"


async def push_authentication_data(broker: Broker, call: Call) -> Reply:
    """Take authentication records of an EMP: all of them, or none."""
    if (refusal := admitted(broker, call.partner, "AuthenticationData")) is not None:
        return refusal
    rows = members(call.body, "ProviderAuthenticationData", "AuthenticationDataRecord")
    records = [in_upper_case(row) for row in rows]
    foreign = [i for r in records for i in evco_ids_of(r.get("Identification")) if not _owns(broker, call, i)]
    if foreign:
        return refused("019", "Inconsistent EvcoID", limited("EvcoIDs of another provider: ", foreign))
    action, keyed = text(call.body, "ActionType"), {}
    for record in records:
        if (key := record_key(record)) is not None:
            keyed[key] = hashed(record)
    current = broker.registry.of(_KIND, call.partner.id)

    def refused_operation() -> Reply | None:
        if action == "insert" and current.existing(keyed):
            return refused("009", "Data transaction error", "Authentication data exist already")
        if action == "update" and current.missing(keyed):
            return refused("009", "Data transaction error", "Authentication data do not exist")
        return None

    def store() -> None:
        broker.apply(_KIND, call.partner, call.partner.name, action, keyed, call.exchange.number)

    return await one_at_a_time(broker, call, refused_operation, store)


def _owns(broker: Broker, call: Call, evco_id: str) -> bool:
    owner = broker.partners.owner_of_evco(evco_id)
    return owner is not None and owner.id == call.partner.id


def record_key(record: Record) -> str | None:
    """What an authentication record is known by: its media."""
    media = media_of(record.get("Identification"))
    return "|".join(sorted(m.key for m in media)) or None


def hashed(record: Record) -> Record:
    """The record with its PIN hashed; the PIN itself is not kept."""
    identification = record.get("Identification")
    code = identification.get("QRCodeIdentification") if isinstance(identification, dict) else None
    if not isinstance(identification, dict) or not isinstance(code, dict) or not isinstance(code.get("PIN"), str):
        return record
    salt = secrets.token_hex(16)
    kept = {k: v for k, v in code.items() if k != "PIN"} | {"pin_salt": salt, "pin_hash": _digest(code["PIN"], salt)}
    return {**record, "Identification": {**identification, "QRCodeIdentification": kept}}


def _digest(pin: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", pin.encode(), bytes.fromhex(salt), 10_000).hex()


def offline_provider(broker: Broker, identification: Json) -> str | None:
    """The EMP whose uploaded data authorize this identification, None if none does."""
    for medium in media_of(identification):
        for records in broker.registry.all_of(_KIND):
            for key, entry in records.current.items():
                if medium.key in key.split("|") and _pin_fits(entry.record, identification):
                    return records.operator_id
    return None


def _pin_fits(record: Record, identification: Json) -> bool:
    """False for a QR code whose PIN is wrong, or cannot be compared with the hash the EMP uploaded."""
    sent = identification.get("QRCodeIdentification") if isinstance(identification, dict) else None
    if not isinstance(sent, dict):
        return True
    kept = (record.get("Identification") or {}).get("QRCodeIdentification") or {}
    pin, salt = sent.get("PIN"), kept.get("pin_salt")
    if isinstance(pin, str) and isinstance(salt, str):
        return hmac.compare_digest(_digest(pin, salt), str(kept.get("pin_hash")))
    one, other = sent.get("HashedPIN"), kept.get("HashedPIN")
    return isinstance(one, dict) and isinstance(other, dict) and one.get("Value") == other.get("Value")


async def pull_authentication_data(broker: Broker, call: Call) -> Reply:
    """Hand authentication data of all contracted EMPs to an operator that decides offline itself."""
    if (refusal := admitted(broker, call.partner, "AuthenticationData")) is not None:
        return refusal
    rows = [
        {
            "ProviderID": records.operator_id,
            "AuthenticationDataRecord": [_without_hashes(e.record) for e in records.current.values()],
        }
        for records in broker.registry.all_of(_KIND)
        if records.current and _contracted(broker, call, records.operator_id)
    ]
    body = {
        "AuthenticationData": {"ProviderAuthenticationData": rows},
        "StatusCode": {"Code": "000", "Description": None, "AdditionalInfo": None},
    }
    return Reply(200, body)


def _contracted(broker: Broker, call: Call, provider_id: str) -> bool:
    emp = broker.partners.provider(provider_id)
    return emp is not None and emp.contracted("AuthenticationData", call.partner)


def _without_hashes(record: Record) -> Record:
    identification = record.get("Identification") or {}
    code = identification.get("QRCodeIdentification")
    if not isinstance(code, dict):
        return record
    shown = {k: v for k, v in code.items() if k not in ("pin_salt", "pin_hash")}
    return {**record, "Identification": {**identification, "QRCodeIdentification": shown}}


OPERATIONS = {
    "PushAuthenticationData": push_authentication_data,
    "PullAuthenticationData": pull_authentication_data,
}
