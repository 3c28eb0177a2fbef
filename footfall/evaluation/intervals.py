"""Prediction intervals from a candidate's own past errors.

The models' own intervals are twice too wide on these series. Past errors cover what they say: all horizons together,
each in units of its own mean error, newer ones counting more; as much wider on special days as those have been, and
wider after weeks that were hard to foresee. The constants were chosen on the origins 2021-10-01 … 2022-03-31.
"""

import numpy as np
import pandas as pd

from footfall.calendar import special
from footfall.quantiles import LEVELS, QUANTILES, TAILS, column
from footfall.series import FLOOR

HALF_LIFE = 365  # days after which an error counts half
NEAR = 14  # the same, for how wide the last weeks have been
SPECIAL = 3.5  # how much wider special days are thought to be before any was seen
IMAGINED = 20  # special days that this thought weighs as much as
FEWEST = 20  # errors of one horizon, below which there is no interval
DAY = np.timedelta64(1, "D")
ALL = np.append(LEVELS, TAILS)
COLUMNS = [column(level) for level in ALL]


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
        The same rows with the columns of `QUANTILES`, and then ``q2.5`` and ``q97.5``; NaN where fewer than `FEWEST`
        errors were known.
    """
    found = pd.DataFrame(np.nan, index=table.index, columns=COLUMNS)
    for _, rows in table.groupby("candidate", sort=False):
        errors = _errors(rows, country)
        for origin, ahead in rows.groupby("origin"):
            days = pd.DatetimeIndex(ahead["date"])
            found.loc[ahead.index] = _quantiles(errors, ahead["mean"].to_numpy(), days, origin, country, lag, late=0)
    return table.join(found)


def quantiles(
    residuals: pd.DataFrame, mean: pd.Series, origin: pd.Timestamp, country: str, lag: int, late: int = 0
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

    Returns
    -------
    DataFrame, shape (n_days, 19)
        Indexed like `mean`, columns `QUANTILES`, ascending along each row, never below −100.

    Raises
    ------
    ValueError
        If fewer than `FEWEST` errors of some horizon were known on `origin`.
    """
    values = _quantiles(_errors(residuals, country), mean.to_numpy(), mean.index, origin, country, lag, late)
    if np.isnan(values).any():
        raise ValueError(f"fewer than {FEWEST} errors of some horizon up to {origin:%Y-%m-%d}: backtest more origins")
    return pd.DataFrame(values, index=mean.index, columns=COLUMNS)[QUANTILES]


def _errors(rows: pd.DataFrame, country: str) -> dict[str, np.ndarray]:
    """Known errors of a backtest table, and whether their days were special."""
    known = rows[rows["actual"].notna()]
    return {
        "date": known["date"].to_numpy(),
        "horizon": known["horizon"].to_numpy(),
        "error": (known["actual"] - known["mean"]).to_numpy(),
        "special": special(pd.DatetimeIndex(known["date"]), country),
    }


def _quantiles(
    errors: dict, mean: np.ndarray, days: pd.DatetimeIndex, origin: pd.Timestamp, country: str, lag: int, late: int
) -> np.ndarray:
    """Shared by backtest and live forecast, shape (n_days, n_levels)."""
    age = (origin.to_datetime64() - errors["date"]) / DAY
    past = {name: values[age >= lag] for name, values in errors.items()}
    horizons = (days - origin).days.to_numpy()
    if min((past["horizon"] == h).sum() for h in horizons) < FEWEST:
        return np.full((len(days), len(ALL)), np.nan)
    weight = 0.5 ** (age[age >= lag] / HALF_LIFE)
    wide = _width_of_special(past, weight)
    plain = past["error"] / np.where(past["special"], wide, 1.0)
    reach = _reach(np.abs(plain), past["horizon"], weight)
    scaled = plain / pd.Series(past["horizon"]).map(reach).to_numpy()
    shape, lately = _shape(scaled, weight), _lately(np.abs(scaled), weight, 0.5 ** (age[age >= lag] / NEAR))
    scale = np.where(special(days, country), wide, 1.0) * _farther(reach, horizons + late)
    return np.maximum(mean[:, None] + scale[:, None] * shape * lately, FLOOR)


def _width_of_special(past: dict, weight: np.ndarray) -> float:
    """How much larger errors on special days were, drawn towards `SPECIAL` as if `IMAGINED` more had been seen."""
    size, at = np.abs(past["error"]), past["special"]
    ordinary = np.average(size[~at], weights=weight[~at])
    if not ordinary > 0:
        return SPECIAL
    seen, imagined = weight[at].sum(), IMAGINED * len(np.unique(past["horizon"]))
    return max(1.0, (weight[at] @ size[at] / ordinary + imagined * SPECIAL) / (seen + imagined))


def _reach(size: np.ndarray, horizon: np.ndarray, weight: np.ndarray) -> dict[int, float]:
    """Mean absolute error of each horizon, none smaller than that of a nearer one, and never nought."""
    near = np.unique(horizon)
    mean = [np.average(size[horizon == h], weights=weight[horizon == h]) for h in near]
    return dict(zip(near.tolist(), np.maximum(np.maximum.accumulate(mean), 1e-9), strict=True))


def _farther(reach: dict[int, float], horizons: np.ndarray) -> np.ndarray:
    """The reach of each horizon; beyond the farthest that was measured it goes on rising as it did on the whole."""
    known, size = np.array(list(reach)), np.array(list(reach.values()))
    slope = (size[-1] - size[0]) / max(known[-1] - known[0], 1)
    return np.interp(horizons, known, size) + slope * np.maximum(horizons - known[-1], 0)


def _lately(size: np.ndarray, weight: np.ndarray, near: np.ndarray) -> float:
    """How wide the last weeks have been against the whole past, half believed: the root of the ratio."""
    usual = np.average(size, weights=weight)
    return float(np.sqrt(np.average(size, weights=near) / usual)) if usual > 0 else 1.0


def _shape(scaled: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted quantiles of all errors, each in units of its horizon's."""
    order = np.argsort(scaled, kind="stable")
    share = np.cumsum(weight[order]) - weight[order] / 2
    return np.interp(ALL, share / weight.sum(), scaled[order])
