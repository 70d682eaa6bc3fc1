"""`oicp-bench tap` as a process: what is left after a kill and after Ctrl-C, what mitmproxy reads, where it does not go."""

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yarl

from fake_hubject.certificates import Authority
from oicp.evidence import read_lines
from tests.tap.stand import ACK, PUSH, client, joined, upstream

pytest.importorskip("mitmproxy", reason="the extra `tap` is not installed")

ROOT = Path(__file__).resolve().parents[2]


async def tapped(folder: Path, number: int, end: signal.Signals) -> tuple[int, str]:
    """Start it, push so many times, end it; exit status and what it printed."""
    authority = Authority.create(folder / "pki")
    own = authority.issue_client("DE*ABC")
    async with upstream(authority) as behind:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench", "tap", "--upstream", behind.url, "--cert", str(joined(own, folder, "cpo")),
            "--ca", str(authority.ca_file), "--flows", str(folder / "flows"), "--out", str(folder / "out"),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(60):
                line = (await process.stdout.readline()).decode()
            url = re.findall(r"https://127\.0\.0\.1:\d+", line)[0]
            async with client(Authority.ensure(folder / "out" / "pki"), own) as session:
                for turn in range(number):
                    body = b'{"ActionType":"update","n":%d}' % turn
                    target = yarl.URL(url + PUSH, encoded=True)
                    async with session.post(target, data=body, headers={"Content-Type": "application/json"}) as answer:
                        assert (answer.status, await answer.read()) == (200, ACK)
            process.send_signal(end)
            async with asyncio.timeout(60):
                words, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return process.returncode or 0, line + words.decode()


async def test_recording_is_complete_after_a_kill(tmp_path: Path) -> None:
    """Everything the CPO saw answered stands in the file, up to the last byte; it can be judged."""
    status, _ = await tapped(tmp_path, 25, signal.SIGKILL)
    assert status == -signal.SIGKILL
    text = (tmp_path / "out" / "evidence.jsonl").read_text()
    assert text.endswith("}\n")
    exchanges = read_lines(text.splitlines()).exchanges
    assert [e.body["n"] for e in exchanges] == list(range(25))
    assert all(e.answer is not None and e.answer.body == ACK for e in exchanges)


async def test_ctrl_c_leaves_the_report_and_flows_for_mitmproxy(tmp_path: Path) -> None:
    """The report is written, the exit status is the verdict's, and mitmdump reads what the tap saved."""
    status, words = await tapped(tmp_path, 3, signal.SIGINT)
    assert status in (1, 2), words
    for name in ("report.json", "report.html", "evidence.jsonl"):
        assert (tmp_path / "out" / name).exists(), words
    mitmdump = Path(sys.executable).with_name("mitmdump")
    command = [mitmdump, "-n", "-r", str(tmp_path / "flows"), "--set", f"confdir={tmp_path}"]
    read = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip
    assert read.returncode == 0, read.stderr
    assert read.stdout.count("/api/oicp/evsepush/v21") == 3, read.stdout
    assert "Traceback" not in read.stdout + read.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("--upstream", "https://service.hubject.com"), 3, "does not stand before Hubject's production"),
        (("--upstream", "https://127.0.0.1:1", "--cpo", "https://service.hubject.com"), 3, "production"),
        (("--upstream", "https://service-qa.hubject.com", "--fault", "cut"), 3, "breaks nothing"),
    ],
)
def test_where_it_does_not_go(tmp_path: Path, arguments: tuple[str, ...], status: int, word: str) -> None:
    """One sentence, before anything is sent."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "tap", *arguments, "--out", str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == status
    assert word in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_qa_comes_with_the_rules_of_use(tmp_path: Path) -> None:
    """The notice is printed; nothing is called as long as nobody calls the tap."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "tap", "--upstream", "https://service-qa.hubject.com", "--seconds", "0.2",
         "--out", str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "Acceptable Use Policy" in " ".join(done.stderr.split())
    assert done.returncode == 2, done.stdout + done.stderr
