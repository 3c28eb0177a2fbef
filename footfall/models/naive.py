"""The forecast that must be beaten: next Friday will be like last Friday."""

from typing import Any, NamedTuple

import numpy as np
from sktime.forecasting.base import ForecastingHorizon

from footfall.models.forecaster import SeriesForecaster, names_of
from footfall.series import WEEK


class Week(NamedTuple):
    """The last value of each coming weekday, as known at the end of a day: floats, or of a batch arrays of (n_series,).

    ``total`` and ``days`` are in files of models that were saved before, and nothing asks for them.
    """

    coming: tuple[Any, ...] = (float("nan"),) * WEEK
    total: Any = 0.0
    days: Any = 0


class SeasonalNaive(SeriesForecaster):
    """The same weekday's last known value.

    Days without one, because nothing was published or the place was shut, are passed over; a weekday that never had
    a value is forecast as the mean of those that had, their last ones. Where nothing is missing it says what sktime's
    ``NaiveForecaster(strategy="last", sp=7)`` says, in a hundredth of its time.

    References
    ----------
    Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, section 5.2.
    """

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "SeasonalNaive":
        self._name, self._week = names_of(y), Week()
        return self._update(y)

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "SeasonalNaive":
        self._week = Week(tuple(self._weeks(y.to_numpy(float))[-WEEK:]))
        return self

    def _weeks(self, values: np.ndarray) -> np.ndarray:
        """Last values, shape (n_days + 7, ...): those of the seven coming weekdays from any day on."""
        coming = [np.broadcast_to(value, values.shape[1:]) for value in self._week.coming]
        last = np.concatenate([np.stack(coming), values])
        for week in range(WEEK, len(last), WEEK):
            values = last[week : week + WEEK]
            last[week : week + WEEK] = np.where(np.isnan(values), last[week - WEEK :][: len(values)], values)
        return last

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`.

        A weekday never seen is like the mean of the last week of those that were.
        """
        weeks = self._weeks(y.to_numpy(float))[known[:, None] + np.arange(WEEK)]
        seen = np.isfinite(weeks)
        mean = np.where(seen, weeks, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        coming = weeks[:, (ahead - 1) % WEEK]
        return np.asarray(np.where(np.isnan(coming), mean[:, None], coming))
