"""Prediction intervals from a candidate's own past errors.

The models' own intervals are twice too wide on these series; rolling quantiles of past errors, for each horizon by
itself, newer ones counting more, wider on special days, cover what they say.
"""

import numpy as np
import pandas as pd

from footfall.calendar import special
from footfall.models import FLOOR

LEVELS = np.round(np.arange(0.05, 0.96, 0.05), 2)
QUANTILES = [f"q{100 * level:02.0f}" for level in LEVELS]
HALF_LIFE = 90  # days after which an error counts half
SPECIAL = 2.0  # how much wider special days are
FEWEST = 20  # errors of one horizon, below which there is no interval
DAY = np.timedelta64(1, "D")


def with_quantiles(table: pd.DataFrame, country: str, lag: int) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame
        The same rows with the columns of `QUANTILES`; NaN where fewer than `FEWEST` errors were known.
    """
    found = pd.DataFrame(np.nan, index=table.index, columns=QUANTILES)
    for _, rows in table.groupby("candidate", sort=False):
        errors = _errors(rows, country)
        for origin, ahead in rows.groupby("origin"):
            days = pd.DatetimeIndex(ahead["date"])
            found.loc[ahead.index] = _quantiles(errors, ahead["mean"].to_numpy(), days, origin, country, lag)
    return table.join(found)


def quantiles(residuals: pd.DataFrame, mean: pd.Series, origin: pd.Timestamp, country: str, lag: int) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame, shape (n_days, 19)
        Indexed like `mean`, columns `QUANTILES`, ascending along each row, never below −100.

    Raises
    ------
    ValueError
        If fewer than `FEWEST` errors of some horizon were known on `origin`.
    """
    values = _quantiles(_errors(residuals, country), mean.to_numpy(), mean.index, origin, country, lag)
    if np.isnan(values).any():
        raise ValueError(f"fewer than {FEWEST} errors of some horizon up to {origin:%Y-%m-%d}: backtest more origins")
    return pd.DataFrame(values, index=mean.index, columns=QUANTILES)


def _errors(rows: pd.DataFrame, country: str) -> dict[str, np.ndarray]:
    """Known errors of a backtest table, those of special days scaled down to ordinary ones."""
    known = rows[rows["actual"].notna()]
    scale = _width(pd.DatetimeIndex(known["date"]), country)
    error = (known["actual"] - known["mean"]).to_numpy() / scale
    return {"date": known["date"].to_numpy(), "horizon": known["horizon"].to_numpy(), "error": error}


def _quantiles(errors: dict, mean: np.ndarray, days: pd.DatetimeIndex, origin: pd.Timestamp, country: str, lag: int):
    """Shared by backtest and live forecast, shape (n_days, n_levels)."""
    age = (origin.to_datetime64() - errors["date"]) / DAY
    horizons = (days - origin).days
    spread = np.stack([_spread(errors, age, (age >= lag) & (errors["horizon"] == h)) for h in horizons])
    return np.maximum(mean[:, None] + _width(days, country)[:, None] * spread, FLOOR)


def _spread(errors: dict, age: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Weighted quantiles of the usable errors."""
    if usable.sum() < FEWEST:
        return np.full(len(LEVELS), np.nan)
    error, weight = errors["error"][usable], 0.5 ** (age[usable] / HALF_LIFE)
    order = np.argsort(error, kind="stable")
    share = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(LEVELS, share / weight.sum(), error[order])


def _width(days: pd.DatetimeIndex, country: str) -> np.ndarray:
    return np.where(special(days, country), SPECIAL, 1.0)
