"""The owner's page: how busy the coming days will be, in words first; and the same as a calendar.

Everything on it comes from the published table, the series and what lay beside them: the same inputs give the same
bytes. It asks no other host for anything, and is read in any of the languages in ``locale/``.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import BaseModel, Field, ValidationError

from footfall.calendar import country_of
from footfall.evaluation.review import LATELY
from footfall.level_shifts import latest_shift
from footfall.opening import empty_since
from footfall.outlook import CLOSED, ranges
from footfall.page.about import About
from footfall.page.bars import bars
from footfall.page.chart import draw
from footfall.page.ical import calendar_file
from footfall.page.reasons import because, closed_because, shared_reasons
from footfall.page.summary import notes, summary, together
from footfall.page.translations import ENGLISH, Language, first_up, languages, leading
from footfall.page.words import in_words
from footfall.series import WEEK
from footfall.sources.weather import SOURCE
from footfall.typical import WEEKS
from footfall.units import COUNTS, UNITS, unit_of

EMPTY = 2 * WEEK  # days without anybody, beyond which the page says that the place is taken as closed
LATE = 3  # days beyond the usual lag before the page says that the figures stand still
ATTRIBUTION = 'Google LLC "Google COVID-19 Community Mobility Reports".'
FOLDER = Path(__file__).parent
ADDRESS = "https://www.google.com/covid19/mobility/"


class Period(BaseModel):
    """How some days were forecast: the share inside the 80 % range, and the share of statements that were right."""

    days: int = 0
    range_held: float | None = None
    right: float | None = None


class Track(BaseModel):
    """How often earlier statements came true, up to a day; what is not known is not said."""

    through: dt.date
    lately: Period = Field(Period(), validation_alias=str(LATELY))


def read_tracks(path: str | Path) -> dict[str, Track]:
    """The track records laid down for the notebook, by location and target; without any that the page does not know."""
    tracks: dict[str, Track] = {}
    for name, record in json.loads(Path(path).read_text(encoding="utf-8")).items() if path else ():
        with suppress(ValidationError):
            tracks[name] = Track.model_validate(record)
    return tracks


def write_page(
    table: pd.DataFrame, y: pd.Series, days: pd.DataFrame, lag: int, track: Track | None, folder: Path, about: About,
    closures: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Write ``index.html`` and, in each language, a calendar such as ``week.ics`` beside the published table.

    Parameters
    ----------
    table : DataFrame
        The published table.
    y : Series
        The series it continues, as published.
    days : DataFrame
        From `footfall.outlook.outlook`.
    lag : int
        Days between a day and its publication, as is usual for the source; and those since on which the place was shut.
    track : Track or None
        From `read_tracks`.
    folder : Path
        Where they go: that of the published table, or one of the place's own below it.
    about : About
        What the market says of itself.
    closures : dict
        What its file and its owner's events say of days, see `footfall.events.among`.

    Returns
    -------
    dict
        The same in words, see `footfall.page.words.in_words`.
    """
    first, through = table.iloc[0], y.index[-1]
    offered = about.languages(first["target"], days)
    is_still = (pd.Timestamp(first["origin_date"]) - through).days > lag + LATE
    tells_steps = unit_of(first["target"]) is not COUNTS or not offered[0].fine  # a guest more or less is no step
    since = empty_since(y, EMPTY, closures)
    warnings = partial(notes, through, is_still, since, latest_shift(y, WEEKS * WEEK) if tells_steps else None, about)
    (folder / "index.html").write_text(_page(table, y, days, track, about, offered, warnings), encoding="utf-8")
    for language in offered:
        (folder / language.say("calendar file")).write_bytes(calendar_file(table, days, about, language))
    return in_words(table, days, y, about, warnings)


def _page(
    table: pd.DataFrame,
    y: pd.Series,
    days: pd.DataFrame,
    track: Track | None,
    about: About,
    offered: Sequence[Language],
    warnings: Callable[[Language], list[str]],
) -> str:
    """The page's HTML; parameters as in `write_page`, its languages, and the forecast's weak points in one of them."""
    first, origin, is_open = table.iloc[0], pd.Timestamp(table["origin_date"].iloc[0]), days["word"] != CLOSED
    country, unit, script = country_of(first["location"]), unit_of(first["target"]), text_of("page.js.j2")
    shared = {
        "days": days, "first": first, "made": origin, "through": y.index[-1], "country": country, "track": track,
        "notes": warnings, "last": f"{days.index[-1]:%Y-%m-%d}",
        "counts": unit is COUNTS, "open": days[is_open], "bars": dict(zip(days.index, bars(days, unit), strict=True)),
        "together": partial(together, days, y), "alike": shared_reasons(days[is_open]),
        "busiest": days["mean"].idxmax() if is_open.any() else None, "about": about,
        "script": script, "allowed": digest_of(script),
    }  # fmt: skip
    quantiles = ranges(table).where(is_open)
    charts = {language.tag: draw(y, days, quantiles, language) for language in offered}
    leader = leading(offered, country)
    ordered = sorted(offered, key=lambda language: (language != leader, language.tag != ENGLISH, language.tag))
    return template().render(shared, languages=ordered, leading=leader, charts=charts)


def _unbroken(text: str) -> str:
    """Weekdays that are not torn at their hyphen."""
    return text.replace("-", "\N{NON-BREAKING HYPHEN}")


def _breakable(text: str) -> str:
    """A number that may be torn where its word begins, as in ``1,2 Mio.``; its digits stay together."""
    return re.sub(r"\s(?=\D)", " ", text)


def stopped(unit: str, through: dt.date) -> str:
    """What is put above pages whose source has stopped: a sentence, in the language that the page is read in."""
    return template("stopped.html.j2").render(languages=languages(unit), through=through)


@cache
def template(name: str = "page.html.j2") -> Template:
    """The page's template, its languages read: that takes longer than filling it in, so a waiting kernel does it."""
    strict: dict[str, Any] = {"autoescape": True, "undefined": StrictUndefined}
    templates = Environment(loader=FileSystemLoader(FOLDER), trim_blocks=True, lstrip_blocks=True, **strict)
    templates.globals |= {"summary": summary, "because": because, "closed_because": closed_because}
    templates.globals |= {"attribution": ATTRIBUTION, "address": ADDRESS, "weather": SOURCE, "day_of": pd.Timestamp}
    templates.filters |= {"first_up": first_up, "unbroken": _unbroken, "breakable": _breakable}
    for unit in UNITS:
        for language in languages(unit):
            language.listed(["", ""])
    return templates.get_template(name)


def text_of(file: str) -> str:
    """A script beside this module."""
    return (FOLDER / file).read_text(encoding="utf-8").strip()


def digest_of(script: str) -> str:
    """What the page's own rules name its one script by, so that no other can run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
