"""How far off forecasts were: of any table with a mean, the quantiles and the actual of a day in every row.

Without the models, so that a review needs none of them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from footfall.quantiles import COVERAGES, LEVELS, QUANTILES, SCORED_LEVELS, WIDEST, column, ends, percentage
from footfall.series import WEEK


def mae(table: pd.DataFrame) -> float:
    """Mean absolute error of the mean forecast, in the unit of the series; NaN without a known actual."""
    return float((table["mean"] - table["actual"]).abs().mean())


def naive_error(y: pd.Series | pd.DataFrame) -> np.ndarray:
    """Mean absolute change against the same weekday a week before, in the unit of the series: the scale of MASE.

    Parameters
    ----------
    y : Series or DataFrame
        One daily series, or a batch of them, days × series.

    Returns
    -------
    ndarray, shape () or (n_series,)
        NaN where every week is as the one before: no error is a multiple of nothing.

    References
    ----------
    Hyndman and Koehler (2006), Another look at measures of forecast accuracy, section 3.
    """
    error = np.asarray(y.diff(WEEK).abs().mean())
    return np.where(error > 0, error, np.nan)


def wis(table: pd.DataFrame) -> float:
    """Mean weighted interval score of the rows, in the unit of the series."""
    return float(interval_scores(table).mean())


def interval_scores(table: pd.DataFrame) -> pd.Series:
    """Weighted interval score (WIS) of each row: twice the mean quantile loss over all levels that it has.

    Parameters
    ----------
    table : DataFrame
        Columns ``actual`` and `footfall.quantiles.QUANTILES`, in the unit of the series.

    Returns
    -------
    Series
        In the same unit, indexed like `table`; NaN where the actual or every quantile is missing.

    References
    ----------
    Bracher, Ray, Gneiting and Reich (2021), Evaluating epidemic forecasts in an interval format, section 2.2.
    """
    over, levels = table["actual"].to_numpy()[:, None] - table[QUANTILES].to_numpy(), np.array(LEVELS)
    return 2 * pd.DataFrame(np.maximum(levels * over, (levels - 1) * over), index=table.index).mean(axis=1)


def coverage(table: pd.DataFrame, level: float) -> float:
    """Share of days that fell inside the central prediction interval.

    Parameters
    ----------
    table : DataFrame
        Backtest table with quantiles.
    level : float
        Nominal coverage, such as 0.8 for the interval from the 0.10 to the 0.90 quantile.

    Raises
    ------
    ValueError
        If the table lacks the two quantiles of `level`.

    References
    ----------
    Gneiting and Raftery (2007), Strictly proper scoring rules, prediction, and estimation, section 6.2.
    """
    return float(covered(table, level).mean())


def covered(table: pd.DataFrame, level: float) -> pd.Series:
    """1 where the day fell inside the central interval, 0 where it did not, NaN where one of the three is missing.

    Raises
    ------
    ValueError
        If the table lacks the two quantiles of `level`.
    """
    low, high = map(column, ends(level))
    if not {low, high} <= set(table.columns):
        names = ", ".join(QUANTILES)
        raise ValueError(f"no quantiles {low} and {high} for a coverage of {level:.0%}; there are {names}")
    complete = table[["actual", low, high]].notna().all(axis=1)
    return table["actual"].between(table[low], table[high]).astype(float).where(complete)


class Scores(NamedTuple):
    """Of one candidate on each series of a batch, over the days that count."""

    table: pd.DataFrame  # a row for each series, columns as of `footfall.evaluation.backtest.leaderboard`
    wis: np.ndarray  # mean weighted interval score of each origin, NaN where no day counts; shape (n_origins, n_series)


def scores_of(
    means: np.ndarray, quantiles: np.ndarray, actual: np.ndarray, scale: np.ndarray, counts: np.ndarray
) -> Scores:
    """The scores of a leaderboard, of one candidate on each series of a batch.

    Parameters
    ----------
    means, actual : ndarray, shape (n_origins, horizon, n_series)
        In the unit of the series.
    quantiles : ndarray, shape (n_origins, horizon, n_levels, n_series)
        See `footfall.evaluation.intervals.of_backtest`.
    scale : ndarray, shape (n_series,)
        The unit of MASE, see `naive_error`.
    counts : ndarray of bool, shape (n_origins, horizon, n_series)
        The days that count: `complete` of all candidates that are compared.

    Returns
    -------
    Scores
        NaN where no day counts.
    """
    number = counts.sum(axis=(0, 1))
    days = np.where(number > 0, number, np.nan)
    error, loss = np.abs(means - actual), _interval_scores(quantiles, actual)
    scores = {"MAE": _total(error, counts) / days, "WIS": _total(loss, counts) / days}
    for level in (*COVERAGES, WIDEST):
        low, high = (quantiles[:, :, SCORED_LEVELS.index(end)] for end in ends(level))
        scores[f"cover{percentage(level)}"] = _total((actual >= low) & (actual <= high), counts) / days
    table = pd.DataFrame({"MAE": scores["MAE"], "MASE": scores["MAE"] / scale, **scores, "forecasts": number})
    with np.errstate(invalid="ignore"):
        wis = np.where(counts, loss, 0.0).sum(axis=1) / counts.sum(axis=1)
    return Scores(table, wis)


def complete(means: np.ndarray, quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Whether a candidate has all its numbers and the actual is known, of the shape of `means`; see `scores_of`."""
    return np.asarray(np.isfinite(means + actual + quantiles[:, :, : len(LEVELS)].sum(axis=2)))


def _interval_scores(quantiles: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """As `interval_scores`, shape (n_origins, horizon, n_series)."""
    total = np.zeros(actual.shape)
    for number, level in enumerate(LEVELS):
        over = actual - quantiles[:, :, number]
        total += np.maximum(level * over, (level - 1) * over)
    return np.asarray(2 * total / len(LEVELS))


def _total(numbers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.asarray(np.where(counts, numbers, 0.0).sum(axis=(0, 1)))
