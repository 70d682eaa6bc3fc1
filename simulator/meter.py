"""The meter of an EVSE: an energy register in Wh, the unit it is told in, and readings signed in the OCMF format."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SIGNING_METHOD = "ECDSA-secp256r1-SHA256"


@dataclass(frozen=True, slots=True)
class EnergyUnit:
    """How a charge point tells energy: OCPP's unit, and in 2.0.1 the power of ten the value is to be multiplied by."""

    name: Literal["Wh", "kWh"] = "Wh"
    multiplier: int = 0

    def told(self, wh: int, *, multiplied: bool) -> Decimal:
        """The number for so many Wh; `multiplied`: this version of OCPP can tell the multiplier."""
        power = self.multiplier if multiplied else 0
        return Decimal(wh).scaleb(-power - (3 if self.name == "kWh" else 0))


WH = EnergyUnit()


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: register in Wh, power in W, state of charge in percent, when, the signed form if the meter signs.

    `unit`: the unit OCPP is told the register in.
    """

    at: datetime
    meter_wh: int
    power_w: int
    soc_percent: int | None
    context: str
    signed: str | None = None
    unit: EnergyUnit = WH


class Meter:
    """Energy register in Wh (`wh` is exact, `register_wh` what it shows: whole Wh), never runs backwards by itself."""

    def __init__(self, serial: str, wh: float = 0.0, *, signs: bool = False) -> None:
        self.serial = serial
        self.wh = wh
        self.signs = signs
        self.unit = WH
        self._paginations = 0

    @property
    def register_wh(self) -> int:
        """Whole Wh as displayed and transmitted."""
        return int(self.wh + 1e-6)

    def count(self, wh: float) -> None:
        """Energy that went through, in Wh."""
        self.wh += wh

    def reset(self) -> None:
        """The register falls to zero, as after a change of the meter."""
        self.wh = 0.0

    def reading(self, at: datetime, power_w: float, soc_percent: int | None, context: str, id_tag: str) -> Reading:
        """The present reading; `context` in OCPP's words (Transaction.Begin, Sample.Periodic, ...)."""
        signed = self._ocmf(at, context, id_tag) if self.signs and context.startswith("Transaction.") else None
        return Reading(at, self.register_wh, int(power_w), soc_percent, context, signed, self.unit)

    # --- calibration law ---------------------------------------------------------------------------------------------

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def public_key_der(self) -> bytes:
        """Public key, DER (SubjectPublicKeyInfo)."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def public_key_base64(self) -> str:
        """Public key, DER in base64, as transparency software takes it."""
        return base64.b64encode(self.public_key_der).decode()

    def _ocmf(self, at: datetime, context: str, id_tag: str) -> str:
        self._paginations += 1
        payload = {
            "FV": "1.0", "GI": "OICP-BENCH VIRTUAL METER", "GS": self.serial, "GV": "1.0", "PG": f"T{self._paginations}",
            "MV": "OICP-BENCH", "MM": "VM-1", "MS": self.serial, "MF": "1.0", "IS": True, "IL": "TRUSTED",
            "IF": ["OCPP_RS"], "IT": "CENTRAL", "ID": id_tag,
            "RD": [{
                "TM": at.strftime("%Y-%m-%dT%H:%M:%S,") + f"{at.microsecond // 1000:03d}" + at.strftime("%z") + " S",
                "TX": "B" if context == "Transaction.Begin" else "E", "RV": self.register_wh, "RI": "1-b:1.8.0",
                "RU": "Wh", "RT": "AC", "EF": "", "ST": "G",
            }],
        }  # fmt: skip
        text = json.dumps(payload, separators=(",", ":"))
        signature = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())).hex()
        seal = json.dumps({"SA": SIGNING_METHOD, "SD": signature}, separators=(",", ":"))
        return f"OCMF|{text}|{seal}"
