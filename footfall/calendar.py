"""Kinds of day: what the calendar says about a day before anything was measured on it.

Kinds rather than names: a Tuesday holiday behaves like another Tuesday holiday, and two years hold few of any name.
"""

from functools import cache

import holidays
import numpy as np
import pandas as pd
from dateutil.easter import easter

ORDINARY = "ordinary"
DAY = pd.Timedelta(days=1)
# Every country has these; where they mean nothing the models learn an effect near zero.
TURN_OF_THE_YEAR = {
    **{(12, day): "before Christmas" for day in (20, 21, 22, 23)},
    (12, 24): "24 December",
    (12, 25): "25 December",
    (12, 26): "26 December",
    **{(12, day): "between the years" for day in (27, 28, 29, 30)},
    (12, 31): "31 December",
    (1, 1): "1 January",
    (1, 2): "2 January",
}
KINDS = [ORDINARY, "holiday", "weekend holiday", "eve", "bridge", "Easter", *dict.fromkeys(TURN_OF_THE_YEAR.values())]


def country_of(location: str) -> str:
    """ISO 3166 code of the country a location lies in: ``PT`` of ``PT``, ``PT-11`` and ``PT/Lisbon``."""
    return location[:2]


def kinds(days: pd.DatetimeIndex, country: str) -> pd.Series:
    """Kind of each day.

    Parameters
    ----------
    days : DatetimeIndex
        Calendar days, in any order.
    country : str
        ISO 3166 code of two letters. A country unknown to `holidays` has only Easter and the turn of the year.

    Returns
    -------
    Series
        One word per day, indexed by `days`: ``ordinary``, ``holiday``, ``weekend holiday``, ``eve``, ``bridge``,
        ``Easter`` or one of the days from 20 December to 2 January.
    """
    found = np.full(len(days), ORDINARY, dtype=object)
    if len(days):
        known, words = _known(days.min().year, days.max().year, country)
        at = known.get_indexer(days)
        found[at >= 0] = words[at[at >= 0]]
    return pd.Series(found, index=days, dtype=object, name="kind")


def special(days: pd.DatetimeIndex, country: str) -> np.ndarray:
    """Boolean per day: anything but an ordinary one."""
    return (kinds(days, country) != ORDINARY).to_numpy()


@cache
def _known(first: int, last: int, country: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """The special days of some years, and what kind each is."""
    found = {day: kind for year in range(first, last + 1) for day, kind in _kinds_of_year(year, country).items()}
    return pd.DatetimeIndex(found), np.array(list(found.values()), dtype=object)


@cache
def _kinds_of_year(year: int, country: str) -> dict[pd.Timestamp, str]:
    free = _free_days(year, country) | _free_days(year + 1, country)
    sunday = pd.Timestamp(easter(year))
    days = pd.date_range(f"{year}-01-01", f"{year}-12-31")
    found = {day: _kind(day, free, sunday) for day in days}
    return {day: kind for day, kind in found.items() if kind != ORDINARY}


def _kind(day: pd.Timestamp, free: frozenset[pd.Timestamp], easter_sunday: pd.Timestamp) -> str:
    weekday = day.dayofweek
    if (day.month, day.day) in TURN_OF_THE_YEAR:
        return TURN_OF_THE_YEAR[day.month, day.day]
    if day == easter_sunday:
        return "Easter"
    if day in free:
        return "holiday" if weekday < 5 else "weekend holiday"
    if (weekday == 0 and day + DAY in free) or (weekday == 4 and day - DAY in free):
        return "bridge"
    if weekday < 4 and day + DAY in free:
        return "eve"
    return ORDINARY


@cache
def _free_days(year: int, country: str) -> frozenset[pd.Timestamp]:
    """Public holidays, and the optional ones most people take where a country has them (Carnival in Portugal)."""
    try:
        offered = holidays.country_holidays(country).supported_categories
        wanted = [category for category in ("public", "optional") if category in offered]
        return frozenset(map(pd.Timestamp, holidays.country_holidays(country, years=year, categories=wanted)))
    except NotImplementedError:
        return frozenset()
