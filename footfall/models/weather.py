"""What the weather does to a day: put on top of what a forecaster says, from what was issued by the day it says it.

Two things are looked at: how much it rains, and how far the day's highest temperature is from a mild one. What they do
is learned of the last 400 days, from how a day differed from the same weekdays around it; it is drawn towards nothing
the less sure it is, and counts the less the farther ahead a day is.
"""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon

from footfall.calendar import Country, alike, special
from footfall.models import contributions
from footfall.models.forecaster import SeriesForecaster, names_of
from footfall.models.transforms import LogLevel, as_in, median_of_near_weekdays
from footfall.models.updating import fit, followed, forecasts_after
from footfall.series import DAY, WEEK, since_1970
from footfall.sources.weather import COLUMNS
from footfall.units import unit

DAYS, FEWEST = 400, 365  # that are learned from, and days of weather among them below which nothing is
RECENT = 2 * WEEK  # days whose weather the level has taken in: that of a coming day is measured against theirs
BY_LEAD = np.array([1.0, 1.0, 0.9, 0.8, 0.7, 0.6])  # how much of it is believed, of today's and that of five days ahead
MOST_RAIN, MILD, SCALE = 10.0, 15.0, 10.0  # mm, beyond which more rain does no more; °C of a mild day; °C
LARGEST = 0.7  # departure of a day, as logarithm; larger ones count as this


class Weather:
    """The weather of a place as it was issued, day by day. It is never copied.

    Parameters
    ----------
    table : DataFrame, optional
        Columns as in `footfall.sources.weather.COLUMNS`; none: nothing is known.
    """

    def __init__(self, table: pd.DataFrame | None = None):
        rows = pd.DataFrame(columns=COLUMNS, dtype=float) if table is None else table.sort_values(["issued", "date"])
        self._issued, self._date = (since_1970(pd.DatetimeIndex(rows[name])) for name in ("issued", "date"))
        rain, mild = rows["rain_mm"].clip(upper=MOST_RAIN) / MOST_RAIN, ((rows["temperature"] - MILD) / SCALE) ** 2
        self._values = np.stack([rain.to_numpy(float), mild.to_numpy(float)], axis=1)

    @classmethod
    def read(cls, path: str | Path) -> "Weather":
        """That of a Parquet file; nothing where `path` is empty."""
        return cls(pd.read_parquet(path) if path else None)

    def known(self, day: pd.Timestamp, first: pd.Timestamp, days: int) -> tuple[np.ndarray, np.ndarray]:
        """What was known by the end of a day of some consecutive days: of each the last that was issued by then.

        Parameters
        ----------
        day, first : Timestamp
            The day of the forecast, and the first that is asked for.
        days : int
            How many are.

        Returns
        -------
        values : ndarray, shape (days, 2)
            Rain, 0 to 1, and the square of tens of degrees from a mild day; NaN where nothing is known.
        lead : ndarray of float, shape (days,)
            Days from the issue to the day, less than nought where that was over.
        """
        end = int(np.searchsorted(self._issued, since_1970(pd.DatetimeIndex([day]))[0], side="right"))
        at = self._date[:end] - since_1970(pd.DatetimeIndex([first]))[0]
        inside = (at >= 0) & (at < days) & np.isfinite(self._values[:end]).all(axis=1)  # a blank takes nothing back
        values, lead = np.full((days, 2), np.nan), np.full(days, np.nan)
        values[at[inside]] = self._values[:end][inside]  # of several the last counts, which was issued last
        lead[at[inside]] = (self._date[:end] - self._issued[:end])[inside]
        return values, lead

    def and_then(self, later: "Weather") -> "Weather":
        """This with what was issued later."""
        both, every = Weather(), (self, later)
        issued = np.concatenate([each._issued for each in every])
        order = np.argsort(issued, kind="stable")
        both._issued, both._date = issued[order], np.concatenate([each._date for each in every])[order]
        both._values = np.concatenate([each._values for each in every])[order]
        return both

    def __deepcopy__(self, memo: dict[int, Any]) -> "Weather":
        return self


class WithWeather(SeriesForecaster):
    """A forecaster whose forecasts take in the weather that was foreseen on their day.

    Parameters
    ----------
    country : str or Countries
        ISO 3166 code: whose special days nothing is learned from; or one for each series of a batch.
    forecaster : BaseForecaster
        One of our own that knows its parts as logarithms of the level, such as ``LogLevel() * WeekdaySmoother()``.
    weather : Weather
        As it was issued; of later days it may hold anything, a forecast takes only what was known on its day.
    lag : int
        Days between a day and its publication: a forecast is made so many days after the last one it knows.

    Attributes
    ----------
    effects_ : ndarray, shape (2,) or (2, n_series)
        What rain and temperature do, as logarithm of the level; nought where less than a year of weather is known.
    """

    def __init__(self, country: Country, forecaster: BaseForecaster, weather: Weather, lag: int = 0):
        self.country = country
        self.forecaster = forecaster
        self.weather = weather
        self.lag = lag
        super().__init__()

    def _fit(self, y: Any, X: None, fh: ForecastingHorizon) -> "WithWeather":
        self._name, self._floor = names_of(y), unit(y).floor
        self.forecaster_ = fit(self.forecaster, y)
        self.effects_ = self._learned(y.iloc[-DAYS:], unit(y).level(y))
        return self

    def _update(self, y: Any, X: None = None, update_params: bool = True) -> "WithWeather":
        self.forecaster_ = followed(self.forecaster_, y)
        return self

    def _learned(self, y: Any, level: Any) -> np.ndarray:
        given, _ = self.weather.known(y.index[-1] + self.lag * DAY, y.index[0], len(y))
        values = LogLevel().to_logarithm(y.to_numpy(float), unit(y), level)
        effects = np.zeros((2, *values.shape[1:]))
        if np.isfinite(given).all(axis=1).sum() < FEWEST:
            return effects
        for some, odd in alike(special(y.index, self.country)):
            own = np.where(as_in(y, ~odd), values[:, some] if values.ndim > 1 else values, np.nan)
            departure = np.clip(own - median_of_near_weekdays(own, ~odd), -LARGEST, LARGEST)
            effects[..., some] = shrunken_slopes(given - median_of_near_weekdays(given, ~odd), departure)
        return effects

    def forecasts(self, y: Any, known: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """Forecasts after some of the new days `y`, see `footfall.models.updating.forecasts`."""
        effect = np.stack([self._effects(self.cutoff[-1] + days * DAY, ahead).sum(axis=1) for days in known])
        values = forecasts_after(self.forecaster_, y, known, ahead)
        return np.asarray((values - self._floor) * np.exp(effect) + self._floor)

    def parts(self, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What the forecasts of some days ahead are the sum of, as logarithm of the value; (n_days, n_series) each.

        Those of the forecaster, ``rain`` where more of it is foreseen than there was of late, ``dry`` where less, and
        ``temperature``.
        """
        of_days = contributions.parts(self.forecaster_, self.cutoff[-1] + pd.to_timedelta(ahead, "D"))
        rain, temperature = self._effects(self.cutoff[-1], ahead).reshape(len(ahead), 2, -1).swapaxes(0, 1)
        wetter = self._weather(self.cutoff[-1], ahead)[:, :1] > 0
        own = {"rain": np.where(wetter, rain, 0.0), "dry": np.where(wetter, 0.0, rain), "temperature": temperature}
        return of_days | own

    def without_rain(self, y: pd.DataFrame) -> pd.DataFrame:
        """A batch as each day would have been in the mean of their rain, as known on the day of the forecast."""
        given, _ = self.weather.known(self.cutoff[-1] + self.lag * DAY, y.index[0], len(y))
        effect = np.nan_to_num(given - _mean(given))[:, :1] * self.effects_.reshape(2, -1)[0]
        return (y - self._floor) * np.exp(-effect) + self._floor

    def _effects(self, end: pd.Timestamp, ahead: np.ndarray) -> np.ndarray:
        """What rain and temperature add to some days after one, shape (n_days, 2) or (n_days, 2, n_series)."""
        weather = self._weather(end, ahead)
        return np.asarray(weather.reshape(*weather.shape, *[1] * (self.effects_.ndim - 1)) * self.effects_)

    def _weather(self, end: pd.Timestamp, ahead: np.ndarray) -> np.ndarray:
        """How different it is foreseen to be from that of the last days, as far as that is believed; else nought."""
        first, days = end - (RECENT - 1) * DAY, RECENT + int(ahead.max(initial=0))
        values, lead = self.weather.known(end + self.lag * DAY, first, days)
        at = RECENT - 1 + ahead
        believed = np.append(BY_LEAD, 0.0)[np.nan_to_num(lead[at], nan=np.inf).clip(0, len(BY_LEAD)).astype(int)]
        return np.asarray(np.nan_to_num((values[at] - _mean(values[:RECENT])) * believed[:, None]))


def _mean(values: np.ndarray) -> np.ndarray:
    """Of the days that are known; of none, NaN."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def shrunken_slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least squares without a constant, each slope drawn towards nought by how unsure it is.

    By the share that its variance has of its square, never beyond nought.

    Parameters
    ----------
    x : ndarray, shape (n_days, n_slopes)
    y : ndarray, shape (n_days,) or (n_days, n_series)
        NaN does not count.

    Returns
    -------
    ndarray, shape (n_slopes,) or (n_slopes, n_series)
    """
    each = y.reshape(len(y), -1)
    known = np.isfinite(each) & np.isfinite(x).all(axis=1)[:, None]
    x, each, count = np.nan_to_num(x), np.where(known, each, 0.0), known.sum(axis=0)
    inverse = np.linalg.pinv(np.einsum("tk,tl,ts->skl", x, x, known.astype(float)))
    slope = np.einsum("skl,tl,ts->ks", inverse, x, each)
    error = np.where(known, each - x @ slope, 0.0)
    variance = (error**2).sum(axis=0) / np.maximum(count - len(slope), 1) * np.einsum("skk->ks", inverse)
    kept = np.divide(variance, slope**2, out=np.ones_like(slope), where=slope != 0)
    return np.asarray((slope * np.maximum(1 - kept, 0.0)).reshape(-1, *y.shape[1:]))


def as_of(forecaster: BaseForecaster, origin: pd.Timestamp) -> BaseForecaster:
    """The same fitted forecaster, which goes by the weather issued until a day, however old its figures are then."""
    if not isinstance(forecaster, WithWeather):
        return forecaster
    forecaster = copy.copy(forecaster)
    forecaster.lag = (origin - forecaster.cutoff[-1]).days
    return forecaster


def without_rain(forecaster: BaseForecaster, y: pd.DataFrame) -> pd.DataFrame:
    """A batch without what a fitted forecaster knows that rain did to its days; as it is, where it knows nothing."""
    return forecaster.without_rain(y) if isinstance(forecaster, WithWeather) else y


def with_weather(forecaster: BaseForecaster, weather: Weather) -> BaseForecaster:
    """The same forecaster, where it takes in the weather, with what was issued since; fitted, if it was."""
    if not isinstance(forecaster, WithWeather):
        return forecaster
    forecaster = copy.copy(forecaster)
    forecaster.weather = forecaster.weather.and_then(weather)
    return forecaster
