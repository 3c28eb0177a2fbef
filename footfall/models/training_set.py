"""Every past forecast of a series as a row to learn from: what could be known, and how the forecast erred."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from footfall.models.features import FEATURES, Features, Front

FEWEST_DAYS = 120  # days a series must have before the trees learn from its errors
LARGEST_ERROR = 6.0  # usual errors; larger ones count as this
HORIZON = 10  # days ahead that the trees learn; farther days are corrected as this one


class TrainingSet(NamedTuple):
    """Past forecasts and how they erred: a row per series, origin and day ahead."""

    features: np.ndarray  # shape (n_rows, n_features)
    error: np.ndarray  # in usual errors of the series
    day: np.ndarray  # the day forecast: a row is known once this day is

    def until(self, day: pd.Timestamp) -> "TrainingSet":
        """The rows whose outcome was known by the end of a day."""
        return self._rows(self.day <= day.to_datetime64())

    def thinned(self, most: int) -> "TrainingSet":
        """At most so many rows, drawn with a fixed seed."""
        count = len(self.error)
        drawn = np.random.default_rng(0).permutation(count)[:most]
        return self if count <= most else self._rows(np.sort(drawn))

    def _rows(self, which: np.ndarray) -> "TrainingSet":
        return TrainingSet(*(column[which] for column in self))


def training_set(y: pd.Series, country: str, front: Front) -> TrainingSet:
    """Every forecast of the past with what it could know, month by month, and how it erred.

    Parameters
    ----------
    y : Series
        One daily series, named by its category; NaN where nothing was published and where the place was shut.
    country : str
        ISO 3166 code of two letters.
    front : Front
        Steps of the pipeline whose forecasts they are.
    """
    origins = np.arange(FEWEST_DAYS, len(y) - 1)
    months = (y.index.year * 12 + y.index.month).to_numpy()[origins]
    return concatenated(_month(y, country, front, origins[months == month]) for month in np.unique(months))


def concatenated(parts: Iterable[TrainingSet]) -> TrainingSet:
    """The rows of all, one after the other; of none, no row."""
    nothing = TrainingSet(np.empty((0, len(FEATURES))), np.empty(0), np.empty(0, "datetime64[us]"))
    return TrainingSet(*map(np.concatenate, zip(*[nothing, *parts], strict=True)))


def _month(y: pd.Series, country: str, front: Front, origins: np.ndarray) -> TrainingSet:
    """A month of origins, with effects of holidays as they were known when it began."""
    seen = y.iloc[: origins[-1] + 1]
    features = Features(seen, country, front, days_before_month(seen), HORIZON)
    target = origins[:, None] + np.arange(1, HORIZON + 1)
    actual = features.to_logarithm(np.append(y.to_numpy(float), np.full(HORIZON, np.nan))[target])
    error = (actual - features.forecast(origins)) / features.usual_error(origins)[:, None]
    error = np.clip(error, -LARGEST_ERROR, LARGEST_ERROR)
    day = y.index[0].to_datetime64() + target * np.timedelta64(1, "D")
    known = np.isfinite(error)
    return TrainingSet(features.table(origins)[known], error[known].round(4), day[known].astype("datetime64[us]"))


def days_before_month(y: pd.Series) -> int:
    """How many days lie before the month of the last one: the weeks after a holiday are needed to tell what it did."""
    return len(y) - min(int(y.index[-1].day), len(y) - 1)
