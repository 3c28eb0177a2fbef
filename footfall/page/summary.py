"""The whole week in a few sentences: what is out of the ordinary, what is left to say, and all days together."""

import pandas as pd

from footfall.outlook import CLOSED, PERHAPS, UNSURE, USUAL
from footfall.page.translations import Language, first_up
from footfall.series import WEEK
from footfall.typical import departure


def summary(days: pd.DataFrame, language: Language) -> tuple[str, str]:
    """The whole week in a sentence, what is out of the ordinary, the largest first; and what is left to say of it."""
    is_open = days["word"] != CLOSED
    ordered = days[is_open].sort_values("expected", key=abs, ascending=False, kind="stable")
    words = list(dict.fromkeys(ordered["word"]))
    shut = "" if is_open.all() else _sentence(days, CLOSED, language)
    if len(words) < 2:
        if not words:
            return language.say("all closed"), ""
        alike = "all alike" if is_open.all() else "all open alike"
        return language.say(alike, word=language.say(words[0])), shut
    unusual = [word for word in words if word != USUAL]
    sentences = {word: _sentence(days, word, language) for word in unusual}
    doubt = " ".join(sentences.pop(word) for word in unusual if word == UNSURE or word.startswith(PERHAPS))
    rest = language.say("rest usual") if USUAL in words else ""
    return " ".join(sentences.values()) or language.say("mostly usual"), " ".join(filter(None, [doubt, shut, rest]))


def _sentence(days: pd.DataFrame, word: str, language: Language) -> str:
    return first_up(language.say("word and days", word=language.say(word), days=_names(days, word, language)))


def _names(days: pd.DataFrame, word: str, language: Language) -> str:
    """The days of a word; three and more in a row by the first and the last of them."""
    matching = days["word"] == word
    form = "spoken weekday" if len(days) <= WEEK else "weekday and date"
    by_run = days[matching].groupby((~matching).cumsum()[matching])
    runs = [[language.dated(day, form) for day in run.index] for _, run in by_run]
    short = [[language.say("from to", first=run[0], last=run[-1])] if len(run) > 2 else run for run in runs]
    return language.listed([text for run in short for text in run])


def together(days: pd.DataFrame, y: pd.Series, language: Language) -> str:
    """All open days against as many usual ones; `y` is the series they continue."""
    shut = (days["word"] == CLOSED).any()
    number = language.percent(departure(days["mean"].mean(), days["usual"].mean(), y))
    amount = language.amount(days["mean"].sum())
    return language.say("together open" if shut else "together", number=number, amount=amount)
