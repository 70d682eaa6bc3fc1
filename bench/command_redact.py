"""`oicp-bench redact`: a recording that can be committed."""

from pathlib import Path

from bench.sources import read_recording
from reports.redact import Redactor
from reports.share import write_evidence


class RedactRefused(Exception):
    """The file cannot be written; the message says why."""


def redact(file: Path, out: Path) -> int:
    """Read any recording, write `out` as evidence.jsonl with pseudonyms; returns the exit status. Raises `RedactRefused`."""
    evidence = read_recording(file)
    if out.exists() and out.samefile(file):
        raise RedactRefused(f"--out {out}: is the recording itself; name another file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_evidence(Redactor().evidence(evidence), out)
    except OSError as fault:
        raise RedactRefused(f"--out {out}: cannot be written: {fault.strerror or fault}") from None
    print(f"{out}: {len(evidence.exchanges)} exchanges with pseudonyms; look through free texts before you publish it")
    return 0
