"""The owner's page: how busy the coming days will be, in words first; and the same as a calendar.

Everything on it comes from the published table, the series and what lay beside them: the same inputs give the same
bytes. It asks no other host for anything, and is read in Portuguese or in English.
"""

import base64
import datetime as dt
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from footfall.calendar import country_of
from footfall.evaluation.review import LATELY
from footfall.outlook import PERHAPS, UNSURE, USUAL, outlook, ranges
from footfall.page.chart import draw
from footfall.page.ical import calendar_file
from footfall.page.translations import LANGUAGES, LUSOPHONE, Language, first_up, percent
from footfall.series import WEEK
from footfall.typical import departure

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


def read_track(path: str | Path) -> Track | None:
    """The track record laid down for the notebook; None where there is none, or nothing in it that the page knows."""
    try:
        return Track.model_validate_json(Path(path).read_text(encoding="utf-8")) if path else None
    except ValidationError:
        return None


def write_page(
    table: pd.DataFrame,
    y: pd.Series,
    parts: pd.DataFrame,
    logarithms: bool,
    lag: int,
    track: Track | None,
    out: str | Path,
) -> None:
    """Write ``index.html``, ``week.ics`` and ``semana.ics`` beside the published table.

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
        From `read_track`.
    out : str or Path
        The notebook's folder; the files go where `footfall.forecast.write_forecast` puts the table.
    """
    folder, days = Path(out) / "forecast", outlook(table, y, parts, logarithms)
    (folder / "index.html").write_text(page(table, y, days, lag, track), encoding="utf-8")
    for language in LANGUAGES:
        (folder / language.say("calendar file")).write_bytes(calendar_file(table, days, language))


def page(table: pd.DataFrame, y: pd.Series, days: pd.DataFrame, lag: int, track: Track | None) -> str:
    """The page's HTML; `days` from `footfall.outlook.outlook`, the rest as in `write_page`."""
    first = table.iloc[0]
    country, origin = country_of(first["location"]), pd.Timestamp(first["origin_date"])
    measure = "hours" if first["target"] == "residential" else "visits"
    shared = {
        "days": days, "first": first, "made": origin, "through": y.index[-1], "country": country, "track": track,
        "still": (origin - y.index[-1]).days > lag + LATE, "last": f"{days.index[-1]:%Y-%m-%d}",
        "together": departure(days["mean"].mean(), days["usual"].mean(), y), "scale": _scale(days),
        "tallest": max(float(days["expected"].abs().max()), 2 * float(days["spread"].max())),
        "measure": measure, "alike": shared_reasons(days), "attribution": ATTRIBUTION, "address": ADDRESS,
    }  # fmt: skip
    charts = {language.code: draw(y, days, ranges(table), measure, language) for language in LANGUAGES}
    leading = "pt-PT" if country in LUSOPHONE else "en"
    script = (FOLDER / "page.js.j2").read_text(encoding="utf-8").strip()
    scripts = {"script": script, "allowed": _digest(script)}
    return template().render(shared, languages=LANGUAGES, leading=leading, charts=charts, **scripts)


def summary(days: pd.DataFrame, language: Language) -> tuple[str, str]:
    """The whole week in a sentence, what is out of the ordinary, the largest first; and what is left to say of it."""
    words = list(dict.fromkeys(days.sort_values("expected", key=abs, ascending=False, kind="stable")["word"]))
    if len(words) == 1:
        return language.say("all alike", word=language.say(words[0])), ""
    unusual = [word for word in words if word != USUAL]
    sentences = {word: first_up(f"{language.say(word)}: {_names(days, word, language)}.") for word in unusual}
    doubt = " ".join(sentences.pop(word) for word in unusual if word == UNSURE or word.startswith(PERHAPS))
    rest = language.say("rest usual") if USUAL in words else ""
    return " ".join(sentences.values()) or language.say("mostly usual"), f"{doubt} {rest}".strip()


def _names(days: pd.DataFrame, word: str, language: Language) -> str:
    """The days of a word; three and more in a row by the first and the last of them."""
    matching = days["word"] == word
    name = language.spoken_weekday if len(days) <= WEEK else language.weekday_and_date
    runs = [[name(day) for day in run.index] for _, run in days[matching].groupby((~matching).cumsum()[matching])]
    short = [[language.say("from to", first=run[0], last=run[-1])] if len(run) > 2 else run for run in runs]
    return language.listed([text for run in short for text in run])


def shared_reasons(days: pd.DataFrame) -> list[str]:
    """What explains every day alike, and so is said once."""
    return [reason for reason in days["reasons"].iloc[0] if all(reason in reasons for reasons in days["reasons"])]


def because(day: pd.Timestamp, reasons: list[str], country: str, language: Language) -> str:
    """The reasons of a day, with the holiday's name where it has one."""
    return "; ".join(_reason(day, reason, country, language) for reason in reasons) or language.say("nothing")


def _reason(day: pd.Timestamp, reason: str, country: str, language: Language) -> str:
    if reason not in ("holiday", "weekend holiday", "eve", "bridge"):
        return language.say(reason)
    for offset in {"eve": (1,), "bridge": (1, -1)}.get(reason, (0,)):
        name, public = language.holiday((day + pd.Timedelta(days=offset)).date(), country)
        if name:
            return language.say(reason if public or offset else "festival", name=name)
    return language.say(reason, name="").strip(" ,()")


def _scale(days: pd.DataFrame) -> float:
    """Half the width of the day bars, in per cent of a usual day."""
    return float(max(days[["low", "high"]].abs().to_numpy().max(), 2 * days["spread"].max())) * 1.05


def _unbroken(text: str) -> str:
    """Weekdays that are not torn at their hyphen."""
    return text.replace("-", "\N{NON-BREAKING HYPHEN}")


@cache
def template() -> Template:
    """The page's template; compiling it takes longer than filling it in, so a kernel that waits does it before."""
    strict: dict[str, Any] = {"autoescape": True, "undefined": StrictUndefined}
    templates = Environment(loader=FileSystemLoader(FOLDER), trim_blocks=True, lstrip_blocks=True, **strict)
    templates.globals |= {"summary": summary, "because": because}
    templates.filters |= {"percent": percent, "first_up": first_up, "unbroken": _unbroken}
    return templates.get_template("page.html.j2")


def _digest(script: str) -> str:
    """What the page's own rules name its one script by, so that no other can run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
