"""A usual day, and how far another is from it: what the words on the owner's page rest on.

The usual level of a weekday is the middle of its last six ordinary ones, so it belongs to this place and to the season
as it is: August is measured by August. Differences are shares of the visits on such a day, not points of the source's
unit. Days on which the place was shut have no value, and count nowhere; nor do those on which something was on.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from footfall.calendar import Country, of_some, special
from footfall.series import WEEK
from footfall.units import unit

WEEKS = 6  # enough that one odd Friday does not matter, few enough to stay in the season
FEWEST_WEEKS = 3  # of a weekday: of fewer days nobody can say what is usual on it, nor how far another is from it
LATELY = 9 * WEEK  # days that a usual one may lie back: what was before is another season
HALF_A_YEAR = 26 * WEEK
NOTICEABLE = 2.0  # per cent: nobody at the door notices less
UNKNOWN = 10.0  # per cent: the spread of a place none of whose weekdays has come twice
LOWEST = 0.05  # of the level of the series: below, everything is shut and shares of it mean nothing


def usual(y: Any, days: pd.DatetimeIndex, country: Country) -> Any:
    """The usual level of each day's weekday.

    Parameters
    ----------
    y : Series or DataFrame
        One daily series, as published so far, or a batch of them, days × series.
    days : DatetimeIndex
        Days to give it for.
    country : str or Countries
        ISO 3166 code, or one for each of a batch; its special days do not count as usual ones.

    Returns
    -------
    Series or DataFrame
        In the unit of `y`, indexed by `days`: the median of the last six ordinary days of that weekday in nine weeks;
        where these have fewer than three, as after a winter that it was shut, of its last 42 days with a value; of all
        weekdays where these have none, as of Sundays that a source keeps to itself; of all published days where no day
        is ordinary.
    """
    if isinstance(y, pd.Series):
        return usual(y.to_frame(), days, country).iloc[:, 0].rename(None)
    level = _median(_last_of_weekdays(y.tail(LATELY), country), FEWEST_WEEKS)
    if (few := np.isnan(level).any(axis=0)).any():
        some = y.loc[:, few]
        after = np.cumsum(np.isfinite(some.to_numpy(float))[::-1], axis=0)[::-1]  # days with a value from this one on
        before = _last_of_weekdays(some.where(after <= WEEKS * WEEK), of_some(country, few))
        of_all = _median(before.reshape(WEEKS * WEEK, -1))
        for other in (_median(before), of_all, _median(some.to_numpy(float))):
            level[:, few] = np.where(np.isnan(level[:, few]), other, level[:, few])
    return pd.DataFrame(level[days.dayofweek], days, y.columns)


def departure(value: Any, level: Any, y: Any) -> Any:
    """How many per cent more visits than usual; both in the unit of the series, or batch, `y` that they belong to."""
    return 100 * (np.maximum(value, unit(y).floor) - level) / whole(level, y)


def whole(level: Any, y: Any) -> Any:
    """What a difference from a usual level is a share of: its visits, or one where fewer are usual."""
    its_unit = unit(y)
    return np.maximum(level - its_unit.floor, np.maximum(LOWEST * its_unit.level(y), its_unit.least))


def spread(y: Any, country: Country) -> Any:
    """How far from usual ordinary days are: two of three were nearer than this in the last half-year.

    Returns
    -------
    float, or ndarray, shape (n_series,)
        Per cent of a usual day, at least two.
    """
    if isinstance(y, pd.Series):
        return float(spread(y.to_frame(y.name if isinstance(y.name, tuple) else (0, y.name)), country)[0])
    width, lately = np.full(y.shape[1], np.nan), y.tail(HALF_A_YEAR + WEEKS * WEEK)
    for fewest in (FEWEST_WEEKS, 1):  # a young place has no weekday that came so often
        if (unknown := np.isnan(width)).any():
            off = _off_usual(lately.loc[:, unknown], of_some(country, unknown), fewest)
            some = np.isfinite(off).any(axis=0)
            width[np.flatnonzero(unknown)[some]] = np.nanquantile(off[:, some], 2 / 3, axis=0)
    return np.maximum(np.where(np.isnan(width), UNKNOWN, width), NOTICEABLE)


def noticeable(width: Any, level: Any, y: Any) -> np.ndarray:
    """The spread of ordinary days against each usual level, one guest at least: of a house of zeros it is none.

    Parameters
    ----------
    width : float or ndarray, shape (n_series,)
        From `spread`.
    level : ndarray, shape (n_days,) or (n_days, n_series)
        Usual levels, in the unit of the series, or batch, `y`.

    Returns
    -------
    ndarray, of the shape of `level`
        Per cent of a usual day.
    """
    return np.asarray(np.fmax(width, 100 * unit(y).least / whole(level, y)))


def _off_usual(y: pd.DataFrame, country: Country, fewest: int) -> np.ndarray:
    """How far each ordinary day was from the weekday's last six before it, or as many as there were, in per cent."""
    off = [np.empty((0, y.shape[1]))]
    for values in _ordinary_by_weekday(y, country):
        before = np.stack([np.roll(values, week, axis=0) for week in range(1, WEEKS + 1)])
        known = np.arange(len(values)) >= np.arange(1, WEEKS + 1)[:, None]
        before = _median(np.where(known[..., None], before, np.nan), fewest)
        off.append(np.abs(departure(values, before, y)))
    return np.concatenate(off)


def _last_of_weekdays(y: pd.DataFrame, country: Country) -> np.ndarray:
    """The last six ordinary days of each weekday, shape (n_weeks, n_weekdays, n_series); NaN where there are fewer."""
    last = []
    for values in _ordinary_by_weekday(y, country):
        values = np.take_along_axis(values, _counts(values)[None] - 1 - np.arange(WEEKS)[:, None], axis=0)
        last.append(np.where(np.arange(WEEKS)[:, None] < _counts(values), values, np.nan))
    return np.stack(last, axis=1)


def _ordinary_by_weekday(y: pd.DataFrame, country: Country) -> Iterator[np.ndarray]:
    """Each weekday's ordinary days that have a value, oldest first, shape (n_weeks, n_series); NaN after the last."""
    days = pd.DatetimeIndex(y.index)
    values = on_ordinary_days(y, days, country)
    for weekday in range(WEEK):
        own = values[days.dayofweek == weekday]
        own = np.concatenate([own, np.full((WEEKS, own.shape[1]), np.nan)])
        yield np.take_along_axis(own, np.argsort(np.isnan(own), axis=0, kind="stable"), axis=0)


def on_ordinary_days(y: pd.DataFrame, days: pd.DatetimeIndex, country: Country) -> np.ndarray:
    """What came on some days; NaN on special ones."""
    odd = special(days, country)
    return np.where(odd if odd.ndim > 1 else odd[:, None], np.nan, y.reindex(days).to_numpy(float))


def _counts(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.isfinite(values).sum(axis=0))


def _median(values: np.ndarray, fewest: int = 1) -> np.ndarray:
    """Over the first axis, of what is known; NaN where that is fewer than `fewest`."""
    count = _counts(values)
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    low, high = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (np.maximum(count - 1, 0) // 2, count // 2))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count >= fewest, (low + high) / 2, np.nan))


def chance_above(levels: np.ndarray, quantiles: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """Chance that each day ends above a bound.

    Parameters
    ----------
    levels : ndarray, shape (n_levels,)
        Rising.
    quantiles : ndarray, shape (n_days, n_levels, n_series)
    bound : ndarray, shape (n_days, n_series)

    Returns
    -------
    ndarray, shape (n_days, n_series)
        Between the outermost levels: what lies beyond them is not known.
    """
    next_one = (quantiles <= bound[:, None]).sum(axis=1)
    at = np.clip(next_one - 1, 0, len(levels) - 2)
    (x, other_x) = (np.take_along_axis(quantiles, position[:, None], axis=1)[:, 0] for position in (at, at + 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = (levels[at + 1] - levels[at]) / (other_x - x) * (bound - x) + levels[at]
    below = np.where(next_one == 0, levels[0], np.where(next_one == len(levels), levels[-1], below))
    return np.asarray(1 - np.where(np.isnan(bound), np.nan, below))
