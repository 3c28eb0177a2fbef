"""The index of a market of several places: the week of each in one row, those that need a look first, and a search."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from footfall.outlook import CLOSED, DEGREES
from footfall.page.about import About, is_fine, plain
from footfall.page.page import digest_of, template, text_of
from footfall.page.translations import ENGLISH, SPACE, Language, leading
from footfall.series import DAY, WEEK
from footfall.units import COUNTS

LOOK = min(spreads for spreads, word in DEGREES.items() if word == "clearly")  # of ordinary days, from usual


class Week(NamedTuple):
    """The coming days of a place, columns of `footfall.outlook.outlook`."""

    mean: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    usual: np.ndarray
    word: np.ndarray
    towards: np.ndarray


def weeks_of(outlook: pd.DataFrame, series: int) -> list[Week]:
    """Those of each series of a batch, from its outlook."""
    columns = [outlook[name].to_numpy().reshape(series, -1)[:, :WEEK] for name in Week._fields]
    return [Week(*of_one) for of_one in zip(*columns, strict=True)]


class Site(NamedTuple):
    """A place of a market: its name, the folder of its page under ``sites/`` if it has one, and its coming days.

    Attributes
    ----------
    week : Week or None
        None: there is no forecast of it.
    names : mapping of str to str
        What each language (``pt``) calls it, where they differ; ``name`` is then that of the leading one.
    """

    name: str
    slug: str
    week: Week | None
    names: Mapping[str, str] = MappingProxyType({})


def index(
    sites: Sequence[Site],
    made: pd.Timestamp,
    through: pd.Timestamp,
    target: str,
    country: str,
    about: About = About(),  # noqa: B008  immutable
) -> str:
    """The index's HTML: the same sites give the same bytes, in whatever order.

    Parameters
    ----------
    sites : sequence of Site
        Not empty; all of the same days.
    made, through : Timestamp
        The day they were forecast on, and the last that any of them is known of.
    target : str
        The category of their series.
    country : str
        ISO 3166 code of them all, for the language the page opens in where the browser names none; empty: English.
    about : About
        What the market says of itself.

    Raises
    ------
    ValueError
        If no site has a forecast: there is no week to show.
    """
    with_week = [(site, site.week) for site in sites if site.week is not None]
    if not with_week:
        raise ValueError(f"none of the {len(sites)} sites has a forecast: there is no week to show")
    offered = about.languages(target, with_week[0][1]._asdict())
    leader, days = leading(offered, country), pd.date_range(made + DAY, periods=len(with_week[0][1].mean))
    ranked = sorted(((-_urgency(week), site.name, site.slug, _row(site, week, leader)) for site, week in with_week),
                    key=itemgetter(slice(3)))  # fmt: skip
    unknown = sorted((site for site in sites if site.week is None), key=itemgetter(0, 1))
    parts = {
        "first": [row for urgency, *_, row in ranked if -urgency >= LOOK],
        "others": [row for urgency, *_, row in ranked if -urgency < LOOK],
        "unknown": [(_called(site), site.slug, [("?", CLOSED)] * len(days)) for site in unknown],
    }
    ordered = sorted(offered, key=lambda language: (language != leader, language.tag != ENGLISH, language.tag))
    script, name = text_of("index.js.j2"), plain(about.name)
    shared = {"languages": ordered, "leading": leader, "days": days, "name": name, "made": made,
              "through": through, "counts": leader.unit == COUNTS.name, "about": about}  # fmt: skip
    return template("index.html.j2").render(shared, parts=parts, script=script, allowed=digest_of(script))


def _urgency(week: Week) -> float:
    """How far from usual the farthest of the coming days is, in spreads of ordinary ones."""
    spreads = np.abs(week.expected) / week.spread
    return float(np.max(spreads, where=~np.isnan(spreads), initial=0.0))


def _called(site: Site) -> str | dict[str, str]:
    """Its name, or that in each language."""
    return {short: plain(name) for short, name in site.names.items()} or plain(site.name)


def _row(site: Site, week: Week, language: Language) -> tuple[str | dict[str, str], str, list[tuple[str, str]]]:
    """A site's names and slug, and of each day what it says and towards where.

    The numbers are the same in all languages: thousands are parted by a space, since a comma here is a point there.
    """
    language = language._replace(fine=is_fine(week.mean, week.usual))
    numbers = (week.mean if language.unit == COUNTS.name else week.expected).tolist()
    levels = [
        "–" if day == CLOSED else language.level(number).replace(language.group, SPACE)
        for number, day in zip(numbers, week.word, strict=True)
    ]
    return _called(site), site.slug, [*zip(levels, week.towards, strict=True)]
