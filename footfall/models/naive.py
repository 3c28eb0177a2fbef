"""The forecast that must be beaten: next Friday will be like last Friday."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sktime.forecasting.base import ForecastingHorizon

from footfall.calendar import Country, special
from footfall.models.forecaster import SeriesForecaster, names_of
from footfall.models.transforms import as_in
from footfall.series import DAY, WEEK


class Week(NamedTuple):
    """The last value of each coming weekday, as known at the end of a day: floats, or of a batch arrays of (n_series,).

    ``total`` and ``days`` are in files of models that were saved before, and nothing asks for them.
    """

    coming: tuple[Any, ...] = (float("nan"),) * WEEK
    total: Any = 0.0
    days: Any = 0

    def weeks(self, values: np.ndarray) -> np.ndarray:
        """Last values, shape (n_days + 7, ...): those of the seven coming weekdays from any of some new days on."""
        coming = [np.broadcast_to(value, values.shape[1:]) for value in self.coming]
        last = np.concatenate([np.stack(coming), values])
        for week in range(WEEK, len(last), WEEK):
            values = last[week : week + WEEK]
            last[week : week + WEEK] = np.where(np.isnan(values), last[week - WEEK :][: len(values)], values)
        return last

    def after(self, values: np.ndarray) -> "Week":
        """That at the end of some new days."""
        return Week(tuple(self.weeks(values)[-WEEK:]))


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
        self._week = self._week.after(y.to_numpy(float))
        return self

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`.

        A weekday never seen is like the mean of the last week of those that were.
        """
        weeks = self._week.weeks(y.to_numpy(float))[known[:, None] + np.arange(WEEK)]
        seen = np.isfinite(weeks)
        mean = np.where(seen, weeks, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        coming = weeks[:, (ahead - 1) % WEEK]
        return np.asarray(np.where(np.isnan(coming), mean[:, None], coming))


class OrdinaryNaive(SeasonalNaive):
    """The same, of an ordinary day the last ordinary one: what is published where nothing better is known.

    The Friday after 25 December would else be forecast as one of nearly nobody. A special day is what its parent says,
    which is right of 1 January a week after Christmas; so is a weekday of which no ordinary day is known.

    Parameters
    ----------
    country : str or Countries
        ISO 3166 code: whose special days are passed over; or one for each series of a batch.
    """

    def __init__(self, country: Country):
        self.country = country
        super().__init__()

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "SeasonalNaive":
        self._ordinary = Week()
        return super()._fit(y, X, fh)

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "SeasonalNaive":
        self._ordinary = self._ordinary.after(self._without_special(y))
        return super()._update(y)

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        every = super().forecasts(y, known, ahead)
        weeks = self._ordinary.weeks(self._without_special(y))
        days = pd.DatetimeIndex(self.cutoff[-1] + (known[:, None] + ahead).ravel() * DAY)
        values = every.reshape(len(days), *every.shape[2:])
        ordinary = weeks[known[:, None] + (ahead - 1) % WEEK].reshape(values.shape)
        stays = as_in(values, special(days, self.country)) | np.isnan(ordinary)
        return np.where(stays, values, ordinary).reshape(every.shape)

    def _without_special(self, y: Any) -> np.ndarray:
        return np.where(as_in(y, special(y.index, self.country)), np.nan, y.to_numpy(float))
