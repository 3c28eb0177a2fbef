"""What keeps forecasters honest from one day to the next: which are brought up to date, and which fitted anew."""

import copy
from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.compose import EnsembleForecaster, TransformedTargetForecaster
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX

from footfall.models.boosted import Boosted, Panel
from footfall.models.ets import ETS
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import SeriesTransformer
from footfall.series import FLOOR, WEEK

# Whose own `update` is tested to move the state.
FOLLOWING = (WeekdaySmoother, ETS, Boosted, NaiveForecaster, SARIMAX)


def fit(forecaster: BaseForecaster, y: pd.Series) -> BaseForecaster:
    """A fitted copy of a forecaster.

    Parameters
    ----------
    forecaster : BaseForecaster
        Any sktime forecaster of one series; it is left as it is, whatever it was fitted to before.
    y : Series
        One daily series, as `footfall.series.pick` gives it. Gaps are bridged for classes that cannot take them.
    """
    # `fit` resets the copy, and gives it parts of its own.
    return copy.copy(forecaster).fit(_as_it_takes(forecaster, y))


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
    last = forecaster.cutoff[-1]
    if last > y.index[-1]:
        raise ValueError(f"the forecaster was fitted to {last:%Y-%m-%d}, the series ends on {y.index[-1]:%Y-%m-%d}")
    if not follows(forecaster):
        return fit(forecaster, y)
    forecaster = copy.deepcopy(forecaster)
    new_days = _as_it_takes(forecaster, y)[last:].iloc[1:]
    return forecaster.update(new_days, update_params=False) if len(new_days) else forecaster


def with_panel(forecaster: BaseForecaster, panel: Panel) -> BaseForecaster:
    """The recipe of a loaded forecaster, unfitted, learning from this panel where it learns from one.

    A saved forecaster leaves the panel it learned from behind: see `footfall.models.boosted.Panel`.
    """
    parameters = forecaster.get_params()
    panels = [name for name, value in parameters.items() if name.split("__")[-1] == "panel" and value is not None]
    return forecaster.clone().set_params(**dict.fromkeys(panels, panel))


def follows(forecaster: BaseForecaster) -> bool:
    """Whether the class's own ``update(..., update_params=False)`` is known to move its state to the new last day."""
    if isinstance(forecaster, TransformedTargetForecaster):
        *transformers, last = steps(forecaster)
        return follows(last) and all(isinstance(step, SeriesTransformer) for step in transformers)
    if isinstance(forecaster, EnsembleForecaster):
        return all(follows(member) for _, member in forecaster.forecasters_)
    return type(forecaster) in FOLLOWING


def predict(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> pd.Series:
    """Mean forecast of some days after the last one the forecaster knows, never below −100 %."""
    ahead = (days - forecaster.cutoff[-1]).days
    mean = forecaster.predict(fh=ahead).to_numpy(float)
    return pd.Series(np.maximum(mean, FLOOR), index=pd.DatetimeIndex(days, freq="D"), name="mean")


def without_gaps(y: pd.Series) -> pd.Series:
    """The series with its gaps bridged: the same weekday a week before, else a straight line."""
    return y.fillna(y.shift(WEEK)).interpolate(limit_direction="both")


def steps(forecaster: BaseForecaster) -> list[Any]:
    """The fitted steps of a pipeline in their order; of any other forecaster, itself."""
    piped = isinstance(forecaster, TransformedTargetForecaster)
    return [step for _, step in forecaster.steps_] if piped else [forecaster]


def _as_it_takes(forecaster: BaseForecaster, y: pd.Series) -> pd.Series:
    """Day by day, its gaps bridged for a class that cannot take them."""
    y = y.asfreq("D")
    return y if all(step.get_tag("capability:missing_values") for step in steps(forecaster)) else without_gaps(y)
