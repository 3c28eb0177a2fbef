"""The index of a market of several places."""

import re

import pages
import pandas as pd
import pytest
from figures import outlook_of

from flows.authoring import screenshot
from footfall.page.about import About
from footfall.page.index import Site, index, weeks_of
from footfall.page.pages import _names, _slugs, _standing
from footfall.page.translations import languages

HOSTILE = "=1+1 <script>alert(1)</script> \x1b[31m🍕"


def days(lift=1.0, **facts):
    given = pages.house(**facts)
    table = given["table"].assign(value=given["table"]["value"] * lift)
    return weeks_of(outlook_of(table, given["y"], given["parts"], True, given["closed"]), 1)[0]


@pytest.fixture(scope="module")
def sites():
    names = ["Rossio", "Sé", "Ameixoeira", "Belém"]
    usual = [Site(name, name.lower(), days(typical=100 + 10 * n)) for n, name in enumerate(names)]
    usual += [
        Site("Oriente", "oriente", days(typical=12400)),
        Site("Queen Street", "queen", days(typical=1e7)),
        Site("Foz", "foz", days(typical=0.3)),
    ]
    return [*usual, Site(HOSTILE, "1-1", days(lift=2.5)), Site("Nova", "nova", None)]


def html(sites, country="PT", name="Padarias <Sol>"):
    made = pd.Timestamp("2026-10-08")
    return index(sites, made, made - pd.Timedelta(days=1), "count", country, About(name, {"pt": "clientes"}))


def rows(html):
    found = re.findall(r'<tr><th scope="row"><a href="([^"]*)">(.*?)</a></th>(.*?)</tr>', html, re.S)
    return {name: (link, re.findall(r"<td[^>]*>(.*?)</td>", cells)) for link, name, cells in found}


def test_each_place_has_one_row_that_leads_to_its_page(sites):
    told = rows(html(sites))
    assert (
        len(told) == 9
        and told["Rossio"][0] == "sites/rossio/index.html"
        and told["Sé"][0] == "sites/s%C3%A9/index.html"
    )
    assert told["Rossio"][1] == ["112", "139", "102", "–", "75", "82", "95"], "guests, and closed on Monday"
    assert told["Nova"][1] == ["?"] * 7 and told["Foz"][1][:2] == ["0,3", "0,4"], "each as fine as its own numbers"
    assert re.fullmatch(r"\d\d\u202f\d00", told["Oriente"][1][0]), "no comma, which is a point in another language"


def test_led_in_german_a_number_keeps_its_dots(sites):
    told = rows(html(sites, "DE"))
    assert told["Queen Street"][1][0].endswith("Mio.") and "\u202f" in told["Oriente"][1][0]


def test_a_place_is_called_as_the_reader_calls_it(sites):
    names = {"pt": "Parques <Tejo>", "de": "Parks & Strände", "en": "parks", "es": "parques", "fr": "parcs"}
    page = html([sites[0]._replace(names=names), sites[-1]._replace(names=names)])
    for part in page.split('id="unknown"'):
        assert '<span lang="pt-PT">Parques &lt;Tejo&gt;</span>' in part and '<span lang="fr">parcs</span>' in part


def test_it_says_what_is_counted_and_of_when_it_is(sites):
    page = html(sites)
    made = pd.Timestamp("2026-10-08")
    assert f"{made.day} de" in page.partition('class="made"')[2].partition("</p>")[0]
    assert 'class="note past" data-last="' + "2026-10-15" in page
    where = re.search(r'<p class="where">(.*?)</p>', page)[1]
    assert where.startswith("Padarias &lt;Sol&gt; · <span") and '<span lang="pt-PT">clientes</span>' in where
    unnamed = html(sites, name="").partition('<p class="where">')[2]
    assert '<span lang="pt-PT">Clientes</span>' in unnamed[:400] and unnamed.startswith("<span")


def test_places_that_need_a_look_come_first(sites):
    page = html(sites)
    first, others = page.split('id="others"')
    others, unknown = others.split('id="unknown"')
    assert [name[:4] for name in rows(first)] == ["=1+1"]
    usual = {"Ameixoeira", "Belém", "Rossio", "Sé", "Oriente", "Queen Street", "Foz"}
    assert set(rows(others)) == usual, "of Foz a tenth of a guest more is no news"
    assert set(rows(unknown)) == {"Nova"}, "what is not known pushes down no news"
    assert html(sites[::-1]) == page


def test_a_quiet_week_needs_a_look_too_and_of_several_the_farthest_from_usual_comes_first(sites):
    quiet, quieter = (Site(name, name.lower(), days(lift=lift)) for name, lift in (("Alvor", 0.6), ("Zambujal", 0.2)))
    first, others = html([*sites[:2], quiet, quieter]).split('id="others"')
    assert [*rows(first)] == ["Zambujal", "Alvor"] and [*rows(others)] == ["Rossio", "Sé"]
    assert "The other places" in others and "The numbers" in html(sites[:2]), (
        "where none needs a look, there are no others"
    )


def test_a_place_of_which_nothing_is_known_has_no_page_and_no_colour():
    none = [Site(name, slug, None) for name, slug in (("Nova", ""), ("Belém", "z"), ("Alta", ""))]
    page = html([Site("Sé", "se", days()), *none]).split('id="unknown"')[1]
    assert re.findall(r'<th scope="row">(?:<a [^>]*>)?([^<]*)', page) == ["Alta", "Belém", "Nova"]
    assert page.count("<a ") == 1 and page.count('<td class="closed">?</td>') == 21


def test_each_place_has_an_address_and_a_name_of_its_own():
    keys = [(f"PT-11/{name}", "count") for name in ("Sé", "Se", "東京", "x" * 80, "Foz")]
    slugs = _slugs(keys, False)
    assert len({*slugs.values()}) == 5 and (slugs[keys[0]], slugs[keys[-1]]) == ("se", "foz")
    assert all(re.fullmatch("[a-z0-9][a-z0-9-]{0,68}", slug) for slug in slugs.values()), slugs
    alike = [("PT-11/Foz", "count"), ("PT-13/Foz", "count"), ("PT-11/Sé", "count")]
    names = _names(alike, False, languages("counts")[0], About())
    assert [*names.values()] == ["Foz (PT-11/Foz)", "Foz (PT-13/Foz)", "Sé"]


@pytest.mark.parametrize(("status", "standing"), [("published", "proven"), ("fell back", "unproven")])
def test_a_naive_that_won_the_verdict_is_proven_and_one_that_a_place_fell_back_to_is_not(status, standing):
    assert _standing(status, "seasonal naive, ordinary days", "proven") == standing


def test_of_two_weeks_the_first_is_shown():
    assert {*map(len, days(horizon=14))} == {7}


def test_places_in_per_cent_are_told_apart_from_usual():
    given = pages.inputs(pages.model(), lift=9)
    week = weeks_of(outlook_of(given["table"], given["y"], given["parts"], True), 1)[0]
    made = pd.Timestamp("2022-10-01")
    told = rows(index([Site("Portugal", "pt", week)], made, made, "retail_and_recreation", "PT"))
    assert told["Portugal"][1] == [f"{value:+.0f}%".replace("-", "−") for value in week.expected]


def test_it_opens_in_the_countrys_language_and_a_hostile_name_stays_text(sites):
    assert re.findall(r'name="language" id="(..)"', html(sites, "FR")) == ["fr", "en", "de", "es", "pt"]
    assert '<html lang="pt-PT">' in html(sites) and '<html lang="de">' in html(sites, "DE")
    assert "<script>alert" not in html(sites) and "\x1b" not in html(sites) and "Padarias &lt;Sol&gt;" in html(sites)


def test_the_index_credits_whose_figures_and_weather_it_has(sites):
    """Of more than a hundred places it is the only page."""
    made = pd.Timestamp("2026-10-08")
    own = index(sites, made, made, "count", "PT", About("Casa", credit="Figures: the till's own.", weather=True))
    assert own.count("Figures: the till&#39;s own.") == own.count("CC BY 4.0") == 5, "once in each language"
    google = index(sites, made, made, "retail_and_recreation", "PT")
    assert google.count("Google LLC") == 5 and "Open-Meteo" not in google


def test_a_market_without_any_forecast_has_no_index():
    with pytest.raises(ValueError, match="none of the 1 sites has a forecast"):
        index([Site("Nova", "nova", None)], pd.Timestamp("2025-06-21"), pd.Timestamp("2025-06-20"), "count", "PT")


@pytest.mark.long
def test_many_places_are_quick_to_load(sites):
    page = html([sites[0]._replace(name=f"Loja {n}", slug=f"loja-{n}") for n in range(250)])
    assert len(page) < 150_000  # so that a thousand take no more than 600 kB
    assert not pd.isna(sites[0].week.expected).all()


in_a_browser = pytest.mark.skipif(not screenshot.chromium_path(), reason=screenshot.ADVICE)


@pytest.fixture(scope="module")
def browser():
    with screenshot.chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser, sites, tmp_path):
    """Opens the index; the pages of its places are the index too."""
    for path in (tmp_path / "index.html", tmp_path / "sites" / "rossio" / "index.html"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(html(sites), encoding="utf-8")

    def open_page(browser=browser, **options):
        view = browser.new_page(viewport={"width": 360, "height": 780}, **options)
        view.goto((tmp_path / "index.html").as_uri())
        return view

    return open_page


@pytest.mark.kernel
@in_a_browser
def test_a_number_stands_under_its_weekday_for_who_does_not_see_it(opened):
    first = opened().get_by_role("table").first
    heads, cells = first.get_by_role("columnheader"), first.get_by_role("row").nth(1).locator("th, td")
    assert heads.count() == cells.count() == 8


@pytest.mark.kernel
@in_a_browser
def test_busier_and_quieter_are_told_by_more_than_colour(opened):
    mark = "cell => getComputedStyle(cell, '::before').content"
    view = opened(locale="en-GB")
    assert view.locator("td.busier").first.evaluate(mark) == '"▲"'
    view.locator("td").first.evaluate("cell => cell.className = 'quieter'")
    assert view.locator("td").first.evaluate(mark) == '"▼"'
    assert "▼ (blue): quieter than usual; ▲ (orange, bold): busier" in view.locator(".key").inner_text()


@pytest.mark.kernel
@in_a_browser
def test_a_language_chosen_by_hand_goes_with_the_reader(opened):
    view = opened(locale="en-GB")
    view.get_by_text("Deutsch", exact=True).click()
    view.get_by_role("link", name="Rossio").click()
    assert view.url.endswith("sites/rossio/index.html#de")
    assert view.evaluate("document.documentElement.lang") == "de"


@pytest.mark.kernel
@in_a_browser
def test_without_a_script_or_on_paper_nothing_asks_to_be_searched(opened):
    assert not opened(java_script_enabled=False).get_by_role("searchbox").is_visible()
    view = opened()
    view.emulate_media(media="print")
    assert not view.get_by_role("searchbox").is_visible()


@pytest.mark.kernel
@in_a_browser
def test_large_letters_break_no_number(opened, browser):
    options = {"executable_path": screenshot.chromium_path(), "args": ["--blink-settings=defaultFontSize=32"]}
    with browser.browser_type.launch(**options) as large:
        view = opened(large)
        assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
        high = view.locator(".places td").evaluate_all("cells => cells.map(cell => cell.offsetHeight)")
        assert max(high) < 2 * 40, "one line each"


@pytest.mark.kernel
@in_a_browser
def test_a_place_is_searched_for_on_a_phone_in_any_language(opened, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    view = opened(locale="fr-FR")
    complaints = []
    view.on("console", lambda message: complaints.append(message.text))
    view.reload()
    assert view.get_by_role("heading", level=1).inner_text() == "Où y aura-t-il du monde\N{NO-BREAK SPACE}?"
    view.get_by_role("searchbox").fill("belem")
    assert view.get_by_role("rowheader").all_inner_texts() == ["Belém"], "without its accent"
    assert view.get_by_role("status").inner_text() == "1 / 9"
    view.get_by_role("searchbox").fill("")
    assert view.get_by_role("status").inner_text() == ""
    for width in (320, 360):
        view.set_viewport_size({"width": width, "height": 780})
        for language in ("Português", "English", "Español", "Deutsch", "Français"):
            view.get_by_text(language, exact=True).click()
            assert view.evaluate("document.documentElement.scrollWidth <= innerWidth"), language
    wide = "cell => cell.scrollWidth > cell.clientWidth + 1"
    assert not any(cell.evaluate(wide) for cell in view.locator(".places td").all()), "each number in its own cell"
    assert not complaints and not Axe().run(view).response["violations"]
    view.screenshot(path=tmp_path / "index.png", full_page=True)
