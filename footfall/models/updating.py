"""What keeps forecasters honest from one day to the next: which are brought up to date, and which fitted anew."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.compose import EnsembleForecaster, TransformedTargetForecaster
from sktime.forecasting.naive import NaiveForecaster
from sktime.forecasting.sarimax import SARIMAX

from footfall.models.boosted import Boosted, Panel
from footfall.models.ets import ETS
from footfall.models.naive import SeasonalNaive
from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import SeriesTransformer
from footfall.series import DAY, WEEK
from footfall.units import unit

Bridge = Callable[[pd.Series], pd.Series]
# Whose own `update` is tested to move the state.
FOLLOWING = (WeekdaySmoother, SeasonalNaive, ETS, Boosted, NaiveForecaster, SARIMAX)


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


def of_country(forecaster: BaseForecaster, country: str) -> BaseForecaster:
    """The recipe of a forecaster, unfitted, with the special days of a country."""
    named = [name for name in forecaster.get_params() if name.split("__")[-1] == "country"]
    return forecaster.clone().set_params(**dict.fromkeys(named, country))


def follows(forecaster: BaseForecaster) -> bool:
    """Whether the class's own ``update(..., update_params=False)`` is known to move its state to the new last day."""
    if isinstance(forecaster, TransformedTargetForecaster):
        *transformers, last = steps(forecaster)
        return follows(last) and all(isinstance(step, SeriesTransformer) for step in transformers)
    if isinstance(forecaster, EnsembleForecaster):
        return all(follows(member) for _, member in forecaster.forecasters_)
    return type(forecaster) in FOLLOWING


def predict(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> pd.Series:
    """Mean forecast of some days after the last one the forecaster knows, never below nobody at all."""
    ahead = (days - forecaster.cutoff[-1]).days
    mean = forecaster.predict(fh=ahead)
    return pd.Series(
        np.maximum(mean.to_numpy(float), unit(mean).floor), index=pd.DatetimeIndex(days, freq="D"), name="mean"
    )


def forecasts(forecaster: BaseForecaster, y: pd.Series, ends: pd.DatetimeIndex, horizon: int) -> np.ndarray:
    """What a fitted forecaster says from each of several days, with all that it learned in `fit` held.

    Days times horizon in one piece for those that can, our own, pipelines of our own transformers and means of such;
    any other is brought up to one day after the other.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted to no day after the first of `ends`; it is left as it is.
    y : Series
        The whole series. A forecast knows it up to the day it is made from.
    ends : DatetimeIndex
        The last day that each forecast knows, ascending.
    horizon : int
        Days to forecast after each.

    Returns
    -------
    ndarray, shape (n_ends, horizon)
        Never below nobody at all.

    Raises
    ------
    ValueError
        If the forecaster has already seen days after the first of `ends`.
    """
    if not _answers_at_once(forecaster) or ends[0] < forecaster.cutoff[-1]:
        return np.array([*_one_by_one(forecaster, y, ends, horizon)])
    first, known = forecaster.cutoff[-1] + DAY, (ends - forecaster.cutoff[-1]).days.to_numpy()
    new = _as_it_takes(forecaster, y, _carried).reindex(pd.date_range(first, ends[-1]))
    return np.asarray(np.maximum(_at_once(forecaster, new, known, horizon), unit(y).floor))


def _one_by_one(forecaster: BaseForecaster, y: pd.Series, ends: pd.DatetimeIndex, horizon: int) -> Iterator[np.ndarray]:
    for end in ends:
        forecaster = bring_up_to(forecaster, y[:end])
        yield predict(forecaster, pd.date_range(end + DAY, periods=horizon)).to_numpy()


def _answers_at_once(forecaster: BaseForecaster) -> bool:
    """Whether it, or each of its members, can be asked for many days together."""
    if isinstance(forecaster, EnsembleForecaster):
        plain = forecaster.aggfunc == "mean" and forecaster.weights is None
        return plain and all(_answers_at_once(member) for _, member in forecaster.forecasters_)
    *transformers, last = steps(forecaster)
    able = last.additive_week if isinstance(last, ETS) else hasattr(last, "forecasts")
    return able and all(isinstance(step, SeriesTransformer) for step in transformers)


def _at_once(forecaster: BaseForecaster, new: pd.Series, known: np.ndarray, horizon: int) -> np.ndarray:
    """Forecasts after so many of the new days each, shape (n_known, horizon)."""
    if isinstance(forecaster, EnsembleForecaster):
        members = [_at_once(member, new, known, horizon) for _, member in forecaster.forecasters_]
        return np.asarray(np.mean(members, axis=0))
    *transformers, last = steps(forecaster)
    transformers = copy.deepcopy(transformers)
    for step in transformers if len(new) else []:
        new = step.update(new, update_params=False).transform(new)
    values = last.forecasts(new, known, horizon)
    ahead = known[:, None] + np.arange(1, horizon + 1)
    flat = pd.Series(values.ravel(), index=forecaster.cutoff[-1] + ahead.ravel() * DAY)
    for step in reversed(transformers):
        flat = step.inverse_transform(flat)
    return np.asarray(flat.to_numpy().reshape(values.shape))


def without_gaps(y: pd.Series) -> pd.Series:
    """The series with its gaps bridged: the same weekday a week before, else a straight line."""
    return y.fillna(y.shift(WEEK)).interpolate(limit_direction="both")


def steps(forecaster: BaseForecaster) -> list[Any]:
    """The fitted steps of a pipeline in their order; of any other forecaster, itself."""
    piped = isinstance(forecaster, TransformedTargetForecaster)
    return [step for _, step in forecaster.steps_] if piped else [forecaster]


def _carried(y: pd.Series) -> pd.Series:
    """The same as each day knew it: of a later value no gap is bridged."""
    return y.fillna(y.shift(WEEK)).ffill()


def _as_it_takes(forecaster: BaseForecaster, y: pd.Series, bridged: Bridge = without_gaps) -> pd.Series:
    """Day by day, its gaps bridged for a class that cannot take them."""
    y = y.asfreq("D")
    return y if all(step.get_tag("capability:missing_values") for step in steps(forecaster)) else bridged(y)
