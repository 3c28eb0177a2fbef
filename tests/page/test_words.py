"""The week in words, in five languages, of the page's own sentences; and when there is something new to tell."""

import datetime as dt
import html
import json
import re

import pandas as pd
import pytest
from pages import house, inputs, model, written

from footfall.page.about import About
from footfall.page.summary import _names, summary
from footfall.page.translations import languages
from footfall.page.words import _plainly, is_news, of_places, without_forecast

MONDAY = dt.date(2022, 10, 3)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """What the sample's notebook leaves as of 1 October 2022, and a house shut on Mondays and on a day it says."""
    out = tmp_path_factory.mktemp("words")
    sample, own = inputs(model()), house(closures={"dates": ["2026-10-14"]})
    for name, given in {"sample": sample, "own": own}.items():
        written(out / name, given)
    return {name: json.loads((out / name / "words.json").read_text()) for name in ("sample", "own")}


SAYS = {
    "en": ("How busy: Portugal", "Wednesday, 5 October – ", "public holiday, Republic Day"),
    "pt": ("Movimento: Portugal", "Quarta-feira, 5 de outubro – ", "feriado, Implantação da República"),
    "es": ("Afluencia: Portugal", "Miércoles, 5 de octubre – ", "festivo"),
    "fr": ("Fréquentation : Portugal", "Mercredi 5 octobre – ", "jour férié"),
    "de": ("Was ist los: Portugal", "Mittwoch, 5. Oktober – ", "Feiertag"),
}


@pytest.mark.parametrize("language", SAYS)
def test_the_week_is_told_in_the_readers_language(language, words):
    message, (_, day, why) = words["sample"]["messages"][language], SAYS[language]
    headline, days, made = message["text"].split("\n\n")
    assert "Portugal" in message["subject"] and "Footfall" not in message["subject"]
    assert len(days.splitlines()) == 7 and "{" not in message["text"]
    (holiday,) = [line for line in days.splitlines() if line.startswith(day)]
    assert why in holiday and "2022" in made and "%" in headline


def test_each_sentence_of_the_message_stands_on_the_page(words, tmp_path):
    page = written(tmp_path, inputs(model()))["index.html"].decode().replace("‑", "-")
    headline, _, made = words["sample"]["messages"]["en"]["text"].split("\n\n")
    for sentence in (*headline.splitlines(), made):
        assert sentence in page, sentence


def test_the_message_has_every_warning_of_its_page(tmp_path):
    given = house(standing="young", known_days=40)
    y = given["y"]
    lifted = y.where(y.index <= y.index[-1] - pd.Timedelta(weeks=5), y * 1.8)[: y.index[-1] - pd.Timedelta(days=9)]
    page = written(tmp_path, given | {"y": lifted})["index.html"].decode()
    notes = re.findall(r'"note">(.*?)</p>', page[page.index('<main lang="en"') :].partition("</main>")[0])
    paragraphs = json.loads((tmp_path / "words.json").read_text())["messages"]["en"]["text"].split("\n\n")
    assert len(notes) == 3 and paragraphs[1] == html.unescape("\n".join(notes)) and len(paragraphs) == 4


@pytest.mark.parametrize(
    ("days", "closures", "is_told"),
    [
        (40, None, True),
        (14, None, False),
        (40, {"weekdays": ["friday"]}, True),  # of the first coming day
        (40, {"from_to": [["2026-09-01", "2026-10-10"]]}, False),
        (40, {"from_to": [["2026-08-20", "2026-10-08"]]}, False),  # and over by then
    ],
)
def test_a_house_that_wrote_zeros_for_weeks_is_told_that_it_is_taken_as_closed(days, closures, is_told, tmp_path):
    """Once, on its page and in its message; where its owner said so, not."""
    given = house(shut=(), closures=closures)
    y = given["y"].copy()
    y[-days:] = float("nan")
    page = written(tmp_path, given | {"y": y})["index.html"].decode()
    messages = json.loads((tmp_path / "words.json").read_text())["messages"]
    for language in languages("counts"):
        since = language.date(y.index[-days - 1], year=False)
        note = language.say("empty", day=since)
        assert (html.escape(note) in page) == (note in messages[language.short]["text"]) == is_told
    assert "last days" not in page and "stand still" not in page


@pytest.mark.parametrize(
    ("language", "usual", "names"),
    [
        ("en", ".####.#", "Saturday to Tuesday; Thursday"),
        ("en", "###..##", "Friday to Sunday; Wednesday and Thursday"),
        ("en", "#.####.", "Friday and Sunday to Wednesday"),
        ("en", "#....#.", "Friday and Wednesday"),
        ("fr", ".####.#..", "du samedi 10 octobre au mardi 13 octobre\u00a0; jeudi 15 octobre"),
    ],
)
def test_days_in_a_row_are_told_apart_from_those_after_them(language, usual, names):
    """What follows a row of days could as well be its end."""
    index = pd.date_range("2026-10-09", periods=len(usual))
    days = pd.DataFrame({"word": [{"#": "usual", ".": "far busier"}[day] for day in usual]}, index)
    (own,) = [each for each in languages("counts") if each.short == language]
    assert _names(days, "usual", own) == names


def test_of_more_than_one_open_day_every_one_may_be_alike():
    days = pd.DataFrame({"word": ["usual", "usual", "closed"], "expected": 1.0}, pd.date_range("2026-10-09", periods=3))
    (english,) = [each for each in languages("counts") if each.short == "en"]
    assert summary(days, english) == ("Every open day about as busy as usual.", "Closed: Sunday.")
    assert summary(days[:2], english) == ("Every day about as busy as usual.", "")


@pytest.mark.parametrize(
    ("week", "headline", "rest"),
    [
        ({"usual": 2, "closed": None}, "About as busy as usual: Friday.", "Closed: Saturday."),
        ({"far busier": 50}, "Far busier than usual: Friday.", ""),
        ({"usual": 2, "far quieter": -40, "clearly busier": 20}, "Far quieter than usual: Saturday. "
         "Clearly busier than usual: Sunday.", "The other days: about as busy as usual."),
        ({"usual": 2, "hard to tell": 9}, "Near usual.", "Near usual, but hard to tell: Saturday. "
         "The other days: about as busy as usual."),
        ({"far busier": 50, "perhaps a little busier": 9, "closed": None}, "Far busier than usual: Friday.",
         "Perhaps a little busier than usual: Saturday. Closed: Sunday."),
        ({"perhaps far busier": 50, "clearly busier": 20}, "Clearly busier than usual: Saturday.",
         "Perhaps far busier than usual: Friday."),
        ({"perhaps far busier": 50, "usual": 2}, "Perhaps far busier than usual: Friday.",
         "The other days: about as busy as usual."),
    ],
)  # fmt: skip
def test_what_is_out_of_the_ordinary_comes_first_and_what_is_in_doubt_among_the_rest(week, headline, rest):
    days = pd.DataFrame({"word": [*week], "expected": [*week.values()]}, pd.date_range("2026-10-09", periods=len(week)))
    (english,) = [each for each in languages("counts") if each.short == "en"]
    assert summary(days, english) == (headline, rest)


def test_a_closed_day_says_why_and_has_no_number(words):
    lines = words["own"]["messages"]["en"]["text"].split("\n\n")[1].splitlines()
    closed = [line for line in lines if "losed" in line]
    assert closed == ["Monday, 12 October – Always closed on Mondays", "Wednesday, 14 October – Closed, as you said"]
    assert all("about" in line and "guests" in line for line in lines if line not in closed)
    assert words["own"]["days"]["2026-10-12"] == words["own"]["days"]["2026-10-14"] == "closed"


@pytest.mark.parametrize("language", languages("counts"), ids=lambda language: language.short)
def test_of_several_places_each_says_its_closed_days_and_its_numbers_and_one_when_it_was_made(language, words):
    own, none = words["own"], without_forecast(pd.date_range("2026-10-09", periods=7), [language])
    late = {"days": {}, "messages": {language.short: {"text": "X.\n\nday by day\n\nmade of others."}}}
    places = {(name, "count"): each for name, each in {"Foz": late, "Baixa": own, "Alfama": own, "Nova": none}.items()}
    sent = of_places(places, {language.short: {key: key[0] for key in places}}, [language], About("Tascas"))
    week, _, made = own["messages"][language.short]["text"].split("\n\n")
    foz, baixa, alfama, nova, *rest = sent["messages"][language.short]["text"].splitlines()
    colon = language.say("colon")
    assert baixa == f"Baixa{colon}{' '.join(week.splitlines())}" and alfama.startswith(f"Alfama{colon}")
    monday = language.dated(pd.Timestamp("2026-10-12"), "spoken weekday")
    assert language.say("closed") in baixa.lower() and monday in baixa
    assert any(digit.isdigit() for digit in baixa), "all days together"
    assert foz == f"Foz{colon}X. made of others." and nova == f"Nova{colon}{language.say('no forecast')}."
    assert rest == ["", made] and sent["messages"][language.short]["subject"].endswith(f"{colon}Tascas")
    assert sent["days"]["Baixa count 2026-10-12"] == "closed"
    assert sent["days"]["Nova count 2026-10-12"] == "no forecast"
    unnamed = of_places(places, {language.short: {key: key[0] for key in places}}, [language], About())
    assert unnamed["messages"][language.short]["subject"].endswith(f"{colon}Foz, Baixa, Alfama")
    assert of_places({}, {}, [language], About()) == {"days": {}, "messages": {}}


@pytest.mark.parametrize("language", languages("counts"), ids=lambda language: language.short)
def test_of_several_places_each_says_what_its_page_warns_of_and_what_all_warn_of_is_said_once(language):
    texts = {
        "Baixa": "X.\n\nUnproven.\nLate.\n\ndays\n\nmade.",
        "Foz": "Y.\n\nUnproven.\n\ndays\n\nmade.",
        "Nova": "None.",
    }
    places = {
        (name, "count"): {"days": {}, "messages": {language.short: {"text": text}}} for name, text in texts.items()
    }
    sent = of_places(places, {language.short: {key: key[0] for key in places}}, [language], About("Tascas"))
    colon = language.say("colon")
    lines = [f"Baixa{colon}X. Late.", f"Foz{colon}Y.", f"Nova{colon}None.", "", "Unproven.", "made."]
    assert sent["messages"][language.short]["text"].splitlines() == lines
    alone = {key: each for key, each in places.items() if key[0] == "Foz"}
    sent = of_places(alone, {language.short: {key: key[0] for key in alone}}, [language], About("Tascas"))
    assert sent["messages"][language.short]["text"].splitlines()[0] == f"Foz{colon}Y. Unproven."


def test_what_a_page_of_one_place_warns_of_stands_behind_its_name_in_the_message_of_several(tmp_path):
    both = {"Baixa": house(), "Foz": house(standing="young", known_days=40)}
    for name, given in both.items():
        written(tmp_path / name, given)
    told = {(name, "count"): json.loads((tmp_path / name / "words.json").read_text()) for name in both}
    english = [language for language in languages("counts") if language.short == "en"]
    sent = of_places(told, {"en": {key: key[0] for key in told}}, english, About("Tascas"))
    baixa, foz, *_ = sent["messages"]["en"]["text"].splitlines()
    assert "40 days" in foz and "The forecast grows surer" in foz and "surer" not in baixa


PICTURE = {"2022-10-04": "usual", "2022-10-05": "clearly busier"}


@pytest.mark.parametrize(
    ("before", "weekdays", "is_told"),
    [
        ({}, ["monday"], True),
        ({}, ["sunday"], True),
        ({}, [], True),
        ({"as_of": "2022-10-02", "days": {"2022-09-26": "usual"}}, [], True),
        ({"as_of": "2022-10-02", "days": {f"Baixa {day}": word for day, word in PICTURE.items()}}, [], True),
        ({"as_of": "2022-10-02", "days": PICTURE}, [], False),
        ({"as_of": "2022-10-02", "days": PICTURE}, ["monday"], True),
        ({"as_of": "2022-10-03", "days": PICTURE}, ["monday"], False),
        ({"as_of": "2022-10-02", "days": PICTURE}, ["sunday"], False),
        ({"as_of": "2022-10-01", "days": PICTURE}, ["sunday"], True),
        ({"as_of": "2022-10-01", "days": PICTURE}, ["saturday", "tuesday"], False),
        ({"as_of": "2022-09-20", "days": PICTURE}, ["friday"], True),
        ({"as_of": "2022-10-04", "days": PICTURE}, ["monday"], False),
        ({"as_of": "2022-10-02", "days": PICTURE | {"2022-10-05": "usual"}}, ["sunday"], True),
        ({"as_of": "2022-10-03", "days": PICTURE | {"2022-10-05": "closed"}}, ["monday"], True),
        ({"as_of": "2022-10-02", "days": {"2022-10-03": "far busier", "2022-10-04": "usual"}}, ["sunday"], False),
    ],
)
def test_a_week_is_told_on_its_day_and_again_only_if_its_picture_changed(before, weekdays, is_told):
    assert is_news(PICTURE, before, MONDAY, weekdays) == is_told


def test_what_is_only_perhaps_otherwise_changes_no_picture():
    from footfall.page.words import _plainly

    assert [*map(_plainly, ["perhaps a little busier", "hard to tell", "usual", "a little busier", "closed"])] == [
        "usual", "usual", "usual", "a little busier", "closed"]  # fmt: skip


def test_the_picture_has_every_day_of_the_forecast(words):
    assert list(words["sample"]["days"]) == [f"{day:%F}" for day in pd.date_range("2022-10-02", periods=7)]


def test_what_leads_the_page_is_news_though_it_is_perhaps_so():
    words = {"perhaps a little busier": "usual", "perhaps far busier": "far busier", "hard to tell": "usual"}
    assert {word: _plainly(word) for word in words} == words
