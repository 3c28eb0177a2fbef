"""The whole week in a few sentences: what is out of the ordinary, what is left, all days together, its weak points."""

from itertools import groupby

import pandas as pd

from footfall.outlook import CLOSED, PERHAPS, SMALL, UNSURE, USUAL
from footfall.page.about import About
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
        if is_open.sum() == 1:
            return _sentence(days, words[0], language), shut
        alike = "all alike" if is_open.all() else "all open alike"
        return language.say(alike, word=language.say(words[0])), shut
    unusual = [word for word in words if word != USUAL]
    sentences = {word: _sentence(days, word, language) for word in unusual}
    doubt = [word for word in unusual if word == UNSURE or word.startswith(PERHAPS)]
    large = [word for word in doubt if word != UNSURE and not word.startswith(f"{PERHAPS} {SMALL}")]
    first = [word for word in unusual if word not in doubt] or large
    then = " ".join(sentences[word] for word in unusual if word not in first)
    rest = language.say("rest usual") if USUAL in words else ""
    headline = " ".join(sentences[word] for word in first) or language.say("mostly usual")
    return headline, " ".join(filter(None, [then, shut, rest]))


def _sentence(days: pd.DataFrame, word: str, language: Language) -> str:
    return first_up(language.say("word and days", word=language.say(word), days=_names(days, word, language)))


def _names(days: pd.DataFrame, word: str, language: Language) -> str:
    """The days of a word; three and more in a row by the first and the last of them."""
    form = "spoken weekday" if len(days) <= WEEK else "weekday and date"
    by_run = groupby(days["word"].items(), key=lambda item: item[1] == word)
    runs = [[language.dated(day, form) for day, _ in run] for is_its, run in by_run if is_its]
    span = "from to" if len(days) <= WEEK else "from to dates"
    short = [[language.say(span, first=run[0], last=run[-1])] if len(run) > 2 else run for run in runs]
    if short[:-1] == runs[:-1] and len(days) <= WEEK:
        return language.listed([text for run in short for text in run])
    return language.say("semicolon").join(map(language.listed, short))  # what follows is no end of a span or of a date


def together(days: pd.DataFrame, y: pd.Series, language: Language) -> str:
    """All open days against as many usual ones; of one alone, nothing. `y` is the series they continue."""
    shut = days["word"] == CLOSED
    if (~shut).sum() < 2:
        return ""
    number = language.percent(departure(days["mean"].mean(), days["usual"].mean(), y))
    amount = language.amount(days["mean"].sum())
    return language.say("together open" if shut.any() else "together", number=number, amount=amount)


def notes(
    through: pd.Timestamp,
    is_still: bool,
    since: pd.Timestamp | None,
    shift: tuple[pd.Timestamp, float] | None,
    about: About,
    language: Language,
) -> list[str]:
    """The weak points of a forecast, a sentence each.

    Parameters
    ----------
    through : Timestamp
        The last day that is known.
    is_still : bool
        Whether nothing came after it for longer than usual.
    since : Timestamp, optional
        The last day on which anybody came, where it has been shut since, and nobody said so.
    shift : (Timestamp, float), optional
        From `footfall.level_shifts.latest_shift`.
    about : About
        What the market says of itself: whether it is young, or its model unproven.
    language : Language
        Of the sentences.
    """
    sentences = []
    if about.standing == "young":
        sentences.append(language.say("young", days=str(about.known_days)))
    elif about.standing == "unproven":
        sentences.append(language.say("unproven"))
    if shift:
        day, times = shift
        more = language.percent(100 * (times - 1))
        sentences.append(language.say("another level", day=language.date(day), number=more))
    if is_still:
        sentences.append(language.say("still", through=language.date(through)))
    elif since is not None:
        sentences.append(language.say("empty", day=language.date(since, year=False)))
    return sentences
