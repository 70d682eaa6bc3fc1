"""State that survives a killed hub: every accepted change is one line of JSON, read again at the next start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from oicp.wire_json import dump, parse_text


class Journal:
    """Appends to a file; without a path it keeps nothing. A line is handed to the system before the answer goes out."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: TextIO | None = None

    @property
    def kept(self) -> bool:
        """True if anything is written at all."""
        return self._file is not None

    def rows(self) -> Iterator[dict[str, Any]]:
        """What an earlier hub wrote; a last line that was cut off is left out."""
        if self.path is None or not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                parsed = parse_text(line)
                if parsed.is_object:
                    yield parsed.value

    def open(self) -> None:
        """Begin to append, on a line of its own."""
        if self.path is None or self._file is not None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self.path.exists() and self.path.stat().st_size > 0 and not self._ends_with_newline()
        self._file = self.path.open("a", encoding="utf-8", buffering=1)
        if torn:
            self._file.write("\n")

    def _ends_with_newline(self) -> bool:
        if self.path is None:
            return True
        with self.path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"

    def write(self, kind: str, **values: Any) -> None:
        """Append one change."""
        if self._file is None:
            return
        row = {"kind": kind, **values}
        try:
            line = json.dumps(row, ensure_ascii=False)
        except TypeError:  # exact decimals
            line = dump(row)
        self._file.write(line + "\n")

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
