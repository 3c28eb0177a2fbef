"""Exponential smoothing with a weekly season, whose gains are given."""

from collections import deque
from collections.abc import Iterator
from math import isnan

import numpy as np
import pandas as pd
from sktime.forecasting.base import ForecastingHorizon

from footfall.models.forecaster import SeriesForecaster
from footfall.series import WEEK

State = tuple[float, float, tuple[float, ...]]  # level, slope and what the seven coming weekdays add


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

    def _fit(self, y: pd.Series, X: None, fh: ForecastingHorizon) -> "WeekdaySmoother":
        recent = y.to_numpy(float)[-self.days :]
        self._name = y.name
        self.smoothed_ = self._after(first_state(recent), recent)
        return self

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "WeekdaySmoother":
        self.smoothed_ = self._after(self.smoothed_, y.to_numpy(float))
        return self

    def _predict(self, fh: ForecastingHorizon, X: None) -> pd.Series:
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        level, weekday = self._carried_on(ahead)
        return pd.Series(level + weekday, index=fh.to_absolute_index(self.cutoff), name=self._name)

    def parts(self, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What the forecasts of some days ahead are the sum of: the level with its slope, and the weekday."""
        level, weekday = self._carried_on(ahead)
        return {"level": level, "weekday": weekday}

    def _carried_on(self, ahead: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level, slope, season = self.smoothed_
        return self.carry_on(np.array(level), np.array(slope), np.array(season), ahead)

    def forecasts(self, y: pd.Series, known: np.ndarray, horizon: int) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        days = self.follow(self.smoothed_, y.to_numpy(float))
        states = [self.smoothed_, *((level, slope, tuple(coming)) for level, slope, coming, _ in days)]
        level, slope, season = (np.array(part) for part in zip(*(states[day] for day in known), strict=True))
        return np.asarray(np.add(*self.carry_on(level, slope, season, np.arange(1, horizon + 1))))

    def carry_on(
        self, level: np.ndarray, slope: np.ndarray, season: np.ndarray, ahead: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What forecasts from any states are the sum of.

        Parameters
        ----------
        level, slope : ndarray, shape (...)
            One number per state.
        season : ndarray, shape (..., 7)
            What the seven coming weekdays add.
        ahead : ndarray of int, shape (n_days,)
            Days after the state, from 1.

        Returns
        -------
        level, weekday : ndarray, shape (..., n_days)
            The level with its slope, and what the weekday adds.
        """
        slopes = np.cumsum(self.damping ** np.arange(1, ahead.max() + 1))[ahead - 1]
        return level[..., None] + slope[..., None] * slopes, season[..., (ahead - 1) % WEEK]

    def _after(self, state: State, values: np.ndarray) -> State:
        """Level, slope and the seven coming weekdays after `values`."""
        last = deque(self.follow(state, values), maxlen=1)
        level, slope, coming, _ = last[0] if last else (*state, 0.0)
        return level, slope, tuple(coming)

    def follow(self, state: State, values: np.ndarray) -> Iterator[tuple[float, float, list[float], float]]:
        """Level, slope, the seven coming weekdays and the surprise, day by day; one without a value moves nothing.

        The list of weekdays is the same each time, and moves on.
        """
        level, slope, season = state
        coming = list(season)
        for value in values.tolist():
            slope *= self.damping
            today = coming.pop(0)
            surprise = 0.0 if isnan(value) else value - level - slope - today
            level += slope + self.level * surprise
            slope += self.trend * surprise
            coming.append(today + self.season * (1 - self.level) * surprise)
            yield level, slope, coming, surprise


def first_state(values: np.ndarray) -> State:
    """Level and weekdays of the first four weeks, no slope; a weekday never seen there is like the mean."""
    values = values[: 4 * WEEK]
    level = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    days = [values[weekday::WEEK] for weekday in range(WEEK)]
    return level, 0.0, tuple(float(np.nanmean(day)) - level if np.isfinite(day).any() else 0.0 for day in days)
