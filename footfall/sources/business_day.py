"""Which day of business a moment is of: one that starts at 05:00 holds the night that follows it."""

import numpy as np
import pandas as pd

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
    by_day = minutes.groupby([sites, days], sort=False)
    falls = by_day.diff().lt(0).groupby([sites, days], sort=False).sum()
    return bool(((falls == 1) & (by_day.first() > by_day.last()))[by_day.size() > 1].mean() >= MOSTLY)


def clock_changes(days: pd.Series, zone: str) -> pd.Series:
    """Whether clocks change on a day or in the night that follows: an hour may be there twice, and is no repeat."""
    unique = pd.DatetimeIndex(days.unique())
    offsets = [_offset(unique + pd.Timedelta(days=more), zone) for more in (0, 2)]
    return days.isin(unique[offsets[0] != offsets[1]])


def _offset(days: pd.DatetimeIndex, zone: str) -> np.ndarray:
    local = days.tz_localize(zone, ambiguous=np.zeros(len(days), dtype=bool), nonexistent="shift_forward")
    return np.asarray(local.tz_localize(None) - local.tz_convert("UTC").tz_localize(None))
