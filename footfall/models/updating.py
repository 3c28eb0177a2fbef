"""What keeps forecasters honest from one day to the next: which are brought up to date, and which fitted anew."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.compose import EnsembleForecaster, TransformedTargetForecaster
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX

from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.series import FLOOR, WEEK

OUR_OWN = (
    "footfall.models.smoother",
    "footfall.models.ets",
    "footfall.models.boosted",
)  # whose `update` is tested to move the state


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

    A saved forecaster leaves the panel it learned from behind: see `footfall.models.boosted.Panel`.
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
