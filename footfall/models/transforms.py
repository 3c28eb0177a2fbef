"""What stands before the smoother: the log level, the kind of day, last year's turn; each is taken off and put back.

All three are sktime transformers, joined by ``*``. In the scale of the log level their parts simply add up. What they
do to a series they do by methods over arrays, which `footfall.models.features.Features` calls for many origins at once.
"""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.transformations.base import BaseTransformer

from footfall.calendar import ORDINARY, known_ahead
from footfall.units import PERCENT, UNITS, Unit, unit

YEAR = 364  # days: 52 weeks, so that a Friday is compared with a Friday
_TAGS = {
    "authors": "footfall",
    "maintainers": "footfall",
    "capability:inverse_transform": True,
    "capability:missing_values": True,
    "capability:multivariate": False,
    "capability:categorical_in_X": False,
    "capability:categorical_in_y": False,
    "X_inner_mtype": "pd.Series",
    "y_inner_mtype": "None",
    "fit_is_empty": False,
    "transform-returns-same-time-index": True,
}
_ON_DAYS = {**_TAGS, "enforce_index_type": [pd.DatetimeIndex]}


class SeriesTransformer(BaseTransformer):
    """Takes a dated series of floats as it is: sktime's checks and conversions of one cost ten times the work itself.

    Anything else is left to them.
    """

    def _check_X_y(self, X: Any = None, y: Any = None, return_metadata: bool = False) -> Any:
        if (series := dated_series(X)) is None:
            return super()._check_X_y(X, y, return_metadata)
        return (series, None, X) if return_metadata else (series, None)

    def _convert_output(self, X: Any, metadata: Any, inverse: bool = False) -> Any:
        if isinstance(metadata, pd.Series):
            return X
        if isinstance(metadata, pd.DataFrame):
            return X.to_frame()
        return super()._convert_output(X, metadata, inverse)


def dated_series(X: Any) -> pd.Series | None:
    """The one dated series of floats that sktime would make of this anyway; None if it is anything else."""
    if isinstance(X, pd.DataFrame) and X.shape[1] == 1:
        X = X.iloc[:, 0]
    dated = isinstance(X, pd.Series) and isinstance(X.index, pd.DatetimeIndex)
    return X if dated and X.dtype == float else None


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
    level_ : float
        What it is measured against, see `footfall.units.Unit.level`.
    """

    _tags: ClassVar = {**_TAGS, "capability:inverse_transform:exact": False}
    unit_, level_ = PERCENT.name, PERCENT.level([])  # of champions that were saved before there were counts

    def __init__(self, floor: float = 0.02):
        self.floor = floor
        super().__init__()

    def _fit(self, X: pd.Series, y: None = None) -> "LogLevel":
        of = unit(X)
        self.unit_, self.level_ = of.name, of.level(X)
        return self

    def _update(self, X: pd.Series, y: None = None) -> "LogLevel":
        return self  # what is measured may move, what it is measured against stays

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return self.to_logarithm(X, UNITS[self.unit_], self.level_)

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return UNITS[self.unit_].of_logarithm(X, self.level_)

    def to_logarithm(self, values: Any, of: Unit, level: float) -> Any:
        """Values of a unit, a series or an array of them, as logarithms of their shares of a level."""
        return np.log(np.maximum(of.share(values, level), self.floor))


def logarithm_of_level(of: Unit, level: float) -> float:
    """What a logarithm of a share of the level lacks to one of the value itself; of percent, whose is 100 %, nought."""
    return float(np.log(of.share(of.of_logarithm(0.0, level), 1.0)))


class KindOfDay(SeriesTransformer):
    """Takes off what holidays, eves, bridge days and the turn of the year do to a day.

    The effect of a kind is the weighted median of its departures from the ordinary same weekdays one and two weeks
    around, newer ones counting more, shrunken towards zero where there are few. A kind never seen has none.

    Parameters
    ----------
    country : str
        ISO 3166 code of two letters, see `footfall.calendar.known_ahead`.
    half_life : float, default=500
        Days after which a departure counts half.
    shrink : float, default=0.5
        Number of imagined days without any effect that each kind is weighed against.

    Attributes
    ----------
    effects_ : dict of str to float
        Effect of each kind seen in `fit`, in the unit of the series.
    """

    _tags: ClassVar = _ON_DAYS

    def __init__(self, country: str, half_life: float = 500.0, shrink: float = 0.5):
        self.country = country
        self.half_life = half_life
        self.shrink = shrink
        super().__init__()

    def _fit(self, X: pd.Series, y: None = None) -> "KindOfDay":
        self._seen = X.copy()
        self.effects_ = self.learn(X.to_numpy(float), self._kinds(X.index))
        return self

    def _update(self, X: pd.Series, y: None = None) -> "KindOfDay":
        return self._fit(X.combine_first(self._seen))

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X - self.on(X.index)

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X + self.on(X.index)

    def _kinds(self, days: pd.DatetimeIndex) -> np.ndarray:
        return np.asarray(known_ahead(days, self.country)["kind"])

    def on(self, days: pd.DatetimeIndex) -> np.ndarray:
        """What is taken off each day."""
        return effect_of_each(self._kinds(days), self.effects_)

    def learn(self, values: np.ndarray, kinds: np.ndarray) -> dict[str, float]:
        """What each kind of day did to the values of consecutive days."""
        departure = values - median_of_near_weekdays(values, kinds == ORDINARY)
        weight = 0.5 ** (np.arange(len(values))[::-1] / self.half_life)
        special = np.isfinite(departure) & (kinds != ORDINARY)
        days = {kind: special & (kinds == kind) for kind in sorted(set(kinds[special]))}
        return {kind: shrunken_median(departure[at], weight[at], self.shrink) for kind, at in days.items()}

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict[str, Any]:
        """Parameters for sktime's own checks."""
        return {"country": "PT"}


def effect_of_each(kinds: np.ndarray, effects: dict[str, float]) -> np.ndarray:
    """The effect of each day's kind; of a kind never seen, none."""
    return np.array([effects.get(kind, 0.0) for kind in kinds])


class LastYearsTurn(SeriesTransformer):
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

    _tags: ClassVar = _ON_DAYS

    def __init__(self, share: float = 0.4, window: int = 7, step: float = 0.01):
        self.share = share
        self.window = window
        self.step = step
        super().__init__()

    def _fit(self, X: pd.Series, y: None = None) -> "LastYearsTurn":
        self._seen = X.copy()
        self._path = self.path(X)
        return self

    def _update(self, X: pd.Series, y: None = None) -> "LastYearsTurn":
        return self._fit(X.combine_first(self._seen))

    def update(self, X: pd.Series, y: None = None, update_params: bool = True) -> "LastYearsTurn":
        """Remember the new days; there is no parameter to hold, and sktime would drop them without."""
        super().update(X, y, update_params=True)
        return self

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X - self.on(X.index)

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X + self.on(X.index)

    def on(self, days: pd.DatetimeIndex) -> np.ndarray:
        """What is taken off each day."""
        return a_year_later(self._path, days)

    def path(self, series: pd.Series) -> pd.Series:
        """Where the expected share of the series' movement has led to by each day."""
        return self.share * cumulated_steps(series, self.window, self.step)


def cumulated_steps(series: pd.Series, window: int, step: float) -> pd.Series:
    """The smoothed series as the sum of its daily steps, none larger than `step`."""
    values, ones, half = series.to_numpy(float), np.ones(window), window // 2
    known = np.isfinite(values)
    count = np.convolve(known, ones)[half : half + len(values)]
    total = np.convolve(np.where(known, values, 0.0), ones)[half : half + len(values)]
    smooth = np.where(count > half, total / np.maximum(count, 1), np.nan)
    last = np.maximum.accumulate(np.where(np.isfinite(smooth), np.arange(len(smooth)), 0))
    steps = np.diff(smooth[last], prepend=np.nan)
    return pd.Series(np.cumsum(np.nan_to_num(np.clip(steps, -step, step))), index=series.index)


def a_year_later(path: pd.Series, days: pd.DatetimeIndex) -> np.ndarray:
    """Where a path stood 52 weeks before each day: at nothing before it begins, at its end after it."""
    at = path.index.get_indexer(days - pd.Timedelta(days=YEAR), method="ffill")
    return np.where(at < 0, 0.0, path.to_numpy()[at])


def departures(y: pd.Series, country: str) -> pd.DataFrame:
    """How far each kind of special day lay from the ordinary same weekdays around it.

    Returns
    -------
    DataFrame, indexed by kind
        ``median`` in the unit of the series, ``days`` counted; the deepest fall first.
    """
    kind = known_ahead(pd.DatetimeIndex(y.index), country)["kind"]
    departure = y - median_of_near_weekdays(y.to_numpy(float), (kind == ORDINARY).to_numpy())
    special = departure[(kind != ORDINARY) & departure.notna()]
    return special.groupby(kind).agg(median="median", days="count").sort_values("median", kind="stable")


def median_of_near_weekdays(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Median of the usable same weekdays one and two weeks before and after each day; NaN where there are none."""
    padded = np.pad(np.where(usable, values, np.nan), 14, constant_values=np.nan)
    near = np.stack([padded[14 + shift : 14 + shift + len(values)] for shift in (-14, -7, 7, 14)])
    near.sort(axis=0)  # NaN last
    count = np.isfinite(near).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    column = np.arange(len(values))
    return np.asarray((near[low, column] + near[high, column]) / 2)


def shrunken_median(values: np.ndarray, weights: np.ndarray, shrink: float) -> float:
    """Weighted median, drawn towards zero as if `shrink` further values had been nought."""
    order = np.argsort(values, kind="stable")
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order][middle] * len(values) / (len(values) + shrink))
