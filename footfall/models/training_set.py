"""Every past forecast of some series as a row to learn from: what could be known, and how the forecast erred."""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from footfall.models.features import FEATURES, Features, Front, days_fitted

FEWEST_DAYS = 120  # days a series must have before the trees learn from its errors
LARGEST_ERROR = 6.0  # usual errors; larger ones count as this
HORIZON = 10  # days ahead that the trees learn; farther days are corrected as this one
Batches = list[tuple[str, Any]]  # country, and a series or a batch of its series, all of one span


class TrainingSet(NamedTuple):
    """Past forecasts and how they erred: a row per series, origin and day ahead."""

    features: np.ndarray  # shape (n_rows, n_features)
    error: np.ndarray  # in usual errors of the series
    day: np.ndarray  # the day forecast: a row is known once this day is
    draw: np.ndarray  # a number at random between 0 and 1, the same every time: the smallest are drawn
    order: np.ndarray  # in which rows are learned from: by series, origin and day ahead

    def until(self, day: pd.Timestamp) -> "TrainingSet":
        """The rows whose outcome was known by the end of a day."""
        return self._rows(self.day <= day.to_datetime64())

    def thinned(self, most: int) -> "TrainingSet":
        """At most so many rows, those that are drawn."""
        return self if len(self.error) <= most else self._rows(np.sort(np.argsort(self.draw, kind="stable")[:most]))

    def _rows(self, which: np.ndarray) -> "TrainingSet":
        return TrainingSet(*(column[which] for column in self))


NOTHING = TrainingSet(
    np.empty((0, len(FEATURES))), np.empty(0), np.empty(0, "datetime64[us]"), np.empty(0), np.empty(0, int)
)


def training_set(batches: Batches, front: Front, most: float = np.inf) -> TrainingSet:
    """Every forecast of the past with what it could know, month by month, and how it erred.

    Of more than `most` rows those are left out that ``until(day).thinned(most)`` takes on no day: what has been drawn
    by the first of a month, a row of that month must undercut. So memory holds little more than `most`.

    Parameters
    ----------
    batches : list of tuple
        Country, ISO 3166 code of two letters, and a daily series, named by its category, or a batch of such; NaN where
        nothing was published and where the place was shut.
    front : Front
        Steps of the pipeline whose forecasts they are.
    most : int, optional
        Rows that may be asked for at once; all, if left out.
    """
    names = _names(batches)
    position = {name: number for number, name in enumerate(sorted(names))}
    parts = [NOTHING]
    origins = [y.index[FEWEST_DAYS : len(y) - 1].to_period("M") for _, y in batches]
    for month in sorted({month for of_batch in origins for month in of_batch.unique()}):
        limit = _limit(parts, month.to_timestamp(), most)
        parts += [part for batch in batches for part in _month(*batch, front, month, limit, position)]
    rows = TrainingSet(*map(np.concatenate, zip(*parts, strict=True)))
    return rows._rows(np.argsort(rows.order, kind="stable"))


def _names(batches: Batches) -> list[Any]:
    return [name for _, y in batches for name in ([y.name] if isinstance(y, pd.Series) else y.columns)]


def _limit(parts: list[TrainingSet], day: pd.Timestamp, most: float) -> float:
    """The largest number drawn among the rows whose outcome is known by the end of a day, once there are too many."""
    draws = np.concatenate([part.draw[part.day <= day.to_datetime64()] for part in parts])
    return float(np.partition(draws, int(most) - 1)[int(most) - 1]) if len(draws) >= most else np.inf


def _month(
    country: str, y: Any, front: Front, month: pd.Period, limit: float, position: dict[Any, int]
) -> Iterator[TrainingSet]:
    """A month of origins, with effects of holidays as they were known when it began."""
    origins = np.flatnonzero(y.index.to_period("M") == month)
    origins = origins[(origins >= FEWEST_DAYS) & (origins < len(y) - 1)]
    if not len(origins):
        return
    seen, names = y.iloc[: origins[-1] + 1], _names([(country, y)])
    features = Features(seen, country, front, int(days_fitted(y.index, origins)[0]), np.arange(1, HORIZON + 1))
    target = features.targets(origins)
    values = y.to_numpy(float).reshape(len(y), -1)
    actual = features.to_logarithm(np.concatenate([values, np.full((HORIZON, len(names)), np.nan)])[target])
    error = (actual - features.forecast(origins)) / features.usual_error[origins][:, None]
    draw = np.stack([_draws(name, month, error.shape[:2]) for name in names], axis=2)
    origin, ahead, series = drawn = np.nonzero(np.isfinite(error) & (draw <= limit))
    day = y.index[0].to_datetime64() + target[origin, ahead] * np.timedelta64(1, "D")
    since_1970 = (y.index[0] - pd.Timestamp(0)).days + origins
    yield TrainingSet(
        features.rows(origins[origin], target[origin, ahead], series),
        np.clip(error, -LARGEST_ERROR, LARGEST_ERROR)[drawn].round(4),
        day.astype("datetime64[us]"),
        draw[drawn],
        (np.array([position[name] for name in names])[series] << 32) + (since_1970[origin] << 8) + ahead,
    )


def _draws(name: Any, month: pd.Period, shape: tuple[int, ...]) -> np.ndarray:
    """Of each forecast of a series in a month, the same every time; those of earlier days whatever comes after."""
    return np.random.default_rng([zlib.crc32(str(name).encode()), month.ordinal]).random(shape)
