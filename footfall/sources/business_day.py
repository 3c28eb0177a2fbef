"""Which day of business a moment is of: one that starts at 05:00 holds the night that follows it."""

import numpy as np
import pandas as pd

from footfall.sources.cells import moved

MOSTLY = 0.9  # share of the days


def day_of_business(moments: pd.Series, starts: str) -> pd.Series:
    """The day of business of each moment, where days start at ``HH:MM``."""
    hour, minute = starts.split(":")
    return (moments - pd.Timedelta(hours=int(hour), minutes=int(minute))).dt.normalize()


def is_of_business(days: pd.Series, minutes: pd.Series, sites: pd.Series) -> bool:
    """Whether dates beside hours are days of business already: their hours run on past midnight, 23, 0, 1 …

    Parameters
    ----------
    days, minutes, sites : Series
        Of each row, as they follow each other in the file: its date, the minutes since midnight, its site.
    """
    if not days.is_monotonic_increasing and days.is_monotonic_decreasing:  # the newest first
        days, minutes, sites = days[::-1], minutes[::-1], sites[::-1]
    by_day = minutes.groupby([sites, days], sort=False)
    falls = by_day.diff().lt(0).groupby([sites, days], sort=False).sum()
    return bool(((falls == 1) & (by_day.first() > by_day.last()))[by_day.size() > 1].mean() >= MOSTLY)


def follow_each_other(days: pd.Series, minutes: pd.Series, sites: pd.Series) -> bool:
    """Whether the hours of each date mostly stand in order, or the latest first; parameters as in `is_of_business`."""
    steps = minutes.groupby([sites, days]).diff().dropna()
    return bool(min(steps.lt(0).mean(), steps.gt(0).mean()) <= 1 - MOSTLY)


def shown_twice(moments: pd.Series, zone: str, rows_zone: str | None) -> pd.Series:
    """Whether the clocks of a zone, or those that rows go by, show an hour twice; or the one before it never."""
    twice = _localized(moments, zone, ambiguous="NaT")
    if rows_zone in (None, zone):
        return twice
    of_rows = moved(moments, zone, rows_zone)
    before = of_rows - pd.Timedelta(hours=1)  # one that is never shown was taken for the next
    return twice | _localized(of_rows, rows_zone, ambiguous="NaT") | _localized(before, rows_zone, nonexistent="NaT")


def never_shown(moments: pd.Series, zone: str) -> pd.Series:
    """Whether the clocks of a zone leave a moment out, as in the night in which summer time begins."""
    return _localized(moments, zone, nonexistent="NaT")


def _localized(moments: pd.Series, zone: str, **odd: str) -> pd.Series:
    """Whether clocks of a zone show a moment twice (``ambiguous="NaT"``), or never (``nonexistent="NaT"``)."""
    usual = {"ambiguous": np.zeros(len(moments), dtype=bool), "nonexistent": "shift_forward"}
    return moments.dt.tz_localize(zone, **(usual | odd)).isna() & moments.notna()
