"""What stands before the smoother: the log level, the kind of day, last year's turn; each is taken off and put back.

All three are sktime transformers, joined by ``*``. In the scale of the log level their parts simply add up.
"""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.transformations.base import BaseTransformer

from footfall.calendar import ORDINARY, kinds

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


class OfDays(BaseTransformer):
    """Takes a plain series as it comes: sktime's checks and conversions of one cost ten times the work itself.

    Anything else is left to them.
    """

    def _check_X_y(self, X: Any = None, y: Any = None, return_metadata: bool = False) -> tuple:
        if (series := plain(X)) is None:
            return super()._check_X_y(X, y, return_metadata)
        return (series, None, X) if return_metadata else (series, None)

    def _convert_output(self, X: Any, metadata: Any, inverse: bool = False) -> Any:
        if isinstance(metadata, pd.Series):
            return X
        if isinstance(metadata, pd.DataFrame):
            return X.to_frame()
        return super()._convert_output(X, metadata, inverse)


def plain(X: Any) -> pd.Series | None:
    """The one dated series of floats that sktime would make of this anyway; None if it is anything else."""
    if isinstance(X, pd.DataFrame) and X.shape[1] == 1:
        X = X.iloc[:, 0]
    dated = isinstance(X, pd.Series) and isinstance(X.index, pd.DatetimeIndex)
    return X if dated and X.dtype == float else None


class LogLevel(OfDays):
    """Logarithm of the level that a percent change stands for: −50 % is log ½.

    A fall by a tenth weighs the same whether trade was full or already halved.

    Parameters
    ----------
    floor : float, default=0.02
        Smallest level, as a share of the baseline; lower ones, of which −100 % has no logarithm, count as this.
    """

    _tags: ClassVar = {**_TAGS, "fit_is_empty": True, "capability:inverse_transform:exact": False}

    def __init__(self, floor: float = 0.02):
        self.floor = floor
        super().__init__()

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return np.log((1 + X / 100).clip(lower=self.floor))

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return 100 * np.expm1(X)


class KindOfDay(OfDays):
    """Takes off what holidays, eves, bridge days and the turn of the year do to a day.

    The effect of a kind is the weighted median of its departures from the ordinary same weekdays one and two weeks
    around, newer ones counting more, shrunken towards zero where there are few. A kind never seen has none.

    Parameters
    ----------
    country : str
        ISO 3166 code of two letters, see `footfall.calendar.kinds`.
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
        self.effects_ = self._effects(X)
        return self

    def _update(self, X: pd.Series, y: None = None) -> "KindOfDay":
        return self._fit(X.combine_first(self._seen))

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X - self._of(X.index)

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X + self._of(X.index)

    def _of(self, days: pd.DatetimeIndex) -> np.ndarray:
        return np.array([self.effects_.get(kind, 0.0) for kind in kinds(days, self.country).to_numpy()])

    def _effects(self, X: pd.Series) -> dict[str, float]:
        return effects(X.to_numpy(float), kinds(X.index, self.country).to_numpy(), self.half_life, self.shrink)

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> dict:
        """Parameters for sktime's own checks."""
        return {"country": "PT"}


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

    _tags: ClassVar = _ON_DAYS

    def __init__(self, share: float = 0.4, window: int = 7, step: float = 0.01):
        self.share = share
        self.window = window
        self.step = step
        super().__init__()

    def _fit(self, X: pd.Series, y: None = None) -> "LastYearsTurn":
        self._seen = X.copy()
        self._path = pd.Series(self.share * path(X.to_numpy(float), self.window, self.step), index=X.index)
        return self

    def _update(self, X: pd.Series, y: None = None) -> "LastYearsTurn":
        return self._fit(X.combine_first(self._seen))

    def update(self, X: pd.Series, y: None = None, update_params: bool = True) -> "LastYearsTurn":
        """Remember the new days; there is no parameter to hold, and sktime would drop them without."""
        return super().update(X, y, update_params=True)

    def _transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X - self._of(X.index)

    def _inverse_transform(self, X: pd.Series, y: None = None) -> pd.Series:
        return X + self._of(X.index)

    def _of(self, days: pd.DatetimeIndex) -> np.ndarray:
        at = self._path.index.get_indexer(days - pd.Timedelta(days=YEAR), method="ffill")
        return np.where(at < 0, 0.0, self._path.to_numpy()[at])


def effects(values: np.ndarray, kind: np.ndarray, half_life: float = 500.0, shrink: float = 0.5) -> dict[str, float]:
    """What each kind of day did to the values, see `KindOfDay`."""
    departure = values - around(values, kind == ORDINARY)
    weight = 0.5 ** (np.arange(len(values))[::-1] / half_life)
    known = np.isfinite(departure) & (kind != ORDINARY)
    found = {word: known & (kind == word) for word in sorted(set(kind[known]))}
    return {word: shrunken_median(departure[at], weight[at], shrink) for word, at in found.items()}


def path(values: np.ndarray, window: int = 7, step: float = 0.01) -> np.ndarray:
    """The smoothed values as the sum of their daily steps, none larger than `step`."""
    ones, known = np.ones(window), np.isfinite(values)
    half = window // 2
    count = np.convolve(known, ones)[half : half + len(values)]
    total = np.convolve(np.where(known, values, 0.0), ones)[half : half + len(values)]
    smooth = np.where(count > half, total / np.maximum(count, 1), np.nan)
    last = np.maximum.accumulate(np.where(np.isfinite(smooth), np.arange(len(smooth)), 0))
    steps = np.diff(smooth[last], prepend=np.nan)
    return np.cumsum(np.nan_to_num(np.clip(steps, -step, step)))


def departures(y: pd.Series, country: str) -> pd.DataFrame:
    """How far each kind of special day lay from the ordinary same weekdays around it.

    Returns
    -------
    DataFrame, indexed by kind
        ``median`` in the unit of the series, ``days`` counted; the deepest fall first.
    """
    kind = kinds(y.index, country)
    departure = y - around(y.to_numpy(float), (kind == ORDINARY).to_numpy())
    special = departure[(kind != ORDINARY) & departure.notna()]
    return special.groupby(kind).agg(median="median", days="count").sort_values("median", kind="stable")


def around(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Median of the usable same weekdays one and two weeks before and after each day; NaN where there are none."""
    padded = np.pad(np.where(usable, values, np.nan), 14, constant_values=np.nan)
    near = np.stack([padded[14 + shift : 14 + shift + len(values)] for shift in (-14, -7, 7, 14)])
    near.sort(axis=0)  # NaN last
    count = np.isfinite(near).sum(axis=0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    column = np.arange(len(values))
    return (near[low, column] + near[high, column]) / 2


def shrunken_median(values: np.ndarray, weights: np.ndarray, shrink: float) -> float:
    """Weighted median, drawn towards zero as if `shrink` further values had been nought."""
    order = np.argsort(values, kind="stable")
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order][middle] * len(values) / (len(values) + shrink))
