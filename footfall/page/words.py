"""The week in words, for whoever does not open the page: a message a language, of the page's own sentences."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from footfall.calendar import country_of
from footfall.opening import WEEKDAYS
from footfall.outlook import CLOSED, PERHAPS, SMALL, UNSURE, USUAL
from footfall.page.about import About
from footfall.page.ical import in_short
from footfall.page.reasons import because, closed_because
from footfall.page.summary import summary, together
from footfall.page.translations import Language, first_up
from footfall.selection import Key
from footfall.series import WEEK


def in_words(
    table: pd.DataFrame,
    days: pd.DataFrame,
    y: pd.Series,
    about: About,
    notes: Callable[[Language], Sequence[str]],
) -> dict[str, Any]:
    """What a notebook leaves for who sends it.

    Parameters
    ----------
    table : DataFrame
        The published table.
    days : DataFrame
        From `footfall.outlook.outlook`.
    y : Series
        The series they continue.
    about : About
        What the market says of itself.
    notes : callable
        The forecast's weak points in a language, see `footfall.page.summary.notes`.

    Returns
    -------
    dict
        ``days``, the picture: a word for each ISO day; ``messages``, by language (``pt``), ``subject`` and ``text``.
    """
    first, offered = table.iloc[0], about.languages(table["target"].iloc[0], days)
    messages = {language.short: _message(first, days, y, about, notes(language), language) for language in offered}
    return {"days": {f"{day:%F}": _plainly(word) for day, word in days["word"].items()}, "messages": messages}


def without_forecast(days: pd.DatetimeIndex, offered: Sequence[Language]) -> dict[str, Any]:
    """`in_words` of a place that has no forecast of some days, in the languages offered: that it has none."""
    messages = {language.short: {"text": f"{language.say('no forecast')}."} for language in offered}
    return {"days": {f"{day:%F}": "no forecast" for day in days}, "messages": messages}


def of_places(
    words: Mapping[Key, dict[str, Any]],
    names: Mapping[str, Mapping[Key, str]],
    offered: Sequence[Language],
    about: About,
) -> dict[str, Any]:
    """`in_words` of several places together: the week of each in its sentences, and once below when it was made.

    A place whose figures end on another day than most says so itself, and so does one whose page warns of something.

    Parameters
    ----------
    words : mapping of (location, category) to dict
        From `in_words` or `without_forecast`; empty where there are more places than have a page each.
    names : mapping of str to mapping of (location, category) to str
        By language (``pt``), what each place is called.
    offered : sequence of Language
        Those of the messages.
    about : About
        What the market says of itself.
    """
    messages = {}
    for language in offered if words else []:
        called = names[language.short]
        texts = {called[key]: each["messages"][language.short]["text"].split("\n\n") for key, each in words.items()}
        subject = language.say("calendar name", place=about.name or ", ".join([*texts][:3]))
        messages[language.short] = {"subject": subject, "text": _of_places(texts, language)}
    days = {f"{' '.join(key)} {day}": word for key, each in words.items() for day, word in each["days"].items()}
    return {"days": days, "messages": messages}


def _of_places(texts: Mapping[str, Sequence[str]], language: Language) -> str:
    """A line each of what paragraphs say: the week, the first of them, and a place's own warnings after it.

    What all forecasts warn of, and when most were made, the last of paragraphs, is said once below.
    """
    made = Counter(paragraphs[-1] for paragraphs in texts.values() if len(paragraphs) > 1)
    usual = made.most_common(1)[0][0]
    warned = {name: _warnings(paragraphs) for name, paragraphs in texts.items()}
    every = [warned[name] for name, paragraphs in texts.items() if len(paragraphs) > 1]
    shared = [note for note in every[0] if len(every) > 1 and all(note in notes for notes in every)]
    lines = []
    for name, (week, *rest) in texts.items():
        own = [note for note in [*warned[name], *rest[-1:]] if note not in [*shared, usual]]
        lines.append(f"{name}{language.say('colon')}{' '.join([*week.splitlines(), *own])}")
    return "\n".join(lines) + "\n\n" + "\n".join([*shared, usual])


def _warnings(paragraphs: Sequence[str]) -> list[str]:
    """The forecast's weak points, which stand between the week and its days where there are any."""
    return [line for paragraph in paragraphs[1:-2] for line in paragraph.splitlines()]


def is_news(picture: Mapping[str, str], before: Mapping[str, Any], as_of: dt.date, weekdays: Sequence[str]) -> bool:
    """Whether a week is to be told: nothing of it was yet, its day is one of those named, or what was told has changed.

    Parameters
    ----------
    picture : mapping of str to str
        A word for each ISO day, from `in_words`.
    before : mapping
        What was told the last time: ``as_of`` and its ``days``; empty where nothing was.
    as_of : date
        The day of the forecast.
    weekdays : sequence of str
        Those on which the week is told whatever it is; if it was not, on the next day.
    """
    days = before.get("days")
    if not days or days.keys().isdisjoint(picture):
        return True
    changed = any(days.get(day, word) != word for day, word in picture.items())
    since = (as_of - dt.date.fromisoformat(before["as_of"])).days
    lately = {WEEKDAYS[(as_of - dt.timedelta(days=back)).weekday()] for back in range(min(since, WEEK))}
    return changed or not lately.isdisjoint(weekdays)


def _plainly(word: str) -> str:
    """A little that is only perhaps so counts as usual: it would change its word every other day."""
    is_usual = word == UNSURE or word.startswith(f"{PERHAPS} {SMALL}")
    return USUAL if is_usual else word.removeprefix(f"{PERHAPS} ")


def _message(
    first: Any, days: pd.DataFrame, y: pd.Series, about: About, notes: Sequence[str], language: Language
) -> dict[str, str]:
    week = [*summary(days, language), together(days, y, language)]
    made = language.say("made", made=language.date(pd.Timestamp(first["origin_date"])),
                        through=language.date(y.index[-1], year=False))  # fmt: skip
    lines = [_line(day, country_of(first["location"]), language) for day in days.itertuples()]
    paragraphs = ["\n".join(filter(None, sentences)) for sentences in (week, notes, lines, [made])]
    text = "\n\n".join(filter(None, paragraphs))
    place = about.place(first["location"], language)
    return {"subject": language.say("calendar name", place=place), "text": text}


def _line(day: Any, country: str, language: Language) -> str:
    """``Friday, 14 October – Clearly busier than usual (+9%); public holiday``; of a closed day, why."""
    name = first_up(language.weekday_and_date(day.Index))
    if day.word == CLOSED:
        return f"{name} – {first_up(closed_because(day.Index, day.closed, country, language))}"
    why = [because(day.Index, day.reasons, country, language)] if day.reasons else []
    return f"{name} – {language.say('semicolon').join([in_short(day, language), *why])}"
