"""Recordings of other origin read into evidence: by what is in the file, never by its name."""

from collections.abc import Callable
from pathlib import Path

from oicp.evidence import BrokenRecording, Evidence, read_lines

Reader = Callable[[Path], Evidence]


class UnreadableSource(ValueError):
    """A file that cannot be judged; the message names it and the reason."""


def read_recording(path: Path) -> Evidence:
    """Read evidence.jsonl, HAR, mitmproxy flows, or a folder of JSON pairs. Raises `UnreadableSource`."""
    if path.is_dir():
        return _pairs(path)
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as fault:
        raise UnreadableSource(f"{path}: cannot be read: {fault.strerror}") from None
    if not start.strip():
        raise UnreadableSource(f"{path}: empty")
    try:
        return _reader(start)(path)
    except UnicodeDecodeError:
        raise UnreadableSource(f"{path}: {_kind(start)}; {_WANTED}") from None
    except BrokenRecording as fault:
        if _kind(start) != _NO_TEXT:
            raise UnreadableSource(f"{path}: {_kind(start)}; {_WANTED}") from None
        if b"schema.getpostman.com" in start:
            raise UnreadableSource(
                f"{path}: a Postman collection tells what to send, not what was exchanged; record a HAR file"
            ) from None
        if b"\n{" in start and str(fault).endswith("`kind` is missing"):
            raise UnreadableSource(f"{path}: {fault}, so these JSON lines are no evidence; {_WANTED}") from None
        plain = path.suffix in (".jsonl", ".har") or b'"log"' in start
        hint = "" if plain else "; for one message add --message, as in --message ChargeDetailRecord"
        raise UnreadableSource(f"{path}: {fault}{hint}") from None


_WANTED = "a recording is evidence.jsonl, HAR, a mitmproxy flow file or a folder of request and response texts: export one of these"
_NO_TEXT = "no text"
_KINDS = (
    (b"PK\x03\x04", "a ZIP archive, as a .saz of Fiddler is one"),
    (b"\xd4\xc3\xb2\xa1", "a capture of packets (pcap)"),
    (b"\x0a\x0d\x0d\x0a", "a capture of packets (pcapng)"),
    (b"\xac\xed\x00\x05", "a session of Charles in its own form"),
    (b"\x1f\x8b", "compressed (gzip); unpack it"),
    (b"\xff\xfe", "UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "UTF-16; save it as UTF-8"),
)


def _kind(start: bytes) -> str:
    """What a file is that cannot be read, by its first bytes."""
    return next((name for sign, name in _KINDS if start.startswith(sign)), _NO_TEXT)


def _reader(start: bytes) -> Reader:
    """Evidence is JSON lines that begin with a `kind`; HAR is one object with a `log`; flows begin with a length."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1].isdigit() and b":" in text[:12]:
        return _flows
    if b'"log"' in text and not text.startswith(b'{"kind"'):
        return _har
    return read_evidence


def read_evidence(path: Path) -> Evidence:
    """A recording from its file, evidence.jsonl. Raises `BrokenRecording`."""
    with path.open(encoding="utf-8") as file:
        return read_lines(file)


def _har(path: Path) -> Evidence:
    try:
        from tap.har import read_har
    except ImportError:
        raise UnreadableSource(f"{path}: a HAR file; this installation has no reader for it") from None
    return read_har(path)


def _flows(path: Path) -> Evidence:
    try:
        from tap.flows import read_flows
    except ImportError:
        raise UnreadableSource(f"{path}: mitmproxy flows; install the reader: pip install 'oicp-bench[tap]'") from None
    return read_flows(path)


def _pairs(folder: Path) -> Evidence:
    from tap.pairs import read_pairs

    try:
        return read_pairs(folder)
    except BrokenRecording as fault:
        raise UnreadableSource(str(fault)) from None
    except OSError as fault:
        raise UnreadableSource(f"{folder}: cannot be read: {fault.strerror}") from None
