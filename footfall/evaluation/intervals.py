"""Prediction intervals from a candidate's own past errors.

The models' own intervals are twice too wide on these series. Past errors cover what they say: all horizons together,
each in units of its own mean error, newer ones counting more; as much wider on special days as those have been, and
wider after weeks that were hard to foresee. A series too young for that has the few errors of all horizons together,
and is as unsure as so few days are. The constants were chosen on the origins 2021-10-01 … 2022-03-31.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t

from footfall.calendar import special
from footfall.params import FEWEST_ORIGINS
from footfall.quantiles import HIGH, LEVELS, LOW, QUANTILES, TAILS, column
from footfall.series import DAY
from footfall.units import PERCENT

HALF_LIFE = 365  # days after which an error counts half
RECENT_HALF_LIFE = 14  # the same, for how wide the last weeks have been
PRIOR_WIDTH = 3.5  # prior of how many times wider special days are
PSEUDO_DAYS = 20  # pseudo-observations: special days that the prior weighs as much as
FEWEST_ERRORS = 20  # of one horizon, below which all horizons are pooled
FEWEST_POOLED = 6  # of all horizons together, below which there is no interval
YOUNG = 1.12  # times as wide as the few errors of a young series were: it has not seen what may come
SCORED_LEVELS = [*LEVELS, *TAILS]
COLUMNS = [column(level) for level in SCORED_LEVELS]
Array = np.ndarray[Any, Any]
Errors = dict[str, Array]  # columns ``date``, ``horizon``, ``error``, ``special``, of equal length


def with_quantiles(table: pd.DataFrame, country: str, lag: int, floor: float = PERCENT.floor) -> pd.DataFrame:
    """A backtest table with an interval around every forecast.

    On each origin only the same candidate's errors of days up to `lag` days before count.

    Parameters
    ----------
    table : DataFrame
        A backtest table.
    country : str
        ISO 3166 code of two letters: whose special days.
    lag : int
        Days between a day and its publication.
    floor : float
        What no range reaches below: nobody at all, in the unit of the series, see `footfall.units`.

    Returns
    -------
    DataFrame
        The same rows with the columns of `QUANTILES`, and then ``q2.5`` and ``q97.5``; NaN where fewer than
        `FEWEST_ERRORS` errors of some horizon were known, or of a candidate that never has `FEWEST_ORIGINS`, than
        `FEWEST_POOLED` of all together.
    """
    ranges = pd.DataFrame(np.nan, index=table.index, columns=COLUMNS)
    for _, rows in table.groupby("candidate", sort=False):
        errors = _errors(rows, country)
        few = _fewest(errors, np.unique(rows["horizon"])) < FEWEST_ORIGINS
        for origin, ahead in rows.groupby("origin"):
            days = pd.DatetimeIndex(ahead["date"])
            width = _widths(errors, days, origin, country, lag, late=0, pooled=few)
            ranges.loc[ahead.index] = _quantiles(width, ahead["mean"].to_numpy(), floor)
    return table.join(ranges)


def quantiles(
    residuals: pd.DataFrame,
    mean: pd.Series,
    origin: pd.Timestamp,
    country: str,
    lag: int,
    late: int = 0,
    floor: float = PERCENT.floor,
) -> pd.DataFrame:
    """Quantiles of one live forecast, as `with_quantiles` gives them in the backtest.

    Parameters
    ----------
    residuals : DataFrame
        Rows of one candidate's backtest table: ``origin, date, horizon, mean, actual``.
    mean : Series
        The forecast, indexed by day.
    origin : Timestamp
        The day the forecast is made on.
    country, lag
        As in `with_quantiles`.
    late : int
        Days that the newest figures are older than `lag` says: each day is that much farther ahead, and as unsure.
    floor : float
        As in `with_quantiles`.

    Returns
    -------
    DataFrame, shape (n_days, 19)
        Indexed like `mean`, columns `QUANTILES`, ascending along each row, never below `floor`.

    Raises
    ------
    ValueError
        If fewer than `FEWEST_POOLED` errors were known on `origin`.
    """
    width = _widths(_errors(residuals, country), mean.index, origin, country, lag, late, pooled=True)
    values = _quantiles(width, mean.to_numpy(), floor)
    if np.isnan(values).any():
        raise ValueError(f"fewer than {FEWEST_POOLED} errors up to {origin:%Y-%m-%d}: backtest more origins")
    return pd.DataFrame(values, index=mean.index, columns=COLUMNS)[QUANTILES]


def _errors(rows: pd.DataFrame, country: str) -> Errors:
    """Errors of a backtest table where the actual is known, and whether their days were special."""
    scored = rows[rows["actual"].notna()]
    return {
        "date": scored["date"].to_numpy(),
        "horizon": scored["horizon"].to_numpy(),
        "error": (scored["actual"] - scored["mean"]).to_numpy(),
        "special": special(pd.DatetimeIndex(scored["date"]), country),
    }


def steps(
    residuals: pd.DataFrame,
    mean: pd.Series,
    origin: pd.Timestamp,
    country: str,
    lag: int,
    late: int = 0,
    floor: float = PERCENT.floor,
) -> pd.DataFrame:
    """The 80 % range of the first day of a forecast, made step by step; parameters as in `quantiles`.

    Returns
    -------
    DataFrame, shape (5, 2)
        A row per step, the last one what `quantiles` gives; columns ``low`` and ``high``.
    """
    width = _widths(_errors(residuals, country), mean.index, origin, country, lag, late, pooled=True)
    shape = width.shape[[COLUMNS.index(column(level)) for level in (LOW, HIGH)]]
    expected, size = mean.iloc[0], width.scale[0]
    rows = {
        "the mean forecast": [expected, expected],
        "typical error this far ahead, on such a day": [size, size],
        "where the outer tenth begins, in typical errors": shape,
        "the last weeks' errors against usual ones": [width.recent, width.recent],
        "mean + typical error × outer tenth × last weeks": np.maximum(expected + size * shape * width.recent, floor),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"])


class Widths(NamedTuple):
    """What the quantiles of a forecast are made of, beside its mean."""

    shape: Array  # quantiles of past errors in typical errors, shape (n_levels,)
    recent: float  # width of the last weeks against the usual one
    scale: Array  # typical error of each day, shape (n_days,)


def _quantiles(width: Widths, mean: Array, floor: float) -> Array:
    """Shared by backtest and live forecast, shape (n_days, n_levels); NaN where too few errors are known."""
    return np.maximum(mean[:, None] + width.scale[:, None] * width.shape * width.recent, floor)


def _widths(
    errors: Errors, days: pd.DatetimeIndex, origin: pd.Timestamp, country: str, lag: int, late: int, pooled: bool
) -> Widths:
    age = (origin.to_datetime64() - errors["date"]) / DAY.to_timedelta64()
    past = {name: values[age >= lag] for name, values in errors.items()}
    age, horizons = age[age >= lag], (days - origin).days.to_numpy()
    if _fewest(past, horizons) < FEWEST_ERRORS:
        enough = pooled and len(past["error"]) >= FEWEST_POOLED
        return _pooled(past, days, country) if enough else _unknown(days)
    weight = 0.5 ** (age / HALF_LIFE)
    width = _width_of_special(past, weight)
    ordinary = past["error"] / np.where(past["special"], width, 1.0)
    size = _mean_by_horizon(np.abs(ordinary), past["horizon"], weight)
    scaled = ordinary / pd.Series(past["horizon"]).map(size).to_numpy()
    recent = _recent_width(np.abs(scaled), weight, 0.5 ** (age / RECENT_HALF_LIFE))
    scale = np.where(special(days, country), width, 1.0) * _extrapolated(size, horizons + late)
    return Widths(_shape(scaled, weight), recent, scale)


def _fewest(errors: Errors, horizons: Array) -> int:
    """Errors of the horizon of which fewest are known."""
    return min(int((errors["horizon"] == horizon).sum()) for horizon in horizons)


def _unknown(days: pd.DatetimeIndex) -> Widths:
    return Widths(np.full(len(SCORED_LEVELS), np.nan), np.nan, np.full(len(days), np.nan))


def _pooled(past: Errors, days: pd.DatetimeIndex, country: str) -> Widths:
    """Of few errors the mean size; around it they lie as Student's t has it for so few days."""
    size = np.mean(np.abs(past["error"]) / np.where(past["special"], PRIOR_WIDTH, 1.0))
    freedom = max(len(np.unique(past["date"])) - 1, 1)
    shape = t.ppf(SCORED_LEVELS, freedom) * np.sqrt(np.pi / 2)  # a normal error's mean size is 1 by the root of π / 2
    return Widths(shape, YOUNG, size * np.where(special(days, country), PRIOR_WIDTH, 1.0))


def _width_of_special(past: Errors, weight: Array) -> float:
    """How many times larger errors on special days were, shrunk towards the prior by pseudo-observations."""
    size, at = np.abs(past["error"]), past["special"]
    ordinary = np.average(size[~at], weights=weight[~at]) if (~at).any() else 0.0
    if not ordinary > 0:
        return PRIOR_WIDTH
    observed, pseudo = weight[at].sum(), PSEUDO_DAYS * len(np.unique(past["horizon"]))
    return float(max(1.0, (weight[at] @ size[at] / ordinary + pseudo * PRIOR_WIDTH) / (observed + pseudo)))


def _mean_by_horizon(size: Array, horizon: Array, weight: Array) -> dict[int, float]:
    """Mean absolute error of each horizon, none smaller than that of a nearer one, and never nought."""
    horizons = np.unique(horizon)
    mean = [np.average(size[horizon == h], weights=weight[horizon == h]) for h in horizons]
    return dict(zip(horizons.tolist(), np.maximum(np.maximum.accumulate(mean), 1e-9), strict=True))


def _extrapolated(size: dict[int, float], horizons: Array) -> Array:
    """The mean error of each horizon; beyond the farthest measured it goes on rising as it did on the whole."""
    measured, mean = np.array(list(size)), np.array(list(size.values()))
    slope = (mean[-1] - mean[0]) / max(measured[-1] - measured[0], 1)
    return np.asarray(np.interp(horizons, measured, mean) + slope * np.maximum(horizons - measured[-1], 0))


def _recent_width(size: Array, weight: Array, recent: Array) -> float:
    """How wide the last weeks have been against the whole past, half believed: the root of the ratio."""
    usual = np.average(size, weights=weight)
    return float(np.sqrt(np.average(size, weights=recent) / usual)) if usual > 0 else 1.0


def _shape(scaled: Array, weight: Array) -> Array:
    """Weighted quantiles of all errors, each in units of its horizon's mean."""
    order = np.argsort(scaled, kind="stable")
    share = np.cumsum(weight[order]) - weight[order] / 2
    return np.asarray(np.interp(SCORED_LEVELS, share / weight.sum(), scaled[order]))
