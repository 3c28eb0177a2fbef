"""What stands before the smoother: the log level, the kind of day, last year's turn; each is taken off and put back.

All three are sktime transformers, joined by ``*``. In the scale of the log level their parts simply add up. What they
do to a series they do by methods over arrays, which `footfall.models.features.Features` calls for many origins at once.
Each takes one series or a batch, a frame with a series in every column; arrays of a batch have a trailing axis of
series, and what was learned of it is a number for each.
"""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.transformations.base import BaseTransformer

from footfall.calendar import KINDS, ORDINARY, Country, kinds, known_ahead
from footfall.series import DAY, WEEK
from footfall.units import PERCENT, UNITS, Unit, unit

YEAR = 364  # days: 52 weeks, so that a Friday is compared with a Friday


class SeriesTransformer(BaseTransformer):
    """Takes dated floats as they are: sktime's checks and conversions of a series cost ten times the work itself.

    Anything else is left to them.
    """

    _tags: ClassVar = {
        "authors": "footfall",
        "maintainers": "footfall",
        "capability:inverse_transform": True,
        "capability:missing_values": True,
        "capability:categorical_in_X": False,
        "capability:categorical_in_y": False,
        "X_inner_mtype": ["pd.Series", "pd.DataFrame"],
        "fit_is_empty": False,
        "transform-returns-same-time-index": True,
    }

    def _check_X_y(self, X: Any = None, y: Any = None, return_metadata: bool = False) -> Any:
        if (values := dated(X)) is None:
            return super()._check_X_y(X, y, return_metadata)
        return (values, None, X) if return_metadata else (values, None)

    def _convert_output(self, X: Any, metadata: Any, inverse: bool = False) -> Any:
        if isinstance(metadata, pd.Series):
            return X
        if isinstance(metadata, pd.DataFrame):
            return X.to_frame() if isinstance(X, pd.Series) else X
        return super()._convert_output(X, metadata, inverse)


def dated(X: Any) -> Any:
    """The dated series of floats, or batch of such, that this is to sktime anyway; None if it is anything else.

    A batch is a frame whose columns are (location, category); of any other frame, one with a single column is a series.
    """
    if isinstance(X, pd.DataFrame) and X.columns.nlevels == 1:
        X = X.iloc[:, 0] if X.shape[1] == 1 else None
    if X is None or not isinstance(getattr(X, "index", None), pd.DatetimeIndex):
        return None
    return X if all(dtype == "float64" for dtype in ([X.dtype] if isinstance(X, pd.Series) else X.dtypes)) else None


def day_by_day(y: Any, cutoff: Any = None) -> Any:
    """Its days one after the other, those after a cutoff if that is given: one that is skipped has no value.

    What is not indexed by days is left as it is; an index of dates without a frequency is of days.
    """
    index = getattr(y, "index", None)
    if not isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) or not len(index):
        return y
    if not index.is_monotonic_increasing:
        raise ValueError(f"the days are not in order, {index[0]} is the first and {index[-1]} the last: sort them")
    if index.freq not in (None, "D"):
        return y
    span = pd.date_range if isinstance(index, pd.DatetimeIndex) else pd.period_range
    days = span(index[0] if cutoff is None else cutoff[-1] + DAY, index[-1], freq="D")
    return y if days.equals(index) and index.freq else y.reindex(days)


def joined(seen: Any, new: Any) -> Any:
    """The days seen and new ones, whose values count where both have one."""
    return pd.concat([seen, new]) if new.index[0] > seen.index[-1] else new.combine_first(seen)


class LogLevel(SeriesTransformer):
    """Logarithm of the level that a value stands for: of −50 % it is log ½, of half a usual day's guests too.

    A fall by a tenth weighs the same whether trade was full or already halved.

    Parameters
    ----------
    floor : float, default=0.02
        Smallest level, as a share of the baseline, or of counts' own level; lower ones, of which nobody at all has no
        logarithm, count as this.

    Attributes
    ----------
    unit_ : str
        Unit of the series, by its name: see `footfall.units`.
    level_ : float, or ndarray, shape (n_series,)
        What it is measured against, see `footfall.units.Unit.level`.
    """

    _tags: ClassVar = {"capability:inverse_transform:exact": False}
    unit_, level_ = PERCENT.name, PERCENT.level([])  # of champions that were saved before there were counts

    def __init__(self, floor: float = 0.02):
        self.floor = floor
        super().__init__()

    def _fit(self, X: Any, y: None = None) -> "LogLevel":
        its_unit = unit(X)
        self.unit_, self.level_ = its_unit.name, its_unit.level(X)
        return self

    def _update(self, X: Any, y: None = None) -> "LogLevel":
        return self  # what is measured may move, what it is measured against stays

    def _transform(self, X: Any, y: None = None) -> Any:
        return self.to_logarithm(X, UNITS[self.unit_], self.level_)

    def _inverse_transform(self, X: Any, y: None = None) -> Any:
        return UNITS[self.unit_].of_logarithm(X, self.level_)

    def to_logarithm(self, values: Any, unit: Unit, level: Any) -> Any:
        """Values of a unit, a series, a batch or an array of them, as logarithms of their shares of a level."""
        return np.log(np.maximum(unit.share(values, level), self.floor))


def logarithm_of_level(unit: Unit, level: Any) -> Any:
    """What a logarithm of a share of the level lacks to one of the value itself; of percent, whose is 100 %, nought."""
    return np.log(unit.share(unit.of_logarithm(0.0, level), 1.0))


def as_in(X: Any, days: np.ndarray) -> np.ndarray:
    """Numbers of some days in the shape of a series, or of a batch, whose series share those that are given once."""
    return days if days.ndim == X.ndim else days[:, None]


class OfDays(SeriesTransformer):
    """Takes off what it has learned of each day, `on` it; of all it has seen, where more is seen."""

    _tags: ClassVar = {"enforce_index_type": [pd.DatetimeIndex]}

    def _update(self, X: Any, y: None = None) -> Any:
        return self._fit(joined(self._seen, X))

    def _transform(self, X: Any, y: None = None) -> Any:
        return X - as_in(X, self.on(X.index))

    def _inverse_transform(self, X: Any, y: None = None) -> Any:
        return X + as_in(X, self.on(X.index))


class KindOfDay(OfDays):
    """Takes off what holidays, eves, bridge days and the turn of the year do to a day.

    The effect of a kind is the weighted median of its departures from the ordinary same weekdays one and two weeks
    around, newer ones counting more, shrunken towards zero where there are few. A kind never seen has none.

    Parameters
    ----------
    country : str or Countries
        ISO 3166 code, see `footfall.calendar.known_ahead`; or one for each series of a batch.
    half_life : float, default=500
        Days after which a departure counts half.
    shrink : float, default=0.5
        Number of imagined days without any effect that each kind is weighed against.

    Attributes
    ----------
    effects_ : dict of str to float, or to ndarray, shape (n_series,)
        Effect of each kind seen in `fit`, in the unit of the series.
    """

    def __init__(self, country: Country, half_life: float = 500.0, shrink: float = 0.5):
        self.country = country
        self.half_life = half_life
        self.shrink = shrink
        super().__init__()

    def _fit(self, X: Any, y: None = None) -> "KindOfDay":
        self._seen = X = day_by_day(X).copy()
        self.effects_ = self.learn(X.to_numpy(float), known_ahead(X.index, self.country))
        return self

    def on(self, days: pd.DatetimeIndex) -> np.ndarray:
        """What is taken off each day, shape (n_days,) or (n_days, n_series)."""
        return effect_of_each(known_ahead(days, self.country), self.effects_)

    def learn(self, values: np.ndarray, kinds: np.ndarray) -> dict[str, Any]:
        """What each kind of day did to the values of consecutive days, shape (n_days,) or (n_days, n_series).

        Kinds are those that `footfall.calendar.known_ahead` says.
        """
        (at,) = np.nonzero(kinds.reshape(len(kinds), -1).any(axis=1))
        departure, kinds = values[at] - median_of_near_weekdays(values, kinds == 0, at), kinds[at]
        weight, known = 0.5 ** ((len(values) - 1 - at) / self.half_life), np.isfinite(departure)
        days = {kind: kinds == number for number, kind in enumerate(KINDS) if number}
        seen = {kind: on for kind, on in sorted(days.items()) if (as_in(known, on) & known).any()}
        return {kind: shrunken_median(*_on_those(on, departure, weight), self.shrink) for kind, on in seen.items()}

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Parameters for sktime's own checks."""
        return {"country": "PT"}


def _on_those(days: np.ndarray, values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values and weights on some days; where each series has its own, those of each, filled up with NaN."""
    if days.ndim == 1:
        return values[days], weights[days]
    first = np.argsort(~days, axis=0, kind="stable")[: days.sum(axis=0).max()]
    return np.take_along_axis(np.where(days, values, np.nan), first, axis=0), weights[first]


def effect_of_each(kinds: np.ndarray, effects: dict[str, Any]) -> np.ndarray:
    """The effect of each day's kind, as `footfall.calendar.known_ahead` says it; of a kind never seen, none."""
    none = 0.0 * next(iter(effects.values()), 0.0)
    effect = np.array([effects.get(kind, none) for kind in KINDS])
    apart = kinds.ndim == effect.ndim == 2
    return np.asarray(effect[kinds, np.arange(kinds.shape[1])] if apart else effect[kinds])


class LastYearsTurn(OfDays):
    """Takes off a share of the movement the smoothed series made 52 weeks earlier.

    Parameters
    ----------
    share : float, default=0.4
        How much of last year's movement is expected again.
    window : int, default=7
        Days of the centred mean that smooths last year; a multiple of seven.
    step : float, default=0.01
        Largest movement a day, in the unit of the series (0.01 is 1 % on the log level); larger ones, such as the
        first day of a lockdown, do not recur.

    Notes
    -----
    The centred window lies a year back, so it never reaches past the last day seen.
    """

    def __init__(self, share: float = 0.4, window: int = 7, step: float = 0.01):
        self.share = share
        self.window = window
        self.step = step
        super().__init__()

    def _fit(self, X: Any, y: None = None) -> "LastYearsTurn":
        self._seen = day_by_day(X).copy()
        self._path = self.path(self._seen)
        return self

    def update(self, X: Any, y: None = None, update_params: bool = True) -> "LastYearsTurn":
        """Remember the new days; there is no parameter to hold, and sktime would drop them without."""
        super().update(X, y, update_params=True)
        return self

    def on(self, days: pd.DatetimeIndex) -> np.ndarray:
        """What is taken off each day."""
        return a_year_later(self._path, days)

    def path(self, series: Any) -> Any:
        """Where the expected share of the series' movement, or of each of a batch, has led to by each day."""
        return self.share * cumulated_steps(series, self.window, self.step)


def cumulated_steps(series: Any, window: int, step: float) -> Any:
    """The smoothed series as the sum of its daily steps, none larger than `step`; of a batch each by itself."""
    values, half = series.to_numpy(float), window // 2
    known = np.isfinite(values)
    count, total = _window_sum(known, window), _window_sum(np.where(known, values, 0.0), window)
    smooth = np.where(count > half, total / np.maximum(count, 1), np.nan)
    day = np.arange(len(smooth)).reshape(-1, *[1] * (smooth.ndim - 1))
    last = np.maximum.accumulate(np.where(np.isfinite(smooth), day, 0))
    steps = np.diff(np.take_along_axis(smooth, last, axis=0), axis=0, prepend=np.nan)
    path = np.cumsum(np.nan_to_num(np.clip(steps, -step, step)), axis=0)
    return pd.Series(path, series.index) if path.ndim == 1 else pd.DataFrame(path, series.index, series.columns)


def _window_sum(values: np.ndarray, window: int) -> np.ndarray:
    """Sum of the days around each, those beyond either end being nought."""
    edge = np.zeros((window // 2, *values.shape[1:]))
    padded, total = np.concatenate([edge, values, edge]), np.zeros(values.shape)
    for shift in range(window):
        total += padded[shift : shift + len(values)]
    return total


def a_year_later(path: Any, days: pd.DatetimeIndex) -> np.ndarray:
    """Where a path stood 52 weeks before each day: at nothing before it begins, at its end after it."""
    at = path.index.get_indexer(days - pd.Timedelta(days=YEAR), method="ffill")
    return np.where(as_in(path, at < 0), 0.0, path.to_numpy()[at])


def departures(y: pd.Series, country: str) -> pd.DataFrame:
    """How far each kind of special day lay from the ordinary same weekdays around it.

    Returns
    -------
    DataFrame, indexed by kind
        ``median`` in the unit of the series, ``days`` counted; the deepest fall first.
    """
    kind = kinds(pd.DatetimeIndex(y.index), country)
    departure = y - median_of_near_weekdays(y.to_numpy(float), (kind == ORDINARY).to_numpy())
    special = departure[(kind != ORDINARY) & departure.notna()]
    return special.groupby(kind).agg(median="median", days="count").sort_values("median", kind="stable")


def median_of_near_weekdays(values: np.ndarray, usable: np.ndarray, at: np.ndarray | None = None) -> np.ndarray:
    """Median of the usable same weekdays one and two weeks before and after each day; NaN where there are none.

    Parameters
    ----------
    values : ndarray, shape (n_days,) or (n_days, n_series)
    usable : ndarray of bool, shape (n_days,)
    at : ndarray of int, optional
        For which days; if left out, for all.
    """
    edge = np.full((2 * WEEK, *values.shape[1:]), np.nan)
    padded = np.concatenate([edge, np.where(as_in(values, usable), values, np.nan), edge])
    day = 2 * WEEK + (np.arange(len(values)) if at is None else at)
    near = np.stack([padded[day + shift] for shift in (-2 * WEEK, -WEEK, WEEK, 2 * WEEK)])
    count = np.isfinite(near).sum(axis=0)
    near = _sorted_four(np.where(np.isnan(near), np.inf, near))
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    middle = (np.choose(low, near[:3]) + np.choose(high, near[:3])) / 2
    return np.asarray(np.where(count > 0, middle, np.nan))


def _sorted_four(four: np.ndarray) -> np.ndarray:
    """Sorted along its first axis, which has four places: a tenth of the time of `sort` where the others are long."""
    for one, other in ((0, 1), (2, 3), (0, 2), (1, 3), (1, 2)):
        four[one], four[other] = np.minimum(four[one], four[other]), np.maximum(four[one], four[other])
    return four


def shrunken_median(values: np.ndarray, weights: np.ndarray, shrink: float) -> Any:
    """Weighted median, drawn towards zero as if `shrink` further values had been nought.

    Parameters
    ----------
    values : ndarray, shape (n_values,) or (n_values, n_series)
        NaN does not count; where there is nothing else the median is nought.
    weights : ndarray, shape (n_values,), or of `values`
    """
    order = np.argsort(values, axis=0, kind="stable")  # NaN last
    ordered, count = np.take_along_axis(values, order, axis=0), np.isfinite(values).sum(axis=0)
    weights = np.take_along_axis(as_in(values, weights), order, axis=0)
    share = np.cumsum(np.where(np.isnan(ordered), 0.0, weights), axis=0)
    middle = (share < share[-1] / 2).sum(axis=0)
    median = np.take_along_axis(ordered, middle[None], axis=0)[0]
    shrunken = np.where(count > 0, median, 0.0) * count / (np.maximum(count, 1) + shrink)
    return shrunken if values.ndim == 2 else float(shrunken)
