"""Why a day is forecast as it is: the parts a forecast adds up from, in the model's own scale."""

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster
from sktime.forecasting.compose import TransformedTargetForecaster

from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel
from footfall.models.updating import predict

NAMES = {KindOfDay: "kind of day", LastYearsTurn: "last year's turn"}


def parts(forecaster: BaseForecaster, days: pd.DatetimeIndex) -> pd.DataFrame:
    """What the forecast of each day is the sum of.

    Parameters
    ----------
    forecaster : BaseForecaster
        Fitted. One that does not know its parts has a single one, ``level``.
    days : DatetimeIndex
        Days after the last one it knows.

    Returns
    -------
    DataFrame, indexed by day
        ``level``, ``weekday``, ``kind of day``, ``last year's turn`` and, of a boosted one, ``learned``: logarithms of
        the level where the forecaster works on those, so that 0.01 is a hundredth more; else percentage points.
        `total` makes the forecast of their sum. Last year's turn counts from the last day known.
    """
    ahead = ((days - forecaster.cutoff[-1]).days).to_numpy()
    steps = _steps(forecaster)
    if isinstance(steps[-1], WeekdaySmoother):
        return _of_steps(steps, days, ahead, forecaster.cutoff)
    if hasattr(forecaster, "parts"):
        return forecaster.parts(ahead).set_axis(days)
    return predict(forecaster, days).rename("level").to_frame()


def _steps(forecaster: BaseForecaster) -> list:
    return [s for _, s in forecaster.steps_] if isinstance(forecaster, TransformedTargetForecaster) else [forecaster]


def _of_steps(steps: list, days: pd.DatetimeIndex, ahead: np.ndarray, cutoff: pd.DatetimeIndex) -> pd.DataFrame:
    *before, smoother = steps
    found = smoother.parts(ahead) | {NAMES[type(step)]: step._of(days) for step in before if type(step) in NAMES}
    for step in before:
        if isinstance(step, LastYearsTurn):
            found["level"] = found["level"] + step._of(cutoff)[0]
            found["last year's turn"] = found["last year's turn"] - step._of(cutoff)[0]
    return pd.DataFrame(found, index=days)


def in_logarithms(forecaster: BaseForecaster) -> bool:
    """Whether the parts are logarithms of the level, rather than percentage points."""
    steps = _steps(forecaster)
    if isinstance(steps[-1], WeekdaySmoother):
        return any(isinstance(step, LogLevel) for step in steps)
    return hasattr(forecaster, "parts")  # of any other there is one part: the forecast itself, in percent


def total(found: pd.DataFrame, logarithms: bool) -> pd.Series:
    """The forecast in percent that the parts add up to."""
    together = found.sum(axis=1)
    return 100 * np.expm1(together) if logarithms else together
