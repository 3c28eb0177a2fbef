"""The index of a market of several places: the week of each in one row, those that need a look first, and a search."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pandas as pd

from footfall.outlook import CLOSED, DEGREES
from footfall.page.about import About, is_fine, plain
from footfall.page.page import digest_of, template, text_of
from footfall.page.translations import ENGLISH, Language, leading
from footfall.series import WEEK
from footfall.units import COUNTS

SPACE = "\N{NARROW NO-BREAK SPACE}"
LOOK = min(spreads for spreads, word in DEGREES.items() if word == "clearly")  # of ordinary days, from usual


class Site(NamedTuple):
    """A place of a market: its name, the folder of its page under ``sites/``, and its coming days.

    Attributes
    ----------
    days : DataFrame or None
        From `footfall.outlook.outlook`; None: there is no forecast of it.
    """

    name: str
    slug: str
    days: pd.DataFrame | None


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
        ISO 3166 code, for the language the page opens in.
    about : About
        What the market says of itself.

    Raises
    ------
    ValueError
        If no site has a forecast: there is no week to show.
    """
    weeks = [site.days.head(WEEK) for site in sites if site.days is not None]
    if not weeks:
        raise ValueError(f"none of the {len(sites)} sites has a forecast: there is no week to show")
    offered = about.languages(target, pd.concat(weeks))
    leader, ranked = leading(offered, country), sorted(sites, key=lambda site: (-_urgency(site), site.name, site.slug))
    rows = [(_row(site, weeks[0].index, leader), _urgency(site) >= LOOK) for site in ranked]
    parts = {"first": [row for row, urgent in rows if urgent], "others": [row for row, urgent in rows if not urgent]}
    ordered = sorted(offered, key=lambda language: (language != leader, language.tag != ENGLISH, language.tag))
    script, name = text_of("index.js.j2"), plain(about.name)
    shared = {"languages": ordered, "leading": leader, "days": weeks[0].index, "name": name, "made": made,
              "through": through, "counts": leader.unit == COUNTS.name}  # fmt: skip
    return template("index.html.j2").render(shared, parts=parts, script=script, allowed=digest_of(script))


def _urgency(site: Site) -> float:
    """How far from usual its farthest day is, in spreads of ordinary days; nothing is farther than no forecast."""
    if site.days is None:
        return float("inf")
    week = site.days.head(WEEK)
    farthest = (week["expected"].abs() / week["spread"]).max()
    return 0.0 if pd.isna(farthest) else float(farthest)


def _row(site: Site, days: pd.DatetimeIndex, language: Language) -> dict[str, Any]:
    """A site's name and slug, and a day each: what it says and towards where."""
    cells = [("?", CLOSED)] * len(days)
    if site.days is not None:
        week = site.days.head(WEEK)
        language = language._replace(fine=is_fine(week))
        cells = [_cell(day, language) for day in week.itertuples()]
    return {"name": plain(site.name), "slug": site.slug, "cells": cells}


def _cell(day: Any, language: Language) -> tuple[str, str]:
    """It is the same in all languages: thousands are parted by a space, since a comma here is a point there."""
    number = language.level(day.mean if language.unit == COUNTS.name else day.expected)
    return ("–" if day.word == CLOSED else number.replace(language.group, SPACE), day.towards)
