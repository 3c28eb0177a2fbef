"""The owner's page: how busy the coming days will be, in words first; and the same as a calendar.

Everything on it comes from the published table, the series and what lay beside them: the same inputs give the same
bytes. It asks no other host for anything, and is read in any of the languages in ``locale/``.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from footfall.calendar import country_of
from footfall.evaluation.review import LATELY
from footfall.outlook import CLOSED, PERHAPS, UNSURE, USUAL, outlook, ranges
from footfall.page.about import About
from footfall.page.bars import bars
from footfall.page.chart import draw
from footfall.page.ical import calendar_file
from footfall.page.reasons import because, closed_because, shared_reasons
from footfall.page.translations import ENGLISH, Language, first_up, languages, leading
from footfall.series import WEEK
from footfall.typical import departure
from footfall.units import COUNTS, UNITS, unit_of

LATE = 3  # days beyond the usual lag before the page says that the figures stand still
ATTRIBUTION = 'Google LLC "Google COVID-19 Community Mobility Reports".'
FOLDER = Path(__file__).parent
ADDRESS = "https://www.google.com/covid19/mobility/"


class Period(BaseModel):
    """How some days were forecast: the share inside the 80 % range, and the share of statements that were right."""

    model_config = ConfigDict(extra="ignore")
    days: int = 0
    range_held: float | None = None
    right: float | None = None


class Track(BaseModel):
    """How often earlier statements came true, up to a day; what is not known is not said."""

    model_config = ConfigDict(extra="ignore")
    through: dt.date
    lately: Period = Field(Period(), validation_alias=str(LATELY))


def read_tracks(path: str | Path) -> dict[str, Track]:
    """The track records laid down for the notebook, by location and target; without any that the page does not know."""
    tracks = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return {name: track for name, each in tracks.items() if (track := _track(each))}


def _track(record: Any) -> Track | None:
    try:
        return Track.model_validate(record)
    except ValidationError:
        return None


def write_page(
    table: pd.DataFrame,
    y: pd.Series,
    parts: pd.DataFrame,
    logarithms: bool,
    lag: int,
    track: Track | None,
    folder: str | Path,
    about: About = About(),  # noqa: B008  immutable
    closed: pd.Series | None = None,
) -> None:
    """Write ``index.html`` and, in each language, a calendar such as ``week.ics`` beside the published table.

    Parameters
    ----------
    table : DataFrame
        The published table.
    y : Series
        The series it continues, as published.
    parts, logarithms
        From `footfall.models.contributions`: what each day adds up from.
    lag : int
        Days between a day and its publication, as is usual for the source.
    track : Track or None
        From `read_tracks`.
    folder : str or Path
        Where they go: that of the published table, or one of the place's own below it.
    about : About
        What the market says of itself.
    closed : Series of str, optional
        Why the place is shut on each day, from `footfall.opening.foreseen`; nothing where it is open.
    """
    days, into = outlook(table, y, parts, logarithms, closed), Path(folder)
    (into / "index.html").write_text(page(table, y, days, lag, track, about), encoding="utf-8")
    for language in about.languages(table["target"].iloc[0], days):
        (into / language.say("calendar file")).write_bytes(calendar_file(table, days, about, language))


def page(
    table: pd.DataFrame,
    y: pd.Series,
    days: pd.DataFrame,
    lag: int,
    track: Track | None,
    about: About = About(),  # noqa: B008
) -> str:
    """The page's HTML; `days` from `footfall.outlook.outlook`, the rest as in `write_page`."""
    first, origin, is_open = table.iloc[0], pd.Timestamp(table["origin_date"].iloc[0]), days["word"] != CLOSED
    country, unit, script = country_of(first["location"]), unit_of(first["target"]), text_of("page.js.j2")
    shared = {
        "days": days, "first": first, "made": origin, "through": y.index[-1], "country": country, "track": track,
        "still": (origin - y.index[-1]).days > lag + LATE, "last": f"{days.index[-1]:%Y-%m-%d}",
        "counts": unit is COUNTS, "open": days[is_open], "bars": dict(zip(days.index, bars(days, unit), strict=True)),
        "together": departure(days["mean"].mean(), days["usual"].mean(), y), "alike": shared_reasons(days[is_open]),
        "busiest": days["mean"].idxmax() if is_open.any() else None, "about": about,
        "attribution": ATTRIBUTION, "address": ADDRESS, "script": script, "allowed": digest_of(script),
    }  # fmt: skip
    offered = about.languages(first["target"], days)
    charts = {language.tag: draw(y, days, ranges(table).where(is_open), language) for language in offered}
    leader = leading(offered, country)
    ordered = sorted(offered, key=lambda language: (language != leader, language.tag != ENGLISH, language.tag))
    return template().render(shared, languages=ordered, leading=leader, charts=charts)


def summary(days: pd.DataFrame, language: Language) -> tuple[str, str]:
    """The whole week in a sentence, what is out of the ordinary, the largest first; and what is left to say of it."""
    is_open = days["word"] != CLOSED
    ordered = days[is_open].sort_values("expected", key=abs, ascending=False, kind="stable")
    words = list(dict.fromkeys(ordered["word"]))
    shut = "" if is_open.all() else _sentence(days, CLOSED, language)
    if len(words) < 2:
        alike = (
            language.say("all alike" if is_open.all() else "all open alike", word=language.say(words[0]))
            if words
            else ""
        )
        return alike or language.say("all closed"), shut if words else ""
    unusual = [word for word in words if word != USUAL]
    sentences = {word: _sentence(days, word, language) for word in unusual}
    doubt = " ".join(sentences.pop(word) for word in unusual if word == UNSURE or word.startswith(PERHAPS))
    rest = language.say("rest usual") if USUAL in words else ""
    return " ".join(sentences.values()) or language.say("mostly usual"), " ".join(filter(None, [doubt, shut, rest]))


def _sentence(days: pd.DataFrame, word: str, language: Language) -> str:
    names = _names(days, word, language)
    return first_up(language.say("word and days", word=language.say(word), days=names))


def _names(days: pd.DataFrame, word: str, language: Language) -> str:
    """The days of a word; three and more in a row by the first and the last of them."""
    matching = days["word"] == word
    name = language.spoken_weekday if len(days) <= WEEK else language.weekday_and_date
    runs = [[name(day) for day in run.index] for _, run in days[matching].groupby((~matching).cumsum()[matching])]
    short = [[language.say("from to", first=run[0], last=run[-1])] if len(run) > 2 else run for run in runs]
    return language.listed([text for run in short for text in run])


def _unbroken(text: str) -> str:
    """Weekdays that are not torn at their hyphen."""
    return text.replace("-", "\N{NON-BREAKING HYPHEN}")


def _breakable(text: str) -> str:
    """A number that may be torn where its word begins, as in ``1,2 Mio.``; its digits stay together."""
    return re.sub(r"\s(?=\D)", " ", text)


@cache
def template(name: str = "page.html.j2") -> Template:
    """The page's template, its catalogues read: that takes longer than filling it in, so a waiting kernel does it."""
    strict: dict[str, Any] = {"autoescape": True, "undefined": StrictUndefined}
    templates = Environment(loader=FileSystemLoader(FOLDER), trim_blocks=True, lstrip_blocks=True, **strict)
    templates.globals |= {"summary": summary, "because": because, "closed_because": closed_because}
    templates.filters |= {"first_up": first_up, "unbroken": _unbroken, "breakable": _breakable}
    for unit in UNITS:
        languages(unit)
    return templates.get_template(name)


def text_of(file: str) -> str:
    """A script beside this module."""
    return (FOLDER / file).read_text(encoding="utf-8").strip()


def digest_of(script: str) -> str:
    """What the page's own rules name its one script by, so that no other can run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
