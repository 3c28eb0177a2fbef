"""Prediction intervals from a candidate's own past errors.

The models' own intervals are twice too wide on these series. Past errors cover what they say: all horizons together,
each in units of its own mean error, newer ones counting more; as much wider on special days as those have been, and
wider after weeks that were hard to foresee. A series too young for that has the few errors of all horizons together,
and is as unsure as so few days are. The constants were chosen on the origins 2021-10-01 … 2022-03-31.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t

from footfall.calendar import Country, alike, special
from footfall.params import FEWEST_ORIGINS
from footfall.quantiles import HIGH, LOW, QUANTILES, SCORED_LEVELS, column
from footfall.series import DAY, since_1970
from footfall.units import PERCENT

HALF_LIFE = 365  # days after which an error counts half
RECENT_HALF_LIFE = 14  # the same, for how wide the last weeks have been
PRIOR_WIDTH = 3.5  # prior of how many times wider special days are
PSEUDO_DAYS = 20  # pseudo-observations: special days that the prior weighs as much as
FEWEST_ERRORS = 20  # of one horizon, below which all horizons are pooled
FEWEST_POOLED = 6  # of all horizons together, below which there is no interval
YOUNG = 1.12  # times as wide as the few errors of a young series were: it has not seen what may come
SMALLEST = 1e-9  # in place of a mean error of nought
AT_A_TIME = 64  # series whose errors are in the processor's own memory together
COLUMNS = [column(level) for level in SCORED_LEVELS]
Array = np.ndarray[Any, Any]


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
        (means, actual), origins, at = on_grid(rows, "mean", "actual")
        values = of_backtest(means, actual, origins, country, lag, floor)[..., 0]
        ranges.loc[rows.index] = values[*at]
    return table.join(ranges)


def of_backtest(
    means: Array,
    actual: Array,
    origins: pd.DatetimeIndex,
    country: Country,
    lag: int,
    floor: float = PERCENT.floor,
) -> Array:
    """Quantiles around every forecast of the backtests of a batch, see `with_quantiles`.

    Parameters
    ----------
    means, actual : ndarray, shape (n_origins, horizon, n_series)
        What one candidate said from each origin, see `footfall.evaluation.backtest.means`, and what happened; NaN where
        nothing was published.
    origins : DatetimeIndex
        Ascending.
    country, lag, floor
        As in `with_quantiles`; of a batch whose series keep different days, the country of each.

    Returns
    -------
    ndarray, shape (n_origins, horizon, n_levels, n_series)
        Levels `footfall.quantiles.SCORED_LEVELS`; NaN where too few errors were known.
    """
    ahead = np.arange(1, means.shape[1] + 1)
    quantiles = np.empty((*means.shape[:2], len(SCORED_LEVELS), means.shape[2]))
    for some, own in _chunks(means.shape[2], country, pd.date_range(origins[0], origins[-1] + len(ahead) * DAY)):
        past = Past.of(actual[..., some] - means[..., some], origins, own)
        young = past.known.sum(axis=1).min(axis=0) < FEWEST_ORIGINS
        for number, width in enumerate(past.widths(origins, ahead, own, lag, young)):
            quantiles[number][..., some] = _quantiles(width, means[number][..., some], floor)
    return quantiles


def live(
    errors: Array,
    origins: pd.DatetimeIndex,
    mean: Array,
    days: pd.DatetimeIndex,
    origin: pd.Timestamp,
    country: Country,
    lag: int,
    late: int = 0,
    floor: float = PERCENT.floor,
) -> Array:
    """Quantiles of the live forecasts of a batch, as `of_backtest` gives them.

    Parameters
    ----------
    errors : ndarray, shape (n_origins, horizon, n_series)
        What happened less what was said, of one candidate; NaN where that is not known.
    origins : DatetimeIndex
        Of the errors, ascending.
    mean : ndarray, shape (n_days, n_series)
        The forecasts.
    days : DatetimeIndex
        The days they are of.
    origin, country, lag, late, floor
        As in `quantiles`; of a batch whose series keep different days, the country of each.

    Returns
    -------
    ndarray, shape (n_days, n_levels, n_series)
        NaN for a series of which fewer than `FEWEST_POOLED` errors were known.
    """
    values = np.empty((len(days), len(SCORED_LEVELS), mean.shape[1]))
    dates = pd.date_range(min([origin, *origins[:1]]), max([*days, *origins[-1:] + errors.shape[1] * DAY]))
    for some, own in _chunks(mean.shape[1], country, dates):
        width = _live(errors[..., some], origins, days, origin, own, lag, late)
        values[..., some] = _quantiles(width, mean[:, some], floor)
    return values


def _live(
    errors: Array,
    origins: pd.DatetimeIndex,
    days: pd.DatetimeIndex,
    origin: pd.Timestamp,
    country: str,
    lag: int,
    late: int,
) -> "Widths":
    ahead, pooled = (days - origin).days.to_numpy(), np.ones(errors.shape[2], bool)
    past = Past.of(errors, origins, country)
    return next(past.widths(pd.DatetimeIndex([origin]), ahead, country, lag, pooled, late))


def _chunks(count: int, country: Country, days: pd.DatetimeIndex) -> Iterator[tuple[Any, str]]:
    """Some series of a batch after the other, all of which keep the same of some days; and a country that does."""
    keepers = [(np.arange(count), country)] if isinstance(country, str) else [
        (some, country[some[0]]) for some, _ in alike(special(days, country))
    ]  # fmt: skip
    for some, own in keepers:
        for start in range(0, len(some), AT_A_TIME):
            yield some[start : start + AT_A_TIME], own


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
    errors, origins = _errors(residuals)
    days = pd.DatetimeIndex(mean.index)
    values = live(errors, origins, mean.to_numpy()[:, None], days, origin, country, lag, late, floor)[..., 0]
    if np.isnan(values).any():
        raise ValueError(f"fewer than {FEWEST_POOLED} errors up to {origin:%Y-%m-%d}: backtest more origins")
    return pd.DataFrame(values, index=mean.index, columns=COLUMNS)[QUANTILES]


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
    width = _live(*_errors(residuals), pd.DatetimeIndex(mean.index), origin, country, lag, late)
    shape = width.shape[[SCORED_LEVELS.index(level) for level in (LOW, HIGH)], 0]
    expected, size, recent = mean.iloc[0], width.scale[0, 0], width.recent[0]
    rows = {
        "the mean forecast": [expected, expected],
        "typical error this far ahead, on such a day": [size, size],
        "where the outer tenth begins, in typical errors": shape,
        "the last weeks' errors against usual ones": [recent, recent],
        "mean + typical error × outer tenth × last weeks": np.maximum(expected + size * shape * recent, floor),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"])


def on_grid(
    rows: pd.DataFrame, *columns: str, series: Array | None = None
) -> tuple[list[Array], pd.DatetimeIndex, tuple[Array, Array]]:
    """Columns of a candidate's rows as arrays, the origins, and where each row is.

    A row's origin is as many days before its date as its horizon says.

    Parameters
    ----------
    rows : DataFrame
        With ``date`` and ``horizon``.
    *columns : str
    series : ndarray of int, optional
        Which one of a batch each row is of; if left out, there is one.

    Returns
    -------
    grids : list of ndarray, shape (n_origins, horizon, n_series)
        NaN where there is no row.
    origins : DatetimeIndex
        Ascending.
    at : ndarray of int, ndarray of int
        Place of each row in the first two axes.
    """
    series = np.zeros(len(rows), int) if series is None else series
    date, ahead = pd.DatetimeIndex(rows["date"]), rows["horizon"].to_numpy() - 1
    origin = since_1970(date) - 1 - ahead
    begins = origin.min(initial=np.iinfo(int).max)
    present = np.bincount(origin - begins) > 0  # cheaper than sorting so many
    at, shape = (
        (np.cumsum(present) - 1)[origin - begins],
        (int(present.sum()), int(ahead.max(initial=0)) + 1, int(series.max(initial=0)) + 1),
    )
    origins = pd.DatetimeIndex((begins + np.flatnonzero(present)).astype("datetime64[D]")).as_unit(date.unit)
    grids = [np.full(shape, np.nan) for _ in columns]
    for grid, name in zip(grids, columns, strict=True):
        grid[at, ahead, series] = rows[name]
    return grids, origins, (at, ahead)


def _errors(residuals: pd.DataFrame) -> tuple[Array, pd.DatetimeIndex]:
    (mean, actual), origins, _ = on_grid(residuals, "mean", "actual")
    return actual - mean, origins


class Widths(NamedTuple):
    """What the quantiles of a forecast are made of, beside its mean."""

    shape: Array  # quantiles of past errors in typical errors, shape (n_levels, n_series)
    recent: Array  # width of the last weeks against the usual one, shape (n_series,)
    scale: Array  # typical error of each day, shape (n_days, n_series)


def _quantiles(width: Widths, mean: Array, floor: float) -> Array:
    """Shared by backtest and live forecast, shape (n_days, n_levels, n_series); NaN where too few errors are known."""
    return np.asarray(np.maximum(mean[:, None] + width.scale[:, None] * width.shape * width.recent, floor))


class Past(NamedTuple):
    """Past errors of a batch, and of which days they were."""

    error: Array  # shape (n_series, n_origins, horizon); infinite where there is none
    size: Array  # what they are without their sign, nought where there is none, shape (horizon, n_origins, n_series)
    known: Array  # 1 where there is one, else 0, of the same shape
    date: Array  # the day each was of, counted from 1970, shape (n_origins, horizon)
    special: Array  # whether that was special, of the same shape

    @classmethod
    def of(cls, errors: Array, origins: pd.DatetimeIndex, country: str) -> "Past":
        """From what happened less what was said, shape (n_origins, horizon, n_series); NaN where that is not known."""
        date = since_1970(origins)[:, None] + np.arange(1, errors.shape[1] + 1)
        known = np.isfinite(errors)
        error = np.ascontiguousarray(np.where(known, errors, np.inf).transpose(2, 0, 1))
        size = np.ascontiguousarray(np.where(known, np.abs(errors), 0.0).transpose(1, 0, 2))
        known = np.ascontiguousarray(known.transpose(1, 0, 2), float)
        return cls(error, size, known, date, _special(date, country))

    def widths(
        self, origins: pd.DatetimeIndex, ahead: Array, country: str, lag: int, pooled: Array, late: int = 0
    ) -> Iterator[Widths]:
        """Of the forecasts of some days ahead from each origin; a series may be `pooled` where few errors are known.

        An error is of the past if its day is at least `lag` days before the origin.
        """
        order = np.empty((len(self.error), 0), int)
        days = since_1970(origins)
        specials = _special(days[:, None] + ahead, country)
        for today, is_special in zip(days, specials, strict=True):
            begun = int((today - self.date[:, 0] >= lag).sum())  # origins of which a day is known
            past, age = self._until(begun), today - self.date[:begun]
            known = (age >= lag).astype(float)
            count = _sums(past.known, known)
            enough = _fewest(count, ahead) >= FEWEST_ERRORS
            width = _unknown(len(ahead), len(enough))
            if enough.any():
                width, order = past._usual(age, known, is_special, ahead + late, order)
            if not enough.all():
                young = past._young(known, is_special, pooled & (count.sum(axis=0) >= FEWEST_POOLED))
                width = Widths(*(np.where(enough, usual, few) for usual, few in zip(width, young, strict=True)))
            yield width

    def _until(self, begun: int) -> "Past":
        by_origin = (slice(None), slice(begun)), (slice(begun),)
        return Past(*(part[by_origin[part.ndim == 2]] for part in self))

    def _usual(self, age: Array, known: Array, is_special: Array, ahead: Array, order: Array) -> tuple[Widths, Array]:
        """Of series of which enough errors are known; and the order of their errors, where the next origin's begins."""
        weights, recent = (known * 0.5 ** (age / half_life) for half_life in (HALF_LIFE, RECENT_HALF_LIFE))
        with np.errstate(divide="ignore", invalid="ignore"):
            width = self._width_of_special(weights)
            weight = _sums(self.known, weights)
            total = self._ordinary_size(weights, width)
            mean = np.fmax(np.fmax.accumulate(total / weight), SMALLEST)  # none smaller than that of a nearer day
            usual = (total / mean).sum(axis=0) / weight.sum(axis=0)
            lately = (self._ordinary_size(recent, width) / mean).sum(axis=0) / _sums(self.known, recent).sum(axis=0)
            ratio = np.where(usual > 0, np.sqrt(lately / usual), 1.0)  # half believed: the root
            typical = np.where(self.special, width[:, None, None], 1.0) * mean.T[:, None]
            scaled = np.where(known > 0, self.error / typical, np.inf)
            shape, order = _shape(scaled.reshape(len(scaled), -1), weights.ravel(), order)
        scale = np.where(is_special[:, None], width, 1.0) * _extrapolated(mean, weight > 0, ahead)
        return Widths(shape, ratio, scale), order

    def _ordinary_size(self, weights: Array, width: Array) -> Array:
        """Weighted sum of the errors' sizes, of those of special days as if they had been ordinary."""
        return _sums(self.size, weights * ~self.special) + _sums(self.size, weights * self.special) / width

    def _width_of_special(self, weights: Array) -> Array:
        """How many times larger errors on special days were, shrunk towards the prior by pseudo-observations."""
        ordinary_day, special_day = weights * ~self.special, weights * self.special
        size, weight = (_sums(part, ordinary_day).sum(axis=0) for part in (self.size, self.known))
        special_size, observed = (_sums(part, special_day).sum(axis=0) for part in (self.size, self.known))
        ordinary = size / weight
        pseudo = PSEUDO_DAYS * (_sums(self.known, weights) > 0).sum(axis=0)
        width = (special_size / ordinary + pseudo * PRIOR_WIDTH) / (observed + pseudo)
        return np.where(ordinary > 0, np.maximum(width, 1.0), PRIOR_WIDTH)

    def _young(self, known: Array, is_special: Array, pooled: Array) -> Widths:
        """Of few errors the mean size; around it they lie as Student's t has it for so few days."""
        unknown = _unknown(len(is_special), len(pooled))
        if not pooled.any():
            return unknown
        widest = np.full(len(pooled), PRIOR_WIDTH)
        size = self._ordinary_size(known, widest).sum(axis=0) / np.maximum(_sums(self.known, known).sum(axis=0), 1)
        freedom = np.maximum(self._days(known) - 1, 1)
        shape = t.ppf(np.array(SCORED_LEVELS)[:, None], freedom) * np.sqrt(np.pi / 2)  # a normal error's mean size is 1
        width = Widths(shape, np.full(len(pooled), YOUNG), size * np.where(is_special[:, None], PRIOR_WIDTH, 1.0))
        return Widths(*(np.where(pooled, few, none) for few, none in zip(width, unknown, strict=True)))

    def _days(self, known: Array) -> Array:
        """Of how many days some error is known."""
        days, at = np.unique(self.date, return_inverse=True)
        seen = np.zeros((len(days), len(self.error)), bool)
        for of_horizon, error, is_past in zip(at.T, self.known, known.T, strict=True):
            seen[of_horizon] |= (error > 0) & (is_past > 0)[:, None]
        return np.asarray(seen.sum(axis=0))


def _special(days: Array, country: str) -> Array:
    """Whether days counted from 1970 are special, of the shape of `days`."""
    return special(pd.DatetimeIndex(days.ravel().astype("datetime64[D]")), country).reshape(days.shape)


def _sums(numbers: Array, weights: Array) -> Array:
    """Weighted sums over the origins, shape (horizon, n_series), of (horizon, n_origins, n_series)."""
    return np.asarray((weights.T[:, None] @ numbers)[:, 0])


def _fewest(count: Array, ahead: Array) -> Array:
    """Errors of that of some days ahead of which fewest are known, of each series; of one never forecast there is none.

    `count` is of shape (horizon, n_series).
    """
    return np.where(ahead.max() > len(count), 0, count[np.minimum(ahead, len(count)) - 1].min(axis=0))


def _unknown(days: int, series: int) -> Widths:
    return Widths(
        np.full((len(SCORED_LEVELS), series), np.nan), np.full(series, np.nan), np.full((days, series), np.nan)
    )


def _extrapolated(mean: Array, measured: Array, ahead: Array) -> Array:
    """The mean error of each day ahead; beyond the farthest measured it goes on rising as it did on the whole."""
    horizon = len(mean)
    slope = (mean[-1] - mean[0]) / max(horizon - 1, 1)
    error = mean[np.clip(ahead, 1, horizon) - 1] + slope * np.maximum(ahead - horizon, 0)[:, None]
    for series in np.flatnonzero(~measured.all(axis=0) & measured.any(axis=0)):
        at = np.flatnonzero(measured[:, series]) + 1
        known = mean[at - 1, series]
        slope = (known[-1] - known[0]) / max(at[-1] - at[0], 1)
        error[:, series] = np.interp(ahead, at, known) + slope * np.maximum(ahead - at[-1], 0)
    return np.asarray(error)


def _shape(scaled: Array, weights: Array, before: Array) -> tuple[Array, Array]:
    """Weighted quantiles of all errors, each in units of its horizon's mean, shape (n_levels, n_series); their order.

    Parameters
    ----------
    scaled : ndarray, shape (n_series, n_errors)
        Infinite where there is none.
    weights : ndarray, shape (n_errors,)
    before : ndarray of int, shape (n_series, fewer)
        The order of the errors there were at the origin before, from which sorting takes a sixth of its time.
    """
    series, errors = scaled.shape
    row, new = np.arange(series)[:, None], np.arange(before.shape[1], errors)
    order = np.concatenate([before, np.broadcast_to(new, (series, len(new)))], axis=1)
    near = scaled.ravel()[order + row * errors]
    order = order.ravel()[np.argsort(near, axis=1, kind="stable") + row * errors]
    value = scaled.ravel()[order + row * errors]
    tied = ((value[:, 1:] == value[:, :-1]) & np.isfinite(value[:, 1:])).any(axis=1)  # the older one first
    order[tied] = np.argsort(scaled[tied], axis=1, kind="stable")
    weight = np.where(np.isfinite(value), weights[order], 0.0)
    share = (np.cumsum(weight, axis=1) - weight / 2) / weight.sum(axis=1, keepdims=True)
    return _interpolated(share, value, np.isfinite(value).sum(axis=1, keepdims=True)).T, order


def _interpolated(share: Array, value: Array, count: Array) -> Array:
    """As `numpy.interp` at the levels, of each row, of which the first `count` places count."""
    row, levels = np.arange(len(share))[:, None], np.array(SCORED_LEVELS)
    share = np.where(np.isnan(share), 1.0, share)  # of a row without any
    place = np.searchsorted((share + row).ravel(), (levels + row).ravel(), side="right").reshape(len(share), -1)
    high = np.clip(place - row * share.shape[1], 1, np.maximum(count - 1, 1))
    (x, other_x), (y, other_y) = ((part[row, high - 1], part[row, high]) for part in (share, value))
    between = (other_y - y) / (other_x - x) * (levels - x) + y
    return np.asarray(np.where(levels <= x, y, np.where(levels >= other_x, other_y, between)))
