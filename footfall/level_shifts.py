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
    its_unit, is_known, weekday = unit(y), y.notna().to_numpy(), y.index.dayofweek.to_numpy()
    known, values = y.index[is_known], y.to_numpy(float)[is_known]
    level = np.log(np.maximum(its_unit.share(values, its_unit.level(values)), LOWEST))
    week = max(1, sum(is_known[weekday == day].mean() > 0.5 for day in set(weekday)))
    for day in set(weekday):
        own = weekday[is_known] == day
        level[own] -= np.median(level[own]) if own.any() else 0
    at = np.arange(HELD * week, len(level) - HELD * week + 1)  # days with so many weeks before them, and after
    if not len(at):
        return pd.Series(index=known[:0], dtype=float)
    weekly, days = _medians(level, week), _medians(level, FIRST)
    before = np.stack([weekly[at - (back + 1) * week] for back in range(HELD)])
    weeks = np.stack([weekly[at + ahead * week] for ahead in range(HELD)])
    after, shift = np.vstack([weeks, days[at]]), weeks.mean(axis=0) - before.mean(axis=0)
    apart = np.maximum(after.min(axis=0) - before.max(axis=0), before.min(axis=0) - after.max(axis=0))
    candidates = at[(apart > CLEAR * np.log(LEAST)) & (np.abs(shift) > np.log(LEAST))]
    sharpest = _sharpest(candidates, np.abs(np.diff(level, prepend=np.nan)), HELD * week)
    return pd.Series(np.exp(shift[sharpest - at[0]]), known[sharpest])


def _medians(level: np.ndarray, days: int) -> np.ndarray:
    """The medians of so many days, from each day on."""
    return np.asarray(np.median(np.lib.stride_tricks.sliding_window_view(level, days), axis=1))


def latest_shift(y: pd.Series, days: int) -> tuple[pd.Timestamp, float] | None:
    """The last of `level_shifts`, day and times as busy; None where it is older than some days before the newest."""
    shifts = level_shifts(y)
    return (shifts.index[-1], float(shifts.iloc[-1])) if len(shifts[y.index[-1] - days * DAY :]) else None


def _sharpest(at: np.ndarray, jump: np.ndarray, near: int) -> np.ndarray:
    """Of neighbouring days, which all see the same step, the one that departs most from the day before it."""
    groups = np.split(at, np.flatnonzero(np.diff(at) > near) + 1) if len(at) else []
    return np.array([group[np.argmax(jump[group])] for group in groups], dtype=int)
