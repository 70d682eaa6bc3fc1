"""The tap passes traffic on unchanged, records it, presents the right certificate, and breaks what it is told to break."""

import asyncio
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
from tests.tap.stand import ACK, PUSH, START, Upstream, client, joined, upstream

pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")

from tap.faults import BadFault, WireFault, parse_fault
from tap.wire import Leg, Tap


@dataclass
class Place:
    """Everything one test needs: who calls, the tap, who answers."""

    tap: Tap
    recorder: Recorder
    upstream: Upstream
    session: aiohttp.ClientSession
    file: Path
    direction: Direction

    async def push(self, body: bytes = b'{"ActionType":"update"}') -> tuple[int, bytes]:
        """The CPO's push, or the hub's start if the tap stands before the CPO."""
        path = PUSH if self.direction is Direction.CPO_TO_HUB else START
        url = yarl.URL(self.tap.url(self.direction) + path, encoded=True)
        async with self.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            return answer.status, await answer.read()


@asynccontextmanager
async def place(
    folder: Path, *faults: WireFault, with_certificate: bool = True, direction: Direction = Direction.CPO_TO_HUB
) -> AsyncIterator[Place]:
    authority = Authority.create(folder / "pki")
    own = authority.issue_client("DE*ABC")
    identity = joined(own, folder, "cpo")
    served = joined(authority.issue_server(["127.0.0.1", "localhost"]), folder, "tap")
    file = folder / "evidence.jsonl"
    recorder = Recorder(Run(source="tap", operator_ids=("DE*ABC",)), file)
    async with upstream(authority) as behind, client(authority, own if with_certificate else None) as session:
        leg = Leg(direction, behind.url, identity=identity, partner_id="DE*ABC")
        async with Tap((leg,), recorder, served, authority.ca_file, faults=faults) as tap:
            yield Place(tap, recorder, behind, session, file, direction)
    recorder.close()


BOTH = pytest.mark.parametrize("direction", [Direction.CPO_TO_HUB, Direction.HUB_TO_CPO])
"""Who calls: the CPO the hub, or the hub the CPO."""


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


@BOTH
@pytest.mark.parametrize("what", ["cut", "reset", "stall", "tls-alert"])
async def test_broken_connections(tmp_path: Path, what: str, direction: Direction) -> None:
    """The caller sees a broken connection, the peer took the message, and the exchange is marked with the fault."""
    fault = parse_fault(f"{what}:{_OPERATION[direction]},seconds=0.3")
    async with place(tmp_path, fault, direction=direction) as p:
        with pytest.raises((aiohttp.ClientError, TimeoutError, OSError)):
            await p.push()
        assert len(p.upstream.bodies) == 1
        assert (await p.push())[0] == 200  # it fires once
        assert p.tap.breaker.armed[0].fired == 1
        await p.recorder.exchange(lambda e: fault.name in e.faults, within=5)


_OPERATION = {Direction.CPO_TO_HUB: "PushEvseStatus", Direction.HUB_TO_CPO: "AuthorizeRemoteStart"}


@BOTH
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
async def test_changed_answers(tmp_path: Path, fault: str, expected: bytes, direction: Direction) -> None:
    """The caller reads the changed body in a complete HTTP answer."""
    async with place(tmp_path, parse_fault(f"{fault},direction={direction}"), direction=direction) as p:
        assert await p.push() == (200, expected)
        assert await p.push() == (200, ACK)


@BOTH
async def test_changed_bytes(tmp_path: Path, direction: Direction) -> None:
    """Some bytes in the middle differ, the length does not."""
    async with place(tmp_path, parse_fault(f"bytes,count=2,direction={direction}"), direction=direction) as p:
        _, body = await p.push()
        assert len(body) == len(ACK)
        assert sum(a != b for a, b in zip(body, ACK, strict=True)) == 2


@BOTH
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ('field,pointer=/ActionType,value="insert"', b'{"ActionType":"insert"}'),
        ("field,pointer=/ActionType", b"{}"),
        ("truncate", b'{"ActionTyp'),
        ("double", b'{"ActionType":"update"}' * 2),
        ("delay,seconds=0.05", b'{"ActionType":"update"}'),
    ],
)
async def test_changed_requests(tmp_path: Path, fault: str, expected: bytes, direction: Direction) -> None:
    """The peer gets the changed request in complete HTTP, once; the recording names the fault."""
    armed = parse_fault(f"{fault},on=request,direction={direction}")
    async with place(tmp_path, armed, direction=direction) as p:
        assert (await p.push())[0] == 200
        assert (await p.push())[0] == 200
        assert p.upstream.bodies == [expected, b'{"ActionType":"update"}']
    assert [e.faults for e in read_lines(p.file.read_text().splitlines()).exchanges] == [(armed.name,), ()]


@BOTH
async def test_trickling_answer_comes_in_portions(tmp_path: Path, direction: Direction) -> None:
    """The answer does not come in one piece: the caller sees the connection deliver many small ones."""
    async with place(tmp_path, parse_fault(f"trickle,seconds=0.4,direction={direction}"), direction=direction) as p:
        url = yarl.URL(p.tap.url(direction) + (PUSH if direction is Direction.CPO_TO_HUB else START), encoded=True)
        async with p.session.post(url, data=b"{}") as answer:
            portions = [chunk async for chunk in answer.content.iter_any()]
        assert b"".join(portions) == ACK
        assert len(portions) > 1


@BOTH
async def test_duplicated_request(tmp_path: Path, direction: Direction) -> None:
    """The peer receives the same bytes twice, and another connection brings the second ones."""
    async with place(tmp_path, parse_fault(f"duplicate,direction={direction}"), direction=direction) as p:
        assert (await p.push())[0] == 200
        await p.upstream.receives(lambda bodies: len(bodies) == 2)
        assert p.upstream.bodies == [b'{"ActionType":"update"}'] * 2
        assert (await p.push(b"{}"))[0] == 200
        assert len(p.upstream.bodies) == 3  # once is enough


@BOTH
async def test_swapped_requests(tmp_path: Path, direction: Direction) -> None:
    """The second request arrives first; both callers get an answer."""
    async with place(tmp_path, parse_fault(f"swap,direction={direction},seconds=30"), direction=direction) as p:
        first = asyncio.create_task(p.push(b"first"))
        await p.recorder.exchange(lambda e: e.request.body == b"first", within=10, finished=False)
        assert (await p.push(b"second"))[0] == 200
        assert (await first)[0] == 200
        assert p.upstream.bodies == [b"second", b"first"]


async def test_swap_without_a_second_request(tmp_path: Path) -> None:
    """Nobody to change places with: the request goes on after its time."""
    async with place(tmp_path, parse_fault("swap,seconds=0.1")) as p:
        assert (await p.push(b"alone"))[0] == 200
        assert p.upstream.bodies == [b"alone"]


def test_direction_of_a_fault() -> None:
    """The operation says who sends it; where both do, it is the CPO unless said otherwise."""
    assert parse_fault("cut:AuthorizeRemoteStart").side is Direction.HUB_TO_CPO
    assert WireFault("x", "cut", "AuthorizeRemoteStart").side is Direction.HUB_TO_CPO
    assert parse_fault("cut:ChargeDetailRecord").side is Direction.CPO_TO_HUB
    assert parse_fault("cut,direction=hub_to_cpo").side is Direction.HUB_TO_CPO
    assert parse_fault("cut").side is Direction.CPO_TO_HUB


@pytest.mark.parametrize(
    "text", ["cot", "cut:Push", "cut,after=-1", "cut,after", "field", "cut,on=left", "delay,seconds=x"]
)
def test_unreadable_faults(text: str) -> None:
    """A fault that cannot be read is refused with a message that names it."""
    with pytest.raises(BadFault, match="--fault"):
        parse_fault(text)
