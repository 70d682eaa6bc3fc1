"""report.html as text: self-contained, closed to everything that comes from outside."""

import base64
import gzip
import hashlib
import json
import re

import pytest

from reports.html_report import html, prose
from tests.reports import sample

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def page() -> str:
    """The page of a report whose CPO sent markup."""
    return html(sample.report(station=HOSTILE))


def test_asks_for_nothing_outside_itself(page: str) -> None:
    """No address, no import, no frame, no external script or style."""
    head = page.split("<script type=", 1)[0]
    assert not re.search(r'(?:src|href)="(?!#|data:,)', head)
    assert "@import" not in page and "url(" not in head and "<iframe" not in page and "fetch(" not in page


def test_policy_lets_only_its_own_script_run(page: str) -> None:
    """The content security policy holds the digests of the one script and the one style, and nothing is inline besides."""
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    script = re.search(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy and script and style
    for part in (script.group(1), style.group(1)):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy[1].replace("&#39;", "'") and "unsafe" not in policy[1]
    assert not re.search(r"<[a-z][^>]*\s(?:on[a-z]+|style)=", page.split("<script type=", 1)[0].split("</style>")[1])


def test_text_from_the_wire_is_escaped_or_packed(page: str) -> None:
    """Markup of the CPO stands in the page only as text, or packed where no parser sees it."""
    assert HOSTILE not in page and "<img" not in page
    assert page.count("<script") == page.count("</script>")


def test_packed_index_can_be_read(page: str) -> None:
    """The last blob is the index: exchanges in columns of one length, findings with their numbers."""
    blobs = re.findall(r'<script type="text/plain" id="blob-[0-9]+">([A-Za-z0-9+/=]*)</script>', page)
    index = json.loads(gzip.decompress(base64.b64decode(blobs[-1])))
    assert {len(column) for column in index["exchanges"].values()} == {22}
    assert [f["n"] for f in index["findings"]] == list(range(1, 7))
    assert [s["findings"] for s in index["sessions"]] == [[3], [4], [5], [6]]


def test_big_and_equal_bodies_are_packed_once() -> None:
    """A full load of 3,000 EVSEs that is sent five times grows the page by one copy."""
    records = [sample.record(n) for n in range(3000)]
    body = {"ActionType": "fullLoad", "OperatorEvseData": {"EvseDataRecord": records}}
    sizes = []
    for times in (1, 5):
        tape = sample.tape_of(1)
        for n in range(times):
            tape.call("PushEvseData", body, 60.0 + n)
        sizes.append(len(html(sample.report(evidence=tape.evidence()))))
    assert sizes[1] - sizes[0] < 5_000


def test_code_in_the_words_of_the_catalogue() -> None:
    """Backticks become code; an odd one stays as it is; markup is escaped."""
    assert prose("send `+49` <b>") == "send <code>+49</code> &lt;b&gt;"
    assert prose("one ` tick") == "one ` tick" and prose(None) == ""


def test_the_same_report_makes_the_same_page() -> None:
    """No clock and no chance in it: equal input, equal bytes."""
    assert html(sample.report()) == html(sample.report())
