"""The forecasters, and what keeps them honest from one day to the next.

sktime forecasters all; they follow new days with their parameters held (`update(..., update_params=False)`).
"""

import copy
import enum
import io
import pickle
import zipfile
from collections import deque
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sktime.base import load as load_sktime
from sktime.forecasting.base import BaseForecaster, ForecastingHorizon
from sktime.forecasting.compose import EnsembleForecaster, TransformedTargetForecaster
from sktime.forecasting.exp_smoothing import ExponentialSmoothing
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX

from footfall.series import WEEK
from footfall.transforms import KindOfDay, LastYearsTurn, LogLevel, plain

# The default of sktime 1.3, taken early as its own warning at every construction and clone advises: forecasters keep
# what they need of the data, not a second copy of it. (A warnings filter does not last: sktime resets it.)
BaseForecaster._config = {**BaseForecaster._config, "remember_data": False}

OUR_OWN = ("footfall.models", "footfall.boosted")  # whose `update` is tested to move the state
FLOOR = -100.0  # percent: nobody came


class WeekdaySmoother(BaseForecaster):
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

    _tags: ClassVar = {
        "authors": "footfall",
        "maintainers": "footfall",
        "capability:exogenous": False,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:update": True,
        "requires-fh-in-fit": False,
        "y_inner_mtype": "pd.Series",
    }

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

    def _check_X_y(self, X: Any = None, y: Any = None, **asked: Any) -> tuple:
        """As sktime does, at once for a plain series: see `footfall.transforms.OfDays`."""
        if X is not None or (series := plain(y)) is None:
            return super()._check_X_y(X, y, **asked)
        self._y_metadata = {"mtype": "pd.Series", "scitype": "Series"}
        return None, series

    def _set_cutoff_from_y(self, y: pd.Series) -> None:
        """As sktime does, at once for a plain series; of many series, or of none, the end is sktime's to find."""
        if plain(y) is None or y.empty:
            super()._set_cutoff_from_y(y)
        else:
            self._set_cutoff(y.index[-1:])

    def _fit(self, y: pd.Series, X: None, fh: ForecastingHorizon) -> "WeekdaySmoother":
        recent = y.to_numpy(float)[-self.days :]
        self._name = y.name
        self.smoothed_ = self._follow(first_state(recent[: 4 * WEEK]), recent)
        return self

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "WeekdaySmoother":
        self.smoothed_ = self._follow(self.smoothed_, y.to_numpy(float))
        return self

    def _predict(self, fh: ForecastingHorizon, X: None) -> pd.Series:
        ahead = fh.to_relative(self.cutoff).to_numpy().astype(int)
        found = self.parts(ahead)
        return pd.Series(found["level"] + found["weekday"], index=fh.to_absolute_index(self.cutoff), name=self._name)

    def parts(self, ahead: np.ndarray) -> dict[str, np.ndarray]:
        """What the forecasts of some days ahead are the sum of: the level with its slope, and the weekday."""
        level, slope, season = self.smoothed_
        slopes = np.cumsum(self.damping ** np.arange(1, ahead.max() + 1)) * slope
        return {"level": level + slopes[ahead - 1], "weekday": np.array(season)[(ahead - 1) % WEEK]}

    def _follow(self, state: tuple, values: np.ndarray) -> tuple:
        """Level, slope and the seven coming weekdays after `values`."""
        last = deque(self.follow(state, values), maxlen=1)
        level, slope, coming, _ = last[0] if last else (*state, 0.0)
        return level, slope, tuple(coming)

    def follow(self, state: tuple, values: np.ndarray) -> Iterator[tuple[float, float, list[float], float]]:
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


def first_state(values: np.ndarray) -> tuple:
    """Level and weekdays of the first weeks, no slope; a weekday never seen there is like the mean."""
    level = float(np.nanmean(values)) if np.isfinite(values).any() else 0.0
    days = [values[weekday::WEEK] for weekday in range(WEEK)]
    return level, 0.0, tuple(float(np.nanmean(day)) - level if np.isfinite(day).any() else 0.0 for day in days)


class ETS(ExponentialSmoothing):
    """sktime's `ExponentialSmoothing`, whose stock `update` keeps the stale state, made to follow new days.

    With ``update_params=False`` the fitted gains and first state are held and the smoother runs over all days seen.
    Takes the parameters of its parent.
    """

    _cur_y: pd.Series
    _fitted_forecaster: Any

    def _update(self, y: pd.Series, X: None = None, update_params: bool = True) -> "ETS":
        seen = y.combine_first(self._cur_y).asfreq(self._cur_y.index.freq)
        if update_params:
            return self._fit(seen, None, self._fh)
        held = self.clone().set_params(**_held(self._fitted_forecaster.params)).fit(seen)
        self._cur_y, self._fitted_forecaster = seen, held._fitted_forecaster
        return self


def _held(params: dict) -> dict:
    """Parameters that make `ExponentialSmoothing` estimate nothing: gains and first state as fitted."""
    gains = (
        "smoothing_level",
        "smoothing_trend",
        "smoothing_seasonal",
        "damping_trend",
        "initial_level",
        "initial_trend",
    )
    fitted = {name: params[name] for name in gains if pd.notna(params[name])}
    if len(params["initial_seasons"]):
        fitted["initial_seasonal"] = params["initial_seasons"]
    return {**fitted, "optimized": False, "initialization_method": "known"}


def fit(forecaster: BaseForecaster, y: pd.Series) -> BaseForecaster:
    """A fitted copy of a forecaster.

    Parameters
    ----------
    forecaster : BaseForecaster
        Any sktime forecaster of one series; it is left as it is, whatever it was fitted to before.
    y : Series
        One daily series, as `footfall.series.pick` gives it. Gaps are bridged for classes that cannot take them.
    """
    return copy.copy(forecaster).fit(_bearable(forecaster, y))  # which resets the copy, and gives it parts of its own


def bring_up_to(forecaster: BaseForecaster, y: pd.Series) -> BaseForecaster:
    """A copy of a fitted forecaster that knows `y` and forecasts from its last day.

    What was learned in `fit` is held and only the state moves, where the class is known to do that rightly. Every
    other class, sktime's `AutoETS`, `ARIMA` and `ThetaForecaster` among them, is fitted anew to all of `y`: their
    `update` keeps the stale state, or returns the old forecast under new dates.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted; it is left as it is.
    y : Series
        The whole visible series, the days it was fitted to included.

    Raises
    ------
    ValueError
        If the forecaster has already seen days after the last of `y`: it would know the future.
    """
    seen = forecaster.cutoff[-1]
    if seen > y.index[-1]:
        raise ValueError(f"the forecaster was fitted to {seen:%Y-%m-%d}, the series ends on {y.index[-1]:%Y-%m-%d}")
    if not follows(forecaster):
        return fit(forecaster, y)
    forecaster = copy.deepcopy(forecaster)
    news = _bearable(forecaster, y)[seen:].iloc[1:]
    return forecaster.update(news, update_params=False) if len(news) else forecaster


def of_today(forecaster: BaseForecaster, panel: Any) -> BaseForecaster:
    """The recipe of a loaded forecaster, learning from today's panel where it learns from one.

    A saved forecaster leaves the panel it learned from behind: see `footfall.boosted.Panel`.
    """
    held = forecaster.get_params()
    wanted = [name for name in held if name.rpartition("__")[2] == "panel" and held[name] is not None]
    return forecaster.clone().set_params(**dict.fromkeys(wanted, panel))


def follows(forecaster: BaseForecaster) -> bool:
    """Whether the class's own ``update(..., update_params=False)`` is known to move its state to the new last day."""
    if isinstance(forecaster, TransformedTargetForecaster):
        *before, (_, last) = forecaster.steps_
        return follows(last) and all(isinstance(step, LogLevel | KindOfDay | LastYearsTurn) for _, step in before)
    if isinstance(forecaster, EnsembleForecaster):
        return all(follows(part) for _, part in forecaster.forecasters_)
    return type(forecaster) in (NaiveForecaster, SARIMAX) or type(forecaster).__module__ in OUR_OWN


def predict(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> pd.Series:
    """Mean forecast of some days after the last one the forecaster knows, never below −100 %."""
    ahead = (days - forecaster.cutoff[-1]).days
    said = forecaster.predict(fh=ahead).to_numpy(float)
    return pd.Series(np.maximum(said, FLOOR), index=pd.DatetimeIndex(days, freq="D"), name="mean")


def filled(y: pd.Series) -> pd.Series:
    """The series with its gaps bridged: the same weekday a week before, else a straight line."""
    return y.fillna(y.shift(WEEK)).interpolate(limit_direction="both")


def _bearable(forecaster: BaseForecaster, y: pd.Series) -> pd.Series:
    y = y.asfreq("D")
    parts = (
        [step for _, step in forecaster.steps_] if isinstance(forecaster, TransformedTargetForecaster) else [forecaster]
    )
    return y if all(part.get_tag("capability:missing_values") for part in parts) else filled(y)


def save(forecaster: BaseForecaster, path: str | Path) -> None:
    """Write a forecaster in sktime's own saved form, a zip; equal forecasters give equal bytes.

    Members are those of `BaseForecaster.save`, but dated alike, so that the file's sha256 names the model.

    Parameters
    ----------
    path : str or Path
        File to write, ending in ``.zip``.
    """
    with zipfile.ZipFile(path, "w") as file:
        for name, member in (("_metadata", type(forecaster)), ("_obj", forecaster)):
            file.writestr(zipfile.ZipInfo(name), _pickled(member))


def _pickled(member: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(member)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Forgets what pandas happened to have cached in its dates, which it would otherwise pickle with them.

    Members of an enum go by value, as by default in all our Pythons but 3.11.2, Debian 12's, which would name them.
    """

    def reducer_override(self, obj: object) -> Any:
        if isinstance(obj, enum.Enum):
            return type(obj), (obj.value,)
        if isinstance(obj, pd.arrays.DatetimeArray):
            getattr(obj, "_cache", {}).clear()
        return NotImplemented


def load(path: str | Path) -> BaseForecaster:
    """The forecaster in a file that `save` wrote. Unpickles: only for files whose sha256 is known."""
    return load_sktime(Path(path))
