"""Pseudonyms that keep their notation: letters stay letters, digits digits, separators, case and length as they were.

Equal originals get equal pseudonyms, whatever their separators and case; without the key nobody gets from one to the other.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from oicp.ids import evco_check_digit, is_evco_id, is_evse_id

_CLASSES = ("0123456789", "ABCDEF", "GHIJKLMNOPQRSTUVWXYZ", "abcdef", "ghijklmnopqrstuvwxyz")
"""Hexadecimal letters stay hexadecimal, so that a UID or a UUID remains one."""
_CLASS_OF = {char: group for group in _CLASSES for char in group}
_EVSE_PREFIX = re.compile(r"\+?[0-9]{1,3}\*[0-9]{3}\*?|[A-Za-z]{2}[*-]?[A-Za-z0-9]{3}[*-]?.?")
_EVCO_PREFIX = re.compile(r"[A-Za-z]{2}[*-]?[A-Za-z0-9]{3}[*-]?[Cc]?")
_ISO_CONTRACT, _DIN_CONTRACT = 15, 12
_TRIES = 200


class Kind(StrEnum):
    """What a value is. Ids are compared without separators and case; texts as they stand."""

    EVSE = "evse"
    EVCO = "evco"
    ID = "id"
    TEXT = "text"
    PHONE = "phone"
    POSITION = "position"
    URL = "url"


IDS = (Kind.EVSE, Kind.EVCO, Kind.ID)


@dataclass
class Pseudonyms:
    """Makes pseudonyms and remembers them. `key`: secret of this redaction; random unless given."""

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    known: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _mapped: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)
    _originals: set[str] = field(default_factory=set)

    def of(self, kind: Kind, original: str) -> str:
        """The pseudonym of a value."""
        if not original.strip():
            return original
        if kind is Kind.ID:  # a contract or an EVSE in the place of a token is the same contract, the same EVSE
            kind = Kind.EVCO if is_evco_id(original) else Kind.EVSE if is_evse_id(original) else kind
        found = self.known.get((kind, original))
        if found is None:
            found = self._make(kind, original)
            self.known[kind, original] = found
        return found

    def start_again(self) -> None:
        """Forget every pseudonym but not the originals, so that no new pseudonym is one of them."""
        self.known.clear()
        self._mapped.clear()
        self._taken.clear()

    def _make(self, kind: Kind, original: str) -> str:
        if kind is Kind.POSITION:
            return re.sub(r"[0-9]*\.[0-9]+|[0-9]+(?=['′])", self._decimals, original)
        prefix, rest = _split(kind, original)
        if kind is Kind.EVCO:
            return prefix + self._contract(prefix, rest)
        return prefix + self._substitute(kind, rest)

    def _contract(self, prefix: str, rest: str) -> str:
        """Body of a contract id; a right check digit stays right, a wrong one wrong."""
        whole = _plain(prefix + rest)
        if is_evco_id(prefix + rest) and len(whole) == _DIN_CONTRACT:
            return self._substitute(Kind.EVCO, rest[:-1]) + rest[-1]  # no rule for its check digit, which may be an X
        if not (is_evco_id(prefix + rest) and len(whole) == _ISO_CONTRACT and prefix.upper().endswith("C")):
            return self._substitute(Kind.EVCO, rest)
        was_right = evco_check_digit(whole[:-1]) == whole[-1]
        body, check = rest[:-1], rest[-1]
        new = self._substitute(Kind.EVCO, body)
        digit = evco_check_digit(_plain(prefix + new)[:14])
        if not was_right:
            digit = next(c for c in _CLASS_OF.get(check, _CLASSES[0]).upper() if c != digit)
        return new + (digit.lower() if check.islower() else digit)

    def _substitute(self, kind: Kind, text: str) -> str:
        """Another text of the same shape, not yet given away and no original if that can be."""
        key = _plain(text) if kind in IDS else text
        mapped = self._mapped.get((kind, key))
        if mapped is None:
            self._originals.add(key)
            for attempt in range(_TRIES):
                mapped = "".join(self._changed(key, f"{kind}:{attempt}:{key}"))
                if mapped not in self._taken and mapped not in self._originals:
                    break
            assert mapped is not None
            self._taken.add(mapped)
            self._mapped[kind, key] = mapped
        return _dressed(text, mapped) if kind in IDS else mapped

    def _changed(self, text: str, seed: str) -> Iterator[str]:
        stream = self._stream(seed)
        for char in text:
            group = _CLASS_OF.get(char)
            if group is not None:
                yield group[next(stream) % len(group)]
            else:
                yield _neighbour(char, next(stream))

    def _stream(self, seed: str) -> Iterator[int]:
        block = 0
        while True:
            yield from hmac.digest(self.key, f"{block}:{seed}".encode("utf-8", "surrogatepass"), hashlib.sha256)
            block += 1

    def _decimals(self, match: re.Match[str]) -> str:
        """Decimals (minutes) of a coordinate: each digit depends on those before it, so near stays near; 0 stays 0."""
        whole, point, decimals = match.group().partition(".")
        if not point:  # minutes of an arc: the tens stay, so that they remain below 60
            return whole[:-1] + self._digit(whole[:-1] + "'", whole[-1])
        new = "".join(self._digit(whole + point + decimals[:i], digit) for i, digit in enumerate(decimals))
        return whole + point + new

    def _digit(self, before: str, digit: str) -> str:
        if digit == "0":
            return "0"
        order = sorted("123456789", key=lambda d: hmac.digest(self.key, f"{before}|{d}".encode(), hashlib.sha256))
        return order[int(digit) - 1]


def _split(kind: Kind, text: str) -> tuple[str, str]:
    """The part that stays (country, operator, provider, scheme) and the part that is replaced."""
    if kind is Kind.PHONE:
        return text[:3], text[3:]
    pattern = {Kind.EVSE: _EVSE_PREFIX, Kind.EVCO: _EVCO_PREFIX, Kind.URL: re.compile(r"[a-z]+://", re.IGNORECASE)}.get(
        kind
    )
    match = pattern.match(text) if pattern else None
    end = match.end() if match else 0
    return text[:end], text[end:]


def _plain(text: str) -> str:
    return "".join(c.upper() if c.isascii() else c for c in text if c not in "*- ")


def _dressed(text: str, mapped: str) -> str:
    """The folded pseudonym with separators and case of this spelling."""
    letters = iter(mapped)
    out = []
    for char in text:
        if char in "*- ":
            out.append(char)
        else:
            new = next(letters)
            out.append(new.lower() if char.isascii() and char.islower() else new)
    return "".join(out)


def _neighbour(char: str, number: int) -> str:
    """Another letter of the same alphabet. Latin letters with accents stay: they betray nothing, and broken ones must show."""
    if ord(char) < 0x250 or not char.isalpha():
        return char
    near = [chr(ord(char) + d) for d in range(-9, 10) if d and 0x250 <= ord(char) + d < 0x110000]
    fitting = [c for c in near if c.isalpha() and c.islower() == char.islower() and c.isupper() == char.isupper()]
    return fitting[number % len(fitting)] if fitting else char
