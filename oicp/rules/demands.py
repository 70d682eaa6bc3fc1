"""Texts of refusals that ask for a member: "PartnerProductID is required", "missing field: UID", "Duration fehlt".

Members are words like others (Duration, Identification), and texts mention them innocently. So the demand has to stand
beside the member, in the same clause, with nothing but filling words between.
"""

import re
from functools import lru_cache

_LACKING = re.compile(
    r"\b(?:(?:missing|required|mandatory)(?! (?!(?:in|from|for|by|and|or|at|on|to|but|when|if|with|here|property|field|parameter|member|attribute)\b)[a-z])|keyerror|undefined"
    r"|(?:must|may|can|should|darf)\W?(?:not|n't|nicht) be (?:null|blank|empty|undefined)|(?:cannot|can't) be (?:null|blank|empty)|non-null value expected"
    r"|not (?:provided|present|given|set|specified)|(?:is|are) (?:null|undefined|empty|blank)|must be (?:provided|present|given|set|specified)"
    r"|fehlt|fehlen|darf nicht (?:null|leer)|nicht angegeben|muss angegeben|ist (?:leer|null)|erforderlich|pflichtfeld"
    r"|obligatoire|requise?|manquante?|ontbreekt|verplicht|vereist|obligatori[oa]|requerid[oa]|falta|obbligatori[oa]|mancante"
    r"|wymagan[eyai]|brakuje)\b",
    re.IGNORECASE,
)
"""What is said after the name of a member."""
_ASKING = re.compile(
    r"\b(?:missing|absent|requires(?= property\b)|keyerror|undefined (?:array )?(?:key|index|property|offset)"
    r"|(?:required|mandatory)(?= *[:=(\[]| (?:\w+ )?(?:fields?|member|parameter|property|attribute|value|argument|key)\b)"
    r"|(?:must|should|may|can)\W?(?:not|n't) be (?:null|blank|empty|undefined)(?= *[:=(\[])|cannot be (?:null|blank|empty)(?= *[:=(\[])"
    r"|fehlend\w*|fehlt|pflichtfeld|manquante?|manque|falta|faltan?te|manca|mancante|ontbrekend|brak|brakuje)\b",
    re.IGNORECASE,
)
"""What is said before it."""
_MISTYPED = re.compile(
    r"(?:must|should|has to) be (?:of type )?(?:an? )?(?:valid )?(?:string|text|object)|expected (?:an? )?(?:string|object)|is not of (?:a )?type|was null",
    re.IGNORECASE,
)
_UNREADABLE = re.compile(
    r"could not be converted|cannot (?:be )?deseriali[sz]e|received null|null found, \w+ expected|'null' literal was found",
    re.IGNORECASE,
)
"""What validators say of a null where they look for a text."""
_NEGATED = re.compile(r"\b(?:not|no|non|never|nicht|kein|pas|niet|nie)\s*$", re.IGNORECASE)
_WITHOUT_HARM = re.compile(
    r"\b(?:default(?! message)|ignor|optional|assum|fallback|verwend|continu|ok\b|anyway|later\b)", re.IGNORECASE
)
"""Lacking it does no harm."""
_MORE = re.compile(r" (?:up|behaviou?r|access|permission)\b", re.IGNORECASE)
"""With these words behind them "not set", "undefined" and "not given" say something else."""
_OF_ANOTHER = re.compile(
    r"\b(?:session|transaction|entry|mapping|evse|connector|station|charge ?point|contract|tariff|order)"
    r" (?:(?:is|was) )?(?:missing |not found )?(?:for|of|with|by) $",
    re.IGNORECASE,
)
"""It is something else that lacks, which the member only names."""
_ECHO = re.compile(
    r"""["']?\s*[=:]\s*(?:null|none|nil|undefined|""|'')\s*(?:[,;}\])]|$)|["']?\s*[=:]\s*["']?[\w-]*[0-9]""",
    re.IGNORECASE,
)
"""The request repeated in the answer."""
_PLAIN = frozenset(("UID", "Identification", "Duration"))
"""Members that are words like others, and are meant only where none of these words stands before or between."""
_THEIRS = frozenset(("rfid", "mifare", "card", "karte", "tag", "token", "reservation"))
_STOP = re.compile(r"[.!?](?:\s|$)|(?<!\]);(?:\s|$)|[{}]")
_WORD = re.compile(r"[^\W\d_]\w*")
_FILLING = frozenset(
    re.findall(
        r"\w+",
        "a an the is are was were be to of in on at from and or for by this that it its has been must may should can not null none required mandatory"
        " field fields member members parameter parameters property properties attribute value values argument element object type key name path creator empty"
        " body json request message string text array input invalid validation error errors msg loc detail default missing valid system"
        " das der die den des dem ist sind und oder im in feld wert wurde le la les l est sont et champ het de het veld is en el los es son campo"
        " pole pola jest il lo i",
    )
)
_MEMBERS = frozenset(
    re.findall(
        r"\w+",
        "sessionid evseid providerid identification remoteidentification evcoid uid duration partnerproductid cpopartnersessionid"
        " emppartnersessionid rfididentification rfidmifarefamilyidentification rfid",
    )
)
_NEAR, _SOON = 80, 30
"""Characters between a member and the word that demands it."""


def demands(text: str, name: str, *, null: bool) -> bool:
    """The text asks for this member, or finds a null in it that it takes for a wrong type."""
    for place in _pattern(name).finditer(text):
        before, after = text[max(0, place.start() - _NEAR) : place.start()], text[place.end() : place.end() + _NEAR]
        strange = 0 if name in _PLAIN else 1
        if _ECHO.match(after) or _OF_ANOTHER.search(before) or (not strange and not _meant(before)):
            continue
        if null and (_UNREADABLE.search(before) or _UNREADABLE.search(after) or _follows(_MISTYPED, after, strange)):
            return True
        if _follows(_LACKING, after, strange) or any(_fills(before[m.end() :], 0) for m in _ASKING.finditer(before)):
            return True
    return False


def _meant(before: str) -> bool:
    """The word before does not say whose it is: "EVSE UID", "charging duration"."""
    last = re.search(r"([^\W_]+)[\s_.-]*$", before)
    word = last.group(1).lower() if last else "the"
    return word in _FILLING or word in _MEMBERS or word in _THEIRS or _ASKING.fullmatch(word) is not None


@lru_cache(maxsize=64)
def _pattern(name: str) -> re.Pattern[str]:
    """A member by its name, in whatever case and with whatever between its words."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", name)
    return re.compile(r"(?<![a-z])(?:get)?" + r"[\s_.-]?".join(map(re.escape, words)) + r"(?![a-z])", re.IGNORECASE)


def _follows(words: re.Pattern[str], after: str, strange: int) -> bool:
    """They are said of the member: hardly a strange word between, no negation, and not that all went on without."""
    for found in words.finditer(after):
        between = after[: found.start()]
        if (
            _fills(between, strange)
            and not _NEGATED.search(between)
            and not _MORE.match(after, found.end())
            and not _WITHOUT_HARM.search(after[found.end() : found.end() + _SOON])
        ):
            return True
    return False


def _fills(between: str, strange: int) -> bool:
    """One clause, with no more words of its own than that; the names of other members are none."""
    if _STOP.search(between):
        return False
    own = (word.lower() for word in _WORD.findall(between))
    return sum(word not in _FILLING and word.replace("_", "") not in _MEMBERS for word in own) <= strange
