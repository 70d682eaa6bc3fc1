"""The tap passes traffic on unchanged, records it, presents the right certificate, and breaks what it is told to break."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yarl

from fake_hubject.certificates import Authority
from fake_hubject.recorder import Recorder
from oicp.evidence import Run, read_lines
from oicp.services import Direction
from tests.tap.stand import ACK, PUSH, Upstream, client, joined, upstream

pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")

from tap.faults import BadFault, WireFault, parse_fault
from tap.wire import Leg, Tap


@dataclass
class Place:
    """Everything one test needs."""

    tap: Tap
    recorder: Recorder
    upstream: Upstream
    session: aiohttp.ClientSession
    file: Path

    async def push(self, body: bytes = b'{"ActionType":"update"}') -> tuple[int, bytes]:
        url = yarl.URL(self.tap.url(Direction.CPO_TO_HUB) + PUSH, encoded=True)
        async with self.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def place(folder: Path, *faults: WireFault, with_certificate: bool = True) -> AsyncIterator[Place]:
    authority = Authority.create(folder / "pki")
    own = authority.issue_client("DE*ABC")
    identity = joined(own, folder, "cpo")
    served = joined(authority.issue_server(["127.0.0.1", "localhost"]), folder, "tap")
    file = folder / "evidence.jsonl"
    recorder = Recorder(Run(source="tap", operator_ids=("DE*ABC",)), file)
    async with upstream(authority) as behind, client(authority, own if with_certificate else None) as session:
        leg = Leg(Direction.CPO_TO_HUB, behind.url, identity=identity, partner_id="DE*ABC")
        async with Tap((leg,), recorder, served, authority.ca_file, faults=faults) as tap:
            yield Place(tap, recorder, behind, session, file)
    recorder.close()


async def test_bytes_pass_unchanged_and_are_recorded(tmp_path: Path) -> None:
    """What was sent arrives, the asterisk of the path included; the recording holds it with the caller's certificate."""
    async with place(tmp_path) as p:
        status, body = await p.push()
        assert (status, body) == (200, ACK)
        assert p.upstream.bodies == [b'{"ActionType":"update"}']
        assert p.upstream.targets == [PUSH]
    (exchange,) = read_lines(p.file.read_text().splitlines()).exchanges
    assert (exchange.operation, exchange.partner_id) == ("PushEvseStatus", "DE*ABC")
    assert exchange.request.body == b'{"ActionType":"update"}'
    assert exchange.answer is not None
    assert exchange.answer.body == ACK
    assert exchange.tls is not None
    assert exchange.tls.certificate is not None
    assert "DE*ABC" in exchange.tls.certificate.subject


async def test_caller_without_certificate_is_recorded_as_such(tmp_path: Path) -> None:
    """The tap asks for a certificate but lets a caller without one in: the recording says so."""
    async with place(tmp_path, with_certificate=False) as p:
        assert (await p.push())[0] == 200
        (exchange,) = p.recorder.exchanges
        assert exchange.tls is not None
        assert exchange.tls.certificate is None


@pytest.mark.parametrize("what", ["cut", "reset", "stall", "tls-alert"])
async def test_broken_connections(tmp_path: Path, what: str) -> None:
    """The caller sees a broken connection, the hub took the message, and the exchange is marked with the fault."""
    fault = parse_fault(f"{what}:PushEvseStatus,seconds=0.3")
    async with place(tmp_path, fault) as p:
        with pytest.raises((aiohttp.ClientError, TimeoutError, OSError)):
            await p.push()
        assert len(p.upstream.bodies) == 1
        assert (await p.push())[0] == 200  # it fires once
        assert p.tap.breaker.armed[0].fired == 1
        await p.recorder.exchange(lambda e: fault.name in e.faults, within=5)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("truncate", ACK[: len(ACK) // 2]),
        ("double", ACK * 2),
        ('field,pointer=/StatusCode/Code,value="022"', ACK.replace(b'"000"', b'"022"')),
        ("field,pointer=/Result", ACK.replace(b'"Result":true,', b"")),
        ("delay,seconds=0.05", ACK),
        ("trickle,seconds=0.4", ACK),
    ],
)
async def test_changed_answers(tmp_path: Path, fault: str, expected: bytes) -> None:
    """The caller reads the changed body in a complete HTTP answer."""
    async with place(tmp_path, parse_fault(fault)) as p:
        assert await p.push() == (200, expected)
        assert await p.push() == (200, ACK)


async def test_changed_bytes(tmp_path: Path) -> None:
    """Some bytes in the middle differ, the length does not."""
    async with place(tmp_path, parse_fault("bytes,count=2")) as p:
        _, body = await p.push()
        assert len(body) == len(ACK)
        assert sum(a != b for a, b in zip(body, ACK, strict=True)) == 2


async def test_changed_request(tmp_path: Path) -> None:
    """A member of the request is changed before it reaches the hub."""
    async with place(tmp_path, parse_fault('field,on=request,pointer=/ActionType,value="insert"')) as p:
        await p.push()
        assert p.upstream.bodies == [b'{"ActionType":"insert"}']


async def test_duplicated_request(tmp_path: Path) -> None:
    """The hub receives the same bytes twice."""
    async with place(tmp_path, parse_fault("duplicate")) as p:
        assert (await p.push())[0] == 200
        for _ in range(200):
            if len(p.upstream.bodies) == 2:
                break
            await p.push(b"{}")
        assert p.upstream.bodies.count(b'{"ActionType":"update"}') == 2


@pytest.mark.parametrize(
    "text", ["cot", "cut:Push", "cut,after=-1", "cut,after", "field", "cut,on=left", "delay,seconds=x"]
)
def test_unreadable_faults(text: str) -> None:
    """A fault that cannot be read is refused with a message that names it."""
    with pytest.raises(BadFault, match="--fault"):
        parse_fault(text)
