"""The forecast that must be beaten: next Friday will be like last Friday."""

from collections.abc import Iterator
from math import isnan
from typing import NamedTuple

import numpy as np
import pandas as pd
from sktime.forecasting.base import ForecastingHorizon

from footfall.models.forecaster import SeriesForecaster
from footfall.series import WEEK


class Week(NamedTuple):
    """What is known at the end of a day: the last value of each coming weekday, the sum and number of all values."""

    coming: tuple[float, ...] = (float("nan"),) * WEEK
    total: float = 0.0
    days: int = 0

    def after(self, value: float) -> "Week":
        """A day later; one without a value passes its weekday's last value on."""
        today, *others = self.coming
        if isnan(value):
            return self._replace(coming=(*others, today))
        return Week((*others, value), self.total + value, self.days + 1)

    def filled(self) -> list[float]:
        """The coming weekdays; one never known is like the mean."""
        mean = self.total / max(self.days, 1)
        return [mean if isnan(value) else value for value in self.coming]


class SeasonalNaive(SeriesForecaster):
    """The same weekday's last known value.

    Days without one, because nothing was published or the place was shut, are passed over; a weekday that never had
    a value is forecast as the mean of all days that had. Where nothing is missing it says what sktime's
    ``NaiveForecaster(strategy="last", sp=7)`` says, in a hundredth of its time.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, section 5.2.
    """

    def _fit(self, y: pd.Series, X: None, fh: ForecastingHorizon) -> "SeasonalNaive":
        self._name, self._week = y.name, Week()
        return self._update(y)

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "SeasonalNaive":
        *_, self._week = self._weeks(y)
        return self

    def _predict(self, fh: ForecastingHorizon, X: None) -> pd.Series:
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        values = self.forecasts(pd.Series(dtype=float), np.zeros(1, int), ahead.max())[0, ahead - 1]
        return pd.Series(values, index=fh.to_absolute_index(self.cutoff), name=self._name)

    def _weeks(self, y: pd.Series) -> Iterator[Week]:
        """What is known now, and after each new day."""
        week = self._week
        yield week
        for value in y.to_numpy(float).tolist():
            week = week.after(value)
            yield week

    def forecasts(self, y: pd.Series, known: np.ndarray, horizon: int) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        coming = np.array([week.filled() for week in self._weeks(y)])[known]
        return np.asarray(coming[:, np.arange(horizon) % WEEK])
