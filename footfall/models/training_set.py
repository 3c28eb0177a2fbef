"""Every past forecast of a series as an example of how such forecasts err."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from footfall.models.features import FEATURES, View

YOUNG = 120  # days a series must have before the trees learn from its errors
LARGEST = 6.0  # usual errors; larger ones count as this
REACH = 10  # days ahead that the trees learn; farther days are corrected as this one


class Examples(NamedTuple):
    """Past forecasts and how they erred: a row per series, origin and day ahead."""

    features: np.ndarray  # shape (n_rows, n_features)
    error: np.ndarray  # in usual errors of the series
    day: np.ndarray  # the day forecast: an example is known once this day is

    def until(self, day: pd.Timestamp) -> "Examples":
        """Those whose outcome was known by the end of a day."""
        return self._take(self.day <= day.to_datetime64())

    def thinned(self, most: int) -> "Examples":
        """At most so many, drawn with a fixed seed."""
        count = len(self.error)
        drawn = np.random.default_rng(0).permutation(count)[:most]
        return self if count <= most else self._take(np.sort(drawn))

    def _take(self, which: Any) -> "Examples":
        return Examples(*(column[which] for column in self))


def examples(y: pd.Series, country: str) -> Examples:
    """Every forecast of the past with what it could know, month by month, and how it erred.

    Parameters
    ----------
    y : Series
        One daily series in percent; NaN where nothing was published.
    country : str
        ISO 3166 code of two letters.
    """
    origins = np.arange(YOUNG, len(y) - 1)
    months = (y.index.year * 12 + y.index.month).to_numpy()[origins]
    parts = [_month(y, country, origins[months == month]) for month in np.unique(months)]
    return together(parts)


def together(parts: Iterable[Examples]) -> Examples:
    """The rows of all, one after the other; of none, no row."""
    nothing = Examples(np.empty((0, len(FEATURES))), np.empty(0), np.empty(0, "datetime64[us]"))
    return Examples(*map(np.concatenate, zip(*[nothing, *parts], strict=True)))


def _month(y: pd.Series, country: str, origins: np.ndarray) -> Examples:
    """A month of origins, with effects of holidays as they were known when it began."""
    seen = y.iloc[: origins[-1] + 1]
    view = View(seen, country, known_days(seen), REACH)
    target = origins[:, None] + np.arange(1, REACH + 1)
    actual = view.scaled(np.append(y.to_numpy(float), np.full(REACH, np.nan))[target])
    error = np.clip((actual - view.forecast(origins)) / view.usual(origins)[:, None], -LARGEST, LARGEST)
    day = y.index[0].to_datetime64() + target * np.timedelta64(1, "D")
    known = np.isfinite(error)
    return Examples(view.features(origins)[known], error[known].round(4), day[known].astype("datetime64[us]"))


def known_days(y: pd.Series) -> int:
    """How many days lie before the month of the last one: the weeks after a holiday are needed to tell what it did."""
    return len(y) - min(int(y.index[-1].day), len(y) - 1)
