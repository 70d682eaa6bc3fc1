"""JSON read a piece at a time: the elements of one array far inside a file, without holding the file."""

import codecs
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from oicp.evidence import BrokenRecording

_PIECE = 1 << 20
_SPACE = " \t\r\n"


class Absent(Exception):
    """There is no such array; `name` is what is missing, or is something else than was expected."""

    def __init__(self, name: str, *, wrong: bool = False) -> None:
        super().__init__(name)
        self.name, self.wrong = name, wrong


def elements(path: Path, *names: str) -> Iterator[Any]:
    """The elements of the array at `names`, as in `elements(path, "log", "entries")`; the rest is read and left.

    Memory: the largest element, twice. Raises `BrokenRecording` for what is not JSON, `Absent` where the array is missing.
    """
    with path.open("rb") as file:
        text = _Text(file)
        found = yield from _inside(text, names, 0)
        if text.peek():
            raise BrokenRecording(f"not JSON: something follows the end, at character {text.place}")
        if not found:
            raise Absent(".".join(names))


def _inside(text: "_Text", names: tuple[str, ...], depth: int) -> Generator[Any, None, bool]:
    if depth == len(names):
        if text.peek() != "[":
            raise Absent(".".join(names), wrong=True)
        yield from _array(text)
        return True
    if text.peek() != "{":
        text.value()
        return False
    text.take("{")
    found = False
    while text.peek() != "}":
        name = text.value()
        text.take(":")
        if name == names[depth] and not found:
            found = yield from _inside(text, names, depth + 1)
        else:
            text.value()
        if text.peek() != "}":
            text.take(",")
    text.take("}")
    return found


def _array(text: "_Text") -> Iterator[Any]:
    text.take("[")
    while text.peek() != "]":
        yield text.value()
        if text.peek() != "]":
            text.take(",")
    text.take("]")


class _Text:
    """The text of a file from where the reader is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._bytes = file, 0
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._json = json.JSONDecoder()
        self._text, self._at, self._before, self._ended = "", 0, 0, False

    @property
    def place(self) -> int:
        """How many characters were read."""
        return self._before + self._at

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(_PIECE):
                return ""

    def take(self, wanted: str) -> None:
        """Go past one character."""
        if self.peek() != wanted:
            raise BrokenRecording(f"not JSON: {wanted!r} is missing at character {self.place}")
        self._at += 1

    def value(self) -> Any:
        """The next value."""
        self.peek()
        size = _PIECE
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except RecursionError:
                raise BrokenRecording(f"not JSON: nested too deeply at character {self.place}") from None
            except ValueError as fault:
                size *= 2
                if not self._more(size):
                    at = self._before + getattr(fault, "pos", self._at)
                    raise BrokenRecording(f"not JSON: {getattr(fault, 'msg', fault)} at character {at}") from None
                continue
            if end < len(self._text) or not self._more(_PIECE):  # a number at the end of what is known may go on
                self._at = end
                return value

    def _more(self, size: int) -> bool:
        """Know more of the text; False at its end."""
        if self._ended:
            return False
        piece = self._file.read(size)
        self._ended = not piece
        try:
            fresh = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as fault:
            raise BrokenRecording(f"not UTF-8: {fault.reason} before offset {self._bytes + len(piece)}") from None
        self._bytes += len(piece)
        self._before += self._at
        self._text, self._at = self._text[self._at :] + fresh, 0
        return True
