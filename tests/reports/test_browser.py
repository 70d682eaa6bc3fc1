"""report.html in a real browser: Debian's Chromium, steered by Playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reports.report import write_all
from tests.reports import sample

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
HOSTILE = "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One Chromium for all tests here."""
    with playwright.sync_playwright() as steering:
        chromium = steering.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report with findings of every grade and a hostile station name."""
    folder: Path = tmp_path_factory.mktemp("report")
    write_all(sample.report(station=HOSTILE), folder)
    return (folder / "report.html").as_uri()


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Any]:
    """Opens the report; afterwards nothing was logged, nothing requested, nothing owned."""
    contexts, trouble = [], []

    def opened(hash_: str = "", *, width: int = 1280, scheme: str = "light", media: str | None = None) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: trouble.append(f"console: {m.text}"))
        page.on("pageerror", lambda e: trouble.append(f"error: {e}"))
        page.on("request", lambda r: trouble.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
        page.on("dialog", lambda d: trouble.append(f"dialog: {d.message}"))
        if media:
            page.emulate_media(media=media)
        page.goto(address + hash_)
        page.wait_for_selector("#view:not([hidden])" if hash_ else "#overview h1")
        return page

    yield opened
    titles = [page.title() for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert trouble == [] and "owned" not in titles


VIEWS = ("", "#/findings", "#/finding/1", "#/requirement/CDR-003", "#/sessions", "#/session/1", "#/coverage", "#/readiness",
         "#/messages", "#/message/1", "#/scenarios")  # fmt: skip


def test_first_screen_says_verdict_what_to_fix_and_how_much(open_page: Any) -> None:
    """Without scrolling: the verdict, the first thing to fix, counts by level, coverage by operation."""
    page = open_page()
    for text in ("Not conformant", "Fix first", "By level", "Coverage by operation"):
        box = page.get_by_text(text, exact=True).first.bounding_box()
        assert box and box["y"] < 900, text
    assert page.locator(".problem").count() == 6
    assert page.locator(".ops li").count() == 6


@pytest.mark.parametrize("width", [360, 768, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_is_wider_than_its_window(open_page: Any, width: int, scheme: str) -> None:
    """No view breaks out sideways on a phone, a tablet or a wide screen."""
    page = open_page(width=width, scheme=scheme)
    for view in VIEWS:
        if view:
            page.evaluate(
                "hash => { document.querySelector('#view').removeAttribute('data-view'); location.hash = hash }", view
            )
            page.wait_for_selector(f"#view[data-view='{view[2:].split('/')[0]}']:not([hidden])")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{view or 'overview'} is {over} px too wide"


def test_dark_and_light(open_page: Any) -> None:
    """The page follows the system, and the switch turns it round."""

    def brightness(page: Any) -> float:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return float(colour.split("(")[1].split(",")[0])

    assert brightness(open_page(scheme="light")) > 200
    dark = open_page(scheme="dark")
    assert brightness(dark) < 50
    dark.locator("#theme").click()
    assert brightness(dark) > 200


def test_finding_shows_the_value_inside_the_real_message(open_page: Any) -> None:
    """Requirement, level, source, the marked member, the answer of Hubject, the fix, before and after, and the line to run it again."""
    page = open_page("#/findings")
    page.locator("#view").get_by_text("ConsumedEnergy is 7.400 kWh").click()
    page.wait_for_selector(".finding-head")
    text = page.locator("#view").inner_text()
    for part in ("CDR-024", "MUST", "OICP 2.3 CPO 02", "Compute the energy", "AuthorizeRemoteStop",
                 "oicp-bench run --only remote_start_and_stop_2 --seed 7"):  # fmt: skip
        assert part in text, part
    assert page.locator(".wire .hit").inner_text() == '"ConsumedEnergy": 7.400'
    assert page.locator(".around li").count() >= 2


def test_every_digit_of_the_wire_is_shown(open_page: Any) -> None:
    """Numbers are not read and written again: what was sent is what stands there."""
    page = open_page("#/findings")
    page.locator("#view").get_by_text("has 16 decimals").click()
    assert page.locator(".wire .hit").inner_text() == '"ConsumedEnergy": 3.0120000000000005'


def test_markup_of_a_station_name_is_text(open_page: Any) -> None:
    """A station name that is a script shows as the characters it consists of, in finding and message."""
    page = open_page("#/findings")
    page.locator("#view").get_by_text("station name <img").click()
    page.wait_for_selector(".finding-head")
    assert HOSTILE in page.locator(".seen p").first.inner_text()
    assert "<img src=x onerror" in page.locator(".wire .hit").inner_text()
    assert page.locator("img").count() == 0 and page.locator("#view script").count() == 0


def test_trace_arrow_opens_its_message(open_page: Any) -> None:
    """The sequence diagram has its five lanes, marks the finding, and an arrow opens what was sent."""
    page = open_page("#/session/1")
    names = page.locator("svg.trace .lane-name").all_text_contents()
    assert names == ["Driver / EMP", "Hub", "CPO", "Charge point", "Vehicle", "Energy"]
    assert page.locator("svg.trace .meter").count() == 1 and page.locator("svg.trace .reported").count() == 1
    page.locator("svg.trace g.arrow", has_text="ChargeDetailRecord").click()
    assert '"ConsumedEnergy": 7.400' in page.locator("dialog[open]").inner_text()
    page.keyboard.press("Escape")
    page.locator("svg.trace g.bad").click()
    page.wait_for_selector("#view[data-view='finding']")
    assert "CDR-024" in page.locator(".finding-head").inner_text()


def test_trace_is_usable_by_keyboard(open_page: Any) -> None:
    """An arrow can be reached with the keyboard and opens with Enter."""
    page = open_page("#/session/0")
    page.locator("svg.trace g.arrow", has_text="AuthorizeRemoteStart").first.focus()
    page.keyboard.press("Enter")
    assert "RemoteIdentification" in page.locator("dialog[open]").inner_text()


def test_coverage_filters(open_page: Any) -> None:
    """Outcome, level, operation and words narrow the matrix; the count follows."""
    page = open_page("#/coverage")
    rows = page.locator(".matrix tbody tr")
    assert rows.count() == 235
    for outcome in ("conforms", "not-exercised", "warned"):
        page.locator(f"[data-outcome='{outcome}']").click()
    assert rows.count() == 4 and page.locator(".cell.o-violated").count() == 4
    page.get_by_label("Filter").fill("cdr-003")
    assert rows.count() == 1 and "Exactly one CDR" in rows.inner_text()


def test_coverage_says_why_not(open_page: Any) -> None:
    """A link from the overview shows what was not exercised, each with its reason."""
    page = open_page("#/coverage?outcome=not-exercised")
    rows = page.locator(".matrix tbody tr")
    assert rows.count() == 25
    assert all(text for text in page.locator("td.why").all_inner_texts())


def test_messages_filter(open_page: Any) -> None:
    """Words, operation and findings narrow the list of messages."""
    page = open_page("#/messages")
    rows = page.locator("#view tbody tr")
    assert rows.count() == 22
    page.get_by_label("Operation").select_option("ChargeDetailRecord")
    assert rows.count() == 5
    page.get_by_label("Filter").fill("404")
    assert rows.count() == 1
    page.get_by_label("Filter").fill("no such thing")
    assert "Nothing matches." in page.locator("#view tbody").inner_text()


def test_keyboard(open_page: Any) -> None:
    """Skip link, `/` for the filter, j and k through lists and pages, o back to the overview."""
    page = open_page("#/findings")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#view[data-view='finding']")
    page.keyboard.press("j")
    page.get_by_text("finding 2", exact=True).wait_for()
    page.keyboard.press("k")
    page.get_by_text("finding 1", exact=True).wait_for()
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("o")
    page.wait_for_selector("#overview:not([hidden])")


def test_print_shows_findings_and_hides_controls(open_page: Any) -> None:
    """On paper: dark on white, every requirement that does not hold with its fix, no buttons."""
    page = open_page(scheme="dark", media="print")
    sheets = page.locator(".sheet")
    assert sheets.count() == 6 and sheets.first.is_visible()
    assert not page.locator("nav").is_visible() and not page.locator("#theme").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_pages_that_do_not_exist_say_so(open_page: Any) -> None:
    """A link into another report ends in a sentence."""
    for view in ("#/finding/999", "#/session/99", "#/message/4711", "#/requirement/NO-000"):
        assert "no " in open_page(view).locator("#view").inner_text()
