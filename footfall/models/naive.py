"""The forecast that must be beaten: next Friday will be like last Friday."""

from typing import Any, NamedTuple

import numpy as np
from sktime.forecasting.base import ForecastingHorizon

from footfall.models.forecaster import SeriesForecaster, names_of
from footfall.series import WEEK


class Week(NamedTuple):
    """What is known at the end of a day: the last value of each coming weekday, the sum and number of all values.

    Floats, or of a batch arrays of shape (n_series,).
    """

    coming: tuple[Any, ...] = (float("nan"),) * WEEK
    total: Any = 0.0
    days: Any = 0


class SeasonalNaive(SeriesForecaster):
    """The same weekday's last known value.

    Days without one, because nothing was published or the place was shut, are passed over; a weekday that never had
    a value is forecast as the mean of all days that had. Where nothing is missing it says what sktime's
    ``NaiveForecaster(strategy="last", sp=7)`` says, in a hundredth of its time.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, section 5.2.
    """

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "SeasonalNaive":
        self._name, self._week = names_of(y), Week()
        return self._update(y)

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "SeasonalNaive":
        last, total, days = self._weeks(y.to_numpy(float))
        self._week = Week(tuple(last[-WEEK:]), total[-1], days[-1])
        return self

    def _weeks(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Last values, sum and number of all, known now and after each new day.

        Shapes (n_days + 7, ...), those of the seven coming weekdays from any day on, and (n_days + 1, ...) twice.
        """
        known, shape = np.isfinite(values), values.shape[1:]
        before = (np.broadcast_to(part, shape)[None] for part in (self._week.total, self._week.days))
        new = np.where(known, values, 0.0), known
        total, days = (np.cumsum(np.concatenate(parts), axis=0) for parts in zip(before, new, strict=True))
        coming = [np.broadcast_to(value, shape) for value in self._week.coming]
        last = np.concatenate([np.stack(coming), values])
        for week in range(WEEK, len(last), WEEK):
            values = last[week : week + WEEK]
            last[week : week + WEEK] = np.where(np.isnan(values), last[week - WEEK :][: len(values)], values)
        return last, total, days

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`.

        A weekday never seen is like the mean of all days.
        """
        last, total, days = self._weeks(y.to_numpy(float))
        mean = (total / np.maximum(days, 1))[known][:, None]
        coming = last[known[:, None] + (ahead - 1) % WEEK]
        return np.asarray(np.where(np.isnan(coming), mean, coming))
