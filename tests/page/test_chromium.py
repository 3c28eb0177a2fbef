"""The owner's page in a real browser: both languages, phone and desktop, by day, in the dark and on paper."""

import datetime as dt
import re
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pages
import pytest
from conftest import typical
from small_notebook import write

from flows.authoring import screenshot
from flows.notebook.execute import run_notebook
from flows.record.folder import claim
from footfall.page.page import stopped

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not screenshot.chromium_path(), reason=screenshot.ADVICE),
]
PHONE, DESKTOP = {"width": 360, "height": 780}, {"width": 1280, "height": 900}
LOCALES = {"en-GB": "How busy will the coming days be?", "pt-PT": "Quanto movimento haverá nos próximos dias?"}
FRAME = """page => document.body.append(Object.assign(document.createElement("iframe"), {
  sandbox: "allow-scripts", src: URL.createObjectURL(new Blob([page], {type: "text/html"})), height: 600}))"""
INSIDE = """() => [...document.querySelectorAll("main td, main .word b, main .week > div, .switch label")].filter(
  cell => cell.getClientRects().length && cell.getBoundingClientRect().right > innerWidth).map(cell => cell.innerText)
"""
TOUCHING = """() => [...document.querySelectorAll(".week b")].filter(cell => cell.getClientRects().length).map(cell => {
  const range = document.createRange(); range.selectNodeContents(cell);
  return [cell.innerText, range.getBoundingClientRect()];
}).flatMap(([text, at], n, all) => n && all[n - 1][1].right > at.left ? [all[n - 1][0] + " | " + text] : [])"""
IN_ITS_MARGINS = "table => table.offsetWidth <= table.parentElement.offsetWidth"
SEEN = "heading => heading.getBoundingClientRect().top < innerHeight"
MADE = dt.datetime(2022, 10, 1, 9)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    pages.written(out, pages.inputs(pages.model()))
    return (out / "forecast" / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser():
    with screenshot.chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser, address):
    """Opens the page, and keeps what it asks for and what it complains of."""
    contexts = []

    def open_page(now=MADE, **options):
        contexts.append(browser.new_context(**options))
        view = contexts[-1].new_page()
        view.requests, view.complaints = [], []
        view.on("request", lambda request: view.requests.append(request.url))
        view.on("console", lambda message: view.complaints.append(message.text))
        view.on("pageerror", lambda error: view.complaints.append(str(error)))
        view.clock.set_fixed_time(now)
        view.goto(address)
        return view

    yield open_page
    for context in contexts:
        context.close()


def obstacles(view):
    """What axe-core finds that keeps people from reading the page."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(view).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in violations]


WAYS_TO_READ = [
    ("en-GB", PHONE, "light"), ("pt-PT", PHONE, "dark"), ("en-GB", DESKTOP, "dark"), ("pt-PT", DESKTOP, "light"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("locale", "viewport", "scheme"),
    typical(WAYS_TO_READ, WAYS_TO_READ[1]),
)
def test_everybody_can_read_it(opened, address, locale, viewport, scheme):
    view = opened(locale=locale, viewport=viewport, color_scheme=scheme)
    assert view.get_by_role("heading", level=1).all_inner_texts() == [LOCALES[locale]]
    assert view.evaluate("document.documentElement.lang") == locale[:2].replace("pt", "pt-PT")
    assert view.title().startswith(LOCALES[locale])
    assert view.get_by_role("listitem").filter(has=view.get_by_role("heading", level=3)).count() == 7
    assert view.get_by_role("table").get_by_role("rowheader").count() == 7
    assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert view.get_by_role("table").evaluate(IN_ITS_MARGINS)
    assert view.requests == [address] and not view.complaints
    assert not obstacles(view)


HOUSES = {
    "the sample": None,
    "shut on Mondays": {},
    "of hundreds of thousands": {"typical": 600_000},
    "tiny": {"typical": 0.3, "shut": ()},
    "huge": {"typical": 1e7, "shut": ("sunday",), "measure": {}},
    "young, with a long name": {"days_known": 40, "standing": "young", "known_days": 40, "name": "W" * 200},
    "shut all week": {"closures": {"from_to": [["2026-10-01", "2026-10-31"]]}},
}


@pytest.fixture(scope="module", params=typical(list(HOUSES), "young, with a long name"))
def house(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("house")
    facts = HOUSES[request.param]
    pages.written(out, pages.inputs(pages.model()) if facts is None else pages.house(**facts))
    return (out / "forecast" / "index.html").as_uri()


@pytest.mark.parametrize("width", [320, 360])
def test_a_houses_own_page_fits_a_phone_in_every_language(browser, house, width):
    view = browser.new_page(viewport=PHONE | {"width": width}, color_scheme="dark")
    view.goto(house)
    for language in ("Português", "English", "Español", "Deutsch", "Français"):
        view.get_by_text(language, exact=True).click()
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth"), language
        assert view.locator("main:visible").count() == 1
        assert view.evaluate("document.title").startswith(view.get_by_role("heading", level=1).inner_text())
        assert view.evaluate(INSIDE) == view.evaluate(TOUCHING) == [], language
        assert view.get_by_role("table").evaluate(IN_ITS_MARGINS), language
    assert not obstacles(view)
    view.close()


def test_that_the_source_has_stopped_is_said_in_the_language_that_is_read(browser, address, tmp_path):
    page = Path(url2pathname(urlsplit(address).path)).read_text()
    (tmp_path / "index.html").write_text(page.replace("<body>", "<body>" + stopped("percent", dt.date(2022, 9, 29))))
    view = browser.new_page(viewport=PHONE, locale="pt-PT")
    view.goto((tmp_path / "index.html").as_uri())
    assert view.get_by_role("alert").inner_text().startswith("Não há dados depois de 29 de setembro de 2022.")
    for language, words in {"Deutsch": "Nach dem 29. September 2022", "English": "There are no figures after"}.items():
        view.get_by_text(language, exact=True).click()
        assert view.get_by_role("alert").inner_text().startswith(words)
    assert not obstacles(view)
    view.close()


@pytest.mark.parametrize("locale", typical(list(LOCALES), "pt-PT"))
def test_it_is_good_on_paper(opened, locale):
    view = opened(locale=locale, viewport={"width": 700, "height": 1000}, color_scheme="dark")
    view.emulate_media(media="print")
    assert not view.get_by_role("radio").first.is_visible()
    assert view.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert not obstacles(view)
    assert re.findall(rb"/Count (\d+)", view.pdf(format="A4")) == [b"2"], "pages"


def test_the_language_is_switched_by_mouse_by_keyboard_and_by_address(opened, address):
    view = opened(locale="sv-SE", viewport=PHONE)
    english, portuguese = LOCALES.values()
    heading = view.get_by_role("heading", level=1)
    assert heading.inner_text() == english, "who reads neither is most likely to read English"
    view.get_by_text("Português").click()
    assert heading.inner_text() == portuguese and view.title().startswith(portuguese)
    view.keyboard.press("ArrowRight")
    assert heading.inner_text() == english
    view.goto(address + "#pt")
    view.reload()
    assert heading.inner_text() == portuguese


def test_a_language_chosen_by_hand_outlives_a_reload(opened):
    view = opened(locale="en-GB")
    view.get_by_text("Português").click()
    view.reload()
    assert view.get_by_role("heading", level=1).inner_text() == LOCALES["pt-PT"]


@pytest.mark.parametrize("width", [360, 1280])
def test_letters_are_as_large_as_the_reader_has_set_them(browser, address, width):
    options = {"executable_path": screenshot.chromium_path(), "args": ["--blink-settings=defaultFontSize=32"]}
    with browser.browser_type.launch(**options) as large:
        view = large.new_page(viewport={"width": width, "height": 780})
        view.goto(address)
        assert view.evaluate("getComputedStyle(document.documentElement).fontSize") == "34px"
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert view.locator(".days li:visible").first.evaluate("day => getComputedStyle(day).display") == (
            "grid" if width >= 40 * 32 else "list-item"
        )


def test_bars_are_seen_where_the_system_chooses_the_colours(opened):
    view = opened(locale="en-GB", forced_colors="active")
    colour = "bar => getComputedStyle(bar).backgroundColor"
    bars = view.locator("main:visible .week u, main:visible .bar b")
    assert "rgb(255, 255, 255)" not in {bar.evaluate(colour) for bar in bars.all()}


def test_it_is_whole_without_a_script(opened):
    view = opened(locale="en-GB", viewport=PHONE, java_script_enabled=False)
    english, portuguese = LOCALES.values()
    assert view.get_by_role("heading", level=1).inner_text() == portuguese
    view.get_by_text("English").click()
    assert view.get_by_role("heading", level=1).inner_text() == english


def test_a_failed_runs_page_leads_to_where_it_stopped_in_mlflows_frame_too(browser, tmp_path):
    claim(tmp_path / "run", write(tmp_path, *["print('a line\\n' * 60)"] * 2, "1 / 0"), {})
    run_notebook(tmp_path / "run", {"number": 7}, print)
    page = (tmp_path / "run" / "small.html").read_text()
    view = browser.new_page(viewport=DESKTOP)
    view.evaluate(FRAME, page)
    frame = view.frame_locator("iframe")
    stop = frame.get_by_role("heading", name="Stopped here")
    assert not stop.evaluate(SEEN)
    frame.get_by_text("In cell 5.").click()
    assert stop.evaluate(SEEN)


def test_days_that_are_over_are_said_to_be(opened):
    note = "These days are over"
    assert not opened(locale="en-GB").get_by_text(note).is_visible()
    assert not opened(locale="en-GB", now=dt.datetime(2022, 10, 8, 22)).get_by_text(note).is_visible()
    assert opened(locale="en-GB", now=dt.datetime(2022, 10, 9, 8)).get_by_text(note).is_visible()


def test_a_script_put_in_from_outside_does_not_run(opened, tmp_path):
    view = opened(locale="en-GB")
    view.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 1'}))")
    assert view.title() != "1" and "Content Security Policy" in view.complaints[0]
