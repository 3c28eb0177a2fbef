"""Exponential smoothing with a weekly season, whose gains are given."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from sktime.forecasting.base import ForecastingHorizon

from footfall.models.forecaster import SeriesForecaster, names_of
from footfall.series import WEEK

FIRST = 4 * WEEK  # days that a first state rests on
# Level, slope and what the seven coming weekdays add: floats, or of a batch arrays of shape (n_series,).
State = tuple[Any, Any, tuple[Any, ...]]


class Path(NamedTuple):
    """The states of a smoother, at first and at the end of each day: floats, or of a batch arrays of (n_series,)."""

    level: list[Any]  # n_days + 1
    slope: list[Any]
    weekday: list[Any]  # n_days + 7: what each day added, and the seven coming ones will
    surprise: list[Any]  # n_days

    @property
    def end(self) -> State:
        """The state after the last day."""
        return self.level[-1], self.slope[-1], tuple(self.weekday[-WEEK:])

    def after(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Level, slope, shape (n_states, ...), and coming weekdays, (n_states, 7, ...), after so many days each."""
        coming = np.array(self.weekday)[days[:, None] + np.arange(WEEK)]
        return np.array(self.level)[days], np.array(self.slope)[days], coming


class WeekdaySmoother(SeriesForecaster):
    """Damped additive exponential smoothing with a weekly season and fixed gains.

    The gains are not estimated: maximum likelihood over lockdowns picks poor ones.

    Parameters
    ----------
    level, season, trend : float
        How far level, weekday and daily slope follow a surprise.
    damping : float
        How much of the slope is left a day later.
    days : int, default=300
        Days of history that `fit` starts from.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, section 8.3.
    """

    def __init__(
        self,
        level: float = 0.23,
        season: float = 0.33,
        trend: float = 0.034,
        damping: float = 0.77,
        days: int = 300,
    ):
        self.level = level
        self.season = season
        self.trend = trend
        self.damping = damping
        self.days = days
        super().__init__()

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "WeekdaySmoother":
        recent = y.to_numpy(float)[-self.days :]
        self._name = names_of(y)
        self.smoothed_ = self.follow(first_state(recent), recent).end
        return self

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "WeekdaySmoother":
        self.smoothed_ = self.follow(self.smoothed_, y.to_numpy(float)).end
        return self

    def parts(self, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What the forecasts of some days ahead are the sum of: the level with its slope, and the weekday."""
        level, slope, season = (np.array([part]) for part in self.smoothed_)
        level, weekday = self.carry_on(level, slope, season, ahead)
        return {"level": level[0], "weekday": weekday[0]}

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        states = self.follow(self.smoothed_, y.to_numpy(float)).after(known)
        return np.asarray(np.add(*self.carry_on(*states, ahead)))

    def carry_on(
        self, level: np.ndarray, slope: np.ndarray, season: np.ndarray, ahead: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What forecasts from any states are the sum of.

        Parameters
        ----------
        level, slope : ndarray, shape (n_states,) or (n_states, n_series)
            One number per state.
        season : ndarray, shape (n_states, 7) or (n_states, 7, n_series)
            What the seven coming weekdays add.
        ahead : ndarray of int, shape (n_days,)
            Days after the state, from 1.

        Returns
        -------
        level, weekday : ndarray, shape (n_states, n_days) or (n_states, n_days, n_series)
            The level with its slope, and what the weekday adds.
        """
        slopes = self.slopes(ahead).reshape(-1, *[1] * (level.ndim - 1))
        return level[:, None] + slope[:, None] * slopes, season[:, (ahead - 1) % WEEK]

    def slopes(self, ahead: np.ndarray) -> np.ndarray:
        """How many times the slope is added by each of some days ahead."""
        return np.asarray(np.cumsum(self.damping ** np.arange(1, ahead.max(initial=0) + 1))[ahead - 1])

    def follow(self, state: State, values: np.ndarray) -> Path:
        """The states day by day, from values of shape (n_days,) or (n_days, n_series); without one nothing moves.

        One step serves floats and arrays: a single series is followed on Python's own numbers, ten times as fast.
        """
        path = Path([state[0]], [state[1]], [*state[2]], [])
        level, slope, _ = state
        for (value, is_known), today in zip(_days(values), path.weekday, strict=False):  # which grows day by day
            slope = slope * self.damping
            surprise = is_known * (value - level - slope - today)
            level = level + (slope + self.level * surprise)
            slope = slope + self.trend * surprise
            path.level.append(level)
            path.slope.append(slope)
            path.weekday.append(today + self.season * (1 - self.level) * surprise)
            path.surprise.append(surprise)
        return path


def _days(values: np.ndarray) -> Iterable[tuple[Any, Any]]:
    """Each day's value and whether there is one, as 1 and 0: floats, or of a batch arrays of shape (n_series,)."""
    known = np.isfinite(values)
    days = np.where(known, values, 0.0), known.astype(float)
    return zip(*(map(np.ndarray.tolist, days) if values.ndim == 1 else days), strict=True)


def first_state(values: np.ndarray) -> State:
    """Level of the first four weeks, no slope; and each weekday as it was against the level of those weeks.

    A weekday that is not known in them, as where a place begins to open on Mondays, is as it was in the four weeks from
    its first day on; one never known is like the mean. Values are those of consecutive days, shape (n_days,) or
    (n_days, n_series).
    """
    level, seen = _mean(values[:FIRST])
    season = [_of_weekday(values, weekday, level) for weekday in range(WEEK)]
    state = np.where(seen, level, 0.0), np.zeros(values.shape[1:]), tuple(season)
    return state if values.ndim == 2 else (float(state[0]), 0.0, tuple(map(float, state[2])))


def _of_weekday(values: np.ndarray, weekday: int, level: np.ndarray) -> np.ndarray:
    """What a weekday, counted from the first day, adds to the mean of the four weeks in which it is first known.

    `level` is the mean of the first four weeks of all.
    """
    mean, seen = _mean(values[weekday:FIRST:WEEK])
    if seen.all():
        return np.asarray(mean - level)
    known = np.isfinite(values[weekday::WEEK])
    twice = known[:-1] & known[1:]  # one alone was an odd day
    start = twice.argmax(axis=0) * WEEK if len(twice) else np.zeros(level.shape, int)
    padded = np.concatenate([values, np.full((FIRST, *level.shape), np.nan)])
    later = start + np.arange(FIRST).reshape(-1, *[1] * level.ndim)
    weeks = np.take_along_axis(padded, later, axis=0)
    mean_later, seen_later = _mean(weeks[weekday::WEEK])
    return np.where(seen, mean - level, np.where(seen_later, mean_later - _mean(weeks)[0], 0.0))


def _mean(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the days, and whether any is known; summed in the same order whether one series or many are."""
    values = np.ascontiguousarray(values.T)
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), count > 0
