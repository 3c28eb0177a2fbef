"""What the owner's page says, and that it is always the same for the same figures."""

import datetime as dt
import gzip
import re
import string
import tomllib

import numpy as np
import pages
import pandas as pd
import pytest
from babel.messages.pofile import read_po
from figures import outlook_of, retail
from icalendar import Calendar
from pages import OFF, inputs, written

from flows.storage import layout
from footfall.calendar import KINDS, ORDINARY
from footfall.evaluation.scores import score
from footfall.outlook import DEGREES
from footfall.page import page
from footfall.page.about import About
from footfall.page.translations import CATALOGUES, languages, leading
from footfall.sources.google.columns import CATEGORIES
from footfall.typical import UNKNOWN, chance_above, departure, spread, usual

BY_TAG = {language.tag: language for language in languages("percent")}
OWN = {language.tag: language for language in languages("counts")}
EN, PT = BY_TAG["en"].sentences, BY_TAG["pt-PT"].sentences
CALENDARS = {"week.ics", "semana.ics", "semana-es.ics", "woche.ics", "semaine.ics"}


@pytest.fixture(scope="module")
def model():
    return pages.model()


def text(out, given):
    return written(out, given)["index.html"].decode()


def test_the_same_figures_give_the_same_bytes(model, tmp_path):
    first, again = written(tmp_path / "a", inputs(model)), written(tmp_path / "b", inputs(model))
    assert first == again
    assert set(first) == {"forecast.csv", "forecast.parquet", "index.html", *CALENDARS}
    assert all(map(layout.is_shown, CALENDARS)), "at addresses that stay"


def test_it_is_light(model, tmp_path):
    content = written(tmp_path, inputs(model))["index.html"]
    assert len(content) < 68_000 and len(gzip.compress(content)) < 14_000, "five languages of some 11,000 bytes"


def test_a_holiday_and_its_eve_are_named_in_both_languages(model, tmp_path):
    html = text(tmp_path, inputs(model))
    for sentence in ("public holiday, Republic Day", "the day before a holiday, Republic Day",
                     "feriado, Implantação da República", "véspera de feriado, Implantação da República"):  # fmt: skip
        assert sentence in html


def test_words_come_before_numbers_and_the_strongest_first(model, tmp_path):
    html = text(tmp_path, inputs(model, lift=40))
    assert re.search(r'class="lead">Every day \w+ busier than usual\.|class="lead">Far busier than usual: ', html)
    english = html[html.index('<main lang="en"') :]
    assert english.index("busier than usual") < english.index("%</b>")


@pytest.mark.parametrize(("lift", "towards", "side"), [(40, "busier", "bottom"), (-60, "quieter", "top")])
def test_each_day_points_and_is_told_to_its_own_side(model, tmp_path, lift, towards, side):
    html = text(tmp_path, inputs(model, lift=lift))
    english = html[html.index('<main lang="en"') :].partition("</main>")[0]
    assert english.count(EN[f"chance {towards}"].partition("{")[0]) == english.count(f'style="{side}:50%') == 7


def test_a_hostile_name_stays_text(model, tmp_path):
    files = written(tmp_path, inputs(model, location="PT/<script>alert(1)</script>", model_version="</p><b onx=1>"))
    assert b"<script>alert" not in files["index.html"] and b"&lt;script&gt;alert(1)" in files["index.html"]
    assert b"<b onx" not in files["index.html"]
    assert len(Calendar.from_ical(files["week.ics"]).events) == 7


def test_the_track_record_is_told_where_there_is_one(model, tmp_path):
    quoted, silent = text(tmp_path / "a", inputs(model)), text(tmp_path / "b", inputs(model, track=None))
    for sentence in ("the 28 days up to 28 September, 79% did end inside", "acertámos em 71% das vezes"):
        assert sentence in quoted
    assert "did end inside" not in silent and "acertámos" not in silent
    second_day = pages.TRACK | {"28": {"days": 1, "range_held": 1.0, "right": 1.0}}
    too_short = text(tmp_path / "c", inputs(model, track=second_day))
    assert "did end inside" not in too_short and "acertámos" not in too_short
    earlier = {"through": "2022-09-26", "28": {"days": 28, "range_held": 0.79, "right": None}}
    never_right = text(tmp_path / "d", inputs(model, track=earlier))
    assert "up to 26 September, 79% did end inside" in never_right and "acertámos" not in never_right


def test_a_track_record_of_another_shape_is_passed_over(tmp_path):
    (tmp_path / "track.json").write_text('{"PT count": {"tomorrow": 1}}')
    assert page.read_tracks(tmp_path / "track.json") == {} and page.read_tracks("") == {}
    whole = '{"through": "2022-09-28", "28": {"range_held": null, "more": 1}, "new": 2}'
    (tmp_path / "track.json").write_text(f'{{"PT count": {whole}}}')
    assert page.read_tracks(tmp_path / "track.json")["PT count"].lately.range_held is None


def test_figures_that_stand_still_are_said_to(model, tmp_path):
    given = inputs(model)
    assert "The figures stand still" not in text(tmp_path / "a", given)
    assert "stand still" not in text(tmp_path / "c", given | {"y": given["y"][:"2022-09-25"]}), "three days late"
    assert "stand still" in text(tmp_path / "d", given | {"y": given["y"][:"2022-09-24"]})
    assert "stand still" not in text(tmp_path / "e", given | {"y": given["y"][:"2022-09-20"], "lag": 9})
    html = text(tmp_path / "b", given | {"y": given["y"][:"2022-09-20"]})
    assert "nothing after 20 September 2022" in html and "depois de 20 de setembro de 2022" in html


@pytest.mark.parametrize("target", CATEGORIES)
def test_every_kind_of_place_has_its_words(model, target, tmp_path):
    html = text(tmp_path, inputs(model, target=target))
    assert EN[target] in html and PT[target] in html
    assert ("time spent there" in html) == (target == "residential")
    assert ("visits" in html) == ("visitas" in html) == (target != "residential")


def test_the_legend_tells_of_the_shades_that_are_there(model, tmp_path):
    assert "five, eight and nine days out of ten" in text(tmp_path / "a", inputs(model))
    given = inputs(model)
    table = given["table"]
    kept = (table["output_type"] == "mean") | table["output_type_id"].isin(["0.1", "0.5", "0.9"])
    html = text(tmp_path / "b", given | {"table": table[kept]})
    assert "expected; eight days out of ten" in html and "esperado; oito em cada dez dias" in html


def test_a_model_that_does_not_know_its_parts_tells_no_reason_but_the_calendar(model):
    given = inputs(model)
    whole = given["parts"].sum(axis=1).rename("level").to_frame()
    reasons = outlook_of(given["table"], given["y"], whole, True)["reasons"]
    assert {reason for day in reasons for reason in day} == {"eve", "holiday"}


def test_every_place_fits_its_sentence(model, tmp_path):
    html = text(tmp_path, inputs(model, location="GB"))
    assert "places to go out as a whole (United Kingdom): visits, in per cent" in html
    for words in (" in United Kingdom", "in Vereinigtes", "de Royaume", "em Reino", "en Reino", "des les"):
        assert words not in html


def test_google_is_named_with_the_day_on_which_its_figures_were_fetched(model, tmp_path):
    html = text(tmp_path, inputs(model) | {"about": About(accessed="2026-11-20")})
    assert "Accessed on 20 November 2026." in html and "Abgerufen am 20. November 2026." in html
    assert "Google LLC" in html and "Accessed" not in text(tmp_path, inputs(model)), "a day that is not known"
    assert "Previsão feita a 1 de outubro de 2022, com dados até 28 de setembro." in html


def test_other_countries_are_led_in_english(model, tmp_path):
    html = text(tmp_path, inputs(model, location="SE"))
    assert '<html lang="en">' in html and "Sweden" in html and "Suécia" in html
    assert '<html lang="pt-PT">' in text(tmp_path, inputs(model, location="PT-13"))
    assert "Porto, Portugal" in text(tmp_path, inputs(model, location="PT-13"))
    offered = re.findall(r'name="language" id="(..)"', text(tmp_path, inputs(model)))
    assert offered == ["pt", "en", "de", "es", "fr"], "the country's own and English first"


def fields(sentence):
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def messages(path):
    with path.open("rb") as file:
        return [message for message in read_po(file) if message.id]


def catalogue(path):
    return {(message.context, message.id): message.string for message in messages(path)}


ENGLISH_ONES = catalogue(CATALOGUES / "en_GB" / "LC_MESSAGES" / "footfall.po")


@pytest.mark.parametrize("path", sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po")), ids=lambda path: path.parts[-3])
def test_no_language_lacks_a_sentence_has_one_too_many_or_lacks_a_fact(path):
    own = catalogue(path)
    assert own.keys() == ENGLISH_ONES.keys() and len(own) == len(messages(path)), "each of them once"
    assert all(text.strip() for text in own.values())
    assert {name: fields(text) for name, text in own.items()} == {
        name: fields(text) for name, text in ENGLISH_ONES.items()
    }


def test_an_installed_page_has_all_its_files():
    folder = CATALOGUES.parent
    patterns = tomllib.loads((folder.parents[1] / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    installed = {path for pattern in patterns["footfall.page"] for path in folder.glob(pattern)}
    others = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert others == installed


def test_there_are_five_languages_and_each_has_words_for_all_that_may_be_said_of_a_day():
    assert [*BY_TAG] == ["de", "en", "es", "fr", "pt-PT"] == [*OWN]
    sizes = {f"{size} {side}" for size in DEGREES.values() for side in ("busier", "quieter")}
    assert {*KINDS, *CATEGORIES, *sizes, *(f"perhaps {size}" for size in sizes)} - {ORDINARY} <= EN.keys()


def test_what_is_said_in_one_language_is_not_said_in_the_other():
    same = {name for name in EN if EN[name] == PT[name]} - {"percent", "short date", "first of a month"}
    assert same == {"festival", "event", "event unknown", "word and days", "amount", "colon", "semicolon"}


@pytest.mark.parametrize(
    ("country", "tag"),
    [
        ("PT", "pt-PT"),
        ("BR", "pt-PT"),
        ("ES", "es"),
        ("MX", "es"),
        ("DE", "de"),
        ("AT", "de"),
        ("FR", "fr"),
        ("BE", "fr"),
        ("NZ", "en"),
        ("SE", "en"),
    ],
)
def test_a_page_opens_in_the_language_of_its_country(country, tag):
    assert leading(languages("percent"), country).tag == tag


def test_dates_read_as_people_write_them():
    portuguese, english = BY_TAG["pt-PT"], BY_TAG["en"]
    day = pd.Timestamp("2022-10-14")
    assert (
        portuguese.weekday_and_date(day) == "sexta-feira, 14 de outubro"
        and english.weekday_and_date(day) == "Friday, 14 October"
    )
    assert portuguese.a_weekday(day + pd.Timedelta(days=1)) == "um sábado"


def test_no_number_is_minus_nought():
    assert [BY_TAG["en"].percent(value) for value in (-0.4, 0.4, -7.6, 12.2)] == ["0%", "0%", "−8%", "+12%"]


# --- what is usual ---


def weekly(noise=0.0, days=200):
    index = pd.date_range("2022-02-01", periods=days)
    rng = np.random.default_rng(5)
    return pd.Series(10.0 * index.dayofweek + rng.normal(0, noise, days), index=index)


def test_a_usual_day_is_one_of_its_weekday_and_no_holiday():
    y = weekly()
    y["2022-06-10"], y["2022-08-15"] = -90, -90  # holidays
    assert usual(y, pd.date_range("2022-08-22", periods=7), "PT").tolist() == [0, 10, 20, 30, 40, 50, 60]


def test_a_weekday_that_is_long_unknown_is_as_usual_as_the_others():
    """As where a source keeps the Sundays of shops to itself: those of the season before are none to compare with."""
    y = weekly(days=200).mask(lambda y: (y.index.dayofweek == 6) & (y.index >= "2022-06-19"))
    y[:"2022-06-18"] = -90
    sunday, monday = usual(y, pd.DatetimeIndex(["2022-08-21", "2022-08-22"]), "PT")
    assert (sunday, monday) == (25, 0), "the middle of the other six"


def test_a_place_that_opens_again_is_measured_by_its_own_weekdays():
    y = weekly(days=300)  # until 27 November
    shut = y.reindex(pd.date_range(y.index[0], "2023-03-01"))
    usually = [0, 10, 20, 30, 40, 50, 60]
    assert usual(shut, pd.date_range("2023-03-06", periods=7), "PT").tolist() == usually
    shut["2023-03-01"] = 35.0  # a Wednesday of this year
    assert usual(shut, pd.date_range("2023-03-06", periods=7), "PT").tolist() == usually, "one day makes none usual"
    shut = shut.reindex(pd.date_range(y.index[0], "2023-03-15"))
    shut["2023-03-08"], shut["2023-03-15"] = 35.0, 35.0
    usually[2] = 35
    assert usual(shut, pd.date_range("2023-03-20", periods=7), "PT").tolist() == usually


def test_a_young_series_has_a_usual_level_too():
    y = weekly(days=10)
    assert usual(y, pd.date_range("2022-02-10", periods=3), "PT").tolist() == [30.0, 40.0, 50.0]
    assert spread(y, "PT") == 2.0
    assert spread(y[:6], "PT") == UNKNOWN, "no weekday has come twice"


def test_the_spread_of_a_young_series_is_that_of_the_days_it_has():
    """Of all that opened before Christmas: no weekday has come four times, ordinary."""
    y = (200 + 10 * weekly(noise=6, days=35) / 3).set_axis(pd.date_range("2024-12-02", periods=35)).rename("count")
    assert 5 < spread(y, "PT") < 15


def test_two_of_three_ordinary_days_lie_within_the_spread():
    assert 3 < spread(weekly(noise=5), "PT") < 6


def test_a_difference_is_a_share_of_a_usual_day():
    percent_series, covers = pd.Series([20.0]), pd.Series([0.0, 80.0, 100.0, 120.0], name="count")
    assert departure(44.0, 20.0, percent_series) == pytest.approx(20)
    assert departure(-100.0, 20.0, percent_series) == -100
    assert departure(120.0, 100.0, covers) == pytest.approx(20) and departure(0.0, 100.0, covers) == -100
    assert np.isfinite(departure(3.0, -100.0, percent_series)) and np.isfinite(departure(3.0, 0.0, covers))
    assert departure(0.9, 0.0, pd.Series([0.0, 1.0, 2.0], name="count")) == 90, "a guest is the least that is shared"
    assert departure(2.0, 2.0, covers) == 0, "a usual day of nearly nobody is a usual one"


def test_what_is_only_perhaps_so_is_not_so_by_nine_chances():
    english = BY_TAG["en"]
    assert [english.chance(share) for share in (0.05, 0.899, 0.9, 0.95)] == [
        "under 1 chance in 10", "8 chances in 10", "9 chances in 10", "over 9 chances in 10"]  # fmt: skip


def test_a_chance_is_read_off_the_quantiles_and_not_beyond_them():
    levels, quantiles = np.array([0.1, 0.5, 0.9]), np.array([[0.0, 10.0, 20.0]] * 2)[..., None]
    assert chance_above(levels, quantiles, np.array([[5.0], [99.0]])).round(2).tolist() == [[0.7], [0.1]]


@pytest.mark.parametrize(
    ("lift", "word"),
    [(0, "usual"), (0.8, "a little"), (1.5, "a little"), (2.6, "clearly"), (5, "far"), (-1.5, "a little"), (-5, "far")],
)
def test_the_word_grows_with_the_distance(model, lift, word):
    given = inputs(model)
    days = outlook_of(given["table"], given["y"], given["parts"], True)
    ordinary = days[days["kind"] == ORDINARY].index[-1]
    table = given["table"].copy()
    of_day = table["target_end_date"] == f"{ordinary:%Y-%m-%d}"
    usual_mean = days["usual"][ordinary] + lift * days["spread"][ordinary] * (100 + days["usual"][ordinary]) / 100
    table.loc[of_day, "value"] += usual_mean - days["mean"][ordinary]
    day = outlook_of(table, given["y"], given["parts"], True).loc[ordinary]
    assert day["word"] == (word if not lift else f"{word} {'busier' if lift > 0 else 'quieter'}")
    assert day["chance"] > 0.5


@pytest.mark.parametrize(
    ("off", "wide", "word"),
    [
        (0.7, 1, "a little quieter"),
        (0.7, 4, "perhaps a little quieter"),
        (2.5, 4, "clearly quieter"),
        (2.5, 9, "perhaps clearly quieter"),
        (5, 20, "perhaps far quieter"),
    ],
)
def test_perhaps_says_that_the_range_holds_a_usual_day(model, off, wide, word):
    given = inputs(model)
    before = outlook_of(given["table"], given["y"], given["parts"], True)
    lower = before["usual"] - off * before["spread"] * (1 + before["usual"] / 100)
    means = {f"{day:%Y-%m-%d}": value for day, value in lower.items()}
    ends = {"": 0.0, **{f"{level:g}": wide * end for level, end in OFF.items()}}
    table = given["table"]
    table = table.assign(value=table["target_end_date"].map(means) + table["output_type_id"].map(ends))
    days = outlook_of(table, given["y"], given["parts"], True)
    assert set(days["word"]) == {word} and (days["chance"] > 0.6).all()


@pytest.mark.parametrize(("off", "side"), [(0.7, "usual"), (-0.7, "usual"), (2.5, "usual"), (0.7, "busier")])
def test_a_side_is_said_only_if_it_is_the_likelier(model, off, side):
    """The mean lies there alone, with the larger half of what may happen on the other side; and the score says so."""
    given = inputs(model)
    before = outlook_of(given["table"], given["y"], given["parts"], True)
    a_spread = before["spread"] * (1 + before["usual"] / 100)
    middle = before["usual"] + (off if side == "busier" else -0.1 * np.sign(off)) * a_spread
    table = given["table"]
    day, is_mean = pd.to_datetime(table["target_end_date"]), table["output_type"] == "mean"
    wide = table["output_type_id"].map({"": 0.0, **{f"{level:g}": of for level, of in OFF.items()}})
    mean = day.map(before["usual"] + off * a_spread)
    table = table.assign(value=np.where(is_mean, mean, day.map(middle) + wide))
    days = outlook_of(table, given["y"], given["parts"], True)
    assert {*days["towards"]} == {side} and (side == "usual") == all(days["word"].isin(["usual", "hard to tell"]))
    scored = score(table, retail(), 3, "PT", {})
    assert {*scored["said"]} == {side} and len(scored) == 7


def test_where_nobody_is_usual_one_guest_is_not_far_busier():
    """Of a house of a guest or two, on whose Mondays mostly nobody comes."""
    given = pages.house(typical=1.0, shut=())
    y = pd.Series(2.0 + np.arange(len(given["y"])) // 7 % 3, given["y"].index, name="count")
    y = y.mask(y.index.dayofweek == 0, (np.arange(len(y)) // 7 % 5 == 0) * 2.0)
    table = given["table"].assign(value=given["table"]["value"] * 0.9 / 0.66)
    (monday,) = outlook_of(table, y, given["parts"], True)[lambda days: days.index.dayofweek == 0].itertuples()
    assert monday.usual == 0 and 0.8 < monday.mean < 1 and 50 < monday.expected < 100
    assert monday.word in ("a little busier", "clearly busier") and monday.chance > 0.9


# --- the calendar ---


def test_the_calendar_has_a_day_long_event_for_each_day_that_a_later_one_replaces(model, tmp_path):
    week = Calendar.from_ical(written(tmp_path / "a", inputs(model))["week.ics"]).events
    assert [event.start.isoformat() for event in week] == [f"2022-10-0{day}" for day in range(2, 9)]
    assert all(event["transp"] == "TRANSPARENT" and event.end - event.start == dt.timedelta(days=1) for event in week)
    assert {str(event["dtstamp"].dt) for event in week} == {"2022-10-01 00:00:00+00:00"}, "the day, not the clock"
    later = Calendar.from_ical(written(tmp_path / "b", inputs(model, origin_date="2022-10-02"))["week.ics"]).events
    assert [event["uid"] for event in week] == [event["uid"] for event in later]
    for name, others in {"c": {"model_version": "neighbour/1"}, "d": {"target": "parks"}}.items():
        content = written(tmp_path / name, inputs(model, **others))["week.ics"]
        another = {event["uid"] for event in Calendar.from_ical(content).events}
        assert not {event["uid"] for event in week} & another, "as one replaces the other"
        assert b"METHOD:PUBLISH" in content and b"X-PUBLISHED-TTL:P1D" in content, "asked for anew each day"
    assert all(now["sequence"] > before["sequence"] for before, now in zip(week, later, strict=True))
    assert "usual" in str(week[0]["summary"])
