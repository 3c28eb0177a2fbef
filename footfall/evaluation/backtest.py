"""Rolling origins: what every candidate would have said on each past day, and how far off it was.

A backtest table has one row per candidate, origin and day: ``candidate, origin, date, horizon, mean, actual``, and the
columns of `footfall.quantiles.QUANTILES` once it has intervals. Horizons are counted from the origin, the day the
forecast was made on, not from the last day with data.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.errors import DataProblem, UnreadableModel
from footfall.evaluation.intervals import with_quantiles
from footfall.evaluation.metrics import coverage, mae, naive_error, wis
from footfall.models.saving import refuse_own_of_notebook
from footfall.models.updating import Values, fit, forecasts
from footfall.params import FEWEST_ERRORS, fewest_origins
from footfall.quantiles import COVERAGES, QUANTILES, WIDEST, percentage
from footfall.series import DAY, WEEK
from footfall.units import unit

WARM_UP = 365  # origins that only gather errors
FEWEST_DAYS = 60  # of history before the first origin
CHAMPION = "champion"  # today's, among the candidates
# What one that was fitted before raises where code has changed since; LightGBMError, RuntimeError may be the machine's.
OTHER_CODE = (AttributeError, ImportError, LookupError, NameError, TypeError, ValueError)
THREADS = 2  # candidates that are asked together: LightGBM and numpy let go of Python meanwhile
NO_DAY = (
    f"no known day has a forecast with its range by every candidate; a range takes {FEWEST_ERRORS} earlier "
    "errors of each day ahead: give more backtest_days, or leave a candidate out"
)
YOUNG = (
    "no known day has a forecast with its range by every candidate yet: {} days known, too few of them with a value; "
    "train again in a week, when more are"
)


class Windows(NamedTuple):
    """Spans of origins: intervals gather errors, a challenger is chosen and judged; choice and verdict share no day."""

    warm_up: pd.DatetimeIndex
    selection: pd.DatetimeIndex
    report: pd.DatetimeIndex


def days_needed(origins: int, horizon: int) -> int:
    """Days of history that a backtest of so many origins takes: those before the first, and the last one's horizon."""
    return FEWEST_DAYS + origins + horizon


def youngest(lag: int, horizon: int) -> int:
    """Days from which on a series is trained on, without a verdict until there are `days_needed`.

    Four weeks give a week's forecasts the few errors that a range takes; a later source and a farther day ask for more.
    """
    return 4 * WEEK + 2 * max(lag - 1, 0) + max(horizon - WEEK, 0)


def last_origins(y: Values, count: int, horizon: int, lag: int = 0) -> pd.DatetimeIndex:
    """The latest `count` days whose whole horizon lies within the series; of a young one all that know two weeks.

    Days of which no day ahead is known tell nothing, and are passed over: a place that was shut all winter is asked
    what it would have said in the summer before.
    """
    tells = y.index[_tells(y, horizon)]
    return tells[(tells >= y.index[0] + (2 * WEEK + lag) * DAY) & (tells <= y.index[-1] - horizon * DAY)][-count:]


def days_known(y: Values, horizon: int) -> int:
    """Days of a series or a batch, without those of which no day ahead is known, such as those of months shut."""
    return len(y) - int((~_tells(y, horizon)[:-horizon]).sum())


def _tells(y: Values, horizon: int) -> np.ndarray:
    """Of each day whether one of the `horizon` days after it is known, of a batch of any of its series."""
    is_known = y.notna() if y.ndim == 1 else y.notna().any(axis=1)
    known = np.concatenate([[0], np.cumsum(is_known)])
    after = np.arange(len(y)) + 1
    return np.asarray(known[np.minimum(after + horizon, len(y))] > known[after])


def windows(origins: pd.DatetimeIndex, horizon: int, lag: int) -> Windows:
    """Thirds, oldest first: errors for the first intervals, choice of the challenger, the gate's verdict.

    The verdict must not rest on the days the challenger was chosen on, nor on days without intervals: between the two
    lie as many origins, of neither, as it takes until the last chosen day is past. Too few for that, which are those of
    a young series, are all in all three: it gets no verdict.
    """
    if len(origins) < fewest_origins(horizon, lag):
        return Windows(origins, origins, origins)
    gap = horizon - 1
    third = (len(origins) - gap) // 3
    return Windows(origins[: -2 * third - gap], origins[-2 * third - gap : -third - gap], origins[-third:])


def backtest(
    candidates: dict[str, BaseForecaster], y: pd.Series, origins: pd.DatetimeIndex, horizon: int, lag: int
) -> pd.DataFrame:
    """Forecasts of every candidate from every origin, beside what happened.

    Each candidate is fitted at the first origin of every calendar month and brought up to date between, as training
    and prediction do. On an origin it knows the series up to `lag` days before, and forecasts the days after it.

    Parameters
    ----------
    candidates : dict of str to BaseForecaster
        Left as they are.
    y : Series
        One daily series, as `footfall.series.pick` gives it.
    origins : DatetimeIndex
        Days to forecast from, ascending.
    horizon : int
        Days to forecast, counted from the origin.
    lag : int
        Days between a day and its publication.

    Returns
    -------
    DataFrame, shape (n_candidates * n_origins * horizon, 6)
        A backtest table; `actual` is NaN where nothing was published.
    """
    for candidate in candidates.values():
        refuse_own_of_notebook(candidate)
    each = means_of_each(candidates, y, origins, horizon, lag)
    tables = [tabulate(values, y, origins).assign(candidate=name) for name, values in each.items()]
    return pd.concat(tables, ignore_index=True)


def means_since(champion: BaseForecaster, y: Values, horizon: int, lag: int) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """What a champion would have said on each day since its training.

    In the backtest every origin knows the errors up to the last published day; so does a live forecast, but for those
    of the `horizon` + `lag` - 1 origins between the backtest's last, whose whole horizon was known, and the training.

    Parameters
    ----------
    champion : BaseForecaster
        As it was trained; it is left as it is, and nothing is learned anew.
    y : Series or DataFrame
        The whole visible series, or batch.
    horizon, lag : int
        Days to forecast from each origin; days between a day and its publication.

    Returns
    -------
    means : ndarray, shape (n_origins, horizon) or (n_origins, horizon, n_series)
    origins : DatetimeIndex
        Those of which a day is known.
    """
    origins = pd.date_range(champion.cutoff[-1] + lag * DAY, y.index[-1] - DAY)
    if not len(origins):  # nothing new since its training
        return np.empty((0, horizon, *y.shape[1:])), origins
    return _following(champion, y, origins, horizon, lag), origins


def actual(y: pd.DataFrame, origins: pd.DatetimeIndex, horizon: int) -> np.ndarray:
    """What happened to a batch on the days after each origin, shape (n_origins, horizon, n_series); NaN: not known."""
    dates = origins.repeat(horizon) + np.tile(np.arange(1, horizon + 1), len(origins)) * DAY
    return np.asarray(y.reindex(dates)).reshape(len(origins), horizon, y.shape[1])


def means_of_each(
    candidates: dict[str, BaseForecaster], y: Values, origins: pd.DatetimeIndex, horizon: int, lag: int
) -> dict[str, np.ndarray]:
    """`means` of every candidate; those of equal recipe, as the champion often is a challenger, are asked once.

    Raises
    ------
    DataProblem
        If one cannot be fitted or asked, it says which.
    UnreadableModel
        If it is today's champion, which was fitted when it was saved.
    """
    twins = {name: next(other for other in candidates if candidates[other] == candidates[name]) for name in candidates}
    asked = sorted({*twins.values()}, key=[CHAMPION, *twins].index)  # where it fails, no other was asked in vain
    pool = ThreadPoolExecutor(THREADS)
    try:
        answers = pool.map(lambda name: _means_of(name, candidates[name], y, origins, horizon, lag), asked)
        each = dict(zip(asked, answers, strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # who is stopped does not wait for a slow candidate
    return {name: each[twin] for name, twin in twins.items()}


def _means_of(name: str, forecaster: BaseForecaster, *how: Any) -> np.ndarray:
    try:
        return means(forecaster, *how)
    except MemoryError:  # which is the machine's
        raise
    except Exception as error:  # a candidate is anybody's class, and raises what it likes
        if name == CHAMPION and isinstance(error, OTHER_CODE):
            what = str(error).partition("\n")[0]
            raise UnreadableModel(f"the champion cannot be fitted any more: {type(error).__name__}: {what}") from error
        raise DataProblem(f"candidate {name!r}, {type(error).__name__}: {error}") from error


def means(forecaster: BaseForecaster, y: Values, origins: pd.DatetimeIndex, horizon: int, lag: int) -> np.ndarray:
    """What a candidate would have said from every origin, fitted anew at the first one of every calendar month.

    Parameters
    ----------
    forecaster, origins, horizon, lag
        As in `backtest`.
    y : Series or DataFrame
        One daily series, or a batch of them, days × series.

    Returns
    -------
    ndarray, shape (n_origins, horizon), of a batch (n_origins, horizon, n_series)
    """
    months = [pd.DatetimeIndex(month) for _, month in origins.to_series().groupby(origins.to_period("M"))]
    fitted = (fit(forecaster, y[: month[0] - lag * DAY]) for month in months)
    pairs = zip(fitted, months, strict=True)
    return np.concatenate([_following(model, y, month, horizon, lag) for model, month in pairs])


def _following(forecaster: BaseForecaster, y: Values, origins: pd.DatetimeIndex, horizon: int, lag: int) -> np.ndarray:
    """As `means`, with the forecaster's parameters held."""
    return forecasts(forecaster, y, origins - lag * DAY, lag + np.arange(1, horizon + 1))


def tabulate(means: np.ndarray, y: pd.Series, origins: pd.DatetimeIndex) -> pd.DataFrame:
    """A row for each number of `means`, shape (n_origins, horizon), of one series, beside what happened."""
    horizon = np.tile(np.arange(1, means.shape[1] + 1), len(origins))
    origin = origins.repeat(means.shape[1])
    date = origin + horizon * DAY
    actual = y.reindex(date).to_numpy()
    return pd.DataFrame({"origin": origin, "date": date, "horizon": horizon, "mean": means.ravel(), "actual": actual})


def backtest_with_quantiles(
    candidates: dict[str, BaseForecaster],
    y: pd.Series,
    origins: pd.DatetimeIndex,
    horizon: int,
    lag: int,
    country: str,
    warm_up: int = WARM_UP,
) -> pd.DataFrame:
    """A backtest with intervals from its first origin on.

    Parameters
    ----------
    candidates, y, origins, horizon, lag
        As in `backtest`.
    country : str
        ISO 3166 code of two letters: whose special days.
    warm_up : int
        Days before the first origin that are forecast too, for their errors; fewer where the series is younger.

    Returns
    -------
    DataFrame
        A backtest table with the columns of `footfall.quantiles.QUANTILES`, of `origins` alone.
    """
    first = max(origins[0] - warm_up * DAY, min(origins[0], y.index[0] + (FEWEST_DAYS + lag) * DAY))
    earlier = pd.date_range(first, origins[0] - DAY)
    table = backtest(candidates, y, earlier.append(origins), horizon, lag)
    table = with_quantiles(table, country, lag, unit(y))
    return table[table["origin"] >= origins[0]].reset_index(drop=True)


def leaderboard(table: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    """Scores of every candidate over exactly the same days, best first.

    Parameters
    ----------
    table : DataFrame
        Backtest table with quantiles. A day on which any candidate lacks a number counts for none of them.
    y : Series
        The series; its mean change over a week, up to the first origin, is the unit of MASE.

    Returns
    -------
    DataFrame, indexed by candidate
        ``MAE``, ``WIS`` in the unit of the series, ``MASE``, ``cover50``, ``cover80``, ``cover90``, ``cover95`` between
        0 and 1, ``forecasts`` of a day scored. Sorted by WIS.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    scored = comparable(table)
    if scored.empty:
        raise ValueError(NO_DAY)
    scale = float(naive_error(y[: table["origin"].min()]))
    scores = {name: _scores(rows, scale) for name, rows in scored.groupby("candidate", sort=False)}
    return pd.DataFrame.from_dict(scores, orient="index").rename_axis("candidate").sort_values("WIS", kind="stable")


def _scores(rows: pd.DataFrame, scale: float) -> dict[str, float]:
    error = mae(rows)
    covered = {f"cover{percentage(level)}": coverage(rows, level) for level in (*COVERAGES, WIDEST)}
    return {"MAE": error, "MASE": error / scale, "WIS": wis(rows), **covered, "forecasts": len(rows)}


def comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of those origins and days for which every candidate has all its numbers and the actual is known."""
    complete = table[["mean", "actual", *QUANTILES]].notna().all(axis=1)
    count = complete.groupby([table["origin"], table["date"]]).transform("sum")
    return table[count == table["candidate"].nunique()]
