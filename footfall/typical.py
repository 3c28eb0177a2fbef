"""A usual day, and how far another is from it: what the words on the owner's page rest on.

The usual level of a weekday is the middle of its last six ordinary ones, so it belongs to this place and to the season
as it is: August is measured by August. Differences are shares of the visits on such a day, not points of the source's
unit. Days on which the place was shut have no value, and count nowhere; nor do those on which something was on.
"""

from typing import TypeVar

import numpy as np
import pandas as pd

from footfall.calendar import special
from footfall.series import WEEK
from footfall.units import unit

WEEKS = 6  # enough that one odd Friday does not matter, few enough to stay in the season
FEWEST_WEEKS = 3
HALF_A_YEAR = 26 * WEEK
NOTICEABLE = 2.0  # per cent: nobody at the door notices less
LOWEST = 0.05  # of the level of the series: below, everything is shut and shares of it mean nothing

Level = TypeVar("Level", pd.Series, float)


def usual(y: pd.Series, days: pd.DatetimeIndex, country: str) -> pd.Series:
    """The usual level of each day's weekday.

    Parameters
    ----------
    y : Series
        One daily series, as published so far.
    days : DatetimeIndex
        Days to give it for.
    country : str
        ISO 3166 code of two letters; its special days do not count as usual ones.

    Returns
    -------
    Series
        In the unit of `y`, indexed by `days`: the median of the last six ordinary days of that weekday, of all
        published days where there are fewer than three.
    """
    last = _ordinary(y, country).groupby(lambda day: day.dayofweek).tail(WEEKS)
    by_weekday = last.groupby(last.index.dayofweek)
    median = by_weekday.median()[by_weekday.count() >= FEWEST_WEEKS]
    return pd.Series(median.reindex(days.dayofweek).fillna(y.median()).to_numpy(), index=days)


def departure(value: Level, level: Level, y: pd.Series) -> Level:
    """How many per cent more visits than usual; both in the unit of the series `y` that they belong to."""
    of = unit(y)
    ratio: Level = np.maximum(value - of.floor, 0) / np.maximum(level - of.floor, LOWEST * of.level(y))
    return 100 * (ratio - 1)


def spread(y: pd.Series, country: str) -> float:
    """How far from usual ordinary days are: two of three were nearer than this in the last half-year.

    Returns
    -------
    float
        Per cent of a usual day, at least two.
    """
    ordinary = _ordinary(y.tail(HALF_A_YEAR + WEEKS * WEEK), country)
    before = ordinary.groupby(ordinary.index.dayofweek).transform(
        lambda values: values.shift().rolling(WEEKS, min_periods=FEWEST_WEEKS).median()
    )
    off = departure(ordinary, before, y).abs().dropna()
    return max(NOTICEABLE, float(off.quantile(2 / 3))) if len(off) else NOTICEABLE


def chance_above(quantiles: pd.DataFrame, bound: pd.Series) -> pd.Series:
    """Chance that each day ends above a bound.

    Parameters
    ----------
    quantiles : DataFrame
        Indexed by day; columns are the levels, as floats, rising.
    bound : Series
        Indexed alike.

    Returns
    -------
    Series
        Between the outermost levels: what lies beyond them is not known.
    """
    levels = quantiles.columns.to_numpy(float)
    below = [np.interp(bound[day], quantiles.loc[day].to_numpy(float), levels) for day in quantiles.index]
    return pd.Series(1 - np.array(below), index=quantiles.index)


def _ordinary(y: pd.Series, country: str) -> pd.Series:
    return y[~special(pd.DatetimeIndex(y.index), country)].dropna()
