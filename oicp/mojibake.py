"""Characters that were lost on their way: UTF-8 read as Latin-1, replacement characters."""

import re

_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_TWICE = re.compile(f"[ÂÃ][\u0080-\u00bf{_CP1252}]")


def broken_text(text: str) -> str | None:
    """What is broken about a text, shown with what stands around it; None if nothing is."""
    if text.isascii():
        return None
    at = text.find("\ufffd")
    if at >= 0:
        return f"U+FFFD stands for a lost character in {text[max(0, at - 12) : at + 12]!r}"
    match = _TWICE.search(text)
    if match is None:
        return None
    return f"UTF-8 was read as Latin-1 in {text[max(0, match.start() - 12) : match.end() + 12]!r}"


def same_but_mangled(published: str, real: str) -> bool:
    """`published` is `real` whose characters beyond ASCII were broken, dropped or replaced by question marks."""
    if published == real or real.isascii():
        return False
    for encoding in ("latin-1", "cp1252"):
        if real.encode("utf-8").decode(encoding, "replace") == published:
            return True
    questioned = "".join(c if c.isascii() else "?" for c in real)
    return published in (questioned, questioned.replace("?", "\ufffd"), questioned.replace("?", ""))
