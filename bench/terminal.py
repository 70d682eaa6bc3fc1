"""Input and output of the process, so that neither a closed one nor a narrow alphabet ends a run."""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator

_PLAIN = {"✓": "ok", "✗": "x", "–": "-", "·": "-", "…": "..", "─": "-", "│": "|"}


def _in_fewer_letters(fault: UnicodeError) -> tuple[str, int]:
    """What stands for a sign the terminal does not have."""
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    signs = fault.object[fault.start : fault.end]
    return "".join(_PLAIN.get(c, c.encode("ascii", "backslashreplace").decode()) for c in signs), fault.end


codecs.register_error("in_fewer_letters", _in_fewer_letters)


class Output(io.TextIOWrapper):
    """Writes as long as somebody takes it; then into nothing, for the report and the exit status still count."""

    def write(self, text: str) -> int:
        with self._until_nobody_listens():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._until_nobody_listens():
            super().flush()

    @contextlib.contextmanager
    def _until_nobody_listens(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if not isinstance(fault, BrokenPipeError) and sys.stderr is not self:  # `| head` is no trouble
                print(f"oicp-bench: stdout: {fault.strerror}; the rest of it is lost", file=sys.stderr)


def steady() -> None:
    """Make stdin, stdout and stderr of this process such that reading and writing never fails."""
    if sys.stdin is None:  # closed by whoever started the process
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115  lives as long as the process
    for name in ("stdout", "stderr"):
        old = getattr(sys, name)
        if isinstance(old, io.TextIOWrapper) and not isinstance(old, Output):
            encoding, line_buffering = old.encoding, old.line_buffering or name == "stderr"
            new = Output(old.detach(), encoding, "in_fewer_letters", line_buffering=line_buffering)
            setattr(sys, name, new)
