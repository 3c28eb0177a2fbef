"""Steps of a series: a place that moved, was rebuilt or opened again, and has been busier or quieter ever since."""

import numpy as np
import pandas as pd

from footfall.series import DAY
from footfall.units import unit

LEAST = 1.4  # times busier, or quieter: smaller steps are within what seasons do
LOWEST = 1e-3  # share of the level: nobody at all has no logarithm
CLEAR = 0.8  # of that step, as a logarithm, lies between any week before and any after
FIRST = 3  # days of the new level that are on it already
HELD = 3  # weeks before and after that are each on their own side of the step


def level_shifts(y: pd.Series) -> pd.Series:
    """The days from which on a series was on another level, and stayed there for three weeks.

    Weeks are counted in days that have a value: a place that opens again after months is measured against the weeks
    before it shut.

    Parameters
    ----------
    y : Series
        One daily series, as `footfall.series.pick` gives it.

    Returns
    -------
    Series of float
        How many times as busy as before, indexed by the first day of the new level; empty where there is no such day.
    """
    of, known = unit(y), y.dropna()
    level = np.log(np.maximum(of.share(known, of.level(known)), LOWEST))
    level -= level.groupby(level.index.dayofweek).transform("median")
    week = max(1, int((y.notna().groupby(y.index.dayofweek).mean() > 0.5).sum()))
    weekly = level.rolling(week).median()
    before = pd.concat([weekly.shift(1 + k * week) for k in range(HELD)], axis=1)
    after = pd.concat([weekly.shift(1 - week * (k + 1)) for k in range(HELD)], axis=1)
    shift = after.mean(axis=1) - before.mean(axis=1)
    after["at once"] = level.rolling(FIRST).median().shift(1 - FIRST)
    apart = np.maximum(after.min(axis=1) - before.max(axis=1), before.min(axis=1) - after.max(axis=1))
    whole = before.notna().all(axis=1) & after.notna().all(axis=1)
    found = whole & (apart > CLEAR * np.log(LEAST)) & (shift.abs() > np.log(LEAST))
    return np.exp(_sharpest(shift, np.flatnonzero(found), level.diff().abs().to_numpy(), HELD * week))


def latest_shift(y: pd.Series, days: int) -> tuple[pd.Timestamp, float] | None:
    """The last of `level_shifts`, day and times as busy; None where it is older than some days before the newest."""
    shifts = level_shifts(y)
    return (shifts.index[-1], float(shifts.iloc[-1])) if len(shifts[y.index[-1] - days * DAY :]) else None


def _sharpest(shift: pd.Series, at: np.ndarray, jump: np.ndarray, near: int) -> pd.Series:
    """Of neighbouring days, which all see the same step, the one that departs most from the day before it."""
    groups = np.split(at, np.flatnonzero(np.diff(at) > near) + 1) if len(at) else []
    return shift.iloc[[group[np.argmax(jump[group])] for group in groups]]
