"""The page of a house of one's own: counted in its own words, from nobody, and closed where it is shut."""

import html
import json
import re

import numpy as np
import pages
import pandas as pd
import pytest
from conftest import typical
from icalendar import Calendar
from pages import house, inputs, written

from footfall.level_shifts import latest_shift
from footfall.opening import WEEKDAYS
from footfall.page.about import About
from footfall.page.lines import caption, lines, read_shown, records, week_of_places
from footfall.page.translations import first_up, languages
from footfall.typical import spread

LANGUAGES = languages("counts")
SHUT = {"closures": {"from_to": [["2026-10-01", "2026-10-31"]]}}
HOSTILE = "=cmd|'/C calc'!A0 <script>alert(1)</script>\x1b[31m\u202e 🍕 {{ 7 * 7 }} {amount}" + "x" * 150


def mains(html):
    """The page in each of its languages."""
    return {language.tag: re.search(rf'<main lang="{language.tag}".*?</main>', html, re.S)[0] for language in LANGUAGES}


def page_of(tmp_path, **facts):
    return mains(written(tmp_path, house(**facts))["index.html"].decode())


def day_of(main, number):
    """What the list says of one of the days."""
    return re.findall(r"<li class=.*?</li>", main[main.index('class="days"') :], re.S)[number]


def test_a_day_is_told_in_guests_with_its_range_and_last_years(tmp_path):
    english = page_of(tmp_path)["en"]
    friday = day_of(english, 0)
    assert re.search(r"About 156 guests, most likely between 131 and 181\. Close to usual: \d chances in 10\.", friday)
    last_year = house()["y"]["2025-10-10"]
    assert f"The same Friday last year: {last_year:.0f}." in friday and "%" not in re.sub('style="[^"]*"', "", friday)
    assert "All open days together: about 847 guests, +7% against usual." in english
    assert "Guests per day" in english and "early 2020" not in english


@pytest.mark.parametrize("weekday", ["Sunday", "Monday"])
def test_a_holiday_is_compared_with_no_day_of_last_year_and_none_with_it(tmp_path, weekday):
    """Brazil's of 12 October, a Monday; it was a Sunday the year before."""
    days = re.findall(r"<li class=.*?</li>", page_of(tmp_path, location="BR", shut=())["en"], re.S)
    told = {name for name in ("Saturday", "Sunday", "Monday") if any(f"same {name} last year:" in day for day in days)}
    assert weekday not in told and "Saturday" in told


def test_the_busiest_day_is_seen_at_a_glance(tmp_path):
    english = page_of(tmp_path)["en"]
    assert "Busiest: Saturday, about 195 guests." in english
    heights = [int(height) for height in re.findall(r'bottom:0;height:(\d+)%"', english)]
    assert heights == [80, 100, 73, 54, 59, 68], "of the six open days, from nobody"
    assert english.count(' most"><span>Sat') == 1


def test_how_far_ordinary_days_are_from_usual_is_no_matter_of_the_one_with_a_single_guest(tmp_path):
    of_house = house(shut=())
    monday = of_house["y"].index.dayofweek == 0
    of_house["y"][monday] = 1.0
    english = mains(written(tmp_path, of_house)["index.html"].decode())["en"]
    (said,) = re.findall(r"ordinary days come within (\d+)%", english)
    assert int(said) == round(spread(of_house["y"], "PT-11")) < 20


@pytest.mark.parametrize("weekday", typical(list(range(7)), 0, 6))
def test_a_weekday_never_open_is_closed_in_every_language(tmp_path, weekday):
    told = page_of(tmp_path, shut=(WEEKDAYS[weekday],))
    number = (weekday - 4) % 7  # the forecast begins on a Friday
    for language in LANGUAGES:
        day = day_of(told[language.tag], number)
        assert first_up(language.say(f"closed {WEEKDAYS[weekday]}")) in day
        assert 'class="bar"' not in day and not re.search(r"\d", re.sub(r"<h3>.*?</h3>|</?h3>", "", day)), day
    assert f"Always closed on {WEEKDAYS[weekday].capitalize()}s." in told["en"]


def test_a_young_house_has_its_day_of_rest_too(tmp_path):
    told = page_of(tmp_path, days_known=34, standing="young", known_days=34)["en"]
    assert "Always closed on Mondays." in day_of(told, 3) and "ar busier than usual: Monday" not in told


def test_why_a_house_is_closed_is_said(tmp_path):
    said = page_of(tmp_path / "a", shut=(), closures={"dates": ["2026-10-10"]})
    assert "Closed, as you said." in day_of(said["en"], 1) and "Fechado, como nos disse." in day_of(said["pt-PT"], 1)
    events = [["2026-10-10", "2026-10-10", "Painting & {x}", "closed"]]
    told = page_of(tmp_path / "c", shut=(), closures={"events": events})
    for tag, words in (("en", "Closed, as you said"), ("pt-PT", "Fechado, como nos disse"), ("es", "como nos dijo"),
                       ("fr", "vous l’avez indiqué\N{NO-BREAK SPACE}"), ("de", "wie Sie angegeben haben")):  # fmt: skip
        assert f"{words}: Painting &amp; {{x}}." in day_of(told[tag], 1)
    given = house(shut=(), origin="2026-12-20", location="DE")
    given["closed"]["2026-12-25"] = "holiday"
    christmas = mains(written(tmp_path / "b", given)["index.html"].decode())
    assert "Closed on this day in past years (Christmas Day)." in christmas["en"]
    assert "geschlossen (Erster Weihnachtstag)" in christmas["de"]


def test_a_page_with_events_knows_those_that_were_entered(tmp_path):
    for told, events in zip(("cannot know", "knows only what you have entered"), (False, True), strict=True):
        assert f"this page {told}." in page_of(tmp_path / str(events), events=events)["en"]


def test_a_house_that_is_shut_all_week_has_a_page_without_a_number(tmp_path):
    files = written(tmp_path, house(**SHUT))
    for tag, main in mains(files["index.html"].decode()).items():
        assert "nan" not in main.lower().replace("finan", ""), tag
        assert 'class="bar"' not in main and "<circle" not in main
    assert "Closed on all these days." in files["index.html"].decode()
    assert {str(event["summary"]) for event in Calendar.from_ical(files["week.ics"]).events} == {"Closed"}


def test_a_series_of_which_nothing_is_known_of_late_has_a_page_too(tmp_path):
    given = house(**SHUT)
    given["y"].iloc[-30:] = float("nan")
    assert "nan" not in written(tmp_path, given)["index.html"].decode().lower()


def test_a_place_in_per_cent_may_be_closed_as_well(tmp_path):
    given = inputs(pages.model())
    days = pd.date_range("2022-10-02", periods=7)
    given["closed"] = pd.Series(["", "weekday", *[""] * 5], index=days)
    told = mains(written(tmp_path, given)["index.html"].decode())
    assert "Always closed on Mondays." in day_of(told["en"], 1) and "%" not in day_of(told["en"], 1)
    assert "All open days together:" in told["en"] and "−100%" not in told["en"]


def test_the_place_has_its_own_name_and_source_and_nothing_of_googles(tmp_path):
    html = written(tmp_path, house())["index.html"].decode()
    assert "Google" not in html and html.count("Figures: the till.") == 5
    assert all('class="where">Tasca da Esquina · ' in main for main in mains(html).values())
    assert "Google" in written(tmp_path, inputs(pages.model()))["index.html"].decode()
    unsaid = inputs(pages.model()) | {"about": About(credit="")}
    assert "Google" not in written(tmp_path, unsaid)["index.html"].decode()


def test_a_source_line_may_hold_an_address(tmp_path):
    html = written(tmp_path, house(credit="CC BY 4.0, https://example.org/a?b=<c> javascript:alert(1)"))["index.html"]
    assert b'<a href="https://example.org/a?b=' in html and b'href="javascript' not in html and b"<c>" not in html


def test_the_owners_word_is_used_and_another_languages_rather_than_a_wrong_one(tmp_path):
    told = page_of(tmp_path / "a", measure={"pt": "talões"})
    assert "Cerca de 156 talões" in told["pt-PT"] and "About 156 talões" in told["en"]
    own = page_of(tmp_path / "b", measure={})
    assert "About 156 visitors" in own["en"] and "Etwa 156 Besucher" in own["de"] and "156 visiteurs" in own["fr"]


def test_one_is_said_in_the_singular_where_that_is_known():
    """By each language's own rule: in French also of one and a half."""
    measure = {"en": ["guest", "guests"], "fr": ["client", "clients"], "pt": "clientes"}
    days = pd.DataFrame({"mean": [5.0], "usual": [1.0]})

    def said(numbers, **about):
        told = {voice.short: voice for voice in About(**about).languages("count", days)}
        return [[told[tag].amount(number) for number in numbers] for tag in ("en", "fr", "pt", "de")]

    assert said([0, 1.0, 1.5, 2], measure=measure) == [
        ["0 guests", "1 guest", "1.5 guests", "2 guests"],
        ["0 client", "1 client", "1,5 client", "2 clients"],
        ["0 clientes", "1 clientes", "1,5 clientes", "2 clientes"],
        ["0 guests", "1 guest", "1,5 guests", "2 guests"],
    ]
    own = [["1 visitor", "2 visitors"], ["1 visiteur", "2 visiteurs"], ["1 visitante", "2 visitantes"]]
    assert said([1, 2]) == [*own, ["1 Besucher", "2 Besucher"]]
    assert caption("count", measure) == "guests a day"


@pytest.mark.parametrize(
    ("typical", "english", "german", "french"),
    [
        (0.3, "About 0.3 guests", "Etwa 0,3 guests", "Environ 0,3 guests"),
        (12_400, "About 13,800 guests", "Etwa 13\u202f800 guests", "Environ 13\u202f800 guests"),
        (1e7, "About 11.2 million guests", "Etwa 11,2 Millionen guests", "Environ 11,2 millions de guests"),
    ],
)
def test_numbers_are_as_fine_as_people_say_them(tmp_path, typical, english, german, french):
    told = page_of(tmp_path, typical=typical)
    assert english in told["en"] and german in told["de"] and french in told["fr"]


def test_one_high_end_takes_no_decimal_away(tmp_path):
    """A house of one to six guests has a Saturday of up to eleven now and then."""
    given = house(typical=3.0)
    highest = given["table"]["output_type_id"].isin(["0.9", "0.95"])
    given["table"].loc[highest, "value"] *= 3
    english = mains(written(tmp_path, given)["index.html"].decode())["en"]
    assert re.search(r"between \d\.\d and 1\d\.\d", english) and re.search(r"About \d\.\d guests", english)


def test_a_million_is_one():
    days = pd.DataFrame({"mean": [2e6], "usual": [1e6]})
    told = {voice.short: voice for voice in About(measure={"fr": "entrées"}).languages("count", days)}
    assert [told[tag].number(1e6) for tag in ("en", "pt", "es", "de", "fr")] == [
        "1 million", "1 milhão", "1 millón", "1 Million", "1 million"]  # fmt: skip
    assert [told["fr"].amount(number) for number in (999, 1e6, 2e6)] == [
        "999 entrées", "1 million d’entrées", "2 millions d’entrées"]  # fmt: skip


def test_no_thousand_is_read_as_one_and_a_half(tmp_path):
    """In Switzerland and Mexico a dot is a decimal point, and German and Spanish lead there."""
    for tag, main in page_of(tmp_path, typical=12_400, location="CH").items():
        assert not re.search(r"\d\.\d{3}", re.sub('style="[^"]*"|<path[^>]*>', "", main)), tag
        columns = main[main.index('class="week') : main.index('class="made"')]
        assert len(re.findall(r"<b[^>]*>\d+[,\u202f]\d{3}</b>", columns)) == 6, "nor torn at the end of a line"


def test_the_figure_begins_at_nobody(tmp_path):
    english = page_of(tmp_path)["en"]
    levels = re.findall(r'class="level"[^>]*>([^<]*)<', english)
    assert levels == ["0", "50", "100", "150", "200", "250"]
    assert "NaN" not in english


def test_a_young_series_and_one_without_a_better_model_are_said_to_be(tmp_path):
    young = page_of(tmp_path / "a", standing="young", known_days=40, days_known=40)
    assert "Young: 40 days known." in young["en"] and "40 días" in young["es"] and "last year" not in young["en"]
    unproven = page_of(tmp_path / "b", standing="unproven")["en"]
    assert "Nothing is known yet to be better than the same day last week." in unproven
    assert "known yet to be" not in page_of(tmp_path / "c")["en"]


def test_another_level_is_said_while_what_is_usual_still_remembers_the_one_before(tmp_path):
    def told(weeks):
        given = house()
        y = given["y"]
        lifted = y.where(y.index <= y.index[-1] - pd.Timedelta(weeks=weeks), y * 1.8)
        return mains(written(tmp_path / str(weeks), given | {"y": lifted})["index.html"].decode())

    four = told(4)
    assert re.search(r"Since 10 September 2026 the level has been different: \+\d\d% against", four["en"])
    notes = [re.search(r'"note">(.*?)<', main)[1] for main in four.values()]
    assert all("10" in note and "%" in note for note in notes)
    assert all('"note">' not in main for weeks in (1, 8) for main in told(weeks).values())


def test_a_handful_of_guests_more_is_no_other_level(tmp_path):
    """Of a guest a day, whose weeks have a middle of nobody or of one."""
    given = house(typical=1, shut=())
    index = given["y"].index
    y = pd.Series(np.random.default_rng(2).poisson(1, len(index)).astype(float), index, name="count")
    assert latest_shift(y, 42)
    assert all(
        '"note">' not in main for main in mains(written(tmp_path, given | {"y": y})["index.html"].decode()).values()
    )


def test_what_plays_a_part_is_no_reason_for_a_day_as_usual(tmp_path):
    given = house(shut=()) | {"events": [("2026-10-09", "2026-10-09", "Festa da Rua", "busier")]}
    told = mains(written(tmp_path, given)["index.html"].decode())
    friday = day_of(told["en"], 0)
    assert "About as busy as usual" in friday and "Festa da Rua, which you expect to make it busier" in friday
    for tag, why in (("en", "Why:"), ("pt-PT", "Porquê:"), ("es", "Por qué:"), ("de", "Warum:"), ("fr", "Pourquoi")):
        assert why not in told[tag]


def test_one_open_day_is_not_all_days_together(tmp_path):
    told = page_of(tmp_path, shut=(), horizon=1)
    assert "together" not in told["en"] and "ensemble" not in told["fr"] and "About 156 guests" in told["en"]
    assert "Busiest" not in told["en"]
    assert "Busiest: Saturday, 17 October, about" in page_of(tmp_path / "b", horizon=9)["en"], "of two Saturdays"


def test_french_has_its_space_before_colons_and_semicolons(tmp_path):
    given = house(credit="x", events=True) | {"events": [("2026-10-10", "2026-10-10", "Fête & <foire>", "busier")]}
    for name, facts in {"counts": given, "percent": inputs(pages.model(), lift=9)}.items():
        files = written(tmp_path / name, facts)
        french = html.unescape(re.sub("<[^>]*>", "", mains(files["index.html"].decode())["fr"]))
        message = json.loads((tmp_path / name / "words.json").read_text())["messages"]["fr"]["text"]
        assert re.findall(r".*(?:[^\s\u00a0\u202f]| )[:;?!](?:\s.*|$)", f"{french}\n{message}", re.M) == []
        assert "\u00a0; " in message and "(semaine.ics)\u00a0: " in french


def test_a_hostile_name_is_harmless_in_page_calendar_and_table(tmp_path):
    files = written(tmp_path, house(name=HOSTILE, location="PT-11/" + HOSTILE, measure={"en": HOSTILE}))
    html = files["index.html"].decode()
    assert (
        "<script>alert" not in html
        and "\x1b" not in html
        and "\u202e" not in html
        and "🍕 {{ 7 * 7 }} {amount}" in html
    )
    calendar = Calendar.from_ical(files["week.ics"])
    assert len(calendar.events) == 7 and b"\x1b" not in files["week.ics"] and "🍕" in str(calendar["x-wr-calname"])
    read = pd.read_csv(tmp_path / "forecast" / "forecast.csv", dtype=str, keep_default_na=False)
    assert set(read["location"]) == {"PT-11/" + HOSTILE} and not read["location"].str.startswith("=").any()


def test_a_site_is_called_by_its_own_name_first(tmp_path):
    assert 'class="where">Loja 2, Tasca da Esquina · guests' in page_of(tmp_path / "a", location="PT-11/Loja 2")["en"]
    assert (
        'class="where">Loja 2, Lisboa, Portugal · guests'
        in page_of(tmp_path / "b", location="PT-11/Loja 2", name="")["en"]
    )


def test_a_slash_in_a_sites_name_is_read_back(tmp_path):
    assert 'class="where">A/B, Tasca da Esquina · guests' in page_of(tmp_path / "a", location="PT-11/A%2FB")["en"]
    assert (
        'class="where">A/B, Lisboa, Portugal · guests' in page_of(tmp_path / "b", location="PT-11/A%2FB", name="")["en"]
    )


def test_nothing_is_divided_by_a_usual_of_nothing(tmp_path):
    given = house(typical=0.3, shut=())
    given["y"] = (given["y"].index.dayofyear % 9 == 0) * 1.0 + 0 * given["y"].fillna(0)
    for tag, main in mains(written(tmp_path, given)["index.html"].decode()).items():
        assert not re.search(r"\b(nan|inf)\b", main.lower()), tag
        assert day_of(main, 0).count('class="bar"') == 1


def test_the_calendar_tells_guests_and_closed_days(tmp_path):
    events = Calendar.from_ical(written(tmp_path, house())["week.ics"]).events
    told = [(str(event["summary"]), str(event["description"])) for event in events]
    assert told[0][0] == "About as busy as usual (about 156 guests)"
    assert re.fullmatch(
        r"About 156 guests, most likely between 131 and 181; [+−]?\d+% against a usual Friday\.", told[0][1]
    )
    assert told[3] == ("Closed", "Always closed on Mondays.")


def test_terminal_and_prefect_tell_closed_days_and_the_owners_unit():
    table = house()["table"]
    friday, monday = (list(lines(table))[number] for number in (0, 3))
    assert friday == ("2026-10-09", "Friday", "156", "131 … 181") and monday == ("2026-10-12", "Monday", "closed", "")
    assert records(table)[3] == {"date": "2026-10-12", "weekday": "Monday", "expected": "closed", "low": "", "high": ""}
    assert caption("count", {"en": "guests"}) == "guests a day" and caption("count", {}) == "visitors a day"
    assert caption("parks", {}) == "percent against early 2020"
    assert next(lines(inputs(pages.model())["table"]))[2][0] in "+-"
    assert next(lines(house(typical=0.3)["table"]))[2] == "0.3"


def test_of_several_sites_each_is_called_by_its_name_and_its_ranges_are_not_read(tmp_path):
    sites = [house(location=f"PT-11/{site}")["table"] for site in ("Sé%2FBaixa", "Foz")]
    several, one = (tmp_path / name for name in ("several.parquet", "one.parquet"))
    pd.concat(sites).to_parquet(several, row_group_size=100)
    sites[0].to_parquet(one)
    shown = read_shown(several.read_bytes())
    assert {*shown["output_type"]} == {"mean"} and len(read_shown(one.read_bytes())) == len(sites[0])
    days, ((place, *week), (other, *_)) = week_of_places(shown)
    assert (place, other) == ("Foz", "Sé/Baixa") and dict(zip(days, week, strict=True))["2026-10-12"] == "closed"


def test_of_many_places_prefect_lists_a_hundred_and_tells_kinds_of_place_apart():
    one = house(name="Sé")["table"]
    many = pd.concat([one.assign(location=f"PT-11/{number:03}") for number in range(101)])
    listed = records(many)
    assert [row["place"] for row in listed] == [f"{number:03}" for number in range(100)]
    assert listed[0]["2026-10-12"] == "closed" and listed[0]["2026-10-09"] == 156.2
    assert [row["place"] for row in records(one, many=True)] == ["PT-11"], "all others were refused"
    parks, shops = (inputs(pages.model(), target=target)["table"] for target in ("parks", "retail_and_recreation"))
    assert [row["place"] for row in records(pd.concat([parks, shops]))] == ["PT parks", "PT retail_and_recreation"]


def test_a_week_that_is_closed_throughout_is_told_without_a_number():
    table = house(**SHUT)["table"]
    assert {(expected, span) for _, _, expected, span in lines(table)} == {("closed", "")}
    assert {*week_of_places(table)[1][0][1:]} == {"closed"}


def test_decimals_are_for_places_that_expect_no_two_digits():
    firsts = [next(lines(house(typical=typical, shut=())["table"]))[2] for typical in (7, 12)]
    assert firsts == ["7.8", "13"], "that its range reaches eleven takes none away"


def test_the_terminal_rounds_once_as_the_page_does():
    table = house()["table"]
    table.loc[(table["output_type"] == "mean") & (table["target_end_date"] == "2026-10-09"), "value"] = 65.47
    assert next(lines(table))[2] == "65" and records(table)[0]["expected"] == 65.5
    days, ((_, *week),) = week_of_places(table)
    assert week[days.index("2026-10-09")] == "65"
