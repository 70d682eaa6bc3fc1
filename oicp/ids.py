"""Ids of OICP: EvseID, OperatorID, ProviderID, EvcoID, SessionID, in ISO and DIN form.

The patterns are those of the specification with its slips mended: no vertical bar, ASCII digits only.
"""

import re
from functools import lru_cache

EVSE_ID = re.compile(r"([A-Z]{2}\*?[A-Z0-9]{3}\*?E[A-Z0-9*]{1,30})|(\+?[0-9]{1,3}\*[0-9]{3}\*[0-9*]{1,32})")
EVSE_ID_ANY_CASE = re.compile(
    r"([A-Za-z]{2}\*?[A-Za-z0-9]{3}\*?E[A-Za-z0-9*]{1,30})|(\+?[0-9]{1,3}\*[0-9]{3}\*[0-9*]{1,32})",
    re.IGNORECASE | re.ASCII,
)
OPERATOR_ID = re.compile(r"([A-Za-z]{2}\*?[A-Za-z0-9]{3})|(\+?[0-9]{1,3}\*[0-9]{3})")
PROVIDER_ID = re.compile(r"[A-Za-z]{2}[*-]?[A-Za-z0-9]{3}")
EVCO_ID = re.compile(
    r"([A-Za-z]{2}-?[A-Za-z0-9]{3}-?C[A-Za-z0-9]{8}-?[0-9A-Za-z])"
    r"|([A-Za-z]{2}[*-]?[A-Za-z0-9]{3}[*-]?[A-Za-z0-9]{6}[*-]?[0-9X])"
)
SESSION_ID = re.compile(r"[A-Za-z0-9]{8}(-[A-Za-z0-9]{4}){3}-[A-Za-z0-9]{12}")
UID = re.compile(r"[0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20}")

_ISO_OPERATOR = re.compile(r"([A-Za-z]{2})\*?([A-Za-z0-9]{3})")
_DIN_OPERATOR = re.compile(r"\+?([0-9]{1,3})\*([0-9]{3})")


def is_evse_id(text: object) -> bool:
    """True for an EvseID as the specification writes it: upper case, ISO or DIN."""
    return isinstance(text, str) and EVSE_ID.fullmatch(text) is not None


def is_operator_id(text: object) -> bool:
    """True for an OperatorID, ISO or DIN."""
    return isinstance(text, str) and OPERATOR_ID.fullmatch(text) is not None


def is_provider_id(text: object) -> bool:
    """True for a ProviderID, ISO or DIN."""
    return isinstance(text, str) and PROVIDER_ID.fullmatch(text) is not None


def is_evco_id(text: object) -> bool:
    """True for an EvcoID (contract id), ISO or DIN, with check digit."""
    return isinstance(text, str) and EVCO_ID.fullmatch(text) is not None


def is_session_id(text: object) -> bool:
    """True for a SessionID; wider than a hexadecimal GUID."""
    return isinstance(text, str) and SESSION_ID.fullmatch(text) is not None


def is_uid(text: object) -> bool:
    """True for the UID of a card: 8, 14 or 20 hexadecimal digits in upper case."""
    return isinstance(text, str) and UID.fullmatch(text) is not None


@lru_cache(50_000)
def operator_of_evse(evse_id: str) -> str | None:
    """The operator part of an EvseID in the spelling of the id (`DE*ABC`, `DEABC`, `+49*810`); None for no EvseID."""
    if not EVSE_ID_ANY_CASE.fullmatch(evse_id):
        return None
    match = _DIN_OPERATOR.match(evse_id) or _ISO_OPERATOR.match(evse_id)
    return match.group(0) if match else None


@lru_cache(10_000)
def operator_key(operator_id: str) -> str:
    """An OperatorID for comparison: no separators, no plus sign, upper case."""
    return operator_id.replace("*", "").replace("-", "").lstrip("+").upper()


def country_of(ident: str) -> str | None:
    """Alpha-2 country (upper case) of an ISO EvseID, OperatorID, ProviderID or EvcoID; None for a DIN operator or EVSE."""
    head = ident[:2]
    return head.upper() if len(head) == 2 and head.isascii() and head.isalpha() else None


# Characters of the check digit as pairs of two bits and two ternary digits, packed into one number each.
_CODES = (
    0, 16, 32, 4, 20, 36, 8, 24, 40, 2, 18, 34, 6, 22, 38, 10, 26, 42,
    1, 17, 33, 5, 21, 37, 9, 25, 41, 3, 19, 35, 7, 23, 39, 11, 27, 43,
)  # fmt: skip
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CODE_OF = dict(zip(_LETTERS, _CODES, strict=True))


def evco_check_digit(contract: str) -> str:
    """Check digit of an ISO 15118 contract id, given its 14 characters without it (separators allowed).

    Raises ValueError where the text is not 14 letters and digits.
    """
    plain = contract.replace("-", "").upper()
    if len(plain) != 14 or any(letter not in _CODE_OF for letter in plain):
        raise ValueError(f"{contract!r} is not an ISO contract id without check digit (14 letters and digits)")
    bits, thirds = (0, 0), (0, 0)
    power_2, power_3 = ((0, 1), (1, 1)), ((0, 1), (1, 2))
    step_2, step_3 = power_2, power_3
    for letter in plain:
        code = _CODE_OF[letter]
        bits = _added(bits, _times((code & 1, code >> 1 & 1), power_2), 2)
        thirds = _added(thirds, _times((code >> 2 & 3, code >> 4), power_3), 3)
        power_2, power_3 = _product(power_2, step_2, 2), _product(power_3, step_3, 3)
    # the sum of all 15 weighted characters is (0, 0): solve the last one
    for letter, code in _CODE_OF.items():
        rest_2 = _added(bits, _times((code & 1, code >> 1 & 1), power_2), 2)
        rest_3 = _added(thirds, _times((code >> 2 & 3, code >> 4), power_3), 3)
        if rest_2 == (0, 0) and rest_3 == (0, 0):
            return letter
    raise AssertionError("the weights are invertible, so one letter fits")


_Pair = tuple[int, int]
_Matrix = tuple[_Pair, _Pair]


def _times(row: _Pair, matrix: _Matrix) -> _Pair:
    return (row[0] * matrix[0][0] + row[1] * matrix[1][0], row[0] * matrix[0][1] + row[1] * matrix[1][1])


def _added(one: _Pair, other: _Pair, modulus: int) -> _Pair:
    return ((one[0] + other[0]) % modulus, (one[1] + other[1]) % modulus)


def _product(one: _Matrix, other: _Matrix, modulus: int) -> _Matrix:
    first, second = _times(one[0], other), _times(one[1], other)
    return ((first[0] % modulus, first[1] % modulus), (second[0] % modulus, second[1] % modulus))


EVSE_OR_OPERATOR = re.compile(r"[A-Za-z]{2}\*?[A-Za-z0-9]{3}(\*?[Ee][A-Za-z0-9*]{1,30})?")
"""An ISO EvseID or OperatorID in any letter case."""
