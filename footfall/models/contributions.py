"""Why a day is forecast as it is: the parts a forecast adds up from, in the model's own scale."""

import numpy as np
import pandas as pd
from sktime.forecasting.base import BaseForecaster

from footfall.models.smoother import WeekdaySmoother
from footfall.models.transforms import KindOfDay, LastYearsTurn, LogLevel, logarithm_of_level
from footfall.models.updating import predict, steps
from footfall.units import PERCENT, UNITS, Unit

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
        the level where the forecaster works on those, so that 0.01 is a hundredth more, and of counts the logarithm of
        the number itself is their sum; else in the unit of the series. `total` makes the forecast of their sum. Last
        year's turn counts from the last day known.
    """
    ahead = ((days - forecaster.cutoff[-1]).days).to_numpy()
    if isinstance(steps(forecaster)[-1], WeekdaySmoother):
        return _of_steps(forecaster, days, ahead)
    if hasattr(forecaster, "parts"):
        return forecaster.parts(ahead).set_axis(days)
    return predict(forecaster, days).rename("level").to_frame()


def _of_steps(forecaster: BaseForecaster, days: pd.DatetimeIndex, ahead: np.ndarray) -> pd.DataFrame:
    *transformers, smoother = steps(forecaster)
    table = pd.DataFrame(smoother.parts(ahead), index=days)
    for step in transformers:
        if type(step) in NAMES:
            table[NAMES[type(step)]] = step.on(days)
        if isinstance(step, LastYearsTurn):
            turn = step.on(forecaster.cutoff)[0]
            table["level"] += turn
            table["last year's turn"] -= turn
        if isinstance(step, LogLevel):
            table["level"] += logarithm_of_level(UNITS[step.unit_], step.level_)
    return table


def in_logarithms(forecaster: BaseForecaster) -> bool:
    """Whether the parts are logarithms of the level, rather than in the unit of the series."""
    if isinstance(steps(forecaster)[-1], WeekdaySmoother):
        return any(isinstance(step, LogLevel) for step in steps(forecaster))
    return hasattr(forecaster, "parts")  # of any other there is one part: the forecast itself


def total(table: pd.DataFrame, logarithms: bool, of: Unit = PERCENT) -> pd.Series:
    """The forecast, in the unit of the series, that the parts add up to."""
    added = table.sum(axis=1)
    return of.of_logarithm(added, 1.0) if logarithms else added
