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

from footfall.calendar import Country, of_some, special
from footfall.params import FEWEST_ERRORS, fewest_origins
from footfall.quantiles import HIGH, LOW, QUANTILES, SCORED_LEVELS, column
from footfall.series import WEEK, since_1970
from footfall.units import PERCENT, Unit

HALF_LIFE = 365  # days after which an error counts half
RECENT_HALF_LIFE = 14  # the same, for how wide the last weeks have been
PSEUDO_DAYS = 20  # pseudo-observations: special days that what a unit thinks of them weighs as much as
FEWEST_POOLED = 6  # of all horizons together, below which there is no interval
YOUNG = 1.12  # times as wide as the few errors of a young series were: it has not seen what may come
SMALLEST = 1e-9  # in place of a mean error of nought
LEAST_SHARE = 0.25  # of a mean day of the week: errors of smaller days are as large as of this
AT_A_TIME = 64  # series whose errors are in the processor's own memory together
COLUMNS = [column(level) for level in SCORED_LEVELS]
Array = np.ndarray[Any, Any]


def with_quantiles(table: pd.DataFrame, country: str, lag: int, unit: Unit = PERCENT) -> pd.DataFrame:
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
    unit : Unit
        Of the series: no range reaches below its floor, and of counts errors are larger on larger days.

    Returns
    -------
    DataFrame
        The same rows with the columns of `QUANTILES`, and then ``q2.5`` and ``q97.5``; NaN where fewer than
        `FEWEST_ERRORS` errors of some horizon were known, or of a candidate that never has `fewest_origins`, than
        `FEWEST_POOLED` of all together.
    """
    ranges = pd.DataFrame(np.nan, index=table.index, columns=COLUMNS)
    for _, rows in table.groupby("candidate", sort=False):
        (means, actual), origins, at = on_grid(rows, "mean", "actual")
        values = of_backtest(means, actual, origins, country, lag, unit)[..., 0]
        ranges.loc[rows.index] = values[*at]
    return table.join(ranges)


def of_backtest(
    means: Array,
    actual: Array,
    origins: pd.DatetimeIndex,
    country: Country,
    lag: int,
    unit: Unit = PERCENT,
) -> Array:
    """Quantiles around every forecast of the backtests of a batch, see `with_quantiles`.

    Parameters
    ----------
    means, actual : ndarray, shape (n_origins, horizon, n_series)
        What one candidate said from each origin, see `footfall.evaluation.backtest.means`, and what happened; NaN where
        nothing was published.
    origins : DatetimeIndex
        Ascending.
    country, lag, unit
        As in `with_quantiles`; of a batch whose series keep different days, the country of each.

    Returns
    -------
    ndarray, shape (n_origins, horizon, n_levels, n_series)
        Levels `footfall.quantiles.SCORED_LEVELS`; NaN where too few errors were known.
    """
    ahead = np.arange(1, means.shape[1] + 1)
    quantiles = np.empty((*means.shape[:2], len(SCORED_LEVELS), means.shape[2]))
    for some, own in _chunks(means.shape[2], country):
        past = Past.of(means[..., some], actual[..., some], origins, own, unit)
        young = past.known.sum(axis=1).min(axis=0) < fewest_origins(len(ahead), lag)
        widths = past.widths(origins, ahead, own, lag, young)
        quantiles[..., some] = _quantiles(widths, means[..., some], unit, len(ahead))
    return quantiles


def of_forecasts(
    means: Array,
    actual: Array,
    origins: pd.DatetimeIndex,
    mean: Array,
    days: pd.DatetimeIndex,
    origin: pd.Timestamp,
    country: Country,
    lag: int,
    late: Array | int,
    unit: Unit,
) -> Array:
    """Quantiles of the forecasts of a batch from one origin, as `of_backtest` gives them.

    Parameters
    ----------
    means, actual, origins
        What one candidate said in the past and what happened, as in `of_backtest`; NaN where that is not known.
    mean : ndarray, shape (n_days, n_series)
        The forecasts.
    days : DatetimeIndex
        The days they are of.
    origin, country, lag, late, unit
        As in `quantiles`; of a batch whose series keep different days the country of each, as late as each is.

    Returns
    -------
    ndarray, shape (n_days, n_levels, n_series)
        NaN for a series of which fewer than `FEWEST_POOLED` errors were known.
    """
    values, late = np.empty((1, len(days), len(SCORED_LEVELS), mean.shape[1])), np.broadcast_to(late, mean.shape[1])
    for some, own in _chunks(mean.shape[1], country):
        past = Past.of(means[..., some], actual[..., some], origins, own, unit)
        widths = past.widths_from(days, origin, own, lag, late[some])
        values[..., some] = _quantiles(widths, mean[None, :, some], unit, means.shape[1])
    return np.asarray(values[0])


def _chunks(count: int, country: Country) -> Iterator[tuple[slice, Country]]:
    """Some series of a batch after the other, and whose special days they keep."""
    for start in range(0, count, AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        yield some, of_some(country, some)


def quantiles(
    residuals: pd.DataFrame,
    mean: pd.Series,
    origin: pd.Timestamp,
    country: str,
    lag: int,
    late: int = 0,
    unit: Unit = PERCENT,
) -> pd.DataFrame:
    """Quantiles of one forecast, as `with_quantiles` gives them in the backtest.

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
    unit : Unit
        As in `with_quantiles`.

    Returns
    -------
    DataFrame, shape (n_days, 19)
        Indexed like `mean`, columns `QUANTILES`, ascending along each row, never below the floor.

    Raises
    ------
    ValueError
        If fewer than `FEWEST_POOLED` errors were known on `origin`.
    """
    (means, actual), origins, _ = on_grid(residuals, "mean", "actual")
    days = pd.DatetimeIndex(mean.index)
    values = of_forecasts(means, actual, origins, mean.to_numpy()[:, None], days, origin, country, lag, late, unit)
    if np.isnan(values).any():
        raise ValueError(f"fewer than {FEWEST_POOLED} errors up to {origin:%Y-%m-%d}: backtest more origins")
    return pd.DataFrame(values[..., 0], index=mean.index, columns=COLUMNS)[QUANTILES]


def step_by_step(
    residuals: pd.DataFrame,
    mean: pd.Series,
    origin: pd.Timestamp,
    country: str,
    lag: int,
    late: int = 0,
    unit: Unit = PERCENT,
) -> pd.DataFrame:
    """The 80 % range of the first day of a forecast, made step by step; parameters as in `quantiles`.

    Returns
    -------
    DataFrame, shape (5, 2)
        A row per step, the last one what `quantiles` gives; columns ``low`` and ``high``.
    """
    (means, actual), origins, _ = on_grid(residuals, "mean", "actual")
    past = Past.of(means, actual, origins, country, unit)
    width = past.widths_from(pd.DatetimeIndex(mean.index), origin, country, lag, late)
    shape = width.shape[0, [SCORED_LEVELS.index(level) for level in (LOW, HIGH)], 0]
    expected, recent = mean.iloc[0], width.recent[0, 0]
    size = width.scale[0, 0, 0] * _scale(mean.to_numpy()[None, :, None], unit, means.shape[1])[0, 0, 0]
    rows = {
        "the mean forecast": [expected, expected],
        "typical error this far ahead, on such a day": [size, size],
        "where the outer tenth begins, in typical errors": shape,
        "the last weeks' errors against usual ones": [recent, recent],
        "mean + typical error × outer tenth × last weeks": np.maximum(expected + size * shape * recent, unit.floor),
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
    at = (np.cumsum(present) - 1)[origin - begins]
    shape = int(present.sum()), int(ahead.max(initial=0)) + 1, int(series.max(initial=0)) + 1
    origins = pd.DatetimeIndex((begins + np.flatnonzero(present)).astype("datetime64[D]")).as_unit(date.unit)
    grids = [np.full(shape, np.nan) for _ in columns]
    for grid, name in zip(grids, columns, strict=True):
        grid[at, ahead, series] = rows[name]
    return grids, origins, (at, ahead)


class Widths(NamedTuple):
    """What the quantiles of forecasts from some origins are made of, beside their means."""

    shape: Array  # quantiles of past errors in typical errors, shape (n_origins, n_levels, n_series)
    recent: Array  # width of the last weeks against the usual one, shape (n_origins, n_series)
    scale: Array  # typical error of each day over its `_scale`, shape (n_origins, n_days, n_series)


def _scale(means: Array, unit: Unit, horizon: int) -> Array:
    """How large errors are on each day against those of a mean day of its origin's first week, of the shape of `means`.

    Of a backtest with a `horizon` of less than a week, of so many days.

    References
    ----------
    Taylor (1961), Aggregation, variance and the mean.
    """
    if not unit.power:
        return np.ones_like(means)
    size = np.where(means > unit.floor, means - unit.floor, np.nan)
    week = size[:, : min(WEEK, horizon)]
    mean = np.nansum(week, axis=1) / np.maximum(np.isfinite(week).sum(axis=1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a week that it is shut
        share = size / mean[:, None]
    return np.asarray(np.maximum(np.nan_to_num(share, nan=1.0, posinf=1.0), LEAST_SHARE) ** unit.power)


def _quantiles(width: Widths, means: Array, unit: Unit, horizon: int) -> Array:
    """Shared by backtest and forecast, (n_origins, n_days, n_levels, n_series); NaN where few errors are known."""
    size = (width.scale * _scale(means, unit, horizon) * width.recent[:, None])[:, :, None]
    return np.asarray(np.maximum(means[:, :, None] + size * width.shape[:, None], unit.floor))


class Past(NamedTuple):
    """Past errors of a batch over their `_scale`, and of which days they were."""

    error: Array  # shape (n_series, horizon, n_origins); infinite where there is none
    size: Array  # what they are without their sign, nought where there is none, shape (horizon, n_origins, n_series)
    known: Array  # 1 where there is one, else 0, of the same shape
    special: Array  # 1 where its day was special, else 0, of the same shape
    date: Array  # the day each was of, counted from 1970, shape (n_origins, horizon)
    prior: float  # how many times larger those of special days are thought, before enough were seen

    @classmethod
    def of(cls, means: Array, actual: Array, origins: pd.DatetimeIndex, country: Country, unit: Unit) -> "Past":
        """From what was said and what happened, shape (n_origins, horizon, n_series); NaN where that is not known."""
        errors = (actual - means) / _scale(means, unit, means.shape[1])
        date = since_1970(origins)[:, None] + np.arange(1, errors.shape[1] + 1)
        known = np.isfinite(errors)
        error = np.ascontiguousarray(np.where(known, errors, np.inf).transpose(2, 1, 0))
        special = np.broadcast_to(_special(date, country), errors.shape)
        parts = np.where(known, np.abs(errors), 0.0), known, special
        size, known, special = (np.ascontiguousarray(part.swapaxes(0, 1), float) for part in parts)
        return cls(error, size, known, special, date, unit.special)

    def widths(
        self, origins: pd.DatetimeIndex, ahead: Array, country: Country, lag: int, pooled: Array, late: Array | int = 0
    ) -> Widths:
        """Of the forecasts of some days ahead from each origin; a series may be `pooled` where few errors are known.

        An error is of the past if its day is at least `lag` days before the origin.
        """
        days = since_1970(origins)
        shape = len(days), len(ahead), self.size.shape[2]
        is_special = np.broadcast_to(_special(days[:, None] + ahead, country), shape)
        age = days[:, None, None] - self.date
        known = (age >= lag).astype(float)
        count = _sums(self.known, known)
        enough = _fewest(count, ahead) >= FEWEST_ERRORS
        width = self._usual(age, known, enough, is_special, ahead[:, None] + late)
        young = ~enough & pooled & (count.sum(axis=0) >= FEWEST_POOLED)
        for number in np.flatnonzero(young.any(axis=1)):
            few = self._young(known[number], is_special[number])
            for part, own in zip(width, few, strict=True):
                part[number] = np.where(young[number], own, part[number])
        return width

    def widths_from(
        self, days: pd.DatetimeIndex, origin: pd.Timestamp, country: Country, lag: int, late: Array | int
    ) -> Widths:
        """Of the forecasts of some days from one origin, `late` days after the last that is known by its lag."""
        ahead, pooled = (days - origin).days.to_numpy(), np.ones(self.size.shape[2], bool)
        return self.widths(pd.DatetimeIndex([origin]), ahead, country, lag, pooled, late)

    def _usual(self, age: Array, known: Array, enough: Array, is_special: Array, ahead: Array) -> Widths:
        """Where enough errors are known; else NaN."""
        weights, recent = (known * 0.5 ** (age / half_life) for half_life in (HALF_LIFE, RECENT_HALF_LIFE))
        on_special = self.size * self.special
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = _sums(self.known, weights)
            ordinary, special = _sums(self.size - on_special, weights), _sums(on_special, weights)
            width = self._width_of_special(ordinary, special, weight, _sums(self.known * self.special, weights))
            total = ordinary + special / width
            mean = np.fmax(np.fmax.accumulate(total / weight), SMALLEST)  # none smaller than that of a nearer day
            usual = (total / mean).sum(axis=0) / weight.sum(axis=0)
            lately = _sums(self.size - on_special, recent) + _sums(on_special, recent) / width
            lately = (lately / mean).sum(axis=0) / _sums(self.known, recent).sum(axis=0)
            ratio = np.where(usual > 0, np.sqrt(lately / usual), 1.0)  # half believed: the root
            shape = self._shapes(width, mean, known, enough)
        scale = np.where(is_special, width[:, None], 1.0) * _extrapolated(mean, weight > 0, ahead, enough)
        return Widths(shape, np.where(enough, ratio, np.nan), np.where(enough[:, None], scale, np.nan))

    def _width_of_special(self, ordinary: Array, special: Array, weight: Array, weight_of_special: Array) -> Array:
        """How many times larger errors on special days were, shrunk towards the prior by pseudo-observations."""
        observed = weight_of_special.sum(axis=0)
        typical = ordinary.sum(axis=0) / (weight.sum(axis=0) - observed)
        pseudo = PSEUDO_DAYS * (weight > 0).sum(axis=0)
        width = (special.sum(axis=0) / typical + pseudo * self.prior) / (observed + pseudo)
        return np.where(typical > 0, np.maximum(width, 1.0), self.prior)

    def _shapes(self, width: Array, mean: Array, known: Array, enough: Array) -> Array:
        """Weighted quantiles of all errors, each in units of its horizon's mean, of one origin after the other.

        Errors are known by their place in `error`. From the order of those there were at the origin before, sorting
        takes a sixth of its time.
        """
        shapes = np.full((len(enough), len(SCORED_LEVELS), enough.shape[1]), np.nan)
        weights = np.where(np.isfinite(self.error), 0.5 ** ((self.date.max() - self.date.T) / HALF_LIFE), 0.0).ravel()
        scaled, special = np.empty(self.error.shape), np.flatnonzero(self.special.transpose(2, 0, 1))
        on_special, of_typical = self.error.ravel()[special], special // self.error.shape[2]
        first, order = np.arange(len(scaled))[:, None] * scaled[0].size, np.empty((len(scaled), 0), int)
        seen = np.zeros(known[0].shape, bool)
        for number in np.flatnonzero(enough.any(axis=1)):
            typical, begun = mean[:, number].T, int(known[number].any(axis=1).sum())  # origins of which a day is known
            np.divide(self.error[..., :begun], typical[..., None], out=scaled[..., :begun])
            scaled.ravel()[special] = on_special / (typical * width[number][:, None]).ravel()[of_typical]
            new, every = (self._places(since) for since in (known[number] > seen, known[number] > 0))
            order = np.concatenate([order, first + new], axis=1)
            order, value = _sorted(scaled.ravel(), order, first + every)
            shapes[number] = np.where(enough[number], _weighted(value, weights[order]).T, np.nan)
            seen = known[number] > 0
        return shapes

    def _places(self, which: Array) -> Array:
        """Where some errors of the first series are, from shape (n_origins, horizon): older ones first."""
        origin, ahead = np.nonzero(which)
        return ahead * len(which) + origin

    def _young(self, known: Array, is_special: Array) -> tuple[Array, Array, Array]:
        """`Widths` of one origin: of few errors the mean size, around which they lie as Student's t for so few days."""
        widest, is_past = np.where(self.special > 0, self.prior, 1.0), known.T[..., None]
        size, count = ((part * is_past).sum(axis=(0, 1)) for part in (self.size / widest, self.known))
        freedom = np.maximum(self._days(known) - 1, 1)
        shape = t.ppf(np.array(SCORED_LEVELS)[:, None], freedom) * np.sqrt(np.pi / 2)  # a normal error's mean size is 1
        size = size / np.maximum(count, 1) * np.where(is_special, self.prior, 1.0)
        return shape, np.full(size.shape[1], YOUNG), size

    def _days(self, known: Array) -> Array:
        """Of how many days some error is known."""
        days, at = np.unique(self.date, return_inverse=True)
        seen = np.zeros((len(days), len(self.error)), bool)
        for of_horizon, error, is_past in zip(at.T, self.known, known.T, strict=True):
            seen[of_horizon] |= (error > 0) & (is_past > 0)[:, None]
        return np.asarray(seen.sum(axis=0))


def _special(days: Array, country: Country) -> Array:
    """Whether days counted from 1970 are special, of the shape of `days` and one more: once, or for each country."""
    known = special(pd.DatetimeIndex(days.ravel().astype("datetime64[D]")), country)
    return known.reshape(*days.shape, -1)


def _sums(numbers: Array, weights: Array) -> Array:
    """Weighted sums over past origins, shape (horizon, n_origins, n_series).

    `numbers` are of shape (horizon, n_past, n_series), `weights`, those at each origin, (n_origins, n_past, horizon).
    """
    return np.asarray(weights.transpose(2, 0, 1) @ numbers)


def _fewest(count: Array, ahead: Array) -> Array:
    """Errors of that of some days ahead of which fewest are known, of each series; of one never forecast there is none.

    `count` is of shape (horizon, n_origins, n_series).
    """
    return np.where(ahead.max() > len(count), 0, count[np.minimum(ahead, len(count)) - 1].min(axis=0))


def _extrapolated(mean: Array, measured: Array, ahead: Array, enough: Array) -> Array:
    """The mean error of each day ahead; beyond the farthest measured it goes on rising as it did on the whole.

    Shape (n_origins, n_days, n_series), of (horizon, n_origins, n_series) and (n_days, n_series) or (n_days, 1).
    """
    horizon, ahead = len(mean), np.broadcast_to(ahead, (len(ahead), mean.shape[2]))
    slope = (mean[-1] - mean[0]) / max(horizon - 1, 1)
    beyond = np.maximum(ahead - horizon, 0)[:, None]
    nearest = np.take_along_axis(mean, np.clip(ahead, 1, horizon)[:, None] - 1, axis=0)
    error = (nearest + slope * beyond).swapaxes(0, 1)
    for origin, series in np.argwhere(~measured.all(axis=0) & enough):
        at, far = np.flatnonzero(measured[:, origin, series]) + 1, ahead[:, series]
        known = mean[at - 1, origin, series]
        slope = (known[-1] - known[0]) / max(at[-1] - at[0], 1)
        error[origin, :, series] = np.interp(far, at, known) + slope * np.maximum(far - at[-1], 0)
    return np.asarray(error)


def _sorted(numbers: Array, order: Array, every: Array) -> tuple[Array, Array]:
    """The places of some numbers, a row per series, in ascending order, of equal ones as in `every`; and those."""
    near, row = numbers[order], np.arange(len(order))[:, None] * order.shape[1]
    at = np.argsort(near, axis=1, kind="stable") + row
    order, value = order.ravel()[at], near.ravel()[at]
    tied = ((value[:, 1:] == value[:, :-1]) & np.isfinite(value[:, 1:])).any(axis=1)
    order[tied] = np.take_along_axis(every[tied], np.argsort(numbers[every[tied]], axis=1, kind="stable"), axis=1)
    return order, value


def _weighted(value: Array, weight: Array) -> Array:
    """Quantiles of each row of ascending values, linear between their middles, shape (n_rows, n_levels).

    What is not finite has no weight.
    """
    row, levels = np.arange(len(value))[:, None], np.array(SCORED_LEVELS)
    total = np.cumsum(weight, axis=1)
    share = (total - weight / 2) / np.maximum(total[:, -1:], SMALLEST)
    position = np.searchsorted((share + row).ravel(), (levels + row).ravel(), side="right").reshape(len(value), -1)
    count = np.isfinite(value).sum(axis=1, keepdims=True)
    high = np.clip(position - row * value.shape[1], 1, np.maximum(count - 1, 1))
    (x, other_x), (y, other_y) = ((part[row, high - 1], part[row, high]) for part in (share, value))
    between = (other_y - y) / (other_x - x) * (levels - x) + y
    return np.asarray(np.where(levels <= x, y, np.where(levels >= other_x, other_y, between)))
